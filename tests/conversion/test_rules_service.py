"""Rules 2 to 4 and 23's half of them: all or nothing, idempotent, optimistic, under concurrency; the services."""

import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import Account, Company, Contact, InvalidError, Lead, Money, Opportunity, Person, Prospect, pipelines
from leadflow.conversion import (
    SKIP,
    Applied,
    AsyncConversionService,
    ConversionPlan,
    ConversionRequest,
    ConversionService,
    Create,
    DealTerms,
    FindOrCreate,
    QualificationPlan,
    QualificationRequest,
    Refusal,
    UseExisting,
)
from leadflow.conversion.requests import fingerprint
from leadflow.errors import KeyConflictError
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
)

TERMS = DealTerms(amount=Money("48000", "EUR"))


def stored(*records):
    store = InMemoryStore()
    if records:
        store.commit(ChangeSet.new(*records))
    return store


def state(store):
    return {record.id: record for record in store}, store.outbox


class FaultyError(Exception):
    """What a database raises."""


class Wrapped:
    """A store with something done before each call; what a fake database does to us."""

    def __init__(self, inner, before):
        self.inner, self.before = inner, before

    def load(self, id_, /):
        self.before("load", id_)
        return self.inner.load(id_)

    def candidates(self, keys, limit):
        self.before("candidates", keys)
        return self.inner.candidates(keys, limit)

    def receipt(self, key, /):
        self.before("receipt", key)
        return self.inner.receipt(key)

    def commit(self, change_set, /):
        instead = self.before("commit", change_set)
        return self.inner.commit(change_set) if instead is None else instead


