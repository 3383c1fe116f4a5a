"""What happens to people and companies: list entries, leads, prospects, accounts and contacts."""

from datetime import date

from attrs import field, frozen

from leadflow.assessment import Evidence
from leadflow.dealparts import ProductInterest, Reason, to_products
from leadflow.discovery import NOTHING_LEARNT, Discovery
from leadflow.engagement import Engagement, Touch
from leadflow.errors import Problem
from leadflow.events.base import Event, Opening, to_items
from leadflow.events.joint import Wrote, wrote_problems
from leadflow.events.shared import between_us, said
from leadflow.fields import NO_FIELDS, Fields, fields_problems, to_fields
from leadflow.ids import AccountId, ContactId, LeadId, ListEntryId, OpportunityId, ProspectId
from leadflow.lifecycle import LeadStatus, ProspectStatus
from leadflow.money import Money
from leadflow.party import Company, Consent, Person, to_consents
from leadflow.redaction import PERSONAL, PERSONAL_WORDS
from leadflow.validation import (
    code,
    coded,
    day,
    each,
    instance,
    member,
    optional,
    text,
    to_set,
    unique,
    when,
)

__all__ = [
    "AccountAdded",
    "AccountImported",
    "ContactAdded",
    "ContactImported",
    "EntryAdded",
    "EntryBecameLead",
    "EntryImported",
    "LeadCaptured",
    "LeadImported",
    "LeadQualified",
    "ProspectConverted",
    "ProspectImported",
    "ProspectOpened",
]

_Problems = tuple[Problem | None, ...]


@frozen(kw_only=True, eq=False, repr=False)
class _Record(Opening):
    """What the openings of all records about people and companies share."""

    source: str | None = None
    campaign: str | None = None
    owner: str | None = None
    tags: frozenset[str] = field(default=frozenset(), converter=to_set)
    fields: Fields = field(default=NO_FIELDS, converter=to_fields, metadata=PERSONAL)

    def _problems(self) -> _Problems:
        return (
            *super()._problems(),
            None if self.source is None else text("source", self.source),
            None if self.campaign is None else text("campaign", self.campaign),
            None if self.owner is None else code("owner", self.owner),
            *each("tags", self.tags, text),
            *fields_problems("fields", self.fields),
        )


@frozen(kw_only=True, eq=False, repr=False)
class _Party(_Record):
    """What the openings of list entries, leads and prospects share."""

    person: Person | None = None
    company: Company | None = None
    consents: tuple[Consent, ...] = field(default=(), converter=to_consents)

    def _problems(self) -> _Problems:
        return (
            None if self.person is None else instance("person", self.person, Person, "a Person"),
            None if self.company is None else instance("company", self.company, Company, "a Company"),
            *super()._problems(),
            *said(self, self.consents),
        )


@frozen(kw_only=True, eq=False, repr=False)
class EntryAdded(_Party):
    """A name and an address came onto a list."""


@frozen(kw_only=True, eq=False, repr=False)
class EntryImported(EntryAdded):
    """A list entry was taken over without its history, or its history was compacted."""

    engagements: tuple[Engagement, ...] = field(default=(), converter=to_items)
    touches: tuple[Touch, ...] = field(default=(), converter=to_items)
    discovery: Discovery = NOTHING_LEARNT
    lead_id: LeadId | None = None

    def _problems(self) -> _Problems:
        return (
            *super()._problems(),
            *between_us(self, self.engagements, self.touches, self.discovery),
            optional(code, "lead_id", self.lead_id),
        )


@frozen(kw_only=True, eq=False, repr=False)
class EntryBecameLead(Event):
    """They engaged of their own accord, and a lead was captured."""

    lead_id: LeadId

    def _problems(self) -> _Problems:
        return (code("lead_id", self.lead_id),)


@frozen(kw_only=True, eq=False, repr=False)
class _Selling(_Party):
    """What the openings of leads and prospects share."""

    estimated_value: Money | None = None
    product_interest: tuple[ProductInterest, ...] = field(default=(), converter=to_products)
    engagements: tuple[Engagement, ...] = field(default=(), converter=to_items)
    touches: tuple[Touch, ...] = field(default=(), converter=to_items)
    discovery: Discovery = NOTHING_LEARNT

    def _problems(self) -> _Problems:
        return (
            *super()._problems(),
            None if self.estimated_value is None else instance("estimated_value", self.estimated_value, Money, "Money"),
            *each(
                "product_interest",
                self.product_interest,
                instance,
                ProductInterest,
                "a ProductInterest or a product code",
            ),
            *between_us(self, self.engagements, self.touches, self.discovery),
        )


