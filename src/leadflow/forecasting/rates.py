"""
Win rates and velocity, as two honest figures each.

Theory. Win rate = won / (won + lost). Void deals (duplicates, errors) are on neither side. By count and by value; of
the deals closed in a period, or of the cohort created in it, of which some may still be open: their number is shown.
Velocity = deals x win rate x size / cycle: revenue per day. The figure on *dashboards* divides by the cycle of won
deals. The right one follows from Little's law, deals in the system = rate of leaving x time in the system, and takes
the cycle of *all* deals that left, won and lost: lost ones take up a place too, often for longer. Deals that will never
close inflate both.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from attrs import field, frozen

from leadflow.calendar import Period
from leadflow.currencies import currency_problem
from leadflow.forecasting.deals import Deal
from leadflow.forecasting.judging import all_of, judged
from leadflow.forecasting.layout import figure, percent
from leadflow.forecasting.omissions import Omission, OmissionReason, in_order, priced, summary
from leadflow.markup import paragraph, section
from leadflow.money import ExchangeRates, Money
from leadflow.money.exact import QUOTIENT
from leadflow.validation import instance, optional, when

__all__ = ["Velocity", "WinRate", "velocity", "win_rate"]

_DAY = timedelta(days=1)
_HOW = {True: "created", False: "closed"}


@frozen(kw_only=True)
class WinRate:
    """
    How many deals were won of those decided.

    Attributes:
        period: Which deals, if they were limited to a period.
        is_cohort: Whether they are those created in it rather than closed in it.
        won: How many were won.
        lost: How many were lost, void ones aside.
        open: How many of a cohort are still open; 0 otherwise.
        void: How many void ones were left out.
        won_value: What the won ones are worth, as far as that is known.
        lost_value: What the lost ones were worth.
        omitted: What is missing: in the values, or altogether where a date is missing.
    """

    period: Period | None
    is_cohort: bool
    won: int
    lost: int
    open: int
    void: int
    won_value: Money
    lost_value: Money
    omitted: tuple[Omission, ...] = field(repr=False)

    @property
    def n(self) -> int:
        """How many deals were decided: what the rate rests on."""
        return self.won + self.lost

    @property
    def rate(self) -> float | None:
        """Won / decided, by count; None when none was decided."""
        return self.won / self.n if self.n else None

    @property
    def value_rate(self) -> float | None:
        """Won / decided, by value; None when nothing of value was decided."""
        whole = self.won_value + self.lost_value
        return float(QUOTIENT.divide(self.won_value.amount, whole.amount)) if whole.amount else None

    def to_row(self) -> dict[str, object]:
        """Return it as a table row."""
        return {
            "won": self.won,
            "lost": self.lost,
            "n": self.n,
            "rate": self.rate,
            "value_rate": self.value_rate,
            "won_value": self.won_value,
            "lost_value": self.lost_value,
            "open": self.open,
            "void": self.void,
        }

    def _lines(self) -> list[str]:
        of = "deals" if self.period is None else f"deals {_HOW[self.is_cohort]} in {self.period}"
        whole = self.won_value + self.lost_value
        return [
            f"win rate of {of}: {_share(self.rate)} ({self.won:,} of {self.n:,} decided)",
            f"by value: {_share(self.value_rate)} ({figure(self.won_value)} of {figure(whole)} {whole.currency})",
            *([f"still open: {self.open:,}"] if self.open else []),
            *([f"void, not counted: {self.void:,}"] if self.void else []),
            *(f"left out: {line}" for line in summary(self.omitted)),
        ]

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        return section("Win rate", *map(paragraph, self._lines()))


@frozen(kw_only=True)
class Velocity:
    """
    Revenue per day, as dashboards have it and as it is.

    Attributes:
        deals: Open deals as of the time.
        win_rate: Of deals closed in the period.
        size: Mean amount of the deals won in it.
        cycle_won: Mean days from creation to closing, of deals won in it; None when there is none.
        cycle_all: The same of all deals that closed in it, void ones aside.
        omitted: What is missing, and why.
    """

    deals: int
    win_rate: WinRate
    size: Money | None
    cycle_won: float | None
    cycle_all: float | None
    omitted: tuple[Omission, ...] = field(repr=False)

    @property
    def dashboard(self) -> Money | None:
        """Revenue per day by the cycle of won deals, as dashboards show it; None when something is unknown."""
        return self._per_day(self.cycle_won)

    @property
    def by_littles_law(self) -> Money | None:
        """Revenue per day by the cycle of all deals, won and lost; None when something is unknown."""
        return self._per_day(self.cycle_all)

    def _per_day(self, cycle: float | None) -> Money | None:
        if self.size is None or not cycle:
            return None
        factor = Fraction(self.deals * self.win_rate.won, self.win_rate.n) / Fraction(cycle)
        return _times(self.size, factor).round()

    def to_row(self) -> dict[str, object]:
        """Return it as a table row."""
        return {
            "deals": self.deals,
            "win_rate": self.win_rate.rate,
            "n": self.win_rate.n,
            "size": self.size,
            "cycle_won": self.cycle_won,
            "cycle_all": self.cycle_all,
            "dashboard": self.dashboard,
            "by_littles_law": self.by_littles_law,
        }

    def _lines(self) -> list[str]:
        rate = f"{_share(self.win_rate.rate)} (of {self.win_rate.n:,} decided)"
        return [
            f"open deals: {self.deals:,}, win rate: {rate}, mean size: {_amount(self.size)}",
            f"a day, by Little's law: {_amount(self.by_littles_law)} (cycle of all: {_days(self.cycle_all)})",
            f"a day, as dashboards have it: {_amount(self.dashboard)} (cycle of won: {_days(self.cycle_won)})",
            *(f"left out: {line}" for line in summary(self.omitted)),
        ]

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        return section("Velocity", *map(paragraph, self._lines()))


def win_rate(
    deals: Iterable[Deal],
    *,
    as_of: datetime,
    currency: str,
    period: Period | None = None,
    cohort: bool = False,
    rates: ExchangeRates | None = None,
) -> WinRate:
    """
    Count how many deals were won of those decided.

    >>> deals = [
    ...     Deal("O-1", state="won", amount=Money(300, "EUR")),
    ...     Deal("O-2", state="lost", amount=Money(100, "EUR")),
    ...     Deal("O-3", state="lost", counts_as="void", amount=Money(900, "EUR")),
    ... ]
    >>> found = win_rate(deals, as_of=datetime(2026, 3, 2, tzinfo=UTC), currency="EUR")
    >>> found.rate, found.value_rate, found.n, found.void
    (0.5, 0.75, 2, 1)

    Args:
        deals: In any order, each id once.
        as_of: Whose knowledge they are; aware.
        currency: Of the values, ISO 4217.
        period: Which deals: those closed in it. Default: all.
        cohort: Those created in the period instead, whenever they closed.
        rates: Exchange rates; each amount is converted at the rate of the day its deal closed.

    Raises:
        InvalidError: If an argument is of no use, or a deal comes twice.
        LookAheadError: If a deal knows more than was known at `as_of`.
    """
    found = judged(
        "win_rate",
        all_of(deals),
        as_of,
        currency_problem("currency", currency),
        optional(instance, "period", period, Period, "a Period"),
        instance("cohort", cohort, bool, "True or False"),
        when(cohort is True and period is None, "period", "must be given for a cohort: created when?"),
        optional(instance, "rates", rates, ExchangeRates, "ExchangeRates"),
    )
    omitted: list[Omission] = []
    chosen = [deal for deal in found if _is_chosen(deal, period, cohort=cohort, omitted=omitted)]
    decided = [deal for deal in chosen if not deal.is_open and not deal.is_void]
    values = {True: [Money.zero(currency)], False: [Money.zero(currency)]}
    for deal in decided:
        worth = _worth(deal, currency, rates, as_of, period)
        if isinstance(worth, Omission):
            omitted.append(worth)
        else:
            values[deal.is_won].append(worth)
    won = sum(deal.is_won for deal in decided)
    return WinRate(
        period=period,
        is_cohort=cohort,
        won=won,
        lost=len(decided) - won,
        open=sum(deal.is_open for deal in chosen),
        void=sum(deal.is_void and deal.is_lost for deal in chosen),
        won_value=Money.total(values[True]).round(),
        lost_value=Money.total(values[False]).round(),
        omitted=in_order(omitted),
    )


def velocity(
    deals: Iterable[Deal],
    *,
    as_of: datetime,
    currency: str,
    period: Period,
    rates: ExchangeRates | None = None,
) -> Velocity:
    """
    Say how much revenue a day the pipeline brings, by the two formulas.

    Args:
        deals: Open and closed, in any order, each id once. Open ones that will hardly ever close inflate both figures;
            `HazardTable.never_closes` says which those are, so that they can be left out.
        as_of: Whose knowledge they are, and when deals are counted as open; aware.
        currency: Of the amounts, ISO 4217.
        period: Win rate, size and cycles are of the deals closed in it.
        rates: Exchange rates; as for `win_rate`.

    Raises:
        InvalidError: If an argument is of no use, or a deal comes twice.
        LookAheadError: If a deal knows more than was known at `as_of`.
    """
    listed = all_of(deals)
    judged(
        "velocity",
        listed,
        as_of,
        currency_problem("currency", currency),
        instance("period", period, Period, "a Period"),
        optional(instance, "rates", rates, ExchangeRates, "ExchangeRates"),
    )
    share = win_rate(listed, as_of=as_of, currency=currency, period=period, rates=rates)
    closed = [
        deal
        for deal in listed
        if not deal.is_open and not deal.is_void and deal.closed_at is not None and deal.closed_at in period
    ]
    omitted = [
        Omission(deal.id, OmissionReason.UNDATED, "has no time of creation, or one after it closed")
        for deal in closed
        if _span(deal) is None
    ]
    unpriced = {one.id for one in share.omitted}
    sized = sum(deal.is_won and deal.id not in unpriced for deal in closed)
    return Velocity(
        deals=sum(deal.is_open for deal in listed),
        win_rate=share,
        size=_times(share.won_value, Fraction(1, sized)).round() if sized else None,
        cycle_won=_cycle([deal for deal in closed if deal.is_won]),
        cycle_all=_cycle(closed),
        omitted=in_order([*share.omitted, *omitted]),
    )


def _is_chosen(deal: Deal, period: Period | None, *, cohort: bool, omitted: list[Omission]) -> bool:
    """Say whether a deal is one of those meant; list it where the date that would say is missing."""
    if not (deal.is_open or deal.is_won or deal.is_lost) or (deal.is_open and not cohort):
        return False
    if period is None:
        return True
    at, what = (deal.created_at, "creation") if cohort else (deal.closed_at, "closing")
    if at is None:
        omitted.append(Omission(deal.id, OmissionReason.UNDATED, f"has no time of {what}"))
        return False
    return at in period


def _worth(
    deal: Deal, currency: str, rates: ExchangeRates | None, as_of: datetime, period: Period | None
) -> Money | Omission:
    foreign = deal.amount is not None and deal.amount.currency != currency
    if foreign and deal.closed_at is None:
        return Omission(deal.id, OmissionReason.UNDATED, "has no time of closing, whose rate would count")
    at = as_of if deal.closed_at is None else deal.closed_at
    on = at.date() if period is None else period.calendar.day_of(at)
    return priced(deal.id, deal.amount, to=currency, on=on, rates=rates)


def _cycle(deals: list[Deal]) -> float | None:
    """Return the mean number of days from creation to closing."""
    spans = [span for deal in deals if (span := _span(deal)) is not None]
    return sum(spans, timedelta()) / _DAY / len(spans) if spans else None


def _span(deal: Deal) -> timedelta | None:
    if deal.created_at is None or deal.closed_at is None or deal.created_at > deal.closed_at:
        return None
    return deal.closed_at.astimezone(UTC) - deal.created_at.astimezone(UTC)


def _share(rate: float | None) -> str:
    return "-" if rate is None else percent(rate)


def _amount(money: Money | None) -> str:
    return "-" if money is None else str(money)


def _days(cycle: float | None) -> str:
    return "-" if cycle is None else f"{cycle:,.4g} days"


def _times(money: Money, factor: Fraction) -> Money:
    exact = Fraction(money.amount) * factor
    return Money(QUOTIENT.divide(Decimal(exact.numerator), Decimal(exact.denominator)), money.currency)
