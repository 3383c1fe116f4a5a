"""
What a rollup groups by.

Theory. A key is a name or a callable. A name stands for a calendar period of the deal's own day (`month`, `quarter`,
`year`), for one of the deal's attributes (`owner`, `product`, `stage`, ...), or for a field of the host's (`tier`). A
name that no deal knows is a mistake and is refused, naming the nearest; a deal that lacks the value falls under None.
As in `Fields`, a number's kind is its type: True, 1, 1.0 and Decimal(1) are four keys.
"""

from collections.abc import Callable, Hashable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import isfinite
from typing import Any, TypeAlias

from attrs import frozen

from leadflow.calendar import FiscalCalendar, Period
from leadflow.errors import Problem, did_you_mean
from leadflow.forecasting.deals import ATTRIBUTES, Deal
from leadflow.money import Money

__all__ = ["Key"]

Key: TypeAlias = str | Callable[[Deal], Hashable]

PERIODS = ("month", "quarter", "year")
# Many deals under every value, or none: what a group cannot be named by.
_NO_KEYS = ("id", "tags", "fields", "recurring")
_KNOWN = (*PERIODS, *(name for name in ATTRIBUTES if name not in _NO_KEYS or name == "id"))
# A table has columns of these names already.
_COLUMNS = frozenset(
    {"omitted", "pipeline", "best_case", "most_likely", "commit", "closed", "expected", "deals", "total"}
)

_NUMBERS = (bool, int, float, Decimal)


@frozen
class Grouping:
    """
    One key, ready for use.

    Attributes:
        name: The name of its column.
        needs_day: Whether it groups by the day on which a deal closes.
        of: What a deal falls under, given that day.
    """

    name: str
    needs_day: bool
    of: Callable[[Deal, Any], Any]


def listed_keys(by: "Key | Sequence[Key]") -> tuple[Key, ...]:
    """Return the keys as a tuple; a single one may come alone."""
    if isinstance(by, str) or not isinstance(by, Sequence):
        return (by,)
    return tuple(by)


def key_problems(keys: tuple[Key, ...], deals: Sequence[object]) -> list[Problem | None]:
    """Say which keys nothing can be grouped by."""
    fields = {name for deal in deals if isinstance(deal, Deal) for name in deal.fields}
    return [_key_problem(f"by[{place}]", key, fields, any_deals=bool(deals)) for place, key in enumerate(keys)]


def _key_problem(path: str, key: object, fields: set[str], *, any_deals: bool) -> Problem | None:
    if callable(key):
        return None
    if not isinstance(key, str):
        return Problem(path, f"must be a name or a callable that takes a deal, got {key!r}", is_type=True)
    # Without a deal nobody can know the host's fields, and an empty rollup is no mistake.
    if key in _KNOWN or key in fields or (not any_deals and key not in _NO_KEYS):
        return None
    return Problem(path, f"is unknown: {key!r}{did_you_mean(key, fields.union(_KNOWN))}")


def groupings(keys: tuple[Key, ...], calendar: FiscalCalendar) -> tuple[Grouping, ...]:
    """Return the keys ready for use, each with a column name of its own."""
    found: list[Grouping] = []
    for key in keys:
        grouping = _grouping(key, calendar)
        taken = {other.name for other in found} | _COLUMNS
        name = f"by_{grouping.name}" if grouping.name in _COLUMNS else grouping.name
        number = 2
        while name in taken:
            name = f"{grouping.name}_{number}"
            number += 1
        found.append(Grouping(name, grouping.needs_day, grouping.of))
    return tuple(found)


def _grouping(key: Key, calendar: FiscalCalendar) -> Grouping:
    if not isinstance(key, str):
        name = getattr(key, "__name__", "key")
        return Grouping(name if name.isidentifier() else "key", False, lambda deal, _: key(deal))
    if key in PERIODS:
        # Many deals close on one day: each day is looked up once.
        period_of = cache({"month": calendar.month_of, "quarter": calendar.quarter_of, "year": calendar.year_of}[key])
        return Grouping(key, True, lambda _, day: period_of(day))
    return Grouping(key, False, lambda deal, _: deal.value(key))


def kinds(keys: tuple[object, ...]) -> tuple[int, ...]:
    """
    Return what tells equal keys of different kinds apart, as `Fields` does: a number's kind is its type.

    >>> kinds((True,)) == kinds((1,)), kinds(("a", None)) == kinds((None, "a"))
    (False, True)
    """
    return tuple(_kind(key) for key in keys)


def _kind(key: object) -> int:
    if key is None or isinstance(key, str):  # nearly every key
        return 0
    # Also of a subclass, as a NumPy float is. A bool is an int to Python, so it comes first.
    for number, kind in enumerate(_NUMBERS, 1):
        if isinstance(key, kind):
            return number
    return 0


def in_order(keys: Sequence[tuple[object, ...]]) -> list[int]:
    """
    Return the numbers of groups in the order in which they are shown.

    >>> in_order([("b", 1), ("a", 2), ("a", 1)])
    [2, 1, 0]
    """
    order = list(range(len(keys)))
    # Key by key from the last, since sorting is stable. Plain texts are their own place: where there are as many groups
    # as deals, an object for each would keep the garbage collector busy for longer than the sorting takes.
    for number in reversed(range(len(keys[0]) if keys else 0)):
        column = [key[number] for key in keys]
        places: list[Any] = column if all(type(key) is str for key in column) else list(map(_place, column))
        order.sort(key=places.__getitem__)
    return order


def place(keys: tuple[object, ...]) -> tuple[tuple[int, str, Any], ...]:
    """
    Return what sorts groups: numbers, then periods and everything else by what it is, unknown last.

    >>> sorted([(None,), ("b",), (2,), ("a",), (Decimal("1.5"),)], key=place)
    [(Decimal('1.5'),), (2,), ('a',), ('b',), (None,)]
    """
    return tuple(_place(key) for key in keys)


def _place(key: object) -> tuple[int, str, Any]:
    match key:
        case None:
            return (2, "", "")
        case int() | float() | Decimal() if isfinite(key):
            # As a fraction: a host may have forbidden to compare decimals with floats.
            return (0, "", (Fraction(key), _kind(key)))
        case Period():
            return (1, "period", (key.first_day, key.label))
        case Money():
            return (1, key.currency, key.amount)
        case str():
            return (1, "text", str(key))
        case _:
            return (1, type(key).__name__, str(key))
