"""
What makes two forecasts differ, deal by deal.

Theory. What a deal adds to a forecast is a price times a chance. The price is its amount at a rate; the chance depends
on the deal's state, on the clock (with the date on which it is expected to close) and on the model. Each of the five is
that of the one forecast or of the other: up to 32 values, most of which neither forecast shows (Friday's deal at
Monday's clock). A cause's effect is what putting it to its later state adds, as the mean over all orders in which the
causes can be put there (Shapley): none goes first by the accident of a formula, what did not change has no effect, and
the effects add up to the difference. A deal that is in one forecast only, or open in one and closed in the other, is
*new or closed* with all of its difference. All of it is exact: fractions.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from fractions import Fraction
from functools import cache
from itertools import combinations
from math import factorial

from attrs import evolve, frozen

from leadflow.forecasting.asking import Asking
from leadflow.forecasting.deals import ATTRIBUTES, Deal
from leadflow.forecasting.forecast import Forecast
from leadflow.forecasting.omissions import Omission, priced
from leadflow.money.exact import to_fraction

__all__ = ["Factor"]

NOTHING = Fraction(0)


class Factor(StrEnum):
    """
    What makes two forecasts differ.

    - amount: the deal's own amount, also when it became known or unknown; a price, whatever a model makes of it.
    - probability: the state of the deal: its stage, how long it has been there, a probability or a call by hand, and
      whatever else the model reads from it.
    - timing: the same state at a later clock, which leaves less time in the period; and the date on which the deal is
      expected to close.
    - currency: the exchange rate.
    - new_closed: deals that one forecast has and the other has not, and deals that were won, lost or reopened.
    - model: another model.
    - rest: what belongs to no deal: new business, leads and prospects, a correction for bias.
    """

    AMOUNT = "amount"
    PROBABILITY = "probability"
    TIMING = "timing"
    CURRENCY = "currency"
    NEW_CLOSED = "new_closed"
    MODEL = "model"
    REST = "rest"


FACTORS = tuple(Factor)
OF_DEALS = FACTORS[:-1]
# What does not make a deal's state as a model sees it: when it closes, when things happened, when they were recorded.
_DATES = ("expected_close", "closed_at", "recorded_at")
_TIMES = ("stage_entered_at", "created_at")
_STATE = tuple(name for name in ATTRIBUTES if name not in (*_DATES, *_TIMES))


@frozen
class Side:
    """One of the two forecasts, ready for questions."""

    forecast: Forecast
    deals: dict[str, Deal]
    # Price and chance of what counts in it.
    counted: dict[str, tuple[Fraction, Fraction]]

    @classmethod
    def of(cls, one: Forecast) -> "Side":
        counted = {each.id: (Fraction(each.amount.amount), to_fraction(float(each.p))) for each in one.contributions()}
        return cls(one, {deal.id: deal for deal in one.deals}, counted)

    def value(self, name: str) -> Fraction:
        price, chance = self.counted.get(name, (NOTHING, NOTHING))
        return price * chance

    def price(self, deal: Deal, dated: Deal) -> Fraction | None:
        """Return what a deal is worth at the rates here on the day of another; None when that is unknown."""
        calendar = self.forecast.period.calendar
        today = calendar.day_of(self.forecast.as_of)
        day = dated.day(calendar)
        on = today if day is None else min(day, today)
        found = priced(deal.id, deal.amount, to=self.forecast.currency, on=on, rates=self.forecast.rates)
        return None if isinstance(found, Omission) else Fraction(found.amount)

    def asking(self, clock: "Side") -> Asking:
        """Return this side's model at the clock of another."""
        period = self.forecast.period
        return Asking(
            model=self.forecast.model, period=period, as_of=clock.forecast.as_of.astimezone(period.calendar.tz)
        )


def effects_of(name: str, *sides: Side) -> dict[Factor, Fraction]:
    """Return what each factor did to one deal."""
    old, new = (side.deals.get(name) for side in sides)
    if old is None or new is None or old.state is not new.state:
        return {Factor.NEW_CLOSED: sides[1].value(name) - sides[0].value(name)}
    if not (old.is_open or old.is_won):
        return {}
    deals = (old, new)
    factors = _changed(deals, sides)
    chance, price = _chance(deals, sides), _price(deals, sides)

    def value(later: frozenset[Factor]) -> Fraction:
        if len(later) in (0, len(factors)):  # no mixture: what the forecast itself says
            return sides[bool(later)].value(name)
        now = {factor: int(factor in later) for factor in OF_DEALS}
        worth = price(now[Factor.AMOUNT], now[Factor.CURRENCY])
        return worth and worth * chance(now[Factor.PROBABILITY], now[Factor.TIMING], now[Factor.MODEL])

    return _shapley(factors, value) if factors else {}


