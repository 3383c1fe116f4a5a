"""What happens to an opportunity once it is there."""

from datetime import date
from typing import ClassVar

from attrs import field, frozen
from attrs.converters import optional as unless_none

from leadflow.dealparts import (
    ContactRole,
    Milestone,
    NextStep,
    Objection,
    Proposal,
    Reason,
)
from leadflow.errors import Problem
from leadflow.events.base import Event, none_ahead
from leadflow.events.dealopenings import ForecastCall, call_problem, recurring_problem, to_chance
from leadflow.ids import ContactId
from leadflow.money import Money, Recurring
from leadflow.pipeline import ForecastCategory, Pipeline, Stage, StageCategory
from leadflow.redaction import PERSONAL
from leadflow.validation import (
    code,
    day,
    instance,
    member,
    optional,
    probability,
    prose,
    text,
    when,
    whole,
)

__all__ = [
    "AmountSet",
    "ExpectedCloseSet",
    "ForecastCalled",
    "MilestoneAdded",
    "MilestoneCompleted",
    "MilestoneDropped",
    "NextStepSet",
    "ObjectionAnswered",
    "ObjectionRaised",
    "OpportunityLost",
    "OpportunityReopened",
    "OpportunityWon",
    "PipelineAdopted",
    "ProbabilitySet",
    "ProposalSent",
    "Reviewed",
    "RoleAdded",
    "RoleRemoved",
    "StageChanged",
]

_Problems = tuple[Problem | None, ...]


@frozen(kw_only=True, eq=False, repr=False)
class _Moved(Event):
    """What the events that take a deal to another stage share."""

    _INTO: ClassVar[StageCategory | None] = None

    stage: Stage
    note: str = field(default="", metadata=PERSONAL)

    def _problems(self) -> _Problems:
        wrong = instance("stage", self.stage, Stage, "a Stage")
        if wrong is None and self._INTO is not None and self.stage.category is not self._INTO:
            wrong = Problem("stage", f"must be {self._INTO}, got {self.stage.code!r}, which is {self.stage.category}")
        return (wrong, prose("note", self.note))


@frozen(kw_only=True, eq=False, repr=False)
class StageChanged(_Moved):
    """The deal moved within its category: between open stages, or between two won or two lost ones."""


@frozen(kw_only=True, eq=False, repr=False)
class OpportunityWon(_Moved):
    """The deal was won."""

    _INTO: ClassVar[StageCategory | None] = StageCategory.WON


@frozen(kw_only=True, eq=False, repr=False)
class OpportunityLost(_Moved):
    """The deal was lost, for a coded reason."""

    _INTO: ClassVar[StageCategory | None] = StageCategory.LOST

    reason: Reason

    def _problems(self) -> _Problems:
        return (*super()._problems(), instance("reason", self.reason, Reason, "a Reason or its code"))


@frozen(kw_only=True, eq=False, repr=False)
class OpportunityReopened(_Moved):
    """A closed deal was taken up again, in the stage it was in last while it was open."""

    _INTO: ClassVar[StageCategory | None] = StageCategory.OPEN


_to_forecast_category_or_none = member(ForecastCategory, none=True)


def _forecast_category_or_none(value: ForecastCategory | str | None) -> ForecastCategory | None:
    return _to_forecast_category_or_none(value)


@frozen(kw_only=True, eq=False, repr=False)
class ForecastCalled(Event):
    """
    Somebody gave the deal a forecast category of their own.

    Attributes:
        category: The category; None takes the call back.
        pinned: Whether the call outlasts a change of stage.
    """

    category: ForecastCategory | None = field(converter=_forecast_category_or_none)
    pinned: bool = False

    def _problems(self) -> _Problems:
        return (
            None if self.category is None else call_problem(self.category),
            instance("pinned", self.pinned, bool, "True or False"),
        )

    @property
    def call(self) -> ForecastCall | None:
        """The call that holds after this event."""
        if self.category is None:
            return None
        return ForecastCall(category=self.category, pinned=self.pinned, by=self.by, at=self.at)


@frozen(kw_only=True, eq=False, repr=False)
class AmountSet(Event):
    """The deal's amount became known or changed; where it recurs, `recurring` says how."""

    amount: Money
    recurring: Recurring | None = None

    def _problems(self) -> _Problems:
        return (
            instance("amount", self.amount, Money, "Money or a Recurring"),
            recurring_problem(self.amount, self.recurring),
        )


