"""
What is legal Python and still cannot be meant: thresholds out of reach, criteria that never matter.

A policy that cannot do what it says is refused when it is built, since nobody would notice later: it answers. A limit
below what its group could reach is no mistake: cutting is what limits are for, and a finding tells what was cut; one
that leaves a group nothing to vary is refused.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Any, Protocol, TypeAlias

from leadflow.assessment import points_text
from leadflow.errors import Problem
from leadflow.money import Money
from leadflow.qualification.awards import Points
from leadflow.qualification.comparisons import Between, Compare, IsIn, Operand, SingleTest
from leadflow.qualification.gates import Gate, KnockOut, Requirement
from leadflow.qualification.grades import Grades
from leadflow.qualification.kinds import ORDERED, Kind
from leadflow.qualification.logic import Not, Predicate, Several
from leadflow.qualification.milli import milli
from leadflow.qualification.nodes import Node, walk
from leadflow.qualification.scores import Cap, Score

__all__ = ["conflict", "lint"]


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
    found += [*_inside(policy), *_together(policy)]
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
        elif isinstance(node, Cap):
            yield from _idle_limits(node, path)


def _idle_limits(cap: Cap, path: str) -> Iterator[Problem]:
    least, most = cap.item.reach
    if cap.high is not None and milli(cap.high) > most:
        rule = f"can never cut: there is at most {points_text(most)}, got {points_text(milli(cap.high))}"
        yield Problem(f"{path}.high", rule)
    if cap.low is not None and milli(cap.low) < least:
        rule = f"can never cut: there is at least {points_text(least)}, got {points_text(milli(cap.low))}"
        yield Problem(f"{path}.low", rule)


# A test that has to hold, or, with False, must not.
_Literal: TypeAlias = tuple[SingleTest, bool]


def _inside(policy: Parts) -> Iterator[Problem]:
    """Yield each part that no value can make true."""
    roots: list[tuple[str, Node]] = [(f"knock_out[{n}]", gate) for n, gate in enumerate(policy.knock_out)]
    roots += [(f"require[{n}]", gate) for n, gate in enumerate(policy.require)]
    roots += [] if policy.score is None else [("score", policy.score)]
    for root, start in roots:
        for path, node in walk(start, root):
            if isinstance(node, Predicate) and (clash := conflict(node)):
                yield Problem(path, f"can never hold: {clash}")


def _together(policy: Parts) -> Iterator[Problem]:
    """Yield the pair of gates that together rule everybody out; what an unknown is taken for may still pass."""
    gates: list[tuple[str, Gate, bool]] = [(f"require[{n}]", gate, True) for n, gate in enumerate(policy.require)]
    gates += [(f"knock_out[{n}]", gate, False) for n, gate in enumerate(policy.knock_out)]
    wanted = [(path, gate.when, _literals(gate.when, holds)) for path, gate, holds in gates if not gate.is_closing]
    for (path, one, these), (other_path, other, those) in combinations(wanted, 2):
        if one != other and not _clash(these) and not _clash(those) and (words := _clash([*these, *those])):
            yield Problem(other_path, f"leaves nobody to qualify beside {path}: {words}")


def conflict(predicate: Predicate) -> str:
    """
    Return in words which tests of a criterion exclude each other, so that it can never hold; empty if none do.

    >>> from leadflow.qualification import fact
    >>> conflict((fact("company.employees") >= 50) & (fact("company.employees") < 10))
    'company.employees >= 50 and company.employees < 10'
    """
    return _clash(_literals(predicate, holds=True)) if isinstance(predicate, Several) else ""


def _literals(predicate: Predicate, holds: bool) -> list[_Literal]:
    """Return the tests that must all come out as said for a criterion to come out so; what is open is left out."""
    match predicate:
        case SingleTest():
            return [(predicate, holds)]
        case Not():
            return _literals(predicate.item, not holds)
        case Several() if predicate.needed == (len(predicate.items) if holds else 1):
            return [literal for item in predicate.items for literal in _literals(item, holds)]
        case _:
            return []


def _clash(literals: list[_Literal]) -> str:
    by_operand: dict[Operand, list[_Literal]] = {}
    for test, holds in literals:
        by_operand.setdefault(test.operand, []).append((test, holds))
    for operand, tests in by_operand.items():
        currencies = {test.currency for test, _ in tests}
        if len(tests) > 1 and len(currencies) == 1 and not _can_hold(operand, tests):
            return " and ".join(test.text if holds else f"not ({test.text})" for test, holds in tests)
    return ""


def _can_hold(operand: Operand, tests: list[_Literal]) -> bool:
    """Say whether some value passes all tests; where that cannot be said, it does."""
    several = [_options(test) for test, holds in tests if holds and isinstance(test, IsIn | Compare)]
    finite = next((options for options in several if options), operand.options)
    if operand.kind is Kind.BOOL:
        finite = (True, False)
    if finite and operand.kind is not Kind.SET:
        return any(all(test.test(value) is holds for test, holds in tests) for value in finite)
    if operand.kind not in ORDERED:
        return True
    bounds = [bound for test, holds in tests for bound in _bounds(test, holds)]
    lows = [(value, strict) for value, is_low, strict in bounds if is_low]
    highs = [(value, strict) for value, is_low, strict in bounds if not is_low]
    return all(
        low < high or (low == high and not (open_low or open_high))
        for low, open_low in lows
        for high, open_high in highs
    )


def _options(test: SingleTest) -> tuple[Any, ...]:
    if isinstance(test, IsIn):
        return test.options
    return (test.constant,) if isinstance(test, Compare) and test.op == "=" else ()


_OPPOSITE = {">=": "<", ">": "<=", "<": ">=", "<=": ">"}


def _bounds(test: SingleTest, holds: bool) -> Iterator[tuple[Any, bool, bool]]:
    """Yield the limits that a test sets: the value, whether it is the lower one, whether it is itself excluded."""
    if isinstance(test, Between) and holds:
        yield _number(test.low), True, False
        yield _number(test.high), False, False
    if isinstance(test, Compare) and test.op != "=":
        op = test.op if holds else _OPPOSITE[test.op]
        yield _number(test.constant), op.startswith(">"), len(op) == 1


def _number(value: Any) -> Any:  # noqa: ANN401 - a constant of any kind that has an order
    return value.amount if isinstance(value, Money) else value
