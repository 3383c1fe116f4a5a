"""
What gives points by itself: a criterion that holds, or the band into which a value falls.

A criterion that is unknown gives anything between nothing and its points; `unknown=` other than ``range`` closes that
range today.
"""

# ruff: noqa: D102 - overrides are documented on their base class

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

from attrs import evolve, field, frozen

from leadflow.assessment import points_text
from leadflow.errors import Problem
from leadflow.qualification.comparisons import Operand
from leadflow.qualification.kinds import Kind
from leadflow.qualification.logic import Criterion, Open, Predicate, to_predicate
from leadflow.qualification.milli import Number, milli, points_problem, to_many, to_points
from leadflow.qualification.nodes import Reading
from leadflow.qualification.scores import Award, Range, Score
from leadflow.validation import check, instance, shown, to_tuple, when

__all__ = ["Bands", "Points", "bands", "points"]

RANGE: Final = "range"
ZERO: Final = "zero"


def _unknown_problem(value: object) -> Problem | None:
    if isinstance(value, str) and value in (RANGE, ZERO):
        return None
    if isinstance(value, Decimal):
        right = value.is_finite() and 0 <= value <= 1
        return when(not right, "unknown", f"must be a fraction in [0, 1], got {value}")
    return Problem("unknown", f"must be 'range', 'zero' or a fraction in [0, 1], got {shown(value)}")


def _to_fraction(value: Any) -> Any:  # noqa: ANN401
    return value if isinstance(value, str) and value in (RANGE, ZERO) else to_points(value)


