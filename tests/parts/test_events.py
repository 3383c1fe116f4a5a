"""Events: two times and an author, checks of their own, and words for rows."""

from datetime import UTC, date, datetime, timedelta, timezone

import attrs
import pytest

from leadflow import (
    Company,
    Consent,
    ContactRole,
    Discovery,
    Engagement,
    Fields,
    InvalidError,
    InvalidTypeError,
    Learned,
    Milestone,
    Money,
    NextStep,
    Objection,
    Origin,
    Person,
    Proposal,
    Recurring,
    TeamMember,
    Touch,
    events,
    pipelines,
)
from leadflow.assessment import Evidence, Verdict
from leadflow.dealparts import LOSS_REASONS
from leadflow.events.words import details

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
NEXT = AT + timedelta(days=1)
NAIVE = datetime(2026, 3, 2)  # noqa: DTZ001
EVENTS = [getattr(events, name) for name in events.__all__]
EVENTS = [kind for kind in EVENTS if isinstance(kind, type) and issubclass(kind, events.Event)]
SIMPLE = pipelines.SIMPLE
CALL = events.ForecastCall(category="commit", at=NEXT)
LEARNT = [("budget", Learned("approved", value=Money(5, "EUR"))), ("need", None)]
EVIDENCE = Evidence(policy_id="icp", at=AT, verdict=Verdict.NOT_QUALIFIED)
DEAL = {"name": "x", "pipeline": SIMPLE, "origin": Origin.from_campaign("spring"), "at": AT}
OPENED = {**DEAL, "stage": SIMPLE.stage("qualified"), "probability": 0.2}
WON = {**DEAL, "stage": SIMPLE.stage("won"), "probability": 1, "closed_at": AT}


def paths(make):
    with pytest.raises(InvalidError) as caught:
        make()
    return [problem.path for problem in caught.value.problems]


class TestTimes:
    """When it happened, and when we learnt it."""

    def test_defaults(self):
        """It was recorded when it happened, by nobody in particular."""
        event = events.Assigned(owner=None, at=AT)
        assert (event.recorded_at, event.by) == (AT, None)

    def test_all_problems_at_once(self):
        """Times, author and what the event says."""
        assert paths(lambda: events.Assigned(owner="", at=NAIVE, by="", recorded_at="now")) == [
            *("at", "recorded_at", "by", "owner")
        ]
        assert paths(lambda: events.Assigned(owner=None, at=AT, recorded_at=AT - timedelta(1), by=5)) == [
            *("recorded_at", "by")
        ]
        assert paths(lambda: events.Assigned(owner=None, at=None)) == ["at"]

    def test_value(self):
        """Compared by kind and attributes; the hash goes with it."""
        event = events.Withdrawn(note="x", at=AT)
        assert event == attrs.evolve(event)
        assert event != events.Reopened(note="x", at=AT)
        assert event != events.Withdrawn(note="y", at=AT)
        assert hash(event) == hash(attrs.evolve(event))
        assert repr(event).startswith("Withdrawn(at=")

    def test_other_zones(self):
        """Instants are compared, not clocks."""
        there = AT.astimezone(timezone(timedelta(hours=-5)))
        assert events.Assigned(owner=None, at=AT, recorded_at=there).recorded_at == AT

    def test_an_opening_comes_after_the_record(self):
        """It was created then, or before; and stands for at least one event."""
        make = lambda **given: events.EntryAdded(at=AT, **given)  # noqa: E731
        assert make(created_at=AT - timedelta(1)).created_at == AT - timedelta(1)
        assert paths(lambda: make(created_at=NEXT, stands_for=0)) == ["stands_for", "created_at"]
        assert paths(lambda: make(created_at=NAIVE)) == ["created_at"]

    @pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
    def test_every_event(self, kind):
        """Frozen, documented, with keywords only, and compared by value."""
        assert kind.__doc__
        assert all(attribute.kw_only for attribute in attrs.fields(kind) if attribute.init)
        assert kind.__hash__ is not None
        assert {"at", "by", "recorded_at"} <= {attribute.name for attribute in attrs.fields(kind)}


