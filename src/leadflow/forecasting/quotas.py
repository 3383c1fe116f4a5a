"""
Quotas: how much of a target is won, and whether the open pipeline is enough for the rest.

Theory. Attainment = won / quota. Coverage = open pipeline expected to close in the period / (quota - won): what is open
against what is still missing, so both are of one period and won deals are on neither side twice. When nothing is
missing the quota is *met* and there is no coverage to speak of. How much coverage is enough is no rule of thumb ("3 x")
but the reciprocal of how much of such pipeline is won in its period, by value: that rate is counted on a past period,
from the deals as they were known at its start and what became of them by its end.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import field, frozen

from leadflow.calendar import Period
from leadflow.errors import Problem, UnknownNameError
from leadflow.forecasting.deals import Deal
from leadflow.forecasting.judging import all_of
from leadflow.forecasting.layout import figure, percent, shown, text_table
from leadflow.forecasting.omissions import Omission, OmissionReason, in_order, summary
from leadflow.forecasting.rollup import Rollup
from leadflow.forecasting.steps import Bucket
from leadflow.forecasting.waterfall import waterfall
from leadflow.markup import paragraph, section, table
from leadflow.money import ExchangeRates, Money
from leadflow.money.exact import WIDE
from leadflow.validation import aware, built, check, finite, instance, invalid, optional, unique, when

__all__ = ["Attainment", "AttainmentRow", "NeededCoverage", "attainment", "needed_coverage"]


@frozen(kw_only=True)
class AttainmentRow:
    """
    One quota and what there is for it.

    Attributes:
        keys: Whose it is; empty for the total.
        quota: What is to be won in the period.
        won: What is won of it.
        open: Open pipeline that is expected to close in the period.
    """

    keys: tuple[object, ...]
    quota: Money
    won: Money
    open: Money

    @property
    def left(self) -> Money:
        """What is still to be won; zero when the quota is met."""
        return max(self.quota - self.won, Money.zero(self.quota.currency).round())

    @property
    def is_met(self) -> bool:
        """Whether nothing is left to be won."""
        return self.won >= self.quota

    @property
    def attainment(self) -> float | None:
        """Won / quota; None for a quota of zero."""
        return _ratio(self.won, self.quota)

    @property
    def coverage(self) -> float | None:
        """Open / left; None when the quota is met."""
        return None if self.is_met else _ratio(self.open, self.left)

    def to_row(self) -> dict[str, object]:
        """Return it as a table row; coverage is ``met`` where nothing is left."""
        return {
            "of": ", ".join(map(str, self.keys)) or "total",
            "quota": self.quota,
            "won": self.won,
            "attainment": self.attainment,
            "left": self.left,
            "open": self.open,
            "coverage": "met" if self.is_met else self.coverage,
        }


@frozen(kw_only=True)
class Attainment:
    """
    What `attainment` returns.

    Attributes:
        period: Of the quotas.
        currency: Of every amount.
        as_of: Whose knowledge it is.
        rows: One per quota, in the order given.
        without_quota: Rows of the rollup that nobody has a quota for.
        needed: How much coverage is enough, if it was given.
        past_due: Deals in `open` whose expected close has passed, as the rollup has them; by id. They are expected in
            the period, and cover less than others.
        omitted: What is in no figure, and why, as the rollup has it: among it deals past due from before the period.
    """

    period: Period
    currency: str
    as_of: datetime
    rows: tuple[AttainmentRow, ...]
    without_quota: tuple[tuple[object, ...], ...]
    needed: float | None
    past_due: tuple[str, ...] = field(default=(), repr=False)
    omitted: tuple[Omission, ...] = field(default=(), repr=False)

    @property
    def short(self) -> tuple[AttainmentRow, ...]:
        """Those whose coverage is less than what is needed; none when that is not known."""
        needed = self.needed
        if needed is None:
            return ()
        return tuple(row for row in self.rows if row.coverage is not None and row.coverage < needed)

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per quota."""
        return [row.to_row() for row in self.rows]

    def _title(self) -> str:
        return f"Quotas of {self.period}, as of {self.as_of.isoformat()}, in {self.currency}"

    def _shown_rows(self) -> list[dict[str, object]]:
        found = []
        for row in self.rows:
            reached, covered = row.attainment, row.coverage
            found.append(
                {
                    **row.to_row(),
                    "attainment": None if reached is None else percent(reached),
                    "coverage": "met" if covered is None else f"{covered:.2f}",
                }
            )
        return found

    def _notes(self) -> list[str]:
        needed = [] if self.needed is None else [f"needed coverage: {self.needed:.2f}"]
        rest = [", ".join(map(str, keys)) for keys in self.without_quota]
        return [
            *needed,
            *([f"without a quota: {'; '.join(rest)}"] if rest else []),
            *([f"open and past due: {len(self.past_due):,}"] if self.past_due else []),
            *(f"left out: {line}" for line in summary(self.omitted)),
        ]

    def __str__(self) -> str:
        figures = ["quota", "won", "attainment", "left", "open", "coverage"]
        lines = text_table(self._shown_rows(), figures=figures) if self.rows else ["no quotas"]
        return "\n".join([self._title(), *lines, *self._notes()])

    def _repr_html_(self) -> str:
        rows = [{name: shown(value) for name, value in row.items()} for row in self._shown_rows()]
        return section(" - ".join([self._title(), *self._notes()]), table(rows))


