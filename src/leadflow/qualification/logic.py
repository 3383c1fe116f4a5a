"""
Criteria that are true, false or unknown, and their logic.

Theory. Strong Kleene logic: a criterion is unknown when the values it read leave it open, so *false and unknown*
is false, *true or unknown* is true, and not-unknown is unknown. Each node says three things about a `Reading`: its
truth; which unknown facts could still tip it, and how likely each is to do so alone were the others coin tosses (the
index of Banzhaf; parts are treated as independent); and, in words, what it asks. "All", "any" and "at least k" are one
thing, and every part is looked at, so that order never matters.
"""

# ruff: noqa: D102 - overrides are documented on their base class

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import comb
from typing import Any, ClassVar, Final, NoReturn, TypeAlias

from attrs import frozen

from leadflow.errors import InvalidError, Problem
from leadflow.qualification.nodes import Node, Reading, quoted
from leadflow.validation import check, each, instance, invalid, shown, whole

__all__ = [
    "AllOf",
    "AnyOf",
    "AtLeast",
    "Criterion",
    "Not",
    "Open",
    "Predicate",
    "Statement",
    "at_least",
    "to_predicate",
]

# Unknown facts by name, each with its weight.
Open: TypeAlias = Iterator[tuple[str, float]]
_Refusing: TypeAlias = Callable[[Any, object], NoReturn]


class Statement(Node):
    """What may stand where a criterion is wanted: a `Predicate`, or a value that is yes or no."""

    __slots__ = ()

    @abstractmethod
    def as_predicate(self, path: str, /) -> "Predicate":
        """Return it as a criterion, or refuse, naming the path."""

    def __and__(self, other: object) -> "Predicate":
        return AllOf((*_same(AllOf, _joined(self, "&")), *_same(AllOf, _joined(other, "&"))))

    def __or__(self, other: object) -> "Predicate":
        return AnyOf((*_same(AnyOf, _joined(self, "|")), *_same(AnyOf, _joined(other, "|"))))

    def __invert__(self) -> "Predicate":
        item = _joined(self, "~")
        return item.item if isinstance(item, Not) else Not(item)

    def __rand__(self, other: object) -> NoReturn:
        rule = f"& and | bind tighter than comparisons, got {shown(other)}; write (a > 5) & (b < 3)"
        raise invalid("criterion", Problem("", rule, is_type=True))

    __ror__ = __rand__


class Predicate(Statement):
    """Something that is true, false or unknown."""

    __slots__ = ()

    def __lt__(self, constant: object) -> NoReturn:
        """Refuse to be compared: parentheses are missing."""
        rule = f"is no value to compare with {quoted(constant)}, got {self.text}"
        raise invalid("criterion", Problem("", f"{rule}; {_PARENTHESES}", is_type=True))

    __le__: ClassVar[_Refusing] = __lt__
    __gt__: ClassVar[_Refusing] = __lt__
    __ge__: ClassVar[_Refusing] = __lt__

    def as_predicate(self, path: str, /) -> "Predicate":
        del path
        return self

    @abstractmethod
    def truth(self, reading: Reading, /) -> bool | None:
        """Return whether it holds; None is unknown."""

    @abstractmethod
    def open_facts(self, reading: Reading, share: float, /) -> Open:
        """Yield each unknown fact that could tip it, with its weight; asked only while its truth is unknown."""

    def note(self, reading: Reading, /) -> str:
        """Return what a reader should know besides: which amounts could not be compared."""
        del reading
        return ""


Criterion: TypeAlias = Statement
_PARENTHESES: Final = "&, | and ~ bind tighter than comparisons: write (a >= 50) & (b < 3), ~(a >= 50)"


def _joined(value: object, sign: str) -> Predicate:
    """Return what stands beside an operator; a value there mostly means that parentheses are missing."""
    if isinstance(value, Predicate):
        return value
    try:
        return to_predicate(value)
    except InvalidError as error:
        if not isinstance(value, Statement):
            raise
        problem = Problem("", f"{error.problems[0].message}; {_PARENTHESES}", is_type=True)
        raise invalid(f"criterion beside {sign}", problem) from None


