"""
Forecasting: deals as of a day, what they add up to, and what of it will be won in a period.

Start with `Deal` (of an opportunity, or of a row of your own), then `rollup` and `forecast`. Read in this order:
`deals`, `omissions`, `judging`, `layout`, `plain` (what everything rests on); `dealfacts`, `opportunityfacts`,
`historyfold`, `histories`, `historyrows` (what was known of a deal at any time); `keys`, `rounding`, `sums`, `rollup`,
`adjustments`, `steps`, `waterfall`, `quotas`, `rates` (what deals add up to, and how that changed); `models`,
`shrinkage`, then `landmarkaxes`, `landmarks`, `landmarkcounts`, `landmark` and `hazardspells`, `hazardcurves`,
`hazardbounds`, `hazardchain`, `hazard` (win models); `distribution`, `edgeworth`, `counts`, `fourier`, `rare`,
`nearlattice`, `totalsum`, `totalfactor`, `total` (sums of deals as distributions); `conversion`, `potential`,
`creation` (what is no deal yet); `spread`, `asking`, `contributions`, `outlook`, `cautions`, `forecast` (the forecast);
`causes`, `explain` (why two differ); `scores`, `past`, `baselines`, `backtestrows`, `backtest`, `calibration`, `gains`,
`leaks`, `choices`, `choose` (how good they were).
"""

from leadflow.forecasting.adjustments import Adjusted, AdjustedFigure, Adjustment, adjust, adjusted
from leadflow.forecasting.backtest import backtest
from leadflow.forecasting.backtestrows import Backtest, BacktestRow, Coverage, Skill
from leadflow.forecasting.calibration import calibrated
from leadflow.forecasting.causes import Factor
from leadflow.forecasting.choices import Choice, Judged
from leadflow.forecasting.choose import choose
from leadflow.forecasting.contributions import Addition, Contribution
from leadflow.forecasting.conversion import Conversion
from leadflow.forecasting.counts import Wins
from leadflow.forecasting.creation import Creation, fit_creation
from leadflow.forecasting.dealfacts import FACT_KINDS, DealFact
from leadflow.forecasting.deals import Deal, DealState
from leadflow.forecasting.explain import DealEffect, Effect, Explanation, explain
from leadflow.forecasting.forecast import Forecast, forecast
from leadflow.forecasting.hazard import HazardTable, fit_hazard
from leadflow.forecasting.hazardcurves import Curves, aalen_johansen
from leadflow.forecasting.histories import DealHistory
from leadflow.forecasting.historyfold import Spell
from leadflow.forecasting.historyrows import Histories, read_histories
from leadflow.forecasting.landmark import LandmarkTable, fit_landmark
from leadflow.forecasting.landmarkcounts import LandmarkCell
from leadflow.forecasting.models import Estimate, StageTable, WinModel
from leadflow.forecasting.omissions import Omission, OmissionReason
from leadflow.forecasting.past import Past, Window
from leadflow.forecasting.potential import Level, Potential, PotentialRow
from leadflow.forecasting.quotas import Attainment, AttainmentRow, NeededCoverage, attainment, needed_coverage
from leadflow.forecasting.rates import Velocity, WinRate, velocity, win_rate
from leadflow.forecasting.rollup import Rollup, RollupMode, rollup
from leadflow.forecasting.scores import (
    Quantiles,
    Reliability,
    ReliabilityBin,
    auc,
    brier,
    crps,
    interval_score,
    log_loss,
    pinball,
    reliability,
)
from leadflow.forecasting.spread import PastForecast, Spread, fit_spread
from leadflow.forecasting.steps import Bucket
from leadflow.forecasting.sums import ByCategory, Measure, RollupRow
from leadflow.forecasting.total import Total
from leadflow.forecasting.waterfall import BucketRow, Step, Waterfall, waterfall

__all__ = [
    "FACT_KINDS",
    "Addition",
    "Adjusted",
    "AdjustedFigure",
    "Adjustment",
    "Attainment",
    "AttainmentRow",
    "Backtest",
    "BacktestRow",
    "Bucket",
    "BucketRow",
    "ByCategory",
    "Choice",
    "Contribution",
    "Conversion",
    "Coverage",
    "Creation",
    "Curves",
    "Deal",
    "DealEffect",
    "DealFact",
    "DealHistory",
    "DealState",
    "Effect",
    "Estimate",
    "Explanation",
    "Factor",
    "Forecast",
    "HazardTable",
    "Histories",
    "Judged",
    "LandmarkCell",
    "LandmarkTable",
    "Level",
    "Measure",
    "NeededCoverage",
    "Omission",
    "OmissionReason",
    "Past",
    "PastForecast",
    "Potential",
    "PotentialRow",
    "Quantiles",
    "Reliability",
    "ReliabilityBin",
    "Rollup",
    "RollupMode",
    "RollupRow",
    "Skill",
    "Spell",
    "Spread",
    "StageTable",
    "Step",
    "Total",
    "Velocity",
    "Waterfall",
    "WinModel",
    "WinRate",
    "Window",
    "Wins",
    "aalen_johansen",
    "adjust",
    "adjusted",
    "attainment",
    "auc",
    "backtest",
    "brier",
    "calibrated",
    "choose",
    "crps",
    "explain",
    "fit_creation",
    "fit_hazard",
    "fit_landmark",
    "fit_spread",
    "forecast",
    "interval_score",
    "log_loss",
    "needed_coverage",
    "pinball",
    "read_histories",
    "reliability",
    "rollup",
    "velocity",
    "waterfall",
    "win_rate",
]
