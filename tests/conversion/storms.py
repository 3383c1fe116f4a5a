"""
Storms: what a store and a service must survive together, as plain functions, for our store in memory and for hosts'.

Each function takes a `Place`: how to open a store on one empty tenant, as often as there are workers, and how to read
everything back. It sets workers on it, hurts it, and asserts what must be true afterwards; it returns what a test may
want to look at. Chance is seeded: a storm is the same storm every time, as far as threads allow.

    storms.one_lead(Place.of(InMemoryStore()), workers=16, key="k")
"""

import asyncio
import random
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

from attrs import frozen

from leadflow import Account, Company, Contact, Engagement, Lead, Money, Opportunity, Person, Prospect, Verdict
from leadflow.assessment import Assessment, Basis, Explanation
from leadflow.conversion import (
    Applied,
    AsyncConversionService,
    BulkResult,
    ConversionService,
    DealTerms,
    Refusal,
    RoundRobin,
)
from leadflow.stores import (
    AsyncInMemoryStore,
    ChangeSet,
    Committed,
    EventRecord,
    InMemoryStore,
    MatchAppeared,
    MatchKey,
    Record,
    Stale,
    match_keys,
)

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = {"at": AT + timedelta(days=3), "by": "ada"}
TERMS = DealTerms(amount=Money("48000", "EUR"))
OWNERS = ("ada", "bob", "eve")

_Out = TypeVar("_Out")


class FaultError(Exception):
    """What a database raises."""


class Yes:
    """A policy that qualifies everybody."""

    basis = Basis("committee", 3, "f00d")

    def assess(self, subject: Any, *, at: datetime) -> Assessment:
        return Assessment(
            verdict=Verdict.QUALIFIED,
            basis=self.basis,
            at=at,
            subject_id=subject.id,
            subject_version=subject.version,
            explainer=Explanation(),
        )


@frozen
class Place:
    """
    One empty tenant of a store.

    Attributes:
        open: Returns a store on it; called once per worker, in that worker.
        records: Returns everything that is stored.
        outbox: Returns every event told, in order; None: the host keeps no outbox.
    """

    open: Callable[[], Any]
    records: Callable[[], Iterable[Record]]
    outbox: Callable[[], Sequence[EventRecord]] | None = None

    @classmethod
    def of(cls, store: InMemoryStore | AsyncInMemoryStore) -> "Place":
        """Return the place that a store in memory is, shared by all workers."""
        inner = store.sync if isinstance(store, AsyncInMemoryStore) else store
        return cls(lambda: store, lambda: tuple(inner), lambda: inner.outbox)

    def all(self, kind: type[_Out]) -> list[_Out]:
        """Return the records of a kind."""
        return [record for record in self.records() if isinstance(record, kind)]


def lead(number: int, companies: int = 0) -> Lead:
    """Return a lead; of one of so many companies, or of a company of its own."""
    firm = f"c{number % companies}" if companies else f"n{number}"
    return Lead.capture(
        f"L-{number}",
        person=Person(f"No. {number}", email=f"p{number}@{firm}.example"),
        company=Company(firm.upper(), employees=420),
        engagement=Engagement("demo_request", at=AT),
        owner="ada",
        at=AT,
        by="web",
    )


def numbered(prefix: object) -> Callable[[str], str]:
    """Return a source of ids that nobody else gives."""
    numbers = count()
    return lambda kind: f"{kind}-{prefix}-{next(numbers)}"


def parts(worker: object) -> dict[str, Any]:
    """Return what a service is made of, but for the store."""
    return {"qualify_with": Yes(), "convert_with": Yes(), "new_id": numbered(worker), "attempts": 100}


def in_threads(work: Callable[[int], _Out], number: int) -> list[_Out]:
    """Run the same work in threads that start together; return what each gave."""
    start = threading.Barrier(number)
    # Python lets a thread run for 5 ms, longer than a conversion takes: without this they would come one by one.
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)

    def together(position: int) -> _Out:
        start.wait()
        return work(position)

    try:
        with ThreadPoolExecutor(number) as pool:
            return list(pool.map(together, range(number)))
    finally:
        sys.setswitchinterval(usual)


# What must be true of everything that is stored


