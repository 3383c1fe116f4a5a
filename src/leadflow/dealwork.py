"""
The work on a deal: who takes part, the plan both sides agreed on, offers, objections, the next step, reviews.

None of it changes where the deal stands; `leadflow.opportunity` adds stage, amount and outcome on top. What a stage may
require before a deal enters it (a next step, a decision-maker, a primary contact) is recorded here.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Self, TypeVar, Unpack

from attrs import evolve, field, frozen

from leadflow import validation
from leadflow.allowance import Allowance
from leadflow.commands import command
from leadflow.dealparts import BuyingRole, ContactRole, Milestone, NextStep, Objection, Proposal
from leadflow.errors import Problem, did_you_mean
from leadflow.events import (
    Event,
    MilestoneAdded,
    MilestoneCompleted,
    MilestoneDropped,
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
from leadflow.mergeable import Mergeable, Mergers
from leadflow.relationship import RelationshipEvent
from leadflow.validation import built, check, instance, invalid, shown

__all__ = ["DealWork", "WorkEvent", "Worked"]

_Id = TypeVar("_Id", bound=str)
_Ev = TypeVar("_Ev", bound=Event)
_Item = TypeVar("_Item")

WorkEvent = (
    RelationshipEvent
    | MilestoneAdded
    | MilestoneCompleted
    | MilestoneDropped
    | NextStepSet
    | ObjectionAnswered
    | ObjectionRaised
    | ProposalSent
    | Reviewed
    | RoleAdded
    | RoleRemoved
)


class Worked(Mergers, total=False):
    """What the events of the work on a deal may change."""

    contact_roles: tuple[ContactRole, ...]
    proposals: tuple[Proposal, ...]
    milestones: tuple[Milestone, ...]
    objections: tuple[Objection, ...]
    next_step: NextStep | None
    reviewed_at: datetime | None


@frozen(eq=False, repr=False)
class DealWork(Mergeable[_Id, _Ev]):
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

    @command
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
            InvalidError: If the id or the role is wrong.
            NotAllowedError: If the deal is withdrawn.
        """
        self.require("add a role to", self.can_change())
        others = any(known.primary for known in self.contact_roles if known.contact_id != contact_id)
        added = ContactRole(ContactId(contact_id), role, primary=primary if others else True)
        return self._record(RoleAdded(role=added, **when))

    def can_remove_role(self, contact_id: str) -> Allowance:
        """Whether a contact can leave the deal: it takes part, and is not the primary one among several."""
        role = next((known for known in self.contact_roles if known.contact_id == contact_id), None)
        if role is None:
            codes = [known.contact_id for known in self.contact_roles]
            return self.can_change().but(f"contact {contact_id!r} takes no part{did_you_mean(str(contact_id), codes)}")
        if role.primary and len(self.contact_roles) > 1:
            return self.can_change().but(
                f"contact {contact_id!r} is the primary one; add_role another as primary first"
            )
        return self.can_change()

    @command
    def remove_role(self, contact_id: str, **when: Unpack[When]) -> Self:
        """
        Take a contact out of the deal.

        Raises:
            NotAllowedError: If it takes no part, or is the primary one among several.
        """
        self.require("remove a role from", self.can_remove_role(contact_id))
        return self._record(RoleRemoved(contact_id=ContactId(contact_id), **when))

    @command
    def propose(self, proposal: Proposal, **when: Unpack[When]) -> Self:
        """
        Record an offer that was sent.

        Raises:
            InvalidError: If an offer with this number was sent before.
            NotAllowedError: If the deal is withdrawn.
        """
        self.require("propose for", self.can_change())
        wrong = None
        if isinstance(proposal, Proposal):
            again = any(known.number == proposal.number for known in self.proposals)
            wrong = _again("proposal.number", proposal.number) if again else None
            if proposal.sent_at is None and isinstance(when.get("at"), datetime):
                proposal = evolve(proposal, sent_at=when["at"])
        return self._record(built("propose", lambda: ProposalSent(proposal=proposal, **when), wrong))

    @command
    def add_milestone(self, milestone: Milestone, **when: Unpack[When]) -> Self:
        """
        Record a step that both sides agreed on; it takes the place of one with the same code that is not done yet.

        Raises:
            InvalidError: If a milestone with this code was done already.
            NotAllowedError: If the deal is withdrawn.
        """
        self.require("add a milestone to", self.can_change())
        wrong = None
        if isinstance(milestone, Milestone):
            again = any(known.code == milestone.code and known.done_at for known in self.milestones)
            wrong = _again("milestone.code", milestone.code) if again else None
        return self._record(built("add_milestone", lambda: MilestoneAdded(milestone=milestone, **when), wrong))

    @command
    def complete_milestone(self, code: str, **when: Unpack[When]) -> Self:
        """
        Record that a milestone was done, at `at`; it may be written down late.

        Raises:
            InvalidError: If there is no such milestone, or it was done before.
            NotAllowedError: If the deal is withdrawn.
        """
        self.require("complete a milestone of", self.can_change())
        wrong = self._milestone_problem(code)
        return self._record(built("complete_milestone", lambda: MilestoneCompleted(code=code, **when), wrong))

    @command
    def drop_milestone(self, code: str, **when: Unpack[When]) -> Self:
        """
        Take a milestone that was not done out of the plan; to put one right, `add_milestone` it again.

        Raises:
            InvalidError: If there is no such milestone, or it was done before.
            NotAllowedError: If the deal is withdrawn.
        """
        self.require("drop a milestone of", self.can_change())
        wrong = self._milestone_problem(code)
        return self._record(built("drop_milestone", lambda: MilestoneDropped(code=code, **when), wrong))

    def _milestone_problem(self, wanted: object) -> Problem | None:
        found = next((milestone for milestone in self.milestones if milestone.code == wanted), None)
        if found is None:
            codes = [milestone.code for milestone in self.milestones]
            hint = did_you_mean(str(wanted), codes)
            return validation.code("code", wanted) or Problem("code", f"is no milestone of this deal: {wanted!r}{hint}")
        return validation.when(
            found.done_at is not None, "code", f"must not be done yet, got {wanted!r}, done at {found.done_at}"
        )

    @command
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
        if isinstance(action, str):
            step: NextStep | None = NextStep(action, due)
        else:
            check(
                "set_next_step", validation.when(due is not None, "due", "must be left out unless the action is words")
            )
            step = action
        return self._record(NextStepSet(next_step=step, **when))

    @command
    def raise_objection(self, words: str, **when: Unpack[When]) -> Self:
        """
        Record what speaks against buying, in their words.

        Raises:
            InvalidError: If the words are empty or too long.
            NotAllowedError: If the deal is withdrawn.
        """
        self.require("raise an objection to", self.can_change())
        return self._record(ObjectionRaised(objection=Objection(words), **when))

    @command
    def answer_objection(self, words: str, **when: Unpack[When]) -> Self:
        """
        Record that an objection was answered to their satisfaction.

        Raises:
            InvalidError: If no open objection has these words.
            NotAllowedError: If the deal is withdrawn.
        """
        self.require("answer an objection to", self.can_change())
        standing = [number for number, o in enumerate(self.objections) if o.words == words and not o.answered]
        if not standing:
            open_words = [objection.words for objection in self.objections if not objection.answered]
            wrong = Problem("words", f"are no open objection: {shown(words)}{did_you_mean(str(words), open_words)}")
            raise invalid("answer_objection", instance("words", words, str, "text (str)") or wrong)
        return self._record(ObjectionAnswered(number=standing[0], words=words, **when))

    @command
    def review(self, *, note: str = "", **when: Unpack[When]) -> Self:
        """
        Record that somebody looked the deal over.

        Raises:
            NotAllowedError: If the deal is withdrawn.
        """
        self.require("review", self.can_change())
        return self._record(Reviewed(note=note, **when))

    def _worked(self, event: WorkEvent) -> Worked:
        match event:
            case RoleAdded():
                return {"contact_roles": _with_role(self.contact_roles, event.role)}
            case RoleRemoved():
                return {"contact_roles": _settled([r for r in self.contact_roles if r.contact_id != event.contact_id])}
            case ProposalSent():
                return {"proposals": (*self.proposals, event.proposal)}
            case MilestoneAdded():
                return {"milestones": _placed(self.milestones, event.milestone, lambda m: m.code)}
            case MilestoneCompleted():
                done = (evolve(m, done_at=event.at) if m.code == event.code else m for m in self.milestones)
                return {"milestones": tuple(done)}
            case MilestoneDropped():
                return {"milestones": tuple(m for m in self.milestones if m.code != event.code)}
            case NextStepSet():
                return {"next_step": event.next_step}
            case ObjectionRaised():
                return {"objections": (*self.objections, event.objection)}
            case ObjectionAnswered():
                raised = enumerate(self.objections)
                return {"objections": tuple(evolve(o, answered=True) if n == event.number else o for n, o in raised)}
            case Reviewed():
                return {"reviewed_at": event.at}
            case _:
                return self._related(event)  # type: ignore[return-value]  # Related is the part that these change


def _again(path: str, code: str) -> Problem:
    return Problem(path, f"must be new, got {code!r} again")


def _placed(items: tuple[_Item, ...], new: _Item, key: Callable[[_Item], str]) -> tuple[_Item, ...]:
    """Return the items with a new one: in the place of the one with its key, or at the end."""
    if all(key(item) != key(new) for item in items):
        return (*items, new)
    return tuple(new if key(item) == key(new) else item for item in items)


def _with_role(roles: tuple[ContactRole, ...], added: ContactRole) -> tuple[ContactRole, ...]:
    others = tuple(evolve(role, primary=False) if added.primary and role.primary else role for role in roles)
    return _settled(_placed(others, added, lambda role: role.contact_id))


def _settled(roles: Sequence[ContactRole]) -> tuple[ContactRole, ...]:
    # The commands see to it that one is primary; this keeps it so for any history there may be.
    if not roles or any(role.primary for role in roles):
        return tuple(roles)
    return (evolve(roles[0], primary=True), *roles[1:])
