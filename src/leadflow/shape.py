"""
The shape of entities and of the events that open their histories, worked out once per class.

An opening says the entity's attributes under their own names; a copy of an entity has all of them. Both happen at every
capture and every command, so what reads and what writes each attribute is made on first use and kept.
"""

from collections.abc import Callable
from itertools import compress
from operator import attrgetter, is_not
from typing import Any, Final, TypeAlias

import attrs

from leadflow.events import Opening
from leadflow.events.base import by_kind

__all__ = ["copied", "named", "opened", "told"]

_Reader: TypeAlias = Callable[[Any], tuple[Any, ...]]
_Writer: TypeAlias = Callable[[Any, Any], None]
_WHEN: Final = frozenset(attribute.name for attribute in attrs.fields(Opening))


@by_kind
def told(kind: type[Opening]) -> tuple[str, ...]:
    """Return the names of what an opening says beyond its times, author and the like."""
    return tuple(attribute.name for attribute in attrs.fields(kind) if attribute.name not in _WHEN)


@by_kind
def named(kind: type[Any]) -> tuple[str, ...]:
    """Return the names of all attributes of an entity."""
    return tuple(attribute.name for attribute in attrs.fields(kind))


def opened(kind: type[Any], opening: Opening) -> dict[str, Any]:
    """Return the attributes of a new entity that its opening makes other than blank."""
    # What an opening leaves as it is in any new entity is most of it, and is not set again (a tenth of a capture).
    read, names, blanks = _telling(kind, type(opening))
    return {name: getattr(opening, name) for name in compress(names, map(is_not, read(opening), blanks))}


@by_kind
def _telling(kind: type[Any], opening: type[Opening]) -> tuple[_Reader, tuple[str, ...], tuple[object, ...]]:
    """Return what reads an opening, the names that it tells, and what a new entity has under these."""
    blanks = {attribute.name: attribute.default for attribute in attrs.fields(kind)}
    names = told(opening)
    return attrgetter(*names), names, tuple(blanks[name] for name in names)


@by_kind
def _copier(kind: type[Any]) -> tuple[_Reader, tuple[_Writer, ...]]:
    """Return what reads an entity, and what writes each attribute of a new one."""
    names = named(kind)
    return attrgetter(*names), tuple(getattr(kind, name).__set__ for name in names)


def copied(entity: Any) -> Any:  # noqa: ANN401 - the same type comes out
    """Return an entity of its own with the same attributes."""
    # Copying the checked state and setting what changed costs half of building and checking it anew.
    kind = type(entity)
    read, writers = _copier(kind)
    new = object.__new__(kind)
    for write, value in zip(writers, read(entity), strict=True):
        write(new, value)
    return new