def attainment(
    rollup: Rollup, quotas: Money | Mapping[Any, Money], *, needed: "float | NeededCoverage | None" = None
) -> Attainment:
    """
    Put quotas beside a rollup of their period.

    >>> from datetime import UTC, date
    >>> from leadflow.calendar import FiscalCalendar
    >>> from leadflow.forecasting import rollup
    >>> deals = [
    ...     Deal("O-1", state="won", amount=Money(600, "EUR"), closed_at=datetime(2026, 2, 3, tzinfo=UTC)),
    ...     Deal("O-2", state="open", amount=Money(900, "EUR"), expected_close=date(2026, 3, 31)),
    ... ]
    >>> quarter, now = FiscalCalendar(UTC).quarter(2026, 1), datetime(2026, 3, 2, tzinfo=UTC)
    >>> print(attainment(rollup(deals, period=quarter, currency="EUR", as_of=now), Money(1000, "EUR")))
    Quotas of FY2026 Q1, as of 2026-03-02T00:00:00+00:00, in EUR
    of        quota     won  attainment    left    open  coverage
    total  1,000.00  600.00        60 %  400.00  900.00      2.25

    Args:
        rollup: Limited to the period of the quotas.
        quotas: Of the total; or by the rollup's keys, as in ``rollup[...]``. A row that is not there has won nothing.
        needed: How much coverage is enough; see `needed_coverage`.

    Raises:
        InvalidError: If the rollup has no period, or not the keys that the quotas have; if a quota is below zero, in
            another currency or of the same row as another; or if `needed` is not above zero.
    """
    given: Any = rollup
    enough = needed.coverage if isinstance(needed, NeededCoverage) else needed
    check("attainment", instance("rollup", given, Rollup, "a Rollup"), optional(_above_zero, "needed", enough))
    wanted: Any = {(): quotas} if isinstance(quotas, Money) else quotas
    check(
        "attainment",
        Problem("rollup", "must be limited to the period of the quotas; pass rollup(..., period=...)")
        if rollup.period is None
        else None,
        instance("quotas", wanted, Mapping, "Money, or a mapping from keys to Money"),
    )
    problems = [
        *(_quota_problem(f"quotas[{key!r}]", quota, rollup.currency) for key, quota in wanted.items()),
        *(_key_problem(f"quotas[{key!r}]", key, rollup.by) for key in wanted),
        unique("quotas", [_keys(key) for key in wanted]),
    ]
    if any(problems):
        raise invalid("attainment", *problems)
    view = rollup.cumulative()
    rows = tuple(_row(view, key, quota) for key, quota in wanted.items())
    found = {row.keys for row in rows}
    period = rollup.period
    assert period is not None
    return Attainment(
        period=period,
        currency=rollup.currency,
        as_of=rollup.as_of,
        rows=rows,
        without_quota=tuple(row.keys for row in view.rows if row.keys not in found) if () not in found else (),
        needed=enough,
        past_due=rollup.past_due,
        # Without a probability a deal is missing in expected revenue alone, of which there is none here.
        omitted=tuple(one for one in rollup.omitted if one.reason is not OmissionReason.NO_PROBABILITY),
    )


def _quota_problem(path: str, quota: object, currency: str) -> Problem | None:
    if not isinstance(quota, Money):
        return instance(path, quota, Money, "Money")
    if quota.currency != currency:
        return Problem(path, f"must be in {currency}, got {quota}")
    return Problem(path, f"must not be below zero, got {quota}") if quota.amount < 0 else None


def _key_problem(path: str, key: object, by: tuple[str, ...]) -> Problem | None:
    keys = _keys(key)
    if len(keys) in (0, len(by)):
        return None
    if not by:
        return Problem(path, "must be of the total, as the rollup has no keys; pass rollup(..., by=...)")
    return Problem(path, f"must have one key each for {', '.join(by)}, got {len(keys)}")


