"""
How long one move of an opportunity takes, its event included: against the same by hand, and by length of history.

By hand means: look the move up in a dict, ask the same rules, build the same event, and `attrs.evolve` an equal frozen,
slotted attrs class of the same fields. Evolving builds the value anew. In the first row that class checks its fields
when it is built, as every class of leadflow does, and this is what the bound is about; in the second it never does, so
that it is as fast as it can be and would let any illegal state pass.
"""

from datetime import date, datetime
from functools import partial
from typing import Any

from attrs import evolve, field, fields, frozen, make_class
from records import after, deal, values
from timing import Row, paired

from leadflow import Money, Opportunity, Origin, Pipeline, Stage, pipelines
from leadflow.dealparts import ContactRole, Milestone, NextStep, Objection, OpportunityType, Proposal, TeamMember
from leadflow.discovery import Discovery
from leadflow.engagement import Engagement, Touch
from leadflow.events import Event, ProbabilitySource, StageChanged
from leadflow.fields import Fields
from leadflow.validation import aware, check, code, coded, day, each, instance, optional, probability, text

ROUNDS = 25
TIMES = 2_000
SIZES = (10, 100, 1_000)
PIPELINE = pipelines.SIMPLE
MOVES = {(source.code, target) for source in PIPELINE.stages for target in PIPELINE.moves_from(source.code)}
STAGES = {stage.code: stage for stage in PIPELINE.stages}

# An equal class: frozen, slotted, the same fields by the same names.
Bare: Any = make_class(
    "Bare", {attribute.name: field() for attribute in fields(Opportunity)}, frozen=True, slots=True, eq=False
)


@frozen(eq=False)
class Checked(Bare):  # type: ignore[misc]  # made at run time
    """The same with one check per field, as somebody who wants no illegal state writes it."""

    def __attrs_post_init__(self) -> None:
        check(
            "Checked",
            code("id", self.id),
            instance("history", self.history, tuple, "a tuple"),
            aware("created_at", self.created_at),
            optional(code, "owner", self.owner),
            *each("tags", self.tags, text),
            instance("fields", self.fields, Fields, "Fields"),
            aware("_changed_at", self._changed_at),
            *each("engagements", self.engagements, instance, Engagement, "an Engagement"),
            *each("touches", self.touches, instance, Touch, "a Touch"),
            instance("discovery", self.discovery, Discovery, "a Discovery"),
            *each("contact_roles", self.contact_roles, instance, ContactRole, "a ContactRole"),
            *each("proposals", self.proposals, instance, Proposal, "a Proposal"),
            *each("milestones", self.milestones, instance, Milestone, "a Milestone"),
            *each("objections", self.objections, instance, Objection, "an Objection"),
            optional(instance, "next_step", self.next_step, NextStep, "a NextStep"),
            text("name", self.name),
            instance("pipeline", self.pipeline, Pipeline, "a Pipeline"),
            instance("stage", self.stage, Stage, "a Stage"),
            optional(aware, "stage_entered_at", self.stage_entered_at),
            optional(instance, "last_open_stage", self.last_open_stage, Stage, "a Stage"),
            instance("origin", self.origin, Origin, "an Origin"),
            coded("type", self.type, OpportunityType),
            optional(code, "account_id", self.account_id),
            optional(instance, "amount", self.amount, Money, "Money"),
            optional(day, "expected_close", self.expected_close),
            probability("probability", self.probability),
            coded("probability_source", self.probability_source, ProbabilitySource),
            optional(aware, "closed_at", self.closed_at),
            *each("team", self.team, instance, TeamMember, "a TeamMember"),
            *each("needs", self.needs, text),
            *each("competitors", self.competitors, text),
            optional(text, "source", self.source),
            optional(text, "campaign", self.campaign),
            instance("is_withdrawn", self.is_withdrawn, bool, "True or False"),
        )


def move_by_hand(deal: Any, code: str, at: datetime, by: str) -> Any:
    """Move as `Opportunity.move_to` does, with all the rules it asks, and nothing of what makes it general."""
    if code not in STAGES:
        raise LookupError(code)
    if deal.is_withdrawn:
        raise ValueError("withdrawn")
    if (deal.stage.code, code) not in MOVES:
        raise ValueError(f"cannot move to {code}")
    stage = STAGES[code]
    if any(getattr(deal, need) is None for need in stage.requires):
        raise ValueError(f"{code} requires {stage.requires}")
    event = StageChanged(stage=stage, at=at, by=by)
    last: Event = deal.history[-1]
    if event.recorded_at < last.recorded_at or event.at < deal._changed_at:
        raise ValueError("out of order")
    call = deal.forecast_call
    return evolve(
        deal,
        history=(*deal.history, event),
        changed_at=event.at,
        stage=stage,
        stage_entered_at=event.at,
        last_open_stage=None if stage.is_open else deal.stage,
        probability=stage.probability,
        probability_source=ProbabilitySource.STAGE,
        probability_by=None,
        forecast_call=call if call is not None and call.pinned else None,
    )


def long_deal(length: int) -> Opportunity:
    """Return a deal with a history of that length, and nothing else that grows."""
    found = deal()
    for number in range(1, length):
        found = found.set_expected_close(date(2026, 6, 1 + number % 30), at=after(number), by="ada")
    return found


def rows() -> list[Row]:
    """Measure, and return rows."""
    ours = deal()
    at = after(24)
    told = {name.lstrip("_"): value for name, value in values(ours).items()}
    found = [
        paired(
            lambda: ours.move_to("proposal", at=at, by="ada"),
            partial(move_by_hand, theirs, "proposal", at, "ada"),
            rounds=ROUNDS,
            times=TIMES,
        ).row("move_to", f"by hand, {name}", bound)
        for theirs, name, bound in (
            (Checked(**told), "fields checked when built", 1.0),
            (Bare(**told), "fields never checked", None),
        )
    ]
    return found + [_by_length(length) for length in SIZES]


def _by_length(length: int) -> Row:
    # What is left when the copying of the tuple is taken off, against the same for the shortest history.
    short, long = long_deal(SIZES[0]), long_deal(length)
    at = after(length)
    event = long.history[-1]

    def copying(history: tuple[Event, ...]) -> float:
        return paired(lambda: history + (event,), lambda: None, rounds=ROUNDS, times=TIMES).first  # noqa: RUF005

    pair = paired(
        lambda: long.move_to("proposal", at=at, by="ada"),
        lambda: short.move_to("proposal", at=at, by="ada"),
        rounds=ROUNDS,
        times=TIMES,
    )
    copied = copying(long.history), copying(short.history)
    return {
        "work": f"move_to after {length:,} events",
        "us": round(1e6 * pair.first, 2),
        "of_which_copying": round(1e6 * copied[0], 2),
        "against": f"{SIZES[0]} events",
        "us_against": round(1e6 * pair.second, 2),
        "ratio": round((pair.ratio * pair.second - copied[0]) / (pair.second - copied[1]), 2),
        "bound": 1.1,
    }
