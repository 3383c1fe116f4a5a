"""
The forecast: what will be won in a period, and how far from that it may be.

Theory. Three parts. Won so far counts once and is certain. Each open deal adds amount x p, where p is the chance of
winning it inside the period, as a `WinModel` says. Deals that do not exist yet add what a `Creation` says, and leads
and prospects what their `Conversion` says. The mean is their sum, exact, and rounded once; `contributions()` and
`additions` are its parts. The variance is phi x the sum of amount^2 x p x (1 - p), plus that of new business: phi = 1
takes deals as independent, which is the least the spread can be; a `Spread` read from past errors says what it is.
Whatever cannot be counted is listed, never put at 0.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from math import fsum, sqrt
from typing import Any

from attrs import field, frozen

from leadflow.calendar import Period
from leadflow.currencies import currency_problem
from leadflow.errors import Problem
from leadflow.forecasting.asking import Asking, model_problem
from leadflow.forecasting.cautions import count_of, too_wide, warnings_of
from leadflow.forecasting.contributions import Addition, Contribution, contributions_of, levels_of, variance_of
from leadflow.forecasting.conversion import Conversion
from leadflow.forecasting.creation import Creation, money_of
from leadflow.forecasting.deals import Deal
from leadflow.forecasting.judging import all_of, judged
from leadflow.forecasting.layout import figure, percent, shown, text_table
from leadflow.forecasting.models import Estimate, WinModel
from leadflow.forecasting.omissions import Omission, OmissionReason, in_order, priced, summary
from leadflow.forecasting.outlook import Moved, outlook
from leadflow.forecasting.plain import in_units, plain
from leadflow.forecasting.potential import Potential, potential, potential_problems
from leadflow.forecasting.spread import Spread
from leadflow.forecasting.total import Total
from leadflow.lead import Lead
from leadflow.markup import paragraph, section, table
from leadflow.money import ExchangeRates, Money
from leadflow.prospect import Prospect
from leadflow.validation import check, instance, optional, probability, to_tuple

__all__ = ["Forecast", "forecast"]

NEW_BUSINESS = "new business"
# The interval that is printed.
_LEVEL = 0.8

# A printed forecast shows so many deals, the largest first; contributions() and to_rows() have all of them.
_SHOWN = 10


@frozen(kw_only=True)
class Forecast:
    """
    What `forecast` returns.

    Attributes:
        period: What it is a forecast of.
        as_of: Whose knowledge it is.
        currency: Of every amount.
        won: Won inside the period so far.
        open: Expected from open deals.
        new: Expected from deals that do not exist yet: new business, and what leads and prospects bring in time.
        correction: What the bias of past forecasts adds; may be negative.
        additions: What is no deal but part of the mean: new business, leads, prospects, correction.
        creation: What was said about new business, if anything.
        spread: What was said about past errors, if anything.
        variance_of_deals: Of open deals (leads and prospects included) taken as independent.
        variance_of_new: Of new business.
        omitted: Which deals are not in it, and why; by id.
        potential: What leads and prospects might bring; no part of the figures above.
        warnings: What a reader should know before using the figures.
        deals: The deals it was made of, by id: all of them, also those that do not count.
        model: What gave the chances.
        rates: The exchange rates, if any.
    """

    period: Period
    as_of: datetime
    currency: str
    won: Money
    open: Money
    new: Money
    correction: Money
    additions: tuple[Addition, ...]
    creation: Creation | None
    spread: Spread | None
    variance_of_deals: float
    variance_of_new: float
    omitted: tuple[Omission, ...]
    potential: Potential
    warnings: tuple[str, ...]
    deals: tuple[Deal, ...] = field(repr=False)
    model: WinModel = field(repr=False)
    rates: ExchangeRates | None = field(repr=False)
    _contributions: tuple[Contribution, ...] = field(repr=False)

    _timed: tuple[tuple[Money, float], ...] = field(repr=False)

    @property
    def mean(self) -> Money:
        """Won so far, expected from open deals and from new ones, and the correction."""
        return self.uncorrected + self.correction

    @property
    def uncorrected(self) -> Money:
        """The mean without the correction for bias."""
        return self.won + self.open + self.new

    @cached_property
    def unrounded_mean(self) -> Money:
        """The mean before rounding: the one that adds up exactly over portfolios."""
        exact = [one.amount.times(one.p) for one in self._contributions]
        return Money.total([*exact, self.new, self.correction], self.currency)

    @property
    def sd(self) -> float:
        """The standard deviation, in units of the currency; without a `Spread` the least it can be."""
        return sqrt(self._phi * self.variance_of_deals + self.variance_of_new)

    @property
    def _phi(self) -> float:
        return 1.0 if self.spread is None else self.spread.phi

    @cached_property
    def _outlook(self) -> Moved:
        still_open = [(one.amount, one.p) for one in self._contributions if not one.deal.is_won]
        new = next((one.expected for one in self.additions if one.name == NEW_BUSINESS), None)
        return outlook(
            Total.of([*still_open, *self._timed]),
            won=float(self.won.amount),
            correction=float(self.correction.amount),
            phi=self._phi,
            new_mean=0.0 if new is None else float(new.amount),
            new_variance=self.variance_of_new,
            new_wins=None if self.creation is None else self.creation.wins_at(self.variance_of_new),
        )

    def cdf(self, x: Money | float) -> float:
        """Return the chance that at most x will have been won."""
        return self._outlook.cdf(self._number("cdf", x))

    def quantile(self, q: float) -> Money:
        """Return the smallest amount that is not exceeded with a chance of at least q, in [0, 1]; rounded."""
        share = plain(q)
        check("Forecast.quantile", probability("q", share))
        return money_of(self._outlook.quantile(share), self.currency)

    def interval(self, level: float) -> tuple[Money, Money]:
        """Return the quantiles that leave out (1 - level) / 2 on either side."""
        claimed = plain(level)
        check("Forecast.interval", probability("level", claimed))
        return self.quantile((1 - claimed) / 2), self.quantile((1 + claimed) / 2)

    def p_at_least(self, x: Money | float) -> float:
        """Return the chance that x or more will have been won."""
        return 1.0 - self._outlook.under(self._number("p_at_least", x))

    def expected_gap(self, quota: Money | float) -> Money:
        """Return by how much a quota is missed on average: nothing where it is not."""
        return money_of(self._outlook.gap(self._number("expected_gap", quota)), self.currency)

    def _number(self, name: str, x: Money | float) -> float:
        return in_units(f"Forecast.{name}", x, self.currency)

    def contributions(self) -> tuple[Contribution, ...]:
        """Return what each deal adds, the largest first; with `additions` they add up to the mean, to the last cent."""
        return self._contributions

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per contribution, the largest first, and one per addition."""
        return [*(one.to_row() for one in self._contributions), *(one.to_row() for one in self.additions)]

    def _title(self) -> str:
        return f"Forecast of {self.period}, as of {self.as_of.isoformat()}, in {self.currency}"

    def _figures(self) -> list[dict[str, object]]:
        won = [one for one in self._contributions if one.deal.is_won]
        still_open = [one for one in self._contributions if not one.deal.is_won]
        worth = Money.total([one.amount for one in still_open], self.currency)
        spread = f"standard deviation {self.sd:,.2f}" + (", deals taken as independent" if self.spread is None else "")
        likely: list[dict[str, object]] = []
        if self.spread is not None or self.creation is not None:
            low, high = self.interval(_LEVEL)
            likely = [{"": "from", "amount": low, "of": "80 % interval"}, {"": "to", "amount": high, "of": ""}]
        return [
            {"": "won so far", "amount": self.won, "of": count_of(len(won))},
            {"": "open", "amount": self.open, "of": f"{count_of(len(still_open))} worth {figure(worth)}"},
            *({"": one.name, "amount": one.expected, "of": one.why} for one in self.additions),
            {"": "mean", "amount": self.mean, "of": spread},
            *likely,
        ]

    def _largest(self) -> list[dict[str, object]]:
        return [
            {
                "deal": one.id,
                "name": one.deal.name,
                "amount": one.amount,
                "chance": percent(one.p),
                "expected": one.expected,
                "share of variance": percent(one.variance_share),
                "why": one.why,
            }
            for one in self._contributions[:_SHOWN]
        ]

    def _notes(self) -> list[str]:
        more = len(self._contributions) - _SHOWN
        return [
            *([f"and {count_of(more)} more"] if more > 0 else []),
            *(f"left out: {line}" for line in summary(self.omitted)),
            *(f"potential: {line}" for line in self.potential.lines()),
            *(f"warning: {line}" for line in self.warnings),
        ]

    def __str__(self) -> str:
        lines = [self._title(), *text_table(self._figures(), figures=["amount"])[1:]]
        largest = self._largest()
        if largest:
            lines += text_table(largest, figures=["amount", "chance", "expected", "share of variance"])
        return "\n".join([*lines, *self._notes()])

    def _repr_html_(self) -> str:
        tables = [
            table({name: shown(value) for name, value in row.items()} for row in rows)
            for rows in (self._figures(), self._largest())
            if rows
        ]
        return section(self._title(), *tables, *map(paragraph, self._notes()))


