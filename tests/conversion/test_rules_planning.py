"""Rules 1, 17, 18 and 22: plan then apply, the lead is kept, evidence is stored, events come in order."""

import pickle
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import Account, InvalidError, Lead, LeadStatus, Money, Prospect
from leadflow.assessment import Assessment
from leadflow.conversion import (
    SKIP,
    ConversionPlan,
    Create,
    DealTerms,
    FindOrCreate,
    Moment,
    QualificationPlan,
    Refusal,
    UseExisting,
    plan_conversion,
)
from leadflow.events import LeadQualified, ProspectConverted
from leadflow.stores import ChangeSet, Committed, InMemoryStore

targets = st.sampled_from([Create("A-1"), UseExisting("A-9"), FindOrCreate("A-2")])
contact_targets = st.sampled_from([Create("C-1", anyway=True), UseExisting("C-9"), FindOrCreate("C-2"), SKIP])
deal_targets = st.sampled_from([Create("O-1"), UseExisting("O-9"), SKIP])


class TestRule01PlanThenApply:
    """Planning is pure, gives equal plans, and a plan is what applying it writes."""

    def test_a_dry_run_is_a_plan_nobody_applied(self, shop):
        """Planning leaves every argument as it was."""
        lead = shop.rich_lead()
        history = lead.history
        plan = shop.qualification(lead)
        assert lead.history == history
        assert (lead.status, plan.lead.status) == (LeadStatus.WORKING, LeadStatus.QUALIFIED)

    @given(targets, contact_targets, deal_targets, st.booleans())
    def test_planning_twice_gives_equal_outcomes(self, shop, account, contact, deal, rich):
        """The same arguments give the same plan, or the same refusal, whatever the targets."""
        prospect = shop.prospect(lead=shop.rich_lead() if rich else shop.lead())
        known = (shop.account(), shop.contact(), shop.deal())
        arguments = {"account": account, "contact": contact, "opportunity": deal, "known": known}
        one = shop.conversion(prospect, **arguments)
        assert one == shop.conversion(prospect, **arguments)
        assert one == shop.conversion(prospect, **(arguments | {"known": reversed(known)}))

    @given(targets, contact_targets, deal_targets)
    def test_a_plan_is_what_applying_it_writes(self, shop, account, contact, deal):
        """After the commit the store holds the plan's records, and nothing else has changed."""
        prospect = shop.prospect(lead=shop.rich_lead())
        known = (shop.account(), shop.contact(), shop.deal())
        plan = shop.conversion(prospect, account=account, contact=contact, opportunity=deal, known=known)
        if isinstance(plan, Refusal):
            return
        store = InMemoryStore()
        store.commit(ChangeSet.new(prospect, *known))
        # What makes a second contact on purpose is planned without its match key, everything else fits the store.
        assert store.commit(plan.changes) == Committed()
        made = [
            record for record in (plan.account, plan.contact, plan.opportunity, plan.prospect) if record is not None
        ]
        expected = {record.id: record for record in (*known, prospect)} | {record.id: record for record in made}
        assert {record.id: record for record in store} == expected

    def test_plans_pickle(self, shop):
        """A plan can be kept and applied by another process."""
        plan = shop.planned(shop.prospect(lead=shop.rich_lead()))
        assert pickle.loads(pickle.dumps(plan)) == plan

    def test_plans_of_other_moments_differ(self, shop):
        """When and by whom are part of a plan."""
        prospect = shop.prospect()
        assert shop.planned(prospect) != shop.planned(prospect, by="bob")

    def test_what_the_other_kind_of_plan_makes_is_none(self, shop):
        """Both kinds of plan answer the same questions."""
        first = shop.qualification(shop.lead())
        assert (first.account, first.contact, first.opportunity) == (None, None, None)
        assert shop.planned(first.prospect).lead is None

    def test_the_direct_path_is_two_plans_in_one_commit(self, shop):
        """The second plan is made on what the first leaves; both are written together or not at all."""
        lead = shop.lead()
        first = shop.qualification(lead)
        second = shop.planned(first.prospect)
        changes = first.changes.then(second.changes)
        assert [(w.before, w.after.kind) for w in changes.writes] == [
            (None, "account"),
            (None, "contact"),
            (None, "opportunity"),
            (None, "prospect"),
            (lead, "lead"),
        ]
        store = InMemoryStore()
        store.commit(ChangeSet.new(lead))
        assert store.commit(changes) == Committed()
        assert store.load("P-1") == second.prospect


