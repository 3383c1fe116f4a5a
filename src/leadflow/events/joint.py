"""
What steps leave that concern several records: merging two into one, and taking a step back.

Theory. A merge leaves `Merged` on the record that ends, a tombstone that names the survivor, and an `...Absorbed` on
the survivor: only what it gained, and which record each value came from. What is taken back leaves `Undone`, which
names versions of the same record: the events of these versions no longer count, everything else does. So an undone
step needs no event of its own kind and no copy of what was there before, whatever status that was: the history says.
"""

from collections.abc import Iterable
from datetime import date

from attrs import field, frozen
from attrs.converters import optional as unless_none

from leadflow.dealparts import (
    ContactRole,
    Milestone,
    NextStep,
    Objection,
    ProductInterest,
    Proposal,
    TeamMember,
    primary_problem,
    to_products,
)
from leadflow.discovery import NOTHING_LEARNT, Discovery
from leadflow.engagement import Engagement, Touch
from leadflow.errors import Problem
from leadflow.events.base import Event, to_items
from leadflow.events.dealopenings import recurring_problem
from leadflow.events.shared import between_us, said
from leadflow.fields import Fields, fields_problems, to_fields
from leadflow.ids import AccountId, ContactId, LeadId, OpportunityId
from leadflow.money import Money, Recurring
from leadflow.party import Company, Consent, Person, to_consents
from leadflow.redaction import PERSONAL
from leadflow.validation import (
    check,
    code,
    day,
    each,
    instance,
    optional,
    prose,
    text,
    to_set,
    to_tuple,
    unique,
    when,
    whole,
    words,
)

__all__ = [
    "LeadAbsorbed",
    "Merged",
    "OpportunityAbsorbed",
    "ProspectAbsorbed",
    "Provenance",
    "Undone",
    "Wrote",
    "wrote_problems",
]

_Problems = tuple[Problem | None, ...]


def _ids(values: Iterable[str]) -> tuple[str, ...]:
    return to_tuple(values)


def _versions(values: Iterable[int]) -> tuple[int, ...]:
    return to_tuple(values)


def _version_problems(path: str, versions: tuple[int, ...]) -> list[Problem | None]:
    strange = each(path, versions, whole, 1)
    return strange if any(strange) else [unique(path, versions)]


@frozen
class Wrote:
    """
    What a step wrote in another record.

    >>> Wrote("A-1", (1,)).is_new, Wrote("C-1", (4, 5)).is_new
    (True, False)

    Attributes:
        id: The record.
        versions: Its versions that the step made: from 1 on where the step made the record, none where the step used it
            as it was.
    """

    id: str
    versions: tuple[int, ...] = field(default=(), converter=_versions)

    def __attrs_post_init__(self) -> None:
        check("Wrote", code("id", self.id), *_version_problems("versions", self.versions))

    @property
    def is_new(self) -> bool:
        """Whether the step made the record."""
        return self.versions[:1] == (1,)


def wrote_problems(wrote: object) -> list[Problem | None]:
    """Say what is wrong with what an event says that its step wrote elsewhere."""
    return each("wrote", wrote, instance, Wrote, "a Wrote")


@frozen
class Provenance:
    """
    Which records a value of a merged record came from.

    Attributes:
        path: The value, e.g. ``person.email`` or ``tags``.
        ids: The records that had it, or a part of it, the survivor first.
    """

    path: str
    ids: tuple[str, ...] = field(converter=_ids)

    def __attrs_post_init__(self) -> None:
        check("Provenance", text("path", self.path), *each("ids", self.ids, code))

    def __str__(self) -> str:
        return f"{self.path} of {', '.join(map(repr, self.ids))}"


@frozen(kw_only=True, eq=False, repr=False)
class Merged(Event):
    """
    Another record of the kind goes on for this one: what is left is a tombstone.

    Attributes:
        into: The record that goes on.
    """

    into: str

    def _problems(self) -> _Problems:
        return (code("into", self.into),)


@frozen(kw_only=True, eq=False, repr=False)
class _Absorbed(Event):
    """
    A record of the kind was merged into this one.

    Attributes:
        merged_id: The record that ended.
        provenance: Which records the values came from that this one has now.
        wrote: What the merge wrote beyond the two records.
        engagements: Those that came along; so are touches and consents. Of all other attributes, those that are not
            None are the new values.
    """

    merged_id: str
    provenance: tuple[Provenance, ...] = field(default=(), converter=to_items)
    wrote: tuple[Wrote, ...] = field(default=(), converter=to_items)
    engagements: tuple[Engagement, ...] = field(default=(), converter=to_items)
    touches: tuple[Touch, ...] = field(default=(), converter=to_items)
    consents: tuple[Consent, ...] = field(default=(), converter=to_consents)
    owner: str | None = None
    source: str | None = None
    campaign: str | None = None
    product_interest: tuple[ProductInterest, ...] | None = field(default=None, converter=unless_none(to_products))
    discovery: Discovery | None = None
    tags: frozenset[str] | None = field(default=None, converter=unless_none(to_set))
    fields: Fields | None = field(default=None, converter=unless_none(to_fields), metadata=PERSONAL)

    def _problems(self) -> _Problems:
        learnt = self.discovery
        return (
            code("merged_id", self.merged_id),
            *each("provenance", self.provenance, instance, Provenance, "a Provenance"),
            *wrote_problems(self.wrote),
            *between_us(self, self.engagements, self.touches, NOTHING_LEARNT if learnt is None else learnt),
            *said(self, self.consents),
            optional(code, "owner", self.owner),
            optional(text, "source", self.source),
            optional(text, "campaign", self.campaign),
            *_each(
                "product_interest",
                self.product_interest,
                instance,
                ProductInterest,
                "a ProductInterest or a product code",
            ),
            *_each("tags", self.tags, text),
            *(() if self.fields is None else fields_problems("fields", self.fields)),
        )