def to_predicate(value: object, path: str = "") -> Predicate:
    """Return a criterion as it is, and a yes-or-no value as "is yes"; refuse anything else, saying what was meant."""
    if isinstance(value, Statement):
        return value.as_predicate(path)
    hint = "write a comparison such as fact('company.employees') >= 50"
    if isinstance(value, bool):
        hint = "== and != compare two rules; write .equals(...), ~a.equals(...) or .is_in(...) to compare a fact"
    raise invalid("criterion", Problem(path, f"must be a criterion, got {quoted(value)}; {hint}", is_type=True))


def _same(kind: "type[AllOf | AnyOf]", item: Predicate) -> tuple[Predicate, ...]:
    return item.items if isinstance(item, kind) else (item,)


@frozen(order=False)  # the type checker would give it an order of its own
class Not(Predicate):
    """The opposite; unknown stays unknown."""

    item: Predicate

    @property
    def text(self) -> str:
        return f"not ({self.item.text})"

    def truth(self, reading: Reading, /) -> bool | None:
        truth = self.item.truth(reading)
        return None if truth is None else not truth

    def open_facts(self, reading: Reading, share: float, /) -> Open:
        return self.item.open_facts(reading, share)

    def note(self, reading: Reading, /) -> str:
        return self.item.note(reading)


class Several(Predicate):
    """A criterion over other criteria; all three of its kind are "at least k of n"."""

    __slots__ = ()

    items: tuple[Predicate, ...]

    @property
    @abstractmethod
    def needed(self) -> int:
        """How many of the items have to be true."""

    def truth(self, reading: Reading, /) -> bool | None:
        truths = [item.truth(reading) for item in self.items]
        sure = truths.count(True)
        if sure >= self.needed:
            return True
        return None if sure + truths.count(None) >= self.needed else False

    def open_facts(self, reading: Reading, share: float, /) -> Open:
        truths = [item.truth(reading) for item in self.items]
        others, lacking = truths.count(None) - 1, self.needed - truths.count(True) - 1
        # An item tips the whole when exactly the lacking number of the other open ones came out true.
        tips = comb(others, lacking) / 2**others
        for item, truth in zip(self.items, truths, strict=True):
            if truth is None:
                yield from item.open_facts(reading, share * tips)

    def note(self, reading: Reading, /) -> str:
        return "; ".join(note for item in self.items if (note := item.note(reading)))

    def _check(self) -> None:
        check(
            type(self).__name__,
            Problem("items", "must hold at least one criterion, got none") if self.items == () else None,
            *each("items", self.items, instance, Predicate, "a criterion"),
        )


@frozen(order=False)  # the type checker would give it an order of its own
class AllOf(Several):
    """Every criterion; built by ``&``."""

    items: tuple[Predicate, ...]

    def __attrs_post_init__(self) -> None:
        self._check()

    @property
    def needed(self) -> int:
        return len(self.items)

    @property
    def text(self) -> str:
        return " and ".join(_inner(item) for item in self.items)


@frozen(order=False)  # the type checker would give it an order of its own
class AnyOf(Several):
    """At least one criterion; built by ``|``."""

    items: tuple[Predicate, ...]

    def __attrs_post_init__(self) -> None:
        self._check()

    @property
    def needed(self) -> int:
        return 1

    @property
    def text(self) -> str:
        return " or ".join(_inner(item) for item in self.items)


@frozen(order=False)  # the type checker would give it an order of its own
class AtLeast(Several):
    """At least so many of several criteria."""

    count: int
    items: tuple[Predicate, ...]

    def __attrs_post_init__(self) -> None:
        self._check()
        most = len(self.items)
        problem = whole("count", self.count, 1)
        if problem is None and self.count > most:
            problem = Problem("count", f"must be at most the number of criteria, {most}, got {self.count!r}")
        check("AtLeast", problem)

    @property
    def needed(self) -> int:
        return self.count

    @property
    def text(self) -> str:
        return f"at least {self.count} of: {', '.join(_inner(item) for item in self.items)}"


def at_least(count: int, *criteria: Criterion | Iterable[Criterion]) -> AtLeast:
    """Ask whether at least so many of these criteria hold, given one by one or as one collection."""
    lone: Any = criteria[0] if len(criteria) == 1 else None
    listed = tuple(lone) if isinstance(lone, Iterable) and not isinstance(lone, str | bytes | Mapping) else criteria
    return AtLeast(count, tuple(to_predicate(item, f"[{position}]") for position, item in enumerate(listed)))


def _inner(item: Predicate) -> str:
    return f"({item.text})" if isinstance(item, Several) else item.text