@frozen(kw_only=True, eq=False, repr=False)
class ExpectedCloseSet(Event):
    """The day the deal is expected to close became known or changed."""

    expected_close: date

    def _problems(self) -> _Problems:
        return (day("expected_close", self.expected_close),)


@frozen(kw_only=True, eq=False, repr=False)
class ProbabilitySet(Event):
    """
    Somebody estimated the chance of winning.

    Attributes:
        probability: In [0, 1]; None goes back to the stage's.
    """

    probability: float | None = field(converter=unless_none(to_chance))

    def _problems(self) -> _Problems:
        return (optional(probability, "probability", self.probability),)


@frozen(kw_only=True, eq=False, repr=False)
class ProposalSent(Event):
    """An offer went out."""

    proposal: Proposal

    def _problems(self) -> _Problems:
        sent_at = getattr(self.proposal, "sent_at", None)
        return (
            instance("proposal", self.proposal, Proposal, "a Proposal"),
            *none_ahead(self, "proposal.sent_at", sent_at),
        )


@frozen(kw_only=True, eq=False, repr=False)
class MilestoneAdded(Event):
    """A step of the mutual plan was agreed, or agreed anew: it takes the place of one with the same code."""

    milestone: Milestone

    def _problems(self) -> _Problems:
        done_at = getattr(self.milestone, "done_at", None)
        return (
            instance("milestone", self.milestone, Milestone, "a Milestone"),
            *none_ahead(self, "milestone.done_at", done_at),
        )


@frozen(kw_only=True, eq=False, repr=False)
class MilestoneCompleted(Event):
    """A step of the mutual plan was done, at `at`; may be recorded late."""

    may_be_late: ClassVar[bool] = True
    code: str

    def _problems(self) -> _Problems:
        return (code("code", self.code),)


@frozen(kw_only=True, eq=False, repr=False)
class MilestoneDropped(Event):
    """A step is no part of the mutual plan any more."""

    code: str

    def _problems(self) -> _Problems:
        return (code("code", self.code),)


@frozen(kw_only=True, eq=False, repr=False)
class RoleAdded(Event):
    """A contact got a part in the deal (or another part than before)."""

    role: ContactRole

    def _problems(self) -> _Problems:
        return (instance("role", self.role, ContactRole, "a ContactRole"),)


@frozen(kw_only=True, eq=False, repr=False)
class RoleRemoved(Event):
    """A contact has no part in the deal any more."""

    contact_id: ContactId

    def _problems(self) -> _Problems:
        return (code("contact_id", self.contact_id),)


@frozen(kw_only=True, eq=False, repr=False)
class NextStepSet(Event):
    """What we do next was decided; None: nothing is planned."""

    next_step: NextStep | None

    def _problems(self) -> _Problems:
        return (optional(instance, "next_step", self.next_step, NextStep, "a NextStep"),)


@frozen(kw_only=True, eq=False, repr=False)
class ObjectionRaised(Event):
    """They said what speaks against buying."""

    objection: Objection

    def _problems(self) -> _Problems:
        return (instance("objection", self.objection, Objection, "an Objection"),)


@frozen(kw_only=True, eq=False, repr=False)
class ObjectionAnswered(Event):
    """
    An objection was answered to their satisfaction.

    Attributes:
        number: Which, counted from 0 in the order in which they were raised.
        words: The objection, as a reader's help; `number` counts, and survives redaction.
    """

    number: int
    words: str = field(metadata=PERSONAL)

    def _problems(self) -> _Problems:
        return (whole("number", self.number), text("words", self.words))


@frozen(kw_only=True, eq=False, repr=False)
class Reviewed(Event):
    """Somebody looked the deal over."""

    note: str = field(default="", metadata=PERSONAL)

    def _problems(self) -> _Problems:
        return (prose("note", self.note),)


@frozen(kw_only=True, eq=False, repr=False)
class PipelineAdopted(Event):
    """
    The deal goes on under another pipeline, or another version of its own.

    Attributes:
        pipeline: The pipeline; it has the deal's present stage code.
        stage: That stage as the pipeline defines it.
    """

    pipeline: Pipeline
    stage: Stage

    def _problems(self) -> _Problems:
        return (
            instance("pipeline", self.pipeline, Pipeline, "a Pipeline"),
            instance("stage", self.stage, Stage, "a Stage") or self._stage_problem(),
        )

    def _stage_problem(self) -> Problem | None:
        strange = isinstance(self.pipeline, Pipeline) and self.stage not in self.pipeline.stages
        return when(strange, "stage", f"must be one of the pipeline's, got {self.stage!r}")
