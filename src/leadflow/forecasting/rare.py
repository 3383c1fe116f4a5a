"""
The distribution of a sum in which wins, or losses, are rare: no normal distribution, however many deals there are.

Theory. Every deal has an outcome that is likelier; together they make the sum that is there when nothing unlikely
happens, and every unlikely outcome moves it by an amount, up (a win) or down (a loss). On a grid such a move has the
generating function 1 - m + m z^k, m being its chance; an amount between two cells is split between them. Products of
these are sums of their logarithms, and log(1 - m + m z^k) is a short series where m is small:
log(1 - m) + r z^k - r^2 z^2k / 2 + ... with r = m / (1 - m). So ten thousand deals are one array, transformed once.
That nothing unlikely happens keeps its place and its chance exactly. What else there is to the sum (`rest`) has its own
distribution and comes in twice: as it is when nothing unlikely happens, on the grid otherwise. So small amounts keep
their shape beside large ones that hardly ever come.
"""

from cmath import exp
from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import exp as real_exp
from math import floor, fsum, log1p, sqrt, tau

from leadflow.forecasting.distribution import Distribution, Mixture, Piece, Steps, Table
from leadflow.forecasting.fourier import masses, transform

__all__ = ["NOTHING", "Group", "rare_sums", "tell_rare", "unlikely"]

# An amount, a chance, and how many deals have both.
Group = tuple[float, float, float]

NOTHING = Steps([0.0], [1.0])
# From this chance on a factor is multiplied rather than written as a series.
_SERIES = 0.2
_NEGLIGIBLE = 1e-12
# Of the chance beyond the grid, e^-14 or a millionth at most is let in again at its other end (Bernstein's bound).
_BEYOND = 14.0
_EDGE = 1e-7
_LEAST = 1e-10
# Unlikely outcomes that go onto a grid together: so unlikely each, so many, no step of theirs above so much; amounts so
# much smaller than the largest are left to a grid of their own.
_RARE = 0.2
_MANY_RARE = 30
_STEP = 8e-4
_SMALLER = 500.0
_HALF = 0.5


def unlikely(p: float) -> float:
    """Return the chance of the outcome that is less likely."""
    return p if p <= 0.5 else 1.0 - p  # noqa: PLR2004 - a half


def rare_sums(deals: Sequence[Group], size: int, rest: Distribution = NOTHING) -> Mixture:
    """
    Return the distribution of the sum of deals, and of a rest.

    Args:
        deals: Of rare wins or losses; others may be among them, at some cost each.
        size: Cells of the grid, a power of two.
        rest: What else there is.
    """
    moves = [(a if p <= 0.5 else -a, unlikely(p), n) for a, p, n in deals]  # noqa: PLR2004 - a half
    base = fsum(a * n for a, p, n in deals if p > 0.5)  # noqa: PLR2004 - a half
    bottom, top = _range(moves)
    first, last = rest.quantile(_EDGE), rest.quantile(1.0 - _EDGE)
    step = (top - bottom + last - first) / (size - 6)
    nothing, spectrum = _spectrum(moves, step, size)
    within = fsum(a * n for a, _, n in deals) + rest.high
    usual: Piece = (base, nothing, rest)
    if 1.0 - nothing < _LEAST:
        return Mixture([(base, 1.0, rest)], rest.low, within)
    spectrum = [one - nothing for one in spectrum]
    if rest is not NOTHING:
        count = int((last - first) / step) + 2
        levels = [0.0, *(rest.cdf(first + (place + 0.5) * step) for place in range(count)), 1.0]
        rises = [after - before for before, after in pairwise(levels)]
        rises += [0.0] * (size - len(rises))
        spectrum = [one * other for one, other in zip(spectrum, transform(rises), strict=False)]
    found = masses([*spectrum, *(one.conjugate() for one in spectrum[-2:0:-1])])
    lowest = floor(bottom / step) - 1
    turn = lowest % size
    levels = list(accumulate(found[turn:] + found[:turn], initial=0.0))
    whole = levels[-1]
    if whole <= 0.0:  # so unlikely that rounding leaves nothing of it
        return Mixture([(base, 1.0, rest)], rest.low, within)
    table = Table(base + first + (lowest - 0.5) * step, step, [level / whole for level in levels])
    mean = base + rest.mean + fsum(a * m * n for a, m, n in moves) / (1.0 - nothing)
    if abs(mean - table.mean) < step:
        table = table.with_mean(mean)
    return Mixture([usual, (0.0, 1.0 - nothing, table)] if nothing > _LEAST else [(0.0, 1.0, table)], rest.low, within)


