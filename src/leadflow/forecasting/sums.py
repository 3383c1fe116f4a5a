"""
Adding deals up: exact sums per group and category, rounded at the end.

Theory. Each deal is priced once and falls into one group and one category. Sums stay exact to the end; `rounding` says
which of them are then rounded once, and how the rest is shared out. There may be as many groups as deals, so figures
are kept in columns of plain decimals, and the objects that people look at are made when somebody looks: a hundred
thousand of them, each of several parts, would take the garbage collector longer than the adding.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from math import nan
from typing import Generic, TypeVar
from zlib import crc32

from attrs import field, frozen

from leadflow.calendar import FiscalCalendar, Period
from leadflow.errors import Problem, UnknownNameError
from leadflow.forecasting.deals import Deal
from leadflow.forecasting.keys import Grouping, in_order, kinds
from leadflow.forecasting.omissions import Omission, OmissionReason, priced
from leadflow.forecasting.rounding import rounded, rounded_alone
from leadflow.money import ExchangeRates, Money
from leadflow.money.exact import WIDE, ZERO
from leadflow.stage import ForecastCategory
from leadflow.validation import invalid

__all__ = ["ByCategory", "Measure", "RollupRow"]

_T = TypeVar("_T", Money, int)
CATEGORIES = tuple(ForecastCategory)
# Members are found by their values as well: they are texts.
_NAMES: Mapping[str, str] = {category: category.value for category in CATEGORIES}


class Measure(StrEnum):
    """What a rollup adds up: amounts, or one of the four figures of recurring revenue."""

    AMOUNT = "amount"
    MRR = "mrr"
    ARR = "arr"
    ACV = "acv"
    TCV = "tcv"


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
        marks: Per category a number that changes, but for a chance of one in four thousand million, when a deal in it
            changes its amount or gives its place to another; the same on every machine.
    """

    keys: tuple[object, ...]
    amounts: ByCategory[Money]
    counts: ByCategory[int]
    expected: Money
    deals: int
    marks: ByCategory[int] = field(repr=False)


@frozen(kw_only=True)
class Table:
    """
    The figures of a rollup, each category alone, rounded; rows in order.

    Attributes:
        currency: Of the figures.
        keys: Per row, what its deals have in common.
        amounts: Per category, the rows that have any, and their sums.
        counts: Per category, the same rows and their numbers of deals.
        marks: Per category, for the same rows, a mark per row; see `RollupRow`.
        totals: Per category, what all rows come to.
        expected: Rows with expected revenue, and how much.
    """

    currency: str
    keys: tuple[tuple[Hashable, ...], ...]
    amounts: tuple[tuple[tuple[int, ...], tuple[Decimal, ...]], ...]
    counts: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    marks: tuple[tuple[int, ...], ...]
    totals: tuple[Decimal, ...]
    expected: tuple[tuple[int, ...], tuple[Decimal, ...]]

    def rows(self) -> "tuple[RollupRow, ...]":
        """Return a row per group."""
        zero = self._money(ZERO).round()
        amounts = [dict(zip(*column, strict=True)) for column in self.amounts]
        numbers = [dict(zip(*column, strict=True)) for column in self.counts]
        marked = [dict(zip(rows, marks, strict=True)) for (rows, _), marks in zip(self.counts, self.marks, strict=True)]
        expected = dict(zip(*self.expected, strict=True))
        found = []
        for row, keys in enumerate(self.keys):
            counts = ByCategory(*(column.get(row, 0) for column in numbers))
            found.append(
                RollupRow(
                    keys=keys,
                    amounts=ByCategory(*(self._money(column[row]) if row in column else zero for column in amounts)),
                    counts=counts,
                    expected=self._money(expected[row]) if row in expected else zero,
                    deals=sum(column.get(row, 0) for column in numbers),
                    marks=ByCategory(*(column.get(row, 0) for column in marked)),
                )
            )
        return tuple(found)

    def total(self, keys: int) -> "RollupRow":
        """Return what all rows come to, with so many keys that are None."""
        counts = [sum(numbers) for _, numbers in self.counts]
        expected = [self._money(ZERO).round(), *map(self._money, self.expected[1])]
        return RollupRow(
            keys=(None,) * keys,
            amounts=ByCategory(*map(self._money, self.totals)),
            counts=ByCategory(*counts),
            expected=Money.total(expected),
            deals=sum(counts),
            marks=ByCategory(*map(sum, self.marks)),
        )

    def _money(self, amount: Decimal) -> Money:
        return Money(amount, self.currency)


