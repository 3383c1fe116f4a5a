"""Rules 10 to 12: blanks only unless a field says otherwise, a declared mapping, where each value came from."""

import pickle
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import Company, Consent, InvalidError, InvalidTypeError, Money, Opportunity, Person, pipelines
from leadflow.conversion import (
    SKIP,
    CameBy,
    ConversionMapping,
    ConversionSettings,
    Create,
    DealTerms,
    FieldKind,
    Refusal,
    Rule,
    TermDefaults,
    UseExisting,
)
from leadflow.conversion.mappingpaths import COMPANY, PERSON, SOURCES, TARGETS, group_of, kind_of, values_of
from leadflow.conversion.terms import NO_TERMS
from leadflow.stores import InMemoryStore


def mapped(*rules, **kinds):
    """Settings with a mapping; kinds of custom fields by their names."""
    declared = {f"fields.{name}": kind for name, kind in kinds.items()}
    return ConversionSettings(mapping=ConversionMapping(rules, kinds=declared))


def dropped(plan):
    return {unmapped.path: unmapped.why for unmapped in plan.unmapped}


def sources(plan):
    return {known.path: (known.by.value, known.source) for known in plan.field_provenance}


class TestRule10OverwritingIsExplicit:
    """What is there stays, but for single fields that a rule overwrites; what belongs together goes together."""

    known = staticmethod(lambda shop, **more: (shop.account(**more), shop.contact()))

    def convert(self, shop, prospect, known, **more):
        targets = {"account": UseExisting("A-9"), "contact": UseExisting("C-9")}
        return shop.planned(prospect, known=known, **(targets | more))

    def test_a_field_that_is_named_is_replaced(self, shop):
        """And no other."""
        known = self.known(shop, company=Company("Northwind GmbH", industry="logistics", employees=7))
        prospect = shop.prospect(company=Company("Northwind", industry="retail", employees=420))
        settings = mapped(Rule("company.industry", "account.company.industry", overwrite=True))
        plan = self.convert(shop, prospect, known, settings=settings)
        assert (plan.account.company.industry, plan.account.company.employees) == ("retail", 7)
        assert "company.employees" in dropped(plan)
        assert "company.industry" not in dropped(plan)

    def test_a_rule_alone_fills_blanks_only(self, shop):
        """Overwriting must be said; what is kept is listed with what is there."""
        known = self.known(shop, company=Company("Northwind GmbH", industry="logistics"))
        prospect = shop.prospect(fields={"branch": "retail"})
        plan = self.convert(
            shop, prospect, known, settings=mapped(Rule("fields.branch", "account.company.industry"), branch="text")
        )
        assert plan.account.company.industry == "logistics"
        assert dropped(plan)["fields.branch"] == "mapped to account.company.industry; account 'A-9' keeps 'logistics'"

    def test_names_sources_and_fields_too(self, shop):
        """Each by its own rule."""
        known = (shop.account(source="list", fields={"tier": "tin"}), shop.contact())
        prospect = shop.prospect(fields={"tier": "gold", "legal": "Northwind Holding"})
        rules = [
            Rule("fields.legal", "account.name", overwrite=True),
            Rule("source", "account.source", overwrite=True),
            Rule("fields.tier", "account.fields.tier", overwrite=True),
        ]
        plan = self.convert(shop, prospect, known, settings=mapped(*rules, legal="text"))
        assert (plan.account.name, plan.account.source) == ("Northwind Holding", "website")
        assert dict(plan.account.fields) == {"tier": "gold"}

    def test_a_deal_under_way(self, shop):
        """Its amount, close and name are replaced where a rule says so, its blanks filled where not."""
        deal = shop.deal()
        prospect = shop.prospect(
            estimated_value=Money("9", "EUR"), fields={"close": date(2026, 9, 1), "title": "Rollout"}
        )
        rules = [("estimated_value", "amount"), ("fields.close", "expected_close"), ("fields.title", "name")]
        for overwrite, expected in [
            (False, ("Running", Money("1000", "EUR"), date(2026, 3, 2))),
            (True, ("Rollout", Money("9", "EUR"), date(2026, 9, 1))),
        ]:
            settings = mapped(
                *(Rule(source, f"opportunity.{name}", overwrite=overwrite) for source, name in rules),
                close="date",
                title="text",
            )
            plan = self.convert(
                shop, prospect, (*self.known(shop), deal), opportunity=UseExisting("O-9"), settings=settings
            )
            assert (plan.opportunity.name, plan.opportunity.amount, plan.opportunity.expected_close) == expected

    def test_an_imported_deal_takes_mapped_blanks(self, shop):
        """A close and an amount that were unknown."""
        deal = Opportunity.imported(
            "O-9", "Old", origin=shop.deal().origin, pipeline=pipelines.SIMPLE, stage="proposal", **shop.now
        )
        prospect = shop.prospect(fields={"worth": Money("5", "EUR"), "close": date(2026, 9, 1)})
        settings = mapped(
            Rule("fields.worth", "opportunity.amount"),
            Rule("fields.close", "opportunity.expected_close"),
            worth="money",
            close="date",
        )
        plan = self.convert(
            shop, prospect, (*self.known(shop), deal), opportunity=UseExisting("O-9"), settings=settings
        )
        assert (plan.opportunity.amount, plan.opportunity.expected_close) == (Money("5", "EUR"), date(2026, 9, 1))

    PHONE = (
        Rule("person.phone", "contact.person.phone", overwrite=True),
        Rule("person.country", "contact.person.country", overwrite=True),
    )

    @pytest.mark.parametrize(
        ("held", "given_", "expected"),
        [
            (
                {"phone": "01 1", "country": "AT"},
                {"phone": "030 1", "country": "DE"},
                {"phone": "030 1", "country": "DE"},
            ),
            ({"phone": "01 1", "country": "AT"}, {"phone": "030 1"}, {"phone": "01 1", "country": "AT"}),
            ({"phone": "01 1"}, {"phone": "030 1"}, {"phone": "030 1"}),
            ({"phone": "01 1", "country": "AT"}, {}, {"phone": "01 1", "country": "AT"}),
        ],
    )
    def test_groups_are_overwritten_whole(self, shop, held, given_, expected):
        """Or not at all: never a number of one country beside another, never a known value for an unknown one."""
        known = (shop.account(), shop.contact(person=Person("M", email="mara@northwind.example", **held)))
        prospect = shop.prospect(person=Person("M", email="mara@northwind.example", **given_))
        plan = self.convert(shop, prospect, known, settings=mapped(*self.PHONE))
        assert plan.contact.person == attrs.evolve(known[1].person, **expected)

    def test_groups_are_filled_whole(self, shop):
        """The same without overwriting."""
        rules = [Rule("fields.mobile", "contact.person.phone"), Rule("person.country", "contact.person.country")]
        settings = mapped(*rules, mobile="text")
        for held, expected in [({}, ("0170 1", "DE")), ({"country": "AT"}, (None, "AT"))]:
            known = (shop.account(), shop.contact(person=Person("M", email="mara@northwind.example", **held)))
            prospect = shop.prospect(
                person=Person("M", email="mara@northwind.example", country="DE"), fields={"mobile": "0170 1"}
            )
            person = self.convert(shop, prospect, known, settings=settings).contact.person
            assert (person.phone, person.country) == expected

    def test_a_contact_never_moves(self, shop):
        """No rule can say so: an account is no target."""
        with pytest.raises(InvalidError, match=r"unknown: 'contact.account_id'"):
            Rule("fields.account", "contact.account_id", overwrite=True)
        known = (shop.account(), shop.account("A-8", company=None), shop.contact(account_id="A-8"))
        refusal = shop.conversion(shop.prospect(), account=UseExisting("A-9"), contact=UseExisting("C-9"), known=known)
        assert refusal.because("foreign_contact")


