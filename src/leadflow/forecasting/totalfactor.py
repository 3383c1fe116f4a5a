"""
The distribution of the sum of deals that share a fate: the one-factor Gaussian model.

Theory. Deals are won together more often than apart, because they share a market, a product and a quarter's end.
Behind each deal stands a standard normal quantity, and any two of these have the correlation rho because they share a
factor Z. Given Z = z, deals are independent, each with the chance Phi((t - sqrt(rho) z) / sqrt(1 - rho)), where t is
chosen so that the mean over z is the chance of the deal: the mean is kept. The distribution is the average over z, by
the trapezoidal rule, which converges faster than any power of the step for functions as smooth as these.

The chances change over a width of sqrt((1 - rho) / rho) in z, and what n deals add up to over 1 / sqrt(n) of that: so
the step has to be a part of it. Few sums are listed, value by value of the factor. Some dozens of deals are added one
by one, for all values of the factor at once, and sums that lie next to each other are put together. Of many deals the
few largest are listed; the others are normal but for their skewness, and where wins or losses are rare they go onto a
grid (`rare`). Nothing is ever below no deal won, or above all of them.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate, compress
from math import exp, floor, fsum, inf, log, sqrt, tau
from operator import add, itemgetter, mul, ne, sub
from statistics import NormalDist

from leadflow.forecasting.counts import counted
from leadflow.forecasting.distribution import Distribution, Mixture, Piece, Steps, Table
from leadflow.forecasting.edgeworth import Cumulants, phi
from leadflow.forecasting.rare import NOTHING, Group, rare_sums, unlikely
from leadflow.forecasting.totalsum import Deals

__all__ = ["Factor", "correlated", "correlated_wins"]

# The factor is beyond this once in a billion.
_FARTHEST = 6.2
# Every sum is listed up to so many: 14 deals of different amounts.
_MOST_SUMS = 20_000
# Deals x values of the factor that are added one by one.
_MOST_ADDED = 800
_MOST_ATOMS = 1_000
_LIKELY = 1e-3
_MANY = 60
_WHALES = 4
# A deal with less of the variance than this is no whale.
_WHALE = 0.02
_REACH = 7.0
# Edgeworth's expansion is used for one value of the factor where it is as good as this; the others make up for it.
_GOOD = 2e-3
_POINTS = 120
_CELLS = 1_024
_RARE = 0.2
_MOST_APART = 30
_FINEST = 0.04
# More deals than this are counted together where amounts and chances are nearly the same.
_GROUPED = 1_000
_OF_AMOUNT = log(1.05)
_OF_CHANCE = 0.1
_NEGLIGIBLE = 1e-13
_FINEST_OF_WINS = 0.01
# Less spread than this part of the whole is none.
_HAIR = 1e-12
_STANDARD = NormalDist()
_DENSITY = 1.0 / sqrt(tau)


class Factor:
    """
    Values of the common factor, with their weights.

    Attributes:
        points: Equally spaced.
        weights: They add up to 1.
    """

    def __init__(self, rho: float, step: float) -> None:
        half = floor(_FARTHEST / step)
        self.points = [step * place for place in range(-half, half + 1)]
        density = [exp(-0.5 * z * z) for z in self.points]
        whole = fsum(density)
        self.weights = [one / whole for one in density]
        self._shifts = [sqrt(rho) * z for z in self.points]
        self._scale = 1.0 / sqrt(1.0 - rho)
        self._found: dict[float, list[float]] = {}

    def chances(self, p: float) -> list[float]:
        """Return the chance of a deal at each value; their mean is p."""
        found = self._found.get(p)
        if found is None:
            found = self._found[p] = self._chances(p)
        return found

    def _chances(self, p: float) -> list[float]:
        scale, shifts = self._scale, self._shifts
        t = _STANDARD.inv_cdf(p)
        found = [phi((t - shift) * scale) for shift in shifts]
        for _ in range(6):
            off = p - fsum(map(mul, found, self.weights))
            if abs(off) < 1e-15:  # noqa: PLR2004 - as near as floats come
                break
            slope = fsum(
                weight * exp(-0.5 * ((t - shift) * scale) ** 2)
                for shift, weight in zip(shifts, self.weights, strict=True)
            )
            if slope <= 0.0:
                break
            t += off / (slope * _DENSITY * scale)
            found = [phi((t - shift) * scale) for shift in shifts]
        return found


# Deals of one amount are counted up to here; beyond, one deal more or less is lost in the whole.
_MOST_COUNTED = 2_000


def correlated(deals: Deals, rho: float) -> Distribution:
    """
    Return the distribution of the sum of correlated deals.

    Args:
        deals: Amounts above 0, chances inside (0, 1).
        rho: The correlation, inside (0, 1).
    """
    width = sqrt((1.0 - rho) / rho)
    n, sums = 0, 1
    for chances in deals.values():
        n += len(chances)
        sums = min(sums * (len(chances) + 1), _MOST_SUMS + 1)
    step = max(min(0.5, width / 2.5, 1.5 * width / sqrt(n)), 0.002)
    if sums <= _MOST_SUMS and n <= _MANY:
        return _enumerated(deals, Factor(rho, step))
    if len(deals) == 1 and n <= _MOST_COUNTED:
        ((amount, chances),) = deals.items()
        first, numbers = correlated_wins(chances, rho)
        return Steps.of((k * amount, chance) for k, chance in enumerate(numbers, first) if chance > 0.0)
    listed = sorted((a, p) for a, chances in deals.items() for p in chances)
    if n <= 2 * _MANY and n * 2.0 * _FARTHEST / step <= _MOST_ADDED:
        return _added(listed, Factor(rho, step))
    step = min(0.5, width / (5.0 if n <= _MANY // 2 else 8.0), max(_FINEST, width / sqrt(n)))
    return _mixed(listed, Factor(rho, max(step, _FINEST / 4.0)))


def correlated_wins(probabilities: Sequence[float], rho: float) -> tuple[int, list[float]]:
    """
    Return the smallest number of correlated deals that may be won, and the chances from there on.

    Args:
        probabilities: Inside (0, 1).
        rho: The correlation, inside (0, 1).
    """
    n = len(probabilities)
    width = sqrt((1.0 - rho) / rho)
    factor = Factor(rho, max(min(0.5, width / 2.5, 1.5 * width / sqrt(n)), _FINEST_OF_WINS))
    groups = _groups([(1.0, p) for p in probabilities])
    columns = zip(*(factor.chances(p) for _, p, _ in groups), strict=True)
    times = [round(number) for _, _, number in groups]
    found = [0.0] * (n + 1)
    for weight, column in zip(factor.weights, columns, strict=True):
        given = [p for p, number in zip(column, times, strict=True) for _ in range(number)]
        # Neighbours smooth what the normal distribution is off at one value of the factor.
        first, chances = counted([p if p > _NEGLIGIBLE else 0.0 for p in given], most=0)
        for place, chance in enumerate(chances, first):
            found[place] += weight * chance
    return 0, found


def _enumerated(deals: Deals, factor: Factor) -> Steps:
    """List every sum, at each value of the factor."""
    found: dict[float, float] = {0.0: 0.0, sum(a * len(chances) for a, chances in sorted(deals.items())): 0.0}
    parts = [(a, [factor.chances(p) for p in chances]) for a, chances in sorted(deals.items())]
    for place, weight in enumerate(factor.weights):
        values, chances = [0.0], [weight]
        for amount, rows in parts:
            first, numbers = counted(sorted(row[place] for row in rows))
            wins = [(k * amount, chance) for k, chance in enumerate(numbers, first) if chance > _NEGLIGIBLE]
            chances = [p * chance for _, p in wins for chance in chances]
            values = [value + more for more, _ in wins for value in values]
        for value, chance in zip(values, chances, strict=True):
            found[value] = found.get(value, 0.0) + chance
    return Steps.of((value, chance) for value, chance in found.items())


def _added(ordered: Sequence[tuple[float, float]], factor: Factor) -> Steps:
    """Add deals one by one, the smallest first, at all values of the factor at once."""
    values = [0.0]
    rows = [[weight] for weight in factor.weights]
    variance = 0.0
    for amount, p in ordered:
        variance += amount * amount * p * (1.0 - p)
        wins = factor.chances(p)
        both = [*values, *(value + amount for value in values)]
        order = sorted(range(len(both)), key=both.__getitem__)
        arrange = itemgetter(*order)
        values = list(arrange(both))
        rows = [
            list(arrange([*[chance * (1.0 - win) for chance in row], *[chance * win for chance in row]]))
            for row, win in zip(rows, wins, strict=True)
        ]
        if len(values) > _MOST_ATOMS:
            values, rows = _thinned(values, rows)
    return Steps.of(zip(values, map(sum, zip(*rows, strict=True)), strict=True))


def _thinned(values: list[float], rows: list[list[float]]) -> tuple[list[float], list[list[float]]]:
    """Put neighbours together at their mean: none of the first, the last and those likelier than the others."""
    chances = rows[0]
    for row in rows[1:]:
        chances = list(map(add, chances, row))
    sums = list(accumulate(chances))
    # Numbered so that whatever is likely begins a number and ends one.
    numbers = [floor(level / _LIKELY) for level in sums]
    keys = list(map(add, numbers, [0, *numbers[:-1]]))
    keys[0], keys[-1] = -1, -2
    width = (values[-1] - values[0]) / _MOST_ATOMS
    cells = [floor(value / width) for value in values]
    breaks = [a or b for a, b in zip(map(ne, keys, [*keys[1:], None]), map(ne, cells, [*cells[1:], None]), strict=True)]
    ends = list(compress(range(len(values)), breaks))
    take = itemgetter(*ends)

    def grouped(row: Iterable[float]) -> list[float]:
        totals = take(list(accumulate(row)))
        return list(map(sub, totals, (0.0, *totals[:-1])))

    moments, weights = grouped(map(mul, values, chances)), grouped(chances)
    middles = [
        min(max(moment / weight, values[start]), values[end]) if weight > 0.0 and start < end else values[end]
        for moment, weight, start, end in zip(moments, weights, [0, *(one + 1 for one in ends)], ends, strict=False)
    ]
    return middles, [grouped(row) for row in rows]


def _variance(deal: tuple[float, float]) -> float:
    amount, p = deal
    return amount * amount * p * (1.0 - p)


def _groups(deals: Sequence[tuple[float, float]]) -> list[Group]:
    """Return deals by amount and chance; of very many, those that are nearly the same together."""
    if len(deals) <= _GROUPED:
        return [(amount, p, 1.0) for amount, p in deals]
    found: dict[tuple[int, int], list[float]] = {}
    for amount, p in deals:
        key = (floor(log(amount) / _OF_AMOUNT), floor(_STANDARD.inv_cdf(p) / _OF_CHANCE))
        row = found.setdefault(key, [0.0, 0.0, 0.0])
        row[0] += amount * p
        row[1] += p
        row[2] += 1.0
    return [(worth / chances, chances / n, n) for worth, chances, n in found.values()]


def _mixed(listed: Sequence[tuple[float, float]], factor: Factor) -> Mixture:
    """Mix the distributions of many deals, one for each value of the factor."""
    ordered = sorted(listed, key=_variance, reverse=True)
    whole = fsum(map(_variance, ordered))
    # Some dozens of deals go onto the grid, whales and all.
    most_whales = _WHALES if len(ordered) > 2 * _MANY else 0
    whales = [deal for deal in ordered[:most_whales] if _variance(deal) > _WHALE * whole]
    groups = _groups(ordered[len(whales) :])
    most = fsum(amount * n for amount, _, n in groups)
    atoms = [(0.0, factor.weights)]
    for amount, p in whales:
        wins = factor.chances(p)
        losses = [1.0 - chance for chance in wins]
        atoms = [
            (value + more, list(map(mul, row, chances)))
            for value, row in atoms
            for more, chances in ((0.0, losses), (amount, wins))
        ]
    columns = list(zip(*(factor.chances(p) for _, p, _ in groups), strict=True))
    amounts = [amount * n for amount, _, n in groups]
    means = [fsum(map(mul, amounts, column)) for column in columns]
    between = [0.5 * abs(a - b) for a, b in zip(means, means[2:], strict=False)]
    between = [between[0], *between, between[-1]]
    pieces: list[Piece] = []
    for place, (mean, column, gap) in enumerate(zip(means, columns, between, strict=True)):
        weights = [(value, row[place]) for value, row in atoms if row[place] > _NEGLIGIBLE]
        if weights:
            given = _given(groups, column, mean, gap, most)
            pieces += [(value, weight, given) for value, weight in weights]
    return Mixture(pieces, 0.0, most + fsum(amount for amount, _ in whales))


def _given(groups: Sequence[Group], chances: Sequence[float], mean: float, gap: float, most: float) -> Distribution:
    """Return the distribution of the sum at one value of the factor, which stands for those about it."""
    k2 = k3 = k4 = 0.0
    for (amount, _, n), p in zip(groups, chances, strict=True):
        v = p * (1.0 - p)
        square = amount * amount * n * v
        k2 += square
        k3 += square * amount * (1.0 - 2.0 * p)
        k4 += square * amount * amount * (1.0 - 6.0 * v)
    # Neighbours half a gap apart make no stairs when each is a quarter of its square wider.
    bulk = Cumulants(mean, k2 + 0.25 * gap * gap, k3, k4)
    reach = _REACH * sqrt(bulk.variance)
    alone = Cumulants(mean, k2, k3, k4).error() if k2 > (_HAIR * most) ** 2 else inf
    # Few deals make steps that have to be in their places.
    is_few = len(groups) <= _MANY // 2
    if reach <= mean <= most - reach and alone <= _GOOD and not is_few:
        return _table(bulk)
    open_ = [(a, p, n) for (a, _, n), p in zip(groups, chances, strict=True) if unlikely(p) > _NEGLIGIBLE]
    sure = fsum(a * n for (a, _, n), p in zip(groups, chances, strict=True) if 1.0 - p <= _NEGLIGIBLE)
    if not open_:
        return Steps([sure], [1.0])
    # The largest last; beyond so many that are neither rarely won nor rarely lost, the others are a bulk.
    likely = sorted((one for one in open_ if unlikely(one[1]) > _RARE), key=lambda one: one[0])
    small = likely[:-_MOST_APART]
    rest: Distribution = Steps([sure], [1.0]) if sure else NOTHING
    if small:
        centre = sure + fsum(a * p * n for a, p, n in small)
        square = fsum(a * a * p * (1.0 - p) * n for a, p, n in small)
        third = fsum(a**3 * p * (1.0 - p) * (1.0 - 2.0 * p) * n for a, p, n in small)
        rest = _table(Cumulants(centre, square, third))
        open_ = [one for one in open_ if unlikely(one[1]) <= _RARE] + likely[-_MOST_APART:]
    return rare_sums(open_, _CELLS * 4 if is_few else _CELLS, rest)


def _table(bulk: Cumulants) -> Table:
    reach = _REACH * sqrt(bulk.variance)
    step = 2.0 * reach / _POINTS
    levels = bulk.cdf([bulk.mean - reach + place * step for place in range(_POINTS + 1)])
    levels[0], levels[-1] = 0.0, 1.0
    return Table(bulk.mean - reach, step, levels).with_mean(bulk.mean)
