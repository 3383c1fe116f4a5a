"""
Adjustments: what a person says a figure of a rollup should be, beside the figure.

Theory. A manager who knows better does not change a deal; she says "commit of my team: 80,000 more, because ...". So an
adjustment is a value of its own, with who, when and why, and with the figure and the number of deals that she saw. It
is shown beside the figure and added to nothing else. When what is underneath has moved since, her reason may already be
in it: the adjustment is then *stale*, and says from what to what the figure moved, or that other deals or amounts come
to the same.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from attrs import field, frozen

from leadflow.calendar import Period
from leadflow.errors import Problem
from leadflow.forecasting.layout import figure, shown, text_table
from leadflow.forecasting.rollup import Rollup, RollupMode
from leadflow.forecasting.sums import CATEGORIES, Measure
from leadflow.markup import section, table
from leadflow.money import Money
from leadflow.money.exact import item_problems
from leadflow.stage import ForecastCategory
from leadflow.validation import aware, check, code, coded, instance, prose, to_instant, to_tuple

__all__ = ["Adjusted", "AdjustedFigure", "Adjustment", "adjust", "adjusted"]


def _instant(value: datetime) -> datetime:
    return to_instant(value)


@frozen(kw_only=True)
class Adjustment:
    """
    What a person adds to a figure. Made by `adjust`, which fills in what was seen.

    Attributes:
        by: Who.
        at: When; aware.
        why: In words.
        amount: What is to be added to the figure; may be below zero.
        category: Which figure: a `ForecastCategory`.
        mode: Whether that category alone, or with what is surer.
        keys: Which row; empty for the total.
        seen: The figure when it was adjusted.
        seen_deals: How many deals it was made of.
        seen_mark: What tells those deals and their amounts from others; see `RollupRow`.
        period: Of the rollup, if it was limited to one.
        measure: Of the rollup.
        grouped_by: Names of the rollup's keys.
    """

    by: str
    at: datetime = field(converter=_instant)
    why: str
    amount: Money
    category: ForecastCategory
    mode: RollupMode
    keys: tuple[object, ...]
    seen: Money
    seen_deals: int
    seen_mark: int = field(repr=False)
    period: Period | None
    measure: Measure
    grouped_by: tuple[str, ...]

    def __attrs_post_init__(self) -> None:
        check(
            "Adjustment",
            code("by", self.by),
            aware("at", self.at),
            prose("why", self.why),
            Problem("why", "must say something: an adjustment without a reason helps nobody") if not self.why else None,
            instance("amount", self.amount, Money, "Money"),
        )


@frozen(kw_only=True)
class AdjustedFigure:
    """
    A figure with the adjustment beside it.

    Attributes:
        adjustment: Who, when, why, and by how much.
        figure: What the rollup says now.
        deals: How many deals it is made of now.
        mark: What tells them and their amounts from others.
    """

    adjustment: Adjustment
    figure: Money
    deals: int
    mark: int = field(repr=False)

    @property
    def adjusted(self) -> Money:
        """The figure of now with the adjustment."""
        return self.figure + self.adjustment.amount

    @property
    def is_stale(self) -> bool:
        """Whether what the figure is made of has moved since it was adjusted: deals, or their amounts."""
        return self.mark != self.adjustment.seen_mark or self._has_moved

    @property
    def _has_moved(self) -> bool:
        return (self.figure, self.deals) != (self.adjustment.seen, self.adjustment.seen_deals)

    @property
    def note(self) -> str:
        """What a reader should know: nothing, or from what to what the figure moved."""
        if not self.is_stale:
            return ""
        if not self._has_moved:
            return "stale: other deals or other amounts, which come to the same"
        seen = f"{figure(self.adjustment.seen)} ({_deals(self.adjustment.seen_deals)})"
        return f"stale: the figure was {seen}, is {figure(self.figure)} ({_deals(self.deals)})"

    def to_row(self) -> dict[str, object]:
        """Return it as a table row."""
        one = self.adjustment
        return {
            "of": ", ".join(map(str, one.keys)) or "total",
            "category": one.category.value,
            "figure": self.figure,
            "adjustment": one.amount,
            "adjusted": self.adjusted,
            "by": one.by,
            "at": one.at.isoformat(),
            "why": one.why,
            "stale": self.is_stale,
        }


@frozen
class Adjusted:
    """
    A rollup with the adjustments beside its figures; the rollup is as it was.

    Attributes:
        rollup: The rollup.
        figures: One per adjustment, in order of time.
    """

    rollup: Rollup
    figures: tuple[AdjustedFigure, ...]

    @property
    def stale(self) -> tuple[AdjustedFigure, ...]:
        """Those whose figure has moved since."""
        return tuple(one for one in self.figures if one.is_stale)

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per adjustment."""
        return [one.to_row() for one in self.figures]

    def _shown_rows(self) -> list[dict[str, object]]:
        return [{**one.to_row(), "stale": one.note or None} for one in self.figures]

    def __str__(self) -> str:
        rows = self._shown_rows()
        lines = text_table(rows, figures=["figure", "adjustment", "adjusted"]) if rows else ["no adjustments"]
        return "\n".join([str(self.rollup), *lines])

    def _repr_html_(self) -> str:
        rows = [{name: shown(value) for name, value in row.items()} for row in self._shown_rows()]
        return section("Adjustments", self.rollup._repr_html_(), table(rows))


