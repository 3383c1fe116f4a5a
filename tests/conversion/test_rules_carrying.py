"""Rules 10 to 16: what lands where, blanks only, nothing dropped, owners, terms, roles, people without a company."""

from datetime import UTC, date, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import (
    Account,
    Company,
    Consent,
    Contact,
    Engagement,
    Fields,
    FiscalCalendar,
    InvalidError,
    Lead,
    Learned,
    ListEntry,
    Money,
    NextStep,
    Opportunity,
    OpportunityType,
    Person,
    Prospect,
    Recurring,
    TeamMember,
    Touch,
    pipelines,
)
from leadflow.conversion import (
    SKIP,
    ConversionSettings,
    Create,
    DealTerms,
    Default,
    FindOrCreate,
    Owners,
    PersonAccounts,
    Refusal,
    TermDefaults,
    UseExisting,
)
from leadflow.conversion.filling import filled
from leadflow.conversion.terms import NO_TERMS


def consent(shop, granted, *, days=0, channel="email", basis="consent"):
    return Consent(channel, granted=granted, at=shop.at - timedelta(days=10) + timedelta(days=days), basis=basis)


def defaults(plan):
    return {default.path: default.value for default in plan.defaults}


def dropped(plan):
    return {unmapped.path: unmapped.value for unmapped in plan.unmapped}


