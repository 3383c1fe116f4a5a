"""
Waterfalls: how the open pipeline of a period became what it is, deal by deal.

Theory. The figure is the open pipeline of a period: open deals that are expected to close in it, omitted ones aside,
as `rollup` adds it up. Every deal is known at two times (or at one) and goes one way from the first to the second: it
is there at the start or comes in, its amount changes, and it is there at the end or goes out. Each part of that way is
a step into a `Bucket`. A deal comes in with the amount it had before and goes out with the amount it has after, so a
change of amount is always in a bucket of its own. Each step is the difference of two values; so a deal's steps add up
from its start to its end whatever happened to it, and so do all of them together: the balance is built in. Amounts of
steps are exact; the figure of each bucket is rounded so that start and changes add up to the end.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cached_property, reduce

from attrs import field, frozen

from leadflow.calendar import Period
from leadflow.currencies import EXPONENTS, currency_problem
from leadflow.errors import Problem, UnknownNameError
from leadflow.forecasting.deals import Deal
from leadflow.forecasting.judging import all_of, deal_problems, refuse_look_ahead
from leadflow.forecasting.layout import shown, text_table
from leadflow.forecasting.omissions import Omission, in_order, summary
from leadflow.forecasting.steps import BUCKETS, Bucket, Steps, View
from leadflow.markup import paragraph, section, table
from leadflow.money import ExchangeRates, Money
from leadflow.money.exact import WIDE, ZERO
from leadflow.money.sharing import rounded_to
from leadflow.validation import aware, check, instance, optional

__all__ = ["Bucket", "BucketRow", "Step", "Waterfall", "waterfall"]

# A printed waterfall names so many deals of each bucket; `steps` has all of them.
_NAMED = 5


@frozen
class Step:
    """
    One part of a deal's way.

    Attributes:
        id: The deal's id.
        bucket: What happened.
        amount: What that added, unrounded; below zero for what went out.
    """

    id: str
    bucket: Bucket
    amount: Money


@frozen
class BucketRow:
    """
    One bar of a waterfall.

    Attributes:
        bucket: Which.
        amount: What its steps come to, rounded so that start and changes add up to the end.
        ids: Whose steps they are, in order.
    """

    bucket: Bucket
    amount: Money
    ids: tuple[str, ...]

    @property
    def deals(self) -> int:
        """How many deals it has."""
        return len(self.ids)


@frozen(kw_only=True)
class Waterfall:
    """
    What `waterfall` returns.

    Attributes:
        period: Whose pipeline it is.
        currency: Of every amount.
        since: The earlier time, if it was given.
        until: The later time, if it was given.
        omitted_before: What is missing in the start, and why; by deal id.
        omitted_after: What is missing in the end and in what went out, and why.
    """

    period: Period
    currency: str
    since: datetime | None
    until: datetime | None
    omitted_before: tuple[Omission, ...]
    omitted_after: tuple[Omission, ...]
    # Per bucket, in order, ids and amounts.
    _steps: tuple[tuple[tuple[str, ...], tuple[Decimal, ...]], ...] = field(repr=False)

    @cached_property
    def rows(self) -> tuple[BucketRow, ...]:
        """One row per bucket, from start to end; start and changes add up to the end, to the last cent."""
        places = EXPONENTS[self.currency]
        exact = [reduce(WIDE.add, amounts, ZERO) for _, amounts in self._steps]
        start, end = (Money(exact[place], self.currency).round().amount for place in (0, -1))
        changes = rounded_to(exact[1:-1], WIDE.subtract(end, start), places)
        return tuple(
            BucketRow(bucket, Money(amount, self.currency), ids)
            for bucket, amount, (ids, _) in zip(BUCKETS, (start, *changes, end), self._steps, strict=True)
        )

    def __getitem__(self, bucket: Bucket | str) -> BucketRow:
        """Return one bucket's row, by its name: ``result["pulled_in"]``."""
        if bucket not in BUCKETS:  # members are equal to their values
            raise UnknownNameError("a waterfall", "bucket", bucket, BUCKETS)
        return self.rows[BUCKETS.index(bucket)]

    @property
    def start(self) -> Money:
        """The open pipeline before."""
        return self.rows[0].amount

    @property
    def end(self) -> Money:
        """The open pipeline after."""
        return self.rows[-1].amount

    def steps(self, bucket: Bucket | str) -> tuple[Step, ...]:
        """Return the steps of a bucket, by deal id, unrounded."""
        row = self[bucket]
        found = self._steps[BUCKETS.index(row.bucket)]
        return tuple(Step(name, row.bucket, Money(amount, self.currency)) for name, amount in zip(*found, strict=True))

    def chain(self, id: str) -> tuple[Step, ...]:  # noqa: A002 - the interface's word
        """Return a deal's way, in order; empty when it was never in. All but an `end` step add up to that one, or 0."""
        return tuple(Step(id, bucket, Money(amount, self.currency)) for bucket, amount in self._chains.get(id, ()))

    @cached_property
    def _chains(self) -> Mapping[str, list[tuple[Bucket, Decimal]]]:
        found: dict[str, list[tuple[Bucket, Decimal]]] = {}
        for bucket, steps in zip(BUCKETS, self._steps, strict=True):
            for name, amount in zip(*steps, strict=True):
                found.setdefault(name, []).append((bucket, amount))
        return found

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per bucket: its name, its amount, how many deals, and which."""
        return [
            {"bucket": row.bucket.value, "amount": row.amount, "deals": row.deals, "ids": row.ids} for row in self.rows
        ]

    def _title(self) -> str:
        times = [f" {word} {at.isoformat()}" for word, at in (("since", self.since), ("until", self.until)) if at]
        return f"Open pipeline of {self.period}{''.join(times)}, in {self.currency}"

    def _shown_rows(self) -> list[dict[str, object]]:
        return [
            {
                "": row.bucket.value.replace("_", " "),
                "amount": row.amount,
                "deals": row.deals,
                "which": ", ".join(row.ids[:_NAMED]) + (", ..." if row.deals > _NAMED else ""),
            }
            for row in self.rows
            if row.deals or row.amount.amount or row.bucket in (Bucket.START, Bucket.END)
        ]

    def _notes(self) -> list[str]:
        return [
            *(f"left out of the start: {line}" for line in summary(self.omitted_before)),
            *(f"left out of the end: {line}" for line in summary(self.omitted_after)),
        ]

    def __str__(self) -> str:
        lines = text_table(self._shown_rows(), figures=["amount", "deals"])
        return "\n".join([self._title(), *lines, *self._notes()])

    def _repr_html_(self) -> str:
        rows = [{name: shown(value) for name, value in row.items()} for row in self._shown_rows()]
        return section(self._title(), table(rows), *map(paragraph, self._notes()))


def waterfall(
    before: Iterable[Deal],
    after: Iterable[Deal],
    *,
    period: Period,
    currency: str | None = None,
    rates: ExchangeRates | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Waterfall:
    """
    Say how the open pipeline of a period came from what it was to what it is.

    >>> from datetime import UTC, date
    >>> from leadflow.calendar import FiscalCalendar
    >>> march, june = date(2026, 3, 31), date(2026, 6, 30)
    >>> monday = [
    ...     Deal("O-1", state="open", amount=Money("100", "EUR"), expected_close=march),
    ...     Deal("O-2", state="open", amount=Money("50", "EUR"), expected_close=march),
    ... ]
    >>> friday = [
    ...     Deal("O-1", state="open", amount=Money("120", "EUR"), expected_close=june),
    ...     Deal("O-2", state="open", amount=Money("50", "EUR"), expected_close=march),
    ... ]
    >>> print(waterfall(monday, friday, period=FiscalCalendar(UTC).quarter(2026, 1)))
    Open pipeline of FY2026 Q1, in EUR
                 amount  deals  which
    start        150.00      2  O-1, O-2
    increased     20.00      1  O-1
    pushed out  -120.00      1  O-1
    end           50.00      1  O-2

    A deal in more than one bucket goes through them in one order: it comes in, changes, goes out. A deal that grew and
    was pushed out is in *increased* by what it grew, and in *pushed out* with all that it is worth now; so is one won
    with another amount, in *won*. A deal that was created and won since then is in *created* and in *won*, if it closed
    in the period; one created and lost, if it was expected in the period. One that was closed before, and closed again
    at another time, was reopened in between: it is in *reopened*, and in *won* or *lost* by the same rule. A deal of
    which neither is so was never in, and has no steps.

    Args:
        before: The deals as they were known at the earlier time, in any order, each id once.
        after: The same at the later time.
        period: In whose calendar days count.
        currency: Of the figures, ISO 4217. Default: that of the amounts, where they have only one.
        rates: Exchange rates. Each amount is converted at the rate of its own day: for an open deal the earlier of
            expected close and the time at which it was known, for a closed one the day it closed.
        since: The earlier time; aware. Needed where amounts are converted; deals that know more are refused.
        until: The later time; the same.

    Returns:
        The figures. An open deal that lacks an amount, a rate or a date is not in them but listed, for each time.

    Raises:
        InvalidError: If an argument is of no use, or a deal comes twice at one time; with every problem found.
        LookAheadError: If a deal knows more than was known at `since`, or `until`.
    """
    earlier, later = all_of(before), all_of(after)
    amounts = [deal.amount for deal in (*earlier, *later) if isinstance(deal, Deal) and deal.amount is not None]
    found = {money.currency for money in amounts}
    check(
        "waterfall",
        *deal_problems("before", earlier),
        *deal_problems("after", later),
        instance("period", period, Period, "a Period, e.g. FiscalCalendar(UTC).quarter(2026, 1)"),
        optional(currency_problem, "currency", currency),
        None if currency is not None or len(found) == 1 else _which_currency(found),
        optional(instance, "rates", rates, ExchangeRates, "ExchangeRates"),
        *_time_problems(since, until, needed=rates is not None),
    )
    to = next(iter(found)) if currency is None else currency
    views = []
    for deals, at in ((earlier, since), (later, until)):
        if at is not None:
            refuse_look_ahead(deals, at)
        today = None if at is None else period.calendar.day_of(at)
        views.append(View(period=period, currency=to, rates=rates, today=today))
    steps = Steps(*views)
    old, new = ({deal.id: deal for deal in deals} for deals in (earlier, later))
    for name in sorted(old.keys() | new.keys()):
        steps.add(old.get(name), new.get(name))
    return Waterfall(
        period=period,
        currency=to,
        since=since,
        until=until,
        omitted_before=in_order(views[0].omitted),
        omitted_after=in_order(views[1].omitted),
        steps=tuple((tuple(ids), tuple(amounts)) for ids, amounts in steps.found.values()),
    )


def _which_currency(found: set[str]) -> Problem:
    if found:
        return Problem("currency", f"must be given where amounts are in several, got {', '.join(sorted(found))}")
    return Problem("currency", "must be given where no deal has an amount")


def _time_problems(since: object, until: object, *, needed: bool) -> list[Problem | None]:
    rule = "must be given where amounts are converted: each has the rate of its own day"
    found: list[Problem | None] = [
        Problem(path, rule) if at is None and needed else optional(aware, path, at)
        for path, at in (("since", since), ("until", until))
    ]
    if not any(found) and isinstance(since, datetime) and isinstance(until, datetime) and since > until:
        found.append(Problem("until", f"must not be before since, got {until!r} and {since!r}"))
    return found