class TestRule11DeclaredMapping:
    """A mapping is data, checked when it is built."""

    def test_where_values_go(self, shop):
        """From attributes and custom fields, to attributes and custom fields, also to several."""
        mapping = ConversionMapping(
            {
                "fields.tier": ["account.fields.level", "opportunity.fields.level"],
                "fields.branch": "account.company.industry",
                "source": "opportunity.fields.lead_source",
                "person.department": "contact.fields.team",
                "discovery.need": "contact.fields.need",
            },
            kinds={"fields.branch": "text"},
        )
        lead = shop.rich_lead().correct(
            fields={"tier": "gold", "branch": "retail", "seats": 40},
            person=attrs.evolve(shop.person, department="ops"),
            **shop.now,
        )
        plan = shop.planned(shop.prospect(lead=lead), settings=ConversionSettings(mapping=mapping), terms=NO_TERMS)
        assert dict(plan.account.fields) == {"level": "gold"}
        assert plan.account.company.industry == "retail"
        assert dict(plan.contact.fields) == {"team": "ops", "need": "late deliveries"}
        assert plan.contact.person.department == "ops"
        # What no rule names goes to the deal, as it would without a mapping.
        assert dict(plan.opportunity.fields) == {"level": "gold", "lead_source": "website", "seats": 40}
        assert plan.unmapped == ()

    def test_terms_come_before_the_mapping_and_that_before_defaults(self, shop):
        """What the seller says holds."""
        prospect = shop.prospect(
            estimated_value=Money("1", "EUR"), fields={"worth": Money("7", "EUR"), "close": date(2026, 9, 1)}
        )
        settings = mapped(
            Rule("fields.worth", "opportunity.amount"),
            Rule("fields.close", "opportunity.expected_close"),
            Rule("campaign", "opportunity.name"),
            worth="money",
            close="date",
        )
        plan = shop.planned(prospect, settings=settings, terms=NO_TERMS)
        assert (plan.opportunity.amount, plan.opportunity.expected_close) == (Money("7", "EUR"), date(2026, 9, 1))
        assert "terms.amount = 7 EUR (mapped from 'fields.worth')" in map(str, plan.defaults)
        plan = shop.planned(prospect, settings=settings, terms=DealTerms("Given", Money("8", "EUR")))
        assert (plan.opportunity.name, plan.opportunity.amount) == ("Given", Money("8", "EUR"))
        assert dropped(plan)["fields.worth"] == "mapped to opportunity.amount; opportunity 'O-1' keeps '8 EUR'"

    @pytest.mark.parametrize(
        ("rules", "says"),
        [
            ({"person.fone": "account.name"}, "unknown: 'person.fone' (did you mean 'person.phone'?)"),
            ({"source": "account.nme"}, "unknown: 'account.nme' (did you mean 'account.name'?)"),
            ({"source": "fields.x"}, "unknown: 'fields.x'"),
            ({"source": "account.company.employees"}, "holds integer, got 'source', which holds text"),
            ({"fields.x": "account.company.employees"}, "say what 'fields.x' holds, with kinds={'fields.x': ...}"),
            ({"source": "account.name", "campaign": "account.name"}, "must have one source, got 'campaign', 'source'"),
            ({"person.phone": "contact.person.phone"}, "moves together with contact.person.country"),
            ({"source": 3}, "target must be a str"),
            ({3: "account.name"}, "source must be a str"),
            ({"fields.": "account.fields.x"}, "fields."),
            ("source", "must be a tuple"),
            ([3], "rules[0] must be a Rule, got 3"),
        ],
    )
    def test_what_is_wrong_is_said_when_it_is_built(self, rules, says):
        """Before there is any record."""
        with pytest.raises(InvalidError) as caught:
            ConversionMapping(rules)
        assert says in str(caught.value)

    def test_all_problems_at_once(self):
        """Of all rules."""
        with pytest.raises(InvalidError) as caught:
            ConversionMapping({"person.fone": "account.name", "source": ["account.nme", "x"]})
        assert [problem.path for problem in caught.value.problems] == [
            "rules['person.fone'].source",
            "rules['source'].target",
            "rules['source'].target",
        ]
        with pytest.raises(InvalidError) as caught:
            ConversionMapping(
                [Rule("source", "contact.person.phone"), Rule("tags", "contact.person.country", overwrite=True)]
            )
        assert len(caught.value.problems) == 3

    @pytest.mark.parametrize(
        "kinds", [{"fields.x": "txt"}, {"person.name": "text"}, {"fields.": "text"}, {3: "text"}, 3, {"fields.x": 3}]
    )
    def test_kinds_are_checked(self, kinds):
        """A path of a custom field, a known kind."""
        with pytest.raises(InvalidError, match="kinds"):
            ConversionMapping([], kinds=kinds)

    def test_kinds_on_both_sides(self):
        """A target may be declared, too."""
        with pytest.raises(InvalidError, match="holds integer, got 'source', which holds text"):
            ConversionMapping({"source": "account.fields.n"}, kinds={"account.fields.n": FieldKind.INTEGER})

    def test_it_is_data(self):
        """Comparable whatever the order, hashable, picklable, plain and back."""
        one = ConversionMapping(
            [Rule("source", "account.fields.s", overwrite=True), Rule("fields.n", "account.fields.n")],
            kinds={"fields.n": "integer"},
        )
        other = ConversionMapping(tuple(reversed(one.rules)), kinds={"fields.n": FieldKind.INTEGER})
        assert one == other
        assert hash(one) == hash(other)
        assert pickle.loads(pickle.dumps(one)) == one
        assert ConversionMapping.from_dict(one.to_dict()) == one
        assert one.to_dict() == {
            "rules": [
                {"source": "fields.n", "target": "account.fields.n"},
                {"source": "source", "target": "account.fields.s", "overwrite": True},
            ],
            "kinds": {"fields.n": "integer"},
        }
        assert [row["kind"] for row in one.to_rows()] == ["integer", "text"]
        assert str(one.rules[1]) == "source -> account.fields.s (overwriting)"
        assert one.claimed == {"n"}
        assert bool(one) is True
        assert ConversionMapping({}) == ConversionMapping()

    @given(
        st.dictionaries(
            st.sampled_from([*SOURCES, "fields.a", "fields.b"]),
            st.sampled_from([*TARGETS, "account.fields.a", "opportunity.fields.b"]),
            max_size=4,
        )
    )
    def test_built_or_refused(self, rules):
        """Any rules make a mapping that comes back from its dict, or an error that names a rule."""
        with suppress(InvalidError):
            mapping = ConversionMapping(rules)
            assert ConversionMapping.from_dict(mapping.to_dict()) == mapping

    @pytest.mark.parametrize(
        ("plain", "path"),
        [
            ({"rulez": []}, "['rulez']"),
            ({"rules": {}}, "rules"),
            ({"rules": [3]}, "rules[0]"),
            ({"rules": [{"source": "source"}]}, "rules[0]"),
            ({"rules": [{"source": "x", "target": "account.name"}]}, "rules[0].source"),
            ({"rules": [{"source": "source", "target": "account.name", "overwrite": 1}]}, "rules[0].overwrite"),
            ({"kinds": {"x": "text"}}, "kinds['x']"),
        ],
    )
    def test_plain_values_are_checked(self, plain, path):
        """What is unknown, missing or wrong is named."""
        with pytest.raises(InvalidError) as caught:
            ConversionMapping.from_dict(plain)
        assert path in [problem.path for problem in caught.value.problems]
        with pytest.raises(InvalidTypeError):
            ConversionMapping.from_dict([])

    @pytest.mark.parametrize(
        ("value", "kind", "rule", "says"),
        [
            ("many", "integer", ("fields.x", "account.company.employees"), "must hold integer, got 'many'"),
            (-1, "integer", ("fields.x", "account.company.employees"), "must be at least 0, got -1"),
            ("x" * 600, "text", ("fields.x", "account.name"), "must be at most 500 characters"),
            ("x" * 600, "text", ("fields.x", "contact.person.job_title"), "must be at most 500 characters"),
            ("", "text", ("fields.x", "opportunity.source"), "must be text with something in it"),
            (Decimal(1), "money", ("fields.x", "opportunity.amount"), "must hold money"),
        ],
    )
    def test_a_value_that_does_not_fit_is_refused(self, shop, value, kind, rule, says):
        """It is neither cut off nor dropped; where it comes from is said."""
        refusal = shop.conversion(shop.prospect(fields={"x": value}), settings=mapped(Rule(*rule), x=kind))
        assert isinstance(refusal, Refusal)
        (reason,) = refusal.reasons
        assert (reason.code, reason.path) == ("invalid_value", rule[1])
        assert says in reason.message
        assert reason.message.endswith("from 'fields.x' by the mapping")

    def test_what_maps_to_nothing_is_listed(self, shop):
        """A record that is not made takes nothing; the value stays on the prospect."""
        prospect = shop.prospect(fields={"tier": "gold"})
        plan = shop.planned(prospect, opportunity=SKIP, settings=mapped(Rule("fields.tier", "opportunity.fields.tier")))
        assert dropped(plan)["fields.tier"] == "mapped to opportunity.fields.tier; there is none"
        assert dict(plan.prospect.fields) == {"tier": "gold"}

    def test_one_of_two_places_is_enough(self, shop):
        """What landed anywhere is not listed."""
        mapping = ConversionMapping({"fields.tier": ["account.fields.tier", "opportunity.fields.tier"]})
        prospect = shop.prospect(fields={"tier": "gold"})
        plan = shop.planned(prospect, opportunity=SKIP, settings=ConversionSettings(mapping=mapping))
        assert "fields.tier" not in dropped(plan)

    def test_the_service_takes_one(self, shop):
        """As an argument or in its settings, but not two."""
        mapping = ConversionMapping({"source": "account.fields.source"})
        store = InMemoryStore()
        service = shop.service(store, mapping=mapping)
        assert service.settings.mapping == mapping
        assert shop.service(settings=ConversionSettings(mapping=mapping), mapping=mapping).settings == service.settings
        with pytest.raises(InvalidError, match="mapping must be given once"):
            shop.service(settings=ConversionSettings(mapping=mapping), mapping=ConversionMapping())
        with pytest.raises(InvalidTypeError, match="mapping must be a ConversionMapping"):
            shop.service(mapping={})
        with pytest.raises(InvalidTypeError, match="settings"):
            shop.service(mapping=mapping, settings=3)
        with pytest.raises(InvalidTypeError, match="mapping"):
            ConversionSettings(mapping={})

    def test_the_tables_are_the_classes(self):
        """Whatever a person or company has can be mapped, and nothing else."""
        for table, kind in ((PERSON, Person), (COMPANY, Company)):
            assert list(table) == sorted(table, key=list(table).index)
            assert set(table) == {attribute.name for attribute in attrs.fields(kind)}
        assert group_of("account.company.city")[0] == "account.company.country"
        assert kind_of(None) is None

    def test_every_source_can_be_read(self, shop):
        """Of a prospect that has everything, as its kind."""
        company = Company(
            "N", domain="n.example", industry="x", employees=1, revenue=Money("1", "EUR"), country="DE", region="B",
            city="B", email="info@n.example", phone="030 123456", technologies=["x"],
        )  # fmt: skip
        person = Person(
            "M", email="m@n.example", phone="1", handle="h", job_title="t", seniority="vp", department="d",
            country="DE", language="en",
        )  # fmt: skip
        lead = shop.rich_lead().correct(person=person, company=company, **shop.now)
        lead = lead.discover(timeline=date(2026, 9, 1), next_step="call", catalyst="audit", **shop.now)
        found = values_of(shop.prospect(lead=lead))
        assert set(SOURCES) - set(found) == {"revisit_on"}
        assert all(kind_of(value) is SOURCES[path] for path, value in found.items() if path in SOURCES)


