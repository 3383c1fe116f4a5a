"""
A process that converts leads in an example host's database, and says so line by line: for tests that kill it.

    python worker.py sqlite PATH LEADS
    python worker.py postgresql ADDRESS LEADS
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "conversion"), str(HERE.parents[1] / "docs" / "examples")]

from places import postgres_place, sqlite_place  # noqa: E402 - found on the path above
from storms import LATER, TERMS, parts  # noqa: E402

from leadflow.conversion import AsyncConversionService, ConversionService  # noqa: E402


def told(result: Any) -> None:
    print(result.id, result.status, *getattr(result.outcome, "codes", ()), flush=True)  # noqa: T201 - to whoever started it


def in_sqlite(path: str, leads: list[str]) -> None:
    with sqlite_place(Path(path)) as place:
        service = ConversionService(place.open(), **parts(os.getpid()))
        for result in service.qualify_and_convert_many(leads, terms=TERMS, key="bulk", **LATER):
            told(result)


async def in_postgresql(address: str, leads: list[str]) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(address)
    service = AsyncConversionService(postgres_place(address, engine).open(), **parts(os.getpid()))
    async for result in service.qualify_and_convert_many(leads, terms=TERMS, key="bulk", **LATER):
        told(result)
    await engine.dispose()


if __name__ == "__main__":
    where, address, number = sys.argv[1:]
    names = [f"L-{each}" for each in range(int(number))]
    if where == "sqlite":
        in_sqlite(address, names)
    else:
        asyncio.run(in_postgresql(address, names))
