"""How a history of an opportunity begins, and the values that go with it."""

from datetime import date, datetime
from enum import StrEnum

from attrs import field, frozen

from leadflow.assessment import Evidence
from leadflow.dealparts import (
    ContactRole,
    Milestone,
    NextStep,
    Objection,
    OpportunityType,
    Origin,
    ProductInterest,
    Proposal,
    Reason,
    TeamMember,
    primary_problem,
    to_products,
)
from leadflow.discovery import NOTHING_LEARNT, Discovery
from leadflow.engagement import Engagement, Touch
from leadflow.errors import Problem
from leadflow.events.base import Opening
from leadflow.events.shared import not_ahead
from leadflow.fields import NO_FIELDS, Fields, to_fields
from leadflow.ids import AccountId
from leadflow.money import Money, Recurring
from leadflow.party import Consent
from leadflow.pipeline import ForecastCategory, Pipeline, Stage
from leadflow.redaction import PERSONAL
from leadflow.validation import (
    aware,
    check,
    code,
    coded,
    day,
    each,
    instance,
    member,
    optional,
    probability,
    text,
    to_set,
)

__all__ = [
    "OpportunityImported",
    "OpportunityOpened",
    "ProbabilitySource",
]

_Problems = tuple[Problem | None, ...]


class ProbabilitySource(StrEnum):
    """Where a deal's probability comes from."""

    STAGE = "stage"
    MANUAL = "manual"


_to_forecast_category = member(ForecastCategory)


def _forecast_category(value: ForecastCategory | str) -> ForecastCategory:
    return _to_forecast_category(value)


@frozen(kw_only=True)
class ForecastCall:
    """
    A person's own forecast category for a deal; beats the stage's.

    Attributes:
        category: A `ForecastCategory` or its value.
        pinned: Whether it outlasts a change of stage.
        by: Who called it.
        at: When; aware.
    """

    category: ForecastCategory = field(converter=_forecast_category)
    pinned: bool = False
    by: str | None = None
    at: datetime

    def __attrs_post_init__(self) -> None:
        check(
            "ForecastCall",
            coded("category", self.category, ForecastCategory),
            instance("pinned", self.pinned, bool, "True or False"),
            optional(code, "by", self.by),
            aware("at", self.at),
        )


_to_opportunity_type = member(OpportunityType)


def _opportunity_type(value: OpportunityType | str) -> OpportunityType:
    return _to_opportunity_type(value)


_to_probability_source = member(ProbabilitySource)


def _probability_source(value: ProbabilitySource | str) -> ProbabilitySource:
    return _to_probability_source(value)


