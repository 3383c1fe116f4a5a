"""
Bulk: many conversions, each exactly as if it were the only one.

Theory. An item goes through the same flow as a single call, one after the other, and its outcome is handed out before
the next is begun: memory does not grow with the number of items, and whoever has seen enough stops. Whatever goes wrong
with one item is its own outcome: a refusal, or the exception (`Failed`). Under the key of a batch each item gets a key
of its own, made from both, so a batch that is run again finds its receipts and converts nothing twice. Owners are dealt
by position, so the same list gets the same owners again.

Isolated is every `Exception` raised on behalf of one item: by its policy, its owner router, its arguments, `new_id` or
the store. What ends the program or the task (`KeyboardInterrupt`, a cancellation) passes through, and so does what
the iterable of items raises: there is no next item then.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable, Mapping
from typing import Any, TypeAlias

from attrs import frozen

from leadflow.conversion.asking import Flow, run, run_async
from leadflow.conversion.attempts import Applied
from leadflow.conversion.outcomes import BulkResult, Failed
from leadflow.conversion.owning import RoundRobin
from leadflow.conversion.refusals import Refusal
from leadflow.conversion.requests import OwnerChoice, fingerprint
from leadflow.conversion.targets import DealTarget, Target
from leadflow.conversion.terms import DealTerms
from leadflow.errors import KeyConflictError, Problem
from leadflow.events import When
from leadflow.stores import AsyncStore, Store
from leadflow.validation import check, code, invalid, shown

__all__ = [
    "Batch",
    "BulkItem",
    "ConvertMany",
    "QualifyAndConvertMany",
    "QualifyMany",
    "at_position",
    "item_key",
    "items_problem",
    "run_each",
    "run_each_async",
]

BulkItem: TypeAlias = str | tuple[str, Mapping[str, Any]]
"""The id of a lead or prospect, or a pair with options of its own: ``("P-1", {"terms": DealTerms("Rollout")})``."""


class _Shared(When, total=False):
    key: str | None
    owner: OwnerChoice | RoundRobin
    override: str | None


class QualifyMany(_Shared):
    """What `qualify_many` takes for all items."""


class QualifyAndConvertMany(_Shared, total=False):
    """What `qualify_and_convert_many` takes for all items."""

    account: Target | None
    contact: Target | None
    opportunity: DealTarget | None
    terms: DealTerms | None


class ConvertMany(QualifyAndConvertMany, total=False):
    """What `convert_many` takes for all items."""

    another: str | None


def item_key(key: str, id: str) -> str:  # noqa: A002 - the interface's word
    """
    Return the idempotency key of one item of a batch: a hash of the batch's key and the item's id, 64 characters.

    The position is not in it: a batch may be run again in another order, or with some items left out or added.

    >>> item_key("fair-2026", "L-1") == item_key("fair-2026", "L-1") != item_key("fair-2026", "L-2")
    True
    """
    check("item_key", code("key", key), code("id", id))
    return fingerprint("item", key, id)


def _item_key(key: str, id_: str, _: Mapping[str, Any]) -> str:
    return item_key(key, id_)


@frozen
class Batch:
    """
    What all items of a batch share.

    Attributes:
        step: The single call: makes a flow of an id and options.
        options: The options that each item gets unless it brings its own.
        key_of: Makes an item's key of the batch's key, the item's id and its own options.
    """

    step: Callable[..., Flow[Applied | Refusal]]
    options: Mapping[str, Any]
    key_of: Callable[[str, str, Mapping[str, Any]], str] = _item_key

    def flow(self, position: int, item: object) -> Flow[Applied | Refusal]:
        """Do the step of an item."""
        id_, own = _parts(position, item)
        options = at_position({**self.options, **own}, position)
        key = None if "key" in own else self.options.get("key")
        if key is not None:
            options["key"] = self.key_of(key, id_, own)
        try:
            return (yield from self.step(id_, **options))
        except KeyConflictError:
            if key is None:
                raise
            # The caller knows the batch's key and the item, and not what was made of both.
            raise KeyConflictError(key, id_) from None


def at_position(options: Mapping[str, Any], position: int) -> dict[str, Any]:
    """Return options with the owner whose turn it is."""
    owner = options.get("owner")
    return {**options, "owner": owner.turn(position)} if isinstance(owner, RoundRobin) else dict(options)


def _parts(position: int, item: Any) -> tuple[str, Mapping[str, Any]]:  # noqa: ANN401 - whatever the caller made of it
    match item:
        case str():
            return item, {}
        case (str() as id_, Mapping() as own) if all(isinstance(name, str) for name in own):
            return id_, own
        case _:
            rule = f"must be an id, or a pair (id, options), got {shown(item)}"
            raise invalid("batch", Problem(f"items[{position}]", rule, is_type=True))


def _id(item: Any) -> str:  # noqa: ANN401 - whatever the caller made of it
    named = item[0] if isinstance(item, tuple) and item else item
    return named if isinstance(named, str) else shown(item)


def items_problem(path: str, items: object, *, awaited: bool, of: str = "ids or pairs (id, options)") -> Problem | None:
    """Say what is wrong with the items of a batch as a whole."""
    kinds = (Iterable, AsyncIterable) if awaited else (Iterable,)
    if isinstance(items, kinds) and not isinstance(items, str | Mapping):
        return None
    return Problem(path, f"must be an iterable of {of}, got {shown(items)}", is_type=True)


def run_each(batch: Batch, items: Iterable[BulkItem], store: Store) -> Generator[BulkResult, None, None]:
    """Run the items of a batch, one when the next result is asked for."""
    for position, item in enumerate(items):
        outcome: Applied | Refusal | Failed
        try:
            outcome = run(batch.flow(position, item), store)
        except Exception as error:  # noqa: BLE001 - one item never fails the rest, see above
            outcome = Failed(error)
        yield BulkResult(position, _id(item), outcome)


async def run_each_async(
    batch: Batch, items: Iterable[BulkItem] | AsyncIterable[BulkItem], store: AsyncStore
) -> AsyncGenerator[BulkResult, None]:
    """Run the items of a batch, one when the next result is awaited."""
    position = -1
    async for item in _awaited(items):
        position += 1
        outcome: Applied | Refusal | Failed
        try:
            outcome = await run_async(batch.flow(position, item), store)
        except Exception as error:  # noqa: BLE001 - as above; a cancellation is no Exception
            outcome = Failed(error)
        yield BulkResult(position, _id(item), outcome)


async def _awaited(items: Iterable[BulkItem] | AsyncIterable[BulkItem]) -> AsyncGenerator[BulkItem, None]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
