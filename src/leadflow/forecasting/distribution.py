"""
Distributions of an amount: steps, and smooth ones put together from tables.

Theory. Few deals make a distribution of steps: so many possible sums, each with its chance. Many make a smooth one,
kept as a table of its distribution function with straight lines between; a few large deals shift that table about, so
the whole is a mixture of shifted tables. Both answer the same questions. The distribution function never falls, the
quantile is its inverse (the smallest amount whose chance reaches q), and both belong to one mean.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate
from math import fsum
from sys import float_info
from typing import Protocol

from attrs import field, frozen

__all__ = ["Distribution", "Mixture", "Piece", "Steps", "Table", "rounding"]

# Sums of the same deals in another order differ in the last bits: amounts and chances so close are the same.
_ROUNDING = 8 * float_info.epsilon
_CHANCE = 1e-12
# Halving an interval so often leaves nothing that a float could tell apart.
_HALVINGS = 60


def rounding(*amounts: float) -> float:
    """Return how far apart two sums of such amounts may be that are one, but for the rounding of floats."""
    return _ROUNDING * max(map(abs, amounts))


class Distribution(Protocol):
    """What a distribution of an amount can say."""

    @property
    def mean(self) -> float:
        """The mean of the distribution as it is kept."""
        ...

    @property
    def variance(self) -> float:
        """The variance of the distribution as it is kept."""
        ...

    @property
    def low(self) -> float:
        """The least that is possible."""
        ...

    @property
    def high(self) -> float:
        """The most that is possible."""
        ...

    def cdf(self, x: float) -> float:
        """Return the chance of at most x."""
        ...

    def under(self, x: float) -> float:
        """Return the chance of less than x."""
        ...

    def quantile(self, q: float) -> float:
        """Return the smallest x with cdf(x) >= q."""
        ...

    def gap(self, x: float) -> float:
        """Return by how much x is missed on average: the mean of max(x - amount, 0)."""
        ...


@frozen(eq=False)
class Steps:
    """
    Possible amounts and their chances.

    Attributes:
        values: Ascending.
        chances: As many, all of them positive; they add up to 1.
    """

    values: Sequence[float] = field(repr=False)
    chances: Sequence[float] = field(repr=False)

    @classmethod
    def of(cls, atoms: Iterable[tuple[float, float]]) -> "Steps":
        """Make one of amounts with chances in any order; amounts that differ by rounding only are one."""
        ordered = sorted(atoms)
        near = rounding(ordered[0][0], ordered[-1][0])
        values: list[float] = []
        chances: list[float] = []
        last, limit = 0.0, -float_info.max
        for value, chance in ordered:
            if value <= limit:
                last += chance
                chances[-1] = last
            else:
                values.append(value)
                chances.append(chance)
                last, limit = chance, value + near
        return cls(values, chances)

    @property
    def low(self) -> float:
        """The least that is possible."""
        return self.values[0]

    @property
    def high(self) -> float:
        """The most that is possible."""
        return self.values[-1]

    @cached_property
    def _cumulative(self) -> list[float]:
        whole = fsum(self.chances)
        return [min(1.0, total / whole) for total in accumulate(self.chances)]

    @cached_property
    def _near(self) -> float:
        return rounding(self.values[0], self.values[-1])

    @cached_property
    def mean(self) -> float:
        """The mean."""
        return fsum(value * chance for value, chance in zip(self.values, self.chances, strict=True))

    @cached_property
    def variance(self) -> float:
        """The variance."""
        return fsum((value - self.mean) ** 2 * chance for value, chance in zip(self.values, self.chances, strict=True))

    def cdf(self, x: float) -> float:
        """Return the chance of at most x."""
        return self._up_to(bisect_right(self.values, x + self._near))

    def under(self, x: float) -> float:
        """Return the chance of less than x."""
        return self._up_to(bisect_left(self.values, x - self._near))

    def _up_to(self, place: int) -> float:
        if place == len(self.values):
            return 1.0
        return self._cumulative[place - 1] if place else 0.0

    def quantile(self, q: float) -> float:
        """Return the smallest x with cdf(x) >= q."""
        place = bisect_left(self._cumulative, q - _CHANCE)
        return self.values[min(place, len(self.values) - 1)]

    def gap(self, x: float) -> float:
        """Return the mean of max(x - amount, 0)."""
        end = bisect_right(self.values, x)
        pairs = zip(self.values[:end], self.chances[:end], strict=True)
        return fsum((x - value) * chance for value, chance in pairs)


@frozen(eq=False)
class Table:
    """
    A distribution function at equally spaced points, with straight lines between.

    Attributes:
        start: The first point.
        step: The distance between two points.
        values: The function there: never falling, 0 first and 1 last.
    """

    start: float
    step: float
    values: Sequence[float] = field(repr=False)

    @property
    def low(self) -> float:
        """The least that is possible."""
        return self.start

    @cached_property
    def high(self) -> float:
        """The most that is possible."""
        return self.start + self.step * (len(self.values) - 1)

    @cached_property
    def _areas(self) -> list[float]:
        half = 0.5 * self.step
        return [0.0, *accumulate(half * (a + b) for a, b in zip(self.values, self.values[1:], strict=False))]

    @cached_property
    def mean(self) -> float:
        """The mean."""
        return self.high - self._areas[-1]

    @cached_property
    def variance(self) -> float:
        """The variance."""
        middle = (self.mean - self.start) / self.step - 0.5
        points = enumerate(zip(self.values, self.values[1:], strict=False))
        # Inside a step the amount is spread evenly, which has a twelfth of the step squared as its own variance.
        return self.step**2 * (1 / 12 + fsum((b - a) * (place - middle) ** 2 for place, (a, b) in points))

    def with_mean(self, mean: float) -> "Table":
        """Return it moved to a mean."""
        return Table(self.start + (mean - self.mean), self.step, self.values)

    def cdf(self, x: float) -> float:
        """Return the chance of at most x."""
        place = (x - self.start) / self.step
        if place <= 0.0:
            return 0.0
        left = int(place)
        values = self.values
        if left >= len(values) - 1:
            return 1.0
        low = values[left]
        return low + (place - left) * (values[left + 1] - low)

    under = cdf

    def quantile(self, q: float) -> float:
        """Return the smallest x with cdf(x) >= q."""
        right = bisect_left(self.values, q - _CHANCE, hi=len(self.values) - 1)
        if right == 0:
            return self.start
        low, high = self.values[right - 1], self.values[right]
        part = min(1.0, max(0.0, (q - low) / (high - low))) if high > low else 1.0
        return self.start + self.step * (right - 1 + part)

    def gap(self, x: float) -> float:
        """Return the mean of max(x - amount, 0)."""
        if x <= self.start:
            return 0.0
        left = int((x - self.start) / self.step)
        if left >= len(self.values) - 1:
            return self._areas[-1] + (x - self.high)
        return self._areas[left] + 0.5 * (x - self.start - left * self.step) * (self.values[left] + self.cdf(x))


# A shift, a weight, and what is shifted.
Piece = tuple[float, float, Distribution]


@frozen(eq=False)
class Mixture:
    """
    Shifted distributions with their weights, within bounds.

    Attributes:
        pieces: Weights are positive and add up to 1.
        low: The least that is possible: what the pieces say of less is put there.
        high: The most that is possible, in the same way.
    """

    pieces: Sequence[Piece] = field(repr=False)
    low: float
    high: float

    @cached_property
    def mean(self) -> float:
        """The mean."""
        return fsum(weight * (shift + piece.mean) for shift, weight, piece in self.pieces)

    @cached_property
    def variance(self) -> float:
        """The variance."""
        mean = self.mean
        return fsum(
            weight * (piece.variance + (shift + piece.mean - mean) ** 2) for shift, weight, piece in self.pieces
        )

    def cdf(self, x: float) -> float:
        """Return the chance of at most x."""
        near = rounding(self.high)
        if x < self.low - near:
            return 0.0
        if x >= self.high - near:
            return 1.0
        # Several multiplications below 1, added up, may be a hair above.
        return min(1.0, fsum(weight * piece.cdf(x - shift) for shift, weight, piece in self.pieces))

    def under(self, x: float) -> float:
        """Return the chance of less than x."""
        near = rounding(self.high)
        if x <= self.low + near:
            return 0.0
        if x > self.high + near:
            return 1.0
        return min(1.0, fsum(weight * piece.under(x - shift) for shift, weight, piece in self.pieces))

    def quantile(self, q: float) -> float:
        """Return the smallest x with cdf(x) >= q."""
        low, high = self.low, self.high
        if self.cdf(low) >= q - _CHANCE:
            return low
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            if not low < middle < high:
                break
            if self.cdf(middle) >= q - _CHANCE:
                high = middle
            else:
                low = middle
        return high

    def gap(self, x: float) -> float:
        """Return the mean of max(x - amount, 0)."""
        if x <= self.low:
            return 0.0
        return fsum(weight * piece.gap(x - shift) for shift, weight, piece in self.pieces)
