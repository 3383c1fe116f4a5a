"""
Numbers of points, exactly: decimals of at most three places, which are whole milli-points.

Whole numbers add up alike on every engine and in every order; a float such as 0.1 is taken as the decimal it is written
as, and the host's own decimal context changes nothing.
"""

from collections.abc import Iterable
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

from leadflow.errors import Problem
from leadflow.validation import shown, to_tuple, when

__all__ = ["MOST_POINTS", "Number", "milli", "points_problem", "to_many", "to_points"]

Number: TypeAlias = int | float | Decimal | str

# More points than this are a mistake, and sums of many still fit 64-bit integers on every engine.
MOST_POINTS: Final = 1_000_000
# The host's own context must not change what a policy says.
_CONTEXT: Final = Context(prec=40, traps=[])


def to_points(value: Any) -> Any:  # noqa: ANN401 - junk is handed on to the node's own check
    """Return points as a plain decimal: 12.5 and "12.50" are the same; what is no number is handed on."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return value
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return value
    if not number.is_finite() or number.copy_abs() > MOST_POINTS or len(number.as_tuple().digits) > _CONTEXT.prec:
        return number
    return _CONTEXT.quantize(number, Decimal(1)) if number == int(number) else _CONTEXT.normalize(number)


def to_many(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return several numbers of points; what is no collection is handed on to the node's own check."""
    listed = to_tuple(values)
    return tuple(to_points(value) for value in listed) if isinstance(listed, tuple) else listed


def points_problem(path: str, value: object) -> Problem | None:
    """Check for a number of points: finite, at most three decimals, at most a million in size."""
    if not isinstance(value, Decimal):
        return Problem(path, f"must be a number of points, got {shown(value)}", is_type=True)
    if not value.is_finite() or value.copy_abs() > MOST_POINTS:
        return Problem(path, f"must be within a million points, got {value}")
    return when(int(value.as_tuple().exponent) < -3, path, f"must have at most three decimals, got {value}")  # noqa: PLR2004


def milli(points: Decimal) -> int:
    """Return points in thousandths."""
    return int(_CONTEXT.multiply(points, 1000))
