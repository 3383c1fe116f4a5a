"""
Comparing values to the last digit, and saying where they differ.

Theory. Equality is for selling: 48000.5 EUR equals 48000.50 EUR, and nine o'clock in Kathmandu is 03:15 in London. A
store has to give back what was written, so here types, scales and offsets count. What is compared is data (attrs
classes, tuples, mappings, sets, plain values), walked in the order of its attributes; the first difference is enough.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs
from attrs import frozen

from leadflow.entity import Entity

__all__ = ["Difference", "difference"]


@frozen
class Difference:
    """
    One place in which two values differ.

    Attributes:
        path: Where, from the value's root; empty for the value itself.
        expected: What should be there.
        got: What is there.
    """

    path: str
    expected: Any
    got: Any


def difference(expected: object, got: object) -> Difference | None:
    """
    Return the first place in which two values differ, types, scales and offsets included; None where they do not.

    >>> difference({"price": Decimal("1.50")}, {"price": Decimal("1.5")})
    Difference(path="['price']", expected=Decimal('1.50'), got=Decimal('1.5'))
    """
    return next(_differences("", expected, got), None)


def _differences(path: str, expected: Any, got: Any) -> Iterator[Difference]:  # noqa: ANN401
    if expected is got:
        return
    if type(expected) is not type(got):
        yield Difference(path, expected, got)
    elif isinstance(expected, Entity):
        # All else follows from these, so a difference is named where it was made.
        for name in ("id", "history", "version"):
            yield from _differences(_under(path, name), getattr(expected, name), getattr(got, name))
    elif attrs.has(type(expected)):
        for attribute in attrs.fields(type(expected)):
            name = attribute.name
            yield from _differences(_under(path, name), getattr(expected, name), getattr(got, name))
    elif isinstance(expected, Mapping):
        yield from _mappings(path, expected, got)
    elif isinstance(expected, tuple):
        for position, (old, new) in enumerate(zip(expected, got, strict=False)):
            yield from _differences(f"{path}[{position}]", old, new)
        if len(expected) != len(got):
            yield Difference(path, expected, got)
    elif not _equal(expected, got):
        yield Difference(path, expected, got)


def _mappings(path: str, expected: Mapping[Any, Any], got: Mapping[Any, Any]) -> Iterator[Difference]:
    if list(expected) != list(got):
        yield Difference(path, dict(expected), dict(got))
        return
    for name, value in expected.items():
        yield from _differences(f"{path}[{name!r}]", value, got[name])


def _equal(expected: Any, got: Any) -> bool:  # noqa: ANN401
    if isinstance(expected, Decimal):
        return bool(expected.as_tuple() == got.as_tuple())
    if isinstance(expected, datetime):
        return bool(expected == got) and expected.utcoffset() == got.utcoffset()
    return bool(expected == got)


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
