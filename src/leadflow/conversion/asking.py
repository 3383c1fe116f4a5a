"""
Asking a store: one way to write a flow, two ways to run it.

Theory. A flow is a generator that yields what it wants from the store (`Ask`) and is sent the answer; it neither knows
nor cares whether somebody waits for the answer. `run` puts the asks to a `Store`, `run_async` awaits an `AsyncStore`,
on whatever event loop there is. What the store raises passes through: the flow ends there, and nothing was written.
"""

from collections.abc import Generator, Iterable
from operator import methodcaller
from typing import Any, TypeAlias, TypeVar

from attrs import frozen

from leadflow.stores import AsyncStore, ChangeSet, CommitResult, MatchKey, Receipt, Record, Store

__all__ = ["Ask", "Flow", "candidates", "commit", "load", "receipt", "run", "run_async"]

_Out = TypeVar("_Out")


@frozen
class Ask:
    """
    One call of a store's method.

    Attributes:
        method: Its name.
        arguments: What it is called with.
    """

    method: str
    arguments: tuple[Any, ...]

    def of(self, store: Store | AsyncStore) -> Any:  # noqa: ANN401 - what the method returns, perhaps to be awaited
        """Put it to a store."""
        return methodcaller(self.method, *self.arguments)(store)


Flow: TypeAlias = Generator[Ask, Any, _Out]
"""A flow that ends in a value; an answer's type is known to the four functions below."""


def load(id: str) -> Flow[Record | None]:  # noqa: A002 - the interface's word
    """Ask for a record."""
    record: Record | None = yield Ask("load", (id,))
    return record


def candidates(keys: Iterable[MatchKey], limit: int) -> Flow[tuple[Record, ...]]:
    """Ask for the records that have one of these match keys."""
    found = yield Ask("candidates", (tuple(sorted(keys)), limit))
    return tuple(found)


def receipt(key: str) -> Flow[Receipt | None]:
    """Ask for a receipt."""
    kept: Receipt | None = yield Ask("receipt", (key,))
    return kept


def commit(change_set: ChangeSet) -> Flow[CommitResult]:
    """Ask for a commit."""
    result: CommitResult = yield Ask("commit", (change_set,))
    return result


def run(flow: Flow[_Out], store: Store) -> _Out:
    """Run a flow against a store to its end."""
    answer: Any = None
    while True:
        try:
            ask = flow.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # the flow's own return value
        answer = ask.of(store)


async def run_async(flow: Flow[_Out], store: AsyncStore) -> _Out:
    """Run a flow against an asynchronous store to its end."""
    answer: Any = None
    while True:
        try:
            ask = flow.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # the flow's own return value
        answer = await ask.of(store)