class TestService:
    """Each method loads, judges, plans, commits and says what was written."""

    def test_step_by_step(self, shop):
        """Qualify, then convert; ids come from the host."""
        store = stored(shop.lead())
        service = shop.service(store)
        first = service.qualify("L-1", **shop.later)
        assert first.records == (RecordVersion("prospect", "prospect-1", 1), RecordVersion("lead", "L-1", 2))
        second = service.convert(first.id_of("prospect"), terms=TERMS, **shop.later)
        assert [record.kind for record in second.records] == ["account", "contact", "opportunity", "prospect"]
        deal = store.load(second.id_of("opportunity"))
        assert (deal, second.plans[0].opportunity) == (second.plans[0].opportunity, deal)
        assert (first.is_repeat, second.id_of("lead")) == (False, None)

    def test_in_one_go(self, shop):
        """The direct path is one commit with both policies."""
        store = stored(shop.lead())
        done = shop.service(store).qualify_and_convert("L-1", terms=TERMS, **shop.later)
        assert [record.kind for record in done.records] == ["account", "contact", "opportunity", "prospect", "lead"]
        assert [type(plan) for plan in done.plans] == [QualificationPlan, ConversionPlan]
        assert store.load("L-1").prospect_id == done.id_of("prospect")
        assert len(store.outbox) == 7

    def test_the_planners_targets_and_options(self, shop):
        """Everything a planner takes can be said, and reaches it."""
        store = stored(shop.lead(), shop.account(), shop.contact())
        service = shop.service(store)
        done = service.qualify_and_convert(
            "L-1",
            prospect=Create("P-1"),
            account=UseExisting("A-9"),
            contact=UseExisting("C-9"),
            opportunity=Create("O-1"),
            terms=TERMS,
            owner="bob",
            override="known",
            **shop.later,
        )
        assert [record.id for record in done.records] == ["A-9", "C-9", "O-1", "P-1", "L-1"]
        more = service.convert(
            "P-1", account=UseExisting("A-9"), contact=SKIP, opportunity=SKIP, another="again", **shop.later
        )
        assert more.records == (RecordVersion("prospect", "P-1", 3),)
        assert store.load("O-1").owner == "bob"

    def test_refusals_of_the_planners_come_back(self, shop):
        """As they are; nothing is written."""
        store = stored(shop.lead())
        no, yes = shop.says("not_qualified"), shop.says()
        before = state(store)
        for options in ({"qualify_with": no, "convert_with": yes}, {"qualify_with": yes, "convert_with": no}):
            refusal = shop.service(store, **options).qualify_and_convert("L-1", terms=TERMS, **shop.later)
            assert refusal.codes == {"not_qualified"}
        assert shop.service(store, qualify_with=no).qualify("L-1", **shop.later).codes == {"not_qualified"}
        assert state(store) == before

    @pytest.mark.parametrize("method", ["qualify", "convert", "qualify_and_convert"])
    def test_what_is_not_there(self, shop, method):
        """Also what is there and of another kind: a refusal that says so."""
        service = shop.service(stored(shop.account()))
        for id_, got in (("X", "nothing"), ("A-9", "account 'A-9'")):
            refusal = getattr(service, method)(id_, **shop.later)
            assert refusal.codes == {"unknown_record"}
            assert f"got {got} for {id_!r}" in str(refusal)

    def test_records_that_are_named_and_missing(self, shop):
        """An existing record that does not exist is refused, not made."""
        store = stored(shop.prospect())
        refusal = shop.service(store).convert("P-1", account=UseExisting("A-404"), terms=TERMS, **shop.later)
        assert refusal.because("unknown_record").ids == ("A-404",)

    def test_open_deals_are_found(self, shop):
        """The service asks for what the planner wants to know: the account, then its open deals."""
        store = stored(shop.prospect(lead=shop.rich_lead()), shop.account(), shop.deal(product_interest=["router"]))
        done = shop.service(store).convert("P-1", terms=TERMS, **shop.later)
        assert done.plans[0].warnings[0].ids == ("O-9",)

    def test_the_account_of_a_known_contact_is_found(self, shop):
        """Somebody known by address brings their account, which is loaded."""
        person = Person("Jo Doe", email="jo@gmail.com")
        store = stored(
            shop.prospect(person=person, company=None), shop.account(company=None), shop.contact(person=person)
        )
        done = shop.service(store).convert("P-1", terms=TERMS, **shop.later)
        assert done.id_of("opportunity") is not None
        assert {"A-9", "C-9"} == {record.id for record in (*store.all(Account), *store.all(Contact))}

    def test_parts_are_checked(self, shop):
        """All problems at once."""
        with pytest.raises(InvalidError) as caught:
            ConversionService(None, qualify_with="icp", convert_with=None, new_id=None, settings={}, attempts=0)
        paths = [problem.path for problem in caught.value.problems]
        assert paths == ["store", "qualify_with", "convert_with", "new_id", "settings", "attempts"]

    @pytest.mark.parametrize(
        ("call", "paths"),
        [
            (
                lambda s: s.qualify("", key="", override="x", prospect="P", at=3),
                {"key", "at", "by", "lead_id", "prospect"},
            ),
            (
                lambda s: s.convert("", key=3, account="A", terms="x", another="", att=3),
                {"key", "at", "att", "prospect_id", "account", "terms", "another"},
            ),
            (
                lambda s: s.qualify_and_convert("", key=3, prospect="P", contact="C", owner=3),
                {"key", "at", "lead_id", "prospect", "contact", "owner"},
            ),
            (lambda s: s.apply("plan", key=""), {"plan", "key"}),
        ],
    )
    def test_arguments_are_checked(self, shop, call, paths):
        """All problems at once, each once."""
        with pytest.raises(InvalidError) as caught:
            call(shop.service())
        found = [problem.path for problem in caught.value.problems]
        assert set(found) == paths
        assert len(found) == len(set(found))

    def test_ids_that_are_none(self, shop):
        """A source of ids that gives no id is found out."""
        with pytest.raises(
            InvalidError, match=r"new_id\('prospect'\) must return a new id, a str .*, got 7 from <function"
        ):
            shop.service(stored(shop.lead()), new_id=lambda kind: 7).qualify("L-1", **shop.later)
        with pytest.raises(InvalidError, match=r"new_id\('prospect'\) must return a new id"):
            shop.service(stored(shop.lead()), new_id=lambda kind: 7).qualify_and_convert("L-1", **shop.later)


