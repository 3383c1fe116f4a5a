"""
Records that are hard to store: every kind of event, every kind of custom field, and texts that trip databases up.

Each function returns records; together, the histories of `eventful` hold every kind of event that there is (a test sees
to that). Texts hold what breaks where somebody forgot: quotes, markup, letters of four bytes, letters written in two
ways, right-to-left marks, and as many characters as a field may have.
"""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

from leadflow.account import Account
from leadflow.contact import Contact
from leadflow.dealparts import (
    ContactRole,
    Milestone,
    NextStep,
    Objection,
    Origin,
    ProductInterest,
    Proposal,
    TeamMember,
)
from leadflow.discovery import Learned
from leadflow.engagement import Engagement, Touch
from leadflow.events import ProspectOpened
from leadflow.events.joint import Provenance, Wrote
from leadflow.fields import Fields
from leadflow.ids import AccountId, ContactId, LeadId, OpportunityId, ProspectId
from leadflow.lead import Lead
from leadflow.listentry import ListEntry
from leadflow.money import Money, Recurring
from leadflow.opportunity import Opportunity
from leadflow.party import Company, Consent, Person
from leadflow.pipelines import SIMPLE
from leadflow.prospect import Prospect
from leadflow.stores import Record
from leadflow.testing.builders import (
    MONDAY,
    PIPELINES,
    a_contact,
    a_lead,
    a_list_entry,
    a_person,
    a_prospect,
    an_account,
    an_evidence,
    an_opportunity,
    when,
)

__all__ = ["FIELDS", "LONG", "MOMENTS", "TEXTS", "eventful", "one_of_each"]

TEXTS: Final = (
    "Robert'); DROP TABLE lead;--",
    '<script>alert("x")</script> & Söhne',
    "smile \N{GRINNING FACE} \N{FAMILY}\N{ZERO WIDTH JOINER}\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}",
    "e\N{COMBINING ACUTE ACCENT} is not \N{LATIN SMALL LETTER E WITH ACUTE}",
    "\N{HEBREW LETTER ALEF}\N{RIGHT-TO-LEFT MARK} 100% _ \\ \\n {} %s $1 ?",
    "null",
)
LONG: Final = "äöü\N{GRINNING FACE} 0123456789 " * 6_000
"""Longer than a database's short text (64 KB); in UTF-8 it has 132,000 bytes."""

