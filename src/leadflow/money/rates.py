"""
Dated exchange rates.

An amount is converted at the latest rate dated on or before its own day: never at a later one, which nobody knew then,
and never at 1 or 0 for want of one. Only rates that somebody gave are used, or their inverse: no rate is made up from
two others, because which third currency to go through is the host's decision (add the resulting `Rate`). Results are
not rounded: convert every amount, add up, round once.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import TypeAlias

from attrs import field, frozen

from leadflow.currencies import currency_problem
from leadflow.errors import MissingRateError
from leadflow.money.amount import Money
from leadflow.money.exact import EXACT, QUOTIENT, ZERO, exact_problem, item_problems, to_decimal
from leadflow.validation import check, day, instance, to_tuple, unique, when

__all__ = ["NO_RATES", "ExchangeRates", "Rate"]

_Series: TypeAlias = tuple[list[date], list[Decimal]]
_ONE = Decimal(1)


@frozen
class Rate:
    """
    What one unit of a currency was worth in another, from a day on.

    Attributes:
        source: ISO 4217 code converted from.
        target: ISO 4217 code converted to.
        rate: Units of `target` for one of `source`; above 0. Given as str, int or Decimal.
        day: The day from which it holds, until a later rate of the pair.

    Raises:
        InvalidError: If a currency is unknown, both are the same, or the rate is not above 0 (all named at once).

    >>> Rate("EUR", "USD", "1.08", date(2026, 1, 2))
    Rate(source='EUR', target='USD', rate=Decimal('1.08'), day=datetime.date(2026, 1, 2))
    """

    source: str
    target: str
    rate: Decimal = field(converter=to_decimal)
    day: date

    def __attrs_post_init__(self) -> None:
        rate = exact_problem("rate", self.rate)
        check(
            "Rate",
            currency_problem("source", self.source),
            currency_problem("target", self.target),
            when(self.source == self.target, "target", f"must differ from source, got {self.target!r} twice"),
            rate or when(self.rate <= 0, "rate", f"must be above 0, got {self.rate!r}"),
            day("day", self.day),
        )
        object.__setattr__(self, "rate", EXACT.add(self.rate, ZERO))


def _rates(rates: Iterable[Rate]) -> tuple[Rate, ...]:
    return to_tuple(rates)


@frozen
class ExchangeRates:
    """
    A table of dated rates; equal to another with the same rates in whatever order. Looking one up takes O(log n).

    Attributes:
        rates: In order of currencies and day. No pair has two rates of one day.

    >>> january = Rate("EUR", "USD", "1.10", date(2026, 1, 1))
    >>> february = Rate("EUR", "USD", "1.20", date(2026, 2, 1))
    >>> rates = ExchangeRates([january, february])
    >>> print(rates.convert(Money(100, "EUR"), "USD", date(2026, 1, 31)))
    110.00 USD
    >>> print(rates.convert(Money(120, "USD"), "EUR", date(2026, 2, 1)))
    100 EUR
    """

    rates: tuple[Rate, ...] = field(default=(), converter=_rates)

    def __attrs_post_init__(self) -> None:
        check(
            "ExchangeRates", *item_problems("rates", self.rates, Rate, "a Rate", "several rates, e.g. a list of Rate")
        )
        check("ExchangeRates", unique("rates", ((rate.source, rate.target, str(rate.day)) for rate in self.rates)))
        in_order = sorted(self.rates, key=lambda rate: (rate.source, rate.target, rate.day))
        object.__setattr__(self, "rates", tuple(in_order))

    def convert(self, money: Money, to: str, on: date) -> Money:
        """
        Convert an amount at the latest rate dated on or before a day; not rounded.

        A rate in the direction asked for goes before any inverse one. By an inverse the amount is divided: exact where
        that has an end, else to 50 digits. An amount already in the currency comes back as it is.

        Args:
            money: What to convert.
            to: ISO 4217 code.
            on: The day whose rate counts.

        Raises:
            MissingRateError: If neither direction has a rate by then; `find` asks first.
            InvalidError: If the currency is unknown or `on` is no date.
        """
        check(
            "ExchangeRates.convert",
            instance("money", money, Money, "a Money"),
            currency_problem("to", to),
            day("on", on),
        )
        if money.currency == to:
            return money
        direct = self._latest(money.currency, to, on)
        if direct is not None:
            return Money(money.amount, to) * direct
        inverse = self._latest(to, money.currency, on)
        if inverse is not None:
            return Money(money.amount, to) / inverse
        raise MissingRateError(money.currency, to, on.isoformat())

    def find(self, source: str, target: str, on: date) -> Decimal | None:
        """
        Return the rate that `convert` would use, an inverse one to 50 digits; None if there is none.

        >>> NO_RATES.find("EUR", "USD", date(2026, 1, 1)) is None
        True

        Raises:
            InvalidError: If a currency is unknown or `on` is no date.
        """
        check(
            "ExchangeRates.find",
            currency_problem("source", source),
            currency_problem("target", target),
            day("on", on),
        )
        if source == target:
            return _ONE
        direct = self._latest(source, target, on)
        if direct is not None:
            return direct
        inverse = self._latest(target, source, on)
        return None if inverse is None else QUOTIENT.divide(_ONE, inverse)

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per rate."""
        return [{"source": r.source, "target": r.target, "rate": r.rate, "day": r.day} for r in self.rates]

    def _latest(self, source: str, target: str, on: date) -> Decimal | None:
        days, rates = self._series.get((source, target), ((), ()))
        position = bisect_right(days, on)
        return rates[position - 1] if position else None

    @cached_property
    def _series(self) -> Mapping[tuple[str, str], _Series]:
        series: dict[tuple[str, str], _Series] = {}
        for rate in self.rates:
            days, rates = series.setdefault((rate.source, rate.target), ([], []))
            days.append(rate.day)
            rates.append(rate.rate)
        return series


NO_RATES = ExchangeRates()
"""No rates at all: amounts convert to their own currency only."""
