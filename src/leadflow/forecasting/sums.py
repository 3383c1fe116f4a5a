"""
Adding deals up: exact sums per group and category, rounded at the end.

Theory. Each deal is priced once and falls into one group and one category. Sums stay exact to the end; `rounding` says
which of them are then rounded once, and how the rest is shared out.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Generic, TypeAlias, TypeVar

from attrs import frozen

from leadflow.calendar import FiscalCalendar, Period
from leadflow.errors import Problem, UnknownNameError
from leadflow.forecasting.deals import Deal
from leadflow.forecasting.keys import Grouping, kinds, place
from leadflow.forecasting.omissions import Omission, OmissionReason, Priced, priced
from leadflow.forecasting.rounding import rounded
from leadflow.money import ExchangeRates, Money, round_all
from leadflow.stage import ForecastCategory
from leadflow.validation import invalid

__all__ = ["ByCategory", "RollupRow"]

_T = TypeVar("_T", Money, int)
CATEGORIES = tuple(ForecastCategory)
# Members are found by their values as well: they are texts.
_NAMES: Mapping[str, str] = {category: category.value for category in CATEGORIES}

# What a group's amounts are gathered under, beside the categories.
_EXPECTED = "expected"
# The amounts of one group, still unrounded.
_Cell: TypeAlias = defaultdict[str, list[Money]]


@frozen
class ByCategory(Generic[_T]):
    """
    One figure per forecast category, also by name: ``amounts["commit"]``.

    Attributes:
        omitted: Deals that somebody left out of the forecast.
        pipeline: In a cumulative rollup: all of the open pipeline.
        best_case: Could close.
        most_likely: Should close.
        commit: Will close, somebody says.
        closed: Won.
    """

    omitted: _T
    pipeline: _T
    best_case: _T
    most_likely: _T
    commit: _T
    closed: _T

    def __getitem__(self, category: ForecastCategory | str) -> _T:
        name = _NAMES.get(category)
        if name is None:
            raise UnknownNameError("a rollup", "category", category, CATEGORIES)
        found: _T = getattr(self, name)
        return found

    def items(self) -> tuple[tuple[str, _T], ...]:
        """Return pairs of category and figure, in ascending order of certainty."""
        return tuple((category.value, getattr(self, category.value)) for category in CATEGORIES)

    def cumulative(self) -> "ByCategory[_T]":
        """
        Return the figures with what is surer included; the pipeline becomes the open pipeline.

        >>> ByCategory(1, 10, 100, 1_000, 10_000, 100_000).cumulative().items()[1:]
        (('pipeline', 11110), ('best_case', 111100), ('most_likely', 111000), ('commit', 110000), ('closed', 100000))
        """
        return ByCategory(
            omitted=self.omitted,
            pipeline=self.pipeline + self.best_case + self.most_likely + self.commit,
            best_case=self.best_case + self.most_likely + self.commit + self.closed,
            most_likely=self.most_likely + self.commit + self.closed,
            commit=self.commit + self.closed,
            closed=self.closed,
        )


@frozen(kw_only=True)
class RollupRow:
    """
    One group of deals.

    Attributes:
        keys: What the group has in common, one value per key; None where the deals do not say.
        amounts: Unweighted amounts.
        counts: Numbers of deals.
        expected: Expected revenue: won amounts, and open ones (omitted ones aside) times their probability.
        deals: How many deals are in the group, over all categories.
    """

    keys: tuple[object, ...]
    amounts: ByCategory[Money]
    counts: ByCategory[int]
    expected: Money
    deals: int


@frozen(kw_only=True)
class Adding:
    """
    Everything that says how deals are added up.

    Attributes:
        groups: What to group by.
        period: Limits what counts to what closes in it.
        calendar: Whose days are meant.
        today: The as-of day.
        currency: Of the sums.
        rates: For amounts in others.
    """

    groups: tuple[Grouping, ...]
    period: Period | None
    calendar: FiscalCalendar
    today: date
    currency: str
    rates: ExchangeRates | None

    def add(self, deals: Iterable[Deal]) -> tuple[tuple[RollupRow, ...], RollupRow, list[Omission]]:
        """Return a row per group in order, their total, and what could not be counted."""
        # By kind and value: True, 1 and Decimal(1) are equal to Python, and three keys here.
        cells: defaultdict[tuple[tuple[int, ...], tuple[Hashable, ...]], _Cell] = defaultdict(
            partial(defaultdict, list)
        )
        omitted: list[Omission] = []
        for deal in deals:
            if not (deal.is_open or deal.is_won):
                continue
            day = deal.day(self.calendar)
            if self.period is not None and day is not None and day not in self.period:
                continue
            lacking = self._undated(deal, day)
            amount = self._amount(deal, day)
            if lacking is None and isinstance(amount, Money):
                keys = tuple(group.of(deal, day) for group in self.groups)
                cell = cells[kinds(keys), _hashable(deal, keys)]
                cell[deal.forecast_category].append(amount)
                if deal.is_won:
                    cell[_EXPECTED].append(amount)
                elif deal.forecast_category is ForecastCategory.OMITTED:
                    pass  # somebody said that nothing is to be expected of it
                elif deal.probability is None:
                    omitted.append(Omission(deal.id, OmissionReason.NO_PROBABILITY, "has no probability"))
                else:
                    cell[_EXPECTED].append(amount.times(deal.probability))
            else:
                omitted += [each for each in (lacking, amount) if isinstance(each, Omission)]
        named = [(keys, cell) for (_, keys), cell in cells.items()]
        rows, total = self._rows(sorted(named, key=lambda item: place(item[0])))
        return rows, total, omitted

    def _undated(self, deal: Deal, day: date | None) -> Omission | None:
        """Say that a day is needed and missing: to know the period, or which day's rate a won amount has."""
        by_period = self.period is not None or any(group.needs_day for group in self.groups)
        foreign = deal.amount is not None and deal.amount.currency != self.currency
        if day is not None or not (by_period or (foreign and deal.is_won)):
            return None
        what = "expected close date" if deal.is_open else "day of closing"
        return Omission(deal.id, OmissionReason.UNDATED, f"has no {what}")

    def _amount(self, deal: Deal, day: date | None) -> Priced:
        on = self.today if day is None else min(day, self.today)
        return priced(deal.id, deal.amount, to=self.currency, on=on, rates=self.rates)

    def _rows(self, cells: Sequence[tuple[tuple[Hashable, ...], _Cell]]) -> tuple[tuple[RollupRow, ...], RollupRow]:
        zero = Money.zero(self.currency).round()
        columns = rounded({category: _column(category, cells) for category in CATEGORIES}, self.currency)
        weighted = _column(_EXPECTED, cells)
        expected = dict(zip(weighted, round_all(weighted.values()), strict=True))
        shares = [columns[category][1] for category in CATEGORIES]
        rows = []
        for row, (keys, cell) in enumerate(cells):
            counts = [len(cell[category]) if category in cell else 0 for category in CATEGORIES]
            rows.append(
                RollupRow(
                    keys=keys,
                    amounts=ByCategory(*[column.get(row, zero) for column in shares]),
                    counts=ByCategory(*counts),
                    expected=expected.get(row, zero),
                    deals=sum(counts),
                )
            )
        counts = [sum(len(cell[category]) for _, cell in cells if category in cell) for category in CATEGORIES]
        total = RollupRow(
            keys=tuple(None for _ in self.groups),
            amounts=ByCategory(*(columns[category][0] for category in CATEGORIES)),
            counts=ByCategory(*counts),
            expected=Money.total([zero, *expected.values()]),
            deals=sum(counts),
        )
        return tuple(rows), total


def _hashable(deal: Deal, keys: tuple[Hashable, ...]) -> tuple[Hashable, ...]:
    try:
        hash(keys)
    except TypeError:
        problem = Problem("by", f"must give keys that can be hashed, got {keys!r} for {deal.id!r}", is_type=True)
        raise invalid("rollup", problem) from None
    return keys


def _column(name: str, cells: Sequence[tuple[object, _Cell]]) -> dict[int, Money]:
    """Return the exact sum of each row that has anything; most cells of a long table are empty."""
    found = ((row, cell[name]) for row, (_, cell) in enumerate(cells) if name in cell)
    return {row: monies[0] if len(monies) == 1 else Money.total(monies) for row, monies in found}