class TestRule6NothingIsTooLongToBePlanned:
    """What a record may hold can be converted, or is refused with its path: planning never raises to say no."""

    def test_a_need_of_many_lines(self, shop):
        """What was learnt of their need is the deal's need, however long, in a new deal and in one that is there."""
        need = "late deliveries\n" * 300
        prospect = shop.prospect().discover(need=need, **shop.later)
        assert shop.planned(prospect).opportunity.needs == (need,)
        given = {"account": UseExisting("A-9"), "opportunity": UseExisting("O-9"), "contact": SKIP}
        assert shop.planned(prospect, known=[shop.account(), shop.deal()], **given).opportunity.needs == (need,)

    def test_a_mapped_value_that_a_term_cannot_hold(self, shop):
        """The refusal names the target, and the source that the mapping takes it from."""
        prospect = shop.prospect().discover(need="n" * 501, **shop.later)
        refusal = shop.conversion(prospect, settings=mapped(Rule("discovery.need", "opportunity.name")))
        reason = refusal.because("invalid_value")
        assert reason.path == "opportunity.name"
        assert reason.message.endswith("from 'discovery.need' by the mapping")

    def test_a_name_by_a_rule_that_is_too_long(self, shop):
        """Never cut off: whoever converts gives a name."""
        person, company = Person("p" * 300, email="p@northwind.example"), Company("c" * 300)
        prospect = shop.prospect(person=person, company=company)
        settings = ConversionSettings(terms=TermDefaults(name="{company} {person}"))
        refusal = shop.conversion(prospect, settings=settings)
        assert [reason.path for reason in refusal.reasons] == ["terms.name"]
        assert refusal.reasons[0].message.endswith("by the rule '{company} {person}'; give a name")


