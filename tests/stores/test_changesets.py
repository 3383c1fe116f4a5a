"""Change sets: what one commit writes, checked before any store sees it."""

import pickle
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import InvalidError, Opportunity
from leadflow.stores import ChangeSet, MatchKey, Receipt, RecordVersion, Write

KEY = MatchKey("account", "domain", "northwind.example")


def problems(caught):
    return [str(problem) for problem in caught.value.problems]


class TestWrite:
    """A pair of a record before and after, the second continuing the first."""

    def test_new(self, things):
        """A new record is expected nowhere, and all of its history is news."""
        write = Write(None, things.account())
        assert (write.id, write.expected_version, write.rewrites) == ("A-1", None, False)
        assert [(event.kind, event.id, event.version) for event in write.events] == [("account", "A-1", 1)]

    def test_changed(self, things):
        """Only what is new in the history is told, with its version."""
        before = things.account()
        after = before.assign("bob", **things.now).assign("eve", **things.now)
        write = Write(before, after)
        assert write.expected_version == 1
        assert [(event.version, event.event.owner) for event in write.events] == [(2, "bob"), (3, "eve")]

    def test_compacted_histories_go_on_counting(self, things):
        """Versions follow the record, whether or not its history was folded up."""
        before = things.account().assign("bob", **things.now).compacted()
        write = Write(before, before.assign("eve", **things.now))
        assert (write.expected_version, [event.version for event in write.events]) == (2, [3])
        assert [event.version for event in Write(None, before).events] == [2]

    def test_redaction_rewrites(self, things):
        """Redaction is the one lawful rewriting: the history is replaced, and only its trace is news."""
        before = things.contact()
        write = Write(before, before.redact(reason="GDPR", **things.now))
        assert write.rewrites
        assert [type(event.event).__name__ for event in write.events] == ["Redacted"]

    def test_redacted_and_then_changed(self, things):
        """Also with events before and after it."""
        before = things.contact()
        after = before.assign("bob", **things.now).redact(reason="GDPR", **things.now).assign("eve", **things.now)
        assert len(Write(before, after).events) == 3

    @pytest.mark.parametrize(
        ("pair", "rule"),
        [
            (lambda t: ("x", t.account()), "before must be a record, or None for a new one, got 'x'"),
            (lambda t: (None, 3), "after must be a record, got 3"),
            (lambda t: (t.account(), t.contact()), "after must be the same record as before (account 'A-1'), got"),
            (lambda t: (t.account(), t.account("A-2")), "after must be the same record as before (account 'A-1'), got"),
            (lambda t: (t.account(), t.account()), "after must have something new, got"),
            (lambda t: (t.account(), t.account(company=None).assign("b", **t.now)), "after.history must continue"),
            (lambda t: (t.account().assign("b", **t.now), t.account()), "after.history must continue the history of"),
        ],
    )
    def test_refuses_what_is_no_continuation(self, things, pair, rule):
        """A pair whose second does not continue its first is an error that says which."""
        with pytest.raises(InvalidError) as caught:
            Write(*pair(things))
        assert rule in str(caught.value)

    def test_rewriting_anything_else_is_refused(self, things):
        """A redaction does not cover other changes of the past."""
        before = things.contact(source="fair")
        after = things.contact(source="web").redact(reason="GDPR", **things.now)
        with pytest.raises(InvalidError, match="must continue the history"):
            Write(before, after)


class TestBuilding:
    """A change set is checked as a whole, all problems at once."""

    def test_all_problems_at_once(self, things):
        """Every pair's problems are reported together, each with its place."""
        with pytest.raises(InvalidError) as caught:
            ChangeSet.of(things.account(), (things.contact(), things.contact()), (None, "x"))
        assert [problem.path for problem in caught.value.problems] == ["pairs[0]", "pairs[1].after", "pairs[2].after"]

    def test_problems_of_the_whole(self, things):
        """A record twice, a record relied on and written, nothing at all: each is named."""
        account = things.account()
        with pytest.raises(InvalidError) as caught:
            ChangeSet.of((None, account), (None, account), relies_on=[account, account])
        assert problems(caught) == [
            "writes must not repeat, got 'A-1' twice",
            "relies_on must not repeat, got 'A-1' twice",
            "relies_on must not name a record that is written, got account 'A-1' version 1",
            "relies_on must not name a record that is written, got account 'A-1' version 1",
        ]
        with pytest.raises(InvalidError, match="writes must hold at least one record"):
            ChangeSet.new()

    def test_wrong_types(self):
        """What is no write, version, key or receipt is named, each by its place."""
        with pytest.raises(InvalidError) as caught:
            ChangeSet(writes=["x"], relies_on=[3], absent="abc", receipt="r")
        assert [problem.path for problem in caught.value.problems] == ["writes[0]", "relies_on[0]", "absent", "receipt"]

    def test_order(self, things):
        """Events come in the order account, contact, opportunity, prospect, lead, whatever the order given."""
        records = [things.entry(), things.lead(), things.prospect(), things.deal(), things.contact(), things.account()]
        changes = ChangeSet.new(*records)
        kinds = ["account", "contact", "opportunity", "prospect", "lead", "list entry"]
        assert [event.kind for event in changes.events] == kinds
        assert [version.kind for version in changes.versions] == kinds

    def test_receipt_lists_what_is_written(self, things):
        """A receipt is made of the change set itself."""
        changes = ChangeSet.new(things.contact(), things.account()).keeping(key="k", request="r")
        assert changes.receipt == Receipt(
            "k", "r", [RecordVersion("account", "A-1", 1), RecordVersion("contact", "C-1", 1)]
        )

    def test_absent_keys_are_a_set(self, things):
        """Match keys are sorted, each once, so that equal plans are equal."""
        other = MatchKey("account", "domain", "acme.example")
        assert ChangeSet.of((None, things.account()), absent=[KEY, other, KEY]).absent == (other, KEY)

    def test_reads_well(self, things):
        """In words and as rows."""
        before = things.account()
        changes = ChangeSet.of((before, before.assign("bob", **things.now)), (None, things.contact()))
        assert str(changes) == "1 new: contact 'C-1' version 1; 1 changed: account 'A-1' version 2"
        assert [row["event"] for row in changes.to_rows()] == ["Assigned", "ContactAdded"]

    def test_pickles(self, things):
        """A change set survives pickling, its events included."""
        changes = ChangeSet.new(things.account())
        assert changes.events
        assert pickle.loads(pickle.dumps(changes)) == changes


