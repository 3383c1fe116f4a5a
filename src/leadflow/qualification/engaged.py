"""
Points for what the other side did, with the limits that keep clicking from counting as buying.

Theory. The order is fixed: those within the window; at most so many per day (UTC, the latest first); at most so many in
all (the latest first); then each, or once; then decay; then the cap of the kind. With a half-life, an engagement of age
x days gives ``floor(1000 * points * exp(-ln 2 / half_life * x) + 0.5)`` milli-points, rounded one by one and then
summed, which comes out alike on every engine. The figure is read from the subject like any fact and kept in the
assessment.
"""

# ruff: noqa: D102 - overrides are documented on their base class

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import exp, floor, log
from typing import Any, Final

from attrs import evolve, field, frozen

from leadflow.assessment import points_text
from leadflow.fields import FieldValue
from leadflow.qualification.activity import engagement_kind, happened, listed, shortened, sorted_texts, span_problem
from leadflow.qualification.facts import Read
from leadflow.qualification.kinds import Kind
from leadflow.qualification.logic import Open
from leadflow.qualification.milli import MOST_POINTS, Number, milli, points_problem, to_points
from leadflow.qualification.nodes import Reading
from leadflow.qualification.scores import Award, Range, Score
from leadflow.qualification.sheet import FactSheet
from leadflow.validation import check, coded, each, instance, optional, when, whole

__all__ = ["Engaged", "EngagementPoints", "decayed", "engagement_points"]

_DAY: Final = timedelta(days=1)


def decayed(points: int, age: timedelta, half_life: timedelta | None) -> int:
    """
    Return what milli-points are worth after a while.

    >>> [decayed(10_000, timedelta(days=days), timedelta(days=30)) for days in (0, 30, 45)]
    [10000, 5000, 3536]
    """
    if half_life is None:
        return points
    return floor(points * exp(-log(2) / (half_life / _DAY) * (age / _DAY)) + 0.5)


@frozen(kw_only=True, order=False)
class EngagementPoints(Read):
    """
    The milli-points that engagements of some kinds give; a figure read from the subject.

    Attributes:
        kinds: Of which kinds; empty: all.
        points: How many points; may be negative.
        once: Count only once however often it happened.
        least: Give them only when it happened at least so often; implies `once` when above 1.
        per_day: Count at most so many of one day (UTC).
        at_most: Count at most so many in all, the latest.
        within: Only those at most this long before the judgement.
        half_life: After this long an engagement gives half.
        cap: The most that all together give, in points, whatever their sign.
    """

    kinds: tuple[str, ...] = field(default=(), converter=sorted_texts)
    points: Decimal = field(converter=to_points)
    once: bool = False
    least: int = 1
    per_day: int | None = None
    at_most: int | None = None
    within: timedelta | None = None
    half_life: timedelta | None = None
    cap: Decimal | None = field(default=None, converter=to_points)

    def __attrs_post_init__(self) -> None:
        check(
            "engagement_points",
            *each("kinds", self.kinds, engagement_kind),
            points_problem("points", self.points),
            instance("once", self.once, bool, "True or False"),
            whole("least", self.least, 1),
            optional(whole, "per_day", self.per_day, 1),
            optional(whole, "at_most", self.at_most, 1),
            *(span_problem(name, getattr(self, name)) for name in ("within", "half_life")),
            optional(points_problem, "cap", self.cap),
        )
        check(
            "engagement_points",
            when(not self.points, "points", "must not be 0, which can never matter"),
            when(self.cap is not None and self.cap <= 0, "cap", f"must be above 0, got {self.cap}"),
            when(self.at_most is not None and self.at_most < self.least, "at_most", "must not be below least"),
        )

    @property
    def name(self) -> str:
        """The name under which its value is kept; the same for equal figures."""
        limits = {
            "kind": "|".join(self.kinds),
            "once": self.once or None,
            "at_least": self.least if self.least > 1 else None,
            "per_day": self.per_day,
            "at_most": self.at_most,
            "within": None if self.within is None else f"{self.within / _DAY:g}d",
            "half_life": None if self.half_life is None else f"{self.half_life / _DAY:g}d",
            "cap": self.cap,
        }
        inside = ", ".join(f"{name}={limit}" for name, limit in limits.items() if limit)
        return shortened(f"engagements({inside}).milli_points({points_text(milli(self.points))})")

    @property
    def kind(self) -> Kind:
        return Kind.NUMBER

    @property
    def question(self) -> str:
        return "what are the engagements?"

    @property
    def reach(self) -> Range:
        """The least and the most it can be."""
        each_gives, most = milli(self.points), 1000 * MOST_POINTS
        if self.once or self.least > 1:
            most = abs(each_gives)
        elif self.at_most is not None:
            most = abs(each_gives) * self.at_most
        if self.cap is not None:
            most = min(most, milli(self.cap))
        return (0, most) if each_gives > 0 else (-most, 0)

    def read(self, subject: Any, at: datetime, /) -> FieldValue | None:  # noqa: ANN401 - any record
        if isinstance(subject, FactSheet) and self.name in subject.values:
            return subject.values[self.name]
        items = happened("engagements", subject, at)
        return None if items is None else self._given(items, at)

    def _given(self, items: tuple[Any, ...], at: datetime) -> int:
        counted = sorted((item.at for item in items if self._counts(item, at)), reverse=True)
        if self.per_day is not None:
            counted = _per_day(counted, self.per_day)
        counted = counted[: self.at_most]
        if len(counted) < self.least:
            return 0
        if self.once or self.least > 1:
            counted = counted[:1]
        low, high = self.reach
        total = sum(decayed(milli(self.points), at - moment, self.half_life) for moment in counted)
        return max(low, min(high, total))

    def _counts(self, item: Any, at: datetime) -> bool:  # noqa: ANN401 - an Engagement
        return (not self.kinds or item.kind in self.kinds) and (self.within is None or item.at >= at - self.within)


