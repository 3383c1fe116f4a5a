"""What happens to any record: engagements, touches, discoveries, corrections, and leaving the path."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar

from attrs import field, frozen

from leadflow.dealparts import OpportunityType, ProductInterest, Reason, TeamMember
from leadflow.discovery import Change
from leadflow.engagement import Engagement, Touch
from leadflow.errors import Problem
from leadflow.events.base import Event
from leadflow.fields import NO_FIELDS, Fields
from leadflow.ids import AccountId
from leadflow.money import Money
from leadflow.party import Company, Consent, Person
from leadflow.redaction import PERSONAL
from leadflow.validation import (
    code,
    coded,
    day,
    each,
    instance,
    member,
    optional,
    prose,
    text,
    to_set,
)

__all__ = [
    "Assigned",
    "ConsentRecorded",
    "Corrected",
    "Discovered",
    "Disqualified",
    "Engaged",
    "Nurtured",
    "Redacted",
    "Reopened",
    "Touched",
    "Withdrawn",
    "WorkStarted",
    "not_ahead",
]

_Problems = tuple[Problem | None, ...]


def not_ahead(event: Event, *happenings: object) -> list[Problem]:
    """Say which engagements and touches are later than the time the event was recorded at."""
    return [
        Problem(
            f"{type(happening).__name__.lower()}.at",
            f"must not be after the time it is recorded at ({event.recorded_at.isoformat()}), "
            f"got {happening.at.isoformat()}",
        )
        for happening in happenings
        if isinstance(happening, Engagement | Touch)
        and isinstance(event.recorded_at, datetime)
        and event.recorded_at.utcoffset() is not None
        and happening.at > event.recorded_at
    ]


_to_opportunity_type_or_none = member(OpportunityType, none=True)


def _opportunity_type_or_none(value: OpportunityType | str | None) -> OpportunityType | None:
    return _to_opportunity_type_or_none(value)


@frozen(kw_only=True)
class Engaged(Event):
    """They did something; may be recorded late."""

    may_be_late: ClassVar[bool] = True
    engagement: Engagement

    def _problems(self) -> _Problems:
        return (instance("engagement", self.engagement, Engagement, "an Engagement"), *not_ahead(self, self.engagement))


@frozen(kw_only=True)
class Touched(Event):
    """We did something; may be recorded late."""

    may_be_late: ClassVar[bool] = True
    touch: Touch

    def _problems(self) -> _Problems:
        return (instance("touch", self.touch, Touch, "a Touch"), *not_ahead(self, self.touch))


@frozen(kw_only=True)
class WorkStarted(Event):
    """Our first touch took a new lead into work."""


@frozen(kw_only=True)
class Discovered(Event):
    """Something was learnt (or, where a change is None, taken back to "not asked")."""

    changes: tuple[Change, ...]

    def _problems(self) -> _Problems:
        return tuple(each("changes", self.changes, instance, tuple, "a pair of a dimension and a Learned or None"))


@frozen(kw_only=True)
class Assigned(Event):
    """Somebody became the owner; None: nobody is."""

    owner: str | None

    def _problems(self) -> _Problems:
        return (optional(code, "owner", self.owner),)


@frozen(kw_only=True)
class ConsentRecorded(Event):
    """They said whether we may contact them on one channel for one purpose."""

    consent: Consent

    def _problems(self) -> _Problems:
        return (instance("consent", self.consent, Consent, "a Consent"),)


@frozen(kw_only=True)
class Corrected(Event):
    """
    Plain attributes were put right.

    Attributes:
        cleared: Names of attributes that were blanked. Of the others, those that are not None are the new values.
    """

    name: str | None = field(default=None, metadata=PERSONAL)
    person: Person | None = None
    company: Company | None = None
    source: str | None = None
    campaign: str | None = None
    account_id: AccountId | None = None
    type: OpportunityType | None = field(default=None, converter=_opportunity_type_or_none)
    estimated_value: Money | None = None
    product_interest: tuple[ProductInterest, ...] | None = None
    needs: tuple[str, ...] | None = field(default=None, metadata=PERSONAL)
    competitors: tuple[str, ...] | None = None
    team: tuple[TeamMember, ...] | None = None
    tags: frozenset[str] | None = None
    fields: Fields | None = field(default=None, metadata=PERSONAL)
    note: str = field(default="", metadata=PERSONAL)
    cleared: frozenset[str] = field(default=frozenset(), converter=to_set)

    def _problems(self) -> _Problems:
        return (
            optional(text, "name", self.name),
            optional(instance, "person", self.person, Person, "a Person"),
            optional(instance, "company", self.company, Company, "a Company"),
            optional(text, "source", self.source),
            optional(text, "campaign", self.campaign),
            optional(code, "account_id", self.account_id),
            optional(coded, "type", self.type, OpportunityType),
            optional(instance, "estimated_value", self.estimated_value, Money, "Money"),
            *each("product_interest", self.product_interest or (), instance, ProductInterest, "a ProductInterest"),
            *each("needs", self.needs or (), text),
            *each("competitors", self.competitors or (), text),
            *each("team", self.team or (), instance, TeamMember, "a TeamMember"),
            *each("tags", self.tags or (), text),
            optional(instance, "fields", self.fields, Fields, "Fields"),
            prose("note", self.note),
            *each("cleared", self.cleared, coded, _BLANKS),
        )

    def changes(self) -> dict[str, Any]:
        """Return the new value of each attribute that was mentioned; of a cleared one, its blank."""
        named = {name: getattr(self, name) for name in _BLANKS if getattr(self, name) is not None}
        return named | {name: _BLANKS[name] for name in self.cleared}


# Every correctable attribute with what it is when blank.
_BLANKS: Mapping[str, object] = {
    "name": None,
    "person": None,
    "company": None,
    "source": None,
    "campaign": None,
    "account_id": None,
    "type": OpportunityType.NEW,
    "estimated_value": None,
    "product_interest": (),
    "needs": (),
    "competitors": (),
    "team": (),
    "tags": frozenset(),
    "fields": NO_FIELDS,
}


@frozen(kw_only=True)
class Nurtured(Event):
    """We put them aside until they are ready."""

    revisit_on: date | None = None
    note: str = field(default="", metadata=PERSONAL)

    def _problems(self) -> _Problems:
        return (optional(day, "revisit_on", self.revisit_on), prose("note", self.note))


@frozen(kw_only=True)
class Disqualified(Event):
    """We decided not to sell to them."""

    reason: Reason
    note: str = field(default="", metadata=PERSONAL)

    def _problems(self) -> _Problems:
        return (instance("reason", self.reason, Reason, "a Reason"), prose("note", self.note))


@frozen(kw_only=True)
class Reopened(Event):
    """We took them up again after nurturing or disqualifying."""

    note: str = field(default="", metadata=PERSONAL)

    def _problems(self) -> _Problems:
        return (prose("note", self.note),)


@frozen(kw_only=True)
class Withdrawn(Event):
    """A conversion was undone: the record is out of every rollup, forecast and funnel."""

    note: str = field(default="", metadata=PERSONAL)

    def _problems(self) -> _Problems:
        return (prose("note", self.note),)


@frozen(kw_only=True)
class Redacted(Event):
    """
    Personal values were replaced throughout the history, on somebody's demand: the only rewriting there is.

    Attributes:
        reason: Why, e.g. ``GDPR Art. 17 request of 2026-05-04``.
    """

    reason: str

    def _problems(self) -> _Problems:
        return (text("reason", self.reason),)