def whole(place: Place, leads: int) -> None:
    """Assert that so many leads were converted exactly once each, without orphans, and events told in order."""
    found = {record.id: record for record in place.records()}
    deals, prospects = place.all(Opportunity), place.all(Prospect)
    assert len(place.all(Lead)) == len(prospects) == len(deals) == len(place.all(Contact)) == leads
    for each in place.all(Lead):
        assert each.status == "qualified"
        prospect = found[each.prospect_id]
        assert prospect.lead_id == each.id
        (deal_id,) = prospect.opportunity_ids
        deal, contact = found[deal_id], found[prospect.contact_id]
        assert deal.origin.reference == prospect.id
        assert [role.contact_id for role in deal.contact_roles] == [contact.id]
        assert deal.account_id == contact.account_id == prospect.account_id
        assert isinstance(found[deal.account_id], Account)
    used = {deal.account_id for deal in deals}
    assert used == {account.id for account in place.all(Account)}
    domains = Counter(key for account in place.all(Account) for key in match_keys(account) if key.decides)
    assert set(domains.values()) <= {1}
    if place.outbox is not None:
        in_order(place.outbox())
        assert Counter(event.id for event in place.outbox()) == {id_: record.version for id_, record in found.items()}


def in_order(told: Sequence[EventRecord]) -> None:
    """Assert that each record's events were told once each, from the first on."""
    versions: dict[str, int] = {}
    for event in told:
        assert event.version == versions.get(event.id, 0) + 1, event
        versions[event.id] = event.version


# Threads


def one_lead(place: Place, *, workers: int, key: str | None) -> list[Applied | Refusal]:
    """Convert one lead in many threads: one wins, the others get its result, or a typed refusal that carries it."""
    assert place.open().commit(ChangeSet.new(lead(1))) == Committed()

    def work(worker: int) -> Applied | Refusal:
        service = ConversionService(place.open(), **parts(worker))
        at = LATER["at"] + timedelta(minutes=workers - worker)
        return service.qualify_and_convert("L-1", terms=TERMS, key=key, at=at, by=f"u{worker}")

    outcomes = in_threads(work, workers)
    one_winner(outcomes)
    whole(place, 1)
    return outcomes


def one_winner(outcomes: Sequence[Applied | Refusal]) -> None:
    """Assert that one call did it, and that all others know what it did."""
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Applied) and not outcome.is_repeat]
    made = tuple(winner.id_of(kind) for kind in ("account", "contact", "opportunity", "prospect"))
    for outcome in outcomes:
        if isinstance(outcome, Applied):
            assert outcome == winner
        else:
            reason = outcome.because("already_converted")
            assert reason is not None, outcome
            assert reason.ids == made


def one_company(place: Place, *, workers: int) -> None:
    """Convert as many leads of one new company as there are threads: they make one account."""
    for number in range(workers):
        place.open().commit(ChangeSet.new(lead(number, companies=1)))

    def work(worker: int) -> Applied | Refusal:
        service = ConversionService(place.open(), **parts(worker))
        return service.qualify_and_convert(f"L-{worker}", terms=TERMS, **LATER)

    for outcome in in_threads(work, workers):
        assert isinstance(outcome, Applied), outcome
    assert len(place.all(Account)) == 1
    whole(place, workers)


