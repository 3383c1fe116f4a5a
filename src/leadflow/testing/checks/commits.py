"""A commit is one step: all of it or nothing, and nothing of it before all of it."""

from typing import Final

from leadflow.account import Account
from leadflow.stores import (
    ChangeSet,
    CommitResult,
    Committed,
    KeyTaken,
    MatchAppeared,
    MatchKey,
    Stale,
    match_keys,
)
from leadflow.testing.builders import a_contact, a_lead, a_person, an_account, an_opportunity, when
from leadflow.testing.checks.registry import Check, proves
from leadflow.testing.hosts import Capability
from leadflow.testing.reporting import expect, fault, same
from leadflow.testing.running import Bench, Port

__all__ = ["COMMITS"]

# A commit of five small records has some dozens of writes: rows, keys, events, a receipt.
_MOST_WRITES: Final = 500


class InjectedError(Exception):
    """What the kit lets a write fail with."""


def _changes(account: Account) -> ChangeSet:
    """Return a change set with a change, several new records, and a receipt."""
    return ChangeSet.of(
        (account, account.correct(name="Northwind Trading", clear=["company"], **when(1))),
        (None, a_contact()),
        (None, an_opportunity()),
        (None, a_lead()),
    ).keeping(key="k", request="r")


async def _state(port: Port, changes: ChangeSet) -> dict[str, object]:
    """Return everything that a change set touches, as it is stored."""
    keys = sorted(
        {
            key
            for write in changes.writes
            for record in (write.before, write.after)
            if record
            for key in match_keys(record)
        }
    )
    found: dict[str, object] = {f"record {write.id}": await port.load(write.id) for write in changes.writes}
    found["receipt k"] = await port.receipt("k")
    for key in keys:
        found[f"candidates by {key}"] = tuple(record.id for record in await port.candidates([key], 9))
    return found


def _unchanged(words: str, before: dict[str, object], after: dict[str, object]) -> None:
    for what, value in before.items():
        same(f"{words}: {what}", expected=value, got=after[what])


@proves()
async def refused_commits(bench: Bench) -> None:
    """A commit that is refused, for whatever reason, leaves no trace: no record, no key, no receipt."""
    port = await bench.store()
    await port.write(ChangeSet.new(an_account(), an_account("A-2", "Acme")).keeping(key="used", request="r"))
    account, other = await port.stored("A-1"), await port.stored("A-2")
    await port.write(ChangeSet.of((other, other.assign("bob", **when(1)))))
    good = _changes(account)
    there = MatchKey("account", "name", "acme")
    refused: dict[str, tuple[ChangeSet, CommitResult]] = {
        "used key": (ChangeSet(writes=good.writes).keeping(key="used", request="r"), KeyTaken("used")),
        "stale record": (
            ChangeSet.of(
                *((write.before, write.after) for write in good.writes),
                (other, other.assign("eve", **when(2))),
                receipt=good.receipt,
            ),
            Stale(["A-2"]),
        ),
        "stale record relied on": (
            ChangeSet(writes=good.writes, relies_on=ChangeSet.new(other).versions, receipt=good.receipt),
            Stale(["A-2"]),
        ),
        "match": (ChangeSet(writes=good.writes, absent=[there], receipt=good.receipt), MatchAppeared([there])),
    }
    before = await _state(port, good)
    for words, (changes, result) in refused.items():
        expect(f"a commit with a {words}", expected=result, got=await port.commit(changes))
        _unchanged(f"a commit refused for a {words} left a trace", before, await _state(port, good))
    await port.write(good)


class _Fuse:
    """Fails before one write of a commit, counted from 1."""

    def __init__(self, number: int) -> None:
        self.left = number

    def burn(self) -> None:
        """Count a write."""
        self.left -= 1
        if self.left == 0:
            raise InjectedError("leadflow.testing lets this write fail")

    @property
    def is_burnt(self) -> bool:
        """Whether it has failed."""
        return self.left <= 0


