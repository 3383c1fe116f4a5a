"""What happens to any record: engagements, touches, discoveries, corrections, and leaving the path."""

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from attrs import field, frozen
from attrs.converters import optional as unless_none

from leadflow.dealparts import OpportunityType, ProductInterest, Reason, TeamMember, to_products
from leadflow.discovery import NOTHING_LEARNT, Change, Discovery, change_problems, to_changes
from leadflow.engagement import Engagement, Touch
from leadflow.errors import Problem
from leadflow.events.base import Event, none_ahead, to_items
from leadflow.fields import NO_FIELDS, Fields, fields_problems, to_fields
from leadflow.ids import AccountId
from leadflow.money import Money
from leadflow.party import Company, Consent, Person
from leadflow.redaction import PERSONAL
from leadflow.validation import (
    aware,
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
    words,
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
    "between_us",
    "said",
]

_Problems = tuple[Problem | None, ...]


def between_us(event: Event, engagements: object, touches: object, discovery: object) -> list[Problem | None]:
    """Say what is wrong with what an opening event brings along of what happened between us."""
    problems = [
        *_dated(event, "engagements", engagements, Engagement, "an Engagement"),
        *_dated(event, "touches", touches, Touch, "a Touch"),
    ]
    if discovery is NOTHING_LEARNT:
        return problems
    problems.append(instance("discovery", discovery, Discovery, "a Discovery"))
    if isinstance(discovery, Discovery):
        for name, learned in discovery:
            problems += none_ahead(event, f"discovery.{name}", learned)
    return problems


def said(event: Event, consents: object) -> list[Problem | None]:
    """Say what is wrong with the consents that an opening event brings along."""
    return _dated(event, "consents", consents, Consent, "a Consent")


def _dated(event: Event, path: str, values: Any, kind: type[Any], words: str) -> list[Problem | None]:  # noqa: ANN401
    # Most records begin with nothing of a kind or little, and capturing a lead must be quick: one look at what is well.
    if values == ():
        return []
    if not isinstance(values, tuple):
        return each(path, values, instance, kind, words)
    limit = event.recorded_at
    if aware("recorded_at", limit) is None and all(type(value) is kind and value.at <= limit for value in values):
        return []
    later = (wrong for place, value in enumerate(values) for wrong in none_ahead(event, f"{path}[{place}]", value))
    return [*each(path, values, instance, kind, words), *later]


_to_opportunity_type_or_none = member(OpportunityType, none=True)


def _opportunity_type_or_none(value: OpportunityType | str | None) -> OpportunityType | None:
    return _to_opportunity_type_or_none(value)


@frozen(kw_only=True, eq=False, repr=False)
class Engaged(Event):
    """
    They did something; may be recorded late.

    Attributes:
        engagement: What they did, and when: its own `at` counts wherever engagements do. The event's `at` may be
            the same or later (when somebody took note), its `recorded_at` is never earlier.
    """

    may_be_late: ClassVar[bool] = True
    engagement: Engagement

    def _problems(self) -> _Problems:
        return (
            instance("engagement", self.engagement, Engagement, "an Engagement"),
            *none_ahead(self, "engagement", self.engagement),
        )


@frozen(kw_only=True, eq=False, repr=False)
class Touched(Event):
    """
    We did something; may be recorded late.

    Attributes:
        touch: What we did, and when; see `Engaged` for its `at`.
    """

    may_be_late: ClassVar[bool] = True
    touch: Touch

    def _problems(self) -> _Problems:
        return (instance("touch", self.touch, Touch, "a Touch"), *none_ahead(self, "touch", self.touch))


@frozen(kw_only=True, eq=False, repr=False)
class WorkStarted(Event):
    """Our first touch took a new lead into work."""


@frozen(kw_only=True, eq=False, repr=False)
class Discovered(Event):
    """Something was learnt (or, where a change is None, taken back to "not asked")."""

    changes: tuple[Change, ...] = field(converter=to_changes)

    def _problems(self) -> _Problems:
        problems = change_problems(self.changes)
        if any(problems):
            return tuple(problems)
        return tuple(wrong for name, learned in self.changes for wrong in none_ahead(self, name, learned))


@frozen(kw_only=True, eq=False, repr=False)
class Assigned(Event):
    """Somebody became the owner; None: nobody is."""

    owner: str | None

    def _problems(self) -> _Problems:
        return (optional(code, "owner", self.owner),)


