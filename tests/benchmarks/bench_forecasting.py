"""
How long rollups, waterfalls and forecasts take per deal, and whether that stays so as deals grow.

Each size is measured in turn, round after round, and the median of the rounds counts: what slows the machine down for a
while slows all sizes down alike. Run it with ``python tests/benchmarks/bench_forecasting.py``.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from gc import collect
from statistics import median
from time import process_time

from attrs import evolve

from leadflow import pipelines
from leadflow.calendar import FiscalCalendar
from leadflow.forecasting import Deal, Rollup, StageTable, forecast, rollup, waterfall
from leadflow.money import ExchangeRates, Money, Rate

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
QUARTER = FiscalCalendar(UTC).quarter(2026, 1)
SIZES = (1_000, 10_000, 100_000)
ROUNDS = 5
# The deals of each size a week later, made before anything is measured.
LATER: dict[int, list[Deal]] = {}
RATES = ExchangeRates([Rate("USD", "EUR", Decimal("0.9"), date(2025, 1, 1) + timedelta(days=n)) for n in range(365)])
STAGES = ("qualified", "proposal", "negotiation")
CATEGORIES = ("pipeline", "best_case", "commit")


def deal(number: int) -> Deal:
    """Return one of many deals: half of them open; one in ten in dollars, one in fifty without an amount."""
    state = ("open", "won", "open", "lost")[number % 4]
    currency = "USD" if number % 10 == 0 else "EUR"
    is_open = state == "open"
    return Deal(
        f"O-{number:06}",
        state=state,
        owner=f"owner {number % 40}",
        product=f"product {number % 7}",
        stage=STAGES[number % 3] if is_open else None,
        probability=(0.2, 0.4, 0.7)[number % 3],
        forecast_category=CATEGORIES[number % 3],
        amount=None if number % 50 == 0 else Money(f"{1_000 + number * 37 % 90_000}.{number % 100:02}", currency),
        expected_close=date(2026, 1, 1) + timedelta(days=number % 180),
        closed_at=None if is_open else datetime(2025, 9, 1, tzinfo=UTC) + timedelta(days=number % 180),
        created_at=datetime(2025, 6, 1, tzinfo=UTC),
    )


def rolled_up(deals: list[Deal]) -> object:
    """Add up in one total."""
    return rollup(deals, rates=RATES, currency="EUR", as_of=NOW)


def rolled_up_by_two(deals: list[Deal]) -> object:
    """Add up by owner and month."""
    return rollup(deals, by=["owner", "month"], rates=RATES, currency="EUR", as_of=NOW, mode="cumulative")


def rolled_up_by_deal(deals: list[Deal]) -> Rollup:
    """Add up with a row for every deal: the most rows there can be."""
    return rollup(deals, by="id", rates=RATES, currency="EUR", as_of=NOW)


def looked_at_by_deal(deals: list[Deal]) -> object:
    """The same, and make the object of every row: what happens when somebody looks at all of them."""
    return rolled_up_by_deal(deals).rows


def a_week_later(number: int, known: Deal) -> Deal | None:
    """Return what became of a deal: nothing in half of the cases, else grown, put off, lost, gone, or won."""
    if number % 2 or not known.is_open:
        return known
    match number // 2 % 5:
        case 0:
            return evolve(known, amount=None if known.amount is None else known.amount * 2)
        case 1:
            return evolve(known, expected_close=date(2026, 6, 30))
        case 2:
            return evolve(known, state="lost", forecast_category="omitted", closed_at=NOW + timedelta(days=3))
        case 3:
            return None
        case _:
            return evolve(known, state="won", forecast_category="closed", closed_at=NOW + timedelta(days=3))


def fallen(deals: list[Deal]) -> object:
    """Say what became of a quarter's pipeline in a week, down to the rounded rows."""
    week = timedelta(days=7)
    return waterfall(
        deals, LATER[len(deals)], period=QUARTER, rates=RATES, currency="EUR", since=NOW, until=NOW + week
    ).rows


def forecasted(deals: list[Deal]) -> object:
    """Forecast a quarter."""
    return forecast(deals, model=StageTable(pipelines.SIMPLE), period=QUARTER, as_of=NOW, currency="EUR", rates=RATES)


WORK: dict[str, Callable[[list[Deal]], object]] = {
    "rollup, one total": rolled_up,
    "rollup by owner and month": rolled_up_by_two,
    "rollup by deal": rolled_up_by_deal,
    "rollup by deal, all rows read": looked_at_by_deal,
    "waterfall of a week": fallen,
    "forecast of a quarter": forecasted,
}

# Time per deal at the largest size against the smallest: these have to be linear.
BOUNDED = ("rollup, one total", "rollup by owner and month", "rollup by deal", "waterfall of a week")


def rows() -> list[dict[str, object]]:
    """Measure, and return one row per piece of work and size; ``ratio`` is time per deal against the smallest size."""
    portfolios = {size: [deal(number) for number in range(size)] for size in SIZES}
    for size, deals in portfolios.items():
        after = [a_week_later(number, known) for number, known in enumerate(deals)]
        LATER[size] = [known for known in after if known is not None]
    seconds: dict[tuple[str, int], list[float]] = {(name, size): [] for name in WORK for size in SIZES}
    for _ in range(ROUNDS):
        for name, work in WORK.items():
            for size, deals in portfolios.items():
                # So that every size is measured over about as many deals.
                repeats = max(1, SIZES[-1] // size // 10)
                collect()
                start = process_time()
                for _ in range(repeats):
                    work(deals)
                seconds[name, size].append((process_time() - start) / repeats)
    found: list[dict[str, object]] = []
    for name in WORK:
        least = median(seconds[name, SIZES[0]]) / SIZES[0]
        for size in SIZES:
            taken = median(seconds[name, size])
            found.append(
                {
                    "work": name,
                    "deals": size,
                    "seconds": round(taken, 4),
                    "microseconds_per_deal": round(1e6 * taken / size, 2),
                    "ratio": round(taken / size / least, 2),
                    "bound": 1.3 if size == SIZES[-1] and name in BOUNDED else None,
                }
            )
    return found


if __name__ == "__main__":
    print(f"{'work':32}{'deals':>10}{'seconds':>10}{'us/deal':>10}{'ratio':>8}")  # noqa: T201 - a table for people
    for row in rows():
        print("{work:32}{deals:>10,}{seconds:>10.3f}{microseconds_per_deal:>10.2f}{ratio:>8.2f}".format(**row))  # noqa: T201