class TestRule10FillBlanksOnly:
    """Nothing that is there is overwritten; what belongs together moves together."""

    def test_an_account_takes_what_it_lacks(self, shop):
        """And keeps what it has."""
        prospect = shop.prospect(company=Company("Northwind", employees=420, industry="retail", country="DE"))
        account = shop.account(company=Company("Northwind GmbH", industry="logistics", domain="northwind.example"))
        plan = shop.planned(prospect, account=UseExisting("A-9"), known=(account,))
        assert plan.account.company == attrs.evolve(account.company, employees=420, country="DE")
        assert (plan.account.name, plan.account.source, plan.account.owner) == ("Northwind GmbH", "website", None)

    def test_a_person_account_may_become_a_company(self, shop):
        """An account about which no company is known takes it whole."""
        plan = shop.planned(shop.prospect(), account=UseExisting("A-9"), known=(shop.account(company=None),))
        assert plan.account.company == shop.company

    def test_a_contact_takes_what_it_lacks(self, shop):
        """And keeps what it has."""
        contact = shop.contact(person=Person("M. Okafor", email="mara@northwind.example", job_title="VP"))
        known = (shop.account(), contact)
        plan = shop.planned(shop.prospect(), account=UseExisting("A-9"), contact=UseExisting("C-9"), known=known)
        expected = attrs.evolve(contact.person, phone=shop.person.phone, country="DE", language="en")
        assert plan.contact.person == expected

    @pytest.mark.parametrize(
        ("mine", "theirs", "expected"),
        [
            ({}, {"phone": "030 1", "country": "DE"}, {"phone": "030 1", "country": "DE"}),
            ({"country": "DE"}, {"phone": "030 1", "country": "DE"}, {"phone": "030 1", "country": "DE"}),
            ({"country": "AT"}, {"phone": "030 1", "country": "DE"}, {"country": "AT"}),
            ({"phone": "01 1"}, {"country": "DE"}, {"phone": "01 1"}),
        ],
    )
    def test_phone_and_country_move_together(self, mine, theirs, expected):
        """Or not at all: a number without its country may be another number."""
        assert filled(Person("x", **mine), Person("y", **theirs)) == Person("x", **expected)

    def test_an_address_moves_together(self):
        """A city of one address is not completed by the country of another."""
        mine, theirs = Company("N", city="Bremen"), Company("N", city="Wien", country="AT", employees=3)
        assert filled(mine, theirs) == Company("N", city="Bremen", employees=3)

    def test_nothing_to_fill_changes_nothing(self, shop):
        """A record that needs nothing is relied on, not written."""
        plan = shop.planned(shop.prospect())
        again = shop.planned(
            plan.prospect,
            account=UseExisting("A-1"),
            contact=UseExisting("C-1"),
            opportunity=Create("O-2"),
            known=(plan.account, plan.contact),
            another="more",
        )
        assert again.account is plan.account
        assert [relied.id for relied in again.changes.relies_on] == ["A-1", "C-1"]

    def test_a_contact_without_an_account_gets_one(self, shop):
        """That is a blank, too."""
        known = (shop.account(), shop.contact(account_id=None))
        plan = shop.planned(shop.prospect(), account=UseExisting("A-9"), contact=UseExisting("C-9"), known=known)
        assert plan.contact.account_id == "A-9"

    def test_a_deal_that_is_under_way_takes_what_it_lacks(self, shop):
        """A contact, what happened, what was learnt; its terms stay."""
        lead = shop.rich_lead().discover(ratings={"champion": "strong"}, timeline="stated", **shop.now)
        deal = shop.deal().discover(timeline=date(2026, 9, 1), **shop.now)
        plan = shop.planned(
            shop.prospect(lead=lead),
            account=UseExisting("A-9"),
            opportunity=UseExisting("O-9"),
            known=(shop.account(), deal),
        )
        joined = plan.opportunity
        assert (joined.amount, joined.primary_contact_id) == (Money("1000", "EUR"), "C-1")
        assert (joined.needs, joined.tags, joined.source) == (("late deliveries",), {"fair", "warm"}, "website")
        assert (joined.engagements, joined.touches) == (lead.engagements, lead.touches)
        assert joined.discovery.timeline == deal.discovery.timeline
        assert joined.discovery.ratings["champion"].level == "strong"
        assert plan.prospect.opportunity_ids == ("O-9",)
        assert plan.prospect.discovery.need is None

    def test_a_deal_without_account_or_amount_gets_them(self, shop):
        """An imported deal may lack both."""
        prospect = shop.prospect(lead=shop.rich_lead())
        deal = Opportunity.imported(
            "O-9", "Old", origin=shop.deal().origin, pipeline=pipelines.SIMPLE, stage="proposal", **shop.now
        )
        plan = shop.planned(
            prospect, account=UseExisting("A-9"), opportunity=UseExisting("O-9"), known=(shop.account(), deal)
        )
        assert (plan.opportunity.account_id, plan.opportunity.amount) == ("A-9", Money("50000", "EUR"))

    def test_a_deal_that_has_everything_is_as_it_was(self, shop):
        """Nothing is recorded twice."""
        prospect = shop.prospect(lead=shop.rich_lead())
        known = (shop.account(), shop.contact(), shop.deal())
        targets = {"account": UseExisting("A-9"), "contact": UseExisting("C-9"), "opportunity": UseExisting("O-9")}
        plan = shop.planned(prospect, known=known, **targets)
        twin = shop.prospect("P-2", lead=shop.rich_lead("L-2"))
        again = shop.planned(twin, known=(plan.account, plan.contact, plan.opportunity), **targets)
        assert again.opportunity is plan.opportunity
        lone = shop.planned(shop.prospect("P-3", lead=shop.lead("L-3")), known=known, **(targets | {"contact": SKIP}))
        assert lone.opportunity.contact_roles == ()

    def test_an_account_found_by_its_contact_takes_nothing_of_another_company(self, shop):
        """Somebody who changed jobs: the account of the contact that was found does not get the new company's data."""
        person = Person("Mara Okafor", email="mara@gmail.com")
        account = shop.account("A-9", "Acme", company=None)
        contact = shop.contact("C-9", person=person)
        globex = Company("Globex", domain="globex.example", employees=9)
        prospect = shop.prospect(person=person, company=globex)
        given = {"contact": FindOrCreate("C-1"), "known": [account, contact]}
        plan = shop.planned(prospect, account=FindOrCreate("A-1"), **given)
        assert plan.account.id == "A-9"
        assert plan.account.company is None
        [warning] = plan.warnings
        assert (warning.code, warning.path, warning.ids) == ("doubtful_value", "account", ("A-9",))
        left = {item.path for item in plan.unmapped}
        assert {"company.name", "company.domain", "company.employees"} <= left
        # Whoever names the account says that it is the company's.
        named = shop.planned(prospect, account=UseExisting("A-9"), **given)
        assert (named.account.company, named.warnings) == (globex, ())
        # So does the company's name.
        same = shop.prospect(person=person, company=Company("ACME", employees=9))
        found = shop.planned(same, account=FindOrCreate("A-1"), **given)
        assert (found.account.company.employees, found.warnings) == (9, ())

    def test_who_was_erased_stays_erased(self, shop):
        """A prospect fills in nothing where the person was erased; an erased prospect fills in nothing at all."""
        erased = shop.contact().redact(reason="GDPR Art. 17", **shop.now)
        prospect = shop.prospect()
        targets = {"account": UseExisting("A-9"), "contact": UseExisting("C-9"), "opportunity": SKIP}
        plan = shop.planned(prospect, known=[shop.account(), erased], **targets)
        assert plan.contact.person == erased.person
        forgotten = prospect.redact(reason="GDPR Art. 17", **shop.later)
        contact = shop.contact(person=Person("M. Okafor"))
        plan = shop.planned(forgotten, known=[shop.account(), contact], **targets)
        assert plan.contact.person == contact.person


