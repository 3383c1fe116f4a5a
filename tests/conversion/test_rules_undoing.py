"""Rule 19: taking back a conversion, or a qualification."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow import (
    Company,
    Consent,
    ContactRole,
    Engagement,
    InvalidError,
    Money,
    Opportunity,
    Person,
    Prospect,
    Touch,
    pipelines,
)
from leadflow.conversion import (
    SKIP,
    Applied,
    AsyncConversionService,
    ConversionPlan,
    ConversionSettings,
    Create,
    DealTerms,
    Matching,
    Refusal,
    RefusalCode,
    TakenBack,
    UnconversionPlan,
    UnconversionRequest,
    UseExisting,
    plan_merge,
    plan_unconversion,
)
from leadflow.events import Undone, Withdrawn
from leadflow.stores import AsyncInMemoryStore, ChangeSet, InMemoryStore, match_keys

from .conftest import AT, Says, Shop

shop = Shop()
LATER = {"at": AT + timedelta(days=5), "by": "eve"}
TERMS = DealTerms(amount=Money("48000", "EUR"), pipeline=pipelines.SIMPLE)


def state(record: Any) -> dict[str, Any]:
    """Return every field but history and what is derived from it."""
    names = {field.name for field in attrs.fields(type(record))} - {"history", "_changed_at"}
    return {name: getattr(record, name) for name in names}


def made(plan: ConversionPlan[Any]) -> list[Any]:
    return [record for record in (plan.account, plan.contact, plan.opportunity) if record is not None]


def taken_back(record: Any, *known: Any, **changes: Any) -> UnconversionPlan:
    plan = plan_unconversion(record, known=known, **(LATER | changes))
    assert isinstance(plan, UnconversionPlan), plan
    return plan


def refused(record: Any, *known: Any, **changes: Any) -> Refusal:
    refusal = plan_unconversion(record, known=known, **(LATER | changes))
    assert isinstance(refusal, Refusal), refusal
    return refusal


TARGETS = st.tuples(
    st.sampled_from([Create("A-1", anyway=True), UseExisting("A-9")]),
    st.sampled_from([Create("C-1"), SKIP]),
    st.sampled_from([Create("O-1"), UseExisting("O-9"), SKIP]),
)


@st.composite
def prospects(draw: st.DrawFn) -> Prospect:
    """Draw a prospect in any state that can be converted, with anything known or not."""
    person = Person(
        "Mara Okafor",
        email="mara@northwind.example",
        phone=draw(st.sampled_from([None, "+49 30 1234567"])),
        country=draw(st.sampled_from([None, "DE"])),
    )
    lead = shop.lead(
        "L-1",
        person=person,
        company=Company("Northwind", employees=draw(st.sampled_from([None, 7])), industry="freight"),
        campaign=draw(st.sampled_from([None, "spring"])),
        tags=draw(st.sets(st.sampled_from("ab"))),
        fields=draw(st.dictionaries(st.sampled_from("xy"), st.integers(0, 2))),
        estimated_value=draw(st.sampled_from([None, Money("5", "EUR")])),
        consents=draw(st.sampled_from([(), (Consent("email", granted=False, at=AT),)])),
    )
    if draw(st.booleans()):
        lead = lead.touch(Touch("call", at=AT, outcome="held"), **shop.now)
    if draw(st.booleans()):
        lead = lead.discover(need="speed", budget=Money("9", "EUR"), **shop.now)
    prospect = shop.prospect("P-1", lead)
    return prospect.nurture(**shop.later) if draw(st.booleans()) else prospect


class TestRule19Identity:
    """Un-converting after converting is the identity on every field but history, version and updated_at."""

    @given(prospects(), TARGETS)
    def test_every_field_is_what_it_was(self, prospect: Prospect, targets: Any) -> None:
        """Of the prospect, and of what was used, but for consents, which were said; what was made is withdrawn."""
        account, contact, opportunity = targets
        # A deal that is used is with the account that is used.
        there = [shop.account(), shop.deal(account_id="A-9" if isinstance(account, UseExisting) else None)]
        plan = shop.planned(prospect, account=account, contact=contact, opportunity=opportunity, known=there)
        back = taken_back(plan.prospect, *made(plan))
        assert state(back.prospect) == state(prospect)
        for write in back.changes.writes:
            before = {record.id: record for record in (prospect, *there)}.get(write.id)
            if before is None:
                assert write.after.is_withdrawn
                assert match_keys(write.after) == ()
            else:
                heard = {"consents": prospect.consents} if write.id == "O-9" and contact is SKIP else {}
                assert state(write.after) == state(before) | heard

    @given(prospects(), st.integers(1, 4))
    @settings(max_examples=20)
    def test_again_and_again(self, prospect: Prospect, times: int) -> None:
        """Converting again works, under new ids, and leads to the same as the first time, however often."""
        now = prospect
        first = shop.planned(prospect)
        for turn in range(times):
            ids = {"account": Create(f"A-{turn}"), "contact": Create(f"C-{turn}"), "opportunity": Create(f"O-{turn}")}
            plan = shop.planned(now, evidence=shop.judged(now, at=LATER["at"]), **ids, **LATER)
            assert {name for name, value in state(plan.prospect).items() if value != state(first.prospect)[name]} <= {
                "account_id",
                "contact_id",
                "opportunity_ids",
                "evidence",
            }
            now = taken_back(plan.prospect, *made(plan)).prospect
            assert state(now) == state(prospect)
            assert state(Prospect(now.id, now.history)) == state(now)
            assert state(now.compacted()) == state(now)
        assert len(now.history) == len(prospect.history) + 2 * times

    @pytest.mark.parametrize("status", ["new", "working", "nurturing"])
    def test_a_lead_in_whatever_status(self, status: str) -> None:
        """Taking back a qualification restores the lead as it was; the prospect is withdrawn."""
        lead = shop.lead("L-1", campaign="x")
        if status == "working":
            lead = lead.touch(Touch("call", at=AT, outcome="held"), **shop.now)
        if status == "nurturing":
            lead = lead.nurture(revisit_on=AT.date(), **shop.now)
        q = shop.qualification(lead)
        back = taken_back(q.lead, q.prospect)
        assert state(back.lead) == state(lead)
        assert back.lead.status == status
        assert back.prospect.status == "withdrawn"
        again = shop.qualification(back.lead, "P-2", evidence=shop.judged(back.lead, at=LATER["at"]), **LATER)
        assert again.lead.prospect_id == "P-2"

    def test_the_direct_path(self) -> None:
        """Of a lead that went all the way, everything is taken back in one commit."""
        lead = shop.rich_lead()
        q = shop.qualification(lead)
        c = shop.planned(q.prospect)
        back = taken_back(q.lead, c.prospect, *made(c))
        assert state(back.lead) == state(lead)
        assert back.prospect.status == "withdrawn"
        assert [record.is_withdrawn for record in (back.account, back.contact, back.opportunity)] == [True] * 3
        kinds = [type(event.event).__name__ for event in back.changes.events]
        assert kinds == ["Withdrawn", "Withdrawn", "Withdrawn", "Undone", "Withdrawn", "Undone"]

    def test_it_leaves_a_trace(self) -> None:
        """Every record keeps what happened, the undoing with who, when and why."""
        c = shop.planned(shop.prospect())
        back = taken_back(c.prospect, *made(c), note="wrong company")
        trace = back.prospect.history[-1]
        assert trace == Undone(versions=(2,), note="wrong company", **LATER)
        assert back.opportunity.history[-1] == Withdrawn(note="wrong company", **LATER)
        assert back.prospect.as_of(AT + timedelta(days=4)).is_converted
        assert back.prospect.to_rows()[-1]["details"] == "versions: 2; note: wrong company"

    def test_what_was_said_since_stays(self) -> None:
        """Engagements, discoveries, consents and an owner that came after the conversion are kept."""
        before = shop.prospect()
        c = shop.planned(before)
        call, no = Engagement("call", at=AT), Consent("email", granted=False, at=AT)
        since = c.prospect.engage(call, **LATER).record_consent(no, **LATER).assign("bo", **LATER)
        back = taken_back(since, *made(c)).prospect
        assert call in back.engagements
        assert back.consents == (no,)
        assert back.owner == "bo"
        assert not back.is_converted

    def test_what_was_erased_since_stays_erased(self) -> None:
        """Erasing a person is no move that stands in the way, and is not taken back."""
        first = shop.qualification(shop.lead("L-1"))
        plan = shop.planned(first.prospect)
        records = (*made(plan), plan.prospect, first.lead)
        *erased, lead = [record.redact(reason="GDPR Art. 17", **shop.later) for record in records]
        back = taken_back(lead, *erased)
        assert (back.lead.status, back.prospect.status) == ("new", "withdrawn")
        assert back.contact.is_withdrawn
        for record in (back.lead, back.prospect, back.contact):
            assert "Mara" not in repr(record.history)


class TestRule19WhatWasUsed:
    """Records that were there before the conversion go on."""

    def test_what_was_filled_in_is_taken_out(self) -> None:
        """As long as they have not moved since; consents stay, since they were said."""
        account, contact = shop.account(), shop.contact(person=Person("M. Okafor", email="mara@northwind.example"))
        no = Consent("email", granted=False, at=AT)
        prospect = shop.prospect("P-1", shop.lead("L-1", consents=[no]))
        plan = shop.planned(prospect, account=UseExisting("A-9"), contact=UseExisting("C-9"), known=[account, contact])
        assert plan.account.company.employees == 420
        back = taken_back(plan.prospect, *made(plan))
        assert state(back.account) == state(account)
        assert back.contact.person == contact.person
        assert back.contact.consents == (no,)
        assert not back.contact.is_withdrawn

    def test_an_account_that_moved_keeps_it(self) -> None:
        """It has a life of its own: it stays as it is, and the plan warns."""
        account = shop.account()
        plan = shop.planned(shop.prospect(), account=UseExisting("A-9"), known=[account])
        moved = plan.account.assign("bo", **LATER)
        back = taken_back(plan.prospect, moved, plan.contact, plan.opportunity)
        assert back.account is None
        assert "A-9" not in [write.id for write in back.changes.writes]
        [warning] = back.warnings
        assert (warning.code, warning.ids) == (RefusalCode.MOVED, ("A-9",))

    def test_a_deal_that_moved_stands_in_the_way(self) -> None:
        """A deal that went on with what was filled in may rest on it."""
        account, deal = shop.account(), shop.deal()
        plan = shop.planned(
            shop.prospect(), account=UseExisting("A-9"), opportunity=UseExisting("O-9"), known=[account, deal]
        )
        moved = plan.opportunity.move_to("proposal", **LATER)
        refusal = refused(plan.prospect, plan.account, plan.contact, moved)
        assert refusal.because(RefusalCode.MOVED).ids == ("O-9",)

    def test_used_as_it_was(self) -> None:
        """What the conversion did not change is not changed by taking it back, whatever happened to it."""
        account = shop.account(
            company=Company("Northwind", employees=420, country="DE"), source="website", campaign="x"
        )
        prospect = shop.prospect("P-1", shop.lead("L-1"))
        plan = shop.planned(prospect, account=UseExisting("A-9"), known=[account])
        assert plan.account is account
        back = taken_back(plan.prospect, account.assign("bo", **LATER), plan.contact, plan.opportunity)
        assert back.account is None
        assert not back.warnings


class TestRule19Refusals:
    """While something downstream has moved it is refused, with the list of what moved."""

    def test_what_moved(self) -> None:
        """Every record that did, with the kinds of event, at once."""
        c = shop.planned(shop.prospect())
        deal = c.opportunity.move_to("proposal", **LATER).win(**LATER)
        refusal = refused(c.prospect, c.account.assign("bo", **LATER), c.contact, deal)
        assert [(reason.path, reason.ids) for reason in refusal.reasons] == [
            ("opportunity", ("O-1",)),
            ("account", ("A-1",)),
        ]
        assert refusal.reasons[0].message == "opportunity 'O-1' has moved since: StageChanged, OpportunityWon"

    def test_what_hangs_on_it(self) -> None:
        """Another contact, deal or prospect with what would be withdrawn stands in the way."""
        c = shop.planned(shop.prospect())
        other = shop.planned(
            shop.prospect("P-2", shop.lead("L-2", person=Person("Bo", email="bo@northwind.example"))),
            account=UseExisting("A-1"),
            contact=Create("C-2"),
            opportunity=Create("O-2"),
            known=made(c),
        )
        assert other.account is not None
        hanging = refused(c.prospect, *made(c), other.contact, other.opportunity, other.prospect)
        assert [reason.ids for reason in hanging.reasons] == [("C-2", "A-1"), ("O-2", "A-1"), ("P-2", "A-1")]
        gone = [record.withdraw(**LATER) for record in (other.contact, other.opportunity)]
        assert taken_back(c.prospect, *made(c), *gone)

    def test_a_prospect_that_moved(self) -> None:
        """A lead's qualification stands while anything happened to the prospect."""
        q = shop.qualification(shop.lead("L-1"))
        moved = q.prospect.disqualify("poor_fit", **LATER)
        assert "Disqualified" in refused(q.lead, moved).because(RefusalCode.MOVED).message
        assert refused(q.lead).because(RefusalCode.UNKNOWN_RECORD).ids == ("P-1",)

    def test_unknown_records(self) -> None:
        """What the conversion wrote must be known; all that is missing is named."""
        c = shop.planned(shop.prospect())
        refusal = refused(c.prospect, c.account)
        assert [reason.ids for reason in refusal.reasons] == [("O-1",), ("C-1",)]

    def test_nothing_to_take_back(self) -> None:
        """A prospect that was not converted, a lead that was not qualified, one that was taken back before."""
        assert refused(shop.prospect()).codes == {RefusalCode.NOT_CONVERTED}
        assert refused(shop.lead()).codes == {RefusalCode.NOT_CONVERTED}
        c = shop.planned(shop.prospect())
        back = taken_back(c.prospect, *made(c))
        assert refused(back.prospect).codes == {RefusalCode.NOT_CONVERTED}

    def test_no_history(self) -> None:
        """Who keeps no history, or imported the record, cannot go back; nor where an old event says too little."""
        c = shop.planned(shop.prospect())
        assert refused(c.prospect.compacted(), *made(c)).codes == {RefusalCode.NO_HISTORY}
        q = shop.qualification(shop.lead("L-1"))
        assert refused(q.lead.compacted(), q.prospect).codes == {RefusalCode.NO_HISTORY}
        old = attrs.evolve(c.prospect.history[-1], wrote=())
        before = Prospect(c.prospect.id, (*c.prospect.history[:-1], old))
        assert refused(before, *made(c)).codes == {RefusalCode.NO_HISTORY}

    def test_compacted_records_that_were_made(self) -> None:
        """They can be withdrawn if nothing was folded in beside what the conversion wrote."""
        c = shop.planned(shop.prospect())
        assert taken_back(c.prospect, *(record.compacted() for record in made(c)))
        moved = c.account.assign("bo", **LATER).compacted()
        assert refused(c.prospect, moved, c.contact, c.opportunity).codes == {RefusalCode.MOVED}

    def test_ended(self) -> None:
        """A merged or withdrawn prospect is not what to take back."""
        gone = shop.prospect().withdraw(**LATER)
        assert refused(gone).codes == {RefusalCode.WITHDRAWN}
        one = plan_merge([shop.prospect("P-1"), shop.prospect("P-2")], **LATER)
        assert refused(one.merged[0]).because(RefusalCode.MERGED).ids == ("P-1",)

    def test_a_merge_since(self) -> None:
        """It is taken apart first."""
        c = shop.planned(shop.prospect())
        plan = plan_merge([c.prospect, shop.prospect("P-2")], known=[c.contact], **LATER)
        refusal = refused(plan.survivor, *made(c))
        assert refusal.because(RefusalCode.MOVED).message.endswith("un-merge 'P-2' first")

    def test_the_last_conversion_first(self) -> None:
        """Of two, each call takes the last back; of a lead, both at once."""
        q = shop.qualification(shop.lead("L-1"))
        one = shop.planned(q.prospect)
        two = shop.planned(
            one.prospect,
            another="second line",
            override="known",
            account=UseExisting("A-1"),
            contact=UseExisting("C-1"),
            opportunity=Create("O-2"),
            terms=attrs.evolve(TERMS, product_interest=["switch"]),
            known=made(one),
        )
        known = {record.id: record for record in (*made(one), *made(two))}.values()
        back = taken_back(two.prospect, *known)
        assert back.opportunity.id == "O-2"
        assert state(back.prospect) == state(one.prospect)
        first = taken_back(back.prospect, *made(one))
        assert state(first.prospect) == state(q.prospect)
        everything = taken_back(q.lead, two.prospect, *known)
        assert everything.prospect.status == "withdrawn"
        assert {write.id for write in everything.changes.writes} == {"A-1", "C-1", "O-1", "O-2", "P-1", "L-1"}

    def test_bad_input(self) -> None:
        """All problems at once, each with its path."""
        with pytest.raises(InvalidError) as caught:
            plan_unconversion(shop.account(), known=[5], note=7, key="k")
        assert {problem.path for problem in caught.value.problems} == {"record", "known[0]", "note", "at", "key"}
        with pytest.raises(InvalidError, match="step is unknown"):
            UnconversionRequest(step="merge", id="P-1")

    def test_a_plan_is_a_value(self) -> None:
        """Planning twice gives equal plans; it shows itself escaped."""
        c = shop.planned(shop.prospect())
        plan = taken_back(c.prospect, *made(c), note="<script>")
        assert plan == taken_back(c.prospect, *made(c), note="<script>")
        assert plan.request.fingerprint == UnconversionRequest(step=TakenBack.CONVERSION, id="P-1").fingerprint
        assert str(plan).startswith("take back the conversion of prospect 'P-1':\n  change account 'A-1'")
        assert "<script" not in plan._repr_html_()


