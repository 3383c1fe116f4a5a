"""
What a set of deals adds up to: not one number but a distribution.

Theory. Each deal is won with its chance p and then brings its whole amount, else nothing. Mean and variance of the sum
are known in closed form; its distribution is not, and it is not normal as long as one deal stands out. `Total` finds it
without random numbers: exactly for few deals, and otherwise with the deals that stand out treated by themselves
(`totalsum`), deals that share a fate by a common factor (`totalfactor`). It is calculated when it is first asked for.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cached_property
from math import fsum, sqrt
from types import MappingProxyType
from typing import Any, TypeAlias

from attrs import field, frozen

from leadflow.errors import Problem
from leadflow.forecasting.counts import Wins
from leadflow.forecasting.distribution import Distribution, rounding
from leadflow.forecasting.plain import in_units, plain
from leadflow.forecasting.totalfactor import correlated, correlated_wins
from leadflow.forecasting.totalsum import independent
from leadflow.money import Money
from leadflow.validation import check, finite, instance, invalid, probability, shown, to_tuple

__all__ = ["Total"]

Amount: TypeAlias = float | Decimal | Money


@frozen
class Total:
    """
    The sum of deals of which each is won or not.

    Amounts are numbers or `Money` of one currency; figures come back as floats in units of that currency.

    >>> total = Total.of([(100_000, 0.5), (50_000, 0.2), (10_000, 0.9)])
    >>> total.mean, round(total.sd, 2), total.interval(0.8)
    (69000.0, 53935.15, (10000.0, 110000.0))
    >>> total.p_at_least(100_000), total.expected_gap(100_000)
    (0.5, 40500.0)

    Attributes:
        rho: How strongly deals share a fate, in [0, 1): the correlation of what is behind each deal; 0: not at all.
        currency: Of the amounts, if they were `Money`.
    """

    rho: float
    currency: str | None
    _deals: tuple[tuple[float, float], ...] = field(repr=False)

    @classmethod
    def of(cls, deals: Iterable[tuple[Amount, float]], /, *, rho: float = 0.0) -> "Total":
        """
        Return the total of pairs of amount and chance.

        Args:
            deals: In any order. Amounts are at least 0: numbers, or `Money` of one currency. Chances are in [0, 1].
            rho: In [0, 1).

        Raises:
            InvalidError: With every pair that is wrong, and its place.
        """
        given: Any = to_tuple(deals)
        share = plain(rho)
        problem = instance("deals", given, tuple, "pairs of amount and chance")
        check("Total", problem, _rho_problem(share))
        found: list[tuple[float, float]] = []
        currencies: set[str | None] = set()
        for pair in given:
            # What is plainly right is not looked at any closer: there may be a million.
            if type(pair) is not tuple or len(pair) != 2:  # noqa: PLR2004
                break
            amount, p = pair
            if type(p) is not float or not 0.0 <= p <= 1.0:
                break
            if type(amount) is Money:
                currencies.add(amount.currency)
                amount = float(amount.amount)
            elif type(amount) is float or type(amount) is int:
                currencies.add(None)
            else:
                break
            if not 0 <= amount < _LARGEST:
                break
            found.append((float(amount), p))
        else:
            if len(currencies) <= 1:
                return cls(float(share), next(iter(currencies), None), tuple(sorted(found)))
        return cls(float(share), *_judged(given))

    @property
    def n(self) -> int:
        """How many deals there are."""
        return len(self._deals)

    @cached_property
    def mean(self) -> float:
        """The expected sum."""
        return fsum(amount * p for amount, p in self._deals)

    @cached_property
    def variance(self) -> float:
        """The variance: in closed form when rho is 0."""
        if self.rho and self._is_open:
            return self.uncertain.variance
        return fsum(amount * amount * p * (1.0 - p) for amount, p in self._deals)

    @property
    def sd(self) -> float:
        """The standard deviation."""
        return sqrt(self.variance)

    @cached_property
    def wins(self) -> Wins:
        """How many deals will be won; they share a fate as far as rho says."""
        chances = [p for _, p in self._deals]
        open_ = [p for p in chances if 0.0 < p < 1.0]
        if not self.rho or not open_:
            return Wins.of(chances)
        first, found = correlated_wins(open_, self.rho)
        return Wins.spread(len(chances), first + chances.count(1.0), found, fsum(chances))

    def cdf(self, x: float) -> float:
        """Return the chance that the sum is at most x."""
        asked = self._asked("cdf", x)
        return self.uncertain.cdf(asked + rounding(self.certain, asked))

    def quantile(self, q: float) -> float:
        """Return the smallest sum that is not exceeded with a chance of at least q, in [0, 1]."""
        share = plain(q)
        check("Total.quantile", probability("q", share))
        return self.certain + self.uncertain.quantile(share)

    def interval(self, level: float) -> tuple[float, float]:
        """Return the quantiles that leave out (1 - level) / 2 on either side."""
        claimed = plain(level)
        check("Total.interval", probability("level", claimed))
        tail = (1.0 - claimed) / 2.0
        return self.quantile(tail), self.quantile(1.0 - tail)

    def p_at_least(self, x: float) -> float:
        """Return the chance that the sum is x or more."""
        asked = self._asked("p_at_least", x)
        return 1.0 - self.uncertain.under(asked - rounding(self.certain, asked))

    def expected_gap(self, quota: float) -> float:
        """Return by how much the sum falls short of a quota on average: nothing where it does not."""
        x = self._asked("expected_gap", quota)
        # Beyond everything that can be won the gap is known in closed form.
        return x + self.certain - self.mean if x >= self.uncertain.high else self.uncertain.gap(x)

    def _asked(self, name: str, x: object) -> float:
        return in_units(f"Total.{name}", x, self.currency) - self.certain

    @cached_property
    def _open(self) -> Mapping[float, list[float]]:
        """The chances of deals that are neither certain nor hopeless nor worth nothing, by amount."""
        found: dict[float, list[float]] = {}
        for amount, p in self._deals:
            if amount > 0.0 and 0.0 < p < 1.0:
                found.setdefault(amount, []).append(p)
        return MappingProxyType(found)

    @property
    def _is_open(self) -> bool:
        return bool(self._open)

    @cached_property
    def certain(self) -> float:
        """What is won for certain."""
        return fsum(amount for amount, p in self._deals if p == 1.0)

    @cached_property
    def uncertain(self) -> Distribution:
        """The distribution of what is not certain."""
        return correlated(self._open, self.rho) if self.rho and self._open else independent(self._open)


# So large that its sixth power is still a number.
_LARGEST = 1e40


def _rho_problem(rho: object) -> Problem | None:
    found = probability("rho", rho)
    if found is None and rho == 1:
        return Problem("rho", f"must be below 1, got {rho!r}; with 0.99 all but all deals are won together")
    return found


def _judged(given: tuple[Any, ...]) -> tuple[str | None, tuple[tuple[float, float], ...]]:
    """Look at each pair closely; return currency and pairs, or raise with all that is wrong."""
    problems: list[Problem | None] = []
    found: list[tuple[float, float]] = []
    currencies: set[str | None] = set()
    for place, pair in enumerate(given):
        path = f"deals[{place}]"
        if not isinstance(pair, tuple | list) or len(pair) != 2:  # noqa: PLR2004
            problems.append(Problem(path, f"must be a pair of amount and chance, got {shown(pair)}", is_type=True))
            continue
        amount, p = map(plain, pair)
        wrong = [_amount_problem(f"{path}[0]", amount), probability(f"{path}[1]", p)]
        problems += wrong
        if not any(wrong):
            currencies.add(amount.currency if isinstance(amount, Money) else None)
            found.append((float(amount.amount if isinstance(amount, Money) else amount), float(p)))
    if len(currencies) > 1:
        kinds = ", ".join(sorted(code or "plain numbers" for code in currencies))
        problems.append(Problem("deals", f"must be of one currency, got {kinds}; convert them first"))
    if any(problems):
        raise invalid("Total", *problems)
    return next(iter(currencies), None), tuple(sorted(found))


def _amount_problem(path: str, amount: object) -> Problem | None:
    if isinstance(amount, Money):
        number: object = amount.amount
    elif isinstance(amount, Decimal):
        number = amount
        if not amount.is_finite():
            return Problem(path, f"must be finite, got {amount!r}")
    else:
        found = finite(path, amount)
        if found is not None:
            return found
        number = amount
    assert isinstance(number, int | float | Decimal)
    if number < 0:
        return Problem(path, f"must not be negative, got {shown(amount)}; what is owed is no deal to be won")
    return None if number < _LARGEST else Problem(path, f"must be below {_LARGEST:g}, got {shown(amount)}")
