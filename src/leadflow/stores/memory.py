"""
A store in memory: for tests, notebooks and examples, and the reference for what a store does.

Records are immutable, so what is handed out cannot change what is kept. One lock makes a commit atomic and threads
safe; match keys are indexed, so finding a record does not depend on how many there are. One store is one tenant.
"""

from collections.abc import Collection, Iterator
from threading import Lock
from typing import Any, TypeVar

from attrs import evolve

from leadflow import markup
from leadflow.errors import Problem
from leadflow.redaction import people_in, redacted
from leadflow.stores.changesets import ChangeSet, EventRecord
from leadflow.stores.matchkeys import MatchKey, match_keys
from leadflow.stores.ports import CommitResult, Committed, KeyTaken, MatchAppeared, Stale
from leadflow.stores.receipts import Receipt
from leadflow.stores.records import RECORD_TYPES, Record
from leadflow.validation import check, code, each, instance, invalid, shown, to_tuple, whole

__all__ = ["AsyncInMemoryStore", "InMemoryStore"]

_Kind = TypeVar("_Kind")


class InMemoryStore:
    """
    A `Store` that keeps everything in memory.

    >>> from datetime import UTC, datetime
    >>> from leadflow.account import Account
    >>> store = InMemoryStore()
    >>> store.commit(ChangeSet.new(Account.add("A-1", "Northwind", at=datetime(2026, 3, 2, tzinfo=UTC))))
    Committed()
    >>> store.load("A-1").name, len(store)
    ('Northwind', 1)
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._records: dict[str, Record] = {}
        # Per key the ids of the records that have it, in the order in which they got it.
        self._index: dict[MatchKey, dict[str, None]] = {}
        self._receipts: dict[str, Receipt] = {}
        self._outbox: list[EventRecord] = []

    def load(self, id: str, /) -> Record | None:  # noqa: A002 - the interface's word
        """Return the record with this id; None if there is none."""
        check("load", code("id", id))
        with self._lock:
            return self._records.get(id)

    def candidates(self, keys: Collection[MatchKey], limit: int) -> tuple[Record, ...]:
        """Return the records that have at least one of these match keys, at most `limit` per key, sorted by id."""
        check(
            "candidates",
            *each("keys", to_tuple(keys), instance, MatchKey, "a MatchKey"),
            whole("limit", limit, 1),
        )
        with self._lock:
            found = {id_ for key in keys for id_ in list(self._index.get(key, ()))[:limit]}
            return tuple(self._records[id_] for id_ in sorted(found))

    def receipt(self, key: str, /) -> Receipt | None:
        """Return the receipt kept under an idempotency key; None if there is none."""
        check("receipt", code("key", key))
        with self._lock:
            return self._receipts.get(key)

    def commit(self, change_set: ChangeSet, /) -> CommitResult:
        """Write a change set, all of it or nothing; see `Store.commit`."""
        check("commit", instance("change_set", change_set, ChangeSet, "a ChangeSet"))
        # What can be worked out beforehand is, so that others wait less.
        fresh = [(write, match_keys(write.after)) for write in change_set.writes]
        rewritten = {
            write.id: people_in(write.before.history) for write in change_set.writes if write.rewrites and write.before
        }
        events = change_set.events
        with self._lock:
            if change_set.receipt is not None and change_set.receipt.key in self._receipts:
                return KeyTaken(change_set.receipt.key)
            if stale := self._stale(change_set):
                return Stale(stale)
            written = {write.id for write in change_set.writes}
            if there := [key for key in change_set.absent if not self._index.get(key, {}).keys() <= written]:
                return MatchAppeared(there)
            told, number = self._outbox, len(self._outbox)
            replaced = {id_: self._records.get(id_) for id_ in written}
            try:
                for write, keys in fresh:
                    self._put(write.after, keys)
                if change_set.receipt is not None:
                    self._receipts[change_set.receipt.key] = change_set.receipt
                if rewritten:
                    # Nobody may read in the outbox what was taken out of the record.
                    self._outbox = [
                        evolve(event, event=redacted(event.event, rewritten[event.id]))
                        if event.id in rewritten
                        else event
                        for event in told
                    ]
                self._outbox.extend(events)
            except BaseException:
                # Somebody pressed Ctrl-C, or there is no more memory: nothing of it happened.
                for write, keys in fresh:
                    self._undo(write.id, keys, replaced[write.id])
                if change_set.receipt is not None:
                    self._receipts.pop(change_set.receipt.key, None)
                self._outbox = told
                del told[number:]
                raise
            return Committed()

    def _stale(self, change_set: ChangeSet) -> list[str]:
        expected: dict[str, tuple[str, int | None]] = {
            write.id: (write.after.kind, write.expected_version) for write in change_set.writes
        }
        expected |= {relied.id: (relied.kind, relied.version) for relied in change_set.relies_on}
        befores = {write.id: write.before for write in change_set.writes}
        stale: list[str] = []
        for id_, (kind, version) in expected.items():
            record = self._records.get(id_)
            as_expected = version is None if record is None else (record.kind, record.version) == (kind, version)
            # One record continued in two ways has one version number twice: what is stored must be what was continued.
            if not as_expected or (record is not None and befores.get(id_, record) != record):
                stale.append(id_)
        return stale

    def _put(self, after: Record, keys: tuple[MatchKey, ...]) -> None:
        stored = self._records.get(after.id)
        for key in () if stored is None else match_keys(stored):
            if key not in keys:
                self._forget(key, after.id)
        for key in keys:
            self._index.setdefault(key, {})[after.id] = None
        self._records[after.id] = after

    def _undo(self, id_: str, keys: tuple[MatchKey, ...], stored: Record | None) -> None:
        had = () if stored is None else match_keys(stored)
        for key in keys:
            if key not in had:
                self._forget(key, id_)
        for key in had:
            self._index.setdefault(key, {})[id_] = None
        if stored is None:
            self._records.pop(id_, None)
        else:
            self._records[id_] = stored

    def _forget(self, key: MatchKey, id_: str) -> None:
        holders = self._index.get(key, {})
        holders.pop(id_, None)
        if not holders:
            self._index.pop(key, None)

    @property
    def outbox(self) -> tuple[EventRecord, ...]:
        """Every event committed so far, in order; each once."""
        with self._lock:
            return tuple(self._outbox)

    def all(self, kind: type[_Kind]) -> tuple[_Kind, ...]:
        """
        Return the records of one kind, in the order first stored, e.g. ``store.all(Opportunity)``.

        Raises:
            InvalidError: If it is no kind of record.
        """
        if kind not in RECORD_TYPES:
            names = ", ".join(known.__name__ for known in RECORD_TYPES)
            raise invalid("all", Problem("kind", f"must be one of {names}, got {shown(kind)}", is_type=True))
        return tuple(record for record in self if isinstance(record, kind))

    def __iter__(self) -> Iterator[Record]:
        """Yield what was stored when the iteration began, in the order first stored."""
        with self._lock:
            records = tuple(self._records.values())
        return iter(records)

    def __len__(self) -> int:
        return len(self._records)

    def __bool__(self) -> bool:
        # An empty store is a store: `store or InMemoryStore()` must not put another in its place.
        return True

    def __contains__(self, id: Any) -> bool:  # noqa: ANN401, A002 - whatever is asked for
        return id in self._records

    def __repr__(self) -> str:
        return f"<InMemoryStore: {len(self)} records, {len(self._outbox)} events, {len(self._receipts)} receipts>"

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per record: kind, id, version, owner, when it was changed last."""
        return [
            {
                "record": record.kind,
                "id": record.id,
                "version": record.version,
                "owner": record.owner,
                "updated_at": record.updated_at.isoformat(),
            }
            for record in self
        ]

    def _repr_html_(self) -> str:
        return markup.section(f"{self!r}", markup.table(self.to_rows()))


class AsyncInMemoryStore:
    """
    An `AsyncStore` that keeps everything in memory, on any event loop.

    Attributes:
        sync: The `InMemoryStore` behind it, to look at what is there.
    """

    def __init__(self) -> None:
        self.sync: InMemoryStore = InMemoryStore()

    async def load(self, id: str, /) -> Record | None:  # noqa: A002 - the interface's word
        """Return the record with this id; None if there is none."""
        return self.sync.load(id)

    async def candidates(self, keys: Collection[MatchKey], limit: int) -> tuple[Record, ...]:
        """Return the records that have at least one of these match keys, at most `limit` per key, sorted by id."""
        return self.sync.candidates(keys, limit)

    async def receipt(self, key: str, /) -> Receipt | None:
        """Return the receipt kept under an idempotency key; None if there is none."""
        return self.sync.receipt(key)

    async def commit(self, change_set: ChangeSet, /) -> CommitResult:
        """Write a change set, all of it or nothing; see `Store.commit`."""
        return self.sync.commit(change_set)
