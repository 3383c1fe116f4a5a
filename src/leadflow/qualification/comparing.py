"""
Many subjects at once: what a policy says of all of them, and who changes when the policy does.

Theory. All are counts over ordinary assessments, so every number can be traced to a subject and a finding. A subject
that cannot be judged (changed after the time asked for, a custom fact of a wrong type) is the host's mistake and
raises, as it would alone; filter before, or ask `as_of`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from leadflow.assessment import Assessment, Assessor, Evidence, Finding, FindingKind, Verdict, points_text
from leadflow.fields import FieldValue
from leadflow.markup import section, table
from leadflow.qualification.combine import assessor_problem
from leadflow.qualification.nodes import list_problem
from leadflow.validation import aware, check, instance

__all__ = ["Changed", "Comparison", "Difference", "Screening", "compare", "diff", "screen"]


def _counted(words: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(words.items(), key=lambda pair: (-pair[1], pair[0])))


@frozen(kw_only=True)
class Screening:
    """
    What a policy says of many subjects.

    Attributes:
        total: How many were judged.
        verdicts: Per verdict how many, from best to worst; all four, also those that nobody has.
        fails_on: Per criterion, in words, for how many it speaks against; the most frequent first.
        open_on: Per criterion for how many it is unknown.
        questions: Per question for how many undecided it is asked.
        if_unknown_is_no: Per verdict how many, if every unknown counted as a no.
    """

    total: int
    verdicts: Mapping[Verdict, int] = field(hash=False)
    fails_on: tuple[tuple[str, int], ...]
    open_on: tuple[tuple[str, int], ...]
    questions: tuple[tuple[str, int], ...]
    if_unknown_is_no: Mapping[Verdict, int] = field(hash=False)

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per figure: of what, its name, how many."""
        groups: list[tuple[str, Iterable[tuple[str, int]]]] = [
            ("verdict", ((verdict.value, number) for verdict, number in self.verdicts.items())),
            ("if unknown is no", ((verdict.value, number) for verdict, number in self.if_unknown_is_no.items())),
            ("fails on", self.fails_on),
            ("open on", self.open_on),
            ("ask", self.questions),
        ]
        return [{"of": of, "name": name, "subjects": number} for of, pairs in groups for name, number in pairs]

    def __str__(self) -> str:
        lines = [
            f"{self.total} judged: "
            + ", ".join(f"{number} {verdict.value}" for verdict, number in self.verdicts.items())
        ]
        lines += [f"{number} fail on {name}" for name, number in self.fails_on]
        return "\n".join([*lines, *(f"{number} to ask: {name}" for name, number in self.questions)])

    def _repr_html_(self) -> str:
        return section(f"{self.total} judged", table(self.to_rows()))


def screen(policy: Assessor, subjects: Iterable[Any], *, at: datetime) -> Screening:
    """
    Judge many subjects and count.

    >>> from datetime import UTC
    >>> from leadflow.qualification import FactSheet, Policy, fact
    >>> sheets = [FactSheet({"company.employees": number}) for number in (5, 60, None)]
    >>> size = Policy("size", require=[fact("company.employees") >= 50])
    >>> print(screen(size, sheets, at=datetime(2026, 3, 2, tzinfo=UTC)))
    3 judged: 1 qualified, 1 undecided, 1 not_qualified, 0 disqualified
    1 fail on company.employees >= 50
    1 to ask: how many people work there?

    Args:
        policy: Any policy, a host's own included.
        subjects: Leads, prospects, opportunities or `FactSheet`s; read once, not kept.
        at: The time of the judgements, aware.

    Raises:
        InvalidError: If an argument, or one of the subjects, is of a wrong type.
    """
    check("screen", assessor_problem("policy", policy), list_problem("subjects", subjects, "subjects"), aware("at", at))
    verdicts: Counter[Verdict] = Counter()
    lenient: Counter[Verdict] = Counter()
    fails: Counter[str] = Counter()
    opens: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for subject in subjects:
        found = policy.assess(subject, at=at)
        verdicts[found.verdict] += 1
        if found.if_unknown_is_no is not None:
            lenient[found.if_unknown_is_no] += 1
        fails.update({item.text for item in found.findings if _is_gate(item) and item.speaks_for is False})
        opens.update({item.text for item in found.findings if item.speaks_for is None})
        asked.update({question.text for question in found.questions})
    return Screening(
        total=verdicts.total(),
        verdicts={verdict: verdicts[verdict] for verdict in reversed(Verdict)},
        fails_on=_counted(fails),
        open_on=_counted(opens),
        questions=_counted(asked),
        if_unknown_is_no={verdict: lenient[verdict] for verdict in reversed(Verdict)},
    )


def _is_gate(finding: Finding) -> bool:
    return finding.kind in (FindingKind.REQUIREMENT, FindingKind.KNOCK_OUT)


