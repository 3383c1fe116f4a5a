"""
Stores with one fault each, and the check that must name it.

`CAUGHT` lists them: the store, the check, and words of the fault. Each class is what somebody has written, or could.
"""

import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from unicodedata import normalize

import attrs

from leadflow import Company, Fields, ListEntry
from leadflow.entity import Entity
from leadflow.stores import Committed, KeyTaken, MatchAppeared, Receipt, Stale, match_keys

from .tables import TableStore


def rebuilt(value: Any, change: Any) -> Any:
    """Return a value with every part replaced by what a function makes of it, as a careless codec does."""
    if isinstance(value, Entity):
        return type(value)(value.id, tuple(rebuilt(event, change) for event in value.history))
    if isinstance(value, Fields):
        return Fields({name: new for name, old in value.items() if (new := rebuilt(old, change)) is not None})
    if isinstance(value, tuple):
        return tuple(rebuilt(item, change) for item in value)
    if attrs.has(type(value)):
        changes = {
            attribute.alias or attribute.name: new
            for attribute in attrs.fields(type(value))
            if attribute.init
            and (new := rebuilt(old := getattr(value, attribute.name), change)) is not old
            and attribute.name not in ("pipeline", "stage")
        }
        return change(attrs.evolve(value, **changes) if changes else value)
    return change(value)


class Changing(TableStore):
    """A store whose form on disk changes values."""

    def stored(self, record):
        return rebuilt(record, self.change)

    def change(self, value):
        raise NotImplementedError


# -- what goes in does not come out ----------------------------------------------------------------------------------


class LosesListEntries(TableStore):
    def load(self, id_, /):
        record = super().load(id_)
        return None if isinstance(record, ListEntry) else record


class RaisesForUnknown(TableStore):
    def load(self, id_, /):
        record = super().load(id_)
        if record is None:
            raise KeyError(id_)
        return record


class FloatMoney(Changing):
    def change(self, value):
        return Decimal(str(float(value))) if isinstance(value, Decimal) else value


class NoMicroseconds(Changing):
    def change(self, value):
        return value.replace(microsecond=0) if isinstance(value, datetime) else value


class EverythingInUtc(Changing):
    def change(self, value):
        return value.astimezone(UTC) if isinstance(value, datetime) else value


class ZeroIsUnknown(Changing):
    def change(self, value):
        return attrs.evolve(value, employees=value.employees or None) if isinstance(value, Company) else value


class EmptyIsUnknown(Changing):
    def stored(self, record):
        return type(record)(record.id, tuple(self.without_empty(event) for event in record.history))

    def without_empty(self, event):
        fields = getattr(event, "fields", None)
        if not fields:
            return event
        return attrs.evolve(event, fields={name: value for name, value in fields.items() if value not in ("", ())})


class NoEmoji(Changing):
    def change(self, value):
        if type(value) is not str:
            return value
        return "".join(char if ord(char) < 0x10000 else "?" for char in value)


class ComposedAccents(Changing):
    def change(self, value):
        return normalize("NFC", value) if type(value) is str else value


class ShortTexts(Changing):
    def change(self, value):
        return value[:255] if type(value) is str else value


class BoolsAreInts(Changing):
    def stored(self, record):
        return type(record)(record.id, tuple(self.plain(event) for event in record.history))

    def plain(self, event):
        fields = getattr(event, "fields", None)
        if not fields:
            return event
        plain = {name: int(value) if isinstance(value, bool) else value for name, value in fields.items()}
        return attrs.evolve(event, fields=plain)


class FoldedIds(TableStore):
    def load(self, id_, /):
        return super().load(id_) or next(
            (
                record
                for (tenant, known), record in self.tables.records.items()
                if tenant == self.tenant and known.casefold() == id_.casefold()
            ),
            None,
        )


class CutHistory(TableStore):
    """Keeps the state and says that it keeps the history."""

    def stored(self, record):
        return record.compacted()


class VersionsStartOver(TableStore):
    def stored(self, record):
        opening = attrs.evolve(record.history[0], stands_for=1)
        return type(record)(record.id, (opening, *record.history[1:]))


class LastEventsOnly(TableStore):
    """Inserts the new events of a commit in place of the earlier ones."""

    def put(self, write):
        if write.before is not None and len(write.events) > 1:
            after = write.before._record(write.events[-1].event)
            write = attrs.evolve(write, after=after)
        super().put(write)


