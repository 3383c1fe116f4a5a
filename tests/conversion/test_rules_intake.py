"""Rule 23: a row of a form or file becomes a lead, something on somebody known, a list entry, or a refusal."""

import asyncio
import csv
import io
import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import (
    Company,
    Consent,
    Engagement,
    InvalidError,
    InvalidTypeError,
    KeyConflictError,
    Lead,
    ListEntry,
    Money,
    Opportunity,
    Person,
    Proactive,
    Prospect,
    Touch,
)
from leadflow.conversion import (
    Applied,
    AsyncConversionService,
    Codes,
    Column,
    ConversionSettings,
    Create,
    Day,
    DealTerms,
    Failed,
    Instant,
    IntakeForm,
    IntakeOutcome,
    IntakePlan,
    Integer,
    Number,
    Owners,
    Refusal,
    Text,
    UseExisting,
    Words,
    YesNo,
    intake,
    row_key,
)
from leadflow.conversion.intakereaders import Unreadable, read_cell
from leadflow.stores import AsyncInMemoryStore, ChangeSet, InMemoryStore, MatchAppeared

FORM = IntakeForm(
    "website form",
    {
        "E-Mail": "person.email",
        "Vorname": "person.given_name",
        "Nachname": "person.family_name",
        "Telefon": "person.phone",
        "Firma": "company.name",
        "Mitarbeiter": ("company.employees", Integer(thousands=".")),
        "Umsatz": ("company.revenue", Number(decimal=",", thousands=".")),
        "Was": ("engagement.kind", Codes({"Vorführung": "demo_request", "Rundbrief": "subscription"})),
        "Wann": ("engagement.at", Instant("%d.%m.%Y %H:%M", zone=UTC)),
        "Text": "engagement.note",
        "Werbung": ("consent.email.marketing", YesNo(yes=["ja"], no=["nein"])),
        "Produkte": ("product_interest", Words(separator=";")),
        "Etiketten": "tags",
        "Budget": ("discovery.budget", Number(decimal=",", thousands=".")),
        "Bedarf": "discovery.need",
        "Bis": ("discovery.timeline", Day("%d.%m.%Y")),
        "Wert": "estimated_value",
        "Tarif": "fields.plan",
        "Seite": "engagement.fields.page",
        "Kampagne": "campaign",
        "Quelle": "source",
        "Wer": "owner",
    },
    defaults={"currency": "EUR"},
    ignored={"token"},
)
MARA = {"E-Mail": "mara@northwind.example", "Vorname": "Mara", "Nachname": "Okafor", "Firma": "Northwind"}
DEMO = {**MARA, "Was": "Vorführung"}
NEWS = {**MARA, "Was": "Rundbrief"}


def take(shop, row, *known, **more) -> Any:
    given_ = {"form": FORM, "lead": Create("L-new"), "entry": Create("E-new"), **shop.later}
    return intake(row, known=known, **(given_ | more))


def taken(shop, row, *known, **more) -> IntakePlan:
    plan = take(shop, row, *known, **more)
    assert isinstance(plan, IntakePlan), plan
    return plan


def kinds(record):
    return [type(event).__name__ for event in record.history]


def left(plan):
    return {unmapped.path: unmapped.why for unmapped in plan.unmapped}


def entry(shop, id_="E-1", **changes):
    given_ = {"person": shop.person, "source": "trade fair", **shop.now}
    return ListEntry.add(id_, **(given_ | changes))


def chain(shop, **terms):
    """A lead, its prospect, and what the prospect was converted to."""
    lead = shop.lead()
    first = shop.qualification(lead)
    second = shop.planned(first.prospect, **terms)
    return first.lead, second.prospect, second.account, second.contact, second.opportunity


