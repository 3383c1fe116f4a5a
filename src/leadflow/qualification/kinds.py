"""
The kinds of value a fact can have, and what may be asked of each.

Theory. The kinds are a closed list, so that the interpreter, the compiled function, the dict form and tables all know
every one. Whole numbers, floats and decimals are one kind, *number*, because a table column does not keep them apart. A
*level* is text with an order of its own, lowest first. A value that does not fit its kind is the host's mistake and is
refused; a value that is missing is None, never a marker, unless the host declares its markers.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from leadflow.errors import Problem, did_you_mean
from leadflow.fields import FieldValue, field_problem
from leadflow.money import Money
from leadflow.validation import shown

__all__ = ["KIND_OF_TYPE", "ORDERED", "Kind", "canonical", "fit", "fit_problem"]


class Kind(StrEnum):
    """What a fact's value is."""

    BOOL = "bool"
    NUMBER = "number"
    TEXT = "text"
    LEVEL = "level"
    SET = "set"
    DATE = "date"
    INSTANT = "instant"
    DURATION = "duration"
    MONEY = "money"


ORDERED: Final = frozenset({Kind.NUMBER, Kind.LEVEL, Kind.DATE, Kind.INSTANT, Kind.DURATION, Kind.MONEY})

# Which kind a Python type stands for where a custom fact is declared: fact("custom.tier", str).
KIND_OF_TYPE: Final[Mapping[type, Kind]] = MappingProxyType(
    {
        bool: Kind.BOOL,
        int: Kind.NUMBER,
        float: Kind.NUMBER,
        Decimal: Kind.NUMBER,
        str: Kind.TEXT,
        tuple: Kind.SET,
        frozenset: Kind.SET,
        date: Kind.DATE,
        datetime: Kind.INSTANT,
        timedelta: Kind.DURATION,
        Money: Kind.MONEY,
    }
)

# More than this is a mistake, and what fits is exact in 64 bits on every engine.
_MOST: Final = 10**18

_WANTED: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.BOOL: "True or False",
        Kind.NUMBER: "a number (int, float or Decimal)",
        Kind.TEXT: "text (str)",
        Kind.LEVEL: "a level's name (str)",
        Kind.SET: "a set of texts (frozenset or tuple of str)",
        Kind.DATE: "a date without a time",
        Kind.INSTANT: "a timezone-aware datetime",
        Kind.DURATION: "a timedelta",
        Kind.MONEY: "Money, such as Money('1000', 'EUR')",
    }
)


def fit(kind: Kind, value: Any) -> bool:  # noqa: ANN401 - whatever a host's record holds
    """Say whether a value is of a kind; levels are not looked up here."""
    match value:
        case bool():
            return kind is Kind.BOOL
        case datetime():
            return kind is Kind.INSTANT
        case _:
            return kind is not Kind.BOOL and KIND_OF_TYPE.get(_plain(type(value))) in (kind, _stored_as(kind))


def _plain(kind: type) -> type:
    # A StrEnum member is text, a numpy float64 is a float: look below subclasses.
    return next((base for base in kind.__mro__ if base in KIND_OF_TYPE), kind)


def _stored_as(kind: Kind) -> Kind:
    return Kind.TEXT if kind is Kind.LEVEL else kind


def fit_problem(path: str, kind: Kind, value: object, levels: tuple[str, ...] = ()) -> Problem | None:
    """Say what is wrong with a value for a fact or a constant of a kind, if anything."""
    if not fit(kind, value):
        return Problem(path, f"must be {_WANTED[kind]}, got {shown(value)}", is_type=True)
    if kind is Kind.LEVEL and value not in levels:
        return Problem(path, f"is no level: {shown(value)}{did_you_mean(str(value)[:80], levels)}")
    if kind is Kind.NUMBER and not _is_small(value):
        return Problem(path, f"must be finite and within 10**18 in size, got {str(value)[:60]}")
    return field_problem(path, value)


def _is_small(value: Any) -> bool:  # noqa: ANN401 - a number
    # Written so that NaN is not small; a decimal such as 1E+999999999 must never become a whole number.
    try:
        return bool(-_MOST <= value <= _MOST)
    except InvalidOperation:
        return False


def canonical(kind: Kind, value: Any) -> FieldValue:  # noqa: ANN401 - checked before
    """
    Return the one form in which equal values are held, so that equal rules have equal fingerprints.

    >>> canonical(Kind.NUMBER, 50.0), canonical(Kind.NUMBER, Decimal("0.5")), canonical(Kind.SET, ("a",))
    (50, 0.5, frozenset({'a'}))
    """
    if kind is Kind.NUMBER:
        if isinstance(value, int) or value == int(value):
            return int(value)
        return float(value) if isinstance(value, float) or Decimal(float(value)) == value else Decimal(value)
    if kind is Kind.SET:
        return frozenset(str(item) for item in value)
    return str(value) if kind in (Kind.TEXT, Kind.LEVEL) else value
