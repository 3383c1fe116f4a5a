"""
Rollups: what the pipeline adds up to, by forecast category and by whatever else.

Theory. Every open and won deal falls under exactly one category: omitted, pipeline, best case, most likely, commit,
closed. *Single* shows each alone. *Cumulative* adds what is surer: commit = commit + closed; most likely = most likely
+ commit + closed; best case = best case + most likely + commit + closed; the column `pipeline` is then the open
pipeline, pipeline + best case + most likely + commit, of open deals only. Omitted stays by itself; lost and withdrawn
deals count nothing. Amounts are not weighted; expected revenue is: the sum of amount x probability, never sum x mean.
Sums are exact, and rounded at the end. In the total, closed, omitted, commit, the open pipeline and expected revenue
are each rounded once; what that leaves over is shared out over the other categories and then the rows, so that rows add
up to the total and cumulative figures to the single ones, and no single figure is a whole unit off its exact value
(`rounding` has the bounds). Adding up runs once over the deals.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property

from attrs import evolve, field, frozen

from leadflow.calendar import FiscalCalendar, Period
from leadflow.currencies import currency_problem
from leadflow.errors import Problem, UnknownNameError
from leadflow.forecasting.deals import Deal
from leadflow.forecasting.judging import all_of, judged
from leadflow.forecasting.keys import Key, groupings, key_problems, kinds, listed_keys
from leadflow.forecasting.layout import shown, text_table
from leadflow.forecasting.omissions import Omission, in_order, summary
from leadflow.forecasting.sums import CATEGORIES, Adding, Measure, RollupRow, Table
from leadflow.markup import paragraph, section, table
from leadflow.money import ExchangeRates
from leadflow.validation import coded, instance, member, optional

__all__ = ["Rollup", "RollupMode", "rollup"]

# So many keys are named when somebody asks for one that is not there.
_NAMED = 20
# So many deals past due are named below a printed rollup; `past_due` has all of them.
_LATE = 5


class RollupMode(StrEnum):
    """Whether a category's figure is its own alone, or includes what is surer."""

    SINGLE = "single"
    CUMULATIVE = "cumulative"


