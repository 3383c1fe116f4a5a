"""
Reasons to work on a record, each found by looking at the record, and at those of the same people.

Theory. Every reason has a code, a due time where there is one, and words. A table says of each whether it means
reaching out to somebody: those obey consents, the others are work of our own. The functions here take a record as it
was known at a time and yield what they find; what comes of all the reasons together is the worklist's business.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from leadflow.assessment import Assessment, Verdict, points_text
from leadflow.lead import Lead
from leadflow.lifecycle import LeadStatus, ProspectStatus
from leadflow.opportunity import Opportunity
from leadflow.prospect import Prospect
from leadflow.validation import check, instance, to_instant
from leadflow.worklist.rotting import rots_at
from leadflow.worklist.rules import Workable, WorkRules
from leadflow.worklist.tracks import NextTouch, TrackEnd, TrackEnded, next_touch

__all__ = ["REACHING_OUT", "WorkCode", "WorkReason", "is_workable", "reasons_of"]


class WorkCode(StrEnum):
    """Why somebody should work on a record; from the most to the least pressing."""

    FIRST_RESPONSE = "first_response"
    RESPONSE = "response"
    MILESTONE = "milestone"
    PAST_DUE = "past_due"
    NEXT_STEP = "next_step"
    ROTTING = "rotting"
    REVIEW = "review"
    REVISIT = "revisit"
    NURTURE = "nurture"
    NO_OWNER = "no_owner"
    NO_NEXT_STEP = "no_next_step"
    NO_TOUCH = "no_touch"
    QUESTION = "question"
    SCORE = "score"


REACHING_OUT: Final = frozenset(
    {
        WorkCode.FIRST_RESPONSE,
        WorkCode.RESPONSE,
        WorkCode.REVISIT,
        WorkCode.NURTURE,
        WorkCode.NO_TOUCH,
        WorkCode.QUESTION,
        WorkCode.SCORE,
    }
)
"""The reasons that mean reaching out to somebody, so that consents decide."""

_TAKEN_UP: Final = frozenset({LeadStatus.NEW, LeadStatus.WORKING})
_ASIDE: Final = frozenset({LeadStatus.NURTURING, ProspectStatus.NURTURING})
_OUT: Final = frozenset({LeadStatus.DISQUALIFIED, ProspectStatus.DISQUALIFIED})


@frozen
class WorkReason:
    """
    One reason to work on a record.

    Attributes:
        code: A `WorkCode`.
        words: In words.
        due: A datetime (aware) or a day; None: there is no date.
        is_overdue: Whether that has gone by.
        score: Points that are certain, in milli-points, of a lead's score.
    """

    code: WorkCode
    words: str
    due: datetime | date | None = None
    is_overdue: bool = False
    score: int | None = field(default=None, kw_only=True)

    def __str__(self) -> str:
        return self.words


def is_workable(record: Workable) -> bool:
    """Whether there is anything to do about a record: a deal that is open, a lead or prospect that is not out."""
    if isinstance(record, Opportunity):
        return record.is_open
    return bool(record.can_change()) and record.status not in _OUT


def reasons_of(
    record: Workable, rules: WorkRules, *, at: datetime, today: date, kin: Sequence[Workable] = ()
) -> list[WorkReason | TrackEnded]:
    """
    Return every reason to work on a record, the most pressing first.

    A nurture touch that their consent forbids comes as the `TrackEnded` that says so.

    Args:
        record: As it was known.
        rules: What is expected.
        at: As of when.
        today: The day of that, in the rules' office.
        kin: The deals of a prospect, or the prospect of a deal: the same people. Whoever was reached there was reached,
            and what a prospect did before a deal was opened is in the deal as well, and waits there.
    """
    found: list[WorkReason | TrackEnded] = [*_waiting(record, rules, at, kin)]
    if isinstance(record, Opportunity):
        found += _deal(record, at, today)
    elif record.status in _ASIDE:
        found += _put_aside(record, rules, at, today)
    if record.owner is None:
        found.append(WorkReason(WorkCode.NO_OWNER, "nobody owns it"))
    if isinstance(record, Opportunity) and record.next_step is None:
        found.append(WorkReason(WorkCode.NO_NEXT_STEP, "no next step is planned"))
    found += _neglected(record, rules, at, kin)
    if isinstance(record, Lead) and record.status in _TAKEN_UP:
        found += _scored(record, rules, at)
    elif isinstance(record, Prospect) and record.status is ProspectStatus.ACTIVE:
        found += _asked(record, rules, at)
    return found


def _waiting(record: Workable, rules: WorkRules, at: datetime, kin: Sequence[Workable]) -> Iterator[WorkReason]:
    """Yield that somebody waits for an answer: the first thing they did that expects one, after our last touch."""
    if not record.engagements:
        return
    answered = _last_touch(record, kin)
    elsewhere = {one for deal in kin if isinstance(deal, Opportunity) for one in deal.engagements}
    waiting = min(
        (
            one.at
            for one in record.engagements
            if one.expects_reply and (answered is None or one.at > answered) and one not in elsewhere
        ),
        default=None,
    )
    if waiting is None:
        return
    level = rules.service_levels.get(rules.level_of(record))
    first = answered is None
    due = None if level is None else rules.hours.after(waiting, level.first if first else level.ongoing)
    # As instants: Python compares two times of one zone by their wall clocks, an hour off when clocks go back.
    late = due is not None and to_instant(at) > to_instant(due)
    words = f"waits for {'a first' if first else 'an'} answer since {waiting:%Y-%m-%d %H:%M %Z}"
    yield WorkReason(WorkCode.FIRST_RESPONSE if first else WorkCode.RESPONSE, words, due, late)


def _deal(deal: Opportunity, at: datetime, today: date) -> Iterator[WorkReason]:
    for milestone in deal.milestones:
        if milestone.done_at is None and milestone.due is not None and milestone.due < today:
            words = f"milestone {milestone.code!r} ({milestone.side}) was due on {milestone.due}"
            yield WorkReason(WorkCode.MILESTONE, words, milestone.due, is_overdue=True)
    if deal.expected_close is not None and deal.expected_close < today:
        words = f"was expected to close on {deal.expected_close}"
        yield WorkReason(WorkCode.PAST_DUE, words, deal.expected_close, is_overdue=True)
    step = deal.next_step
    if step is not None and step.due is not None and step.due <= today:
        yield WorkReason(WorkCode.NEXT_STEP, f"next step: {step.action}", step.due, step.due < today)
    limit = rots_at(deal)
    if limit is not None and at > limit:
        words = f"rots since {limit.date()}: nothing has happened for longer than its stage allows"
        yield WorkReason(WorkCode.ROTTING, words, limit, is_overdue=True)
    if deal.stage.review_every is not None:
        looked = deal.reviewed_at or deal.stage_entered_at or deal.created_at
        due = looked + deal.stage.review_every
        if due <= at:
            yield WorkReason(WorkCode.REVIEW, f"was last looked over on {looked.date()}", due, due < at)


def _put_aside(
    record: Lead | Prospect, rules: WorkRules, at: datetime, today: date
) -> Iterator[WorkReason | TrackEnded]:
    if record.revisit_on is not None and record.revisit_on <= today:
        words = f"to be looked at again on {record.revisit_on}"
        yield WorkReason(WorkCode.REVISIT, words, record.revisit_on, record.revisit_on < today)
    track = rules.track_of(record)
    if track is None:
        return
    found = next_touch(record, track, at=at, hours=rules.hours)
    if isinstance(found, NextTouch):
        if found.due <= at:
            told = found.step.words or f"{found.step.kind} {found.step.code!r}"
            words = f"track {track.code!r}, step {found.position} of {len(track.steps)}: {told}"
            yield WorkReason(WorkCode.NURTURE, words, found.due, found.due < at)
    elif found.reason is TrackEnd.CAME_BACK:
        words = f"came back on {found.at:%Y-%m-%d} while put aside; reopen it"
        yield WorkReason(WorkCode.REVISIT, words, found.at, is_overdue=True)
    elif found.reason is TrackEnd.NO_CONSENT:
        yield found


def _last_touch(record: Workable, kin: Sequence[Workable]) -> datetime | None:
    return max((touch.at for one in (record, *kin) for touch in one.touches), default=None)


def _neglected(record: Workable, rules: WorkRules, at: datetime, kin: Sequence[Workable]) -> Iterator[WorkReason]:
    aside = not isinstance(record, Opportunity) and record.status in _ASIDE
    in_deal = any(isinstance(one, Opportunity) and one.is_open for one in kin)  # to be touched there
    if rules.untouched_after is None or aside or in_deal:
        return
    last = _last_touch(record, kin)
    since = record.created_at if last is None else last
    if at - since > rules.untouched_after:
        words = f"never touched, known since {since.date()}" if last is None else f"not touched since {since.date()}"
        yield WorkReason(WorkCode.NO_TOUCH, words, since + rules.untouched_after, is_overdue=True)


def _scored(lead: Lead, rules: WorkRules, at: datetime) -> Iterator[WorkReason]:
    if rules.score_with is None:
        return
    found = _judged("score_with", rules.score_with.assess(lead, at=at))
    if found.verdict is not Verdict.NOT_QUALIFIED:
        most = "" if found.low == found.high else f" to {points_text(found.high)}"
        words = f"scores {points_text(found.low)}{most} ({found.verdict.replace('_', ' ')})"
        yield WorkReason(WorkCode.SCORE, words, score=found.low)


def _asked(prospect: Prospect, rules: WorkRules, at: datetime) -> Iterator[WorkReason]:
    if rules.question_with is None:
        return
    found = _judged("question_with", rules.question_with.assess(prospect, at=at))
    if found.verdict is Verdict.UNDECIDED:
        question = next((question.text for question in found.questions), None)
        yield WorkReason(WorkCode.QUESTION, "undecided" if question is None else f"ask: {question}")


def _judged(path: str, found: Assessment) -> Assessment:
    given: object = found
    check("WorkRules", instance(path, given, Assessment, "a policy whose assess(...) returns an Assessment"))
    return found