class TestRule23WhatBecomesOfARow:
    """The table of `leadflow.conversion.intaking`, line by line."""

    def test_unknown_and_engaged(self, shop):
        """A new lead, with everything that the row says."""
        row = {
            **DEMO,
            "Telefon": "+49 30 1234567",
            "Mitarbeiter": "1.250",
            "Umsatz": "3.000.000,50",
            "Wann": "01.03.2026 08:15",
            "Text": "<b>Hallo</b>'; DROP TABLE leads;--",
            "Werbung": "JA",
            "Produkte": "router; switch",
            "Etiketten": "fair,warm",
            "Budget": "48.000",
            "Bedarf": "late deliveries",
            "Bis": "30.06.2026",
            "Wert": "50000.00",
            "Tarif": "gold",
            "Seite": "/pricing",
            "Kampagne": "spring",
            "Quelle": "website",
            "Wer": "ada",
            "token": "abc",
            "utm": "x",
        }
        plan = taken(shop, row)
        lead = plan.record
        assert plan.outcome is IntakeOutcome.NEW_LEAD
        assert lead.id == "L-new"
        assert lead.person == Person("Mara Okafor", email="mara@northwind.example", phone="+49 30 1234567")
        assert lead.company == Company("Northwind", employees=1250, revenue=Money("3000000.50", "EUR"))
        (said,) = lead.engagements
        assert (said.kind, said.at, said.campaign) == (
            "demo_request",
            datetime(2026, 3, 1, 8, 15, tzinfo=UTC),
            "spring",
        )
        assert (said.note, dict(said.fields)) == ("<b>Hallo</b>'; DROP TABLE leads;--", {"page": "/pricing"})
        assert lead.consents == (
            Consent("email", purpose="marketing", granted=True, at=said.at, source="website form"),
        )
        assert [interest.product for interest in lead.product_interest] == ["router", "switch"]
        assert (lead.tags, dict(lead.fields)) == ({"fair", "warm"}, {"plan": "gold"})
        assert lead.estimated_value == Money("50000.00", "EUR")
        assert lead.discovery.budget.value == Money("48000", "EUR")
        assert (lead.discovery.need.value, lead.discovery.timeline.value) == ("late deliveries", date(2026, 6, 30))
        assert (lead.source, lead.campaign, lead.owner) == ("website", "spring", "ada")
        assert left(plan) == {"utm": "form 'website form' declares no such column"}
        assert {str(key) for key in plan.changes.absent} == {
            f"{kind}:email:mara@northwind.example" for kind in ("contact", "lead", "list entry", "prospect")
        }
        assert "new lead, since nobody known is the same person" in str(plan)
        assert plan.to_rows()[0]["step"] == "create"
        assert pickle.loads(pickle.dumps(plan)) == plan

    @pytest.mark.parametrize("row", [NEWS, MARA])
    def test_unknown_and_not_engaged(self, shop, row):
        """A list entry, with what they did; its source is the form for want of one."""
        plan = taken(shop, {**row, "Bedarf": "speed"})
        assert (plan.outcome, plan.record.id, plan.record.source) == ("list_entry", "E-new", "website form")
        assert [said.kind for said in plan.record.engagements] == (["subscription"] if "Was" in row else [])
        assert plan.record.discovery.need.value == "speed"
        assert "source = website form (the form's name)" in map(str, plan.defaults)
        assert taken(shop, {**row, "Quelle": "fair"}).record.source == "fair"

    def test_which_kinds_count_is_configurable(self, shop):
        """By the same presets as `Lead.capture`."""
        settings = ConversionSettings(proactive=Proactive.STANDARD.but("subscription"))
        assert taken(shop, NEWS, settings=settings).outcome is IntakeOutcome.NEW_LEAD

    def test_a_list_entry_that_engages(self, shop):
        """Becomes a lead with its history; both are written."""
        known = entry(
            shop, consents=[Consent("phone", granted=False, at=shop.at)], company=Company("Northwind", country="DE")
        )
        known = known.touch(Touch("call", at=shop.at), **shop.now).engage(
            Engagement("subscription", at=shop.at), **shop.now
        )
        plan = taken(shop, DEMO, known)
        lead = plan.record
        assert (plan.outcome, lead.entry_id, lead.touches) == ("new_lead", "E-1", known.touches)
        assert [said.kind for said in lead.engagements] == ["subscription", "demo_request"]
        assert lead.may_contact("phone") is False
        assert lead.person.phone == shop.person.phone
        assert lead.company.country == "DE"
        assert [write.after.id for write in plan.changes.writes] == ["L-new", "E-1"]
        assert plan.changes.writes[1].after.lead_id == "L-new"
        assert "they were list entry 'E-1'" in plan.why
        assert "list entry" not in {key.finds for key in plan.changes.absent}

    def test_a_list_entry_that_does_not(self, shop):
        """What they did is kept there; nothing new is refused."""
        plan = taken(shop, NEWS, entry(shop))
        assert (plan.outcome, plan.record.id) == ("list_entry", "E-1")
        assert [said.kind for said in plan.record.engagements] == ["subscription"]
        refusal = take(shop, MARA, entry(shop, company=Company("Northwind")))
        assert refusal.codes == {"duplicate"}
        assert refusal.reasons[0].ids == ("E-1",)

    @pytest.mark.parametrize("row", [DEMO, NEWS])
    def test_a_lead(self, shop, row):
        """Engages again; it is no new lead."""
        plan = taken(shop, {**row, "Kampagne": "autumn"}, shop.lead())
        assert (plan.outcome, plan.record.id, len(plan.record.engagements)) == ("existing", "L-1", 2)
        assert plan.record.campaign is None
        assert plan.why == "the person is known as lead 'L-1'"
        assert plan.changes.absent == ()

    @pytest.mark.parametrize(("row", "status"), [(DEMO, "working"), (NEWS, "nurturing")])
    def test_a_nurturing_lead(self, shop, row, status):
        """Is taken up again by what counts as engaging, and by nothing else."""
        lead = shop.lead().nurture(revisit_on=date(2026, 9, 1), **shop.now)
        plan = taken(shop, row, lead)
        assert plan.record.status == status
        assert ("taken up again" in plan.why) == (status == "working")
        kept = taken(shop, row, lead, settings=ConversionSettings(reopens=()))
        assert kept.record.status == "nurturing"

    def test_a_nurturing_prospect(self, shop):
        """The same."""
        prospect = shop.prospect().nurture(**shop.later)
        assert taken(shop, DEMO, prospect).record.status == "active"

    def test_a_disqualified_lead(self, shop):
        """Stays so, with a warning; unless the settings reopen it."""
        lead = shop.lead().disqualify("competitor", **shop.now)
        plan = taken(shop, DEMO, lead)
        assert (plan.record.status, len(plan.record.engagements)) == ("disqualified", 2)
        assert [(reason.code, reason.ids) for reason in plan.warnings] == [("disqualified", ("L-1",))]
        assert taken(shop, NEWS, lead).warnings == ()
        settings = ConversionSettings(reopens=["disqualified"])
        assert taken(shop, DEMO, lead, settings=settings).record.status == "working"

    def test_somebody_alive_comes_before_who_was_given_up(self, shop):
        """And before a list entry, in any order."""
        gone = shop.lead("L-0").disqualify("competitor", **shop.now)
        for known in ([gone, shop.lead(), entry(shop)], [entry(shop), shop.lead(), gone]):
            assert taken(shop, DEMO, *known).record.id == "L-1"

    def test_a_qualified_lead(self, shop):
        """Goes on as its prospect, which must be known."""
        plan = shop.qualification(shop.lead())
        found = taken(shop, DEMO, plan.lead, plan.prospect)
        assert (found.outcome, found.record.id) == ("existing", "P-1")
        assert found.why == "the person is known as prospect 'P-1', by way of lead 'L-1'"
        assert [str(relied) for relied in found.changes.relies_on] == ["lead 'L-1' version 2"]
        assert take(shop, DEMO, plan.lead).codes == {"unknown_record"}

    def test_a_merged_lead(self, shop):
        """Goes on as the survivor, also where only the trail leads there."""
        survivor = shop.lead("L-2", person=Person("M. Okafor", email="other@northwind.example"))
        merged = shop.lead().merged(into="L-2", **shop.now)
        became = entry(shop).became("L-1", **shop.now)
        plan = taken(shop, DEMO, became, merged, survivor)
        assert plan.record.id == "L-2"
        assert take(shop, DEMO, became, merged).because("unknown_record").ids == ("L-2",)

    def test_an_entry_that_became_a_lead(self, shop):
        """Goes on as the lead."""
        assert taken(shop, DEMO, entry(shop).became("L-1", **shop.now), shop.lead()).record.id == "L-1"

    def test_a_prospect_with_a_deal(self, shop):
        """What they do is recorded on the deal, what they say about being contacted on the contact."""
        plan = taken(
            shop, {**DEMO, "Werbung": "nein", "Bis": "30.06.2026", "Tarif": "gold", "Etiketten": "x"}, *chain(shop)
        )
        assert (plan.outcome, plan.record.id, len(plan.record.engagements)) == ("existing", "O-1", 2)
        assert plan.record.discovery.timeline.value == date(2026, 6, 30)
        contact = plan.changes.writes[0].after
        assert (contact.id, contact.may_contact("email", "marketing")) == ("C-1", False)
        assert plan.record.consents == ()
        assert left(plan) == {
            "company.name": "opportunity 'O-1' does not take it",
            "fields.plan": "opportunity 'O-1' does not take it",
            "tags": "opportunity 'O-1' takes no more labels",
        }

    def test_a_deal_without_a_contact_keeps_what_was_said(self, shop):
        """For want of another place."""
        _, prospect, account, _, deal = chain(shop)
        bare = Prospect.imported("P-1", person=shop.person, opportunity_ids=["O-1"], **shop.now)
        plan = taken(shop, {**DEMO, "Werbung": "nein"}, bare, account, deal)
        assert plan.record.may_contact("email", "marketing") is False
        assert prospect.id == "P-1"

    def test_a_contact_of_an_open_deal(self, shop):
        """The same without a prospect; two deals are ambiguous."""
        deal = shop.deal().add_role("C-9", **shop.now)
        plan = taken(shop, DEMO, shop.contact(), deal)
        assert (plan.record.id, plan.outcome) == ("O-9", "existing")
        other = shop.deal("O-8").add_role("C-9", **shop.now)
        refusal = take(shop, DEMO, shop.contact(), deal, other)
        assert refusal.because("ambiguous_match").ids == ("O-8", "O-9")

    def test_a_prospect_with_several_deals(self, shop):
        """Carries what nobody can attribute."""
        _, prospect, account, contact, deal = chain(shop)
        plan = shop.planned(
            prospect,
            account=UseExisting("A-1"),
            contact=UseExisting("C-1"),
            opportunity=Create("O-2"),
            known=(account, contact),
            another="more",
        )
        known = (plan.prospect, account, contact, deal, plan.opportunity)
        assert taken(shop, DEMO, *known).record.id == "P-1"

    def test_a_prospect_whose_deals_are_closed(self, shop):
        """Begins its next cycle: there is no second lead, and another conversion makes the next deal."""
        lead, prospect, account, contact, deal = chain(shop)
        for closed in (deal.lose("price", **shop.later), deal.win(**shop.later)):
            plan = taken(shop, DEMO, lead, prospect, account, contact, closed)
            assert (plan.outcome, plan.record.id) == ("existing", "P-1")

    def test_a_deal_that_was_opened_by_hand_with_the_contact_of_a_prospect(self, shop):
        """Is theirs like one that came of it: one open deal takes what they do, of several none does."""
        lead, prospect, account, contact, deal = chain(shop)
        more = shop.deal("O-2", account_id="A-1").add_role("C-1", **shop.now)
        known = (lead, prospect, account, contact)
        assert taken(shop, DEMO, *known, deal.lose("price", **shop.later), more).record.id == "O-2"
        assert taken(shop, DEMO, *known, deal, more).record.id == "P-1"
        store = InMemoryStore()
        store.commit(ChangeSet.new(*known, deal.win(**shop.later), more))
        assert shop.service(store).intake(DEMO, form=FORM, **shop.later).plans[0].record.id == "O-2"

    def test_a_contact_without_an_open_deal(self, shop):
        """Is a new lead if they engaged; the conversion will find the contact."""
        closed = shop.deal().add_role("C-9", **shop.now).lose("price", **shop.later)
        for known in ([shop.contact()], [shop.contact(), closed]):
            plan = taken(shop, {**DEMO, "Werbung": "nein"}, *known)
            assert (plan.outcome, plan.record.id) == ("new_lead", "L-new")
            assert "contact 'C-9' has no open deal" in plan.why
            assert plan.changes.writes[0].after.may_contact("email", "marketing") is False
            assert "opportunity:contact:C-9" in map(str, plan.changes.absent)
        assert taken(shop, NEWS, shop.contact()).outcome is IntakeOutcome.LIST_ENTRY

    def test_a_contact_who_did_nothing(self, shop):
        """Is on no list; a refusal binds all the same, and what is nothing new is refused."""
        plan = taken(shop, {**MARA, "Werbung": "nein"}, shop.contact())
        assert (plan.outcome, plan.record.id) == ("existing", "C-9")
        assert plan.record.may_contact("email", "marketing") is False
        assert taken(shop, {**MARA, "Telefon": "030 123456"}, shop.contact()).record.person.phone == "030 123456"
        assert take(shop, MARA, shop.contact()).codes == {"duplicate"}

    def test_several_that_cannot_be_merged(self, shop):
        """Of list entries and contacts, the way out is not to merge them."""
        entries = entry(shop, "E-1"), entry(shop, "E-2")
        refusal = take(shop, DEMO, *entries)
        assert refusal.because("ambiguous_match").ids == ("E-1", "E-2")
        assert "Lead.capture(..., entry=...)" in str(refusal)
        refusal = take(shop, DEMO, shop.contact("C-1"), shop.contact("C-2"))
        assert refusal.because("ambiguous_match").ids == ("C-1", "C-2")
        assert "withdraw the others" in str(refusal)

    def test_several_are_ambiguous(self, shop):
        """In stable order, whatever the order given."""
        leads = [shop.lead("L-2"), shop.lead("L-1")]
        one, other = take(shop, DEMO, *leads), take(shop, DEMO, *reversed(leads))
        assert one == other
        assert one.because("ambiguous_match").ids == ("L-1", "L-2")

    def test_a_withdrawn_prospect_leads_nowhere(self, shop):
        """Its lead goes on itself; a tombstone without a name leads nowhere."""
        gone = shop.prospect().withdraw(**shop.later)
        lead = Lead.imported("L-5", person=shop.person, status="qualified", prospect_id="P-1", **shop.now)
        assert taken(shop, DEMO, lead, gone).outcome is IntakeOutcome.NEW_LEAD
        tomb = Lead.imported("L-1", person=shop.person, status="merged", **shop.now)
        assert taken(shop, DEMO, entry(shop).became("L-1", **shop.now), tomb).outcome is IntakeOutcome.NEW_LEAD


