"""Rules 5 to 8: typed refusals, all problems at once, codes and not labels, combinations that make no sense."""

from datetime import timedelta

import pytest

from leadflow import (
    Company,
    InvalidError,
    InvalidTypeError,
    Lead,
    Money,
    NextStep,
    Person,
    Pipeline,
    Prospect,
    Reason,
    Stage,
    pipelines,
)
from leadflow.assessment import Question
from leadflow.conversion import (
    SKIP,
    ConversionSettings,
    Create,
    DealTerms,
    FindOrCreate,
    OpenDeals,
    Owners,
    QualificationPlan,
    Refusal,
    RefusalCode,
    RefusalReason,
    TermDefaults,
    UseExisting,
    plan_conversion,
    plan_qualification,
)


def codes(outcome):
    assert isinstance(outcome, Refusal), outcome
    return sorted(reason.code for reason in outcome.reasons)


class TestRule05TypedRefusals:
    """Each reason has a code, and refusing is never raising."""

    def test_already_converted(self, shop):
        """The refusal carries the first result."""
        plan = shop.qualification(shop.lead())
        again = shop.qualification(plan.lead, "P-2", evidence=shop.judged(plan.lead))
        assert codes(again) == ["already_converted"]
        assert again.reasons[0].ids == ("P-1",)

    def test_disqualified(self, shop):
        """The way out is to reopen."""
        lead = shop.lead().disqualify("no_need", **shop.now)
        refusal = shop.qualification(lead)
        assert codes(refusal) == ["disqualified"]
        assert str(refusal) == "cannot qualify lead 'L-1': it is disqualified (has no need); reopen it first"
        prospect = shop.prospect().disqualify("no_need", **shop.later)
        assert codes(shop.conversion(prospect)) == ["disqualified"]
        bare = Prospect.imported("P-9", person=shop.person, company=shop.company, status="disqualified", **shop.now)
        assert "it is disqualified; reopen" in str(shop.conversion(bare))

    def test_merged_and_withdrawn(self, shop):
        """Records that are out stay out."""
        lead = Lead.imported("L-9", person=shop.person, status="merged", **shop.now)
        assert codes(shop.qualification(lead)) == ["merged"]
        for status in ("merged", "withdrawn"):
            prospect = Prospect.imported("P-9", person=shop.person, company=shop.company, status=status, **shop.now)
            assert codes(shop.conversion(prospect)) == [status]

    def test_nurturing_is_no_obstacle(self, shop):
        """Who was put aside may move on once the evidence is there."""
        assert isinstance(shop.qualification(shop.lead().nurture(**shop.now)), QualificationPlan)
        assert shop.planned(shop.prospect().nurture(**shop.later)).prospect.status == "active"

    def test_undecided(self, shop):
        """The questions come along."""
        lead = shop.lead()
        refusal = shop.qualification(lead, evidence=shop.judged(lead, "undecided"))
        assert codes(refusal) == ["undecided"]
        assert [question.text for question in refusal.questions] == ["who decides?"]
        assert str(refusal).endswith("ask what is left to ask\nask: who decides?")

    def test_not_qualified(self, shop):
        """What stands against it is named, and the way out."""
        lead = shop.lead()
        refusal = shop.qualification(lead, evidence=shop.judged(lead, "not_qualified"))
        assert codes(refusal) == ["not_qualified"]
        assert refusal.reasons[0].message == (
            "policy 'committee' says not qualified (employees >= 50); override= with a reason sets it aside"
        )
        refusal = shop.qualification(lead, evidence=shop.judged(lead, "disqualified"))
        assert (codes(refusal), refusal.questions) == (["not_qualified"], ())

    def test_evidence_of_another_subject(self, shop):
        """Also evidence about nobody in particular."""
        lead = shop.lead()
        assert codes(shop.qualification(lead, evidence=shop.judged(shop.lead("L-2")))) == ["foreign_evidence"]
        bare = shop.judged(type("Sheet", (), {"id": None, "version": None}))
        refusal = shop.qualification(lead, evidence=bare)
        assert "must be about lead 'L-1', got one about no record" in str(refusal)

    def test_evidence_of_another_version(self, shop):
        """Older or newer, it was about another state."""
        lead = shop.lead()
        newer = lead.assign("bob", **shop.now)
        for record, judged in ((newer, lead), (lead, newer)):
            assert codes(shop.qualification(record, evidence=shop.judged(judged))) == ["outdated_evidence"]

    def test_evidence_out_of_time(self, shop):
        """Expired, or made after the step it is to carry."""
        lead = shop.lead()
        short = shop.judged(lead, at=shop.at, valid_for=timedelta(days=3))
        assert codes(shop.qualification(lead, evidence=short)) == ["expired_evidence"]
        long = shop.judged(lead, at=shop.at, valid_for=timedelta(days=4))
        assert isinstance(shop.qualification(lead, evidence=long), QualificationPlan)
        late = shop.judged(lead, at=shop.at + timedelta(days=4))
        assert codes(shop.qualification(lead, evidence=late)) == ["future_evidence"]

    def test_ambiguous_match(self, shop):
        """More than one record with a deciding key: somebody must say which; in stable order."""
        known = (shop.account("A-8"), shop.account("A-7"))
        refusal = shop.conversion(shop.prospect(), account=FindOrCreate("A-1"), known=known)
        assert refusal.because("ambiguous_match").ids == ("A-7", "A-8")

    def test_contact_and_domain_disagree(self, shop):
        """A contact of one account and a domain of another is ambiguous, not a guess."""
        known = (shop.account("A-8", company=None), shop.account("A-9"), shop.contact(account_id="A-8"))
        refusal = shop.conversion(
            shop.prospect(), account=FindOrCreate("A-1"), contact=FindOrCreate("C-1"), known=known
        )
        assert refusal.because("ambiguous_match").ids == ("A-8", "A-9")

    def test_duplicates(self, shop):
        """Making what is there is refused, unless it is meant."""
        known = (shop.account(), shop.contact())
        refusal = shop.conversion(shop.prospect(), known=known)
        assert codes(refusal) == ["duplicate", "duplicate"]
        assert [reason.ids for reason in refusal.reasons] == [("A-9",), ("C-9",)]
        plan = shop.planned(
            shop.prospect(), account=Create("A-1", anyway=True), contact=Create("C-1", anyway=True), known=known
        )
        assert plan.changes.absent == ()

    def test_missing_fields(self, shop):
        """Each with its path, the budget mentioned where it could help."""
        prospect = shop.prospect().discover(budget=Money("48000", "EUR"), **shop.later)
        refusal = shop.conversion(prospect, terms=None)
        assert [(reason.code, reason.path) for reason in refusal.reasons] == [("missing_fields", "terms.amount")]
        assert "(their budget is 48,000 EUR)" in refusal.reasons[0].message
        nobody = Lead.imported("L-9", **shop.now)
        assert codes(shop.qualification(nobody)) == ["missing_fields"]
        unknown = Prospect.imported("P-9", **shop.now)
        settings = ConversionSettings(terms=TermDefaults(calendar=None))
        refusal = shop.conversion(unknown, terms=None, settings=settings)
        assert [reason.path for reason in refusal.reasons] == [
            "company",
            "person",
            "terms.name",
            "terms.amount",
            "terms.expected_close",
        ]

    def test_what_the_first_stage_requires(self, shop):
        """A deal cannot start in a stage whose requirements it does not meet."""
        needs = {"next_step", "primary_contact", "decision_maker", "amount", "expected_close"}
        strict = Pipeline(
            "strict",
            [
                Stage(code="open", probability=0.5, requires=needs),
                Stage(code="won", category="won"),
                Stage(code="lost", category="lost"),
            ],
        )
        terms = DealTerms("x", Money(1, "EUR"), pipeline=strict)
        refusal = shop.conversion(shop.prospect(), contact=SKIP, terms=terms)
        assert [reason.path for reason in refusal.reasons] == ["terms.role", "terms.next_step", "contact"]
        met = DealTerms("x", Money(1, "EUR"), pipeline=strict, role="decision_maker", next_step=NextStep("call"))
        assert shop.planned(shop.prospect(), terms=met).opportunity.stage.code == "open"

    def test_open_deal_for_the_same_account_and_product(self, shop):
        """A warning unless told otherwise; another product is another matter."""
        known = (shop.account(), shop.deal(product_interest=["router"]), shop.deal("O-8", product_interest=["hub"]))
        prospect = shop.prospect(lead=shop.rich_lead())
        arguments = {"account": UseExisting("A-9"), "known": known}
        warned = shop.planned(prospect, **arguments)
        assert [(warning.code, warning.ids) for warning in warned.warnings] == [("open_deal", ("O-9",))]
        refused = shop.conversion(prospect, settings=ConversionSettings(open_deals="refuse"), **arguments)
        assert codes(refused) == ["open_deal"]
        allowed = shop.planned(prospect, settings=ConversionSettings(open_deals=OpenDeals.ALLOW), **arguments)
        assert allowed.warnings == ()
        other = shop.planned(prospect, terms=DealTerms(amount=Money(1, "EUR"), product_interest=["desk"]), **arguments)
        assert other.warnings == ()

    def test_refusing_second_deals_holds_until_the_commit(self, shop):
        """Where a second deal is refused, none may appear before this one is written."""
        settings = ConversionSettings(open_deals="refuse")
        prospect = shop.prospect(lead=shop.rich_lead())
        plan = shop.planned(prospect, account=UseExisting("A-9"), known=(shop.account(),), settings=settings)
        assert "opportunity:product:A-9\trouter" in [str(key) for key in plan.changes.absent]
        lone = shop.planned(prospect, opportunity=SKIP, settings=settings)
        assert all(key.finds != "opportunity" for key in lone.changes.absent)

    def test_unknown_records(self, shop):
        """What is named must be among the known records, of the right kind and not withdrawn."""
        arguments = {"account": UseExisting("A-9"), "contact": UseExisting("C-9"), "opportunity": UseExisting("O-9")}
        refusal = shop.conversion(shop.prospect(), **arguments)
        assert codes(refusal) == ["unknown_record"] * 3
        assert [reason.path for reason in refusal.reasons] == ["account", "contact", "opportunity"]
        assert "must be an opportunity among the known records, got nothing for 'O-9'" in str(refusal)
        wrong = shop.conversion(shop.prospect(), account=UseExisting("C-9"), known=(shop.contact(),))
        assert "must be an account among the known records, got contact 'C-9' for 'C-9'" in str(wrong)
        gone = shop.account().withdraw(**shop.now)
        assert codes(shop.conversion(shop.prospect(), account=UseExisting("A-9"), known=(gone,))) == ["withdrawn"]

    def test_ids_that_are_taken(self, shop):
        """A new record needs a new id."""
        refusal = shop.conversion(shop.prospect(), account=Create("A-9", anyway=True), known=(shop.account(),))
        assert codes(refusal) == ["id_taken"]

    def test_deals_that_do_not_fit(self, shop):
        """A deal to join must be open, and with the same account."""
        arguments = {"account": UseExisting("A-9"), "opportunity": UseExisting("O-9"), "contact": SKIP}
        closed = shop.deal().lose("price", **shop.now)
        refusal = shop.conversion(shop.prospect(), known=(shop.account(), closed), **arguments)
        assert codes(refusal) == ["closed_deal"]
        elsewhere = shop.deal(account_id="A-8")
        refusal = shop.conversion(shop.prospect(), known=(shop.account(), elsewhere), **arguments)
        assert refusal.because("foreign_deal").ids == ("O-9", "A-8")

    def test_refusals_read_well(self, shop):
        """In words, as rows and as escaped HTML; looked up by code."""
        refusal = Refusal(
            "convert <b>", [RefusalReason("merged", "gone <i>", path="x", ids=["P-2"])], [Question("f", "why <u>?")]
        )
        assert str(refusal) == "cannot convert <b>: x: gone <i>\nask: why <u>?"
        assert refusal.to_rows() == [{"code": "merged", "where": "x", "reason": "gone <i>", "ids": "P-2"}]
        html = refusal._repr_html_()
        assert all(tag not in html for tag in ("<b>", "<i>", "<u>"))
        assert refusal.because(RefusalCode.MERGED).path == "x"
        assert refusal.because("disqualified") is None

    def test_refusals_are_checked(self):
        """A refusal without reasons, or a reason without words, is an error."""
        with pytest.raises(InvalidError) as caught:
            Refusal("", [], ["why?"])
        assert [problem.path for problem in caught.value.problems] == ["action", "reasons", "questions[0]"]
        with pytest.raises(InvalidError) as caught:
            RefusalReason("because", "", path=None, ids=[""])
        assert [problem.path for problem in caught.value.problems] == ["code", "message", "path", "ids[0]"]


