"""
Which other records a record knows of, from its first event to its last.

Theory. A record's attributes name the records that it belongs with now. Its history names more: those that a step made
and that were withdrawn when it was taken back, those that were merged into it, and the one that goes on for it. Who has
to find all of a person's records (to erase them, to show them) follows the history. What names a record is known by the
name of the attribute, at any depth: `lead_id`, `opportunity_ids`, `merged_into`, what a step wrote.
"""

from collections.abc import Iterator
from typing import Any, Final

import attrs

from leadflow.dealparts import Origin, OriginKind
from leadflow.events import Wrote
from leadflow.stores.records import RECORD_TYPES, Record
from leadflow.validation import check, instance

__all__ = ["linked_ids"]

# What names a record without saying so at the end of its name, and what ends so and names something else.
_NAMING: Final = frozenset({"into", "merged_into"})
_OTHERS: Final = frozenset({"policy_id"})


def linked_ids(record: Record) -> tuple[str, ...]:
    """
    Return the ids of all other records that a record's history names, in the order in which they came up, each once.

    Those of steps that were taken back and of merged records are among them, so that every record of a person can be
    found from one of them. Not every id need lead to a stored record, nor to one of the same person: a deal names
    everybody at the table. A record whose history was compacted names only those that it belongs with now.

    >>> from datetime import UTC, datetime
    >>> from leadflow.contact import Contact
    >>> from leadflow.party import Person
    >>> linked_ids(Contact.add("C-1", Person("Ada Obi"), account_id="A-1", at=datetime(2026, 3, 2, tzinfo=UTC)))
    ('A-1',)

    Raises:
        InvalidError: If it is no record.
    """
    check("linked_ids", instance("record", record, RECORD_TYPES, "a record"))
    named = dict.fromkeys(_named(record.history))
    return tuple(id for id in named if id != record.id)  # noqa: A001 - the interface's word


def _named(value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever an event holds
    if isinstance(value, tuple):
        for item in value:
            yield from _named(item)
    elif isinstance(value, Origin):
        if value.kind is not OriginKind.CAMPAIGN:
            yield value.reference
    elif attrs.has(type(value)):
        for attribute in attrs.fields(type(value)):
            inner = getattr(value, attribute.name)
            if _names(type(value), attribute.name):
                yield from (inner,) if isinstance(inner, str) else inner or ()
            else:
                yield from _named(inner)


def _names(kind: type[Any], name: str) -> bool:
    """Whether an attribute holds ids of records."""
    if name in _NAMING or (kind is Wrote and name == "id"):
        return True
    return name.endswith(("_id", "_ids")) and name not in _OTHERS
