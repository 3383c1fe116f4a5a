"""
A lead: a person or company that engaged with us of its own accord.

New until our first touch, then working; nurturing while the time is not right; disqualified for a coded reason;
qualified when a fit policy says so and a prospect goes on for it. A qualified lead is kept, linked to its prospect, and
closed to everything but a few corrections: what happens from then on happens to the prospect.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final, Self, TypeVar, Unpack, get_args

from attrs import evolve, field, frozen

from leadflow.allowance import ALLOWED, Allowance
from leadflow.assessment import Evidence
from leadflow.candidate import Candidate, Pursued
from leadflow.commands import command
from leadflow.dealparts import ProductInterest, Reason
from leadflow.discovery import NOTHING_LEARNT
from leadflow.engagement import STANDARD, Engagement, Proactive, Touch
from leadflow.errors import InvalidError, Problem
from leadflow.events import (
    Disqualified,
    Event,
    LeadAbsorbed,
    LeadCaptured,
    LeadImported,
    LeadQualified,
    Merged,
    Nurtured,
    Opening,
    Reopened,
    Touched,
    When,
    WorkStarted,
)
from leadflow.fields import NO_FIELDS, FieldValue
from leadflow.ids import LeadId, ListEntryId, ProspectId
from leadflow.lifecycle import LEAD, LeadStatus, Lifecycle
from leadflow.listentry import ListEntry
from leadflow.money import Money
from leadflow.party import Company, Consent, Person
from leadflow.relationship import RelationshipEvent, unreachable
from leadflow.validation import built, instance, invalid, to_tuple

__all__ = ["Lead"]

_Item = TypeVar("_Item")

LeadEvent = (
    RelationshipEvent
    | LeadCaptured
    | LeadImported
    | LeadQualified
    | Nurtured
    | Disqualified
    | Reopened
    | WorkStarted
    | Merged
    | LeadAbsorbed
)

# What may still be put right on a lead that has become a prospect: where it came from, and the host's own labels.
_AFTER_QUALIFYING: Final = frozenset({"source", "campaign", "tags", "fields"})


class _Changes(Pursued, total=False):
    status: LeadStatus
    prospect_id: ProspectId | None


@frozen(eq=False, repr=False)
class Lead(Candidate[LeadId, LeadEvent]):
    """
    A person or company that engaged with us of its own accord.

    Made by `capture`, or by `imported` from a record without history; see `Entity` for what every record has and
    `Candidate` for what leads and prospects share.

    Attributes:
        status: new, working, nurturing, qualified, disqualified or merged.
        prospect_id: The prospect that goes on for it; None while there is none.
        entry_id: The list entry it came from, if any.
    """

    kind: ClassVar[str] = "lead"
    _OPENINGS: ClassVar[tuple[type[Opening], ...]] = (LeadCaptured, LeadImported)
    _IMPORT: ClassVar[type[Opening]] = LeadImported
    _EVENTS: ClassVar[frozenset[type[Event]]] = frozenset(get_args(LeadEvent))
    _CORRECTABLE: ClassVar[frozenset[str]] = frozenset(
        {"person", "company", "source", "campaign", "estimated_value", "product_interest", "tags", "fields"}
    )
    _LIFECYCLE: ClassVar[Lifecycle[LeadStatus]] = LEAD
    _ABSORBED: ClassVar[type[Event]] = LeadAbsorbed

    status: LeadStatus = field(init=False, default=LeadStatus.NEW)
    prospect_id: ProspectId | None = field(init=False, default=None)
    entry_id: ListEntryId | None = field(init=False, default=None)

    @classmethod
    @command
    def capture(
        cls,
        id: str,  # noqa: A002 - the interface's word
        *,
        person: Person | None = None,
        company: Company | None = None,
        engagement: Engagement,
        source: str | None = None,
        campaign: str | None = None,
        owner: str | None = None,
        estimated_value: Money | None = None,
        product_interest: Iterable[ProductInterest | str] = (),
        consents: Iterable[Consent] = (),
        tags: Iterable[str] = (),
        fields: Mapping[str, FieldValue] = NO_FIELDS,
        entry: ListEntry | None = None,
        proactive: Proactive = STANDARD,
        **when: Unpack[When],
    ) -> Self:
        """
        Return the new lead that an engagement makes.

        >>> from datetime import UTC, datetime
        >>> at = datetime(2026, 3, 2, 9, tzinfo=UTC)
        >>> ada = Person("Ada Obi", email="ada@obi.example")
        >>> Lead.capture("L-1", person=ada, engagement=Engagement("form", at=at), at=at, by="web").status.value
        'new'

        Args:
            id: The host's id for it.
            person: Who; they or the company must be reachable by e-mail, phone or handle.
            company: For which company.
            engagement: What they did; must be proactive.
            source: Where they came from. Default: the list entry's.
            campaign: What we ran that led to it. Default: the engagement's, else the list entry's.
            owner: The host's user id of whoever is responsible.
            estimated_value: What a deal might be worth.
            product_interest: Product codes or `ProductInterest` values.
            consents: What they said about being contacted.
            tags: The host's labels.
            fields: The host's own values.
            entry: The list entry they were; what is not given here comes from it, our touches and their consents
                included. Record ``entry.became(lead.id, ...)`` in the same commit.
            proactive: Which kinds of engagement count as having come of one's own accord.
            **when: See `When`.

        Raises:
            InvalidError: Naming everything that is wrong, an engagement that is not proactive included.
            NotAllowedError: If the list entry became a lead before.
        """
        strange = None if entry is None else instance("entry", entry, ListEntry, "a ListEntry")
        entry = None if strange else entry
        if entry is not None:
            entry.require("capture a lead from", entry.can_change())
            # What is given comes before what the entry has; of collections, both are kept.
            person = entry.person if person is None else person
            company = entry.company if company is None else company
            source = entry.source if source is None else source
            owner = entry.owner if owner is None else owner
            consents = _both(entry.consents, consents)
            tags = _both(entry.tags, tags)
            fields = {**entry.fields, **fields} if isinstance(fields, Mapping) else fields
        if campaign is None:
            campaign = getattr(engagement, "campaign", None) or getattr(entry, "campaign", None)

        def make() -> LeadCaptured:
            return LeadCaptured(
                person=person,
                company=company,
                source=source,
                campaign=campaign,
                owner=owner,
                estimated_value=estimated_value,
                product_interest=product_interest,
                consents=consents,
                tags=tags,
                fields=fields,
                engagements=(engagement,) if entry is None else (*entry.engagements, engagement),
                touches=() if entry is None else entry.touches,
                discovery=NOTHING_LEARNT if entry is None else entry.discovery,
                entry_id=None if entry is None else entry.id,
                **when,
            )

        return cls._new(
            "Lead.capture",
            id,
            lambda: _captured(make, 0 if entry is None else len(entry.engagements)),
            strange,
            *_capture_problems(engagement, proactive),
            None if strange else unreachable(person, company),
        )

    @classmethod
    @command
    def imported(
        cls,
        id: str,  # noqa: A002 - the interface's word
        *,
        person: Person | None = None,
        company: Company | None = None,
        status: LeadStatus | str = LeadStatus.NEW,
        reason: Reason | str | None = None,
        **attributes: Any,  # noqa: ANN401 - the event checks them
    ) -> Self:
        """
        Return a lead that is taken over from elsewhere, without its history.

        Args:
            id: The host's id for it.
            person: Who, as far as known; unlike with `capture`, they need not be reachable.
            company: For which company, as far as known.
            status: Where it stands; a qualified one needs its `prospect_id`.
            reason: Why it is disqualified: a code out of `DISQUALIFICATION_REASONS`, or the host's own `Reason`; None
                where that is not known.
            **attributes: Any other attribute of `LeadImported` (engagements, touches, discovery, owner, tags,
                prospect_id, created_at, ...), and `When`.

        Raises:
            InvalidError: Naming everything that is wrong.
        """
        return cls._taken_over(id, attributes, person=person, company=company, status=status, reason=reason)

    @command
    def touch(self, touch: Touch, **when: Unpack[When]) -> Self:
        """
        Record something we did; the first touch takes a new lead into work.

        Raises:
            NotAllowedError: If the lead is closed to touches; names where they go instead.
        """
        self.require("touch", self.can_change())
        touched = self._record(Touched(touch=touch, **when))
        if self.status is not LeadStatus.NEW:
            return touched
        # The touch may be written down late; work cannot have started before the lead's last change of state.
        event = touched.history[-1]
        started = WorkStarted(at=max(event.at, self._changed_at), by=event.by, recorded_at=event.recorded_at)
        return touched._record(started)  # noqa: SLF001 - of the same class

    def can_change(self) -> Allowance:
        """Whether something may be recorded: until it is qualified or merged."""
        match self.status:
            case LeadStatus.QUALIFIED:
                return Allowance((f"it became prospect {self.prospect_id!r}; go on there",))
            case LeadStatus.MERGED:
                return Allowance((self._goes_on(),))
            case _:
                return ALLOWED

    def can_qualify(self) -> Allowance:
        """Whether `leadflow.conversion.plan_qualification` can make a prospect of it, evidence provided."""
        return self._may("qualify")

    @command
    def qualified(
        self, *, prospect_id: ProspectId, evidence: Evidence, override: str | None = None, **when: Unpack[When]
    ) -> Self:
        """
        Record that a prospect goes on for it. Hosts call `leadflow.conversion.plan_qualification`, which makes both.

        Raises:
            InvalidError: If the evidence is about another record, or says no and nobody answers for setting it aside.
            NotAllowedError: If the lifecycle forbids it now.
        """
        self.require("qualify", self.can_qualify())
        event = built(
            "qualified",
            lambda: LeadQualified(prospect_id=prospect_id, evidence=evidence, override=override, **when),
            *self._unfounded(evidence, override, when.get("by")),
        )
        return self._record(event)

    def can_correct(self, *names: str) -> Allowance:
        """Whether `correct` may change these attributes now: of a qualified lead, only source, campaign and labels."""
        closed = sorted(set(names) - _AFTER_QUALIFYING)
        if self.status is not LeadStatus.QUALIFIED:
            return self.can_change()
        if not closed:
            return ALLOWED
        return Allowance(
            (f"{', '.join(closed)} of a qualified lead cannot change; it became prospect {self.prospect_id!r}",)
        )

    def _fold(self, event: LeadEvent) -> Pursued:
        changes: _Changes
        match event:
            case LeadCaptured() | LeadImported():
                return self._opened(event)  # type: ignore[no-any-return]
            case WorkStarted() | Reopened():
                changes = {"status": LeadStatus.WORKING, "reason": None, "revisit_on": None}
            case Nurtured():
                changes = {"status": LeadStatus.NURTURING, "revisit_on": event.revisit_on}
            case Disqualified():
                changes = {"status": LeadStatus.DISQUALIFIED, "reason": event.reason, "revisit_on": None}
            case LeadQualified():
                changes = {
                    "status": LeadStatus.QUALIFIED,
                    "prospect_id": event.prospect_id,
                    "evidence": event.evidence,
                    "revisit_on": None,
                }
            case Merged():
                changes = {"status": LeadStatus.MERGED, "merged_into": event.into}
            case LeadAbsorbed():
                return self._gained(event)  # type: ignore[return-value]  # Mergers is the part that these change
            case _:
                return self._related(event)  # type: ignore[return-value]  # Related is the part that these change
        return changes

    @property
    def _status(self) -> str:
        return self.status

    def _way_out(self) -> str:
        blocked = self.can_change()
        return blocked.reasons[0] if not blocked else super()._way_out()


def _both(first: Iterable[_Item], second: Iterable[_Item]) -> Iterable[_Item]:
    given: object = to_tuple(second)
    # What is no collection is left to the event, which says so.
    return (*first, *given) if isinstance(given, tuple) else second


def _captured(make: Callable[[], LeadCaptured], place: int) -> LeadCaptured:
    """Return the event; what is wrong with the engagement in this place is said of the one that makes the lead."""
    try:
        return make()
    except InvalidError as error:
        ours = f"engagements[{place}]"
        said = (
            evolve(wrong, path=f"engagement{wrong.path.removeprefix(ours)}") if wrong.path.startswith(ours) else wrong
            for wrong in error.problems
        )
        raise invalid(error.subject, *said) from None


def _capture_problems(engagement: object, proactive: Proactive) -> tuple[Problem | None, ...]:
    wrong = instance("proactive", proactive, Proactive, "a Proactive preset such as STANDARD")
    if wrong is not None or not isinstance(engagement, Engagement):
        return wrong, instance("engagement", engagement, Engagement, "an Engagement")
    if proactive.includes(engagement.kind):
        return ()
    rule = (
        f"must be proactive by the {proactive.name!r} preset ({', '.join(sorted(proactive.kinds))}), "
        f"got {engagement.kind!r}; until they engage of their own accord, keep them as a ListEntry"
    )
    return (Problem("engagement.kind", rule),)
