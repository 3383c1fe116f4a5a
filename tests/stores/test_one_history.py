"""One history per record, whatever was erased stays erased, and joined steps keep every optimistic check."""

import pytest

from leadflow import Company, InvalidError, Person
from leadflow.redaction import REDACTED
from leadflow.stores import ChangeSet, Committed, InMemoryStore, MatchKey, RecordVersion, Stale, match_keys

KEY = MatchKey("account", "domain", "northwind.example")


def problems(call):
    with pytest.raises(InvalidError) as caught:
        call()
    return [problem.path for problem in caught.value.problems]


class TestOneHistory:
    """What is stored is continued, or it is stale: equal version numbers are not enough."""

    def test_another_branch_is_stale(self, things):
        """A version 3 that was never stored is not what a version 4 may follow."""
        store = InMemoryStore()
        first = things.account()
        mine = first.assign("bob", **things.now)
        theirs = first.assign("eve", **things.now)
        store.commit(ChangeSet.new(first))
        assert store.commit(ChangeSet.of((first, theirs))) == Committed()
        assert store.commit(ChangeSet.of((mine, mine.assign("ada", **things.now)))) == Stale(["A-1"])
        assert store.load("A-1") == theirs
        assert store.commit(ChangeSet.of((theirs, theirs.assign("ada", **things.now)))) == Committed()

    def test_equal_records_need_not_be_the_same_object(self, things):
        """A record that was read back is as good as the one that was written."""
        store = InMemoryStore()
        store.commit(ChangeSet.new(things.account()))
        copy = things.account()
        assert store.commit(ChangeSet.of((copy, copy.assign("bob", **things.now)))) == Committed()


class TestErased:
    """What was redacted is nowhere in the store."""

    def test_the_outbox(self, things):
        """Events that were told before are blanked there too; those of others stay."""
        store = InMemoryStore()
        contact, other = things.contact(), things.contact("C-2")
        store.commit(ChangeSet.new(contact, other))
        erased = contact.redact(reason="GDPR", **things.now)
        store.commit(ChangeSet.of((contact, erased)))
        told = {event.id: [e.event for e in store.outbox if e.id == event.id] for event in store.outbox}
        assert tuple(told["C-1"]) == erased.history
        assert tuple(told["C-2"]) == other.history
        assert "Mara" not in str([event.event for event in store.outbox if event.id == "C-1"])

    def test_match_keys(self, things):
        """Two people who were forgotten have nothing in common."""
        records = [things.contact(), things.lead(), things.prospect(), things.entry()]
        assert [match_keys(record.redact(reason="GDPR", **things.now)) for record in records] == [()] * 4
        account = things.account(company=None)
        assert all(key.value != REDACTED for key in match_keys(account.redact(reason="GDPR", **things.now)))


class TestJoinedSteps:
    """`then` forgets no check that either step alone would have had."""

    def test_different_versions_of_what_both_rely_on(self, things):
        """The first version must not be forgotten."""
        account = things.account()
        newer = account.assign("bob", **things.now)
        one = ChangeSet.of((None, things.contact()), relies_on=[account])
        two = ChangeSet.of((None, things.deal()), relies_on=[newer])
        assert problems(lambda: one.then(two)) == ["other.relies_on"]
        same = ChangeSet.of((None, things.deal()), relies_on=[account])
        assert one.then(same).relies_on == (RecordVersion.of(account),)

    def test_a_record_of_another_kind(self, things):
        """Ids are shared by all kinds: a version of another kind is another record."""
        one = ChangeSet.new(things.account("X"))
        two = ChangeSet.of((None, things.contact()), relies_on=[RecordVersion("contact", "X", 1)])
        assert problems(lambda: one.then(two)) == ["other.relies_on"]

    def test_two_that_make_one_company(self, things):
        """Each listed the domain as absent: together they would make two accounts."""
        one, two = (ChangeSet.of((None, things.account(id_)), absent=[KEY]) for id_ in ("A-1", "A-2"))
        assert problems(lambda: one.then(two)) == ["other.absent", "other.writes"]

    def test_either_way(self, things):
        """It is enough that one of them expects it."""
        sure = ChangeSet.of((None, things.account("A-1")), absent=[KEY])
        careless = ChangeSet.new(things.account("A-2"))
        assert problems(lambda: sure.then(careless)) == ["other.writes"]
        assert problems(lambda: careless.then(sure)) == ["other.absent"]

    def test_what_has_another_key_joins(self, things):
        """Also a record that both write, whose key the first made sure of."""
        account = things.account()
        one = ChangeSet.of((None, account), absent=[KEY])
        two = ChangeSet.of((account, account.assign("bob", **things.now)), absent=[KEY])
        other = ChangeSet.new(things.account("A-2", company=Company("Acme", domain="acme.example")))
        assert len(one.then(two).then(other).writes) == 2


class TestPhoneNumbers:
    """A zero in brackets is dialled only inside the country."""

    @pytest.mark.parametrize(
        "phone", ["+49 (0)30 1234567", "0049 ( 0 ) 30/1234567", " +49(0)301234567", "+49 30 1234567"]
    )
    def test_after_a_country_code(self, things, phone):
        """It is no part of the number."""
        contact = things.contact(person=Person("x", phone=phone))
        assert MatchKey("contact", "phone", "49301234567") in match_keys(contact)

    def test_without_one(self, things):
        """It is what the number begins with."""
        contact = things.contact(person=Person("x", phone="(0)30 1234567"))
        assert MatchKey("contact", "phone", "0301234567") in match_keys(contact)