class TestRule11NothingIsDroppedSilently:
    """Every non-empty value of the source is found in what was made, or listed."""

    def test_a_qualification_takes_everything_over(self, shop):
        """All of it lands on the prospect."""
        lead = shop.rich_lead()
        plan = shop.qualification(lead)
        assert plan.unmapped == ()
        for name in ("person", "company", "source", "campaign", "owner", "estimated_value", "product_interest", "tags"):
            assert getattr(plan.prospect, name) == getattr(lead, name)
        for name in ("fields", "engagements", "touches", "discovery", "consents"):
            assert getattr(plan.prospect, name) == getattr(lead, name)

    def test_but_for_what_ends_there(self, shop):
        """The day to come back to a lead, and an owner who was replaced."""
        lead = shop.lead().nurture(revisit_on=date(2026, 5, 1), **shop.now)
        plan = shop.qualification(lead, owner="bob")
        assert dropped(plan) == {"owner": "ada", "revisit_on": date(2026, 5, 1)}
        assert str(plan.unmapped[0]) == "owner (the prospect goes to 'bob')"

    def test_a_conversion_of_everything_drops_nothing(self, shop):
        """With all three records made, every value has a place."""
        prospect = shop.prospect(lead=shop.rich_lead().record_consent(consent(shop, granted=True), **shop.now))
        plan = shop.planned(prospect, terms=NO_TERMS)
        assert plan.unmapped == ()

    def test_what_the_terms_replace_is_listed(self, shop):
        """An estimate that became another amount, products that became others."""
        prospect = shop.prospect(lead=shop.rich_lead())
        plan = shop.planned(prospect, terms=DealTerms("x", Money("48000", "EUR"), product_interest=["desk"]))
        assert sorted(dropped(plan)) == ["estimated_value", "product_interest"]
        assert plan.unmapped[0].why == "the deal is worth 48,000 EUR"

    def test_what_existing_records_keep_is_listed(self, shop):
        """With what they keep."""
        prospect = shop.prospect(
            lead=shop.rich_lead().nurture(revisit_on=date(2026, 5, 1), **shop.now).reopen(**shop.now)
        ).nurture(revisit_on=date(2026, 6, 1), **shop.later)
        account = shop.account(source="fair", campaign="autumn", tags=["old"], fields={"tier": "bronze", "seats": True})
        plan = shop.planned(prospect, account=UseExisting("A-9"), contact=SKIP, opportunity=SKIP, known=(account,))
        assert plan.account.tags == {"old"}
        assert plan.account.fields == Fields({"tier": "bronze", "seats": True})
        assert {
            "company.name",
            "source",
            "campaign",
            "owner",
            "tags",
            "fields.tier",
            "fields.seats",
            "person.name",
            "person.email",
            "estimated_value",
            "product_interest",
            "engagements",
            "touches",
            "discovery.need",
            "discovery.budget",
            "revisit_on",
        } <= dropped(plan).keys()
        assert dropped(plan)["tags"] == ("fair", "warm")
        # Without a deal, what is meant for one stays with the prospect.
        assert plan.prospect.discovery == prospect.discovery

    def test_custom_fields_by_kind(self, shop):
        """A field that says True is not there because another says 1."""
        prospect = shop.prospect(lead=shop.lead(fields={"vip": True}))
        account = shop.account(fields={"vip": 1})
        plan = shop.planned(prospect, account=UseExisting("A-9"), contact=SKIP, opportunity=SKIP, known=(account,))
        assert dropped(plan)["fields.vip"] is True

    @given(st.sets(st.sampled_from(["account", "contact", "opportunity"]), min_size=1), st.booleans())
    def test_every_value_is_somewhere(self, shop, made, existing):
        """Whatever is made or used, each attribute of the prospect is found there or listed as left behind."""
        if "opportunity" in made:
            made = made | {"account"}
        prospect = shop.prospect(lead=shop.rich_lead().record_consent(consent(shop, granted=False), **shop.now))
        known = (shop.account(company=Company("Other")), shop.contact(person=Person("Other")))
        account = SKIP if "account" not in made else UseExisting("A-9") if existing else Create("A-1")
        fits = existing and account is not SKIP
        contact = SKIP if "contact" not in made else UseExisting("C-9") if fits else Create("C-1")
        plan = shop.planned(
            prospect,
            account=account,
            contact=contact,
            opportunity=Create("O-1") if "opportunity" in made else SKIP,
            known=known,
        )
        left = {path.split(".")[0] for path in dropped(plan)}
        records = [record for record in (plan.account, plan.contact, plan.opportunity) if record is not None]
        for name in ("source", "campaign", "owner", "tags", "fields"):
            assert name in left or any(getattr(record, name) == getattr(prospect, name) for record in records)
        for name in ("engagements", "touches", "product_interest", "discovery"):
            assert name in left or getattr(plan.opportunity, name) == getattr(prospect, name)
        assert "person" in left or plan.contact.person == prospect.person
        assert "company" in left or plan.account.company == attrs.evolve(shop.company, domain="northwind.example")
        assert "consents" in left or any(getattr(record, "consents", ()) for record in records)
        assert "estimated_value" in left or plan.opportunity.amount == prospect.estimated_value