class TestRule01ApplyingPlans:
    """A plan is applied if planning again on fresh records gives the same."""

    def test_applied_as_shown(self, shop):
        """Both kinds of plan."""
        store = stored(shop.lead())
        service = shop.service(store)
        first = shop.qualification(shop.lead())
        assert service.apply(first) == Applied(first.changes.versions)
        second = shop.planned(first.prospect)
        assert service.apply(second, key="k").plans == (second,)
        assert service.apply(second, key="k").is_repeat

    def test_edited_plans_are_caught(self, shop):
        """Whatever was changed in it."""
        store = stored(shop.lead())
        service = shop.service(store)
        plan = shop.qualification(shop.lead())
        edited = attrs.evolve(plan, changes=ChangeSet.new(shop.account()))
        assert service.apply(edited).codes == {"plan_changed"}
        assert len(store) == 1

    def test_stale_plans_are_caught(self, shop):
        """The source changed: the evidence is outdated; a match appeared: there is a duplicate."""
        lead = shop.lead()
        store = stored(lead)
        plan = shop.qualification(lead)
        store.commit(ChangeSet.of((lead, lead.assign("bob", **shop.now))))
        assert shop.service(store).apply(plan).codes == {"outdated_evidence"}
        prospect = shop.prospect()
        store = stored(prospect, shop.account())
        assert shop.service(store).apply(shop.planned(prospect)).codes == {"duplicate"}
        account = shop.account(company=None)
        plan = shop.planned(prospect, account=UseExisting("A-9"), known=(account,))
        store = stored(prospect, account.assign("bob", **shop.now))
        assert shop.service(store).apply(plan).codes == {"plan_changed"}

    def test_what_is_gone(self, shop):
        """A plan for records of another store is refused."""
        first = shop.qualification(shop.lead())
        for plan in (first, shop.planned(first.prospect)):
            assert shop.service().apply(plan).codes == {"unknown_record"}


class TestRule02AllOrNothing:
    """Whatever fails, and when: the store is as before, and a retry succeeds."""

    @given(st.integers(0, 5), st.sampled_from(["load", "candidates", "receipt", "commit"]))
    def test_faults_of_the_store(self, shop, nth, method):
        """An exception at any call leaves nothing behind and passes through."""
        inner = stored(shop.lead())
        calls = []

        def fault(name, _):
            calls.append(name)
            if name == method and calls.count(name) == nth + 1:
                raise FaultyError

        before = state(inner)
        service = shop.service(Wrapped(inner, fault))
        try:
            done = service.qualify_and_convert("L-1", terms=TERMS, key="k", **shop.later)
        except FaultyError:
            assert state(inner) == before
            done = service.qualify_and_convert("L-1", terms=TERMS, key="k", **shop.later)
        assert isinstance(done, Applied)
        assert (len(inner), len(inner.outbox)) == (5, 7)

    def test_a_lost_answer(self, shop):
        """Committed, but nobody heard: the retry gets the result, and nothing is made twice."""
        inner = stored(shop.lead())
        lost = []

        def lose(name, argument):
            if name == "commit" and not lost:
                lost.append(inner.commit(argument))
                raise FaultyError

        service = shop.service(Wrapped(inner, lose))
        with pytest.raises(FaultyError):
            service.qualify_and_convert("L-1", terms=TERMS, key="k", **shop.later)
        again = service.qualify_and_convert("L-1", terms=TERMS, key="k", **shop.later)
        assert again.is_repeat
        assert (len(inner.all(Account)), len(inner.all(Opportunity))) == (1, 1)


