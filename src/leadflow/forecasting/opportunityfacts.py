"""
The facts in an opportunity's events: what a model or a funnel learns from.

Theory. Each event keeps its two times. Most kinds change nothing that figures are made of and yield no fact. A deal
that was imported without its history yields what the import knew: when it came into being, its stage and since when,
how it closed; all of it was learnt when the import was recorded, however long ago it happened, and what was not known
(when it entered its stage, say) stays unknown. What was undone is retracted: it was believed from its recording until
then. A merged deal is out of every figure, as a withdrawn one is.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from leadflow.events import (
    AmountSet,
    Assigned,
    Corrected,
    Event,
    ExpectedCloseSet,
    ForecastCall,
    ForecastCalled,
    Merged,
    OpportunityAbsorbed,
    OpportunityImported,
    OpportunityLost,
    OpportunityOpened,
    OpportunityReopened,
    OpportunityWon,
    PipelineAdopted,
    ProbabilitySet,
    ProbabilitySource,
    StageChanged,
    Undone,
    Withdrawn,
)
from leadflow.forecasting.dealfacts import DealFact
from leadflow.forecasting.deals import NAMED_FIELDS, named_field
from leadflow.opportunity import Opportunity
from leadflow.stage import ForecastCategory, Stage

__all__ = ["facts_of"]

_Named = Iterator[tuple[str, Any]]

# Attributes of `Deal` by the attribute of the event that holds them.
_ATTRIBUTES = {
    "name": "name",
    "account_id": "account",
    "owner": "owner",
    "type": "type",
    "source": "source",
    "campaign": "campaign",
    "amount": "amount",
    "recurring": "recurring",
    "expected_close": "expected_close",
    "product_interest": "product",
    "tags": "tags",
    "fields": "fields",
}


def facts_of(opportunity: Opportunity) -> tuple[DealFact, ...]:
    """Return the facts in an opportunity's history, in its order."""
    found: list[DealFact] = []
    undone = _undone(opportunity)
    categories = _categories(opportunity, undone)
    for order, event in enumerate(opportunity.history):
        if isinstance(event, OpportunityOpened):
            found += _imported(event) if isinstance(event, OpportunityImported) else _opened(event)
        told, gone = _TOLD.get(type(event)), undone.get(order)
        # What was undone as it was recorded was never believed.
        if gone is None or gone > event.recorded_at:
            named: list[tuple[str, Any]] = [*(() if told is None else told(event))]
            if order in categories:
                named.append(("forecast_category", categories[order]))
            found += [
                DealFact(kind, value, at=event.at, recorded_at=event.recorded_at, retracted_at=gone, order=order)
                for kind, value in named
            ]
    return tuple(found)


def _categories(opportunity: Opportunity, undone: Mapping[int, datetime]) -> dict[int, ForecastCategory]:
    """Return the category of an open deal after each event that may change it: the person's call, else the stage's."""
    found: dict[int, ForecastCategory] = {}
    stage = opportunity.stage
    call: ForecastCall | None = None
    gone: datetime | None = None
    for order, event in enumerate(opportunity.history):
        match event:
            case OpportunityOpened():
                stage = event.stage
                call = event.forecast_call if isinstance(event, OpportunityImported) else None
            case ForecastCalled():
                call, gone = event.call, undone.get(order)
            case StageChanged() | OpportunityReopened():
                stage = event.stage
                if call is not None and (not call.pinned or (gone is not None and gone <= event.recorded_at)):
                    call = None
            case PipelineAdopted():
                stage = event.stage
            case _:
                continue
        if stage.is_open:
            found[order] = stage.forecast_category if call is None else call.category
    return found


def _undone(opportunity: Opportunity) -> dict[int, datetime]:
    """Return when the events at some places of the history were taken back."""
    first = opportunity.version - len(opportunity.history) + 1
    return {
        version - first: event.recorded_at
        for event in opportunity.history
        if isinstance(event, Undone)
        for version in event.versions
    }