class TestRule12CarriedByDefault:
    """What is known goes along, and consent only tightens."""

    def test_a_list_entry_s_history_reaches_the_deal(self, shop):
        """From the list, through lead and prospect, to the deal."""
        entry = ListEntry.add("N-1", person=shop.person, source="fair", campaign="spring", **shop.now)
        entry = entry.touch(Touch("call", at=shop.at), **shop.now)
        lead = shop.lead(entry=entry, source=None)
        plan = shop.planned(shop.prospect(lead=lead))
        assert (plan.opportunity.source, plan.opportunity.campaign) == ("fair", "spring")
        assert plan.opportunity.touches == entry.touches

    def test_source_campaign_and_owner_go_to_everything_made(self, shop):
        """So that each record says where it came from."""
        plan = shop.planned(shop.prospect(lead=shop.rich_lead()))
        for record in (plan.account, plan.contact, plan.opportunity):
            assert (record.source, record.campaign, record.owner) == ("website", "spring", "ada")

    def test_the_deal_gets_what_is_about_it(self, shop):
        """Products, need, discovery, what happened, and the estimate as the proposed amount."""
        prospect = shop.prospect(lead=shop.rich_lead())
        plan = shop.planned(prospect, terms=NO_TERMS)
        deal = plan.opportunity
        assert (deal.amount, deal.needs) == (Money("50000", "EUR"), ("late deliveries",))
        for name in ("product_interest", "engagements", "touches", "discovery", "tags", "fields"):
            assert getattr(deal, name) == getattr(prospect, name)

    def test_discovery_moves(self, shop):
        """The prospect's starts empty for the next cycle."""
        prospect = shop.prospect(lead=shop.rich_lead())
        plan = shop.planned(prospect)
        assert plan.opportunity.discovery == prospect.discovery
        assert [learned for _, learned in plan.prospect.discovery if learned] == []

    def test_a_need_without_words(self, shop):
        """A level alone is discovery, not a need in their words."""
        prospect = shop.prospect(lead=shop.lead().discover(need=Learned("defined"), **shop.now))
        assert shop.planned(prospect).opportunity.needs == ()

    def test_the_person_s_language_goes_with_the_person(self, shop):
        """Nobody is suddenly written to in another language."""
        assert shop.planned(shop.prospect()).contact.person.language == "en"

    @pytest.mark.parametrize(
        ("opportunity", "contact", "heir"),
        [(Create("O-1"), Create("C-1"), "opportunity"), (SKIP, Create("C-1"), "contact"), (SKIP, SKIP, "account")],
    )
    def test_labels_and_custom_fields_have_one_heir(self, shop, opportunity, contact, heir):
        """The deal, else the contact, else the account."""
        plan = shop.planned(shop.prospect(lead=shop.rich_lead()), opportunity=opportunity, contact=contact)
        made = {"account": plan.account, "contact": plan.contact, "opportunity": plan.opportunity}
        assert [name for name, record in made.items() if record is not None and record.tags] == [heir]
        assert [name for name, record in made.items() if record is not None and record.fields] == [heir]

    def test_an_existing_heir(self, shop):
        """Takes custom fields that it has not, and labels if it has none."""
        prospect = shop.prospect(lead=shop.rich_lead())
        known = (shop.account(), shop.contact(fields={"tier": "bronze"}))
        plan = shop.planned(
            prospect, account=UseExisting("A-9"), contact=UseExisting("C-9"), opportunity=SKIP, known=known
        )
        assert plan.contact.fields == Fields({"tier": "bronze", "seats": 40})
        assert plan.contact.tags == {"fair", "warm"}
        assert plan.account.tags == frozenset()

    def test_consents_go_to_the_contact(self, shop):
        """There is one place to look; where there is no contact, it is the deal."""
        said = consent(shop, granted=False)
        prospect = shop.prospect(lead=shop.lead(consents=[said]))
        plan = shop.planned(prospect)
        assert (plan.contact.consents, plan.opportunity.consents) == ((said,), ())
        assert shop.planned(prospect, contact=SKIP).opportunity.consents == (said,)

    @pytest.mark.parametrize(
        ("mine", "theirs", "holds"), [(True, False, False), (False, True, False), (None, False, False)]
    )
    def test_consents_go_to_a_deal_that_is_there(self, shop, mine, theirs, holds):
        """Without a contact, what a further prospect said holds on the deal that it joins: the tighter of both."""
        held = () if mine is None else (consent(shop, granted=mine),)
        said = consent(shop, granted=theirs, basis="legitimate_interest" if theirs else "consent")
        prospect = shop.prospect(lead=shop.lead(consents=[said]))
        known = (shop.account(), shop.contact(), shop.deal(consents=held))
        targets = {"account": UseExisting("A-9"), "opportunity": UseExisting("O-9"), "known": known}
        alone = shop.planned(prospect, contact=SKIP, **targets)
        assert [each.granted for each in alone.opportunity.consents] == [holds]
        assert alone.opportunity.may_contact("email") is holds
        together = shop.planned(prospect, contact=UseExisting("C-9"), **targets)
        assert together.opportunity.consents == held
        assert together.contact.consents == (said,)

    @pytest.mark.parametrize(
        ("theirs", "mine", "holds"),
        [
            ({"granted": True, "days": 5}, {"granted": False}, "theirs"),
            ({"granted": True, "days": 5, "basis": "legitimate_interest"}, {"granted": False}, "mine"),
            ({"granted": False}, {"granted": True, "days": 5}, "mine"),
            ({"granted": False, "days": 5}, {"granted": True}, "theirs"),
        ],
    )
    def test_consent_only_tightens(self, shop, theirs, mine, holds):
        """Of two statements the tighter one holds, but for a later explicit opt-in; the other is listed."""
        new, old = consent(shop, **theirs), consent(shop, **mine)
        prospect = shop.prospect(lead=shop.lead(consents=[new]))
        known = (shop.account(), shop.contact(consents=[old]))
        plan = shop.planned(prospect, account=UseExisting("A-9"), contact=UseExisting("C-9"), known=known)
        assert plan.contact.consents == ((new,) if holds == "theirs" else (old,))
        assert ("consents.email.sales" in dropped(plan)) == (holds == "mine")


