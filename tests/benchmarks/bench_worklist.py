"""
How long a worklist of deals takes, and whether it stays linear as deals grow.

Each size is measured in turn, round after round, and the median of the rounds counts. Run it with
``python tests/benchmarks/run.py worklist``.
"""

from datetime import UTC, date, datetime, timedelta
from gc import collect
from statistics import median
from time import process_time

from leadflow import Engagement, Milestone, Money, Opportunity, Origin, Pipeline, Stage, Touch
from leadflow.worklist import BusinessHours, ServiceLevel, WorkRules, worklist

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
NOW = datetime(2026, 4, 1, 9, tzinfo=UTC)
SIZES = (1_000, 10_000, 100_000)
ROUNDS = 5
# Time per deal against that of the smallest size.
BOUND = 1.3

PIPELINE = Pipeline(
    "watched",
    stages=[
        Stage(code="talk", probability=0.2, rots_after=timedelta(days=14), review_every=timedelta(days=30)),
        Stage(code="offer", probability=0.5, rots_after=timedelta(days=30)),
        Stage(code="won", category="won"),
        Stage(code="lost", category="lost"),
    ],
)
RULES = WorkRules(
    service_levels={"opportunity": ServiceLevel(first=timedelta(hours=4), ongoing=timedelta(hours=16))},
    hours=BusinessHours.ALWAYS,
)


def deal(number: int) -> Opportunity:
    """Return one of many deals: one in four closed, every other with a next step, a call and a milestone."""
    at = START + timedelta(hours=number % 1_500)
    found = Opportunity.open(
        f"O-{number:06}",
        f"Deal {number}",
        Money(f"{1_000 + number * 37 % 90_000}.{number % 100:02}", "EUR"),
        expected_close=date(2026, 3, 1) + timedelta(days=number % 90),
        origin=Origin.from_customer("A-1"),
        account_id="A-1",
        pipeline=PIPELINE,
        owner=f"owner {number % 40}",
        at=at,
    )
    if number % 4 == 0:
        return found.win(at=at)
    found = found.engage(Engagement("email", at=at), at=at)
    if number % 2:
        found = found.touch(Touch("call", at=at), at=at).set_next_step("call", due=date(2026, 4, 1), at=at)
        found = found.add_milestone(Milestone("legal", "Legal", due=date(2026, 3, 20)), at=at)
    return found


def rows() -> list[dict[str, object]]:
    """Measure, and return one row per size; ``ratio`` is the time per deal against the smallest."""
    deals = [deal(number) for number in range(max(SIZES))]
    seconds: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(ROUNDS):
        for size in SIZES:
            part = deals[:size]
            collect()
            start = process_time()
            worklist(part, at=NOW, currency="EUR", rules=RULES)
            seconds[size].append(process_time() - start)
    smallest = median(seconds[SIZES[0]]) / SIZES[0]
    return [
        {
            "work": "worklist",
            "deals": size,
            "seconds": round(median(taken), 3),
            "us_per_deal": round(1e6 * median(taken) / size, 2),
            "ratio": round(median(taken) / size / smallest, 2),
            "bound": BOUND,
        }
        for size, taken in seconds.items()
    ]
