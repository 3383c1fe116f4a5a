"""Many subjects at once, differences between assessments, and questionnaires."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from leadflow.assessment import Assessment, Basis, Explanation, Verdict
from leadflow.engagement import Engagement
from leadflow.errors import InvalidError
from leadflow.money import Money
from leadflow.qualification import (
    Bant,
    FactSheet,
    Policy,
    Questionnaire,
    compare,
    diff,
    engagements,
    fact,
    knock_out,
    points,
    screen,
)

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SIZE = fact("company.employees") >= 50
SHEETS = [
    FactSheet({"company.employees": 5, "source": "web"}),
    FactSheet({"company.employees": 60, "source": "list"}),
    FactSheet({"company.employees": 70}),
    FactSheet({}),
]
POLICY = Policy(
    "p", require=[SIZE], knock_out=[fact("source").equals("list")], score=[points(1, when=fact("owner").equals("ada"))]
)


class TestScreen:
    """How many per verdict, what they fail on, which questions come most."""

    def test_counts(self):
        """Every subject is counted once per criterion it fails on."""
        found = screen(POLICY, iter(SHEETS), at=AT)
        assert found.total == 4
        assert list(found.verdicts.items()) == [
            (Verdict.QUALIFIED, 0),
            (Verdict.UNDECIDED, 2),
            (Verdict.NOT_QUALIFIED, 1),
            (Verdict.DISQUALIFIED, 1),
        ]
        assert found.fails_on == (("company.employees >= 50", 1), ("source is 'list'", 1))
        assert found.questions == (("how did they hear of us?", 2), ("how many people work there?", 1))
        assert found.open_on[0] == ("1 if owner is 'ada'", 4)
        assert found.if_unknown_is_no[Verdict.QUALIFIED] == 1

    def test_shown(self):
        """It reads as text, rows and HTML."""
        found = screen(POLICY, SHEETS, at=AT)
        assert str(found).splitlines()[0] == "4 judged: 0 qualified, 2 undecided, 1 not_qualified, 1 disqualified"
        assert {"of": "ask", "name": "how did they hear of us?", "subjects": 2} in found.to_rows()
        assert "&#x27;list&#x27;" in found._repr_html_()

    def test_host_policy(self):
        """A host's own policy can be screened; what it does not say is not counted."""

        class Host:
            def assess(self, subject, *, at):
                return Assessment(verdict=Verdict.QUALIFIED, basis=Basis("h"), at=at, explainer=Explanation())

        found = screen(Host(), SHEETS, at=AT)
        assert found.verdicts[Verdict.QUALIFIED] == 4
        assert sum(found.if_unknown_is_no.values()) == 0

    def test_nobody(self):
        """Nobody at all is a result too."""
        assert screen(POLICY, [], at=AT).total == 0


class TestCompare:
    """Who changes, and which criterion did it."""

    NEW = POLICY.replace(require=[fact("company.employees") >= 65])

    def test_who_and_why(self):
        """Only those whose verdict changes are listed, with the criterion."""
        old, new = Policy("p", require=[SIZE]), Policy("p", require=[fact("company.employees") >= 65])
        found = compare(old, new, SHEETS, at=AT)
        assert found.moves == ((Verdict.QUALIFIED, Verdict.NOT_QUALIFIED, 1),)
        assert [item.subject for item in found.changed] == [SHEETS[1]]
        assert found.because[0] == ("requirement: company.employees >= 50: yes -> not asked", 1)
        assert str(found).splitlines()[:2] == ["1 of 4 change", "1 qualified -> not_qualified"]
        assert found.to_rows() == [{"before": "qualified", "after": "not_qualified", "subjects": 1}]
        assert "1 of 4 change" in found._repr_html_()

    def test_same(self):
        """A policy compared with itself changes nobody."""
        assert compare(POLICY, POLICY, SHEETS, at=AT).changed == ()


class TestDiff:
    """What is different between two assessments of one subject."""

    def test_facts_and_criteria(self):
        """What became known, and what that did; also between an assessment and stored evidence."""
        policy = Policy("p", require=[SIZE], score=[points(2, when=fact("source").equals("web"))])
        before = policy.assess(FactSheet({"company.employees": 60}), at=AT)
        after = policy.assess(FactSheet({"company.employees": 60, "source": "web"}), at=AT)
        found = diff(before.evidence(), after)
        assert (found.before, found.after, found.low, found.high) == (Verdict.QUALIFIED, Verdict.QUALIFIED, 2_000, 0)
        assert found.facts == {"source": (None, "web")}
        assert found.criteria == ("points: 2 if source is 'web': unknown -> yes, 2 points",)
        assert str(found).splitlines() == [
            "qualified -> qualified; score moved by 2 to 0",
            "source: None -> web",
            "points: 2 if source is 'web': unknown -> yes, 2 points",
        ]
        assert str(diff(after, after)) == "qualified -> qualified"