@frozen(kw_only=True)
class Rollup:
    """
    What `rollup` returns.

    Attributes:
        by: Names of the keys.
        mode: Single or cumulative.
        currency: Of every amount.
        as_of: Whose knowledge it is.
        period: The period the deals close in, if it was limited to one.
        omitted: What is missing in the figures, and why; by deal id. A deal without a probability is counted in the
            amounts and missing in `expected` only. Limited to a period that is not over, it also lists what was
            expected before the period and is still open: it may yet close in it, and is in no figure.
        past_due: Open deals whose expected close is past at `as_of`; by id. They are in the figures, and a figure that
            rests on them wants a new date first. Limited to a period: those expected in it.
        measure: What was added up: amounts, or which figure of recurring revenue.
    """

    by: tuple[str, ...]
    mode: RollupMode
    currency: str
    as_of: datetime
    period: Period | None
    omitted: tuple[Omission, ...]
    past_due: tuple[str, ...]
    measure: Measure
    _table: Table = field(repr=False)

    @cached_property
    def rows(self) -> tuple[RollupRow, ...]:
        """One row per group, ordered by key, unknown last."""
        return tuple(map(self._in_mode, self._table.rows()))

    @cached_property
    def total(self) -> RollupRow:
        """All groups together; the rows add up to it, to the last cent."""
        return self._in_mode(self._table.total(len(self.by)))

    def _in_mode(self, row: RollupRow) -> RollupRow:
        if self.mode is RollupMode.SINGLE:
            return row
        figures = {name: getattr(row, name).cumulative() for name in ("amounts", "counts", "marks")}
        return evolve(row, **figures)

    def single(self) -> "Rollup":
        """Return the same figures, each category alone."""
        return evolve(self, mode=RollupMode.SINGLE)

    def cumulative(self) -> "Rollup":
        """Return the same figures, each category with what is surer."""
        return evolve(self, mode=RollupMode.CUMULATIVE)

    @cached_property
    def _by_keys(self) -> Mapping[object, RollupRow]:
        found: dict[object, RollupRow] = {(kinds(row.keys), row.keys): row for row in self.rows}
        for row in self.rows:
            plain = tuple(map(_plain, row.keys))
            found.setdefault((kinds(plain), plain), row)
        return found

    def __getitem__(self, keys: object) -> RollupRow:
        """
        Return the row of a key, or of a tuple of keys where there are several; a period also by its label.

        Raises:
            UnknownNameError: If there is no such group; a `LookupError` that names the groups there are.
        """
        wanted = keys if isinstance(keys, tuple) else (keys,)
        try:
            return self._by_keys[kinds(wanted), wanted]
        except (KeyError, TypeError):  # a TypeError: cannot be hashed, so it is no key
            plain = (tuple(map(_plain, row.keys)) for row in self.rows[:_NAMED])
            known = [repr(one) if len(self.by) > 1 else str(one[0]) for one in plain] if self.by else []
            owner = f"the rollup by {', '.join(self.by)}" if self.by else "a rollup without keys, which has only .total"
            raise UnknownNameError(owner, "key", keys, known) from None

    def to_rows(self, *, total: bool = False) -> list[dict[str, object]]:
        """
        Return one row per group; amounts are `Money`, periods their labels, and ``<category>_deals`` are counts.

        Args:
            total: Whether to add a last row with the totals, its first key ``total``.
        """
        rows = [self._row(row, row.keys) for row in self.rows]
        if total:
            rows.append(self._row(self.total, ("total", *(None for _ in self.by[1:]))))
        return rows

    def _row(self, row: RollupRow, keys: tuple[object, ...]) -> dict[str, object]:
        named = dict(zip(self.by, map(_plain, keys), strict=False)) if self.by else {}
        counts = {f"{category}_deals": count for category, count in row.counts.items()}
        return {**named, **dict(row.amounts.items()), "expected": row.expected, "deals": row.deals, **counts}

    def _shown_rows(self) -> list[dict[str, object]]:
        """Return what people read: the amounts and the number of deals, totals last."""
        rows = self.to_rows(total=True) if self.by else [{"": "total", **self._row(self.total, ())}]
        names = [*(self.by or ("",)), *(c.value for c in CATEGORIES), "expected", "deals"]
        if self.mode is RollupMode.CUMULATIVE:
            renamed = {"pipeline": "open_pipeline"}
            return [{renamed.get(name, name): row[name] for name in names if name != "omitted"} for row in rows]
        return [{name: row[name] for name in names} for row in rows]

    def _title(self) -> str:
        where = f" of {self.period}" if self.period is not None else ""
        what = "" if self.measure is Measure.AMOUNT else f" of {self.measure.upper()}"
        return f"Rollup{what}{where}, {self.mode}, as of {self.as_of.isoformat()}, in {self.currency}"

    def __str__(self) -> str:
        rows = self._shown_rows()
        lines = [self._title(), *text_table(rows, figures=[name for name in rows[0] if name not in {"", *self.by}])]
        return "\n".join([*lines, *self._notes()])

    def _notes(self) -> list[str]:
        late = self.past_due
        named = f"{', '.join(late[:_LATE])}{', ...' if len(late) > _LATE else ''}"
        return [
            *([f"open and past due: {len(late):,}: {named}"] if late else []),
            *(f"left out: {line}" for line in summary(self.omitted)),
        ]

    def _repr_html_(self) -> str:
        rows = [{name: shown(value) for name, value in row.items()} for row in self._shown_rows()]
        return section(self._title(), table(rows), *map(paragraph, self._notes()))