def _range(moves: Sequence[Group]) -> tuple[float, float]:
    """Return between which moves all but a millionth of the sums lie."""
    mean = fsum(a * m * n for a, m, n in moves)
    variance = fsum(a * a * m * (1.0 - m) * n for a, m, n in moves)

    def reach(largest: float) -> float:
        most = _BEYOND * largest / 3.0
        return most + sqrt(most * most + 2.0 * _BEYOND * variance)

    ups = [(a, n) for a, _, n in moves if a > 0.0]
    downs = [(-a, n) for a, _, n in moves if a < 0.0]
    highest, lowest = fsum(a * n for a, n in ups), -fsum(a * n for a, n in downs)
    top = min(highest, mean + reach(max((a for a, _ in ups), default=0.0)))
    bottom = max(lowest, mean - reach(max((a for a, _ in downs), default=0.0)))
    return min(bottom, 0.0), max(top, 0.0)


def _spectrum(moves: Sequence[Group], step: float, size: int) -> tuple[float, list[complex]]:
    """Return the chance that nothing moves, and one half of the Fourier coefficients of the sum of moves."""
    series = [0.0] * size
    apart: list[tuple[int, float, float, float]] = []
    logs = []
    for a, m, n in moves:
        cells = a / step
        logs.append(n * log1p(-m))
        if m > _SERIES:
            whole = floor(cells)
            apart.append((whole, cells - whole, m, n))
            continue
        r = m / (1.0 - m)
        term, times = n * r, 1
        while abs(term) > _NEGLIGIBLE:
            place = times * cells
            whole = floor(place)
            share = term / times * (place - whole)
            series[whole % size] += term / times - share
            series[(whole + 1) % size] += share
            term *= -r
            times += 1
    constant = fsum(n * log1p(-m) for _, m, n in moves if m <= _SERIES)
    half = size // 2 + 1
    found = [exp(constant + one) for one in transform(series)[:half]]
    roots = [exp(-1j * tau * place / size) for place in range(size)] if apart else []
    for whole, part, m, n in apart:
        q, low, high = 1.0 - m, m * (1.0 - part), m * part
        factors = [q + roots[place * whole % size] * (low + high * root) for place, root in enumerate(roots[:half])]
        found = [one * factor**n for one, factor in zip(found, factors, strict=True)]
    return real_exp(fsum(logs)), found


def tell_rare(
    deals: Sequence[tuple[float, float]], *, with_steps: bool
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Tell deals of rare wins or losses, from others and from those much smaller."""
    steps: dict[tuple[float, bool], float] = {}
    for amount, p in deals:
        key = (amount, p > _HALF)
        steps[key] = steps.get(key, 0.0) + unlikely(p)
    heights = sorted((steps[a, p > _HALF], unlikely(p), a, p) for a, p in deals)
    nothing, apart = 1.0, 0
    for place, (height, m, _, _) in enumerate(heights, 1):
        nothing *= 1.0 - m
        if m > _RARE:
            break
        if with_steps or height * nothing <= _STEP:
            apart = place
    listed = [(a, p) for _, _, a, p in heights]
    least = max((a for a, _ in listed[:apart]), default=0.0) / _SMALLER
    rare = [deal for deal in listed[:apart] if deal[0] > least]
    rest = listed[apart:] + [deal for deal in listed[:apart] if deal[0] <= least]
    return (rare, rest) if len(rare) >= _MANY_RARE else ([], listed)
