"""
Where the host keeps its records: four tables in PostgreSQL, through SQLAlchemy's asynchronous core.

Theory. A commit looks before it writes, and nobody may come between. There is no row to lock for what must be *absent*,
so the commit takes one advisory lock for each thing that it looks at or writes (a record's id, a match key, a receipt's
key), in sorted order so that two commits never wait for each other. What it then finds still holds when it writes.
"""

from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Executable,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    UniqueConstraint,
    all_,
    and_,
    any_,
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

# The statements, made once: what changes from call to call are parameters, so that neither SQLAlchemy nor PostgreSQL
# works them out anew each time.
TENANT = bindparam("tenant", type_=Text)
IDS, KEYS = bindparam("ids", type_=ARRAY(Text)), bindparam("keys", type_=ARRAY(Text))
SAME = and_(RECORD.c.tenant == EVENT.c.tenant, RECORD.c.id == EVENT.c.id)
TOLD = (
    select(RECORD.c.kind, RECORD.c.id, EVENT.c.event)
    .join(EVENT, SAME)
    .where(RECORD.c.tenant == TENANT)
    .order_by(RECORD.c.id, EVENT.c.version)
)
BY_IDS = TOLD.where(RECORD.c.id == any_(IDS))
# At most so many per key: one search of the primary key's index for each.
FOUND = text(
    "SELECT DISTINCT hit.id FROM unnest(:keys) AS asked(key) CROSS JOIN LATERAL"
    " (SELECT id FROM match_key WHERE tenant = :tenant AND key = asked.key ORDER BY id LIMIT :limit) AS hit"
).bindparams(KEYS)
KEPT = select(RECEIPT.c.receipt).where(RECEIPT.c.tenant == TENANT, RECEIPT.c.key == bindparam("key"))
# Advisory locks until the transaction ends, taken in the order given.
LOCK = text("SELECT pg_advisory_xact_lock(number) FROM unnest(:numbers) AS number").bindparams(
    bindparam("numbers", type_=ARRAY(BigInteger))
)
# The last event tells apart two histories that were continued to one version number.
STATES = (
    select(RECORD.c.id, RECORD.c.kind, RECORD.c.version, EVENT.c.event)
    .join(EVENT, and_(SAME, RECORD.c.version == EVENT.c.version))
    .where(RECORD.c.tenant == TENANT, RECORD.c.id == any_(IDS))
)
HELD = (
    select(MATCH_KEY.c.key)
    .where(MATCH_KEY.c.tenant == TENANT, MATCH_KEY.c.key == any_(KEYS), MATCH_KEY.c.id != all_(IDS))
    .distinct()
)
PUT = insert(RECORD)
PUT = PUT.on_conflict_do_update(index_elements=["tenant", "id"], set_={"version": PUT.excluded.version})
UNMATCH = delete(MATCH_KEY).where(MATCH_KEY.c.tenant == TENANT, MATCH_KEY.c.id == any_(IDS))
REWRITE = (
    update(EVENT)
    .where(EVENT.c.tenant == bindparam("of"), EVENT.c.id == bindparam("record"), EVENT.c.version == bindparam("at"))
    .values(event=bindparam("told"))
)