@frozen(kw_only=True)
class Difference:
    """
    What is different between two assessments of one subject.

    Attributes:
        before: The one verdict.
        after: The other.
        low: By how much the least score moved, in milli-points.
        high: By how much the most did.
        facts: Per fact that was read differently, its value before and after; None is unknown or not read.
        criteria: What came out differently, or is in one of them only: in words, with what it came to before and after.
    """

    before: Verdict
    after: Verdict
    low: int
    high: int
    facts: Mapping[str, tuple[FieldValue | None, FieldValue | None]] = field(hash=False)
    criteria: tuple[str, ...]

    def __str__(self) -> str:
        moved = f"; score moved by {points_text(self.low)} to {points_text(self.high)}" if self.low or self.high else ""
        known = [f"{name}: {old} -> {new}" for name, (old, new) in self.facts.items()]
        return "\n".join([f"{self.before.value} -> {self.after.value}{moved}", *known, *self.criteria])


def diff(before: Assessment | Evidence, after: Assessment | Evidence) -> Difference:
    """Say what is different between two assessments, in what was known and in what was asked."""
    kinds, rule = (Assessment, Evidence), "an Assessment, such as policy.assess(...) returns, or Evidence"
    check("diff", instance("before", before, kinds, rule), instance("after", after, kinds, rule))
    names = sorted(before.known.keys() | after.known.keys())
    pairs = {name: (before.known.get(name), after.known.get(name)) for name in names}
    return Difference(
        before=before.verdict,
        after=after.verdict,
        low=after.low - before.low,
        high=after.high - before.high,
        facts={name: pair for name, pair in pairs.items() if pair[0] != pair[1]},
        criteria=_criteria(before, after),
    )


def _criteria(before: Assessment | Evidence, after: Assessment | Evidence) -> tuple[str, ...]:
    old, new = _outcomes(before), _outcomes(after)
    return tuple(
        f"{kind.value}: {text}: {old.get((kind, text), 'not asked')} -> {new.get((kind, text), 'not asked')}"
        for kind, text in {**old, **new}
        if old.get((kind, text)) != new.get((kind, text))
    )


def _outcomes(found: Assessment | Evidence) -> dict[tuple[FindingKind, str], str]:
    said = {True: "yes", False: "no", None: "unknown"}
    return {
        (item.kind, item.text): said[item.holds]
        + (f", {points_text(item.low)} points" if item.low == item.high != 0 else "")
        for item in found.findings
    }


@frozen(kw_only=True)
class Changed:
    """
    One subject on which two policies disagree.

    Attributes:
        subject: The subject itself.
        difference: What came out differently, and which criterion did it.
    """

    subject: Any = field(repr=False)
    difference: Difference


@frozen(kw_only=True)
class Comparison:
    """
    Two policies over the same subjects.

    Attributes:
        total: How many were judged.
        moves: How many went from one verdict to another; those that stayed are not listed.
        changed: Every subject that changed, in the order given.
        because: Per criterion that came out differently, for how many of those that changed.
    """

    total: int
    moves: tuple[tuple[Verdict, Verdict, int], ...]
    changed: tuple[Changed, ...]
    because: tuple[tuple[str, int], ...]

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per move from one verdict to another."""
        return [{"before": one.value, "after": other.value, "subjects": number} for one, other, number in self.moves]

    def __str__(self) -> str:
        lines = [f"{len(self.changed)} of {self.total} change"]
        lines += [f"{number} {one.value} -> {other.value}" for one, other, number in self.moves]
        return "\n".join([*lines, *(f"{number} because of {words}" for words, number in self.because)])

    def _repr_html_(self) -> str:
        reasons = [{"because of": words, "subjects": number} for words, number in self.because]
        return section(f"{len(self.changed)} of {self.total} change", table(self.to_rows()), table(reasons))


def compare(before: Assessor, after: Assessor, subjects: Iterable[Any], *, at: datetime) -> Comparison:
    """
    Judge many subjects by two policies: who changes, and which criterion did it.

    >>> from datetime import UTC
    >>> from leadflow.qualification import FactSheet, Policy, fact
    >>> old, new = (Policy("size", require=[fact("company.employees") >= number]) for number in (50, 100))
    >>> sheets = [FactSheet({"company.employees": number}) for number in (5, 60, 400)]
    >>> print(compare(old, new, sheets, at=datetime(2026, 3, 2, tzinfo=UTC)))
    1 of 3 change
    1 qualified -> not_qualified
    1 because of requirement: company.employees >= 100: not asked -> no
    1 because of requirement: company.employees >= 50: yes -> not asked

    Args:
        before: The policy as it is.
        after: The policy as it might be.
        subjects: Leads, prospects, opportunities or `FactSheet`s; read once, those that change are kept.
        at: The time of the judgements, aware.

    Raises:
        InvalidError: If an argument, or one of the subjects, is of a wrong type.
    """
    check(
        "compare",
        assessor_problem("before", before),
        assessor_problem("after", after),
        list_problem("subjects", subjects, "subjects"),
        aware("at", at),
    )
    total = 0
    changed: list[Changed] = []
    for subject in subjects:
        total += 1
        one, other = before.assess(subject, at=at), after.assess(subject, at=at)
        if one.verdict is not other.verdict:
            changed.append(Changed(subject=subject, difference=diff(one, other)))
    moves = Counter((item.difference.before, item.difference.after) for item in changed)
    because = Counter(words for item in changed for words in item.difference.criteria)
    ranked = sorted(moves.items(), key=lambda move: (-move[1], -move[0][0].rank, -move[0][1].rank))
    return Comparison(
        total=total,
        moves=tuple((one, other, number) for (one, other), number in ranked),
        changed=tuple(changed),
        because=_counted(because),
    )
