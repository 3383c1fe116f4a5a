"""
An assessment, quick to make, and its evidence, written out to be kept.

An `Assessment` holds the verdict, the range, one bit per criterion and the values it read; sentences are made by its
explainer when somebody asks. `Evidence` is the same written out: what events and stores keep, readable without the
policy.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Protocol

from attrs import field, frozen

from leadflow.assessment.findings import Explanation, Verdict
from leadflow.assessment.words import Readable
from leadflow.fields import NO_FIELDS, Fields, FieldValue
from leadflow.redaction import PERSONAL, TRADE_NAME
from leadflow.validation import aware, check, code, each, instance, optional, prose, text, whole

__all__ = ["Assessment", "Assessor", "Basis", "Evidence", "Explainer"]


class Explainer(Protocol):
    """Makes the words of an assessment, when they are asked for: at most once per assessment, without I/O."""

    def explain(self, assessment: "Assessment", /) -> Explanation:
        """Return findings and questions from the values that the assessment holds."""
        ...


class Assessor(Protocol):
    """
    Whatever can judge a subject: our policies, and any class of the host's with this one method.

    It does no I/O (fetch first, pass what was found as custom facts), looks at no clock, and gives equal answers to
    equal questions. It raises only for a broken promise, such as a naive `at`; a "no" is an `Assessment`.
    """

    def assess(self, subject: Any, *, at: datetime) -> "Assessment":  # noqa: ANN401 - the host's policy, the host's subjects
        """Judge a subject by what was recorded by `at`."""
        ...


@frozen
class Basis:
    """
    The policy behind an assessment, as far as an assessment must name it.

    Attributes:
        policy_id: Its id.
        policy_version: Its version, counted from 1.
        fingerprint: The hash of its dict form; empty for a policy that has none (a host's own class).
        reads: Names of the facts it reads, in the order in which `Assessment.values` holds them.
        personal: Those of them that may identify a person.
        valid_for: How long its assessments may be relied on; None: until the subject changes.
    """

    policy_id: str
    policy_version: int = 1
    fingerprint: str = ""
    reads: tuple[str, ...] = ()
    personal: frozenset[str] = frozenset()
    valid_for: timedelta | None = None

    def __attrs_post_init__(self) -> None:
        check("Basis", code("policy_id", self.policy_id), whole("policy_version", self.policy_version, 1))


@frozen(kw_only=True, slots=False)  # a plain __dict__: twice as fast to fill as frozen slots, and this is the hot path
class Assessment(Readable):
    """
    What a policy found about a subject at a time.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 2, tzinfo=UTC)
    >>> Assessment(verdict=Verdict.UNDECIDED, basis=Basis("committee"), at=at, explainer=Explanation()).verdict
    <Verdict.UNDECIDED: 'undecided'>

    Attributes:
        verdict: What it comes to.
        low: The least the score can be, in milli-points, whatever the unknowns turn out to be.
        high: The most the score can be.
        at: The time of the judgement; nothing recorded later was used.
        basis: The policy, as far as it must be named.
        subject_id: Id of the record judged; None for bare facts.
        subject_version: Its version then.
        values: The values read, one per name in ``basis.reads``; None is unknown.
        passed: One bit per criterion (the first is bit 0): it is true, or its points are certain.
        unknown: One bit per criterion: it is unknown.
        explainer: Makes findings and questions when asked; no part of equality.
    """

    verdict: Verdict
    low: int = 0
    high: int = 0
    at: datetime
    basis: Basis
    subject_id: str | None = None
    subject_version: int | None = None
    values: tuple[FieldValue | None, ...] = field(default=(), repr=False)
    passed: int = 0
    unknown: int = 0
    explainer: Explainer = field(eq=False, repr=False)

    @property
    def policy_id(self) -> str:
        """Id of the policy."""
        return self.basis.policy_id

    @property
    def policy_version(self) -> int:
        """Version of the policy."""
        return self.basis.policy_version

    @property
    def fingerprint(self) -> str:
        """Hash of the policy's dict form; empty when it has none."""
        return self.basis.fingerprint

    @property
    def valid_until(self) -> datetime | None:
        """When it must be made again; None: when the subject changes."""
        return None if self.basis.valid_for is None else self.at + self.basis.valid_for

    @cached_property
    def explanation(self) -> Explanation:
        """Findings and questions, made on first use."""
        return self.explainer.explain(self)

    @cached_property
    def known(self) -> Mapping[str, FieldValue]:
        """The facts it read and knew, by name."""
        pairs = zip(self.basis.reads, self.values, strict=True)
        return Fields({name: value for name, value in pairs if value is not None})

    def missing(self) -> tuple[str, ...]:
        """Return the names of all facts that were read and unknown, whether they could matter or not."""
        return tuple(sorted(set(self.basis.reads) - self.known.keys()))

    def evidence(self) -> "Evidence":
        """Return it written out, for events and stores."""
        personal = {name: value for name, value in self.known.items() if name in self.basis.personal}
        return Evidence(
            policy_id=self.policy_id,
            policy_version=self.policy_version,
            fingerprint=self.fingerprint,
            subject_id=self.subject_id,
            subject_version=self.subject_version,
            at=self.at,
            valid_until=self.valid_until,
            verdict=self.verdict,
            low=self.low,
            high=self.high,
            facts=Fields({name: value for name, value in self.known.items() if name not in personal}),
            personal_facts=Fields(personal),
            missing_facts=self.missing(),
            explanation=self.explanation,
        )

    def __getstate__(self) -> dict[str, object]:
        kept = {name: value for name, value in self.__dict__.items() if name not in ("explanation", "known")}
        return {**kept, "explainer": self.explanation}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)


