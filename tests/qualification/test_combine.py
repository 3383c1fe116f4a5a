"""Policies over policies, a host's own class included."""

import pickle
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from leadflow.assessment import Assessment, Basis, Explanation, Finding, FindingKind, Verdict
from leadflow.errors import InvalidError, InvalidTypeError
from leadflow.money import Money
from leadflow.qualification import (
    Bant,
    FactSheet,
    Policy,
    Scale,
    all_of,
    any_of,
    committee,
    fact,
    first_of,
    knock_out,
    points,
    policy_from_dict,
    require,
)

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SIZE = Policy("size", require=[fact("company.employees") >= 50])
PLACE = Policy("place", require=[fact("company.country").equals("DE")], valid_for=timedelta(days=3))
EMPTY = FactSheet({})


class Committee:
    """A host's own policy: only the one method."""

    def __init__(self, verdict, name="committee"):
        self.verdict = verdict
        self.name = name

    def assess(self, subject, *, at):
        seen = Finding(path="vote", kind=FindingKind.REQUIREMENT, text="they voted", holds=None)
        return Assessment(verdict=self.verdict, at=at, basis=Basis(self.name), explainer=Explanation(findings=(seen,)))


class TestVerdicts:
    """All of: the worst. Any of: the best. First of: the first that is not undecided."""

    @pytest.mark.parametrize(("one", "other"), list(product(Verdict, repeat=2)))
    def test_order(self, one, other):
        """The order of policies matters to `first_of` only."""
        pair = [Committee(one), Committee(other)]
        ranked = sorted([one, other], key=lambda verdict: verdict.rank)
        assert all_of(pair).assess(EMPTY, at=AT).verdict is ranked[0]
        assert any_of(*pair).assess(EMPTY, at=AT).verdict is ranked[1]
        assert first_of(*pair).assess(EMPTY, at=AT).verdict is (other if one is Verdict.UNDECIDED else one)


class TestCommittees:
    """A committee comes to what its k-th best vote says: one is any of, all of them are all of."""

    @pytest.mark.parametrize("votes", list(product(Verdict, repeat=3)))
    def test_quorums(self, votes):
        """Whatever the votes and their order."""
        members = [Committee(vote) for vote in votes]
        ranked = sorted(votes, key=lambda vote: -vote.rank)
        found = [committee(quorum, *members).assess(EMPTY, at=AT).verdict for quorum in (1, 2, 3)]
        assert found == ranked
        assert found[0] is any_of(members).assess(EMPTY, at=AT).verdict
        assert found[2] is all_of(members).assess(EMPTY, at=AT).verdict

    def test_is_a_policy_like_others(self):
        """It is stable where its members are, explains itself, and survives as a dict."""
        board = committee(2, SIZE, PLACE, Bant(), id="board", version=3)
        assert board.is_stable
        assert policy_from_dict(board.to_dict()) == board
        assert board.fingerprint != committee(1, SIZE, PLACE, Bant(), id="board", version=3).fingerprint
        assert board.lenient().quorum == 2
        found = board.assess(FactSheet({"company.employees": 60}), at=AT)
        assert found.verdict is Verdict.UNDECIDED
        assert found.if_unknown_is_no is Verdict.NOT_QUALIFIED
        assert pickle.loads(pickle.dumps(board)) == board

    @pytest.mark.parametrize("quorum", [0, 3, -1, None, "2", True, 1.5])
    def test_impossible_quorums(self, quorum):
        """A quorum is a whole number from one to all."""
        with pytest.raises(InvalidError, match="quorum"):
            committee(quorum, SIZE, PLACE)

    def test_quorum_of_others(self):
        """The other ways have none."""
        with pytest.raises(InvalidError, match="quorum must be left out"):
            policy_from_dict(all_of(SIZE).to_dict() | {"quorum": 1})


class TestFindings:
    """Findings and questions of all parts are kept."""

    def test_prefixed(self):
        """Findings carry their policy's id; what a host's class found stands beside ours."""
        found = all_of(SIZE, Committee(Verdict.QUALIFIED), id="both", version=2).assess(EMPTY, at=AT)
        assert [finding.path for finding in found.findings] == ["size.require[0]", "committee.vote"]
        assert found.why().splitlines()[0] == "undecided by both version 2"
        assert found.missing() == ("company.employees",)
        assert (found.passed, found.unknown) == (0b10, 0b01)

    def test_questions(self):
        """Questions of undecided parts are merged, weights added."""
        found = all_of(SIZE, PLACE, SIZE).assess(EMPTY, at=AT)
        assert [(question.fact, question.gates) for question in found.questions] == [
            ("company.employees", 2.0),
            ("company.country", 1.0),
        ]
        assert all_of(SIZE, PLACE).assess(FactSheet({"company.employees": 1}), at=AT).questions == ()

    def test_if_unknown_is_no(self):
        """It is told where every part tells it."""
        assert any_of(SIZE, PLACE).assess(EMPTY, at=AT).if_unknown_is_no is Verdict.NOT_QUALIFIED
        assert any_of(SIZE, Committee(Verdict.QUALIFIED)).assess(EMPTY, at=AT).if_unknown_is_no is None

    def test_subject_and_evidence(self):
        """Evidence holds what all parts read, and is valid as long as the shortest."""
        sheet = FactSheet({"company.employees": 60, "company.country": "DE"}, subject_id="L-1", subject_version=2)
        kept = all_of(Committee(Verdict.QUALIFIED), SIZE, PLACE).assess(sheet, at=AT).evidence()
        assert (kept.subject_id, kept.subject_version) == ("L-1", 2)
        assert dict(kept.facts) == {"company.employees": 60, "company.country": "DE"}
        assert kept.valid_until == AT + timedelta(days=3)

    def test_rates(self):
        """Exchange rates reach our own policies, and only those."""

        class Rates:
            def convert(self, money, to, on):
                return Money(money.amount, to)

        rich = Policy("rich", require=[fact("deal.amount") >= Money("5", "EUR")])
        both = all_of(rich, all_of(rich, id="inner"), Committee(Verdict.QUALIFIED))
        sheet = FactSheet({"deal.amount": Money("9", "USD")})
        assert both.assess(sheet, at=AT).verdict is Verdict.UNDECIDED
        assert both.assess(sheet, at=AT, rates=Rates()).verdict is Verdict.QUALIFIED