def a_deal(what: str, id_: str, **changes: Any) -> Opportunity:
    if what == "account":
        return shop.deal("zz", account_id=id_, **changes)
    return shop.deal("zz", account_id=None, contact_roles=(ContactRole(id_, primary=True),), **changes)


def a_prospect(what: str, id_: str) -> Prospect:
    named: Any = {"opportunity_ids": [id_]} if what == "opportunity" else {f"{what}_id": id_}
    return Prospect.imported("zz", **named, **shop.now)


HANGING: dict[str, Callable[[str, str], Any]] = {
    "open deal": a_deal,
    "deal about something else": lambda what, id_: a_deal(what, id_, product_interest=["switch"]),
    "won deal": lambda what, id_: a_deal(what, id_).win(**shop.now),
    "contact": lambda _, id_: shop.contact("zz", person=Person("Z"), account_id=id_),
    "prospect": a_prospect,
    "disqualified prospect": lambda what, id_: a_prospect(what, id_).disqualify("poor_fit", **shop.now),
}
NAMING = [
    *(("account", kind) for kind in HANGING),
    *(("contact", kind) for kind in HANGING if kind != "contact"),
    *(("opportunity", kind) for kind in HANGING if kind.endswith("prospect")),
]


class TestRule19Service:
    """The service loads what came of it, takes it back in one commit, and can go the same way again."""

    def stocked(self, **changes: Any) -> tuple[Any, InMemoryStore]:
        store = InMemoryStore()
        store.commit(ChangeSet.new(shop.lead("L-1", **changes)))
        return shop.service(store), store

    def test_convert_unconvert_convert(self) -> None:
        """Every field is what it was; the same call under a new key converts again."""
        service, store = self.stocked()
        made = service.qualify("L-1", **shop.later)
        prospect_id = made.id_of("prospect")
        before = store.load(prospect_id)
        first = service.convert(prospect_id, terms=TERMS, key="one", **shop.later)
        assert isinstance(first, Applied)
        assert not isinstance(service.unconvert(prospect_id, note="wrong", **LATER), Refusal)
        assert state(store.load(prospect_id)) == state(before)
        assert store.load(first.id_of("opportunity")).is_withdrawn
        again = service.convert(prospect_id, terms=TERMS, key="two", **LATER)
        assert again.id_of("account") != first.id_of("account")

    def test_the_key_of_what_was_taken_back(self) -> None:
        """A late retry gets what was written then and converts nothing: whoever took it back had the last word."""
        service, store = self.stocked()
        prospect_id = service.qualify("L-1", **shop.later).id_of("prospect")
        first = service.convert(prospect_id, terms=TERMS, key="one", **shop.later)
        service.unconvert(prospect_id, **LATER)
        size = len(store)
        retry = service.convert(prospect_id, terms=TERMS, key="one", **LATER)
        assert retry == first
        assert retry.is_repeat
        assert len(store) == size
        assert not store.load(prospect_id).is_converted

    def test_unqualify(self) -> None:
        """All that came of a lead, in one commit; a key of its own; then the lead can go again."""
        service, store = self.stocked()
        before = store.load("L-1")
        service.qualify_and_convert("L-1", terms=TERMS, **shop.later)
        back = service.unqualify("L-1", key="u", **LATER)
        assert state(store.load("L-1")) == state(before)
        assert service.unqualify("L-1", key="u", **LATER) == back
        assert service.unqualify("L-1", **LATER).codes == {RefusalCode.NOT_CONVERTED}
        assert isinstance(service.qualify_and_convert("L-1", terms=TERMS, **LATER), Applied)

    @pytest.mark.parametrize(("what", "kind"), NAMING)
    def test_what_hangs_on_it_is_found(self, what: str, kind: str) -> None:
        """Nothing is withdrawn under a record that names it: open or closed, whatever it is about, whoever made it."""
        service, store = self.stocked()
        done = service.qualify_and_convert("L-1", terms=TERMS, **shop.later)
        there = HANGING[kind](what, done.id_of(what))
        store.commit(ChangeSet.new(there))
        for refusal in (service.unconvert(done.id_of("prospect"), **LATER), service.unqualify("L-1", **LATER)):
            assert refusal.because(RefusalCode.MOVED).ids == (there.id, done.id_of(what))
        assert not store.load(done.id_of(what)).is_withdrawn

    def test_what_another_conversion_uses(self) -> None:
        """An account that a second prospect was converted to, and filled nothing in of, stays; and its contact too."""
        service, store = self.stocked()
        first = service.qualify_and_convert("L-1", terms=attrs.evolve(TERMS, product_interest=["a"]), **shop.later)
        account, contact = first.id_of("account"), first.id_of("contact")
        person = Person("Bo Li", email="bo@northwind.example")
        store.commit(ChangeSet.new(shop.lead("L-2", person=person), shop.lead("L-3")))
        other = service.qualify_and_convert("L-2", terms=attrs.evolve(TERMS, product_interest=["b"]), **shop.later)
        same = service.qualify_and_convert(
            "L-3", account=UseExisting(account), contact=UseExisting(contact), opportunity=SKIP, **shop.later
        )
        assert store.load(account).version == store.load(contact).version == 1
        refusal = service.unconvert(first.id_of("prospect"), **LATER)
        assert [reason.ids for reason in refusal.reasons] == [
            (other.id_of("contact"), account),
            (other.id_of("opportunity"), account),
            (other.id_of("prospect"), account),
            (same.id_of("prospect"), account, contact),
        ]
        assert isinstance(service.unconvert(other.id_of("prospect"), **LATER), Applied)
        assert isinstance(service.unconvert(same.id_of("prospect"), **LATER), Applied)
        assert isinstance(service.unconvert(first.id_of("prospect"), **LATER), Applied)

    def test_a_deal_that_is_used(self) -> None:
        """A deal that a second prospect joined, and brought nothing to, is not withdrawn under it."""
        service, store = self.stocked()
        first = service.qualify_and_convert("L-1", terms=TERMS, **shop.later)
        ids = {kind: UseExisting(first.id_of(kind)) for kind in ("account", "contact", "opportunity")}
        store.commit(ChangeSet.new(shop.lead("L-2")))
        second = service.qualify_and_convert("L-2", **ids, **shop.later)
        assert store.load(first.id_of("opportunity")).version == 1
        refusal = service.unconvert(first.id_of("prospect"), **LATER)
        assert first.id_of("opportunity") in refusal.because(RefusalCode.MOVED).ids
        assert isinstance(service.unconvert(second.id_of("prospect"), **LATER), Applied)
        assert isinstance(service.unconvert(first.id_of("prospect"), **LATER), Applied)

    def test_however_few_records_are_looked_at(self) -> None:
        """What the conversion itself made does not crowd out of the list what hangs on it."""
        store = InMemoryStore()
        store.commit(ChangeSet.new(shop.lead("L-1")))
        service = shop.service(store, settings=ConversionSettings(matching=Matching(max_hits=1)))
        done = service.qualify_and_convert("L-1", terms=TERMS, **shop.later)
        account = done.id_of("account")
        store.commit(ChangeSet.new(shop.contact("zz", person=Person("Z"), account_id=account)))
        assert service.unconvert(done.id_of("prospect"), **LATER).because(RefusalCode.MOVED).ids == ("zz", account)

    @pytest.mark.parametrize("kind", HANGING)
    def test_what_comes_to_hang_on_it_meanwhile(self, kind: str) -> None:
        """An account is not withdrawn under what somebody makes with it between planning and writing."""

        class Busy(InMemoryStore):
            late: Any = None

            def commit(self, change_set: ChangeSet, /) -> Any:
                if self.late is not None:
                    super().commit(ChangeSet.new(self.late))
                    self.late = None
                return super().commit(change_set)

        store = Busy()
        store.commit(ChangeSet.new(shop.lead("L-1")))
        service = shop.service(store)
        done = service.qualify_and_convert("L-1", terms=TERMS, **shop.later)
        account = done.id_of("account")
        store.late = HANGING[kind]("account", account)
        refusal = service.unconvert(done.id_of("prospect"), **LATER)
        assert refusal.because(RefusalCode.MOVED).ids[1:] == (account,)
        assert not store.load(account).is_withdrawn

    def test_unknown(self) -> None:
        """Nothing, or another kind of record, under the id."""
        service, _ = self.stocked()
        assert service.unconvert("L-1", **LATER).codes == {RefusalCode.UNKNOWN_RECORD}
        assert service.unqualify("P-7", **LATER).codes == {RefusalCode.UNKNOWN_RECORD}
        with pytest.raises(InvalidError) as caught:
            service.unconvert(5, key=5, nope=1)
        assert {problem.path for problem in caught.value.problems} == {"id", "key", "nope", "at"}

    def test_apply(self) -> None:
        """A plan is written unless something moved meanwhile."""
        service, store = self.stocked()
        prospect_id = service.qualify("L-1", **shop.later).id_of("prospect")
        made = service.convert(prospect_id, terms=TERMS, **shop.later)
        known = [store.load(record.id) for record in made.records]
        plan = taken_back(store.load(prospect_id), *(record for record in known if record.id != prospect_id))
        moved = plan.changes.writes[2].before
        store.commit(ChangeSet.of((moved, moved.assign("bo", **shop.later))))
        assert service.apply(plan).codes == {RefusalCode.MOVED}

    def test_asynchronously(self) -> None:
        """The same on an asynchronous store."""

        async def story() -> None:
            store = AsyncInMemoryStore()
            numbers = iter(range(99))
            service = AsyncConversionService(
                store, qualify_with=Says(), convert_with=Says(), new_id=lambda kind: f"{kind}-{next(numbers)}"
            )
            for id_ in ("L-1", "L-2"):
                await store.commit(ChangeSet.new(shop.lead(id_)))
            assert isinstance(await service.merge(["L-2", "L-1"], **LATER), Applied)
            assert isinstance(await service.unmerge("L-2", **LATER), Applied)
            made = await service.qualify_and_convert("L-1", terms=TERMS, **LATER)
            assert isinstance(made, Applied)
            assert isinstance(await service.unconvert(made.id_of("prospect"), **LATER), Applied)
            assert isinstance(await service.unqualify("L-1", **LATER), Applied)
            assert store.sync.load("L-1").status == "new"

        asyncio.run(story())
