"""
The funnel: how many got how far, how fast, and where and why they fell out.

Theory. Each level is a small race: whoever has reached it either goes on to a later level, or falls out, or is still
there. So there are three honest counts and one rate, gone on / reached, which grows as those who are still there move:
their number stands beside it. Times are read from the Aalen-Johansen curves of that race, in which whoever is still
there counts as long as they have been there; the mean of those who have gone on would be too short. The median is the
time by which half of those who will ever go on, as far as the record shows, have done so. Void journeys are left out.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from leadflow.calendar import Period
from leadflow.errors import Problem, did_you_mean
from leadflow.forecasting.conversion import Conversion
from leadflow.forecasting.hazardcurves import Curves, aalen_johansen
from leadflow.forecasting.layout import percent, text_table
from leadflow.funnel.journeys import ATTRIBUTES, LEVELS, WON, Journey, Levels, level_problems
from leadflow.markup import section, table
from leadflow.validation import aware, check, code, instance, optional, to_tuple, unique

__all__ = ["DropOff", "Funnel", "FunnelRow", "funnel"]

_DAY: Final = timedelta(days=1)
_ON, _OUT = "on", "out"
# Two events at one instant took some time all the same; a microsecond is the least there is.
_LEAST: Final = timedelta(microseconds=1) / _DAY
# A thousand points say how soon wins come as well as a hundred thousand do, and each is looked at for each lead.
_FINEST: Final = 0.001


@frozen(kw_only=True)
class FunnelRow:
    """
    One level of a funnel, of one group.

    Attributes:
        group: What the group has in common; None: all, or unknown where journeys were broken down.
        level: The level's code.
        label: What people call it.
        reached: How many reached it (or came past it).
        now: How many are there now.
        went_on: How many reached a later level.
        fell_out: How many fell out here.
        median_days: Days by which half of those who go on have done so; None: too few have, or it is the last level.
    """

    group: object
    level: str
    label: str
    reached: int
    now: int
    went_on: int
    fell_out: int
    median_days: float | None

    @property
    def rate(self) -> float | None:
        """Gone on / reached, so far; None where nobody reached it, and of the last level."""
        return None if self.level == WON or not self.reached else self.went_on / self.reached


@frozen
class DropOff:
    """
    How many fell out at a level for a reason.

    Attributes:
        group: The group, as in `FunnelRow`.
        level: At which level.
        reason: The reason's code; None: it is not known.
        number: How many.
    """

    group: object
    level: str
    reason: str | None
    number: int


@frozen(kw_only=True, slots=False)
class Funnel:
    """
    How many got how far. Made by `funnel`.

    Attributes:
        as_of: As of when.
        levels: The levels, in order.
        by: What it is broken down by; None: not.
        cohort: Whose journeys are counted: those that began in this period; None: all.
        rows: Per group, in order, one row per level.
        drop_offs: Where they fell out and why, most frequent first within a level.
        void: How many journeys were left out because they should never have counted.
        journeys: Those that were counted.
    """

    as_of: datetime
    levels: Levels
    by: str | None
    cohort: Period | None
    rows: tuple[FunnelRow, ...]
    drop_offs: tuple[DropOff, ...]
    void: int
    journeys: tuple[Journey, ...]

    def row(self, level: str, group: object = None) -> FunnelRow:
        """
        Return the row of a level.

        Raises:
            InvalidError: If there is no such level or group.
        """
        found = next((row for row in self.rows if (row.level, row.group) == (level, group)), None)
        if found is None:
            known = ", ".join(dict.fromkeys(f"{row.level} of {row.group!r}" for row in self.rows)) or "none"
            check("Funnel.row", Problem("level", f"must be one of {known}, got {level!r} of {group!r}"))
        assert found is not None
        return found

    def curves(self, level: str, *, to: str | None = None) -> Curves:
        """
        Return how soon they leave a level: outcomes ``on`` (to a later level, or to the one named) and ``out``.

        ``curves("lead").chance("on", 0, 30)`` is the chance that somebody goes on within 30 days; None where
        nobody was watched.

        Raises:
            InvalidError: If a level is unknown, or `to` does not come after it.
        """
        codes = self.levels.codes
        strange = [
            Problem(path, f"must be one of {', '.join(codes)}, got {name!r}")
            for path, name in (("level", level), ("to", level if to is None else to))
            if name not in codes
        ]
        if not strange and to is not None and codes.index(to) <= codes.index(level):
            strange = [Problem("to", f"must come after {level!r}, got {to!r}")]
        check("Funnel.curves", *strange)
        return _curves(
            self.journeys, self.levels, codes.index(level), None if to is None else codes.index(to), self.as_of
        )

    def conversion(self, level: str) -> Conversion:
        """
        Return how often and how soon those at a level are won, for `leadflow.forecasting.forecast`.

        The rate is what the curves come to when the record ends: who is still open counts as long as they were watched.

        Raises:
            InvalidError: If the level is unknown or the last, or nobody of it was won.
        """
        curves = self.curves(level, to=WON)
        times = [time for time in curves.times if curves.gained(_ON, 0, time) > 0]
        check("Funnel.conversion", None if times else Problem("level", f"must have wins to learn from, got {level!r}"))
        rate = curves.gained(_ON, 0, times[-1])
        shares: dict[timedelta, float] = {}
        told = 0.0
        for time in times:
            share = min(curves.gained(_ON, 0, time) / rate, 1.0)
            if share - told >= _FINEST or time == times[-1]:
                shares[max(time, _LEAST) * _DAY] = told = share
        return Conversion(rate, list(shares.items()), n=curves.n)

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per group and level."""
        grouped = {} if self.by is None else {self.by: None}
        return [
            {
                **dict.fromkeys(grouped, row.group),
                "level": row.level,
                "label": row.label,
                "reached": row.reached,
                "now": row.now,
                "went_on": row.went_on,
                "fell_out": row.fell_out,
                "rate": row.rate,
                "median_days": row.median_days,
            }
            for row in self.rows
        ]

    def __str__(self) -> str:
        shown = [
            {
                **({} if self.by is None else {self.by: row.group}),
                "level": row.label,
                "reached": f"{row.reached:,}",
                "now": f"{row.now:,}",
                "went on": f"{row.went_on:,}",
                "fell out": f"{row.fell_out:,}",
                "rate": None if row.rate is None else percent(row.rate),
                "median days": None if row.median_days is None else f"{row.median_days:.3g}",
            }
            for row in self.rows
        ]
        if not self.journeys:
            return f"nobody as of {self.as_of:%Y-%m-%d}"
        figures = ["reached", "now", "went on", "fell out", "rate", "median days"]
        left_out = [f"{self.void:,} void left out"] if self.void else []
        return "\n".join([*text_table(shown, figures=figures), *left_out])

    def _repr_html_(self) -> str:
        drop_offs = [
            {"group": one.group, "level": one.level, "reason": one.reason, "number": one.number}
            for one in self.drop_offs
        ]
        parts = [table(self.to_rows()), *([table(drop_offs)] if drop_offs else [])]
        return section(f"funnel as of {self.as_of:%Y-%m-%d}", *parts)


