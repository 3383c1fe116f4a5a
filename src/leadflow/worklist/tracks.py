"""
Nurture tracks: which touch comes next, worked out from history alone.

Theory. A track is a list of steps, each a way of reaching somebody and how long to wait after the one before (the
first: after they were put aside). Nothing about a track is stored on a record: a step is done when a touch of its kind
was made since, touches are matched to steps in order, and what ends the track is in the history as well: they come back
of their own accord, the record is nurtured no more, the day to look again has come, every step is done. So a track may
be changed at any time, and every record follows the new one.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from attrs import field, frozen

from leadflow.engagement import STANDARD, Proactive, Touch, TouchKind
from leadflow.events import Nurtured
from leadflow.lead import Lead
from leadflow.party import Channel
from leadflow.prospect import Prospect
from leadflow.validation import (
    aware,
    check,
    code,
    coded,
    each,
    instance,
    member,
    optional,
    text,
    to_instant,
    to_tuple,
    unique,
    when,
)
from leadflow.worklist.hours import BusinessHours

__all__ = ["CHANNELS", "NextTouch", "NurtureStep", "NurtureTrack", "TrackEnd", "TrackEnded", "next_touch"]

CHANNELS: Final[Mapping[TouchKind, Channel | None]] = MappingProxyType(
    {
        TouchKind.CALL: Channel.PHONE,
        TouchKind.EMAIL: Channel.EMAIL,
        TouchKind.MESSAGE: Channel.MESSAGE,
        TouchKind.SOCIAL: Channel.SOCIAL,
        TouchKind.LETTER: Channel.POST,
        TouchKind.MEETING: None,
    }
)
"""By which channel each kind of touch reaches somebody; a meeting needs none."""

_to_kind = member(TouchKind)


def _kind(value: TouchKind | str) -> TouchKind:
    return _to_kind(value)


def _steps(values: "Iterable[NurtureStep]") -> "tuple[NurtureStep, ...]":
    return to_tuple(values)


@frozen
class NurtureStep:
    """
    One touch of a track.

    Attributes:
        code: What people and reports name it by; once per track.
        kind: A `TouchKind` or its value.
        after: How long to wait after the step before, or after they were put aside.
        words: What to do, in words.
    """

    code: str
    kind: TouchKind = field(converter=_kind)
    after: timedelta = field(kw_only=True)
    words: str | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        wrong = instance("after", self.after, timedelta, "a timedelta")
        check(
            "NurtureStep",
            code("code", self.code),
            coded("kind", self.kind, TouchKind),
            wrong or when(self.after < timedelta(0), "after", f"must not be negative, got {self.after!r}"),
            optional(text, "words", self.words),
        )


@frozen(kw_only=True)
class NurtureTrack:
    """
    How somebody is kept warm who is not ready yet.

    Attributes:
        code: What people and reports name it by.
        steps: In order; at least one.
        ends_on: Which engagements end it. Default: those that count as proactive.
        purpose: What for, as consents name it.
        needs_consent: Whether they must have said yes to the channel and purpose of a step; else it is enough that they
            have not said no.
    """

    code: str = field(kw_only=False)
    steps: tuple[NurtureStep, ...] = field(converter=_steps)
    ends_on: Proactive = STANDARD
    purpose: str = "marketing"
    needs_consent: bool = True

    def __attrs_post_init__(self) -> None:
        problems = each("steps", self.steps, instance, NurtureStep, "a NurtureStep")
        check(
            "NurtureTrack",
            code("code", self.code),
            *problems,
            when(self.steps == (), "steps", "must be at least one, got ()"),
            None if any(problems) else unique("steps", [step.code for step in self.steps]),
            instance("ends_on", self.ends_on, Proactive, "a Proactive such as STANDARD"),
            code("purpose", self.purpose),
            instance("needs_consent", self.needs_consent, bool, "True or False"),
        )


class TrackEnd(StrEnum):
    """Why a track has no next touch."""

    NOT_NURTURED = "not_nurtured"
    CAME_BACK = "came_back"
    REVISIT_DUE = "revisit_due"
    COMPLETE = "complete"
    NO_CONSENT = "no_consent"


@frozen
class NextTouch:
    """
    What a track asks for next.

    Attributes:
        step: The step.
        due: From when on; aware.
        position: Which step it is, from 1.
    """

    step: NurtureStep
    due: datetime
    position: int


@frozen
class TrackEnded:
    """
    That a track asks for nothing (any more), and why.

    Attributes:
        reason: A `TrackEnd`.
        at: Since when, where history tells.
    """

    reason: TrackEnd
    at: datetime | None = None


_Candidate: TypeAlias = Lead | Prospect


def next_touch(
    record: _Candidate, track: NurtureTrack, *, at: datetime, hours: BusinessHours = BusinessHours.ALWAYS
) -> NextTouch | TrackEnded:
    """
    Return the next touch of a nurture track, or why there is none.

    Args:
        record: A lead or prospect as it was known at that time.
        track: The track.
        at: When; aware.
        hours: Whose calendar says on which day to look again.

    Raises:
        InvalidError: Naming every argument of the wrong kind.
    """
    check(
        "next_touch",
        instance("record", record, (Lead, Prospect), "a Lead or a Prospect"),
        instance("track", track, NurtureTrack, "a NurtureTrack"),
        aware("at", at),
        instance("hours", hours, BusinessHours, "BusinessHours"),
    )
    if record.status != "nurturing":
        return TrackEnded(TrackEnd.NOT_NURTURED)
    start = _put_aside(record)
    for engagement in record.engagements:
        if engagement.at > start and track.ends_on.includes(engagement.kind):
            return TrackEnded(TrackEnd.CAME_BACK, engagement.at)
    if record.revisit_on is not None and record.revisit_on <= hours.day_of(at):
        return TrackEnded(TrackEnd.REVISIT_DUE)
    since, made = start, sorted((touch for touch in record.touches if touch.at > start), key=_time)
    for position, step in enumerate(track.steps, 1):
        done = next((place for place, touch in enumerate(made) if touch.kind is step.kind), None)
        if done is None:
            return _allowed(record, track, NextTouch(step, to_instant(since) + step.after, position))
        since, made = made[done].at, made[done + 1 :]
    return TrackEnded(TrackEnd.COMPLETE, since)


def _allowed(record: _Candidate, track: NurtureTrack, found: NextTouch) -> NextTouch | TrackEnded:
    channel = CHANNELS[found.step.kind]
    said = None if channel is None else record.may_contact(channel, track.purpose)
    if channel is None or said or (said is None and not track.needs_consent):
        return found
    return TrackEnded(TrackEnd.NO_CONSENT)


def _put_aside(record: _Candidate) -> datetime:
    """Return when nurturing began; of a record without that part of its history, when it was last changed."""
    nurtured = (event.at for event in reversed(record.history) if isinstance(event, Nurtured))
    return next(nurtured, record.history[0].at)


def _time(touch: Touch) -> datetime:
    return touch.at
