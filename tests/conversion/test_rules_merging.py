"""Rule 20: merging what was recorded twice, and taking it apart again."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow import (
    Company,
    Consent,
    ContactRole,
    Engagement,
    InvalidError,
    Lead,
    Milestone,
    Money,
    NextStep,
    Opportunity,
    Origin,
    Person,
    Proposal,
    Prospect,
    Recurring,
    TeamMember,
    Touch,
    pipelines,
)
from leadflow.conversion import (
    MERGE_RULES,
    SURVIVAL,
    Create,
    MergePlan,
    MergeRequest,
    MergeRule,
    Refusal,
    RefusalCode,
    UnmergePlan,
    UseExisting,
    merge_provenance,
    plan_merge,
    plan_unmerge,
)
from leadflow.dealparts import ProductInterest
from leadflow.events import (
    LeadAbsorbed,
    Merged,
    OpportunityAbsorbed,
    ProspectAbsorbed,
    Provenance,
    Undone,
    Wrote,
)
from leadflow.stores import ChangeSet, InMemoryStore, match_keys

from .conftest import AT, Shop

shop = Shop()
LATER = {"at": AT + timedelta(days=5), "by": "eve"}
DAY = timedelta(days=1)


def merged(*records: Any, **changes: Any) -> MergePlan[Any]:
    plan = plan_merge(records, **(LATER | changes))
    assert isinstance(plan, MergePlan), plan
    return plan


def refused(*records: Any, **changes: Any) -> Refusal:
    refusal = plan_merge(records, **(LATER | changes))
    assert isinstance(refusal, Refusal), refusal
    return refusal


def apart(plan: MergePlan[Any], record: Any = None, **changes: Any) -> UnmergePlan[Any]:
    known = [record for record in (plan.survivor, plan.prospect, plan.contact) if record is not None]
    result = plan_unmerge(record or plan.merged[-1], **({"known": known} | LATER | changes))
    assert isinstance(result, UnmergePlan), result
    return result


def state(record: Any) -> dict[str, Any]:
    """Return every field but history and what is derived from it."""
    names = {field.name for field in attrs.fields(type(record))} - {"history", "_changed_at"}
    return {name: getattr(record, name) for name in names}


def deal(id_: str = "O-1", stage: str = "qualified", **changes: Any) -> Opportunity:
    closed = {"closed_at": AT} if stage in ("won", "lost") else {}
    given = {
        "amount": Money("1000", "EUR"),
        "expected_close": date(2026, 4, 1),
        "origin": Origin.from_campaign("spring"),
        "pipeline": pipelines.SIMPLE,
        "stage": stage,
        **closed,
        **shop.now,
    }
    return Opportunity.imported(id_, "Deal " + id_, **(given | changes))


class TestRule20Survivor:
    """A deterministic total order picks the survivor, whatever the order in which the records were named."""

    def test_further_down_the_lifecycle(self) -> None:
        """Qualified before working before nurturing before new, whatever is older or more complete."""
        new = shop.lead("L-0", campaign="x", tags=["a", "b"])
        nurtured = shop.lead("L-2").nurture(**shop.now)
        working = shop.lead("L-3").touch(Touch("call", at=AT, outcome="reached"), **shop.now)
        qualification = shop.qualification(shop.lead("L-4"))
        qualified = qualification.lead
        ladder = [new, nurtured, working, qualified]
        for position, further in enumerate(ladder):
            for other in ladder[:position]:
                plan = merged(other, further, known=[qualification.prospect])
                assert plan.survivor.id == further.id
                assert plan.defaults[0].why == f"further down the lifecycle than {other.id!r}"

    def test_disqualified_goes_under(self) -> None:
        """What is disqualified is no further than what is new, and does not survive it."""
        out = shop.lead("L-1", tags=["a"]).disqualify("poor_fit", **shop.now)
        assert merged(out, shop.lead("L-2")).survivor.id == "L-2"
        assert "not disqualified" in merged(out, shop.lead("L-2")).defaults[0].why

    def test_more_complete_then_older_then_id(self) -> None:
        """Of equals the more complete, of these the older, of these the first by id."""
        plain, full = shop.lead("L-1"), shop.lead("L-2", campaign="spring")
        assert merged(plain, full).survivor.id == "L-2"
        old = Lead.imported("L-3", person=plain.person, created_at=AT - DAY, **shop.now)
        young = Lead.imported("L-1", person=plain.person, **shop.now)
        assert merged(young, old).survivor.id == "L-3"
        assert merged(shop.lead("L-5"), shop.lead("L-4")).survivor.id == "L-4"

    def test_converted_prospects_first(self) -> None:
        """A prospect with a deal is further down than one without; disqualified ones are off the way."""
        converted = shop.planned(shop.prospect("P-2"))
        known = [converted.contact]
        assert merged(shop.prospect("P-1"), converted.prospect, known=known).survivor.id == "P-2"
        nurtured = shop.prospect("P-3").nurture(**shop.later)
        assert merged(nurtured, shop.prospect("P-4")).survivor.id == "P-4"
        out = converted.prospect.disqualify("poor_fit", **shop.later)
        assert merged(shop.prospect("P-1"), out, known=known).survivor.id == "P-1"

    def test_deals(self) -> None:
        """Won before open before lost, then the later stage, then the older, then the id."""
        won, lost = deal("O-1", "won"), deal("O-2", "lost", reason="price")
        early, late = deal("O-3"), deal("O-4", "proposal")
        assert merged(lost, early, won, late).survivor.id == "O-1"
        assert merged(lost, early).survivor.id == "O-3"
        assert merged(early, late).survivor.id == "O-4"
        assert merged(early, deal("O-5", created_at=AT - DAY)).survivor.id == "O-5"
        assert merged(deal("O-9"), deal("O-8")).survivor.id == "O-8"

    def test_a_lost_deal_is_never_revived(self) -> None:
        """An open deal goes on for it, and it stays lost; two lost ones stay lost."""
        plan = merged(deal("O-1", "lost", reason="price"), deal("O-2"))
        assert plan.survivor.is_open
        assert plan.merged[0].stage.is_lost
        assert merged(deal("O-1", "lost", reason="price"), deal("O-2", "lost")).survivor.is_lost

    def test_stages_of_two_pipelines(self) -> None:
        """A stage counts by its place in its own pipeline, also one that the pipeline has dropped."""
        other = deal("O-2", "prospecting", pipeline=pipelines.SALESFORCE)
        assert merged(deal("O-1", "negotiation"), other).survivor.id == "O-1"

    def test_the_order_is_data(self) -> None:
        """Every kind that can be merged has its criteria, the last of which is the id."""
        assert set(SURVIVAL) == set(MERGE_RULES) == {Lead, Prospect, Opportunity}
        assert all(rules[-1].words == "first by id" for rules in SURVIVAL.values())


PHONES = st.sampled_from([None, "+49 30 1234567", "+43 1 7654321"])
COUNTRIES = st.sampled_from([None, "DE", "AT"])
PEOPLE = st.builds(
    Person,
    st.sampled_from(["Mara Okafor", "M. Okafor"]),
    email=st.sampled_from([None, "mara@northwind.example", "m@okafor.example"]),
    phone=PHONES,
    country=COUNTRIES,
    handle=st.just("mara"),
    job_title=st.sampled_from([None, "VP"]),
)
COMPANIES = st.none() | st.builds(
    Company,
    st.sampled_from(["Northwind", "Northwind GmbH"]),
    country=COUNTRIES,
    city=st.sampled_from([None, "Bremen"]),
    employees=st.sampled_from([None, 0, 420]),
    technologies=st.sampled_from([(), ("sap",), ("sap", "aws")]),
)
CONSENTS = st.lists(
    st.builds(
        Consent,
        st.sampled_from(["email", "phone"]),
        granted=st.booleans(),
        at=st.sampled_from([AT, AT - DAY]),
        basis=st.sampled_from(["consent", "contract"]),
    ),
    max_size=3,
)
VALUES = st.sampled_from([None, Money("10", "EUR"), Money("20", "USD")])


@st.composite
def leads(draw: st.DrawFn, id_: str) -> Lead:
    status = draw(st.sampled_from(["new", "working", "nurturing", "disqualified"]))
    return Lead.imported(
        id_,
        person=draw(PEOPLE),
        company=draw(COMPANIES),
        status=status,
        source=draw(st.sampled_from([None, "web", "fair"])),
        estimated_value=draw(VALUES),
        product_interest=draw(st.lists(st.sampled_from(["router", "switch"]), max_size=2, unique=True)),
        tags=draw(st.sets(st.sampled_from("abc"))),
        fields=draw(st.dictionaries(st.sampled_from(["seats", "tier"]), st.integers(1, 3))),
        consents=draw(CONSENTS),
        engagements=draw(st.lists(st.sampled_from([Engagement("form", at=AT), Engagement("call", at=AT)]), max_size=2)),
        created_at=draw(st.sampled_from([AT - DAY, AT - 2 * DAY])),
        **shop.now,
    )


THREE = st.tuples(leads("L-1"), leads("L-2"), leads("L-3"))


class TestRule20Laws:
    """Merging is a function of the set of records, and loses nothing."""

    @given(THREE)
    def test_input_order_makes_no_difference(self, three: tuple[Lead, ...]) -> None:
        """Every order gives an equal plan, down to the events."""
        first = merged(*three)
        assert all(merged(*order) == first for order in permutations(three))

    @given(THREE)
    def test_un_merging_in_turn_is_the_identity(self, three: tuple[Lead, ...]) -> None:
        """The last one comes out first; in the end every field of each record is what it was."""
        plan = merged(*three)
        before = {record.id: state(record) for record in three}
        survivor = plan.survivor
        for record in reversed(plan.merged):
            back = plan_unmerge(record, known=[survivor], **LATER)
            assert isinstance(back, UnmergePlan)
            assert state(back.restored) == before[record.id]
            survivor = back.survivor
        assert state(survivor) == before[survivor.id]

    @given(THREE)
    def test_every_value_of_the_survivor_has_a_source(self, three: tuple[Lead, ...]) -> None:
        """The named record has the value, and what no record has is not there."""
        plan = merged(*three)
        by_id = {record.id: record for record in three}
        for source in plan.provenance:
            head, _, name = source.path.partition(".")
            value = getattr(plan.survivor, head)
            if head in ("person", "company") and name != "technologies":
                theirs = {getattr(getattr(by_id[origin], head), name) for origin in source.ids}
                assert theirs == {getattr(value, name)}
        paths = {source.path for source in plan.provenance}
        assert ("source" in paths) == (plan.survivor.source is not None)
        assert plan.provenance == tuple(Provenance(*item) for item in sorted(merge_provenance(plan.survivor).items()))

    @given(THREE)
    def test_groups_move_whole(self, three: tuple[Lead, ...]) -> None:
        """Phone and country come together from one record, or agree with it."""
        person = merged(*three).survivor.person
        pairs = {(lead.person.phone, lead.person.country) for lead in three}
        assert (person.phone, person.country) in pairs

    @given(THREE)
    def test_money_is_never_added_up(self, three: tuple[Lead, ...]) -> None:
        """The estimate is one that a record had: the survivor's, where it had one."""
        plan = merged(*three)
        values = {lead.id: lead.estimated_value for lead in three}
        assert plan.survivor.estimated_value in values.values()
        if values[plan.survivor.id] is not None:
            assert plan.survivor.estimated_value == values[plan.survivor.id]

    @given(THREE)
    def test_consent_only_tightens(self, three: tuple[Lead, ...]) -> None:
        """Where one refused, and nobody opted in explicitly later, the survivor may not be contacted."""
        consents = merged(*three).survivor.consents
        said = [consent for lead in three for consent in lead.consents]
        for consent in consents:
            same = [other for other in said if other.channel == consent.channel]
            no = max((other.at for other in same if not other.granted), default=None)
            if no is not None and consent.granted:
                assert consent.basis == "consent"
                assert consent.at > no

    @given(THREE)
    def test_what_is_many_is_united(self, three: tuple[Lead, ...]) -> None:
        """Tags, products and engagements of all are there, equal ones once."""
        survivor = merged(*three).survivor
        assert survivor.tags == frozenset().union(*(lead.tags for lead in three))
        assert set(survivor.engagements) == {item for lead in three for item in lead.engagements}
        assert {item.product for item in survivor.product_interest} == {
            item.product for lead in three for item in lead.product_interest
        }

    @given(THREE)
    @settings(max_examples=25)
    def test_the_history_replays(self, three: tuple[Lead, ...]) -> None:
        """Survivor and tombstones are the folds of their histories, compacted ones keep all there is."""
        plan = merged(*three)
        for record in (plan.survivor, *plan.merged):
            assert state(Lead(record.id, record.history)) == state(record)
            assert state(record.compacted()) == state(record)