def _attributes(values: Mapping[str, Any], *, blanks: bool) -> _Named:
    for name, kind in _ATTRIBUTES.items():
        if name in values:
            value = values[name]
            if kind == "product":
                value = " + ".join(sorted({interest.product for interest in value})) or None
            elif kind == "type":
                value = value.value
            if blanks or value is not None:
                yield kind, value
            if kind == "fields":
                yield from ((field, named_field(value, field)) for field in NAMED_FIELDS)


def _opened(event: OpportunityOpened) -> Iterator[DealFact]:
    learnt = event.recorded_at
    if event.created_at is None:
        yield DealFact("opened", event.stage.code, at=event.at, recorded_at=learnt)
    else:
        yield DealFact("opened", at=event.created_at, recorded_at=learnt)
        yield DealFact("stage", event.stage.code, at=event.at, recorded_at=learnt)
    for kind, value in _of_opening(event):
        yield DealFact(kind, value, at=event.at, recorded_at=learnt)


def _of_opening(event: OpportunityOpened) -> _Named:
    yield from _attributes({name: getattr(event, name) for name in _ATTRIBUTES}, blanks=False)
    yield "pipeline_id", event.pipeline.id
    yield "probability", event.probability
    yield "probability_is_manual", event.probability_source is ProbabilitySource.MANUAL


def _entered(event: StageChanged) -> _Named:
    # Between two won or two lost stages nothing changes that counts here.
    if event.stage.is_open:
        yield "stage", event.stage.code
        yield from _of_stage(event.stage)


def _reopened(event: OpportunityReopened) -> _Named:
    yield "reopened", event.stage.code
    yield from _of_stage(event.stage)


def _of_stage(stage: Stage) -> _Named:
    yield "probability", stage.probability
    yield "probability_is_manual", False


def _adopted(event: PipelineAdopted) -> _Named:
    yield "pipeline_id", event.pipeline.id


def _imported(event: OpportunityImported) -> Iterator[DealFact]:
    learnt = event.recorded_at
    if event.created_at is not None:
        yield DealFact("opened", at=event.created_at, recorded_at=learnt)
    stage = event.stage if event.stage.is_open else event.last_open_stage
    if stage is not None and event.stage.is_open and event.stage_entered_at is not None:
        yield DealFact("stage", stage.code, at=event.stage_entered_at, recorded_at=learnt)
    elif stage is not None:
        yield DealFact("found", stage.code, at=event.closed_at or event.at, recorded_at=learnt)
    if event.closed_at is not None and event.stage.is_won:
        yield DealFact("won", at=event.closed_at, recorded_at=learnt)
    elif event.closed_at is not None:
        counts_as = event.reason.counts_as if event.reason else None
        yield DealFact("lost", counts_as, at=event.closed_at, recorded_at=learnt)
    for kind, value in _of_opening(event):
        yield DealFact(kind, value, at=event.at, recorded_at=learnt)
    if event.is_withdrawn:
        yield DealFact("withdrawn", at=event.at, recorded_at=learnt)


_TOLD: Mapping[type[Event], Callable[[Any], _Named]] = {
    StageChanged: _entered,
    OpportunityWon: lambda _: iter([("won", None)]),
    OpportunityLost: lambda event: iter([("lost", event.reason.counts_as)]),
    OpportunityReopened: _reopened,
    AmountSet: lambda event: iter([("amount", event.amount), ("recurring", event.recurring)]),
    ExpectedCloseSet: lambda event: iter([("expected_close", event.expected_close)]),
    ProbabilitySet: lambda event: iter(
        [("probability", event.probability), ("probability_is_manual", event.probability is not None)]
    ),
    PipelineAdopted: _adopted,
    Withdrawn: lambda _: iter([("withdrawn", None)]),
    Merged: lambda _: iter([("withdrawn", None)]),
    OpportunityAbsorbed: lambda event: _attributes(
        {name: value for name in _ATTRIBUTES if (value := getattr(event, name, None)) is not None}, blanks=False
    ),
    Assigned: lambda event: iter([("owner", event.owner)]),
    Corrected: lambda event: _attributes(event.changes(), blanks=True),
}