class TestRule03Idempotent:
    """Same key and same request: the stored result; same key, other request: an error."""

    def test_the_stored_result(self, shop):
        """Equal to the first, also days later and by somebody else."""
        store = stored(shop.lead())
        service = shop.service(store)
        calls = {
            "qualify": (lambda **o: service.qualify("L-1", **o)),
            "convert": (lambda **o: service.convert(store.all(Prospect)[0].id, terms=TERMS, **o)),
        }
        for name, call in calls.items():
            first = call(key=name, **shop.later)
            again = call(key=name, at=shop.at + timedelta(days=30), by="bob")
            assert first == again
            assert (first.is_repeat, again.is_repeat, again.plans) == (False, True, ())
        assert (len(store), len(store.outbox)) == (5, 7)

    def test_the_key_is_looked_up_first(self, shop):
        """A retry neither loads nor judges anything: what has become of the records since cannot disturb it."""
        calls = []
        service = shop.service(Wrapped(stored(shop.lead()), lambda name, _: calls.append(name)))
        service.qualify("L-1", key="k", **shop.later)
        assert calls == ["receipt", "load", "commit"]
        calls.clear()
        assert service.qualify("L-1", key="k", **shop.later).is_repeat
        assert calls == ["receipt"]

    def test_another_request(self, shop):
        """Other source, terms or method under the key: an error, and nothing is written."""
        store = stored(shop.lead(), shop.lead("L-2"))
        service = shop.service(store)
        service.qualify("L-1", key="k", **shop.later)
        before = state(store)
        for call in (
            lambda: service.qualify("L-2", key="k", **shop.later),
            lambda: service.qualify("L-1", key="k", owner="bob", **shop.later),
            lambda: service.qualify_and_convert("L-1", key="k", **shop.later),
            lambda: service.convert("L-1", key="k", **shop.later),
        ):
            with pytest.raises(KeyConflictError, match="key 'k' was used for another request; take a new key"):
                call()
        assert state(store) == before

    def test_without_a_key(self, shop):
        """A second conversion is refused and carries the first result."""
        service = shop.service(stored(shop.lead()))
        first = service.qualify("L-1", **shop.later)
        again = service.qualify("L-1", **shop.later)
        assert again.because("already_converted").ids == (first.id_of("prospect"),)

    def test_a_refusal_keeps_no_receipt(self, shop):
        """What came to nothing may be asked again under the same key."""
        store = stored(shop.lead())
        service = shop.service(store)
        assert isinstance(service.qualify("L-404", key="k", **shop.later), Refusal)
        assert isinstance(service.qualify("L-1", key="k", **shop.later), Applied)

    def test_a_twin_that_was_faster(self, shop):
        """A twin that finishes between our look at the key and our planning, or our commit: we get its result."""
        for moment in ("load", "commit"):
            inner = stored(shop.lead())
            twin = shop.service(inner)
            done = []

            def overtake(name, _, moment=moment, twin=twin, done=done):
                if name == moment and not done:
                    done.append(twin.qualify("L-1", key="k", **shop.later))

            assert shop.service(Wrapped(inner, overtake)).qualify("L-1", key="k", **shop.later) == done[0]

    def test_a_stranger_with_our_key(self, shop):
        """Another request that takes the key while we plan is an error, too."""
        inner = stored(shop.lead(), shop.lead("L-2", person=Person("x", email="x@y.example")))

        def overtake(name, _):
            if name == "commit":
                shop.service(inner, new_id=lambda kind: "P-X").qualify("L-2", key="k", **shop.later)

        with pytest.raises(KeyConflictError):
            shop.service(Wrapped(inner, overtake)).qualify("L-1", key="k", **shop.later)

    def test_a_store_that_forgets_receipts(self, shop):
        """A key that is taken without a receipt ends in a conflict, not in a loop."""
        service = shop.service(
            Wrapped(stored(shop.lead()), lambda name, _: KeyTaken("k") if name == "commit" else None)
        )
        refusal = service.qualify("L-1", key="k", **shop.later)
        assert "the key 'k' is taken and has no receipt, 3 times in a row" in str(refusal)

    def test_what_makes_a_request(self, shop):
        """Source, targets, terms and owner count; new ids, times, authors and reasons do not."""

        def asked(**changes):
            given = {
                "prospect_id": "P-1",
                "account": Create("A-1"),
                "contact": Create("C-1"),
                "opportunity": Create("O-1"),
            }
            return ConversionRequest(**(given | changes)).fingerprint

        same = [
            asked(account=Create("A-2")),
            asked(override="x"),
            asked(terms=DealTerms()),
            asked(opportunity=Create("O-2")),
        ]
        assert set(same) == {asked()}
        others = [
            asked(prospect_id="P-2"),
            asked(account=UseExisting("A-1")),
            asked(account=UseExisting("A-2")),
            asked(account=FindOrCreate("A-1")),
            asked(account=Create("A-1", anyway=True)),
            asked(contact=SKIP),
            asked(terms=TERMS),
            asked(terms=DealTerms(pipeline=pipelines.SIMPLE, probability=0.5)),
            asked(terms=DealTerms(pipeline=pipelines.HUBSPOT, expected_close=shop.at.date())),
            asked(owner="bob"),
            asked(owner=lambda source: "bob"),
            asked(another="x"),
        ]
        assert len({asked(), *others}) == len(others) + 1
        assert asked(owner=lambda source: "eve") == others[-2]
        assert asked(terms=DealTerms(amount=Money("48000.00", "EUR"))) == asked(terms=TERMS)
        assert QualificationRequest(lead_id="L", prospect=Create("P")).fingerprint == (
            QualificationRequest(lead_id="L", prospect=Create("Q"), override="x").fingerprint
        )

    def test_fingerprints_tell_values_apart(self):
        """Kinds of values do not run into each other."""
        values = [1, "1", True, 1.5, "1.5", None, (1,), frozenset({"a"}), ("a",), timedelta(1), Company("x"), SKIP]
        assert len({fingerprint(value) for value in values}) == len(values)


