"""Rules 2 to 4, 21 and 22 on real databases: threads, tasks, processes, faults, and a process that is killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import storms
from places import django_place, postgres_place, replayed_all, sqlite_place
from sqlite_host import SQLiteStore
from storms import FaultError, Place, lead

from leadflow.stores import ChangeSet
from leadflow.testing import is_write

WORKER = Path(__file__).with_name("worker.py")


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Place]:
    """A file that every worker opens for itself."""
    with sqlite_place(tmp_path / "crm.db") as place:
        yield place


@pytest.fixture
def address(database: str) -> str:
    """An empty PostgreSQL database, as asyncpg wants it named."""
    pytest.importorskip("asyncpg", reason="needs the extra 'hosts'")
    return database.replace("postgresql://", "postgresql+asyncpg://")


@asynccontextmanager
async def postgresql(address: str) -> AsyncIterator[Place]:
    """Open the tables of the FastAPI host."""
    from fastapi_host.store import create_tables
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(address, pool_size=16)
    await create_tables(engine)
    try:
        yield postgres_place(address, engine)
    finally:
        await engine.dispose()


def on_postgresql(address: str, storm: Callable[[Place], Awaitable[Any]]) -> None:
    """Run a storm on an event loop."""

    async def run() -> None:
        async with postgresql(address) as place:
            await storm(place)

    asyncio.run(run())


class TestSQLite:
    """Threads, each with a connection of its own."""

    @pytest.mark.parametrize("key", ["k", None])
    @pytest.mark.parametrize("workers", [2, 16])
    def test_one_lead(self, sqlite: Place, workers: int, key: str | None) -> None:
        """One winner; the others get its result or a refusal that carries it."""
        storms.one_lead(sqlite, workers=workers, key=key)

    def test_one_company(self, sqlite: Place) -> None:
        """Sixteen leads of one new company make one account."""
        storms.one_company(sqlite, workers=16)

    def test_many_leads(self, sqlite: Place) -> None:
        """Eight workers, a tenth of the commits in trouble: every lead exactly once."""
        storms.many_leads(sqlite, leads=300, workers=8, companies=40)

    def test_a_fault_before_every_write(self, tmp_path: Path) -> None:
        """The state is as before, and a retry succeeds."""

        class Failing(SQLiteStore):
            left: int | None = None

            def write(self, sql: str, *values: object) -> None:
                if self.left is not None and not sql.startswith("BEGIN"):
                    self.left -= 1
                    if self.left < 0:
                        self.left = None
                        raise FaultError
                super().write(sql, *values)

        opened = []

        def new_place() -> Place:
            opened.append(sqlite_place(tmp_path / f"{len(opened)}.db", Failing))
            return opened[-1].__enter__()

        def failing(place: Place, nth: int) -> Failing:
            store = place.open()
            store.left = nth
            return store  # type: ignore[no-any-return]

        assert storms.fault_before_every_write(new_place, failing) > 10
        for place in opened:
            place.__exit__(None, None, None)


@pytest.fixture(params=["sqlite", "postgresql", "repeatable_read"])
def alias(request: pytest.FixtureRequest, django_on: Callable[[str], str]) -> str:
    """A database that Django knows."""
    return django_on(request.param)


class TestDjango:
    """Threads, each with a connection of Django's, on SQLite and PostgreSQL, there under two isolations."""

    @pytest.fixture
    def place(self, alias: str, request: pytest.FixtureRequest) -> Iterator[Place]:
        """A tenant of its own."""
        with django_place(alias, request.node.name) as place:
            yield place

    @pytest.mark.parametrize("key", ["k", None])
    @pytest.mark.parametrize("workers", [2, 16])
    def test_one_lead(self, place: Place, workers: int, key: str | None) -> None:
        """One winner; the others get its result or a refusal that carries it."""
        storms.one_lead(place, workers=workers, key=key)

    def test_one_company(self, place: Place) -> None:
        """Sixteen leads of one new company make one account."""
        storms.one_company(place, workers=16)

    def test_many_leads(self, place: Place, alias: str) -> None:
        """Eight workers, a tenth of the commits in trouble: every lead exactly once."""
        # Fewer where most commits begin anew, most of the time.
        storms.many_leads(place, leads=60 if alias == "repeatable_read" else 100, workers=8, companies=40)

    def test_a_fault_before_every_write(self, alias: str) -> None:
        """The state is as before, and a retry succeeds."""
        from django.db import connections
        from django_host.store import DjangoStore

        class Failing(DjangoStore):
            left: int | None = None

            def commit(self, change_set: ChangeSet, /) -> Any:
                with connections[self.using].execute_wrapper(self.before):
                    return super().commit(change_set)

            def before(self, execute: Any, sql: str, *rest: Any) -> Any:
                if self.left is not None and is_write(sql):
                    self.left -= 1
                    if self.left < 0:
                        self.left = None
                        raise FaultError
                return execute(sql, *rest)

        with ExitStack() as places:
            tenants = (f"fault {number}" for number in count(1))

            def new_place() -> Place:
                return places.enter_context(django_place(alias, next(tenants), Failing))

            def failing(place: Place, nth: int) -> Failing:
                store = place.open()
                store.left = nth
                return store  # type: ignore[no-any-return]

            assert storms.fault_before_every_write(new_place, failing) > 5


