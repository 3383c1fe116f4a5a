"""
How high a rate may be that has shown so few events: an upper confidence limit for a Poisson rate.

Theory. With w events in an exposure T the highest rate that is still plausible, at confidence 1 - alpha, is the one at
which w events or fewer come with probability alpha. Without any event that is -log(alpha)/T, the "rule of three": 3/T
at 95 %. It is found by halving, since the probability falls as the rate grows (Garwood 1936). Of many events the sum
over them would take long; twice the limit is a quantile of chi-square with 2(w + 1) degrees of freedom, whose cube root
is nearly normal (Wilson and Hilferty 1931): right to four digits from a hundred events on.
"""

from math import exp, lgamma, log, sqrt
from statistics import NormalDist

__all__ = ["about_highest", "highest_rate"]

_MANY = 100


def highest_rate(events: int, exposure: float, alpha: float = 0.05) -> float:
    """
    Return the upper limit of a rate per unit of exposure.

    >>> round(highest_rate(0, 100), 4), round(highest_rate(10, 1), 3)
    (0.03, 16.962)

    Args:
        events: How many there were; at least 0.
        exposure: For how long, in any unit; above 0.
        alpha: How often the limit may be too low, in (0, 1).
    """
    if events >= _MANY:
        return about_highest(events, exposure, alpha)
    low, high = 0.0, events + 10 * sqrt(events + 1) - log(alpha)
    # Sixty halvings take it to the last digit of a float.
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(events, middle) > alpha else (low, middle)
    return high / exposure


def about_highest(events: int, exposure: float, alpha: float = 0.05) -> float:
    """
    Return the same by the formula for many events, at once: of none and of few it is right to one part in a hundred.

    >>> round(about_highest(0, 100), 4), round(about_highest(10, 1), 3)
    (0.0297, 16.958)
    """
    n, z = events + 1, NormalDist().inv_cdf(1 - alpha)
    return float(n * (1 - 1 / (9 * n) + z / (3 * sqrt(n))) ** 3 / exposure)


def _at_most(events: int, mean: float) -> float:
    """Return the probability of so many events or fewer."""
    return sum(exp(many * log(mean) - mean - lgamma(many + 1)) for many in range(events + 1))