class TestRule23JoiningWhatIsKnown:
    """Blanks are filled, labels added, consents tightened; nothing is overwritten, everything left out is listed."""

    def test_blanks(self, shop):
        """Of person and company, fields and estimate; tags and products are added."""
        lead = shop.lead(
            tags=["old"], product_interest=["router"], fields={"plan": "tin"}, company=Company("NORTHWIND")
        )
        row = {
            **DEMO,
            "Mitarbeiter": "420",
            "Tarif": "gold",
            "Etiketten": "new",
            "Produkte": "router;switch",
            "Wert": "7",
            "Bedarf": "speed",
        }
        plan = taken(shop, row, lead)
        after = plan.record
        assert (after.company.name, after.company.employees, after.tags) == ("NORTHWIND", 420, {"old", "new"})
        assert [interest.product for interest in after.product_interest] == ["router", "switch"]
        assert (after.estimated_value, after.discovery.need.value) == (Money("7", "EUR"), "speed")
        assert left(plan) == {
            "company.name": "lead 'L-1' keeps 'NORTHWIND'",
            "fields.plan": "lead 'L-1' keeps 'tin'",
        }

    def test_what_is_kept_is_listed(self, shop):
        """Values the record has otherwise."""
        lead = shop.lead(estimated_value=Money("1", "EUR"), campaign="spring").discover(need="x", **shop.now)
        plan = taken(
            shop,
            {
                **MARA,
                "Wert": "7",
                "Bedarf": "speed",
                "Quelle": "fair",
                "Wer": "bob",
                "Kampagne": "autumn",
                "Mitarbeiter": "9",
                "Tarif": "gold",
            },
            lead,
        )
        assert sorted(left(plan)) == [
            "campaign",
            "company.employees",
            "discovery.need",
            "estimated_value",
            "owner",
            "source",
        ]

    def test_another_company_fills_nothing(self, shop):
        """The size of one company is not that of another; of one domain, it is the same."""
        lead = shop.lead(company=Company("Fabrikam"))
        plan = taken(shop, {**DEMO, "Mitarbeiter": "420"}, lead)
        assert plan.record.company == Company("Fabrikam")
        assert sorted(left(plan)) == ["company.employees", "company.name"]
        form = IntakeForm(
            "f", {"m": "person.email", "c": "company.name", "d": "company.domain", "n": "company.employees"}
        )
        lead = shop.lead(company=Company("NW", domain="northwind.example"))
        row = {"m": "mara@northwind.example", "c": "Northwind", "d": "northwind.example", "n": "9"}
        assert taken(shop, row, lead, form=form).record.company.employees == 9

    def test_a_list_takes_neither_estimate_nor_products(self, shop):
        """They are listed."""
        plan = taken(shop, {**NEWS, "Wert": "7", "Produkte": "router"})
        assert sorted(left(plan)) == ["estimated_value", "product_interest"]

    def test_a_tighter_consent_holds(self, shop):
        """A later explicit yes wins over a no; an earlier one does not."""
        lead = shop.lead(consents=[Consent("email", purpose="marketing", granted=False, at=shop.at)])
        assert taken(shop, {**DEMO, "Werbung": "ja"}, lead).record.may_contact("email", "marketing") is True
        plan = taken(shop, {**DEMO, "Werbung": "ja", "Wann": "01.01.2026 10:00"}, lead)
        assert plan.record.may_contact("email", "marketing") is False
        assert left(plan)["consents.email.marketing"] == "a tighter or later one holds"

    def test_saying_it_again_is_a_duplicate(self, shop):
        """A row that was read before changes nothing."""
        plan = taken(shop, {**DEMO, "Wann": "01.03.2026 10:00"})
        assert take(shop, {**DEMO, "Wann": "01.03.2026 10:00"}, plan.record, lead=Create("L-2")).codes == {"duplicate"}
        lead = plan.record.disqualify("competitor", **shop.later)
        assert take(shop, {**DEMO, "Wann": "01.03.2026 10:00"}, lead, lead=Create("L-2")).codes == {"duplicate"}

    def test_a_slower_clock(self, shop):
        """A record that was written later takes it as of then."""
        lead = shop.lead(at=shop.at + timedelta(days=9), engagement=Engagement("form", at=shop.at))
        assert taken(shop, DEMO, lead).record.updated_at == shop.at + timedelta(days=9)
        late = entry(shop, at=shop.at + timedelta(days=9))
        assert taken(shop, DEMO, late).record.created_at == shop.at + timedelta(days=9)
        for known in (lead, late):
            plan = taken(shop, DEMO, known)
            assert (plan.moment.at, plan.moment.asked) == (shop.at + timedelta(days=9), shop.later["at"])
            assert "default at = 2026-03-11T09:00:00+00:00" in str(plan)