class SortedEvents(TableStore):
    """Reads events ordered by their time and, of one time, by chance."""

    def stored(self, record):
        first, *rest = record.history
        return type(record)(record.id, (first, *sorted(rest, key=lambda event: (event.recorded_at, repr(event)))))


class RedactionAppended(TableStore):
    def put(self, write):
        if write.rewrites:
            kept = len(write.before.history)
            history = (*write.before.history, *write.after.history[kept:])
            write = attrs.evolve(write, after=type(write.after)(write.id, history))
        super().put(write)


class FirstReadStays(TableStore):
    """Caches what it loads and forgets to drop it."""

    def __init__(self, *given):
        super().__init__(*given)
        self.cache = {}

    def load(self, id_, /):
        if id_ not in self.cache:
            record = super().load(id_)
            if record is None:
                return None
            self.cache[id_] = record
        return self.cache[id_]

    def is_stale(self, write):
        found = self.tables.records.get((self.tenant, write.id))
        return found != write.before


# -- versions --------------------------------------------------------------------------------------------------------


class LostUpdate(TableStore):
    """The last who writes wins."""

    def is_stale(self, write):
        return write.before is None and super().is_stale(write)


class NamesOneStale(TableStore):
    def refused(self, change_set):
        result = super().refused(change_set)
        return Stale(result.ids[:1]) if isinstance(result, Stale) else result


class ReplacesTaken(TableStore):
    def is_stale(self, write):
        return write.before is not None and super().is_stale(write)


class IdsPerKind(TableStore):
    """Looks for a new id among the records of its own kind only."""

    def is_stale(self, write):
        found = self.load(write.id)
        if write.before is None and found is not None and found.kind != write.after.kind:
            return False
        return super().is_stale(write)


class Upserts(TableStore):
    def is_stale(self, write):
        return self.load(write.id) is not None and super().is_stale(write)


class NumbersOnly(TableStore):
    """Compares version numbers and nothing else."""

    def is_stale(self, write):
        found = self.load(write.id)
        return (None if found is None else found.version) != write.expected_version


class RelyingIgnored(TableStore):
    def is_other(self, relied):
        return False


class RelyingByVersion(TableStore):
    """Forgets that an id may name another kind of record."""

    def is_other(self, relied):
        found = self.load(relied.id)
        return found is None or found.version != relied.version


class StaleFirst(TableStore):
    def refused(self, change_set):
        stale = [write.id for write in change_set.writes if self.is_stale(write)]
        return Stale(stale) if stale else super().refused(change_set)


class AscendingOnly(TableStore):
    """Merges two sorted lists, one of which is not."""

    def write(self, change_set):
        last = ""
        for write in change_set.writes:
            if write.id[0] != last[:1] or write.id > last:
                self.put(write)
                self.index(write)
            last = write.id
        if change_set.receipt is not None:
            self.keep(change_set.receipt)


# -- matching --------------------------------------------------------------------------------------------------------


class Repeats(TableStore):
    """A join without DISTINCT."""

    def candidates(self, keys, limit):
        return [record for key in keys for record in super(Repeats, self).candidates([key], limit)]


class NoLimit(TableStore):
    def candidates(self, keys, limit):
        return super().candidates(keys, 1_000)


class LimitInTotal(TableStore):
    def candidates(self, keys, limit):
        return super().candidates(keys, limit)[:limit]


class OldKeysStay(TableStore):
    def index(self, write):
        self.writing()
        for key in match_keys(write.after):
            self.tables.keys.setdefault((self.tenant, key), set()).add(write.id)


class ShortKeys(TableStore):
    """Indexes the first 255 letters."""

    def short(self, key):
        return attrs.evolve(key, value=key.value[:255])

    def holders(self, key):
        return super().holders(self.short(key))

    def index(self, write):
        self.writing()
        for ids in self.tables.keys.values():
            ids.discard(write.id)
        for key in match_keys(write.after):
            self.tables.keys.setdefault((self.tenant, self.short(key)), set()).add(write.id)


class AbsencesIgnored(TableStore):
    def refused(self, change_set):
        result = super().refused(change_set)
        return None if isinstance(result, MatchAppeared) else result


class NamesOneMatch(TableStore):
    def refused(self, change_set):
        result = super().refused(change_set)
        return MatchAppeared(result.keys[:1]) if isinstance(result, MatchAppeared) else result


