"""
Taking what is personal out of any value, without knowing the value's class.

Theory. An attribute that holds what identifies a natural person is declared with ``metadata=PERSONAL`` where its class
is written; `redacted` rebuilds a value with those attributes blanked, at any depth. A new class therefore takes part by
marking its attributes, and nothing else needs to know about it.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar

import attrs

from leadflow.money import Money

__all__ = ["PERSONAL", "REDACTED", "redacted"]

PERSONAL: Final[Mapping[str, bool]] = {"leadflow.personal": True}
REDACTED: Final = "[redacted]"

# Codes, dates and amounts stay: they identify nobody, and figures must not change because somebody was forgotten.
_KEPT = (Money, Decimal, int, float, date, timedelta)

_Value = TypeVar("_Value")


def redacted(value: _Value) -> _Value:
    """
    Return the value with every personal attribute blanked, at any depth; the same object if there is none.

    A personal attribute becomes its default, or ``[redacted]`` where it has none; dates and amounts stay as they are.
    """
    return _redacted(value)  # type: ignore[no-any-return]


def _redacted(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, tuple):
        items = tuple(_redacted(item) for item in value)
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if not attrs.has(type(value)):
        return value
    changes: dict[str, object] = {}
    for attribute in attrs.fields(type(value)):
        if not attribute.init:
            continue
        old = getattr(value, attribute.name)
        new = _blank(attribute, old) if "leadflow.personal" in attribute.metadata else _redacted(old)
        if new is not old:
            changes[attribute.alias or attribute.name] = new
    return attrs.evolve(value, **changes) if changes else value


def _blank(attribute: "attrs.Attribute[Any]", old: Any) -> object:  # noqa: ANN401
    if isinstance(old, Mapping):
        return type(old)({name: value if isinstance(value, _KEPT) else REDACTED for name, value in old.items()})  # type: ignore[call-arg]
    if isinstance(old, _KEPT) or old == attribute.default:
        return old
    if isinstance(old, tuple | frozenset):
        return type(old)([REDACTED] if old else [])
    return REDACTED if attribute.default is attrs.NOTHING else attribute.default
