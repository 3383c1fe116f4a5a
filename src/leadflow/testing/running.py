"""
Running a check: one way to write it, two kinds of store to run it on.

Theory. A check is a coroutine that awaits a store. `Port` puts the awaiting in front of any store: around one that
answers at once it never waits, so that `run_now` drives the check to its end without an event loop; around an
asynchronous one the check runs on the host's own loop. `Bench` is what a check works with: it opens stores, closes them
when the check ends, and sets several callers on one, in threads or in tasks.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from inspect import isawaitable
from threading import Barrier, BrokenBarrierError, Event, Thread
from typing import Any, Final, Self, TypeVar

from leadflow.conversion.asking import Ask
from leadflow.errors import ConformanceError, LeadflowError
from leadflow.stores import ChangeSet, CommitResult, Committed, MatchKey, Receipt, Record
from leadflow.testing.hosts import Capability, Host, opened
from leadflow.testing.reporting import expect, fault

__all__ = ["Bench", "Port", "run_now"]

_Out = TypeVar("_Out")

# How often a caller repeats a call that the database refused (a lock, a serialisation failure) before it is a fault.
_REPEATS: Final = 50
# How long to let others go first, in seconds: a few times what a small transaction takes.
_PAUSE: Final = 0.01
# How long callers wait for each other before their first commit, in seconds.
_MEETING: Final = 2.0
# How long a look over another connection may take, in seconds; opening one may be slow.
_LOOK: Final = 1.0
# Threads change often, so that what can come between a check and a write does.
_SWITCH_SECONDS: Final = 1e-5


def run_now(coroutine: Coroutine[Any, Any, _Out]) -> _Out:
    """
    Run a coroutine that never waits to its end.

    Raises:
        ConformanceError: If it waits.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # the coroutine's own return value
    coroutine.close()
    way_out = "check a store whose methods wait for an event loop with check_async_store"
    raise ConformanceError([f"the store waits; {way_out}"])


class Port:
    """
    Any store, awaited; what it answers is checked against the port.

    Attributes:
        inner: The store as the host opened it.
        is_empty: Whether it was just opened, empty, and nothing has been written through this port.
    """

    def __init__(self, inner: Any, *, is_empty: bool = False) -> None:  # noqa: ANN401 - a Store or an AsyncStore
        self.inner = inner
        self.is_empty = is_empty

    async def load(self, id: str, /) -> Record | None:  # noqa: A002 - the interface's word
        """Return the record with this id."""
        record: Record | None = await self._answer("load", id)
        return record

    async def candidates(self, keys: Collection[MatchKey], limit: int) -> tuple[Record, ...]:
        """Return the records that have one of these match keys."""
        found: tuple[Record, ...] = await self._answer("candidates", tuple(keys), limit)
        return found

    async def receipt(self, key: str, /) -> Receipt | None:
        """Return the receipt kept under a key."""
        kept: Receipt | None = await self._answer("receipt", key)
        return kept

    async def commit(self, change_set: ChangeSet, /) -> CommitResult:
        """Write a change set."""
        result: CommitResult = await self._answer("commit", change_set)
        self.is_empty = self.is_empty and result != Committed()
        return result

    async def write(self, change_set: ChangeSet, /) -> None:
        """Write a change set that nothing speaks against."""
        first = "the first commit to a store, which the factory must open empty"
        words = first if self.is_empty else "a commit that nothing speaks against"
        expect(words, expected=Committed(), got=await self.commit(change_set))

    async def stored(self, id: str, /) -> Any:  # noqa: ANN401, A002 - of the kind that the caller wrote
        """Return a record that was written."""
        record = await self.load(id)
        if record is None:
            raise fault("a record that was committed is not found", expected=f"the record {id!r}", got=None)
        return record

    async def _answer(self, method: str, *arguments: Any) -> Any:  # noqa: ANN401
        ask = Ask(method, arguments)
        answer = ask.of(self.inner)
        return ask.checked(await answer if isawaitable(answer) else answer, self.inner)


