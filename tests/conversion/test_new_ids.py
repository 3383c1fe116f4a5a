"""Ids that are given to new records: one that is in use is refused when planning, or else by the store."""

import pytest

from leadflow import Money, Person
from leadflow.conversion import Applied, Create, DealTerms, FindOrCreate, Refusal
from leadflow.stores import ChangeSet, InMemoryStore, Stale

TERMS = DealTerms(amount=Money("48000", "EUR"))


class Told(InMemoryStore):
    """A store that tells what it was asked."""

    def __init__(self, *records):
        super().__init__()
        if records:
            super().commit(ChangeSet.new(*records))
        self.asked = []
        self.happens = None

    def load(self, id_, /):
        self.asked.append(id_)
        return super().load(id_)

    def commit(self, change_set, /):
        self.asked.append("commit")
        if self.happens is not None:
            happens, self.happens = self.happens, None
            happens()
        return super().commit(change_set)


def taken(refusal):
    assert isinstance(refusal, Refusal), refusal
    return {(reason.path, *reason.ids) for reason in refusal.reasons if reason.code == "id_taken"}


class TestRule04IdsInUse:
    """The id of a new record is one of the expected absences: known to be in use, it is refused on planning."""

    def test_planners_refuse_what_they_know(self, shop):
        """Whatever kind of record has the id, and for what it is wanted."""
        known = (shop.account("X", company=None), shop.contact("Y", person=Person("x"), account_id=None))
        lead = shop.lead()
        assert taken(shop.qualification(lead, "X", known=known)) == {("prospect", "X")}
        assert shop.qualification(lead, "P-1", known=known) == shop.qualification(lead, "P-1")
        prospect = shop.prospect()
        targets = {
            "account": FindOrCreate("Y"),
            "contact": Create("C-1", anyway=True),
            "opportunity": Create("X"),
            "known": known,
        }
        assert taken(shop.conversion(prospect, **targets)) >= {("account", "Y"), ("opportunity", "X")}

    def test_what_a_caller_gives_is_looked_up(self, shop):
        """Nothing is tried that cannot be right: the store is asked, and no commit is made."""
        store = Told(shop.lead(), shop.prospect(), shop.account("A-7", company=None))
        service = shop.service(store)
        new = Create("A-7")
        assert taken(service.qualify("L-1", prospect=new, **shop.later)) == {("prospect", "A-7")}
        assert taken(service.convert("P-1", opportunity=new, terms=TERMS, **shop.later)) == {("opportunity", "A-7")}
        assert taken(service.convert("P-1", account=new, terms=TERMS, **shop.later)) == {("account", "A-7")}
        direct = service.qualify_and_convert("L-1", contact=FindOrCreate("A-7"), terms=TERMS, **shop.later)
        assert taken(direct) == {("contact", "A-7")}
        assert "commit" not in store.asked

    def test_plans_are_looked_up_too(self, shop):
        """A plan names its new ids; one that was given away since is found before anything is tried."""
        lead, prospect = shop.lead(), shop.prospect()
        for plan, path, id_ in (
            (shop.qualification(lead), "prospect", "P-1"),
            (shop.planned(prospect), "opportunity", "O-1"),
        ):
            source = lead if path == "prospect" else prospect
            store = Told(source, shop.account(id_, company=None))
            assert taken(shop.service(store).apply(plan)) == {(path, id_)}
            assert "commit" not in store.asked

    def test_made_ids_are_taken_to_be_new(self, shop):
        """They cost no question to the store; where one is not, the store says so and it is looked up then."""
        store = Told(shop.prospect())
        assert isinstance(shop.service(store).convert("P-1", terms=TERMS, **shop.later), Applied)
        assert store.asked == ["P-1", "commit"]
        store = Told(shop.prospect(), shop.account("A-7", company=None))
        made = {"account": "A-1", "contact": "C-1", "opportunity": "A-7"}
        refusal = shop.service(store, new_id=made.__getitem__).convert("P-1", terms=TERMS, **shop.later)
        assert taken(refusal) == {("opportunity", "A-7")}
        assert store.asked == ["P-1", "commit", "P-1", "A-7"]

    @pytest.mark.parametrize("path", ["account", "contact", "opportunity"])
    def test_an_id_that_is_taken_meanwhile(self, shop, path):
        """Between our look and our commit: the store refuses, we look again, nothing of ours is written."""
        store = Told(shop.prospect())
        rival = shop.account("X", company=None)
        store.happens = lambda: InMemoryStore.commit(store, ChangeSet.new(rival))
        refusal = shop.service(store).convert("P-1", terms=TERMS, **{path: Create("X")}, **shop.later)
        assert taken(refusal) == {(path, "X")}
        assert [record.id for record in store] == ["P-1", "X"]

    def test_an_id_of_a_record_that_nobody_may_see(self, shop):
        """Of another tenant, where ids are unique across tenants: refused with the code, though not whose it is."""

        class Walled(Told):
            def commit(self, change_set, /):
                return Stale([write.id for write in change_set.writes if write.before is None])

        store = Walled()
        InMemoryStore.commit(store, ChangeSet.new(shop.lead()))
        refusal = shop.service(store).qualify("L-1", prospect=Create("X"), **shop.later)
        assert refusal.codes == {"id_taken"}
        assert "'X' must be a new id, got that of a record in the store, 3 times in a row; give another" in str(refusal)

    def test_a_second_click_is_already_converted_and_no_more(self, shop):
        """Without a key, with the same ids: what came of the first is the reason, not the ids that it took."""
        store = Told(shop.prospect())
        targets = {"account": Create("A-1"), "contact": Create("C-1"), "opportunity": Create("O-1")}
        service = shop.service(store)
        assert isinstance(service.convert("P-1", terms=TERMS, **targets, **shop.later), Applied)
        again = service.convert("P-1", terms=TERMS, **targets, **shop.later)
        assert [(reason.code, reason.ids) for reason in again.reasons] == [("already_converted", ("A-1", "C-1", "O-1"))]
