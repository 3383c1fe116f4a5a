"""
The checks as classes for pytest: one test per check, skipped where the store does not claim what it needs.

Theory. A host derives a class, says how a store is opened, and overrides the hooks that its database can offer::

    class TestMyStore(StoreConformance):
        def make_store(self):
            with connect(":memory:") as connection:
                yield MyStore(connection, tenant="t")

Asynchronous stores need no plugin: each test runs on an event loop of its own.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Any, ClassVar

import pytest

from leadflow.errors import ConformanceError
from leadflow.testing.checks import CHECKS, Check
from leadflow.testing.conformance import STANDARD_CLAIMS, check_now, run_check
from leadflow.testing.hosts import Capability, Host
from leadflow.testing.reporting import Outcome

__all__ = ["AsyncStoreConformance", "StoreConformance"]

_EVERY = pytest.mark.parametrize("check", CHECKS, ids=str)


class StoreConformance:
    """
    A test per check for a store that answers at once.

    Attributes:
        claims: What the store claims of what needs no hook; see `Capability`.
        callers: How many threads (tasks) to set on the store.
        patience: Seconds after which callers count as stuck.
        examples: How many random programs to run against the in-memory store.
    """

    claims: ClassVar[Collection[Capability]] = STANDARD_CLAIMS
    callers: ClassVar[int] = 8
    patience: ClassVar[float] = 20.0
    examples: ClassVar[int] = 25
    awaited: ClassVar[bool] = False

    def make_store(self) -> Any:  # noqa: ANN401 - a store, a context manager around it, or a generator of it
        """Open a fresh, empty store: return it, yield it once, or return a context manager around it."""
        raise NotImplementedError("write make_store(self): return a fresh, empty store, or yield it and clean up")

    # Hooks: a method that a class overrides is a claim; see `Host` for what each owes.
    another: ClassVar[Callable[..., Any] | None] = None
    other_tenant: ClassVar[Callable[..., Any] | None] = None
    before_writes: ClassVar[Callable[..., Any] | None] = None

    def host(self) -> Host:
        """Return the store as this class describes it."""
        return Host(
            factory=self.make_store,
            claims=self.claims,
            another=self.another,
            other_tenant=self.other_tenant,
            before_writes=self.before_writes,
            callers=self.callers,
            patience=self.patience,
            examples=self.examples,
        )

    @_EVERY
    def test_store(self, check: Check) -> None:
        """The store does what the check claims."""
        host = self.host()
        result = asyncio.run(run_check(check, host, awaited=True)) if self.awaited else check_now(check, host)
        if result.outcome is Outcome.SKIPPED:
            pytest.skip(result.why)
        if result.outcome is Outcome.FAILED:
            raise ConformanceError([f"{result.name}: {result.why}"])


class AsyncStoreConformance(StoreConformance):
    """The same for an asynchronous store; what opens it may be asynchronous too. Callers are tasks."""

    awaited: ClassVar[bool] = True
