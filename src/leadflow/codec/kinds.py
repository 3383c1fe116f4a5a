"""
What has a dict form, and under which name.

A kind is a class that a host may store, named after the class in lower case with underscores (`StageChanged` is
``stage_changed``). The table is made from what the packages of values list as public, so that a new event or plan is
here as soon as it is listed there.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from types import MappingProxyType, ModuleType, NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin

import attrs

from leadflow import (
    assessment,
    calendar,
    conversion,
    dealparts,
    discovery,
    engagement,
    events,
    money,
    party,
    pipeline,
    stores,
)
from leadflow.fields import Fields
from leadflow.forecasting import Deal
from leadflow.qualification import Combined, Policy
from leadflow.stores.records import RECORD_TYPES

__all__ = ["KINDS", "NAMES", "name_of"]

_PACKAGES: Final[tuple[ModuleType, ...]] = (
    events,
    assessment,
    calendar,
    conversion,
    dealparts,
    discovery,
    engagement,
    money,
    party,
    pipeline,
    stores,
)
# Of what those list: what only other classes derive from, what holds a store, and what holds an exception.
_NOT_STORED: Final = frozenset({"Event", "Opening", "ConversionService", "AsyncConversionService", "Failed"})
_FUNCTION: Final[Any] = get_origin(Callable[[], None])


def name_of(kind: type[Any]) -> str:
    """
    Return what a class is called in dicts.

    >>> name_of(events.StageChanged)
    'stage_changed'
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind.__name__).lower()


def _is_code(kind: type[Any]) -> bool:
    """Whether a class has an attribute that can only be a function: it is code of the host's, and no data."""
    return any({get_origin(part) for part in _parts(attribute.type)} == {_FUNCTION} for attribute in attrs.fields(kind))


def _parts(hint: Any) -> Iterator[Any]:  # noqa: ANN401 - an annotation
    union = get_origin(hint) in (Union, UnionType)
    yield from (part for part in (get_args(hint) if union else (hint,)) if part is not NoneType)


def _listed() -> Iterator[type[Any]]:
    yield from RECORD_TYPES
    yield from (Fields, Policy, Combined, Deal)
    for package in _PACKAGES:
        for name in package.__all__:
            found = getattr(package, name)
            if not isinstance(found, type) or name in _NOT_STORED:
                continue
            if issubclass(found, Enum) or (attrs.has(found) and not _is_code(found)):
                yield found


def _named(kinds: Iterator[type[Any]]) -> dict[str, type[Any]]:
    named: dict[str, type[Any]] = {}
    for kind in kinds:
        name = name_of(kind)
        # Of two classes with one name, the second puts its package's in front: party_basis is no assessment's basis.
        if named.get(name, kind) is not kind:
            name = f"{kind.__module__.split('.')[1]}_{name}"
        named[name] = kind
    return named


KINDS: Final[Mapping[str, type[Any]]] = MappingProxyType(_named(_listed()))
"""Every class that has a dict form, by its name there."""

NAMES: Final[Mapping[type[Any], str]] = MappingProxyType({kind: name for name, kind in KINDS.items()})
"""The name of each class that has a dict form."""
