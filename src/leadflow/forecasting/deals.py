"""
Deals: what forecasting works on.

Theory. A `Deal` is one row: an opportunity as it was known at one time, or a row out of a host's own database. It has
no history and no commands, only the facts that figures are made of, and each of them may be unknown (None). Two facts
are settled here and nowhere else. State beats everything: a won deal is closed and a lost one counts nothing, whatever
category or probability somebody left on it. And a deal's category is the one resolved: the person's call where there is
one, else the stage's.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any

from attrs import field, fields_dict, frozen

from leadflow.calendar import FiscalCalendar
from leadflow.dealparts import CountsAs
from leadflow.errors import Problem
from leadflow.events import ExpectedCloseSet, OpportunityOpened, ProbabilitySource
from leadflow.events.undoing import counting
from leadflow.fields import NO_FIELDS, Fields, FieldValue
from leadflow.money import Money, Recurring
from leadflow.money.exact import item_problems
from leadflow.opportunity import Opportunity
from leadflow.stage import ForecastCategory
from leadflow.validation import (
    MAX_PROSE,
    aware,
    check,
    code,
    coded,
    day,
    each,
    instance,
    invalid,
    member,
    optional,
    probability,
    text,
    to_set,
    to_tuple,
    whole,
)

__all__ = ["Deal", "DealState"]


class DealState(StrEnum):
    """Where a deal stands. Withdrawn: taken back or merged into another; in no figure at all."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"
    WITHDRAWN = "withdrawn"


_STATES = tuple(DealState)
_CATEGORIES = tuple(ForecastCategory)
_COUNTS_AS = tuple(CountsAs)
_to_state = member(DealState)
_to_category = member(ForecastCategory, none=True)
_to_counts_as = member(CountsAs, none=True)


# Named functions, since that is what the type checker accepts as converters.
def _state(value: DealState | str) -> DealState:
    return _to_state(value)


def _category(value: ForecastCategory | str | None) -> ForecastCategory:
    return _to_category(value)  # type: ignore[return-value]  # None is settled once the state is known


def _counts_as(value: CountsAs | str | None) -> CountsAs | None:
    return _to_counts_as(value)


def _tags(values: Iterable[str]) -> frozenset[str]:
    given: Any = values
    return to_set(given) if isinstance(given, Iterable) else given


def _fields(values: Mapping[str, FieldValue]) -> Fields:
    given: Any = values
    return Fields.of(given) if isinstance(given, Mapping) else given


