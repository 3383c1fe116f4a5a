"""
How long win models take to fit, per look at a deal, and whether that stays so as deals and landmarks grow.

Deals are made up: each goes through three stages in about forty days. With ``LEADFLOW_DATA`` naming the folder that
holds ``bpic2012/events.csv.gz``, the fit on that real history is measured too; without it a row says that it was
skipped. Run it with ``python tests/benchmarks/run.py landmark``.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from gc import collect
from statistics import median
from time import process_time

from accuracy_bpi import FIRST, HORIZON, START, data_file, histories

from leadflow.forecasting import DealFact, DealHistory, fit_hazard, fit_landmark

DAY = timedelta(days=1)
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
NOW = BEGIN + 200 * DAY
SIZES = (1_000, 10_000)
ROUNDS = 3
# Sixty landmarks: each daily from day 14.5 to the last whose window of 14 days has closed.
ORIGIN = START + 87.5 * DAY


def deal(number: int) -> DealHistory:
    """Return one of many deals; one in three is won, one in three lost, the others are open."""
    begin = BEGIN + (number % 180) * DAY
    facts = [
        DealFact("opened", "qualified", at=begin),
        DealFact("stage", "proposal", at=begin + (1 + number % 7) * DAY),
        DealFact("stage", "negotiation", at=begin + (9 + number % 11) * DAY),
    ]
    if number % 3:
        facts.append(DealFact("won" if number % 3 == 1 else "lost", at=begin + (21 + number % 23) * DAY))
    return DealHistory(f"O-{number:06}", facts)


def daily(deals: list[DealHistory]) -> object:
    """Fit with a landmark every day."""
    return fit_landmark(deals, as_of=NOW, horizon=HORIZON)


def twice_daily(deals: list[DealHistory]) -> object:
    """Fit with twice as many landmarks."""
    return fit_landmark(deals, as_of=NOW, horizon=HORIZON, every=DAY / 2)


def hazard(deals: list[DealHistory]) -> object:
    """Fit the hazard table."""
    return fit_hazard(deals, as_of=NOW)


def asked(deals: list[DealHistory]) -> object:
    """Ask each history what was known on 60 days; answers are remembered from the first round on."""
    return [one.as_of(BEGIN + day * DAY) for one in deals for day in range(0, 180, 3)]


WORK: dict[str, tuple[Callable[[list[DealHistory]], object], int]] = {
    "landmark, daily": (daily, 1),
    "landmark, twice a day": (twice_daily, 2),
    "hazard by stage": (hazard, 1),
    "as of 60 days": (asked, 1),
}


def rows() -> list[dict[str, object]]:
    """
    Measure, and return one row per piece of work and size.

    ``ratio`` is the time per deal and landmark against the smallest size with daily landmarks: 1 is linear.
    """
    made = {size: [deal(number) for number in range(size)] for size in SIZES}
    seconds: dict[tuple[str, int], list[float]] = {(name, size): [] for name in WORK for size in SIZES}
    for _ in range(ROUNDS):
        for name, (work, _) in WORK.items():
            for size, deals in made.items():
                collect()
                start = process_time()
                work(deals)
                seconds[name, size].append(process_time() - start)
    found: list[dict[str, object]] = []
    for name, (_, landmarks) in WORK.items():
        base = "landmark, daily" if landmarks > 1 else name
        least = median(seconds[base, SIZES[0]]) / SIZES[0]
        for size in SIZES:
            taken = median(seconds[name, size])
            found.append(
                {
                    "work": name,
                    "deals": size,
                    "seconds": round(taken, 4),
                    "microseconds_per_deal": round(1e6 * taken / size, 2),
                    "ratio": round(taken / size / least / landmarks, 2),
                    "bound": 1.5 if size == SIZES[-1] else None,
                }
            )
    return [*found, *real()]


def real() -> list[dict[str, object]]:
    """Measure the fit on BPI 2012 with sixty landmarks; its bound is five seconds."""
    path = data_file()
    if path is None:
        return [{"work": "BPI 2012: skipped, LEADFLOW_DATA names no folder with bpic2012/events.csv.gz"}]
    known = histories(path)
    start = process_time()
    table = fit_landmark(known, as_of=ORIGIN, horizon=HORIZON, since=FIRST)
    taken = process_time() - start
    work = f"BPI 2012, {len(table.landmarks)} landmarks; ratio is to 5 s"
    return [
        {
            "work": work,
            "deals": len(known),
            "seconds": round(taken, 4),
            "microseconds_per_deal": round(1e6 * taken / len(known), 2),
            "ratio": round(taken / 5, 2),
            "bound": 1.0,
        }
    ]
