"""
Values, and questions about one value: what stands at the leaves of a policy.

Theory. An `Operand` has a value of one kind, or none yet; comparing it with a constant makes a criterion. Constants are
checked against the operand's kind when the rule is built, and put into one form, so that equal rules are equal data.
Facts are compared with constants only. An amount in another currency than the rule's is unknown unless rates are given.
"""

# ruff: noqa: D102 - overrides are documented on their base class

from abc import abstractmethod
from collections.abc import Callable
from functools import cached_property
from operator import eq, ge, gt, le, lt
from typing import Any, Final, NoReturn

from attrs import frozen

from leadflow.assessment import shown
from leadflow.errors import Problem
from leadflow.fields import FieldValue
from leadflow.money import Money
from leadflow.qualification.kinds import ORDERED, Kind, canonical, fit_problem
from leadflow.qualification.logic import Open, Predicate, Statement
from leadflow.qualification.nodes import Reading, quoted
from leadflow.validation import check, coded, instance, invalid, text

__all__ = ["Between", "Compare", "Includes", "IsIn", "IsKnown", "Operand", "SingleTest", "TextMatch"]

_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {"=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}


class Operand(Statement):
    """Something with a value; comparing it with a constant gives a criterion."""

    __slots__ = ()

    @property
    @abstractmethod
    def kind(self) -> Kind:
        """The kind of its value."""

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels of its value, lowest first, when it is a level."""
        return ()

    @property
    def options(self) -> tuple[str, ...]:
        """The only texts that it can be, where they are few; its levels, when it is a level."""
        return self.levels

    def value_problem(self, path: str, value: FieldValue, /) -> Problem | None:
        """Say why a value of its kind can never be its, if so."""
        del path, value
        return None

    @property
    @abstractmethod
    def reads(self) -> tuple["Operand", ...]:
        """What has to be read from the subject for it."""

    def as_predicate(self, path: str, /) -> Predicate:
        if self.kind is Kind.BOOL:
            return Compare(self, "=", constant=True)
        rule = f"must be a criterion, got {self.text}, a {self.kind.value}; compare it with something"
        raise invalid("criterion", Problem(path, rule, is_type=True))

    def __contains__(self, constant: object) -> NoReturn:
        rule = f"'in' cannot look into {self.text} before a subject is judged, got {quoted(constant)}"
        way_out = ".is_in(...) to ask for one of several values, .includes(...) or .contains(...) to look inside"
        raise invalid("criterion", Problem("", f"{rule}; write {way_out}", is_type=True))

    @abstractmethod
    def value(self, reading: Reading, /) -> FieldValue | None:
        """Return its value; None is unknown."""

    def equals(self, constant: FieldValue) -> "Compare":
        """Ask whether it is this value; text is compared exactly."""
        return Compare(self, "=", constant)

    def at_least(self, constant: FieldValue) -> "Compare":
        """Ask whether it is this or more; levels go by their own order."""
        return Compare(self, ">=", constant)

    def __lt__(self, constant: FieldValue) -> "Compare":
        return Compare(self, "<", constant)

    def __le__(self, constant: FieldValue) -> "Compare":
        return Compare(self, "<=", constant)

    def __gt__(self, constant: FieldValue) -> "Compare":
        return Compare(self, ">", constant)

    def __ge__(self, constant: FieldValue) -> "Compare":
        return Compare(self, ">=", constant)

    def between(self, low: FieldValue, high: FieldValue) -> "Between":
        """Ask whether it lies between two values, both included."""
        return Between(self, low, high)

    def is_in(self, *options: Any) -> "IsIn":  # noqa: ANN401 - values, or one collection of them
        """Ask whether it is one of these values, given one by one or as one collection."""
        lone = options[0] if len(options) == 1 else None
        return IsIn(self, tuple(lone) if isinstance(lone, list | tuple | set | frozenset) else options)

    def contains(self, part: str, *, ignore_case: bool = True) -> "TextMatch":
        """Ask whether a text has this part in it."""
        return TextMatch(self, "contains", part, ignore_case)

    def startswith(self, part: str, *, ignore_case: bool = True) -> "TextMatch":
        """Ask whether a text begins so."""
        return TextMatch(self, "startswith", part, ignore_case)

    def endswith(self, part: str, *, ignore_case: bool = True) -> "TextMatch":
        """Ask whether a text ends so."""
        return TextMatch(self, "endswith", part, ignore_case)

    def includes(self, item: str) -> "Includes":
        """Ask whether a set has this item."""
        return Includes(self, item)

    def is_known(self) -> "IsKnown":
        """Ask whether it is known at all; that decides today what is unknown."""
        return IsKnown(self)


class SingleTest(Predicate):
    """A question about one operand."""

    __slots__ = ()

    operand: Operand

    @property
    def currency(self) -> str | None:
        """The currency of its constants, where they are amounts."""
        return None

    def truth(self, reading: Reading, /) -> bool | None:
        value = self.operand.value(reading)
        if self.currency is not None and isinstance(value, Money):
            value = reading.in_currency(value, self.currency)
        return None if value is None else self.test(value)

    def note(self, reading: Reading, /) -> str:
        value = self.operand.value(reading)
        if self.currency is None or not isinstance(value, Money):
            return ""
        if reading.in_currency(value, self.currency) is not None:
            return ""
        return f"{value} cannot be compared with {self.currency} without an exchange rate"

    @property
    @abstractmethod
    def test(self) -> Callable[[Any], bool]:
        """What decides about a known value."""

    def open_facts(self, reading: Reading, share: float, /) -> Open:
        for read in self.operand.reads:
            if read.value(reading) is None:
                yield read.text, share


@frozen(order=False)  # the type checker would give it an order of its own
class Compare(SingleTest):
    """
    One operand against one constant.

    Attributes:
        operand: What is compared.
        op: One of ``= < <= > >=``.
        constant: With what; of the operand's kind.
    """

    operand: Operand
    op: str
    constant: FieldValue

    def __attrs_post_init__(self) -> None:
        _settle(self, "constant")
        check(
            "Compare",
            coded("op", self.op, _ORDER),
            Problem("op", f"must be = for a {self.operand.kind.value}, got {self.op!r}; {_instead(self.operand.kind)}")
            if self.op != "=" and self.operand.kind not in ORDERED
            else None,
        )

    @property
    def text(self) -> str:
        return f"{self.operand.text} {'is' if self.op == '=' else self.op} {shown(self.constant)}"

    @cached_property
    def test(self) -> Callable[[Any], bool]:
        if self.operand.kind is Kind.LEVEL:
            order = self.operand.levels
            limit = order.index(str(self.constant))
            return frozenset(name for rank, name in enumerate(order) if _ORDER[self.op](rank, limit)).__contains__
        holds, constant = _ORDER[self.op], self.constant
        return lambda value: holds(value, constant)

    @property
    def currency(self) -> str | None:
        return self.constant.currency if isinstance(self.constant, Money) else None

    def is_below(self, other: "Compare") -> bool:
        """Say whether this one's constant is less than another's of the same operand."""
        if self.operand.kind is Kind.LEVEL:
            order = self.operand.levels
            return order.index(str(self.constant)) < order.index(str(other.constant))
        return _ORDER["<"](self.constant, other.constant)


@frozen(order=False)  # the type checker would give it an order of its own
class Between(SingleTest):
    """One operand between two constants, both included."""

    operand: Operand
    low: FieldValue
    high: FieldValue

    def __attrs_post_init__(self) -> None:
        check("between", instance("operand", self.operand, Operand, "a fact or another value"))
        ends = _constant_problem("low", self.operand, self.low), _constant_problem("high", self.operand, self.high)
        check(self.operand.text, *ends)
        least, most = Compare(self.operand, ">=", self.low), Compare(self.operand, "<=", self.high)
        if least.currency != most.currency:
            check("between", Problem("high", f"must be in {least.currency} like low, got {most.currency}"))
        if most.is_below(least):
            rule = f"must be at most high, got {shown(self.low)} and {shown(self.high)}"
            check("between", Problem("low", rule))
        object.__setattr__(self, "low", least.constant)
        object.__setattr__(self, "high", most.constant)

    @property
    def text(self) -> str:
        return f"{self.operand.text} between {shown(self.low)} and {shown(self.high)}"

    @property
    def currency(self) -> str | None:
        return self.low.currency if isinstance(self.low, Money) else None

    @cached_property
    def test(self) -> Callable[[Any], bool]:
        if self.operand.kind is Kind.LEVEL:
            order = self.operand.levels
            return frozenset(order[order.index(str(self.low)) : order.index(str(self.high)) + 1]).__contains__
        low: Any = self.low
        high: Any = self.high
        return lambda value: low <= value <= high


@frozen(order=False)  # the type checker would give it an order of its own
class IsIn(SingleTest):
    """One operand against a set of values; at least one. Not for amounts, which may be in several currencies."""

    operand: Operand
    options: tuple[FieldValue, ...]

    def __attrs_post_init__(self) -> None:
        if isinstance(self.operand, Operand) and self.operand.kind is Kind.MONEY:
            rule = f"must not be money, got {self.operand.text}; use .between(low, high) or .equals(amount)"
            raise invalid("is_in", Problem("operand", rule))
        _settle(self, "options")

    @property
    def text(self) -> str:
        return f"{self.operand.text} is in {', '.join(map(shown, self.options))}"

    @cached_property
    def test(self) -> Callable[[Any], bool]:
        return frozenset(self.options).__contains__


@frozen(order=False)  # the type checker would give it an order of its own
class TextMatch(SingleTest):
    """
    One text operand against a part of text.

    Attributes:
        operand: What is searched.
        op: ``contains``, ``startswith`` or ``endswith``.
        part: What for; no pattern, every character stands for itself.
        ignore_case: Whether both sides are put in lower case first (`str.lower`).
    """

    operand: Operand
    op: str
    part: str
    ignore_case: bool = True

    def __attrs_post_init__(self) -> None:
        check(
            "TextMatch",
            _of_kind(self.operand, Kind.TEXT, f"{self.op} needs a text; for a set use .includes(...)"),
            coded("op", self.op, ("contains", "startswith", "endswith")),
            text("part", self.part),
            instance("ignore_case", self.ignore_case, bool, "True or False"),
        )

    @property
    def text(self) -> str:
        exactly = "" if self.ignore_case else " (exact case)"
        return f"{self.operand.text} {self.op} {self.part!r}{exactly}"

    @cached_property
    def test(self) -> Callable[[Any], bool]:
        part = self.part.lower() if self.ignore_case else self.part
        search = {"contains": str.__contains__, "startswith": str.startswith, "endswith": str.endswith}[self.op]
        if self.ignore_case:
            return lambda value: search(value.lower(), part)
        return lambda value: search(value, part)


@frozen(order=False)  # the type checker would give it an order of its own
class Includes(SingleTest):
    """Whether a set operand has an item."""

    operand: Operand
    item: str

    def __attrs_post_init__(self) -> None:
        check(
            "Includes",
            _of_kind(self.operand, Kind.SET, "includes needs a set; for a text use .contains(...)"),
            text("item", self.item),
        )
        check(self.operand.text, self.operand.value_problem("item", self.item))

    @property
    def text(self) -> str:
        return f"{self.operand.text} includes {self.item!r}"

    @cached_property
    def test(self) -> Callable[[Any], bool]:
        return lambda value: self.item in value


@frozen(order=False)  # the type checker would give it an order of its own
class IsKnown(Predicate):
    """Whether an operand is known; a closing form, since *unknown* is then simply false."""

    operand: Operand

    @property
    def is_closing(self) -> bool:
        return True

    @property
    def text(self) -> str:
        return f"{self.operand.text} is known"

    def truth(self, reading: Reading, /) -> bool:
        return self.operand.value(reading) is not None

    def open_facts(self, reading: Reading, share: float, /) -> Open:
        del reading, share
        yield from ()


def _of_kind(operand: object, kind: Kind, rule: str) -> Problem | None:
    if not isinstance(operand, Operand):
        return instance("operand", operand, Operand, "a fact or another value")
    return None if operand.kind is kind else Problem("operand", f"must be a {kind.value}, got {operand.text}: {rule}")


def _instead(kind: Kind) -> str:
    return {
        Kind.BOOL: "use .equals(True)",
        Kind.SET: "use .includes(...)",
        Kind.TEXT: "use .is_in(...), .contains(...), or levels if the texts have an order",
    }.get(kind, "use .equals(...)")


def _settle(node: "Compare | IsIn", name: str) -> None:
    """Check constants against the operand's kind and put them into their one form."""
    operand = node.operand
    check(type(node).__name__, instance("operand", operand, Operand, "a fact or another value"))
    given: Any = getattr(node, name)
    several = isinstance(node, IsIn)
    if several and (not isinstance(given, tuple) or not given):
        raise invalid("is_in", Problem(name, f"must hold at least one value, got {given!r}"))
    values = given if several else (given,)
    paths = [f"{name}[{position}]" if several else name for position in range(len(values))]
    problems = [_constant_problem(path, operand, value) for path, value in zip(paths, values, strict=True)]
    check(operand.text, *problems)
    settled = [canonical(operand.kind, value) for value in values]
    if several:
        unique = {repr(value): value for value in settled}
        object.__setattr__(node, name, tuple(unique[key] for key in sorted(unique)))
    else:
        object.__setattr__(node, name, settled[0])


def _constant_problem(path: str, operand: Operand, value: object) -> Problem | None:
    if isinstance(value, Operand):
        return Problem(path, f"must be a constant, got {value.text}; compare facts with values only", is_type=True)
    problem = fit_problem(path, operand.kind, value, operand.levels)
    return problem or operand.value_problem(path, value)  # type: ignore[arg-type]  # it is of a kind