@frozen(kw_only=True, eq=False, repr=False)
class _Judged(_Selling):
    """What the openings share of records that a decision may have led to."""

    evidence: Evidence | None = None

    def _problems(self) -> _Problems:
        return (*super()._problems(), optional(instance, "evidence", self.evidence, Evidence, "Evidence"))


@frozen(kw_only=True, eq=False, repr=False)
class _TakenOver(_Judged):
    """What leads and prospects share that are taken over in the middle of their lives."""

    status: str
    reason: Reason | None = None
    revisit_on: date | None = None
    merged_into: str | None = None
    merged_ids: tuple[str, ...] = field(default=(), converter=to_items)

    def _problems(self) -> _Problems:
        # What was merged keeps what it had.
        no_reason = self.reason is not None and self.status not in ("disqualified", "merged")
        no_day = self.revisit_on is not None and self.status not in ("nurturing", "merged")
        unmerged = self.merged_into is not None and self.status != "merged"
        here = f"must be left out in status {str(self.status)!r}"
        return (
            *super()._problems(),
            optional(instance, "reason", self.reason, Reason, "a Reason or its code")
            or when(no_reason, "reason", f"{here}, got {self.reason!r}"),
            optional(day, "revisit_on", self.revisit_on)
            or when(no_day, "revisit_on", f"{here}, got {self.revisit_on!r}"),
            optional(code, "merged_into", self.merged_into)
            or when(unmerged, "merged_into", f"{here}, got {self.merged_into!r}"),
            *each("merged_ids", self.merged_ids, code),
        )


@frozen(kw_only=True, eq=False, repr=False)
class LeadCaptured(_Selling):
    """
    Somebody engaged of their own accord.

    Attributes:
        entry_id: The list entry they came from, if any.
    """

    entry_id: ListEntryId | None = None

    def _problems(self) -> _Problems:
        return (*super()._problems(), None if self.entry_id is None else code("entry_id", self.entry_id))


_to_lead_status = member(LeadStatus)


def _lead_status(value: LeadStatus | str) -> LeadStatus:
    return _to_lead_status(value)


@frozen(kw_only=True, eq=False, repr=False)
class LeadImported(_TakenOver):
    """A lead was taken over without its history, or its history was compacted."""

    status: LeadStatus = field(default=LeadStatus.NEW, converter=_lead_status)
    prospect_id: ProspectId | None = None
    entry_id: ListEntryId | None = None

    def _problems(self) -> _Problems:
        status: str = self.status
        qualified = status == LeadStatus.QUALIFIED
        rule = "must be given in status 'qualified'" if qualified else f"must be left out in status {str(status)!r}"
        return (
            *super()._problems(),
            coded("status", status, LeadStatus),
            optional(code, "prospect_id", self.prospect_id)
            or when(
                # One that was merged may have been qualified before.
                qualified == (self.prospect_id is None)
                and coded("", status, LeadStatus) is None
                and status != LeadStatus.MERGED,
                "prospect_id",
                f"{rule}, got {self.prospect_id!r}",
            ),
            optional(code, "entry_id", self.entry_id),
        )


@frozen(kw_only=True, eq=False, repr=False)
class LeadQualified(Event):
    """
    A lead was vetted as a fit and became a prospect.

    Attributes:
        prospect_id: The prospect it became.
        evidence: What the decision rests on.
        override: Why a verdict short of "qualified" was set aside; None where it was not.
    """

    prospect_id: ProspectId
    evidence: Evidence
    override: str | None = field(default=None, metadata=PERSONAL_WORDS)

    def _problems(self) -> _Problems:
        return (
            code("prospect_id", self.prospect_id),
            instance("evidence", self.evidence, Evidence, "Evidence"),
            optional(text, "override", self.override),
        )


