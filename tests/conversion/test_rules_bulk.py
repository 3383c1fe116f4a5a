"""Rules 13 and 21: owners; many items, each as if it were the only one."""

import inspect
import pickle
from datetime import timedelta
from itertools import count, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import InvalidError, Lead, Money, Opportunity, Person, Prospect
from leadflow.conversion import (
    SKIP,
    Applied,
    AsyncConversionService,
    BulkResult,
    BulkSummary,
    ConversionService,
    ConversionSettings,
    Create,
    DealTerms,
    Failed,
    Owners,
    Refusal,
    RefusalReason,
    RoundRobin,
    UseExisting,
    item_key,
)
from leadflow.errors import KeyConflictError
from leadflow.stores import AsyncInMemoryStore, ChangeSet, InMemoryStore

TERMS = DealTerms(amount=Money("48000", "EUR"))


class BrokenError(Exception):
    """What a host's own code raises."""


def lead(shop, number, **changes):
    return shop.lead(
        f"L-{number}", **({"person": Person(f"No. {number}", email=f"p{number}@n{number}.example")} | changes)
    )


def stored(*records):
    store = InMemoryStore()
    store.commit(ChangeSet.new(*records))
    return store


def ids(number):
    return [f"L-{n}" for n in range(number)]


def numbered(prefix=""):
    """Ids by kind and number, the same in every store."""
    numbers = count(1)
    return lambda kind: f"{prefix}{kind}-{next(numbers)}"


def state(store):
    return {record.id: record for record in store}, store.outbox


class Picky:
    """A policy that cannot bear some."""

    def __init__(self, inner, *hated):
        self.inner, self.hated = inner, hated

    def assess(self, subject, *, at):
        if subject.id in self.hated:
            raise BrokenError(subject.id)
        return self.inner.assess(subject, at=at)


class TestRule13Owners:
    """A queue or an inactive owner is refused with a reason, whoever chose and whatever the step."""

    settings = ConversionSettings(owners=Owners(active={"ada", "bob"}, queues={"inbound"}))

    @pytest.mark.parametrize(
        ("owner", "why"),
        [
            ("inbound", "must be a person, got the queue 'inbound'"),
            ("gone", "must be an active user, got 'gone'"),
            (lambda source: "inbound", "must be a person, got the queue 'inbound'"),
            (RoundRobin(["gone"]).turn(7), "must be an active user, got 'gone'"),
        ],
    )
    @pytest.mark.parametrize("step", ["qualify", "convert", "qualify_and_convert"])
    def test_every_step(self, shop, step, owner, why):
        """Nothing is written, and the reason says who and where."""
        store = stored(shop.lead(), shop.prospect())
        before = state(store)
        call = getattr(shop.service(store, settings=self.settings), step)
        refusal = call("P-1" if step == "convert" else "L-1", owner=owner, **shop.later)
        reason = refusal.because("invalid_owner")
        assert (reason.path, reason.message) == ("owner", why)
        assert state(store) == before

    def test_in_a_batch(self, shop):
        """Whose turn it is may have left: these items are refused, the others go on."""
        service = shop.service(stored(*(lead(shop, n) for n in range(4))), settings=self.settings)
        results = list(service.qualify_many(ids(4), owner=RoundRobin(["ada", "gone"]), **shop.later))
        assert [result.status for result in results] == ["written", "refused"] * 2
        assert results[1].outcome.codes == {"invalid_owner"}