def many_leads(
    place: Place, *, leads: int, workers: int, companies: int = 0, trouble: float = 0.1, seed: int = 7
) -> Counter[str]:
    """
    Convert many leads with several workers, each of whom is given all of them, in an order of its own.

    Where a worker's store raises, or says that the records have changed, the worker runs its batch again. Every lead is
    converted exactly once, whoever did it, and everybody knows the result. Returns what the workers saw, by status.
    """
    store = place.open()
    for number in range(leads):
        store.commit(ChangeSet.new(lead(number, companies)))
    ids = [f"L-{number}" for number in range(leads)]
    turns = RoundRobin(OWNERS)

    def work(worker: int) -> Counter[str]:
        chance = random.Random(seed + worker)
        service = ConversionService(Troubled(place.open(), chance, trouble), **parts(worker))
        # Most of them are a worker's own; some are everybody's.
        mine = [n for n in range(leads) if n % workers == worker or n % 10 == 0]
        chance.shuffle(mine)
        seen: Counter[str] = Counter()
        while mine:
            items = [(ids[n], {"owner": turns.turn(n)}) for n in mine]
            results = list(service.qualify_and_convert_many(items, terms=TERMS, key="storm", **LATER))
            seen.update(result.status for result in results)
            mine = [n for n, result in zip(mine, results, strict=True) if again(result)]
        return seen

    seen = sum(in_threads(work, workers), Counter[str]())
    whole(place, leads)
    assert seen["written"] + seen["repeated"] >= leads
    assert {deal.id: deal.owner for deal in place.all(Opportunity)} == {
        place_of.opportunity_ids[0]: OWNERS[int(place_of.lead_id.removeprefix("L-")) % len(OWNERS)]
        for place_of in place.all(Prospect)
        if place_of.lead_id is not None
    }
    return seen


def again(result: BulkResult) -> bool:
    """Return whether an item must be run again; assert that it was no fault of its own."""
    if result.status == "failed":
        assert isinstance(result.outcome.error, FaultError), result  # type: ignore[union-attr]
        return True
    assert result.status in ("written", "repeated"), result
    return False


class Troubled:
    """A store that fails now and then, before and after it has done what it was asked to; for threads."""

    def __init__(self, inner: Any, chance: random.Random, much: float) -> None:
        self.inner, self.chance, self.much = inner, chance, much

    def _fault(self, much: float) -> None:
        if self.chance.random() < much:
            raise FaultError

    def load(self, id_: str, /) -> Any:
        self._fault(self.much / 10)
        return self.inner.load(id_)

    def candidates(self, keys: Any, limit: int) -> Any:
        self._fault(self.much / 10)
        return self.inner.candidates(keys, limit)

    def receipt(self, key: str, /) -> Any:
        self._fault(self.much / 10)
        return self.inner.receipt(key)

    def commit(self, change_set: ChangeSet, /) -> Any:
        drawn = self.chance.random()
        if drawn < self.much / 2:
            raise FaultError
        if (made_up := conflict(change_set, drawn / self.much - 0.5)) is not None:
            return made_up
        result = self.inner.commit(change_set)
        # Written, and nobody hears of it.
        self._fault(self.much / 2)
        return result


def conflict(change_set: ChangeSet, drawn: float) -> Stale | MatchAppeared | None:
    """Return a conflict that is none, for a draw in [0, 0.5)."""
    if not 0 <= drawn < 0.5:
        return None
    if drawn < 0.25:
        return Stale([write.id for write in change_set.writes if write.before is not None] or ["L-0"])
    return MatchAppeared(change_set.absent or [MatchKey("account", "domain", "x.example")])


# Faults in the middle of a commit


def fault_before_every_write(
    new_place: Callable[[], Place], failing: Callable[[Place, int], Any], *, most: int = 100
) -> int:
    """
    Break a conversion before its first, second, ... write: the state is as before, and a retry succeeds.

    Args:
        new_place: Returns an empty place.
        failing: Returns a store on a place that raises `FaultError` right before its nth write (0: the first) of the
            next commit, and none where the commit has fewer.
        most: After how many writes to give up.

    Returns:
        How many writes a commit has.
    """
    for nth in range(most):
        place = new_place()
        store = place.open()
        store.commit(ChangeSet.new(lead(0, companies=1), lead(1, companies=1)))
        usual = ConversionService(place.open(), **parts("first"))
        assert isinstance(usual.qualify_and_convert("L-0", terms=TERMS, key="k0", **LATER), Applied)
        before = seen(place)
        service = ConversionService(failing(place, nth), **parts("faulty"))
        try:
            service.qualify_and_convert("L-1", terms=TERMS, key="k1", **LATER)
        except FaultError:
            assert seen(place) == before
            assert place.open().receipt("k1") is None
            keys = [key for key in match_keys(lead(1, companies=1)) if key.decides]
            assert {record.id for record in place.open().candidates(keys, 50)} == {"L-1"}
        else:
            whole(place, 2)
            return nth
        retried = ConversionService(place.open(), **parts("retry")).qualify_and_convert(
            "L-1", terms=TERMS, key="k1", **LATER
        )
        assert isinstance(retried, Applied)
        assert not retried.is_repeat
        whole(place, 2)
    raise AssertionError(f"more than {most} writes in one commit")


