"""Records are found by the match keys of their present state, and what must be absent is."""

from collections.abc import Iterable
from typing import Final

from leadflow.dealparts import ContactRole
from leadflow.ids import ContactId
from leadflow.prospect import Prospect
from leadflow.stores import ChangeSet, Committed, MatchAppeared, MatchKey, Record, match_keys
from leadflow.testing.builders import (
    a_company,
    a_contact,
    a_lead,
    a_person,
    a_prospect,
    an_account,
    an_opportunity,
    when,
)
from leadflow.testing.checks.registry import Check, proves
from leadflow.testing.reporting import expect, same
from leadflow.testing.running import Bench, Port
from leadflow.testing.samples import one_of_each
from leadflow.validation import MAX_TEXT

__all__ = ["MATCHING"]

_DOMAIN: Final = MatchKey("account", "domain", "northwind.example")
_MANY: Final = 99


async def _ids(port: Port, keys: Iterable[MatchKey], limit: int = _MANY) -> list[str]:
    return [record.id for record in await port.candidates(tuple(keys), limit)]


async def _appeared(words: str, port: Port, changes: ChangeSet, *keys: MatchKey) -> None:
    """Commit a change set in whose way some keys are."""
    result = await port.commit(changes)
    named = sorted(set(result.keys)) if isinstance(result, MatchAppeared) else result
    expect(words, expected=sorted(keys), got=named)


@proves()
async def candidates(bench: Bench) -> None:
    """Every record is found by each of its match keys, alone and among others, once, whole, in one order."""
    port = await bench.store()
    records = one_of_each()
    await port.write(ChangeSet.new(*records))
    for record in records:
        for key in match_keys(record):
            expect(f"candidates by {key}", expected=[record.id], got=await _ids(port, [key]))
    keys = sorted({key for record in records for key in match_keys(record)})
    found = await port.candidates(keys, _MANY)
    expect("candidates by many keys", expected=sorted(r.id for r in records), got=sorted(r.id for r in found))
    by_id = {record.id: record for record in records}
    for record in found:
        same("a candidate came back changed", expected=bench.kept(by_id[record.id]), got=record)
    for _ in range(3):
        expect("the order of candidates", expected=[r.id for r in found], got=await _ids(port, keys))


@proves()
async def limit_per_key(bench: Bench) -> None:
    """At most `limit` records are returned per key, and fewer than `limit` only where there are fewer."""
    port = await bench.store()
    await port.write(ChangeSet.new(*(an_account(f"A-{number}") for number in range(1, 8))))
    await port.write(ChangeSet.new(*(a_contact(f"C-{number}") for number in range(1, 4))))
    email = MatchKey("contact", "email", "mara@northwind.example")
    for limit in (1, 3, 7, 8):
        expect(
            f"candidates of one key, limit {limit}", expected=min(limit, 7), got=len(await _ids(port, [_DOMAIN], limit))
        )
    for limit in (2, 5):
        ids = await _ids(port, [_DOMAIN, email], limit)
        kinds = (sum(id_.startswith("A") for id_ in ids), sum(id_.startswith("C") for id_ in ids))
        expect(f"candidates of two keys, limit {limit} each", expected=(min(limit, 7), min(limit, 3)), got=kinds)


@proves()
async def keys_follow_records(bench: Bench) -> None:
    """A record is found by what it is now: not by a corrected address, nor once it is withdrawn, merged or closed."""
    port = await bench.store()
    prospect = Prospect.imported("P-2", status="merged", person=a_person("Bo", email="bo@bo.example"), **when())
    deal = an_opportunity(contact_roles=[ContactRole(ContactId("C-1"), primary=True)], product_interest=["router"])
    await port.write(ChangeSet.new(an_account(), a_contact(), a_prospect(), deal))
    changed = {
        "C-1": (await port.stored("C-1")).correct(person=a_person(email="new@northwind.example"), **when(1)),
        "A-1": (await port.stored("A-1")).correct(company=a_company(domain="acme.example"), **when(1)),
        "P-1": (await port.stored("P-1")).withdraw(**when(1)),
        "O-1": (await port.stored("O-1")).lose("price", **when(1)),
    }
    lost: dict[str, set[MatchKey]] = {}
    for id_, after in changed.items():
        before = await port.stored(id_)
        lost[id_] = set(match_keys(before)) - set(match_keys(after))
        await port.write(ChangeSet.of((before, after)))
    for id_, after in changed.items():
        for key in sorted(lost[id_]):
            expect(f"candidates by {key}, which {id_} no longer has", expected=[], got=await _ids(port, [key]))
        for key in match_keys(after):
            expect(f"candidates by {key}, which {id_} has now", expected=[id_], got=await _ids(port, [key]))
    await port.write(ChangeSet.new(prospect))
    keys = match_keys(a_prospect(person=prospect.person))
    expect("candidates by the keys of a merged prospect", expected=[], got=await _ids(port, keys))


