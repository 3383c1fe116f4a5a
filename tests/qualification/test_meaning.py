"""What a policy means: verdicts by range, complete findings, the question that would decide."""

import pickle
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from leadflow.assessment import Assessment, FindingKind, Verdict
from leadflow.errors import InvalidError, InvalidTypeError, LookAheadError, MissingRateError
from leadflow.money import Money
from leadflow.qualification import (
    Bant,
    FactSheet,
    IdealCustomerProfile,
    Policy,
    Scale,
    age,
    at_least,
    bands,
    bant_ladder,
    cap,
    coalesce,
    engagement_points,
    fact,
    knock_out,
    points,
    require,
)

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SIZE = fact("company.employees") >= 50
EMBARGO = fact("company.country").is_in("KP")


def judged(policy, /, **facts):
    values = {name.replace("__", "."): value for name, value in facts.items()}
    return policy.assess(FactSheet(values), at=AT)


class TestVerdict:
    """The verdict is certain only when nothing unknown could change it."""

    @pytest.mark.parametrize(
        ("facts", "verdict"),
        [
            ({"company__employees": 420, "company__country": "DE"}, Verdict.QUALIFIED),
            ({"company__employees": 4, "company__country": "DE"}, Verdict.NOT_QUALIFIED),
            ({"company__employees": 4}, Verdict.NOT_QUALIFIED),
            ({"company__employees": 420}, Verdict.UNDECIDED),
            ({"company__country": "DE"}, Verdict.UNDECIDED),
            ({"company__country": "KP"}, Verdict.DISQUALIFIED),
            ({"company__employees": 4, "company__country": "KP"}, Verdict.DISQUALIFIED),
            ({}, Verdict.UNDECIDED),
        ],
    )
    def test_gates(self, facts, verdict):
        """A true knock-out disqualifies, a false requirement does not qualify, an unknown leaves it open."""
        assert judged(Policy("p", require=[SIZE], knock_out=[EMBARGO]), **facts).verdict is verdict

    @pytest.mark.parametrize(
        ("facts", "verdict", "low", "high"),
        [
            ({}, Verdict.UNDECIDED, -5_000, 15_000),
            ({"source": "referral"}, Verdict.UNDECIDED, 5_000, 15_000),
            ({"source": "list"}, Verdict.NOT_QUALIFIED, -5_000, 5_000),
            ({"source": "referral", "campaign": "none"}, Verdict.QUALIFIED, 10_000, 15_000),
            ({"source": "list", "company__employees": 4}, Verdict.NOT_QUALIFIED, -5_000, 0),
        ],
    )
    def test_score(self, facts, verdict, low, high):
        """A score is a range; it decides once it lies on one side of the threshold."""
        policy = Policy(
            "p",
            score=[
                points(10, when=fact("source").equals("referral")),
                points(5, when=SIZE),
                points(-5, when=fact("campaign").equals("cold")),
            ],
            threshold=6,
        )
        found = judged(policy, **facts)
        assert (found.verdict, found.low, found.high) == (verdict, low, high)
        assert judged(policy.lenient(), **facts).verdict is found.if_unknown_is_no

    def test_everything_is_found(self):
        """A knock-out does not hide what else was found, and the order of criteria is irrelevant to the verdict."""
        one = judged(
            Policy("p", require=[SIZE, fact("source").equals("x")], knock_out=[EMBARGO]), company__country="KP"
        )
        other = judged(
            Policy("p", require=[fact("source").equals("x"), SIZE], knock_out=[EMBARGO]), company__country="KP"
        )
        assert [finding.holds for finding in one.findings] == [True, None, None]
        assert {(finding.text, finding.holds) for finding in one.findings} == {
            (finding.text, finding.holds) for finding in other.findings
        }
        assert one.questions == ()

    def test_masks(self):
        """The masks hold one bit per criterion, knock-outs first."""
        policy = Policy("p", require=[SIZE, fact("source").equals("x")], knock_out=[EMBARGO])
        found = judged(policy, company__country="DE", company__employees=60)
        assert (found.passed, found.unknown) == (0b010, 0b100)


