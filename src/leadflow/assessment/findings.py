"""
What one criterion came to, what is left to ask, and the verdict over it all.

Findings name the facts they rest on and never quote them, so that blanking a fact blanks it everywhere. Points are
integers, in thousandths (milli-points), so that every engine adds them up alike.
"""

from enum import StrEnum

from attrs import frozen

from leadflow.validation import check, each, instance

__all__ = ["Explanation", "Finding", "FindingKind", "Question", "Verdict"]


class Verdict(StrEnum):
    """
    What a policy says about a subject; listed from worst to best.

    >>> min(Verdict.QUALIFIED, Verdict.UNDECIDED, key=lambda verdict: verdict.rank)
    <Verdict.UNDECIDED: 'undecided'>
    """

    DISQUALIFIED = "disqualified"
    NOT_QUALIFIED = "not_qualified"
    UNDECIDED = "undecided"
    QUALIFIED = "qualified"

    @property
    def rank(self) -> int:
        """The place from worst (0) to best (3)."""
        return list(Verdict).index(self)


class FindingKind(StrEnum):
    """What part a criterion plays in its policy."""

    KNOCK_OUT = "knock_out"
    REQUIREMENT = "requirement"
    POINTS = "points"
    LIMIT = "limit"


@frozen(kw_only=True)
class Finding:
    """
    What one criterion came to.

    Attributes:
        path: Where the criterion stands in its policy (``requirements[0]``), prefixed with the policy's id where
            policies are combined.
        kind: A knock-out, a requirement, something that gives points, or a limit that cut points.
        text: The criterion in words.
        holds: Whether it is true; None when that is unknown.
        facts: Names of the facts it reads.
        low: The least it gives, in milli-points.
        high: The most it gives, in milli-points; equal to `low` when nothing unknown matters to it.
        reason: The policy's own words on why it matters.
        note: What a reader should know besides: an amount in another currency, an unknown taken as no, points cut.
        is_penalty: Whether it can only take points away, so that it speaks for qualifying when it does not hold.
    """

    path: str
    kind: FindingKind
    text: str
    holds: bool | None
    facts: tuple[str, ...] = ()
    low: int = 0
    high: int = 0
    reason: str = ""
    note: str = ""
    is_penalty: bool = False

    @property
    def speaks_for(self) -> bool | None:
        """Whether it speaks for qualifying; None while unknown."""
        if self.holds is None:
            return None
        if self.kind is FindingKind.KNOCK_OUT:
            return not self.holds
        if self.kind is FindingKind.REQUIREMENT:
            return self.holds
        if self.is_penalty:
            return self.low == 0
        return self.low > 0 or (self.low == 0 and self.holds)

    @property
    def cause(self) -> str:
        """The reason, where it bears on what was found: a knock-out that does not hold has ruled nobody out."""
        return "" if self.kind is FindingKind.KNOCK_OUT and self.holds is False else self.reason


@frozen
class Question:
    """
    Something worth asking, because the answer could move the verdict.

    Attributes:
        fact: The unknown fact.
        text: The question to ask.
        gates: How much the answer could do to requirements and knock-outs: the chance that it alone tips one, were all
            other unknowns coin tosses; summed over those that are open.
        swing: How far the answer can move the score, in milli-points.
    """

    fact: str
    text: str
    gates: float = 0.0
    swing: int = 0

    def __str__(self) -> str:
        return self.text


@frozen
class Explanation:
    """
    An assessment in words; also an `Explainer` that has already explained.

    Attributes:
        findings: One per criterion, all of them, in the policy's order.
        questions: The unknown facts that could still move the verdict, the most telling first.
        if_unknown_is_no: The verdict if every unknown counted as a no; None where the policy cannot say.
        grade: The label of the score's band; None when there are no bands or the score may fall in several.
        threshold: The score needed, in milli-points; None when the policy asks for none.
        closing: Which criteria decide today what is unknown, in words.
    """

    findings: tuple[Finding, ...] = ()
    questions: tuple[Question, ...] = ()
    if_unknown_is_no: Verdict | None = None
    grade: str | None = None
    threshold: int | None = None
    closing: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        # Explaining is measured, and nearly all of them are right.
        if {*map(type, self.findings)} <= {Finding} and {*map(type, self.questions)} <= {Question}:
            return
        check(
            "Explanation",
            *each("findings", self.findings, instance, Finding, "a Finding"),
            *each("questions", self.questions, instance, Question, "a Question"),
        )

    def explain(self, assessment: object, /) -> "Explanation":
        """Return itself, whatever the assessment."""
        del assessment
        return self
