"""Rules 2 to 4, 21 and 22 under fire: threads, tasks, conflicts and faults, on the stores in memory."""

import asyncio

import pytest
import storms
from storms import FaultError, Place

from leadflow import Account
from leadflow.stores import AsyncInMemoryStore, ChangeSet, InMemoryStore


class Brittle(InMemoryStore):
    """A store that raises once before its nth write, where it is told to."""

    def __init__(self):
        super().__init__()
        self.left = None
        self._receipts = Receipts(self)
        self._outbox = Outbox(self)

    def count(self):
        if self.left == 0:
            self.left = None
            raise FaultError
        if self.left is not None:
            self.left -= 1

    def _put(self, after, keys):
        self.count()
        # In the middle of one, too.
        self._index.setdefault(keys[0], {})[after.id] = None
        self.count()
        super()._put(after, keys)


class Receipts(dict):
    def __init__(self, store):
        self.store = store

    def __setitem__(self, key, value):
        self.store.count()
        super().__setitem__(key, value)


class Outbox(list):
    def __init__(self, store):
        self.store = store

    def extend(self, events):
        self.store.count()
        super().extend(events)


class TestRule02FaultsInTheMiddle:
    """A fault before any single write of a commit leaves the state as it was, and a retry succeeds."""

    def test_before_every_write(self):
        """Each record, before it is put and in the middle of that, then the receipt, then the outbox."""

        def failing(place, nth):
            store = place.open()
            store.left = nth
            return store

        assert storms.fault_before_every_write(lambda: Place.of(Brittle()), failing) == 4 * 2 + 2

    @pytest.mark.parametrize("key", ["k", None])
    def test_an_interrupt_in_a_change(self, key):
        """A record that was there before is as it was, and found as it was."""
        store = InMemoryStore()
        account = Account.add("A-1", "Northwind", at=storms.AT)
        store.commit(ChangeSet.new(account))
        renamed = account.correct(name="Other", at=storms.LATER["at"])

        class Interrupted(list):
            def extend(self, events):
                super().extend(events)
                raise KeyboardInterrupt

        store._outbox = Interrupted(store._outbox)
        changes = ChangeSet.of((account, renamed))
        with pytest.raises(KeyboardInterrupt):
            store.commit(changes if key is None else changes.keeping(key=key, request="r"))
        assert store.load("A-1") == account
        assert (len(store.outbox), store.receipt("k")) == (1, None)
        assert [key.value for key in store._index] == ["northwind"]
        store._outbox = list(store._outbox)
        store.commit(ChangeSet.of((account, renamed)))
        assert [key.value for key in store._index] == ["other"]


class TestRule03OneLeadManyThreads:
    """Threads that convert one lead: one winner; the others get its result or a refusal that carries it."""

    @pytest.mark.parametrize("key", ["k", None])
    @pytest.mark.parametrize("workers", [2, 3, 4, 8, 16])
    def test_threads(self, workers, key):
        """With a key and without."""
        storms.one_lead(Place.of(InMemoryStore()), workers=workers, key=key)

    @pytest.mark.parametrize("key", ["k", None])
    @pytest.mark.parametrize("workers", [2, 16])
    def test_tasks(self, workers, key):
        """The same in tasks of one loop."""
        asyncio.run(storms.one_lead_in_tasks(Place.of(AsyncInMemoryStore()), workers=workers, key=key))


class TestRule04OneCompanyManyThreads:
    """Leads of one new company, converted at once, make one account."""

    @pytest.mark.parametrize("workers", [2, 16])
    def test_threads(self, workers):
        """Each has its contact and its deal there."""
        storms.one_company(Place.of(InMemoryStore()), workers=workers)

    @pytest.mark.parametrize("workers", [2, 16])
    def test_tasks(self, workers):
        """The same in tasks of one loop."""
        asyncio.run(storms.one_company_in_tasks(Place.of(AsyncInMemoryStore()), workers=workers))


class TestRule21ManyLeadsManyWorkers:
    """Conflicts and faults in a tenth of all commits: every lead once, no orphan, events once and in order."""

    @pytest.mark.parametrize("companies", [0, 40])
    def test_threads(self, companies):
        """A thousand leads, eight workers; of companies of their own, or of forty."""
        seen = storms.many_leads(Place.of(InMemoryStore()), leads=1_000, workers=8, companies=companies)
        assert seen["written"] <= 1_000
        # Some were asked for by all; and some of those that failed had been written.
        assert seen["failed"] > 50
        assert seen["repeated"] > 500

    @pytest.mark.parametrize("companies", [0, 40])
    def test_tasks(self, companies):
        """The same with tasks that take from one list."""
        place = Place.of(AsyncInMemoryStore())
        seen = asyncio.run(storms.many_leads_in_tasks(place, leads=1_000, workers=8, companies=companies))
        assert seen["written"] <= 1_000
        assert seen["failed"] > 50