class TestRule06AllProblemsAtOnce:
    """Everything that is wrong is said at once, in refusals and in errors."""

    def test_all_reasons_of_a_qualification(self, shop):
        """State, evidence, verdict and owner together."""
        lead = shop.lead().disqualify("no_need", **shop.now)
        refusal = shop.qualification(
            lead,
            evidence=shop.judged(shop.lead("L-2"), "undecided"),
            owner="inbound",
            settings=ConversionSettings(owners=Owners(queues={"inbound"})),
        )
        assert codes(refusal) == ["disqualified", "foreign_evidence", "invalid_owner", "undecided"]
        # No answer would help before it is reopened and judged itself.
        assert refusal.questions == ()

    def test_all_reasons_of_a_conversion(self, shop):
        """State, evidence, targets, terms and owner together."""
        prospect = shop.prospect().disqualify("no_need", **shop.later)
        refusal = shop.conversion(
            prospect,
            evidence=shop.judged(prospect, "not_qualified"),
            account=UseExisting("A-9"),
            contact=UseExisting("C-9"),
            terms=None,
            owner="eve",
            settings=ConversionSettings(owners=Owners(active={"ada"})),
        )
        assert codes(refusal) == [
            "disqualified",
            "invalid_owner",
            "missing_fields",
            "not_qualified",
            "unknown_record",
            "unknown_record",
        ]

    def test_all_problems_of_the_arguments_of_a_qualification(self, shop):
        """Whatever can never be right is one error."""
        with pytest.raises(InvalidTypeError) as caught:
            plan_qualification(
                "L-1", evidence=None, prospect="P-1", owner=3, override="x", settings={}, at=3, bye="ada"
            )
        assert [problem.path for problem in caught.value.problems] == [
            "lead",
            "evidence",
            "settings",
            "bye",
            "at",
            "by",
            "prospect",
            "owner",
        ]

    def test_all_problems_of_the_arguments_of_a_conversion(self, shop):
        """Each with its path, the known records' too."""
        with pytest.raises(InvalidTypeError) as caught:
            plan_conversion(
                "P-1",
                evidence=None,
                account="A-1",
                contact=None,
                opportunity=FindOrCreate("O-1"),
                terms={},
                known=["x"],
                another="",
                settings=None,
                at=shop.at,
                recorded_at=shop.at - timedelta(days=1),
            )
        assert [problem.path for problem in caught.value.problems] == [
            "prospect",
            "evidence",
            "known[0]",
            "settings",
            "recorded_at",
            "account",
            "contact",
            "opportunity",
            "terms",
            "another",
        ]

    def test_known_must_be_a_collection_of_different_records(self, shop):
        """No text, no number, nothing twice."""
        for known, rule in (("A-9", "must be a tuple"), (3, "must be a tuple"), ([shop.account()] * 2, "not repeat")):
            with pytest.raises(InvalidError, match=rule):
                shop.conversion(shop.prospect(), known=known)

    def test_times(self, shop):
        """Naive times, a missing time, an argument that does not exist."""
        lead = shop.lead()
        arguments = {"evidence": shop.judged(lead), "prospect": Create("P-1")}
        with pytest.raises(InvalidError) as caught:
            plan_qualification(lead, **arguments, at=shop.at.replace(tzinfo=None), recorded_at="now", by="")
        assert [problem.path for problem in caught.value.problems] == ["at", "recorded_at", "by"]
        with pytest.raises(InvalidTypeError, match="at must be given, a timezone-aware datetime"):
            plan_qualification(lead, **arguments)
        with pytest.raises(InvalidTypeError, match=r"recorded_on is no argument .did you mean 'recorded_at'"):
            plan_qualification(lead, **arguments, at=shop.at, recorded_on=shop.at)

    def test_overlong_values_are_errors(self, shop):
        """Never truncated: a name that a rule makes too long is refused, one that is given is an error."""
        settings = ConversionSettings(terms=TermDefaults(name="{person}" * 60))
        reason = shop.conversion(shop.prospect(), settings=settings).because("invalid_value")
        assert (reason.path, reason.message[:34]) == ("terms.name", "must be at most 500 characters, go")
        with pytest.raises(InvalidError, match="name must be at most 500 characters"):
            DealTerms("n" * 501)


