"""
From stage to stage: the chance of winning within a time, of a deal that may move on before it is won.

Theory. A deal that has been in a stage for a time leaves it for another stage, by a win or by a loss, at the stage's
own hazards; in the next stage its clock starts anew (a semi-Markov chain). With G_s(m) the chance of winning within m
of entering stage s, the chance within m of one that has been in s for time a is the chance of winning straight from s
plus the sum, over the moments at which it may move to s', of that chance x G_s'(what is left). G is worked out on a
grid of equal steps, shortest times first, each move being put in the middle of its step. As many steps divide every
horizon, so in a longer one no move falls into a later step: more is left after it, and no chance falls.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

from attrs import frozen

from leadflow.forecasting.hazardcurves import Curves

__all__ = ["Chain"]

# For each way to leave (None: by winning), the chance of it in each step.
_Steps: TypeAlias = Sequence[tuple[str | None, list[float]]]
# So many steps divide a horizon. On the BPI 2012 history, at horizons of 7 to 60 days, four times as many moved no
# chance by more than 0.005, and all of them by 0.0004 on average at most.
_STEPS = 60
WON = "won"


@frozen
class Chain:
    """
    The stages' curves, and one horizon.

    Attributes:
        curves: Per stage; outcomes are won, lost, or a tuple of the stage that was entered next.
        horizon: In days.
    """

    curves: Mapping[str, Curves]
    horizon: float

    def chance(self, stage: str, age: float) -> float:
        """Return the chance of winning within the horizon, after so many days in a stage."""
        return min(self._sum(self._steps(stage, age), _STEPS, self._fresh), 1.0)

    @cached_property
    def _fresh(self) -> dict[str, list[float]]:
        """For each stage, the chance of winning within so many steps of entering it."""
        found: dict[str, list[float]] = {stage: [0.0] for stage in self.curves}
        from_start = {stage: self._steps(stage, 0.0) for stage in self.curves}
        for step in range(1, _STEPS + 1):
            # All of one step before any is kept: a stage may lead back to itself.
            new = {stage: self._sum(from_start[stage], step, found) for stage in self.curves}
            for stage, value in new.items():
                found[stage].append(value)
        return found

    def _steps(self, stage: str, age: float) -> _Steps:
        curves, length = self.curves[stage], self.horizon / _STEPS
        found = []
        for outcome in curves.outcomes:
            target = str(outcome[0]) if isinstance(outcome, tuple) else None
            if outcome == WON or target in self.curves:
                reached = [curves.gained(outcome, age, age + step * length) for step in range(_STEPS + 1)]
                found.append((target, [after - before for before, after in pairwise(reached)]))
        return found

    @staticmethod
    def _sum(steps: _Steps, many: int, fresh: Mapping[str, list[float]]) -> float:
        total = 0.0
        for target, gains in steps:
            if target is None:
                total += sum(gains[:many])
            else:
                # In the middle of a step: half-way between what is left before it and after it. Before the first one
                # the whole time would be left, which is not known yet; the step before it stands in.
                left = fresh[target]
                total += sum(
                    gains[step] * (left[min(many - step, len(left) - 1)] + left[many - step - 1]) / 2
                    for step in range(many)
                )
        return total
