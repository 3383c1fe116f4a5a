"""The store of the FastAPI host, on a real PostgreSQL, passes the conformance kit and finds records by index."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", reason="needs the extra 'hosts'")
pytest.importorskip("asyncpg", reason="needs the extra 'hosts'")

from fastapi_host.store import PostgresStore, create_tables
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import create_async_engine

from leadflow.codec import Codec
from leadflow.stores import ChangeSet, CommitResult, Committed, match_keys
from leadflow.testing import is_write
from leadflow.testing.builders import PIPELINES, a_lead, an_account, when
from leadflow.testing.suites import AsyncStoreConformance

_tenants = count(1)


@asynccontextmanager
async def opened(address: str, tenant: str) -> AsyncIterator[PostgresStore]:
    """Open a store over an engine of its own, which belongs to the event loop that runs now."""
    engine = create_async_engine(address)
    try:
        await create_tables(engine)
        yield PostgresStore(engine, tenant, Codec(pipelines=PIPELINES))
    finally:
        await engine.dispose()


@pytest.fixture(scope="session")
def address(postgres: Any) -> str:
    """One database for all tests; each opens a tenant of its own."""
    postgres.psql("CREATE DATABASE fastapi_store;")
    return str(postgres.get_uri(database="fastapi_store", driver="asyncpg"))


class TestPostgresStore(AsyncStoreConformance):
    """The conformance kit, every capability claimed."""

    examples = 10

    @pytest.fixture(autouse=True)
    def _database(self, address: str) -> None:
        self.address = address

    def make_store(self) -> Any:
        return opened(self.address, f"tenant {next(_tenants)}")

    def another(self, store: PostgresStore) -> Any:
        return opened(self.address, store.tenant)

    def other_tenant(self, store: PostgresStore) -> PostgresStore:
        return PostgresStore(store.engine, f"{store.tenant} (other)", store.codec)

    @contextmanager
    def before_writes(self, store: PostgresStore, watcher: Callable[[], None]) -> Iterator[None]:
        def statement(connection: Any, cursor: Any, words: str, *rest: Any) -> None:
            if is_write(words):
                watcher()

        def commit(connection: Any) -> None:
            watcher()

        engine = store.engine.sync_engine
        event.listen(engine, "before_cursor_execute", statement)
        event.listen(engine, "commit", commit)
        try:
            yield
        finally:
            event.remove(engine, "before_cursor_execute", statement)
            event.remove(engine, "commit", commit)


def test_matching_uses_the_index(address: str) -> None:
    """With many keys stored, looking one up is an index scan."""

    async def plan() -> str:
        async with opened(address, "plan") as store, store.engine.connect() as connection:
            await store.commit(ChangeSet.new(a_lead()))
            sql = "EXPLAIN SELECT id FROM match_key WHERE tenant = 'plan' AND key = 'k' ORDER BY id LIMIT 50"
            await connection.execute(text("SET enable_seqscan = off"))  # so few rows would rather be scanned
            return "\n".join((await connection.execute(text(sql))).scalars())

    assert "Index Only Scan using match_key_pkey" in asyncio.run(plan())


def test_any_float_can_be_changed(address: str) -> None:
    """JSONB writes 1e23 as a whole number: the record is the one that was stored all the same, and not stale."""

    async def change() -> CommitResult:
        async with opened(address, "floats") as store:
            lead = a_lead(fields={"x": 1e23, "y": 5e-324, "z": -0.0})
            await store.commit(ChangeSet.new(lead))
            return await store.commit(ChangeSet.of((lead, lead.assign("bob", **when(1)))))

    assert asyncio.run(change()) == Committed()


def test_a_database_with_another_isolation(address: str) -> None:
    """A commit chooses its isolation: where repeatable reads are the default, one new company is still one account."""

    async def accounts() -> int:
        engine = create_async_engine(address, isolation_level="REPEATABLE READ")
        await create_tables(engine)
        store = PostgresStore(engine, "isolation", Codec())
        key = next(key for key in match_keys(an_account()) if key.decides)
        changes = [ChangeSet.of((None, an_account(f"A-{number}")), absent=[key]) for number in range(8)]
        await asyncio.gather(*map(store.commit, changes))
        found = await store.candidates([key], 9)
        await engine.dispose()
        return len(found)

    assert asyncio.run(accounts()) == 1
