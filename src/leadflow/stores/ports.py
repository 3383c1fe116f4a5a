"""
The ports that a host implements: `Store`, or `AsyncStore` with the same methods awaited.

Theory. leadflow does no I/O. It plans on records that it was given and hands back a `ChangeSet`; a store loads the one
and commits the other. A store object is opened for one tenant: a record of another tenant is not found, its match keys
and receipts do not exist. There are four methods because nothing else is needed; hosts list and query their own tables.

To write one, keep per record its kind, id, version and history (or `compacted()`), per record its `match_keys` as text
under an index, per receipt its key under a unique index, and, if events are sent on, an outbox table.
"""

from collections.abc import Collection, Sequence
from typing import Protocol, TypeAlias

from attrs import field, frozen

from leadflow.stores.changesets import ChangeSet
from leadflow.stores.matchkeys import MatchKey
from leadflow.stores.receipts import Receipt
from leadflow.stores.records import Record
from leadflow.validation import check, code, each, instance, to_tuple, when

__all__ = ["AsyncStore", "CommitResult", "Committed", "KeyTaken", "MatchAppeared", "Stale", "Store"]


@frozen
class Committed:
    """Everything was written."""


def _ids(values: Collection[str]) -> tuple[str, ...]:
    ids = to_tuple(values)
    return tuple(sorted(set(ids))) if isinstance(ids, tuple) and all(isinstance(id_, str) for id_ in ids) else ids


@frozen
class Stale:
    """
    Nothing was written: records are not in the version that was expected.

    Attributes:
        ids: Which: changed, gone, or, for a new record, there already. Sorted.
    """

    ids: tuple[str, ...] = field(converter=_ids)

    def __attrs_post_init__(self) -> None:
        check("Stale", when(not self.ids, "ids", "must name a record, got ()"), *each("ids", self.ids, code))


@frozen
class KeyTaken:
    """
    Nothing was written: a receipt is kept under this key already.

    Attributes:
        key: The idempotency key.
    """

    key: str

    def __attrs_post_init__(self) -> None:
        check("KeyTaken", code("key", self.key))


def _match_keys(values: Collection[MatchKey]) -> tuple[MatchKey, ...]:
    return to_tuple(values)


@frozen
class MatchAppeared:
    """
    Nothing was written: a match key that had to be absent is there.

    Attributes:
        keys: Which.
    """

    keys: tuple[MatchKey, ...] = field(converter=_match_keys)

    def __attrs_post_init__(self) -> None:
        check(
            "MatchAppeared",
            when(not self.keys, "keys", "must name a key, got ()"),
            *each("keys", self.keys, instance, MatchKey, "a MatchKey"),
        )


CommitResult: TypeAlias = Committed | Stale | KeyTaken | MatchAppeared


class Store(Protocol):
    """
    Where a host keeps the records of one tenant.

    Methods may be called from several threads at once, on the same records; a store that cannot bear that is opened
    once per thread. What they return is immutable. Exceptions of the database pass through leadflow untouched: nothing
    was written, and the same call may be made again.

    A version number alone does not say which history it counts: two callers who each make a version 3 of one record in
    memory, of whom one goes on to a version 4, have two. A store must not let the second in. It keeps one row per event
    with (tenant, id, version) unique and inserts what is new in the history, or compares the record that is stored, or
    its last event, with `Write.before`; what differs is `Stale`.
    """

    def load(self, id: str, /) -> Record | None:  # noqa: A002 - the interface's word
        """
        Return the record with this id as it was committed last, whatever its kind; None if there is none.

        Called once per record that a step works on, and again when a commit was refused. The record equals the one that
        was written: every event in order, datetimes aware and to the microsecond, decimals with their scale; a store
        that keeps no history returns what `compacted()` made of it, with the same version. Reading outside the
        transaction of the commit is fine, since commits check versions.
        """
        ...

    def candidates(self, keys: Collection[MatchKey], limit: int) -> Sequence[Record]:
        """
        Return the records that have at least one of these match keys, each once, in an order that does not change.

        Called at most a few times per step, with two to ten keys. At most `limit` records *per key*: a key with more is
        not discriminating, and the caller only needs to see that there are more than it can use. Keys are looked up in
        an index, never by a scan. A record's keys are those of the state that was committed last.
        """
        ...

    def receipt(self, key: str, /) -> Receipt | None:
        """
        Return the receipt kept under an idempotency key; None if there is none.

        Called first of all when a caller gave a key. It must see every receipt whose commit has returned; how long
        receipts are kept is the host's choice (as long as clients may retry).
        """
        ...

    def commit(self, change_set: ChangeSet, /) -> CommitResult:
        """
        Write a change set, all of it or nothing; called once per attempt, at most three times per step.

        In one transaction, isolated from other commits (serialisable, or with the rows and keys below locked):

        1. If the change set has a receipt whose key is taken: `KeyTaken`.
        2. For each of `writes`: the stored version must be `Write.expected_version`, of the same history (see `Store`),
           and where that is None no record may have the id. For each of `relies_on`: the stored version must be the one
           named. Else `Stale`, with all ids that failed.
        3. No record outside `writes` may have a key of `absent`. Else `MatchAppeared`, with all keys that are there.
        4. Write every ``after`` (append its `Write.events`, or replace the history where `Write.rewrites`), its match
           keys instead of those it had, the receipt, and, for a host with an outbox, `ChangeSet.events` in their order.

        Where `Write.rewrites`, something personal was taken out of the record: replace or blank its earlier events
        wherever else they are kept, in the outbox above all, also those that were sent.

        The checks come in this order, so that a retry of a finished step learns of its receipt and not that its records
        have changed. Nothing may be visible to other callers before all of it is. An exception means that nothing was
        written.
        """
        ...


class AsyncStore(Protocol):
    """
    The same as `Store`, awaited; see there for what each method owes. Any event loop will do.

    Write each method with ``async def``: by that a service tells, when it is built, which of the two ports it got.
    """

    async def load(self, id: str, /) -> Record | None:  # noqa: A002 - the interface's word
        """Return the record with this id; None if there is none."""
        ...

    async def candidates(self, keys: Collection[MatchKey], limit: int) -> Sequence[Record]:
        """Return the records that have at least one of these match keys, at most `limit` per key."""
        ...

    async def receipt(self, key: str, /) -> Receipt | None:
        """Return the receipt kept under an idempotency key; None if there is none."""
        ...

    async def commit(self, change_set: ChangeSet, /) -> CommitResult:
        """Write a change set, all of it or nothing."""
        ...
