"""
Change sets: everything that one step writes, and everything that must still hold when it is written.

Theory. A store commits a change set as a whole or not at all. It holds pairs of a record before (None: it is new) and
after; the ids and versions of records that were only relied on; the match keys that nobody else may have; and the
receipt to keep. What is new in each history are its events, told once, in the order account, contact, opportunity,
prospect, lead: what is made comes before what it is made from. Two steps on one path join into one commit with `then`.
A history only ever grows, except by redaction, which leaves a trace (`Write.rewrites`).
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Final

from attrs import evolve, field, frozen

from leadflow import markup
from leadflow.errors import InvalidError, Problem
from leadflow.events import Event, Redacted
from leadflow.redaction import people_in, redacted
from leadflow.stores.matchkeys import MatchKey, match_keys
from leadflow.stores.receipts import Receipt
from leadflow.stores.records import KINDS, RECORD_TYPES, Record, RecordVersion
from leadflow.validation import (
    built,
    check,
    code,
    each,
    instance,
    invalid,
    optional,
    to_tuple,
    unique,
    when,
    whole,
)

__all__ = ["ChangeSet", "EventRecord", "Write"]

_ORDER: Final = {kind: position for position, kind in enumerate(KINDS)}


@frozen
class EventRecord:
    """
    One event with the record it happened to: what a host's outbox sends on.

    Attributes:
        kind: The kind of record, e.g. ``opportunity``.
        id: The record.
        version: The record's version with this event; unique together with the id.
        event: What happened.
    """

    kind: str
    id: str
    version: int
    event: Event

    def __attrs_post_init__(self) -> None:
        check(
            "EventRecord",
            # Any code, as it was from the first: what is stored is read for ever.
            code("kind", self.kind),
            code("id", self.id),
            whole("version", self.version, 1),
            instance("event", self.event, Event, "an event"),
        )


@frozen
class Write:
    """
    One record before and after.

    Attributes:
        before: As it was loaded; None: it is new.
        after: As it is to be stored.
    """

    before: Record | None
    after: Record

    def __attrs_post_init__(self) -> None:
        check("Write", *(problem and problem.under(name) for name, problem in self._problems()))

    def _problems(self) -> Iterator[tuple[str, Problem | None]]:
        before, after = self.before, self.after
        strange = [
            ("before", optional(instance, "", before, RECORD_TYPES, "a record, or None for a new one")),
            ("after", instance("", after, RECORD_TYPES, "a record")),
        ]
        yield from strange
        if before is None or any(problem for _, problem in strange):
            return
        if (before.kind, before.id) != (after.kind, after.id):
            yield "after", Problem("", f"must be the same record as before ({before}), got {after}")
        elif before.version == after.version:
            rule = f"must have something new, got {after!r} twice; commands return a new record, keep that"
            yield "after", Problem("", rule)
        elif not self._extends():
            rule = f"must continue the history of {before!r}, got another in {after!r}; plan again on what is stored"
            yield "after.history", Problem("", rule)

    def _extends(self) -> bool:
        assert self.before is not None
        old, new = self.before.history, self.after.history
        if new[: len(old)] == old:
            return True
        erased = any(isinstance(event, Redacted) for event in new[len(old) :])
        return erased and _redacted(new[: len(old)]) == _redacted(old)

    @property
    def id(self) -> str:
        """The record."""
        return self.after.id

    @property
    def expected_version(self) -> int | None:
        """The version that must be stored now; None: none may be stored under this id."""
        return None if self.before is None else self.before.version

    @property
    def rewrites(self) -> bool:
        """Whether earlier events changed too (redaction), so that the stored history is replaced, not continued."""
        return self.before is not None and self.after.history[: len(self.before.history)] != self.before.history

    @property
    def events(self) -> tuple[EventRecord, ...]:
        """What is new in the history, oldest first."""
        known = 0 if self.before is None else len(self.before.history)
        first = self.after.version - (len(self.after.history) - known) + 1
        return tuple(
            EventRecord(self.after.kind, self.id, version, event)
            for version, event in enumerate(self.after.history[known:], first)
        )


def _redacted(history: tuple[Event, ...]) -> tuple[Event, ...]:
    names = people_in(history)
    return tuple(redacted(event, names) for event in history)


def _write(pair: Any) -> Write:  # noqa: ANN401 - whatever the caller made of it
    if isinstance(pair, tuple) and len(pair) == 2:  # noqa: PLR2004 - a pair is two
        return Write(*pair)
    rule = f"must be a pair (before, after), got {pair!r}; ChangeSet.new(...) takes new records"
    raise invalid("Write", Problem("", rule, is_type=True))


def _writes(values: Iterable[Write]) -> tuple[Write, ...]:
    writes = to_tuple(values)
    if isinstance(writes, tuple) and all(isinstance(write, Write) for write in writes):
        return tuple(sorted(writes, key=lambda write: _ORDER[write.after.kind]))
    return writes


def _relied(values: Iterable[RecordVersion]) -> tuple[RecordVersion, ...]:
    return to_tuple(values)


def _keys(values: Iterable[MatchKey]) -> tuple[MatchKey, ...]:
    keys = to_tuple(values)
    good = isinstance(keys, tuple) and all(isinstance(key, MatchKey) for key in keys)
    return tuple(sorted(set(keys))) if good else keys


def _appearing(path: str, writes: Iterable[Write], absent: Iterable[MatchKey]) -> Iterator[Problem]:
    """Yield the records that one step writes and that have a key which the other expects nobody to have."""
    unwanted = frozenset(absent)
    for write in writes if unwanted else ():
        shared = sorted({f"{key.finds} {key.by}" for key in unwanted.intersection(match_keys(write.after))})
        if shared:
            rule = f"must not share a match key ({', '.join(shared)}) with {write.after}"
            yield Problem(path, f"{rule}; commit one, then plan the other")


@frozen(kw_only=True, slots=False)  # events are made once, on first use
class ChangeSet:
    """
    What one commit writes, and what must still hold for it.

    >>> from datetime import UTC, datetime
    >>> from leadflow.account import Account
    >>> account = Account.add("A-1", "Northwind", at=datetime(2026, 3, 2, tzinfo=UTC))
    >>> print(ChangeSet.new(account))
    1 new: account 'A-1' version 1

    Attributes:
        writes: What is written, sorted: accounts, contacts, opportunities, prospects, leads, list entries.
        relies_on: Records that must be stored in exactly this version, although they are not written.
        absent: Match keys that no record outside this change set may have.
        receipt: What to keep under an idempotency key.

    Raises:
        InvalidError: Naming everything that is wrong: nothing to write, a record twice.
    """

    writes: tuple[Write, ...] = field(converter=_writes)
    relies_on: tuple[RecordVersion, ...] = field(default=(), converter=_relied)
    absent: tuple[MatchKey, ...] = field(default=(), converter=_keys)
    receipt: Receipt | None = None

    def __attrs_post_init__(self) -> None:
        strange = [
            *each("writes", self.writes, instance, Write, "a Write; use ChangeSet.of((before, after), ...)"),
            *each("relies_on", self.relies_on, instance, RecordVersion, "a RecordVersion"),
            *each("absent", self.absent, instance, MatchKey, "a MatchKey"),
            optional(instance, "receipt", self.receipt, Receipt, "a Receipt"),
        ]
        if not any(strange):
            written = [write.id for write in self.writes]
            strange = [
                when(not written, "writes", "must hold at least one record, got ()"),
                unique("writes", written),
                unique("relies_on", [relied.id for relied in self.relies_on]),
                *(
                    Problem("relies_on", f"must not name a record that is written, got {relied}")
                    for relied in self.relies_on
                    if relied.id in written
                ),
            ]
        check("ChangeSet", *strange)

    @classmethod
    def of(
        cls,
        *pairs: tuple[Record | None, Record],
        relies_on: Iterable[Record | RecordVersion] = (),
        absent: Iterable[MatchKey] = (),
        receipt: Receipt | None = None,
    ) -> "ChangeSet":
        """
        Return the change set of these pairs.

        Args:
            *pairs: Each a record as it was loaded (None: it is new) and as it is to be stored.
            relies_on: Records that must not have changed, as loaded.
            absent: Match keys that no other record may have.
            receipt: What to keep under an idempotency key.

        Raises:
            InvalidError: Naming everything that is wrong with any pair, and with all of them together.
        """
        writes: list[Write] = []
        problems: list[Problem | None] = []
        for position, pair in enumerate(pairs):
            try:
                writes.append(_write(pair))
            except InvalidError as error:
                problems += [problem.under(f"pairs[{position}]") for problem in error.problems]
        relied: Any = to_tuple(relies_on)
        if isinstance(relied, tuple):
            relied = tuple(RecordVersion.of(item) if isinstance(item, RECORD_TYPES) else item for item in relied)
        if any(problems):
            raise invalid("ChangeSet.of", *problems)
        return built("ChangeSet.of", lambda: cls(writes=writes, relies_on=relied, absent=absent, receipt=receipt))

    @classmethod
    def new(cls, *records: Record) -> "ChangeSet":
        """Return the change set of new records."""
        return cls.of(*((None, record) for record in records))

    def then(self, other: "ChangeSet") -> "ChangeSet":
        """
        Return both as one commit: this one first, the other planned on what this one leaves.

        A record that both write goes from before the first to after the second. Two steps that each made what the other
        expected to be absent (two plans for one new company) do not join: commit the first, then plan the second.

        Raises:
            InvalidError: If the other was not planned on what this one leaves, if one writes a record with a match key
                that the other expects to be absent, or if both have a receipt.
        """
        check("then", instance("other", other, ChangeSet, "a ChangeSet"))
        mine = {write.id: write for write in self.writes}
        theirs = {write.id: write for write in other.writes}
        known = {relied.id: relied for relied in self.relies_on}
        check(
            "then",
            *(
                Problem(f"other[{id_!r}].before", f"must be {mine[id_].after!r}, got {write.before!r}")
                for id_, write in theirs.items()
                if id_ in mine and write.before != mine[id_].after
            ),
            *(
                Problem("other.relies_on", f"must name {mine[relied.id].after!r}, got {relied}")
                for relied in other.relies_on
                if relied.id in mine and relied != RecordVersion.of(mine[relied.id].after)
            ),
            *(
                Problem("other.relies_on", f"must name {known[relied.id]}, got {relied}; plan again on what is stored")
                for relied in other.relies_on
                if known.get(relied.id, relied) != relied
            ),
            *(
                Problem(f"other[{relied.id!r}].before", f"must be {relied}, got {theirs[relied.id].before!r}")
                for relied in self.relies_on
                if relied.id in theirs and theirs[relied.id].expected_version != relied.version
            ),
            *_appearing("other.absent", [write for id_, write in mine.items() if id_ not in theirs], other.absent),
            *_appearing("other.writes", [write for id_, write in theirs.items() if id_ not in mine], self.absent),
            when(self.receipt and other.receipt, "other.receipt", "must be None where the first has one"),
        )
        joined = [evolve(write, after=theirs[id_].after) if id_ in theirs else write for id_, write in mine.items()]
        relied = {item.id: item for item in (*self.relies_on, *other.relies_on)}
        return ChangeSet(
            writes=(*joined, *(write for id_, write in theirs.items() if id_ not in mine)),
            relies_on=(item for id_, item in relied.items() if id_ not in mine and id_ not in theirs),
            absent=(*self.absent, *other.absent),
            receipt=self.receipt or other.receipt,
        )

    def keeping(self, *, key: str, request: str) -> "ChangeSet":
        """Return the same with a receipt for a request, listing what is written."""
        return evolve(self, receipt=Receipt(key, request, self.versions))

    @property
    def versions(self) -> tuple[RecordVersion, ...]:
        """What will be stored, by id and version."""
        return tuple(RecordVersion.of(write.after) for write in self.writes)

    @cached_property
    def events(self) -> tuple[EventRecord, ...]:
        """Every new event, each record's together, in the order of `writes`: the lead's last."""
        return tuple(event for write in self.writes for event in write.events)

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per event: record, version, and what happened."""
        return [
            {
                "record": event.kind,
                "id": event.id,
                "version": event.version,
                "event": type(event.event).__name__,
                "at": event.event.at.isoformat(),
                "by": event.event.by,
            }
            for event in self.events
        ]

    def _repr_html_(self) -> str:
        return markup.section(f"{self}", markup.table(self.to_rows()))

    def __str__(self) -> str:
        new = [str(RecordVersion.of(write.after)) for write in self.writes if write.before is None]
        changed = [str(RecordVersion.of(write.after)) for write in self.writes if write.before is not None]
        parts = (
            f"{len(found)} {word}: {', '.join(found)}" for word, found in (("new", new), ("changed", changed)) if found
        )
        return "; ".join(parts)
