"""
How forecasts of revenue did on the deals of a made-up seller of computer hardware: Maven's "CRM Sales Opportunities".

Run it with ``python tests/benchmarks/accuracy_maven.py --data FOLDER``, or with ``LEADFLOW_DATA`` naming the folder
that holds ``maven_crm/sales_pipeline.csv`` and ``products.csv``. Without them it says so and measures nothing; with
``--choose`` it measures the choice of a model only. The file has days of engaging and closing and no other history: a
deal has one stage, and is worth its product's list price until it is won. The 500 deals without dates are left out.
Closings begin in March 2017, so origins begin three months later.
"""

import csv
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from accuracy_amounts import scored
from run import table

from leadflow.calendar import FiscalCalendar
from leadflow.forecasting import (
    Choice,
    Deal,
    DealFact,
    DealHistory,
    Estimate,
    Forecast,
    Past,
    Spread,
    WinModel,
    backtest,
    calibrated,
    choose,
    fit_creation,
    fit_hazard,
    fit_landmark,
    forecast,
)
from leadflow.money import Money

BOOKS = FiscalCalendar(UTC)
WEEK = timedelta(days=7)
# Days, doubling: the default ends at 28, and here deals are open for months.
AGES = (0.0, *(float(2**power) for power in range(9)))
END = datetime(2018, 1, 1, tzinfo=UTC)
MONTHS = tuple(datetime(2017, month, 1, tzinfo=UTC) for month in range(6, 13))
MONDAYS = tuple(
    takewhile(lambda at: at + WEEK <= END, (datetime(2017, 6, 5, tzinfo=UTC) + week * WEEK for week in count()))
)


def data_folder(folder: str | None = None) -> Path | None:
    """Return the folder of the files, in the one named or in the one that the environment names."""
    named = folder or os.environ.get("LEADFLOW_DATA")
    path = Path(named or ".") / "maven_crm"
    return path if named and (path / "sales_pipeline.csv").exists() else None


def histories(folder: Path) -> list[DealHistory]:
    """Read each deal that has a day of engaging."""
    with (folder / "products.csv").open(newline="") as lines:
        prices = {row["product"].replace(" ", ""): row["sales_price"] for row in csv.DictReader(lines)}
    found = []
    with (folder / "sales_pipeline.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            if not row["engage_date"]:
                continue
            at = datetime.fromisoformat(row["engage_date"]).replace(tzinfo=UTC)
            facts = [
                DealFact("opened", "engaging", at=at),
                DealFact("amount", Money(prices[row["product"].replace(" ", "")], "USD"), at=at),
                DealFact("product", row["product"], at=at),
                DealFact("owner", row["sales_agent"], at=at),
                *([DealFact("account", row["account"], at=at)] if row["account"] else []),
            ]
            if row["deal_stage"] in {"Won", "Lost"}:
                # Closed on a day: at its noon, so that it lies inside it.
                closed = datetime.fromisoformat(row["close_date"]).replace(hour=12, tzinfo=UTC)
                if row["deal_stage"] == "Won":
                    facts.append(DealFact("amount", Money(row["close_value"], "USD"), at=closed))
                facts.append(DealFact(row["deal_stage"].lower(), at=closed))
            found.append(DealHistory(row["opportunity_id"], facts))
    return found


class Weighted:
    """The weighted pipeline of many CRMs: every open deal at the win rate of closed ones, whenever it may close."""

    def __init__(self, past: Past) -> None:
        closed = [deal.is_won for deal in past.deals if not deal.is_open]
        self.rate = sum(closed) / len(closed) if closed else 0.0

    def win(self, deal: Deal, *, as_of: datetime, horizon: timedelta) -> Estimate:
        """Return the rate, whatever the horizon."""
        del deal, as_of, horizon
        return Estimate(self.rate)


def landmark(past: Past, as_of: datetime) -> WinModel:
    """Fit the landmark table, by age."""
    return fit_landmark(past, as_of=as_of, horizon=past.horizon, by=["time_in_stage"], every=2 * timedelta(days=1))


def hazard(past: Past, as_of: datetime) -> WinModel:
    """Fit the hazard table."""
    return fit_hazard(past, as_of=as_of)


def forecaster(fit: Any, *, with_new: bool = True) -> Any:
    """Return what makes a forecast with a model."""

    def make(past: Past, as_of: datetime, *, spread: Spread | None = None) -> Forecast:
        given: Any = {"as_of": as_of, "currency": past.currency}
        creation = fit_creation(past, horizon=past.horizon, **given) if with_new else None
        return forecast(
            past.deals, model=fit(past, as_of), period=past.period, creation=creation, spread=spread, **given
        )

    return make


FORECASTERS: dict[str, Any] = {
    "last period": lambda past, as_of: past.won(*past.window.before(1)),
    "run rate": lambda past, as_of: sum(past.won(*past.window.before(back)) for back in range(1, 5)) / 4,
    "weighted pipeline": forecaster(lambda past, as_of: Weighted(past), with_new=False),
    "landmark table + new deals": forecaster(landmark),
    "the same, spread and bias from past errors": calibrated(forecaster(landmark)),
    "hazard table + new deals, spread and bias": calibrated(forecaster(hazard)),
}


def revenue(known: Sequence[DealHistory], origins: Sequence[datetime], horizon: Any) -> list[dict[str, object]]:
    """Backtest every forecast."""
    results = {
        name: backtest(known, make, origins=origins, horizon=horizon, as_of=END) for name, make in FORECASTERS.items()
    }
    return [scored(name, result) for name, result in results.items()]


def choices(known: Sequence[DealHistory]) -> Choice:
    """Choose among tables by what is known when a deal is created, alone and beside its age."""

    def table_by(*by: str) -> Any:
        return lambda past, as_of: fit_landmark(
            past, as_of=as_of, horizon=past.horizon, by=by, edges=AGES, every=2 * timedelta(days=1)
        )

    models = {
        "product": table_by("product"),
        "agent": table_by("owner"),
        "age, product": table_by("time_in_stage", "product"),
        "age, agent": table_by("time_in_stage", "owner"),
        "account": table_by("account"),
    }
    return choose(models, known, as_of=END, horizon=timedelta(days=28))


def main(arguments: Sequence[str]) -> int:
    """Print the tables, or why there are none; with --choose the choice only."""
    named = [each for each in arguments if each != "--choose"]
    folder = data_folder(named[-1] if named else None)
    if folder is None:
        print("skipped: no maven_crm/sales_pipeline.csv; name its folder by --data or in LEADFLOW_DATA")  # noqa: T201
        return 0
    known = histories(folder)
    for words, origins, horizon in (("month", MONTHS, BOOKS.month_of), ("week", MONDAYS, WEEK)):
        if "--choose" not in arguments:
            print(f"\nRevenue of the next {words}, {len(origins)} origins; a year earlier there is no data\n")  # noqa: T201
            print(table(revenue(known, origins, horizon)), flush=True)  # noqa: T201
    print()  # noqa: T201
    print(choices(known))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