class TestRule17TheLeadIsKept:
    """The lead stays, linked both ways; another deal needs a reason."""

    def test_linked_both_ways(self, shop):
        """Lead and prospect name each other, prospect and deal too."""
        first = shop.qualification(shop.lead())
        second = shop.planned(first.prospect)
        assert (first.lead.prospect_id, first.prospect.lead_id) == ("P-1", "L-1")
        assert second.prospect.opportunity_ids == ("O-1",)
        assert (second.prospect.account_id, second.prospect.contact_id) == ("A-1", "C-1")
        assert (second.opportunity.origin.reference, second.contact.account_id) == ("P-1", "A-1")

    def test_the_lead_keeps_its_history(self, shop):
        """Nothing of what happened is lost."""
        lead = shop.rich_lead()
        assert shop.qualification(lead).lead.history[:-1] == lead.history

    def test_a_further_deal_needs_a_reason(self, shop):
        """Without one it is refused, with one it is planned, and the reason is kept."""
        plan = shop.planned(shop.prospect())
        targets = {"account": UseExisting("A-1"), "contact": UseExisting("C-1"), "opportunity": Create("O-2")}
        known = (plan.account, plan.contact)
        again = shop.conversion(plan.prospect, known=known, **targets)
        assert again.because("already_converted").ids == ("A-1", "C-1", "O-1")
        more = shop.planned(plan.prospect, known=known, another="their second plant", **targets)
        assert more.prospect.opportunity_ids == ("O-1", "O-2")
        assert more.prospect.history[-1].another == "their second plant"

    def test_the_reason_is_kept_only_where_it_is_one(self, shop):
        """A first conversion is not another one, whatever was said."""
        assert shop.planned(shop.prospect(), another="just in case").prospect.history[-1].another is None

    def test_a_converted_prospect_finds_its_own_account_and_contact(self, shop):
        """A further deal goes to the same account and contact without their being matched."""
        plan = shop.planned(shop.prospect())
        more = shop.planned(
            plan.prospect,
            account=FindOrCreate("A-2"),
            contact=FindOrCreate("C-2"),
            opportunity=Create("O-2"),
            known=(plan.account, plan.contact),
            another="their second plant",
        )
        assert (more.account, more.contact) == (plan.account, plan.contact)
        assert [relied.id for relied in more.changes.relies_on] == ["A-1", "C-1"]


class TestRule18EvidenceIsStored:
    """What a step rests on is kept with what it made, overridden verdicts with actor and reason."""

    def test_with_lead_prospect_and_deal(self, shop):
        """The evidence is on both sides of each step, in full."""
        lead = shop.lead()
        judged = shop.judged(lead)
        first = shop.qualification(lead, evidence=judged)
        assert first.lead.evidence == first.prospect.evidence == judged.evidence() == first.evidence
        assert (first.evidence.policy_id, first.evidence.fingerprint, first.evidence.subject_version) == (
            "committee",
            "f00d",
            1,
        )
        second = shop.planned(first.prospect)
        assert second.prospect.evidence == second.opportunity.evidence == second.evidence
        assert second.evidence.subject_id == "P-1"

    def test_written_out_evidence_does_as_well(self, shop):
        """What was stored before gives the same plan as the assessment it came from."""
        lead = shop.lead()
        judged = shop.judged(lead)
        assert shop.qualification(lead, evidence=judged.evidence()) == shop.qualification(lead, evidence=judged)

    @pytest.mark.parametrize("verdict", ["undecided", "not_qualified", "disqualified"])
    def test_an_override_is_kept_with_actor_and_reason(self, shop, verdict):
        """Any verdict can be set aside by somebody, for a reason."""
        lead = shop.lead()
        plan = shop.qualification(lead, evidence=shop.judged(lead, verdict), override="the board knows them")
        assert isinstance(plan, QualificationPlan)
        event = plan.lead.history[-1]
        assert (type(event), event.by, event.override) == (LeadQualified, "ada", "the board knows them")
        assert event.evidence.verdict == verdict
        prospect = plan.prospect
        second = shop.planned(prospect, evidence=shop.judged(prospect, verdict), override="the board knows them")
        assert second.prospect.history[-1].override == "the board knows them"

    def test_an_override_needs_an_actor_and_words(self, shop):
        """Nobody's override and an empty one are errors."""
        lead = shop.lead()
        with pytest.raises(InvalidError) as caught:
            shop.qualification(lead, override=" ", by=None)
        assert [problem.path for problem in caught.value.problems] == ["by", "override"]

    def test_an_override_covers_the_verdict_only(self, shop):
        """Evidence about somebody else is no evidence, whatever the reason."""
        refusal = shop.qualification(shop.lead(), evidence=shop.judged(shop.lead("L-2")), override="I know")
        assert refusal.codes == {"foreign_evidence"}


