"""How a history of an opportunity begins, and the values that go with it."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from leadflow.assessment import Evidence
from leadflow.dealparts import (
    ContactRole,
    Milestone,
    NextStep,
    Objection,
    OpportunityType,
    Origin,
    OriginKind,
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
from leadflow.events.base import Opening, none_ahead, to_items
from leadflow.events.shared import between_us, said
from leadflow.fields import NO_FIELDS, Fields, fields_problems, to_fields
from leadflow.ids import AccountId, OpportunityId
from leadflow.money import Money, Recurring
from leadflow.party import Consent, to_consents
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
    to_instant,
    to_instant_or_none,
    to_set,
    unique,
    when,
    words,
)

__all__ = [
    "ForecastCall",
    "OpportunityImported",
    "OpportunityOpened",
    "ProbabilitySource",
    "call_problem",
    "place",
    "recurring_problem",
    "to_chance",
    "worth",
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
    at: datetime = field(converter=to_instant)

    def __attrs_post_init__(self) -> None:
        check(
            "ForecastCall",
            call_problem(self.category),
            instance("pinned", self.pinned, bool, "True or False"),
            optional(code, "by", self.by),
            aware("at", self.at),
        )


def call_problem(category: object) -> Problem | None:
    """Say what is wrong with the forecast category that somebody gives an open deal."""
    return coded("category", category, ForecastCategory) or when(
        category == ForecastCategory.CLOSED,
        "category",
        "must be the category of an open deal, got 'closed'; win it instead",
    )


def recurring_problem(amount: object, recurring: object) -> Problem | None:
    """Say what is wrong with how an amount recurs."""
    wrong = optional(instance, "recurring", recurring, Recurring, "a Recurring")
    if wrong is not None or not isinstance(recurring, Recurring):
        return wrong
    currency = recurring.amount.currency
    if amount is None:
        return Problem("amount", f"must be given where it recurs, got None with {recurring!r}")
    return when(
        isinstance(amount, Money) and amount.currency != currency,
        "recurring",
        f"must be in the currency of the amount ({getattr(amount, 'currency', None)}), got {currency}",
    )


def to_chance(value: float) -> float:
    """Return a probability as a float; a converter that hands what is none on to the check."""
    # 1 and 1.0 are the same chance; one kind keeps repr and stored forms the same as well.
    return float(value) if type(value) is int else value


_to_opportunity_type = member(OpportunityType)


def _opportunity_type(value: OpportunityType | str) -> OpportunityType:
    return _to_opportunity_type(value)


_to_probability_source = member(ProbabilitySource)


def _probability_source(value: ProbabilitySource | str) -> ProbabilitySource:
    return _to_probability_source(value)


@frozen(kw_only=True, eq=False, repr=False)
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
    probability: float = field(converter=to_chance)
    probability_source: ProbabilitySource = field(default=ProbabilitySource.STAGE, converter=_probability_source)
    probability_by: str | None = None
    owner: str | None = None
    source: str | None = None
    campaign: str | None = None
    needs: tuple[str, ...] = field(default=(), converter=to_items, metadata=PERSONAL)
    objections: tuple[Objection, ...] = field(default=(), converter=to_items)
    competitors: tuple[str, ...] = field(default=(), converter=to_items)
    next_step: NextStep | None = None
    contact_roles: tuple[ContactRole, ...] = field(default=(), converter=to_items)
    team: tuple[TeamMember, ...] = field(default=(), converter=to_items)
    product_interest: tuple[ProductInterest, ...] = field(default=(), converter=to_products)
    engagements: tuple[Engagement, ...] = field(default=(), converter=to_items)
    touches: tuple[Touch, ...] = field(default=(), converter=to_items)
    discovery: Discovery = NOTHING_LEARNT
    consents: tuple[Consent, ...] = field(default=(), converter=to_consents)
    evidence: Evidence | None = None
    tags: frozenset[str] = field(default=frozenset(), converter=to_set)
    fields: Fields = field(default=NO_FIELDS, converter=to_fields, metadata=PERSONAL)

    def _problems(self) -> _Problems:
        return (
            *super()._problems(),
            text("name", self.name),
            instance("pipeline", self.pipeline, Pipeline, "a Pipeline"),
            # Without a pipeline there is no stage to name; one problem says it.
            (instance("stage", self.stage, Stage, "a Stage") or self._stage_problem())
            if isinstance(self.pipeline, Pipeline)
            else None,
            instance("origin", self.origin, Origin, "an Origin") or self._origin_problem(),
            coded("type", self.type, OpportunityType),
            optional(code, "account_id", self.account_id),
            optional(instance, "amount", self.amount, Money, "Money"),
            recurring_problem(self.amount, self.recurring),
            optional(day, "expected_close", self.expected_close),
            self._chance_problem(),
            coded("probability_source", self.probability_source, ProbabilitySource),
            optional(code, "probability_by", self.probability_by),
            optional(code, "owner", self.owner),
            optional(text, "source", self.source),
            optional(text, "campaign", self.campaign),
            *each("needs", self.needs, words),
            *each("objections", self.objections, instance, Objection, "an Objection"),
            *each("competitors", self.competitors, text),
            optional(instance, "next_step", self.next_step, NextStep, "a NextStep"),
            *(roles := each("contact_roles", self.contact_roles, instance, ContactRole, "a ContactRole")),
            None if any(roles) else primary_problem("contact_roles", self.contact_roles),
            *each("team", self.team, instance, TeamMember, "a TeamMember"),
            *each(
                "product_interest",
                self.product_interest,
                instance,
                ProductInterest,
                "a ProductInterest or a product code",
            ),
            *between_us(self, self.engagements, self.touches, self.discovery),
            *said(self, self.consents),
            optional(instance, "evidence", self.evidence, Evidence, "Evidence"),
            *each("tags", self.tags, text),
            *fields_problems("fields", self.fields),
        )

    def _origin_problem(self) -> Problem | None:
        customer = self.origin.reference if self.origin.kind is OriginKind.CUSTOMER else None
        if customer is None or self.account_id in {None, customer}:
            return None
        return Problem(
            "account_id", f"must be the customer's that the deal comes from, {customer!r}, got {self.account_id!r}"
        )

    def _stage_problem(self) -> Problem | None:
        rule = f"must be an open stage, got {self.stage.code!r}; use imported for a deal that is {self.stage.category}"
        return when(not self.stage.is_open, "stage", rule)

    def _chance_problem(self) -> Problem | None:
        wrong = probability("probability", self.probability)
        if wrong is not None or not isinstance(self.stage, Stage) or self.probability == self.stage.probability:
            return wrong
        here = f"must be {self.stage.probability} in {self.stage.category} stage {self.stage.code!r}"
        if not self.stage.is_open:
            return Problem("probability", f"{here}, got {self.probability!r}")
        unmarked = self.probability_source == ProbabilitySource.STAGE
        return when(
            unmarked, "probability", f"{here} unless its source is 'manual', got {self.probability!r} from 'stage'"
        )


@frozen(kw_only=True, eq=False, repr=False)
class OpportunityImported(OpportunityOpened):
    """
    A deal was taken over without its history, or its history was compacted.

    Attributes:
        stage_entered_at: When it entered its stage; None: not known.
        last_open_stage: Where reopening a closed deal leads back to; None: the pipeline's entry stage.
        closed_at: When it was won or lost; required in a won or lost stage.
    """

    stage_entered_at: datetime | None = field(default=None, converter=to_instant_or_none)
    last_open_stage: Stage | None = None
    closed_at: datetime | None = field(default=None, converter=to_instant_or_none)
    reason: Reason | None = None
    forecast_call: ForecastCall | None = None
    proposals: tuple[Proposal, ...] = field(default=(), converter=to_items)
    milestones: tuple[Milestone, ...] = field(default=(), converter=to_items)
    reviewed_at: datetime | None = field(default=None, converter=to_instant_or_none)
    is_withdrawn: bool = False
    merged_into: OpportunityId | None = None
    merged_ids: tuple[OpportunityId, ...] = field(default=(), converter=to_items)

    def _problems(self) -> _Problems:
        return (
            *super()._problems(),
            optional(aware, "stage_entered_at", self.stage_entered_at),
            *none_ahead(self, "stage_entered_at", self.stage_entered_at),
            optional(instance, "last_open_stage", self.last_open_stage, Stage, "a Stage"),
            optional(aware, "closed_at", self.closed_at) or self._closing_problem(),
            *none_ahead(self, "closed_at", self.closed_at),
            optional(instance, "reason", self.reason, Reason, "a Reason or its code") or self._reason_problem(),
            optional(instance, "forecast_call", self.forecast_call, ForecastCall, "a ForecastCall"),
            *none_ahead(self, "forecast_call", self.forecast_call),
            *(offers := each("proposals", self.proposals, instance, Proposal, "a Proposal")),
            None if any(offers) else unique("proposals", (offer.number for offer in self.proposals)),
            *(steps := each("milestones", self.milestones, instance, Milestone, "a Milestone")),
            None if any(steps) else unique("milestones", (step.code for step in self.milestones)),
            optional(aware, "reviewed_at", self.reviewed_at),
            *none_ahead(self, "reviewed_at", self.reviewed_at),
            instance("is_withdrawn", self.is_withdrawn, bool, "True or False"),
            optional(code, "merged_into", self.merged_into)
            or when(
                self.merged_into is not None and self.is_withdrawn is False,
                "is_withdrawn",
                f"must be True where another deal goes on ({self.merged_into!r}), got False",
            ),
            *each("merged_ids", self.merged_ids, code),
        )

    def _stage_problem(self) -> Problem | None:
        return None  # it may have been won or lost before

    def _closing_problem(self) -> Problem | None:
        if not isinstance(self.stage, Stage) or self.stage.is_open == (self.closed_at is None):
            return None
        rule = "must be left out in an open stage" if self.stage.is_open else "must be given in a won or lost stage"
        return Problem("closed_at", f"{rule} ({self.stage.code!r}), got {self.closed_at!r}")

    def _reason_problem(self) -> Problem | None:
        unlost = self.reason is not None and isinstance(self.stage, Stage) and not self.stage.is_lost
        return when(unlost, "reason", f"must be left out unless the deal is lost, got {self.reason!r}")


def place(attributes: dict[str, Any], pipeline: object, chance: float | None, **codes: object) -> list[Problem | None]:
    """Add to an opening's attributes the stages that codes name and a chance; return what is wrong with the codes."""
    problems: list[Problem | None] = []
    known = {stage.code: stage for stage in pipeline.stages} if isinstance(pipeline, Pipeline) else {}
    for name, given in codes.items():
        attributes[name] = known.get(given) if isinstance(given, str) else given
        if isinstance(given, str) and known:
            problems.append(coded(name, given, known))
    stage = attributes["stage"]
    if chance is not None:
        attributes |= {
            "probability": chance,
            "probability_source": ProbabilitySource.MANUAL,
            "probability_by": attributes.get("by"),
        }
    else:
        # Without a stage the event is refused anyway; the chance must not add a second problem.
        attributes["probability"] = stage.probability if isinstance(stage, Stage) else 0.0
    return problems


def worth(amount: Money | Recurring | None) -> tuple[Money | None, Recurring | None]:
    """Return an amount and how it recurs: a contract's whole value, or a year's where the term is open."""
    if not isinstance(amount, Recurring):
        return amount, None
    return (amount.acv if amount.tcv is None else amount.tcv), amount
