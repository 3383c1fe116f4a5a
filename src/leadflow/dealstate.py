"""
What a deal is, and how events change it.

Its state is open, won or lost by its stage's *category*, never by its probability. Entering a stage sets the
probability to the stage's, marked so; a manual one lasts until the next move. A person's forecast call beats the
stage's category until the stage changes, or for good when pinned. Events carry the whole stage, so a history replays
without its pipeline. What may be done with a deal, and when, is in `leadflow.opportunity`.
"""

from datetime import date, datetime
from typing import Any, ClassVar, Self, get_args

from attrs import field, frozen

from leadflow.assessment import Evidence
from leadflow.commands import command
from leadflow.dealparts import (
    LOSS_REASONS,
    OpportunityType,
    Origin,
    ProductInterest,
    Reason,
    TeamMember,
    find_reason,
)
from leadflow.dealwork import DealWork, Worked, WorkEvent
from leadflow.events import (
    AmountSet,
    Event,
    ExpectedCloseSet,
    ForecastCall,
    ForecastCalled,
    Merged,
    Opening,
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
    Withdrawn,
)
from leadflow.events.dealopenings import place, worth
from leadflow.ids import AccountId, OpportunityId
from leadflow.money import Money, Recurring
from leadflow.pipeline import ForecastCategory, Pipeline, Stage
from leadflow.validation import coded, day, instance

__all__ = ["DealStanding", "OpportunityEvent"]

OpportunityEvent = (
    WorkEvent
    | OpportunityOpened
    | OpportunityImported
    | StageChanged
    | OpportunityWon
    | OpportunityLost
    | OpportunityReopened
    | ForecastCalled
    | AmountSet
    | ExpectedCloseSet
    | ProbabilitySet
    | PipelineAdopted
    | Withdrawn
    | Merged
    | OpportunityAbsorbed
)


class _Changes(Worked, total=False):
    pipeline: Pipeline
    stage: Stage
    stage_entered_at: datetime | None
    last_open_stage: Stage | None
    probability: float
    probability_source: ProbabilitySource
    probability_by: str | None
    forecast_call: ForecastCall | None
    amount: Money | None
    recurring: Recurring | None
    expected_close: date | None
    closed_at: datetime | None
    reason: Reason | None
    is_withdrawn: bool