class TestRule20Fields:
    """Each field has a named rule."""

    def test_blanks_are_filled_and_what_differs_is_listed(self) -> None:
        """The survivor's own wins; what does not go on is named with the reason, and stays on the tombstone."""
        one = shop.lead("L-1", campaign="spring")
        other = shop.lead("L-2", source="fair", person=attrs.evolve(shop.person, handle="mara", email="m@x.example"))
        plan = merged(one, other)
        assert plan.survivor.person == attrs.evolve(shop.person, handle="mara")
        assert {left.path for left in plan.unmapped} >= {"source", "person.email"}
        assert all(str(left).endswith("keeps its own)") for left in plan.unmapped)
        assert plan.merged[0].source == "fair"

    def test_a_person_or_company_that_was_not_known(self) -> None:
        """Comes whole."""
        plan = merged(shop.lead("L-1", company=None, campaign="a", tags=["x"], fields={"a": 1}), shop.lead("L-2"))
        assert plan.survivor.id == "L-1"
        assert plan.survivor.company == shop.company
        assert Provenance("company.name", ("L-2",)) in plan.provenance

    def test_discovery_and_custom_fields_by_name(self) -> None:
        """Each dimension and each custom field is filled where it is blank."""
        one = shop.lead("L-1", fields={"tier": "gold"}).touch(Touch("call", at=AT, outcome="held"), **shop.now)
        one = one.discover(need="speed", ratings={"champion": "weak"}, **shop.now)
        other = shop.lead("L-2", fields={"tier": "tin", "seats": 4}).discover(
            need="price", budget=Money(5, "EUR"), ratings={"champion": "fair", "metrics": "fair"}, **shop.now
        )
        survivor = merged(one, other).survivor
        assert survivor.id == "L-1"
        assert survivor.discovery.need == one.discovery.need
        assert survivor.discovery.budget.value == Money(5, "EUR")
        assert set(survivor.discovery.ratings) == {"champion", "metrics"}
        assert dict(survivor.fields) == {"tier": "gold", "seats": 4}

    def test_the_greatest_where_the_host_says_so(self) -> None:
        """A custom field such as a priority takes the maximum; what cannot be compared stays."""
        one, other = (
            shop.lead("L-1", fields={"priority": 2, "x": 1}),
            shop.lead("L-2", fields={"priority": 5, "x": "a"}),
        )
        rules = {"priority": "maximum", "x": MergeRule.MAXIMUM}
        plan = merged(one, other, rules=rules)
        assert dict(plan.survivor.fields) == {"priority": 5, "x": 1}
        assert merged(one, other).survivor.fields["priority"] == 2
        assert [left.value for left in plan.unmapped if left.path == "fields.priority"] == [2]
        blank = merged(shop.lead("L-1", tags=["a"]), shop.lead("L-2", fields={"priority": 5}), rules=rules)
        assert blank.survivor.fields["priority"] == 5
        prices = [shop.lead(f"L-{n}", fields={"priority": Money(n, cur)}) for n, cur in ((1, "EUR"), (2, "USD"))]
        assert merged(*prices, rules=rules).survivor.fields["priority"] == Money(1, "EUR")
        assert {left.path: left.why for left in plan.unmapped}["fields.x"] == (
            "lead 'L-1' keeps its own: the two cannot be compared"
        )
        gap = merged(shop.lead("L-1", fields={"priority": 1}), shop.lead("L-2", campaign="a", fields={}), rules=rules)
        assert gap.survivor.fields["priority"] == 1

    def test_a_rule_for_a_field_that_nobody_has(self) -> None:
        """Says nothing, and that is said: a typing error, or a field that is no custom one."""
        one, other = (shop.lead(f"L-{n}", fields={"priority": n}) for n in (1, 2))
        plan = merged(one, other, rules={"priorty": "maximum", "tags": "maximum", "priority": "maximum"})
        assert [warning.path for warning in plan.warnings] == ["rules['priorty']", "rules['tags']"]
        assert "did you mean 'priority'?" in plan.warnings[0].message

    def test_whose_value_is_left(self) -> None:
        """Of several records each is named; of two of which the greater holds, the one that had the lesser."""
        leads = [
            shop.lead(f"L-{n}", person=Person(f"No. {n}", email="a@b.example"), fields={"p": n}) for n in (1, 2, 3)
        ]
        plan = merged(*leads, rules={"p": "maximum"})
        left = [(item.path, item.of, item.value) for item in plan.unmapped]
        assert left == [
            ("person.name", "L-2", "No. 2"),
            ("fields.p", "L-1", 1),
            ("person.name", "L-3", "No. 3"),
            ("fields.p", "L-1", 2),
        ]
        assert "not carried person.name of 'L-2': lead 'L-1' keeps its own" in str(plan)

    def test_the_parts_of_a_deal(self) -> None:
        """Contacts, team, offers, milestones, objections are united; the survivor's primary contact stays."""
        one = deal(
            "O-1",
            "proposal",
            amount=None,
            contact_roles=[ContactRole("C-1", "champion", primary=True)],
            team=[TeamMember("ada")],
            proposals=[Proposal("1", amount=Money(5, "EUR"))],
            product_interest=[ProductInterest("router", quantity=2)],
            needs=["speed"],
        )
        other = deal(
            "O-2",
            amount=Recurring(Money(10, "EUR"), 1, 12),
            account_id="A-1",
            contact_roles=[ContactRole("C-2", "blocker", primary=True), ContactRole("C-1", "legal")],
            team=[TeamMember("ada", "engineer"), TeamMember("bo")],
            proposals=[Proposal("1"), Proposal("2")],
            milestones=[Milestone("m", "Meet")],
            product_interest=[ProductInterest("router", quantity=9), ProductInterest("switch")],
            competitors=["Contoso"],
            next_step=NextStep("call"),
        ).raise_objection("too dear", **shop.now)
        plan = merged(one, other)
        survivor = plan.survivor
        assert survivor.contact_roles == (ContactRole("C-1", "champion", primary=True), ContactRole("C-2", "blocker"))
        assert survivor.team == (TeamMember("ada"), TeamMember("bo"))
        assert [offer.number for offer in survivor.proposals] == ["1", "2"]
        assert (survivor.amount, survivor.recurring) == (other.amount, other.recurring)
        assert (survivor.account_id, survivor.next_step) == ("A-1", NextStep("call"))
        assert survivor.product_interest == (ProductInterest("router", quantity=2), ProductInterest("switch"))
        assert [objection.words for objection in survivor.objections] == ["too dear"]
        assert survivor.stage.code == "proposal"
        lost = {left.path for left in plan.unmapped}
        assert {"name", "contact_roles", "team", "proposals", "product_interest"} <= lost
        assert state(apart(plan).survivor) == state(one)

    def test_an_amount_and_how_it_recurs_move_together(self) -> None:
        """A survivor with an amount of its own takes nothing; one that agrees takes how it recurs."""
        recurring = Recurring(Money(10, "EUR"), 1, 12)
        other = deal("O-2", amount=recurring)
        assert merged(deal("O-1", "proposal"), other).survivor.recurring is None
        assert merged(deal("O-1", "proposal", amount=Money(120, "EUR")), other).survivor.recurring == recurring

    def test_no_contact_before(self) -> None:
        """A survivor without contacts takes over the primary one."""
        other = deal("O-2", contact_roles=[ContactRole("C-2", "legal", primary=True)])
        assert merged(deal("O-1", "proposal"), other).survivor.primary_contact_id == "C-2"

    @pytest.mark.parametrize("kind", MERGE_RULES)
    def test_every_field_has_a_rule(self, kind: type) -> None:
        """Whatever a survivor's event can tell has a rule, and every part of a person and a company too."""
        event = {Lead: LeadAbsorbed, Prospect: ProspectAbsorbed, Opportunity: OpportunityAbsorbed}[kind]
        told = {field.name for field in attrs.fields(event)} - {"at", "by", "recorded_at"}
        paths = [path for rule in MERGE_RULES[kind] for path in rule.paths]
        ruled = {path.partition(".")[0] for path in paths}
        kept = {path for rule in MERGE_RULES[kind] if rule.rule is MergeRule.SURVIVOR for path in rule.paths}
        assert ruled - kept == told - {"merged_id", "provenance", "wrote"}
        assert len(paths) == len(set(paths))
        for head, party in (("person", Person), ("company", Company)):
            parts = {path.partition(".")[2] for path in paths if path.startswith(head + ".")}
            assert parts in (set(), {field.name for field in attrs.fields(party)})

    @pytest.mark.parametrize(
        ("mine", "theirs", "kept"),
        [
            (9, 9.5, 9.5),
            (Decimal("9.5"), 9, Decimal("9.5")),
            (1, Decimal("1.5"), Decimal("1.5")),
            (False, True, True),
            (date(2026, 1, 1), date(2026, 2, 1), date(2026, 2, 1)),
            (Money(1, "EUR"), Money(2, "EUR"), Money(2, "EUR")),
            # Texts have no greatest: "9" comes after "10".
            ("10", "9", "10"),
            (1, True, 1),
            (frozenset("a"), frozenset("ab"), frozenset("a")),
        ],
    )
    def test_what_has_a_greatest(self, mine: object, theirs: object, kept: object) -> None:
        """Numbers of any kind among each other, times, yes over no, money of one currency; nothing else."""
        one, other = shop.lead("L-1", fields={"x": mine}), shop.lead("L-2", fields={"x": theirs})
        held = merged(one, other, rules={"x": "maximum"}).survivor.fields["x"]
        assert (type(held), held) == (type(kept), kept)

    def test_companies_are_not_mixed(self) -> None:
        """Somebody who changed jobs keeps one company: the domain and size of another are listed, never filled in."""
        here, there = Company("Acme"), Company("Globex", domain="globex.example", employees=9, country="AT")
        person = Person("Mara Okafor", email="mara@gmail.com")
        survivor = shop.lead("L-1", person=person, company=here, tags=["a"]).touch(
            Touch("call", at=AT, outcome="reached"), **shop.now
        )
        plan = merged(survivor, shop.lead("L-2", person=person, company=there))
        assert plan.survivor.company == here
        left = {item.path for item in plan.unmapped}
        assert left == {"company.name", "company.domain", "company.employees", "company.country"}

    @pytest.mark.parametrize(
        "theirs",
        [
            Company("NORTHWIND", employees=420),
            Company("NW Logistics", domain="www.northwind.example", employees=420),
        ],
    )
    def test_one_company_under_two_spellings_is_completed(self, theirs: Company) -> None:
        """The same name, or the domain of their address, says that it is one company; then blanks are filled."""
        survivor = shop.lead("L-1", company=Company("Northwind")).touch(
            Touch("call", at=AT, outcome="reached"), **shop.now
        )
        company = merged(survivor, shop.lead("L-2", company=theirs)).survivor.company
        assert (company.name, company.employees) == ("Northwind", 420)