class TestRule23Matching:
    """Who is the same, and why, is told with the plan."""

    def test_candidates_are_explained(self, shop):
        """With both normalised values."""
        plan = taken(shop, {**DEMO, "E-Mail": "MARA@Northwind.example"}, shop.lead())
        (candidate,) = plan.matches.candidates
        assert str(candidate) == "lead 'L-1', weight 140: same email (100), phone is '49301234567', same name (40)"

    def test_a_name_or_phone_never_decides(self, shop):
        """It is a warning for somebody to look."""
        row = {**DEMO, "E-Mail": "m@okafor.example", "Telefon": "+49 30 1234567"}
        plan = taken(shop, row, shop.lead())
        assert plan.outcome is IntakeOutcome.NEW_LEAD
        assert [(reason.code, reason.ids) for reason in plan.warnings] == [("duplicate", ("L-1",))]
        assert "has the same phone and name" in plan.warnings[0].message
        plan = taken(shop, row, shop.lead("L-2"), shop.lead())
        assert plan.warnings[0].ids == ("L-1", "L-2")
        assert plan.warnings[0].message.startswith("lead 'L-1' and 1 more have the same phone and name")

    def test_companies_match_by_the_address_of_their_office(self, shop):
        """A row without a person is about the company."""
        form = IntakeForm("f", {"c": "company.name", "m": "company.email"}, defaults={"engagement.kind": "form"})
        row = {"c": "Northwind", "m": "info@northwind.example"}
        plan = taken(shop, row, form=form)
        assert (plan.outcome, plan.record.person) == ("new_lead", None)
        assert take(shop, row, plan.record, form=form, lead=Create("L-2")).codes == {"duplicate"}

    def test_accounts_and_deals_beside_are_passed_over(self, shop):
        """They are not who engages."""
        assert taken(shop, DEMO, shop.account(), shop.deal()).outcome is IntakeOutcome.NEW_LEAD