def funnel(
    journeys: Iterable[Journey],
    *,
    as_of: datetime,
    levels: Levels = LEVELS,
    by: str | None = None,
    cohort: Period | None = None,
) -> Funnel:
    """
    Return how many got how far, how fast, and where they fell out.

    >>> from datetime import UTC
    >>> day = [datetime(2026, 3, number, tzinfo=UTC) for number in range(1, 10)]
    >>> print(
    ...     funnel(
    ...         [
    ...             Journey("L-1", [("lead", day[0]), ("prospect", day[2]), ("won", day[5])]),
    ...             Journey("L-2", [("lead", day[0])], out_at=day[1], reason="no_need"),
    ...             Journey("L-3", [("lead", day[0]), ("prospect", day[4])]),
    ...         ],
    ...         as_of=day[8],
    ...         levels=Levels({"lead": "MQL", "prospect": "SQL"}),
    ...     )
    ... )
    level  reached  now  went on  fell out      rate  median days
    MQL          3    0        2         1  66.67 %            2
    SQL          2    1        1         0     50 %            3
    Won          1    1        0         0         -            -

    Args:
        journeys: What to count; see `journeys_of` and `stage_journeys`, or make them from rows of your own.
        as_of: Until when they were watched; aware. Nothing of a journey may be later.
        levels: The levels, in order, with their labels.
        by: Break down by ``owner``, ``source`` (the first), ``reason`` or a field's name.
        cohort: Count only journeys that began in this period; whoever of them is on the way still is.

    Raises:
        InvalidError: Naming every unknown level, every step after `as_of`, ids that come twice, and a field to break
            down by that no journey has.
    """
    listed = to_tuple(journeys)
    strange: list[Problem | None] = (
        [
            instance(f"journeys[{place}]", one, Journey, "a Journey")
            for place, one in enumerate(listed)
            if not isinstance(one, Journey)
        ]
        if isinstance(listed, tuple)
        else [instance("journeys", listed, tuple, "several journeys")]
    )
    check(
        "funnel",
        *strange,
        aware("as_of", as_of),
        instance("levels", levels, Levels, "Levels"),
        optional(code, "by", by),
        optional(instance, "cohort", cohort, Period, "a Period"),
    )
    check(
        "funnel",
        unique("journeys", [journey.id for journey in listed]),
        *level_problems(listed, levels),
        *(
            Problem(f"journeys[{journey.id!r}]", f"must not go on after as_of, {as_of}")
            for journey in listed
            if _late(journey, as_of)
        ),
        _by_problem(by, listed),
    )
    begun = [one for one in listed if cohort is None or cohort.contains(one.steps[0].at)]
    counted = tuple(one for one in begun if not one.is_void)
    groups: dict[object, list[Journey]] = {None: []} if by is None else {}
    for journey in counted:
        groups.setdefault(None if by is None else journey.value_of(by), []).append(journey)
    ordered = sorted(groups, key=_order)
    return Funnel(
        as_of=as_of,
        levels=levels,
        by=by,
        cohort=cohort,
        rows=tuple(row for group in ordered for row in _rows(group, groups[group], levels, as_of)),
        drop_offs=tuple(drop for group in ordered for drop in _drop_offs(group, groups[group], levels)),
        void=len(begun) - len(counted),
        journeys=counted,
    )


