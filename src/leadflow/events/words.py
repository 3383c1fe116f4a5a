"""An event in words, for rows and notebooks: what it says beyond its times, in one line, without what says nothing."""

from datetime import date, datetime
from typing import Any

import attrs

from leadflow.assessment import Evidence
from leadflow.discovery import Discovery, Learned
from leadflow.events.base import Event, Opening
from leadflow.fields import Fields
from leadflow.money import Money
from leadflow.party import Company, Person

__all__ = ["details"]

_TIMES = frozenset(attribute.name for attribute in attrs.fields(Opening))


def details(event: Event) -> str:
    """
    Return what an event says, attribute by attribute; those that are as by default are left out.

    >>> from datetime import UTC
    >>> from leadflow.dealparts import LOSS_REASONS
    >>> from leadflow.events import Disqualified
    >>> details(Disqualified(reason=LOSS_REASONS["price"], note="twice", at=datetime(2026, 3, 2, tzinfo=UTC)))
    'reason: price too high; note: twice'
    """
    return "; ".join(f"{name}: {words}" for name, words in _said(event) if name not in _TIMES)


def _said(value: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - an event or a value that it carries
    known = ((attribute, getattr(value, attribute.name)) for attribute in attrs.fields(type(value)) if attribute.init)
    return [
        (attribute.name, _words(held)) for attribute, held in known if held is not None and held != attribute.default
    ]


def _words(value: object) -> str:
    match value:
        case (str(name), Learned() | None as learned):
            return f"{name} {'not asked' if learned is None else _words(learned)}"
        case tuple():
            return ", ".join(map(_words, value))
        case frozenset():
            return ", ".join(sorted(map(_words, value)))
        case Fields():
            return ", ".join(f"{name} {_words(held)}" for name, held in value.items())
        case Discovery():
            return ", ".join(f"{name} {_words(learned)}" for name, learned in value if learned is not None)
        case Person() | Company():
            return value.name
        case Evidence():
            return f"{value.verdict.value.replace('_', ' ')} by {value.policy_id} version {value.policy_version}"
        case bool():
            return "yes" if value else "no"
        case datetime() | date():
            return value.isoformat()
        case Money():
            return str(value)
        case _:
            return _plain_words(value)


def _plain_words(value: object) -> str:
    label = getattr(value, "label", None)
    if isinstance(label, str):
        return label
    if not attrs.has(type(value)):
        return str(value)
    # A value's own time repeats the event's, or nearly so; numbers and truths say nothing without their name.
    parts = [(name, getattr(value, name), words) for name, words in _said(value) if name != "at"]
    return " ".join(_named(name, held, words) for name, held, words in parts)


def _named(name: str, held: object, words: str) -> str:
    spaced = name.replace("_", " ")
    if isinstance(held, bool):
        return spaced if held else f"not {spaced}"
    return f"{spaced} {words}" if isinstance(held, int | float) else words
