"""
Axes: by what a landmark table tells deals apart.

Theory. An axis gives each deal, as it was known on a day, a label; deals with the same labels fall into one cell. It
may look at nothing that was not known on that day. Axes are ordered: each divides the cells of those before it, and a
rate from few deals is drawn towards the rate of the cell that it divides. Beside the axes named here, any attribute of
`Deal` (``type``, ``pipeline_id``, ``owner``) is one by its value.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from leadflow.errors import Problem, did_you_mean
from leadflow.forecasting.deals import ATTRIBUTES
from leadflow.validation import finite

__all__ = ["AXES", "DEFAULT_EDGES", "UNKNOWN", "Axis", "Day", "Known", "axis", "axis_problem", "edge_problems"]

# Days in a stage after which a deal goes into the next cell: most of what happens, happens early.
DEFAULT_EDGES: Final = (0.0, 1.0, 3.0, 7.0, 10.0, 14.0, 21.0, 28.0)
UNKNOWN: Final = "unknown"
# So many pushes and more are one cell.
_MANY_PUSHES = 3
_DAY = timedelta(days=1)
# Attributes that are no group of deals: one of its own for each deal, or no value that can be a label.
_NO_AXES = frozenset(
    {"id", "state", "created_at", "stage_entered_at", "closed_at", "recorded_at", "counts_as", "fields", "tags"}
)


class Day(NamedTuple):
    """A landmark: a moment, its day, and the last day that begins before the horizon ends."""

    at: datetime
    today: date
    last_day: date


class Known(Protocol):
    """What axes read; a standing in a history and a `Deal` both have it."""

    @property
    def stage(self) -> str | None:
        """Code of the stage it is in."""

    @property
    def entered_at(self) -> datetime | None:
        """When it entered the stage."""

    @property
    def expected_close(self) -> date | None:
        """The day on which it is expected to close."""

    @property
    def pushes(self) -> int | None:
        """How often that day was put off."""

    def value(self, name: str) -> object:
        """Return the value of another attribute."""


Axis: TypeAlias = Callable[[Known, Day], str]


def axis(name: str, edges: Sequence[float]) -> Axis:
    """Return the axis of a name; `edges` are the days that divide the time in stage."""
    if name == "time_in_stage":
        return _time_in_stage(edges)
    return AXES.get(name) or _attribute(name)


def axis_problem(path: str, name: object) -> Problem | None:
    """Say what is wrong with the name of an axis, if anything."""
    known = list(dict.fromkeys([*AXES, *(attribute for attribute in ATTRIBUTES if attribute not in _NO_AXES)]))
    if isinstance(name, str) and name in known:
        return None
    hint = did_you_mean(name, known) if isinstance(name, str) else f" (known: {', '.join(known)})"
    return Problem(path, f"is no axis: {name!r}{hint}", not isinstance(name, str))


def edge_problems(edges: object) -> list[Problem | None]:
    """Say what is wrong with edges in days: numbers from 0 on, ascending, at least one."""
    if not isinstance(edges, tuple) or not edges:
        return [Problem("edges", f"must be days in ascending order or 'quantiles', got {edges!r}", is_type=True)]
    wrong = [finite(f"edges[{place}]", edge) for place, edge in enumerate(edges)]
    if any(wrong):
        return wrong
    if edges[0] != 0 or any(after <= before for before, after in pairwise(edges)):
        return [Problem("edges", f"must begin with 0 and ascend, got {edges!r}")]
    return []


def bucket(edges: Sequence[float], place: int) -> str:
    """
    Return the label of the cell between two edges.

    >>> [bucket((0, 1, 3.5), place) for place in (0, 1, 2)]
    ['0 to 1 days', '1 to 3.5 days', '3.5 days or more']
    """
    if place + 1 == len(edges):
        return f"{edges[place]:g} days or more"
    return f"{edges[place]:g} to {edges[place + 1]:g} days"


def _stage(known: Known, day: Day) -> str:  # noqa: ARG001 - the same on every day
    return known.stage or UNKNOWN


def _time_in_stage(edges: Sequence[float]) -> Axis:
    labels = [bucket(edges, place) for place in range(len(edges))]
    inner = [edge * _DAY for edge in edges[1:]]

    def time_in_stage(known: Known, day: Day) -> str:
        if known.entered_at is None:
            return UNKNOWN
        return labels[bisect_right(inner, day.at - known.entered_at)]

    return time_in_stage


def _close_date(known: Known, day: Day) -> str:
    stated = known.expected_close
    if stated is None:
        return "no close date"
    if stated < day.today:
        return "past due"
    return "due in the window" if stated <= day.last_day else "due later"


def _pushes(known: Known, day: Day) -> str:  # noqa: ARG001 - the same on every day
    if known.pushes is None:
        return UNKNOWN
    return f"{_MANY_PUSHES} or more pushes" if known.pushes >= _MANY_PUSHES else f"{known.pushes} pushes"


def _attribute(name: str) -> Axis:
    def attribute(known: Known, day: Day) -> str:  # noqa: ARG001 - the same on every day
        value: Any = known.value(name)
        return UNKNOWN if value is None else str(value)

    return attribute


AXES: Final[Mapping[str, Axis]] = {
    "stage": _stage,
    "time_in_stage": _time_in_stage(DEFAULT_EDGES),
    "close_date": _close_date,
    "pushes": _pushes,
}
