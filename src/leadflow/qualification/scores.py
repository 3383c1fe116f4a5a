"""
Points: what earns how many, and the range in which the sum can still fall.

Theory. Interval arithmetic in whole milli-points. A criterion that is unknown gives anything between nothing and its
points, so a score is a range [low, high] that shrinks as facts become known and never leaves what it was. `unknown=`
other than ``range`` closes that range today. Sums add ranges; a cap cuts both ends and says what it cut.
"""

# ruff: noqa: D102 - overrides are documented on their base class

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from decimal import Context, Decimal, InvalidOperation
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any, Final, TypeAlias

from attrs import evolve, field, frozen

from leadflow.assessment import points_text
from leadflow.errors import Problem
from leadflow.qualification.comparisons import Operand
from leadflow.qualification.kinds import Kind
from leadflow.qualification.logic import Criterion, Open, Predicate, to_predicate
from leadflow.qualification.nodes import Node, Reading
from leadflow.validation import check, each, instance, optional, text, when

__all__ = [
    "MOST_POINTS",
    "Award",
    "Bands",
    "Cap",
    "Number",
    "Points",
    "Range",
    "Score",
    "Sum",
    "bands",
    "cap",
    "milli",
    "points",
    "points_problem",
    "to_points",
]

Number: TypeAlias = int | float | Decimal | str
Range: TypeAlias = tuple[int, int]

RANGE: Final = "range"
ZERO: Final = "zero"
# More points than this are a mistake, and sums of many still fit 64-bit integers on every engine.
MOST_POINTS: Final = 1_000_000
# The host's own context must not change what a policy says.
_CONTEXT: Final = Context(prec=40, traps=[])


def to_points(value: Any) -> Any:  # noqa: ANN401 - junk is handed on to the node's own check
    """Return points as a plain decimal: 12.5 and "12.50" are the same; what is no number is handed on."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return value
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return value
    if not number.is_finite() or number.copy_abs() > MOST_POINTS or len(number.as_tuple().digits) > _CONTEXT.prec:
        return number
    return _CONTEXT.quantize(number, Decimal(1)) if number == int(number) else _CONTEXT.normalize(number)


def _to_many(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(to_points(value) for value in values)


def points_problem(path: str, value: object) -> Problem | None:
    """Check for a number of points: finite, at most three decimals, at most a million in size."""
    if not isinstance(value, Decimal):
        return Problem(path, f"must be a number of points, got {value!r}", is_type=True)
    if not value.is_finite() or value.copy_abs() > MOST_POINTS:
        return Problem(path, f"must be within a million points, got {value}")
    return when(int(value.as_tuple().exponent) < -3, path, f"must have at most three decimals, got {value}")  # noqa: PLR2004


def milli(points: Decimal) -> int:
    """Return points in thousandths."""
    return int(_CONTEXT.multiply(points, 1000))


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


def _unknown_problem(value: object) -> Problem | None:
    if value in (RANGE, ZERO):
        return None
    if isinstance(value, Decimal):
        return when(not 0 <= value <= 1, "unknown", f"must be a fraction in [0, 1], got {value}")
    return Problem("unknown", f"must be 'range', 'zero' or a fraction in [0, 1], got {value!r}")


def _to_fraction(value: Any) -> Any:  # noqa: ANN401
    return value if value in (RANGE, ZERO) else to_points(value)


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
    def _ranges(self) -> dict[bool | None, Range]:
        most = milli(self.points)
        return {True: (most, most), False: (0, 0), None: self.taken}

    @property
    def taken(self) -> Range:
        closed = _taken(self.unknown, self.points)
        return self.reach if self.unknown == RANGE else (closed, closed)

    def range(self, reading: Reading, /) -> Range:
        return self._ranges[self.when.truth(reading)]

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
    cuts: tuple[Any, ...] = field(converter=tuple)
    points: tuple[Decimal, ...] = field(converter=_to_many)
    unknown: str | Decimal = field(default=RANGE, converter=_to_fraction)

    def __attrs_post_init__(self) -> None:
        check("bands", instance("operand", self.operand, Operand, "a fact or another value"))
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


@frozen
class Sum(Score):
    """Points added up."""

    items: tuple[Score, ...]

    def __attrs_post_init__(self) -> None:
        check("Sum", *each("items", self.items, instance, Score, "something that gives points"))

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
            instance("item", self.item, Score, "something that gives points"),
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


def cap(item: Score | Iterable[Score], low: Number | None = None, high: Number | None = None, *, name: str = "") -> Cap:
    """Keep points within limits; several are added up first."""
    return Cap(item if isinstance(item, Score) else Sum(tuple(item)), low, high, name)
