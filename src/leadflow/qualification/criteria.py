"""
The criteria of a policy in their order, which is the order of the bits in an assessment's masks.

What can be said of a criterion once and for all is worked out here, once: its words, the facts it reads, and for most
criteria the whole finding for each outcome, since findings quote no values.
"""

from collections.abc import Iterator
from typing import NamedTuple

from attrs import evolve

from leadflow.assessment import Finding, FindingKind
from leadflow.qualification.awards import Points
from leadflow.qualification.comparisons import SingleTest
from leadflow.qualification.facts import Read
from leadflow.qualification.gates import Gate
from leadflow.qualification.kinds import Kind
from leadflow.qualification.nodes import Node, Reading, walk
from leadflow.qualification.scores import Award, Range, Score

__all__ = ["Criterion", "criteria_of", "reads_of"]


class Criterion(NamedTuple):
    """
    One criterion of a policy: a gate, or what gives points; one bit of the masks.

    Attributes:
        path: Where it stands.
        kind: What part it plays.
        node: The criterion.
        text: It in words.
        facts: Names of the facts it reads.
        outcomes: Its finding per outcome, were there nothing to note; empty for bands and closing forms, whose findings
            depend on more than the outcome.
        certain: Those of them for which there never is anything to note: where no amount could be in another currency.
        alone: The one fact that a plain test reads, with its weight; None where it takes more than that.
        lenient: By how many milli-points its least differs when an unknown is taken as a no.
    """

    path: str
    kind: FindingKind
    node: Gate | Award
    text: str
    facts: tuple[str, ...]
    outcomes: dict[bool | None, Finding]
    certain: dict[bool | None, Finding]
    alone: tuple[str, int] | None
    lenient: int

    def finding(self, holds: bool | None, reading: Reading) -> Finding:
        """Return what it came to."""
        note = self.node.note(reading)
        if not self.outcomes:
            span = self.node.range(reading) if isinstance(self.node, Award) else (0, 0)
            return _finding(self, holds, span, note)
        return evolve(self.outcomes[holds], note=note) if note else self.outcomes[holds]


def _finding(criterion: Criterion, holds: bool | None, span: Range, note: str = "") -> Finding:
    low, high = span
    return Finding(
        path=criterion.path,
        kind=criterion.kind,
        text=criterion.text,
        holds=holds,
        facts=criterion.facts,
        low=low,
        high=high,
        reason=criterion.node.reason if isinstance(criterion.node, Gate) else "",
        note=note,
        is_penalty=isinstance(criterion.node, Award) and criterion.node.reach[1] <= 0,
    )


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
    names = tuple(read.name for read in reads)
    low, high = node.taken if isinstance(node, Award) else (0, 1)
    lenient = _as_no(node) - low if isinstance(node, Award) else 0
    found = Criterion(path, kind, node, node.text, names, {}, {}, None, lenient)
    if node.is_closing:
        return found
    if len(reads) == 1 and (isinstance(node.when, SingleTest) if isinstance(node, Gate | Points) else True):
        found = found._replace(alone=(names[0], high - low))
    if not isinstance(node, Gate | Points):
        return found
    spans = node.given if isinstance(node, Points) else dict.fromkeys((True, False, None), (0, 0))
    outcomes = {holds: _finding(found, holds, span) for holds, span in spans.items()}
    certain = outcomes
    if any(read.kind is Kind.MONEY for read in reads):
        certain = {holds: outcomes[holds] for holds in (True, False) if found.alone is not None}
    return found._replace(outcomes=outcomes, certain=certain)


def _as_no(node: Award) -> int:
    lenient = node.lenient()
    assert isinstance(lenient, Award)
    return lenient.taken[0]


def reads_of(node: Node) -> tuple[Read, ...]:
    """Return what has to be read from a subject for a node, each once, in order of appearance."""
    found = (part for _, part in walk(node) if isinstance(part, Read))
    return tuple({read.name: read for read in found}.values())
