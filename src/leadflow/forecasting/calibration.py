"""
Calibration: a forecast whose spread and bias are read from its own errors in the past.

Theory. How far the next forecast may be off is best told by how far the same forecast was off before. So at an origin t
the forecast is first made at earlier origins whose windows have closed by t, each with what was known then; what came
of them is told by what is known at t; `fit_spread` reads phi and bias from the pairs; the forecast at t is made with
that `Spread`. Nothing after t enters, so a calibrated forecast can be backtested like any other. Earlier origins lie
half a window apart, or are the same part of earlier periods. Each has at least two windows of history before it: one
to learn from, one that came before recording had settled.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any, Protocol

from leadflow.errors import Problem
from leadflow.forecasting.past import MakeForecast, Past, Window, window_at
from leadflow.forecasting.spread import Spread, fit_spread
from leadflow.money import Money
from leadflow.validation import check, instance, shown, whole

__all__ = ["MakeSpreadForecast", "calibrated", "past_pairs"]

# An error of so many forecasts back weighs an eighth in `fit_spread`.
_MOST = 24
_HISTORY = 2


class MakeSpreadForecast(Protocol):
    """A function that makes a forecast and passes a spread on to it."""

    def __call__(self, past: Past, as_of: datetime, /, *, spread: Spread | None = None) -> Any:  # noqa: ANN401
        """Return the forecast; without a spread, deals are taken as independent."""
        ...


def calibrated(
    make_forecast: MakeSpreadForecast, *, correct: bool = True, most: int = _MOST, **options: float
) -> MakeForecast:
    """
    Return a function that makes the same forecasts with the spread and bias of their past errors.

    Args:
        make_forecast: Called with a `Past` and its origin, as `backtest` calls, once for each earlier origin, and with
            ``spread=`` for the forecast itself; hands that on to `forecast`.
        correct: Whether to correct the mean for bias as well; see `fit_spread`.
        most: How many earlier origins to look at, the latest first; at least 1.
        options: Further arguments of `fit_spread`: ``half_life``, ``prior``, ``prior_errors``.

    Returns:
        A function to hand to `backtest`, or to call with ``Past.of(...)`` and now.
    """
    check(
        "calibrated",
        None
        if callable(make_forecast)
        else Problem("make_forecast", f"must be a function, got {shown(make_forecast)}", is_type=True),
        instance("correct", correct, bool, "True or False"),
        whole("most", most, 1),
    )

    def make(past: Past, as_of: datetime) -> Any:  # noqa: ANN401
        pairs = past_pairs(past, make_forecast, most=most)
        return make_forecast(past, as_of, spread=fit_spread(pairs, correct=correct, **options))

    return make


def past_pairs(past: Past, make_forecast: MakeForecast, *, most: int = _MOST) -> tuple[tuple[Any, Money], ...]:
    """Return forecasts made at earlier origins with what came of them, by what is known now; the latest first."""
    found = []
    for window, _ in zip(_earlier(past), range(most), strict=False):
        made = past.at(window).forecast(make_forecast)
        came = Money(repr(past.won(window.start, window.end)), past.currency)
        found.append((made, came + made.won))
    return tuple(found)


def _earlier(past: Past) -> Iterator[Window]:
    """Yield earlier windows that have closed and have some history before them, the latest first."""
    first, now = past.first_recorded_at, past.window
    if first is None:
        return
    length = now.end - now.start
    for back in count(1):
        if now.is_rolling:
            start = now.start - length - (back - 1) * length / 2
            window = window_at(start, length)
        else:
            start, end = now.before(back)
            period = now.period
            for _ in range(back):
                period = period.previous()
            window = Window(start, end, period, is_rolling=False)
        if window.start - _HISTORY * length < first:
            return
        if window.end <= past.as_of:
            yield window
