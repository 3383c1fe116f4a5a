"""What is written continues what is stored, or nothing is written and the records that moved are named."""

from typing import Final

from leadflow.stores import ChangeSet, Committed, KeyTaken, MatchAppeared, RecordVersion, Stale, match_keys
from leadflow.testing.builders import a_contact, a_lead, an_account, an_opportunity, when
from leadflow.testing.checks.registry import Check, proves
from leadflow.testing.reporting import expect, same
from leadflow.testing.running import Bench

__all__ = ["VERSIONS"]


@proves()
async def updates(bench: Bench) -> None:
    """A record that was loaded, changed and committed is loaded changed, as often as one likes."""
    port = await bench.store()
    await port.write(ChangeSet.new(an_account()))
    for number in range(1, 5):
        before = await port.stored("A-1")
        after = before.assign(f"user-{number}", **when(number)).correct(tags=[f"t-{number}"], **when(number))
        await port.write(ChangeSet.of((before, after)))
        same("an update came back changed", expected=bench.kept(after), got=await port.stored("A-1"))


@proves()
async def stale_versions(bench: Bench) -> None:
    """A change of a version that is no longer the stored one is `Stale`, names every such record and writes nothing."""
    port = await bench.store()
    await port.write(ChangeSet.new(an_account(), a_contact(), an_opportunity()))
    old = {id_: await port.stored(id_) for id_ in ("A-1", "C-1", "O-1")}
    for id_ in ("A-1", "O-1"):
        await port.write(ChangeSet.of((old[id_], old[id_].assign("bob", **when(1)))))
    late = ChangeSet.of(*((record, record.assign("eve", **when(2))) for record in old.values()))
    expect("a change of two old versions", expected=Stale(["A-1", "O-1"]), got=await port.commit(late))
    for id_, owner in (("A-1", "bob"), ("O-1", "bob"), ("C-1", None)):
        expect(f"the owner of {id_} after a stale change", expected=owner, got=(await port.stored(id_)).owner)


@proves()
async def new_ids(bench: Bench) -> None:
    """A new record under an id that is taken, by a record of whatever kind, is `Stale` and replaces nothing."""
    port = await bench.store()
    first = an_account("X-1")
    await port.write(ChangeSet.new(first))
    for twin in (an_account("X-1", "Other"), a_contact("X-1"), a_lead("X-1")):
        changes = ChangeSet.new(twin, an_opportunity("O-1"))
        expect(f"a new {twin} whose id is taken", expected=Stale(["X-1"]), got=await port.commit(changes))
        same("a record was replaced", expected=bench.kept(first), got=await port.stored("X-1"))
    expect("what was new beside it", expected=None, got=await port.load("O-1"))


@proves()
async def vanished_records(bench: Bench) -> None:
    """A change of a record that is not stored is `Stale` and makes none."""
    port = await bench.store()
    lead = a_lead()
    changes = ChangeSet.of((lead, lead.assign("bob", **when(1))))
    expect("a change of a record that is not there", expected=Stale(["L-1"]), got=await port.commit(changes))
    expect("the record", expected=None, got=await port.load("L-1"))


@proves()
async def one_history(bench: Bench) -> None:
    """A version number that counts another history is `Stale`: one record is not continued in two ways."""
    port = await bench.store()
    await port.write(ChangeSet.new(an_account()))
    first = await port.stored("A-1")
    mine, theirs = first.assign("bob", **when(1)), first.assign("eve", **when(1))
    await port.write(ChangeSet.of((first, theirs)))
    changes = ChangeSet.of((mine, mine.assign("ada", **when(2))))
    expect("version 2 of another history continued", expected=Stale(["A-1"]), got=await port.commit(changes))
    expect("the owner", expected="eve", got=(await port.stored("A-1")).owner)


@proves()
async def relied_versions(bench: Bench) -> None:
    """Records that a change set only relies on must be stored in that version, of that kind; else they are `Stale`."""
    port = await bench.store()
    await port.write(ChangeSet.new(an_account(), an_account("A-2", "Acme")))
    first = await port.stored("A-1")
    newer = first.assign("bob", **when(1))
    await port.write(ChangeSet.of((first, newer)))
    wrong = {
        "an old version": RecordVersion("account", "A-1", 1),
        "a version to come": RecordVersion("account", "A-1", 3),
        "another kind": RecordVersion("contact", "A-1", 2),
        "a record that is not there": RecordVersion("account", "A-404", 1),
    }
    for words, relied in wrong.items():
        changes = ChangeSet.of((None, a_contact()), relies_on=[relied, RecordVersion("account", "A-2", 1)])
        expect(f"{words} relied on", expected=Stale([relied.id]), got=await port.commit(changes))
        expect("what would have been written", expected=None, got=await port.load("C-1"))
    await port.write(ChangeSet.of((None, a_contact()), relies_on=[RecordVersion.of(newer)]))
    same("a record relied on came back changed", expected=bench.kept(newer), got=await port.stored("A-1"))


@proves()
async def order_of_checks(bench: Bench) -> None:
    """A taken key is told before stale records, and these before match keys: a retry learns of its receipt."""
    port = await bench.store()
    account = an_account()
    keys = match_keys(account)
    changes = ChangeSet.of((None, account)).keeping(key="k", request="r")
    await port.write(changes)
    everything = ChangeSet.of((None, an_account("A-1", "Twin")), absent=keys)
    result = await port.commit(everything.keeping(key="k", request="other"))
    expect("a used key, a stale record and a match at once", expected=KeyTaken("k"), got=result)
    expect("a stale record and a match at once", expected=Stale(["A-1"]), got=await port.commit(everything))
    other = await port.commit(ChangeSet.of((None, an_account("A-2", "Twin")), absent=keys[:1]))
    expect("a match alone", expected=MatchAppeared(keys[:1]), got=other)


@proves()
async def order_of_writes(bench: Bench) -> None:
    """What is stored depends neither on the order of writes in a change set, nor of commits that share nothing."""
    records = (an_account("A-2", "Acme"), an_account("A-1"), a_contact("C-2"), a_contact("C-1"), an_opportunity())
    for ordered in (records, records[::-1]):
        one, two = await bench.store(), await bench.store()
        await one.write(ChangeSet.new(*ordered))
        for record in ordered:
            expect("a lone commit", expected=Committed(), got=await two.commit(ChangeSet.new(record)))
        for record in records:
            for port in (one, two):
                same("the order of writes shows", expected=bench.kept(record), got=await port.stored(record.id))


VERSIONS: Final[tuple[Check, ...]] = (
    updates,
    stale_versions,
    new_ids,
    vanished_records,
    one_history,
    relied_versions,
    order_of_checks,
    order_of_writes,
)
