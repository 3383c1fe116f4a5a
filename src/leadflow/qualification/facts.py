"""
Facts as parts of a rule: ``fact("company.employees")``, ``age(...)``, ``coalesce(...)``.

Theory. A `Read` is a value that has to be fetched from the subject, once per assessment, under a name; everything else
is worked out from what was read and from the time. An assessment can therefore be replayed from the values it kept.
"""

# ruff: noqa: D102 - overrides are documented on their base class

from abc import abstractmethod
from collections.abc import Hashable, Iterable
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final

from attrs import field, frozen

from leadflow.errors import InvalidTypeError, Problem, did_you_mean
from leadflow.fields import FieldValue
from leadflow.qualification.catalogue import CATALOGUE, CUSTOM, FactSpec, read, spec_of
from leadflow.qualification.comparisons import Operand
from leadflow.qualification.kinds import KIND_OF_TYPE, Kind, canonical, fit_problem
from leadflow.qualification.nodes import Reading, tuples
from leadflow.qualification.sheet import FactSheet
from leadflow.validation import check, code, coded, each, instance, member, shown, text, unique

__all__ = ["Age", "Coalesce", "Fact", "Read", "age", "coalesce", "fact"]


def _to_kind(value: Any) -> Any:  # noqa: ANN401 - junk is handed on to the check
    return member(Kind, none=True)(value)


class Read(Operand):
    """A value that is read from the subject under a name."""

    __slots__ = ()

    name: Any

    @property
    def text(self) -> str:
        return str(self.name)

    @property
    def reads(self) -> tuple[Operand, ...]:
        return (self,)

    @property
    @abstractmethod
    def question(self) -> str:
        """What to ask when it is unknown."""

    @property
    def is_personal(self) -> bool:
        """Whether its value may identify a natural person."""
        return False

    @property
    def is_after_outcome(self) -> bool:
        """Whether it is known only once the outcome is, so that it predicts nothing."""
        return False

    def value(self, reading: Reading, /) -> FieldValue | None:
        return reading.values.get(self.name)

    @abstractmethod
    def read(self, subject: Any, at: datetime, /) -> FieldValue | None:  # noqa: ANN401 - any record
        """Fetch it from a lead, prospect, opportunity or `FactSheet`; None is unknown."""


@frozen(order=False)  # the type checker would give it an order of its own
class Fact(Read):
    """
    A fact of the catalogue, or the host's own.

    Attributes:
        name: Its name; the host's own begin with ``custom.``.
        declared: The kind of a fact of the host's own; None where the catalogue knows it.
        order: The levels of the host's own, lowest first, when it is a level.
    """

    name: str
    declared: Kind | None = field(default=None, converter=_to_kind)
    order: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        check("fact", *_fact_problems(self))

    @cached_property
    def spec(self) -> FactSpec:
        """What the catalogue says about it, or what was declared."""
        words = self.name.removeprefix(CUSTOM).replace("_", " ")
        return spec_of(self.name) or FactSpec(
            self.name,
            self.declared or Kind.TEXT,
            "the host's own",
            f"what do we know about {words}?",
            levels=self.order,
            personal=True,
        )

    @property
    def kind(self) -> Kind:
        return self.spec.kind

    @property
    def levels(self) -> tuple[str, ...]:
        return self.spec.levels

    @property
    def options(self) -> tuple[str, ...]:
        return self.spec.levels or self.spec.options

    def value_problem(self, path: str, value: FieldValue, /) -> Problem | None:
        return self.spec.value_problem(path, value)

    @property
    def question(self) -> str:
        return self.spec.question

    @property
    def is_personal(self) -> bool:
        return self.spec.personal

    @property
    def is_after_outcome(self) -> bool:
        return self.spec.after_outcome

    def read(self, subject: Any, at: datetime, /) -> FieldValue | None:  # noqa: ANN401
        if isinstance(subject, FactSheet):
            return self._own(subject.values.get(self.name))
        if self.declared is None:
            return read(self.spec, subject, at)
        return self._own(subject.fields.get(self.name.removeprefix(CUSTOM)))

    def _own(self, value: FieldValue | None) -> FieldValue | None:
        if value is None or self.declared is None:
            return value
        check("assess", fit_problem(self.name, self.kind, value, self.order))
        return canonical(self.kind, value)


