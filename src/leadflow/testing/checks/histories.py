"""What happened stays: a history only grows, but for what somebody had a right to have forgotten."""

from typing import Final

from leadflow.stores import ChangeSet, match_keys
from leadflow.testing.builders import a_contact, a_person, an_account, when
from leadflow.testing.checks.registry import Check, proves
from leadflow.testing.hosts import Capability
from leadflow.testing.reporting import expect, same
from leadflow.testing.running import Bench
from leadflow.testing.samples import eventful

__all__ = ["HISTORIES"]


@proves(Capability.HISTORY)
async def growing_history(bench: Bench) -> None:
    """However a history is cut into commits, it is loaded whole and in order, and earlier events never change."""
    port = await bench.store()
    for record in eventful():
        kind = type(record)
        stored = kind(record.id, record.history[:1])  # type: ignore[arg-type]  # events of the same record
        await port.write(ChangeSet.new(stored))
        if any(type(event).__name__ == "Redacted" for event in record.history):
            continue
        # One event, then two, then the rest: what a commit adds is not always one.
        for length in (2, 4, len(record.history)):
            after = kind(record.id, record.history[:length])  # type: ignore[arg-type]
            if after.version > stored.version:
                await port.write(ChangeSet.of((stored, after)))
                stored = await port.stored(record.id)
                same("a history came back changed", expected=after, got=stored)


@proves(Capability.HISTORY)
async def simultaneous_events(bench: Bench) -> None:
    """Events of one moment, and those written down late, stay in the order in which they were recorded."""
    port = await bench.store()
    account = an_account()
    await port.write(ChangeSet.new(account))
    for _ in range(3):
        before = account = await port.stored("A-1")
        for owner in ("zoe", "ada", "mia", "bob"):
            account = account.assign(owner, **when(1))
        await port.write(ChangeSet.of((before, account)))
        same("events changed places", expected=account, got=await port.stored("A-1"))


@proves()
async def redaction(bench: Bench) -> None:
    """Redaction replaces what is stored: no name in state or history, and the person is no longer found."""
    port = await bench.store()
    contact = a_contact(person=a_person("Wanda Verges"))
    await port.write(ChangeSet.new(contact, an_account()))
    before = await port.stored("C-1")
    after = before.assign("bob", **when(1)).redact(reason="GDPR Art. 17", **when(2)).assign("eve", **when(3))
    await port.write(ChangeSet.of((before, after)))
    found = await port.stored("C-1")
    same("a redacted record came back changed", expected=bench.kept(after), got=found)
    expect("a name in the history of a redacted record", expected=False, got="Wanda" in repr(found.history))
    named = await port.candidates(sorted({*match_keys(contact)} - {*match_keys(after)}), 5)
    expect("candidates by the keys of somebody redacted", expected=[], got=[record.id for record in named])
    await port.write(ChangeSet.of((found, found.assign("mia", **when(4)))))
    same("a redacted record was not continued", expected="mia", got=(await port.stored("C-1")).owner)


HISTORIES: Final[tuple[Check, ...]] = (growing_history, simultaneous_events, redaction)
