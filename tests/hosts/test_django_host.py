"""The Django host passes the conformance kit on SQLite and on PostgreSQL, with integer keys beside our ids."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("django", reason="needs the extra 'hosts'")
pytest.importorskip("psycopg", reason="needs the extra 'hosts'")

import django
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connections
from django_host import settings as example

from leadflow.codec import Codec
from leadflow.stores import ChangeSet
from leadflow.testing import is_write
from leadflow.testing.builders import PIPELINES, a_lead
from leadflow.testing.suites import StoreConformance

if not django_settings.configured:
    django_settings.configure(
        **{name: value for name, value in vars(example).items() if name.isupper()},
    )
    django.setup()

from django_host.models import Match, Record
from django_host.store import DjangoStore, open_store

_tenants = count(1)


def _database(alias: str, **options: Any) -> str:
    connections.settings[alias] = connections.databases[alias] = {**connections.databases["default"], **options}
    call_command("migrate", run_syncdb=True, database=alias, verbosity=0)
    return alias


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A file of its own."""
    path: Path = tmp_path_factory.mktemp("django") / "crm.db"
    yield _database("sqlite", NAME=str(path))
    connections["sqlite"].close()


@pytest.fixture(scope="module")
def postgresql(postgres: Any) -> Iterator[str]:
    """A database of its own on the server."""
    postgres.psql("CREATE DATABASE django_host;")
    socket = postgres.get_uri(database="django_host").partition("host=")[2]
    yield _database(
        "postgresql",
        ENGINE="django.db.backends.postgresql",
        NAME="django_host",
        USER="postgres",
        HOST=socket,
        OPTIONS={},
    )
    connections["postgresql"].close()


class Conformance(StoreConformance):
    """The conformance kit, every capability claimed; each store is a new tenant of one database."""

    alias: str
    __test__ = False

    def make_store(self) -> DjangoStore:
        return open_store(f"tenant {next(_tenants)}", Codec(pipelines=PIPELINES), self.alias)

    @contextmanager
    def another(self, store: DjangoStore) -> Iterator[DjangoStore]:
        try:
            yield DjangoStore(store.tenant, store.codec, store.using)
        finally:
            connections[self.alias].close()  # of the thread that used it

    def other_tenant(self, store: DjangoStore) -> DjangoStore:
        return open_store(f"{store.tenant} (other)", store.codec, store.using)

    @contextmanager
    def before_writes(self, store: DjangoStore, watcher: Callable[[], None]) -> Iterator[None]:
        def watched(execute: Any, sql: str, *rest: Any) -> Any:
            if is_write(sql):
                watcher()
            return execute(sql, *rest)

        with connections[self.alias].execute_wrapper(watched):
            yield


class TestOnSQLite(Conformance):
    """On SQLite."""

    __test__ = True

    @pytest.fixture(autouse=True)
    def _on(self, sqlite: str) -> None:
        self.alias = sqlite


class TestOnPostgreSQL(Conformance):
    """On PostgreSQL."""

    __test__ = True

    @pytest.fixture(autouse=True)
    def _on(self, postgresql: str) -> None:
        self.alias = postgresql


def test_integer_keys_beside_our_ids(sqlite: str) -> None:
    """The rest of the application refers to integers; leadflow's id is a column, once per tenant."""
    for tenant in ("acme", "globex"):
        store = open_store(tenant, Codec(pipelines=PIPELINES), sqlite)
        store.commit(ChangeSet.new(a_lead("L-1")))
        row = Record.objects.using(sqlite).get(tenant=store.tenant, code="L-1")
        assert isinstance(row.pk, int)
        assert store.load(row.code) == a_lead("L-1")


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_matching_uses_the_index(database: str, request: pytest.FixtureRequest) -> None:
    """Looking up a match key searches its index."""
    alias = request.getfixturevalue(database)
    with connections[alias].cursor() as cursor:
        if database == "postgresql":
            cursor.execute("SET enable_seqscan = off")  # so few rows would rather be scanned
        plan = Match.objects.using(alias).filter(tenant=1, key="k").order_by("record_id")[:50].explain()
    assert "by_key" in plan