def _by_problem(by: str | None, journeys: Sequence[Journey]) -> Problem | None:
    known = [*ATTRIBUTES, *sorted({name for journey in journeys for name in journey.fields})]
    if by is None or by in known or not journeys:
        return None
    return Problem("by", f"must be owner, source, reason or a field of a journey, got {by!r}{did_you_mean(by, known)}")


def _late(journey: Journey, as_of: datetime) -> bool:
    return journey.steps[-1].at > as_of or (journey.out_at is not None and journey.out_at > as_of)


def _order(group: object) -> tuple[bool, str, str]:
    return group is None, type(group).__name__, str(group)


def _rows(group: object, journeys: Sequence[Journey], levels: Levels, as_of: datetime) -> Iterator[FunnelRow]:
    places = {name: place for place, name in enumerate(levels.codes)}
    last = Counter(places[journey.level] for journey in journeys)
    out = Counter(places[journey.level] for journey in journeys if journey.out_at is not None)
    # Reached: began no later in the order of levels, and came at least as far.
    first = Counter(places[journey.steps[0].level] for journey in journeys)
    reached = 0
    for place, (name, label) in enumerate(levels.named):
        reached += first[place]
        here = last[place]
        yield FunnelRow(
            group=group,
            level=name,
            label=label,
            reached=reached,
            now=here - out[place],
            went_on=reached - here,
            fell_out=out[place],
            median_days=_median(journeys, levels, place, as_of),
        )
        reached -= here


def _drop_offs(group: object, journeys: Sequence[Journey], levels: Levels) -> Iterator[DropOff]:
    found = Counter((journey.level, journey.reason) for journey in journeys if journey.out_at is not None)
    ordered = sorted(found.items(), key=lambda one: (levels.place(one[0][0]), -one[1], one[0][1] or ""))
    for (level, reason), number in ordered:
        yield DropOff(group, level, reason, number)


def _median(journeys: Sequence[Journey], levels: Levels, place: int, as_of: datetime) -> float | None:
    curves = _curves(journeys, levels, place, None, as_of)
    if not curves.happened(_ON):
        return None
    half = curves.gained(_ON, 0, curves.times[-1]) / 2
    median = next(time for time in curves.times if curves.gained(_ON, 0, time) >= half - 1e-12)
    return 0.0 if median <= _LEAST else median


def _curves(journeys: Sequence[Journey], levels: Levels, place: int, to: int | None, as_of: datetime) -> Curves:
    """Return the race at a level: on to a later one (or to one in particular), out, or still there."""
    places = {name: position for position, name in enumerate(levels.codes)}
    durations, outcomes = [], []
    for journey in journeys:
        reached = {places[step.level]: step.at for step in journey.steps}
        # A level that was skipped was come past: no time was spent there.
        since = reached.get(place)
        if since is None:
            continue
        goal = place + 1 if to is None else to
        later = next((reached[position] for position in sorted(reached) if position >= goal), None)
        if later is not None:
            until, outcome = later, _ON
        elif journey.out_at is not None:
            until, outcome = journey.out_at, _OUT
        else:
            until, outcome = as_of, None
        durations.append(max((until - since) / _DAY, _LEAST))
        outcomes.append(outcome)
    return aalen_johansen(durations, outcomes, possible=(_ON, _OUT))