class TestRule11Provenance:
    """Every value on what was made says where it came from."""

    def test_of_everything_new(self, shop):
        """Carried, mapped, given, or by default."""
        settings = mapped(Rule("fields.tier", "account.fields.tier"))
        prospect = shop.prospect(lead=shop.rich_lead())
        plan = shop.planned(prospect, settings=settings, owner="bob", terms=DealTerms(amount=Money("8", "EUR")))
        found = sources(plan)
        assert found["account.name"] == ("carried", "company.name")
        assert found["account.company.domain"] == ("default", "of the e-mail address")
        assert found["account.fields.tier"] == ("mapped", "fields.tier")
        assert found["account.owner"] == ("owner", None)
        assert found["contact.person.phone"] == ("carried", "person.phone")
        assert found["opportunity.amount"] == ("terms", "terms.amount")
        assert found["opportunity.expected_close"] == ("default", "the end of FY2026 Q1")
        assert found["opportunity.discovery"] == ("carried", "discovery")
        assert found["opportunity.fields.seats"] == ("carried", "fields.seats")
        assert "contact.tags" not in found
        assert "account.owner: owner" in map(str, plan.field_provenance)

    def test_an_estimate_is_carried(self, shop):
        """The amount that nobody gave is the prospect's; the name of a person account the person's."""
        plan = shop.planned(shop.prospect(lead=shop.rich_lead()), terms=NO_TERMS)
        assert sources(plan)["opportunity.amount"] == ("carried", "estimated_value")
        assert sources(plan)["opportunity.owner"] == ("carried", "owner")
        plan = shop.planned(shop.prospect(company=None))
        assert sources(plan)["account.name"] == ("default", "the person's: no company is known")

    def test_of_what_was_there(self, shop):
        """Kept is what the record had; what was filled says from where."""
        known = (shop.account(), shop.contact(), shop.deal())
        targets = {"account": UseExisting("A-9"), "contact": UseExisting("C-9"), "opportunity": UseExisting("O-9")}
        plan = shop.planned(shop.prospect(lead=shop.rich_lead()), known=known, **targets)
        found = sources(plan)
        assert found["account.company.name"] == ("kept", None)
        assert found["account.company.employees"] == ("carried", "company.employees")
        assert found["opportunity.amount"] == ("kept", None)
        assert found["opportunity.needs"] == ("carried", "discovery.need")
        assert {known.by for known in plan.field_provenance} == {CameBy.KEPT, CameBy.CARRIED}

    def test_of_records_that_are_only_relied_on(self, shop):
        """All of it is kept."""
        plan = shop.planned(shop.prospect())
        again = shop.planned(
            plan.prospect,
            account=UseExisting("A-1"),
            contact=UseExisting("C-1"),
            opportunity=Create("O-2"),
            known=(plan.account, plan.contact),
            another="more",
        )
        assert {known.by for known in again.field_provenance if known.path.startswith("account.")} == {CameBy.KEPT}


