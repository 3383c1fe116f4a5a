"""Scorecards: the order of limits and decay, groups, grids, and recency, frequency and value."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from math import exp, floor, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.engagement import Engagement
from leadflow.errors import InvalidError
from leadflow.money import Money
from leadflow.qualification import (
    FactSheet,
    FindingKind,
    Policy,
    Scorecard,
    Verdict,
    engagement_points,
    fact,
    fit_grid,
    knock_out,
    points,
    rfm_points,
    temperature,
)
from leadflow.qualification.engaged import Engaged, EngagementPoints, decayed
from leadflow.qualification.kinds import Kind

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def sheet(*days, kind="webinar", **facts):
    happened = [Engagement(kind, at=AT - timedelta(days=day)) for day in days]
    return FactSheet({name.replace("__", "."): value for name, value in facts.items()}, engagements=happened)


def milli_points(score, subject):
    found = Policy("p", score=[score]).assess(subject, at=AT)
    return found.low if found.low == found.high else (found.low, found.high)


class TestEngagementPoints:
    """Window, per-day cap, count cap, decay, kind cap: in this order."""

    @pytest.mark.parametrize(
        ("limits", "days", "expected"),
        [
            ({}, (), 0),
            ({}, (0, 1, 2), 30_000),
            ({"once": True}, (0, 1, 2), 10_000),
            ({"at_least": 3}, (0, 1, 2), 10_000),
            ({"at_least": 3}, (0, 1), 0),
            ({"within": 2 * DAY}, (0, 1, 2, 3), 30_000),
            ({"per_day": 1}, (0, 0.1, 0.2, 1), 20_000),
            ({"per_day": 2}, (0, 0.1, 0.2, 1), 30_000),
            ({"at_most": 2}, (0, 1, 2), 20_000),
            ({"half_life": 30 * DAY}, (0, 30, 60), 17_500),
            ({"half_life": 30 * DAY, "at_most": 1}, (30, 60), 5_000),
            ({"half_life": 30 * DAY, "once": True}, (30, 60), 5_000),
            ({"half_life": 30 * DAY, "cap": 12}, (0, 30, 60), 12_000),
            ({"cap": 12.5}, (0, 1, 2), 12_500),
            ({"per_day": 1, "at_most": 2}, (0, 0.1, 0.2, 1, 2), 20_000),
            ({"per_day": 1, "at_least": 2}, (0, 0.1), 0),
        ],
    )
    def test_limits(self, limits, days, expected):
        """Each limit does what it says; the latest count first."""
        assert milli_points(engagement_points("webinar", points=10, **limits), sheet(*days)) == expected

    def test_days_are_those_of_utc(self):
        """Two engagements of one day in their own time zone may be of two days in UTC."""
        late = [Engagement("form", at=datetime(2026, 3, 1, hour, 30, tzinfo=UTC)) for hour in (0, 23)]
        score = engagement_points("form", points=1, per_day=1)
        assert milli_points(score, FactSheet({}, engagements=late)) == 1_000

    def test_kinds(self):
        """Only the kinds named count; none named, all do."""
        assert milli_points(engagement_points("form", points=10), sheet(0)) == 0
        assert milli_points(engagement_points(["form", "webinar"], points=10), sheet(0)) == 10_000
        assert milli_points(engagement_points(points=-10), sheet(0, 1)) == -20_000

    def test_negative_points(self):
        """A cap limits negative points from below."""
        assert milli_points(engagement_points(points=-10, cap=15), sheet(0, 1)) == -15_000

    @pytest.mark.parametrize(
        ("limits", "expected"),
        [
            ({}, (0, 1_000_000_000)),
            ({"once": True}, (0, 10_000)),
            ({"at_most": 3}, (0, 30_000)),
            ({"at_most": 3, "cap": 15}, (0, 15_000)),
            ({"unknown": "zero"}, 0),
        ],
    )
    def test_not_tracked(self, limits, expected):
        """Where engagements are not tracked, anything within reach is possible; unless it is closed."""
        assert milli_points(engagement_points("webinar", points=10, **limits), FactSheet({})) == expected

    def test_question_and_lenient(self):
        """Not tracked leads to a question; the lenient form takes it as nothing."""
        policy = Policy("p", score=[engagement_points("webinar", points=10, once=True)], threshold=5)
        found = policy.assess(FactSheet({}), at=AT)
        assert [(question.text, question.swing) for question in found.questions] == [
            ("what are the engagements?", 10_000)
        ]
        assert found.if_unknown_is_no is Verdict.NOT_QUALIFIED
        assert policy.is_stable
        assert not policy.lenient().is_stable

    def test_carried_by_a_sheet(self):
        """A host that counts by itself hands over the figure, as does stored evidence."""
        policy = Policy("p", score=[engagement_points("webinar", points=10)])
        kept = policy.assess(sheet(0, 1), at=AT).evidence()
        again = policy.assess(FactSheet(kept.known), at=AT)
        assert (again.low, again.high) == (20_000, 20_000)
        assert again.findings[0].text == "10 each for webinar"

    @given(
        st.lists(st.integers(0, 40 * 24), max_size=12),
        st.integers(1, 50),
        st.fixed_dictionaries(
            {},
            optional={
                "within": st.integers(1, 30).map(lambda days: days * DAY),
                "per_day": st.integers(1, 3),
                "at_most": st.integers(1, 5),
                "half_life": st.integers(1, 90).map(lambda days: days * DAY),
                "cap": st.integers(1, 200),
            },
        ),
    )
    def test_order_of_limits(self, hours, each, limits):
        """Whatever the limits: window, per-day cap, count cap, decay of each, sum, kind cap."""
        ages = sorted(timedelta(hours=hour) for hour in hours)  # the latest first
        ages = [age for age in ages if age <= limits.get("within", age)]
        days = Counter[object]()
        kept = []
        for age in ages:
            day = (AT - age).date()
            days[day] += 1
            if days[day] <= limits.get("per_day", days[day]):
                kept.append(age)
        kept = kept[: limits.get("at_most")]
        half = limits.get("half_life")
        worth = [
            1000 * each if half is None else floor(1000 * each * exp(-log(2) / (half / DAY) * (age / DAY)) + 0.5)
            for age in kept
        ]
        expected = min(sum(worth), 1000 * limits.get("cap", sum(worth)))
        subject = sheet(*(hour / 24 for hour in hours))
        assert milli_points(engagement_points("webinar", points=each, **limits), subject) == expected

    @given(
        st.integers(-10_000, 10_000),
        st.timedeltas(timedelta(0), timedelta(days=3_000)),
        st.timedeltas(timedelta(hours=1), timedelta(days=999)),
    )
    def test_decay(self, given_points, age, half_life):
        """The formula of the specification, and never more than without decay."""
        days, half = age / DAY, half_life / DAY
        found = decayed(given_points, age, half_life)
        assert found == floor(given_points * exp(-log(2) / half * days) + 0.5)
        assert abs(found) <= abs(given_points)

    def test_refusals(self):
        """What makes no sense is refused, all at once."""
        with pytest.raises(InvalidError) as caught:
            engagement_points("demo", points="x", once=1, at_least=0, per_day=0, half_life=5, within=-DAY, cap="x")
        for name in ("kinds[0]", "points", "once", "least", "per_day", "half_life", "within", "cap"):
            assert any(problem.path == name for problem in caught.value.problems)
        for wrong in ({"points": 0}, {"points": 5, "cap": -1}, {"points": 5, "at_least": 3, "at_most": 2}):
            with pytest.raises(InvalidError, match="must"):
                engagement_points("form", **wrong)
        with pytest.raises(InvalidError, match="unknown is unknown"):
            engagement_points("form", points=5, unknown="half")
        with pytest.raises(InvalidError, match="figure must be"):
            Engaged(5)

    def test_names(self):
        """Equal figures have equal names."""
        figure = EngagementPoints(
            kinds=["form", "call"],
            points=5,
            once=True,
            least=2,
            per_day=1,
            at_most=3,
            within=DAY,
            half_life=DAY * 30,
            cap=9,
        )
        assert figure.name == (
            "engagements(kind=call|form, once=True, at_least=2, per_day=1, at_most=3, within=1d, half_life=30d, cap=9)"
            ".milli_points(5)"
        )
        assert Engaged(figure).text == "5 if at least 2 for call, form"
        assert engagement_points(points=5, once=True).text == "5 once for any engagement"


CARD = Scorecard(
    groups={
        "fit": [points(30, when=fact("company.employees") >= 50), points(-20, when=fact("source").equals("list"))],
        "engagement": [engagement_points("webinar", points=10), engagement_points("demo_request", points=40)],
    },
    limits={"fit": (0, None), "engagement": (None, 40)},
    total=(None, 65),
    knock_out=[knock_out(fact("tags").includes("competitor"), "theirs")],
    threshold=50,
    grades=fit_grid(fit=[10, 30], engagement=[20, 40]),
)


class TestScorecard:
    """Groups keep their limits, then the whole keeps its own."""

    def test_limits_are_cut_in_order_and_told(self):
        """40 of 50 for engagement, then 65 of 70 in all."""
        found = CARD.assess(sheet(0, 1, 2, 3, 4, company__employees=60, source="web", tags=()), at=AT)
        assert (found.score, found.verdict, found.grade) == (65.0, Verdict.QUALIFIED, "A1")
        limits = [finding for finding in found.findings if finding.kind is FindingKind.LIMIT]
        assert [(finding.text, finding.note) for finding in limits] == [
            ("the sum of 2: at most 65", "cut from 70"),
            ("engagement: at most 40", "cut from 50"),
        ]

    def test_negative_points_stop_at_the_group(self):
        """A group that may not be negative does not pull the others down."""
        found = CARD.assess(sheet(0, company__employees=4, source="list", tags=()), at=AT)
        assert (found.score, found.verdict, found.grade) == (10.0, Verdict.NOT_QUALIFIED, "C3")

    def test_grade_of_a_range(self):
        """A grade stays open as long as one of its halves does."""
        assert CARD.assess(sheet(0, source="web", tags=()), at=AT).grade is None

    def test_question_inside_a_full_group(self):
        """Of the groups' facts, those whose group can still change are asked about."""
        found = CARD.assess(sheet(0, 1, 2, 3, source="web", tags=()), at=AT)
        assert [question.fact for question in found.questions] == ["company.employees"]
        assert EngagementPoints(points=5).kind is Kind.NUMBER

    def test_knock_out(self):
        """A knock-out beats any score."""
        found = CARD.assess(sheet(0, 1, 2, 3, company__employees=60, source="web", tags=("competitor",)), at=AT)
        assert found.verdict is Verdict.DISQUALIFIED

    def test_temperature(self):
        """Hot, warm and cold are a banding of the score."""
        warm = Scorecard(groups={"engagement": [engagement_points("webinar", points=10)]}, grades=temperature(20, 50))
        assert [warm.assess(sheet(*range(count)), at=AT).grade for count in (1, 2, 5)] == ["cold", "warm", "hot"]


class TestRfm:
    """Recency, frequency and value with break points of one's own."""

    def test_points(self):
        """One point per step; never engaged gives none."""
        scores = rfm_points(
            recency=[7, 30], frequency=[2, 5], monetary=[Money("10", "EUR"), Money("50", "EUR")], kind=["webinar"]
        )
        happened = [Engagement("webinar", at=AT - timedelta(days=day), value=Money("15", "EUR")) for day in (8, 9, 90)]
        policy = Policy("rfm", score=scores)
        assert policy.assess(FactSheet({}, engagements=happened), at=AT).score == 1 + 1 + 1
        assert policy.assess(FactSheet({}, engagements=[]), at=AT).score == 0
        assert policy.assess(sheet(7), at=AT).score == 2
        assert rfm_points() == ()