class TestRule23WhatCannotBeRead:
    """Every problem of a row at once, each with its column; nothing is cut off or guessed."""

    def test_all_at_once(self, shop):
        """Of readers and of types."""
        row = {
            "E-Mail": "mara",
            "Vorname": "x" * 600,
            "Firma": "y" * 600,
            "Mitarbeiter": "1.25",
            "Was": "Demo",
            "Wann": "2026-03-01",
            "Werbung": "maybe",
            "Produkte": "x" * 200,
            "Etiketten": "z" * 600,
            "Budget": "viel",
            "Bis": "morgen",
            "Wert": "1,5",
            "Kampagne": "k" * 600,
            "Wer": "w" * 300,
            "Umsatz": "1e5",
        }
        refusal = take(shop, row)
        assert sorted(reason.path for reason in refusal.reasons) == sorted(row)
        assert refusal.codes == {"invalid_value"}
        assert refusal.because("invalid_value").message.startswith("must be a whole number with '.' between thousands")

    @pytest.mark.parametrize(
        ("row", "path", "says"),
        [
            ({}, "person", "neither a person nor a company"),
            ({"Mitarbeiter": "5", "Was": "Vorführung"}, "person", "neither a person nor a company"),
            ({"Telefon": "030 123456"}, "person", "neither a person nor a company"),
            ({"Vorname": "Ada"}, "person", "must have an email, phone or handle"),
            ({**DEMO, "Wann": "01.01.2030 10:00"}, "Wann", "must not be after 2026-03-05"),
            ({**DEMO, "Bedarf": "x" * 100_001}, "Bedarf", "at most"),
            ({**DEMO, "Text": "a\x00b"}, "Text", "without control characters"),
            ({**DEMO, "Mitarbeiter": "-3"}, "Mitarbeiter", "must be at least 0"),
            ({**DEMO, "E-Mail": 3}, "E-Mail", "must be text"),
            ({"Nachname": 3, "Telefon": "030 123456"}, "Nachname", "must be text"),
            ({"Firma": 3, "Mitarbeiter": "5"}, "Firma", "must be text"),
            ({"E-Mail": 3, "Telefon": "030 123456"}, "E-Mail", "must be text"),
            ({**DEMO, "Budget": "viel"}, "Budget", "must be a number"),
        ],
    )
    def test_one_by_one(self, shop, row, path, says):
        """Named by column, or by what is missing."""
        refusal = take(shop, row)
        assert isinstance(refusal, Refusal)
        (reason,) = refusal.reasons
        assert reason.path == path
        assert says in reason.message

    def test_money_needs_a_currency(self, shop):
        """From its own column, the row's, or the form's."""
        form = IntakeForm(
            "f",
            {
                "m": "person.email",
                "v": "estimated_value",
                "c": "currency",
                "r": "company.revenue",
                "rc": "company.revenue.currency",
                "n": "company.name",
                "w": "engagement.value",
            },
            defaults={"engagement.kind": "form"},
        )
        row = {"m": "a@b.example", "n": "N", "v": "5", "c": "USD", "r": "7", "rc": "CHF", "w": "1"}
        lead = taken(shop, row, form=form).record
        assert (lead.estimated_value, lead.company.revenue) == (Money("5", "USD"), Money("7", "CHF"))
        assert lead.engagements[0].value == Money("1", "USD")
        refusal = take(shop, {"m": "a@b.example", "v": "5"}, form=form)
        assert str(refusal.reasons[0]) == "v: must have a currency, got 5 without one"
        refusal = take(shop, {"m": "a@b.example", "v": "5", "c": "EURO"}, form=form)
        assert [reason.path for reason in refusal.reasons] == ["c"]
        refusal = take(shop, {"m": "a@b.example", "v": "5", "c": 3}, form=form)
        assert [reason.path for reason in refusal.reasons] == ["c"]
        refusal = take(shop, {"m": "a@b.example", "v": Decimal("1E+30")}, form=form)
        assert isinstance(refusal, Refusal)

    @pytest.mark.parametrize("amount", ["", "abc", "5"])
    def test_a_currency_is_never_lost(self, shop, amount):
        """One that is none is refused, whatever the amount; one without an amount is listed."""
        form = IntakeForm(
            "f",
            {"m": "person.email", "v": "estimated_value", "c": "currency", "bc": "discovery.budget.currency"},
            defaults={"engagement.kind": "form"},
        )
        refusal = take(shop, {"m": "a@b.example", "v": amount, "c": "EURO!!", "bc": "x"}, form=form)
        assert {"c", "bc"} <= {reason.path for reason in refusal.reasons}
        listed = {"bc": "no amount was given"} | ({} if amount else {"c": "no amount was given"})
        if amount != "abc":
            assert left(taken(shop, {"m": "a@b.example", "v": amount, "c": "EUR", "bc": "USD"}, form=form)) == listed

    def test_what_has_no_place_is_listed(self, shop):
        """The size of a company that nobody named; a part of a name beside the whole."""
        form = IntakeForm(
            "f",
            {
                "n": "person.name",
                "g": "person.given_name",
                "m": "person.email",
                "s": "company.employees",
                "d": "engagement.note",
            },
        )
        plan = taken(shop, {"n": "Ada Obi", "g": "Ada", "m": "a@b.example", "s": "3", "d": "hi"}, form=form)
        assert left(plan) == {
            "person.given_name": "the whole name was given, too",
            "s": "no name of a company was given",
            "d": "no kind of engagement was given",
        }

    def test_a_nameless_person_is_called_by_the_address(self, shop):
        """And that is said."""
        plan = taken(shop, {"E-Mail": "ada@obi.example"})
        assert plan.record.person.name == "ada@obi.example"
        assert "person.name = ada@obi.example (the address: no name was given)" in map(str, plan.defaults)

    def test_columns_that_nobody_declared(self, shop):
        """Are listed with the nearest; too many cells, too."""
        rows = csv.DictReader(io.StringIO("E-Mail,e-mail,x\na@b.example,c@d.example,,extra\n"))
        plan = taken(shop, next(rows))
        assert left(plan) == {
            "e-mail": "form 'website form' declares no such column (did you mean 'E-Mail'?)",
            "": "the row has more cells than columns",
        }

    @pytest.mark.parametrize("header", ["E-Mail;Was", "\ufeffE-Mail", "E-MAIL", "e-mail", "\x00", "x" * 300])
    def test_a_row_that_names_nobody_says_what_was_not_used(self, shop, header):
        """Another separator, a byte-order mark, another case: the first place to look."""
        (reason,) = take(shop, {header: "a@b.example"}).reasons
        assert reason.path == "person"
        assert "form 'website form' declares no such column" in reason.message
        assert ("did you mean 'E-Mail'?" in reason.message) is (2 < len(header) < 100)

    def test_a_column_name_that_is_no_text(self, shop):
        """Is told as such, and not as too many cells."""
        assert left(taken(shop, {**DEMO, 5: "x"})) == {"": "the name of a column must be text, got 5"}

    def test_owners_are_checked(self, shop):
        """As everywhere."""
        settings = ConversionSettings(owners=Owners(active={"ada"}))
        assert take(shop, {**DEMO, "Wer": "bob"}, settings=settings).codes == {"invalid_owner"}

    def test_ids_must_be_new(self, shop):
        """Both of them."""
        known = (shop.account("L-new", company=None), shop.account("E-new", company=None))
        assert [reason.path for reason in take(shop, DEMO, *known).reasons] == ["lead", "entry"]

    def test_arguments_are_checked(self, shop):
        """All at once; these are the caller's mistakes and no refusal."""
        with pytest.raises(InvalidTypeError) as caught:
            intake(3, form={}, lead="L-1", entry=None, known=[3], settings=None, at="now")
        paths = [problem.path for problem in caught.value.problems]
        assert sorted(paths) == ["at", "entry", "form", "known[0]", "lead", "row", "settings"]
        with pytest.raises(InvalidError, match="entry must have an id of its own"):
            take(shop, DEMO, entry=Create("L-new"))
        with pytest.raises(InvalidTypeError, match="row"):
            FORM.read(3)

    @given(
        st.dictionaries(
            st.one_of(st.sampled_from([column.name for column in FORM.columns]), st.text(max_size=4), st.none()),
            st.one_of(
                st.text(max_size=20),
                st.none(),
                st.integers(),
                st.floats(),
                st.booleans(),
                st.lists(st.text(max_size=3)),
                st.sampled_from(
                    ["Vorführung", "mara@northwind.example", "1.250", "ja", "01.03.2026", "01.03.2026 10:00"]
                ),
                st.decimals(),
                st.dates(),
                st.datetimes(),
                st.binary(max_size=3),
            ),
            max_size=8,
        )
    )
    def test_junk_is_refused_or_taken(self, shop, row):
        """No row ends in anything but a plan or a refusal with reasons."""
        outcome = take(shop, row, shop.lead(), entry(shop))
        assert isinstance(outcome, IntakePlan | Refusal)
        assert not isinstance(outcome, Refusal) or outcome.reasons


