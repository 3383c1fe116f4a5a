"""
The plain interpreter: what a policy means, and the words for it.

Theory. Every criterion is looked at, always; then, in this order: a knock-out that is true disqualifies; a requirement
that is false, or a score that cannot reach the threshold any more, is *not qualified*; all knock-outs false, all
requirements true and a score that cannot fall below the threshold any more is *qualified*; whatever is left is
*undecided*, and the unknown facts that could still tip it are the questions. Facts that decide a gate come before facts
that only move points. The compiled function must give what `judge` gives.
"""

# ruff: noqa: D102 - the attributes of a policy are documented there

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

from leadflow.assessment import Explanation, Finding, FindingKind, Question, Verdict
from leadflow.qualification.facts import Read
from leadflow.qualification.gates import Gate, KnockOut
from leadflow.qualification.grades import Grades
from leadflow.qualification.nodes import Node, Reading, walk
from leadflow.qualification.scores import Award, Cap, Score

__all__ = ["Criterion", "Judgement", "Rules", "criteria_of", "explain", "judge", "reads_of"]


class Criterion(NamedTuple):
    """One criterion of a policy: a gate, or what gives points; one bit of the masks."""

    path: str
    kind: FindingKind
    node: Gate | Award
    text: str
    facts: tuple[str, ...]


class Judgement(NamedTuple):
    """What a policy comes to, in numbers."""

    verdict: Verdict
    low: int
    high: int
    passed: int
    unknown: int


class Rules(Protocol):
    """What the interpreter needs of a policy."""

    @property
    def criteria(self) -> tuple[Criterion, ...]: ...
    @property
    def score(self) -> Score | None: ...
    @property
    def needed(self) -> int | None: ...
    @property
    def grades(self) -> Grades | None: ...
    @property
    def bank(self) -> Mapping[str, str]: ...
    @property
    def closing(self) -> tuple[str, ...]: ...


def judge(rules: Rules, reading: Reading) -> Judgement:
    """Return verdict, score range and masks."""
    passed = unknown = 0
    knocked = failed = is_open = False
    for bit, criterion in enumerate(rules.criteria):
        truth = criterion.node.truth(reading)
        if truth is None:
            unknown |= 1 << bit
        elif truth:
            passed |= 1 << bit
        if criterion.kind is FindingKind.KNOCK_OUT:
            knocked = knocked or truth is True
            is_open = is_open or truth is None
        elif criterion.kind is FindingKind.REQUIREMENT:
            failed = failed or truth is False
            is_open = is_open or truth is None
    low, high = (0, 0) if rules.score is None else rules.score.range(reading)
    if knocked:
        verdict = Verdict.DISQUALIFIED
    elif failed or (rules.needed is not None and high < rules.needed):
        verdict = Verdict.NOT_QUALIFIED
    elif is_open or (rules.needed is not None and low < rules.needed):
        verdict = Verdict.UNDECIDED
    else:
        verdict = Verdict.QUALIFIED
    return Judgement(verdict, low, high, passed, unknown)


def explain(rules: Rules, lenient: Rules, reading: Reading) -> Explanation:
    """Return the findings, questions and grade that belong to a judgement."""
    verdict = judge(rules, reading).verdict
    score = rules.score
    return Explanation(
        findings=(*_findings(rules, reading), *([] if score is None else _limits(score, reading, "score"))),
        questions=_questions(rules, reading) if verdict is Verdict.UNDECIDED else (),
        if_unknown_is_no=judge(lenient, reading).verdict,
        grade=None if rules.grades is None or score is None else rules.grades.grade(score, reading),
        threshold=rules.needed,
        closing=rules.closing,
    )


def _findings(rules: Rules, reading: Reading) -> Iterator[Finding]:
    for path, kind, node, text, facts in rules.criteria:
        low, high = node.range(reading) if isinstance(node, Award) else (0, 0)
        yield Finding(
            path=path,
            kind=kind,
            text=text,
            holds=node.truth(reading),
            facts=facts,
            low=low,
            high=high,
            reason=node.reason if isinstance(node, Gate) else "",
            note=node.note(reading),
        )


def _limits(score: Score, reading: Reading, path: str) -> Iterator[Finding]:
    if isinstance(score, Cap) and (note := score.note(reading)):
        low, high = score.range(reading)
        yield Finding(path=path, kind=FindingKind.LIMIT, text=score.text, holds=True, low=low, high=high, note=note)
    for step, part in score.parts:
        yield from _limits(part, reading, f"{path}.{step}")


def _questions(rules: Rules, reading: Reading) -> tuple[Question, ...]:
    gates: dict[str, float] = {}
    swings: dict[str, float] = {}
    for criterion in rules.criteria:
        if isinstance(criterion.node, Gate) and criterion.node.truth(reading) is None:
            for name, weight in criterion.node.when.open_facts(reading, 1.0):
                gates[name] = gates.get(name, 0.0) + weight
    if rules.score is not None and rules.needed is not None:
        low, high = rules.score.range(reading)
        if low < rules.needed <= high:
            for name, weight in rules.score.open_facts(reading):
                swings[name] = swings.get(name, 0.0) + weight
    asked = [
        Question(name, rules.bank[name], gates.get(name, 0.0), round(swings.get(name, 0.0)))
        for name in {**gates, **swings}
    ]
    return tuple(sorted(asked, key=lambda question: (-question.gates, -question.swing, question.fact)))


def criteria_of(
    knock_outs: tuple[Gate, ...], requirements: tuple[Gate, ...], score: Score | None
) -> tuple[Criterion, ...]:
    """Return every criterion of a policy in its order, which is the order of the masks' bits."""
    found = []
    for name, gates in (("knock_out", knock_outs), ("require", requirements)):
        for position, gate in enumerate(gates):
            kind = FindingKind.KNOCK_OUT if isinstance(gate, KnockOut) else FindingKind.REQUIREMENT
            found.append(Criterion(f"{name}[{position}]", kind, gate, gate.text, _facts(gate)))
    if score is not None:
        found += _awards(score, "score")
    return tuple(found)


def _awards(score: Score, path: str) -> Iterator[Criterion]:
    if isinstance(score, Award):
        yield Criterion(path, FindingKind.POINTS, score, score.text, _facts(score))
    for step, part in score.parts:
        yield from _awards(part, f"{path}.{step}")


def _facts(node: Node) -> tuple[str, ...]:
    return tuple(dict.fromkeys(read.name for read in reads_of(node)))


def reads_of(node: Node) -> tuple[Read, ...]:
    """Return what has to be read from a subject for a node, each once, in order of appearance."""
    found = (part for _, part in walk(node) if isinstance(part, Read))
    return tuple({read.name: read for read in found}.values())
