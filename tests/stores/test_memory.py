"""The store in memory: what every store owes, on the one that shows how."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import Company, InvalidError, Opportunity
from leadflow.stores import (
    AsyncInMemoryStore,
    ChangeSet,
    Committed,
    InMemoryStore,
    KeyTaken,
    MatchAppeared,
    MatchKey,
    RecordVersion,
    Stale,
    match_keys,
)

KEY = MatchKey("account", "domain", "northwind.example")


def state(store):
    return {record.id: record for record in store}, store.outbox, store.receipt("k")


class TestRoundTrip:
    """What was written comes back, and only that."""

    def test_every_kind(self, things):
        """Each kind of record is found by its id; what was never stored is not."""
        store = InMemoryStore()
        records = [things.account(), things.contact(), things.deal(), things.prospect(), things.lead(), things.entry()]
        assert store.commit(ChangeSet.new(*records)) == Committed()
        assert [store.load(record.id) for record in records] == records
        assert (store.load("X"), len(store), "A-1" in store, "X" in store) == (None, 6, True, False)
        assert store.all(Opportunity) == (things.deal(),)

    def test_outbox(self, things):
        """Every event once, in the order of the commits and, within one, of the path."""
        store = InMemoryStore()
        account = things.account()
        store.commit(ChangeSet.new(things.contact(), account))
        store.commit(ChangeSet.of((account, account.assign("bob", **things.now))))
        assert [(event.id, event.version) for event in store.outbox] == [("A-1", 1), ("C-1", 1), ("A-1", 2)]

    def test_shows_itself(self, things):
        """In words, as rows, and as HTML in which text is escaped."""
        store = InMemoryStore()
        store.commit(ChangeSet.new(things.account("A<1>")))
        assert repr(store) == "<InMemoryStore: 1 records, 1 events, 0 receipts>"
        assert store.to_rows()[0]["id"] == "A<1>"
        assert "A&lt;1&gt;" in store._repr_html_()


class TestRule02AllOrNothing:
    """A commit that is refused changes nothing: no record, no key, no event, no receipt."""

    @pytest.mark.parametrize("fault", ["stale", "gone", "taken", "relied", "key", "match"])
    def test_refused_commits_leave_no_trace(self, things, fault):
        """Whatever the reason, everything is as before."""
        store = InMemoryStore()
        account = things.account()
        newer = account.assign("bob", **things.now)
        store.commit(ChangeSet.of((None, account), receipt=None).keeping(key="k", request="r"))
        store.commit(ChangeSet.of((account, newer)))
        before = state(store)
        contact = things.contact()
        changes, expected = {
            "stale": (ChangeSet.of((account, account.assign("eve", **things.now)), (None, contact)), Stale(["A-1"])),
            "gone": (
                ChangeSet.of((None, contact), (things.lead(), things.lead().assign("b", **things.now))),
                Stale(["L-1"]),
            ),
            "taken": (ChangeSet.new(contact, things.account()), Stale(["A-1"])),
            "relied": (ChangeSet.of((None, contact), relies_on=[account]), Stale(["A-1"])),
            "key": (ChangeSet.new(contact).keeping(key="k", request="other"), KeyTaken("k")),
            "match": (ChangeSet.of((None, contact), absent=[KEY]), MatchAppeared([KEY])),
        }[fault]
        assert store.commit(changes) == expected
        assert state(store) == before
        assert store.candidates(match_keys(contact), 10) == ()

    def test_all_stale_records_are_named(self, things):
        """Not only the first."""
        store = InMemoryStore()
        lead = things.lead()
        changes = ChangeSet.of((lead, lead.assign("b", **things.now)), relies_on=[things.account(), things.contact()])
        assert store.commit(changes) == Stale(["A-1", "C-1", "L-1"])

    def test_the_key_comes_first(self, things):
        """A retry learns of its receipt, not that its records have changed."""
        store = InMemoryStore()
        changes = ChangeSet.new(things.account()).keeping(key="k", request="r")
        assert store.commit(changes) == Committed()
        assert store.commit(changes) == KeyTaken("k")
        assert store.receipt("k") == changes.receipt

    def test_a_record_of_another_kind_is_stale(self, things):
        """An id that names another kind of record now is not what was relied on."""
        store = InMemoryStore()
        store.commit(ChangeSet.new(things.account("X")))
        changes = ChangeSet.of((None, things.contact()), relies_on=[RecordVersion("contact", "X", 1)])
        assert store.commit(changes) == Stale(["X"])


class TestMatching:
    """Records are found by the keys of their latest state."""

    def test_follows_changes(self, things):
        """A key that a record loses finds it no more; the one it gains does."""
        store = InMemoryStore()
        account = things.account()
        store.commit(ChangeSet.new(account))
        moved = account.correct(company=Company("Northwind", domain="acme.example"), **things.now)
        store.commit(ChangeSet.of((account, moved)))
        assert store.candidates([KEY], 10) == ()
        assert store.candidates([MatchKey("account", "domain", "acme.example")], 10) == (moved,)

    def test_keys_with_several_holders(self, things):
        """One holder less, the others are still found."""
        store = InMemoryStore()
        one, two = things.account("A-1"), things.account("A-2")
        store.commit(ChangeSet.new(one, two))
        store.commit(ChangeSet.of((one, one.withdraw(**things.now))))
        assert store.candidates([KEY], 10) == (two,)

    def test_limit_is_per_key(self, things):
        """At most so many per key, each record once, in a stable order."""
        store = InMemoryStore()
        store.commit(ChangeSet.new(*(things.account(f"A-{number}") for number in range(9, 0, -1)), things.contact()))
        found = store.candidates([KEY, MatchKey("account", "name", "northwind"), *match_keys(things.contact())], 3)
        assert [record.id for record in found] == ["A-7", "A-8", "A-9", "C-1"]

    def test_own_writes_do_not_count_as_absent(self, things):
        """The keys of what is written are not those that must be absent."""
        store = InMemoryStore()
        assert store.commit(ChangeSet.of((None, things.account()), absent=[KEY])) == Committed()
        account = store.load("A-1")
        assert store.commit(ChangeSet.of((account, account.assign("b", **things.now)), absent=[KEY])) == Committed()

    @given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["a.example", "b.example", None])), max_size=12))
    def test_index_equals_a_scan(self, things, steps):
        """After any changes, the index finds what looking at every record would find."""
        store = InMemoryStore()
        for number, domain in steps:
            company = None if domain is None else Company("N", domain=domain)
            known = store.load(f"A-{number}")
            if known is None:
                store.commit(ChangeSet.new(things.account(f"A-{number}", company=company)))
            else:
                change = {"clear": ["company"]} if company is None else {"company": company}
                store.commit(ChangeSet.of((known, known.correct(**change, **things.now))))
        for domain in ("a.example", "b.example"):
            key = MatchKey("account", "domain", domain)
            assert {r.id for r in store.candidates([key], 99)} == {r.id for r in store if key in match_keys(r)}


class TestBadInput:
    """Each method names what it was given wrongly."""

    @pytest.mark.parametrize(
        ("call", "path"),
        [
            (lambda s: s.load(""), "id"),
            (lambda s: s.receipt(3), "key"),
            (lambda s: s.candidates(["x"], 5), "keys[0]"),
            (lambda s: s.candidates([KEY], 0), "limit"),
            (lambda s: s.commit(None), "change_set"),
        ],
    )
    def test_refused(self, call, path):
        """And nothing else happens."""
        with pytest.raises(InvalidError) as caught:
            call(InMemoryStore())
        assert [problem.path for problem in caught.value.problems] == [path]

    @pytest.mark.parametrize(
        "make",
        [
            lambda: Stale([]),
            lambda: Stale([3]),
            lambda: KeyTaken(""),
            lambda: MatchAppeared(["x"]),
            lambda: MatchAppeared([]),
        ],
    )
    def test_outcomes_are_checked(self, make):
        """A store's author cannot return an outcome that says nothing."""
        with pytest.raises(InvalidError):
            make()


