"""
What all parts of a policy have in common: they are frozen values in a tree, and have no truth of their own.

Theory. A rule is data, so ``fact("x") > 5`` builds a node and decides nothing. Python's own ``and``, ``or``, ``not``
and chained comparisons ask a node for its truth and would silently drop half of the rule; nodes refuse to be asked.
Nodes compare by value, so ``==`` gives a bool and cannot be a criterion; whatever takes a criterion refuses a bool and
names ``.equals``. Walking a tree goes over the attributes of its nodes, so that a new node needs no code for it.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, NoReturn, Protocol

import attrs
from attrs import frozen

from leadflow.errors import MissingRateError, Problem
from leadflow.fields import FieldValue
from leadflow.money import Money
from leadflow.validation import check, invalid, shown

__all__ = ["Node", "Rates", "Reading", "list_problem", "pair_problem", "quoted", "tuples", "walk"]


# A text this short is repeated in full where a message shows how to write it.
_SHORT = 30


class Node:
    """A part of a policy."""

    __slots__ = ()

    @property
    @abstractmethod
    def text(self) -> str:
        """The part in words."""

    @property
    def is_closing(self) -> bool:
        """Whether this part, by itself, decides today what is unknown."""
        return False

    def __bool__(self) -> NoReturn:
        rule = "has no truth value before a subject is judged"
        way_out = "write (a) & (b), (a) | (b), ~(a), and .between(low, high) instead of and, or, not and a < b < c"
        raise invalid(type(self).__name__, Problem("", f"{rule}; {way_out}", is_type=True))


def walk(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """Yield a node and everything under it, each with its path, parents first."""
    yield path, node
    for attribute in attrs.fields(type(node)):  # type: ignore[arg-type]  # every node is an attrs class
        inner = getattr(node, attribute.name)
        here = f"{path}.{attribute.name}" if path else attribute.name
        if isinstance(inner, Node):
            yield from walk(inner, here)
        elif isinstance(inner, tuple):
            for position, item in enumerate(inner):
                if isinstance(item, Node):
                    yield from walk(item, f"{here}[{position}]")


def tuples(subject: str, of: str, /, **given: Any) -> tuple[tuple[Any, ...], ...]:  # noqa: ANN401 - whatever came
    """
    Return collections as tuples, in the order given; what is none is refused, all at once.

    A lone text would fall apart into its letters, and a lone part of a rule is not a list of one: both are refused.

    Args:
        subject: What was called.
        of: What the collections hold, in words.
        **given: The collections by the names of the arguments.
    """
    check(subject, *(list_problem(name, value, of) for name, value in given.items()))
    return tuple(tuple(value) for value in given.values())


def quoted(value: object) -> str:
    """Return how a refused value is quoted in a message: parts of a policy by their words."""
    return value.text if isinstance(value, Node) else shown(value)


def list_problem(name: str, value: object, of: str) -> Problem | None:
    """Check for a collection that is no lone text, mapping or part of a rule."""
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        return None
    example = f"[{value!r}]" if isinstance(value, str) and len(value) <= _SHORT else "[...]"
    return Problem(name, f"must be a list of {of}, got {quoted(value)}; write {name}={example}", is_type=True)


def pair_problem(name: str, value: object) -> Problem | None:
    """Check for a pair of limits, either of them None; None instead of a pair means no limits."""
    if value is None or (isinstance(value, tuple | list) and len(value) == 2):  # noqa: PLR2004 - least and most
        return None
    return Problem(name, f"must be a pair (least, most), either of them None, got {shown(value)}", is_type=True)


class Rates(Protocol):
    """What a policy needs of exchange rates; `ExchangeRates` has it."""

    def convert(self, money: Money, to: str, on: date) -> Money:
        """Return the amount in another currency at the rate of a day, or raise `MissingRateError`."""
        ...


@frozen
class Reading:
    """
    What was read from one subject: all that an evaluation may look at.

    Attributes:
        values: Per name of a fact its value; None, or no entry, is unknown.
        at: The time of the judgement.
        rates: What converts amounts into a rule's currency; without it an amount in another currency is unknown.
    """

    values: Mapping[str, FieldValue | None]
    at: datetime
    rates: Rates | None = None

    def __attrs_post_init__(self) -> None:
        if self.rates is not None and not callable(getattr(self.rates, "convert", None)):
            rule = f"must be ExchangeRates, or have convert(money, to, on), got {shown(self.rates)}"
            raise invalid("assess", Problem("rates", rule, is_type=True))

    def in_currency(self, money: Money, currency: str) -> Money | None:
        """Return an amount in a rule's currency; None if that cannot be said."""
        if money.currency == currency:
            return money
        if self.rates is None:
            return None
        try:
            return self.rates.convert(money, currency, on=self.at.date())
        except MissingRateError:
            return None