class TestQuestions:
    """Questions are the unknown facts on the critical path, the most telling first."""

    def test_gates_come_before_points(self):
        """A fact that can decide alone comes first; among points, the one that moves more."""
        policy = Policy(
            "p",
            require=[SIZE],
            score=[
                points(2, when=fact("campaign").equals("a")),
                points(9, when=fact("source").equals("b")),
            ],
            threshold=9,
        )
        asked = judged(policy).questions
        assert [question.fact for question in asked] == ["company.employees", "source", "campaign"]
        assert [question.swing for question in asked] == [0, 9_000, 2_000]

    def test_ties_go_by_name(self):
        """Equal weights are ordered by the fact's name."""
        assert [question.fact for question in judged(Bant(), discovery__need__level="stated").questions] == [
            "discovery.authority.level",
            "discovery.budget.level",
            "discovery.timeline.level",
        ]

    def test_only_what_can_still_matter(self):
        """A fact that cannot change its criterion, or a score already decided, is not asked about."""
        either = Policy("p", require=[SIZE & (EMBARGO | fact("source").equals("x"))])
        assert [question.fact for question in judged(either, source="x").questions] == ["company.employees"]
        scored = Policy("p", require=[SIZE], score=[points(1, when=fact("source").equals("x"))])
        assert [question.fact for question in judged(scored).questions] == ["company.employees"]

    def test_weight_is_the_chance_to_tip_it(self):
        """In "all of four" each of three open facts tips it alone in one of four cases; the lone one always does."""
        four = fact("source").equals("a") & fact("campaign").equals("b") & fact("owner").equals("c")
        asked = judged(Policy("p", require=[four, SIZE])).questions
        assert [(question.fact, question.gates) for question in asked] == [
            ("company.employees", 1.0),
            ("campaign", 0.25),
            ("owner", 0.25),
            ("source", 0.25),
        ]

    def test_weight_in_at_least(self):
        """In "at least 2 of 3" with one true, one more tips it: each of the two others in half of the cases."""
        some = at_least(2, fact("source").equals("a"), fact("campaign").equals("b"), ~fact("owner").equals("c"))
        asked = judged(Policy("p", require=[some]), source="a").questions
        assert [(question.fact, question.gates) for question in asked] == [("campaign", 0.5), ("owner", 0.5)]

    def test_a_full_group_is_not_asked_about(self):
        """What a cap would cut away anyway is no question."""
        full = cap([points(5, when=fact("source").equals("a")), points(5, when=fact("campaign").equals("b"))], high=5)
        policy = Policy("p", score=[full, points(3, when=SIZE)], threshold=8)
        assert [question.fact for question in judged(policy, source="a").questions] == ["company.employees"]

    def test_bands(self):
        """A band's fact can move the score between its worst and its best band."""
        policy = Policy("p", score=[bands(fact("company.employees"), [50, 500], [-2, 8, 3])], threshold=5)
        assert judged(policy).questions[0].swing == 10_000
        assert judged(policy, company__employees=50).verdict is Verdict.QUALIFIED
        assert judged(policy, company__employees=500).verdict is Verdict.NOT_QUALIFIED
        assert judged(policy, company__employees=49).low == -2_000
        both = Policy("p", require=[EMBARGO], score=[points(5, when=SIZE)], threshold=5)
        assert [question.fact for question in judged(both, company__employees=60).questions] == ["company.country"]

    def test_what_is_not_remembered_is_ranked_anew(self, monkeypatch):
        """Questions are the same whether they were ranked before or not."""
        policy = Policy("p", require=[SIZE, fact("source").equals("x")])
        once = judged(policy).questions
        assert judged(policy).questions is once
        monkeypatch.setattr("leadflow.qualification.explaining._MOST_ASKED", 0)
        fresh = policy.replace(version=1)
        assert judged(fresh).questions == judged(fresh).questions == once

    def test_engagements_in_a_group(self):
        """Engagements that are not tracked are asked for, within limits too, by how far they could move the score."""
        group = cap([engagement_points("webinar", points=5, at_most=3)], high=12)
        (question,) = judged(Policy("p", score=group, threshold=5)).questions
        assert (question.text, question.swing) == ("what are the engagements?", 15_000)

    def test_the_bank(self):
        """The policy's own question beats the catalogue's."""
        policy = Policy("p", require=[SIZE], questions={"company.employees": "how big are they?"})
        assert str(judged(policy).questions[0]) == "how big are they?"
        assert judged(Policy("p", require=[SIZE])).questions[0].text == "how many people work there?"
        assert judged(Policy("p", require=[fact("custom.use_case", str).equals("x")])).questions[0].text == (
            "what do we know about use case?"
        )


