"""
What is legal Python and still cannot be meant: thresholds out of reach, criteria that never matter.

A policy that cannot do what it says is refused when it is built, since nobody would notice later: it answers. A limit
below what its group could reach is no mistake: cutting is what limits are for, and a finding tells what was cut; one
that leaves a group nothing to vary is refused.
"""

from collections.abc import Iterator
from typing import Protocol

from leadflow.assessment import points_text
from leadflow.errors import Problem
from leadflow.qualification.awards import Points
from leadflow.qualification.gates import KnockOut, Requirement
from leadflow.qualification.grades import Grades
from leadflow.qualification.milli import milli
from leadflow.qualification.nodes import walk
from leadflow.qualification.scores import Cap, Score

__all__ = ["lint"]


class Parts(Protocol):
    """What lint looks at."""

    @property
    def knock_out(self) -> tuple[KnockOut, ...]: ...
    @property
    def require(self) -> tuple[Requirement, ...]: ...
    @property
    def score(self) -> Score | None: ...
    @property
    def needed(self) -> int | None: ...
    @property
    def grades(self) -> Grades | None: ...


def lint(policy: Parts) -> list[Problem | None]:
    """Return what cannot be meant, each with its path."""
    found: list[Problem | None] = [*_nothing(policy), *_repeated(policy), *_threshold(policy), *_points(policy)]
    if policy.grades is not None:
        found += policy.grades.problems("grades", policy.score)
    return found


def _nothing(policy: Parts) -> Iterator[Problem]:
    if not policy.knock_out and not policy.require and policy.score is None:
        yield Problem("", "must have something to judge by: knock_out, require or score")


def _repeated(policy: Parts) -> Iterator[Problem]:
    seen: dict[object, str] = {}
    for name, gates in (("knock_out", policy.knock_out), ("require", policy.require)):
        for position, gate in enumerate(gates):
            path = f"{name}[{position}]"
            before = seen.setdefault(gate.when, path)
            if before != path:
                same = before.partition("[")[0] == name
                effect = "can never matter" if same else "makes it impossible to qualify"
                yield Problem(path, f"asks the same as {before}, so it {effect}: {gate.text}")


def _threshold(policy: Parts) -> Iterator[Problem]:
    if policy.needed is None:
        return
    if policy.score is None:
        yield Problem("threshold", "must be left out where nothing gives points")
        return
    low, high = policy.score.reach
    if policy.needed > high:
        yield Problem(
            "threshold", f"must be at most {points_text(high)}, all there is, got {points_text(policy.needed)}"
        )
    if policy.needed <= low:
        yield Problem(
            "threshold", f"must be above {points_text(low)}, which all have, got {points_text(policy.needed)}"
        )


def _points(policy: Parts) -> Iterator[Problem]:
    if policy.score is None:
        return
    for path, node in walk(policy.score, "score"):
        if isinstance(node, Points) and not milli(node.points):
            yield Problem(path, "gives 0 points, so it can never matter")
        if isinstance(node, Cap) and node.reach[0] == node.reach[1]:
            yield Problem(path, f"always gives {points_text(node.reach[0])}, so nothing in it can matter")
