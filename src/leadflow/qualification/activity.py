"""
Facts counted from engagements and touches: how many, how long ago, how much, how often they answered.

Theory. *Never engaged* is known and *not tracked* is unknown: a record that keeps engagements and has none counts zero,
a `FactSheet` without them counts nothing. The days since something that never happened are `NEVER`, a number beyond any
limit in use, so that "within 30 days" is false and "not for 30 days" is true. Only what happened by the time of the
judgement counts; an engagement dated later is a mistake in the data and is refused.
"""

# ruff: noqa: D102 - overrides are documented on their base class

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from attrs import field, frozen

from leadflow.currencies import currency_problem
from leadflow.engagement import KINDS, TouchKind, TouchOutcome
from leadflow.errors import Problem
from leadflow.fields import FieldValue
from leadflow.money import Money
from leadflow.qualification.facts import Read
from leadflow.qualification.kinds import Kind
from leadflow.qualification.nodes import quoted
from leadflow.qualification.sheet import FactSheet
from leadflow.validation import check, coded, each, instance, invalid, optional, text, to_tuple, when

__all__ = [
    "NEVER",
    "Activity",
    "Engagements",
    "Touches",
    "engagement_kind",
    "engagements",
    "happened",
    "listed",
    "shortened",
    "sorted_texts",
    "span_problem",
    "touches",
]

# Days since something that never happened: 2,700 years, and a whole number on every engine.
NEVER: Final = 999_999
_LONGEST_NAME: Final = 150

_MEASURES: Final = {
    "count": Kind.NUMBER,
    "days_since_last": Kind.NUMBER,
    "sum": Kind.MONEY,
    "reply_rate": Kind.NUMBER,
}


def happened(source: str, subject: Any, at: datetime) -> tuple[Any, ...] | None:  # noqa: ANN401 - any record
    """Return a subject's engagements or touches; None where they are not tracked; later ones than `at` are refused."""
    items: tuple[Any, ...] | None = getattr(subject, source, None)
    for position, item in enumerate(items or ()):
        if item.at > at:
            rule = f"is at {item.at.isoformat()}, after the time of the judgement, {at.isoformat()}"
            raise invalid("assess", Problem(f"{source}[{position}]", rule))
    return items


def sorted_texts(values: Iterable[str]) -> tuple[str, ...]:
    """Return texts in order, each once; what is no collection of them is handed on to the check."""
    listed = to_tuple(values)
    return tuple(sorted({str(value) for value in listed})) if isinstance(listed, tuple) else listed


@frozen(kw_only=True, order=False)
class Activity(Read):
    """
    One figure about engagements or touches.

    Attributes:
        source: ``engagements`` or ``touches``.
        measure: ``count``, ``days_since_last``, ``sum`` (of values, engagements only) or ``reply_rate`` (touches only).
        kinds: Only these kinds; empty: all.
        outcomes: Only touches with these outcomes; empty: all.
        campaign: Only engagements of this campaign.
        within: Only those at most this long before the judgement.
        currency: The currency of a sum.
    """

    source: str
    measure: str
    kinds: tuple[str, ...] = field(default=(), converter=sorted_texts)
    outcomes: tuple[str, ...] = field(default=(), converter=sorted_texts)
    campaign: str | None = None
    within: timedelta | None = None
    currency: str | None = None

    def __attrs_post_init__(self) -> None:
        engaged = self.source == "engagements"
        check(
            "Activity",
            coded("source", self.source, ("engagements", "touches")),
            coded("measure", self.measure, _MEASURES),
            *each("kinds", self.kinds, engagement_kind if engaged else coded, *([] if engaged else [TouchKind])),
            *each("outcomes", self.outcomes, coded, TouchOutcome),
            optional(text, "campaign", self.campaign),
            span_problem("within", self.within),
            when(engaged and self.outcomes, "outcomes", "must be left out for engagements"),
            when(not engaged and self.campaign is not None, "campaign", "must be left out for touches"),
            when(self.measure == "sum" and not engaged, "measure", "must not be sum for touches, which have no value"),
            when(self.measure == "reply_rate" and engaged, "measure", "must not be reply_rate for engagements"),
            currency_problem("currency", self.currency) if self.measure == "sum" else None,
            when(self.measure != "sum" and self.currency is not None, "currency", "must be left out but for a sum"),
        )

    @property
    def name(self) -> str:
        """The name under which its value is kept; the same for equal figures."""
        window = None if self.within is None else f"{self.within.total_seconds() / 86_400:g}d"
        limits = {
            "kind": "|".join(self.kinds),
            "outcome": "|".join(self.outcomes),
            "campaign": self.campaign,
            "within": window,
        }
        inside = ", ".join(f"{name}={limit}" for name, limit in limits.items() if limit)
        return shortened(f"{self.source}({inside}).{self.measure}" + (f"({self.currency})" if self.currency else ""))

    @property
    def kind(self) -> Kind:
        return _MEASURES[self.measure]

    @property
    def question(self) -> str:
        return f"what are the {self.source}?"

    def read(self, subject: Any, at: datetime, /) -> FieldValue | None:  # noqa: ANN401
        if isinstance(subject, FactSheet) and self.name in subject.values:
            return subject.values[self.name]
        items = happened(self.source, subject, at)
        return None if items is None else self._measured([item for item in items if self._counts(item, at)], at)

    def _counts(self, item: Any, at: datetime) -> bool:  # noqa: ANN401 - an Engagement or a Touch
        return (
            (not self.kinds or item.kind in self.kinds)
            and (not self.outcomes or item.outcome in self.outcomes)
            and (self.campaign is None or item.campaign == self.campaign)
            and (self.within is None or item.at >= at - self.within)
        )

    def _measured(self, items: list[Any], at: datetime) -> FieldValue | None:
        match self.measure:
            case "count":
                return len(items)
            case "days_since_last":
                return (at - max(item.at for item in items)).days if items else NEVER
            case "reply_rate":
                answered = sum(item.outcome != TouchOutcome.NO_ANSWER for item in items)
                return answered / len(items) if items else None
            case _:
                values = [item.value for item in items if item.value is not None]
                # A sum over several currencies is not known; a rule that needs one converts before it records.
                if any(value.currency != self.currency for value in values):
                    return None
                return Money.total(values, currency=self.currency)