class TestClosing:
    """Whether a combination decides today what is unknown."""

    def test_stability(self):
        """`first_of` closes; the others are as stable as their parts, and a host's class does not say."""
        closed = Policy("closed", require=[require(fact("source").equals("x"), unknown="no")])
        assert all_of(SIZE, PLACE).is_stable
        assert not first_of(SIZE, PLACE).is_stable
        assert not any_of(SIZE, closed).is_stable
        assert not any_of(SIZE, Committee(Verdict.QUALIFIED)).is_stable
        words = first_of(closed, SIZE).assess(EMPTY, at=AT).why().splitlines()[-2:]
        assert words[0].startswith("closed: closing: require[0]")
        assert words[1] == "closing: first_of: a policy that is undecided is passed over today"

    def test_lenient(self):
        """The lenient form is made of the lenient forms of ours."""
        host = Committee(Verdict.UNDECIDED)
        assert all_of(SIZE, host).lenient().policies == (SIZE.lenient(), host)

    def test_grade_of_the_first(self):
        """`first_of` has the grade of the policy that spoke."""
        graded = Policy(
            "graded", score=[points(5, when=fact("source").equals("x"))], threshold=5, grades=Scale(["b", "a"], [5])
        )
        assert first_of(SIZE, graded).assess(FactSheet({"source": "x"}), at=AT).grade == "a"
        assert all_of(graded).assess(FactSheet({"source": "x"}), at=AT).grade is None


class TestWrittenDown:
    """A combination of ours can be stored; one with a host's class says why not."""

    def test_round_trip(self):
        """Nested combinations survive."""
        both = any_of(all_of(SIZE, PLACE, id="both", version=3), Bant(), id="any")
        again = policy_from_dict(both.to_dict())
        assert again == both
        assert again.fingerprint == both.fingerprint
        assert both.assess(EMPTY, at=AT).fingerprint == both.fingerprint
        assert pickle.loads(pickle.dumps(both)) == both

    def test_host_class(self):
        """A host's own class has no dict form."""
        mixed = all_of(SIZE, Committee(Verdict.QUALIFIED))
        assert mixed.fingerprint == ""
        with pytest.raises(InvalidTypeError, match=r"policies\[1\] is a Committee, a class of your own"):
            mixed.to_dict()

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"policies": 5}, "policies must be a list"),
            ({"policies": []}, "must hold at least one policy"),
            ({"policies": [{"schema": 1}]}, "policies[0].id is missing"),
            ({"policies": [5]}, "policies[0] must be a dict"),
            ({"how": "some_of"}, "how is unknown: 'some_of'"),
            ({"thresold": 5}, "thresold is no part of a combination"),
            ({"id": None}, "id must be"),
        ],
    )
    def test_untrusted(self, changes, words):
        """A wrong dict is refused with the path."""
        with pytest.raises(InvalidError) as caught:
            policy_from_dict(all_of(SIZE).to_dict() | changes)
        assert words in str(caught.value)

    def test_depth(self):
        """Combinations may not be nested without end."""
        deep = all_of(SIZE).to_dict()
        for _ in range(60):
            deep = deep | {"policies": [deep]}
        with pytest.raises(InvalidError, match="nested more than"):
            policy_from_dict(deep)


class TestRefusals:
    """What is no policy is refused."""

    def test_no_policy(self):
        """It must have the one method."""
        with pytest.raises(InvalidTypeError, match=r"policies\[0\] must have assess"):
            all_of(knock_out(fact("source").equals("x")))
        with pytest.raises(InvalidError, match="at least one policy"):
            all_of()

    def test_naive(self):
        """A naive time is refused before anybody is asked."""
        with pytest.raises(InvalidError, match="timezone-aware"):
            all_of(Committee(Verdict.QUALIFIED)).assess(EMPTY, at=datetime(2026, 1, 1))  # noqa: DTZ001