class TestRule20Tombstones:
    """A merged record is kept, closed, points at the survivor, and is found no more."""

    def test_the_tombstone(self) -> None:
        """All values stay, the status says merged, the survivor names it; both leave an event."""
        plan = merged(shop.lead("L-1", campaign="a"), shop.lead("L-2"), note="same person")
        [gone] = plan.merged
        assert (gone.status, gone.merged_into) == ("merged", "L-1")
        assert plan.survivor.merged_ids == ("L-2",)
        assert isinstance(gone.history[-1], Merged)
        event = plan.survivor.history[-1]
        assert isinstance(event, LeadAbsorbed)
        assert Provenance("campaign", ("L-1",)) in event.provenance
        assert match_keys(gone) == ()
        assert gone.can_change().reasons == ("lead 'L-1' goes on for it",)

    def test_a_merged_deal_is_in_no_figure(self) -> None:
        """It is neither open nor won nor lost, and closed to everything."""
        [gone] = merged(deal("O-1", "won"), deal("O-2")).merged
        assert [gone.is_open, gone.is_won, gone.is_lost] == [False] * 3
        assert gone.is_withdrawn
        assert repr(gone) == "<Opportunity 'O-2' in stage 'qualified' (merged), version 2>"
        assert gone.can_win().reasons == ("opportunity 'O-1' goes on for it",)
        assert match_keys(gone) == ()

    def test_deals_of_a_merged_prospect(self) -> None:
        """They are the survivor's as well; account and contact fill its blanks; the lead of either stays linked."""
        first = shop.planned(shop.prospect("P-1"))
        second = shop.planned(
            shop.prospect("P-2"),
            account=UseExisting("A-1"),
            contact=UseExisting("C-1"),
            opportunity=Create("O-2"),
            known=[first.account, first.contact, first.opportunity],
        )
        plan = merged(second.prospect, first.prospect, known=[first.contact])
        assert plan.survivor.opportunity_ids == ("O-1", "O-2")
        assert plan.merged[0].opportunity_ids == ("O-2",)
        assert plan.merged[0].lead_id == "L-P-2"
        bare = shop.prospect("P-9").disqualify("poor_fit", **shop.later)
        out = first.prospect.disqualify("poor_fit", **shop.later)
        plan = merged(bare, out, known=[first.contact])
        assert plan.survivor.opportunity_ids == ("O-1",)
        assert plan.survivor.account_id == "A-1"

    def test_a_new_lead_into_a_qualified_one(self) -> None:
        """The lead gains, and so does its prospect, on which everything goes on; its contact's consents tighten."""
        q = shop.qualification(shop.lead("L-1"))
        c = shop.planned(q.prospect)
        no = Consent("email", granted=False, at=AT)
        call = Engagement("call", at=AT)
        new = shop.lead("L-2", consents=[no], engagement=call)
        plan = merged(new, q.lead, known=[c.prospect, c.contact])
        assert plan.survivor.status == "qualified"
        assert call in plan.prospect.engagements
        assert plan.prospect.consents == plan.contact.consents == (no,)
        assert plan.prospect.merged_ids == ()
        event = plan.survivor.history[-1]
        assert event.wrote == (Wrote("P-1", (3,)), Wrote("C-1", (2,)))
        back = apart(plan)
        assert state(back.survivor) == state(q.lead)
        assert state(back.prospect) == state(c.prospect)
        assert [warning.ids for warning in back.warnings] == [("C-1",)]

    def test_what_is_needed_behind(self) -> None:
        """Without the prospect of a qualified lead, or the contact of a prospect, the plan names what is missing."""
        q = shop.qualification(shop.lead("L-1"))
        c = shop.planned(q.prospect)
        assert refused(q.lead, shop.lead("L-2")).because("unknown_record").ids == ("P-1",)
        assert refused(q.lead, shop.lead("L-2"), known=[c.prospect]).because("unknown_record").ids == ("C-1",)

    def test_two_qualified_leads(self) -> None:
        """Their prospects are merged first; then the leads can be, following the tombstone."""
        one, two = (shop.qualification(shop.lead(f"L-{n}"), f"P-{n}") for n in (1, 2))
        refusal = refused(one.lead, two.lead, known=[one.prospect, two.prospect])
        assert refusal.because(RefusalCode.UNMERGED_PROSPECTS).ids == ("P-1", "P-2")
        prospects = merged(one.prospect, two.prospect)
        plan = merged(one.lead, two.lead, known=[prospects.survivor, *prospects.merged])
        assert plan.survivor.prospect_id == "P-1"
        assert plan.merged[0].prospect_id == "P-2"
        assert plan.merged[0].compacted().prospect_id == "P-2"

    def test_provenance_goes_back_to_where_it_began(self) -> None:
        """A value that came with the second record is still told of it after the third."""
        first = merged(shop.lead("L-1", tags=["a"], fields={"a": 1}), shop.lead("L-2", campaign="x"))
        plan = merged(first.survivor, shop.lead("L-3", tags=["b"]))
        assert merge_provenance(plan.survivor)["campaign"] == ("L-2",)
        assert merge_provenance(plan.survivor)["tags"] == ("L-1", "L-3")
        assert merge_provenance(shop.lead("L-1")) == {}