class TestRule13OwnerExplicit:
    """Kept, given or routed; a queue or somebody inactive is refused."""

    @pytest.mark.parametrize(
        ("choice", "owner"), [(None, "ada"), ("bob", "bob"), (lambda source: f"{source.owner}-jr", "ada-jr")]
    )
    def test_ways_to_choose(self, shop, choice, owner):
        """The same three ways for a prospect and for what comes of it."""
        lead = shop.lead()
        assert shop.qualification(lead, owner=choice).prospect.owner == owner
        plan = shop.planned(shop.prospect(), owner=choice)
        assert {plan.account.owner, plan.contact.owner, plan.opportunity.owner} == {owner}

    def test_nobody_is_an_answer(self, shop):
        """A record without an owner makes records without one."""
        assert shop.planned(shop.prospect(owner=None)).opportunity.owner is None
        assert shop.planned(shop.prospect(), owner=lambda source: None).opportunity.owner is None

    @pytest.mark.parametrize(
        ("owner", "why"),
        [
            ("inbound", "must be a person, got the queue 'inbound'"),
            ("gone", "must be an active user, got 'gone'"),
            (lambda source: "gone", "must be an active user, got 'gone'"),
        ],
    )
    def test_refused_owners(self, shop, owner, why):
        """With a reason, whoever chose."""
        settings = ConversionSettings(owners=Owners(active={"ada"}, queues={"inbound"}))
        refusal = shop.qualification(shop.lead(), owner=owner, settings=settings)
        assert (refusal.reasons[0].code, refusal.reasons[0].message) == ("invalid_owner", why)

    def test_an_inactive_owner_is_not_kept_either(self, shop):
        """Keeping is a choice like any other."""
        settings = ConversionSettings(owners=Owners(active={"bob"}))
        assert shop.conversion(shop.prospect(), settings=settings).codes == {"invalid_owner"}

    def test_existing_records_keep_theirs(self, shop):
        """Routing is for what is made."""
        plan = shop.planned(
            shop.prospect(), account=UseExisting("A-9"), owner="bob", known=(shop.account(owner="eve"),)
        )
        assert plan.account.owner == "eve"