class OwnKeysCount(TableStore):
    def refused(self, change_set):
        there = [key for key in change_set.absent if self.holders(key)]
        return super().refused(change_set) or (MatchAppeared(there) if there else None)


# -- receipts --------------------------------------------------------------------------------------------------------


class ForgetsReceipts(TableStore):
    def keep(self, receipt):
        self.writing()


class ReceiptsWithoutRecords(TableStore):
    def keep(self, receipt):
        super().keep(Receipt(receipt.key, receipt.request))


class KeysReused(TableStore):
    def taken(self, key):
        return False


class FoldedKeys(TableStore):
    def keep(self, receipt):
        self.writing()
        self.tables.receipts[self.tenant, receipt.key.casefold()] = receipt

    def receipt(self, key, /):
        return super().receipt(key.casefold())


# -- commits ---------------------------------------------------------------------------------------------------------


class WritesBeforeLooking(TableStore):
    """Keeps the receipt first, so that nobody else takes the key."""

    def refused(self, change_set):
        result = super().refused(change_set)
        if change_set.receipt is not None and not isinstance(result, KeyTaken):
            self.tables.receipts[self.tenant, change_set.receipt.key] = change_set.receipt
        return result


class PartialCommit(TableStore):
    """Commits row by row."""

    @contextmanager
    def transaction(self):
        with self.tables.lock:
            yield


class SwallowsFaults(TableStore):
    def commit(self, change_set, /):
        try:
            return super().commit(change_set)
        except Exception:  # noqa: BLE001 - that is the fault
            return Committed()


class VisibleEarly(TableStore):
    """Reads what others have not committed."""

    def load(self, id_, /):
        return self.tables.records.get((self.tenant, id_))

    def receipt(self, key, /):
        return self.tables.receipts.get((self.tenant, key))

    def candidates(self, keys, limit):
        return [self.load(id_) for id_ in sorted({id_ for key in keys for id_ in self.holders(key)})]


class EachForItself(TableStore):
    """Reads a snapshot that was made when the connection was opened."""

    def __init__(self, tables=None, tenant="north"):
        super().__init__(None, tenant)
        if tables is not None:
            self.tables.records = dict(tables.records)


class LiveRecords(TableStore):
    """Hands out the object that it goes on changing."""

    def put(self, write):
        known = self.load(write.id)
        super().put(write)
        if known is not None:
            for attribute in attrs.fields(type(known)):
                object.__setattr__(known, attribute.name, getattr(write.after, attribute.name))
            self.tables.records[self.tenant, write.id] = known


class SharedLists(TableStore):
    """Hands out the list that it goes on using."""

    def __init__(self, *given):
        super().__init__(*given)
        self.lists = {}

    def candidates(self, keys, limit):
        return self.lists.setdefault((tuple(keys), limit), super().candidates(keys, limit))


# -- tenants ---------------------------------------------------------------------------------------------------------


class RecordsLeak(TableStore):
    def load(self, id_, /):
        return super().load(id_) or self.tables.records.get(("north", id_))


class CandidatesLeak(TableStore):
    def candidates(self, keys, limit):
        ids = {id_ for (_, known), ids in self.tables.keys.items() if known in keys for id_ in ids}
        found = [record for (_, id_), record in self.tables.records.items() if id_ in ids]
        return found[:1]


class ReceiptsLeak(TableStore):
    def receipt(self, key, /):
        return next((receipt for (_, known), receipt in self.tables.receipts.items() if known == key), None)


# -- races -----------------------------------------------------------------------------------------------------------


class Racy(TableStore):
    """Checks first, then opens the transaction; a subclass says which checks."""

    late: tuple[type, ...] = ()

    def commit(self, change_set, /):
        with self.tables.lock:
            refused = self.refused(change_set)
        if isinstance(refused, self.late):
            return refused
        threading.Event().wait(0.02)
        with self.transaction():
            refused = self.refused(change_set)
            if refused is not None and not isinstance(refused, self.late):
                return refused
            self.write(change_set)
            return Committed()


class RacyVersions(Racy):
    late = (Stale,)


class RacyAbsences(Racy):
    late = (MatchAppeared,)


class RacyKeys(Racy):
    """The key is looked for beforehand, and versions are not compared at all."""

    late = (KeyTaken, Stale)


