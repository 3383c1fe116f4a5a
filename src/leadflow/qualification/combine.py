"""
Policies over policies: all of them, any of them, so many of them, the first that knows.

Theory. Verdicts are ordered: disqualified, not qualified, undecided, qualified. `all_of` takes the worst, `any_of` the
best, a `committee` of which k must agree the k-th best; `first_of` takes the first that is not undecided (a closing
form: more knowledge may bring an earlier one to speak).
Whatever has ``assess(subject, *, at)`` takes part, a host's own class too; only what every part supports does the whole
support: a dict form and a fingerprint, the lenient form, exchange rates. Findings carry their policy's id.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from json import dumps
from typing import Any

from attrs import evolve, field, frozen

from leadflow.assessment import Assessment, Assessor, Basis, Explanation, Finding, Question, Verdict
from leadflow.errors import Problem
from leadflow.fields import FieldValue
from leadflow.qualification.nodes import Rates, quoted
from leadflow.qualification.plain import SCHEMA
from leadflow.qualification.policy import Policy
from leadflow.validation import aware, check, code, coded, each, member, to_tuple, when, whole

__all__ = ["Combined", "How", "all_of", "any_of", "assessor_problem", "committee", "first_of"]


class How(StrEnum):
    """How the verdicts of several policies make one."""

    ALL_OF = "all_of"
    ANY_OF = "any_of"
    FIRST_OF = "first_of"
    COMMITTEE = "committee"


def _to_how(value: How | str) -> How:
    return member(How)(value)


def _to_policies(values: Iterable[Assessor]) -> tuple[Assessor, ...]:
    return to_tuple(values)


@frozen(kw_only=True, slots=False)  # a plain __dict__, where functools.cached_property keeps what it derives
class Combined:
    """
    A policy over policies; see `all_of`, `any_of`, `first_of`.

    Attributes:
        id: Names it in assessments and evidence.
        version: Counted from 1.
        how: How the verdicts make one.
        policies: At least one; each with an ``assess(subject, *, at)``.
        quorum: How many of a committee must agree, from 1 to all; None for the other ways.
    """

    id: str = field(kw_only=False)
    version: int = 1
    how: How = field(converter=_to_how)
    policies: tuple[Assessor, ...] = field(converter=_to_policies)
    quorum: int | None = None

    def __attrs_post_init__(self) -> None:
        check(
            "Combined",
            code("id", self.id),
            whole("version", self.version, 1),
            coded("how", self.how, How),
            when(self.policies == (), "policies", "must hold at least one policy, got none"),
            *each("policies", self.policies, assessor_problem),
            self._quorum_problem(),
        )

    def _quorum_problem(self) -> Problem | None:
        if self.how is not How.COMMITTEE:
            return when(self.quorum is not None, "quorum", f"must be left out but for a committee, got {self.quorum!r}")
        wrong = whole("quorum", self.quorum, 1)
        if wrong is None and self.quorum is not None and self.quorum > len(self.policies):
            return Problem("quorum", f"must be at most the number of policies, {len(self.policies)}, got {self.quorum}")
        return wrong

    def verdict_of(self, verdicts: Iterable[Verdict]) -> Verdict:
        """Return the verdict that those of its policies, in their order, come to."""
        listed = list(verdicts)
        if self.how is How.FIRST_OF:
            return next((one for one in listed if one is not Verdict.UNDECIDED), Verdict.UNDECIDED)
        best_first = sorted(listed, key=lambda one: -one.rank)
        places = {How.ALL_OF: len(listed), How.ANY_OF: 1, How.COMMITTEE: self.quorum or 1}
        return best_first[places[self.how] - 1]

    @cached_property
    def fingerprint(self) -> str:
        """Like a policy's; empty if one of the parts is a class of the host's own, which has none."""
        if any(not _is_ours(policy) for policy in self.policies):
            return ""
        return sha256(dumps(self.to_dict(), sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    @property
    def is_stable(self) -> bool:
        """Whether a certain verdict stays certain; never for `first_of`, nor with a part that does not say."""
        return self.how is not How.FIRST_OF and all(getattr(policy, "is_stable", False) for policy in self.policies)

    def assess(self, subject: Any, *, at: datetime, rates: Rates | None = None) -> Assessment:  # noqa: ANN401
        """Judge by every policy, then combine; rates go to our own policies only."""
        check("assess", aware("at", at))
        found = [
            policy.assess(subject, at=at, rates=rates) if _is_ours(policy) else policy.assess(subject, at=at)  # type: ignore[call-arg]
            for policy in self.policies
        ]
        verdict = self.verdict_of(one.verdict for one in found)
        known: dict[str, FieldValue | None] = {}
        for one in found:
            known |= dict(zip(one.basis.reads, one.values, strict=True))
        named = next((one for one in found if one.subject_id is not None), found[0])
        return Assessment(
            verdict=verdict,
            at=at,
            basis=Basis(
                self.id,
                self.version,
                self.fingerprint,
                tuple(known),
                frozenset().union(*(one.basis.personal for one in found)),
                min((one.basis.valid_for for one in found if one.basis.valid_for is not None), default=None),
            ),
            subject_id=named.subject_id,
            subject_version=named.subject_version,
            values=tuple(known.values()),
            passed=_mask(found, Verdict.QUALIFIED),
            unknown=_mask(found, Verdict.UNDECIDED),
            explainer=_Together(self, tuple(found)),
        )

    def lenient(self) -> "Combined":
        """Return the same of the lenient forms of its policies; a host's own class stays as it is."""
        return evolve(self, policies=tuple(_lenient(policy) for policy in self.policies))

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as a plain dict.

        Raises:
            InvalidError: Naming the parts that are classes of the host's own, which have no dict form.
        """
        check("to_dict", *(_written(f"policies[{position}]", one) for position, one in enumerate(self.policies)))
        parts = [one.to_dict() for one in self.policies if isinstance(one, Policy | Combined)]
        plain = {"schema": SCHEMA, "id": self.id, "version": self.version, "how": self.how.value, "policies": parts}
        return plain if self.quorum is None else plain | {"quorum": self.quorum}

    def __getstate__(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in ("id", "version", "how", "policies", "quorum")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


@frozen
class _Together:
    """Explains an assessment from those that it was made of."""

    combined: Combined
    parts: tuple[Assessment, ...]

    def explain(self, assessment: Assessment, /) -> Explanation:
        lenient = [part.if_unknown_is_no for part in self.parts]
        told = [verdict for verdict in lenient if verdict is not None]
        chosen = next((part for part in self.parts if part.verdict is assessment.verdict), self.parts[0])
        closing = [f"{part.policy_id}: {words}" for part in self.parts for words in part.explanation.closing]
        if self.combined.how is How.FIRST_OF:
            closing.append("closing: first_of: a policy that is undecided is passed over today")
        return Explanation(
            findings=tuple(_prefixed(part, finding) for part in self.parts for finding in part.findings),
            questions=self._questions() if assessment.verdict is Verdict.UNDECIDED else (),
            if_unknown_is_no=self.combined.verdict_of(told) if len(told) == len(lenient) else None,
            grade=chosen.grade if self.combined.how is How.FIRST_OF else None,
            closing=tuple(closing),
        )

    def _questions(self) -> tuple[Question, ...]:
        merged: dict[str, Question] = {}
        for part in self.parts:
            for asked in part.questions:
                before = merged.get(asked.fact, Question(asked.fact, asked.text))
                merged[asked.fact] = evolve(before, gates=before.gates + asked.gates, swing=before.swing + asked.swing)
        return tuple(sorted(merged.values(), key=lambda asked: (-asked.gates, -asked.swing, asked.fact)))


def _prefixed(part: Assessment, finding: Finding) -> Finding:
    return evolve(finding, path=f"{part.policy_id}.{finding.path}")


def _mask(found: list[Assessment], verdict: Verdict) -> int:
    return sum(1 << bit for bit, one in enumerate(found) if one.verdict is verdict)


def _is_ours(policy: Assessor) -> bool:
    return isinstance(policy, Policy | Combined)


def _lenient(policy: Assessor) -> Assessor:
    return policy.lenient() if isinstance(policy, Policy | Combined) else policy


def assessor_problem(path: str, policy: object) -> Problem | None:
    """Check for a policy: ours, or a class of the host's own."""
    if callable(getattr(policy, "assess", None)):
        return None
    return Problem(path, f"must have assess(subject, *, at), got {quoted(policy)}", is_type=True)


