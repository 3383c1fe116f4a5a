"""
How amounts, factors and rates become decimals that nothing can round: the contexts, the limits and the checks.

The private contexts are the rule. What does not fit or cannot be exact raises in them, whatever precision, rounding or
traps the host has set in its own context.
"""

import re
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from fractions import Fraction
from math import isfinite
from typing import Any, TypeAlias

from leadflow.errors import InvalidError, Problem
from leadflow.validation import instance, invalid, shown

__all__ = [
    "EXACT",
    "MAX_DECIMALS",
    "MAX_EXPONENT",
    "QUOTIENT",
    "WIDE",
    "ZERO",
    "Factor",
    "Weight",
    "exact_problem",
    "factor_problem",
    "item_problems",
    "out_of_bounds",
    "to_decimal",
    "to_fraction",
    "weight_problem",
]

Factor: TypeAlias = int | Decimal
Weight: TypeAlias = int | Decimal | float

# The smallest float in (0, 1] has 324 decimals, so any probability times an amount of up to 76 decimals is exact.
MAX_DECIMALS = 400
# 10**18 of anything is more than there is of it, and as many whole units as a 64-bit integer holds.
MAX_EXPONENT = 17
_LIMITS = f"must be below 10**{MAX_EXPONENT + 1} in size with at most {MAX_DECIMALS} decimals"

# Adding zero here checks an amount, writes 1E+3 as 1000, and turns -0 into 0.
EXACT = Context(
    prec=MAX_DECIMALS + 1,
    Emin=0,
    Emax=MAX_EXPONENT,
    rounding=ROUND_HALF_EVEN,
    traps=[InvalidOperation, DivisionByZero, Overflow, Inexact],
)
# A division without end stops here: 18 digits before the point leave 32 behind it.
QUOTIENT = Context(prec=50, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
# Wide enough to scale any amount to whole units and back; quantising is told its rounding each time.
WIDE = Context(prec=2_000, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
ZERO = Decimal(0)

# What people and `str(Decimal)` write, in ASCII; Decimal itself also reads 1_000, blanks around, and digits of any
# script. What is not finite passes here so that it is refused as that.
_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|[0-9](?:\.[0-9]+)?[eE][+-][0-9]+|(?i:s?nan|inf|infinity))")
# So many wrong items are named in a message, which then says how many more there are.
_NAMED = 5


def to_decimal(value: str | int | Decimal) -> Decimal:
    """Convert what converts exactly; hand on the rest for the type's own check to report."""
    if isinstance(value, Decimal):
        return value
    given: Any = value  # what a caller without a type checker may pass
    if isinstance(given, str) and not _PLAIN.fullmatch(given):
        return given  # type: ignore[return-value]  # junk that the check reports
    if isinstance(given, int | str) and not isinstance(given, bool):
        try:
            # With a context of our own a malformed text raises, also where the host switched that trap off.
            return Decimal(given, EXACT)
        except (DecimalException, ValueError):
            return given  # type: ignore[return-value]  # junk that the check reports
    return given  # type: ignore[no-any-return]  # junk that the check reports


def to_fraction(weight: Weight) -> Fraction:
    """Convert a weight; a float enters as the decimal that it is written as."""
    return Fraction(float.__repr__(weight) if isinstance(weight, float) else weight)


def exact_problem(path: str, value: object) -> Problem | None:
    """Say what is wrong with an amount or rate, if anything; `value` is what `to_decimal` returned."""
    if isinstance(value, float):
        way_out = f"pass a str or Decimal, e.g. {str(value)!r}" if isfinite(value) else "use None where it is unknown"
        return Problem(path, f"must not be a float, got {value!r}; {way_out}", is_type=True)
    if isinstance(value, str):
        return Problem(path, f"must be a plain number such as '1234.50', got {shown(value)}")
    if not isinstance(value, Decimal):
        return Problem(path, f"must be a str, int or Decimal, got {shown(value)}", is_type=True)
    if not value.is_finite():
        return Problem(path, f"must be finite (use None where it is unknown), got {value!r}")
    try:
        EXACT.add(value, ZERO)
    except DecimalException:
        return Problem(path, f"{_LIMITS}, got {shown(value)}")
    return None


def factor_problem(path: str, value: object) -> Problem | None:
    """Say what is wrong with something to multiply or divide money by, if anything."""
    if isinstance(value, float):
        way_out = f"for a probability use times({value!r}), else Decimal({str(value)!r})"
        return Problem(path, f"must be an int or Decimal, got {value!r}; {way_out}", is_type=True)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return Problem(path, f"must be an int or Decimal, got {shown(value)}", is_type=True)
    if isinstance(value, Decimal) and not value.is_finite():
        return Problem(path, f"must be finite, got {value!r}")
    return None


def weight_problem(path: str, value: object) -> Problem | None:
    """Say what is wrong with a weight to share money out by, if anything."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return Problem(path, f"must be an int, float or Decimal, got {shown(value)}", is_type=True)
    finite = value.is_finite() if isinstance(value, Decimal) else isinstance(value, int) or isfinite(value)
    return None if finite and value >= 0 else Problem(path, f"must be finite and at least 0, got {shown(value)}")


def item_problems(path: str, values: object, kind: type, one: str, many: str) -> list[Problem | None]:
    """
    Say what is wrong with what should be a tuple of things of a kind: the first few, and how many more there are.

    >>> print(*item_problems("rates", "EUR", Decimal, "a Decimal", "several of Decimal"))
    rates must be several of Decimal, got 'EUR'
    >>> print(*item_problems("rates", (1,) * 7, Decimal, "a Decimal", "several of Decimal")[-2:])
    rates[4] must be a Decimal, got 1 rates has 2 more of which each must be a Decimal
    """
    if not isinstance(values, tuple):
        return [instance(path, values, tuple, many)]
    wrong = [position for position, value in enumerate(values) if not isinstance(value, kind)]
    found = [instance(f"{path}[{position}]", values[position], kind, one) for position in wrong[:_NAMED]]
    more = len(wrong) - _NAMED
    if more > 0:
        found.append(Problem(path, f"has {more:,} more of which each must be {one}", is_type=True))
    return found


def out_of_bounds(what: str) -> InvalidError:
    """Return the error for a result that does not fit."""
    return invalid("Money", Problem(f"the {what}", _LIMITS))
