"""
A prospect: a lead vetted as a fit and accepted by sales.

It may exist without any deal and carry several over time. Discovery gathers here until a deal is opened, then moves to
the deal, and the prospect's starts empty for the next cycle. Whether it is converted follows from its opportunities.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, Self, Unpack, get_args

from attrs import field, frozen

from leadflow.allowance import ALLOWED, Allowance
from leadflow.assessment import Evidence
from leadflow.candidate import Candidate, Pursued
from leadflow.commands import command
from leadflow.dealparts import Reason
from leadflow.discovery import NOTHING_LEARNT
from leadflow.errors import Problem
from leadflow.events import (
    Disqualified,
    Event,
    LeadAbsorbed,
    Merged,
    Nurtured,
    Opening,
    ProspectAbsorbed,
    ProspectConverted,
    ProspectImported,
    ProspectOpened,
    Reopened,
    When,
    Withdrawn,
    Wrote,
)
from leadflow.ids import AccountId, ContactId, LeadId, OpportunityId, ProspectId
from leadflow.lifecycle import PROSPECT, Lifecycle, ProspectStatus
from leadflow.party import Company, Person
from leadflow.relationship import RelationshipEvent
from leadflow.validation import built

__all__ = ["Prospect"]

ProspectEvent = (
    RelationshipEvent
    | ProspectOpened
    | ProspectImported
    | ProspectConverted
    | Nurtured
    | Disqualified
    | Reopened
    | Withdrawn
    | Merged
    | LeadAbsorbed
    | ProspectAbsorbed
)


class _Changes(Pursued, total=False):
    status: ProspectStatus
    account_id: AccountId | None
    contact_id: ContactId | None
    opportunity_ids: tuple[OpportunityId, ...]


@frozen(eq=False, repr=False)
class Prospect(Candidate[ProspectId, ProspectEvent]):
    """
    A lead vetted as a fit and accepted by sales.

    Made by `leadflow.conversion.plan_qualification`, or by `imported` from a record without history; see `Entity` for
    what every record has and `Candidate` for what leads and prospects share.

    Attributes:
        status: active, nurturing, disqualified, merged or withdrawn.
        lead_id: The lead it was; None where a host starts with prospects.
        account_id: The account it was converted to, if any.
        contact_id: The contact it was converted to, if any.
        opportunity_ids: Its deals, oldest first.
    """

    kind: ClassVar[str] = "prospect"
    _OPENINGS: ClassVar[tuple[type[Opening], ...]] = (ProspectOpened, ProspectImported)
    _IMPORT: ClassVar[type[Opening]] = ProspectImported
    _EVENTS: ClassVar[frozenset[type[Event]]] = frozenset(get_args(ProspectEvent))
    _CORRECTABLE: ClassVar[frozenset[str]] = frozenset(
        {"person", "company", "source", "campaign", "estimated_value", "product_interest", "tags", "fields"}
    )
    _LIFECYCLE: ClassVar[Lifecycle[ProspectStatus]] = PROSPECT
    _ABSORBED: ClassVar[type[Event]] = ProspectAbsorbed

    status: ProspectStatus = field(init=False, default=ProspectStatus.ACTIVE)
    lead_id: LeadId | None = field(init=False, default=None)
    account_id: AccountId | None = field(init=False, default=None)
    contact_id: ContactId | None = field(init=False, default=None)
    opportunity_ids: tuple[OpportunityId, ...] = field(init=False, default=())

    @classmethod
    @command
    def imported(
        cls,
        id: str,  # noqa: A002 - the interface's word
        *,
        person: Person | None = None,
        company: Company | None = None,
        status: ProspectStatus | str = ProspectStatus.ACTIVE,
        reason: Reason | str | None = None,
        **attributes: Any,  # noqa: ANN401 - the event checks them
    ) -> Self:
        """
        Return a prospect that is taken over from elsewhere, without its history.

        Args:
            id: The host's id for it.
            person: Who, as far as known.
            company: For which company, as far as known.
            status: Where it stands.
            reason: Why it is disqualified: a code out of `DISQUALIFICATION_REASONS`, or the host's own `Reason`; None
                where that is not known.
            **attributes: Any other attribute of `ProspectImported` (engagements, touches, discovery, owner, account_id,
                created_at, ...), and `When`.

        Raises:
            InvalidError: Naming everything that is wrong.
        """
        return cls._taken_over(id, attributes, person=person, company=company, status=status, reason=reason)

    @property
    def is_converted(self) -> bool:
        """Whether it has a deal, or at least an account or a contact."""
        return bool(self.opportunity_ids or self.account_id or self.contact_id)

    def can_change(self) -> Allowance:
        """Whether something may be recorded: until it is merged or withdrawn."""
        match self.status:
            case ProspectStatus.MERGED:
                return Allowance((self._goes_on(),))
            case ProspectStatus.WITHDRAWN:
                return Allowance(("its conversion was undone",))
            case _:
                return ALLOWED

    def can_convert(self) -> Allowance:
        """Whether `leadflow.conversion.plan_conversion` can open a deal for it, evidence provided."""
        if self.status is ProspectStatus.DISQUALIFIED:
            return Allowance(("it is disqualified; reopen it first",))
        return self.can_change()

    @command
    def converted(
        self,
        *,
        evidence: Evidence,
        account_id: AccountId | None = None,
        contact_id: ContactId | None = None,
        opportunity_id: OpportunityId | None = None,
        override: str | None = None,
        another: str | None = None,
        wrote: Iterable[Wrote] = (),
        **when: Unpack[When],
    ) -> Self:
        """
        Record what came of it. Hosts call `leadflow.conversion.plan_conversion`, which makes everything.

        Raises:
            InvalidError: If nothing came of it, the opportunity is known already, or the evidence is about another
                record, or says no and nobody answers for setting it aside.
            NotAllowedError: If it is disqualified, merged or withdrawn.
        """
        self.require("convert", self.can_convert())
        again = opportunity_id is not None and opportunity_id in self.opportunity_ids
        event = built(
            "converted",
            lambda: ProspectConverted(
                account_id=account_id,
                contact_id=contact_id,
                opportunity_id=opportunity_id,
                evidence=evidence,
                override=override,
                another=another,
                wrote=wrote,
                **when,
            ),
            Problem("opportunity_id", f"must be new, got {opportunity_id!r} again") if again else None,
            *self._unfounded(evidence, override, when.get("by")),
        )
        return self._record(event)

    @command
    def lead_absorbed(self, merged_id: str, /, **gained: Any) -> Self:  # noqa: ANN401 - the event checks them
        """
        Record that another lead went into the lead that this prospect was: what it knew goes on here.

        Args:
            merged_id: The lead that ends.
            **gained: What the prospect has from it: any attribute of `LeadAbsorbed`, and `When`.

        Raises:
            InvalidError: Naming everything that is wrong.
            NotAllowedError: If the prospect was merged or withdrawn.
        """
        return self._absorb(LeadAbsorbed, merged_id, gained)

    def can_withdraw(self) -> Allowance:
        """Whether `withdraw` is possible now."""
        return self._may("withdraw")

    @command
    def withdraw(self, *, note: str = "", **when: Unpack[When]) -> Self:
        """
        Take it out because the qualification that made it is undone.

        Raises:
            NotAllowedError: If the lifecycle forbids it now.
        """
        self.require("withdraw", self.can_withdraw())
        return self._record(Withdrawn(note=note, **when))

    def _fold(self, event: ProspectEvent) -> Pursued:
        changes: _Changes
        match event:
            case ProspectOpened() | ProspectImported():
                return self._opened(event)  # type: ignore[no-any-return]
            case ProspectConverted():
                changes = {
                    "status": ProspectStatus.ACTIVE,
                    "account_id": event.account_id or self.account_id,
                    "contact_id": event.contact_id or self.contact_id,
                    "evidence": event.evidence,
                    "revisit_on": None,
                }
                if event.opportunity_id is not None:
                    changes["opportunity_ids"] = (*self.opportunity_ids, event.opportunity_id)
                    changes["discovery"] = NOTHING_LEARNT
            case Reopened():
                changes = {"status": ProspectStatus.ACTIVE, "reason": None, "revisit_on": None}
            case Nurtured():
                changes = {"status": ProspectStatus.NURTURING, "revisit_on": event.revisit_on}
            case Disqualified():
                changes = {"status": ProspectStatus.DISQUALIFIED, "reason": event.reason, "revisit_on": None}
            case Withdrawn():
                changes = {"status": ProspectStatus.WITHDRAWN, "revisit_on": None}
            case Merged():
                changes = {"status": ProspectStatus.MERGED, "merged_into": event.into}
            case LeadAbsorbed():
                return self._gained(event)  # type: ignore[return-value]  # Mergers is the part that these change
            case _:
                return self._related(event)  # type: ignore[return-value]  # Related is the part that these change
        return changes

    @property
    def _status(self) -> str:
        return self.status