class TestRule22EventsInOrder:
    """Events come once, in the order account, contact, opportunity, prospect, lead, with ids and versions."""

    def test_of_a_conversion(self, shop):
        """What was made comes before what it was made of."""
        events = shop.planned(shop.prospect()).changes.events
        told = [(event.kind, event.id, event.version, type(event.event).__name__) for event in events]
        assert told == [
            ("account", "A-1", 1, "AccountAdded"),
            ("contact", "C-1", 1, "ContactAdded"),
            ("opportunity", "O-1", 1, "OpportunityOpened"),
            ("prospect", "P-1", 2, "ProspectConverted"),
        ]

    def test_the_lead_is_marked_last(self, shop):
        """In a qualification and on the direct path."""
        first = shop.qualification(shop.lead())
        assert [event.kind for event in first.changes.events] == ["prospect", "lead"]
        both = first.changes.then(shop.planned(first.prospect).changes)
        assert [event.kind for event in both.events] == [
            "account",
            "contact",
            "opportunity",
            "prospect",
            "prospect",
            "lead",
        ]

    def test_of_records_that_are_there(self, shop):
        """A record that is filled in tells only what is new."""
        plan = shop.planned(
            shop.prospect(),
            account=UseExisting("A-9"),
            contact=UseExisting("C-9"),
            known=(shop.account(), shop.contact()),
        )
        assert [(event.id, event.version) for event in plan.changes.events] == [
            ("A-9", 2),
            ("C-9", 2),
            ("O-1", 1),
            ("P-1", 2),
        ]


class TestPlansReadWell:
    """A plan can be read by whoever decides."""

    def test_in_words(self, shop):
        """Everything that will happen, one line each."""
        prospect = shop.prospect(lead=shop.lead("L-1", tags=["fair"]).correct(source="web", **shop.now))
        plan = shop.planned(
            prospect,
            account=UseExisting("A-9"),
            contact=UseExisting("C-9"),
            known=(shop.account(source="fair"), shop.contact(source="fair"), shop.deal()),
        )
        lines = str(plan).splitlines()
        assert lines[0] == "convert prospect 'P-1':"
        assert "  change account 'A-9' to version 2: Corrected" in lines
        assert (
            "  create opportunity 'O-1': Northwind, 48,000 EUR, in stage 'qualified' at 20%, "
            "expected to close on 2026-03-31" in lines
        )
        assert "  default terms.stage = qualified: where the pipeline starts" in lines
        assert "  not carried person.name: contact 'C-9' keeps 'M. Okafor'" in lines
        assert any(
            line.startswith("  warning opportunity: opportunity 'O-9' is open with 'A-9', and no product")
            for line in lines
        )
        assert repr(plan).startswith("<plan to convert prospect 'P-1': 1 new: opportunity 'O-1' version 1; 3 changed")

    def test_what_is_only_relied_on(self, shop):
        """Records used as they are, and what must not have been made meanwhile."""
        plan = shop.planned(shop.prospect())
        again = shop.planned(
            plan.prospect,
            account=UseExisting("A-1"),
            contact=Create("C-2", anyway=True),
            opportunity=Create("O-2"),
            known=(plan.account,),
            another="more",
        )
        assert {"step": "use", "what": "account 'A-1' version 1", "detail": "as it is"} in again.to_rows()
        assert {"step": "only if", "what": "nobody else has domain 'northwind.example'", "detail": ""} in plan.to_rows()

    def test_of_a_qualification(self, shop):
        """The person with address, the company without."""
        plan = shop.qualification(shop.lead())
        assert "  create prospect 'P-1': Mara Okafor <mara@northwind.example>, Northwind" in str(plan)

    def test_html_is_escaped(self, shop):
        """Text is stored as it was typed, and escaped where it is shown."""
        nasty = "Robert'); DROP TABLE leads;-- <script>alert(1)</script>"
        plan = shop.planned(shop.prospect(), terms=DealTerms(nasty, Money(1, "EUR")))
        assert plan.opportunity.name == nasty
        html = plan._repr_html_()
        assert "<script>" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html

    def test_a_deal_without_a_close(self, shop):
        """An imported deal may have no expected close; that reads well, too."""
        plan = shop.planned(shop.prospect())
        assert isinstance(plan, ConversionPlan)
        assert isinstance(plan.account, Account)
        assert isinstance(plan.prospect, Prospect)
        assert isinstance(plan.prospect.history[-1], ProspectConverted)


