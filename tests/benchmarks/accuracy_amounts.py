"""
How well forecasts of the amount won did on a real history: the loan applications of the BPI Challenge 2012.

At each weekly origin a forecast sees only what was known then; compared is what was won within 14 and within 28 days.
Run it with ``python tests/benchmarks/accuracy_amounts.py --data FOLDER``; see `accuracy_bpi` for the data. Nothing is
tuned to the origins: every setting is a default of the library, and spread and bias come from errors made before each
origin.
"""

import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from importlib.util import find_spec
from time import perf_counter
from typing import Any

from accuracy_bpi import DAY, FIRST, ORIGINS, ClosedRate, Learned, data_file, histories
from run import table

from leadflow.forecasting import (
    DealHistory,
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

# For 28 days the file allows five origins.
WINDOWS = ((14, ORIGINS), (28, ORIGINS[2:7]))
Fit = Callable[[Past, datetime], WinModel]


def landmark(past: Past, as_of: datetime) -> WinModel:
    """Fit the landmark table by stage and time in stage."""
    return fit_landmark(past, as_of=as_of, horizon=past.horizon, since=FIRST)


def landmark_stage(past: Past, as_of: datetime) -> WinModel:
    """Fit the landmark table by stage alone."""
    return fit_landmark(past, as_of=as_of, horizon=past.horizon, since=FIRST, by=["stage"])


def hazard(past: Past, as_of: datetime) -> WinModel:
    """Fit the hazard table by stage."""
    return fit_hazard(past, as_of=as_of)


def weights(past: Past, as_of: datetime) -> WinModel:
    """Count how often closed deals that had been in a stage were won, at whatever time."""
    return ClosedRate(past, as_of)


def logistic(past: Past, as_of: datetime) -> WinModel:
    """Fit logistic regression."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    return Learned(LogisticRegression(max_iter=2_000), past, as_of, past.horizon)


def boosting(past: Past, as_of: datetime) -> WinModel:
    """Fit gradient boosting."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415

    return Learned(HistGradientBoostingClassifier(random_state=0), past, as_of, past.horizon)


def forecaster(fit: Fit, *, with_new: bool = True) -> Any:
    """Return what makes a forecast with a model."""

    def make(past: Past, as_of: datetime, *, spread: Spread | None = None) -> Forecast:
        creation = fit_creation(past, as_of=as_of, horizon=past.horizon, currency=past.currency) if with_new else None
        return forecast(
            past.deals,
            model=fit(past, as_of),
            period=past.period,
            as_of=as_of,
            currency=past.currency,
            creation=creation,
            spread=spread,
        )

    return make


def forecasters() -> dict[str, Any]:
    """Return what is compared, by name."""
    found = {
        "closed-stage weights": forecaster(weights, with_new=False),
        "landmark table + new deals": forecaster(landmark),
        "the same, spread from past errors": calibrated(forecaster(landmark), correct=False),
        "the same, bias corrected too": calibrated(forecaster(landmark)),
        "hazard table + new deals": forecaster(hazard),
        "the same, spread and bias from past errors": calibrated(forecaster(hazard)),
    }
    if find_spec("sklearn"):
        found["logistic regression (scikit-learn) + new deals"] = forecaster(logistic)
        found["gradient boosting (scikit-learn) + new deals"] = forecaster(boosting)
    return found


def scored(name: str, result: Any) -> dict[str, object]:
    """Return one row of the table."""
    held = result.coverage
    return {
        "forecast": name,
        "WAPE": f"{result.wape:.3f}",
        "bias": f"{result.bias:+.3f}",
        "80 % intervals held": f"{held.hits} of {held.n}" if held else "",
        "mean width": f"{result.width:,.0f}" if held else "",
        "interval score": f"{result.interval_score:,.0f}" if held else "",
        "CRPS": f"{result.crps:,.0f}",
    }


def amounts(known: Sequence[DealHistory], days: int, origins: Sequence[datetime]) -> list[dict[str, object]]:
    """Backtest every forecast for one horizon; naive ones first."""
    naive = {
        "last period": lambda past, as_of: past.won(*past.window.before(1)),
        "run rate": lambda past, as_of: sum(past.won(*past.window.before(k)) for k in _whole(past)) / len(_whole(past)),
    }
    options: Any = {"origins": origins, "horizon": timedelta(days=days), "baselines": ("last", "run_rate")}
    return [scored(name, backtest(known, make, **options)) for name, make in {**naive, **forecasters()}.items()]


def _whole(past: Past) -> list[int]:
    """Return which of the last four windows lie within the record."""
    first = past.first_recorded_at
    return [back for back in range(1, 5) if first is not None and past.window.before(back)[0] >= first]


def main(arguments: Sequence[str]) -> int:
    """Print the tables, or why there are none."""
    path = data_file(arguments[-1] if arguments else None)
    if path is None:
        print("skipped: no bpic2012/events.csv.gz; name its folder by --data or in LEADFLOW_DATA")  # noqa: T201
        return 0
    known = histories(path)
    for days, origins in WINDOWS:
        print(f"\nAmount won within {days} days, {len(origins)} weekly origins\n")  # noqa: T201
        print(table(amounts(known, days, origins)), flush=True)  # noqa: T201
    start = perf_counter()
    backtest(known, calibrated(forecaster(landmark)), origins=ORIGINS, horizon=14 * DAY)
    taken = perf_counter() - start
    print(f"\nBacktest of nine origins with spread and bias from past errors: {taken:.1f} s (bound: 60 s)\n")  # noqa: T201
    models = {"landmark stage": landmark_stage, "hazard by stage": hazard, "landmark stage x time in stage": landmark}
    print(choose(models, known, as_of=ORIGINS[-1] + 14 * DAY, horizon=14 * DAY, origins=ORIGINS))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
