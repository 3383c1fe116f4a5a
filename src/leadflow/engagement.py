"""
What happened between us: engagements (what the other side did), touches (what we did), and their summary.

Theory. An engagement has a kind, and the kind decides two things: whether it is *proactive* (they came of their own
accord, which is what makes somebody a lead) and whether they now expect a reply from us. Which kinds count as proactive
is a choice of the host, made with a preset: `STANDARD`, `STRICT` (they must also expect a response) or `OPEN`. Mail
opens, mail clicks and page views never count, because mail clients and link scanners fetch without anybody looking.
Kinds are codes; a host's own begin with ``custom.``.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, Final

from attrs import field, frozen

from leadflow.errors import Problem
from leadflow.fields import NO_FIELDS, Fields, fields_problems, to_fields
from leadflow.money import Money
from leadflow.redaction import PERSONAL
from leadflow.validation import (
    MAX_CODE,
    aware,
    check,
    code,
    coded,
    each,
    instance,
    member,
    optional,
    prose,
    shown,
    text,
    to_instant,
    to_set,
    to_tuple,
)

__all__ = [
    "CUSTOM",
    "KINDS",
    "OPEN",
    "STANDARD",
    "STRICT",
    "Engagement",
    "EngagementKind",
    "Proactive",
    "Rfm",
    "Touch",
    "TouchKind",
    "TouchOutcome",
    "rfm",
]

CUSTOM: Final = "custom."


@frozen
class EngagementKind:
    """
    One kind of engagement.

    Attributes:
        code: What rules and storage use.
        label: What people read.
        proactive: Whether they came of their own accord, by the `STANDARD` preset.
        expects_reply: Whether they now wait for an answer from us.
        is_automatic: Whether software may cause it with nobody looking; never proactive.
    """

    code: str
    label: str
    proactive: bool
    expects_reply: bool
    is_automatic: bool = False


KINDS: Final[Mapping[str, EngagementKind]] = MappingProxyType(
    {
        kind.code: kind
        for kind in (
            EngagementKind("form", "filled in a form", proactive=True, expects_reply=True),
            EngagementKind("demo_request", "asked for a demonstration", proactive=True, expects_reply=True),
            EngagementKind("trial_request", "asked for or started a trial", proactive=True, expects_reply=True),
            EngagementKind("quote_request", "asked for a price", proactive=True, expects_reply=True),
            EngagementKind("call", "called us", proactive=True, expects_reply=True),
            EngagementKind("email", "wrote to us", proactive=True, expects_reply=True),
            EngagementKind("chat", "started a chat", proactive=True, expects_reply=True),
            EngagementKind("reply", "answered one of our messages", proactive=True, expects_reply=True),
            EngagementKind("meeting", "came to a meeting", proactive=True, expects_reply=True),
            EngagementKind("visit", "came to our office or stand to talk", proactive=True, expects_reply=True),
            EngagementKind("customer_referral", "was sent by a customer and asked", proactive=True, expects_reply=True),
            EngagementKind("ad_form", "filled in a form inside an advertisement", proactive=True, expects_reply=True),
            EngagementKind("download", "downloaded content", proactive=True, expects_reply=False),
            EngagementKind("webinar", "attended a webinar", proactive=True, expects_reply=False),
            EngagementKind("event", "attended an event", proactive=True, expects_reply=False),
            EngagementKind("subscription", "subscribed to a newsletter", proactive=False, expects_reply=False),
            EngagementKind("social", "reacted on a social network", proactive=False, expects_reply=False),
            EngagementKind("mail_open", "opened a mail", proactive=False, expects_reply=False, is_automatic=True),
            EngagementKind("mail_click", "clicked in a mail", proactive=False, expects_reply=False, is_automatic=True),
            EngagementKind("page_view", "viewed a page", proactive=False, expects_reply=False, is_automatic=True),
        )
    }
)


def _kind(path: str, value: object) -> Problem | None:
    if isinstance(value, str) and value in KINDS:
        return None
    if not isinstance(value, str) or not value.startswith(CUSTOM):
        return coded(path, value, KINDS)
    if code(path, value[len(CUSTOM) :]) is None and len(value) <= MAX_CODE:
        return None
    return Problem(path, f"must be a code after {CUSTOM!r}, at most {MAX_CODE} characters in all, got {shown(value)}")


@frozen
class Proactive:
    """
    Which kinds of engagement count as having come of one's own accord.

    >>> STANDARD.includes("download"), STRICT.includes("download"), OPEN.includes("mail_open")
    (True, False, False)
    >>> STANDARD.but("custom.showroom_visit").includes("custom.showroom_visit")
    True

    Attributes:
        name: For messages.
        kinds: Codes; automatic kinds (mail opens, clicks, page views) are refused.
    """

    STANDARD: ClassVar["Proactive"]
    STRICT: ClassVar["Proactive"]
    OPEN: ClassVar["Proactive"]

    name: str
    kinds: frozenset[str] = field(converter=to_set)

    def __attrs_post_init__(self) -> None:
        problems = each("kinds", self.kinds, _kind)
        known = () if any(problems) else sorted(self.kinds & KINDS.keys())
        automatic = [kind for kind in known if KINDS[kind].is_automatic]
        check(
            "Proactive",
            text("name", self.name),
            *problems,
            Problem("kinds", f"must not contain what software may do with nobody looking, got {', '.join(automatic)}")
            if automatic
            else None,
        )

    def includes(self, kind: str) -> bool:
        """Whether an engagement of this kind is proactive."""
        return kind in self.kinds

    def but(self, *kinds: str, without: Iterable[str] = ()) -> "Proactive":
        """Return a copy with kinds added and others taken out."""
        left_out = {without} if isinstance(without, str) else set(without)
        return Proactive(self.name, (self.kinds | set(kinds)) - left_out)


STANDARD: Final = Proactive("standard", frozenset(kind.code for kind in KINDS.values() if kind.proactive))
STRICT: Final = Proactive(
    "strict", frozenset(kind.code for kind in KINDS.values() if kind.proactive and kind.expects_reply)
)
OPEN: Final = Proactive("open", frozenset(kind.code for kind in KINDS.values() if not kind.is_automatic))

Proactive.STANDARD, Proactive.STRICT, Proactive.OPEN = STANDARD, STRICT, OPEN


@frozen
class Engagement:
    """
    One thing the other side did.

    >>> from datetime import UTC, datetime
    >>> Engagement("demo_request", at=datetime(2026, 3, 2, 9, tzinfo=UTC)).expects_reply
    True

    Attributes:
        kind: A code out of `KINDS`, or the host's own, beginning with ``custom.``.
        at: When; aware.
        channel: Where, in the host's words, e.g. ``website``.
        campaign: What we ran that led to it.
        subject: What it was about: the form's name, the white paper's title.
        value: What it is worth where that is known, e.g. the trial order's amount.
        note: Free text, e.g. what they wrote.
        fields: The host's own values.

    Raises:
        InvalidError: Naming every field that is wrong.
    """

    kind: str
    at: datetime = field(kw_only=True, converter=to_instant)
    channel: str | None = field(default=None, kw_only=True)
    campaign: str | None = field(default=None, kw_only=True)
    subject: str | None = field(default=None, kw_only=True, metadata=PERSONAL)
    value: Money | None = field(default=None, kw_only=True)
    note: str = field(default="", kw_only=True, metadata=PERSONAL)
    fields: Fields = field(default=NO_FIELDS, kw_only=True, converter=to_fields, metadata=PERSONAL)

    def __attrs_post_init__(self) -> None:
        check(
            "Engagement",
            _kind("kind", self.kind),
            aware("at", self.at),
            None if self.channel is None else text("channel", self.channel),
            None if self.campaign is None else text("campaign", self.campaign),
            None if self.subject is None else text("subject", self.subject),
            None if self.value is None else instance("value", self.value, Money, "Money"),
            prose("note", self.note),
            *fields_problems("fields", self.fields),
        )

    @property
    def expects_reply(self) -> bool:
        """Whether they now wait for an answer; a host's own kinds do."""
        known = KINDS.get(self.kind)
        return True if known is None else known.expects_reply