class TestRule20Refusals:
    """What makes no sense is refused with a code, words and the records."""

    def test_repeating_changes_nothing(self) -> None:
        """The answer says so and names the survivor."""
        plan = merged(shop.lead("L-1"), shop.lead("L-2"))
        refusal = refused(plan.survivor, *plan.merged)
        assert refusal.codes == {RefusalCode.ALREADY_MERGED}
        assert refusal.reasons[0].ids == ("L-1", "L-2")

    def test_self(self) -> None:
        """A record is not merged into itself."""
        refusal = refused(shop.lead("L-1"), shop.lead("L-1"))
        assert refusal.codes == {RefusalCode.SAME_RECORD}

    def test_second_targets_and_chains(self) -> None:
        """What was merged is not merged again, and a survivor does not end in another."""
        plan = merged(shop.lead("L-1"), shop.lead("L-2"))
        refusal = refused(plan.merged[0], shop.lead("L-3"))
        assert refusal.because(RefusalCode.MERGED).ids == ("L-1", "L-2")
        further = shop.lead("L-3").touch(Touch("call", at=AT, outcome="reached"), **shop.now)
        refusal = refused(plan.survivor, further)
        assert refusal.because(RefusalCode.CHAINED_MERGE).ids == ("L-1", "L-2")
        assert merged(plan.survivor, shop.lead("L-4")).survivor.merged_ids == ("L-2", "L-4")

    @pytest.mark.parametrize("erased", [0, 1])
    @pytest.mark.parametrize("make", [shop.lead, shop.prospect])
    def test_somebody_who_was_erased(self, make: Any, erased: int) -> None:
        """Nothing of them comes back from another record, nothing goes to one, and none survives as more complete."""
        pair = [make("X-1"), make("X-2")]
        pair[erased] = pair[erased].redact(reason="GDPR Art. 17", **shop.later)
        for records in (pair, pair[::-1], [record.compacted() for record in pair]):
            [reason] = refused(*records).reasons
            assert (reason.code, reason.ids) == (RefusalCode.ERASED, (pair[erased].id,))
        pair[erased] = pair[erased].correct(person=Person("Mara Okafor", email="mara@northwind.example"), **LATER)
        assert merged(*pair)  # who came back and said who they are is known again

    def test_somebody_erased_behind_a_lead(self) -> None:
        """What is merged with a qualified lead would go to its prospect."""
        q = shop.qualification(shop.lead("L-1"))
        behind = q.prospect.redact(reason="GDPR Art. 17", **shop.later)
        [reason] = refused(q.lead, shop.lead("L-2"), known=[behind]).reasons
        assert (reason.code, reason.ids) == (RefusalCode.ERASED, ("P-1",))

    def test_somebody_who_traded_under_their_own_name(self) -> None:
        """A company that was redacted with the person is as little known."""
        lead = shop.lead("L-1", company=Company("Mara Okafor"))
        lead = lead.correct(clear=["person"], **shop.now).redact(reason="GDPR Art. 17", **shop.now)
        assert refused(lead, shop.lead("L-2")).codes == {RefusalCode.ERASED}

    @pytest.mark.parametrize("id_", ["O-1", "O-3"])
    @pytest.mark.parametrize("fields", [{"note": "Mara's"}, {"other": 1}])
    @pytest.mark.parametrize("rules", [{}, {"note": "maximum"}])
    def test_a_redacted_deal(self, id_: str, fields: dict[str, Any], rules: dict[str, str]) -> None:
        """What was redacted in a deal is not filled in again, and fills nothing."""
        erased = deal(id_, fields={"note": "Mara's", "tier": "gold"}).redact(reason="GDPR Art. 17", **shop.now)
        other = deal("O-2", fields=fields)
        plan = merged(erased, other, rules=rules)
        kept = erased if plan.survivor.id == id_ else other
        assert plan.survivor.id == min(id_, "O-2")
        assert plan.survivor.fields.get("note") == kept.fields.get("note")

    def test_withdrawn_and_imported_as_merged(self) -> None:
        """They have ended."""
        gone = shop.prospect("P-2").withdraw(**shop.later)
        assert refused(shop.prospect("P-1"), gone).codes == {RefusalCode.WITHDRAWN}
        old = Lead.imported("L-2", status="merged", **shop.now)
        assert refused(shop.lead("L-1"), old).codes == {RefusalCode.MERGED}
        assert refused(deal("O-1"), deal("O-2").withdraw(**LATER)).codes == {RefusalCode.WITHDRAWN}

    def test_every_contact_hears_a_refusal(self) -> None:
        """Whichever of three prospects said no: the contact of each has it, so that none is written to any more."""
        yes, no = (Consent("email", granted=granted, at=AT) for granted in (True, False))
        for refusing in range(3):
            said = [(no,) if number == refusing else (yes,) for number in range(3)]
            contacts = [shop.contact(f"C-{n}", consents=(yes,)) for n in range(3)]
            prospects = [
                Prospect.imported(f"P-{n}", person=shop.person, contact_id=f"C-{n}", consents=said[n], **shop.now)
                for n in range(3)
            ]
            plan = merged(*prospects, known=contacts)
            after = {write.id: write.after for write in plan.changes.writes}
            assert [after[f"C-{n}"].consents for n in range(3)] == [(no,)] * 3
            back = plan_unmerge(after[plan.merged[-1].id], known=after.values(), **LATER)
            assert isinstance(back, UnmergePlan)
            assert refused(*prospects, known=contacts[:2]).codes == {RefusalCode.UNKNOWN_RECORD}

    def test_the_prospect_behind_has_ended(self) -> None:
        """What a qualified lead gains its prospect must gain too; where that has ended, the answer is a refusal."""
        lead = Lead.imported("L-1", person=shop.person, status="qualified", prospect_id="P-1", **shop.now)
        prospect = Prospect.imported("P-1", person=shop.person, **shop.now)
        for behind, code in (
            (prospect.withdraw(**shop.later), RefusalCode.WITHDRAWN),
            (Prospect.imported("P-1", status="merged", **shop.now), RefusalCode.MERGED),
        ):
            reason = refused(lead, shop.lead("L-2"), known=[behind]).because(code)
            assert (reason.path, reason.ids) == ("prospect", ("P-1",))

    def test_deals(self) -> None:
        """Two won ones, or deals with two accounts, are two deals."""
        refusal = refused(deal("O-1", "won"), deal("O-2", "won"), deal("O-3"))
        assert refusal.because(RefusalCode.WON_TWICE).ids == ("O-1", "O-2")
        refusal = refused(deal("O-1", account_id="A-1"), deal("O-2", account_id="A-2"))
        assert refusal.because(RefusalCode.FOREIGN_DEAL).ids == ("A-1", "A-2")

    def test_bad_input(self) -> None:
        """All problems at once, each with its path; nothing raised is a Refusal."""
        with pytest.raises(InvalidError) as caught:
            plan_merge([shop.lead()], known="x", rules={"a": "sum", "": "first"}, note=5, at="now", bye="ada")
        paths = {problem.path for problem in caught.value.problems}
        assert paths == {"records", "rules['']", "rules['a']", "note", "known", "at", "bye"}
        with pytest.raises(InvalidError, match="must all be of one kind"):
            plan_merge([shop.lead(), shop.prospect()], **LATER)
        with pytest.raises(InvalidError) as caught:
            plan_merge([shop.account(), 5], **LATER)
        assert [problem.path for problem in caught.value.problems] == ["records[0]", "records[1]"]
        for nothing in (5, None):
            with pytest.raises(InvalidError) as caught:
                plan_merge(nothing, **LATER)
            assert [problem.path for problem in caught.value.problems] == ["records"]
        with pytest.raises(InvalidError, match="plan_merge: records must hold at least two, got"):
            plan_merge([shop.lead()], **LATER)
        for rules in (5, {5: "first"}):
            with pytest.raises(InvalidError, match="rules"):
                MergeRequest(ids=["a", "b"], rules=rules)
        with pytest.raises(InvalidError, match="ids"):
            MergeRequest(ids=[5, "b"])

    def test_planning_is_pure(self) -> None:
        """Planning twice gives equal plans; a plan shows itself as text, rows and HTML, escaped."""
        evil = "<script>alert(1)</script>"
        one, other = shop.lead("L-1", campaign=evil, tags=[evil]), shop.lead("L-2", source=evil)
        plan = merged(one, other)
        assert plan == merged(one, other)
        assert plan.request.fingerprint == MergeRequest(ids=["L-2", "L-1"], note="x").fingerprint
        assert {"step": "keep", "what": "campaign", "detail": "of L-1"} in plan.to_rows()
        assert "<script" not in plan._repr_html_()
        assert str(plan).startswith("merge 'L-1', 'L-2':")


