"""
Numbers as data frames hold them, taken in as plain ones.

Theory. A column of NumPy or pandas holds scalars that are no `int`, `float` or `bool`, though they stand for one: most
say so by the abstract types of `numbers`, a truth value only by its `item`. They are turned into plain numbers at the
door, so that figures stay exact, equal and printable inside, and nothing of NumPy comes out again. NumPy itself is not
imported. What stands for no number is handed on to the check, which names it.
"""

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

from leadflow.errors import Problem
from leadflow.money import Money
from leadflow.validation import check, finite, to_tuple

__all__ = ["in_units", "plain", "plain_tuple"]

_PLAIN = (float, int, bool)


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever was given; what is no number is named by the check
    """
    Return the int, float or bool that a number stands for; whatever is none as it is.

    >>> from fractions import Fraction
    >>> plain(Fraction(1, 4)), plain("0.25")
    (0.25, '0.25')
    """
    if type(value) in _PLAIN:
        return value
    try:
        if isinstance(value, Integral):
            return int(value)
        if isinstance(value, Real):
            return float(value)
    except (ValueError, OverflowError):  # a fraction beyond the largest float
        return value
    # An array of one has an item as well, but is no number.
    if getattr(value, "shape", None) == () and type(found := value.item()) is bool:
        return found
    return value


def plain_tuple(values: Iterable[object]) -> Any:  # noqa: ANN401 - what is no collection is named by the check
    """
    Return several numbers as a tuple of plain ones; what is no collection as it is.

    >>> plain_tuple([0.5, True]), plain_tuple(0.5)
    ((0.5, True), 0.5)
    """
    given: Any = to_tuple(values)
    return tuple(map(plain, given)) if isinstance(given, tuple) else given


def in_units(subject: str, x: object, currency: str | None) -> float:
    """
    Return an amount that something in a currency is asked about, as a number.

    >>> in_units("Total.cdf", Money("12.50", "EUR"), "EUR"), in_units("Total.cdf", 12.5, "EUR")
    (12.5, 12.5)

    Args:
        subject: Which function was asked, for messages.
        x: A number, or `Money` of that currency.
        currency: None: the amounts are plain numbers.

    Raises:
        InvalidError: If it is in another currency, or no finite number.
    """
    if isinstance(x, Money):
        rule = "a plain number, as the amounts are" if currency is None else f"in {currency}"
        check(subject, Problem("x", f"must be {rule}, got {x}") if x.currency != currency else None)
        return float(x.amount)
    number = plain(x)
    check(subject, finite("x", number))
    return float(number)
