"""
The distribution of the sum of many independent deals, none of which stands out: Edgeworth's expansion.

Theory. A sum of many small parts is nearly normal; what is missing is skewness, tails and so on, which are in its
cumulants, and cumulants of independent parts add up. The expansion goes to the third order (cumulants up to the fifth).
The terms of the fourth order say how large the error is that remains: where that is too much, the largest deals have to
be taken out and treated by themselves (see `totalsum`).
"""

from collections.abc import Sequence
from math import erfc, exp, sqrt, tau

from attrs import frozen

__all__ = ["Cumulants", "phi"]

_ROOT_HALF = sqrt(0.5)
_DENSITY = 1.0 / sqrt(tau)

# Hermite polynomials He2 to He8 by ascending powers.
_HERMITE = (
    (-1, 0, 1),
    (0, -3, 0, 1),
    (3, 0, -6, 0, 1),
    (0, 15, 0, -10, 0, 1),
    (-15, 0, 45, 0, -15, 0, 1),
    (),
    (105, 0, -420, 0, 210, 0, -28, 0, 1),
)


def phi(x: float) -> float:
    """Return the standard normal distribution function."""
    return 0.5 * erfc(-x * _ROOT_HALF)


@frozen
class Cumulants:
    """
    The first six cumulants of a sum.

    Attributes:
        mean: The first.
        variance: The second.
        third: The third, and so on.
        fourth: Its fourth.
        fifth: Its fifth.
        sixth: Its sixth; enters only the estimate of the error.
    """

    mean: float
    variance: float
    third: float = 0.0
    fourth: float = 0.0
    fifth: float = 0.0
    sixth: float = 0.0

    def error(self) -> float:
        """Return about how far `cdf` may be off: the size of the first terms that it leaves out."""
        if self.variance <= 0:
            return 0.0 if self.sixth == 0 else 1.0
        s = sqrt(self.variance)
        l3, l4, l5, l6 = self.third / s**3, self.fourth / s**4, self.fifth / s**5, self.sixth / s**6
        # Each coefficient times the largest value of its Hermite polynomial under the normal density.
        return (
            abs(l6) / 720 * 2.3
            + (l4 * l4 / 1152 + abs(l3 * l5) / 720) * 13.7
            + l3 * l3 * abs(l4) / 1728 * 109
            + l3**4 / 31104 * 1100
        )

    def cdf(self, points: Sequence[float]) -> list[float]:
        """Return the distribution function at ascending points: within [0, 1] and never falling."""
        s = sqrt(self.variance)
        l3, l4, l5 = self.third / s**3, self.fourth / s**4, self.fifth / s**5
        weights = (l3 / 6, l4 / 24, l5 / 120, l3 * l3 / 72, l3 * l4 / 144, 0.0, l3**3 / 1296)
        powers = [0.0] * 9
        for weight, polynomial in zip(weights, _HERMITE, strict=True):
            for power, factor in enumerate(polynomial):
                powers[power] += weight * factor
        c0, c1, c2, c3, c4, c5, c6, _, c8 = powers
        found, last, mean = [], 0.0, self.mean
        for point in points:
            x = (point - mean) / s
            y = x * x
            even = c0 + y * (c2 + y * (c4 + y * (c6 + y * c8)))
            odd = x * (c1 + y * (c3 + y * c5))
            value = 0.5 * erfc(-x * _ROOT_HALF) - (even + odd) * _DENSITY * exp(-0.5 * y)
            last = min(1.0, max(last, value))
            found.append(last)
        return found
