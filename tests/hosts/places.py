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


def set_django_up() -> None:
    """Set Django up, where nobody has yet; before that no models can be imported."""
    import django
    from django.conf import settings
    from django_host import settings as example

    if not settings.configured:
        settings.configure(**{name: value for name, value in vars(example).items() if name.isupper()})
        django.setup()


def django_database(alias: str, **options: Any) -> None:
    """Make the tables of the Django host in a database of this alias."""
    set_django_up()
    from django.core.management import call_command
    from django.db import connections

    connections.settings[alias] = connections.databases[alias] = {**connections.databases["default"], **options}
    call_command("migrate", run_syncdb=True, database=alias, verbosity=0)


@contextmanager
def django_place(alias: str, tenant: str, store: Any = None) -> Iterator[Place]:
    """Open a tenant of the Django host; the connections of all threads that opened it are closed at the end."""
    from django.db import connections
    from django_host.models import Event
    from django_host.store import DjangoStore, open_store

    kind, opened = store or DjangoStore, set()
    row = open_store(tenant, CODEC, alias).tenant

    def new() -> Any:
        connection = connections[alias]  # of the thread that this is called in
        if connection not in opened:
            opened.add(connection)
            connection.inc_thread_sharing()
        return kind(row, CODEC, alias)

    def told() -> list[EventRecord]:
        rows = Event.objects.using(alias).filter(record__tenant=row).order_by("pk")
        fields = rows.values_list("record__kind", "record__code", "version", "event")
        return [EventRecord(kind, id_, version, CODEC.load(event)) for kind, id_, version, event in fields]

    try:
        yield Place(new, lambda: replayed_all(told()), told)
    finally:
        for connection in opened:
            connection.close()
            connection.dec_thread_sharing()


def replayed_all(told: list[EventRecord]) -> list[Record]:
    """Return every record that an outbox tells of."""
    histories: dict[tuple[str, str], list[Any]] = {}
    for each in told:
        histories.setdefault((each.kind, each.id), []).append(each.event)
    return [replayed(kind, id_, history) for (kind, id_), history in histories.items()]
