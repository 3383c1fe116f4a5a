"""
What a list of facts adds up to: where a deal stands, through which spells it came there, and what cannot be.

Theory. Facts are folded in the order in which they happened. The first one brings the deal into being. A deal is open
in a stage until it is won, lost or withdrawn; only `reopened` opens it again. A fact that cannot be at its place (a
stage after closing, a second win) changes nothing and is named: whoever builds a history from facts is told all of
them. It must be skipped all the same when asked as of an earlier time, since then a reopening may not have been known
yet that explains it. A retracted fact counts from its recording until its retraction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, TypeAlias

from attrs import evolve, frozen

from leadflow.dealparts import CountsAs
from leadflow.forecasting.dealfacts import DealFact
from leadflow.forecasting.deals import Deal, DealState

__all__ = ["Spell", "Standing", "faults", "in_order", "spells", "standings", "unretracted"]

# Facts of one moment, recorded together: a deal is opened, then gets its amount and stage, then is closed.
_RANKS = {"opened": 0, "reopened": 1, "found": 3, "stage": 3, "won": 4, "lost": 4, "withdrawn": 5}
_OF_ATTRIBUTES = 2
_UNDER_WAY = frozenset({"found", "won", "lost", "withdrawn"})
_Place: TypeAlias = tuple[datetime, datetime, int, int, str]
_NO_ATTRIBUTES: Mapping[str, Any] = {}
# What an open deal of which nothing is told says all the same.
_OPEN = Deal("-", state=DealState.OPEN)


@frozen
class Spell:
    """
    A time during which a deal stood as it did.

    Attributes:
        state: Open, won, lost or withdrawn.
        stage: The stage it was in; of a closed deal the last one in which it was open.
        start: When it began; None where that is not known.
        end: When the next one began; None: it goes on.
        counts_as: What a lost deal counts as.
    """

    state: DealState
    stage: str | None
    start: datetime | None
    end: datetime | None = None
    counts_as: CountsAs | None = None


class Standing(NamedTuple):
    """Where a deal stands after some of its facts, and what is known of it."""

    state: DealState
    stage: str | None
    entered_at: datetime | None
    created_at: datetime | None
    recorded_at: datetime
    closed_at: datetime | None = None
    counts_as: CountsAs | None = None
    pushes: int = 0
    attributes: Mapping[str, Any] = _NO_ATTRIBUTES

    @property
    def expected_close(self) -> date | None:
        """The day on which it is expected to close."""
        day: date | None = self.attributes.get("expected_close")
        return day

    def value(self, name: str) -> object:
        """Return the value of an attribute, as the deal of that time has it."""
        told = self.stage if name == "stage" else self.attributes.get(name)
        return getattr(_OPEN, name) if told is None else told


def in_order(facts: Iterable[DealFact]) -> tuple[DealFact, ...]:
    """Return facts in the order in which they happened."""
    return tuple(sorted(facts, key=_place))


def unretracted(facts: Iterable[DealFact]) -> tuple[DealFact, ...]:
    """Return the facts that were not retracted, in the order in which they happened."""
    return in_order(fact for fact in facts if fact.retracted_at is None)


def standings(facts: Sequence[DealFact]) -> Iterator[tuple[datetime, Standing | None]]:
    """
    Yield, per time at which something was recorded or retracted, where the deal stood by what was known then.

    Linear in the facts if they were recorded in the order in which they happened; each time at which one was recorded
    after a later one, or retracted, costs a pass over those known by then. None: all that was known is retracted.
    """
    by_time: dict[datetime, list[DealFact]] = {}
    for fact in facts:
        by_time.setdefault(fact.recorded_at, []).append(fact)
        if fact.retracted_at is not None:
            by_time.setdefault(fact.retracted_at, [])
    retracting = {fact.retracted_at for fact in facts}
    known: list[DealFact] = []
    standing: Standing | None = None
    for t in sorted(by_time):
        new = sorted(by_time[t], key=_place)
        if t in retracting or (known and new and _place(new[0]) < _place(known[-1])):
            known = sorted([*(fact for fact in known if fact.is_known(t)), *new], key=_place)
            standing, new = None, known
        else:
            known += new
        for fact in new:
            standing, _ = _step(standing, fact)
        yield t, standing


def spells(facts: Iterable[DealFact]) -> tuple[Spell, ...]:
    """Return the spells that facts, in the order in which they happened, add up to; attributes make none."""
    found: list[Spell] = []
    standing: Standing | None = None
    for fact in facts:
        before = standing
        standing, _ = _step(before, fact)
        if before is not None and before[:3] == standing[:3]:
            continue
        if found:
            found[-1] = evolve(found[-1], end=fact.at)
        start = None if fact.kind == "found" else fact.at
        found.append(Spell(standing.state, standing.stage, start, None, standing.counts_as))
    return tuple(found)


def faults(facts: Iterable[DealFact]) -> Iterator[tuple[DealFact, str]]:
    """Yield the facts that cannot be where they are, and why; facts in the order in which they happened."""
    standing: Standing | None = None
    before: DealFact | None = None
    for fact in facts:
        if before is not None and before.kind == fact.kind and _place(before) == _place(fact):
            yield fact, f"{fact.kind!r} is told twice at {fact.at.isoformat()}: {before.value!r} and {fact.value!r}"
        else:
            standing, fault = _step(standing, fact)
            if fault:
                yield fact, fault
        before = fact


def _place(fact: DealFact) -> _Place:
    return fact.at, fact.recorded_at, fact.order, _RANKS.get(fact.kind, _OF_ATTRIBUTES), fact.kind


def _step(standing: Standing | None, fact: DealFact) -> tuple[Standing, str]:
    """Return where a deal stands after one more fact, and what is wrong with the fact's place, if anything."""
    kind, value, at = fact.kind, fact.value, fact.at
    if standing is None:
        # Who finds a deal under way, or closed, does not know when it came into being.
        standing = Standing(DealState.OPEN, None, None, None if kind in _UNDER_WAY else at, fact.recorded_at)
        if kind == "opened":
            return standing._replace(stage=value, entered_at=None if value is None else at), ""
    elif fact.recorded_at > standing.recorded_at:
        standing = standing._replace(recorded_at=fact.recorded_at)
    if kind not in _RANKS:
        return _attribute(standing, kind, value), ""
    fault = _fault(standing, kind)
    if fault:
        return standing, f"{kind!r} at {at.isoformat()} {fault}"
    match kind:
        case "found":
            standing = standing._replace(stage=value, entered_at=None)
        case "stage" if value != standing.stage:
            standing = standing._replace(stage=value, entered_at=at)
        case "reopened":
            stage = standing.stage if value is None else value
            standing = standing._replace(
                state=DealState.OPEN, stage=stage, entered_at=at, closed_at=None, counts_as=None
            )
        case "won":
            standing = standing._replace(state=DealState.WON, closed_at=at)
        case "lost":
            counts_as = None if value is None else CountsAs(value)
            standing = standing._replace(state=DealState.LOST, closed_at=at, counts_as=counts_as)
        case "withdrawn":
            standing = standing._replace(state=DealState.WITHDRAWN, counts_as=None)
        case _:
            pass  # the stage it is in already
    return standing, ""


def _fault(standing: Standing, kind: str) -> str:
    """Say why a fact that changes where the deal stands cannot come now, if so."""
    if kind == "opened":
        return "is not the first fact of the deal"
    if standing.state is DealState.WITHDRAWN:
        return "comes after the deal was withdrawn"
    if standing.closed_at is None:
        return "comes while the deal is open" if kind == "reopened" else ""
    if kind in {"reopened", "withdrawn"}:
        return ""
    return f"comes when the deal is {standing.state} since {standing.closed_at.isoformat()}, and no 'reopened' between"


def _attribute(standing: Standing, name: str, value: object) -> Standing:
    pushes = standing.pushes
    if name == "expected_close" and isinstance(value, date):
        before = standing.expected_close
        pushes += before is not None and value > before
    return standing._replace(attributes={**standing.attributes, name: value}, pushes=pushes)
