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

from leadflow.currencies import EXPONENTS
from leadflow.money import Money
from leadflow.money.exact import WIDE, ZERO
from leadflow.money.sharing import rounded_to
from leadflow.stage import ForecastCategory

__all__ = ["Column", "rounded"]

# One category's exact amount in each row; rows that have none are left out.
Column = Mapping[int, Money]

_SUREST_FIRST = (
    ForecastCategory.COMMIT,
    ForecastCategory.MOST_LIKELY,
    ForecastCategory.BEST_CASE,
    ForecastCategory.PIPELINE,
)
_ALONE = (ForecastCategory.OMITTED, ForecastCategory.CLOSED)


def rounded(columns: Mapping[str, Column], currency: str) -> dict[str, tuple[Money, dict[int, Money]]]:
    """
    Round the columns of a table; return for each category its total and its rows.

    >>> cent, five = Money("0.01", "EUR") / 10, Money("0.05", "EUR") / 10
    >>> found = rounded({"commit": {0: five}, "best_case": {0: cent, 1: five}, "pipeline": {1: five}}, "EUR")
    >>> [(category, str(total)) for category, (total, _) in found.items() if total.amount]
    [('commit', '0.01 EUR'), ('pipeline', '0.01 EUR')]

    Args:
        columns: By category; no amount is negative.
        currency: Of all amounts.
    """
    zero = Money.zero(currency).round()
    found = {}
    for category in _ALONE:
        column = columns.get(category, {})
        total = Money.total([zero, *column.values()]).round()
        found[category.value] = (total, _shared(column, total, {}))
    exact = shown = zero
    behind: dict[int, Decimal] = {}
    for category in _SUREST_FIRST:
        column = columns.get(category, {})
        exact = Money.total([exact, *column.values()])
        total = exact.round() - shown
        shown += total
        rows = _shared(column, total, behind)
        found[category.value] = (total, rows)
        for row, share in rows.items():
            behind[row] = WIDE.add(behind.get(row, ZERO), WIDE.subtract(column[row].amount, share.amount))
    return found


def _shared(column: Column, total: Money, behind: Mapping[int, Decimal]) -> dict[int, Money]:
    """Share a total out over the rows that have something in the column."""
    places = EXPONENTS[total.currency]
    lost = [behind.get(row, ZERO) for row in column] if behind else []
    shares = rounded_to([money.amount for money in column.values()], total.amount, places, lost)
    return {row: Money(share, total.currency) for row, share in zip(column, shares, strict=True)}
