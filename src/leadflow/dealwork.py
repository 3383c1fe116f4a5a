"""
The work on a deal: who takes part, the plan both sides agreed on, offers, objections, the next step, reviews.

None of it changes where the deal stands; `leadflow.opportunity` adds stage, amount and outcome on top. What a stage may
require before a deal enters it (a next step, a decision-maker, a primary contact) is recorded here.
"""

from datetime import date, datetime
from typing import Self, TypeVar, Unpack

from attrs import evolve, field, frozen

from leadflow.dealparts import BuyingRole, ContactRole, Milestone, NextStep, Objection, Proposal
from leadflow.entity import Allowance
from leadflow.errors import Problem, did_you_mean
from leadflow.events import (
    Event,
    MilestoneAdded,
    MilestoneCompleted,
    NextStepSet,
    ObjectionAnswered,
    ObjectionRaised,
    ProposalSent,
    Reviewed,
    RoleAdded,
    RoleRemoved,
    When,
)
from leadflow.ids import ContactId
from leadflow.relationship import Related, Relationship, RelationshipEvent
from leadflow.validation import instance, invalid

__all__ = ["DealWork", "WorkEvent", "Worked"]

_Id = TypeVar("_Id", bound=str)
_Ev = TypeVar("_Ev", bound=Event)

WorkEvent = (
    RelationshipEvent
    | MilestoneAdded
    | MilestoneCompleted
    | NextStepSet
    | ObjectionAnswered
    | ObjectionRaised
    | ProposalSent
    | Reviewed
    | RoleAdded
    | RoleRemoved
)


class Worked(Related, total=False):
    """What the events of the work on a deal may change."""

    contact_roles: tuple[ContactRole, ...]
    proposals: tuple[Proposal, ...]
    milestones: tuple[Milestone, ...]
    objections: tuple[Objection, ...]
    next_step: NextStep | None
    reviewed_at: datetime | None