class TestRule20Unmerge:
    """Both sides get back what they had, while the survivor has not moved."""

    @pytest.mark.parametrize("status", ["new", "working", "nurturing", "disqualified"])
    def test_the_status_of_before(self, status: str) -> None:
        """Whatever the lead's status was, it is that again."""
        gone = Lead.imported("L-2", person=shop.person, status=status, **shop.now)
        survivor = shop.lead("L-1").touch(Touch("call", at=AT, outcome="reached"), **shop.now)
        back = apart(merged(survivor, gone))
        assert state(back.restored) == state(gone)
        assert back.restored.status == status
        assert isinstance(back.restored.history[-1], Undone)

    def test_prospects_and_deals(self) -> None:
        """Of every kind."""
        one, other = shop.prospect("P-1"), shop.prospect("P-2").nurture(revisit_on=date(2026, 9, 1), **shop.later)
        back = apart(merged(one, other))
        assert (state(back.survivor), state(back.restored)) == (state(one), state(other))
        won, lost = deal("O-1", "won"), deal("O-2", "lost", reason="price", competitors=["Contoso"])
        back = apart(merged(won, lost))
        assert (state(back.survivor), state(back.restored)) == (state(won), state(lost))
        assert back.restored.is_lost
        assert merged(back.survivor, back.restored).survivor.id == "O-1"

    def test_what_moved(self) -> None:
        """The refusal says what happened since, by kind of event."""
        plan = merged(shop.lead("L-1"), shop.lead("L-2"))
        moved = plan.survivor.engage(Engagement("form", at=AT), **LATER).assign("bo", **LATER)
        refusal = plan_unmerge(plan.merged[0], known=[moved], **LATER)
        assert refusal.because(RefusalCode.MOVED).message == "lead 'L-1' has moved since: Engaged, Assigned"

    def test_the_prospect_behind_moved(self) -> None:
        """It counts as the survivor does."""
        q = shop.qualification(shop.lead("L-1"))
        plan = merged(q.lead, shop.lead("L-2"), known=[q.prospect])
        prospect = plan.prospect.discover(need="speed", **LATER)
        refusal = plan_unmerge(plan.merged[0], known=[plan.survivor, prospect], **LATER)
        assert refusal.because(RefusalCode.MOVED).ids == ("P-1",)
        refusal = plan_unmerge(plan.merged[0], known=[plan.survivor], **LATER)
        assert refusal.because(RefusalCode.UNKNOWN_RECORD).ids == ("P-1",)

    def test_the_last_one_first(self) -> None:
        """Of several, the refusal says which to take out before."""
        plan = merged(shop.lead("L-1"), shop.lead("L-2"), shop.lead("L-3"))
        refusal = plan_unmerge(plan.merged[0], known=[plan.survivor], **LATER)
        assert refusal.because(RefusalCode.MOVED).message.endswith("un-merge 'L-3' first")

    def test_what_was_never_merged(self) -> None:
        """A survivor, a free record and one that was imported as merged."""
        plan = merged(shop.lead("L-1"), shop.lead("L-2"))
        assert "goes on for 'L-2'" in str(plan_unmerge(plan.survivor, **LATER))
        assert plan_unmerge(shop.lead(), **LATER).codes == {RefusalCode.NOT_MERGED}
        old = Lead.imported("L-2", status="merged", **shop.now)
        assert "imported as merged" in str(plan_unmerge(old, **LATER))

    def test_without_history_or_survivor(self) -> None:
        """Who keeps no history cannot go back; the survivor must be known."""
        plan = merged(shop.lead("L-1"), shop.lead("L-2"))
        assert plan_unmerge(plan.merged[0], **LATER).codes == {RefusalCode.UNKNOWN_RECORD}
        short = plan_unmerge(plan.merged[0].compacted(), known=[plan.survivor], **LATER)
        assert short.because(RefusalCode.NO_HISTORY).ids == ("L-2",)
        short = plan_unmerge(plan.merged[0], known=[plan.survivor.compacted()], **LATER)
        assert short.because(RefusalCode.NO_HISTORY).ids == ("L-1",)

    def test_merging_again(self) -> None:
        """After an un-merge the same merge is possible again, and can be taken back again."""
        plan = merged(shop.lead("L-1"), shop.lead("L-2", campaign="x", source=None))
        back = apart(plan)
        again = merged(back.survivor, back.restored)
        assert state(again.survivor) == state(plan.survivor)
        assert state(apart(again).survivor) == state(back.survivor)

    def test_bad_input(self) -> None:
        """All problems at once."""
        with pytest.raises(InvalidError) as caught:
            plan_unmerge("L-1", known=[5], note=None)
        assert {problem.path for problem in caught.value.problems} == {"record", "known[0]", "note", "at"}

    def test_what_was_erased_since_stays_erased(self) -> None:
        """Erasing the survivor's personal values is no move that stands in the way, and is not taken back."""
        plan = merged(shop.lead("L-1"), shop.lead("L-2", tags=["a"]))
        erased = plan.survivor.redact(reason="GDPR Art. 17", **LATER)
        back = apart(plan, known=[erased])
        assert back.restored.status == "new"
        assert "Mara" not in repr(back.survivor.history)