# The store, the check that must catch it, and words of the fault that it must name.
CAUGHT = [
    (LosesListEntries, "every_kind", "a record that was committed is not found"),
    (RaisesForUnknown, "missing_records", "the store raised KeyError"),
    (FloatMoney, "money_scale", "an amount lost digits, at history"),
    (NoMicroseconds, "microseconds", "a time lost its microseconds, at history"),
    (EverythingInUtc, "offsets", "a time lost its offset, at history"),
    (ZeroIsUnknown, "unknown_and_empty", "employees: expected 0, got None"),
    (EmptyIsUnknown, "unknown_and_empty", "unknown and empty were mixed up, at history"),
    (NoEmoji, "texts", "a text came back changed, at history"),
    (ComposedAccents, "texts", "a text came back changed, at history"),
    (ShortTexts, "long_texts", "a long text was cut, at history"),
    (BoolsAreInts, "custom_fields", "['bool']: expected True, got 1"),
    (FoldedIds, "ids", "Ä-1"),
    (CutHistory, "every_event", "a history came back changed, at history"),
    (VersionsStartOver, "states", "stands_for"),
    (FirstReadStays, "updates", "an update came back changed"),
    (LostUpdate, "stale_versions", "a change of two old versions: expected Stale"),
    (NamesOneStale, "stale_versions", "expected Stale(ids=('A-1', 'O-1')), got Stale(ids=('A-1',))"),
    (ReplacesTaken, "new_ids", "whose id is taken: expected Stale"),
    (IdsPerKind, "new_ids", "a new contact 'X-1' whose id is taken: expected Stale"),
    (Upserts, "vanished_records", "a change of a record that is not there: expected Stale"),
    (NumbersOnly, "one_history", "version 2 of another history continued: expected Stale"),
    (RelyingIgnored, "relied_versions", "an old version relied on: expected Stale"),
    (RelyingByVersion, "relied_versions", "another kind relied on: expected Stale"),
    (StaleFirst, "order_of_checks", "expected KeyTaken(key='k'), got Stale"),
    (AscendingOnly, "order_of_writes", "a record that was committed is not found"),
    (Repeats, "candidates", "candidates by many keys"),
    (NoLimit, "limit_per_key", "candidates of one key, limit 1: expected 1, got 7"),
    (LimitInTotal, "limit_per_key", "candidates of two keys, limit 2 each"),
    (OldKeysStay, "keys_follow_records", "no longer has: expected []"),
    (ShortKeys, "keys_apart", "candidates by"),
    (AbsencesIgnored, "expected_absences", "a key that must be absent and is there"),
    (NamesOneMatch, "expected_absences", "two keys that must be absent and are there"),
    (OwnKeysCount, "own_keys", "a commit that nothing speaks against: expected Committed(), got MatchAppeared"),
    (ForgetsReceipts, "receipts", "the receipt of a commit"),
    (ReceiptsWithoutRecords, "receipts", "the receipt of a commit"),
    (KeysReused, "used_keys", "the same request under a used key: expected KeyTaken"),
    (FoldedKeys, "keys_of_receipts", "got KeyTaken"),
    (WritesBeforeLooking, "refused_commits", "left a trace: receipt k"),
    (PartialCommit, "failing_writes", "failed and left a trace: "),
    (SwallowsFaults, "failing_writes", "write 1 failed and commit returned: expected 'the error', got Committed()"),
    (VisibleEarly, "nothing_early", "before all was committed: "),
    (EachForItself, "durable", "a record that was committed is not found"),
    (LiveRecords, "returned_values", "a record that was loaded before a commit"),
    (SharedLists, "returned_values", "candidates after a list was emptied"),
    (LastEventsOnly, "growing_history", "a history came back changed"),
    (SortedEvents, "simultaneous_events", "events changed places"),
    (RedactionAppended, "redaction", "a redacted record came back changed"),
    (RecordsLeak, "tenants", "a record of another tenant"),
    (CandidatesLeak, "tenants", "candidates of another tenant"),
    (ReceiptsLeak, "tenants", "a receipt of another tenant"),
    (RacyVersions, "no_update_lost", "an update was lost"),
    (RacyVersions, "one_winner", "deals, accounts and contacts of one prospect"),
    (RacyKeys, "one_result_per_key", "deals, accounts and contacts under one key"),
    (RacyAbsences, "one_account", "what the leads of one company made"),
    (AbsencesIgnored, "random_programs", "expected MatchAppeared"),
    (OldKeysStay, "random_programs", "candidates by"),
]
