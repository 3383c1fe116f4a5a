"""
Pipelines ready to use; a host with stages of its own builds a `Pipeline`.

Names and probabilities of `SALESFORCE` and `HUBSPOT` are the widely published defaults that a new account of that
product starts with (its stage list, quoted in many administrators' guides). They are starting points, not measurements:
replace them by your own win rates. The forecast categories are ours, by one rule: pipeline below 50 %, best case from
there, most likely from 75 %, commit from 90 %.
"""

from collections.abc import Mapping
from types import MappingProxyType

from leadflow.pipeline import ForecastCategory, Pipeline, Stage, StageCategory

__all__ = ["HUBSPOT", "PRESETS", "SALESFORCE", "SIMPLE"]

_PIPELINE = ForecastCategory.PIPELINE
_BEST_CASE = ForecastCategory.BEST_CASE
_MOST_LIKELY = ForecastCategory.MOST_LIKELY
_COMMIT = ForecastCategory.COMMIT
_WON = StageCategory.WON
_LOST = StageCategory.LOST


def _open(code: str, label: str, probability: float, forecast: ForecastCategory) -> Stage:
    return Stage(code=code, label=label, probability=probability, forecast_category=forecast)


SIMPLE = Pipeline(
    "simple",
    (
        _open("qualified", "Qualified", 0.2, _PIPELINE),
        _open("proposal", "Proposal", 0.4, _PIPELINE),
        _open("negotiation", "Negotiation", 0.7, _BEST_CASE),
        Stage(code="won", label="Won", category=_WON),
        Stage(code="lost", label="Lost", category=_LOST),
    ),
)

SALESFORCE = Pipeline(
    "salesforce",
    (
        _open("prospecting", "Prospecting", 0.1, _PIPELINE),
        _open("qualification", "Qualification", 0.1, _PIPELINE),
        _open("needs_analysis", "Needs Analysis", 0.2, _PIPELINE),
        _open("value_proposition", "Value Proposition", 0.5, _BEST_CASE),
        _open("id_decision_makers", "Id. Decision Makers", 0.6, _BEST_CASE),
        _open("perception_analysis", "Perception Analysis", 0.7, _BEST_CASE),
        _open("proposal_price_quote", "Proposal/Price Quote", 0.75, _MOST_LIKELY),
        _open("negotiation_review", "Negotiation/Review", 0.9, _COMMIT),
        Stage(code="closed_won", label="Closed Won", category=_WON),
        Stage(code="closed_lost", label="Closed Lost", category=_LOST),
    ),
    label="Salesforce",
)

HUBSPOT = Pipeline(
    "hubspot",
    (
        _open("appointment_scheduled", "Appointment scheduled", 0.2, _PIPELINE),
        _open("qualified_to_buy", "Qualified to buy", 0.4, _PIPELINE),
        _open("presentation_scheduled", "Presentation scheduled", 0.6, _BEST_CASE),
        _open("decision_maker_bought_in", "Decision maker bought-in", 0.8, _MOST_LIKELY),
        _open("contract_sent", "Contract sent", 0.9, _COMMIT),
        Stage(code="closed_won", label="Closed won", category=_WON),
        Stage(code="closed_lost", label="Closed lost", category=_LOST),
    ),
    label="HubSpot",
)

PRESETS: Mapping[str, Pipeline] = MappingProxyType({each.id: each for each in (SIMPLE, SALESFORCE, HUBSPOT)})
"""The presets by id."""
