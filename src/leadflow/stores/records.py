"""What a store keeps: records, named by kind, id and version."""

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from attrs import frozen

from leadflow.account import Account
from leadflow.contact import Contact
from leadflow.events import Event
from leadflow.lead import Lead
from leadflow.listentry import ListEntry
from leadflow.opportunity import Opportunity
from leadflow.prospect import Prospect
from leadflow.validation import check, code, coded, instance, whole

__all__ = ["KINDS", "RECORD_TYPES", "Record", "RecordVersion", "replayed"]

Record: TypeAlias = Account | Contact | Opportunity | Prospect | Lead | ListEntry

# In the order in which their events are told: what is made before what it is made from, which is marked last.
RECORD_TYPES: Final = (Account, Contact, Opportunity, Prospect, Lead, ListEntry)
KINDS: Final = tuple(kind.kind for kind in RECORD_TYPES)


@frozen
class RecordVersion:
    """
    One state of one record, by name.

    >>> print(RecordVersion("lead", "L-1", 3))
    lead 'L-1' version 3

    Attributes:
        kind: ``account``, ``contact``, ``opportunity``, ``prospect``, ``lead`` or ``list entry``.
        id: The record.
        version: How many events it had.
    """

    kind: str
    id: str
    version: int

    def __attrs_post_init__(self) -> None:
        check(
            "RecordVersion",
            coded("kind", self.kind, KINDS),
            code("id", self.id),
            whole("version", self.version, 1),
        )

    @classmethod
    def of(cls, record: Record) -> "RecordVersion":
        """
        Return the name of a record's present state.

        Raises:
            InvalidTypeError: If it is no record.
        """
        check("RecordVersion.of", instance("record", record, RECORD_TYPES, "a record"))
        return cls(record.kind, record.id, record.version)

    def __str__(self) -> str:
        return f"{self.kind} {self.id!r} version {self.version}"


def replayed(kind: str, id: str, history: Iterable[Event]) -> Record:  # noqa: A002 - the interface's word
    """
    Return the record that a stored history tells of.

    >>> from datetime import UTC, datetime
    >>> account = Account.add("A-1", "Northwind", at=datetime(2026, 3, 2, tzinfo=UTC))
    >>> replayed("account", "A-1", account.history) == account
    True

    Args:
        kind: As `RecordVersion` names it.
        id: The record.
        history: Its events, oldest first.

    Raises:
        InvalidError: If there is no such kind, or the id or the history is wrong.
        HistoryError: If the history does not begin with an opening event of this kind, or is out of order.
    """
    check("replayed", coded("kind", kind, KINDS))
    made: Any = RECORD_TYPES[KINDS.index(kind)]
    return made(id, history)  # type: ignore[no-any-return]  # one of the record types