class TestNothingIsKnownAhead:
    """What an event tells happened before it was recorded."""

    @pytest.mark.parametrize(
        ("make", "path"),
        [
            (lambda: events.Engaged(engagement=Engagement("form", at=NEXT), at=AT), "engagement.at"),
            (lambda: events.Touched(touch=Touch("call", at=NEXT), at=AT), "touch.at"),
            (lambda: events.Discovered(changes=[("need", Learned("stated", at=NEXT))], at=AT), "need.at"),
            (lambda: events.ConsentRecorded(consent=Consent("email", granted=True, at=NEXT), at=AT), "consent.at"),
            (lambda: events.ProposalSent(proposal=Proposal("Q-1", sent_at=NEXT), at=AT), "proposal.sent_at"),
            (lambda: events.MilestoneAdded(milestone=Milestone("a", "b", done_at=NEXT), at=AT), "milestone.done_at"),
            (lambda: events.LeadCaptured(engagements=[Engagement("form", at=NEXT)], at=AT), "engagements[0].at"),
            (
                lambda: events.LeadCaptured(touches=[Touch("call", at=AT), Touch("call", at=NEXT)], at=AT),
                "touches[1].at",
            ),
            (lambda: events.LeadCaptured(consents=[Consent("email", granted=True, at=NEXT)], at=AT), "consents[0].at"),
            (
                lambda: events.LeadCaptured(discovery=Discovery(need=Learned("stated", at=NEXT)), at=AT),
                "discovery.need.at",
            ),
            (lambda: events.OpportunityImported(**{**WON, "closed_at": NEXT}), "closed_at"),
            (lambda: events.OpportunityImported(**WON, stage_entered_at=NEXT), "stage_entered_at"),
            (lambda: events.OpportunityImported(**WON, reviewed_at=NEXT), "reviewed_at"),
            (
                lambda: events.OpportunityImported(
                    **WON, forecast_call=events.ForecastCall(category="commit", at=NEXT)
                ),
                "forecast_call.at",
            ),
        ],
    )
    def test_refused(self, make, path):
        """Named by its place."""
        assert paths(make) == [path]

    def test_late_recording(self):
        """What counts is when it was recorded, not the event's own time."""
        assert events.Engaged(engagement=Engagement("form", at=NEXT), at=AT, recorded_at=NEXT).recorded_at == NEXT

    def test_mistakes_are_named_once(self):
        """A naive time, or something of another kind, is no reason for a second problem."""
        assert paths(lambda: events.Engaged(engagement="form", at=AT)) == ["engagement"]
        assert paths(lambda: events.LeadCaptured(touches=["call"], engagements="form", at=NAIVE)) == [
            *("at", "engagements", "touches[0]")
        ]
        assert paths(lambda: events.LeadCaptured(discovery="need", at=AT)) == ["discovery"]


class TestStatesThatCannotBe:
    """An event that would make an impossible state is not built."""

    @pytest.mark.parametrize(
        ("make", "path"),
        [
            (lambda: events.OpportunityOpened(**{**OPENED, "stage": SIMPLE.stage("won"), "probability": 1}), "stage"),
            (lambda: events.OpportunityOpened(**{**OPENED, "probability": 0.3}), "probability"),
            (lambda: events.OpportunityOpened(**{**OPENED, "probability": 1.5}), "probability"),
            (lambda: events.OpportunityOpened(**OPENED, contact_roles=[ContactRole("C-1")]), "contact_roles"),
            (
                lambda: events.OpportunityOpened(
                    **OPENED, amount=Money(1, "USD"), recurring=Recurring(Money(1, "EUR"), 1)
                ),
                "recurring",
            ),
            (lambda: events.OpportunityOpened(**OPENED, recurring=Recurring(Money(1, "EUR"), 1)), "amount"),
            (lambda: events.OpportunityImported(**{**WON, "closed_at": None}), "closed_at"),
            (lambda: events.OpportunityImported(**OPENED, closed_at=AT), "closed_at"),
            (lambda: events.OpportunityImported(**{**WON, "probability": 0.5}), "probability"),
            (lambda: events.OpportunityImported(**WON, reason=LOSS_REASONS["price"]), "reason"),
            (lambda: events.OpportunityImported(**WON, proposals=[Proposal("a"), Proposal("a")]), "proposals"),
            (
                lambda: events.OpportunityImported(**WON, milestones=[Milestone("a", "x"), Milestone("a", "y")]),
                "milestones",
            ),
            (lambda: events.OpportunityWon(stage=SIMPLE.stage("lost"), at=AT), "stage"),
            (lambda: events.OpportunityReopened(stage=SIMPLE.stage("won"), at=AT), "stage"),
            (
                lambda: events.OpportunityLost(stage=SIMPLE.stage("won"), reason=LOSS_REASONS["price"], at=AT),
                "stage",
            ),
            (lambda: events.PipelineAdopted(pipeline=SIMPLE, stage=pipelines.HUBSPOT.entry_stage, at=AT), "stage"),
            (lambda: events.ForecastCalled(category="closed", at=AT), "category"),
            (lambda: events.ForecastCall(category="closed", at=AT), "category"),
            (lambda: events.AmountSet(amount=None, recurring=5, at=AT), "amount"),
            (lambda: events.LeadImported(status="qualified", at=AT), "prospect_id"),
            (lambda: events.LeadImported(status="new", prospect_id="P-1", at=AT), "prospect_id"),
            (lambda: events.LeadImported(status="new", reason=LOSS_REASONS["price"], at=AT), "reason"),
            (lambda: events.LeadImported(status="new", revisit_on=AT.date(), at=AT), "revisit_on"),
            (lambda: events.LeadImported(status="bogus", at=AT), "status"),
            (lambda: events.ProspectOpened(lead_id="", at=AT), "lead_id"),
            (lambda: events.ProspectImported(opportunity_ids=["O-1", "O-1"], at=AT), "opportunity_ids"),
            (lambda: events.ProspectConverted(evidence=EVIDENCE, at=AT), ""),
            (lambda: events.Discovered(changes=(), at=AT), ""),
            (lambda: events.Corrected(cleared={"history"}, at=AT), "cleared[0]"),
            (lambda: events.Corrected(source="web", cleared={"source"}, at=AT), "source"),
        ],
    )
    def test_refused(self, make, path):
        """With the path to what is wrong, first."""
        assert paths(make)[0] == path

    def test_what_was_merged_keeps_what_it_had(self):
        """A merged lead may have been disqualified or nurtured before."""
        merged = events.LeadImported(status="merged", reason=LOSS_REASONS["price"], revisit_on=date(2026, 1, 1), at=AT)
        assert merged.reason is LOSS_REASONS["price"]

    def test_one_is_a_probability(self):
        """An int becomes the float it is."""
        assert repr(events.OpportunityImported(**WON).probability) == "1.0"
        assert repr(events.ProbabilitySet(probability=1, at=AT).probability) == "1.0"


