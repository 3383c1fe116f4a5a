"""
How long a funnel takes, from records and from journeys, and whether it stays linear as they grow.

Each size is measured in turn, round after round, and the median of the rounds counts. Run it with
``python tests/benchmarks/run.py funnel``.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from gc import collect
from statistics import median
from time import process_time

from records import deal

from leadflow import Money
from leadflow.funnel import Journey, funnel, journeys_of, sources

START = datetime(2026, 1, 5, tzinfo=UTC)
END = START + timedelta(days=200)
SIZES = (1_000, 10_000, 100_000)
ROUNDS = 5
BOUND = 1.3


def journey(number: int) -> Journey:
    """Return one of many journeys: half go on to a prospect, a quarter to a deal, an eighth are won."""
    at = START + timedelta(hours=number % 2_000)
    steps = [(level, at + timedelta(days=3 * place)) for place, level in enumerate(("lead", "prospect", "opportunity"))]
    reached = 1 + (number % 2 == 0) + (number % 4 == 0)
    is_won = number % 8 == 0
    is_out = number % 3 == 0 and not is_won
    return Journey(
        f"L-{number:06}",
        [*steps[:reached], *([("won", at + timedelta(days=20 + number % 30))] if is_won else [])],
        out_at=at + timedelta(days=15) if is_out else None,
        reason=("no_need", "no_budget")[number % 2] if is_out else None,
        value=Money(1_000 + number % 977, "EUR") if is_won else None,
        sources=[(("web", "fair", "ads")[number % 3], at)],
        owner=f"owner {number % 40}",
    )


def counted(journeys: list[Journey]) -> object:
    """Count by owner, and credit the sources."""
    found = funnel(journeys, as_of=END, by="owner")
    return found, sources(found, currency="EUR", attribution="linear")


def rows() -> list[dict[str, object]]:
    """Measure, and return one row per piece of work and size; ``ratio`` is the time per item against the smallest."""
    work: dict[str, tuple[Callable[[list], object], list]] = {
        "funnel by owner, and sources": (counted, [journey(number) for number in range(max(SIZES))]),
        "journeys of deals": (lambda deals: journeys_of(deals, as_of=END), [deal(n) for n in range(max(SIZES))]),
    }
    found: list[dict[str, object]] = []
    for name, (call, items) in work.items():
        seconds: dict[int, list[float]] = {size: [] for size in SIZES}
        for _ in range(ROUNDS):
            for size in SIZES:
                part = items[:size]
                collect()
                start = process_time()
                call(part)
                seconds[size].append(process_time() - start)
        smallest = median(seconds[SIZES[0]]) / SIZES[0]
        found += [
            {
                "work": name,
                "items": size,
                "seconds": round(median(taken), 3),
                "us_per_item": round(1e6 * median(taken) / size, 2),
                "ratio": round(median(taken) / size / smallest, 2),
                "bound": BOUND,
            }
            for size, taken in seconds.items()
        ]
    return found
