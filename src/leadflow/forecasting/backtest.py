"""
Backtest: what forecasts would have said in the past, against what came.

Theory. At each origin `make_forecast` is handed a `Past`, which ends there, and answers with a forecast of its window.
What was won in the window is told by the whole history. Baselines are asked in the same way and see the same. An
origin whose window has not closed has no truth to be compared with, and is refused.
"""

from collections.abc import Iterable
from datetime import datetime
from math import fsum, isfinite
from typing import Any

from leadflow.currencies import currency_problem
from leadflow.errors import Problem
from leadflow.forecasting.backtestrows import Backtest, BacktestRow
from leadflow.forecasting.baselines import BASELINES, baseline_problems, named
from leadflow.forecasting.histories import DealHistory, History, histories_of
from leadflow.forecasting.past import Horizon, MakeForecast, Past, horizon_problem, known_by, origin_problems, window_at
from leadflow.forecasting.plain import plain
from leadflow.forecasting.scores import crps, interval_score, pinball
from leadflow.money import ExchangeRates, Money
from leadflow.validation import (
    aware,
    check,
    instance,
    invalid,
    optional,
    probability,
    shown,
    to_instant,
    to_tuple,
)

__all__ = ["backtest"]

# A distribution enters its scores by so many equally likely amounts.
_PLACES = 400
_QUANTILES = (0.1, 0.5, 0.9)
# So many origins are named in a message.
_NAMED = 5


def backtest(
    history: History,
    make_forecast: MakeForecast,
    *,
    origins: Iterable[datetime],
    horizon: Horizon,
    baselines: Iterable[str | MakeForecast] = BASELINES,
    level: float = 0.8,
    as_of: datetime | None = None,
    currency: str | None = None,
    rates: ExchangeRates | None = None,
) -> Backtest:
    """
    Make forecasts as of past origins and compare them with what came.

    Args:
        history: An iterable of `DealHistory` or `Opportunity`.
        make_forecast: Called once per origin, the earliest first, with a `Past` (what was known at the origin, with
            ``.deals``, ``.period`` and ``.horizon``; an iterable of histories) and the origin. Returns a `Forecast` of
            that period, anything that has ``mean`` and ``quantile(q)`` for what is still to come, or one amount.
        origins: When forecasts were made; aware, each once, in any order.
        horizon: A number of whole days from each origin; or the function that gives the calendar period around an
            origin, such as ``calendar.month_of``, whose rest is forecast.
        baselines: Names (``last``, ``run_rate``, ``seasonal``) and functions that are called as `make_forecast` is and
            may answer None where they have no data.
        level: What intervals claim to hold, in (0, 1).
        as_of: By whose knowledge the truth is told; aware. Default: the last thing that the history recorded. Give it
            where nothing was recorded for the last days of the last window.
        currency: Of the amounts, ISO 4217. Default: the only one that the history holds.
        rates: Exchange rates, for amounts in others, at the rate of the day of winning.

    Raises:
        InvalidError: With everything that is wrong: no history, no origin, an origin before the first record or whose
            window has not closed by `as_of`; or if `make_forecast` returns no forecast of the window.
    """
    listed: Any = to_tuple(origins)
    unread = (
        _function_problem(make_forecast),
        horizon_problem(horizon),
        *origin_problems(listed),
        *baseline_problems(baselines := to_tuple(baselines)),
        _level_problem(level),
        optional(aware, "as_of", as_of),
        None if currency is None else currency_problem("currency", currency),
        optional(instance, "rates", rates, ExchangeRates, "ExchangeRates"),
    )
    found = histories_of("backtest", history, *unread)
    if not found:
        raise invalid("backtest", Problem("history", "must hold at least one deal, got none"))
    now = to_instant(max(one.last_recorded_at for one in found) if as_of is None else as_of)
    money = currency or _only_currency(found, now)
    windows = [window_at(origin, horizon) for origin in sorted(listed)]
    first = min(one.first_recorded_at for one in found)
    check(
        "backtest",
        _named_origins([w.start for w in windows if w.end > now], f"window has not closed by {now.isoformat()}"),
        _named_origins(
            [w.start for w in windows if w.start < first], f"lie before the first record, {first.isoformat()}"
        ),
    )
    # What was recorded after `as_of` is no part of the truth either.
    truth = Past(as_of=now, window=windows[-1], currency=money, rates=rates, histories=known_by(found, now))
    beside = named(baselines)
    rows = []
    for window in windows:
        past = truth.at(window)
        actual = truth.won(window.start, window.end)
        made = past.forecast(make_forecast)
        said = {name: _said_or_none(past.forecast(one), past, name) for name, one in beside.items()}
        rows.append(_row(past, made, actual, said, level))
    return Backtest(rows=tuple(rows), level=level, currency=money, baselines=tuple(beside), omitted=truth.unpriced)