def _fields(values: Mapping[str, FieldValue]) -> Fields:
    return Fields.of(values)


@frozen(kw_only=True)
class Evidence(Readable):
    """
    An assessment written out in full, which needs no policy to be read later.

    Attributes:
        policy_id: The policy.
        policy_version: Its version.
        fingerprint: Hash of its dict form; empty when it has none.
        subject_id: The record judged; None for bare facts.
        subject_version: Its version then.
        at: The time of the judgement.
        valid_until: When it must be made again; None: when the subject changes.
        verdict: What it came to.
        low: The least the score could be, in milli-points.
        high: The most it could be.
        facts: The values it read, without those that may identify a person.
        personal_facts: The values it read that may; redaction empties them.
        missing_facts: Names of the facts that were unknown.
        explanation: Findings and questions.
    """

    policy_id: str
    policy_version: int = 1
    fingerprint: str = ""
    subject_id: str | None = None
    subject_version: int | None = None
    at: datetime
    valid_until: datetime | None = None
    verdict: Verdict
    low: int = 0
    high: int = 0
    facts: Fields = field(default=NO_FIELDS, converter=_fields, metadata=TRADE_NAME)
    personal_facts: Fields = field(default=NO_FIELDS, converter=_fields, metadata=PERSONAL)
    missing_facts: tuple[str, ...] = ()
    explanation: Explanation = field(factory=Explanation)

    def __attrs_post_init__(self) -> None:
        check(
            "Evidence",
            code("policy_id", self.policy_id),
            whole("policy_version", self.policy_version, 1),
            prose("fingerprint", self.fingerprint),
            optional(code, "subject_id", self.subject_id),
            optional(whole, "subject_version", self.subject_version, 1),
            aware("at", self.at),
            optional(aware, "valid_until", self.valid_until),
            instance("verdict", self.verdict, Verdict, "a Verdict"),
            instance("low", self.low, int, "a whole number of milli-points"),
            instance("high", self.high, int, "a whole number of milli-points"),
            *each("missing_facts", self.missing_facts, text),
            instance("explanation", self.explanation, Explanation, "an Explanation"),
        )

    @property
    def known(self) -> Mapping[str, FieldValue]:
        """The facts that were read and known, by name."""
        return {**self.facts, **self.personal_facts}

    def missing(self) -> tuple[str, ...]:
        """Return the names of all facts that were read and unknown."""
        return self.missing_facts