class TestRule07CodesAndCategories:
    """Rules look at codes and categories; labels are for people."""

    def test_relabelled_stages_and_reasons_change_nothing(self, shop):
        """The same plan but for the labels, whatever stages and reasons are called."""
        renamed = Pipeline(
            "simple",
            [
                Stage(
                    code=stage.code,
                    label=f"Stufe {number}",
                    category=stage.category,
                    probability=stage.probability,
                    forecast_category=stage.forecast_category,
                )
                for number, stage in enumerate(pipelines.SIMPLE.stages)
            ],
        )
        terms = [DealTerms("x", Money(1, "EUR"), pipeline=pipeline) for pipeline in (pipelines.SIMPLE, renamed)]
        one, other = (shop.planned(shop.prospect(), terms=given) for given in terms)
        assert one.to_rows() == other.to_rows()
        assert one.opportunity.probability == other.opportunity.probability
        for label in ("has no need", "kein Bedarf"):
            lead = shop.lead().disqualify(Reason("no_need", label), **shop.now)
            assert shop.qualification(lead).codes == {RefusalCode.DISQUALIFIED}

    def test_a_won_stage_is_one_by_category(self, shop):
        """A deal starts in an open stage, whatever its probability."""
        sure = Pipeline(
            "sure",
            [
                Stage(code="lost-ish", label="Won", probability=1.0),
                Stage(code="a", category="won"),
                Stage(code="b", category="lost"),
            ],
        )
        plan = shop.planned(shop.prospect(), terms=DealTerms(amount=Money(1, "EUR"), pipeline=sure))
        assert plan.opportunity.is_open