class TestRule21Bulk:
    """The same code per item: isolated, with stable owners, nothing new when run again, and lazy."""

    @given(st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5)))
    def test_bulk_is_one_by_one(self, shop, missing, disqualified):
        """Whatever items there are: the same outcomes and the same records as single calls."""
        leads = [
            lead(shop, n).disqualify("no_need", **shop.now) if n in disqualified else lead(shop, n)
            for n in range(6)
            if n not in missing
        ]
        one, many = InMemoryStore(), InMemoryStore()
        for store in (one, many):
            for each in leads:
                store.commit(ChangeSet.new(each))
        single = shop.service(one, new_id=numbered())
        alone = [single.qualify_and_convert(id_, terms=TERMS, **shop.later) for id_ in ids(6)]
        service = shop.service(many, new_id=numbered())
        results = list(service.qualify_and_convert_many(ids(6), terms=TERMS, **shop.later))
        assert [result.outcome for result in results] == alone
        assert state(one) == state(many)
        assert [(result.position, result.id) for result in results] == list(enumerate(ids(6)))

    def test_every_step(self, shop):
        """Leads to prospects, prospects to deals."""
        store = stored(*(lead(shop, n) for n in range(3)))
        service = shop.service(store)
        prospects = [result.outcome.id_of("prospect") for result in service.qualify_many(ids(3), **shop.later)]
        assert {record.id for record in store.all(Prospect)} == set(prospects)
        results = list(service.convert_many(prospects, terms=TERMS, contact=SKIP, **shop.later))
        assert [result.outcome.id_of("contact") for result in results] == [None] * 3
        assert len(store.all(Opportunity)) == 3

    def test_options_of_an_item(self, shop):
        """They come before those of the batch; anything that the single call takes."""
        store = stored(*(lead(shop, n) for n in range(3)))
        items = ["L-0", ("L-1", {"terms": DealTerms("Big one", Money(9, "EUR")), "owner": "eve"}), ("L-2", {})]
        results = shop.service(store).qualify_and_convert_many(items, terms=TERMS, owner="bob", **shop.later)
        deals = [store.load(result.outcome.id_of("opportunity")) for result in results]
        assert [(deal.name, deal.owner) for deal in deals] == [
            ("Northwind", "bob"),
            ("Big one", "eve"),
            ("Northwind", "bob"),
        ]

    def test_a_bad_item_fails_alone(self, shop):
        """Whatever is wrong with it: unknown, refused, malformed, a policy, a router or a store that raises."""
        inner = stored(*(lead(shop, n) for n in range(7)))

        class Sore(InMemoryStore):
            def load(self, id_, /):
                if id_ == "L-4":
                    raise BrokenError(id_)
                return inner.load(id_)

            def commit(self, change_set, /):
                return inner.commit(change_set)

        def router(source):
            if source.id == "L-5":
                raise BrokenError(source.id)
            return "ada"

        service = shop.service(Sore(), qualify_with=Picky(shop.says(), "L-2"))
        items = ["L-0", "L-404", "L-2", 7, "L-4", "L-5", ("L-6", {"ownr": "x"}), ("L-6", 3), ("L-1", {"owner": 3}), ""]
        results = list(service.qualify_many([*items, "L-6"], owner=router, **shop.later))
        assert [result.status for result in results] == ["written", "refused", *["failed"] * 8, "written"]
        assert [type(result.outcome.error).__name__ for result in results[2:10]] == [
            *("BrokenError", "InvalidTypeError", "BrokenError", "BrokenError", "InvalidTypeError", "InvalidTypeError"),
            *("InvalidTypeError", "InvalidError"),
        ]
        assert "items[3] must be an id, or a pair (id, options), got 7" in str(results[3].outcome)
        assert "ownr is no argument (did you mean 'owner'?)" in str(results[6])
        assert [result.id for result in results[3:8]] == ["7", "L-4", "L-5", "L-6", "L-6"]
        assert [lead.id for lead in inner.all(Lead) if lead.prospect_id] == ["L-0", "L-6"]

    def test_what_ends_the_program_passes_through(self, shop):
        """An interrupt is no item's failure; and neither is what the items themselves raise."""

        class Interrupted(InMemoryStore):
            def load(self, id_, /):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            next(shop.service(Interrupted()).qualify_many(["L-0"], **shop.later))

        def items():
            yield "L-0"
            raise BrokenError

        results = shop.service(stored(lead(shop, 0))).qualify_many(items(), **shop.later)
        assert next(results).status == "written"
        with pytest.raises(BrokenError):
            next(results)

    def test_it_is_lazy(self, shop):
        """An item is begun when its result is asked for; items may have no end; whoever stops, stops it."""
        store = stored(*(lead(shop, n) for n in range(5)))
        taken = []

        def endless():
            for n in count():
                taken.append(n)
                yield f"L-{n}"

        results = shop.service(store).qualify_many(endless(), **shop.later)
        assert taken == []
        assert [result.id for result in islice(results, 2)] == ["L-0", "L-1"]
        results.close()
        assert taken == [0, 1]
        assert len(store.all(Prospect)) == 2

    def test_what_is_wrong_for_all_is_said_at_once(self, shop):
        """Shared options are checked when the batch is begun, all of them, and nothing is loaded or made."""
        made = []
        service = shop.service(new_id=made.append)
        for step, bad, paths in (
            ("qualify", {"key": "", "owner": 3, "prospect": "x"}, {"key", "owner", "prospect", "at"}),
            ("convert", {"terms": "x", "override": "y", "account": 3}, {"terms", "account", "by", "at"}),
            ("qualify_and_convert", {"another": "x", "contact": 3}, {"another", "contact", "at"}),
        ):
            with pytest.raises(InvalidError) as caught:
                getattr(service, f"{step}_many")(["L-1"], **bad)
            assert {problem.path for problem in caught.value.problems} == paths
        assert made == []

    @pytest.mark.parametrize("items", ["L-1", None, 3, {"L-1": {}}])
    def test_items_are_many(self, shop, items):
        """A lone id would fall apart into letters."""
        for service in (shop.service(), self.awaiting(shop)):
            with pytest.raises(InvalidError, match="items must be an iterable of ids or pairs"):
                service.qualify_many(items, **shop.now)

    # Run again

    @pytest.mark.parametrize("key", ["batch", None])
    def test_running_it_again_converts_nothing_new(self, shop, key):
        """With a key each item gets its first result; without one it is already converted."""
        store = stored(*(lead(shop, n) for n in range(4)))
        options = {"terms": TERMS, "key": key, "owner": RoundRobin(["ada", "bob"])} | shop.later
        first = list(shop.service(store).qualify_and_convert_many(ids(4), **options))
        before = state(store)
        again = list(shop.service(store).qualify_and_convert_many(ids(4), **options))
        assert state(store) == before
        if key:
            assert [result.status for result in again] == ["repeated"] * 4
            assert again == first
        else:
            assert {result.outcome.because("already_converted").code for result in again} == {"already_converted"}

    @given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.integers(0, 12))
    def test_stopping_and_starting_anywhere(self, shop, order, stop):
        """In another order, with items left out, added or twice: every lead is converted once."""
        store = stored(*(lead(shop, n) for n in range(6)))
        options = {"terms": TERMS, "key": "batch", "owner": RoundRobin(["ada", "bob", "eve"])} | shop.later
        list(islice(shop.service(store).qualify_and_convert_many([f"L-{n}" for n in order], **options), stop))
        done = {deal.id for deal in store.all(Opportunity)}
        again = shop.service(store, new_id=numbered("again-"))
        results = list(again.qualify_and_convert_many([*reversed(ids(6)), *ids(6)], **options))
        assert {result.status for result in results} <= {"written", "repeated"}
        assert len(store.all(Opportunity)) == 6
        assert done <= {deal.id for deal in store.all(Opportunity)}

    def test_another_request_under_the_batch_s_key(self, shop):
        """Is an error of each item that was done, and of no other."""
        service = shop.service(stored(*(lead(shop, n) for n in range(2))))
        list(service.qualify_many(ids(1), key="batch", **shop.later))
        results = list(service.qualify_many(ids(2), key="batch", owner="eve", **shop.later))
        error = results[0].outcome.error
        assert isinstance(error, KeyConflictError)
        assert (error.key, error.item) == ("batch", "L-0")
        assert str(error).startswith("key 'batch' was used for another request about item 'L-0'; take a new key")
        assert results[1].status == "written"
        own = [("L-1", {"key": "own"}), ("L-0", {"key": "own"})]
        service.store.commit(ChangeSet.new(lead(shop, 2)))
        assert service.qualify("L-2", key="own", **shop.later).id_of("prospect")
        errors = [result.outcome.error for result in service.qualify_many(own, key="batch", **shop.later)]
        assert [(error.key, error.item) for error in errors] == [("own", None)] * 2

    def test_keys_of_items(self, shop):
        """Made of both, unambiguous, short enough for any store; an item may bring its own."""
        keys = {item_key(batch, id_) for batch, id_ in (("a", "bc"), ("ab", "c"), ("bc", "a"), ("x" * 191, "y" * 191))}
        assert {len(key) for key in keys} == {64}
        assert len(keys) == 4
        with pytest.raises(InvalidError) as caught:
            item_key("", 3)
        assert [problem.path for problem in caught.value.problems] == ["key", "id"]
        store = stored(lead(shop, 0), lead(shop, 1))
        list(shop.service(store).qualify_many(["L-0", ("L-1", {"key": "mine"})], key="batch", **shop.later))
        assert store.receipt(item_key("batch", "L-0")).records[1].id == "L-0"
        assert store.receipt("mine").records[1].id == "L-1"
        assert store.receipt(item_key("batch", "L-1")) is None

    # Owners in turn

    def test_owners_in_turn(self, shop):
        """By position, whatever was refused in between; the same list gets the same owners again."""
        owners = RoundRobin(["ada", "bob", "eve"])

        def run(*refused):
            store = stored(*(lead(shop, n) for n in range(6) if n not in refused))
            service = shop.service(store)
            return [
                store.load(result.outcome.id_of("prospect")).owner if result.status == "written" else None
                for result in service.qualify_many(ids(6), owner=owners, **shop.later)
            ]

        assert run() == ["ada", "bob", "eve"] * 2
        assert run(1, 3) == ["ada", None, "eve", None, "bob", "eve"]

    def test_turns_of_their_own(self, shop):
        """Workers that share a list say the position themselves; a turn can be kept in a plan and sent elsewhere."""
        owners = RoundRobin(["ada", "bob"])
        store = stored(*(lead(shop, n) for n in range(4)))
        for worker in range(2):
            items = [(f"L-{n}", {"owner": owners.turn(n)}) for n in range(worker, 4, 2)]
            list(shop.service(store, new_id=numbered(f"{worker}-")).qualify_many(items, **shop.later))
        assert [store.load(each.prospect_id).owner for each in store.all(Lead)] == ["ada", "bob"] * 2
        turn = owners.turn(1)
        assert pickle.loads(pickle.dumps(turn)) == turn == RoundRobin(["bob"]).turn(5)

    def test_bad_owners(self):
        """Named, all at once."""
        with pytest.raises(InvalidError, match="owners must name at least one"):
            RoundRobin([])
        with pytest.raises(InvalidError) as caught:
            RoundRobin(["ada", "", 3])
        assert [problem.path for problem in caught.value.problems] == ["owners[1]", "owners[2]"]
        with pytest.raises(InvalidError, match="owners must be a tuple"):
            RoundRobin("ada")
        with pytest.raises(InvalidError, match="position must be at least 0"):
            RoundRobin(["ada"]).turn(-1)

    # Awaited

    @staticmethod
    def awaiting(shop, **changes):
        parts = {"qualify_with": shop.says(), "convert_with": shop.says(), "new_id": numbered()}
        return AsyncConversionService(AsyncInMemoryStore(), **(parts | changes))

    @staticmethod
    def collected(results):
        """Run an asynchronous generator that never waits to its end."""

        async def collect():
            return [result async for result in results]

        with pytest.raises(StopIteration) as end:
            collect().send(None)
        return end.value.value

    def test_the_asynchronous_service_does_the_same(self, shop):
        """Every step, of plain and of asynchronous iterables; failures are isolated as well."""
        store = stored(*(lead(shop, n) for n in range(4)))
        service = self.awaiting(shop, qualify_with=Picky(shop.says(), "L-1"))
        self.collected_commit(service, ChangeSet.new(*(lead(shop, n) for n in range(4))))
        plain = shop.service(store, qualify_with=Picky(shop.says(), "L-1"), new_id=numbered())

        async def items(values):
            for value in values:
                yield value

        for step, values, options in (
            ("qualify", ["L-0", "L-1"], {}),
            ("convert", ["prospect-1", "P-404", 3], {"terms": TERMS}),
            ("qualify_and_convert", ["L-2", "L-1", "L-3"], {"terms": TERMS, "key": "k", "owner": RoundRobin(["x"])}),
        ):
            here = list(getattr(plain, f"{step}_many")(values, **options, **shop.later))
            there = self.collected(getattr(service, f"{step}_many")(items(values), **options, **shop.later))
            assert [result.status for result in here] == [result.status for result in there]
            assert [each.outcome for each in here if each.status != "failed"] == [
                each.outcome for each in there if each.status != "failed"
            ]
            list(getattr(plain, f"{step}_many")(values, **options, **shop.later))
            again = self.collected(getattr(service, f"{step}_many")(values, **options, **shop.later))
            assert {result.status for result in again} <= {"refused", "failed", "repeated"}
        assert state(store) == state(service.store.sync)

    @staticmethod
    def collected_commit(service, changes):
        with pytest.raises(StopIteration):
            service.store.commit(changes).send(None)

    def test_a_cancellation_passes_through(self, shop):
        """It ends the task, and is no item's failure."""

        class Cancelled(BaseException):
            pass

        class Stopped(AsyncInMemoryStore):
            async def load(self, id_, /):
                raise Cancelled

        service = AsyncConversionService(
            Stopped(), qualify_with=shop.says(), convert_with=shop.says(), new_id=numbered()
        )
        with pytest.raises(Cancelled):
            service.qualify_many(["L-0"], **shop.later).__anext__().send(None)

    def test_both_services_have_the_same_methods(self):
        """With the same arguments."""
        names = ["qualify_many", "convert_many", "qualify_and_convert_many"]
        for name in names:
            here, there = (
                inspect.signature(getattr(kind, name)) for kind in (ConversionService, AsyncConversionService)
            )
            assert list(here.parameters) == list(there.parameters)