def adjust(
    rollup: Rollup,
    category: ForecastCategory | str,
    keys: object = (),
    *,
    by: str,
    at: datetime,
    why: str,
    add: Money | None = None,
    to: Money | None = None,
) -> Adjustment:
    """
    Say what a figure of a rollup should be; changes neither the rollup nor any deal.

    >>> from datetime import UTC
    >>> from leadflow.forecasting import Deal, rollup
    >>> deals = [Deal("O-1", state="open", owner="ada", amount=Money(100, "EUR"), forecast_category="commit")]
    >>> now = datetime(2026, 3, 2, tzinfo=UTC)
    >>> found = rollup(deals, by="owner", currency="EUR", as_of=now)
    >>> mine = adjust(found, "commit", "ada", by="cleo", at=now, why="verbal yes of O-9", to=Money(150, "EUR"))
    >>> print(mine.amount, adjusted(found, [mine]).figures[0].adjusted, sep=" | ")
    50.00 EUR | 150.00 EUR

    Args:
        rollup: As it was seen; its mode says whether a category's own figure is meant.
        category: Which figure.
        keys: Which row, as in ``rollup[...]``; empty for the total.
        by: Who says so.
        at: When; aware, and not before the rollup's as-of.
        why: In words; must say something.
        add: What to add, in the rollup's currency; or
        to: What the figure should be.

    Raises:
        InvalidError: If not exactly one of `add` and `to` is given, or an argument is of no use.
        UnknownNameError: If there is no such row.
    """
    given: Any = rollup
    check(
        "adjust",
        instance("rollup", given, Rollup, "a Rollup"),
        coded("category", category, CATEGORIES),
        aware("at", at),
        *(instance(name, money, Money, "Money") for name, money in (("add", add), ("to", to)) if money is not None),
        Problem("add", "must be given, or to; one of the two") if (add is None) == (to is None) else None,
    )
    wanted = add if add is not None else to
    assert wanted is not None
    early = at < rollup.as_of
    check(
        "adjust",
        Problem("at", f"must not be before the rollup's as-of {rollup.as_of.isoformat()}, got {at!r}")
        if early
        else None,
        None
        if wanted.currency == rollup.currency
        else Problem("add" if to is None else "to", f"must be in {rollup.currency}, got {wanted}"),
    )
    chosen = ForecastCategory(category)
    row = rollup.total if keys == () else rollup[keys]
    seen = row.amounts[chosen]
    return Adjustment(
        by=by,
        at=at,
        why=why,
        amount=wanted if to is None else wanted - seen,
        category=chosen,
        mode=rollup.mode,
        keys=() if keys == () else row.keys,
        seen=seen,
        seen_deals=row.counts[chosen],
        seen_mark=row.marks[chosen],
        period=rollup.period,
        measure=rollup.measure,
        grouped_by=rollup.by,
    )


def adjusted(rollup: Rollup, adjustments: Iterable[Adjustment]) -> Adjusted:
    """
    Put adjustments beside the figures of a rollup, usually a later one; see `Adjusted`.

    A row that has gone counts nothing now: its adjustments are stale.

    Raises:
        InvalidError: If an adjustment is of another period, measure, currency or grouping; all of them named.
    """
    listed = to_tuple(adjustments)
    given: Any = rollup
    wrong = [
        instance("rollup", given, Rollup, "a Rollup"),
        *item_problems("adjustments", listed, Adjustment, "an Adjustment; use adjust(...)", "several adjustments"),
    ]
    if isinstance(given, Rollup) and isinstance(listed, tuple):
        wrong += _strangers(given, listed)
    check("adjusted", *wrong)
    figures = [_beside(rollup, one) for one in sorted(listed, key=lambda one: one.at)]
    return Adjusted(rollup, tuple(figures))


def _strangers(rollup: Rollup, listed: tuple[object, ...]) -> list[Problem]:
    """Say which adjustments are of another rollup, and in what."""
    return [
        Problem(f"adjustments[{place}]", f"is of another {name}, {theirs!s}, than the rollup, {ours!s}")
        for place, one in enumerate(listed)
        if isinstance(one, Adjustment)
        for name, theirs, ours in (
            ("period", one.period, rollup.period),
            ("measure", one.measure, rollup.measure),
            ("currency", one.amount.currency, rollup.currency),
            ("grouping", one.grouped_by if one.keys else (), rollup.by if one.keys else ()),
        )
        if theirs != ours
    ]


def _beside(rollup: Rollup, one: Adjustment) -> AdjustedFigure:
    view = rollup.single() if one.mode is RollupMode.SINGLE else rollup.cumulative()
    try:
        row = view[one.keys] if one.keys else view.total
    except LookupError:
        return AdjustedFigure(adjustment=one, figure=Money.zero(rollup.currency).round(), deals=0, mark=0)
    of, mark = one.category, row.marks[one.category]
    return AdjustedFigure(adjustment=one, figure=row.amounts[of], deals=row.counts[of], mark=mark)


def _deals(count: int) -> str:
    return f"{count:,} deal{'s' * (count != 1)}"
