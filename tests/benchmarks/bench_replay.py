"""
How long replaying a history of ten events takes per deal, and whether that stays so as deals grow.

Loading makes opportunities from ids and histories and keeps them all; ``as_of`` goes back to the fifth event of each.
The collector runs, since it does for whoever loads as many. Each round measures every size in turn, over about as many
deals: small sizes are repeated; the ratio is time per deal against that at the smallest size of the same round.
"""

import gc
from collections.abc import Callable
from itertools import starmap
from statistics import median
from time import process_time

from records import after, deal_of_ten
from timing import Row

from leadflow import Opportunity

SIZES = (1_000, 10_000, 100_000)
ROUNDS = 5
# Between the fifth event of a deal that began at hour `number % 1_000` and the sixth.
FIFTH = [after(hours + 4) for hours in range(1_000)]


def loaded(deals: list[Opportunity]) -> object:
    """Make each anew from its id and history, as a store does."""
    return list(starmap(Opportunity, [(deal.id, deal.history) for deal in deals]))


def taken_back(deals: list[Opportunity]) -> object:
    """Return each as it was known after its fifth event."""
    return [deal.as_of(FIFTH[number % 1_000]) for number, deal in enumerate(deals)]


WORK: dict[str, Callable[[list[Opportunity]], object]] = {
    "load ten events": loaded,
    "as_of after five of ten": taken_back,
}


def rows() -> list[Row]:
    """Measure, and return one row per piece of work and size."""
    portfolio = [deal_of_ten(number) for number in range(SIZES[-1])]
    portfolios = {size: portfolio[:size] for size in SIZES}
    seconds: dict[tuple[str, int], list[float]] = {(name, size): [] for name in WORK for size in SIZES}
    for name, work in WORK.items():
        for _ in range(ROUNDS):
            for size, deals in portfolios.items():
                repeats = max(1, SIZES[-1] // size // 10)
                gc.collect()
                start = process_time()
                for _ in range(repeats):
                    work(deals)
                seconds[name, size].append((process_time() - start) / repeats / size)
    return [_row(name, size, seconds[name, size], seconds[name, SIZES[0]]) for name in WORK for size in SIZES]


def _row(name: str, size: int, taken: list[float], least: list[float]) -> Row:
    return {
        "work": name,
        "deals": size,
        "us_per_deal": round(1e6 * median(taken), 2),
        "ratio": round(median(mine / its for mine, its in zip(taken, least, strict=True)), 2),
        "bound": 1.3 if size == SIZES[-1] else None,
    }