@frozen(eq=False, repr=False)
class DealWork(Relationship[_Id, _Ev]):
    """
    A record that people work on together to close a deal.

    Attributes:
        contact_roles: Who takes part on their side; exactly one is primary when there are any.
        proposals: Offers sent, oldest first.
        milestones: The plan both sides agreed on, in the order added.
        objections: What speaks against buying, in the order raised.
        next_step: What we do next; None: nothing is planned.
        reviewed_at: When somebody last looked the deal over.
    """

    contact_roles: tuple[ContactRole, ...] = field(init=False, default=())
    proposals: tuple[Proposal, ...] = field(init=False, default=())
    milestones: tuple[Milestone, ...] = field(init=False, default=())
    objections: tuple[Objection, ...] = field(init=False, default=())
    next_step: NextStep | None = field(init=False, default=None)
    reviewed_at: datetime | None = field(init=False, default=None)

    @property
    def primary_contact_id(self) -> ContactId | None:
        """The contact we talk to first; None while nobody takes part."""
        return next((role.contact_id for role in self.contact_roles if role.primary), None)

    def add_role(
        self,
        contact_id: str,
        role: BuyingRole | str = BuyingRole.OTHER,
        *,
        primary: bool = False,
        **when: Unpack[When],
    ) -> Self:
        """
        Give a contact a part in the deal, or another part than before.

        The first contact becomes primary in any case; a new primary one takes over from the old.

        Raises:
            InvalidError: If the role is unknown.
            NotAllowedError: If the deal is withdrawn.
        """
        self.require("add a role to", self.can_change())
        others = any(known.primary for known in self.contact_roles if known.contact_id != contact_id)
        added = ContactRole(ContactId(contact_id), role, primary=primary or not others)
        return self._record(RoleAdded(role=added, **when))

    def can_remove_role(self, contact_id: str) -> Allowance:
        """Whether a contact can leave the deal: it takes part, and is not the primary one among several."""
        known = {role.contact_id: role for role in self.contact_roles}
        if contact_id not in known:
            return self.can_change().but(f"contact {contact_id!r} takes no part{did_you_mean(contact_id, known)}")
        if known[ContactId(contact_id)].primary and len(known) > 1:
            return self.can_change().but(
                f"contact {contact_id!r} is the primary one; add_role another as primary first"
            )
        return self.can_change()

    def remove_role(self, contact_id: str, **when: Unpack[When]) -> Self:
        """
        Take a contact out of the deal.

        Raises:
            NotAllowedError: If it takes no part, or is the primary one among several.
        """
        self.require("remove a role from", self.can_remove_role(contact_id))
        return self._record(RoleRemoved(contact_id=ContactId(contact_id), **when))

    def propose(self, proposal: Proposal, **when: Unpack[When]) -> Self:
        """
        Record an offer that was sent.

        Raises:
            InvalidError: If an offer with this number was sent before.
            NotAllowedError: If the deal is withdrawn.
        """
        self.require("propose for", self.can_change())
        if isinstance(proposal, Proposal):
            if any(known.number == proposal.number for known in self.proposals):
                raise invalid("propose", Problem("proposal.number", f"must be new, got {proposal.number!r} again"))
            if proposal.sent_at is None:
                proposal = evolve(proposal, sent_at=when["at"])
        return self._record(ProposalSent(proposal=proposal, **when))

    def add_milestone(self, milestone: Milestone, **when: Unpack[When]) -> Self:
        """
        Record a step that both sides agreed on.

        Raises:
            InvalidError: If a milestone with this code is there already.
            NotAllowedError: If the deal is withdrawn.
        """
        self.require("add a milestone to", self.can_change())
        if isinstance(milestone, Milestone) and any(known.code == milestone.code for known in self.milestones):
            raise invalid("add_milestone", Problem("milestone.code", f"must be new, got {milestone.code!r} again"))
        return self._record(MilestoneAdded(milestone=milestone, **when))

    def complete_milestone(self, code: str, **when: Unpack[When]) -> Self:
        """
        Record that a milestone was done, at `at`; it may be written down late.

        Raises:
            InvalidError: If there is no such milestone, or it was done before.
            NotAllowedError: If the deal is withdrawn.
        """
        self.require("complete a milestone of", self.can_change())
        known = {milestone.code: milestone for milestone in self.milestones}
        if code not in known:
            wrong = Problem("code", f"is no milestone of this deal: {code!r}{did_you_mean(str(code), known)}")
            raise invalid("complete_milestone", wrong)
        if known[code].done_at is not None:
            raise invalid("complete_milestone", Problem("code", f"must not be done yet, got {code!r} again"))
        return self._record(MilestoneCompleted(code=code, **when))

    def set_next_step(self, action: NextStep | str | None, *, due: date | None = None, **when: Unpack[When]) -> Self:
        """
        Record what we do next.

        Args:
            action: In words, or as a `NextStep`; None: nothing is planned.
            due: The day it is due, when `action` is words.
            **when: See `When`.

        Raises:
            NotAllowedError: If the deal is withdrawn.
        """
        self.require("set the next step of", self.can_change())
        step = NextStep(action, due) if isinstance(action, str) else action
        return self._record(NextStepSet(next_step=step, **when))

    def raise_objection(self, words: str, **when: Unpack[When]) -> Self:
        """Record what speaks against buying, in their words."""
        self.require("raise an objection to", self.can_change())
        return self._record(ObjectionRaised(objection=Objection(words), **when))

    def answer_objection(self, words: str, **when: Unpack[When]) -> Self:
        """
        Record that an objection was answered to their satisfaction.

        Raises:
            InvalidError: If no open objection has these words.
            NotAllowedError: If the deal is withdrawn.
        """
        self.require("answer an objection to", self.can_change())
        standing = [objection.words for objection in self.objections if not objection.answered]
        if words not in standing:
            wrong = Problem("words", f"are no open objection: {words!r}{did_you_mean(str(words), standing)}")
            raise invalid("answer_objection", instance("words", words, str, "text (str)") or wrong)
        return self._record(ObjectionAnswered(words=words, **when))

    def review(self, *, note: str = "", **when: Unpack[When]) -> Self:
        """Record that somebody looked the deal over."""
        self.require("review", self.can_change())
        return self._record(Reviewed(note=note, **when))

    def _worked(self, event: WorkEvent) -> Worked:
        match event:
            case RoleAdded(role=added):
                return {"contact_roles": _with_role(self.contact_roles, added)}
            case RoleRemoved():
                kept = tuple(role for role in self.contact_roles if role.contact_id != event.contact_id)
                return {"contact_roles": kept}
            case ProposalSent():
                return {"proposals": (*self.proposals, event.proposal)}
            case MilestoneAdded():
                return {"milestones": (*self.milestones, event.milestone)}
            case MilestoneCompleted():
                done = (evolve(m, done_at=event.at) if m.code == event.code else m for m in self.milestones)
                return {"milestones": tuple(done)}
            case NextStepSet():
                return {"next_step": event.next_step}
            case ObjectionRaised():
                return {"objections": (*self.objections, event.objection)}
            case ObjectionAnswered():
                answered = (evolve(o, answered=True) if o.words == event.words else o for o in self.objections)
                return {"objections": tuple(answered)}
            case Reviewed():
                return {"reviewed_at": event.at}
            case _:
                return self._related(event)  # type: ignore[return-value]  # Related is the part that these change


def _with_role(roles: tuple[ContactRole, ...], added: ContactRole) -> tuple[ContactRole, ...]:
    others = (role for role in roles if role.contact_id != added.contact_id)
    return (*(evolve(role, primary=False) if added.primary else role for role in others), added)