class PostgresStore:
    """
    A `leadflow.stores.AsyncStore` in PostgreSQL, for one tenant.

    It holds no connection of its own: one is taken from the engine's pool per call, so tasks may share the store.
    """

    def __init__(self, engine: AsyncEngine, tenant: str, codec: Codec) -> None:
        self.engine, self.tenant, self.codec = engine, tenant, codec
        self.reading = engine.execution_options(isolation_level="AUTOCOMMIT")  # one statement needs no transaction
        # What is read after waiting for a lock must be what others just committed, whatever the default.
        self.writing = engine.execution_options(isolation_level="READ COMMITTED")

    async def load(self, id: str, /) -> Record | None:  # noqa: A002 - the Protocol's word
        """Return the record with this id; None if there is none."""
        return next(iter(await self.records(BY_IDS, ids=[id])), None)

    async def candidates(self, keys: Collection[MatchKey], limit: int) -> Sequence[Record]:
        """Return the records that have one of these keys, at most `limit` per key."""
        ids = await self.rows(FOUND, keys=list(map(str, keys)), limit=limit)
        return await self.records(BY_IDS, ids=[id_ for (id_,) in ids]) if ids else []

    async def receipt(self, key: str, /) -> Receipt | None:
        """Return the receipt kept under a key; None if there is none."""
        found = await self.rows(KEPT, key=key)
        return self.codec.load(found[0][0], Receipt) if found else None

    async def every(self, kind: str) -> list[Record]:
        """Return the records of a kind, by id: what the rest of the application lists and reports."""
        return await self.records(TOLD.where(RECORD.c.kind == bindparam("kind")), kind=kind)

    async def records(self, query: Select[Any], **values: Any) -> list[Record]:  # noqa: ANN401 - parameters
        """Return the records whose events a query tells."""
        histories: dict[tuple[str, str], list[Any]] = {}
        for kind, id_, event in await self.rows(query, **values):
            histories.setdefault((kind, id_), []).append(self.codec.load(event))
        return [replayed(kind, id_, history) for (kind, id_), history in histories.items()]

    async def rows(self, query: Executable, **values: Any) -> Sequence[Any]:  # noqa: ANN401 - parameters
        """Read."""
        async with self.reading.connect() as connection:
            return (await connection.execute(query, {"tenant": self.tenant, **values})).all()

    async def commit(self, change_set: ChangeSet, /) -> CommitResult:
        """Write all of it, or nothing and why not."""
        keys = {write.id: match_keys(write.after) for write in change_set.writes}
        things = {f"record {id_}" for id_ in (*keys, *(relied.id for relied in change_set.relies_on))}
        things |= {f"key {key}" for found in (change_set.absent, *keys.values()) for key in found}
        things |= {f"receipt {change_set.receipt.key}"} if change_set.receipt else set()
        async with self.writing.begin() as connection:
            await connection.execute(LOCK, {"numbers": sorted(self.number(thing) for thing in things)})
            refused = await self.refused(connection, change_set)
            if refused is None:
                await self.save(connection, change_set, keys)
        return refused or Committed()

    async def refused(self, connection: AsyncConnection, change_set: ChangeSet) -> CommitResult | None:
        """Return why a change set cannot be written, if so: the receipt first, then versions, then absences."""
        tenant = {"tenant": self.tenant}
        kept = change_set.receipt
        if kept is not None and (await connection.execute(KEPT, {**tenant, "key": kept.key})).first():
            return KeyTaken(kept.key)
        expected = {
            write.id: None
            if write.before is None
            else (write.before.kind, write.before.version, write.before.history[-1])
            for write in change_set.writes
        }
        relied = [(each.id, each.kind, each.version) for each in change_set.relies_on]
        ids = [*expected, *(id_ for id_, *_ in relied)]
        states = await connection.execute(STATES, {**tenant, "ids": ids})
        # Compared as events: JSONB keeps a number's value not how it was written (1e23 becomes a whole number).
        stored = {id_: (kind, version, self.codec.load(event)) for id_, kind, version, event in states}
        stale = [id_ for id_, state in expected.items() if stored.get(id_) != state]
        stale += [id_ for id_, *state in relied if list(stored.get(id_, ()))[:2] != state]
        if stale:
            return Stale(stale)
        absent = {str(key): key for key in change_set.absent}
        if not absent:
            return None
        held = await connection.execute(HELD, {**tenant, "keys": list(absent), "ids": list(expected)})
        appeared = [absent[key] for key in held.scalars()]
        return MatchAppeared(appeared) if appeared else None

    async def save(
        self, connection: AsyncConnection, change_set: ChangeSet, keys: dict[str, tuple[MatchKey, ...]]
    ) -> None:
        """Write records, match keys, events and receipt: one statement each, whatever their number."""
        tenant = {"tenant": self.tenant}
        put = [{**tenant, "id": w.id, "kind": w.after.kind, "version": w.after.version} for w in change_set.writes]
        await connection.execute(PUT, put)
        changed = [write.id for write in change_set.writes if write.before is not None]
        if changed:
            await connection.execute(UNMATCH, {**tenant, "ids": changed})
        matched = [{**tenant, "key": str(key), "id": id_} for id_, found in keys.items() for key in found]
        if matched:
            await connection.execute(insert(MATCH_KEY), matched)
        # Redaction: what was taken out of earlier events is taken out here, too.
        rewritten = [
            {"of": self.tenant, "record": write.id, "at": version, "told": self.codec.dump(event)}
            for write in change_set.writes
            if write.rewrites
            for version, event in enumerate(write.after.history, write.after.version - len(write.after.history) + 1)
        ]
        if rewritten:
            await connection.execute(REWRITE, rewritten)
        told = [
            {**tenant, "id": each.id, "version": each.version, "event": self.codec.dump(each.event)}
            for each in change_set.events
        ]
        await connection.execute(insert(EVENT), told)
        if (kept := change_set.receipt) is not None:
            await connection.execute(insert(RECEIPT), {**tenant, "key": kept.key, "receipt": self.codec.dump(kept)})

    def number(self, thing: str) -> int:
        """Return the number of the lock for a thing; that two things share one by chance costs a wait, no more."""
        digest = sha256(f"{self.tenant}\t{thing}".encode()).digest()
        return int.from_bytes(digest[:8], signed=True)


async def create_tables(engine: AsyncEngine) -> None:
    """Create what is not there yet."""
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