class TestRule14TermsExplicit:
    """What is given holds; every default is listed; a given probability is manual."""

    def test_what_is_most_often_a_mistake_is_a_warning(self, shop):
        """Less than nothing, or a close before the deal is opened; it holds all the same."""
        day, less = shop.later["at"].date(), Money("-5", "EUR")
        for amount in (less, Recurring(less, 1, 12)):
            plan = shop.planned(shop.prospect(), terms=DealTerms("x", amount, expected_close=day - timedelta(days=1)))
            assert [(why.code, why.path) for why in plan.warnings] == [
                ("doubtful_value", "terms.amount"),
                ("doubtful_value", "terms.expected_close"),
            ]
            assert plan.opportunity.expected_close < plan.opportunity.created_at.date()
        fine = DealTerms("x", Money("0", "EUR"), expected_close=day)
        for calendar in (FiscalCalendar(UTC), None):
            settings = ConversionSettings(terms=TermDefaults(calendar=calendar))
            assert shop.planned(shop.prospect(), terms=fine, settings=settings).warnings == ()

    def test_given_terms(self, shop):
        """All of them, as they are; nothing is a default."""
        terms = DealTerms(
            "Rollout",
            Recurring(Money("1000", "EUR"), 1, 24),
            expected_close=date(2026, 6, 30),
            stage="proposal",
            probability=0.55,
            pipeline=pipelines.SIMPLE,
            type="expansion",
            product_interest=["router"],
            next_step=NextStep("call"),
            team=[TeamMember("eve")],
            role="champion",
        )
        plan = shop.planned(shop.prospect(), terms=terms)
        deal = plan.opportunity
        assert (deal.name, deal.amount, deal.recurring.mrr) == ("Rollout", Money("24000", "EUR"), Money("1000", "EUR"))
        assert (deal.stage.code, deal.probability, deal.probability_source) == ("proposal", 0.55, "manual")
        assert (deal.probability_by, deal.type, deal.next_step) == ("ada", OpportunityType.EXPANSION, NextStep("call"))
        assert (deal.team, deal.contact_roles[0].role) == ((TeamMember("eve"),), "champion")
        assert list(defaults(plan)) == ["account.company.domain"]

    def test_defaults(self, shop):
        """Each is listed with where it comes from."""
        prospect = shop.prospect(lead=shop.lead(estimated_value=Money("500", "USD")))
        plan = shop.planned(prospect, terms=None)
        assert defaults(plan) == {
            "account.company.domain": "northwind.example",
            "terms.pipeline": "simple",
            "terms.stage": "qualified",
            "terms.probability": 0.2,
            "terms.amount": Money("500", "USD"),
            "terms.expected_close": date(2026, 3, 31),
            "terms.type": "new",
            "terms.name": "Northwind",
        }
        assert plan.opportunity.probability_source == "stage"
        assert "terms.expected_close = 2026-03-31 (the end of FY2026 Q1)" in map(str, plan.defaults)

    def test_configured_defaults(self, shop):
        """A host's own name rule, pipeline, stage, calendar, type and role."""
        settings = ConversionSettings(
            terms=TermDefaults(
                name="{company} - {product} ({quarter})",
                pipeline=pipelines.SALESFORCE,
                stage="needs_analysis",
                calendar=FiscalCalendar(UTC, first_month=2),
                type="renewal",
                role="influencer",
            )
        )
        prospect = shop.prospect(lead=shop.rich_lead())
        plan = shop.planned(prospect, terms=NO_TERMS, settings=settings)
        deal = plan.opportunity
        assert deal.name == "Northwind - router (FY2027 Q1)"
        assert (deal.pipeline, deal.stage.code) == (pipelines.SALESFORCE, "needs_analysis")
        assert (deal.expected_close, deal.type) == (date(2026, 4, 30), "renewal")
        assert deal.contact_roles[0].role == "influencer"
        # The configured stage is one of the configured pipeline.
        plan = shop.planned(prospect, terms=DealTerms(pipeline=pipelines.SIMPLE), settings=settings)
        assert plan.opportunity.stage.code == "qualified"

    @pytest.mark.parametrize(
        ("rule", "name"),
        [
            ("{party}", "Mara Okafor"),
            ("{company} / {person}", "Mara Okafor"),
            ("{person}: {product}", "Mara Okafor"),
            ("Deal of {quarter}", "Deal of FY2026 Q1"),
        ],
    )
    def test_names_without_what_is_unknown(self, shop, rule, name):
        """A blank leaves nothing behind."""
        settings = ConversionSettings(terms=TermDefaults(name=rule))
        plan = shop.planned(shop.prospect(company=None), settings=settings)
        assert plan.opportunity.name == name

    def test_no_calendar_no_close(self, shop):
        """Then it must be given."""
        settings = ConversionSettings(terms=TermDefaults(calendar=None, name="{party} {quarter}"))
        refusal = shop.conversion(shop.prospect(), settings=settings)
        assert [reason.path for reason in refusal.reasons] == ["terms.expected_close"]
        terms = DealTerms(amount=Money(1, "EUR"), expected_close=date(2026, 5, 1))
        assert shop.planned(shop.prospect(), settings=settings, terms=terms).opportunity.name == "Northwind"

    def test_a_name_of_nothing_is_missing(self, shop):
        """A rule that comes to nothing needs a name given."""
        settings = ConversionSettings(terms=TermDefaults(name="{product}"))
        assert shop.conversion(shop.prospect(), settings=settings).reasons[0].path == "terms.name"

    def test_terms_are_checked(self):
        """All problems at once."""
        with pytest.raises(InvalidError) as caught:
            DealTerms(
                "", 48000.0, expected_close="soon", stage=3, probability=1.5, pipeline="simple", type="old",
                product_interest=[3], next_step="call", team=["eve"], role="boss",
            )  # fmt: skip
        assert [problem.path for problem in caught.value.problems] == [
            "name",
            "amount",
            "expected_close",
            "stage",
            "probability",
            "pipeline",
            "type",
            "product_interest[0]",
            "next_step",
            "team[0]",
            "role",
        ]
        with pytest.raises(InvalidError, match="product_interest must be a tuple"):
            DealTerms(product_interest=3)
        with pytest.raises(InvalidError, match="stage must be an open stage of pipeline 'simple', got 3"):
            DealTerms(stage=3, pipeline=pipelines.SIMPLE)

    def test_defaults_are_checked(self):
        """All problems at once, when configured and not when used."""
        with pytest.raises(InvalidError) as caught:
            TermDefaults(name="{firm}", pipeline=pipelines.SIMPLE, stage="won", calendar="UTC", type="x", role="y")
        assert [problem.path for problem in caught.value.problems] == ["name", "stage", "calendar", "type", "role"]
        for rule in ("{", "{party!r}", "{party:>9}", "{party.__class__}"):
            with pytest.raises(InvalidError, match="name"):
                TermDefaults(name=rule)
        with pytest.raises(InvalidError, match="pipeline must be a Pipeline"):
            TermDefaults(pipeline="simple", stage="x")
        assert str(Default("a", 1, "b")) == "a = 1 (b)"

    def test_settings_are_checked(self):
        """All problems at once."""
        with pytest.raises(InvalidError) as caught:
            ConversionSettings(terms={}, owners=[], person_accounts="x", blank_companies=["", 3], open_deals="y")
        paths = [problem.path for problem in caught.value.problems]
        assert [path for path in paths if not path.startswith("blank")] == [
            "terms",
            "owners",
            "person_accounts",
            "open_deals",
        ]
        assert len([path for path in paths if path.startswith("blank")]) == 2
        with pytest.raises(InvalidError, match="blank_companies"):
            ConversionSettings(blank_companies="self")
        with pytest.raises(InvalidError) as caught:
            Owners(active=[""], queues="inbound")
        assert [problem.path for problem in caught.value.problems] == ["active[0]", "queues"]