def _changed(deals: tuple[Deal, Deal], sides: Sequence[Side]) -> list[Factor]:
    """Return which factors are not the same in both forecasts; what is the same can have no effect."""
    (old, new), (one, other) = deals, (side.forecast for side in sides)
    same_clock = one.as_of == other.as_of
    dates = all(getattr(old, attribute) == getattr(new, attribute) for attribute in _DATES)
    state = all(getattr(old, attribute) == getattr(new, attribute) for attribute in _STATE)
    ages = all(_age(old, one, attribute) == _age(new, other, attribute) for attribute in _TIMES)
    foreign = any(deal.amount is not None and deal.amount.currency != one.currency for deal in deals)
    changed = {
        Factor.AMOUNT: old.amount != new.amount,
        Factor.PROBABILITY: not (state and ages),
        Factor.TIMING: not (same_clock and dates),
        Factor.CURRENCY: foreign and not (same_clock and dates and one.rates == other.rates),
        Factor.MODEL: not (one.model is other.model or one.model == other.model),
    }
    return [factor for factor, differs in changed.items() if differs]


def _age(deal: Deal, known_in: Forecast, attribute: str) -> object:
    since: datetime | None = getattr(deal, attribute)
    return None if since is None else known_in.as_of.astimezone(UTC) - since.astimezone(UTC)


def _price(deals: tuple[Deal, Deal], sides: Sequence[Side]) -> Callable[[int, int], Fraction]:
    """Return the price by whose amount and whose rate; unknown prices count nothing, as in a forecast."""

    def price(amount: int, rate: int) -> Fraction:
        found = sides[rate].price(deals[amount], deals[rate])
        if found is None and amount != rate and deals[0].amount != deals[1].amount:
            found = sides[amount].price(deals[amount], deals[amount])
        return found or NOTHING

    return cache(price)


def _chance(deals: tuple[Deal, Deal], sides: Sequence[Side]) -> Callable[[int, int, int], Fraction]:
    """Return the chance by whose state, whose clock and whose model."""

    def chance(state: int, clock: int, model: int) -> Fraction:
        deal = deals[state] if state == clock else _moved(deals[state], deals[clock], sides[state], sides[clock])
        asking = sides[model].asking(sides[clock])
        return to_fraction(float(asking.estimate(deal).p)) if asking.concerns(deal) else NOTHING

    return cache(chance)


def _moved(deal: Deal, dated: Deal, here: Side, there: Side) -> Deal:
    """Return a deal in the same state, of the same age, at another clock, with the dates of then."""
    later = there.forecast.as_of.astimezone(UTC) - here.forecast.as_of.astimezone(UTC)
    times = {name: since + later for name in _TIMES if (since := getattr(deal, name)) is not None}
    dates = {name: getattr(dated, name) for name in _DATES}
    return evolve(deal, **times, **dates)


def _shapley(factors: list[Factor], value: Callable[[frozenset[Factor]], Fraction]) -> dict[Factor, Fraction]:
    """Return each factor's effect: the mean, over all orders, of what its turn adds."""
    count = len(factors)
    values = {
        frozenset(some): value(frozenset(some)) for size in range(count + 1) for some in combinations(factors, size)
    }
    effects = dict.fromkeys(factors, NOTHING)
    for some, worth in values.items():
        for factor in factors:
            if factor not in some:
                orders = factorial(len(some)) * factorial(count - len(some) - 1)
                effects[factor] += Fraction(orders, factorial(count)) * (values[some | {factor}] - worth)
    return effects


def spread(exact: Sequence[Fraction], total: int) -> list[int]:
    """
    Round to whole units that add up to a total; what is over goes to those who lost most, the last if nobody did.

    >>> spread([Fraction(1, 2), Fraction(1, 3), Fraction(0)], 1), spread([-Fraction(1, 2), -Fraction(1, 3)], -1)
    ([1, 0, 0], [-1, 0])
    """
    shares = [int(abs(each) + Fraction(1, 2)) * (1 if each > 0 else -1) for each in exact]
    missing = total - sum(shares)
    if not missing:
        return shares
    unit = 1 if missing > 0 else -1
    moved = [place for place, each in enumerate(exact) if each] or [len(exact) - 1]
    losing = sorted(moved, key=lambda place: unit * (exact[place] - shares[place]), reverse=True)
    for turn in range(abs(missing)):
        shares[losing[turn % len(losing)]] += unit
    return shares