@proves()
async def keys_apart(bench: Bench) -> None:
    """Keys are told apart to the last letter: long ones, accents, kinds of record, products of two accounts."""
    port = await bench.store()
    long = "n" * (MAX_TEXT - 1)
    records: tuple[Record, ...] = (
        an_account("A-1", f"{long}a", company=None),
        an_account("A-2", f"{long}b", company=None),
        an_account("A-3", "resume", company=None),
        an_account("A-4", "résumé", company=None),
        an_account("A-5", "100%", company=None),
        an_account("A-6", "100_", company=None),
        a_contact("C-1", person=a_person("resume", email="r@r.example", phone=None)),
        a_lead("L-1", person=a_person("resume", email="r@r.example", phone=None)),
        an_opportunity("O-1", account_id="A-1", product_interest=["router"]),
        an_opportunity("O-2", account_id="A-2", product_interest=["router"]),
        an_opportunity("O-3", account_id="A-1"),
    )
    await port.write(ChangeSet.new(*records))
    for record in records:
        for key in match_keys(record):
            holders = sorted(other.id for other in records if key in match_keys(other))
            expect(f"candidates by {str(key)[:40]!r} of {record.id}", expected=holders, got=await _ids(port, [key]))


@proves()
async def expected_absences(bench: Bench) -> None:
    """A record that has a key which must be absent is `MatchAppeared`, names every such key, and nothing is written."""
    port = await bench.store()
    account = an_account()
    await port.write(ChangeSet.new(account))
    name, free = MatchKey("account", "name", "northwind"), MatchKey("account", "domain", "acme.example")
    twin = an_account("A-2", "Northwind GmbH")
    one = ChangeSet.of((None, twin), absent=[_DOMAIN, free])
    await _appeared("a key that must be absent and is there", port, one, _DOMAIN)
    two = ChangeSet.of((None, twin), absent=[_DOMAIN, free, name])
    await _appeared("two keys that must be absent and are there", port, two, _DOMAIN, name)
    expect("the record that made sure", expected=None, got=await port.load("A-2"))
    gone = await port.stored("A-1")
    await port.write(ChangeSet.of((gone, gone.withdraw(**when(1)))))
    expect("keys that are absent again", expected=Committed(), got=await port.commit(two))


@proves()
async def own_keys(bench: Bench) -> None:
    """Records of the change set itself may have the keys that must be absent; every other record may not."""
    port = await bench.store()
    await port.write(ChangeSet.of((None, an_account()), absent=[_DOMAIN]))
    account = await port.stored("A-1")
    await port.write(ChangeSet.of((account, account.assign("bob", **when(1))), absent=[_DOMAIN]))
    account = await port.stored("A-1")
    moved = account.correct(company=a_company(domain="acme.example"), **when(2))
    await port.write(ChangeSet.of((account, moved), (None, an_account("A-2")), absent=[_DOMAIN]))
    account = await port.stored("A-1")
    third = ChangeSet.of((account, account.assign("eve", **when(3))), absent=[_DOMAIN])
    await _appeared("a key that another record has", port, third, _DOMAIN)
    expect("ids of candidates", expected=["A-2"], got=await _ids(port, [_DOMAIN]))


MATCHING: Final[tuple[Check, ...]] = (
    candidates,
    limit_per_key,
    keys_follow_records,
    keys_apart,
    expected_absences,
    own_keys,
)
