"""The work on a deal: offers, the plan of both sides, next steps, objections, reviews."""

from datetime import UTC, date, datetime, timedelta

import pytest

from leadflow import (
    InvalidError,
    Milestone,
    Money,
    NextStep,
    NotAllowedError,
    Objection,
    Opportunity,
    Origin,
    Proposal,
    pipelines,
)

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
MAY = date(2026, 5, 4)
DEAL = Opportunity.open(
    "O-1",
    "Rollout",
    Money(10, "EUR"),
    expected_close=MAY,
    origin=Origin.from_campaign("spring"),
    pipeline=pipelines.SIMPLE,
    at=AT,
)


def later(hours=1):
    return {"at": AT + timedelta(hours=hours)}


def paths(make):
    with pytest.raises(InvalidError) as caught:
        make()
    return [problem.path for problem in caught.value.problems]


class TestProposals:
    """Offers sent, each number once."""

    def test_sent(self):
        """When it was recorded, unless it says otherwise."""
        sent = DEAL.propose(Proposal("Q-1", amount=Money(9, "EUR")), **later())
        assert sent.proposals[0].sent_at == AT + timedelta(hours=1)
        again = sent.propose(Proposal("Q-2", sent_at=AT), **later())
        assert [offer.sent_at for offer in again.proposals] == [AT + timedelta(hours=1), AT]

    def test_mistakes(self):
        """A number twice; what is no offer; a time that is none, or ahead."""
        sent = DEAL.propose(Proposal("Q-1"), **later())
        assert paths(lambda: sent.propose(Proposal("Q-1"), at=5)) == ["proposal.number", "at"]
        assert paths(lambda: sent.propose("Q-2", **later())) == ["proposal"]
        assert paths(lambda: sent.propose(Proposal("Q-2", sent_at=AT + timedelta(9)), **later())) == [
            "proposal.sent_at"
        ]
        with pytest.raises(TypeError, match="at"):
            sent.propose(Proposal("Q-2"))


class TestMilestones:
    """Steps of a plan that both sides agreed on, each code once."""

    PLANNED = DEAL.add_milestone(Milestone("legal", "contract checked", side="theirs", due=MAY), **later())

    def test_done(self):
        """At the time given, which may be written down late; once."""
        moved = self.PLANNED.move_to("proposal", **later(5))
        done = moved.complete_milestone("legal", at=AT + timedelta(hours=2), recorded_at=AT + timedelta(hours=6))
        assert done.milestones[0].done_at == AT + timedelta(hours=2)
        assert paths(lambda: done.complete_milestone("legal", **later(7))) == ["code"]
        assert paths(lambda: done.drop_milestone("legal", **later(7))) == ["code"]
        assert paths(lambda: done.add_milestone(Milestone("legal", "again"), **later(7))) == ["milestone.code"]

    def test_dates_slip(self):
        """Agreed anew, it takes the place of the old one; or it is dropped."""
        two = self.PLANNED.add_milestone(Milestone("demo", "demonstration"), **later(2))
        june = Milestone("legal", "contract checked", side="theirs", due=date(2026, 6, 1))
        assert [step.due for step in two.add_milestone(june, **later(3)).milestones] == [june.due, None]
        assert [step.code for step in two.drop_milestone("legal", **later(3)).milestones] == ["demo"]

    def test_mistakes(self):
        """Unknown codes with the nearest; what is no milestone."""
        with pytest.raises(InvalidError, match=r"is no milestone of this deal: 'legl' \(did you mean 'legal'\?\)"):
            self.PLANNED.complete_milestone("legl", **later(2))
        assert paths(lambda: self.PLANNED.complete_milestone(5, at=5)) == ["code", "at"]
        assert paths(lambda: DEAL.drop_milestone("legal", **later())) == ["code"]
        assert paths(lambda: DEAL.add_milestone("legal", **later())) == ["milestone"]
        ahead = Milestone("a", "b", done_at=AT + timedelta(9))
        assert paths(lambda: DEAL.add_milestone(ahead, **later())) == ["milestone.done_at"]


class TestNextStep:
    """What we do next."""

    def test_words_or_value(self):
        """With a day, or none; None takes it back."""
        assert DEAL.set_next_step("call", due=MAY, **later()).next_step == NextStep("call", MAY)
        planned = DEAL.set_next_step(NextStep("call"), **later())
        assert planned.next_step == NextStep("call")
        assert planned.set_next_step(None, **later()).next_step is None

    def test_mistakes(self):
        """A day belongs to words."""
        assert paths(lambda: DEAL.set_next_step("", due=AT, **later())) == ["action", "due"]
        assert paths(lambda: DEAL.set_next_step(NextStep("call"), due=MAY, **later())) == ["due"]
        assert paths(lambda: DEAL.set_next_step(5, **later())) == ["next_step"]


class TestObjections:
    """What speaks against buying, and whether it was answered."""

    def test_each_by_itself(self):
        """The same words raised again are another objection; the oldest open one is answered."""
        twice = DEAL.raise_objection("dear", **later()).raise_objection("dear", **later())
        once = twice.answer_objection("dear", **later())
        assert once.objections == (Objection("dear", answered=True), Objection("dear"))
        both = once.answer_objection("dear", **later())
        assert all(objection.answered for objection in both.objections)
        assert paths(lambda: both.answer_objection("dear", **later())) == ["words"]

    def test_redaction_keeps_them_apart(self):
        """Which was answered does not depend on the words."""
        one = DEAL.raise_objection("dear", **later()).raise_objection("slow", **later())
        clean = one.answer_objection("slow", **later()).redact(reason="x", **later())
        assert [objection.answered for objection in clean.objections] == [False, True]

    def test_mistakes(self):
        """Words that nobody said, with the nearest."""
        raised = DEAL.raise_objection("too dear", **later())
        with pytest.raises(InvalidError, match=r"words are no open objection: 'too der' \(did you mean 'too dear'\?\)"):
            raised.answer_objection("too der", **later())
        assert paths(lambda: raised.answer_objection(["too dear"], **later())) == ["words"]
        assert paths(lambda: raised.raise_objection("", **later())) == ["words"]


class TestReview:
    """Somebody looked the deal over."""

    def test_when(self):
        """The last time counts."""
        seen = DEAL.review(note="all well", **later()).review(**later(2))
        assert seen.reviewed_at == AT + timedelta(hours=2)
        assert paths(lambda: DEAL.review(note=5, **later())) == ["note"]


class TestWithdrawn:
    """A withdrawn deal is left alone."""

    @pytest.mark.parametrize(
        "command",
        [
            lambda gone: gone.add_role("C-1", **later(2)),
            lambda gone: gone.propose(Proposal("Q-1"), **later(2)),
            lambda gone: gone.add_milestone(Milestone("a", "b"), **later(2)),
            lambda gone: gone.complete_milestone("a", **later(2)),
            lambda gone: gone.drop_milestone("a", **later(2)),
            lambda gone: gone.set_next_step("call", **later(2)),
            lambda gone: gone.raise_objection("dear", **later(2)),
            lambda gone: gone.answer_objection("dear", **later(2)),
            lambda gone: gone.review(**later(2)),
        ],
    )
    def test_refused(self, command):
        """With the reason."""
        with pytest.raises(NotAllowedError, match="its conversion was undone"):
            command(DEAL.withdraw(**later()))