class TestWords:
    """An assessment says why, and why not."""

    def test_why(self):
        """Every criterion is told with the value it met, its reason and its points."""
        policy = Policy(
            "icp",
            require=[require(SIZE, "smaller ones need no such thing")],
            knock_out=[EMBARGO],
            score=[points(5, when=fact("source").equals("referral"))],
        )
        assert judged(policy, company__employees=420, source="referral", company__country="DE").why().splitlines() == [
            "qualified by icp version 1, score 5",
            "[+] not knocked out by: company.country is in 'KP'; company.country 'DE'",
            "[+] requirement: company.employees >= 50; company.employees 420; smaller ones need no such thing",
            "[+] points: 5 if source is 'referral'; gives 5; source 'referral'",
        ]

    def test_knock_outs(self):
        """A knock-out says whether it rules out, and why only where it does or still may."""
        policy = Policy("p", knock_out=[knock_out(EMBARGO, "embargo")])
        found = [judged(policy, company__country=country) for country in ("KP", "DE", None)]
        assert [one.why().splitlines()[1] for one in found] == [
            "[-] knock-out: company.country is in 'KP'; company.country 'KP'; embargo",
            "[+] not knocked out by: company.country is in 'KP'; company.country 'DE'",
            "[?] knock-out: company.country is in 'KP'; company.country unknown; embargo",
        ]
        assert [one.to_rows()[0]["reason"] for one in found] == ["embargo", None, "embargo"]

    def test_unknown_beside_false(self):
        """In a criterion that is false, an unknown fact is still told as unknown."""
        found = judged(Policy("p", require=[SIZE & fact("source").equals("x")]), company__employees=1)
        assert "source unknown" in found.why()

    def test_limits_are_told(self):
        """A cap says what it cut."""
        group = cap([points(5, when=SIZE), points(4, when=fact("source").equals("x"))], high=6, name="fit")
        limit = judged(Policy("p", score=group), company__employees=60, source="x").findings[-1]
        assert (limit.kind, limit.text, limit.note) == (FindingKind.LIMIT, "fit: at most 6", "cut from 9")
        assert judged(Policy("p", score=group), company__employees=60).findings[-1].note == "cut from 5 to 9"
        assert judged(Policy("p", score=group), company__employees=1).findings[-1].kind is FindingKind.POINTS

    def test_pattern_matching(self):
        """A host can match on the verdict and take the first question."""
        match judged(Bant()):
            case Assessment(verdict=Verdict.UNDECIDED, questions=[first, *_]):
                assert first.fact == "discovery.need.level"
            case _:
                pytest.fail("did not match")

    def test_survives_pickling(self):
        """An assessment can be pickled with its words, and a policy without what it derived."""
        policy = Bant()
        found = judged(policy)
        assert pickle.loads(pickle.dumps(found)).why() == found.why()
        assert pickle.loads(pickle.dumps(policy)) == policy
        assert len(pickle.dumps(policy)) == len(pickle.dumps(Bant()))


