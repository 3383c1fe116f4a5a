"""
Grades: names for where a score falls, alone or as a grid of two groups (A1 to C3).

A grade is certain when both ends of the score's range fall in one band; until then there is none.
"""

# ruff: noqa: D102 - overrides are documented on their base class

from abc import abstractmethod
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise

from attrs import field, frozen

from leadflow.assessment import points_text
from leadflow.errors import Problem
from leadflow.qualification.milli import milli, points_problem, to_many
from leadflow.qualification.nodes import Node, Reading, walk
from leadflow.qualification.scores import Cap, Score
from leadflow.validation import check, each, instance, optional, text, to_tuple, unique, when

__all__ = ["Grades", "Grid", "Scale"]


class Grades(Node):
    """Something that names a score."""

    __slots__ = ()

    @abstractmethod
    def grade(self, score: Score, reading: Reading, /) -> str | None:
        """Return the score's grade, once it is certain."""

    @abstractmethod
    def problems(self, path: str, score: Score | None, /) -> list[Problem | None]:
        """Say what makes it useless for a score: a group that is not there, a band out of reach."""


def _to_labels(values: Iterable[str]) -> tuple[str, ...]:
    return to_tuple(values)


@frozen
class Scale(Grades):
    """
    Names for bands of points.

    >>> Scale(["cold", "warm", "hot"], cuts=[20, 50]).text
    'cold, warm from 20, hot from 50'

    Attributes:
        labels: Per band its name, lowest first; one more than there are cuts.
        cuts: Where the next band begins, in points, ascending; a score on a cut is in the upper band.
        group: Name of the group that is graded; empty: the whole score.
    """

    labels: tuple[str, ...] = field(converter=_to_labels)
    cuts: tuple[Decimal, ...] = field(converter=to_many)
    group: str = ""

    def __attrs_post_init__(self) -> None:
        wrong = each("cuts", self.cuts, points_problem)
        check("Scale", *each("labels", self.labels, text), *wrong, optional(text, "group", self.group or None))
        check(
            "Scale",
            unique("labels", self.labels),
            when(
                len(self.labels) != len(self.cuts) + 1, "labels", f"must be one more than cuts, got {len(self.labels)}"
            ),
            when(any(a >= b for a, b in pairwise(self.cuts)), "cuts", "must ascend"),
        )

    @property
    def text(self) -> str:
        steps = zip(self.labels[1:], self.cuts, strict=True)
        return ", ".join([self.labels[0], *(f"{label} from {points_text(milli(cut))}" for label, cut in steps)])

    def label(self, value: int) -> str:
        """Return the name for a number of milli-points."""
        return self.labels[sum(value >= milli(cut) for cut in self.cuts)]

    def grade(self, score: Score, reading: Reading, /) -> str | None:
        low, high = _graded(score, self.group).range(reading)
        lowest, highest = self.label(low), self.label(high)
        return lowest if lowest == highest else None

    def problems(self, path: str, score: Score | None, /) -> list[Problem | None]:
        if score is None:
            return [Problem(path, "must be left out where nothing gives points")]
        groups = {node.name for _, node in walk(score) if isinstance(node, Cap) and node.name}
        if self.group and self.group not in groups:
            return [Problem(f"{path}.group", f"is no group of the score: {self.group!r} (groups: {sorted(groups)})")]
        low, high = _graded(score, self.group).reach
        return [
            when(milli(cut) <= low or milli(cut) > high, f"{path}.cuts[{position}]", _beyond(cut, low, high))
            for position, cut in enumerate(self.cuts)
        ]


@frozen
class Grid(Grades):
    """
    Two grades side by side, such as fit A to C and engagement 1 to 3: A1 is best.

    Attributes:
        rows: The first part of the name.
        columns: The second part.
    """

    rows: Scale
    columns: Scale

    def __attrs_post_init__(self) -> None:
        rule = "a Scale of one group"
        check("Grid", instance("rows", self.rows, Scale, rule), instance("columns", self.columns, Scale, rule))

    @property
    def text(self) -> str:
        return f"{self.rows.group} ({self.rows.text}) by {self.columns.group} ({self.columns.text})"

    def grade(self, score: Score, reading: Reading, /) -> str | None:
        row, column = self.rows.grade(score, reading), self.columns.grade(score, reading)
        return None if row is None or column is None else f"{row}{column}"

    def problems(self, path: str, score: Score | None, /) -> list[Problem | None]:
        return [*self.rows.problems(f"{path}.rows", score), *self.columns.problems(f"{path}.columns", score)]


def _graded(score: Score, group: str) -> Score:
    if not group:
        return score
    return next(node for _, node in walk(score) if isinstance(node, Cap) and node.name == group)


def _beyond(cut: Decimal, low: int, high: int) -> str:
    reach = f"{points_text(low)} to {points_text(high)}"
    return f"must leave something on either side of {points_text(milli(cut))}; the score reaches from {reach}"