def _each(path: str, values: object, *rule: object) -> list[Problem | None]:
    return [] if values is None else each(path, values, *rule)  # type: ignore[arg-type]  # what `each` takes


@frozen(kw_only=True, eq=False, repr=False)
class LeadAbsorbed(_Absorbed):
    """Another lead was merged into this one, or into the lead that this prospect was."""

    person: Person | None = None
    company: Company | None = None
    estimated_value: Money | None = None

    def _problems(self) -> _Problems:
        return (
            *super()._problems(),
            optional(instance, "person", self.person, Person, "a Person"),
            optional(instance, "company", self.company, Company, "a Company"),
            optional(instance, "estimated_value", self.estimated_value, Money, "Money"),
        )


@frozen(kw_only=True, eq=False, repr=False)
class ProspectAbsorbed(LeadAbsorbed):
    """Another prospect was merged into this one."""

    lead_id: LeadId | None = None
    account_id: AccountId | None = None
    contact_id: ContactId | None = None
    opportunity_ids: tuple[OpportunityId, ...] | None = field(default=None, converter=unless_none(to_items))

    def _problems(self) -> _Problems:
        return (
            *super()._problems(),
            optional(code, "lead_id", self.lead_id),
            optional(code, "account_id", self.account_id),
            optional(code, "contact_id", self.contact_id),
            *(ids := _each("opportunity_ids", self.opportunity_ids, code)),
            None if self.opportunity_ids is None or any(ids) else unique("opportunity_ids", self.opportunity_ids),
        )


@frozen(kw_only=True, eq=False, repr=False)
class OpportunityAbsorbed(_Absorbed):
    """Another record of the same deal was merged into this one."""

    account_id: AccountId | None = None
    amount: Money | None = None
    recurring: Recurring | None = None
    expected_close: date | None = None
    needs: tuple[str, ...] | None = field(default=None, converter=unless_none(to_items), metadata=PERSONAL)
    competitors: tuple[str, ...] | None = field(default=None, converter=unless_none(to_items))
    team: tuple[TeamMember, ...] | None = field(default=None, converter=unless_none(to_items))
    contact_roles: tuple[ContactRole, ...] | None = field(default=None, converter=unless_none(to_items))
    proposals: tuple[Proposal, ...] | None = field(default=None, converter=unless_none(to_items))
    milestones: tuple[Milestone, ...] | None = field(default=None, converter=unless_none(to_items))
    objections: tuple[Objection, ...] | None = field(default=None, converter=unless_none(to_items))
    next_step: NextStep | None = None

    def _problems(self) -> _Problems:
        roles = _each("contact_roles", self.contact_roles, instance, ContactRole, "a ContactRole")
        return (
            *super()._problems(),
            optional(code, "account_id", self.account_id),
            optional(instance, "amount", self.amount, Money, "Money"),
            recurring_problem(self.amount, self.recurring),
            optional(day, "expected_close", self.expected_close),
            *_each("needs", self.needs, words),
            *_each("competitors", self.competitors, text),
            *_each("team", self.team, instance, TeamMember, "a TeamMember"),
            *roles,
            None if self.contact_roles is None or any(roles) else primary_problem("contact_roles", self.contact_roles),
            *_each("proposals", self.proposals, instance, Proposal, "a Proposal"),
            *_each("milestones", self.milestones, instance, Milestone, "a Milestone"),
            *_each("objections", self.objections, instance, Objection, "an Objection"),
            optional(instance, "next_step", self.next_step, NextStep, "a NextStep"),
        )


@frozen(kw_only=True, eq=False, repr=False)
class Undone(Event):
    """
    A step was taken back: what happened in these versions of the record no longer counts, everything else does.

    Attributes:
        versions: The record's versions whose events no longer count, as an outbox numbers them.
        note: Why, in words.
    """

    versions: tuple[int, ...] = field(converter=_versions)
    note: str = field(default="", metadata=PERSONAL)

    def _problems(self) -> _Problems:
        return (
            when(self.versions == (), "versions", "must name at least one, got ()"),
            *_version_problems("versions", self.versions),
            prose("note", self.note),
        )
