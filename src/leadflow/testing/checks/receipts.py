"""A receipt is kept in the commit that it is about, once per key."""

from typing import Final

from leadflow.stores import ChangeSet, KeyTaken, Receipt, RecordVersion
from leadflow.testing.builders import a_contact, an_account, an_opportunity, when
from leadflow.testing.checks.registry import Check, proves
from leadflow.testing.reporting import expect
from leadflow.testing.running import Bench
from leadflow.testing.samples import TEXTS
from leadflow.validation import MAX_CODE, MAX_TEXT

__all__ = ["RECEIPTS"]


@proves()
async def receipts(bench: Bench) -> None:
    """A receipt is found under its key as it was written: the request, and the records in their order."""
    port = await bench.store()
    changes = ChangeSet.new(an_opportunity(), a_contact(), an_account()).keeping(key="k", request="r" * MAX_TEXT)
    await port.write(changes)
    expect("the receipt of a commit", expected=changes.receipt, got=await port.receipt("k"))
    account = await port.stored("A-1")
    bare = Receipt("bare", TEXTS[2])
    await port.write(ChangeSet.of((account, account.assign("bob", **when(1))), receipt=bare))
    expect("a receipt without records", expected=bare, got=await port.receipt("bare"))
    expect("the first receipt after another", expected=changes.receipt, got=await port.receipt("k"))
    expect("a record under the key of a receipt", expected=None, got=await port.load("k"))


@proves()
async def used_keys(bench: Bench) -> None:
    """A key that was used is `KeyTaken`: the second commit writes nothing and the first receipt stays."""
    port = await bench.store()
    first = ChangeSet.new(an_account()).keeping(key="k", request="r")
    await port.write(first)
    for words, request in (("the same request", "r"), ("another request", "other")):
        again = ChangeSet.new(a_contact()).keeping(key="k", request=request)
        expect(f"{words} under a used key", expected=KeyTaken("k"), got=await port.commit(again))
        expect(f"what {words} would have written", expected=None, got=await port.load("C-1"))
        expect(f"the receipt after {words}", expected=first.receipt, got=await port.receipt("k"))


@proves()
async def keys_of_receipts(bench: Bench) -> None:
    """Keys are compared letter by letter, up to 191 of them: case and accents count."""
    port = await bench.store()
    keys = ("key", "KEY", "kéy", "k%", "k_", "x" * MAX_CODE, "x" * (MAX_CODE - 1) + "y", *TEXTS[:2])
    for number, key in enumerate(keys):
        await port.write(ChangeSet.new(an_account(f"A-{number}")).keeping(key=key, request=f"r-{number}"))
    for number, key in enumerate(keys):
        receipt = Receipt(key, f"r-{number}", (RecordVersion("account", f"A-{number}", 1),))
        expect("keys of receipts were mixed up", expected=receipt, got=await port.receipt(key))


RECEIPTS: Final[tuple[Check, ...]] = (receipts, used_keys, keys_of_receipts)