FIELDS: Final = Fields(
    {
        "bool": True,
        "int": 1,
        "big": 12_345_678_901_234_567_890,
        "float": 0.1 + 0.2,
        "whole_float": 2.0,
        "str": TEXTS[2],
        "empty": "",
        "decimal": Decimal("1.50"),
        "small": Decimal("-0.000000001"),
        "date": date(2024, 2, 29),
        "datetime": datetime(2026, 3, 29, 1, 30, 0, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        "timedelta": timedelta(days=-1, microseconds=1),
        "money": Money("48000.50", "EUR"),
        "list": ("b", "a", "b"),
        "none": (),
        "set": frozenset({"x", "y"}),
        "Case": "upper",
        "case": "lower",
    }
)
"""A custom field of each type, and what is easily taken for something else."""

MOMENTS: Final = tuple(
    datetime(2026, 3, 29, 2, 30, 0, 123_456, tzinfo=timezone(offset))
    for offset in (timedelta(hours=5, minutes=45), timedelta(hours=-3, minutes=-30), timedelta(hours=14), timedelta(0))
)
"""Times with microseconds, and with offsets of hours and minutes."""


def one_of_each() -> tuple[Record, ...]:
    """Return a new record of each kind."""
    return an_account(), a_contact(), an_opportunity(), a_prospect(), a_lead(), a_list_entry()


def eventful() -> tuple[Record, ...]:
    """Return records whose histories hold every kind of event, each with something in every attribute."""
    return (*_accounts(), *_contacts(), *_entries(), *_leads(), *_prospects(), *_deals(), *_merged())


def _consent(*, granted: bool = True) -> Consent:
    return Consent("email", purpose="marketing", granted=granted, at=MONDAY, source="form", basis="consent")


def _engagement() -> Engagement:
    return Engagement(
        "form",
        at=MONDAY - timedelta(days=90, microseconds=1),
        channel="web",
        campaign="spring",
        subject=TEXTS[0],
        value=Money("10.00", "EUR"),
        note=f"{TEXTS[1]}\n{TEXTS[2]}",
        fields=FIELDS,
    )


def _touch(kind: str = "call") -> Touch:
    return Touch(kind, at=MONDAY - timedelta(hours=1), outcome="held", subject=TEXTS[4], note=TEXTS[3])


def _party() -> dict[str, Any]:
    person = Person(
        TEXTS[2],
        email="Mara.O'Kafor+leads@Northwind.example",
        phone="+49 (0)30 1234567",
        handle="@mara",
        job_title=TEXTS[1],
        seniority="c_level",
        department=TEXTS[3],
        country="DE",
        language="de",
    )
    company = Company(
        TEXTS[0],
        domain="northwind.example",
        industry=TEXTS[1],
        employees=0,
        revenue=Money("0.00", "EUR"),
        country="DE",
        region="BE",
        city="Berlin",
        email="office@northwind.example",
        phone="+49 30 7654321",
        technologies={"python", "c#"},
    )
    return {"person": person, "company": company}


def _accounts() -> tuple[Account, ...]:
    one = an_account("A-1", TEXTS[0], company=_party()["company"], source="fair", tags=["b", "a"], fields=FIELDS)
    one = one.assign("bob", **when(1)).assign(None, **when(2)).correct(name=TEXTS[1], tags=["c"], **when(3))
    one = one.correct(clear=["company", "source"], note=TEXTS[2], **when(4))
    gone = Account.imported("A-2", TEXTS[2], created_at=MONDAY - timedelta(days=400), owner="eve", **when())
    return one, gone.redact(reason="GDPR Art. 17", **when(1)).withdraw(note=TEXTS[3], **when(2))


def _contacts() -> tuple[Contact, ...]:
    party = _party()
    one = a_contact("C-1", person=party["person"], source="fair", consents=[_consent()], fields=FIELDS)
    one = one.record_consent(_consent(granted=False), **when(1)).correct(person=a_person(), **when(2))
    gone = Contact.imported("C-2", a_person(email=None, phone=None), account_id=None, **when(0, by=None))
    return one, gone.withdraw(**when(1))


def _entries() -> tuple[ListEntry, ...]:
    entry = ListEntry.imported("N-1", **_party(), source="list", consents=[_consent()], fields=FIELDS, **when())
    entry = entry.touch(_touch("email"), **when(1)).engage(_engagement(), **when(2)).became("L-1", **when(3))
    return entry, a_list_entry("N-2", **_party(), consents=[_consent()], tags=["a"], fields=FIELDS)


def _leads() -> tuple[Lead, ...]:
    new = a_lead(
        "L-1",
        **_party(),
        campaign="spring",
        owner="ada",
        estimated_value=Money("48000.50", "EUR"),
        product_interest=[ProductInterest("router", quantity=3, note=TEXTS[0]), "switch"],
        consents=[_consent()],
        tags=["warm"],
        fields=FIELDS,
        entry=a_list_entry("N-3"),
    )
    worked = new.touch(_touch(), **when(1)).nurture(revisit_on=date(2026, 4, 1), note=TEXTS[2], **when(2))
    learnt = worked.discover(
        budget=Money("48000.50", "EUR"),
        authority=Learned("aware", evidence=TEXTS[1], source=TEXTS[2], at=MOMENTS[0] - timedelta(days=60)),
        timeline=date(2026, 6, 30),
        need=TEXTS[3],
        ratings={"champion": "strong"},
        **when(3),
    )
    refused = learnt.disqualify("other", note=TEXTS[4], **when(4)).reopen(note=TEXTS[5], **when(5))
    done = refused.qualified(
        prospect_id=ProspectId("P-1"), evidence=an_evidence(refused, at=MONDAY + timedelta(days=6)), **when(6)
    )
    imported = Lead.imported("L-2", **_party(), status="disqualified", reason="poor_fit", **when())
    return done, imported


def _prospects() -> tuple[Prospect, ...]:
    one = a_prospect("P-1", **_party(), lead_id="L-1", engagements=[_engagement()], touches=[_touch()])
    one = one.converted(
        evidence=an_evidence(one, "not_qualified", at=MONDAY + timedelta(days=1)),
        account_id=AccountId("A-1"),
        contact_id=ContactId("C-1"),
        opportunity_id=OpportunityId("O-1"),
        override=TEXTS[0],
        **when(1),
    )
    opened = ProspectOpened(**_party(), lead_id=LeadId("L-1"), evidence=an_evidence(a_lead(), at=MONDAY), **when())
    return one, a_prospect("P-2").withdraw(note=TEXTS[1], **when(1)), Prospect(ProspectId("P-3"), [opened])


def _deals() -> tuple[Opportunity, ...]:
    deal = an_opportunity(
        "O-1",
        TEXTS[2],
        amount=Recurring(Money("100.00", "EUR"), 1, 12),
        type="expansion",
        needs=[TEXTS[0], TEXTS[1]],
        objections=[Objection(TEXTS[2])],
        competitors=["Acme"],
        team=[TeamMember("bob", "engineer")],
        contact_roles=[ContactRole(ContactId("C-1"), "decision_maker", primary=True)],
        product_interest=[ProductInterest("router", quantity=3)],
        engagements=[_engagement()],
        fields=FIELDS,
    )
    deal = deal.add_role("C-2", "champion", **when(1)).remove_role("C-2", **when(1))
    deal = deal.propose(Proposal("Q-1", amount=Money("1200.00", "EUR"), valid_until=date(2026, 5, 1)), **when(2))
    deal = deal.add_milestone(Milestone("trial", TEXTS[3], side="theirs", due=date(2026, 4, 1)), **when(2))
    deal = deal.add_milestone(Milestone("legal", TEXTS[4]), **when(2)).complete_milestone("trial", **when(3))
    deal = deal.drop_milestone("legal", **when(3)).set_next_step(TEXTS[5], due=date(2026, 3, 9), **when(3))
    deal = (
        deal.raise_objection(TEXTS[0], **when(4)).answer_objection(TEXTS[0], **when(4)).review(note=TEXTS[1], **when(5))
    )
    deal = deal.set_amount(Money("1200.00", "EUR"), **when(5)).set_expected_close(date(2026, 7, 1), **when(5))
    deal = deal.adopt(PIPELINES[1], **when(6)).move_to("proposal", **when(7)).set_probability(0.1 + 0.2, **when(8))
    deal = deal.call("commit", pinned=True, **when(8)).lose("price", note=TEXTS[2], **when(9))
    deal = deal.reopen(note=TEXTS[3], **when(10)).win(Money("1300.00", "EUR"), **when(11))
    return deal, _opened_and_withdrawn(), _judged()


def _merged() -> tuple[Record, ...]:
    gained = {
        "provenance": [Provenance("person.phone", ("L-8", "L-9"))],
        "wrote": [Wrote("C-1", (2, 3)), Wrote("O-1", (1,))],
        "engagements": [_engagement()],
        "touches": [_touch()],
        "consents": [_consent(granted=False)],
        "source": TEXTS[1],
        "tags": ["b", "a"],
        "fields": FIELDS,
    }
    return (
        a_lead("L-8").absorbed("L-9", **gained, **_party(), **when(1)).undone(2, note=TEXTS[2], **when(2)),
        a_lead("L-9").merged(into="L-8", **when(1)),
        a_prospect("P-8").absorbed("P-9", **gained, opportunity_ids=["O-1"], **when(1)),
        an_opportunity("O-8").absorbed("O-9", **gained, needs=[TEXTS[0]], next_step=NextStep(TEXTS[3]), **when(1)),
    )


def _opened_and_withdrawn() -> Opportunity:
    lost = Opportunity.imported(
        "O-2",
        TEXTS[1],
        pipeline=SIMPLE,
        origin=Origin.from_campaign("spring"),
        stage="lost",
        reason="price",
        closed_at=MOMENTS[1] - timedelta(days=60),
        created_at=MOMENTS[2] - timedelta(days=400),
        **when(),
    )
    return lost.withdraw(note=TEXTS[0], **when(1))


def _judged() -> Opportunity:
    late = when(0, by=None)
    late["recorded_at"] = MONDAY + timedelta(days=1, microseconds=1)
    return an_opportunity("O-3", account_id=None, **late).touch(_touch("meeting"), **when(2))
