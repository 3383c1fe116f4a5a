"""
Questionnaires: what to ask next so that a policy can decide, and when to stop.

Theory. A questionnaire is a policy, what is known so far, and answers. The next question is the first of the
assessment's questions, so it is the one whose answer would do most; when the verdict is certain there is none. An
answer is read by the fact's kind and checked like any fact; "they do not know" is an answer too, not asked again.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from attrs import evolve, field, frozen

from leadflow.assessment import Assessment, Question, Verdict
from leadflow.errors import InvalidError, Problem, did_you_mean
from leadflow.fields import FieldValue
from leadflow.money import Money
from leadflow.qualification.combine import Combined
from leadflow.qualification.facts import Read
from leadflow.qualification.kinds import Kind, fit_problem
from leadflow.qualification.nodes import quoted
from leadflow.qualification.policy import Policy
from leadflow.qualification.sheet import FactSheet
from leadflow.validation import MAX_CODE, aware, check, each, instance, invalid, shown, text, to_set

__all__ = ["Questionnaire"]

_YES: Final = frozenset({"yes", "y", "true"})
_NO: Final = frozenset({"no", "n", "false"})


@frozen(kw_only=True)
class Questionnaire:
    """
    A policy's questions, asked one after the other.

    >>> from datetime import UTC
    >>> from leadflow.qualification import Bant
    >>> asking = Questionnaire(policy=Bant(), at=datetime(2026, 3, 2, tzinfo=UTC))
    >>> str(asking.next)
    'what problem do they want solved?'
    >>> asking = asking.answer("discovery.need.level", "stated").answer("discovery.authority.level", "none")
    >>> asking.next, asking.assessment.verdict
    (None, <Verdict.NOT_QUALIFIED: 'not_qualified'>)

    Attributes:
        policy: What is to be decided.
        at: The time of the judgement, aware.
        known: What is known so far.
        unanswerable: Facts that were asked for and that they do not know.
    """

    policy: Policy
    at: datetime
    known: FactSheet = field(factory=lambda: FactSheet({}))
    unanswerable: frozenset[str] = field(default=frozenset(), converter=to_set)

    def __attrs_post_init__(self) -> None:
        check(
            "Questionnaire",
            _policy_problem(self.policy),
            aware("at", self.at),
            instance("known", self.known, FactSheet, "a FactSheet"),
            *each("unanswerable", self.unanswerable, text),
        )

    @property
    def assessment(self) -> Assessment:
        """What the answers come to so far."""
        return self.policy.assess(self.known, at=self.at)

    @property
    def next(self) -> Question | None:
        """What to ask next; None when the verdict is certain, or nothing is left that they could answer."""
        found = self.assessment
        if found.verdict is not Verdict.UNDECIDED:
            return None
        return next((question for question in found.questions if question.fact not in self.unanswerable), None)

    def options(self, fact: str) -> tuple[str, ...]:
        """Return the answers to choose from; empty where any text, number, date or amount may be given."""
        read = self._read(fact)
        return ("yes", "no") if read.kind is Kind.BOOL else read.options

    def answer(self, fact: str, given: FieldValue | str | None) -> "Questionnaire":
        """
        Return the questionnaire with an answer.

        Args:
            fact: What was asked for.
            given: A value of the fact's kind, or text to be read as one: ``yes``, ``420``, ``2026-06-30``,
                ``48000 EUR``, days for a length of time, ``a, b`` for a set; None: they do not know.

        Raises:
            InvalidError: If the policy does not ask for the fact, or the answer cannot be read as its kind.
        """
        read = self._read(fact)
        if given is None:
            return evolve(self, unanswerable=self.unanswerable | {fact})
        value = _parsed(read.kind, given) if isinstance(given, str) else given
        wrong = fit_problem(fact, read.kind, value, read.levels)
        check("answer", wrong or read.value_problem(fact, value))
        values = {**self.known.values, fact: value}
        return evolve(self, known=evolve_sheet(self.known, values), unanswerable=self.unanswerable - {fact})

    def _read(self, fact: str) -> Read:
        reads = {read.name: read for read in self.policy.reads}
        check("Questionnaire", instance("fact", fact, str, "the name of a fact, such as question.fact"))
        if fact not in reads:
            raise invalid(
                "Questionnaire",
                Problem("fact", f"is not asked for: {shown(fact)}{did_you_mean(fact[:MAX_CODE], reads)}"),
            )
        return reads[fact]


def _policy_problem(policy: object) -> Problem | None:
    if isinstance(policy, Policy):
        return None
    rule = f"must be a Policy, whose facts have kinds, got {quoted(policy)}"
    if isinstance(policy, Combined):
        parts = ", ".join(str(getattr(part, "id", type(part).__name__)) for part in policy.policies)
        rule = f"must be one Policy, got {policy.id!r}, a combination of {parts}; ask for each of them in turn"
    return Problem("policy", rule, is_type=True)


def evolve_sheet(sheet: FactSheet, values: Mapping[str, Any]) -> FactSheet:
    """Return a sheet with other values, everything else as it was."""
    return FactSheet(
        values,
        engagements=sheet.engagements,
        touches=sheet.touches,
        subject_id=sheet.subject_id,
        subject_version=sheet.subject_version,
        known_at=sheet.known_at,
    )


def _parsed(kind: Kind, given: str) -> FieldValue:
    """Return the value that a text stands for; what cannot be read is handed on for the fact's own check to refuse."""
    words = given.strip()
    try:
        match kind:
            case Kind.BOOL if words.lower() in _YES | _NO:
                return words.lower() in _YES
            case Kind.NUMBER:
                return Decimal(words)
            case Kind.DATE:
                return date.fromisoformat(words)
            case Kind.INSTANT:
                return datetime.fromisoformat(words)
            case Kind.DURATION:
                return timedelta(days=float(words))
            case Kind.MONEY:
                amount, _, currency = words.partition(" ")
                return Money(amount, currency.strip().upper())
            case Kind.SET:
                return frozenset(item.strip() for item in words.split(",") if item.strip())
            case _:
                return words
    except (ValueError, InvalidOperation, OverflowError, InvalidError):
        return words
