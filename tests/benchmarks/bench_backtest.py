"""
How long a backtest takes per deal and origin, fitting a win model at each, and whether that stays so as deals grow.

Deals are made up: each goes through three stages in about forty days. Run it with ``python tests/benchmarks/run.py
backtest``. The nine origins of BPI 2012 are measured by `accuracy_amounts`.
"""

from datetime import datetime
from gc import collect
from statistics import median
from time import process_time

from bench_landmark import DAY, NOW, deal

from leadflow.forecasting import DealFact, DealHistory, Past, backtest, fit_landmark
from leadflow.money import Money

SIZES = (1_000, 8_000)
ROUNDS = 2
ORIGINS = (3, 6)


def priced(number: int) -> DealHistory:
    """Return one of many deals, worth something."""
    one = deal(number)
    return DealHistory(one.id, [*one.facts, DealFact("amount", Money(100 + number % 900, "EUR"), at=one.facts[0].at)])


def expected(past: Past, as_of: datetime) -> float:
    """Fit a model and add up amount times chance."""
    model = fit_landmark(past, as_of=as_of, horizon=past.horizon)
    still_open = (one for one in past.deals if one.is_open and one.amount is not None)
    return sum(
        float(one.amount.amount) * model.win(one, as_of=as_of, horizon=past.horizon).p
        for one in still_open
        if one.amount is not None
    )


def rows() -> list[dict[str, object]]:
    """Measure; ``ratio`` is the time per deal and origin against the fewest deals and origins: 1 is linear."""
    seconds: dict[tuple[int, int], list[float]] = {}
    for _ in range(ROUNDS):
        for size in SIZES:
            for origins in ORIGINS:
                # Anew each time: a history remembers what it was asked.
                deals = [priced(number) for number in range(size)]
                # Origins close together, so that each has as much behind it.
                moments = [NOW - (16 + place) * DAY for place in range(origins)]
                collect()
                start = process_time()
                backtest(deals, expected, origins=moments, horizon=14 * DAY, as_of=NOW)
                seconds.setdefault((size, origins), []).append(process_time() - start)
    least = median(seconds[SIZES[0], ORIGINS[0]]) / SIZES[0] / ORIGINS[0]
    return [
        {
            "deals": size,
            "origins": origins,
            "seconds": round(median(taken), 3),
            "ratio": round(median(taken) / size / origins / least, 2),
            "bound": 1.5 if size == SIZES[-1] else None,
        }
        for (size, origins), taken in seconds.items()
    ]