@proves(Capability.WRITES)
async def failing_writes(bench: Bench) -> None:
    """A fault before any write of a commit leaves no trace, leaves `commit` as an error, and a retry succeeds."""
    for number in range(1, _MOST_WRITES):
        port = await bench.store()
        await port.write(ChangeSet.new(an_account()))
        changes = _changes(await port.stored("A-1"))
        before = await _state(port, changes)
        fuse = _Fuse(number)
        result: object = None
        try:
            result = await bench.commit_watched(port, changes, fuse.burn)
        except Exception as error:
            if not _comes_from_us(error):
                raise
        if not fuse.is_burnt:
            if number == 1:
                raise fault(
                    "the hook before_writes is not called", expected="a fault before the first write", got=result
                )
            await _written(bench, port, changes)
            return
        if result is not None:
            raise fault(f"write {number} failed and commit returned", expected="the error", got=result)
        _unchanged(f"write {number} failed and left a trace", before, await _state(port, changes))
        await port.write(changes)
        await _written(bench, port, changes)
    raise fault("a commit never ends", expected=f"fewer than {_MOST_WRITES} writes", got=_MOST_WRITES)


async def _written(bench: Bench, port: Port, changes: ChangeSet) -> None:
    for write in changes.writes:
        same("a commit left something out", expected=bench.kept(write.after), got=await port.stored(write.id))
    expect("the receipt of a commit", expected=changes.receipt, got=await port.receipt("k"))


def _comes_from_us(error: BaseException | None) -> bool:
    """Return whether an error is, or was made from, the one that was injected."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        if isinstance(error, InjectedError):
            return True
        seen.append(error)
        error = error.__cause__ or error.__context__
    return False


@proves(Capability.WRITES, Capability.CONNECTIONS)
async def nothing_early(bench: Bench) -> None:
    """While a commit writes, another connection sees the state before it; once it has returned, all of it."""
    port = await bench.store()
    await port.write(ChangeSet.new(an_account()))
    changes = _changes(await port.stored("A-1"))
    before = await _state(port, changes)
    seen: list[dict[str, object]] = []

    def look() -> None:
        seen.append(bench.apart(lambda other: _state(other, changes), port) or {})

    expect("a commit", expected=Committed(), got=await bench.commit_watched(port, changes, look))
    if not seen:
        raise fault("the hook before_writes is not called", expected="a look before each write", got="no look")
    for number, state in enumerate(seen, 1):
        if state:
            _unchanged(f"seen before write {number}, before all was committed", before, state)
    other = await bench.another(port)
    _unchanged("another connection, after the commit", await _state(port, changes), await _state(other, changes))


@proves(Capability.CONNECTIONS)
async def durable(bench: Bench) -> None:
    """What was committed is what any other connection loads, finds and continues."""
    port = await bench.store()
    other = await bench.another(port)
    account = an_account()
    await port.write(ChangeSet.new(account, a_contact(person=a_person("Bo"))).keeping(key="k", request="r"))
    found = await other.stored("A-1")
    same("another connection loads something else", expected=bench.kept(account), got=found)
    kept = await other.receipt("k")
    expect("another connection finds the receipt", expected="r", got=None if kept is None else kept.request)
    candidates = await other.candidates(match_keys(account), 5)
    expect("another connection finds candidates", expected=["A-1"], got=[record.id for record in candidates])
    await other.write(ChangeSet.of((found, found.assign("bob", **when(1)))))
    late = ChangeSet.of((found, found.assign("eve", **when(2))))
    expect("a change that another connection made stale", expected=Stale(["A-1"]), got=await port.commit(late))


@proves()
async def returned_values(bench: Bench) -> None:
    """What a store returned is the caller's: no later commit changes it, and what is done to it changes no store."""
    port = await bench.store()
    await port.write(ChangeSet.new(an_account(), a_contact()))
    account = await port.stored("A-1")
    keys = match_keys(account)
    found = await port.candidates(keys, 5)
    version, owner = account.version, account.owner
    await port.write(ChangeSet.of((account, account.assign("bob", **when(1)))))
    got = (account.version, account.owner, [record.version for record in found])
    expect("a record that was loaded before a commit", expected=(version, owner, [version]), got=got)
    again = port.inner.candidates(keys, 5)
    listed = await again if bench.awaited else again
    if isinstance(listed, list):
        listed.clear()
    expect("candidates after a list was emptied", expected=1, got=len(await port.candidates(keys, 5)))


COMMITS: Final[tuple[Check, ...]] = (refused_commits, failing_writes, nothing_early, durable, returned_values)