class TestRule23Forms:
    """A form is data, checked when it is declared."""

    @pytest.mark.parametrize(
        ("columns", "more", "says"),
        [
            ({"a": "person.emial"}, {}, "unknown: 'person.emial' (did you mean 'person.email'?)"),
            ({"a": "person.email", "b": "person.email"}, {}, "columns must not repeat, got 'person.email' twice"),
            ({"a": ("company.employees", Text())}, {}, "must read integer for 'company.employees', got Text()"),
            ({"a": ("person.email", 3)}, {}, "reader must be a reader"),
            ({"a": 3}, {}, "columns['a'].path must be a str"),
            ({3: "person.email"}, {}, "name must be text"),
            ({"a": "consent.fax.marketing"}, {}, "is unknown: 'fax'"),
            ({"a": "consent.email"}, {}, "columns['a'].path"),
            ({"a": "fields."}, {}, "columns['a'].path"),
            ({"a": "source"}, {}, "must say something of a person or a company"),
            ({"a": "person.email", "b": "estimated_value"}, {}, "estimated_value is a number without a currency"),
            ({"a": "person.email"}, {"defaults": {"currenzy": "EUR"}}, "did you mean 'currency'?"),
            ({"a": "person.email"}, {"defaults": {"tags": "x"}}, "must be texts, got 'x'"),
            ({"a": "person.email"}, {"defaults": 3}, "defaults"),
            ({"a": "person.email"}, {"ignored": {"a"}}, "columns must not repeat, got 'a' twice"),
            ({"a": "person.email"}, {"basis": "whim"}, "basis is unknown"),
            (3, {}, "columns must be a tuple"),
            ([3], {}, "columns[0] must be a Column"),
        ],
    )
    def test_what_is_wrong_is_said(self, columns, more, says):
        """With the nearest name."""
        with pytest.raises(InvalidError) as caught:
            IntakeForm("f", columns, **more)
        assert says in str(caught.value)

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("engagement.kind", "nope"),
            ("engagement.note", "a\x00b"),
            ("engagement.fields.page", "\ud800"),
            ("currency", "euro"),
            ("estimated_value.currency", "euro"),
            ("estimated_value", Decimal("1E+30")),
            ("person.country", "Germany"),
            ("person.given_name", "x" * 600),
            ("person.name", " "),
            ("company.employees", -1),
            ("company.revenue", Decimal("1E+30")),
            ("source", ""),
            ("campaign", "x" * 600),
            ("owner", " a"),
            ("tags", ("a", "")),
            ("product_interest", (" a",)),
            ("discovery.authority", "nope"),
            ("discovery.need", "x" * 100_001),
            ("fields.plan", "\ud800"),
        ],
    )
    def test_a_default_that_no_row_could_have_is_refused(self, path, value):
        """By the type that would hold it, when the form is declared."""
        columns = {"m": "person.email", "v": "estimated_value", "c": "currency"}
        columns = {name: meaning for name, meaning in columns.items() if meaning != path}
        with pytest.raises(InvalidError) as caught:
            IntakeForm("f", columns, defaults={path: value})
        assert [problem.path for problem in caught.value.problems] == [f"defaults[{path!r}]"]

    @pytest.mark.parametrize(
        "defaults",
        [
            {"engagement.kind": "demo_request", "engagement.at": datetime(2026, 3, 2, tzinfo=UTC), "currency": "USD"},
            {"person.given_name": "A", "company.revenue": Decimal(5), "company.revenue.currency": "CHF"},
            {"discovery.budget": Decimal(5), "discovery.timeline": date(2026, 3, 2), "consent.email.marketing": True},
            {"person.name": "A", "fields.x": 5, "engagement.kind": "custom.fair", "engagement.value": Decimal(3)},
        ],
    )
    def test_a_default_that_a_row_may_have_is_taken(self, defaults):
        """Whatever else a row must say for it to count."""
        assert IntakeForm(
            "f", {"m": "person.email", "c": "estimated_value.currency"}, defaults={"currency": "EUR", **defaults}
        )

    def test_several_problems_at_once(self):
        """Of all columns, and of the defaults with them."""
        with pytest.raises(InvalidError) as caught:
            IntakeForm("f", [5, ("x",)], defaults={"currenzy": "EUR", "source": "", "owner": 3})
        paths = [problem.path for problem in caught.value.problems]
        assert paths == ["columns[0]", "columns[1]", "defaults['currenzy']", "defaults['owner']", "defaults['source']"]
        with pytest.raises(InvalidError) as caught:
            IntakeForm("f", {"a": "person.emial", "b": ("company.employees", Text())})
        assert [problem.path for problem in caught.value.problems] == ["columns['a'].path", "columns['b'].reader"]

    def test_a_form_is_comparable(self):
        """By value; a column is read the plainest way for what it means."""
        form = IntakeForm("f", {"a": "company.employees", "b": "fields.x", "c": "company.name"})
        assert form == IntakeForm(
            "f", [Column("a", "company.employees", Integer()), Column("b", "fields.x"), Column("c", "company.name")]
        )
        assert pickle.loads(pickle.dumps(form)) == form
        assert hash(form) == hash(pickle.loads(pickle.dumps(form)))

    @pytest.mark.parametrize(
        ("reader", "cell", "value"),
        [
            (Integer(), "0420", 420),
            (Integer(thousands="'"), "-1'250", -1250),
            (Integer(), 420, 420),
            (Number(), "+1.50", Decimal("1.50")),
            (Number(decimal=","), "0,5", Decimal("0.5")),
            (Number(), 3, Decimal(3)),
            (Day(), date(2026, 3, 2), date(2026, 3, 2)),
            (Instant(), "2026-03-02T09:30:00+01:00", datetime(2026, 3, 2, 8, 30, tzinfo=UTC)),
            (
                Instant("%d/%m/%y %H:%M", zone=ZoneInfo("Europe/Berlin")),
                "02/07/26 09:30",
                datetime(2026, 7, 2, 7, 30, tzinfo=UTC),
            ),
            (Instant("%Y-%m-%d %H:%M%z"), "2026-03-02 09:30+0100", datetime(2026, 3, 2, 8, 30, tzinfo=UTC)),
            (YesNo(), "ON", True),
            (YesNo(), False, False),
            (Words(), " a, b ,,a", ("a", "b")),
            (Words(), ["a", "b"], ("a", "b")),
            (Text(), "  x  ", "x"),
            (Codes({"A": "x"}), "a", "x"),
        ],
    )
    def test_what_readers_read(self, reader, cell, value):
        """Exactly; what is of the right type already is taken."""
        assert read_cell(reader, cell) == value
        assert type(read_cell(reader, cell)) is type(value)
        assert read_cell(reader, "  ") is None

    @pytest.mark.parametrize(
        ("reader", "cell"),
        [
            (Integer(), "1.0"),
            (Integer(), "1_000"),
            (Integer(), "٣"),
            (Integer(), "9" * 61),
            (Integer(), True),
            (Integer(), 1.0),
            (Integer(thousands="."), "1.25"),
            (Integer(thousands="."), "12.50.000"),
            (Number(), "NaN"),
            (Number(), "1e5"),
            (Number(), ".5"),
            (Number(), "1,5"),
            (Number(), 1.5),
            (Day(), "02.03.2026"),
            (Day(), "2026-02-30"),
            (Day(), datetime(2026, 3, 2, tzinfo=UTC)),
            (Instant(), "2026-03-02T09:30:00"),
            (Instant(), "soon"),
            (Instant("%d.%m.%Y"), "x"),
            (YesNo(), "y"),
            (Codes({"A": "x"}), "x"),
            (Codes({"A": "x"}), ["A"]),
            (Words(), [3]),
            (Text(), 3),
            (Text(), b"x"),
            (Instant("%d.%m.%Y %H:%M", zone=ZoneInfo("Europe/Berlin")), "29.03.2026 02:30"),
            (Instant("%d.%m.%Y %H:%M", zone=ZoneInfo("Europe/Berlin")), "25.10.2026 02:30"),
            (Instant(zone=ZoneInfo("Australia/Lord_Howe")), "2026-10-04T02:15:00"),
        ],
    )
    def test_what_they_do_not(self, reader, cell):
        """Nothing is guessed."""
        with pytest.raises(Unreadable):
            read_cell(reader, cell)

    @pytest.mark.parametrize(
        "make",
        [
            lambda: Integer(thousands="1"),
            lambda: Integer(thousands=3),
            lambda: Number(decimal=""),
            lambda: Number(decimal=",", thousands=","),
            lambda: Day("%d.%m."),
            lambda: Day("%d.%d.%Y"),
            lambda: Day("%d%m%y%"),
            lambda: Day("%d %B %Y"),
            lambda: Day(3),
            lambda: Day("%Y-%m-%"),
            lambda: Instant(zone="UTC"),
            lambda: YesNo(yes=[]),
            lambda: YesNo(yes=["a"], no=["A"]),
            lambda: YesNo(yes="ja"),
            lambda: Codes({}),
            lambda: Codes(3),
            lambda: Codes({"A": 3}),
            lambda: Codes({"A": "x", "a": "y"}),
            lambda: Words(separator=""),
            lambda: Words(separator=3),
        ],
    )
    def test_readers_are_checked(self, make):
        """When they are declared."""
        with pytest.raises(InvalidError):
            make()


