"""
The distribution of the sum of deals that share a fate: the one-factor Gaussian model.

Theory. Deals are won together more often than apart, because they share a market, a product and a quarter's end.
Behind each deal stands a standard normal quantity, and any two of these have the correlation rho because they share a
factor Z. Given Z = z, deals are independent, each with the chance Phi((t - sqrt(rho) z) / sqrt(1 - rho)), where t is
chosen so that the mean over z is the chance of the deal: the mean is kept. So the distribution is an average, over a
few hundred equally likely z, of distributions of independent deals. Between two neighbouring z the mean makes a step,
and the factor may lie anywhere between: that adds a twelfth of the step squared to the variance around each, without
which the average would be a staircase.

Few deals are enumerated; of many, the few largest are, and the others are taken by Edgeworth's expansion, z by z.
"""

from collections.abc import Sequence
from functools import cache
from math import exp, fsum, sqrt, tau
from operator import mul
from statistics import NormalDist

from leadflow.forecasting.distribution import Distribution, Mixture, Piece, Steps, Table
from leadflow.forecasting.edgeworth import Cumulants, phi
from leadflow.forecasting.totalsum import Deals

__all__ = ["correlated"]

_POINTS = 256
_FEW = 14
_WHALES = 4
# A deal with less of the variance than this is no whale.
_WHALE = 0.02
_CELLS = 1_200
_REACH = 7.0
# Deals enter the conditional moments by so many chances at most; those between two are split between them.
_NODES = 400
_STANDARD = NormalDist()
_DENSITY = 1.0 / sqrt(tau)


@cache
def _points() -> tuple[float, ...]:
    """Return the equally likely values of the factor: the middle of each of so many strata."""
    return tuple(_STANDARD.inv_cdf((place + 0.5) / _POINTS) for place in range(_POINTS))


def given_factor(p: float, rho: float) -> list[float]:
    """Return the chance at each value of the factor; the mean over them is p."""
    slope, scale = sqrt(rho), 1.0 / sqrt(1.0 - rho)
    shifts = [slope * z for z in _points()]
    t = _STANDARD.inv_cdf(p)
    chances = [phi((t - shift) * scale) for shift in shifts]
    for _ in range(4):
        off = p - fsum(chances) / _POINTS
        if abs(off) < 1e-15:  # noqa: PLR2004 - as near as floats come
            break
        slopes = fsum(exp(-0.5 * ((t - shift) * scale) ** 2) for shift in shifts) * _DENSITY * scale / _POINTS
        if slopes <= 0.0:
            break
        t += off / slopes
        chances = [phi((t - shift) * scale) for shift in shifts]
    return chances


def correlated(deals: Deals, rho: float) -> Distribution:
    """
    Return the distribution of the sum of correlated deals.

    Args:
        deals: Amounts above 0, chances inside (0, 1).
        rho: The correlation, inside (0, 1).
    """
    listed = sorted(((a, p) for a, chances in deals.items() for p in chances), key=_variance, reverse=True)
    if len(listed) <= _FEW:
        return Steps.of((value, fsum(row) / _POINTS) for value, row in _enumerated(listed, rho))
    whole = fsum(map(_variance, listed))
    whales = [deal for deal in listed[:_WHALES] if _variance(deal) > _WHALE * whole]
    return _mixed(_enumerated(whales, rho), listed[len(whales) :], rho)


def _variance(deal: tuple[float, float]) -> float:
    amount, p = deal
    return amount * amount * p * (1.0 - p)


def _enumerated(deals: Sequence[tuple[float, float]], rho: float) -> list[tuple[float, list[float]]]:
    """Return every possible sum with its chance at each value of the factor."""
    atoms = [(0.0, [1.0] * _POINTS)]
    for amount, p in deals:
        wins = given_factor(p, rho)
        losses = [1.0 - chance for chance in wins]
        atoms = [
            (value + more, list(map(mul, row, chances)))
            for value, row in atoms
            for more, chances in ((0.0, losses), (amount, wins))
        ]
    return atoms


