"""
Histories: what was known of a deal at any past time.

Theory. A forecast is judged by what it could have known. So a history keeps for each fact when it happened and when it
was recorded, and `as_of(t)` folds only what had been recorded by t: nothing recorded later can change the answer, which
is what "no look-ahead" means here, by construction. A history is made of plain facts, for hosts and notebooks that have
no leadflow entities, or of an `Opportunity`, whose events are such facts. Every function that takes a `history` takes
an iterable of either.

Cost. Facts are folded once; after that `as_of` is a binary search, and each distinct answer is made once, `spells` the
same. Thousands of days may be asked of each deal.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias

from attrs import evolve, field, frozen

from leadflow import markup
from leadflow.errors import Problem
from leadflow.forecasting.dealfacts import DealFact
from leadflow.forecasting.deals import Deal, DealState
from leadflow.forecasting.historyfold import Spell, Standing, faults, in_order, spells, standings, unretracted
from leadflow.forecasting.opportunityfacts import facts_of
from leadflow.money.exact import item_problems
from leadflow.opportunity import Opportunity
from leadflow.validation import aware, check, code, each, instance, invalid, to_instant, to_tuple, unique

__all__ = ["DealHistory", "History", "histories_of"]

# So many faults of one deal are named in a message.
_NAMED = 5


def _facts(values: Iterable[DealFact]) -> tuple[DealFact, ...]:
    given: Any = to_tuple(values)
    if isinstance(given, tuple) and all(isinstance(value, DealFact) for value in given):
        return in_order(given)
    return given  # type: ignore[no-any-return]  # refused by the check


@frozen
class DealHistory:
    """
    A deal through time, by what happened and by what was known.

    >>> from datetime import UTC, datetime, timedelta
    >>> start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> history = DealHistory(
    ...     "O-1",
    ...     [
    ...         DealFact("opened", "qualified", at=start),
    ...         DealFact("stage", "proposal", at=start + timedelta(days=4), recorded_at=start + timedelta(days=6)),
    ...         DealFact("won", at=start + timedelta(days=20)),
    ...     ],
    ... )
    >>> [history.as_of(start + timedelta(days=day)).stage for day in (0, 5, 6)]
    ['qualified', 'qualified', 'proposal']
    >>> history.as_of(start - timedelta(days=1)) is None, history.as_of(start + timedelta(days=20)).is_won
    (True, True)

    Attributes:
        id: The deal's id.
        facts: In any order; kept in the order in which they happened.

    Raises:
        InvalidError: If there is no fact, or facts contradict each other (all of them named): one told twice, a stage
            or a second closing after a closing without a reopening between them, anything after a withdrawal.
    """

    id: str
    facts: tuple[DealFact, ...] = field(converter=_facts)
    _opportunity: Opportunity | None = field(default=None, kw_only=True, repr=False, alias="_opportunity")
    _is_cut: bool = field(default=False, kw_only=True, eq=False, repr=False, alias="_is_cut")

    def __attrs_post_init__(self) -> None:
        given: Any = self.facts
        subject = f"DealHistory {self.id!r}"
        if self._opportunity is not None or self._is_cut:
            return  # kept in order by its own rules; or was in order as a whole
        check(
            subject,
            code("id", self.id),
            *each("facts", given, instance, DealFact, "a DealFact"),
            Problem("facts", "must have at least one fact, got none") if given == () else None,
        )
        wrong = [Problem("facts", fault) for _, fault in faults(unretracted(self.facts))]
        if wrong:
            raise invalid(subject, *wrong)

    @classmethod
    def of(cls, opportunity: Opportunity) -> "DealHistory":
        """
        Return an opportunity's history.

        Its `as_of(t)` is ``Deal.of(opportunity, as_of=t)``.
        """
        given: Any = opportunity
        check("DealHistory.of", instance("opportunity", given, Opportunity, "an Opportunity"))
        return cls(opportunity.id, facts_of(opportunity), _opportunity=opportunity)

    @cached_property
    def standings(self) -> tuple[tuple[datetime, Standing | None], ...]:
        """Where the deal stood, and since when that was known; None: all that was known of it is retracted."""
        return tuple(standings(self.facts))

    @cached_property
    def _times(self) -> list[datetime]:
        if self._opportunity is not None:
            return sorted({to_instant(event.recorded_at) for event in self._opportunity.history})
        return [recorded_at for recorded_at, _ in self.standings]

    @cached_property
    def _deals(self) -> dict[int, Deal | None]:
        return {}

    @cached_property
    def _paths(self) -> dict[int, tuple[Spell, ...]]:
        return {}

    @property
    def first_recorded_at(self) -> datetime:
        """When the deal came to be known."""
        return self._times[0]

    @property
    def last_recorded_at(self) -> datetime:
        """When the last of its facts was recorded."""
        return self._times[-1]

    def as_of(self, t: datetime) -> Deal | None:
        """
        Return the deal as it was known at a time; None before anything of it was recorded.

        Args:
            t: As of when, inclusive; aware.
        """
        check("DealHistory.as_of", aware("t", t))
        known = bisect_right(self._times, to_instant(t))
        if not known:
            return None
        if known not in self._deals:
            self._deals[known] = self._deal(known)
        return self._deals[known]

    def _deal(self, known: int) -> Deal | None:
        if self._opportunity is not None:
            return Deal.of(self._opportunity, self._times[known - 1])
        standing = self.standings[known - 1][1]
        return None if standing is None else _as_deal(self.id, standing)

    def known_by(self, t: datetime) -> "DealHistory | None":
        """
        Return the history as it was at a time, without anything that was recorded or retracted later.

        None before anything of it was recorded. What is made of it cannot look ahead: there is nothing to see.

        Args:
            t: When, inclusive; aware.
        """
        check("DealHistory.known_by", aware("t", t))
        limit = to_instant(t)
        if self.first_recorded_at > limit:
            return None
        if self.last_recorded_at <= limit:
            return self
        if self._opportunity is not None:
            then = self._opportunity.as_of(limit)
            return None if then is None else DealHistory.of(then)
        facts = tuple(_then(fact, limit) for fact in self.facts if fact.recorded_at <= limit)
        return DealHistory(self.id, facts, _is_cut=True)

    def spells(self, as_of: datetime) -> tuple[Spell, ...]:
        """
        Return the spells that the deal had gone through, stage by stage, by what was known at a time.

        Facts that were recorded late are where they happened, so this is what hindsight makes of the past, while
        `as_of` of an earlier time is what people saw.
        """
        check("DealHistory.spells", aware("as_of", as_of))
        limit = to_instant(as_of)
        known = bisect_right(self._times, limit)
        if known not in self._paths:
            self._paths[known] = spells(fact for fact in self.facts if fact.is_known(limit))
        return self._paths[known]

    def to_rows(self) -> list[dict[str, object]]:
        """Return the facts, one row each, in the order in which they happened."""
        return [{"deal": self.id, **fact.to_row()} for fact in self.facts]

    def _repr_html_(self) -> str:
        return markup.section(f"History of deal {self.id}", markup.table(self.to_rows()))


History: TypeAlias = Iterable[DealHistory | Opportunity]


def histories_of(subject: str, history: History, *others: Problem | None) -> tuple[DealHistory, ...]:
    """
    Return what a caller gave as `history` as histories of deals, by id; opportunities are converted.

    Args:
        subject: The function that was called, for messages.
        history: An iterable of histories, opportunities or both.
        others: Problems that the caller found with its other arguments; raised together with those of the history.

    Raises:
        InvalidError: If something is neither, or an id comes twice.
    """
    listed: Any = to_tuple(history)
    given: Any = _as_histories(listed) if isinstance(listed, tuple) else listed
    check(
        subject,
        *others,
        *item_problems("history", given, DealHistory, "a DealHistory or an Opportunity", "an iterable of histories"),
        unique("history", [one.id for one in listed if isinstance(one, DealHistory | Opportunity)])
        if isinstance(listed, tuple)
        else None,
    )
    return tuple(sorted(given, key=lambda one: one.id))


def _as_histories(listed: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(DealHistory.of(one) if isinstance(one, Opportunity) else one for one in listed)


def _then(fact: DealFact, t: datetime) -> DealFact:
    """Return a fact as it was known at a time: a later retraction was not."""
    return evolve(fact, retracted_at=None) if fact.retracted_at is not None and fact.retracted_at > t else fact


def _as_deal(id: str, standing: Standing) -> Deal:  # noqa: A002 - the field's word
    attributes: Mapping[str, Any] = {name: value for name, value in standing.attributes.items() if value is not None}
    return Deal(
        id,
        state=standing.state,
        stage=standing.stage,
        created_at=standing.created_at,
        stage_entered_at=standing.entered_at if standing.state is DealState.OPEN else standing.closed_at,
        closed_at=standing.closed_at,
        pushes=standing.pushes,
        recorded_at=standing.recorded_at,
        counts_as=standing.counts_as,
        **attributes,
    )