class TestRule23TheService:
    """One row or many, waiting or not: the same plan, committed once."""

    def test_a_life(self, shop):
        """List entry, lead, prospect, deal: one person throughout."""
        store = InMemoryStore()
        service = shop.service(store)
        first = service.intake(NEWS, form=FORM, **shop.now)
        assert first.plans[0].outcome is IntakeOutcome.LIST_ENTRY
        second = service.intake(DEMO, form=FORM, **shop.later)
        assert second.id_of("lead") == second.plans[0].record.id
        done = service.qualify_and_convert(
            second.id_of("lead"), terms=DealTerms(amount=Money("1", "EUR")), **shop.later
        )
        assert isinstance(done, Applied), done
        later = shop.later | {"at": shop.at + timedelta(days=9)}
        third = service.intake(DEMO, form=FORM, **later)
        assert third.records[0].kind == "opportunity"
        assert len(store.all(Lead)) == len(store.all(ListEntry)) == len(store.all(Opportunity)) == 1
        assert [said.kind for said in store.all(Opportunity)[0].engagements] == [
            "subscription",
            "demo_request",
            "demo_request",
        ]

    def test_a_key_makes_it_once(self, shop):
        """A retry gets the first result; another row under the key is an error."""
        store = InMemoryStore()
        service = shop.service(store)
        first = service.intake(DEMO, form=FORM, key="k", **shop.now)
        size = len(store.outbox)
        again = service.intake(DEMO, form=FORM, key="k", **shop.later)
        assert (again, again.is_repeat, len(store.outbox)) == (first, True, size)
        with pytest.raises(KeyConflictError):
            service.intake(NEWS, form=FORM, key="k", **shop.later)

    @given(st.permutations([DEMO, NEWS, {**DEMO, "Wann": "01.03.2026 10:00"}]))
    def test_in_any_order_one_lead(self, shop, rows):
        """Whoever comes first."""
        store = InMemoryStore()
        service = shop.service(store)
        for row in rows:
            assert isinstance(service.intake(row, form=FORM, **shop.now), Applied)
        (lead,) = store.all(Lead)
        assert len(lead.engagements) == 3

    def test_two_forms_at_once_make_one_lead(self, shop):
        """The second finds the first when it is written."""
        plan, twin = taken(shop, DEMO), taken(shop, DEMO, lead=Create("L-twin"))
        store = InMemoryStore()
        store.commit(plan.changes)
        assert isinstance(store.commit(twin.changes), MatchAppeared)

        class Late(InMemoryStore):
            """Somebody is faster, once."""

            late = True

            def commit(self, change_set, /):
                if self.late:
                    self.late = False
                    super().commit(plan.changes)
                return super().commit(change_set)

        store = Late()
        done = shop.service(store).intake({**DEMO, "Wann": "01.03.2026 10:00"}, form=FORM, **shop.later)
        assert done.plans[0].outcome is IntakeOutcome.EXISTING
        assert len(store.all(Lead)) == 1

    def test_a_chosen_id_that_is_taken(self, shop):
        """Is refused, naming whose it is."""
        store = InMemoryStore()
        store.commit(ChangeSet.new(shop.account("L-7", company=None)))
        refusal = shop.service(store).intake(DEMO, form=FORM, lead=Create("L-7"), entry=Create("E-7"), **shop.now)
        assert refusal.because("id_taken").ids == ("L-7",)

    def test_what_cannot_be_read_is_not_looked_up(self, shop):
        """No call of the store."""

        class Untouched(InMemoryStore):
            def candidates(self, keys, limit):
                raise AssertionError

        assert shop.service(Untouched()).intake({"E-Mail": "x"}, form=FORM, **shop.now).codes == {"invalid_value"}

    def test_a_trail_is_followed(self, shop):
        """Through records that share no key with the row."""
        store = InMemoryStore()
        store.commit(ChangeSet.new(*chain(shop)))
        plan = shop.service(store).intake(DEMO, form=FORM, **shop.later).plans[0]
        assert plan.record.id == "O-1"
        store = InMemoryStore()
        other = Person("M", email="m@other.example")
        records = [
            entry(shop).became("L-1", **shop.now),
            shop.lead(person=other).merged(into="L-2", **shop.now),
            shop.lead("L-2", person=other),
        ]
        store.commit(ChangeSet.new(*records))
        assert shop.service(store).intake(DEMO, form=FORM, **shop.later).plans[0].record.id == "L-2"

    def test_a_deal_that_was_merged_is_gone_on_with(self, shop):
        """Two prospects of one deal that was recorded twice: what either does is recorded on the deal that goes on."""
        store = InMemoryStore()
        bo = Person("Bo Li", email="bo@northwind.example")
        store.commit(ChangeSet.new(shop.lead("L-1"), shop.lead("L-2", person=bo)))
        service = shop.service(store)
        deals = [
            service.qualify_and_convert(lead, terms=DealTerms(amount=Money("5", "EUR")), **shop.later).id_of(
                "opportunity"
            )
            for lead in ("L-1", "L-2")
        ]
        survivor = service.merge(deals, **shop.later).plans[0].survivor
        for email in ("mara@northwind.example", "bo@northwind.example"):
            done = service.intake({**DEMO, "E-Mail": email, "Text": f"of {email}"}, form=FORM, **shop.later)
            assert done.plans[0].record.id == survivor.id

    def test_many_rows(self, shop):
        """Each is its own; running the file again changes nothing."""
        store = InMemoryStore()
        service = shop.service(store)
        rows = [DEMO, {"E-Mail": "x"}, {**NEWS, "E-Mail": "b@b.example"}, 3, DEMO]
        results = list(service.intake_many(rows, form=FORM, key="file", **shop.now))
        assert [result.id for result in results] == ["row 1", "row 2", "row 3", "row 4", "row 5"]
        kinds_ = [type(result.outcome) for result in results]
        assert kinds_ == [Applied, Refusal, Applied, Failed, Applied]
        assert results[4].outcome.is_repeat
        size = len(store.outbox)
        again = list(service.intake_many(reversed(rows), form=FORM, key="file", **shop.later))
        assert len(store.outbox) == size
        assert sum(isinstance(result.outcome, Applied) for result in again) == 3
        assert row_key("f", DEMO) == row_key("f", dict(reversed(DEMO.items())))
        with pytest.raises(InvalidTypeError, match="key must be a str, got 5; row must be a mapping"):
            row_key(5, None)
        other = IntakeForm("other", {"E-Mail": "person.email"})
        (error,) = (
            result.outcome.error for result in service.intake_many(rows[:1], form=other, key="file", **shop.now)
        )
        assert (error.key, error.item) == ("file", "row 1")
        without = list(service.intake_many([DEMO], form=FORM, **shop.now))
        assert without[0].outcome.codes == {"duplicate"}

    def test_shared_arguments_are_checked_at_once(self, shop):
        """Before the first row."""
        with pytest.raises(InvalidError, match="at must be given"):
            shop.service().intake_many([], form=FORM)
        with pytest.raises(InvalidTypeError, match="form must be an IntakeForm"):
            shop.service().intake_many([], form={}, **shop.now)
        with pytest.raises(InvalidTypeError, match="rows must be an iterable of mappings from columns to cells"):
            shop.service().intake_many(None, form=FORM, **shop.now)
        with pytest.raises(InvalidTypeError, match="rows"):
            shop.service().intake_many(DEMO, form=FORM, **shop.now)
        with pytest.raises(InvalidError, match="key"):
            shop.service().intake(DEMO, form=FORM, key="", **shop.now)

    def test_asynchronously(self, shop):
        """The same, also for rows that are awaited."""
        store = AsyncInMemoryStore()
        service = AsyncConversionService(store, qualify_with=shop.says(), convert_with=shop.says(), new_id=iter_ids())

        async def rows():
            yield DEMO
            yield NEWS

        async def work():
            one = await service.intake(DEMO, form=FORM, **shop.now)
            many = [result async for result in service.intake_many(rows(), form=FORM, key="k", **shop.later)]
            plain = [result async for result in service.intake_many([DEMO], form=FORM, key="k", **shop.later)]
            return one, many, plain

        one, many, plain = asyncio.run(work())
        assert isinstance(one, Applied)
        assert [result.outcome.plans[0].outcome.value for result in many] == ["existing", "existing"]
        assert plain[0].outcome.is_repeat
        assert len(store.sync.all(Lead)) == 1

    def test_sixteen_at_once(self, shop):
        """Threads with forms of one new person make one lead."""
        store = InMemoryStore()
        new_id = iter_ids()

        def work(number):
            service = shop.service(store, new_id=new_id, attempts=20)
            return service.intake({**DEMO, "Wann": f"01.03.2026 10:{number:02}"}, form=FORM, **shop.now)

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(work, range(16)))
        assert all(isinstance(result, Applied) for result in results)
        (lead,) = store.all(Lead)
        assert len(lead.engagements) == 16


def iter_ids():
    numbers = count(1)
    return lambda kind: f"{kind}-{next(numbers)}"
