"""
The words for a judgement: what each criterion came to, and what to ask next.

Theory. Nothing is judged again. The masks say what each criterion came to, and for most criteria that is the whole
finding, made once and shared. Facts that decide a gate are asked before facts that only move points; which facts are
open depends on the mask of the unknown alone, as long as plain tests are all that is unknown, so that such questions
are ranked once per mask.
"""

# ruff: noqa: D102 - the attributes of a policy are documented there

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, Protocol

from leadflow.assessment import Explanation, Finding, FindingKind, Question, Verdict
from leadflow.fields import FieldValue
from leadflow.qualification.criteria import Criterion
from leadflow.qualification.gates import Gate
from leadflow.qualification.grades import Grades
from leadflow.qualification.interpreter import Judgement
from leadflow.qualification.logic import Open
from leadflow.qualification.nodes import Rates, Reading
from leadflow.qualification.scores import Award, Cap, Score

__all__ = ["Asked", "Explainable", "explain"]

# Questions by what is unknown and whether the score is still open.
Asked = dict[tuple[int, bool], tuple[Question, ...]]
# So many masks are remembered; what comes after them is ranked anew each time.
_MOST_ASKED: Final = 4096


class Explainable(Protocol):
    """What is needed of a policy."""

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
    @property
    def asked(self) -> Asked: ...
    @property
    def entangled(self) -> int: ...
    @property
    def places(self) -> Mapping[str, int]: ...


def explain(
    rules: Explainable,
    judged: Judgement,
    if_unknown_is_no: Verdict,
    values: tuple[FieldValue | None, ...],
    at: datetime,
    *,
    rates: Rates | None = None,
) -> Explanation:
    """
    Return the findings, questions and grade that belong to a judgement.

    Args:
        rules: The policy.
        judged: What it came to.
        if_unknown_is_no: The verdict of the lenient form.
        values: What was read, in the order of ``rules.places``.
        at: The time of the judgement.
        rates: The exchange rates that were given.
    """
    score, passed, unknown, places = rules.score, judged.passed, judged.unknown, rules.places
    findings: list[Finding] = []
    reading: Reading | None = None
    noted = False
    bit = 1
    for criterion in rules.criteria:
        holds = None if unknown & bit else passed & bit != 0
        found = criterion.certain.get(holds)
        if found is None:
            if holds is None and criterion.alone is not None and values[places[criterion.alone[0]]] is None:
                found = criterion.outcomes.get(holds)
            if found is None:
                reading = reading or _reading(places, values, at, rates)
                found = criterion.finding(holds, reading)
                noted = noted or found.note != ""
        findings.append(found)
        bit += bit
    grade = None
    if score is not None and (rules.is_capped or rules.grades is not None):
        reading = reading or _reading(places, values, at, rates)
        findings += _limits(score, reading, "score")
        grade = None if rules.grades is None else rules.grades.grade(score, reading)
    questions: tuple[Question, ...] = ()
    if judged.verdict is Verdict.UNDECIDED:
        score_is_open = rules.needed is not None and judged.low < rules.needed <= judged.high
        if noted or unknown & rules.entangled or (score_is_open and rules.is_capped):
            questions = _questions(rules, unknown, score_is_open, reading or _reading(places, values, at, rates))
        else:
            questions = _asked(rules, unknown, score_is_open)
    return Explanation(tuple(findings), questions, if_unknown_is_no, grade, rules.needed, rules.closing)


def _reading(
    places: Mapping[str, int], values: tuple[FieldValue | None, ...], at: datetime, rates: Rates | None
) -> Reading:
    return Reading(dict(zip(places, values, strict=True)), at, rates)


def _limits(score: Score, reading: Reading, path: str) -> Iterator[Finding]:
    if isinstance(score, Cap) and (note := score.note(reading)):
        low, high = score.range(reading)
        yield Finding(path=path, kind=FindingKind.LIMIT, text=score.text, holds=True, low=low, high=high, note=note)
    for step, part in score.parts:
        yield from _limits(part, reading, f"{path}.{step}")


def _asked(rules: Explainable, unknown: int, score_is_open: bool) -> tuple[Question, ...]:
    """Return the questions where the mask of the unknown says it all, ranked once."""
    found = rules.asked.get((unknown, score_is_open))
    if found is None:
        found = _questions(rules, unknown, score_is_open, None)
        if len(rules.asked) < _MOST_ASKED:
            rules.asked[unknown, score_is_open] = found
    return found


def _questions(rules: Explainable, unknown: int, score_is_open: bool, reading: Reading | None) -> tuple[Question, ...]:
    """Rank the open facts by what they could do to gates, then to the score; without a reading, from the mask alone."""
    gates: dict[str, float] = {}
    swings: dict[str, float] = {}
    for bit, criterion in enumerate(rules.criteria):
        node, is_gate = criterion.node, isinstance(criterion.node, Gate)
        if not unknown >> bit & 1 or not (is_gate or (score_is_open and not rules.is_capped)):
            continue
        weights = gates if is_gate else swings
        if reading is None and criterion.alone is not None:
            _add(weights, iter([criterion.alone]))
        elif reading is not None and isinstance(node, Gate):
            _add(weights, node.when.open_facts(reading, 1.0))
        elif reading is not None and isinstance(node, Award) and node.taken[0] != node.taken[1]:
            _add(weights, node.open_facts(reading))
    if score_is_open and rules.is_capped and rules.score is not None and reading is not None:
        _add(swings, rules.score.open_facts(reading))
    asked = [
        Question(name, rules.bank[name], gates.get(name, 0.0), round(swings.get(name, 0.0)))
        for name in {**gates, **swings}
    ]
    return tuple(sorted(asked, key=lambda question: (-question.gates, -question.swing, question.fact)))


def _add(weights: dict[str, float], facts: Open) -> None:
    for name, weight in facts:
        weights[name] = weights.get(name, 0.0) + weight
