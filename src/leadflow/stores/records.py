"""What a store keeps: records, named by kind, id and version."""

from typing import Final, TypeAlias

from attrs import frozen

from leadflow.account import Account
from leadflow.contact import Contact
from leadflow.lead import Lead
from leadflow.listentry import ListEntry
from leadflow.opportunity import Opportunity
from leadflow.prospect import Prospect
from leadflow.validation import check, code, coded, whole

__all__ = ["KINDS", "RECORD_TYPES", "Record", "RecordVersion"]

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
        """Return the name of a record's present state."""
        return cls(record.kind, record.id, record.version)

    def __str__(self) -> str:
        return f"{self.kind} {self.id!r} version {self.version}"