class TestQuestionnaire:
    """The next question is the one that would decide most; it stops when decided."""

    def asking(self, policy=None, **known):
        return Questionnaire(policy=policy or Bant(), at=AT, known=FactSheet(known))

    def test_until_decided(self):
        """Asked and answered until the verdict is certain."""
        asking, asked = self.asking(), []
        answers = {"need": "stated", "authority": "aware", "budget": "willing", "timeline": "stated"}
        while asking.next is not None:
            asked.append(asking.next.fact)
            asking = asking.answer(asking.next.fact, answers[asking.next.fact.split(".")[1]])
        assert asked[0] == "discovery.need.level"
        assert len(asked) == 4
        assert asking.assessment.verdict is Verdict.QUALIFIED

    def test_they_do_not_know(self):
        """What they do not know is not asked again; the verdict stays open."""
        asking = self.asking(Policy("p", require=[SIZE]))
        left = asking.answer("company.employees", None)
        assert left.next is None
        assert left.assessment.verdict is Verdict.UNDECIDED
        assert left.answer("company.employees", "60").assessment.verdict is Verdict.QUALIFIED
        assert asking.next is not None

    @pytest.mark.parametrize(
        ("rule", "given", "value"),
        [
            (SIZE, " 420 ", 420),
            (SIZE, "2.5", Decimal("2.5")),
            (fact("person.is_contactable").equals(constant=True), "Yes", True),
            (fact("person.is_contactable").equals(constant=True), "n", False),
            (fact("deal.expected_close") >= date(2026, 1, 1), "2026-06-30", date(2026, 6, 30)),
            (fact("created_at") >= AT, "2026-03-02T09:00+00:00", AT),
            (fact("custom.trial", timedelta) >= timedelta(1), "1.5", timedelta(days=1.5)),
            (fact("deal.amount") >= Money("5", "EUR"), "48000.50 eur", Money("48000.50", "EUR")),
            (fact("tags").includes("x"), "x, y", frozenset({"x", "y"})),
            (fact("source").equals("x"), "web", "web"),
            (SIZE, 7, 7),
        ],
    )
    def test_answers_are_read_by_kind(self, rule, given, value):
        """Text is read as the fact's kind; a value is taken as it is."""
        asking = self.asking(Policy("p", require=[rule]))
        assert asking.answer(rule.operand.name, given).known.values[rule.operand.name] == value

    @pytest.mark.parametrize(
        ("rule", "given"),
        [
            (SIZE, "many"),
            (SIZE, "NaN"),
            (fact("person.is_contactable").equals(constant=True), "perhaps"),
            (fact("deal.expected_close") >= date(2026, 1, 1), "soon"),
            (fact("created_at") >= AT, "2026-03-02"),
            (fact("custom.trial", timedelta) >= timedelta(1), "1e99"),
            (fact("deal.amount") >= Money("5", "EUR"), "5"),
            (fact("discovery.need.level") >= "stated", "huge"),
        ],
    )
    def test_answers_are_checked(self, rule, given):
        """What cannot be read as the fact's kind is refused, and nothing is kept."""
        with pytest.raises(InvalidError, match=rule.operand.name):
            self.asking(Policy("p", require=[rule])).answer(rule.operand.name, given)

    def test_options(self):
        """Yes or no, or the levels; nothing to choose from otherwise."""
        rule = Policy("p", require=[SIZE, fact("person.is_contactable")])
        assert self.asking().options("discovery.need.level") == ("none", "stated", "defined")
        assert self.asking(rule).options("person.is_contactable") == ("yes", "no")
        assert self.asking(rule).options("company.employees") == ()

    def test_keeps_the_rest(self):
        """What the sheet knows besides its values is kept."""
        sheet = FactSheet({}, engagements=[Engagement("form", at=AT)], subject_id="L-1", subject_version=2, known_at=AT)
        policy = Policy(
            "p", require=[SIZE, engagements().count() >= 1], knock_out=[knock_out(fact("tags").includes("x"))]
        )
        asking = Questionnaire(policy=policy, at=AT, known=sheet).answer("company.employees", 60)
        assert (asking.known.engagements, asking.known.subject_id) == (sheet.engagements, "L-1")

    def test_refusals(self):
        """A fact that the policy does not read, and what is no policy, are refused."""
        with pytest.raises(InvalidError, match="is not asked for"):
            self.asking().answer("source", "x")
        with pytest.raises(InvalidError, match="policy must be a Policy"):
            Questionnaire(policy="x", at=AT)