class TestThreads:
    """Commits are isolated from each other."""

    def test_one_winner_per_version(self, things):
        """Of many threads that change one record from the same version, one wins, and no change is lost."""
        store = InMemoryStore()
        store.commit(ChangeSet.new(things.account()))
        wins = []

        def work(name):
            won = 0
            while won < 10:
                account = store.load("A-1")
                if store.commit(ChangeSet.of((account, account.assign(name, **things.now)))) == Committed():
                    won += 1
            wins.append(won)

        threads = [threading.Thread(target=work, args=(f"user-{number}",)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (sum(wins), store.load("A-1").version, len(store.outbox)) == (80, 81, 81)


def test_an_empty_store_is_a_store():
    """However little it holds, it is true: ``store or InMemoryStore()`` takes the store."""
    assert InMemoryStore()
    assert len(InMemoryStore()) == 0
    assert AsyncInMemoryStore()


class TestAsynchronous:
    """The asynchronous store is the same store, awaited."""

    def test_every_method(self, things):
        """Each gives what the synchronous one gives."""
        store = AsyncInMemoryStore()

        def awaited(coroutine):
            with pytest.raises(StopIteration) as end:
                coroutine.send(None)
            return end.value.value

        changes = ChangeSet.new(things.account()).keeping(key="k", request="r")
        assert awaited(store.commit(changes)) == Committed()
        assert awaited(store.load("A-1")) == things.account()
        assert awaited(store.candidates([KEY], 5)) == (things.account(),)
        assert awaited(store.receipt("k")) == changes.receipt
        assert len(store.sync) == 1
