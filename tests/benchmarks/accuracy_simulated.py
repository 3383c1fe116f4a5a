"""
Whether intervals hold what they claim, on simulated histories whose law is known.

Firms are drawn from a law (see `simulated`); each is forecast at ten origins side by side, with spread and bias read
from its own past errors, and nothing else known. Run it with ``python tests/benchmarks/accuracy_simulated.py [FIRMS
[LAW ...]]``; fifty firms, that is 500 windows per law, and every law by default.
"""

import sys
from collections.abc import Sequence
from math import fsum

from run import table
from simulated import DAY, START, Law, histories

from leadflow.forecasting import (
    Backtest,
    Coverage,
    Forecast,
    Past,
    Spread,
    backtest,
    calibrated,
    fit_creation,
    fit_landmark,
    forecast,
)

HORIZON = 14 * DAY
WINDOWS = 10
FIRMS = 50
LAWS = {
    "deals independent": Law(market=0.0),
    "market of a week": Law(),
    "market of a week, wild": Law(market=0.6),
    "market that turns slowly": Law(market=0.4, memory=0.97),
}


def make(past: Past, as_of: object, *, spread: Spread | None = None) -> Forecast:
    """Forecast with the landmark table and new business."""
    del as_of
    now, horizon = past.as_of, past.horizon
    return forecast(
        past.deals,
        model=fit_landmark(past, as_of=now, horizon=horizon, every=2 * DAY),
        period=past.period,
        as_of=now,
        currency="EUR",
        creation=fit_creation(past, as_of=now, horizon=horizon, currency="EUR"),
        spread=spread,
    )


MAKERS = {
    "deals taken as independent": make,
    "spread from past errors": calibrated(make, correct=False),
    "spread and bias from past errors": calibrated(make),
}


def tested(law: Law, seed: int, name: str) -> Backtest:
    """Backtest one firm."""
    end = START + law.days * DAY
    origins = [end - HORIZON * place for place in range(1, WINDOWS + 1)]
    return backtest(histories(law, seed), MAKERS[name], origins=origins, horizon=HORIZON, as_of=end)


def coverage(results: Sequence[Backtest]) -> Coverage:
    """Return how many intervals of all firms held."""
    found = [one.coverage for one in results if one.coverage is not None]
    return Coverage(0.8, sum(one.hits for one in found), sum(one.n for one in found))


def row(law: str, name: str, firms: int) -> dict[str, object]:
    """Return how one way of forecasting did under one law."""
    results = [tested(LAWS[law], seed, name) for seed in range(firms)]
    held = coverage(results)
    low, high = held.interval
    every = [one for result in results for one in result.rows]
    return {
        "law": law,
        "forecast": name,
        "80 % intervals held": f"{held.hits} of {held.n}",
        "rate": f"{held.rate:.3f}",
        "95 % interval": f"{low:.3f} to {high:.3f}",
        "WAPE": f"{fsum(abs(one.error) for one in every) / fsum(one.actual for one in every):.3f}",
        "interval score": f"{fsum(one.interval_score or 0.0 for one in every) / len(every):,.0f}",
        "CRPS": f"{fsum(one.crps for one in every) / len(every):,.0f}",
    }


def main(arguments: Sequence[str]) -> int:
    """Print the table, a row as soon as it is measured."""
    firms = int(arguments[0]) if arguments else FIRMS
    for place, (law, name) in enumerate((law, name) for law in arguments[1:] or LAWS for name in MAKERS):
        print("\n".join(table([row(law, name, firms)]).splitlines()[0 if place == 0 else 2 :]), flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
