"""
A `leadflow.stores.Store` on Django models, for one tenant, on PostgreSQL and SQLite.

Theory. Whoever commits for a tenant counts that in the tenant's row first, which locks it (SQLite locks the file), so
that nobody comes between what is checked and what is written. That is one writer per tenant at a time, which is simple
and right; the FastAPI example shows finer locks. The row is written, not locked alone, because of hosts that set their
PostgreSQL to REPEATABLE READ or SERIALIZABLE. There a transaction reads what there was when it began: who waited would
check the past. Where the row was written meanwhile PostgreSQL says so instead, and the commit begins anew.
"""

from collections.abc import Collection, Sequence
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import F

from django_host.models import Event, Match, Tenant
from django_host.models import Receipt as ReceiptRow
from django_host.models import Record as RecordRow
from leadflow.codec import Codec
from leadflow.stores import (
    ChangeSet,
    CommitResult,
    Committed,
    KeyTaken,
    MatchAppeared,
    MatchKey,
    Receipt,
    Record,
    Stale,
    Write,
    match_keys,
    replayed,
)

# PostgreSQL's word for: somebody else wrote what this transaction is about to write, after it began to read.
SERIALIZATION_FAILURE = "40001"


class DjangoStore:
    """The records of one tenant; as safe to share between threads as Django's connections are."""

    def __init__(self, tenant: Tenant, codec: Codec, using: str = "default") -> None:
        self.tenant, self.codec, self.using = tenant, codec, using

    def load(self, id: str, /) -> Record | None:  # noqa: A002 - the Protocol's word
        """Return the record with this id; None if there is none."""
        return self.records([id]).get(id)

    def candidates(self, keys: Collection[MatchKey], limit: int) -> Sequence[Record]:
        """Return the records that have one of these keys, at most `limit` per key."""
        found: set[str] = set()
        for key in keys:
            holders = Match.objects.using(self.using).filter(tenant=self.tenant, key=str(key)).order_by("record_id")
            found.update(holders.values_list("record__code", flat=True)[:limit])
        records = self.records(found)
        return [records[id_] for id_ in sorted(records)]

    def receipt(self, key: str, /) -> Receipt | None:
        """Return the receipt kept under a key; None if there is none."""
        row = ReceiptRow.objects.using(self.using).filter(tenant=self.tenant, key=key).first()
        return None if row is None else self.codec.load(row.receipt, Receipt)

    def records(self, ids: Collection[str]) -> dict[str, Record]:
        """Return records by id, each replayed from its events, with one query."""
        rows = Event.objects.using(self.using).filter(record__tenant=self.tenant, record__code__in=ids)
        told: dict[tuple[str, str], list[Any]] = {}
        for kind, id_, event in rows.order_by("record_id", "version").values_list(
            "record__kind", "record__code", "event"
        ):
            told.setdefault((kind, id_), []).append(self.codec.load(event))
        return {id_: replayed(kind, id_, history) for (kind, id_), history in told.items()}

    def commit(self, change_set: ChangeSet, /) -> CommitResult:
        """
        Write all of it, or nothing and why not.

        In a transaction of the host's own it is part of that one. Such a transaction cannot begin anew here: where the
        isolation is stricter than READ COMMITTED, the host lets the error pass and runs all of it again.
        """
        within = transaction.get_connection(self.using).in_atomic_block
        while True:
            try:
                return self.attempt(change_set)
            except OperationalError as error:
                # Each time somebody else has committed, so this comes to an end.
                if within or getattr(error.__cause__, "sqlstate", None) != SERIALIZATION_FAILURE:
                    raise

    def attempt(self, change_set: ChangeSet) -> CommitResult:
        """Check and write in one transaction."""
        with transaction.atomic(using=self.using):
            Tenant.objects.using(self.using).filter(pk=self.tenant.pk).update(commits=F("commits") + 1)
            refused = self.refused(change_set)
            if refused is None:
                self.save(change_set)
        return refused or Committed()

    def refused(self, change_set: ChangeSet) -> CommitResult | None:
        """Return why a change set cannot be written, if so: the receipt first, then versions, then absences."""
        if change_set.receipt is not None and self.receipt(change_set.receipt.key) is not None:
            return KeyTaken(change_set.receipt.key)
        written = {write.id: write for write in change_set.writes}
        relied = {one.id: (one.kind, one.version) for one in change_set.relies_on}
        stored = self.records([*written, *relied])
        stale = [id_ for id_, write in written.items() if stored.get(id_) != write.before]
        for id_, expected in relied.items():
            found = stored.get(id_)
            if found is None or (found.kind, found.version) != expected:
                stale.append(id_)
        if stale:
            return Stale(stale)
        absent = {str(key): key for key in change_set.absent}
        rows = Match.objects.using(self.using).filter(tenant=self.tenant, key__in=absent)
        there = rows.exclude(record__code__in=written).values_list("key", flat=True).distinct()
        appeared = [absent[key] for key in there]
        return MatchAppeared(appeared) if appeared else None

    def save(self, change_set: ChangeSet) -> None:
        """Write records, match keys, events and receipt."""
        rows = {write.id: self.save_record(write) for write in change_set.writes}
        Event.objects.using(self.using).bulk_create(
            Event(record=rows[told.id], version=told.version, event=self.codec.dump(told.event))
            for told in change_set.events
        )
        Match.objects.using(self.using).bulk_create(
            Match(record=rows[write.id], tenant=self.tenant, key=str(key))
            for write in change_set.writes
            for key in match_keys(write.after)
        )
        if (kept := change_set.receipt) is not None:
            row = ReceiptRow(tenant=self.tenant, key=kept.key, receipt=self.codec.dump(kept))
            row.save(using=self.using, force_insert=True)

    def save_record(self, write: Write) -> RecordRow:
        """Write the row of a record, take away what it had, and return it."""
        after = write.after
        row, is_new = RecordRow.objects.using(self.using).update_or_create(
            tenant=self.tenant,
            code=after.id,
            defaults={"kind": after.kind, "version": after.version, "owner": after.owner},
        )
        if not is_new:
            Match.objects.using(self.using).filter(record=row).delete()
        if write.rewrites:  # redaction: what was taken out of earlier events is taken out here, too
            first = after.version - len(after.history) + 1
            for version, event in enumerate(after.history, first):
                told = Event.objects.using(self.using).filter(record=row, version=version)
                told.update(event=self.codec.dump(event))
        return row


def open_store(tenant: str, codec: Codec, using: str = "default") -> DjangoStore:
    """Return the store of a tenant, which is made where there is none."""
    row, _ = Tenant.objects.using(using).get_or_create(name=tenant)
    return DjangoStore(row, codec, using)