@frozen(kw_only=True, eq=False, repr=False)
class ConsentRecorded(Event):
    """They said whether we may contact them on one channel for one purpose."""

    consent: Consent

    def _problems(self) -> _Problems:
        return (instance("consent", self.consent, Consent, "a Consent"), *none_ahead(self, "consent", self.consent))


@frozen(kw_only=True, eq=False, repr=False)
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
    product_interest: tuple[ProductInterest, ...] | None = field(default=None, converter=unless_none(to_products))
    needs: tuple[str, ...] | None = field(default=None, converter=unless_none(to_items), metadata=PERSONAL)
    competitors: tuple[str, ...] | None = field(default=None, converter=unless_none(to_items))
    team: tuple[TeamMember, ...] | None = field(default=None, converter=unless_none(to_items))
    tags: frozenset[str] | None = field(default=None, converter=unless_none(to_set))
    fields: Fields | None = field(default=None, converter=unless_none(to_fields), metadata=PERSONAL)
    note: str = field(default="", metadata=PERSONAL)
    cleared: frozenset[str] = field(default=frozenset(), converter=to_set)

    def _problems(self) -> _Problems:
        cleared = each("cleared", self.cleared, coded, _BLANKS)
        twice = [] if any(cleared) else [name for name in sorted(self.cleared) if getattr(self, name) is not None]
        return (
            optional(text, "name", self.name),
            optional(instance, "person", self.person, Person, "a Person"),
            optional(instance, "company", self.company, Company, "a Company"),
            optional(text, "source", self.source),
            optional(text, "campaign", self.campaign),
            optional(code, "account_id", self.account_id),
            optional(coded, "type", self.type, OpportunityType),
            optional(instance, "estimated_value", self.estimated_value, Money, "Money"),
            *_each(
                "product_interest",
                self.product_interest,
                instance,
                ProductInterest,
                "a ProductInterest or a product code",
            ),
            *_each("needs", self.needs, words),
            *_each("competitors", self.competitors, text),
            *_each("team", self.team, instance, TeamMember, "a TeamMember"),
            *_each("tags", self.tags, text),
            *(() if self.fields is None else fields_problems("fields", self.fields)),
            prose("note", self.note),
            *cleared,
            *(Problem(name, f"must not be both given and cleared, got {getattr(self, name)!r}") for name in twice),
        )

    def changes(self) -> dict[str, Any]:
        """Return the new value of each attribute that was mentioned; of a cleared one, its blank."""
        named = {name: getattr(self, name) for name in _BLANKS if getattr(self, name) is not None}
        return named | {name: _BLANKS[name] for name in self.cleared}


def _each(path: str, values: object, *rule: Any) -> list[Problem | None]:  # noqa: ANN401 - what `each` takes
    return [] if values is None else each(path, values, *rule)


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


@frozen(kw_only=True, eq=False, repr=False)
class Nurtured(Event):
    """We put them aside until they are ready."""

    revisit_on: date | None = None
    note: str = field(default="", metadata=PERSONAL)

    def _problems(self) -> _Problems:
        return (optional(day, "revisit_on", self.revisit_on), prose("note", self.note))


@frozen(kw_only=True, eq=False, repr=False)
class Disqualified(Event):
    """We decided not to sell to them."""

    reason: Reason
    note: str = field(default="", metadata=PERSONAL)

    def _problems(self) -> _Problems:
        return (instance("reason", self.reason, Reason, "a Reason"), prose("note", self.note))


@frozen(kw_only=True, eq=False, repr=False)
class Reopened(Event):
    """We took them up again after nurturing or disqualifying."""

    note: str = field(default="", metadata=PERSONAL)

    def _problems(self) -> _Problems:
        return (prose("note", self.note),)


@frozen(kw_only=True, eq=False, repr=False)
class Withdrawn(Event):
    """A conversion was undone: the record is out of every rollup, forecast and funnel."""

    note: str = field(default="", metadata=PERSONAL)

    def _problems(self) -> _Problems:
        return (prose("note", self.note),)


@frozen(kw_only=True, eq=False, repr=False)
class Redacted(Event):
    """
    Personal values were replaced throughout the history, on somebody's demand: the only rewriting there is.

    Attributes:
        reason: Why, e.g. ``GDPR Art. 17 request of 2026-05-04``.
    """

    reason: str

    def _problems(self) -> _Problems:
        return (text("reason", self.reason),)
