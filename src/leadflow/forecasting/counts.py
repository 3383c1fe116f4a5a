"""
How many deals will be won: the Poisson-binomial distribution.

Theory. The number of wins among independent deals with chances p1 ... pn is built up deal by deal: with each further
deal the number stays (1 - p) or grows by one (p). Chances below 1e-18 at both ends are dropped on the way, so the work
is n times the width of what remains. Above 5,000 deals the normal distribution with skewness and continuity correction
(Volkova's) is used instead; its error is under 1e-4 there unless nearly all chances are 0 or 1, which is why the exact
way is kept as long as the variance is small.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate
from math import fsum, sqrt

from attrs import field, frozen

from leadflow.errors import Problem
from leadflow.forecasting.edgeworth import Cumulants
from leadflow.forecasting.plain import plain_tuple
from leadflow.validation import check, finite, instance, probability

__all__ = ["Wins"]

_NEGLIGIBLE = 1e-18
_MOST_EXACT = 5_000
# With fewer than this many wins (or losses) spread around the mean, the normal distribution is no good at any n.
_LEAST_VARIANCE = 100.0
_ROUNDING = 1e-12
# So many standard deviations hold all but 1e-18.
_REACH = 9.0


@frozen
class Wins:
    """
    The distribution of a number of wins.

    >>> wins = Wins.of([0.5, 0.3, 0.7, 0.3, 0.9])
    >>> wins.mean, [round(wins.pmf(k), 5) for k in range(6)]
    (2.7, [0.00735, 0.09695, 0.3167, 0.3747, 0.17595, 0.02835])
    >>> wins.quantile(0.5), round(wins.cdf(2), 3)
    (3, 0.421)

    Attributes:
        n: Of how many deals.
        mean: The expected number.
        sd: Its standard deviation.
        first: The smallest number whose chance is kept.
        chances: The chance of `first` wins, of one more, and so on; outside they are nothing.
    """

    n: int
    mean: float
    sd: float
    first: int = field(repr=False)
    chances: tuple[float, ...] = field(repr=False)

    @classmethod
    def of(cls, probabilities: Iterable[float]) -> "Wins":
        """
        Return the distribution of the number of wins among independent deals.

        Args:
            probabilities: The chance of each, in [0, 1].

        Raises:
            InvalidError: With every chance that is wrong, and its place.
        """
        given = plain_tuple(probabilities)
        check("Wins", instance("probabilities", given, tuple, "several numbers"))
        check("Wins", *(probability(f"probabilities[{place}]", p) for place, p in enumerate(given)))
        ordered = sorted(map(float, given))
        mean, variance = fsum(ordered), fsum(p * (1.0 - p) for p in ordered)
        first, chances = counted(ordered)
        return cls(len(ordered), mean, sqrt(variance), first, tuple(chances))

    @classmethod
    def spread(cls, n: int, first: int, chances: Sequence[float], mean: float) -> "Wins":
        """
        Return the distribution of the number of wins whose chances are known.

        Args:
            n: Of how many deals.
            first: The smallest number.
            chances: Of that number, of one more, and so on; they add up to 1.
            mean: The expected number.
        """
        variance = fsum((first + place - mean) ** 2 * chance for place, chance in enumerate(chances))
        return cls(n, mean, sqrt(variance), first, tuple(chances))

    def pmf(self, k: int) -> float:
        """Return the chance of exactly k wins."""
        check("Wins.pmf", _number("k", k))
        place = k - self.first
        return self.chances[int(place)] if 0 <= place < len(self.chances) and place == int(place) else 0.0

    def cdf(self, k: float) -> float:
        """Return the chance of at most k wins."""
        check("Wins.cdf", _number("k", k))
        place = int((k - self.first) // 1)
        return 0.0 if place < 0 else self._cumulative[min(place, len(self.chances) - 1)]

    def quantile(self, q: float) -> int:
        """Return the smallest number that is not exceeded with a chance of at least q, in [0, 1]."""
        check("Wins.quantile", probability("q", q))
        return self.first + min(bisect_left(self._cumulative, q - _ROUNDING), len(self.chances) - 1)

    @cached_property
    def _cumulative(self) -> list[float]:
        found = [min(1.0, total) for total in accumulate(self.chances)]
        found[-1] = 1.0
        return found


def counted(probabilities: Sequence[float], most: int = _MOST_EXACT) -> tuple[int, list[float]]:
    """Return the smallest number of wins that matters, and the chances from there on; of up to `most` deals exactly."""
    certain = sum(p == 1.0 for p in probabilities)
    open_ = [p for p in probabilities if 0.0 < p < 1.0]
    if len(open_) > most and fsum(p * (1.0 - p) for p in open_) > _LEAST_VARIANCE:
        first, chances = _refined_normal(open_)
        return first + certain, chances
    # Those likely to be lost first: the distribution stays narrow for as long as possible.
    first, chances = certain, [1.0]
    for p in open_:
        q = 1.0 - p
        chances = [
            *(q * a + p * b for a, b in zip([*chances, 0.0], [0.0, *chances], strict=True)),
        ]
        while chances[-1] < _NEGLIGIBLE and len(chances) > 1:
            chances.pop()
        skip = 0
        while chances[skip] < _NEGLIGIBLE and skip < len(chances) - 1:
            skip += 1
        if skip:
            first, chances = first + skip, chances[skip:]
    return first, chances


def _refined_normal(probabilities: Sequence[float]) -> tuple[int, list[float]]:
    mean = fsum(probabilities)
    variance = fsum(p * (1.0 - p) for p in probabilities)
    third = fsum(p * (1.0 - p) * (1.0 - 2.0 * p) for p in probabilities)
    sd = sqrt(variance)
    low = max(0, int(mean - _REACH * sd))
    high = min(len(probabilities), int(mean + _REACH * sd) + 1)
    sums = Cumulants(mean, variance, third).cdf([k + 0.5 for k in range(low, high + 1)])
    sums[-1] = 1.0
    return low, [b - a for a, b in zip([0.0, *sums], sums, strict=False)]


def _number(path: str, value: object) -> Problem | None:
    return finite(path, value)