def _taken(value: str | Decimal, most: Decimal) -> int:
    """Return the milli-points that an unknown is taken for, rounded down to whole ones."""
    return 0 if value == ZERO or not isinstance(value, Decimal) else int(milli(most) * Fraction(value) // 1)


@frozen
class Points(Award):
    """
    Points for a criterion that holds.

    Attributes:
        points: How many; may be negative; at most three decimals.
        when: The criterion.
        unknown: What an unknown counts as: ``range`` (anything between nothing and the points), ``zero``, or a fraction
            of the points in [0, 1]; the latter two are closing forms.
    """

    points: Decimal = field(converter=to_points)
    when: Predicate
    unknown: str | Decimal = field(default=RANGE, converter=_to_fraction)

    def __attrs_post_init__(self) -> None:
        check(
            "points",
            points_problem("points", self.points),
            instance("when", self.when, Predicate, "a criterion"),
            _unknown_problem(self.unknown),
        )

    @property
    def is_closing(self) -> bool:
        return self.unknown != RANGE

    @property
    def text(self) -> str:
        return f"{points_text(milli(self.points))} if {self.when.text}"

    @cached_property
    def given(self) -> dict[bool | None, Range]:
        """What it gives when it holds, does not, or is unknown."""
        most = milli(self.points)
        return {True: (most, most), False: (0, 0), None: self.taken}

    @property
    def taken(self) -> Range:
        closed = _taken(self.unknown, self.points)
        return self.reach if self.unknown == RANGE else (closed, closed)

    def range(self, reading: Reading, /) -> Range:
        return self.given[self.when.truth(reading)]

    @property
    def reach(self) -> Range:
        most = milli(self.points)
        return min(most, 0), max(most, 0)

    def truth(self, reading: Reading, /) -> bool | None:
        return self.when.truth(reading)

    def lenient(self) -> Score:
        return evolve(self, unknown=ZERO) if self.unknown == RANGE else self

    def open_facts(self, reading: Reading, /) -> Open:
        yield from self.when.open_facts(reading, abs(milli(self.points)))

    def note(self, reading: Reading, /) -> str:
        return self.when.note(reading)


@frozen
class Bands(Award):
    """
    Points by where a number, amount of days or level falls.

    Attributes:
        operand: A number or a level.
        cuts: Where one band ends and the next begins, ascending; a value on a cut is in the upper band.
        points: Per band, lowest first; one more than there are cuts.
        unknown: As for `Points`; a fraction is of the best band, and neither leaves what the bands can give.
    """

    operand: Operand
    cuts: tuple[Any, ...] = field(converter=to_tuple)
    points: tuple[Decimal, ...] = field(converter=to_many)
    unknown: str | Decimal = field(default=RANGE, converter=_to_fraction)

    def __attrs_post_init__(self) -> None:
        check(
            "bands",
            instance("operand", self.operand, Operand, "a fact or another value"),
            instance("cuts", self.cuts, tuple, "a list of values"),
            instance("points", self.points, tuple, "a list of numbers of points"),
        )
        wrong = None
        if self.operand.kind not in (Kind.NUMBER, Kind.LEVEL, Kind.DATE, Kind.INSTANT, Kind.DURATION):
            rule = "use points(...) with a comparison for other kinds"
            wrong = Problem("operand", f"must be a number, level, date or duration, got {self.operand.text}; {rule}")
        check("bands", wrong)
        tests = [self.operand >= cut for cut in self.cuts]
        check(
            "bands",
            when(not tests, "cuts", "must hold at least one value, got none"),
            when(len(self.points) != len(tests) + 1, "points", f"must be one more than cuts, got {len(self.points)}"),
            *(when(not a.is_below(b), "cuts", "must ascend") for a, b in pairwise(tests)),
            *(points_problem(f"points[{position}]", value) for position, value in enumerate(self.points)),
            _unknown_problem(self.unknown),
        )
        object.__setattr__(self, "cuts", tuple(test.constant for test in tests))

    @property
    def is_closing(self) -> bool:
        return self.unknown != RANGE

    @property
    def text(self) -> str:
        steps = zip(self.points[1:], self.cuts, strict=True)
        rest = ", ".join(f"{points_text(milli(value))} from {cut}" for value, cut in steps)
        return f"{points_text(milli(self.points[0]))}, {rest}, by {self.operand.text}"

    @cached_property
    def steps(self) -> tuple[tuple[Any, int], ...]:
        """Per cut the test of being at or above it, and the milli-points from there; highest first."""
        tests = ((self.operand >= cut).test for cut in self.cuts)
        return tuple(reversed([(test, milli(value)) for test, value in zip(tests, self.points[1:], strict=True)]))

    @property
    def reach(self) -> Range:
        return milli(min(self.points)), milli(max(self.points))

    @property
    def taken(self) -> Range:
        low, high = self.reach
        # Where every band gives something, an unknown cannot give nothing: it gives what is nearest to that.
        closed = min(max(_taken(self.unknown, max(self.points)), low), high)
        return self.reach if self.unknown == RANGE else (closed, closed)

    def range(self, reading: Reading, /) -> Range:
        value = self.operand.value(reading)
        if value is None:
            return self.taken
        given = next((given for test, given in self.steps if test(value)), milli(self.points[0]))
        return given, given

    def truth(self, reading: Reading, /) -> bool | None:
        return None if self.operand.value(reading) is None else self.range(reading)[0] != 0

    def lenient(self) -> Score:
        return evolve(self, unknown=ZERO) if self.unknown == RANGE else self

    def open_facts(self, reading: Reading, /) -> Open:
        del reading
        low, high = self.reach
        for read in self.operand.reads:
            yield read.text, high - low


def points(number: Number, *, when: Criterion, unknown: Number = RANGE) -> Points:
    """
    Give points for a criterion that holds.

    >>> from leadflow.qualification import fact
    >>> points(5, when=fact("source").equals("referral")).text
    "5 if source is 'referral'"

    Args:
        number: How many; negative ones count against; at most three decimals.
        when: The criterion.
        unknown: What an unknown counts as: ``range``, ``zero``, or a fraction of the points in [0, 1].
    """
    return Points(number, to_predicate(when, "when"), unknown)


def bands(operand: Operand, cuts: Iterable[Any], points: Iterable[Number], *, unknown: Number = RANGE) -> Bands:
    """
    Give points by where a value falls.

    >>> from leadflow.qualification import fact
    >>> bands(fact("company.employees"), cuts=[50, 1000], points=[0, 10, 5]).text
    '0, 10 from 50, 5 from 1000, by company.employees'

    Args:
        operand: A number, level, date or duration.
        cuts: Where the next band begins, ascending.
        points: Per band, lowest first; one more than there are cuts.
        unknown: As for `points`; a fraction is of the best band.
    """
    return Bands(operand, cuts, points, unknown)
