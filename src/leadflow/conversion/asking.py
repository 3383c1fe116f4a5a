"""
Asking a store: one way to write a flow, two ways to run it.

Theory. A flow is a generator that yields what it wants from the store (`Ask`) and is sent the answer; it neither knows
nor cares whether somebody waits for the answer. `run` puts the asks to a `Store`, `run_async` awaits an `AsyncStore`,
on whatever event loop there is. What the store raises passes through: the flow ends there, and nothing was written. A
store that answers what its port does not allow, or waits where it must not, is an error that names it.
"""

from collections.abc import Generator, Iterable, Mapping
from inspect import isawaitable, iscoroutine, iscoroutinefunction, isfunction, unwrap
from operator import methodcaller
from types import NoneType
from typing import Any, Final, TypeAlias, TypeVar

from attrs import frozen

from leadflow.conversion.hosted import has_method
from leadflow.errors import InvalidError, Problem
from leadflow.stores import (
    AsyncStore,
    ChangeSet,
    CommitResult,
    Committed,
    KeyTaken,
    MatchAppeared,
    MatchKey,
    Receipt,
    Record,
    Stale,
    Store,
)
from leadflow.stores.records import RECORD_TYPES
from leadflow.validation import invalid, shown

__all__ = ["Ask", "Flow", "candidates", "commit", "load", "port_problem", "receipt", "run", "run_async"]

_Out = TypeVar("_Out")

_PORT: Final = ("load", "candidates", "receipt", "commit")
# What each method may answer, and the same in words.
_ANSWERS: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "load": ((*RECORD_TYPES, NoneType), "a record, or None where there is none"),
    "candidates": ((tuple,), "records"),
    "receipt": ((Receipt, NoneType), "a Receipt, or None where there is none"),
    "commit": (
        (Committed, Stale, KeyTaken, MatchAppeared),
        "Committed() when all is written, else Stale(ids), KeyTaken(key) or MatchAppeared(keys)",
    ),
}
_USE_ASYNC: Final = "use AsyncConversionService for a store whose methods are awaited"
_USE_SYNC: Final = "use ConversionService for a store that answers at once"


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

    def checked(self, answer: Any, store: Store | AsyncStore) -> Any:  # noqa: ANN401 - of the method's own type
        """
        Return a store's answer; records as a tuple.

        Raises:
            InvalidTypeError: If it is none that the port allows.
        """
        kinds, words = _ANSWERS[self.method]
        given = answer
        if self.method == "candidates":
            given = tuple(answer) if isinstance(answer, Iterable) else None
            given = given if given is not None and all(isinstance(record, RECORD_TYPES) for record in given) else None
        if isinstance(given, kinds):
            return given
        raise self.refused(store, f"must return {words}, got {shown(answer)}")

    def refused(self, store: Store | AsyncStore, rule: str) -> InvalidError:
        """Return the error about what a store's method does."""
        return invalid("conversion", Problem(f"{type(store).__name__}.{self.method}", rule, is_type=True))


Flow: TypeAlias = Generator[Ask, Any, _Out]
"""A flow that ends in a value; an answer's type is known to the four functions below."""


def load(id: str) -> Flow[Record | None]:  # noqa: A002 - the interface's word
    """Ask for a record."""
    record: Record | None = yield Ask("load", (id,))
    return record


def candidates(keys: Iterable[MatchKey], limit: int) -> Flow[tuple[Record, ...]]:
    """Ask for the records that have one of these match keys."""
    found: tuple[Record, ...] = yield Ask("candidates", (tuple(sorted(keys)), limit))
    return found


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
        if isawaitable(answer):
            if iscoroutine(answer):
                answer.close()
            raise ask.refused(store, f"must answer at once, got something to await; {_USE_ASYNC}")
        answer = ask.checked(answer, store)


async def run_async(flow: Flow[_Out], store: AsyncStore) -> _Out:
    """Run a flow against an asynchronous store to its end."""
    answer: Any = None
    while True:
        try:
            ask = flow.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # the flow's own return value
        awaited = ask.of(store)
        if not isawaitable(awaited):
            raise ask.refused(store, f"must be awaited (async def), got {shown(awaited)} at once; {_USE_SYNC}")
        answer = ask.checked(await awaited, store)


def port_problem(store: object, *, awaited: bool) -> Problem | None:
    """
    Say what keeps an object from being a store, or from being one of this kind, as far as can be seen without a call.

    Methods that are neither plain functions nor coroutine functions (a mock's, a C extension's) are judged when they
    answer.
    """
    missing = [name for name in _PORT if not has_method(store, name)]
    if missing:
        hint = "; give an object of the class" if isinstance(store, type) else ""
        return Problem("store", f"must have {', '.join(missing)}, got {shown(store)}{hint}", is_type=True)
    strange = [f"{name}()" for name in _PORT if _is_awaited(getattr(store, name)) is (not awaited)]
    if not strange:
        return None
    kind = "must have async methods, got plain" if awaited else "must not have async methods, got"
    return Problem(
        "store", f"{kind} {', '.join(strange)} of {shown(store)}; {_USE_SYNC if awaited else _USE_ASYNC}", is_type=True
    )


def _is_awaited(method: Any) -> bool | None:  # noqa: ANN401 - whatever the host made of it
    """Return whether a method must be awaited; None where its kind does not say."""
    inner = unwrap(method)
    if iscoroutinefunction(inner):
        return True
    return False if isfunction(getattr(inner, "__func__", inner)) else None