@frozen
class Deal:
    """
    One deal as it was known at one time.

    >>> deal = Deal("O-1", state="open", amount=Money("48000", "EUR"), probability=0.4, fields={"tier": "gold"})
    >>> deal.forecast_category.value, deal.value("tier")
    ('pipeline', 'gold')

    Attributes:
        id: The host's id; once per list of deals.
        state: A `DealState` or its value.
        name: What people call it.
        account: Id of the account.
        owner: Who works on it.
        team: Whose team that is.
        region: Where it is sold.
        product: What is sold; several products of one opportunity are joined with " + ".
        type: Kind of business (new, expansion, renewal, or the host's own).
        source: Where it came from.
        campaign: Which campaign brought it.
        pipeline_id: Which pipeline its stage belongs to.
        stage: Code of its stage.
        probability: Eventual chance of winning it, in [0, 1].
        probability_is_manual: Whether a person set the probability, rather than the stage.
        forecast_category: A `ForecastCategory` or its value: the person's call, else the stage's. An open deal of which
            nothing is said is in the pipeline. A won deal is closed, a lost or withdrawn one omitted, whatever
            is given here: a win counts.
        amount: What it is worth, if that is known; zero is a value of its own, not unknown. One below zero (a credit)
            is the host's to keep, but no figure can count it: each lists it.
        recurring: The recurring part, if it has one.
        expected_close: The day on which it is expected to close.
        pushes: How often that day was put off.
        created_at: When it came into being; aware, as the times below.
        stage_entered_at: When it entered its stage.
        closed_at: When it was won or lost.
        recorded_at: When the last of these facts was recorded; a forecast as of an earlier time refuses the deal.
        counts_as: What a lost deal counts as: a `CountsAs` or its value.
        tags: Labels: any text, as on an `Opportunity`.
        fields: The host's own values; a rollup groups by any of them.

    Raises:
        InvalidError: With every problem found.
    """

    id: str
    state: DealState = field(kw_only=True, converter=_state)
    name: str | None = field(default=None, kw_only=True)
    account: str | None = field(default=None, kw_only=True)
    owner: str | None = field(default=None, kw_only=True)
    team: str | None = field(default=None, kw_only=True)
    region: str | None = field(default=None, kw_only=True)
    product: str | None = field(default=None, kw_only=True)
    type: str | None = field(default=None, kw_only=True)
    source: str | None = field(default=None, kw_only=True)
    campaign: str | None = field(default=None, kw_only=True)
    pipeline_id: str | None = field(default=None, kw_only=True)
    stage: str | None = field(default=None, kw_only=True)
    probability: float | None = field(default=None, kw_only=True)
    probability_is_manual: bool = field(default=False, kw_only=True)
    forecast_category: ForecastCategory = field(default=None, kw_only=True, converter=_category)
    amount: Money | None = field(default=None, kw_only=True)
    recurring: Recurring | None = field(default=None, kw_only=True)
    expected_close: date | None = field(default=None, kw_only=True)
    pushes: int | None = field(default=None, kw_only=True)
    created_at: datetime | None = field(default=None, kw_only=True)
    stage_entered_at: datetime | None = field(default=None, kw_only=True)
    closed_at: datetime | None = field(default=None, kw_only=True)
    recorded_at: datetime | None = field(default=None, kw_only=True)
    counts_as: CountsAs | None = field(default=None, kw_only=True, converter=_counts_as)
    tags: frozenset[str] = field(default=frozenset(), kw_only=True, converter=_tags)
    fields: Fields = field(default=NO_FIELDS, kw_only=True, converter=_fields)

    def __attrs_post_init__(self) -> None:
        check(
            f"Deal {self.id!r}",
            code("id", self.id),
            coded("state", self.state, _STATES),
            *(optional(text, name, getattr(self, name)) for name in TEXTS if getattr(self, name) is not None),
            optional(text, "product", self.product, MAX_PROSE),
            optional(probability, "probability", self.probability),
            instance("probability_is_manual", self.probability_is_manual, bool, "True or False"),
            optional(coded, "forecast_category", self.forecast_category, _CATEGORIES),
            optional(instance, "amount", self.amount, Money, "Money"),
            optional(instance, "recurring", self.recurring, Recurring, "a Recurring"),
            optional(day, "expected_close", self.expected_close),
            optional(whole, "pushes", self.pushes),
            *(optional(aware, name, getattr(self, name)) for name in _TIMES if getattr(self, name) is not None),
            optional(coded, "counts_as", self.counts_as, _COUNTS_AS),
            *each("tags", self.tags, text),
            instance("fields", self.fields, Fields, "a mapping from names to values"),
            self._contradiction(),
        )
        object.__setattr__(self, "forecast_category", self._settled_category())

    def _contradiction(self) -> Problem | None:
        if self.state is DealState.OPEN:
            if self.closed_at is not None:
                return Problem("closed_at", f"must be None while the deal is open, got {self.closed_at!r}")
            if self.forecast_category is ForecastCategory.CLOSED:
                return Problem("forecast_category", "must not be 'closed' while the deal is open; use 'commit'")
        if self.counts_as is not None and self.state in (DealState.OPEN, DealState.WON, DealState.WITHDRAWN):
            return Problem("counts_as", f"must be None unless the deal is lost, got {self.counts_as!r}")
        return None

    def _settled_category(self) -> ForecastCategory:
        given: ForecastCategory | None = self.forecast_category
        if self.state is DealState.OPEN:
            return ForecastCategory.PIPELINE if given is None else given
        return ForecastCategory.CLOSED if self.state is DealState.WON else ForecastCategory.OMITTED

    @classmethod
    def of(cls, opportunity: Opportunity, as_of: datetime | None = None) -> "Deal":
        """
        Return an opportunity as a deal.

        An opportunity has no region, and its team is people; so `team` and `region` are taken from custom fields of
        these names, where they hold text.

        Args:
            opportunity: Its present state; a withdrawn one becomes a deal that is in no figure.
            as_of: As it was known then; aware. Default: as it is.

        Raises:
            InvalidError: If nothing was known of it by then; `of_all` leaves such ones out.
        """
        given: Any = opportunity
        check(
            "Deal.of",
            instance("opportunity", given, Opportunity, "an Opportunity; Deal(...) takes a row of your own"),
            optional(aware, "as_of", as_of),
        )
        known = opportunity if as_of is None else opportunity.as_of(as_of)
        if known is None:
            first = opportunity.history[0].recorded_at
            rule = f"must not be before {opportunity.id!r} was first recorded at {first.isoformat()}, got {as_of!r}"
            raise invalid("Deal.of", Problem("as_of", f"{rule}; Deal.of_all(...) leaves out what did not exist yet"))
        products = sorted({interest.product for interest in known.product_interest})
        return cls(
            known.id,
            state=_state_of(known),
            name=known.name,
            account=known.account_id,
            owner=known.owner,
            **{name: named_field(known.fields, name) for name in NAMED_FIELDS},
            product=" + ".join(products) or None,
            type=known.type.value,
            source=known.source,
            campaign=known.campaign,
            pipeline_id=known.pipeline.id,
            stage=known.stage.code,
            probability=known.probability,
            probability_is_manual=known.probability_source is ProbabilitySource.MANUAL,
            forecast_category=known.forecast_category,
            amount=known.amount,
            recurring=known.recurring,
            expected_close=known.expected_close,
            pushes=_pushes(known),
            created_at=known.created_at,
            stage_entered_at=known.stage_entered_at,
            closed_at=known.closed_at,
            recorded_at=known.updated_at,
            counts_as=known.reason.counts_as if known.is_lost and known.reason else None,
            tags=known.tags,
            fields=known.fields,
        )

    @classmethod
    def of_all(cls, opportunities: Iterable[Opportunity], as_of: datetime | None = None) -> "tuple[Deal, ...]":
        """Return opportunities as deals, in their order, without those of which nothing was known by `as_of`."""
        listed = to_tuple(opportunities)
        check(
            "Deal.of_all",
            *item_problems("opportunities", listed, Opportunity, "an Opportunity", "several opportunities"),
            optional(aware, "as_of", as_of),
        )
        return tuple(
            cls.of(opportunity, as_of)
            for opportunity in listed
            if as_of is None or opportunity.history[0].recorded_at <= as_of
        )

    @property
    def is_open(self) -> bool:
        """Whether it can still be won."""
        return self.state is DealState.OPEN

    @property
    def is_won(self) -> bool:
        """Whether it is won."""
        return self.state is DealState.WON

    @property
    def is_lost(self) -> bool:
        """Whether it is lost, for whatever reason."""
        return self.state is DealState.LOST

    @property
    def is_void(self) -> bool:
        """Whether it should never have counted (a duplicate, say): out of win rates, cycles and learning."""
        return self.state is DealState.WITHDRAWN or self.counts_as is CountsAs.VOID

    def day(self, calendar: FiscalCalendar) -> date | None:
        """
        Return the day on which it counts: of closing when it is closed, else the expected one; None when unknown.

        >>> from datetime import UTC
        >>> from zoneinfo import ZoneInfo
        >>> late = datetime(2026, 4, 1, 3, 30, tzinfo=UTC)
        >>> Deal("O-1", state="won", closed_at=late).day(FiscalCalendar(ZoneInfo("America/New_York")))
        datetime.date(2026, 3, 31)
        """
        if self.state is DealState.OPEN:
            return self.expected_close
        return None if self.closed_at is None else calendar.day_of(self.closed_at)

    def value(self, name: str) -> object:
        """Return what the deal says under a name: its own attribute, else the host's field, else None."""
        own = getattr(self, name) if name in ATTRIBUTES else None
        return self.fields.get(name) if own is None else own


# What an opportunity says in its custom fields only.
NAMED_FIELDS = ("team", "region")


def named_field(fields: Fields, name: str) -> str | None:
    """Return what a custom field says, where it holds a line of text."""
    value = fields.get(name)
    return value if isinstance(value, str) and text(name, value) is None else None


def _state_of(opportunity: Opportunity) -> DealState:
    if opportunity.is_withdrawn:
        return DealState.WITHDRAWN
    if opportunity.is_open:
        return DealState.OPEN
    return DealState.WON if opportunity.is_won else DealState.LOST


def _pushes(opportunity: Opportunity) -> int:
    told = [
        event.expected_close
        for event in counting(opportunity.history).values()
        if isinstance(event, (ExpectedCloseSet, OpportunityOpened))
    ]
    stated = [day for day in told if day is not None]
    return sum(after > before for before, after in pairwise(stated))


ATTRIBUTES = tuple(fields_dict(Deal))
_TIMES = ("created_at", "stage_entered_at", "closed_at", "recorded_at")
TEXTS = (
    "name",
    "account",
    "owner",
    "team",
    "region",
    "type",
    "source",
    "campaign",
    "pipeline_id",
    "stage",
)
