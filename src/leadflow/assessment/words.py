"""An assessment in words: text, rows and HTML, the same for both of its forms."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from leadflow.assessment.findings import Explanation, Finding, FindingKind, Question, Verdict
from leadflow.fields import FieldValue
from leadflow.markup import paragraph, section, table

__all__ = ["Readable", "points_text", "shown"]


class _Judged(Protocol):
    """What both forms of an assessment hold, for the type checker only."""

    @property
    def verdict(self) -> Verdict: ...
    @property
    def low(self) -> int: ...
    @property
    def high(self) -> int: ...
    @property
    def policy_id(self) -> str: ...
    @property
    def policy_version(self) -> int: ...
    @property
    def valid_until(self) -> datetime | None: ...
    @property
    def explanation(self) -> Explanation: ...
    @property
    def known(self) -> Mapping[str, FieldValue]: ...
    def missing(self) -> tuple[str, ...]: ...


class Readable:
    """What an assessment and its written-out form can both be asked."""

    __slots__ = ()

    @property
    def findings(self: _Judged) -> tuple[Finding, ...]:
        """One finding per criterion, complete, in the policy's order."""
        return self.explanation.findings

    @property
    def questions(self: _Judged) -> tuple[Question, ...]:
        """What to ask next, the most telling first; empty unless undecided."""
        return self.explanation.questions

    @property
    def grade(self: _Judged) -> str | None:
        """The label of the score's band, once it is certain."""
        return self.explanation.grade

    @property
    def if_unknown_is_no(self: _Judged) -> Verdict | None:
        """The verdict if every unknown counted as a no, as CRMs have it."""
        return self.explanation.if_unknown_is_no

    @property
    def score(self: _Judged) -> float | None:
        """The score in points; None while something unknown can change it (see `low` and `high`)."""
        return self.low / 1000 if self.low == self.high else None

    def has_expired(self: _Judged, at: datetime) -> bool:
        """Say whether it must be made again by `at`."""
        return self.valid_until is not None and at >= self.valid_until

    def why(self: _Judged) -> str:
        """Return every finding, one per line, under the verdict."""
        lines = [_line(finding, self) for finding in self.explanation.findings]
        return "\n".join([_headline(self), *lines, *self.explanation.closing])

    def why_not(self: _Judged) -> str:
        """Return what stands between the subject and a certain yes; what to ask comes last."""
        if self.verdict is Verdict.QUALIFIED:
            return f"{_headline(self)}; nothing stands in the way"
        against = [_line(item, self) for item in self.explanation.findings if item.speaks_for is not True]
        return "\n".join([_headline(self), *against, *(f"ask: {item}" for item in self.explanation.questions)])

    def to_rows(self: _Judged) -> list[dict[str, object]]:
        """Return one row per finding."""
        return [
            {
                "path": finding.path,
                "kind": finding.kind.value,
                "criterion": finding.text,
                "holds": finding.holds,
                "low": finding.low / 1000,
                "high": finding.high / 1000,
                "values": _values(finding, self) or None,
                "reason": finding.cause or None,
                "note": finding.note or None,
            }
            for finding in self.explanation.findings
        ]

    def __str__(self) -> str:
        return self.why()  # type: ignore[misc]  # both forms are _Judged

    def _repr_html_(self: _Judged) -> str:
        words = self.explanation
        remarks = [*words.closing, *(f"ask: {question}" for question in words.questions)]
        return section(_headline(self), table(Readable.to_rows(self)), *map(paragraph, remarks))


def _headline(judged: _Judged) -> str:
    words = f"{judged.verdict.value.replace('_', ' ')} by {judged.policy_id} version {judged.policy_version}"
    needed = judged.explanation.threshold
    if needed is None and not judged.low and not judged.high:
        return words
    graded = f", grade {judged.explanation.grade}" if judged.explanation.grade is not None else ""
    wanted = f" of {points_text(needed)} needed" if needed is not None else ""
    return f"{words}, score {_span(judged.low, judged.high)}{wanted}{graded}"


def _line(finding: Finding, judged: _Judged) -> str:
    mark = {True: "+", False: "-", None: "?"}[finding.speaks_for]
    gives = f"gives {_span(finding.low, finding.high)}" if finding.low or finding.high else ""
    first = f"[{mark}] {_part(finding)}: {finding.text}"
    return "; ".join(part for part in (first, gives, _values(finding, judged), finding.cause, finding.note) if part)


def _part(finding: Finding) -> str:
    # "knock-out: country is in 'KP'" would read as if it were.
    if finding.is_penalty and finding.speaks_for is True:
        return "no points lost by"
    spared = finding.kind is FindingKind.KNOCK_OUT and finding.holds is False
    return "not knocked out by" if spared else finding.kind.value.replace("_", "-")


def _values(finding: Finding, judged: _Judged) -> str:
    return ", ".join(f"{name} {_value(name, judged)}" for name in finding.facts)


def _value(name: str, judged: _Judged) -> str:
    if name in judged.known:
        return shown(judged.known[name])
    # What was known then and is not held any more has been blanked.
    return "unknown" if name in judged.missing() else "not held"


def _span(low: int, high: int) -> str:
    return points_text(low) if low == high else f"{points_text(low)} to {points_text(high)}"


def points_text(milli_points: int) -> str:
    """
    Return milli-points as points, exactly.

    >>> points_text(12_500), points_text(-3_000), points_text(7)
    ('12.5', '-3', '0.007')
    """
    whole_points, rest = divmod(abs(milli_points), 1000)
    fraction = f".{rest:03d}".rstrip("0") if rest else ""
    return f"{'-' if milli_points < 0 else ''}{whole_points}{fraction}"


def shown(value: FieldValue) -> str:
    """Return a fact's value as people read it."""
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            return repr(value)
        case tuple() | frozenset():
            return "{" + ", ".join(sorted(value)) + "}"
        case _:
            return str(value)
