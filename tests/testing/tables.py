"""A store on shared tables with all capabilities: connections, tenants, and a hook that is called before each write."""

import threading
from contextlib import contextmanager

from leadflow.stores import Committed, KeyTaken, MatchAppeared, RecordVersion, Stale, match_keys


class Tables:
    """What all connections and tenants share, with a transaction that is taken back when it fails."""

    def __init__(self):
        self.lock = threading.RLock()
        self.records, self.keys, self.receipts = {}, {}, {}


class TableStore:
    """
    A store for one tenant, written the obvious way; its methods are small so that broken stores can override one.

    `before` is called before each write; what it raises undoes the transaction.
    """

    keeps_history = True

    def __init__(self, tables=None, tenant="north"):
        self.tables = Tables() if tables is None else tables
        self.tenant = tenant
        self.before = None

    # -- the port ----------------------------------------------------------------------------------------------------

    def load(self, id_, /):
        with self.tables.lock:
            return self.tables.records.get((self.tenant, id_))

    def candidates(self, keys, limit):
        with self.tables.lock:
            ids = {id_ for key in keys for id_ in sorted(self.holders(key))[:limit]}
            return [self.load(id_) for id_ in sorted(ids)]

    def receipt(self, key, /):
        with self.tables.lock:
            return self.tables.receipts.get((self.tenant, key))

    def commit(self, change_set, /):
        with self.transaction():
            refused = self.refused(change_set)
            if refused is None:
                self.write(change_set)
            return refused or Committed()

    # -- its parts ---------------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self):
        tables = self.tables
        with tables.lock:
            saved = dict(tables.records), {key: set(ids) for key, ids in tables.keys.items()}, dict(tables.receipts)
            try:
                yield
            except BaseException:
                tables.records, tables.keys, tables.receipts = saved
                raise

    def refused(self, change_set):
        if change_set.receipt is not None and self.taken(change_set.receipt.key):
            return KeyTaken(change_set.receipt.key)
        stale = [write.id for write in change_set.writes if self.is_stale(write)]
        stale += [relied.id for relied in change_set.relies_on if self.is_other(relied)]
        if stale:
            return Stale(stale)
        written = {write.id for write in change_set.writes}
        there = [key for key in change_set.absent if self.holders(key) - written]
        return MatchAppeared(there) if there else None

    def taken(self, key):
        return self.receipt(key) is not None

    def is_stale(self, write):
        before = write.before
        if before is not None and not self.keeps_history:
            before = before.compacted()
        return self.load(write.id) != before

    def is_other(self, relied):
        found = self.load(relied.id)
        return found is None or RecordVersion.of(found) != relied

    def holders(self, key):
        return self.tables.keys.get((self.tenant, key), set())

    def write(self, change_set):
        for write in change_set.writes:
            self.put(write)
            self.index(write)
        if change_set.receipt is not None:
            self.keep(change_set.receipt)

    def put(self, write):
        self.writing()
        after = write.after if self.keeps_history else write.after.compacted()
        self.tables.records[self.tenant, write.id] = self.stored(after)

    def stored(self, record):
        return record

    def index(self, write):
        self.writing()
        for (tenant, _), ids in self.tables.keys.items():
            if tenant == self.tenant:
                ids.discard(write.id)
        for key in match_keys(write.after):
            self.tables.keys.setdefault((self.tenant, key), set()).add(write.id)

    def keep(self, receipt):
        self.writing()
        self.tables.receipts[self.tenant, receipt.key] = receipt

    def writing(self):
        if self.before is not None:
            self.before()


class StateStore(TableStore):
    """The same without history."""

    keeps_history = False


class AsyncTableStore:
    """The same, awaited."""

    def __init__(self, inner=None):
        self.inner = inner or TableStore()

    async def load(self, id_, /):
        return self.inner.load(id_)

    async def candidates(self, keys, limit):
        return self.inner.candidates(keys, limit)

    async def receipt(self, key, /):
        return self.inner.receipt(key)

    async def commit(self, change_set, /):
        return self.inner.commit(change_set)


def another(store):
    return type(store)(store.tables, store.tenant)


def other_tenant(store):
    return type(store)(store.tables, "south")


@contextmanager
def before_writes(store, action):
    store.before = action
    try:
        yield
    finally:
        store.before = None


HOOKS = {"another": another, "other_tenant": other_tenant, "before_writes": before_writes}