class TestBulkSummaries:
    """A summary counts and keeps nothing else."""

    def results(self):
        refusal = Refusal("x", [RefusalReason("undecided", "y"), RefusalReason("duplicate", "z")])
        outcomes = [
            Applied(()),
            Applied((), is_repeat=True),
            refusal,
            Failed(TimeoutError("no <answer>")),
            Failed(TimeoutError()),
        ]
        return [BulkResult(n, f"L-{n}", outcome) for n, outcome in enumerate(outcomes)]

    def test_counts(self):
        """By outcome, by code of refusal, by class of error; in words, rows and HTML."""
        summary = BulkSummary.of(iter(self.results()))
        assert (summary.items, summary.written, summary.repeated, summary.refused, summary.failed) == (5, 1, 1, 1, 2)
        assert str(summary) == (
            "5 items: 1 written, 1 repeated, 1 refused (duplicate 1, undecided 1), 2 failed (TimeoutError 2)"
        )
        assert summary.to_rows() == [
            {"outcome": "written", "code": None, "items": 1},
            {"outcome": "repeated", "code": None, "items": 1},
            {"outcome": "refused", "code": None, "items": 1},
            {"outcome": "failed", "code": None, "items": 2},
            {"outcome": "refused", "code": "duplicate", "items": 1},
            {"outcome": "refused", "code": "undecided", "items": 1},
            {"outcome": "failed", "code": "TimeoutError", "items": 2},
        ]
        assert "<table" in summary._repr_html_()
        assert str(BulkSummary()) == "0 items: 0 written, 0 repeated, 0 refused, 0 failed"

    @given(st.lists(st.integers(0, 4)), st.integers(0, 5))
    def test_counting_in_parts(self, which, cut):
        """As they come, or in pieces: the same summary, which is a value."""
        results = [self.results()[n] for n in which]
        whole = BulkSummary.of(results)
        assert BulkSummary.of(results[:cut]).plus(*results[cut:]) == whole
        assert hash(whole) == hash(BulkSummary.of(results))

    def test_results_read_well(self):
        """The id, what came of it and why."""
        assert str(self.results()[3]) == "'L-3' failed: TimeoutError: no <answer>"
        assert str(self.results()[2]) == "'L-2' refused: cannot x: y; z"


class TestTimes:
    """A batch has one time; items may have their own."""

    def test_items_with_times_of_their_own(self, shop):
        """An import tells when each was qualified."""
        store = stored(lead(shop, 0), lead(shop, 1))
        late = shop.later["at"] + timedelta(days=1)
        list(shop.service(store).qualify_many(["L-0", ("L-1", {"at": late})], **shop.later))
        assert [prospect.created_at for prospect in store.all(Prospect)] == [shop.later["at"], late]

    def test_one_account_for_all(self, shop):
        """Targets may be shared where that makes sense; one new id for many does not, and is refused."""
        prospects = [shop.prospect(f"P-{n}", person=Person(f"{n}", email=f"{n}@n.example")) for n in range(3)]
        store = stored(shop.account(), *prospects)
        names = [record.id for record in prospects]
        service = shop.service(store)
        results = list(service.convert_many(names[:2], terms=TERMS, account=UseExisting("A-9"), **shop.later))
        assert {result.outcome.id_of("account") for result in results} <= {"A-9", None}
        results = list(service.convert_many([names[2], "P-0"], terms=TERMS, opportunity=Create("A-9"), **shop.later))
        assert results[0].outcome.codes == {"id_taken"}