class TestPostgreSQL:
    """Tasks of one event loop on the FastAPI host's store."""

    @pytest.mark.parametrize("key", ["k", None])
    @pytest.mark.parametrize("workers", [2, 16])
    def test_one_lead(self, address: str, workers: int, key: str | None) -> None:
        """One winner; the others get its result or a refusal that carries it."""
        on_postgresql(address, lambda place: storms.one_lead_in_tasks(place, workers=workers, key=key))

    def test_one_company(self, address: str) -> None:
        """Sixteen leads of one new company make one account."""
        on_postgresql(address, lambda place: storms.one_company_in_tasks(place, workers=16))

    def test_many_leads(self, address: str) -> None:
        """A thousand leads, eight workers, a tenth of the commits in trouble: every lead exactly once."""
        on_postgresql(address, lambda place: storms.many_leads_in_tasks(place, leads=1_000, workers=8, companies=40))


def filled(where: str, address: str, leads: int) -> None:
    """Store leads of a dozen companies."""
    changes = [ChangeSet.new(lead(number, 12)) for number in range(leads)]
    if where == "sqlite":
        with sqlite_place(Path(address)) as place:
            store = place.open()
            for change in changes:
                store.commit(change)
        return

    async def fill(place: Place) -> None:
        store = place.open()
        for change in changes:
            await store.commit(change)

    on_postgresql(address, fill)


def read(where: str, address: str) -> Place:
    """Return what is stored, as it is now."""
    if where == "sqlite":
        with sqlite_place(Path(address)) as place:
            told = list(place.outbox())  # type: ignore[misc]  # it has one
    else:
        told = list(postgres_place(address).outbox())  # type: ignore[misc]
    return Place(lambda: None, lambda: replayed_all(told), lambda: told)


@pytest.fixture(params=["sqlite", "postgresql"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """A database by kind and address, empty."""
    if request.param == "sqlite":
        return "sqlite", str(tmp_path / "crm.db")
    return "postgresql", request.getfixturevalue("address")


class TestProcesses:
    """Processes that know nothing of each other."""

    def start(self, base: tuple[str, str], leads: int) -> "subprocess.Popen[str]":
        command = [sys.executable, str(WORKER), *base, str(leads)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ})

    @pytest.mark.parametrize("workers", [2, 8])
    def test_one_batch_in_many_processes(self, base: tuple[str, str], workers: int) -> None:
        """Processes that convert the same leads under one key write each lead once, and all know what was written."""
        filled(*base, 20)
        started = [self.start(base, 20) for _ in range(workers)]
        lines = [line.split()[:2] for process in started for line in process.communicate(timeout=300)[0].splitlines()]
        assert [process.returncode for process in started] == [0] * workers
        assert sorted(id_ for id_, status in lines if status == "written") == sorted(f"L-{n}" for n in range(20))
        assert {status for _, status in lines} == {"written", "repeated"}
        storms.whole(read(*base), 20)

    @pytest.mark.parametrize("after", [1, 40])
    def test_a_killed_batch_is_finished_by_running_it_again(self, base: tuple[str, str], after: int) -> None:
        """SIGKILL in the middle of a bulk conversion: nothing half done, and a second run does the rest, none twice."""
        filled(*base, 120)
        first = self.start(base, 120)
        assert first.stdout is not None
        seen = [first.stdout.readline() for _ in range(after)]
        first.send_signal(signal.SIGKILL)
        first.communicate()
        assert first.returncode == -signal.SIGKILL
        done = [record for record in read(*base).records() if record.kind == "lead" and record.status == "qualified"]
        assert after <= len(done) < 120
        # No orphan: the deals that are there are those of the leads that are done.
        assert len([record for record in read(*base).records() if record.kind == "opportunity"]) == len(done)
        second = self.start(base, 120)
        lines = [line.split() for line in second.communicate(timeout=300)[0].splitlines()]
        assert second.returncode == 0
        assert [line[1] for line in lines].count("repeated") == len(done)
        assert [line[1] for line in lines].count("written") == 120 - len(done)
        assert {line.split()[0] for line in seen} <= {line[0] for line in lines if line[1] == "repeated"}
        storms.whole(read(*base), 120)