class TestClosing:
    """Closing forms decide today what is unknown, and say so."""

    def test_gates(self):
        """A gate may take unknown as yes or as no."""
        assert judged(Policy("p", require=[require(SIZE, unknown="yes")])).verdict is Verdict.QUALIFIED
        assert judged(Policy("p", require=[require(SIZE, unknown="no")])).verdict is Verdict.NOT_QUALIFIED
        assert judged(Policy("p", knock_out=[knock_out(SIZE, unknown="yes")])).verdict is Verdict.DISQUALIFIED
        found = judged(Policy("p", require=[require(SIZE, unknown="no")]))
        assert found.findings[0].note == "unknown is taken as no"
        assert not judged(Policy("p", require=[require(SIZE, unknown="no")]), company__employees=1).findings[0].note

    def test_points(self):
        """Unknown points may count as nothing, or as a fraction."""
        none = Policy("p", score=[points(5, when=SIZE, unknown="zero")])
        some = Policy("p", score=[points(5, when=SIZE, unknown=0.25)])
        assert (judged(none).low, judged(none).high) == (0, 0)
        assert (judged(some).low, judged(some).high) == (1_250, 1_250)
        band = Policy("p", score=[bands(fact("company.employees"), [50], [0, 8], unknown="0.5")])
        assert (judged(band).low, judged(band).high) == (4_000, 4_000)

    def test_bands_that_all_give_something(self):
        """An unknown taken as nothing gives what is nearest to nothing among the bands."""
        band = Policy("p", score=[bands(fact("company.employees"), [50], [2, 8], unknown="zero")])
        assert judged(band).score == 2.0

    def test_known_and_coalesce(self):
        """Asking whether something is known, and a default, decide too."""
        assert judged(Policy("p", require=[fact("source").is_known()])).verdict is Verdict.NOT_QUALIFIED
        assert judged(Policy("p", require=[coalesce(fact("company.employees"), 60) >= 50])).verdict is Verdict.QUALIFIED
        fewer = Policy("p", require=[coalesce(fact("company.employees"), 60) >= 50])
        assert judged(fewer, company__employees=3).verdict is Verdict.NOT_QUALIFIED

    def test_stability_is_told(self):
        """A policy knows whether it is stable, and `why` names what closes it."""
        assert Bant().is_stable
        assert not Policy("p", require=[coalesce(fact("company.employees"), 60) >= 50]).is_stable
        closed = Policy("p", require=[SIZE, fact("source").is_known()])
        assert not closed.is_stable
        assert judged(closed).why().splitlines()[-1] == (
            "closing: require[1].when: source is known decides today what is unknown"
        )

    def test_lenient(self):
        """The lenient form takes every open unknown as a no and is one closing form of the policy."""
        policy = Policy(
            "p",
            require=[SIZE, require(fact("source").equals("x"), unknown="yes")],
            knock_out=[EMBARGO],
            score=[
                cap(points(5, when=SIZE), high=4),
                bands(fact("company.employees"), [5], [0, 2]),
                points(5, when=SIZE, unknown="zero"),
            ],
        )
        found = judged(policy.lenient())
        assert found.verdict is Verdict.NOT_QUALIFIED
        assert (found.low, found.high) == (0, 0)
        assert policy.lenient().lenient() == policy.lenient()
        assert judged(policy).if_unknown_is_no is Verdict.NOT_QUALIFIED


class Rates:
    """One rate, of one day on."""

    def convert(self, money, to, on):
        if on < date(2026, 1, 1):
            raise MissingRateError(money.currency, to, on.isoformat())
        return Money(money.amount / 2, to)


class TestMoney:
    """An amount in another currency is unknown unless rates are given, and a finding says so."""

    POLICY = Policy("p", require=[fact("deal.amount") >= Money("1000", "EUR")])

    def test_without_rates(self):
        """Nothing is guessed; asking would not help either."""
        found = self.POLICY.assess(FactSheet({"deal.amount": Money("5000", "USD")}), at=AT)
        assert found.verdict is Verdict.UNDECIDED
        assert found.questions == ()
        assert found.missing() == ()
        assert found.findings[0].note == "5,000 USD cannot be compared with EUR without an exchange rate"

    @pytest.mark.parametrize(("amount", "verdict"), [("5000", Verdict.QUALIFIED), ("1000", Verdict.NOT_QUALIFIED)])
    def test_with_rates(self, amount, verdict):
        """The amount is converted at the rate of the day of the judgement, also in the words."""
        found = self.POLICY.assess(FactSheet({"deal.amount": Money(amount, "USD")}), at=AT, rates=Rates())
        assert found.verdict is verdict
        assert found.findings[0].note == ""

    def test_missing_rate(self):
        """A missing rate leaves it unknown."""
        then = datetime(2025, 3, 2, tzinfo=UTC)
        found = self.POLICY.assess(FactSheet({"deal.amount": Money("5000", "USD")}), at=then, rates=Rates())
        assert found.verdict is Verdict.UNDECIDED
        assert found.findings[0].note

    def test_same_currency(self):
        """In the rule's own currency there is nothing to say."""
        both = Policy("p", require=[~(fact("deal.amount") < Money("1000", "EUR")), SIZE | EMBARGO])
        found = both.assess(FactSheet({"deal.amount": Money("5000.00", "EUR")}), at=AT)
        assert [finding.note for finding in found.findings] == ["", ""]
        assert found.findings[0].holds


