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
from functools import lru_cache
from typing import NamedTuple, Protocol

from leadflow.assessment import Explanation, Finding, FindingKind, Question, Verdict
from leadflow.qualification.awards import Points
from leadflow.qualification.comparisons import SingleTest
from leadflow.qualification.facts import Read
from leadflow.qualification.gates import Gate
from leadflow.qualification.grades import Grades
from leadflow.qualification.kinds import Kind
from leadflow.qualification.logic import Open
from leadflow.qualification.milli import milli
from leadflow.qualification.nodes import Node, Reading, walk
from leadflow.qualification.scores import Award, Cap, Score

__all__ = ["Criterion", "Judgement", "Rules", "criteria_of", "explain", "judge", "reads_of"]


class Criterion(NamedTuple):
    """
    One criterion of a policy: a gate, or what gives points; one bit of the masks.

    Attributes:
        path: Where it stands.
        kind: What part it plays.
        node: The criterion.
        text: It in words.
        facts: Names of the facts it reads.
        fixed: For which outcomes its finding depends on that alone; not so where amounts, bands or closing forms are.
        shared: Those findings, made once.
        alone: The one fact that a plain test reads, with its weight; None where it takes more than that.
    """

    path: str
    kind: FindingKind
    node: Gate | Award
    text: str
    facts: tuple[str, ...]
    fixed: frozenset[bool | None]
    shared: dict[bool | None, Finding]
    alone: tuple[str, int] | None


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
    def is_capped(self) -> bool: ...
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


def explain(rules: Rules, judged: Judgement, if_unknown_is_no: Verdict, reading: Reading) -> Explanation:
    """Return the findings, questions and grade that belong to a judgement."""
    score = rules.score
    findings = []
    bit = 1
    for criterion in rules.criteria:
        holds = None if judged.unknown & bit else judged.passed & bit != 0
        findings.append(criterion.shared.get(holds) or _finding(criterion, holds, reading))
        bit += bit
    return Explanation(
        findings=(*findings, *(_limits(score, reading, "score") if score is not None and rules.is_capped else ())),
        questions=_questions(rules, judged, reading) if judged.verdict is Verdict.UNDECIDED else (),
        if_unknown_is_no=if_unknown_is_no,
        grade=None if rules.grades is None or score is None else rules.grades.grade(score, reading),
        threshold=rules.needed,
        closing=rules.closing,
    )


def _finding(criterion: Criterion, holds: bool | None, reading: Reading) -> Finding:
    """Return what a criterion came to; findings name no values, so most are made once and shared."""
    node = criterion.node
    low, high = node.range(reading) if isinstance(node, Award) else (0, 0)
    found = Finding(
        path=criterion.path,
        kind=criterion.kind,
        text=criterion.text,
        holds=holds,
        facts=criterion.facts,
        low=low,
        high=high,
        reason=node.reason if isinstance(node, Gate) else "",
        note=node.note(reading),
    )
    if holds in criterion.fixed:
        criterion.shared[holds] = found
    return found


def _limits(score: Score, reading: Reading, path: str) -> Iterator[Finding]:
    if isinstance(score, Cap) and (note := score.note(reading)):
        low, high = score.range(reading)
        yield Finding(path=path, kind=FindingKind.LIMIT, text=score.text, holds=True, low=low, high=high, note=note)
    for step, part in score.parts:
        yield from _limits(part, reading, f"{path}.{step}")


def _weigh(weights: dict[str, float], facts: Open) -> None:
    for name, weight in facts:
        weights[name] = weights.get(name, 0.0) + weight


@lru_cache(maxsize=4096)
def _question(fact: str, text: str, gates: float, swing: int) -> Question:
    """Return a question; the same few come again and again."""
    return Question(fact, text, gates, swing)


def _questions(rules: Rules, judged: Judgement, reading: Reading) -> tuple[Question, ...]:
    gates: dict[str, float] = {}
    swings: dict[str, float] = {}
    score_is_open = rules.needed is not None and judged.low < rules.needed <= judged.high
    for bit, (_, _, node, _, _, _, _, alone) in enumerate(rules.criteria):
        if not judged.unknown >> bit & 1:
            continue
        weights = gates if isinstance(node, Gate) else swings
        if weights is swings and (rules.is_capped or not score_is_open):
            continue
        if alone is not None:
            weights[alone[0]] = weights.get(alone[0], 0.0) + alone[1]
        elif isinstance(node, Gate):
            _weigh(gates, node.when.open_facts(reading, 1.0))
        elif node.taken[0] != node.taken[1]:
            _weigh(swings, node.open_facts(reading))
    if score_is_open and rules.is_capped and rules.score is not None:
        _weigh(swings, rules.score.open_facts(reading))
    asked = [
        _question(name, rules.bank[name], gates.get(name, 0.0), round(swings.get(name, 0.0)))
        for name in {**gates, **swings}
    ]
    return tuple(sorted(asked, key=lambda question: (-question.gates, -question.swing, question.fact)))


def criteria_of(
    knock_outs: tuple[Gate, ...], requirements: tuple[Gate, ...], score: Score | None
) -> tuple[Criterion, ...]:
    """Return every criterion of a policy in its order, which is the order of the masks' bits."""
    found = [_criterion(f"knock_out[{n}]", FindingKind.KNOCK_OUT, gate) for n, gate in enumerate(knock_outs)]
    found += [_criterion(f"require[{n}]", FindingKind.REQUIREMENT, gate) for n, gate in enumerate(requirements)]
    return (*found, *([] if score is None else _awards(score, "score")))


def _awards(score: Score, path: str) -> Iterator[Criterion]:
    if isinstance(score, Award):
        yield _criterion(path, FindingKind.POINTS, score)
    for step, part in score.parts:
        yield from _awards(part, f"{path}.{step}")


def _criterion(path: str, kind: FindingKind, node: Gate | Award) -> Criterion:
    reads = reads_of(node)
    amounts = any(read.kind is Kind.MONEY for read in reads)
    fixed: frozenset[bool | None] = frozenset()
    plain = False
    if isinstance(node, Gate | Points) and not node.is_closing:
        simple = isinstance(node.when, SingleTest)
        # An amount that is unknown may be one in another currency, which its finding tells.
        fixed = frozenset([True, False] if simple else []) if amounts else frozenset([True, False, None])
        plain = simple and not amounts and len(reads) == 1
    weight = abs(milli(node.points)) if isinstance(node, Points) else 1
    names = tuple(read.name for read in reads)
    return Criterion(path, kind, node, node.text, names, fixed, {}, (names[0], weight) if plain else None)


def reads_of(node: Node) -> tuple[Read, ...]:
    """Return what has to be read from a subject for a node, each once, in order of appearance."""
    found = (part for _, part in walk(node) if isinstance(part, Read))
    return tuple({read.name: read for read in found}.values())
