"""
Taking what is personal out of any value, without knowing the value's class.

Theory. An attribute that holds what identifies a natural person is declared with ``metadata=PERSONAL`` where its class
is written (`PERSONAL_WORDS` where it must stay visible that something was said); `redacted` rebuilds a value with those
attributes blanked, at any depth. A new class therefore takes part by marking its attributes, and nothing else needs to
know about it. Codes, dates and amounts stay, also inside what is marked: figures must not change because somebody was
forgotten.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar

import attrs

from leadflow.money import Money

__all__ = ["PERSONAL", "PERSONAL_WORDS", "REDACTED", "TRADE_NAME", "people_in", "redacted"]

_MARK: Final = "leadflow.personal"
PERSONAL: Final[Mapping[str, str]] = {_MARK: "blank"}
PERSONAL_WORDS: Final[Mapping[str, str]] = {_MARK: "replace"}
_TRADE: Final = "leadflow.trade_name"
TRADE_NAME: Final[Mapping[str, str]] = {_TRADE: "same"}
REDACTED: Final = "[redacted]"

_KEPT = (Money, Decimal, int, float, date, timedelta)

# To the type checker attrs.Factory is a function.
_FACTORY: Final[type] = attrs.Factory  # type: ignore[assignment]

_Value = TypeVar("_Value")


def redacted(value: _Value, names: AbstractSet[str] = frozenset()) -> _Value:
    """
    Return the value with every personal attribute blanked, at any depth; the same object if there is none.

    A personal attribute becomes its default, or ``[redacted]`` where it has none or is marked `PERSONAL_WORDS`;
    numbers, dates and amounts stay as they are. What is marked `TRADE_NAME` becomes ``[redacted]`` where it is one of
    `names` (case-folded, see `people_in`): the company of somebody who trades under their own. Doing it twice changes
    nothing more.

    >>> from leadflow.party import Person
    >>> redacted(Person("Mara Okafor", email="mara@northwind.example", country="DE"))
    Person(name='[redacted]', email=None, phone=None, handle=None, job_title=None, seniority=None, department=None,
    country='DE', language=None)
    """
    return _redacted(value, names)  # type: ignore[no-any-return]


def _redacted(value: Any, names: AbstractSet[str]) -> Any:  # noqa: ANN401
    if isinstance(value, tuple):
        items = tuple(_redacted(item, names) for item in value)
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if not attrs.has(type(value)):
        return value
    changes: dict[str, object] = {}
    for attribute in attrs.fields(type(value)):
        if not attribute.init:
            continue
        old = getattr(value, attribute.name)
        if _MARK in attribute.metadata:
            new = _blank(attribute, old)
        elif _TRADE in attribute.metadata:
            new = _unnamed(old, names)
        else:
            new = _redacted(old, names)
        if new is not old:
            changes[attribute.alias or attribute.name] = new
    return attrs.evolve(value, **changes) if changes else value


def people_in(history: Iterable[object]) -> frozenset[str]:
    """Return the names of all people that events are about, case-folded: what `redacted` takes as `names`."""
    people = (getattr(event, "person", None) for event in history)
    return frozenset(person.name.casefold() for person in people if person is not None)


def _unnamed(old: Any, names: AbstractSet[str]) -> Any:  # noqa: ANN401
    if isinstance(old, Mapping):
        new = {name: _unnamed(value, names) if name.endswith(".name") else value for name, value in old.items()}
        return old if new == dict(old) else type(old)(new)  # type: ignore[call-arg]
    return REDACTED if isinstance(old, str) and old.casefold() in names else old


def _blank(attribute: "attrs.Attribute[Any]", old: Any) -> object:  # noqa: ANN401
    if isinstance(old, _KEPT) or not old:
        return old
    new: object
    if isinstance(old, Mapping):
        new = type(old)({name: _replaced(value) for name, value in old.items()})  # type: ignore[call-arg]
    elif attribute.metadata[_MARK] == "replace" or isinstance(old, tuple) or not _has_plain_default(attribute):
        new = _replaced(old)
    else:
        new = attribute.default
    return old if new == old else new


def _has_plain_default(attribute: "attrs.Attribute[Any]") -> bool:
    return attribute.default is not attrs.NOTHING and not isinstance(attribute.default, _FACTORY)


def _replaced(old: Any) -> object:  # noqa: ANN401
    if isinstance(old, _KEPT):
        return old
    # Several texts become one, so that not even their number tells them apart.
    return type(old)([REDACTED] if old else []) if isinstance(old, tuple | frozenset) else REDACTED
