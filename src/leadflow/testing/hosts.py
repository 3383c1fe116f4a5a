"""
What a store's author tells the kit: how to open a fresh store, and what the store claims beyond the port.

Theory. A claim is a `Capability`. Two need nothing but the claim: history and concurrency. Three need a hook, since
only the host knows how to do it: open a second connection, open another tenant, be told before each write. Giving the
hook makes the claim. What is claimed and fails is a failure; what is not claimed is reported as skipped.

Whatever opens a store may return it, be a context manager around it, or yield it once; for an asynchronous store each
of these may be awaited. What has the four methods of the port is the store.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from enum import StrEnum
from inspect import isasyncgen, isawaitable, isgenerator
from typing import Any, Final, TypeAlias

from attrs import field, frozen

from leadflow.conversion.asking import port_problem
from leadflow.errors import Problem
from leadflow.stores import Store
from leadflow.validation import check, coded, each, invalid, optional, shown, to_set, whole

__all__ = ["AsyncStoreFactory", "Capability", "Host", "StoreFactory", "is_write", "opened"]

StoreFactory: TypeAlias = Callable[[], Store | AbstractContextManager[Store] | Iterator[Store]]
"""Opens a fresh, empty store: returns it, or is a context manager or generator that cleans up afterwards."""

AsyncStoreFactory: TypeAlias = Callable[[], Any]
"""The same for an `AsyncStore`; what it returns may also be awaited, or be an async context manager or generator."""


class Capability(StrEnum):
    """What a store may claim beyond the port."""

    HISTORY = "history"
    """Keeps every event, not only the present state (`compacted()`)."""
    CONCURRENCY = "concurrency"
    """May be called by several threads (tasks) at once: the same store object, or one connection each."""
    CONNECTIONS = "connections"
    """Can be opened a second time on the same records: the hook `another`."""
    TENANTS = "tenants"
    """Can be opened for another tenant beside it: the hook `other_tenant`."""
    WRITES = "writes"
    """Can be watched while it writes: the hook `before_writes`."""


_HOOKS: Final = {
    Capability.CONNECTIONS: "another",
    Capability.TENANTS: "other_tenant",
    Capability.WRITES: "before_writes",
}


def _capabilities(values: Iterable[Capability | str]) -> frozenset[str]:
    return to_set(values)


@frozen(kw_only=True)
class Host:
    """
    A store to check, as its author describes it.

    Attributes:
        factory: Opens a fresh, empty store.
        claims: What the store claims of what needs no hook. Default: history and concurrency.
        another: Given a store, opens it once more, for the same records and tenant, over a connection of its own; may
            be called in another thread (for an asynchronous store on another event loop too).
        other_tenant: Given a store, opens another, empty tenant of the same database.
        before_writes: Given a store and a function, a context manager in which the store calls the function (without
            arguments) before each statement that writes. The function may raise: the write must then not happen, and
            the exception leaves `commit`, as an error of the database would.
        callers: How many threads or tasks to set on the store.
        patience: Seconds after which callers count as stuck.
        examples: How many random programs to run against the in-memory store.

    Raises:
        InvalidError: Naming everything that is wrong, a claim without its hook included.
    """

    factory: Callable[[], Any]
    claims: frozenset[str] = field(
        default=frozenset({Capability.HISTORY, Capability.CONCURRENCY}), converter=_capabilities
    )
    another: Callable[[Any], Any] | None = None
    other_tenant: Callable[[Any], Any] | None = None
    before_writes: Callable[[Any, Callable[[], None]], Any] | None = None
    callers: int = 8
    patience: float = 20.0
    examples: int = 25

    def __attrs_post_init__(self) -> None:
        claims = self.claims if isinstance(self.claims, frozenset) else frozenset()
        check(
            "Host",
            _callable("factory", self.factory),
            *each("claims", self.claims, coded, Capability),
            *(
                Problem(hook, f"must be given, since {capability!s} is claimed, got None")
                for capability, hook in _HOOKS.items()
                if capability in claims and getattr(self, hook) is None
            ),
            *(optional(_callable, hook, getattr(self, hook)) for hook in _HOOKS.values()),
            whole("callers", self.callers, 2),
            whole("examples", self.examples, 1),
            None
            if isinstance(self.patience, int | float) and self.patience > 0
            else Problem("patience", f"must be seconds, above 0, got {shown(self.patience)}"),
        )

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the store claims, the hooks included."""
        hooked = (capability for capability, hook in _HOOKS.items() if getattr(self, hook) is not None)
        return frozenset(map(Capability, self.claims)).union(hooked)


def _callable(path: str, value: object) -> Problem | None:
    return None if callable(value) else Problem(path, f"must be callable, got {shown(value)}", is_type=True)


async def opened(made: Any, stack: AsyncExitStack, *, awaited: bool) -> Any:  # noqa: ANN401 - whatever a host opens
    """
    Return the store that a factory or hook has opened; the stack closes it.

    Raises:
        InvalidError: If it is no store, or one of the other colour.
    """
    if isawaitable(made):
        made = await made
    if isgenerator(made):
        made = contextmanager(lambda: made)()
    elif isasyncgen(made):
        made = asynccontextmanager(lambda: made)()
    if port_problem(made, awaited=awaited) is not None:
        if isinstance(made, AbstractAsyncContextManager):
            made = await stack.enter_async_context(made)
        elif isinstance(made, AbstractContextManager):
            made = stack.enter_context(made)
    problem = port_problem(made, awaited=awaited)
    if problem is not None:
        raise invalid("check_store", problem)
    return made


_WRITING: Final = ("insert", "update", "delete", "replace", "merge", "commit")


def is_write(statement: str) -> bool:
    """
    Return whether an SQL statement writes: for `before_writes` hooks that see every statement of a connection.

    >>> is_write("INSERT INTO record VALUES (?)"), is_write("SELECT 1")
    (True, False)
    """
    return statement.lstrip().lower().startswith(_WRITING)
