"""
A policy: gates, points and a threshold, judged together.

Theory. A policy is a frozen value. Whatever is derived from it (its criteria, what it reads, its fingerprint) is worked
out on first use, and is neither compared nor pickled. Judging reads the subject once, by name, then works on those
values alone, so that an assessment can be explained, stored and replayed without the subject.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from hashlib import sha256
from json import dumps
from typing import Any, Final

from attrs import evolve, field, fields, frozen

from leadflow.assessment import Assessment, Basis, Explainer, Explanation, FindingKind
from leadflow.errors import InvalidError, LookAheadError, Problem, did_you_mean
from leadflow.qualification.activity import span_problem
from leadflow.qualification.compiled import Core, compile_assess, compile_policy
from leadflow.qualification.criteria import Criterion, criteria_of
from leadflow.qualification.explaining import Asked, explain
from leadflow.qualification.facts import Read
from leadflow.qualification.gates import Gate, KnockOut, Requirement, knock_out, require
from leadflow.qualification.grades import Grades
from leadflow.qualification.interpreter import Judgement, judge, lenient_verdict
from leadflow.qualification.lint import lint
from leadflow.qualification.logic import to_predicate
from leadflow.qualification.milli import milli, points_problem, to_points
from leadflow.qualification.nodes import Node, Rates, Reading, tuples, walk
from leadflow.qualification.plain import SCHEMA, encode, encode_points, encode_span
from leadflow.qualification.scores import Cap, Score, Sum, score_problem
from leadflow.qualification.sheet import FactSheet
from leadflow.validation import aware, check, code, instance, invalid, optional, shown, text, whole

__all__ = ["Policy"]


def _to_knock_outs(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(value if isinstance(value, Gate) else knock_out(value) for value in _listed("knock_out", values))


def _to_requirements(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(value if isinstance(value, Gate) else require(value) for value in _listed("require", values))


def _listed(name: str, values: Any) -> tuple[Any, ...]:  # noqa: ANN401 - whatever was handed over
    """Return criteria as a tuple; a lone one is refused, and so is what is no criterion, all at once."""
    (listed,) = tuples("Policy", "criteria", **{name: values})
    problems: list[Problem] = []
    for position, value in enumerate(listed):
        if not isinstance(value, Gate):
            try:
                to_predicate(value, f"{name}[{position}]")
            except InvalidError as error:
                problems += error.problems
    check("Policy", *problems)
    return listed


def _score(value: Any) -> Any:  # noqa: ANN401 - a converter
    if value is None or isinstance(value, Score | str) or not isinstance(value, Iterable):
        return value
    items = tuple(value)
    return Sum(items) if items else None


def _questions(value: Mapping[str, str] | Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(sorted(dict(value).items(), key=str))
    except (TypeError, ValueError):
        rule = "must be a mapping from names of facts to questions"
        raise invalid("Policy", Problem("questions", f"{rule}, got {shown(value)}", is_type=True)) from None


@frozen(kw_only=True, slots=False)  # a plain __dict__, where functools.cached_property keeps what it derives
class Policy:
    """
    A rule that looks at facts and says qualified, not qualified, disqualified or undecided.

    >>> from datetime import UTC
    >>> from leadflow.qualification import FactSheet, fact
    >>> policy = Policy("size", require=[fact("company.employees") >= 50])
    >>> print(policy.assess(FactSheet({"company.employees": 420}), at=datetime(2026, 3, 2, tzinfo=UTC)).verdict)
    qualified

    Attributes:
        id: Names it in assessments and evidence.
        version: Counted from 1; `replace` raises it.
        knock_out: What rules a subject out; criteria, or `knock_out(...)` with a reason.
        require: What must hold; criteria, or `require(...)` with a reason.
        score: What gives points; several are added up.
        threshold: The points needed; None: none are.
        grades: Names for where the score falls.
        valid_for: How long its assessments may be relied on; None: until the subject changes.
        questions: Per fact the question to ask, where the catalogue's does not suit.

    Raises:
        InvalidError: Naming everything that is wrong, also what could never matter.
    """

    id: str = field(kw_only=False)
    version: int = 1
    knock_out: tuple[KnockOut, ...] = field(default=(), converter=_to_knock_outs)
    require: tuple[Requirement, ...] = field(default=(), converter=_to_requirements)
    score: Score | None = field(default=None, converter=_score)
    threshold: Decimal | None = field(default=None, converter=to_points)
    grades: Grades | None = None
    valid_for: timedelta | None = None
    questions: tuple[tuple[str, str], ...] = field(default=(), converter=_questions)

    def __attrs_post_init__(self) -> None:
        check(
            "Policy",
            code("id", self.id),
            whole("version", self.version, 1),
            *_gate_problems("knock_out", self.knock_out, KnockOut),
            *_gate_problems("require", self.require, Requirement),
            optional(score_problem, "score", self.score),
            optional(points_problem, "threshold", self.threshold),
            optional(instance, "grades", self.grades, Grades, "a Scale or a Grid"),
            span_problem("valid_for", self.valid_for),
        )
        check("Policy", *lint(self), *self._question_problems())

    def _question_problems(self) -> list[Problem | None]:
        if not self.questions:
            return []
        known = {read.name for read in self.reads}
        unread = [name for name, _ in self.questions if name not in known]
        return [
            *(
                Problem(f"questions[{name}]", f"is no fact of this policy{did_you_mean(str(name), known)}")
                for name in unread
            ),
            *(text(f"questions[{name}]", question) for name, question in self.questions),
        ]

    # What is derived, each on first use.

    @cached_property
    def criteria(self) -> tuple[Criterion, ...]:
        """Every criterion in the order of the masks' bits: knock-outs, requirements, what gives points."""
        return criteria_of(self.knock_out, self.require, self.score)

    @cached_property
    def reads(self) -> tuple[Read, ...]:
        """What it reads from a subject, each once, in the order of `Assessment.values`."""
        return tuple({part.name: part for _, part in self._walk() if isinstance(part, Read)}.values())

    @cached_property
    def needed(self) -> int | None:
        """The threshold in milli-points."""
        return None if self.threshold is None else milli(self.threshold)

    @cached_property
    def is_capped(self) -> bool:
        """Whether a limit may cut points."""
        return self.score is not None and any(isinstance(node, Cap) for _, node in walk(self.score))

    @cached_property
    def entangled(self) -> int:
        """The bits of the criteria whose being unknown does not tell by itself which facts are open."""
        return self._bits(criterion.alone is None for criterion in self.criteria)

    @cached_property
    def knocking(self) -> int:
        """The bits of the knock-outs."""
        return self._bits(criterion.kind is FindingKind.KNOCK_OUT for criterion in self.criteria)

    @cached_property
    def required(self) -> int:
        """The bits of the requirements."""
        return self._bits(criterion.kind is FindingKind.REQUIREMENT for criterion in self.criteria)

    @cached_property
    def spared(self) -> tuple[tuple[int, int], ...]:
        """The bits of what could take points away, each with how many milli-points a lenient reading gives back."""
        return tuple((1 << bit, one.lenient) for bit, one in enumerate(self.criteria) if one.lenient)

    @staticmethod
    def _bits(chosen: Iterable[bool]) -> int:
        return sum(1 << bit for bit, is_chosen in enumerate(chosen) if is_chosen)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Per fact its place in `Assessment.values`."""
        return {read.name: place for place, read in enumerate(self.reads)}

    @cached_property
    def asked(self) -> Asked:
        """Questions that were ranked before."""
        return {}

    @cached_property
    def bank(self) -> Mapping[str, str]:
        """Per fact it reads, the question to ask."""
        return {read.name: read.question for read in self.reads} | dict(self.questions)

    @cached_property
    def closing(self) -> tuple[str, ...]:
        """Which parts decide today what is unknown, in words; empty for a stable policy."""
        parts = ((path, node) for path, node in self._walk() if node.is_closing)
        return tuple(f"closing: {path}: {node.text} decides today what is unknown" for path, node in parts)

    @property
    def is_stable(self) -> bool:
        """Whether a certain verdict stays certain, whatever becomes known: no part decides today what is unknown."""
        return not self.closing

    @property
    def after_outcome(self) -> tuple[str, ...]:
        """
        Names of the facts it reads that are known only once the outcome is.

        A rule that reads them can sort what is decided; what it says of the past predicts nothing.
        """
        return tuple(read.name for read in self.reads if read.is_after_outcome)

    @cached_property
    def basis(self) -> Basis:
        """What assessments say about it."""
        personal = frozenset(read.name for read in self.reads if read.is_personal)
        names = tuple(read.name for read in self.reads)
        return Basis(self.id, self.version, self.fingerprint, names, personal, self.valid_for)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of its dict form, in hexadecimal: equal for equal policies, on every machine."""
        canonical = dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
        return sha256(canonical.encode()).hexdigest()

    def _walk(self) -> Iterable[tuple[str, Node]]:
        for name, gates in (("knock_out", self.knock_out), ("require", self.require)):
            for position, gate in enumerate(gates):
                yield from walk(gate, f"{name}[{position}]")
        if self.score is not None:
            yield from walk(self.score, "score")

    # What can be asked of it.

    def assess(self, subject: Any, *, at: datetime, rates: Rates | None = None) -> Assessment:  # noqa: ANN401
        """
        Judge a subject.

        Args:
            subject: A lead, prospect, opportunity or `FactSheet`.
            at: The time of the judgement, aware; not before the subject's last record.
            rates: What converts amounts into the rule's currencies; without it, an amount in another currency counts as
                unknown, and a finding says so.

        Raises:
            InvalidError: If `at` is naive, the subject is of no such type, a custom fact is of another type than
                declared, or an engagement is dated after `at`.
            LookAheadError: If the subject was changed after `at`.
        """
        quick = self._quick.get(type(subject))
        if quick is None or rates is not None or not isinstance(at, datetime):
            return self._interpreted(subject, at, rates)
        try:
            return quick(subject, at)
        except TypeError:  # a naive time cannot be compared with the record's
            _check_time(subject, at)
            raise

    def _interpreted(self, subject: Any, at: datetime, rates: Rates | None) -> Assessment:  # noqa: ANN401
        _check_time(subject, at)
        values = tuple(read.read(subject, at) for read in self.reads)
        reading = Reading(dict(zip(self.places, values, strict=True)), at, rates)
        judged = judge(self, reading)
        explainer: Explainer = self
        if rates is not None:
            # Exchange rates are not kept in an assessment, so what rests on them is put into words at once.
            lenient = judge(self.lenient(), reading).verdict
            explainer = explain(self, judged, lenient, values, at, rates=rates)
        if type(subject) not in self._quick:
            self._quick[type(subject)] = compile_assess(self, type(subject), _check_time, self.basis, self)
        named = isinstance(subject, FactSheet)
        return Assessment(
            verdict=judged.verdict,
            low=judged.low,
            high=judged.high,
            at=at,
            basis=self.basis,
            subject_id=subject.subject_id if named else subject.id,
            subject_version=subject.subject_version if named else subject.version,
            values=values,
            passed=judged.passed,
            unknown=judged.unknown,
            explainer=explainer,
        )

    @cached_property
    def _quick(self) -> dict[type, Callable[[Any, datetime], Assessment]]:
        """What judges, compiled per class of subject; the first subject of a class is judged by the interpreter."""
        return {}

    @cached_property
    def _replay(self) -> Core:
        """The compiled function over values that were read before."""
        return compile_policy(self, tuple, _check_time)

    def explain(self, assessment: Assessment, /) -> Explanation:
        """Return findings and questions from the values that an assessment of this policy holds."""
        values, at = assessment.values, assessment.at
        judged = Judgement(assessment.verdict, assessment.low, assessment.high, assessment.passed, assessment.unknown)
        lenient = self.lenient()._replay(values, at)[0] if self.is_capped else lenient_verdict(self, judged)  # noqa: SLF001
        return explain(self, judged, lenient, values, at)

    def replace(self, **changes: Any) -> "Policy":  # noqa: ANN401 - any attribute
        """Return the next version of it, with attributes changed."""
        changes.setdefault("version", self.version + 1)
        return evolve(self, **changes)

    def lenient(self) -> "Policy":
        """Return the same policy with every open unknown taken as a no, as CRMs do; a closing form of it."""
        return self._lenient

    @cached_property
    def _lenient(self) -> "Policy":
        return evolve(
            self,
            knock_out=tuple(gate.lenient() for gate in self.knock_out),
            require=tuple(gate.lenient() for gate in self.require),
            score=None if self.score is None else self.score.lenient(),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as a plain dict, which `policy_from_dict` takes and any JSON writer can write."""
        plain: dict[str, Any] = {"schema": SCHEMA, "id": self.id, "version": self.version}
        plain |= {
            "knock_out": [encode(gate) for gate in self.knock_out],
            "require": [encode(gate) for gate in self.require],
        }
        plain |= {name: encode(node) for name in ("score", "grades") if (node := getattr(self, name)) is not None}
        if self.threshold is not None:
            plain["threshold"] = encode_points(self.threshold)
        if self.valid_for is not None:
            plain["valid_for"] = encode_span(self.valid_for)
        return plain | ({"questions": dict(self.questions)} if self.questions else {})

    def __getstate__(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in _FIELDS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


_FIELDS: Final = tuple(attribute.name for attribute in fields(Policy))


def _gate_problems(name: str, gates: tuple[object, ...], kind: type[Gate]) -> list[Problem | None]:
    rule = f"a criterion or {kind.__name__}(...)"
    return [instance(f"{name}[{position}]", gate, kind, rule) for position, gate in enumerate(gates)]


def _check_time(subject: Any, at: datetime) -> None:  # noqa: ANN401 - whatever was handed over
    check("assess", aware("at", at))
    if isinstance(subject, FactSheet):
        last, name = subject.known_at, f"sheet of {subject.subject_id!r}"
    elif hasattr(subject, "updated_at") and hasattr(subject, "version"):
        last, name = subject.updated_at, f"{type(subject).__name__.lower()} {subject.id!r}"
    else:
        rule = f"must be a lead, prospect, opportunity or FactSheet, got a {type(subject).__name__}"
        raise invalid("assess", Problem("subject", f"{rule}; wrap a mapping of facts in FactSheet(...)", is_type=True))
    if last is not None and last > at:
        raise LookAheadError(name, at.isoformat(), last.isoformat())