class TouchKind(StrEnum):
    """How we tried to reach somebody."""

    CALL = "call"
    EMAIL = "email"
    MEETING = "meeting"
    MESSAGE = "message"
    SOCIAL = "social"
    LETTER = "letter"


class TouchOutcome(StrEnum):
    """What came of a touch."""

    NO_ANSWER = "no_answer"
    REACHED = "reached"
    REPLIED = "replied"
    HELD = "held"


_to_touch_kind = member(TouchKind)


def _touch_kind(value: TouchKind | str) -> TouchKind:
    return _to_touch_kind(value)


_to_touch_outcome = member(TouchOutcome)


def _touch_outcome(value: TouchOutcome | str) -> TouchOutcome:
    return _to_touch_outcome(value)


@frozen
class Touch:
    """
    One thing we did to reach them.

    >>> from datetime import UTC, datetime
    >>> Touch("call", at=datetime(2026, 3, 2, 9, tzinfo=UTC), outcome="reached").outcome.value
    'reached'

    Attributes:
        kind: A `TouchKind` or its value.
        at: When; aware.
        outcome: A `TouchOutcome` or its value. A mail that was sent and not (yet) answered is ``no_answer``.
        subject: What it was about.
        note: Free text.

    Raises:
        InvalidError: Naming every field that is wrong.
    """

    kind: TouchKind = field(converter=_touch_kind)
    at: datetime = field(kw_only=True, converter=to_instant)
    outcome: TouchOutcome = field(default=TouchOutcome.NO_ANSWER, kw_only=True, converter=_touch_outcome)
    subject: str | None = field(default=None, kw_only=True, metadata=PERSONAL)
    note: str = field(default="", kw_only=True, metadata=PERSONAL)

    def __attrs_post_init__(self) -> None:
        check(
            "Touch",
            coded("kind", self.kind, TouchKind),
            aware("at", self.at),
            coded("outcome", self.outcome, TouchOutcome),
            optional(text, "subject", self.subject),
            prose("note", self.note),
        )


