"""
Where the host keeps its records: four tables in PostgreSQL, through SQLAlchemy's asynchronous core.

Theory. A commit looks before it writes, and nobody may come between. There is no row to lock for what must be *absent*,
so the commit takes one advisory lock for each thing that it looks at or writes (a record's id, a match key, a receipt's
key), in sorted order so that two commits never wait for each other. What it then finds still holds when it writes.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    delete,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from leadflow.codec import Codec
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

METADATA = MetaData()
RECORD = Table(
    "record",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
)
EVENT = Table(
    "event",  # the outbox too: `number` is the order in which they were written
    METADATA,
    Column("number", BigInteger, Identity(), primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("event", JSONB, nullable=False),
    UniqueConstraint("tenant", "id", "version"),
    ForeignKeyConstraint(["tenant", "id"], ["record.tenant", "record.id"]),
)
MATCH_KEY = Table(
    "match_key",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Index("match_key_of_record", "tenant", "id"),
)
RECEIPT = Table(
    "receipt",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("receipt", JSONB, nullable=False),
)

# One statement, and in the order given: advisory locks until the transaction ends.
LOCK = text("SELECT pg_advisory_xact_lock(number) FROM unnest(:numbers) AS number").bindparams(
    bindparam("numbers", type_=ARRAY(BigInteger))
)


class PostgresStore:
    """
    A `leadflow.stores.AsyncStore` in PostgreSQL, for one tenant.

    It holds no connection of its own: one is taken from the engine's pool per call, so tasks may share the store.
    """

    def __init__(self, engine: AsyncEngine, tenant: str, codec: Codec) -> None:
        self.engine, self.tenant, self.codec = engine, tenant, codec

    async def load(self, id: str, /) -> Record | None:  # noqa: A002 - the Protocol's word
        """Return the record with this id; None if there is none."""
        return next(iter(await self.records(RECORD.c.id == id)), None)

    async def candidates(self, keys: Collection[MatchKey], limit: int) -> Sequence[Record]:
        """Return the records that have one of these keys, at most `limit` per key."""
        # Per key by itself, so that the limit is per key and each is one search of the primary key's index.
        found = text(
            "SELECT DISTINCT hit.id FROM unnest(:keys) AS asked(key) CROSS JOIN LATERAL"
            " (SELECT id FROM match_key WHERE tenant = :tenant AND key = asked.key ORDER BY id LIMIT :limit) AS hit"
        ).bindparams(bindparam("keys", type_=ARRAY(Text)))
        async with self.engine.connect() as connection:
            rows = await connection.execute(
                found, {"keys": list(map(str, keys)), "tenant": self.tenant, "limit": limit}
            )
            ids = [id_ for (id_,) in rows]
        return await self.records(RECORD.c.id.in_(ids)) if ids else []

    async def receipt(self, key: str, /) -> Receipt | None:
        """Return the receipt kept under a key; None if there is none."""
        async with self.engine.connect() as connection:
            return await self.kept(connection, key)

    async def records(self, *where: Any) -> list[Record]:  # noqa: ANN401 - conditions on RECORD
        """Return the records that meet conditions, by id: what the rest of the application lists and reports with."""
        async with self.engine.connect() as connection:
            rows = await connection.execute(self.told(*where))
            histories: dict[tuple[str, str], list[Any]] = defaultdict(list)
            for kind, id_, event in rows:
                histories[kind, id_].append(self.codec.load(event))
        return [replayed(kind, id_, history) for (kind, id_), history in histories.items()]

    async def commit(self, change_set: ChangeSet, /) -> CommitResult:
        """Write all of it, or nothing and why not."""
        keys = {write.id: match_keys(write.after) for write in change_set.writes}
        things = {f"record {id_}" for id_ in (*keys, *(relied.id for relied in change_set.relies_on))}
        things |= {f"key {key}" for found in (change_set.absent, *keys.values()) for key in found}
        things |= {f"receipt {change_set.receipt.key}"} if change_set.receipt else set()
        async with self.engine.begin() as connection:
            await connection.execute(LOCK, {"numbers": sorted(self.number(thing) for thing in things)})
            refused = await self.refused(connection, change_set)
            if refused is None:
                await self.save(connection, change_set, keys)
        return refused or Committed()

    async def refused(self, connection: AsyncConnection, change_set: ChangeSet) -> CommitResult | None:
        """Return why a change set cannot be written, if so: the receipt first, then versions, then absences."""
        if change_set.receipt is not None and await self.kept(connection, change_set.receipt.key):
            return KeyTaken(change_set.receipt.key)
        ids = [*(write.id for write in change_set.writes), *(relied.id for relied in change_set.relies_on)]
        last = and_(RECORD.c.tenant == EVENT.c.tenant, RECORD.c.id == EVENT.c.id, RECORD.c.version == EVENT.c.version)
        rows = await connection.execute(
            select(RECORD.c.id, RECORD.c.kind, RECORD.c.version, EVENT.c.event)
            .join(EVENT, last)
            .where(RECORD.c.tenant == self.tenant, RECORD.c.id.in_(ids))
        )
        stored = {id_: (kind, version, event) for id_, kind, version, event in rows}
        # The last event tells apart two histories that were continued to one version number.
        expected = {
            write.id: None
            if write.before is None
            else (write.before.kind, write.before.version, self.codec.dump(write.before.history[-1]))
            for write in change_set.writes
        }
        stale = [id_ for id_, state in expected.items() if stored.get(id_) != state]
        relied = [(each.id, each.kind, each.version) for each in change_set.relies_on]
        stale += [id_ for id_, *state in relied if list(stored.get(id_, ()))[:2] != state]
        if stale:
            return Stale(stale)
        absent = {str(key): key for key in change_set.absent}
        held = (MATCH_KEY.c.tenant == self.tenant, MATCH_KEY.c.key.in_(absent), MATCH_KEY.c.id.not_in(expected))
        there = await connection.execute(select(MATCH_KEY.c.key).where(*held).distinct())
        appeared = [absent[key] for key in there.scalars()]
        return MatchAppeared(appeared) if appeared else None

    async def save(
        self, connection: AsyncConnection, change_set: ChangeSet, keys: dict[str, tuple[MatchKey, ...]]
    ) -> None:
        """Write records, match keys, events and receipt: one statement each, whatever their number."""
        tenant = {"tenant": self.tenant}
        records = insert(RECORD).values(
            [{**tenant, "id": w.id, "kind": w.after.kind, "version": w.after.version} for w in change_set.writes]
        )
        newer = records.on_conflict_do_update(
            index_elements=["tenant", "id"], set_={"version": records.excluded.version}
        )
        await connection.execute(newer)
        await connection.execute(
            delete(MATCH_KEY).where(MATCH_KEY.c.tenant == self.tenant, MATCH_KEY.c.id.in_(list(keys)))
        )
        matched = [{**tenant, "key": str(key), "id": id_} for id_, found in keys.items() for key in found]
        if matched:
            await connection.execute(insert(MATCH_KEY).values(matched))
        for write in change_set.writes:
            if write.rewrites:  # redaction: what was taken out of earlier events is taken out here, too
                await self.rewrite(connection, write.after)
        told = [
            {**tenant, "id": event.id, "version": event.version, "event": self.codec.dump(event.event)}
            for event in change_set.events
        ]
        await connection.execute(insert(EVENT).values(told))
        if (kept := change_set.receipt) is not None:
            await connection.execute(insert(RECEIPT).values(**tenant, key=kept.key, receipt=self.codec.dump(kept)))

    async def rewrite(self, connection: AsyncConnection, record: Record) -> None:
        """Replace the events of a record that are stored."""
        first = record.version - len(record.history) + 1
        for version, event in enumerate(record.history, first):
            this = (EVENT.c.tenant == self.tenant, EVENT.c.id == record.id, EVENT.c.version == version)
            await connection.execute(update(EVENT).where(*this).values(event=self.codec.dump(event)))

    async def kept(self, connection: AsyncConnection, key: str) -> Receipt | None:
        """Return the receipt under a key."""
        rows = select(RECEIPT.c.receipt).where(RECEIPT.c.tenant == self.tenant, RECEIPT.c.key == key)
        found = (await connection.execute(rows)).scalar()
        return None if found is None else self.codec.load(found, Receipt)

    def told(self, *where: Any) -> Select[tuple[str, str, Any]]:  # noqa: ANN401 - conditions on RECORD
        """Return the query for the events of records, each record's in order."""
        same = and_(RECORD.c.tenant == EVENT.c.tenant, RECORD.c.id == EVENT.c.id)
        query = select(RECORD.c.kind, RECORD.c.id, EVENT.c.event).join(EVENT, same)
        return query.where(RECORD.c.tenant == self.tenant, *where).order_by(RECORD.c.id, EVENT.c.version)

    def number(self, thing: str) -> int:
        """Return the number of the lock for a thing; that two things share one by chance costs a wait, no more."""
        digest = sha256(f"{self.tenant}\t{thing}".encode()).digest()
        return int.from_bytes(digest[:8], signed=True)


async def create_tables(engine: AsyncEngine) -> None:
    """Create what is not there yet."""
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
