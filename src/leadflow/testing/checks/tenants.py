"""Another tenant's records, match keys and receipts do not exist."""

from typing import Final

from leadflow.stores import ChangeSet, MatchKey, Stale, match_keys
from leadflow.testing.builders import an_account, when
from leadflow.testing.checks.registry import Check, proves
from leadflow.testing.hosts import Capability
from leadflow.testing.reporting import expect, same
from leadflow.testing.running import Bench

__all__ = ["TENANTS"]


@proves(Capability.TENANTS)
async def tenants(bench: Bench) -> None:
    """Two tenants share nothing: the same ids, match keys and idempotency keys are free in each."""
    north = await bench.store()
    south = await bench.other_tenant(north)
    account = an_account()
    await north.write(ChangeSet.new(account).keeping(key="k", request="north"))
    expect("a record of another tenant", expected=None, got=await south.load("A-1"))
    expect("a receipt of another tenant", expected=None, got=await south.receipt("k"))
    found = await south.candidates(match_keys(account), 5)
    expect("candidates of another tenant", expected=[], got=[record.id for record in found])
    change = ChangeSet.of((account, account.assign("mallory", **when(1))))
    expect("a change of another tenant's record", expected=Stale(["A-1"]), got=await south.commit(change))
    twin = an_account("A-1", "Twin of Northwind")
    domain = MatchKey("account", "domain", "northwind.example")
    await south.write(ChangeSet.of((None, twin), absent=[domain]).keeping(key="k", request="south"))
    for port, record, request in ((north, account, "north"), (south, twin, "south")):
        same("tenants were mixed up", expected=bench.kept(record), got=await port.stored("A-1"))
        kept = await port.receipt("k")
        expect("the receipt of one tenant", expected=request, got=None if kept is None else kept.request)
        ids = [candidate.id for candidate in await port.candidates([domain], 5)]
        expect("candidates of one tenant", expected=["A-1"], got=ids)


TENANTS: Final[tuple[Check, ...]] = (tenants,)