def forecast(
    deals: Iterable[Deal],
    *,
    model: WinModel,
    period: Period,
    as_of: datetime,
    currency: str,
    creation: Creation | None = None,
    spread: Spread | None = None,
    rates: ExchangeRates | None = None,
    leads: Iterable[Lead] = (),
    prospects: Iterable[Prospect] = (),
    conversion: Mapping[str, float | Conversion] | None = None,
) -> Forecast:
    """
    Say what will be won in a period.

    >>> from datetime import UTC, date
    >>> from leadflow import pipelines
    >>> from leadflow.calendar import FiscalCalendar
    >>> from leadflow.forecasting import StageTable
    >>> deals = [
    ...     Deal("O-1", state="won", amount=Money("9000", "EUR"), closed_at=datetime(2026, 2, 3, tzinfo=UTC)),
    ...     Deal("O-2", state="open", amount=Money("48000", "EUR"), probability=0.4, expected_close=date(2026, 3, 31)),
    ...     Deal("O-3", state="open", probability=0.4, expected_close=date(2026, 3, 31)),
    ... ]
    >>> result = forecast(
    ...     deals,
    ...     model=StageTable(pipelines.SIMPLE),
    ...     period=FiscalCalendar(UTC).quarter(2026, 1),
    ...     as_of=datetime(2026, 3, 2, tzinfo=UTC),
    ...     currency="EUR",
    ... )
    >>> print(result.won, result.open, result.mean, sep=" | ")
    9,000.00 EUR | 19,200.00 EUR | 28,200.00 EUR
    >>> print(*result.omitted)
    O-3: has no amount

    Args:
        deals: In any order, each id once.
        model: How likely each open deal is to be won in time.
        period: In whose calendar days count.
        as_of: Whose knowledge the deals are; aware.
        currency: Of the figures, ISO 4217.
        creation: What deals that do not exist yet bring (`fit_creation`); the share of what is left of the period.
        spread: How far past forecasts were off (`fit_spread`); without it deals are taken as independent.
        rates: Exchange rates. Each amount is converted at the rate of its own day: for an open deal the earlier of
            expected close and as-of, for a won one the day it closed.
        leads: For the potential; as they were known at `as_of`.
        prospects: The same.
        conversion: Which share of the estimated value is won in the end, per level, e.g.
            ``{"lead": 0.05, "prospect": 0.2}``. A level without a rate is listed, not guessed. Given as a `Conversion`,
            which knows times as well, the level counts in the forecast; `creation` should then be without what comes
            of leads and prospects that exist.

    Raises:
        InvalidError: If an argument is of no use, a deal comes twice, or the model returns something other than an
            `Estimate`; with every problem found.
        LookAheadError: If a deal knows more than was known at `as_of`.
    """
    some_leads, some_prospects = _tuple(leads), _tuple(prospects)
    shares: Mapping[str, float | Conversion] = {} if conversion is None else conversion
    found = judged(
        "forecast",
        all_of(deals),
        as_of,
        model_problem(model),
        instance("period", period, Period, "a Period, e.g. FiscalCalendar(UTC).quarter(2026, 1)"),
        currency_problem("currency", currency),
        optional(instance, "creation", creation, Creation, "a Creation"),
        _other_currency(creation, currency),
        optional(instance, "spread", spread, Spread, "a Spread"),
        optional(instance, "rates", rates, ExchangeRates, "ExchangeRates"),
        *potential_problems(some_leads, some_prospects, shares),
    )
    today = period.calendar.day_of(as_of)
    asking = Asking(model=model, period=period, as_of=as_of.astimezone(period.calendar.tz))
    counted: list[tuple[Deal, Money, Estimate]] = []
    omitted: list[Omission] = []
    for deal in found:
        if not asking.concerns(deal):
            continue
        estimate = asking.estimate(deal)
        day = deal.day(period.calendar)
        amount = priced(deal.id, deal.amount, to=currency, on=today if day is None else min(day, today), rates=rates)
        if estimate.left_out is None and isinstance(amount, Money):
            counted.append((deal, amount, estimate))
            continue
        if estimate.left_out is not None:
            omitted.append(Omission(deal.id, estimate.left_out, estimate.why))
        # What is not in the period lacks nothing there.
        if estimate.left_out is not OmissionReason.OUTSIDE_PERIOD and isinstance(amount, Omission):
            omitted.append(amount)
    zero = Money.zero(currency).round()
    left_out = in_order(omitted)
    hoped = potential(
        some_leads,
        some_prospects,
        conversion=shares,
        currency=currency,
        rates=rates,
        as_of=as_of,
        today=today,
        window=asking.window,
    )
    phi = 1.0 if spread is None else spread.phi
    timed = tuple((row.value, row.in_period.p) for row in hoped.rows if row.in_period is not None)
    of_deals = fsum(variance_of(amount, estimate.p) for _, amount, estimate in counted)
    of_deals += fsum(variance_of(amount, p) for amount, p in timed)
    new_mean, of_new = (0.0, 0.0) if creation is None else creation.between(*asking.window)
    whole = phi * of_deals + of_new
    won = contributions_of([one for one in counted if one[0].is_won], phi=phi, whole=whole)
    still_open = contributions_of([one for one in counted if one[0].is_open], phi=phi, whole=whole)
    additions = levels_of(hoped, phi, whole)
    if creation is not None:
        share = of_new / whole if whole else 0.0
        business = money_of(new_mean, currency)
        additions.append(
            Addition(name=NEW_BUSINESS, expected=business, n=creation.n, variance_share=share, why=creation.why)
        )
    expected = Money.total([zero, *(one.expected for one in still_open)])
    new = Money.total([zero, *(one.expected for one in additions)])
    correction = zero
    if spread is not None and spread.bias != 1.0:
        correction = money_of((spread.bias - 1.0) * float((expected + new).amount), currency)
        why = f"{percent(spread.bias)} of what was forecast came"
        additions.append(Addition(name="correction", expected=correction, n=spread.n, variance_share=0.0, why=why))
    wide = too_wide(spread, float((expected + new + correction).amount), of_deals, of_new)
    return Forecast(
        period=period,
        as_of=as_of,
        currency=currency,
        won=Money.total([zero, *(one.expected for one in won)]),
        open=expected,
        new=new,
        correction=correction,
        additions=tuple(additions),
        creation=creation,
        spread=spread,
        variance_of_deals=of_deals,
        variance_of_new=of_new,
        omitted=left_out,
        potential=hoped,
        warnings=(*warnings_of(still_open, left_out, asking, creation, bool(timed)), *([wide] if wide else ())),
        deals=found,
        model=model,
        rates=rates,
        contributions=tuple(sorted([*won, *still_open], key=lambda one: (one.expected.amount.copy_negate(), one.id))),
        timed=timed,
    )


def _other_currency(creation: object, currency: object) -> Problem | None:
    if not isinstance(creation, Creation) or creation.mean.currency == currency:
        return None
    return Problem("creation", f"must be in {currency}, got {creation.mean}")


def _tuple(values: Iterable[Any]) -> tuple[Any, ...]:
    listed: Any = to_tuple(values)
    return listed if isinstance(listed, tuple) else (listed,)