class TestRule04OptimisticVersions:
    """Whoever planned on what is no longer true plans again, a few times, then is refused."""

    def test_a_record_that_changed_meanwhile(self, shop):
        """Loaded and planned anew."""
        lead = shop.lead()
        inner = stored(lead)
        done = []

        def change(name, _):
            if name == "commit" and not done:
                done.append(inner.commit(ChangeSet.of((lead, lead.assign("bob", **shop.now)))))

        outcome = shop.service(Wrapped(inner, change)).qualify("L-1", **shop.later)
        assert isinstance(outcome, Applied)
        assert inner.load(outcome.id_of("prospect")).owner == "bob"

    def test_an_account_that_appeared_meanwhile(self, shop):
        """Is found and used."""
        inner = stored(shop.prospect())
        done = []

        def appear(name, _):
            if name == "commit" and not done:
                done.append(inner.commit(ChangeSet.new(shop.account())))

        outcome = shop.service(Wrapped(inner, appear)).convert("P-1", terms=TERMS, **shop.later)
        assert (outcome.id_of("account"), len(inner.all(Account))) == ("A-9", 1)

    @pytest.mark.parametrize(
        ("result", "why"),
        [
            (Stale(["L-1", "X"]), "'L-1', 'X' changed meanwhile"),
            (
                MatchAppeared([MatchKey("account", "domain", "x.example")]),
                "a record (account with the same domain) appeared meanwhile",
            ),
        ],
    )
    def test_three_times_and_out(self, shop, result, why):
        """The refusal says what was in the way; the number of attempts can be set."""
        commits = []

        def refuse(name, argument):
            if name == "commit":
                commits.append(argument)
                return result
            return None

        store = Wrapped(stored(shop.lead()), refuse)
        refusal = shop.service(store).qualify("L-1", **shop.later)
        assert refusal.codes == {"conflict"}
        assert f"{why}, 3 times in a row; try again" in str(refusal)
        assert len(commits) == 3
        # The same new ids every time: what the host has given out is not wasted.
        assert len({commit.writes[0].id for commit in commits}) == 1
        shop.service(store, attempts=1).qualify("L-1", **shop.later)
        assert len(commits) == 4

    def test_records_that_are_only_used(self, shop):
        """Their versions count, too."""
        plan = shop.planned(shop.prospect())
        store = stored(shop.prospect())
        store.commit(plan.changes)
        again = shop.planned(
            plan.prospect,
            account=UseExisting("A-1"),
            contact=SKIP,
            opportunity=Create("O-2"),
            known=(plan.account,),
            another="x",
        )
        store.commit(ChangeSet.of((plan.account, plan.account.assign("eve", **shop.later))))
        assert store.commit(again.changes) == Stale(["A-1"])

    def test_what_was_absent_must_be(self, shop):
        """The match keys that had no record when planning."""
        store = stored(shop.prospect(), shop.account())
        assert store.commit(shop.planned(shop.prospect()).changes) == MatchAppeared(
            [MatchKey("account", "domain", "northwind.example")]
        )