@frozen(kw_only=True)
class OpportunityOpened(Opening):
    """A deal was opened."""

    name: str = field(metadata=PERSONAL)
    pipeline: Pipeline
    stage: Stage
    origin: Origin
    type: OpportunityType = field(default=OpportunityType.NEW, converter=_opportunity_type)
    account_id: AccountId | None = None
    amount: Money | None = None
    recurring: Recurring | None = None
    expected_close: date | None = None
    probability: float
    probability_source: ProbabilitySource = field(default=ProbabilitySource.STAGE, converter=_probability_source)
    probability_by: str | None = None
    owner: str | None = None
    source: str | None = None
    campaign: str | None = None
    needs: tuple[str, ...] = field(default=(), converter=tuple, metadata=PERSONAL)
    objections: tuple[Objection, ...] = ()
    competitors: tuple[str, ...] = ()
    next_step: NextStep | None = None
    contact_roles: tuple[ContactRole, ...] = ()
    team: tuple[TeamMember, ...] = ()
    product_interest: tuple[ProductInterest, ...] = field(default=(), converter=to_products)
    engagements: tuple[Engagement, ...] = ()
    touches: tuple[Touch, ...] = ()
    discovery: Discovery = NOTHING_LEARNT
    consents: tuple[Consent, ...] = ()
    evidence: Evidence | None = None
    tags: frozenset[str] = field(default=frozenset(), converter=to_set)
    fields: Fields = field(default=NO_FIELDS, converter=to_fields, metadata=PERSONAL)

    def _problems(self) -> _Problems:
        return (
            *super()._problems(),
            text("name", self.name),
            instance("pipeline", self.pipeline, Pipeline, "a Pipeline"),
            instance("stage", self.stage, Stage, "a Stage"),
            instance("origin", self.origin, Origin, "an Origin"),
            coded("type", self.type, OpportunityType),
            optional(code, "account_id", self.account_id),
            optional(instance, "amount", self.amount, Money, "Money"),
            optional(instance, "recurring", self.recurring, Recurring, "a Recurring"),
            optional(day, "expected_close", self.expected_close),
            probability("probability", self.probability),
            coded("probability_source", self.probability_source, ProbabilitySource),
            optional(code, "owner", self.owner),
            optional(text, "source", self.source),
            optional(text, "campaign", self.campaign),
            *each("needs", self.needs, text),
            *each("objections", self.objections, instance, Objection, "an Objection"),
            *each("competitors", self.competitors, text),
            optional(instance, "next_step", self.next_step, NextStep, "a NextStep"),
            *(roles := each("contact_roles", self.contact_roles, instance, ContactRole, "a ContactRole")),
            None if any(roles) else primary_problem("contact_roles", self.contact_roles),
            *each("team", self.team, instance, TeamMember, "a TeamMember"),
            *each("product_interest", self.product_interest, instance, ProductInterest, "a ProductInterest"),
            *each("engagements", self.engagements, instance, Engagement, "an Engagement"),
            *each("touches", self.touches, instance, Touch, "a Touch"),
            *not_ahead(self, *self.engagements, *self.touches),
            instance("discovery", self.discovery, Discovery, "a Discovery"),
            *each("consents", self.consents, instance, Consent, "a Consent"),
            optional(instance, "evidence", self.evidence, Evidence, "Evidence"),
            *each("tags", self.tags, text),
        )


@frozen(kw_only=True)
class OpportunityImported(OpportunityOpened):
    """
    A deal was taken over without its history, or its history was compacted.

    Attributes:
        stage_entered_at: When it entered its stage; None: not known.
        last_open_stage: Where reopening a closed deal leads back to; None: the pipeline's entry stage.
        closed_at: When it was won or lost; required in a won or lost stage.
    """

    stage_entered_at: datetime | None = None
    last_open_stage: Stage | None = None
    closed_at: datetime | None = None
    reason: Reason | None = None
    forecast_call: ForecastCall | None = None
    proposals: tuple[Proposal, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    reviewed_at: datetime | None = None
    is_withdrawn: bool = False

    def _problems(self) -> _Problems:
        return (
            *super()._problems(),
            optional(aware, "stage_entered_at", self.stage_entered_at),
            optional(instance, "last_open_stage", self.last_open_stage, Stage, "a Stage"),
            optional(aware, "closed_at", self.closed_at),
            self._closing_problem(),
            optional(instance, "reason", self.reason, Reason, "a Reason"),
            optional(instance, "forecast_call", self.forecast_call, ForecastCall, "a ForecastCall"),
            *each("proposals", self.proposals, instance, Proposal, "a Proposal"),
            *each("milestones", self.milestones, instance, Milestone, "a Milestone"),
            optional(aware, "reviewed_at", self.reviewed_at),
            instance("is_withdrawn", self.is_withdrawn, bool, "True or False"),
        )

    def _closing_problem(self) -> Problem | None:
        if not isinstance(self.stage, Stage) or self.stage.is_open == (self.closed_at is None):
            return None
        rule = "must be left out in an open stage" if self.stage.is_open else "must be given in a won or lost stage"
        return Problem("closed_at", f"{rule} ({self.stage.code!r}), got {self.closed_at!r}")