class TestMoments:
    """Planning follows the times of the records it works on."""

    def test_a_record_that_others_changed_later_is_not_turned_back(self, shop):
        """What is filled into an account that was changed since is recorded after that."""
        busy = shop.account().assign("bob", at=shop.at + timedelta(days=9))
        plan = shop.planned(shop.prospect(), account=UseExisting("A-9"), known=(busy,))
        assert plan.account.updated_at == shop.at + timedelta(days=9)
        assert plan.prospect.updated_at == shop.later["at"]

    def test_the_source_itself_is_not_turned_back(self, shop):
        """A time before the record's last is that of a slower clock: the last record's is the time instead."""
        late = shop.at + timedelta(days=9)
        lead = shop.lead().assign("bob", at=late)
        evidence: Assessment = shop.judged(lead, at=shop.at)
        plan = shop.qualification(lead, evidence=evidence)
        assert (plan.lead.updated_at, plan.prospect.created_at, plan.moment.at) == (late, late, late)
        made = shop.planned(plan.prospect, evidence=shop.judged(plan.prospect, at=shop.at))
        assert (made.account.created_at, made.opportunity.created_at, made.moment.at) == (late, late, late)
        for moved in (plan, made):
            assert moved.moment.asked == shop.later["at"]
            assert "default at = 2026-03-11T09:00:00+00:00: not 2026-03-05T09:00:00+00:00, since a record" in str(moved)
        assert "default at" not in str(shop.qualification(shop.lead()))

    def test_a_plan_that_was_moved_is_applied(self, shop):
        """Planning it again moves it no further."""
        lead = shop.lead().assign("bob", at=shop.at + timedelta(days=9))
        service = shop.service()
        service.store.commit(ChangeSet.new(lead))
        plan = shop.qualification(lead, evidence=shop.judged(lead, at=shop.at))
        assert service.apply(plan).plans == (plan,)

    def test_a_moment_is_checked(self, shop):
        """All problems at once, as with every command."""
        with pytest.raises(InvalidError) as caught:
            Moment(shop.at.replace(tzinfo=None), by="", recorded_at="now", asked="then")
        assert [problem.path for problem in caught.value.problems] == ["at", "recorded_at", "by", "asked"]

    def test_lead_type(self, shop):
        """The signature is the guard: a lead is not converted, a prospect not qualified."""
        with pytest.raises(InvalidError, match="prospect must be a Prospect"):
            plan_conversion(
                shop.lead(),
                evidence=shop.judged(shop.lead()),
                account=SKIP,
                contact=SKIP,
                opportunity=Create("O"),
                **shop.now,
            )
        assert isinstance(shop.lead(), Lead)