@frozen(kw_only=True)
class Rfm:
    """
    Recency, frequency and monetary value of engagements as of a time.

    Attributes:
        recency: Time since the last engagement; None when there was none.
        frequency: How many there were.
        monetary: Sum of their values; None when none of them has one.
    """

    recency: timedelta | None
    frequency: int
    monetary: Money | None


def rfm(engagements: Iterable[Engagement], *, at: datetime, within: timedelta | None = None) -> Rfm:
    """
    Sum up engagements as of a time.

    >>> from datetime import UTC, datetime
    >>> visit = Engagement("form", at=datetime(2026, 3, 2, tzinfo=UTC), value=Money("10", "EUR"))
    >>> rfm([visit, visit], at=datetime(2026, 3, 5, tzinfo=UTC))
    Rfm(recency=datetime.timedelta(days=3), frequency=2, monetary=Money('20', 'EUR'))

    Args:
        engagements: In any order; later ones than `at` are left out.
        at: As of when; aware.
        within: Only those at most this long before `at`; default: all.

    Raises:
        InvalidError: If `at` is naive, or something is no engagement.
        CurrencyMismatchError: If the values are in more than one currency.
    """
    given = to_tuple(engagements)
    check(
        "rfm",
        *each("engagements", given, instance, Engagement, "an Engagement"),
        aware("at", at),
        optional(instance, "within", within, timedelta, "a timedelta"),
    )
    counted = [e for e in given if e.at <= at and (within is None or at - e.at <= within)]
    values = [e.value for e in counted if e.value is not None]
    return Rfm(
        recency=at - max(e.at for e in counted) if counted else None,
        frequency=len(counted),
        monetary=Money.total(values) if values else None,
    )