@frozen(kw_only=True, eq=False, repr=False)
class ProspectOpened(_Judged):
    """
    A lead was accepted by sales.

    Attributes:
        lead_id: The lead it was; None where a host starts with prospects.
    """

    lead_id: LeadId | None = None

    def _problems(self) -> _Problems:
        return (*super()._problems(), optional(code, "lead_id", self.lead_id))


_to_prospect_status = member(ProspectStatus)


def _prospect_status(value: ProspectStatus | str) -> ProspectStatus:
    return _to_prospect_status(value)


@frozen(kw_only=True, eq=False, repr=False)
class ProspectImported(_TakenOver):
    """A prospect was taken over without its history, or its history was compacted."""

    status: ProspectStatus = field(default=ProspectStatus.ACTIVE, converter=_prospect_status)
    lead_id: LeadId | None = None
    account_id: AccountId | None = None
    contact_id: ContactId | None = None
    opportunity_ids: tuple[OpportunityId, ...] = field(default=(), converter=to_items)

    def _problems(self) -> _Problems:
        return (
            *super()._problems(),
            coded("status", self.status, ProspectStatus),
            optional(code, "lead_id", self.lead_id),
            optional(code, "account_id", self.account_id),
            optional(code, "contact_id", self.contact_id),
            *(ids := each("opportunity_ids", self.opportunity_ids, code)),
            None if any(ids) else unique("opportunity_ids", self.opportunity_ids),
        )


@frozen(kw_only=True, eq=False, repr=False)
class ProspectConverted(Event):
    """
    A deal was opened for a prospect (or an account and a contact without one).

    Attributes:
        account_id: The account, if any.
        contact_id: The contact, if any.
        opportunity_id: The deal, if any; discovery moved there, and the prospect's starts empty.
        evidence: What the decision rests on.
        override: Why a verdict short of "qualified" was set aside.
        another: Why a prospect with a deal got a further one.
        wrote: What was written elsewhere: the records that were made, and what was filled in where one was used.
    """

    account_id: AccountId | None = None
    contact_id: ContactId | None = None
    opportunity_id: OpportunityId | None = None
    evidence: Evidence
    override: str | None = field(default=None, metadata=PERSONAL_WORDS)
    another: str | None = field(default=None, metadata=PERSONAL_WORDS)
    wrote: tuple[Wrote, ...] = field(default=(), converter=to_items)

    def _problems(self) -> _Problems:
        made = (self.account_id, self.contact_id, self.opportunity_id)
        return (
            when(made == (None, None, None), "", "must name an account, a contact or an opportunity"),
            optional(code, "account_id", self.account_id),
            optional(code, "contact_id", self.contact_id),
            optional(code, "opportunity_id", self.opportunity_id),
            instance("evidence", self.evidence, Evidence, "Evidence"),
            optional(text, "override", self.override),
            optional(text, "another", self.another),
            *wrote_problems(self.wrote),
        )


@frozen(kw_only=True, eq=False, repr=False)
class AccountAdded(_Record):
    """A company (or, in B2C, a household) became one we deal with."""

    name: str = field(metadata=PERSONAL)
    company: Company | None = None

    def _problems(self) -> _Problems:
        return (
            text("name", self.name),
            optional(instance, "company", self.company, Company, "a Company"),
            *super()._problems(),
        )


@frozen(kw_only=True, eq=False, repr=False)
class AccountImported(AccountAdded):
    """An account was taken over without its history, or its history was compacted."""

    is_withdrawn: bool = False

    def _problems(self) -> _Problems:
        return (*super()._problems(), instance("is_withdrawn", self.is_withdrawn, bool, "True or False"))


@frozen(kw_only=True, eq=False, repr=False)
class ContactAdded(_Record):
    """A person became one we deal with."""

    person: Person
    account_id: AccountId | None = None
    consents: tuple[Consent, ...] = field(default=(), converter=to_consents)

    def _problems(self) -> _Problems:
        return (
            instance("person", self.person, Person, "a Person"),
            optional(code, "account_id", self.account_id),
            *super()._problems(),
            *said(self, self.consents),
        )


@frozen(kw_only=True, eq=False, repr=False)
class ContactImported(ContactAdded):
    """A contact was taken over without its history, or its history was compacted."""

    is_withdrawn: bool = False

    def _problems(self) -> _Problems:
        return (*super()._problems(), instance("is_withdrawn", self.is_withdrawn, bool, "True or False"))
