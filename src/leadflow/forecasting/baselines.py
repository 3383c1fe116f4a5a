"""
Baselines: what anybody can say without a model, and a forecast has to beat.

Theory. A forecast that is no better than last period's figure is not worth its trouble, however clever it is. Three
naive ones: the last window of the same length; the run rate, which is the mean of the last four; and the seasonal one,
the same window a year ago. Each is made of what was known at the origin, as the forecast is. A window that begins
before recording did would be too low, so a baseline without data says nothing rather than zero.
"""

from collections.abc import Iterable
from datetime import datetime
from math import fsum
from typing import Any, Final

from leadflow.errors import Problem, did_you_mean
from leadflow.forecasting.past import MakeForecast, Past
from leadflow.validation import shown, to_tuple

__all__ = ["BASELINES", "baseline_problems", "named"]

# The mean of so many windows: enough for the noise of one to be halved, few enough to follow growth.
_RUN = 4


def _last(past: Past, as_of: datetime) -> float | None:
    del as_of  # the past ends there
    return _known(past, 1)


def _run_rate(past: Past, as_of: datetime) -> float | None:
    del as_of  # the past ends there
    found = [amount for back in range(1, _RUN + 1) if (amount := _known(past, back)) is not None]
    return fsum(found) / len(found) if found else None


def _seasonal(past: Past, as_of: datetime) -> float | None:
    del as_of  # the past ends there
    start, end = past.window.last_season()
    first = past.first_recorded_at
    return past.won(start, end) if first is not None and first <= start else None


def _known(past: Past, back: int) -> float | None:
    start, end = past.window.before(back)
    first = past.first_recorded_at
    return past.won(start, end) if first is not None and first <= start else None


_NAMED: Final[dict[str, MakeForecast]] = {"last": _last, "run_rate": _run_rate, "seasonal": _seasonal}
BASELINES: Final = tuple(_NAMED)


def named(baselines: Iterable[str | MakeForecast]) -> dict[str, MakeForecast]:
    """Return baselines by name; a function's name is its own."""
    return {_name(one): _NAMED[one] if isinstance(one, str) else one for one in baselines}


def _name(baseline: Any) -> str:  # noqa: ANN401
    return baseline if isinstance(baseline, str) else str(getattr(baseline, "__name__", type(baseline).__name__))


def baseline_problems(baselines: object) -> list[Problem | None]:
    """Say what is wrong with a choice of baselines."""
    listed: Any = to_tuple(baselines)  # type: ignore[arg-type]  # what is no iterable comes back as it is
    if not isinstance(listed, tuple):
        rule = f"must be names of baselines ({', '.join(BASELINES)}) or functions of a Past, got {shown(baselines)}"
        return [Problem("baselines", rule, is_type=True)]
    found: list[Problem | None] = []
    for place, one in enumerate(listed):
        path = f"baselines[{place}]"
        if isinstance(one, str):
            if one not in BASELINES:
                found.append(Problem(path, f"is unknown: {one!r}{did_you_mean(one, BASELINES)}"))
        elif not callable(one):
            found.append(Problem(path, f"must be a name or a function of a Past, got {shown(one)}", is_type=True))
    names = [_name(one) for one in listed]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        found.append(Problem("baselines", f"must not repeat, got {', '.join(map(repr, twice))} twice"))
    return found
