"""
The plain interpreter: what a policy means.

Theory. Every criterion is looked at, always; then, in this order: a knock-out that is true disqualifies; a requirement
that is false, or a score that cannot reach the threshold any more, is *not qualified*; all knock-outs false, all
requirements true and a score that cannot fall below the threshold any more is *qualified*; whatever is left is
*undecided*. The compiled function must give what `judge` gives; `explaining` finds the words.
"""

from typing import NamedTuple, Protocol

from leadflow.assessment import FindingKind, Verdict
from leadflow.qualification.criteria import Criterion
from leadflow.qualification.nodes import Reading
from leadflow.qualification.scores import Score

__all__ = ["Judgement", "judge", "lenient_verdict"]


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
    def knocking(self) -> int: ...
    @property
    def required(self) -> int: ...
    @property
    def spared(self) -> tuple[tuple[int, int], ...]: ...


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


def lenient_verdict(rules: Rules, judged: Judgement) -> Verdict:
    """Return what the lenient form comes to, where no limits cut points: what is unknown does not hold."""
    if judged.passed & rules.knocking:
        return Verdict.DISQUALIFIED
    low = judged.low + sum(more for bit, more in rules.spared if judged.unknown & bit)
    enough = rules.needed is None or low >= rules.needed
    return Verdict.QUALIFIED if enough and not rules.required & ~judged.passed else Verdict.NOT_QUALIFIED