class TestTime:
    """Judging uses only what was recorded by then."""

    def record(self, **more):
        given = {"id": "L-1", "version": 3, "updated_at": AT, "source": "referral"} | more
        return type("Lead", (SimpleNamespace,), dict.fromkeys(given))(**given)

    POLICY = Policy("p", require=[fact("source").equals("referral")])

    def test_naive(self):
        """A naive time is refused."""
        with pytest.raises(InvalidError, match="at must be timezone-aware"):
            self.POLICY.assess(FactSheet({}), at=datetime(2026, 1, 1))  # noqa: DTZ001

    def test_look_ahead(self):
        """An earlier time than the last record is refused, pointing to as_of; the same instant is fine."""
        found = self.POLICY.assess(self.record(), at=AT)
        assert (found.verdict, found.subject_id, found.subject_version) == (Verdict.QUALIFIED, "L-1", 3)
        with pytest.raises(LookAheadError, match=r"lead 'L-1' .*as_of"):
            self.POLICY.assess(self.record(), at=AT - timedelta(seconds=1))
        with pytest.raises(LookAheadError, match="sheet of 'L-1'"):
            self.POLICY.assess(FactSheet({}, known_at=AT, subject_id="L-1"), at=AT - timedelta(seconds=1))

    @pytest.mark.parametrize("subject", [None, {"source": "referral"}, "L-1"])
    def test_wrong_subject(self, subject):
        """What is no record is refused, pointing to FactSheet."""
        with pytest.raises(InvalidTypeError, match="wrap a mapping of facts in FactSheet"):
            self.POLICY.assess(subject, at=AT)

    def test_age(self):
        """Ages are whole days until the judgement, rounded down; a date counts from the day of the judgement."""
        fresh = Policy("p", require=[age(fact("created_at")) <= 2, age(fact("deal.expected_close")) < 0])
        sheet = {"created_at": AT - timedelta(days=2, hours=23), "deal.expected_close": date(2026, 3, 3)}
        assert fresh.assess(FactSheet(sheet), at=AT).verdict is Verdict.QUALIFIED
        assert fresh.assess(FactSheet({}), at=AT).verdict is Verdict.UNDECIDED
        assert fresh.assess(FactSheet(sheet), at=AT + timedelta(hours=1)).verdict is Verdict.NOT_QUALIFIED

    def test_validity(self):
        """An assessment is valid as long as its policy says."""
        policy = Policy("p", require=[SIZE], valid_for=timedelta(days=30))
        assert judged(policy).valid_until == AT + timedelta(days=30)


class TestReplay:
    """An old assessment can be made again from the evidence that was kept."""

    def test_from_evidence(self):
        """The values kept are all that a judgement needs."""
        policy = IdealCustomerProfile(employees=(50, 500), seniority="director")
        found = policy.assess(FactSheet({"company.employees": 60, "person.seniority": "vp"}), at=AT)
        kept = found.evidence()
        again = policy.assess(FactSheet(kept.known), at=kept.at)
        assert kept.fingerprint == policy.fingerprint
        assert again == found


class TestGrades:
    """A grade is told once it is certain."""

    def test_scale(self):
        """Both ends of the range must fall in one band."""
        score = [points(5, when=SIZE), points(2, when=fact("source").equals("x"))]
        policy = Policy("p", score=score, grades=Scale(["cold", "warm", "hot"], cuts=[1, 5]))
        assert judged(policy).grade is None
        assert judged(policy, company__employees=60).grade == "hot"
        assert judged(policy, company__employees=1, source="x").grade == "warm"