class TestRule15OnePrimaryContact:
    """The contact of a conversion is the primary one; a further one is not."""

    def test_of_a_new_deal(self, shop):
        """Exactly one, if there is a contact."""
        plan = shop.planned(shop.prospect())
        assert [(role.contact_id, role.primary) for role in plan.opportunity.contact_roles] == [("C-1", True)]
        assert shop.planned(shop.prospect(), contact=SKIP).opportunity.contact_roles == ()

    def test_of_a_deal_that_has_one(self, shop):
        """The one who was there stays primary."""
        deal = shop.deal().add_role("C-7", **shop.now)
        plan = shop.planned(
            shop.prospect(), account=UseExisting("A-9"), opportunity=UseExisting("O-9"), known=(shop.account(), deal)
        )
        roles = [(role.contact_id, role.primary) for role in plan.opportunity.contact_roles]
        assert roles == [("C-7", True), ("C-1", False)]


class TestRule16PeopleWithoutACompany:
    """A person account or none, as configured; never an account called "Not provided"."""

    @pytest.mark.parametrize(
        "company", [None, "self", " SELF ", "Mara Okafor", "mara okafor", "[Not Provided]", "n/a", "-", "Private"]
    )
    @pytest.mark.parametrize("policy", PersonAccounts)
    def test_as_configured(self, shop, company, policy):
        """Whatever stands in the field: one in the person's name, none, or a refusal."""
        prospect = shop.prospect(company=None if company is None else Company(company))
        plan = shop.conversion(prospect, settings=ConversionSettings(person_accounts=policy))
        if policy is PersonAccounts.REFUSE:
            assert plan.because("missing_fields").path == "company"
            return
        assert not isinstance(plan, Refusal)
        if policy is PersonAccounts.NONE:
            assert (plan.account, plan.opportunity.account_id, plan.contact.account_id) == (None, None, None)
            assert defaults(plan)["account"] == "none"
        else:
            assert (plan.account.name, plan.account.company) == ("Mara Okafor", None)
            assert defaults(plan)["account.name"] == "Mara Okafor"
        assert ("company.name" in dropped(plan)) == (company is not None)

    def test_own_words_for_no_company(self, shop):
        """A host may list them."""
        settings = ConversionSettings(blank_companies=["Selbstst\u00e4ndig"])
        plan = shop.planned(shop.prospect(company=Company("SELBSTST\u00c4NDIG")), settings=settings)
        assert plan.account.company is None
        assert shop.planned(shop.prospect(company=Company("self")), settings=settings).account.name == "self"

    def test_people_without_company_are_matched_by_address_only(self, shop):
        """Two people at one mail provider are two accounts."""
        person = Person("Jo Doe", email="jo@gmail.com")
        plan = shop.planned(shop.prospect(person=person, company=None))
        assert [str(key) for key in plan.changes.absent] == ["contact:email:jo@gmail.com"]

    def test_nobody_at_all(self, shop):
        """Neither person nor company makes no account."""
        prospect = Prospect.imported("P-9", **shop.now)
        refusal = shop.conversion(prospect, contact=SKIP)
        assert [reason.path for reason in refusal.reasons] == ["company", "terms.name"]

    def test_the_account_of_a_contact_that_was_found(self, shop):
        """Somebody known brings their account, with or without a company."""
        known = (shop.account("A-9", company=None), shop.contact())
        plan = shop.planned(
            shop.prospect(company=None), account=FindOrCreate("A-1"), contact=FindOrCreate("C-1"), known=known
        )
        assert (plan.account.id, plan.contact.id) == ("A-9", "C-9")


class TestTypes:
    """Plans hold records of the right kinds."""

    def test_kinds(self, shop):
        """Each attribute is what its name says."""
        plan = shop.planned(shop.prospect())
        assert isinstance(plan.account, Account)
        assert isinstance(plan.contact, Contact)
        assert isinstance(plan.opportunity, Opportunity)
        assert isinstance(shop.lead(), Lead)
        assert shop.lead().engagements == (Engagement("demo_request", at=shop.at),)