def seen(place: Place) -> object:
    """Return everything that is stored, and everything told."""
    told = None if place.outbox is None else list(place.outbox())
    return sorted(place.records(), key=lambda record: record.id), told


# Tasks


class Interleaved:
    """An asynchronous store that lets others go first, and fails now and then."""

    def __init__(self, inner: Any, chance: random.Random, much: float = 0.0) -> None:
        self.inner, self.chance, self.much = inner, chance, much

    async def _others(self, much: float) -> None:
        for _ in range(self.chance.randrange(3)):
            await asyncio.sleep(0)
        if self.chance.random() < much:
            raise FaultError

    async def load(self, id_: str, /) -> Any:
        await self._others(self.much / 10)
        return await self.inner.load(id_)

    async def candidates(self, keys: Any, limit: int) -> Any:
        await self._others(self.much / 10)
        return await self.inner.candidates(keys, limit)

    async def receipt(self, key: str, /) -> Any:
        await self._others(self.much / 10)
        return await self.inner.receipt(key)

    async def commit(self, change_set: ChangeSet, /) -> Any:
        await self._others(self.much / 2)
        if (made_up := conflict(change_set, self.chance.random() / self.much if self.much else 1)) is not None:
            return made_up
        result = await self.inner.commit(change_set)
        await self._others(self.much / 2)
        return result


async def together(work: Callable[[int], Awaitable[_Out]], number: int) -> list[_Out]:
    """Run the same work in tasks; return what each gave."""
    return list(await asyncio.gather(*(work(worker) for worker in range(number))))


async def one_lead_in_tasks(place: Place, *, workers: int, key: str | None) -> None:
    """As `one_lead`, in tasks of one loop."""
    assert await place.open().commit(ChangeSet.new(lead(1))) == Committed()

    async def work(worker: int) -> Applied | Refusal:
        service = AsyncConversionService(Interleaved(place.open(), random.Random(worker)), **parts(worker))
        return await service.qualify_and_convert("L-1", terms=TERMS, key=key, **LATER)

    one_winner(await together(work, workers))
    whole(place, 1)


async def one_company_in_tasks(place: Place, *, workers: int) -> None:
    """As `one_company`, in tasks of one loop."""
    for number in range(workers):
        await place.open().commit(ChangeSet.new(lead(number, companies=1)))

    async def work(worker: int) -> Applied | Refusal:
        service = AsyncConversionService(Interleaved(place.open(), random.Random(worker)), **parts(worker))
        return await service.qualify_and_convert(f"L-{worker}", terms=TERMS, **LATER)

    for outcome in await together(work, workers):
        assert isinstance(outcome, Applied), outcome
    assert len(place.all(Account)) == 1
    whole(place, workers)


async def many_leads_in_tasks(
    place: Place, *, leads: int, workers: int, companies: int = 0, trouble: float = 0.1, seed: int = 7
) -> Counter[str]:
    """As `many_leads`, in tasks of one loop that take from one list: so many run at once, and no more."""
    for number in range(leads):
        await place.open().commit(ChangeSet.new(lead(number, companies)))
    left = [f"L-{number}" for number in range(leads)]

    async def work(worker: int) -> tuple[Counter[str], list[str]]:
        store = Interleaved(place.open(), random.Random(seed + worker), trouble)
        service = AsyncConversionService(store, **parts(f"{worker}-{len(left)}"))
        statuses: Counter[str] = Counter()
        failed: list[str] = []
        async for result in service.qualify_and_convert_many(shared, terms=TERMS, key="storm", **LATER):
            statuses[result.status] += 1
            if again(result):
                failed.append(result.id)
        return statuses, failed

    statuses: Counter[str] = Counter()
    while left:
        shared = iter(left)
        outcomes = await together(work, workers)
        statuses.update(sum((found for found, _ in outcomes), Counter[str]()))
        left = [id_ for _, failed in outcomes for id_ in failed]
    whole(place, leads)
    return statuses
