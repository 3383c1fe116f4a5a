"""
Several callers at once: one winner, no update lost, no company twice.

Theory. Callers start together, and each makes its first commit when all have planned theirs, so that they meet on the
slowest machine too. Where the host can say when it writes, writes wait a moment: what can come between a check and a
write does. What the database refuses with an error of its own (a lock, a serialisation
failure) is tried again, as a host's worker would. What counts is what is stored afterwards.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from leadflow.conversion import Applied, AsyncConversionService, DealTerms, Refusal
from leadflow.money import Money
from leadflow.pipelines import SIMPLE
from leadflow.stores import ChangeSet, Committed, MatchKey, Stale
from leadflow.testing.builders import AlwaysSays, a_lead, a_person, a_prospect, an_account, when
from leadflow.testing.checks.registry import Check, proves
from leadflow.testing.hosts import Capability
from leadflow.testing.reporting import expect
from leadflow.testing.running import Bench, Port

__all__ = ["RACES"]

_TERMS: Final = DealTerms("Rollout", Money("48000", "EUR"), pipeline=SIMPLE)
# How many changes each caller makes where all of them must arrive.
_CHANGES: Final = 3
_KINDS: Final = ("account", "contact", "opportunity")


def _service(port: Port, new_id: Callable[[str], str]) -> AsyncConversionService:
    says = AlwaysSays()
    return AsyncConversionService(port, qualify_with=says, convert_with=says, new_id=new_id, attempts=100)


async def _made(port: Port, ids: list[str]) -> Counter[str]:
    """Count what is stored under the ids that callers were given, by kind."""
    found = [await port.load(id_) for id_ in ids]
    return Counter(record.kind for record in found if record is not None)


class _Ids:
    """New ids, none twice, and all that were given."""

    def __init__(self) -> None:
        self.given: list[str] = []

    def by(self, caller: int) -> Callable[[str], str]:
        """Return what makes ids for one caller."""

        def new(kind: str) -> str:
            self.given.append(f"{kind}-{caller}-{len(self.given)}")
            return self.given[-1]

        return new


@proves(Capability.CONCURRENCY)
async def no_update_lost(bench: Bench) -> None:
    """Of callers who change one version of a record one wins; the others are `Stale`, and no change is lost."""
    port = await bench.store()
    await port.write(ChangeSet.new(an_account()))

    async def change(mine: Port, number: int) -> list[str]:
        made: list[str] = []
        crowded = bench.crowded(mine)
        while len(made) < _CHANGES:
            owner = f"user-{number}-{len(made)}"

            async def attempt(owner: str = owner) -> object:
                account = await crowded.stored("A-1")
                return await crowded.commit(ChangeSet.of((account, account.assign(owner, **when(1)))))

            result = await bench.repeated(attempt)
            if result == Committed():
                made.append(owner)
            else:
                expect("a change of a version that another caller changed", expected=Stale(["A-1"]), got=result)
        return made

    made = [owner for mine in await bench.together(port, change) for owner in mine]
    account = await port.stored("A-1")
    expect("versions after all changes; an update was lost", expected=1 + len(made), got=account.version)
    if bench.has(Capability.HISTORY):
        owners = [event.owner for event in account.history if type(event).__name__ == "Assigned"]
        expect("the changes in the history", expected=sorted(made), got=sorted(owners))


@proves(Capability.CONCURRENCY)
async def one_winner(bench: Bench) -> None:
    """Of callers who convert one prospect at once one wins: there is one deal, one account, one contact."""
    port = await bench.store()
    await port.write(ChangeSet.new(a_prospect()))
    ids = _Ids()

    async def convert(mine: Port, number: int) -> Applied | Refusal:
        service = _service(bench.crowded(mine), ids.by(number))
        return await bench.repeated(lambda: service.convert("P-1", terms=_TERMS, **when(1)))

    outcomes = await bench.together(port, convert)
    expect(
        "deals, accounts and contacts of one prospect", expected=dict.fromkeys(_KINDS, 1), got=await _stored(port, ids)
    )
    expect("callers who were told that they won", expected=1, got=sum(isinstance(one, Applied) for one in outcomes))
    codes = sorted({code for one in outcomes if isinstance(one, Refusal) for code in one.codes})
    expect("what the others were told", expected=["already_converted"], got=codes)


@proves(Capability.CONCURRENCY)
async def one_result_per_key(bench: Bench) -> None:
    """Callers who use one idempotency key at once all get the one result, which is carried out once."""
    port = await bench.store()
    await port.write(ChangeSet.new(a_prospect()))
    ids = _Ids()

    async def convert(mine: Port, number: int) -> Applied | Refusal:
        service = _service(bench.crowded(mine), ids.by(number))
        return await bench.repeated(lambda: service.convert("P-1", terms=_TERMS, key="k", **when(1)))

    outcomes = await bench.together(port, convert)
    expect(
        "deals, accounts and contacts under one key", expected=dict.fromkeys(_KINDS, 1), got=await _stored(port, ids)
    )
    refused = [str(one) for one in outcomes if isinstance(one, Refusal)]
    expect("callers who got no result", expected=[], got=refused)
    results = [one for one in outcomes if isinstance(one, Applied)]
    expect("callers who were told that they were first", expected=1, got=sum(not one.is_repeat for one in results))
    expect("all results are one", expected=True, got=all(one == results[0] for one in results))


@proves(Capability.CONCURRENCY)
async def one_account(bench: Bench) -> None:
    """Leads of one new company, converted at once, make one account, with which every deal is."""
    port = await bench.store()
    count = bench.host.callers
    people = (a_person(f"Person {number}", email=f"p{number}@northwind.example", phone=None) for number in range(count))
    await port.write(ChangeSet.new(*(a_lead(f"L-{number}", person=person) for number, person in enumerate(people))))
    ids = _Ids()

    async def convert(mine: Port, number: int) -> Applied | Refusal:
        service = _service(bench.crowded(mine), ids.by(number))
        return await bench.repeated(lambda: service.qualify_and_convert(f"L-{number}", terms=_TERMS, **when(1)))

    outcomes = await bench.together(port, convert)
    refused = [str(one) for one in outcomes if isinstance(one, Refusal)]
    expect("leads that were not converted", expected=[], got=refused)
    expected = {"account": 1, "contact": count, "opportunity": count}
    expect("what the leads of one company made", expected=expected, got=await _stored(port, ids))
    found = await port.candidates([MatchKey("account", "domain", "northwind.example")], 9)
    expect("accounts of the company's domain", expected=1, got=len(found))
    deals: list[Any] = [await port.load(id_) for id_ in ids.given if id_.startswith("opportunity")]
    expect("accounts of the deals", expected={found[0].id}, got={deal.account_id for deal in deals if deal is not None})


async def _stored(port: Port, ids: _Ids) -> dict[str, int]:
    made = await _made(port, ids.given)
    return {kind: made[kind] for kind in _KINDS}


RACES: Final[tuple[Check, ...]] = (no_update_lost, one_winner, one_result_per_key, one_account)
