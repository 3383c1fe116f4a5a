"""
A host that keeps its records in SQLite, with nothing but the standard library and `leadflow.codec`.

Four tables: which records there are, every event of theirs (which is also the outbox: ``number`` is the order in which
they were committed), the match keys by which records are found, and the receipts of finished requests. Only the
primary keys and one index do the work: a version that is taken cannot be taken again, and nothing is ever scanned.

Run it: ``python docs/examples/sqlite_host.py``.
"""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from itertools import count
from json import dumps, loads
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from leadflow import Company, Engagement, Lead, Money, Person
from leadflow.codec import Codec
from leadflow.conversion import ConversionService, DealTerms
from leadflow.qualification import IdealCustomerProfile, fact
from leadflow.stores import (
    ChangeSet,
    CommitResult,
    Committed,
    KeyTaken,
    MatchAppeared,
    MatchKey,
    Receipt,
    Record,
    Stale,
    match_keys,
    replayed,
)

SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    tenant TEXT, id TEXT, kind TEXT NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, event TEXT NOT NULL,
    UNIQUE (tenant, id, version)
);
CREATE TABLE IF NOT EXISTS match_key (
    tenant TEXT, key TEXT, id TEXT,
    PRIMARY KEY (tenant, key, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS match_key_of_record ON match_key (tenant, id);
CREATE TABLE IF NOT EXISTS receipt (
    tenant TEXT, key TEXT, receipt TEXT NOT NULL,
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
"""


class SQLiteStore:
    """
    A `leadflow.stores.Store` in a SQLite file, for one tenant.

    It has one connection, which serves one thread at a time: open a store per thread or request, and close it.
    """

    def __init__(self, path: str | Path, tenant: str, codec: Codec) -> None:
        self.tenant, self.codec = tenant, codec
        self.connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.executescript(SCHEMA)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def load(self, id: str, /) -> Record | None:  # noqa: A002 - the Protocol's word
        """Return the record with this id; None if there is none."""
        rows = self.rows(
            "SELECT kind, event FROM record JOIN event USING (tenant, id) WHERE tenant = ? AND id = ?"
            " ORDER BY event.version",
            id,
        )
        return replayed(rows[0][0], id, [self.codec.load(loads(event)) for _, event in rows]) if rows else None

    def candidates(self, keys: Collection[MatchKey], limit: int) -> Sequence[Record]:
        """Return the records that have one of these keys, at most `limit` per key."""
        sql = "SELECT id FROM match_key WHERE tenant = ? AND key = ? ORDER BY id LIMIT ?"
        ids = {id_ for key in keys for (id_,) in self.rows(sql, str(key), limit)}
        return [record for id_ in sorted(ids) if (record := self.load(id_)) is not None]

    def receipt(self, key: str, /) -> Receipt | None:
        """Return the receipt kept under a key; None if there is none."""
        rows = self.rows("SELECT receipt FROM receipt WHERE tenant = ? AND key = ?", key)
        return self.codec.load(loads(rows[0][0]), Receipt) if rows else None

    def commit(self, change_set: ChangeSet, /) -> CommitResult:
        """Write all of it, or nothing and why not."""
        with self.transaction():  # one writer at a time: what is checked here still holds when it is written
            if change_set.receipt is not None and self.receipt(change_set.receipt.key) is not None:
                return KeyTaken(change_set.receipt.key)
            stale = [write.id for write in change_set.writes if self.load(write.id) != write.before]
            versions = {relied: self.version(relied.id, relied.kind) for relied in change_set.relies_on}
            stale += [relied.id for relied, version in versions.items() if version != relied.version]
            if stale:
                return Stale(stale)
            written = {write.id for write in change_set.writes}
            there = [key for key in change_set.absent if self.holders(key) - written]
            if there:
                return MatchAppeared(there)
            self.save(change_set)
        return Committed()

    def save(self, change_set: ChangeSet) -> None:
        """Write records, match keys, events and receipt."""
        for write in change_set.writes:
            record, this = write.after, (self.tenant, write.id)
            self.write("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)", *this, record.kind, record.version)
            self.write("DELETE FROM match_key WHERE tenant = ? AND id = ?", *this)
            for key in match_keys(record):
                self.write("INSERT INTO match_key VALUES (?, ?, ?)", self.tenant, str(key), write.id)
            if write.rewrites:  # redaction: what was taken out of earlier events is taken out here, too
                opening = record.version - len(record.history) + 1
                for version, event in enumerate(record.history, opening):
                    sql = "UPDATE event SET event = ? WHERE tenant = ? AND id = ? AND version = ?"
                    self.write(sql, dumps(self.codec.dump(event)), *this, version)
        for told in change_set.events:
            sql = "INSERT INTO event (tenant, id, version, event) VALUES (?, ?, ?, ?)"
            self.write(sql, self.tenant, told.id, told.version, dumps(self.codec.dump(told.event)))
        if (kept := change_set.receipt) is not None:
            self.write("INSERT INTO receipt VALUES (?, ?, ?)", self.tenant, kept.key, dumps(self.codec.dump(kept)))

    def holders(self, key: MatchKey) -> set[str]:
        """Return the ids of the records that have a key."""
        return {id_ for (id_,) in self.rows("SELECT id FROM match_key WHERE tenant = ? AND key = ?", str(key))}

    def version(self, id_: str, kind: str) -> int | None:
        """Return the version of a record of a kind; None if there is none."""
        rows = self.rows("SELECT version FROM record WHERE tenant = ? AND id = ? AND kind = ?", id_, kind)
        return rows[0][0] if rows else None

    def rows(self, sql: str, *values: object) -> list[Any]:
        """Read; the first value of every query is the tenant."""
        return self.connection.execute(sql, (self.tenant, *values)).fetchall()

    def write(self, sql: str, *values: object) -> None:
        """Run one statement that writes."""
        self.connection.execute(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what happens inside, or nothing of it."""
        self.write("BEGIN IMMEDIATE")
        try:
            yield
            self.write("COMMIT")
        except BaseException:
            self.connection.rollback()
            raise


def main() -> None:
    """Capture a lead, convert it twice (a double click), and read what is stored."""
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    numbers = count(1)
    with TemporaryDirectory() as folder, closing(SQLiteStore(Path(folder) / "crm.db", "acme", Codec())) as store:
        lead = Lead.capture(
            "L-1",
            person=Person("Mara Okafor", email="mara@northwind.example"),
            company=Company("Northwind", employees=420),
            engagement=Engagement("demo_request", at=now),
            at=now,
        )
        print(store.commit(ChangeSet.new(lead)))

        fits = IdealCustomerProfile("icp", version=1, require=[fact("company.employees") >= 50])
        service = ConversionService(
            store, qualify_with=fits, convert_with=fits, new_id=lambda kind: f"{kind[0].upper()}-{next(numbers)}"
        )
        terms = DealTerms("Northwind rollout", Money("48000", "EUR"), expected_close=date(2026, 6, 30))
        for _ in range(2):
            print(service.qualify_and_convert("L-1", terms=terms, key="click-1", at=now, by="ada"))

        print(*store.connection.execute("SELECT number, id, version FROM event ORDER BY number"), sep="\n")


if __name__ == "__main__":
    main()
