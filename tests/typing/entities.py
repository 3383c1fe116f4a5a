"""
What a type checker sees of the entities: read by mypy, never run.

The point of different classes for lead, prospect and opportunity is that a function can ask for the one it is legal
for; here that is tried. See `values.py` for how deliberate mistakes are kept honest.
"""

from datetime import datetime
from typing import assert_type

from leadflow.account import Account
from leadflow.contact import Contact
from leadflow.discovery import Discovery
from leadflow.engagement import Engagement, Touch
from leadflow.events import When
from leadflow.ids import AccountId, ContactId, LeadId, ListEntryId, OpportunityId, ProspectId
from leadflow.lead import Lead
from leadflow.lifecycle import LeadStatus, ProspectStatus
from leadflow.listentry import ListEntry
from leadflow.money import Money
from leadflow.party import Company, Person
from leadflow.prospect import Prospect


def creation_gives_typed_ids(person: Person, engagement: Engagement, now: When) -> None:
    """An id goes in as plain text and comes out as the id of that kind of record."""
    lead = Lead.capture("L-1", person=person, engagement=engagement, source="website", **now)
    assert_type(lead, Lead)
    assert_type(lead.id, LeadId)
    entry = ListEntry.add("N-1", person=person, source="fair", **now)
    assert_type(entry, ListEntry)
    assert_type(entry.id, ListEntryId)
    assert_type(Prospect.imported("P-1", person=person, **now), Prospect)


def creation_needs_its_time(person: Person, engagement: Engagement, at: datetime) -> None:
    """There is no clock to fall back on: `at` is required, by keyword, and is a datetime."""
    Lead.capture("L-1", person=person, engagement=engagement, at=at)
    Lead.capture("L-1", person=person, engagement=engagement)  # type: ignore[call-arg]
    Lead.capture("L-1", person=person, engagement=engagement, at="2026-03-02")  # type: ignore[arg-type]
    Lead.capture("L-1", person=person, at=at)  # type: ignore[call-arg]


def commands_give_the_same_type(
    lead: Lead, prospect: Prospect, engagement: Engagement, touch: Touch, now: When
) -> None:
    """A command returns a record of the type it was called on, ready for the next."""
    assert_type(lead.engage(engagement, **now), Lead)
    assert_type(lead.touch(touch, **now), Lead)
    assert_type(lead.assign("ada", **now), Lead)
    assert_type(lead.disqualify("no_fit", **now), Lead)
    assert_type(prospect.discover(budget=Money("48000", "EUR"), need="late deliveries", **now), Prospect)
    assert_type(prospect.nurture(**now).reopen(**now), Prospect)
    lead.engage(touch, **now)  # type: ignore[arg-type]
    lead.touch(engagement, **now)  # type: ignore[arg-type]
    lead.disqualify(**now)  # type: ignore[call-arg]
    prospect.discover(budget=48_000.0, **now)  # type: ignore[arg-type]


def the_past_may_not_exist(lead: Lead, at: datetime) -> None:
    """Before its first event there was no record, so `as_of` may give None; `compacted` never does."""
    assert_type(lead.as_of(at), Lead | None)
    assert_type(lead.compacted(), Lead)
    lead.as_of(at).assign("ada", at=at)  # type: ignore[union-attr]


def state_is_read_only(lead: Lead, prospect: Prospect) -> None:
    """State is there to be read; it changes by commands only."""
    assert_type(lead.status, LeadStatus)
    assert_type(lead.person, Person | None)
    assert_type(lead.company, Company | None)
    assert_type(lead.discovery, Discovery)
    assert_type(lead.engagements, tuple[Engagement, ...])
    assert_type(lead.prospect_id, ProspectId | None)
    assert_type(lead.version, int)
    assert_type(lead.created_at, datetime)
    assert_type(lead.updated_at, datetime)
    assert_type(prospect.status, ProspectStatus)
    assert_type(prospect.opportunity_ids, tuple[OpportunityId, ...])
    lead.status = LeadStatus.QUALIFIED  # type: ignore[misc]
    lead.person.name  # type: ignore[union-attr]


def each_stage_is_a_type_of_its_own(lead: Lead, prospect: Prospect) -> None:
    """A lead is no prospect and a prospect no lead, whatever they share."""

    def accept(prospect: Prospect) -> Prospect:
        return prospect

    accept(prospect)
    accept(lead)  # type: ignore[arg-type]
    lead.opportunity_ids  # type: ignore[attr-defined]


def thin_entities(account: Account, contact: Contact, company: Company, person: Person, now: When) -> None:
    """Accounts and contacts have typed ids too, and change by commands."""
    assert_type(account.id, AccountId)
    assert_type(contact.id, ContactId)
    assert_type(contact.account_id, AccountId | None)
    assert_type(account.assign("ada", **now), Account)
    assert_type(contact.correct(person=person, **now), Contact)
    account.correct(person=person, **now)  # type: ignore[call-arg]
    contact.correct(company=company, **now)  # type: ignore[call-arg]