class TestThen:
    """Two steps on one path are one commit."""

    def test_chains(self, things):
        """A record that both write goes from before the first to after the second; the rest is joined."""
        lead, account = things.lead(), things.account()
        later = account.assign("bob", **things.now)
        one = ChangeSet.of((None, account), (lead, lead.assign("bob", **things.now)), absent=[KEY])
        two = ChangeSet.of((account, later), (None, things.contact()), receipt=Receipt("k", "r"))
        both = one.then(two)
        assert [(write.before, write.after.id) for write in both.writes] == [
            (None, "A-1"),
            (None, "C-1"),
            (lead, "L-1"),
        ]
        assert both.writes[0].after == later
        assert (both.absent, both.receipt) == ((KEY,), Receipt("k", "r"))

    def test_what_the_first_left_need_not_be_relied_on(self, things):
        """A version that the first step makes is not asked of the store."""
        account, contact = things.account(), things.contact()
        two = ChangeSet.of((None, things.deal()), relies_on=[account, contact])
        assert ChangeSet.new(account).then(two).relies_on == (RecordVersion.of(contact),)

    def test_relied_on_and_then_written(self, things):
        """A record that the first relies on and the second writes is written."""
        account = things.account()
        one = ChangeSet.of((None, things.contact()), relies_on=[account])
        both = one.then(ChangeSet.of((account, account.assign("bob", **things.now))))
        assert (both.relies_on, len(both.writes)) == ((), 2)

    def test_refuses_what_does_not_join(self, things):
        """The second must have been planned on what the first leaves; every gap is named."""
        account, contact = things.account(), things.contact()
        newer = contact.assign("bob", **things.now)
        one = ChangeSet.of((None, account), relies_on=[contact, things.lead()], receipt=Receipt("k", "r"))
        two = ChangeSet.of(
            (account.assign("eve", **things.now), account.assign("eve", **things.now).assign("bob", **things.now)),
            (newer, newer.assign("eve", **things.now)),
            receipt=Receipt("k", "r"),
        )
        with pytest.raises(InvalidError) as caught:
            one.then(two)
        assert [problem.path for problem in caught.value.problems] == [
            "other['A-1'].before",
            "other['C-1'].before",
            "other.receipt",
        ]
        three = ChangeSet.of((None, things.deal()), relies_on=[account.assign("eve", **things.now)])
        with pytest.raises(InvalidError, match=r"other.relies_on must name <Account 'A-1'"):
            one.then(three)
        with pytest.raises(InvalidError, match="other must be a ChangeSet"):
            one.then(None)

    @given(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    def test_many_steps_are_one(self, things, steps):
        """Joining steps one by one tells every event once, in order, as one step would have."""
        deal: Opportunity = things.deal()
        joined = ChangeSet.new(deal)
        at = things.now["at"]
        for number, events in enumerate(steps):
            before = deal
            for _ in range(events):
                deal = deal.assign(f"user-{number}", at=at + timedelta(hours=number))
            joined = joined.then(ChangeSet.of((before, deal)))
        assert joined == ChangeSet.new(deal)
        assert [event.version for event in joined.events] == list(range(1, deal.version + 1))


class TestNames:
    """Versions and receipts are checked values."""

    def test_all_problems_at_once(self):
        """Each names everything that is wrong."""
        with pytest.raises(InvalidError) as caught:
            RecordVersion("thing", "", 0)
        assert [problem.path for problem in caught.value.problems] == ["kind", "id", "version"]
        with pytest.raises(InvalidError) as caught:
            Receipt("", "", [3])
        assert [problem.path for problem in caught.value.problems] == ["key", "request", "records[0]"]
