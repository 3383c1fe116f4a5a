"""
What a type checker sees of forecasting: read by mypy, never run.

See `values.py` for how deliberate mistakes are kept honest.
"""

from datetime import datetime, timedelta
from typing import assert_type

from leadflow import pipelines
from leadflow.calendar import Period
from leadflow.forecasting import Contribution, Deal, Estimate, Forecast, Rollup, StageTable, WinModel, forecast, rollup
from leadflow.lead import Lead
from leadflow.money import Money
from leadflow.opportunity import Opportunity
from leadflow.stage import ForecastCategory


class OfAHost:
    """A model needs the one method and no base class."""

    def win(self, deal: Deal, *, as_of: datetime, horizon: timedelta) -> Estimate:
        """Return the same chance for all."""
        return Estimate(0.3, 120, 0.25, f"{deal.id} within {horizon} of {as_of}")


class Bare:
    """A model that returns a number is none."""

    def win(self, deal: Deal, *, as_of: datetime, horizon: timedelta) -> float:
        """Return a chance without what it rests on."""
        return 0.3 if deal.created_at is None or deal.created_at + horizon > as_of else 0.0


def deals_are_what_forecasting_takes(opportunity: Opportunity, lead: Lead, at: datetime) -> None:
    """Of an opportunity, or of a row; codes may be plain text."""
    assert_type(Deal.of(opportunity), Deal)
    assert_type(Deal.of(opportunity, at), Deal)
    assert_type(Deal.of_all([opportunity], at), tuple[Deal, ...])
    row = Deal("O-1", state="open", forecast_category="commit", amount=Money("48000", "EUR"), fields={"tier": "gold"})
    assert_type(row.forecast_category, ForecastCategory)
    assert_type(row.amount, Money | None)
    Deal.of(lead)  # type: ignore[arg-type]
    Deal("O-1")  # type: ignore[call-arg]
    Deal("O-1", "open")  # type: ignore[call-arg]
    row.amount = None  # type: ignore[misc]


def models_plug_in(deals: list[Deal], period: Period, at: datetime) -> None:
    """The stage table and a host's own model have one shape."""
    table: WinModel = StageTable(pipelines.SIMPLE)
    own: WinModel = OfAHost()
    bare: WinModel = Bare()  # type: ignore[assignment]
    assert_type(table.win(deals[0], as_of=at, horizon=timedelta(days=30)).p, float)
    result = forecast(deals, model=own, period=period, as_of=at, currency="EUR")
    assert_type(result, Forecast)
    assert_type(result.mean, Money)
    assert_type(result.sd, float)
    assert_type(result.contributions(), tuple[Contribution, ...])
    forecast(deals, model=bare, period=period, as_of=at)  # type: ignore[call-arg]


def rollups_are_tables(deals: list[Deal], opportunity: Opportunity, at: datetime) -> None:
    """Keys are names or callables; figures are money, counts are whole numbers."""
    result = rollup(deals, by=["owner", lambda deal: deal.value("tier")], currency="EUR", as_of=at, mode="cumulative")
    assert_type(result, Rollup)
    assert_type(result.total.amounts.commit, Money)
    assert_type(result.total.amounts["commit"], Money)
    assert_type(result.total.counts.commit, int)
    rollup([opportunity], currency="EUR", as_of=at)  # type: ignore[list-item]
