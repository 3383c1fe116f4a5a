"""An assessment reads the same in both of its forms, and survives storage."""

import pickle
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from leadflow.assessment import (
    Assessment,
    Basis,
    Evidence,
    Explanation,
    Finding,
    FindingKind,
    Question,
    Verdict,
    points_text,
    shown,
)
from leadflow.errors import InvalidError, InvalidTypeError
from leadflow.redaction import redacted

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
WORDS = Explanation(
    findings=(
        Finding(
            path="requirements[0]",
            kind=FindingKind.REQUIREMENT,
            text="company.employees >= 50",
            holds=True,
            facts=("company.employees",),
            reason="too small to need us",
        ),
        Finding(
            path="knock_outs[0]",
            kind=FindingKind.KNOCK_OUT,
            text="person.job_title contains 'intern'",
            holds=False,
            facts=("person.job_title",),
        ),
        Finding(
            path="score[0]",
            kind=FindingKind.POINTS,
            text="source is 'referral'",
            holds=None,
            low=0,
            high=2_500,
            facts=("source",),
            note="weighs little",
        ),
    ),
    questions=(Question("source", "how did they hear of us?", swing=2_500),),
    if_unknown_is_no=Verdict.NOT_QUALIFIED,
    threshold=1_000,
    closing=("closing: nothing",),
)
BASIS = Basis(
    "icp",
    2,
    "f00",
    ("company.employees", "person.job_title", "source"),
    frozenset({"person.job_title"}),
    timedelta(days=30),
)


class CountingExplainer:
    """An explainer that remembers how often it was asked."""

    def __init__(self):
        self.asked = 0

    def explain(self, assessment):
        self.asked += 1
        return WORDS


def assessment(**changes):
    given = {
        "verdict": Verdict.UNDECIDED,
        "low": 0,
        "high": 2_500,
        "at": AT,
        "basis": BASIS,
        "subject_id": "L-1",
        "subject_version": 3,
        "values": (420, "CTO", None),
        "passed": 1,
        "unknown": 4,
        "explainer": WORDS,
    }
    return Assessment(**(given | changes))


class TestVerdict:
    def test_order(self):
        """Verdicts run from disqualified to qualified."""
        assert sorted(Verdict, key=lambda verdict: verdict.rank) == [
            Verdict.DISQUALIFIED,
            Verdict.NOT_QUALIFIED,
            Verdict.UNDECIDED,
            Verdict.QUALIFIED,
        ]


class TestFinding:
    @pytest.mark.parametrize(
        ("kind", "holds", "low", "speaks"),
        [
            (FindingKind.KNOCK_OUT, True, 0, False),
            (FindingKind.KNOCK_OUT, False, 0, True),
            (FindingKind.REQUIREMENT, True, 0, True),
            (FindingKind.REQUIREMENT, False, 0, False),
            (FindingKind.POINTS, True, 5, True),
            (FindingKind.POINTS, True, -5, False),
            (FindingKind.POINTS, True, 0, True),
            (FindingKind.POINTS, False, 0, False),
            (FindingKind.POINTS, None, 0, None),
        ],
    )
    def test_what_it_speaks_for(self, kind, holds, low, speaks):
        """A knock-out that holds, a requirement that fails and a loss of points speak against."""
        assert Finding(path="x", kind=kind, text="x", holds=holds, low=low, high=low).speaks_for is speaks

    @pytest.mark.parametrize(("holds", "low", "speaks"), [(True, -5, False), (False, 0, True), (None, -5, None)])
    def test_a_penalty_that_does_not_apply_speaks_for(self, holds, low, speaks):
        """What can only take points away is an obstacle only where it does."""
        penalty = Finding(path="x", kind=FindingKind.POINTS, text="x", holds=holds, low=low, is_penalty=True)
        assert penalty.speaks_for is speaks


