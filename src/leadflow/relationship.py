"""
What list entries, leads, prospects and opportunities share: engagements, touches, discovery and consents.

Theory. Whatever stage a relationship is in, the same four things happen in it: they do something (`engage`), we do
something (`touch`), we learn something (`discover`), and they say how we may reach them (`record_consent`). The first
two may be written down late; all four leave an event. When a record is read-only, its own class says.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Self, TypeVar, Unpack

from attrs import evolve, field, frozen

from leadflow.commands import command
from leadflow.discovery import NOTHING_LEARNT, Discovery, LearnedInput, learn
from leadflow.engagement import Engagement, Rfm, Touch, rfm
from leadflow.entity import Entity, Kept
from leadflow.errors import InvalidError, Problem
from leadflow.events import (
    Assigned,
    ConsentRecorded,
    Corrected,
    Discovered,
    Engaged,
    Event,
    Redacted,
    Touched,
    Undone,
    When,
)
from leadflow.party import Channel, Company, Consent, Person, may_contact, tighten
from leadflow.validation import aware, check, invalid

__all__ = ["Related", "Relationship", "RelationshipEvent", "consents_recorded", "unreachable"]

_Id = TypeVar("_Id", bound=str)
_Ev = TypeVar("_Ev", bound=Event)

RelationshipEvent = Assigned | Corrected | Redacted | Undone | Engaged | Touched | Discovered | ConsentRecorded


class Related(Kept, total=False):
    """What the events of a relationship may change."""

    engagements: tuple[Engagement, ...]
    touches: tuple[Touch, ...]
    discovery: Discovery
    consents: tuple[Consent, ...]


@frozen(eq=False, repr=False)
class Relationship(Entity[_Id, _Ev]):
    """
    A record about somebody we talk with.

    Attributes:
        engagements: What they did, in the order recorded.
        touches: What we did, in the order recorded.
        discovery: What we have learnt.
        consents: What holds per channel and purpose.
    """

    engagements: tuple[Engagement, ...] = field(init=False, default=())
    touches: tuple[Touch, ...] = field(init=False, default=())
    discovery: Discovery = field(init=False, default=NOTHING_LEARNT)
    consents: tuple[Consent, ...] = field(init=False, default=())

    @command
    def engage(self, engagement: Engagement, **when: Unpack[When]) -> Self:
        """
        Record something they did; it may have happened before what was recorded last.

        Raises:
            NotAllowedError: If the record is closed to engagements; names where they go instead.
        """
        self.require("engage", self.can_change())
        return self._record(Engaged(engagement=engagement, **when))

    @command
    def touch(self, touch: Touch, **when: Unpack[When]) -> Self:
        """
        Record something we did; it may have happened before what was recorded last.

        Raises:
            NotAllowedError: If the record is closed to touches; names where they go instead.
        """
        self.require("touch", self.can_change())
        return self._record(Touched(touch=touch, **when))

    @command
    def discover(
        self,
        *,
        budget: LearnedInput | None = None,
        authority: LearnedInput | None = None,
        need: LearnedInput | None = None,
        timeline: LearnedInput | None = None,
        next_step: LearnedInput | None = None,
        catalyst: LearnedInput | None = None,
        ratings: Mapping[str, LearnedInput] | None = None,
        **when: Unpack[When],
    ) -> Self:
        """
        Record what was learnt.

        Each dimension takes a level's name, a bare value or a `Learned`: budget Money means identified; need, next step
        and catalyst text mean stated; a timeline date means stated. ``none`` is "asked, there is none", ``unknown``
        takes a mistake back. See `LEVELS`.

        Args:
            budget: none, willing, identified, approved; Money.
            authority: none, aware, involved, decides.
            need: none, stated, defined; text.
            timeline: none, stated, agreed; a date.
            next_step: none, stated, agreed; text.
            catalyst: none, stated, confirmed; text.
            ratings: Per dimension of another framework one of none, weak, fair, strong.
            **when: See `When`.

        Raises:
            InvalidError: Naming every dimension that is wrong, or saying that none was given.
            NotAllowedError: If the record is closed to discoveries.
        """
        self.require("discover", self.can_change())
        inputs = {
            "budget": budget,
            "authority": authority,
            "need": need,
            "timeline": timeline,
            "next_step": next_step,
            "catalyst": catalyst,
        }
        return self._record(Discovered(changes=learn(inputs, ratings, at=when.get("at")), **when))

    @command
    def record_consent(self, *consents: Consent, **when: Unpack[When]) -> Self:
        """
        Record what they said about being contacted; allowed in every state, since it binds us in every state.

        Raises:
            InvalidError: If there is none, or one of them is no `Consent` or is dated later than it is recorded.
        """
        return self._record(*consents_recorded(consents, when))

    def may_contact(self, channel: Channel | str, purpose: str = "sales") -> bool | None:
        """Return whether they agreed to be contacted on a channel for a purpose; None: they have not said."""
        return may_contact(self.consents, channel, purpose)

    def rfm(self, *, at: datetime) -> Rfm:
        """
        Return recency, frequency and monetary value of the engagements as known at a time; see `leadflow.rfm`.

        Args:
            at: As of when; what was recorded later does not count. Aware.
        """
        check("rfm", aware("at", at))
        known = self.as_of(at)
        return rfm(() if known is None else known.engagements, at=at)

    def _related(self, event: RelationshipEvent) -> Related:
        match event:
            case Engaged():
                return {"engagements": (*self.engagements, event.engagement)}
            case Touched():
                return {"touches": (*self.touches, event.touch)}
            case Discovered():
                return {"discovery": self.discovery.but(event.changes)}
            case ConsentRecorded():
                return {"consents": tighten(*self.consents, event.consent)}
            case _:
                return self._kept(event)  # type: ignore[return-value]  # Kept is the part of Related that these change


def consents_recorded(consents: tuple[Consent, ...], when: When) -> list[ConsentRecorded]:
    """Return one event per consent; what is wrong with any of them is reported at once."""
    problems: list[Problem] = [] if consents else [Problem("consents", "must be at least one, got none")]
    events = []
    for position, consent in enumerate(consents):
        try:
            events.append(ConsentRecorded(consent=consent, **when))
        except InvalidError as error:
            problems += (_of_one(problem, position) for problem in error.problems)
    if problems:
        raise invalid("record_consent", *dict.fromkeys(problems))
    return events


def _of_one(problem: Problem, position: int) -> Problem:
    """Return what is wrong with the event of one consent in the words of the call: its time is that of all of them."""
    attribute, separator, rest = problem.path.partition(".")
    return evolve(problem, path=f"consents[{position}]{separator}{rest}") if attribute == "consent" else problem


def unreachable(person: Person | None, company: Company | None) -> Problem | None:
    """Say that nobody could be reached with what is known, if that is so; of what is no party, the event says so."""
    for party, kind in ((person, Person), (company, Company)):
        if party is not None and (not isinstance(party, kind) or party.is_reachable):
            return None
    got = "neither a person nor a company" if person is None and company is None else "none of them"
    return Problem("person", f"must have an email, phone or handle (or the company an email or phone), got {got}")