def _per_day(moments: list[datetime], most: int) -> list[datetime]:
    kept: list[datetime] = []
    seen: dict[object, int] = {}
    for moment in moments:
        day = moment.astimezone(UTC).date()
        seen[day] = seen.get(day, 0) + 1
        if seen[day] <= most:
            kept.append(moment)
    return kept


@frozen
class Engaged(Award):
    """
    Points for engagements, as one criterion.

    Attributes:
        figure: How they are counted.
        unknown: What "not tracked" counts as: ``range`` (anything within reach) or ``zero``, which is a closing form.
    """

    figure: EngagementPoints
    unknown: str = "range"

    def __attrs_post_init__(self) -> None:
        check(
            "engagement_points",
            instance("figure", self.figure, EngagementPoints, "an EngagementPoints"),
            coded("unknown", self.unknown, ("range", "zero")),
        )

    @property
    def is_closing(self) -> bool:
        return self.unknown != "range"

    @property
    def text(self) -> str:
        figure = self.figure
        often = f" if at least {figure.least}" if figure.least > 1 else " once" if figure.once else " each"
        return f"{points_text(milli(figure.points))}{often} for {', '.join(figure.kinds) or 'any engagement'}"

    @property
    def reach(self) -> Range:
        return self.figure.reach

    @property
    def taken(self) -> Range:
        return self.reach if self.unknown == "range" else (0, 0)

    def range(self, reading: Reading, /) -> Range:
        value: Any = self.figure.value(reading)
        return self.taken if value is None else (value, value)

    def truth(self, reading: Reading, /) -> bool | None:
        value = self.figure.value(reading)
        return None if value is None else value != 0

    def lenient(self) -> Score:
        return evolve(self, unknown="zero")

    def open_facts(self, reading: Reading, /) -> Open:
        del reading
        low, high = self.reach
        yield self.figure.name, high - low


def engagement_points(
    kind: str | Iterable[str] | None = None,
    *,
    points: Number,
    once: bool = False,
    at_least: int = 1,
    per_day: int | None = None,
    at_most: int | None = None,
    within: timedelta | None = None,
    half_life: timedelta | None = None,
    cap: Number | None = None,
    unknown: str = "range",
) -> Engaged:
    """
    Give points for engagements: for each, once, or when there are at least so many.

    >>> engagement_points("webinar", points=5, per_day=1, half_life=timedelta(days=30), cap=20).text
    '5 each for webinar'

    Args:
        kind: One kind, several, or all.
        points: How many points.
        once: Give them once, however often it happened.
        at_least: Give them once, when it happened at least so often.
        per_day: Count at most so many of one day (UTC), the latest.
        at_most: Count at most so many in all, the latest.
        within: Only those at most this long before the judgement.
        half_life: After this long an engagement gives half.
        cap: The most that all together give.
        unknown: What "not tracked" counts as: ``range`` or ``zero``.

    Raises:
        InvalidError: Naming everything that is wrong.
    """
    figure = EngagementPoints(
        kinds=listed(kind),
        points=points,
        once=once,
        least=at_least,
        per_day=per_day,
        at_most=at_most,
        within=within,
        half_life=half_life,
        cap=cap,
    )
    return Engaged(figure, unknown)