@frozen(eq=False, repr=False)
class DealStanding(DealWork[OpportunityId, OpportunityEvent]):
    """
    The state of a deal.

    Made by `leadflow.conversion.plan_conversion`, by `open` where there is no prospect, or by `imported` from a record
    without history; see `Entity` for what every record has, `DealWork` for roles, milestones and the like.

    Attributes:
        name: As people call it.
        pipeline: The pipeline it goes through.
        stage: The stage it is in.
        stage_entered_at: When it entered the stage; None where an import did not know.
        last_open_stage: While closed, the open stage it was in last.
        origin: The prospect, campaign or existing customer it comes from.
        type: new, expansion or renewal.
        account_id: The account it is with, if any.
        amount: What it is worth; None only where an import did not know.
        recurring: How the amount recurs; None for a one-off.
        expected_close: The day it is expected to close; None only where an import did not know.
        probability: Chance of winning it, in [0, 1].
        probability_source: Whether the probability is the stage's or a person's.
        probability_by: Whose, when it is a person's.
        forecast_call: A person's own forecast category, if any.
        closed_at: When it was won or lost; None while it is open.
        reason: Why it was lost; None otherwise.
        product_interest: What it is about.
        needs: What they need, in their words.
        competitors: Who else is in the race.
        team: Who of us works on it beside the owner.
        source: Where it came from first.
        campaign: What we ran that led to it.
        evidence: What the conversion that made it rested on.
        is_withdrawn: Whether it is out of every rollup, forecast and funnel: that conversion was undone, or it was
            merged into another deal (`merged_into`).
    """

    kind: ClassVar[str] = "opportunity"
    _OPENINGS: ClassVar[tuple[type[Opening], ...]] = (OpportunityOpened, OpportunityImported)
    _IMPORT: ClassVar[type[Opening]] = OpportunityImported
    _EVENTS: ClassVar[frozenset[type[Event]]] = frozenset(get_args(OpportunityEvent))
    _ABSORBED: ClassVar[type[Event]] = OpportunityAbsorbed
    _PLACED: ClassVar[frozenset[type[Event]]] = DealWork._PLACED | {StageChanged}  # noqa: SLF001 - its base
    _CORRECTABLE: ClassVar[frozenset[str]] = frozenset(
        {"name", "account_id", "type", "source", "campaign", "product_interest", "needs", "competitors", "team"}
        | {"tags", "fields"}
    )
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"name", "type", "account_id"})

    name: str = field(init=False)
    pipeline: Pipeline = field(init=False)
    stage: Stage = field(init=False)
    stage_entered_at: datetime | None = field(init=False, default=None)
    last_open_stage: Stage | None = field(init=False, default=None)
    origin: Origin = field(init=False)
    type: OpportunityType = field(init=False, default=OpportunityType.NEW)
    account_id: AccountId | None = field(init=False, default=None)
    amount: Money | None = field(init=False, default=None)
    recurring: Recurring | None = field(init=False, default=None)
    expected_close: date | None = field(init=False, default=None)
    probability: float = field(init=False, default=0.0)
    probability_source: ProbabilitySource = field(init=False, default=ProbabilitySource.STAGE)
    probability_by: str | None = field(init=False, default=None)
    forecast_call: ForecastCall | None = field(init=False, default=None)
    closed_at: datetime | None = field(init=False, default=None)
    reason: Reason | None = field(init=False, default=None)
    product_interest: tuple[ProductInterest, ...] = field(init=False, default=())
    needs: tuple[str, ...] = field(init=False, default=())
    competitors: tuple[str, ...] = field(init=False, default=())
    team: tuple[TeamMember, ...] = field(init=False, default=())
    source: str | None = field(init=False, default=None)
    campaign: str | None = field(init=False, default=None)
    evidence: Evidence | None = field(init=False, default=None)
    is_withdrawn: bool = field(init=False, default=False)

    @classmethod
    @command
    def open(
        cls,
        id: str,  # noqa: A002 - the interface's word
        name: str,
        amount: Money | Recurring,
        *,
        expected_close: date,
        origin: Origin,
        pipeline: Pipeline,
        account_id: str | None = None,
        type: OpportunityType | str = OpportunityType.NEW,  # noqa: A002 - the field's word
        stage: str | None = None,
        probability: float | None = None,
        **attributes: Any,  # noqa: ANN401 - the event checks them
    ) -> Self:
        """
        Return a new deal that comes from a campaign or an existing customer; from a prospect, plan a conversion.

        >>> from datetime import UTC
        >>> from leadflow import Opportunity, pipelines
        >>> deal = Opportunity.open(
        ...     "O-1",
        ...     "Renewal 2026",
        ...     Money("12000", "EUR"),
        ...     expected_close=date(2026, 6, 30),
        ...     origin=Origin.from_customer("A-1"),
        ...     account_id="A-1",
        ...     type="renewal",
        ...     pipeline=pipelines.SIMPLE,
        ...     at=datetime(2026, 3, 2, tzinfo=UTC),
        ... )
        >>> deal.stage.code, deal.probability
        ('qualified', 0.2)

        Args:
            id: The host's id for it.
            name: As people call it.
            amount: What it is worth; a `Recurring` for one that recurs.
            expected_close: The day it is expected to close.
            origin: Where it comes from.
            pipeline: The pipeline it goes through.
            account_id: The account it is with.
            type: new, expansion or renewal.
            stage: Code of the open stage it starts in. Default: the pipeline's entry stage.
            probability: A manual probability, in [0, 1]. Default: the stage's.
            **attributes: Any other attribute of `OpportunityOpened` (owner, source, campaign, needs, competitors, team,
                contact_roles, product_interest, discovery, next_step, tags, fields, ...), and `When`.

        Raises:
            InvalidError: Naming everything that is wrong, an unknown stage included.
        """
        first = pipeline.entry_stage if stage is None and isinstance(pipeline, Pipeline) else stage
        priced, recurring = worth(amount)
        attributes |= {
            "name": name,
            "amount": priced,
            "recurring": recurring,
            "expected_close": expected_close,
            "origin": origin,
            "pipeline": pipeline,
            "account_id": account_id,
            "type": type,
        }
        return cls._begun(
            "Opportunity.open",
            id,
            OpportunityOpened,
            attributes,
            *place(attributes, pipeline, probability, stage=first),
            instance("amount", priced, Money, "Money or a Recurring"),
            day("expected_close", expected_close),
        )

    @classmethod
    @command
    def imported(
        cls,
        id: str,  # noqa: A002 - the interface's word
        name: str,
        *,
        origin: Origin,
        pipeline: Pipeline,
        stage: str,
        amount: Money | Recurring | None = None,
        expected_close: date | None = None,
        probability: float | None = None,
        closed_at: datetime | None = None,
        reason: Reason | str | None = None,
        **attributes: Any,  # noqa: ANN401 - the event checks them
    ) -> Self:
        """
        Return a deal that is taken over from elsewhere, without its history; account, amount and close may be unknown.

        Args:
            id: The host's id for it.
            name: As people call it.
            origin: Where it comes from.
            pipeline: The pipeline it goes through.
            stage: Code of the stage it is in.
            amount: What it is worth; None: not known.
            expected_close: The day it is expected to close; None: not known.
            probability: A manual probability, in [0, 1]. Default: the stage's; in a won or lost stage nothing else.
            closed_at: When it was won or lost; aware. Required in a won or lost stage, and only there.
            reason: Why it was lost: a code out of `LOSS_REASONS`, or the host's own `Reason`; None where that is not
                known.
            **attributes: Any other attribute of `OpportunityImported` (account_id, owner, stage_entered_at, created_at,
                last_open_stage, contact_roles, ...), and `When`.

        Raises:
            InvalidError: Naming everything that is wrong, an unknown stage included.
        """
        priced, recurring = worth(amount)
        why = find_reason(reason, LOSS_REASONS) if reason is not None else None
        attributes |= {
            "name": name,
            "origin": origin,
            "pipeline": pipeline,
            "amount": priced,
            "recurring": recurring,
            "expected_close": expected_close,
            "closed_at": closed_at,
            "reason": why,
        }
        last = {"last_open_stage": attributes["last_open_stage"]} if "last_open_stage" in attributes else {}
        return cls._begun(
            "Opportunity.imported",
            id,
            OpportunityImported,
            attributes,
            *place(attributes, pipeline, probability, stage=stage, **last),
            None if isinstance(why, Reason | None) else coded("reason", why, LOSS_REASONS),
        )

    # -- questions -------------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether it is neither won, lost nor withdrawn."""
        return self.stage.is_open and not self.is_withdrawn

    @property
    def is_won(self) -> bool:
        """Whether it is won, and not withdrawn."""
        return self.stage.is_won and not self.is_withdrawn

    @property
    def is_lost(self) -> bool:
        """Whether it is lost, and not withdrawn."""
        return self.stage.is_lost and not self.is_withdrawn

    @property
    def forecast_category(self) -> ForecastCategory:
        """The person's call while the deal is open and there is one, else the stage's category."""
        if self.forecast_call is not None and self.stage.is_open:
            return self.forecast_call.category
        return self.stage.forecast_category

    def _fold(self, event: OpportunityEvent) -> Worked:
        changes: _Changes
        match event:
            case OpportunityOpened():
                changes = self._opened(event)
                if changes.get("stage_entered_at") is None and not isinstance(event, OpportunityImported):
                    changes["stage_entered_at"] = event.at
            case StageChanged():
                changes = self._entered(event)
            case OpportunityWon():
                changes = self._entered(event) | {"closed_at": event.at, "reason": None}
            case OpportunityLost():
                changes = self._entered(event) | {"closed_at": event.at, "reason": event.reason}
            case OpportunityReopened():
                changes = self._entered(event) | {"closed_at": None, "reason": None}
            case ForecastCalled():
                changes = {"forecast_call": event.call}
            case AmountSet():
                changes = {"amount": event.amount, "recurring": event.recurring}
            case ExpectedCloseSet():
                changes = {"expected_close": event.expected_close}
            case ProbabilitySet():
                changes = (
                    _from_stage(self.stage) if event.probability is None else _by_hand(event.probability, event.by)
                )
            case PipelineAdopted():
                changes = {"pipeline": event.pipeline, "stage": event.stage}
                if self.probability_source is ProbabilitySource.STAGE:
                    changes |= _from_stage(event.stage)
            case Withdrawn():
                changes = {"is_withdrawn": True}
            case Merged():
                changes = {"is_withdrawn": True, "merged_into": event.into}
            case OpportunityAbsorbed():
                return self._gained(event)  # type: ignore[return-value]  # Mergers is the part that these change
            case _:
                return self._worked(event)
        return changes

    def _misplaced(self, event: Event) -> str | None:
        if isinstance(event, StageChanged) and event.stage.category is not self.stage.category:
            return (
                f"StageChanged must stay within category {self.stage.category}, got {event.stage.code!r}, which is "
                f"{event.stage.category}; leaving it is OpportunityWon, OpportunityLost or OpportunityReopened"
            )
        return super()._misplaced(event)

    def _entered(self, event: StageChanged | OpportunityWon | OpportunityLost | OpportunityReopened) -> _Changes:
        changes: _Changes = {"stage": event.stage, "stage_entered_at": event.at, **_from_stage(event.stage)}
        if self.stage.is_open:
            changes["last_open_stage"] = self.stage
        if event.stage.is_open:
            changes["last_open_stage"] = None
        if self.forecast_call is not None and not self.forecast_call.pinned:
            changes["forecast_call"] = None
        return changes

    def _state_words(self) -> str:
        gone = " (withdrawn)" if self.merged_into is None else " (merged)"
        return f"in stage {self.stage.code!r}" + (gone if self.is_withdrawn else "")


def _from_stage(stage: Stage) -> _Changes:
    return {
        "probability": stage.probability,
        "probability_source": ProbabilitySource.STAGE,
        "probability_by": None,
    }


def _by_hand(probability: float, by: str | None) -> _Changes:
    return {"probability": probability, "probability_source": ProbabilitySource.MANUAL, "probability_by": by}
