"""What a record's history names: every other record that it ever belonged with."""

import typing
from collections.abc import Iterator
from itertools import count
from typing import Any

import attrs
import pytest

from leadflow import InvalidTypeError, Money, Origin, events
from leadflow.conversion import Applied, ConversionService, DealTerms
from leadflow.stores import ChangeSet, InMemoryStore, linked_ids
from leadflow.testing.builders import AlwaysSays, a_lead, a_list_entry, an_account, an_opportunity, when

TERMS = DealTerms(amount=Money("48000", "EUR"))


def seen_from(store: InMemoryStore, start: str) -> set[str]:
    """Every record that can be reached from one by the ids in histories."""
    found: dict[str, Any] = {}
    waiting = [start]
    while waiting:
        record = store.load(waiting.pop())
        if record is not None and record.id not in found:
            found[record.id] = record
            waiting += linked_ids(record)
    return set(found)


def service(store: InMemoryStore) -> ConversionService:
    """A service that qualifies and converts everybody."""
    numbers = count(1)
    return ConversionService(
        store,
        qualify_with=AlwaysSays(),
        convert_with=AlwaysSays(),
        new_id=lambda kind: f"{kind}-{next(numbers)}",
    )


def id_attributes() -> set[tuple[str, str]]:
    """The attributes of events, and of what is in them, that are declared to be an id of a record."""
    found, looked = set(), set()
    waiting = [getattr(events, name) for name in events.__all__]
    while waiting:
        kind = waiting.pop()
        if not attrs.has(kind) or kind in looked:
            continue
        looked.add(kind)
        for attribute in attrs.fields(kind):
            parts = list(parts_of(attribute.type))
            waiting += [part for part in parts if isinstance(part, type)]
            if any(isinstance(part, typing.NewType) for part in parts):
                found.add((kind.__name__, attribute.name))
    return found


def parts_of(annotation: Any) -> Iterator[Any]:
    """An annotation, and what it is put together from."""
    yield annotation
    for part in typing.get_args(annotation):
        yield from parts_of(part)


class TestNamed:
    """Ids are found wherever an event holds them."""

    def test_former_links_stay(self):
        """Who left the table is told as if they had stayed: each once, in the order in which they came."""
        deal = an_opportunity(origin=Origin.from_prospect("P-1"), account_id="A-1")
        deal = deal.add_role("C-2", "champion", **when()).remove_role("C-2", **when())
        assert linked_ids(deal) == linked_ids(deal.add_role("C-2", "end_user", **when())) == ("P-1", "A-1", "C-2")

    def test_what_was_taken_back_stays(self):
        """The record that a step named is told after the step was taken back."""
        deal = an_opportunity(origin=Origin.from_prospect("P-1"), account_id="A-1").add_role(
            "C-1", "end_user", **when()
        )
        assert linked_ids(deal.undone(deal.version, **when())) == linked_ids(deal)
        assert "C-1" in linked_ids(deal)

    def test_a_campaign_is_no_record(self):
        """A deal names the customer that it comes from, and never a campaign."""
        assert linked_ids(an_opportunity(origin=Origin.from_customer("A-9"), account_id="A-9")) == ("A-9",)
        assert "spring" not in linked_ids(an_opportunity(origin=Origin.from_campaign("spring")))

    def test_an_entry_names_its_lead_and_the_lead_its_entry(self):
        """A list entry and the lead that it became name each other."""
        entry = a_list_entry("N-1")
        assert linked_ids(a_lead("L-1", entry=entry)) == ("N-1",)
        assert linked_ids(entry.became("L-1", **when())) == ("L-1",)

    def test_nothing_to_name(self):
        """A record that belongs with none names none, itself neither."""
        assert linked_ids(an_account()) == ()

    def test_every_id_that_is_declared(self):
        """No event has an attribute of the type of an id that is passed over."""
        declared = id_attributes()
        assert {("LeadQualified", "prospect_id"), ("ContactRole", "contact_id")} <= declared
        assert {name for _, name in declared if not name.endswith(("_id", "_ids"))} <= {"merged_into"}

    @pytest.mark.parametrize("wrong", [None, "L-1", object()])
    def test_no_record(self, wrong: Any):
        """What is no record is refused by name."""
        with pytest.raises(InvalidTypeError, match="linked_ids: record must be a record"):
            linked_ids(wrong)


class TestEveryRecordIsReached:
    """From the record that is found, the histories lead to all others, withdrawn and merged ones included."""

    def test_after_taking_back(self):
        """A lead whose qualification was taken back leads to all that had been made of it."""
        store = InMemoryStore()
        store.commit(ChangeSet.new(a_lead("L-1")))
        written = service(store).qualify_and_convert("L-1", terms=TERMS, **when())
        assert isinstance(written, Applied)
        made = {each.id for each in written.records}
        assert isinstance(service(store).unqualify("L-1", **when(days=1)), Applied)
        assert store.load("L-1").prospect_id is None
        assert seen_from(store, "L-1") == made
        assert len(made) == 5

    def test_after_redacting(self):
        """A redacted record still leads to the others, so that an erasure that broke off can go on."""
        store = InMemoryStore()
        store.commit(ChangeSet.new(a_lead("L-1")))
        service(store).qualify_and_convert("L-1", terms=TERMS, **when())
        lead = store.load("L-1")
        store.commit(ChangeSet.of((lead, lead.redact(reason="GDPR", **when(days=1)))))
        assert len(seen_from(store, "L-1")) == 5

    @pytest.mark.parametrize("apart", [False, True])
    def test_after_merging(self, apart: bool):
        """Of two records that were merged each leads to the other, also after they were taken apart."""
        store = InMemoryStore()
        store.commit(ChangeSet.new(a_lead("L-1"), a_lead("L-2")))
        assert isinstance(service(store).merge(["L-1", "L-2"], **when()), Applied)
        if apart:
            assert isinstance(service(store).unmerge("L-2", **when(days=1)), Applied)
        assert seen_from(store, "L-1") == seen_from(store, "L-2") == {"L-1", "L-2"}
