"""
Scores: points added up and kept within limits, and the range in which the sum can still fall.

Theory. Interval arithmetic in whole milli-points. What is unknown makes a score a range [low, high] that shrinks as
facts become known and never leaves what it was. Sums add ranges; a cap cuts both ends and says what it cut. What gives
points by itself, an `Award`, is one criterion of a policy.
"""

# ruff: noqa: D102 - overrides are documented on their base class

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TypeAlias

from attrs import evolve, field, frozen

from leadflow.assessment import points_text
from leadflow.errors import Problem
from leadflow.qualification.logic import Open, Statement
from leadflow.qualification.milli import Number, milli, points_problem, to_points
from leadflow.qualification.nodes import Node, Reading, quoted, tuples
from leadflow.validation import check, each, optional, text, when

__all__ = ["Award", "Cap", "Range", "Score", "Sum", "cap", "score_problem"]

Range: TypeAlias = tuple[int, int]


class Score(Node):
    """Something that gives points."""

    __slots__ = ()

    @abstractmethod
    def range(self, reading: Reading, /) -> Range:
        """Return the least and the most it can give, in milli-points."""

    @property
    @abstractmethod
    def reach(self) -> Range:
        """The least and the most it can give to anybody, in milli-points."""

    @property
    def parts(self) -> tuple[tuple[str, "Score"], ...]:
        """What it adds up, each with its path below this; empty for what gives points itself."""
        return ()

    @abstractmethod
    def lenient(self) -> "Score":
        """Return the same with every open unknown taken as nothing."""

    @abstractmethod
    def open_facts(self, reading: Reading, /) -> Open:
        """Yield each unknown fact that could change what it gives, with how much, in milli-points."""

    def note(self, reading: Reading, /) -> str:
        """Return what a reader should know besides."""
        del reading
        return ""


class Award(Score):
    """Something that gives points by itself: one criterion of a policy."""

    __slots__ = ()

    @property
    @abstractmethod
    def taken(self) -> Range:
        """What an unknown counts as: the least and the most, in milli-points."""

    @abstractmethod
    def truth(self, reading: Reading, /) -> bool | None:
        """Return whether it gives points (True), does not (False), or may (None)."""


def score_problem(path: str, value: object) -> Problem | None:
    """Check for something that gives points; a criterion alone gives none."""
    if isinstance(value, Score):
        return None
    hint = "; write points(10, when=...)" if isinstance(value, Statement) else ""
    return Problem(path, f"must be something that gives points, got {quoted(value)}{hint}", is_type=True)


@frozen
class Sum(Score):
    """Points added up."""

    items: tuple[Score, ...]

    def __attrs_post_init__(self) -> None:
        check("Sum", *each("items", self.items, score_problem))

    @property
    def parts(self) -> tuple[tuple[str, Score], ...]:
        return tuple((f"items[{position}]", item) for position, item in enumerate(self.items))

    @property
    def text(self) -> str:
        return f"the sum of {len(self.items)}"

    @property
    def reach(self) -> Range:
        reaches = [item.reach for item in self.items]
        return sum(low for low, _ in reaches), sum(high for _, high in reaches)

    def range(self, reading: Reading, /) -> Range:
        ranges = [item.range(reading) for item in self.items]
        return sum(low for low, _ in ranges), sum(high for _, high in ranges)

    def lenient(self) -> Score:
        return Sum(tuple(item.lenient() for item in self.items))

    def open_facts(self, reading: Reading, /) -> Open:
        yield from _open_parts(self.items, reading)


@frozen
class Cap(Score):
    """
    Points kept within limits, under a name: a group of a scorecard.

    Attributes:
        item: What is cut.
        low: The least it may give; None: no limit.
        high: The most it may give; None: no limit.
        name: What the group is called.
    """

    item: Score
    low: Decimal | None = field(default=None, converter=to_points)
    high: Decimal | None = field(default=None, converter=to_points)
    name: str = ""

    def __attrs_post_init__(self) -> None:
        low = optional(points_problem, "low", self.low)
        high = optional(points_problem, "high", self.high)
        crossed = None
        if low is None and high is None and self.low is not None and self.high is not None:
            crossed = when(self.low > self.high, "low", f"must be at most high, got {self.low} and {self.high}")
        check(
            "cap",
            score_problem("item", self.item),
            low,
            high,
            crossed,
            optional(text, "name", self.name or None),
        )

    @property
    def parts(self) -> tuple[tuple[str, Score], ...]:
        return (("item", self.item),)

    @property
    def text(self) -> str:
        limits = [f"at least {points_text(milli(self.low))}"] if self.low is not None else []
        limits += [f"at most {points_text(milli(self.high))}"] if self.high is not None else []
        return f"{self.name or self.item.text}: {' and '.join(limits) or 'no limit'}"

    def cut(self, value: int) -> int:
        """Return milli-points kept within the limits."""
        if self.low is not None:
            value = max(value, milli(self.low))
        return value if self.high is None else min(value, milli(self.high))

    @property
    def reach(self) -> Range:
        low, high = self.item.reach
        return self.cut(low), self.cut(high)

    def range(self, reading: Reading, /) -> Range:
        low, high = self.item.range(reading)
        return self.cut(low), self.cut(high)

    def lenient(self) -> Score:
        return evolve(self, item=self.item.lenient())

    def open_facts(self, reading: Reading, /) -> Open:
        yield from _open_parts((self.item,), reading)

    def note(self, reading: Reading, /) -> str:
        low, high = self.item.range(reading)
        if (self.cut(low), self.cut(high)) == (low, high):
            return ""
        before = points_text(low) if low == high else f"{points_text(low)} to {points_text(high)}"
        return f"cut from {before}"


def _open_parts(items: Iterable[Score], reading: Reading) -> Iterator[tuple[str, float]]:
    for item in items:
        low, high = item.range(reading)
        if low != high:
            yield from item.open_facts(reading)


def cap(item: Score | Iterable[Score], low: Number | None = None, high: Number | None = None, *, name: str = "") -> Cap:
    """
    Keep points within limits; several are added up first.

    >>> from leadflow.qualification import fact, points
    >>> cap([points(5, when=fact("source").equals(name)) for name in ("fair", "web")], high=8, name="origin").text
    'origin: at most 8'
    """
    several = () if isinstance(item, Score) else tuples("cap", "what gives points", item=item)
    return Cap(item if isinstance(item, Score) else Sum(*several), low, high, name)
