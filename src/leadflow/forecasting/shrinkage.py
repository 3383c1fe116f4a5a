"""
Shrinkage: how far a rate from few deals is to be believed.

Theory. A cell with w wins of n deals says w/n, and of three deals that is noise. So a rate is drawn towards the rate of
the group that the cell is a part of: p = (w + k parent)/(n + k). The weight k is how many deals the parent's rate is
worth: fixed, or read off the data by moments. There, if rates scatter between cells no more than chance alone makes
them, the variance between them tau^2 is not positive, k is infinite, and every cell has its parent's rate: the data say
that there is no difference. For that n counts distinct deals, since ten looks at one deal are one piece of evidence.
(Kleinman 1973, "Proportions with extraneous variance", JASA 68.)
"""

from collections.abc import Iterable, Sequence
from math import inf, isinf

__all__ = ["FEW_DEALS", "LEAST_WEIGHT", "between_variance", "prior_weight", "shrunk"]

LEAST_WEIGHT = 1.0
# Below so many closed deals a reader is warned. A rule of thumb: where it is depends on how much cells differ.
FEW_DEALS = 300
# One parent's children: for each its rate in [0, 1] and how many distinct deals it rests on.
Rates = Sequence[tuple[float, int]]


def shrunk(rate: float, n: float, parent: float, k: float) -> float:
    """
    Return a rate drawn towards its parent's.

    >>> shrunk(0.75, 20, 0.25, 20), shrunk(0.75, 20, 0.25, inf), shrunk(0.75, 0, 0.25, 0)
    (0.5, 0.25, 0.25)

    Args:
        rate: The raw rate, in [0, 1].
        n: How many of whatever was counted it rests on; at least 0.
        parent: The rate to draw it towards, in [0, 1].
        k: How many of the same the parent's rate is worth; at least 0, may be infinite.

    Returns:
        A rate between the two: `rate` where k is 0, `parent` where k is infinite or n is 0.
    """
    if n == 0 or isinf(k):
        return parent
    # Weights first, and never beyond the two rates: rounding must not lead out of [0, 1].
    weight = n / (n + k)
    return min(max(parent + weight * (rate - parent), min(rate, parent)), max(rate, parent))


def between_variance(families: Iterable[Rates]) -> tuple[float, float]:
    """
    Return the variance of rates between siblings, beyond what chance makes, and the mean of p q over the families.

    The variance is [sum n (p - p0)^2 - (J - 1) p0 q0] / (N - sum n^2/N - (J - 1)), numerator and denominator summed
    over the families, p0 being the family's own rate. It is negative where rates scatter less than by chance, and nan
    where nothing can be said: a family of one, or of single deals.
    """
    above = below = spread = total = 0.0
    for family in families:
        counted = [(p, n) for p, n in family if n]
        size = sum(n for _, n in counted)
        if len(counted) > 1:
            p0 = sum(n * p for p, n in counted) / size
            above += sum(n * (p - p0) ** 2 for p, n in counted) - (len(counted) - 1) * p0 * (1 - p0)
            below += size - sum(n * n for _, n in counted) / size - (len(counted) - 1)
            spread += size * p0 * (1 - p0)
            total += size
    return (above / below if below > 0 else float("nan")), (spread / total if total else 0.0)


def prior_weight(families: Iterable[Rates]) -> float:
    """
    Return the weight k of the parents' rates by the method of moments: k = p q / tau^2 - 1, infinite without tau^2.

    It is never below 1: of few cells the formula may say 0 by chance, and 0 of 3 would be believed outright.

    >>> prior_weight([[(0.5, 100), (0.5, 100)]])
    inf
    >>> round(prior_weight([[(0.2, 100), (0.6, 100)]]), 2)
    2.06

    Args:
        families: For each parent its children: rate and number of distinct deals.
    """
    variance, spread = between_variance(families)
    # Not "variance <= 0": where nothing can be said, it is nan, and no difference was shown either.
    if not variance > 0:
        return inf
    return max(spread / variance - 1, LEAST_WEIGHT)