class TestAssessment:
    def test_pattern_matching(self):
        """A host can match on the verdict and take the first question."""
        match assessment():
            case Assessment(verdict=Verdict.UNDECIDED, questions=[first, *_]):
                assert str(first) == "how did they hear of us?"
            case _:
                pytest.fail("did not match")

    def test_explained_once_and_only_when_asked(self):
        """Nothing is explained until somebody asks, and then once."""
        explainer = CountingExplainer()
        found = assessment(explainer=explainer)
        assert explainer.asked == 0
        assert found.questions == WORDS.questions
        assert found.findings == WORDS.findings
        assert explainer.asked == 1

    def test_pickling_writes_the_words_out(self):
        """A pickled assessment needs no explainer any more, and equals the original."""
        found = assessment(explainer=CountingExplainer())
        again = pickle.loads(pickle.dumps(found))
        assert again == found
        assert hash(again) == hash(found)
        assert again.explainer == WORDS
        assert again.why() == found.why()

    def test_why(self):
        """Every finding is said, with its values, points, reason and note."""
        assert assessment().why().splitlines() == [
            "undecided by icp version 2, score 0 to 2.5 of 1 needed",
            "[+] requirement: company.employees >= 50; company.employees 420; too small to need us",
            "[+] not knocked out by: person.job_title contains 'intern'; person.job_title 'CTO'",
            "[?] points: source is 'referral'; gives 0 to 2.5; source unknown; weighs little",
            "closing: nothing",
        ]
        assert str(assessment()) == assessment().why()

    def test_why_not(self):
        """Only what stands in the way is said, then what to ask."""
        assert assessment().why_not().splitlines() == [
            "undecided by icp version 2, score 0 to 2.5 of 1 needed",
            "[?] points: source is 'referral'; gives 0 to 2.5; source unknown; weighs little",
            "ask: how did they hear of us?",
        ]
        yes = assessment(verdict=Verdict.QUALIFIED, low=0, high=0, explainer=Explanation())
        assert yes.why_not() == "qualified by icp version 2; nothing stands in the way"

    def test_expiry(self):
        """An assessment expires when its evidence does."""
        kept = assessment(basis=evolve(assessment().basis, valid_for=timedelta(days=3)))
        for found in (kept, kept.evidence()):
            assert not found.has_expired(AT + timedelta(days=2))
            assert found.has_expired(AT + timedelta(days=3))
        lasting = assessment(basis=evolve(assessment().basis, valid_for=None))
        assert not lasting.has_expired(AT + timedelta(days=999))

    def test_score_and_grade(self):
        """A score is told once nothing unknown can change it; a grade is part of the headline."""
        assert assessment().score is None
        sure = assessment(low=2_500, explainer=Explanation(grade="A"))
        assert sure.score == 2.5
        assert sure.grade == "A"
        assert sure.why() == "undecided by icp version 2, score 2.5, grade A"
        assert sure.if_unknown_is_no is None

    def test_missing(self):
        """Unknown facts are listed by name."""
        assert assessment().missing() == ("source",)

    def test_validity(self):
        """An assessment is valid as long as its policy says."""
        assert assessment().valid_until == AT + timedelta(days=30)
        assert assessment(basis=Basis("x"), values=()).valid_until is None

    def test_html_is_escaped(self):
        """Text from records cannot become markup."""
        html = assessment(values=(420, "<script>", None))._repr_html_()
        assert "<script>" not in html
        assert "&lt;script&gt;" in html
        assert "ask: how did they hear of us?" in html

    def test_rows(self):
        """One row per finding, in points."""
        row = assessment().to_rows()[2]
        assert row["high"] == 2.5
        assert row["values"] == "source unknown"
        assert row["reason"] is None


class TestExplanation:
    def test_is_checked(self):
        """An explanation of anything but findings and questions is refused."""
        with pytest.raises(InvalidTypeError) as caught:
            Explanation(findings=("x",), questions=[5])
        assert [problem.path for problem in caught.value.problems] == ["findings[0]", "questions"]


class TestEvidence:
    def test_says_the_same(self):
        """Evidence reads as the assessment it was made from."""
        found = assessment()
        kept = found.evidence()
        assert kept.why() == found.why()
        assert kept.missing() == found.missing()
        assert kept.subject_version == 3
        assert kept.to_rows() == found.to_rows()
        assert pickle.loads(pickle.dumps(kept)) == kept

    def test_redaction(self):
        """Redaction empties what may identify a person and keeps the rest."""
        blank = redacted(assessment().evidence())
        assert blank.known["company.employees"] == 420
        assert "CTO" not in blank.why()
        assert "CTO" not in repr(blank)

    def test_a_fact_that_is_not_held(self):
        """A fact that was known and has been taken out is told apart from one that was unknown."""
        found = evolve(assessment().evidence(), personal_facts={})
        assert "person.job_title not held" in found.why()
        assert "source unknown" in found.why()

    def test_expiry(self):
        """Evidence expires at the end of its validity, to the instant."""
        kept = assessment().evidence()
        assert not kept.has_expired(AT)
        assert kept.has_expired(AT + timedelta(days=30))
        assert not Evidence(policy_id="x", at=AT, verdict=Verdict.QUALIFIED).has_expired(AT)

    def test_all_problems_at_once(self):
        """Bad evidence is refused with everything that is wrong."""
        with pytest.raises(InvalidTypeError) as caught:
            Evidence(policy_id=" x", at=datetime(2026, 1, 1), verdict="qualified", facts={"a": 1}, missing_facts=("",))  # noqa: DTZ001
        assert [problem.path for problem in caught.value.problems] == [
            "policy_id",
            "at",
            "verdict",
            "missing_facts[0]",
        ]

    def test_basis_is_checked(self):
        """A basis needs a policy id and a version from 1."""
        with pytest.raises(InvalidError, match="policy_version must be at least 1"):
            Basis("x", 0)


class TestWords:
    def test_points(self):
        """Points are shown exactly."""
        assert [points_text(number) for number in (0, 1, 1_000, -12_340)] == ["0", "0.001", "1", "-12.34"]

    def test_values(self):
        """Values are shown as people read them."""
        assert [shown(value) for value in (True, False, "a", frozenset({"b", "a"}), ("x",), 3)] == [
            "yes",
            "no",
            "'a'",
            "{a, b}",
            "{x}",
            "3",
        ]
