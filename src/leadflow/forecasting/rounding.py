"""
Rounding a rollup: which of its figures are the exact ones, rounded once.

Theory. Rounded figures can all add up, or each be the nearest to its exact value, not both. Three laws hold always:
rows add up to the total; cumulative figures are the sums of the single ones shown; no single figure is a whole unit off
its exact value (nothing stays nothing, what is whole stays whole). Within them a total is as exact as it can be:

- *closed*, *omitted*, *expected* and the *open pipeline* are each rounded once, by themselves; so is what is open from
  *commit* up: commit, commit + most likely, commit + most likely + best case. Off by half a unit at most.
- A single category is the difference of two such figures: less than a unit. A cumulative one is the sum of closed and
  such a figure: a unit at most.

Each category's total is then shared out over the rows by largest remainder, counting what a row lost in surer
categories: each cell less than a unit, so that a row's sum over several categories is less than so many units off.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import reduce

from leadflow.currencies import EXPONENTS
from leadflow.money import Money
from leadflow.money.exact import WIDE, ZERO
from leadflow.money.sharing import rounded_to
from leadflow.stage import ForecastCategory

__all__ = ["Column", "rounded", "rounded_alone"]

# One category's exact amount in each row; rows that have none are left out.
Column = Mapping[int, Decimal]

_SUREST_FIRST = (
    ForecastCategory.COMMIT,
    ForecastCategory.MOST_LIKELY,
    ForecastCategory.BEST_CASE,
    ForecastCategory.PIPELINE,
)
_ALONE = (ForecastCategory.OMITTED, ForecastCategory.CLOSED)


def rounded(columns: Mapping[str, Column], currency: str) -> dict[str, tuple[Decimal, dict[int, Decimal]]]:
    """
    Round the columns of a table; return for each category its total and its rows.

    >>> cent, five = Decimal("0.001"), Decimal("0.005")
    >>> found = rounded({"commit": {0: five}, "best_case": {0: cent, 1: five}, "pipeline": {1: five}}, "EUR")
    >>> [(category, str(total)) for category, (total, _) in found.items() if total]
    [('commit', '0.01'), ('pipeline', '0.01')]

    Args:
        columns: By category; no amount is negative.
        currency: Of all amounts.
    """
    places = EXPONENTS[currency]
    found = {}
    for category in _ALONE:
        column = columns.get(category, {})
        total = _rounded(_sum(column, ZERO), currency)
        found[category.value] = (total, _shared(column, total, places, {}))
    exact = shown = ZERO
    behind: dict[int, Decimal] = {}
    for category in _SUREST_FIRST:
        column = columns.get(category, {})
        exact = _sum(column, exact)
        total = WIDE.subtract(_rounded(exact, currency), shown)
        shown = WIDE.add(shown, total)
        rows = _shared(column, total, places, behind)
        found[category.value] = (total, rows)
        for row, share in rows.items():
            behind[row] = WIDE.add(behind.get(row, ZERO), WIDE.subtract(column[row], share))
    return found


def rounded_alone(column: Column, currency: str) -> list[Decimal]:
    """Round one column so that its rows add up to its rounded total."""
    return rounded_to(list(column.values()), _rounded(_sum(column, ZERO), currency), EXPONENTS[currency])


def _sum(column: Column, start: Decimal) -> Decimal:
    return reduce(WIDE.add, column.values(), start)


def _rounded(amount: Decimal, currency: str) -> Decimal:
    # As money, which has bounds.
    return Money(amount, currency).round().amount


def _shared(column: Column, total: Decimal, places: int, behind: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """Share a total out over the rows that have something in the column."""
    lost = [behind.get(row, ZERO) for row in column] if behind else []
    return dict(zip(column, rounded_to(list(column.values()), total, places, lost), strict=True))