def _keys(key: object) -> tuple[object, ...]:
    return key if isinstance(key, tuple) else (key,)


def _above_zero(path: str, value: object) -> Problem | None:
    number: Any = value
    wrong = finite(path, value)
    return wrong or when(number <= 0, path, f"must be above 0, got {value!r}")


def _row(view: Rollup, key: object, quota: Money) -> AttainmentRow:
    nothing = Money.zero(view.currency).round()
    try:
        row = view.total if key == () else view[key]
    except UnknownNameError:
        return AttainmentRow(keys=_keys(key), quota=quota, won=nothing, open=nothing)
    keys = () if key == () else row.keys
    return AttainmentRow(keys=keys, quota=quota, won=row.amounts.closed, open=row.amounts.pipeline)


def _ratio(part: Money, whole: Money) -> float | None:
    return float(WIDE.divide(part.amount, whole.amount)) if whole.amount else None


@frozen(kw_only=True)
class NeededCoverage:
    """
    How much open pipeline a quota needs at the start of a period, counted on a past one.

    Attributes:
        period: The past period.
        open: The open pipeline at its start.
        won: How much of that was won in the period, at the amounts of the start.
        deals: How many deals were open.
        wins: How many of them were won in the period: what the rate rests on.
        omitted: What is missing in the figures, and why; a deal of which nobody says what became of it included.
    """

    period: Period
    open: Money
    won: Money
    deals: int
    wins: int
    omitted: tuple[Omission, ...] = field(repr=False)

    @property
    def rate(self) -> float | None:
        """Won / open, by value; None when nothing was open."""
        return _ratio(self.won, self.open)

    @property
    def coverage(self) -> float | None:
        """1 / rate; None when nothing was won: no amount of such pipeline is known to be enough."""
        return _ratio(self.open, self.won)

    def _lines(self) -> list[str]:
        enough = "not known" if self.coverage is None else f"{self.coverage:.2f}"
        share = f"{figure(self.won)} of {figure(self.open)} {self.open.currency} that were open at the start"
        return [
            f"needed coverage: {enough}",
            f"won in {self.period}: {share} ({self.wins:,} of {self.deals:,} deals)",
            *(f"left out: {line}" for line in summary(self.omitted)),
        ]

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        return section("Needed coverage", *map(paragraph, self._lines()))


def needed_coverage(
    before: Iterable[Deal],
    after: Iterable[Deal],
    *,
    period: Period,
    since: datetime,
    until: datetime,
    currency: str | None = None,
    rates: ExchangeRates | None = None,
) -> NeededCoverage:
    """
    Count how much of the open pipeline of a past period was won in it.

    Args:
        before: The deals as they were known at the start of the period, or when coverage is looked at.
        after: The same deals as they were known once it had ended.
        period: The past period.
        since: The time of `before`; aware.
        until: The time of `after`; aware, and not before the period's end.
        currency: Of the figures; as for `waterfall`.
        rates: Exchange rates; as for `waterfall`.

    Raises:
        InvalidError: If the period had not ended by `until`, or an argument is of no use.
        LookAheadError: If a deal knows more than was known at its time.
    """
    later = all_of(after)
    wrong = [instance("period", period, Period, "a Period"), aware("since", since), aware("until", until)]
    if not any(wrong) and until.astimezone(UTC) < period.end.astimezone(UTC):
        rule = f"must not be before the period has ended at {period.end.isoformat()}, got {until!r}"
        wrong.append(Problem("until", f"{rule}; what is still open then may yet be won"))
    fall = built(
        "needed_coverage",
        lambda: waterfall(before, later, period=period, currency=currency, rates=rates, since=since, until=until),
        *wrong,
    )
    won = {deal.id for deal in later if deal.is_won and deal.closed_at is not None and deal.closed_at in period}
    known = {deal.id for deal in later}
    start = [step for step in fall.steps(Bucket.START) if step.id in known]
    gone = [
        Omission(step.id, OmissionReason.NO_HISTORY, "is not among the deals after the period")
        for step in fall.steps(Bucket.START)
        if step.id not in known
    ]
    wins = [step.amount for step in start if step.id in won]
    return NeededCoverage(
        period=period,
        open=Money.total([step.amount for step in start], fall.currency).round(),
        won=Money.total(wins, fall.currency).round(),
        deals=len(start),
        wins=len(wins),
        omitted=in_order([*fall.omitted_before, *gone]),
    )
