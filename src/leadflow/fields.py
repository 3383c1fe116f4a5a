"""
Custom fields: the host's own values on any entity, immutable and hashable.

The kinds of value are a closed union, so that every store, codec and frame knows all of them. A value's kind is its
type: ``True`` is not ``1`` and ``1`` is not ``Decimal(1)``, also when two `Fields` are compared. Text is what any store
can hold: as with notes, no control characters, no halves of surrogate pairs, at most 100,000 characters.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any, TypeAlias

from leadflow.errors import InvalidError, Problem
from leadflow.money import Money
from leadflow.validation import aware, check, code, prose, shown

__all__ = ["NO_FIELDS", "FieldValue", "Fields", "field_problem", "fields_problems", "to_fields"]

FieldValue: TypeAlias = (
    bool | int | float | str | Decimal | date | datetime | timedelta | Money | tuple[str, ...] | frozenset[str]
)

_SCALARS = (bool, int, float, str, Decimal, date, timedelta, Money)
# With more digits, Python writes no int out, so that no store gets to see it.
_DIGITS = 4300
_TOO_LONG = 10**_DIGITS
# A subclass comes before what it derives from: True is an int to Python, and a datetime a date.
_KINDS = (bool, int, float, str, Decimal, datetime, date, timedelta, Money, tuple, frozenset)


def field_problem(path: str, value: object) -> Problem | None:
    """Say what is wrong with a value for a custom field or a fact, if anything."""
    match value:
        case datetime():
            return aware(path, value)
        case float() if not isfinite(value):
            return Problem(path, f"must be finite (leave an unknown value out), got {shown(value)}")
        case Decimal() if not value.is_finite():
            return Problem(path, f"must be finite (leave an unknown value out), got {shown(value)}")
        case int() if not -_TOO_LONG < value < _TOO_LONG:
            return Problem(path, f"must have at most {_DIGITS} digits, got {shown(value)}")
        case str():
            return prose(path, value)
        case tuple() | frozenset() if all(isinstance(item, str) for item in value):
            return next((wrong for item in value if (wrong := prose(path, item))), None)
        case _ if isinstance(value, _SCALARS):
            return None
        case _:
            return Problem(
                path,
                "must be bool, int, float, str, Decimal, date, datetime, timedelta, Money, or a tuple or frozenset of "
                f"str, got {shown(value)}",
                is_type=True,
            )


def _kind(value: FieldValue) -> int:
    """Return which kind a value is, also if it is of a subclass (a member of a host's enum, a NumPy float)."""
    return next(number for number, kind in enumerate(_KINDS) if isinstance(value, kind))


class Fields(Mapping[str, FieldValue]):
    """
    An immutable mapping from names to values.

    >>> fields = Fields({"tier": "gold", "seats": 40})
    >>> fields["tier"], fields.but(seats=60)
    ('gold', Fields({'seats': 60, 'tier': 'gold'}))

    Args:
        values: What to hold; iterated by name, whatever the order given.

    Raises:
        InvalidError: If a name is not a code or a value is of no known kind.
    """

    __slots__ = ("_values",)
    _values: dict[str, FieldValue]

    def __init__(self, values: Mapping[str, FieldValue] | None = None) -> None:
        given: Any = {} if values is None else values  # what a caller without a type checker may pass
        if not isinstance(given, Mapping):
            check("Fields", Problem("", f"must be a mapping from names to values, got {shown(given)}", is_type=True))
        problems = [
            problem
            for name, value in given.items()
            for problem in (code("name", name), field_problem(str(name), value))
        ]
        check("Fields", *problems)
        object.__setattr__(self, "_values", {name: given[name] for name in sorted(given)})

    @classmethod
    def of(cls, values: "Mapping[str, FieldValue]") -> "Fields":
        """Return the values as `Fields`; the same object if they are already."""
        return values if isinstance(values, Fields) else cls(values)

    def but(self, **changes: FieldValue | None) -> "Fields":
        """Return a copy with values set, or taken out where None is given."""
        merged = {**self._values, **changes}
        return Fields({name: value for name, value in merged.items() if value is not None})

    def __getitem__(self, name: str) -> FieldValue:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def _key(self) -> tuple[tuple[str, int, FieldValue], ...]:
        return tuple((name, _kind(value), value) for name, value in self._values.items())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Fields):
            return NotImplemented
        return self is other or self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Fields({self._values!r})"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Fields are immutable; use but({name}=...) to get a changed copy")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"Fields are immutable; use but({name}=None) to get a copy without")

    def __reduce__(self) -> tuple[type["Fields"], tuple[dict[str, FieldValue]]]:
        return Fields, (dict(self._values),)


NO_FIELDS = Fields()


def to_fields(values: Mapping[str, FieldValue]) -> Fields:
    """Return the values as `Fields`; a converter that hands what cannot be any on to `fields_problems`."""
    if isinstance(values, Fields):
        return values
    try:
        return Fields(values)
    except InvalidError:
        return values  # type: ignore[return-value]  # refused by the type's check


def fields_problems(path: str, value: object) -> tuple[Problem, ...]:
    """Say everything that is wrong with what should be `Fields`."""
    if isinstance(value, Fields):
        return ()
    try:
        Fields(value)  # type: ignore[arg-type]  # what it refuses is the point
    except InvalidError as error:
        return tuple(problem.under(path) for problem in error.problems)
    return (Problem(path, f"must be Fields, got {shown(value)}", is_type=True),)
