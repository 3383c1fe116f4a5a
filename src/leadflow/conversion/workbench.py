"""
The records that a step works on, as they were and as they become.

Several planners change one record more than once, and must say what happened to a record since an earlier step. A
`Bench` holds the records that a planner was given, takes each change, and gives the pairs that a change set is made of.
"""

from collections.abc import Iterable
from typing import Final, TypeVar

from leadflow.conversion.refusals import RefusalCode, RefusalReason
from leadflow.conversion.requests import Moment
from leadflow.events import Event, Redacted
from leadflow.events.undoing import counting, firm
from leadflow.lead import Lead
from leadflow.opportunity import Opportunity
from leadflow.prospect import Prospect
from leadflow.stores import ChangeSet, Record

__all__ = ["Bench", "moved", "moves", "since", "unknown"]

_Found = TypeVar("_Found", bound=Record)


class Bench:
    """Records by id: as they were loaded, and as they are after what was done so far."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._before: Final[dict[str, Record]] = {record.id: record for record in records}
        self._after: Final = dict(self._before)

    def find(self, kind: type[_Found], id_: str) -> _Found | None:
        """Return a record of a kind as it is by now; None where there is none."""
        record = self._after.get(id_)
        return record if isinstance(record, kind) else None

    def any(self, id_: str) -> Record | None:
        """Return a record of whatever kind as it is by now; None where there is none."""
        return self._after.get(id_)

    def mergeable(self, id_: str) -> Lead | Prospect | Opportunity | None:
        """Return a record of a kind that may be merged, as it is by now; None where there is none."""
        return self.find(Lead, id_) or self.find(Prospect, id_) or self.find(Opportunity, id_)

    def present(self, record: _Found) -> _Found:
        """Return a record as it is by now."""
        return self._after[record.id]  # type: ignore[return-value]  # an id never changes its kind

    def put(self, record: Record) -> None:
        """Take a record after a change."""
        self._after[record.id] = record

    def changed(self, record: _Found | None) -> _Found | None:
        """Return a record as it is by now, if it has changed; else None."""
        return None if record is None or self.present(record) is record else self.present(record)

    def all(self) -> list[Record]:
        """Return every record as it is by now, sorted by id."""
        return [record for _, record in sorted(self._after.items())]

    def changes(self) -> ChangeSet:
        """Return the change set of all changes."""
        pairs = ((self._before[id_], after) for id_, after in sorted(self._after.items()))
        return ChangeSet.of(*((before, after) for before, after in pairs if after is not before))

    def undo(self, record: Record, versions: Iterable[int], note: str, moment: Moment) -> None:
        """Take back what can be taken back of some versions of a record."""
        free = [version for version in versions if not firm(record.history, (version,))]
        if free:
            self.put(record.undone(*free, note=note, **moment.when()))


def moves(record: Record) -> dict[int, Event]:
    """
    Return what happened to a record and counts, by version.

    Erasing personal values is no move: it may be due at any time, and rests on nothing that could be taken back.
    """
    return {version: event for version, event in counting(record.history).items() if not isinstance(event, Redacted)}


def since(record: Record, version: int) -> list[Event]:
    """Return what happened to a record after a version and counts."""
    return [event for known, event in moves(record).items() if known > version]


def moved(record: Record, events: Iterable[Event], way_out: str = "") -> RefusalReason:
    """Return the reason that a record has moved on."""
    happened = ", ".join(dict.fromkeys(type(event).__name__ for event in events))
    message = f"{record} has moved since: {happened}{way_out and f'; {way_out}'}"
    return RefusalReason(RefusalCode.MOVED, message, path=record.kind, ids=(record.id,))


def unknown(kind: type[Record], id_: str, found: Record | None) -> RefusalReason:
    """Return the reason that a record is needed and was not given."""
    got = "nothing" if found is None else f"{found}"
    message = f"must be a record of kind {kind.kind!r} among the known records, got {got} for {id_!r}"
    return RefusalReason(RefusalCode.UNKNOWN_RECORD, message, path=kind.kind, ids=(id_,))