class TestRule20Service:
    """The service loads what the planner wants, and writes it in one commit."""

    def test_merge_and_unmerge(self) -> None:
        """By ids, in any order; the second time it is said that nothing is left to do."""
        store = InMemoryStore()
        service = shop.service(store)
        for lead in (shop.lead("L-1", campaign="a"), shop.lead("L-2")):
            shop_commit(store, lead)
        applied = service.merge(["L-2", "L-1"], **LATER)
        assert [str(record) for record in applied.records] == ["lead 'L-1' version 2", "lead 'L-2' version 2"]
        assert service.merge(["L-1", "L-2"], **LATER).codes == {RefusalCode.ALREADY_MERGED}
        assert not isinstance(service.unmerge("L-2", note="two people", **LATER), Refusal)
        assert store.load("L-2").status == "new"
        assert store.load("L-2").history[-1].note == "two people"

    def test_a_merged_record_names_the_survivor(self) -> None:
        """Qualifying the tombstone of a lead is refused, and says who goes on for it."""
        store = InMemoryStore()
        service = shop.service(store)
        for lead in (shop.lead("L-1"), shop.lead("L-2")):
            shop_commit(store, lead)
        service.merge(["L-1", "L-2"], **LATER)
        reason = service.qualify("L-2", **LATER).because(RefusalCode.MERGED)
        assert reason.ids == ("L-1",)
        assert reason.message == "lead 'L-1' goes on for it"

    def test_keys(self) -> None:
        """A retry under one key gets the first result, in whatever order the ids are named."""
        store = InMemoryStore()
        service = shop.service(store)
        for lead in (shop.lead("L-1"), shop.lead("L-2")):
            shop_commit(store, lead)
        first = service.merge(["L-1", "L-2"], key="k", **LATER)
        again = service.merge(["L-2", "L-1"], key="k", **LATER)
        assert again == first
        assert again.is_repeat
        apart = service.unmerge("L-2", key="u", **LATER)
        assert service.unmerge("L-2", key="u", **LATER) == apart

    def test_what_is_behind_is_loaded(self) -> None:
        """The prospect of a qualified lead, the one that goes on for it, and its contact."""
        store = InMemoryStore()
        service = shop.service(store)
        for lead in (shop.lead("L-1"), shop.lead("L-2")):
            shop_commit(store, lead)
        made = service.qualify_and_convert("L-1", terms=None, override="x", **shop.later)
        assert isinstance(made, Refusal)  # an amount is missing
        made = service.qualify("L-1", **shop.later)
        applied = service.merge(["L-2", "L-1"], **LATER)
        assert applied.id_of("prospect") == made.id_of("prospect")
        assert not isinstance(service.unmerge("L-2", **LATER), Refusal)

    def test_unknown_and_mixed(self) -> None:
        """Nothing, or another kind of record, under an id is refused."""
        store = InMemoryStore()
        shop_commit(store, shop.lead("L-1"))
        shop_commit(store, shop.account("A-1"))
        shop_commit(store, shop.prospect("P-1"))
        service = shop.service(store)
        refusal = service.merge(["L-1", "A-1", "L-7"], **LATER)
        assert [reason.ids for reason in refusal.reasons] == [("A-1",), ("L-7",)]
        assert "of one kind" in str(service.merge(["L-1", "P-1"], **LATER))
        assert service.unmerge("L-9", **LATER).codes == {RefusalCode.UNKNOWN_RECORD}
        with pytest.raises(InvalidError) as caught:
            service.merge("L-1", key="", nope=1)
        assert {problem.path for problem in caught.value.problems} == {"ids", "key", "nope", "at"}

    def test_apply(self) -> None:
        """A plan is written if planning again on fresh records gives the same; an edited or stale one is not."""
        store = InMemoryStore()
        one, other = shop.lead("L-1", campaign="a"), shop.lead("L-2")
        shop_commit(store, one)
        shop_commit(store, other)
        service = shop.service(store)
        plan = merged(one, other)
        edited = attrs.evolve(plan, unmapped=())
        assert service.apply(attrs.evolve(edited, defaults=()), key="e").codes == {RefusalCode.PLAN_CHANGED}
        assert service.apply(plan).plans == (plan,)
        assert store.load("L-1") == plan.survivor
        stale = plan_unmerge(plan.merged[0], known=[plan.survivor], **LATER)
        assert not isinstance(service.apply(stale), Refusal)
        with pytest.raises(InvalidError, match="key"):
            service.apply(stale, key="")


def shop_commit(store: InMemoryStore, record: Any) -> None:
    store.commit(ChangeSet.new(record))
