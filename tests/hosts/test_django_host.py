"""The Django host passes the conformance kit on SQLite and on PostgreSQL, with integer keys beside our ids."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

pytest.importorskip("django", reason="needs the extra 'hosts'")
pytest.importorskip("psycopg", reason="needs the extra 'hosts'")

from django.db import OperationalError, connections, transaction
from places import set_django_up

from leadflow.codec import Codec
from leadflow.stores import ChangeSet
from leadflow.testing import is_write
from leadflow.testing.builders import PIPELINES, a_lead
from leadflow.testing.suites import StoreConformance

set_django_up()

from django_host.models import Match, Record  # noqa: E402 - models need Django to be set up
from django_host.store import DjangoStore, open_store  # noqa: E402

_tenants = count(1)


class Conformance(StoreConformance):
    """The conformance kit, every capability claimed; each store is a new tenant of one database."""

    examples = 10

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
    def _on(self, django_on: Callable[[str], str]) -> None:
        self.alias = django_on("sqlite")


class TestOnPostgreSQL(Conformance):
    """On PostgreSQL."""

    __test__ = True

    @pytest.fixture(autouse=True)
    def _on(self, django_on: Callable[[str], str]) -> None:
        self.alias = django_on("postgresql")


def test_within_a_transaction_of_the_hosts(django_on: Callable[[str], str]) -> None:
    """Where a transaction sees what there was when it began, one that read too early is told; nothing is written."""
    alias = django_on("repeatable_read")
    store = open_store("acme", Codec(pipelines=PIPELINES), alias)

    def meanwhile() -> None:
        try:
            store.commit(ChangeSet.new(a_lead("L-1")))
        finally:
            connections[alias].close()  # of the thread

    def late() -> None:
        with transaction.atomic(using=alias):
            assert store.load("L-1") is None  # from now on it sees this
            with ThreadPoolExecutor(1) as pool:
                pool.submit(meanwhile).result()
            store.commit(ChangeSet.new(a_lead("L-2")))

    with pytest.raises(OperationalError, match="could not serialize access"):
        late()
    assert (store.load("L-1"), store.load("L-2")) == (a_lead("L-1"), None)


def test_integer_keys_beside_our_ids(django_on: Callable[[str], str]) -> None:
    """The rest of the application refers to integers; leadflow's id is a column, once per tenant."""
    sqlite = django_on("sqlite")
    for tenant in ("acme", "globex"):
        store = open_store(tenant, Codec(pipelines=PIPELINES), sqlite)
        store.commit(ChangeSet.new(a_lead("L-1")))
        row = Record.objects.using(sqlite).get(tenant=store.tenant, code="L-1")
        assert isinstance(row.pk, int)
        assert store.load(row.code) == a_lead("L-1")


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_matching_uses_the_index(database: str, django_on: Callable[[str], str]) -> None:
    """Looking up a match key searches its index."""
    alias = django_on(database)
    with connections[alias].cursor() as cursor:
        if database == "postgresql":
            cursor.execute("SET enable_seqscan = off")  # so few rows would rather be scanned
        plan = Match.objects.using(alias).filter(tenant=1, key="k").order_by("record_id")[:50].explain()
    assert "by_key" in plan