@frozen(kw_only=True)
class Adding:
    """
    Everything that says how deals are added up, and what is found on the way.

    Attributes:
        groups: What to group by.
        measure: What of each deal is added up.
        period: Limits what counts to what closes in it.
        calendar: Whose days are meant.
        today: The as-of day.
        currency: Of the sums.
        rates: For amounts in others.
        omitted: What could not be counted.
        past_due: Open deals that were expected to close before today; by id, as the deals come.
    """

    groups: tuple[Grouping, ...]
    measure: Measure
    period: Period | None
    calendar: FiscalCalendar
    today: date
    currency: str
    rates: ExchangeRates | None
    omitted: list[Omission] = field(factory=list, init=False)
    past_due: list[str] = field(factory=list, init=False)

    def add(self, deals: Iterable[Deal]) -> Table:
        """Return the figures."""
        # By kind first: True, 1 and Decimal(1) are equal to Python, and three keys here.
        numbers: defaultdict[tuple[int, ...], dict[tuple[Hashable, ...], int]] = defaultdict(dict)
        keys: list[tuple[Hashable, ...]] = []
        sums: dict[ForecastCategory, dict[int, Decimal]] = {category: {} for category in CATEGORIES}
        counts: dict[ForecastCategory, dict[int, int]] = {category: {} for category in CATEGORIES}
        marks: dict[ForecastCategory, dict[int, int]] = {category: {} for category in CATEGORIES}
        expected: dict[int, Decimal] = {}
        for deal in deals:
            if not (deal.is_open or deal.is_won):
                continue
            day = deal.day(self.calendar)
            if self.period is not None and day is not None and day not in self.period:
                # Expected before the period, open and past due: it may yet close in it, and nobody knows when.
                if deal.is_open and day < min(self.today, self.period.first_day) and self.today <= self.period.last_day:
                    late = f"was expected to close on {day} and is still open"
                    self.omitted.append(Omission(deal.id, OmissionReason.PAST_DUE, late))
                continue
            if deal.is_open and day is not None and day < self.today:
                self.past_due.append(deal.id)
            amount = self._counted(deal, day)
            if amount is None:
                continue
            own = tuple([_one_nan(group.of(deal, day)) for group in self.groups])
            same_kind = numbers[kinds(own)]
            row = same_kind.setdefault(_hashable(deal, own), len(keys))
            if row == len(keys):
                keys.append(own)
            category = deal.forecast_category
            column, number, mark = sums[category], counts[category], marks[category]
            column[row] = WIDE.add(column[row], amount) if row in column else amount
            number[row] = number.get(row, 0) + 1
            mark[row] = mark.get(row, 0) + crc32(f"{deal.id} {amount.normalize(WIDE)}".encode())
            weighted = self._weighted(deal, amount)
            if weighted is not None:
                expected[row] = WIDE.add(expected[row], weighted) if row in expected else weighted
        return self._table(keys, sums, counts, marks, expected)

    def _counted(self, deal: Deal, day: date | None) -> Decimal | None:
        """Return what a deal counts, or list why it cannot be counted."""
        given = self._measured(deal)
        by_period = self.period is not None or any(group.needs_day for group in self.groups)
        foreign = isinstance(given, Money) and given.currency != self.currency
        # A day is needed to know the period, or which day's rate a won amount has.
        undated = day is None and (by_period or (foreign and deal.is_won))
        if undated:
            what = "expected close date" if deal.is_open else "day of closing"
            self.omitted.append(Omission(deal.id, OmissionReason.UNDATED, f"has no {what}"))
        on = self.today if day is None else min(day, self.today)
        amount = (
            given if isinstance(given, Omission) else priced(deal.id, given, to=self.currency, on=on, rates=self.rates)
        )
        if isinstance(amount, Omission):
            self.omitted.append(amount)
            return None
        return None if undated else amount.amount

    def _measured(self, deal: Deal) -> Money | Omission | None:
        if self.measure is Measure.AMOUNT:
            return deal.amount
        if deal.recurring is None:
            return Omission(deal.id, OmissionReason.NOT_RECURRING, "has no recurring part")
        found: Money | None = getattr(deal.recurring, self.measure.value)
        if found is None:
            return Omission(deal.id, OmissionReason.OPEN_ENDED, "is open-ended: its total is unknown")
        return found

    def _weighted(self, deal: Deal, amount: Decimal) -> Decimal | None:
        """Return expected revenue, if there is any to be expected; list a deal of which that is unknown."""
        if deal.is_won:
            return amount
        if deal.forecast_category is ForecastCategory.OMITTED:
            return None  # somebody said that nothing is to be expected of it
        if deal.probability is None:
            self.omitted.append(Omission(deal.id, OmissionReason.NO_PROBABILITY, "has no probability"))
            return None
        return WIDE.multiply(amount, Decimal(float.__repr__(float(deal.probability))))

    def _table(
        self,
        keys: list[tuple[Hashable, ...]],
        sums: Mapping[ForecastCategory, Mapping[int, Decimal]],
        counts: Mapping[ForecastCategory, Mapping[int, int]],
        marks: Mapping[ForecastCategory, Mapping[int, int]],
        expected: Mapping[int, Decimal],
    ) -> Table:
        order = in_order(keys)
        columns = rounded({category: _sorted(column, order) for category, column in sums.items()}, self.currency)
        weighted = _sorted(expected, order)
        return Table(
            currency=self.currency,
            keys=tuple([keys[row] for row in order]),
            amounts=tuple(
                (tuple(columns[category][1]), tuple(columns[category][1].values())) for category in CATEGORIES
            ),
            counts=tuple(
                (tuple(column), tuple(column.values()))
                for column in (_sorted(counts[category], order) for category in CATEGORIES)
            ),
            marks=tuple(tuple(_sorted(marks[category], order).values()) for category in CATEGORIES),
            totals=tuple(columns[category][0] for category in CATEGORIES),
            expected=(tuple(weighted), tuple(rounded_alone(weighted, self.currency))),
        )


_Figure = TypeVar("_Figure", Decimal, int)


def _sorted(column: Mapping[int, _Figure], order: Sequence[int]) -> dict[int, _Figure]:
    """Return a column with its rows numbered as they are shown, in order."""
    return {place: column[row] for place, row in enumerate(order) if row in column} if column else {}


def _one_nan(key: Hashable) -> Hashable:
    """Return a key as it is; one that is not equal to itself as the one nan, or each deal would have a row."""
    return key if key == key else nan  # noqa: PLR0124 - what is not equal to itself is nan


def _hashable(deal: Deal, keys: tuple[Hashable, ...]) -> tuple[Hashable, ...]:
    try:
        hash(keys)
    except TypeError:
        problem = Problem("by", f"must give keys that can be hashed, got {keys!r} for {deal.id!r}", is_type=True)
        raise invalid("rollup", problem) from None
    return keys
