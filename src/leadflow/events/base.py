"""
What every event has: two times, an author, checks, and how it compares and shows.

Comparing and showing are written once, here, and each kind of event is declared with ``eq=False, repr=False``: for
forty kinds the methods that attrs would generate took an eighth of ``import leadflow``.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, NotRequired, TypedDict, TypeVar, cast

from attrs import Factory, field, fields, frozen

from leadflow.errors import Problem
from leadflow.validation import (
    aware,
    check,
    code,
    optional,
    to_instant,
    to_instant_or_none,
    to_tuple,
    when,
    whole,
)

__all__ = ["Event", "Opening", "When", "by_kind", "none_ahead", "to_items"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def by_kind(function: _Function) -> _Function:
    """Remember what a function says of a class: `cache`, for a checker that takes classes of attrs for unhashable."""
    return cast("_Function", cache(function))


class When(TypedDict):
    """
    When and by whom: what every command takes, so that callers can write ``lead.touch(touch, **now)``.

    Attributes:
        at: When it happened; aware.
        by: Who did it, the host's user id; None or left out: nobody in particular.
        recorded_at: When we learnt it; aware, not before `at`. Default: `at`.
    """

    at: datetime
    by: NotRequired[str | None]
    recorded_at: NotRequired[datetime]


@frozen(kw_only=True, eq=False, repr=False)
class Event:
    """
    Something that happened to one entity.

    Attributes:
        at: When it happened; aware.
        by: Who did it, the host's user id.
        recorded_at: When we learnt it; aware, not before `at`. Default: `at`.
    """

    # Whether it may have happened before what was recorded earlier: true of engagements and touches, which are
    # often written down late; false of changes of state, which happen in the order of the history.
    may_be_late: ClassVar[bool] = False

    at: datetime = field(converter=to_instant)
    by: str | None = None
    recorded_at: datetime = field(default=Factory(lambda self: self.at, takes_self=True), converter=to_instant)

    def __attrs_post_init__(self) -> None:
        times = [aware("at", self.at)]
        if self.recorded_at is not self.at:
            times.append(aware("recorded_at", self.recorded_at))
            if times == [None, None]:
                times.append(
                    when(
                        self.recorded_at < self.at,
                        "recorded_at",
                        f"must not be before at ({self.at.isoformat()}), got {self.recorded_at.isoformat()}",
                    )
                )
        check(type(self).__name__, *times, optional(code, "by", self.by), *self._problems())

    def _problems(self) -> tuple[Problem | None, ...]:
        """Return what is wrong with the event's own attributes."""
        return ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        read = _reader(type(self))
        return self is other or bool(read(self) == read(other))

    def __hash__(self) -> int:
        return hash((type(self), _reader(type(self))(self)))

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={getattr(self, name)!r}" for name in _names(type(self)))
        return f"{type(self).__name__}({told})"


@by_kind
def _names(kind: type[Event]) -> tuple[str, ...]:
    return tuple(attribute.name for attribute in fields(kind))


@by_kind
def _reader(kind: type[Event]) -> Callable[[Any], tuple[Any, ...]]:
    return attrgetter(*_names(kind))


@frozen(kw_only=True, eq=False, repr=False)
class Opening(Event):
    """
    The first event of a history.

    Attributes:
        stands_for: How many events it stands for: 1, or more where `compacted()` has folded a history into it, so that
            versions go on counting.
        created_at: When the record came into being, where that was before this event; aware.
    """

    stands_for: int = 1
    created_at: datetime | None = field(default=None, converter=to_instant_or_none)

    def _problems(self) -> tuple[Problem | None, ...]:
        wrong = optional(aware, "created_at", self.created_at)
        if wrong is None and self.created_at is not None and aware("at", self.at) is None:
            late = self.created_at > self.at
            wrong = when(late, "created_at", f"must not be after at ({self.at.isoformat()}), got {self.created_at!r}")
        return (whole("stands_for", self.stands_for, 1), wrong)


def none_ahead(event: Event, path: str, *moments: object) -> list[Problem]:
    """
    Say what is later than the time the event was recorded at: nobody can have known it.

    Args:
        event: Whose `recorded_at` counts.
        path: What to name in the problem; several moments are numbered.
        moments: A datetime, or something with an `at`, or a tuple of these; whatever has no aware time is left to the
            checks of its type.
    """
    found: list[Problem] = []
    limit: object = event.recorded_at
    if not isinstance(limit, datetime) or aware("", limit) is not None:
        return found
    for position, moment in enumerate(moments):
        at = getattr(moment, "at", moment)
        if isinstance(at, datetime) and aware("", at) is None and at > limit:
            where = f"{path}[{position}]" if len(moments) > 1 else path
            rule = f"must not be after the time it is recorded at ({limit.isoformat()}), got {at.isoformat()}"
            found.append(Problem(where if moment is at else f"{where}.at", rule))
    return found


def to_items(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return values as a tuple; `to_tuple` in a form that the type checker takes as a converter."""
    return values if type(values) is tuple else to_tuple(values)
