"""
Histories of deals drawn from a law that is known: what no real history gives.

Deals come at random, some a day. Each is worth a log-normal amount, of which the largest is a good part of all the
others. On each day it may move on, be lost, or (in its last stage) be won, with chances that depend on its stage and,
for all deals alike, on the market, which wanders from week to week: that is what makes real deals rise and fall
together. Somebody states a close date, too early on the whole, and puts it off when it has passed, and calls some deals
commit, better than by chance. The same seed gives the same histories on every machine.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from math import exp
from random import Random

from attrs import frozen

from leadflow.forecasting import DealFact, DealHistory
from leadflow.money import Money

DAY = timedelta(days=1)
START = datetime(2025, 1, 6, tzinfo=UTC)
STAGES = ("qualified", "proposal", "negotiation")
# Per day: moving on (out of the last stage: being won), and being lost.
ONWARD = (0.10, 0.12, 0.10)
LOST = (0.05, 0.04, 0.03)


@frozen(kw_only=True)
class Law:
    """
    What histories are drawn from.

    Attributes:
        days: How long is recorded.
        rate: New deals per day.
        market: Standard deviation of the market's logarithm; 0: deals are independent.
        memory: Correlation of one week's market with the next.
        amounts: Standard deviation of the amounts' logarithm.
        talk: How much stated dates and calls know, in [0, 1].
    """

    days: int = 280
    rate: float = 2.5
    market: float = 0.3
    memory: float = 0.5
    amounts: float = 1.2
    talk: float = 0.5


def histories(law: Law, seed: int) -> list[DealHistory]:
    """Return the histories of one firm."""
    chance = Random(seed)
    weeks = [chance.gauss(0.0, law.market)]
    for _ in range(law.days // 7):
        weeks.append(law.memory * weeks[-1] + chance.gauss(0.0, law.market * (1 - law.memory**2) ** 0.5))
    found = []
    at = chance.expovariate(law.rate)
    while at < law.days:
        found.append(DealHistory(f"D-{len(found):05}", tuple(_facts(law, chance, weeks, at))))
        at += chance.expovariate(law.rate)
    return found


def _facts(law: Law, chance: Random, weeks: list[float], begin: float) -> Iterator[DealFact]:
    """Yield what happens to one deal, and what is said of it."""
    amount = Money(f"{10_000 * exp(chance.gauss(0.0, law.amounts)):.2f}", "EUR")
    path = list(_path(law, chance, weeks, begin))
    ends_at, end = path[-1]
    first = START + begin * DAY
    yield DealFact("opened", STAGES[0], at=first)
    yield DealFact("amount", amount, at=first)
    for at, kind in path:
        if kind != "open":
            yield DealFact("stage" if kind in STAGES else kind, kind if kind in STAGES else None, at=START + at * DAY)
    # Who knows something says a day near the real one; who does not, three weeks from now. Both are too early.
    said = begin
    while said <= min(ends_at, law.days):
        knows = chance.random() < law.talk
        due = _day((ends_at if knows else said + 21) - 3 + chance.gauss(0.0, 5.0), said)
        yield DealFact("expected_close", due, at=START + said * DAY)
        said = max(said + 7, (datetime(due.year, due.month, due.day, tzinfo=UTC) - START) / DAY + 1)
    called = begin + (min(ends_at, law.days) - begin) * chance.random()
    right = chance.random() < law.talk
    if chance.random() < 0.3 and called < law.days:
        good = end == "won" if right else chance.random() < 0.5
        yield DealFact("forecast_category", "commit" if good else "best_case", at=START + called * DAY)


def _path(law: Law, chance: Random, weeks: list[float], begin: float) -> Iterator[tuple[float, str]]:
    """Yield when the deal comes to its next stage, and to its end; ``open`` if it does not come to one in time."""
    stage, at = 0, begin
    while at < law.days:
        at += 1.0
        if at >= law.days:
            break
        factor = exp(weeks[int(at) // 7])
        draw = chance.random()
        if draw < LOST[stage]:
            yield at, "lost"
            return
        if draw < LOST[stage] + ONWARD[stage] * factor:
            stage += 1
            yield at, STAGES[stage] if stage < len(STAGES) else "won"
            if stage == len(STAGES):
                return
    yield float(law.days), "open"


def _day(at: float, said: float) -> date:
    return (START + max(at, said) * DAY).date()