class TestRule12CarriedByDefault:
    """Source, campaign, currency, owner, language, tags, products, needs, discovery, engagements, estimate, fields."""

    def test_each_of_them(self, shop):
        """Without any mapping, in one conversion."""
        lead = shop.rich_lead()
        plan = shop.planned(shop.prospect(lead=lead), terms=NO_TERMS)
        deal = plan.opportunity
        for record in (plan.account, plan.contact, deal):
            assert (record.source, record.campaign, record.owner) == ("website", "spring", "ada")
        assert deal.amount == lead.estimated_value
        assert deal.amount.currency == "EUR"
        assert plan.contact.person.language == "en"
        assert (deal.tags, deal.fields) == (lead.tags, lead.fields)
        assert (deal.product_interest, deal.needs) == (lead.product_interest, ("late deliveries",))
        assert (deal.discovery, deal.engagements, deal.touches) == (lead.discovery, lead.engagements, lead.touches)

    @given(
        st.lists(
            st.tuples(st.booleans(), st.integers(0, 5), st.sampled_from(["consent", "contract"]), st.booleans()),
            max_size=6,
        )
    )
    def test_consent_only_tightens(self, shop, said):
        """Whoever was told first, a refusal outlives everything but a later explicit opt-in."""
        mine, theirs = [], []
        for granted, day, basis, is_mine in said:
            at = shop.at - timedelta(days=9 - day)
            (mine if is_mine else theirs).append(Consent("email", granted=granted, at=at, basis=basis))
        prospect = shop.prospect(lead=shop.lead(consents=theirs))
        known = (shop.account(), shop.contact(consents=mine))
        plan = shop.planned(prospect, account=UseExisting("A-9"), contact=UseExisting("C-9"), known=known)
        refused = max((one.at for one in (*mine, *theirs) if not one.granted), default=None)
        opted_in = max((one.at for one in (*mine, *theirs) if one.granted and one.basis == "consent"), default=None)
        may = plan.contact.may_contact("email")
        if refused is not None:
            assert may is (opted_in is not None and opted_in > refused)
        else:
            assert may is (True if said else None)