class TestProfile:
    """The ideal customer profile is an ordinary policy."""

    def test_all_of_it(self):
        """Each argument adds the criterion one would write by hand."""
        icp = IdealCustomerProfile(
            "icp",
            version=2,
            require=[fact("person.is_contactable")],
            knock_out=[knock_out(fact("tags").includes("competitor"), "theirs")],
            points=[points(1, when=SIZE)],
            threshold=1,
            industries=["software"],
            employees=(50, None),
            revenue=(None, Money("1000000", "EUR")),
            countries=["DE"],
            technologies=["dbt", "snowflake"],
            job_titles=["operations"],
            seniority="director",
            excluded_industries=["gambling"],
            excluded_countries=["KP"],
        )
        assert [gate.text for gate in icp.require] == [
            "person.is_contactable is yes",
            "company.industry is in 'software'",
            "company.country is in 'DE'",
            "company.employees >= 50",
            "company.revenue <= 1,000,000 EUR",
            "company.technologies includes 'dbt' or company.technologies includes 'snowflake'",
            "person.job_title contains 'operations'",
            "person.seniority >= 'director'",
        ]
        assert [gate.text for gate in icp.knock_out] == [
            "tags includes 'competitor'",
            "company.industry is in 'gambling'",
            "company.country is in 'KP'",
        ]
        assert icp.version == 2

    def test_needs_something(self):
        """A profile of nothing is refused."""
        with pytest.raises(InvalidError, match="something to judge by"):
            IdealCustomerProfile()


LEVELS = ("budget", "authority", "need", "timeline")


def discovered(*levels):
    return {f"discovery__{name}__level": level for name, level in zip(LEVELS, levels, strict=True) if level}


class TestBant:
    """Levels, not booleans: asked and none decides, not asked leads to a question."""

    @pytest.mark.parametrize(
        ("levels", "verdict"),
        [
            (("willing", "aware", "stated", "stated"), Verdict.QUALIFIED),
            (("approved", "decides", "defined", "agreed"), Verdict.QUALIFIED),
            (("none", "aware", "stated", "stated"), Verdict.NOT_QUALIFIED),
            (("willing", "aware", "none", "stated"), Verdict.DISQUALIFIED),
            (("none", "none", "none", "none"), Verdict.DISQUALIFIED),
            (("willing", "aware", "stated", None), Verdict.UNDECIDED),
            (("none", "aware", None, "stated"), Verdict.NOT_QUALIFIED),
        ],
    )
    def test_gate(self, levels, verdict):
        """All four at their least level; no need is a knock-out."""
        assert judged(Bant(), **discovered(*levels)).verdict is verdict

    @pytest.mark.parametrize(
        ("levels", "verdict"),
        [
            (("none", "aware", "stated", "stated"), Verdict.QUALIFIED),
            ((None, "aware", "stated", "stated"), Verdict.QUALIFIED),
            (("none", "none", "stated", "stated"), Verdict.NOT_QUALIFIED),
            ((None, None, "stated", "stated"), Verdict.UNDECIDED),
        ],
    )
    def test_three_of_four(self, levels, verdict):
        """Three of four are enough, whichever."""
        assert judged(Bant(at_least=3), **discovered(*levels)).verdict is verdict

    @pytest.mark.parametrize(
        ("levels", "verdict", "score"),
        [
            (("willing", "aware", "stated", "stated"), Verdict.QUALIFIED, 16.0),
            (("none", "decides", "defined", "none"), Verdict.QUALIFIED, 20.0),
            (("none", "aware", "stated", "stated"), Verdict.NOT_QUALIFIED, 13.0),
            (("approved", "decides", "defined", None), Verdict.QUALIFIED, None),
            (("willing", "aware", "stated", None), Verdict.UNDECIDED, None),
        ],
    )
    def test_score(self, levels, verdict, score):
        """Points by level; by default those of the least levels together are needed."""
        found = judged(Bant(score=True), **discovered(*levels))
        assert (found.verdict, found.score) == (verdict, score)

    def test_threshold_given(self):
        """The points needed can be given."""
        assert judged(Bant(score=True, threshold=40), **discovered("willing", "aware", "stated", "stated")).verdict is (
            Verdict.NOT_QUALIFIED
        )

    def test_ladder(self):
        """Each rung demands more; the last one is an opportunity."""
        first, second, last = bant_ladder()
        prospect = discovered("willing", "aware", "stated", "stated")
        assert judged(first, **discovered(None, None, "stated", None)).verdict is Verdict.QUALIFIED
        assert judged(second, **prospect).verdict is Verdict.QUALIFIED
        assert judged(last, **prospect).verdict is Verdict.NOT_QUALIFIED
        assert judged(last, **discovered("identified", "aware", "defined", "agreed")).verdict is Verdict.QUALIFIED

    def test_without_need(self):
        """A framework whose levels leave need out has no knock-out."""
        assert Bant(levels={"budget": "identified"}).knock_out == ()
