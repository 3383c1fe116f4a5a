"""What goes in comes out: every kind of record, every kind of value, to the last digit."""

from datetime import timedelta
from typing import Final

from leadflow.dealparts import Origin
from leadflow.engagement import Engagement, Touch
from leadflow.money import Money
from leadflow.opportunity import Opportunity
from leadflow.party import Company, Person
from leadflow.pipelines import SIMPLE
from leadflow.stores import ChangeSet, Record, match_keys
from leadflow.testing.builders import (
    MONDAY,
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
from leadflow.testing.hosts import Capability
from leadflow.testing.reporting import expect, same
from leadflow.testing.running import Bench, Port
from leadflow.testing.samples import FIELDS, LONG, MOMENTS, TEXTS, eventful, one_of_each
from leadflow.validation import MAX_CODE, MAX_TEXT

__all__ = ["ROUND_TRIP"]


async def _round_trip(bench: Bench, words: str, *records: Record) -> Port:
    """Write records in one commit, load each, and compare."""
    port = await bench.store()
    await port.write(ChangeSet.new(*records))
    for record in records:
        same(words, expected=bench.kept(record), got=await port.stored(record.id))
    return port


@proves()
async def every_kind(bench: Bench) -> None:
    """Records of all six kinds are loaded as they were written, each by its id alone."""
    await _round_trip(bench, "a record came back changed", *one_of_each())


@proves()
async def missing_records(bench: Bench) -> None:
    """What was never written is not found: no record, no receipt, no candidate."""
    port = await bench.store()
    for word in ("an empty store", "a store that holds others"):
        expect(f"an unknown id in {word}", expected=None, got=await port.load("L-404"))
        expect(f"an unknown key in {word}", expected=None, got=await port.receipt("key-404"))
        nobody = a_person("Nobody", email="no@body.example", phone="+1 202 5550100")
        keys = match_keys(a_contact(person=nobody, account_id="A-404"))
        expect(f"unknown match keys in {word}", expected=(), got=await port.candidates(keys, 5))
        if word == "an empty store":
            await port.write(ChangeSet.new(*one_of_each()).keeping(key="key-1", request="r"))


@proves()
async def money_scale(bench: Bench) -> None:
    """Amounts of money keep every digit and their scale: 1.50 is not 1.5, and a large amount is no float."""
    amounts = ("0.00", "1.50", "999999999999999.99", "-0.10", "0.1234567890123456789", "100")
    await _round_trip(
        bench,
        "an amount lost digits",
        *(an_opportunity(f"O-{number}", amount=Money(amount, "EUR")) for number, amount in enumerate(amounts)),
        *(
            a_lead(f"L-{number}", company=a_company(revenue=Money(amount, "JPY")), estimated_value=Money(amount, "EUR"))
            for number, amount in enumerate(amounts)
        ),
    )


@proves()
async def microseconds(bench: Bench) -> None:
    """Times are loaded to the microsecond, aware."""
    at = MONDAY + timedelta(microseconds=123_456)
    late = {"at": at, "recorded_at": at + timedelta(microseconds=1)}
    await _round_trip(
        bench,
        "a time lost its microseconds",
        a_lead("L-1", engagement=Engagement("form", at=at), **late),
        a_prospect("P-1", created_at=at - timedelta(microseconds=7), **late),
    )


@proves()
async def offsets(bench: Bench) -> None:
    """Times keep the offset from UTC with which they were written, also one of hours and minutes."""
    await _round_trip(
        bench,
        "a time lost its offset",
        *(
            a_lead(f"L-{number}", engagement=Engagement("form", at=at), at=at, recorded_at=at)
            for number, at in enumerate(MOMENTS)
        ),
    )


@proves()
async def unknown_and_empty(bench: Bench) -> None:
    """Unknown stays unknown and empty stays empty: None is neither "" nor 0 nor an empty collection."""
    quiet = when(0, by=None)
    bare = Person("Bo", email="bo@bo.example")
    none = Company("Nought", domain="nought.example", email="no@nought.example", employees=0, revenue=Money("0", "EUR"))
    imported = Opportunity.imported(
        "O-1", "Deal", pipeline=SIMPLE, stage="qualified", origin=Origin.from_campaign("c"), **quiet
    )
    await _round_trip(
        bench,
        "unknown and empty were mixed up",
        a_lead("L-1", person=bare, company=None, source=None, fields={"empty": "", "none": (), "zero": 0}, **quiet),
        a_lead("L-2", person=None, company=none, engagement=Engagement("form", at=MONDAY, note=""), **quiet),
        an_account("A-1", company=None, **quiet),
        a_contact("C-1", person=bare, account_id=None, **quiet),
        imported,
        a_prospect("P-1", person=None, company=None, source=None, **quiet),
    )


@proves()
async def texts(bench: Bench) -> None:
    """Texts are kept letter by letter: SQL, HTML, emoji, quotes, accents written in two ways."""
    await _round_trip(
        bench,
        "a text came back changed",
        *(an_account(f"A-{number}", text, tags=["Ä", "ä"]) for number, text in enumerate(TEXTS)),
        *(
            a_lead(
                f"L-{number}",
                person=a_person(text, job_title=text),
                engagement=Engagement("form", at=MONDAY, note=f"{text}\n\t{text} "),
            )
            for number, text in enumerate(TEXTS)
        ),
    )


@proves()
async def long_texts(bench: Bench) -> None:
    """Texts are never cut: names of 500 characters, notes of 96,000."""
    lead = a_lead(person=a_person("ü" * MAX_TEXT), engagement=Engagement("form", at=MONDAY, note=LONG))
    account = an_account(name=f"{'n' * (MAX_TEXT - 1)}!", company=None)
    await _round_trip(bench, "a long text was cut", lead.touch(Touch("call", at=MONDAY, note=LONG), **when()), account)


@proves()
async def custom_fields(bench: Bench) -> None:
    """Custom fields keep their types: True is not 1, 2.0 is not 2, 1.50 is not 1.5, a tuple is no set."""
    records = (a_lead(fields=FIELDS), an_account(fields=FIELDS), an_opportunity(fields=FIELDS))
    await _round_trip(bench, "a custom field came back changed", *records)


@proves()
async def ids(bench: Bench) -> None:
    """Ids are compared letter by letter, up to 191 of them: case, accents and spaces inside count."""
    known = ("a-1", "A-1", "ä-1", "a 1", "%", "_", "'", "\N{GRINNING FACE}", "x" * MAX_CODE, "x" * (MAX_CODE - 1) + "y")
    records = tuple(an_account(id_, f"Account {number}") for number, id_ in enumerate(known))
    port = await _round_trip(bench, "ids were mixed up", *records)
    for unknown in ("Ä-1", "a-1/", "x" * (MAX_CODE - 1), "__"):
        expect(f"the id {unknown!r}, which nobody has", expected=None, got=await port.load(unknown))


@proves(Capability.HISTORY)
async def every_event(bench: Bench) -> None:
    """Whole histories are loaded event by event: every kind of event that there is."""
    await _round_trip(bench, "a history came back changed", *eventful())


@proves()
async def states(bench: Bench) -> None:
    """The state and version of every record are kept, also of one whose history was folded into one event."""
    await _round_trip(bench, "a state came back changed", *(record.compacted() for record in eventful()))


ROUND_TRIP: Final[tuple[Check, ...]] = (
    every_kind,
    missing_records,
    money_scale,
    microseconds,
    offsets,
    unknown_and_empty,
    texts,
    long_texts,
    custom_fields,
    ids,
    every_event,
    states,
)
