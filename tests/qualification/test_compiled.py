"""The compiled function on real records, and what it refuses to compile."""

from datetime import UTC, date, datetime, timedelta

import pytest
from attrs import frozen

from leadflow import Company, Engagement, Lead, Money, Opportunity, Origin, Person, Prospect, pipelines
from leadflow.errors import InvalidError, InvalidTypeError, LookAheadError
from leadflow.qualification import (
    FactSheet,
    Policy,
    Verdict,
    bands,
    cap,
    coalesce,
    engagement_points,
    engagements,
    fact,
    points,
)
from leadflow.qualification.catalogue import FactSpec
from leadflow.qualification.compiled import compile_policy
from leadflow.qualification.interpreter import judge
from leadflow.qualification.kinds import Kind
from leadflow.qualification.logic import Predicate
from leadflow.qualification.nodes import Reading
from leadflow.qualification.policy import _check_time

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
POLICY = Policy(
    "everything",
    knock_out=[fact("company.country").is_in("KP"), fact("custom.blocked", bool)],
    require=[
        fact("company.employees").between(50, 5_000),
        fact("person.seniority").at_least("manager") | fact("person.job_title").contains("vp"),
        fact("deal.amount") >= Money("5", "EUR"),
        fact("discovery.budget.amount") >= Money("5", "EUR"),
    ],
    score=[
        points(5, when=fact("source").equals("website")),
        cap(
            [bands(fact("company.employees"), [100, 1000], [-1, 5, 3]), points(3, when=fact("status").equals("new"))],
            0,
            6,
        ),
        engagement_points("demo_request", points=10, half_life=timedelta(days=10)),
        points(1, when=coalesce(engagements().count(), 0) >= 1),
        points(2, when=fact("person.is_contactable")),
    ],
    threshold=5,
)
PERSON = Person("Mara", email="m@x.example", job_title="VP Operations", seniority="vp")


def records():
    when = {"at": AT, "by": "ada"}
    engagement = Engagement("demo_request", at=AT - timedelta(days=10))
    lead = Lead.capture(
        "L-1",
        person=PERSON,
        company=Company("N", employees=420, country="DE"),
        engagement=engagement,
        source="website",
        fields={"blocked": False},
        **when,
    )
    return [
        lead,
        Lead.capture("L-2", person=PERSON, engagement=engagement, **when),
        lead.discover(budget=Money("9", "USD"), **when),
        lead.discover(budget=Money("9", "EUR"), **when),
        Prospect.imported("P-1", company=Company("N", employees=99), **when),
        Opportunity.open(
            "O-1",
            "deal",
            Money("9", "EUR"),
            expected_close=date(2026, 6, 30),
            origin=Origin.from_prospect("P-1"),
            pipeline=pipelines.SIMPLE,
            **when,
        ),
    ]


class TestRecords:
    """Leads, prospects and opportunities are judged alike by both evaluators."""

    @pytest.mark.parametrize("position", range(6))
    def test_equal(self, position):
        """Verdict, range, masks and values are those of the interpreter."""
        subject = records()[position]
        POLICY.assess(subject, at=AT)
        compiled = POLICY.assess(subject, at=AT)
        values = {read.name: read.read(subject, AT) for read in POLICY.reads}
        plain = judge(POLICY, Reading(values, AT))
        assert plain == (compiled.verdict, compiled.low, compiled.high, compiled.passed, compiled.unknown)
        assert compiled.values == tuple(values.values())
        assert (compiled.subject_id, compiled.subject_version) == (subject.id, subject.version)

    def test_time(self):
        """The compiled function refuses what the interpreter refuses."""
        subject = records()[0]
        assert POLICY.assess(subject, at=AT) == POLICY.assess(subject, at=AT)
        with pytest.raises(LookAheadError):
            POLICY.assess(subject, at=AT - timedelta(seconds=1))
        with pytest.raises(InvalidError, match="timezone-aware"):
            POLICY.assess(subject, at=datetime(2026, 3, 3))  # noqa: DTZ001
        with pytest.raises(InvalidTypeError, match="timezone-aware datetime"):
            POLICY.assess(subject, at=date(2026, 3, 3))
        sheet = FactSheet({}, known_at=AT)
        assert POLICY.assess(sheet, at=AT) == POLICY.assess(sheet, at=AT)
        with pytest.raises(LookAheadError):
            POLICY.assess(sheet, at=AT - timedelta(seconds=1))

    def test_a_broken_record(self):
        """A record of the host's own whose values are of wrong types raises what Python raises."""

        @frozen
        class Record:
            company: object
            id: str = "R"
            version: int = 1
            updated_at: datetime = AT

        policy = Policy("p", require=[fact("company.employees") >= 50])
        good, bad = Record(Company("N", employees=60)), Record(Record(None))
        object.__setattr__(bad, "company", type("Company", (), {"employees": "many"}))
        assert policy.assess(good, at=AT).verdict is Verdict.QUALIFIED
        with pytest.raises(TypeError, match="not supported"):
            policy.assess(bad, at=AT)

    def test_a_policy_that_reads_nothing(self):
        """A policy whose engagements are not tracked and nothing else still has a verdict."""
        policy = Policy("p", score=[engagement_points("form", points=1, unknown="zero")])
        assert [policy.assess(FactSheet({}), at=AT).verdict for _ in range(2)] == [Verdict.QUALIFIED] * 2

    def test_same_part_twice(self):
        """One part used twice is two criteria."""
        twice = points(1, when=fact("source").equals("web"))
        policy = Policy("p", score=[twice, twice])
        found = [policy.assess(FactSheet({"source": "web"}), at=AT) for _ in range(2)]
        assert found[0] == found[1]
        assert found[1].passed == 0b11


class TestGenerated:
    """Only generated names and constants reach the code."""

    def test_paths_are_checked(self):
        """A path that is no plain attribute name is not compiled, wherever it came from."""
        policy = Policy("p", require=[fact("source").equals("x")])
        read = policy.reads[0]
        object.__setattr__(read, "spec", FactSpec("source", Kind.TEXT, "x", "x?", path=("__class__",), on="source"))
        with pytest.raises(InvalidError, match="__class__ is no path"):
            compile_policy(policy, Lead, _check_time)

    def test_texts_are_constants(self):
        """Text that looks like code is compared, never run."""
        evil = "'); raise SystemExit(); ('"
        policy = Policy("p", require=[fact("source").equals(evil), fact("custom.__class__", str).contains(evil)])
        sheet = FactSheet({"source": evil, "custom.__class__": evil})
        assert [policy.assess(sheet, at=AT).verdict for _ in range(2)] == [Verdict.QUALIFIED] * 2

    def test_foreign_nodes(self):
        """A node of the host's own is refused, not guessed at."""

        @frozen
        class Coin(Predicate):
            text = "coin"

            def truth(self, reading):
                return True

            def open_facts(self, reading, share):
                return iter(())

        policy = Policy("p", require=[Coin()])
        with pytest.raises(InvalidError, match="Coin is a part of your own"):
            policy.assess(FactSheet({}), at=AT)
        with pytest.raises(InvalidError, match="holds a Coin, which is no part of leadflow"):
            compile_policy(policy, FactSheet, _check_time)
