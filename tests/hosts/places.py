"""The example hosts' databases as the storms of tests/conversion take them: opened as often as there are workers."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from json import loads
from pathlib import Path
from typing import Any

from sqlite_host import SQLiteStore
from storms import Place

from leadflow.codec import Codec
from leadflow.stores import EventRecord, Record, replayed

CODEC = Codec()


@contextmanager
def sqlite_place(path: Path, store: type[SQLiteStore] = SQLiteStore) -> Iterator[Place]:
    """Open a SQLite file; whatever was opened on it is closed at the end."""
    opened: list[SQLiteStore] = []

    def new() -> SQLiteStore:
        opened.append(store(path, "t", CODEC))
        return opened[-1]

    reader = new()

    def told() -> list[EventRecord]:
        sql = "SELECT kind, id, event.version, event FROM event JOIN record USING (tenant, id) ORDER BY number"
        return [
            EventRecord(kind, id_, version, CODEC.load(loads(event)))
            for kind, id_, version, event in reader.connection.execute(sql)
        ]

    try:
        yield Place(new, lambda: replayed_all(told()), told)
    finally:
        for one in opened:
            one.close()


def postgres_place(address: str, engine: Any = None) -> Place:
    """Return the tables of the FastAPI host; workers share an engine of the loop that runs."""
    from fastapi_host.store import EVENT, RECORD, PostgresStore
    from sqlalchemy import and_, select
    from sqlalchemy.ext.asyncio import create_async_engine

    async def read() -> list[EventRecord]:
        same = and_(RECORD.c.tenant == EVENT.c.tenant, RECORD.c.id == EVENT.c.id)
        query = select(RECORD.c.kind, RECORD.c.id, EVENT.c.version, EVENT.c.event).join(EVENT, same)
        own = create_async_engine(address)
        async with own.connect() as connection:
            rows = list(await connection.execute(query.where(RECORD.c.tenant == "t").order_by(EVENT.c.number)))
        await own.dispose()
        return [EventRecord(kind, id_, version, CODEC.load(event)) for kind, id_, version, event in rows]

    def told() -> list[EventRecord]:
        # On a loop of its own, since the storm's may be running.
        with ThreadPoolExecutor(1) as other:
            return other.submit(asyncio.run, read()).result()

    return Place(lambda: PostgresStore(engine, "t", CODEC), lambda: replayed_all(told()), told)


def replayed_all(told: list[EventRecord]) -> list[Record]:
    """Return every record that an outbox tells of."""
    histories: dict[tuple[str, str], list[Any]] = {}
    for each in told:
        histories.setdefault((each.kind, each.id), []).append(each.event)
    return [replayed(kind, id_, history) for (kind, id_), history in histories.items()]