def _moments(deals: Sequence[tuple[float, float]], rho: float) -> list[Cumulants]:
    """Return the cumulants of the sum at each value of the factor."""
    sums: dict[float, list[float]] = {}
    for amount, p, share in _nodes(deals):
        row = sums.setdefault(p, [0.0, 0.0, 0.0])
        square = amount * amount
        row[0] += amount * share
        row[1] += square * share
        row[2] += square * amount * share
    totals = [[0.0, 0.0, 0.0] for _ in range(_POINTS)]
    for p, (one, two, three) in sums.items():
        for total, chance in zip(totals, given_factor(p, rho), strict=True):
            v = chance * (1.0 - chance)
            total[0] += one * chance
            total[1] += two * v
            total[2] += three * v * (1.0 - 2.0 * chance)
    means = [total[0] for total in totals]
    # How wide each stratum is, by its neighbours; the outermost as wide as the next.
    widths = [0.5 * abs(a - b) for a, b in zip(means, means[2:], strict=False)]
    widths = [widths[0], *widths, widths[-1]]
    # Where the factor decides everything, nothing is left to chance: a hair of spread stands for it.
    hair = (1e-9 * fsum(amount for amount, _ in deals)) ** 2
    return [
        Cumulants(mean, variance + width * width / 12.0 + hair, third)
        for (mean, variance, third), width in zip(totals, widths, strict=True)
    ]


def _nodes(deals: Sequence[tuple[float, float]]) -> list[tuple[float, float, float]]:
    """Return deals as amount, chance and share; a deal between two of the chances that are used is split."""
    distinct = {p for _, p in deals}
    if len(distinct) <= _NODES:
        return [(amount, p, 1.0) for amount, p in deals]
    low, high = min(distinct), max(distinct)
    first, last = _STANDARD.inv_cdf(low), _STANDARD.inv_cdf(high)
    step = (last - first) / (_NODES - 1)
    nodes = [low, *(phi(first + step * place) for place in range(1, _NODES - 1)), high]
    found = []
    for amount, p in deals:
        left = min(int((_STANDARD.inv_cdf(p) - first) / step), _NODES - 2)
        # Floats may put a chance a hair beside its step.
        share = min(1.0, max(0.0, (p - nodes[left]) / (nodes[left + 1] - nodes[left])))
        found += [(amount, nodes[left], 1.0 - share), (amount, nodes[left + 1], share)]
    return found


def _mixed(atoms: Sequence[tuple[float, list[float]]], others: Sequence[tuple[float, float]], rho: float) -> Mixture:
    moments = _moments(others, rho)
    reaches = [(one.mean, _REACH * sqrt(one.variance)) for one in moments]
    start = min(mean - reach for mean, reach in reaches)
    end = max(mean + reach for mean, reach in reaches)
    step = (end - start) / _CELLS
    curves = []
    for one, (mean, reach) in zip(moments, reaches, strict=True):
        first = max(0, int((mean - reach - start) / step))
        last = min(_CELLS, int((mean + reach - start) / step) + 2)
        curves.append((first, one.cdf([start + step * place for place in range(first, last)])))
    pieces: list[Piece] = []
    for value, row in atoms:
        weight = fsum(row) / _POINTS
        # The increments of each conditional curve, added up.
        rises = [0.0] * (_CELLS + 1)
        for chance, (first, curve) in zip(row, curves, strict=True):
            before = 0.0
            for place, level in enumerate(curve, first):
                rises[place] += chance * (level - before)
                before = level
            rises[min(first + len(curve), _CELLS)] += chance * (1.0 - before)
        total, values = 0.0, []
        for rise in rises:
            total += rise
            values.append(total)
        if total > 0.0:
            pieces.append((value, weight, Table(start, step, [0.0, *(one / total for one in values[1:-1]), 1.0])))
    mean = fsum(a * p for a, p in others) + fsum(value * fsum(row) for value, row in atoms) / _POINTS
    whole = fsum(weight for _, weight, _ in pieces)
    found = Mixture([(value, weight / whole, table) for value, weight, table in pieces])
    off = mean - found.mean
    return Mixture([(value + off, weight, table) for value, weight, table in found.pieces])