def shortened(name: str) -> str:
    """Return a name that fits a key: a long one keeps its beginning and gets a hash."""
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:_LONGEST_NAME]}...#{sha256(name.encode()).hexdigest()[:12]}"


def engagement_kind(path: str, value: object) -> Problem | None:
    """Check for a kind of engagement: a shipped one, or the host's own."""
    return None if isinstance(value, str) and value.startswith("custom.") else coded(path, value, KINDS)


def span_problem(path: str, span: object) -> Problem | None:
    """Check for a length of time, or none."""
    problem = optional(instance, path, span, timedelta, "a timedelta, such as timedelta(days=30)")
    return problem or when(isinstance(span, timedelta) and span <= timedelta(0), path, "must be longer than nothing")


def listed(kind: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return one kind, several, or none as a tuple."""
    if kind is None:
        return ()
    return (kind,) if isinstance(kind, str) else to_tuple(kind)


def _several_problem(path: str, values: object) -> Problem | None:
    rule = f"must be a text, a list of texts, or None for all, got {quoted(values)}"
    return None if isinstance(values, tuple) else Problem(path, rule, is_type=True)


@frozen(kw_only=True)
class Engagements:
    """A choice of engagements, of which figures can be asked."""

    kinds: tuple[str, ...] = ()
    campaign: str | None = None
    within: timedelta | None = None

    def __attrs_post_init__(self) -> None:
        check(
            "engagements",
            _several_problem("kind", self.kinds),
            *(each("kind", self.kinds, engagement_kind) if isinstance(self.kinds, tuple) else ()),
            optional(text, "campaign", self.campaign),
            span_problem("within", self.within),
        )

    def count(self) -> Activity:
        """Return how many there are."""
        return self._figure("count")

    def days_since_last(self) -> Activity:
        """Return the whole days since the latest; `NEVER` when there is none."""
        return self._figure("days_since_last")

    def sum(self, of: str, currency: str) -> Activity:
        """Return the sum of their values; unknown when one is in another currency."""
        check("sum", coded("of", of, ("value",)))
        return self._figure("sum", currency)

    def _figure(self, measure: str, currency: str | None = None) -> Activity:
        return Activity(
            source="engagements",
            measure=measure,
            kinds=self.kinds,
            campaign=self.campaign,
            within=self.within,
            currency=currency,
        )


@frozen(kw_only=True)
class Touches:
    """A choice of touches, of which figures can be asked."""

    kinds: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    within: timedelta | None = None

    def __attrs_post_init__(self) -> None:
        check(
            "touches",
            _several_problem("kind", self.kinds),
            _several_problem("outcome", self.outcomes),
            *(each("kind", self.kinds, coded, TouchKind) if isinstance(self.kinds, tuple) else ()),
            *(each("outcome", self.outcomes, coded, TouchOutcome) if isinstance(self.outcomes, tuple) else ()),
            span_problem("within", self.within),
        )

    def count(self) -> Activity:
        """Return how many there are."""
        return self._figure("count")

    def days_since_last(self) -> Activity:
        """Return the whole days since the latest; `NEVER` when there is none."""
        return self._figure("days_since_last")

    def reply_rate(self) -> Activity:
        """Return the share that was answered in any way, in [0, 1]; unknown when there is none."""
        return self._figure("reply_rate")

    def _figure(self, measure: str) -> Activity:
        return Activity(source="touches", measure=measure, kinds=self.kinds, outcomes=self.outcomes, within=self.within)


def engagements(
    kind: str | Iterable[str] | None = None, *, within: timedelta | None = None, campaign: str | None = None
) -> Engagements:
    """
    Choose engagements: of one kind or several, not older than `within`, of one campaign.

    >>> (engagements(kind="demo_request", within=timedelta(days=30)).count() >= 1).text
    'engagements(kind=demo_request, within=30d).count >= 1'
    """
    return Engagements(kinds=listed(kind), campaign=campaign, within=within)


def touches(
    kind: str | Iterable[str] | None = None,
    *,
    outcome: str | Iterable[str] | None = None,
    within: timedelta | None = None,
) -> Touches:
    """
    Choose touches: of one kind or several, with one outcome or several, not older than `within`.

    >>> (touches(within=timedelta(days=90)).reply_rate() >= 0.2).text
    'touches(within=90d).reply_rate >= 0.2'
    """
    return Touches(kinds=listed(kind), outcomes=listed(outcome), within=within)