def in_threads(work, number):
    """Run the same work in threads that start together; return what each gave."""
    start = threading.Barrier(number)
    # Python lets a thread run for 5 ms, longer than all of this takes: without this they would run one after the other.
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def together(position):
        start.wait()
        return work(position)

    try:
        with ThreadPoolExecutor(number) as pool:
            return list(pool.map(together, range(number)))
    finally:
        sys.setswitchinterval(usual)


def numbered(position):
    numbers = iter(range(1000))
    return lambda kind: f"{kind}-{position}-{next(numbers)}"


class TestConcurrency:
    """Threads that convert the same, or the same new company's, at once."""

    @pytest.mark.parametrize("key", ["k", None])
    @pytest.mark.parametrize("number", [2, 16])
    def test_one_lead_has_one_winner(self, shop, key, number):
        """The others get its result (with a key) or a typed refusal that carries it (without one)."""
        store = stored(shop.lead())

        def work(position):
            service = shop.service(store, new_id=numbered(position))
            return service.qualify_and_convert("L-1", terms=TERMS, key=key, **shop.later)

        outcomes = in_threads(work, number)
        winners = [outcome for outcome in outcomes if isinstance(outcome, Applied) and not outcome.is_repeat]
        assert len(winners) == 1
        others = [outcome for outcome in outcomes if outcome is not winners[0]]
        if key:
            assert all(other == winners[0] and other.is_repeat for other in others)
        else:
            made = tuple(winners[0].id_of(kind) for kind in ("account", "contact", "opportunity", "prospect"))
            assert all(other.because("already_converted").ids == made for other in others)
        assert (len(store), len(store.outbox)) == (5, 7)

    @pytest.mark.parametrize("number", [2, 16])
    def test_leads_of_one_new_company_make_one_account(self, shop, number):
        """Each lead gets its contact and its deal, all of them one account."""
        leads = [
            shop.lead(f"L-{position}", person=Person(f"No. {position}", email=f"p{position}@northwind.example"))
            for position in range(number)
        ]
        store = stored(*leads)

        def work(position):
            service = shop.service(store, new_id=numbered(position))
            return service.qualify_and_convert(
                f"L-{position}", terms=TERMS, at=shop.later["at"] + timedelta(minutes=number - position), by="ada"
            )

        assert all(isinstance(outcome, Applied) for outcome in in_threads(work, number))
        assert len(store.all(Account)) == 1
        assert len(store.all(Contact)) == len(store.all(Opportunity)) == len(store.all(Prospect)) == number
        assert {deal.account_id for deal in store.all(Opportunity)} == {store.all(Account)[0].id}

    def test_many_leads_with_conflicts_and_faults(self, shop):
        """Every lead is converted exactly once, without orphans, its events once and in order."""
        number = 40
        leads = [
            shop.lead(
                f"L-{position}",
                person=Person("x", email=f"p{position}@c{position % 7}.example"),
                company=Company(f"C{position % 7}"),
            )
            for position in range(number)
        ]
        inner = stored(*leads)
        chance = random.Random(7)
        lock = threading.Lock()

        def trouble(name, argument):
            with lock:
                draw = chance.random()
            if name == "commit" and draw < 0.1:
                return Stale([argument.writes[0].id])
            if draw > 0.97:
                raise FaultyError
            return None

        store = Wrapped(inner, trouble)

        def work(worker):
            for position in range(worker, number, 4):
                service = shop.service(store, new_id=numbered(position), attempts=50)
                while True:
                    try:
                        done = service.qualify_and_convert(
                            f"L-{position}", terms=TERMS, key=f"k-{position}", **shop.later
                        )
                    except FaultyError:
                        continue
                    assert isinstance(done, Applied)
                    break

        in_threads(work, 4)
        assert len(inner.all(Account)) == 7
        assert len(inner.all(Opportunity)) == len(inner.all(Prospect)) == len(inner.all(Contact)) == number
        assert all(lead.status == "qualified" for lead in inner.all(Lead))
        for deal in inner.all(Opportunity):
            assert inner.load(deal.origin.reference).opportunity_ids == (deal.id,)
            assert inner.load(deal.account_id) is not None
        told = [(event.id, event.version) for event in inner.outbox]
        assert len(told) == len(set(told))
        versions = {}
        for id_, version in told:
            assert version == versions.get(id_, 0) + 1
            versions[id_] = version