def _written(path: str, policy: Assessor) -> Problem | None:
    if _is_ours(policy):
        return None
    return Problem(path, f"is a {type(policy).__name__}, a class of your own, which has no dict form", is_type=True)


def _combined(
    how: How, policies: tuple[Any, ...], name: str | None, version: int, quorum: int | None = None
) -> Combined:
    lone = policies[0] if len(policies) == 1 else None
    listed = tuple(lone) if isinstance(lone, Iterable) and not isinstance(lone, str) else policies
    return Combined(how.value if name is None else name, version=version, how=how, policies=listed, quorum=quorum)


def all_of(*policies: Assessor | Iterable[Assessor], id: str | None = None, version: int = 1) -> Combined:  # noqa: A002
    """
    Demand the verdict of every policy: the worst counts.

    >>> from leadflow.qualification import Bant, IdealCustomerProfile
    >>> [policy.id for policy in all_of(IdealCustomerProfile(countries=["DE"]), Bant()).policies]
    ['icp', 'bant']
    """
    return _combined(How.ALL_OF, policies, id, version)


def any_of(*policies: Assessor | Iterable[Assessor], id: str | None = None, version: int = 1) -> Combined:  # noqa: A002
    """Take the best verdict of several policies."""
    return _combined(How.ANY_OF, policies, id, version)


def first_of(*policies: Assessor | Iterable[Assessor], id: str | None = None, version: int = 1) -> Combined:  # noqa: A002
    """Take the first verdict that is not undecided; that decides today what is unknown to the others."""
    return _combined(How.FIRST_OF, policies, id, version)


def committee(
    quorum: int,
    /,
    *policies: Assessor | Iterable[Assessor],
    id: str | None = None,  # noqa: A002
    version: int = 1,
) -> Combined:
    """
    Demand that so many of several policies agree; undecided while those that are not yet sure could still make it.

    >>> from leadflow.qualification import Bant, FactSheet, IdealCustomerProfile, fact
    >>> german = IdealCustomerProfile("german", countries=["DE"])
    >>> large = IdealCustomerProfile("large", require=[fact("company.employees") >= 500])
    >>> two = committee(2, german, large, Bant(), id="board")
    >>> at = datetime.fromisoformat("2026-03-02T09:00:00+00:00")
    >>> sheet = FactSheet({"company.country": "DE", "company.employees": 900})
    >>> two.assess(sheet, at=at).verdict.value
    'qualified'
    >>> two.assess(FactSheet({"company.country": "DE", "company.employees": 9}), at=at).verdict.value
    'undecided'

    Args:
        quorum: How many must qualify the subject, from 1 (`any_of`) to all (`all_of`).
        policies: Ours, or a host's own classes.
        id: Names it in assessments. Default: ``committee``.
        version: Counted from 1.
    """
    return _combined(How.COMMITTEE, policies, id, version, quorum)
