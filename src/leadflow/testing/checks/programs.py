"""Random programs: the store under test must do what the in-memory store does."""

import asyncio
from typing import Final

from leadflow.testing.checks.registry import Check, proves
from leadflow.testing.running import Bench

__all__ = ["PROGRAMS"]


@proves(libraries=("hypothesis",))
async def random_programs(bench: Bench) -> None:
    """Whatever is committed in whatever order, results, records, receipts and candidates are the in-memory store's."""
    from leadflow.testing.machine import run_machine  # noqa: PLC0415 - needs Hypothesis, which hosts may not have

    if bench.awaited:
        # Each program has an event loop of its own, and a thread has one at a time.
        await asyncio.to_thread(run_machine, bench.host, awaited=True)
    else:
        run_machine(bench.host, awaited=False)


PROGRAMS: Final[tuple[Check, ...]] = (random_programs,)
