"""
Counting looks into cells, and drawing each cell's rate towards that of the cell it divides.

Theory. A look adds one to its finest cell; the coarser cells are sums over it. Distinct deals do not add up (one deal
may be in several cells), so they are counted per cell as each deal goes by. Counting is linear in the looks; everything
after it is linear in the cells.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import inf, isfinite
from typing import TypeAlias

from attrs import frozen

from leadflow.forecasting.deals import DealState
from leadflow.forecasting.histories import DealHistory
from leadflow.forecasting.landmarkaxes import Axis, Day
from leadflow.forecasting.landmarks import looks
from leadflow.forecasting.shrinkage import prior_weight, shrunk

__all__ = ["Counted", "Labels", "LandmarkCell", "counted"]

Labels: TypeAlias = tuple[str, ...]
# What all deals together are drawn towards, and how many deals that is worth (Jeffreys' prior). Deals, not looks: forty
# looks at the only deal there is, all of them followed by its win, are one win of one.
_HALF, _ONE = 0.5, 1.0


@frozen(kw_only=True)
class LandmarkCell:
    """
    What was counted of deals that looked alike.

    Attributes:
        labels: One per axis, as far as the cell divides: none for all deals together.
        n: How many distinct deals were in it.
        looks: How often one of them was looked at: once per landmark on which it was there.
        won: How many of these looks were followed by a win within the horizon.
        prior: The rate it was drawn towards: that of the cell it divides.
        p: The rate after that.
    """

    labels: Labels
    n: int
    looks: int
    won: int
    prior: float
    p: float

    @property
    def rate(self) -> float:
        """The raw rate: of all looks, how many were followed by a win."""
        return self.won / self.looks


@frozen
class Counted:
    """
    What was counted, by labels, coarser cells included.

    Attributes:
        looks: How often a deal was looked at.
        won: How many of these looks were followed by a win.
        deals: How many distinct deals were looked at.
        closed: How many distinct deals in all are closed by now.
    """

    looks: Mapping[Labels, int]
    won: Mapping[Labels, int]
    deals: Mapping[Labels, int]
    closed: int

    def weight(self, depth: int) -> float:
        """Return by moments how many deals a parent's rate is worth for the cells of so many labels."""
        families: dict[Labels, list[tuple[float, int]]] = {}
        for labels, many in self.looks.items():
            if len(labels) == depth:
                families.setdefault(labels[:-1], []).append((self.won[labels] / many, self.deals[labels]))
        return prior_weight(families.values())

    def cells(self, weights: Sequence[float]) -> dict[Labels, LandmarkCell]:
        """Return the cells in order of their labels, each drawn towards the one it divides; a weight per axis."""
        found: dict[Labels, LandmarkCell] = {}
        for labels in sorted(self.looks, key=_natural):
            many, won, deals = self.looks[labels], self.won[labels], self.deals[labels]
            prior, k, n = (found[labels[:-1]].p, weights[len(labels) - 1], many) if labels else (_HALF, _ONE, deals)
            found[labels] = LandmarkCell(
                labels=labels,
                n=deals,
                looks=many,
                won=won,
                prior=prior,
                p=shrunk(won / many, n, prior, k),
            )
        return found


def counted(
    histories: Iterable[DealHistory], days: Sequence[Day], as_of: datetime, horizon: timedelta, axes: Sequence[Axis]
) -> Counted:
    """Look at every deal on every landmark and count."""
    finest: Counter[Labels] = Counter()
    wins: Counter[Labels] = Counter()
    deals: Counter[Labels] = Counter()
    closed = 0
    for history in histories:
        own: set[Labels] = set()
        for look in looks(history, days, as_of, horizon):
            labels = tuple([axis(look.standing, look.day) for axis in axes])
            own.add(labels)
            finest[labels] += 1
            wins[labels] += look.won
        if own:
            deals.update({labels[:depth] for labels in own for depth in range(len(axes) + 1)})
            closed += history.spells(as_of)[-1].state is not DealState.OPEN
    return Counted(_summed(finest), _summed(wins), deals, closed)


def _natural(labels: Labels) -> tuple[tuple[float, str], ...]:
    """Return what cells are ordered by: numbers that labels begin with by size, words by their letters, after them."""
    return tuple((_number(label.partition(" ")[0]), label) for label in labels)


def _number(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        return inf
    return number if isfinite(number) else inf


def _summed(finest: Mapping[Labels, int]) -> Counter[Labels]:
    """Add the coarser cells."""
    found: Counter[Labels] = Counter()
    for labels, many in finest.items():
        for depth in range(len(labels) + 1):
            found[labels[:depth]] += many
    return found
