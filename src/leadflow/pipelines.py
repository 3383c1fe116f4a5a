"""Pipelines ready to use; a host with its own stages builds a `Pipeline`."""

from leadflow.pipeline import ForecastCategory, Pipeline, Stage, StageCategory

__all__ = ["SIMPLE"]

SIMPLE = Pipeline(
    "simple",
    (
        Stage(code="qualified", probability=0.2, forecast_category=ForecastCategory.PIPELINE),
        Stage(code="proposal", probability=0.4, forecast_category=ForecastCategory.BEST_CASE),
        Stage(code="negotiation", probability=0.7, forecast_category=ForecastCategory.COMMIT),
        Stage(code="won", category=StageCategory.WON),
        Stage(code="lost", category=StageCategory.LOST),
    ),
)