class Bench:
    """
    What one check works with.

    Attributes:
        host: The store as its author describes it.
        awaited: Whether it is an asynchronous one.
    """

    def __init__(self, host: Host, *, awaited: bool) -> None:
        self.host = host
        self.awaited = awaited
        self._stack = AsyncExitStack()
        self._apart: list[Thread] = []
        self._meeting: Barrier | asyncio.Barrier = Barrier(1)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> bool | None:
        for worker in self._apart:
            worker.join(self.host.patience)
        return await self._stack.__aexit__(*error)  # type: ignore[arg-type]  # the three of the protocol

    def has(self, capability: Capability) -> bool:
        """Whether the store claims something."""
        return capability in self.host.capabilities

    def kept(self, record: Record) -> Record:
        """Return what the store should give back for a record: without its history where it keeps none."""
        return record if self.has(Capability.HISTORY) else record.compacted()

    async def store(self) -> Port:
        """Open a fresh store."""
        try:
            port = await self._port(self.host.factory(), self._stack)
        except Exception as error:
            raise ConformanceError([f"the factory opened no store ({type(error).__name__}: {error})"]) from error
        port.is_empty = True
        return port

    async def another(self, port: Port) -> Port:
        """Open the same store once more, over a connection of its own."""
        assert self.host.another is not None
        return await self._port(self.host.another(port.inner), self._stack)

    async def other_tenant(self, port: Port) -> Port:
        """Open another tenant of the same database."""
        assert self.host.other_tenant is not None
        return await self._port(self.host.other_tenant(port.inner), self._stack)

    async def commit_watched(self, port: Port, change_set: ChangeSet, action: Callable[[], None]) -> CommitResult:
        """Commit while something is done before each write."""
        assert self.host.before_writes is not None
        async with AsyncExitStack() as stack:
            made = self.host.before_writes(port.inner, action)
            if hasattr(made, "__aenter__"):
                await stack.enter_async_context(made)
            else:
                stack.enter_context(made)
            return await port.commit(change_set)

    def crowded(self, port: Port) -> Port:
        """Return the store for a caller who makes its first commit when all others have come as far."""
        return _CrowdedPort(self, port)

    async def meet(self) -> None:
        """Wait until every caller is here; not for long, since one may have been refused."""
        with suppress(BrokenBarrierError, asyncio.BrokenBarrierError, TimeoutError):
            if isinstance(self._meeting, asyncio.Barrier):
                async with asyncio.timeout(_MEETING):
                    await self._meeting.wait()
            else:
                self._meeting.wait(_MEETING)

    async def repeated(self, call: Callable[[], Awaitable[_Out]]) -> _Out:
        """Make a call again as often as the database refuses it with an error of its own."""
        refused: list[Exception] = []
        while len(refused) < _REPEATS:
            try:
                return await call()
            except LeadflowError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever the host's database raises
                refused.append(error)
                await self._pause()
        raise fault(f"the same call was refused {_REPEATS} times", expected="a result", got=refused[-1])

    def apart(self, work: Callable[[Port], Coroutine[Any, Any, _Out]], port: Port) -> _Out | None:
        """
        Do something over another connection, in another thread, while this one waits; None if it has to wait for us.

        What still waits for a lock after a moment is let go on alone, and is not tried again.
        """
        found: list[_Out] = []
        wrong: list[LeadflowError] = []
        if any(worker.is_alive() for worker in self._apart):
            return None

        async def go() -> None:
            async with AsyncExitStack() as stack:
                assert self.host.another is not None
                found.append(await work(await self._port(self.host.another(port.inner), stack)))

        def thread() -> None:
            try:
                asyncio.run(go()) if self.awaited else run_now(go())
            except LeadflowError as error:
                wrong.append(error)
            except Exception:  # noqa: BLE001, S110 - a database may refuse to read what is being written
                pass

        worker = Thread(target=thread, daemon=True)
        self._apart.append(worker)
        worker.start()
        worker.join(_LOOK)
        if wrong:
            raise wrong[0]
        return found[0] if found else None

    async def together(self, port: Port, work: Callable[[Port, int], Coroutine[Any, Any, _Out]]) -> list[_Out]:
        """
        Set the host's number of callers on a store at once, and return what came of each.

        Each has a connection of its own where the host opens more than one.
        """
        count = self.host.callers
        self._meeting = asyncio.Barrier(count) if self.awaited else Barrier(count)

        async def caller(number: int, ready: Callable[[], None]) -> _Out:
            async with AsyncExitStack() as stack:
                mine = port
                if self.host.another is not None:
                    mine = await self._port(self.host.another(port.inner), stack)
                ready()
                return await work(mine, number)

        stuck: Collection[object]
        if self.awaited:
            tasks = [asyncio.ensure_future(caller(number, _ready)) for number in range(count)]
            _, pending = await asyncio.wait(tasks, timeout=self.host.patience)
            for task in pending:
                task.cancel()
            stuck = pending
            outcomes: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
        else:
            outcomes = self._threads(count, caller)
            stuck = [outcome for outcome in outcomes if outcome is _STUCK]
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        if stuck:
            seconds = f"{self.host.patience:g} seconds"
            raise fault(
                "callers wait for each other", expected=f"all done within {seconds}", got=f"not after {seconds}"
            )
        return outcomes

    def _threads(self, count: int, caller: Callable[[int, Callable[[], None]], Coroutine[Any, Any, _Out]]) -> list[Any]:
        outcomes: list[Any] = [_STUCK] * count
        start = Barrier(count)

        def ready() -> None:
            try:
                start.wait(self.host.patience)
            except BrokenBarrierError:  # another caller could not open its connection, and says so itself
                return

        def thread(number: int) -> None:
            try:
                outcomes[number] = run_now(caller(number, ready))
            except Exception as error:  # noqa: BLE001 - raised again where the callers are awaited
                outcomes[number] = error
                start.abort()

        threads = [Thread(target=thread, args=(number,), daemon=True) for number in range(count)]
        with _eager_threads():
            for worker in threads:
                worker.start()
            for worker in threads:
                worker.join(self.host.patience)
        return outcomes

    async def _pause(self) -> None:
        if self.awaited:
            await asyncio.sleep(_PAUSE)
        else:
            Event().wait(_PAUSE)

    async def _port(self, made: Any, stack: AsyncExitStack) -> Port:  # noqa: ANN401 - whatever the host opens
        return Port(await opened(made, stack, awaited=self.awaited))


class _CrowdedPort(Port):
    """A store whose first commit meets those of all other callers, and whose writes wait a moment where that can be."""

    def __init__(self, bench: Bench, port: Port) -> None:
        super().__init__(port.inner)
        self._bench = bench
        self._has_met = False

    async def commit(self, change_set: ChangeSet, /) -> CommitResult:
        if not self._has_met:
            self._has_met = True
            await self._bench.meet()
        if self._bench.awaited or not self._bench.has(Capability.WRITES):
            return await super().commit(change_set)
        waited: list[None] = []

        def wait() -> None:
            if not waited:
                waited.append(None)
                Event().wait(_PAUSE)

        return await self._bench.commit_watched(Port(self.inner), change_set, wait)


_STUCK: Final = object()


def _ready() -> None:
    """Tasks start when their loop gets to them."""


@contextmanager
def _eager_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
