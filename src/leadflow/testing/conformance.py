"""
Checking a store: every check on a store of its own, and a report of what came of each.

`check_store` takes a store that answers at once, `check_async_store` one whose methods are awaited; the checks are the
same, written once. Neither needs pytest; `leadflow.testing.suites` makes a test of each check.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from leadflow.errors import ConformanceError, Problem, did_you_mean
from leadflow.testing.checks import CHECKS, Check
from leadflow.testing.hosts import AsyncStoreFactory, Capability, Host, StoreFactory
from leadflow.testing.reporting import CheckResult, Outcome, Report
from leadflow.testing.running import Bench, run_now
from leadflow.validation import invalid, to_tuple

__all__ = ["STANDARD_CLAIMS", "check_async_store", "check_now", "check_store", "run_check"]

STANDARD_CLAIMS: Final = frozenset({Capability.HISTORY, Capability.CONCURRENCY})
"""What a store claims if nothing is said: a whole history, and several callers at once."""


def check_store(
    factory: StoreFactory,
    *,
    claims: Iterable[Capability | str] = STANDARD_CLAIMS,
    another: Callable[[Any], Any] | None = None,
    other_tenant: Callable[[Any], Any] | None = None,
    before_writes: Callable[[Any, Callable[[], None]], Any] | None = None,
    only: Iterable[str] | None = None,
    callers: int = 8,
    patience: float = 20.0,
    examples: int = 25,
) -> Report:
    """
    Check that a store does what the port owes.

    >>> from leadflow.stores import InMemoryStore
    >>> report = check_store(InMemoryStore, only=["every_kind", "tenants"])
    >>> print(report)
    1 passed, 0 failed, 1 skipped
    passed  every_kind
    skipped  tenants: not claimed: tenants

    Args:
        factory: Opens a fresh, empty store; called once per check (and per random program). It returns the store, is a
            context manager around it, or yields it once.
        claims: What the store claims of what needs no hook; see `Capability`.
        another: Given a store, opens it once more over a connection of its own; see `Host`.
        other_tenant: Given a store, opens another, empty tenant of the same database.
        before_writes: Given a store and a function, a context manager in which the store calls the function before each
            statement that writes; see `Host`.
        only: Names of the checks to run. Default: all.
        callers: How many threads to set on the store.
        patience: Seconds after which callers count as stuck.
        examples: How many random programs to run against the in-memory store.

    Returns:
        A result per check. Nothing is raised for a store that fails; see `Report.raise_for_failures`.

    Raises:
        InvalidError: Naming everything that is wrong with the arguments.
    """
    host = Host(
        factory=factory,
        claims=claims,
        another=another,
        other_tenant=other_tenant,
        before_writes=before_writes,
        callers=callers,
        patience=patience,
        examples=examples,
    )
    return Report(tuple(check_now(check, host) for check in _chosen(only)))


async def check_async_store(
    factory: AsyncStoreFactory,
    *,
    claims: Iterable[Capability | str] = STANDARD_CLAIMS,
    another: Callable[[Any], Any] | None = None,
    other_tenant: Callable[[Any], Any] | None = None,
    before_writes: Callable[[Any, Callable[[], None]], Any] | None = None,
    only: Iterable[str] | None = None,
    callers: int = 8,
    patience: float = 20.0,
    examples: int = 25,
) -> Report:
    """
    Check that an asynchronous store does what the port owes: ``asyncio.run(check_async_store(factory))``.

    The arguments are those of `check_store`; what opens a store may be awaited too, or be an asynchronous context
    manager or generator. Callers are tasks of one loop.

    >>> import asyncio
    >>> from leadflow.stores import AsyncInMemoryStore
    >>> asyncio.run(check_async_store(AsyncInMemoryStore, only=["one_winner"])).passed
    True
    """
    host = Host(
        factory=factory,
        claims=claims,
        another=another,
        other_tenant=other_tenant,
        before_writes=before_writes,
        callers=callers,
        patience=patience,
        examples=examples,
    )
    return Report(tuple([await run_check(check, host, awaited=True) for check in _chosen(only)]))


def check_now(check: Check, host: Host) -> CheckResult:
    """Run one check on a store that answers at once."""
    try:
        return run_now(run_check(check, host, awaited=False))
    except ConformanceError as error:
        return CheckResult(check.name, Outcome.FAILED, "; ".join(error.faults))


async def run_check(check: Check, host: Host, *, awaited: bool) -> CheckResult:
    """Run one check on a store of its own, and return what came of it."""
    lacking = [str(need) for need in check.needs if need not in host.capabilities]
    if lacking:
        return CheckResult(check.name, Outcome.SKIPPED, f"not claimed: {', '.join(lacking)}")
    why = check.unavailable()
    if why:
        return CheckResult(check.name, Outcome.SKIPPED, why)
    try:
        async with Bench(host, awaited=awaited) as bench:
            await check.run(bench)
    except ConformanceError as error:
        return CheckResult(check.name, Outcome.FAILED, "; ".join(error.faults))
    except Exception as error:  # noqa: BLE001 - whatever the store under test raises is what came of the check
        return CheckResult(
            check.name, Outcome.FAILED, f"the store raised {type(error).__name__}: {error}{_hint(error)}"
        )
    return CheckResult(check.name, Outcome.PASSED)


def _hint(error: Exception) -> str:
    """Return the way out of what stores stumble over that are right: the kit's deals are in pipelines of its own."""
    known = "give your codec the pipelines of the kit's deals too: Codec(pipelines=leadflow.testing.builders.PIPELINES)"
    return f"; {known}" if "pipeline" in str(error).lower() else ""


def _chosen(only: Iterable[str] | None) -> tuple[Check, ...]:
    if only is None:
        return CHECKS
    known = {check.name: check for check in CHECKS}
    names = to_tuple(only)
    if not isinstance(names, tuple):
        raise invalid("check_store", Problem("only", f"must be names of checks, got {only!r}", is_type=True))
    strange = [
        Problem(f"only[{position}]", f"is unknown: {name!r}{did_you_mean(str(name), known)}")
        for position, name in enumerate(names)
        if name not in known
    ]
    if strange:
        raise invalid("check_store", *strange)
    return tuple(known[name] for name in names)