class TestCollections:
    """Any iterable will do; what is none is refused with the rest."""

    def test_corrections(self):
        """None is not mentioned; an empty collection is a value."""
        event = events.Corrected(needs=[], tags=["a"], team=[TeamMember("bo")], product_interest="crm", at=AT)
        assert event.changes().keys() == {"needs", "tags", "team", "product_interest"}
        assert event.changes()["needs"] == ()
        assert events.Corrected(cleared={"tags", "type"}, at=AT).changes()["tags"] == frozenset()
        wrong = paths(lambda: events.Corrected(needs="x", tags="y", team=5, competitors={"a": 1}, fields=[1], at=AT))
        assert wrong == ["needs", "competitors", "team", "tags", "fields"]

    def test_openings(self):
        """Lists become tuples; texts do not become letters."""
        opened = events.OpportunityOpened(**OPENED, needs=["a"], competitors=("b",), engagements=iter(()))
        assert (opened.needs, opened.competitors, opened.engagements) == (("a",), ("b",), ())
        with pytest.raises(InvalidTypeError, match="needs must be a tuple"):
            events.OpportunityOpened(**OPENED, needs="late")


class TestWords:
    """An event in one line."""

    @pytest.mark.parametrize(
        ("event", "words"),
        [
            (events.Assigned(owner=None, at=AT), ""),
            (events.Assigned(owner="bo", at=AT), "owner: bo"),
            (
                events.Discovered(changes=LEARNT, at=AT),
                "changes: budget approved 5 EUR, need not asked",
            ),
            (events.Engaged(engagement=Engagement("form", at=AT, campaign="spring"), at=AT), "engagement: form spring"),
            (events.Touched(touch=Touch("call", at=AT, outcome="held"), at=AT), "touch: call held"),
            (
                events.ConsentRecorded(consent=Consent("email", granted=False, at=AT), at=AT),
                "consent: email not granted",
            ),
            (events.RoleAdded(role=ContactRole("C-1", "legal", primary=True), at=AT), "role: C-1 legal primary"),
            (events.ForecastCalled(category="commit", pinned=True, at=AT), "category: commit; pinned: yes"),
            (events.ExpectedCloseSet(expected_close=date(2026, 6, 30), at=AT), "expected_close: 2026-06-30"),
            (events.NextStepSet(next_step=NextStep("call", date(2026, 6, 30)), at=AT), "next_step: call 2026-06-30"),
            (events.ObjectionRaised(objection=Objection("dear"), at=AT), "objection: dear"),
            (events.ProbabilitySet(probability=0.3, at=AT), "probability: 0.3"),
            (
                events.AmountSet(amount=Money(12, "EUR"), recurring=Recurring(Money(1, "EUR"), 1, 12), at=AT),
                "amount: 12 EUR; recurring: 1 EUR every months 1 term months 12",
            ),
            (events.OpportunityWon(stage=SIMPLE.stage("won"), at=AT), "stage: Won"),
            (
                events.LeadQualified(prospect_id="P-1", evidence=EVIDENCE, at=AT),
                "prospect_id: P-1; evidence: not qualified by icp version 1",
            ),
            (
                events.EntryAdded(
                    person=Person("Ada"),
                    company=Company("Northwind"),
                    tags=["b", "a"],
                    fields=Fields({"seats": 3}),
                    at=AT,
                ),
                "tags: a, b; fields: seats 3; person: Ada; company: Northwind",
            ),
            (
                events.EntryImported(discovery=Discovery(need=Learned("stated")), at=AT),
                "discovery: need stated",
            ),
        ],
    )
    def test_details(self, event, words):
        """What it says, in the order of its attributes, without what is as by default."""
        said = dict(part.split(": ", 1) for part in details(event).split("; ") if part)
        assert said == dict(part.split(": ", 1) for part in words.split("; ") if part)