class TestAsynchronousService:
    """The asynchronous service is the same flows, awaited."""

    @staticmethod
    def awaited(coroutine):
        with pytest.raises(StopIteration) as end:
            coroutine.send(None)
        return end.value.value

    def test_every_method(self, shop):
        """Each gives what the synchronous one gives."""

        def parts():
            numbers = iter(range(100))
            return {
                "qualify_with": shop.says(),
                "convert_with": shop.says(),
                "new_id": lambda kind: f"{kind}-{next(numbers)}",
            }

        store, inner = AsyncInMemoryStore(), InMemoryStore()
        leads = [shop.lead(f"L-{number}", person=Person("x", email=f"x{number}@y.example")) for number in range(3)]
        self.awaited(store.commit(ChangeSet.new(*leads)))
        inner.commit(ChangeSet.new(*leads))
        there, here = AsyncConversionService(store, **parts()), ConversionService(inner, **parts())
        plan = shop.qualification(leads[2], "P-2")
        for method, argument, options in (
            ("qualify", "L-0", shop.later),
            ("convert", "prospect-0", {"terms": TERMS, "key": "k", **shop.later}),
            ("qualify_and_convert", "L-1", {"terms": TERMS, **shop.later}),
            ("apply", plan, {"key": "p"}),
        ):
            one = getattr(here, method)(argument, **options)
            assert isinstance(one, Applied)
            assert self.awaited(getattr(there, method)(argument, **options)) == one
        assert state(store.sync) == state(inner)

    def test_what_the_store_raises_passes_through(self, shop):
        """Nothing is swallowed on the way."""

        class Broken(AsyncInMemoryStore):
            async def load(self, id_, /):
                raise FaultyError

        service = AsyncConversionService(
            Broken(), qualify_with=shop.says(), convert_with=shop.says(), new_id=lambda kind: kind
        )
        with pytest.raises(FaultyError):
            service.qualify("L-1", **shop.later).send(None)

    def test_outcomes(self):
        """What was committed says nothing more."""
        assert Committed() == Committed()