def _row(past: Past, made: Any, actual: float, said: dict[str, float | None], level: float) -> BacktestRow:  # noqa: ANN401
    mean, before = _said(made, past, "make_forecast")
    low = high = fine = quantile_loss = rank = None
    score = abs(mean - actual)
    if callable(getattr(made, "quantile", None)):

        def quantile(q: float) -> float:
            return _number(made.quantile(q)) - before

        tail = (1.0 - level) / 2.0
        low, high = quantile(tail), quantile(1.0 - tail)
        fine = interval_score(low, high, actual, level=level)
        quantile_loss = fsum(pinball(quantile(q), actual, q=q) for q in _QUANTILES) / len(_QUANTILES)
        places = [quantile((place + 0.5) / _PLACES) for place in range(_PLACES)]
        score = crps(places, actual)
        rank = (sum(one < actual for one in places) + sum(one == actual for one in places) / 2) / _PLACES
    return BacktestRow(
        origin=past.as_of,
        end=past.window.end,
        actual=actual,
        forecast=made,
        mean=mean,
        low=low,
        high=high,
        baselines=said,
        interval_score=fine,
        pinball=quantile_loss,
        crps=score,
        rank=rank,
    )


def _said_or_none(made: Any, past: Past, name: str) -> float | None:  # noqa: ANN401
    return None if made is None else _said(made, past, name)[0]


def _said(made: Any, past: Past, name: str) -> tuple[float, float]:  # noqa: ANN401
    """Return the mean of what is still to come, and what was won before; raise if it is no forecast of the window."""
    mean = getattr(made, "mean", made)
    before = getattr(made, "won", 0.0)
    where = f"{name} at {past.as_of.isoformat()}"
    for value in map(plain, (mean, before)):
        if isinstance(value, Money):
            if value.currency != past.currency:
                raise invalid("backtest", Problem(where, f"must be in {past.currency}, got {value}"))
        elif not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
            rule = "must return a Forecast, something with mean and quantile(q), or a finite amount"
            raise invalid("backtest", Problem(where, f"{rule}, got {shown(made)}", is_type=True))
    period = getattr(made, "period", past.period)
    if to_instant(period.end) != past.window.end or to_instant(period.start) > past.as_of:
        raise invalid("backtest", Problem(where, f"must be a forecast of {past.period}, got one of {period}"))
    if to_instant(getattr(made, "as_of", past.as_of)) != past.as_of:
        raise invalid("backtest", Problem(where, f"must be as of the origin, got as of {made.as_of.isoformat()}"))
    return _number(mean) - _number(before), _number(before)


def _number(value: Any) -> float:  # noqa: ANN401
    return float(value.amount) if isinstance(value, Money) else float(value)


def _function_problem(function: object) -> Problem | None:
    if callable(function):
        return None
    rule = "must be a function of a Past and its origin that returns a forecast"
    return Problem("make_forecast", f"{rule}, got {shown(function)}", is_type=True)


def _level_problem(level: object) -> Problem | None:
    found = probability("level", level)
    if found is None and level in (0, 1):
        return Problem("level", f"must lie between 0 and 1, got {level!r}")
    return found


def _named_origins(origins: list[datetime], why: str) -> Problem | None:
    if not origins:
        return None
    more = f" and {len(origins) - _NAMED} more" if len(origins) > _NAMED else ""
    return Problem("origins", f"{why}: {', '.join(one.isoformat() for one in origins[:_NAMED])}{more}")


def _only_currency(histories: Iterable[DealHistory], now: datetime) -> str:
    deals = (one.as_of(now) for one in histories)
    found = sorted({deal.amount.currency for deal in deals if deal is not None and deal.amount is not None})
    if len(found) == 1:
        return found[0]
    way = "give currency, and rates for the others" if found else "give the currency; no deal has an amount"
    raise invalid("backtest", Problem("currency", f"must be one, got {', '.join(found) or 'none'}; {way}"))
