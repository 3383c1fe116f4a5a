"""
The forecast: what will be won in a period, as far as the deals that exist can say.

Theory. Won so far counts once and is certain; each open deal adds amount x p, where p is the chance of winning it
inside the period, as a `WinModel` says; lost deals add nothing. The mean is the sum of products, exact, and rounded
once. The variance is the sum of amount^2 x p x (1 - p), which takes deals as independent: it is the least the spread
can be, since deals share a market, a product and a quarter's end. Deals that do not exist yet are not in it. Whatever
cannot be counted is listed, never put at 0.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from math import fsum, sqrt
from typing import Any

from attrs import field, frozen

from leadflow.calendar import Period
from leadflow.currencies import currency_problem
from leadflow.forecasting.asking import Asking, model_problem
from leadflow.forecasting.deals import Deal
from leadflow.forecasting.judging import all_of, judged
from leadflow.forecasting.layout import figure, percent, shown, text_table
from leadflow.forecasting.models import Estimate, WinModel
from leadflow.forecasting.omissions import Omission, OmissionReason, in_order, priced, summary
from leadflow.forecasting.potential import Potential, potential, potential_problems
from leadflow.lead import Lead
from leadflow.markup import paragraph, section, table
from leadflow.money import ExchangeRates, Money, round_all
from leadflow.prospect import Prospect
from leadflow.validation import instance, optional, to_tuple

__all__ = ["Contribution", "Forecast", "forecast"]

# A printed forecast shows so many deals, the largest first; contributions() and to_rows() have all of them.
_SHOWN = 10
# One deal with more than half of the variance decides what the period looks like; the mean then describes neither case.
_WHALE = 0.5


@frozen(kw_only=True)
class Contribution:
    """
    What one deal adds to a forecast.

    Attributes:
        deal: The deal.
        amount: Its amount in the forecast's currency, unrounded.
        estimate: The chance that it is won inside the period, and what that rests on; 1 for a won deal.
        expected: Amount times chance, rounded so that contributions add up to the mean.
        variance_share: Its share of the variance, in [0, 1].
    """

    deal: Deal
    amount: Money
    estimate: Estimate
    expected: Money
    variance_share: float

    @property
    def id(self) -> str:
        """The deal's id."""
        return self.deal.id

    @property
    def p(self) -> float:
        """The chance that it is won inside the period."""
        return self.estimate.p

    @property
    def why(self) -> str:
        """What the chance rests on, in words."""
        return self.estimate.why

    def to_row(self) -> dict[str, object]:
        """Return it as a table row."""
        return {
            "id": self.id,
            "name": self.deal.name,
            "state": self.deal.state.value,
            "amount": self.amount,
            "p": self.p,
            "n": self.estimate.n,
            "expected": self.expected,
            "variance_share": self.variance_share,
            "why": self.why,
        }


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
        sd: Standard deviation of the total, in units of the currency: deals taken as independent, so that the true
            spread is at least this.
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
    sd: float
    omitted: tuple[Omission, ...]
    potential: Potential
    warnings: tuple[str, ...]
    deals: tuple[Deal, ...] = field(repr=False)
    model: WinModel = field(repr=False)
    rates: ExchangeRates | None = field(repr=False)
    _contributions: tuple[Contribution, ...] = field(repr=False)

    @property
    def mean(self) -> Money:
        """Won so far plus expected from open deals."""
        return self.won + self.open

    @cached_property
    def unrounded_mean(self) -> Money:
        """The mean before rounding: the one that adds up exactly over portfolios."""
        exact = [one.amount.times(one.p) for one in self._contributions]
        return Money.total(exact, self.currency)

    def contributions(self) -> tuple[Contribution, ...]:
        """Return what each deal adds, the largest first; they add up to the mean, to the last cent."""
        return self._contributions

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per contribution, the largest first."""
        return [one.to_row() for one in self._contributions]

    def _title(self) -> str:
        return f"Forecast of {self.period}, as of {self.as_of.isoformat()}, in {self.currency}"

    def _figures(self) -> list[dict[str, object]]:
        won = [one for one in self._contributions if one.deal.is_won]
        still_open = [one for one in self._contributions if not one.deal.is_won]
        worth = Money.total([one.amount for one in still_open], self.currency)
        spread = f"standard deviation {self.sd:,.2f}, deals taken as independent"
        return [
            {"": "won so far", "amount": self.won, "of": _deals(len(won))},
            {"": "open", "amount": self.open, "of": f"{_deals(len(still_open))} worth {figure(worth)}"},
            {"": "mean", "amount": self.mean, "of": spread},
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
            *([f"and {_deals(more)} more"] if more > 0 else []),
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
    rates: ExchangeRates | None = None,
    leads: Iterable[Lead] = (),
    prospects: Iterable[Prospect] = (),
    conversion: Mapping[str, float] | None = None,
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
        rates: Exchange rates. Each amount is converted at the rate of its own day: for an open deal the earlier of
            expected close and as-of, for a won one the day it closed.
        leads: For the potential; as they were known at `as_of`.
        prospects: The same.
        conversion: Which share of the estimated value is won in the end, per level, e.g.
            ``{"lead": 0.05, "prospect": 0.2}``. A level without a rate is listed, not guessed.

    Raises:
        InvalidError: If an argument is of no use, a deal comes twice, or the model returns something other than an
            `Estimate`; with every problem found.
        LookAheadError: If a deal knows more than was known at `as_of`.
    """
    some_leads, some_prospects = _tuple(leads), _tuple(prospects)
    shares: Mapping[str, float] = {} if conversion is None else conversion
    found = judged(
        "forecast",
        all_of(deals),
        as_of,
        model_problem(model),
        instance("period", period, Period, "a Period, e.g. FiscalCalendar(UTC).quarter(2026, 1)"),
        currency_problem("currency", currency),
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
    won = _contributions([one for one in counted if one[0].is_won])
    still_open = _contributions([one for one in counted if one[0].is_open])
    zero = Money.zero(currency).round()
    left_out = in_order(omitted)
    return Forecast(
        period=period,
        as_of=as_of,
        currency=currency,
        won=Money.total([zero, *(one.expected for one in won)]),
        open=Money.total([zero, *(one.expected for one in still_open)]),
        sd=sqrt(fsum(_variance(amount, estimate.p) for _, amount, estimate in counted)),
        omitted=left_out,
        potential=potential(
            some_leads,
            some_prospects,
            conversion=shares,
            currency=currency,
            rates=rates,
            as_of=as_of,
            today=today,
        ),
        warnings=_warnings(still_open, left_out, asking),
        deals=found,
        model=model,
        rates=rates,
        contributions=tuple(sorted([*won, *still_open], key=lambda one: (one.expected.amount.copy_negate(), one.id))),
    )


def _contributions(counted: list[tuple[Deal, Money, Estimate]]) -> list[Contribution]:
    expected = round_all([amount.times(estimate.p) for _, amount, estimate in counted])
    variances = [_variance(amount, estimate.p) for _, amount, estimate in counted]
    whole = fsum(variances)
    return [
        Contribution(
            deal=deal,
            amount=amount,
            estimate=estimate,
            expected=share,
            variance_share=variance / whole if whole else 0.0,
        )
        for (deal, amount, estimate), share, variance in zip(counted, expected, variances, strict=True)
    ]


def _variance(amount: Money, p: float) -> float:
    return float(amount.amount) ** 2 * p * (1.0 - p)


def _warnings(still_open: list[Contribution], omitted: tuple[Omission, ...], asking: Asking) -> tuple[str, ...]:
    found = []
    # Those outside the period are where they belong; the others are missing.
    missing = {one.id for one in omitted if one.reason is not OmissionReason.OUTSIDE_PERIOD}
    if missing:
        found.append(f"the mean is without {_deals(len(missing))} that could not be counted; see omitted")
    if still_open and not any(one.estimate.n for one in still_open):
        found.append("the chances are assumptions: none rests on deals that were counted (n = 0)")
    free = sum(one.amount.amount == 0 for one in still_open)
    if free:
        found.append(f"{_deals(free)} with an amount of zero")
    whale = max(still_open, key=lambda one: one.variance_share, default=None)
    if whale is not None and len(still_open) > 1 and whale.variance_share > _WHALE:
        found.append(f"deal {whale.id!r} alone is {percent(whale.variance_share)} of the variance")
    if asking.is_ahead:
        found.append("the period has not begun; deals not yet created are not in the forecast")
    return tuple(found)


def _deals(count: int) -> str:
    return f"{count:,} deal{'s' * (count != 1)}"


def _tuple(values: Iterable[Any]) -> tuple[Any, ...]:
    listed: Any = to_tuple(values)
    return listed if isinstance(listed, tuple) else (listed,)