class TestRule08CombinationsThatMakeNoSense:
    """What contradicts itself is an error when the request is built; what contradicts the records is refused."""

    def test_terms_without_a_deal(self, shop):
        """Terms belong to a deal that is created."""
        for opportunity in (SKIP, UseExisting("O-9")):
            with pytest.raises(InvalidError, match="terms must be left out unless an opportunity is created"):
                shop.conversion(shop.prospect(), opportunity=opportunity, terms=DealTerms("Rollout"))

    @pytest.mark.parametrize("contact", [UseExisting("C-9"), FindOrCreate("C-1")])
    def test_an_existing_contact_with_the_account_skipped(self, shop, contact):
        """A contact that is there has an account."""
        with pytest.raises(InvalidError, match="contact must be Create or SKIP where the account is skipped"):
            shop.conversion(shop.prospect(), account=SKIP, contact=contact)

    def test_nothing_at_all(self, shop):
        """Something must be made or used."""
        with pytest.raises(InvalidError, match="must make or use something"):
            shop.conversion(shop.prospect(), account=SKIP, contact=SKIP, opportunity=SKIP)

    def test_one_id_for_two_records(self, shop):
        """Ids are unique across all kinds."""
        with pytest.raises(
            InvalidError, match="contact must have an id of its own, got 'X', which is given as account"
        ):
            shop.conversion(shop.prospect(), account=Create("X"), contact=Create("X"))
        with pytest.raises(
            InvalidError, match="prospect must have an id of its own, got 'L-1', which is given as lead"
        ):
            shop.qualification(shop.lead(), "L-1")

    @pytest.mark.parametrize("account", [Create("A-1", anyway=True), UseExisting("A-8")])
    def test_a_contact_of_another_account(self, shop, account):
        """Contacts never move."""
        known = (shop.account("A-8"), shop.account(), shop.contact())
        refusal = shop.conversion(shop.prospect(), account=account, contact=UseExisting("C-9"), known=known)
        assert codes(refusal) == ["foreign_contact"]
        assert refusal.reasons[0].ids == ("C-9", "A-9")

    def test_a_deal_without_an_account(self, shop):
        """Only where people may have none."""
        arguments = {"account": SKIP, "contact": Create("C-1")}
        assert codes(shop.conversion(shop.prospect(), **arguments)) == ["missing_fields"]
        settings = ConversionSettings(person_accounts="none")
        assert shop.planned(shop.prospect(), settings=settings, **arguments).opportunity.account_id is None

    def test_a_stage_of_another_pipeline(self, shop):
        """Said when the terms are built if they name the pipeline, else when planning, with all that is wrong."""
        with pytest.raises(
            InvalidError, match=r"stage must be an open stage of pipeline 'simple', got 'proposl' \(did"
        ):
            DealTerms(stage="proposl", pipeline=pipelines.SIMPLE)
        refusal = shop.conversion(shop.prospect(), terms=DealTerms(stage="won"), owner=lambda prospect: "inbound")
        assert [(reason.code, reason.path) for reason in refusal.reasons] == [
            ("invalid_stage", "terms.stage"),
            ("missing_fields", "terms.amount"),
        ]
        assert "terms.stage: must be an open stage of pipeline 'simple', got 'won'" in str(refusal)

    def test_a_person_to_make_a_contact_of(self, shop):
        """Without a person there is no contact; skipping it is possible."""
        company = Company("Northwind", email="info@northwind.example")
        prospect = shop.prospect(person=None, company=company)
        assert shop.conversion(prospect).because("missing_fields").path == "person"
        plan = shop.planned(prospect, contact=SKIP)
        assert (plan.contact, plan.opportunity.contact_roles) == (None, ())
        assert Person("x").email is None