def fact(name: str, type: type | None = None, *, levels: Iterable[str] = ()) -> Fact:  # noqa: A002 - reads as said
    """
    Name a fact.

    >>> (fact("company.employees") >= 50).text
    'company.employees >= 50'
    >>> fact("custom.tier", levels=("bronze", "silver", "gold")).at_least("silver").text
    "custom.tier >= 'silver'"

    Args:
        name: A name of the catalogue, or ``custom.`` and the name of a custom field.
        type: The type of a custom fact's values: bool, int, float, Decimal, str, date, datetime, timedelta, Money, or
            frozenset of texts. Not needed for the catalogue's.
        levels: Instead of a type, the custom fact's levels, lowest first.

    Raises:
        InvalidError: If there is no such fact, with the nearest name; or the type is not one of these.
    """
    if type is not None and (not isinstance(type, Hashable) or type not in KIND_OF_TYPE):
        known = ", ".join(sorted(kind.__name__ for kind in KIND_OF_TYPE))
        raise InvalidTypeError("fact", [Problem("type", f"must be one of {known}, got {shown(type)}", is_type=True)])
    (order,) = tuples("fact", "texts, lowest first", levels=levels)
    declared = Kind.LEVEL if order else KIND_OF_TYPE[type] if type is not None else None
    spec = spec_of(str(name))
    if spec is not None and (declared is None or (declared is spec.kind and not order)):
        return Fact(name)
    return Fact(name, declared, order)


def _fact_problems(given: Fact) -> list[Problem | None]:
    problem = code("name", given.name)
    if problem is not None:
        return [problem]
    spec = spec_of(given.name)
    if spec is not None:
        clash = given.declared is not None or given.order != ()
        return [Problem(given.name, f"is a {spec.kind.value}; leave its type out") if clash else None]
    if not given.name.startswith(CUSTOM):
        hint = did_you_mean(given.name, CATALOGUE)
        return [Problem("", f"unknown fact {shown(given.name)}{hint}; your own facts are named custom.*")]
    if given.declared is None:
        return [Problem(given.name, f"needs a type: fact({shown(given.name)}, str)")]
    return [
        coded("declared", given.declared, Kind),
        *each("levels", given.order, text),
        unique("levels", map(repr, given.order)) if isinstance(given.order, tuple) else None,
        Problem("levels", "must be given for a level, and for nothing else")
        if (given.declared == Kind.LEVEL) != bool(given.order)
        else None,
    ]


_TIMES: Final = (Kind.DATE, Kind.INSTANT)


@frozen(order=False)  # the type checker would give it an order of its own
class Age(Operand):
    """
    Whole days from a date or instant until the time of the judgement, rounded down; negative if it is still to come.

    A date is counted from the calendar day of the judgement in the time zone in which that is given.
    """

    operand: Operand

    def __attrs_post_init__(self) -> None:
        check("age", instance("operand", self.operand, Operand, "a fact that is a date or an instant"))
        if self.operand.kind not in _TIMES:
            rule = f"must be a date or an instant, got {self.operand.text}, a {self.operand.kind.value}"
            check("age", Problem("operand", rule))

    @property
    def kind(self) -> Kind:
        return Kind.NUMBER

    @property
    def reads(self) -> tuple[Operand, ...]:
        return self.operand.reads

    @property
    def text(self) -> str:
        return f"days since {self.operand.text}"

    def value(self, reading: Reading, /) -> FieldValue | None:
        since: Any = self.operand.value(reading)
        if since is None:
            return None
        until: date = reading.at if self.operand.kind is Kind.INSTANT else reading.at.date()
        days: int = (until - since).days
        return days


@frozen(order=False)  # the type checker would give it an order of its own
class Coalesce(Operand):
    """A value, or a default where it is unknown; a closing form."""

    operand: Operand
    default: FieldValue = field()

    def __attrs_post_init__(self) -> None:
        check("coalesce", instance("operand", self.operand, Operand, "a fact or another value"))
        wrong = fit_problem("default", self.operand.kind, self.default, self.operand.levels)
        check("coalesce", wrong or self.operand.value_problem("default", self.default))
        object.__setattr__(self, "default", canonical(self.operand.kind, self.default))

    @property
    def kind(self) -> Kind:
        return self.operand.kind

    @property
    def levels(self) -> tuple[str, ...]:
        return self.operand.levels

    @property
    def options(self) -> tuple[str, ...]:
        return self.operand.options

    def value_problem(self, path: str, value: FieldValue, /) -> Problem | None:
        return self.operand.value_problem(path, value)

    @property
    def reads(self) -> tuple[Operand, ...]:
        return self.operand.reads

    @property
    def is_closing(self) -> bool:
        return True

    @property
    def text(self) -> str:
        return f"{self.operand.text} (or {self.default!r} where unknown)"

    def value(self, reading: Reading, /) -> FieldValue | None:
        value = self.operand.value(reading)
        return self.default if value is None else value


def age(operand: Operand) -> Age:
    """
    Return the whole days since a date or an instant.

    >>> (age(fact("deal.stage_entered_at")) <= 30).text
    'days since deal.stage_entered_at <= 30'
    """
    return Age(operand)


def coalesce(operand: Operand, default: FieldValue) -> Coalesce:
    """Return a value, or a default where it is unknown; that decides today what is unknown."""
    return Coalesce(operand, default)
