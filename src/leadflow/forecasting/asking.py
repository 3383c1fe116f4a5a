"""
The question a forecast puts to a win model about each deal: will it be won inside the period?

Theory. A model knows horizons from the as-of time. While a period runs, the chance of winning by its end is the one.
Before it has begun, that is the chance by its end less the chance by its start. After it, no open deal can be won in it
any more. Won deals need no model: they are in the period or not.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from attrs import frozen

from leadflow.calendar import Period
from leadflow.errors import Problem
from leadflow.forecasting.deals import Deal
from leadflow.forecasting.layout import percent
from leadflow.forecasting.models import Estimate, WinModel
from leadflow.forecasting.omissions import OmissionReason
from leadflow.money.exact import WIDE, ZERO
from leadflow.stage import ForecastCategory
from leadflow.validation import instance, invalid, shown

__all__ = ["Asking", "model_problem"]

_NOTHING = timedelta(0)


@frozen(kw_only=True)
class Asking:
    """The question put to a model about each deal: will it be won inside the period?"""

    model: WinModel
    period: Period
    as_of: datetime

    @cached_property
    def _to_end(self) -> timedelta:
        # In UTC: two datetimes of one zone are subtracted by their wall clocks, off by an hour where clocks change.
        return self.period.end.astimezone(UTC) - self.as_of.astimezone(UTC)

    @cached_property
    def _to_start(self) -> timedelta:
        return self.period.start.astimezone(UTC) - self.as_of.astimezone(UTC)

    @property
    def window(self) -> tuple[timedelta, timedelta]:
        """How long it is until the period begins and until it ends; nothing where that has passed."""
        return max(self._to_start, _NOTHING), max(self._to_end, _NOTHING)

    @property
    def is_ahead(self) -> bool:
        """Whether the period has yet to begin."""
        return self._to_start > _NOTHING

    def concerns(self, deal: Deal) -> bool:
        """Say whether a deal can be in the period or missing there; won ones outside it are history."""
        if deal.is_won:
            return deal.closed_at is None or deal.closed_at in self.period
        return deal.is_open

    def estimate(self, deal: Deal) -> Estimate:
        """Return the chance inside the period, or why the deal is not counted."""
        if deal.forecast_category is ForecastCategory.OMITTED:
            return Estimate(0.0, why="is omitted by its category", left_out=OmissionReason.CALLED_OMITTED)
        if deal.is_won:
            if deal.closed_at is None:
                return Estimate(0.0, why="is won, but has no day of closing", left_out=OmissionReason.UNDATED)
            return Estimate(1.0, why=f"won on {self.period.calendar.day_of(deal.closed_at)}")
        if self._to_end <= _NOTHING:
            why = f"is open, and the period ended on {self.period.last_day}"
            return Estimate(0.0, why=why, left_out=OmissionReason.OUTSIDE_PERIOD)
        by_end = self._ask(deal, self._to_end)
        if by_end.left_out is not None or not self.is_ahead:
            return by_end
        by_start = self._ask(deal, self._to_start)
        # A model that does not count the deal before the period begins gives it no chance there.
        return by_end if by_start.left_out is not None else _between(by_start, by_end)

    def _ask(self, deal: Deal, horizon: timedelta) -> Estimate:
        answer: Any = self.model.win(deal, as_of=self.as_of, horizon=horizon)
        if not isinstance(answer, Estimate):
            problem = instance(f"model.win({deal.id!r})", answer, Estimate, "an Estimate, e.g. Estimate(0.3)")
            raise invalid("forecast", problem)
        return answer


def _between(by_start: Estimate, by_end: Estimate) -> Estimate:
    """Return the chance of winning between two horizons."""
    # As decimals, so that 0.3 less 0.1 is 0.2; in a context of our own, not in the host's.
    p = max(ZERO, WIDE.subtract(*(Decimal(float.__repr__(float(one.p))) for one in (by_end, by_start))))
    before = f"less {percent(by_start.p)} before the period begins"
    if p == 0 and by_start.p > 0:
        return Estimate(0.0, why=f"{by_end.why}, {before}", left_out=OmissionReason.OUTSIDE_PERIOD)
    return Estimate(float(p), min(by_start.n, by_end.n), None, f"{by_end.why}, {before}" if by_start.p else by_end.why)


def model_problem(model: object) -> Problem | None:
    """Say what keeps something from being a `WinModel`, if anything."""
    if callable(getattr(model, "win", None)) and not isinstance(model, type):
        return None
    return Problem("model", f"must have a method win(deal, *, as_of, horizon), got {shown(model)}", is_type=True)
