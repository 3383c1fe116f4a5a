"""
The distribution of the sum of many deals at prices that are nearly, not quite, multiples of one, such as 49, 99, 199.

Theory. Write each amount as a whole number m of units and a small difference d. The sum is then unit x M + D. M moves
on whole numbers, so the sum lies in heaps, one for each of its values. With many deals M and D are together nearly
normal: given M, D is normal with a mean that is linear in M and a variance that does not depend on it. As long as its
standard deviation is well below the unit the heaps stay apart and have to be told; above 0.45 units they have run
together (what is left of the steps is exp(-2 pi^2 0.45^2), under 2 %), and a smooth curve is right. The unit is that
part of the most important amount that leaves the least spread within heaps.
"""

from collections.abc import Callable, Mapping, Sequence
from math import ceil, fsum, sqrt
from statistics import NormalDist

from leadflow.forecasting.distribution import Distribution, Steps

__all__ = ["heaps"]

Deals = Mapping[float, Sequence[float]]
_MOST_AMOUNTS = 60
# Heaps closer than this part of the standard deviation hold too little to be told.
_CLOSEST = 1e-3
_APART = 0.45
# Within a heap, points of so much chance each.
_EACH = 1e-4
_NEGLIGIBLE = 1e-12
_STANDARD = NormalDist()


def heaps(deals: Deals, sd: float, law: Callable[[Deals], Distribution]) -> Steps | None:
    """
    Return the distribution of the sum of deals if it lies in heaps, else nothing.

    Args:
        deals: Chances by amount.
        sd: The standard deviation of their sum.
        law: Finds the distribution of the sum of deals of whole amounts.
    """
    if len(deals) > _MOST_AMOUNTS:
        return None
    spreads = [(amount, fsum(p * (1.0 - p) for p in chances)) for amount, chances in deals.items()]
    base = max(spreads, key=lambda one: one[0] ** 2 * one[1])[0]
    best, unit, slope = _APART, 0.0, 0.0
    for parts in range(1, ceil(base / (_CLOSEST * sd))):
        inside, along = _spread(spreads, base / parts)
        if inside < best * (1.0 - _CLOSEST):
            best, unit, slope = inside, base / parts, along
    if not unit:
        return None
    whole: dict[float, list[float]] = {}
    for amount, chances in deals.items():
        whole.setdefault(float(round(amount / unit)), []).extend(chances)
    whole.pop(0.0, None)
    found = law(whole)
    if not isinstance(found, Steps):
        return None
    mean = fsum(amount * fsum(chances) for amount, chances in deals.items())
    centre = fsum(m * fsum(chances) for m, chances in whole.items())
    most = fsum(amount * len(chances) for amount, chances in deals.items())
    width, points = best * unit, dict[int, list[float]]()
    atoms: list[tuple[float, float]] = []
    for m, chance in zip(found.values, found.chances, strict=True):
        if chance > _NEGLIGIBLE:
            n = ceil(chance / _EACH)
            if n not in points:
                points[n] = [width * _STANDARD.inv_cdf((place + 0.5) / n) for place in range(n)]
            middle = mean + (unit + slope) * (m - centre)
            atoms += [(min(max(middle + away, 0.0), most), chance / n) for away in points[n]]
    return Steps.of(atoms)


def _spread(spreads: Sequence[tuple[float, float]], unit: float) -> tuple[float, float]:
    """Return the standard deviation within heaps, in units, and how far their means move beyond a unit each."""
    square = product = other = 0.0
    for amount, weight in spreads:
        m = round(amount / unit)
        d = amount - m * unit
        square += m * m * weight
        product += m * d * weight
        other += d * d * weight
    return sqrt(max(other - product * product / square, 0.0)) / unit, product / square
