"""The SQLite host passes the conformance kit, survives faults, and finds records by index."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlite_host import SQLiteStore, main

from leadflow.codec import Codec
from leadflow.stores import ChangeSet, MatchKey
from leadflow.testing.builders import PIPELINES, a_lead
from leadflow.testing.suites import StoreConformance


class Watched(SQLiteStore):
    """The host's store, telling somebody before each statement that writes."""

    path: Path
    watcher: Callable[[], None] | None = None

    def write(self, sql: str, *values: object) -> None:
        if self.watcher is not None and not sql.startswith("BEGIN"):
            self.watcher()
        super().write(sql, *values)


@contextmanager
def opened(path: Path, tenant: str = "t") -> Iterator[Watched]:
    with closing(Watched(path, tenant, Codec(pipelines=PIPELINES))) as store:
        store.path = path
        yield store


class TestSQLiteStore(StoreConformance):
    """The conformance kit, every capability claimed."""

    examples = 10

    def make_store(self) -> Iterator[Watched]:
        with TemporaryDirectory() as folder, opened(Path(folder) / "crm.db") as store:
            yield store

    def another(self, store: Watched) -> Any:
        return opened(store.path)

    def other_tenant(self, store: Watched) -> Any:
        return opened(store.path, "other")

    @contextmanager
    def before_writes(self, store: Watched, watcher: Callable[[], None]) -> Iterator[None]:
        store.watcher = watcher
        try:
            yield
        finally:
            store.watcher = None


def test_the_example_runs(capsys) -> None:
    """Run as a program it converts once for two clicks."""
    main()
    printed = capsys.readouterr().out
    assert printed.count("written: ") == 1
    assert printed.count("written before: ") == 1


def test_matching_uses_the_index(tmp_path: Path) -> None:
    """Looking up a match key searches the primary key and scans nothing."""
    with opened(tmp_path / "crm.db") as store:
        store.commit(ChangeSet.new(a_lead()))
        sql = "EXPLAIN QUERY PLAN SELECT id FROM match_key WHERE tenant = ? AND key = ? ORDER BY id LIMIT ?"
        plan = store.connection.execute(sql, ("t", str(MatchKey("lead", "email", "mara@northwind.example")), 50))
        assert [step[-1] for step in plan] == ["SEARCH match_key USING PRIMARY KEY (tenant=? AND key=?)"]


def test_hostile_texts_are_stored_verbatim(tmp_path: Path) -> None:
    """SQL and HTML in a name stay text."""
    hostile = "Robert'); DROP TABLE record;-- <script>alert(1)</script>"
    lead = a_lead(source=hostile)
    with opened(tmp_path / "crm.db") as store:
        store.commit(ChangeSet.new(lead))
        assert store.load("L-1") == lead
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection:
        assert connection.execute("SELECT count(*) FROM record").fetchone() == (1,)
