"""
How long a total with three quantiles takes against 10,000 random draws, and how far off each of the two is.

Both are measured in turn, round after round, and the median of the rounds counts. The error is the largest difference
of the distribution function from the exact one, which is found by inverting the characteristic function of the same
amounts rounded to whole multiples of a fine unit. Draws need numpy; without it only the total is measured. Run it with
``python tests/benchmarks/run.py total``.
"""

from importlib import import_module
from math import exp, inf, pi
from random import Random
from statistics import median
from time import process_time
from typing import Any

from leadflow.forecasting import Total

SIZES = (100, 1_000, 10_000, 100_000)
ROUNDS = 3
DRAWS = 10_000
QUANTILES = (0.1, 0.5, 0.9)
# Total is at most so long as the draws, and as many seconds, by number of deals.
BOUNDS = {10_000: 1 / 3, 100_000: 1 / 10}
MOST_ERROR = 1e-3
# Units in the whole, so that there are some dozens to each deal.
CELLS = 2**18
LARGE = 20_000
POINTS = 1_500
Portfolio = list[tuple[int, float]]


def smooth(chance: Random, n: int) -> list[float]:
    """Return amounts of about the same size."""
    return [chance.uniform(1, 3) for _ in range(n)]


def heavy_tailed(chance: Random, n: int) -> list[float]:
    """Return amounts of which a few are most of the sum."""
    return [exp(chance.gauss(0, 1.5)) for _ in range(n)]


def one_whale(chance: Random, n: int) -> list[float]:
    """Return amounts of which one is 30 % of the sum."""
    others = smooth(chance, n - 1)
    return [*others, sum(others) * 0.3 / 0.7]


KINDS = {"smooth": smooth, "heavy-tailed": heavy_tailed, "one whale": one_whale}


def portfolio(kind: str, n: int) -> list[tuple[float, float]]:
    """Return deals as they might be."""
    chance = Random(n)
    return [(amount, chance.uniform(0.03, 0.97)) for amount in KINDS[kind](chance, n)]


def in_units(deals: list[tuple[float, float]]) -> Portfolio:
    """Return deals with amounts in whole units."""
    cells = CELLS * (16 if len(deals) > LARGE else 4 if len(deals) > LARGE // 10 else 1)
    whole = sum(amount for amount, _ in deals)
    return [(max(1, round(amount / whole * cells)), p) for amount, p in deals]


def seconds(deals: list[tuple[float, float]]) -> float:
    """Return how long a total and three quantiles take."""
    start = process_time()
    total = Total.of(deals)
    for q in QUANTILES:
        total.quantile(q)
    return process_time() - start


def drawn(numpy: Any, deals: list[tuple[float, float]], seed: int) -> tuple[float, Any]:
    """Return how long the draws take, and what was drawn."""
    random = numpy.random.default_rng(seed)
    start = process_time()
    amounts, chances = (numpy.array(column) for column in zip(*deals, strict=True))
    # In portions that stay in the processor's cache, as somebody who knows numpy would.
    portion = max(1, 2_000_000 // len(deals))
    sums = numpy.concatenate(
        [
            (random.random((min(portion, DRAWS - done), len(deals))) < chances) @ amounts
            for done in range(0, DRAWS, portion)
        ]
    )
    numpy.quantile(sums, QUANTILES)
    return process_time() - start, numpy.sort(sums)


def exact(numpy: Any, deals: Portfolio) -> Any:
    """Return the distribution function at 0, 1, 2, ... by inverting the characteristic function."""
    amounts, chances = (numpy.array(column) for column in zip(*deals, strict=True))
    size = 1
    while size <= amounts.sum() + 1:
        size *= 2
    transformed = numpy.zeros(size // 2 + 1, dtype=complex)
    step = max(1, 1_000_000 // len(deals))
    for first in range(0, len(transformed), step):
        frequencies = numpy.arange(first, min(first + step, len(transformed)))
        angles = (numpy.outer(frequencies, amounts) % size) * (2 * pi / size)
        found = numpy.prod(1 - chances + chances * numpy.exp(-1j * angles), axis=1)
        transformed[first : first + len(found)] = found
        if first and abs(found).max() < 1e-13:
            break
    return numpy.cumsum(numpy.fft.irfft(transformed, size))


def rows() -> list[dict[str, object]]:
    """Measure, and return one row per kind of portfolio and size; ``ratio`` is the total's time over that of draws."""
    try:
        numpy: Any = import_module("numpy")
    except ModuleNotFoundError:
        numpy = None
    found: list[dict[str, object]] = []
    for kind in KINDS:
        for size in SIZES:
            deals = portfolio(kind, size)
            ours, theirs, sums = [], [], None
            for seed in range(ROUNDS):
                ours.append(seconds(deals))
                if numpy is not None:
                    taken, sums = drawn(numpy, deals, seed)
                    theirs.append(taken)
            row: dict[str, object] = {"deals of": kind, "deals": size, "ms": round(1e3 * median(ours), 1)}
            if numpy is not None:
                whole = in_units(deals)
                levels = exact(numpy, whole)
                inside = numpy.flatnonzero((levels > 1e-9) & (levels < 1 - 1e-9))
                points = numpy.unique(inside[:: max(1, len(inside) // POINTS)])
                # Times pi, so that nothing tells it that amounts are whole numbers.
                total = Total.of([(amount * pi, p) for amount, p in whole])
                error = max(abs(total.cdf((int(k) + 0.5) * pi) - levels[k]) for k in points)
                scale = sum(amount for amount, _ in deals) / sum(amount for amount, _ in whole)
                shares = numpy.searchsorted(sums, (points + 0.5) * scale) / DRAWS
                row |= {
                    "ms of draws": round(1e3 * median(theirs), 1),
                    "error": float(f"{error:.1e}"),
                    "error of draws": float(f"{abs(shares - levels[points]).max():.1e}"),
                    "ratio": round(median(a / b for a, b in zip(ours, theirs, strict=True)), 3),
                    # An error that is too large breaks the bound as well.
                    "bound": BOUNDS.get(size, inf) if error <= MOST_ERROR else 0.0,
                }
            found.append(row)
    return found