def rollup(
    deals: Iterable[Deal],
    *,
    period: Period | None = None,
    mode: RollupMode | str = RollupMode.SINGLE,
    by: Key | Sequence[Key] = (),
    measure: Measure | str = Measure.AMOUNT,
    rates: ExchangeRates | None = None,
    currency: str,
    as_of: datetime,
    calendar: FiscalCalendar | None = None,
) -> Rollup:
    """
    Add deals up by forecast category.

    >>> from datetime import UTC
    >>> from leadflow.money import Money
    >>> deals = [
    ...     Deal("O-1", state="open", owner="ada", amount=Money("1234.50", "EUR"), probability=0.25),
    ...     Deal("O-2", state="open", owner="bo", amount=Money("1234.50", "EUR"), probability=0.25),
    ... ]
    >>> result = rollup(deals, by="owner", currency="EUR", as_of=datetime(2026, 3, 2, tzinfo=UTC))
    >>> [str(row.expected) for row in result.rows], str(result.total.expected)
    (['308.63 EUR', '308.62 EUR'], '617.25 EUR')

    Args:
        deals: In any order, each id once.
        period: Count only what closes in it: open deals by their expected close, won ones by the day they closed.
        mode: A `RollupMode` or its value.
        by: What to group by: a name or a callable that takes a deal, or several. Names: ``month``, ``quarter``,
            ``year`` (of the day a deal closes), any attribute of `Deal`, any of the host's fields.
        measure: What to add up: a `Measure` or its value. With ``mrr``, ``arr``, ``acv`` or ``tcv`` that figure of each
            deal's recurring revenue; a deal without any is listed, and so is one without an end that has no ``tcv``.
        rates: Exchange rates. Each amount is converted at the rate of its own day: for an open deal the earlier of
            expected close and as-of, for a won one the day it closed.
        currency: Of the figures, ISO 4217.
        as_of: Whose knowledge the deals are; aware.
        calendar: Whose days, months and quarters are meant. Default: the period's, and with a period no other is
            taken: its days would not be those that deals are counted by. Without a period, calendar years in the time
            zone of `as_of`.

    Returns:
        The figures, rounded to the currency's smallest unit. A deal that lacks an amount or a rate, or a date where one
        is needed, is not in them but listed in `omitted`.

    Raises:
        InvalidError: If an argument is of no use, or a deal comes twice; with every problem found.
        LookAheadError: If a deal knows more than was known at `as_of`.
    """
    listed = all_of(deals)
    keys = listed_keys(by)
    chosen, meant = member(RollupMode)(mode), member(Measure)(measure)
    found = judged(
        "rollup",
        listed,
        as_of,
        optional(instance, "period", period, Period, "a Period"),
        coded("mode", chosen, RollupMode),
        coded("measure", meant, Measure),
        *key_problems(keys, listed),
        optional(instance, "rates", rates, ExchangeRates, "ExchangeRates"),
        currency_problem("currency", currency),
        optional(instance, "calendar", calendar, FiscalCalendar, "a FiscalCalendar"),
        _other_calendar(period, calendar),
    )
    if calendar is None:
        calendar = period.calendar if period is not None else FiscalCalendar(as_of.tzinfo or UTC)
    groups = groupings(keys, calendar)
    adding = Adding(
        groups=groups,
        measure=meant,
        period=period,
        calendar=calendar,
        today=calendar.day_of(as_of),
        currency=currency,
        rates=rates,
    )
    figures = adding.add(found)
    return Rollup(
        by=tuple(group.name for group in groups),
        mode=chosen,
        currency=currency,
        as_of=as_of,
        period=period,
        omitted=in_order(adding.omitted),
        past_due=tuple(adding.past_due),
        measure=meant,
        table=figures,
    )


def _other_calendar(period: object, calendar: object) -> Problem | None:
    """Say that a period and a calendar do not go together, if so: a day of the one is not a day of the other."""
    if not isinstance(period, Period) or not isinstance(calendar, FiscalCalendar) or period.calendar == calendar:
        return None
    rule = f"must be that of the period, {period.calendar!r}, got {calendar!r}"
    return Problem("calendar", f"{rule}; leave it out, or take the period from it")


def _plain(key: object) -> object:
    """Return what a table shows for a key: a period by its label, an enum's member by its value."""
    if isinstance(key, Period):
        return key.label
    return key.value if isinstance(key, StrEnum) else key
