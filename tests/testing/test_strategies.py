"""What builders make and strategies draw is what hosts expect: legal, storable, of every kind."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadflow.forecasting import Deal
from leadflow.stores import ChangeSet, Committed, InMemoryStore
from leadflow.stores.records import RECORD_TYPES
from leadflow.testing import builders, strategies
from leadflow.testing.comparing import difference

QUICK = settings(max_examples=30, suppress_health_check=list(HealthCheck))
BY_NAME = {
    "account": (builders.an_account, strategies.accounts),
    "contact": (builders.a_contact, strategies.contacts),
    "opportunity": (builders.an_opportunity, strategies.opportunities),
    "prospect": (builders.a_prospect, strategies.prospects),
    "lead": (builders.a_lead, strategies.leads),
    "list entry": (builders.a_list_entry, strategies.list_entries),
}


@pytest.mark.parametrize("kind", RECORD_TYPES, ids=lambda kind: kind.kind)
class TestEveryKind:
    """There is a builder and a strategy for each kind of record."""

    def test_is_built(self, kind):
        """With sane values, under the id given."""
        build, _ = BY_NAME[kind.kind]
        assert type(build()) is kind
        assert build("X-9", owner="bob").owner == "bob"
        assert build("X-9").id == "X-9"

    @QUICK
    @given(data=st.data())
    def test_is_drawn(self, kind, data):
        """Its history replays to the same record, and a store keeps it."""
        _, strategy = BY_NAME[kind.kind]
        record = data.draw(strategy("X-9"))
        assert (type(record), record.id) == (kind, "X-9")
        assert difference(record, kind(record.id, record.history)) is None
        store = InMemoryStore()
        assert store.commit(ChangeSet.new(record)) == Committed()
        assert difference(record, store.load("X-9")) is None


class TestDrawn:
    """What is drawn of several records."""

    @QUICK
    @given(data=st.data())
    def test_change_sets_commit(self, data):
        """On the records that they were drawn for."""
        account, lead = data.draw(strategies.accounts("A-1")), data.draw(strategies.leads("L-1"))
        store = InMemoryStore()
        store.commit(ChangeSet.new(account, lead))
        assert store.commit(data.draw(strategies.change_sets([account, lead]))) == Committed()

    @QUICK
    @given(strategies.deals())
    def test_deals(self, deal):
        """Forecasting takes them."""
        assert isinstance(deal, Deal)

    def test_evidence(self):
        """A judgement on a record names it and its version."""
        lead = builders.a_lead()
        evidence = builders.an_evidence(lead, "undecided")
        assert (evidence.verdict, evidence.subject_id, evidence.subject_version) == ("undecided", "L-1", 1)
