"""
Hypothesis strategies for hosts: values, and records of every kind with random histories that are legal.

Theory. A history is grown, not made up: a record begins by its own constructor, then commands are drawn and tried one
after the other; what the rules refuse changes nothing and is passed over. So every record drawn could have come about,
and none that the rules allow is out of reach. Times only go forward, by minutes to weeks; texts are any that a field
takes. Needs Hypothesis.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeVar, cast

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from leadflow.account import Account
from leadflow.contact import Contact
from leadflow.dealparts import DISQUALIFICATION_REASONS, LOSS_REASONS, BuyingRole, Milestone, Proposal
from leadflow.engagement import Engagement, Touch
from leadflow.errors import LeadflowError
from leadflow.fields import Fields
from leadflow.forecasting import Deal
from leadflow.lead import Lead
from leadflow.listentry import ListEntry
from leadflow.money import Money
from leadflow.opportunity import Opportunity
from leadflow.party import Channel, Company, Consent, Person
from leadflow.prospect import Prospect
from leadflow.stage import ForecastCategory
from leadflow.stores import ChangeSet, Record
from leadflow.stores.records import RECORD_TYPES
from leadflow.testing.builders import (
    MONDAY,
    a_contact,
    a_lead,
    a_list_entry,
    a_prospect,
    an_account,
    an_opportunity,
)

__all__ = [
    "accounts",
    "change_sets",
    "changed",
    "companies",
    "contacts",
    "custom_fields",
    "deals",
    "engagements",
    "leads",
    "list_entries",
    "moments",
    "monies",
    "opportunities",
    "people",
    "prospects",
    "records",
    "texts",
    "touches",
]

_Kind = TypeVar("_Kind", Account, Contact, Opportunity, Prospect, Lead, ListEntry)
_Drawn: TypeAlias = SearchStrategy[tuple[tuple[Any, ...], dict[str, Any]]]
_Command: TypeAlias = Callable[[datetime], _Drawn]

# Any letter that a text may have: no controls, no halves of surrogate pairs.
_LETTERS: Final = st.characters(exclude_categories=("Cs", "Cc"))
_CODES: Final = st.sampled_from(["a", "b", "c", "Ä-1", "x y"])
_TAGS: Final = st.sampled_from(["warm", "Warm", "fair \N{GRINNING FACE}"])
_ROLES: Final = st.sampled_from(["C-1", "C-2", "C-3"])


def texts(longest: int = 30) -> SearchStrategy[str]:
    """Draw one line of text with something in it, of any letters."""
    return st.text(_LETTERS, min_size=1, max_size=longest).filter(lambda text: any(map(str.isalnum, text)))


def moments(earliest: datetime = MONDAY) -> SearchStrategy[datetime]:
    """Draw an aware time in the year after the earliest, to the microsecond, with any offset of whole minutes."""
    offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    later = st.timedeltas(timedelta(0), timedelta(days=365))
    return st.builds(lambda passed, zone: (earliest + passed).astimezone(zone), later, offsets)


def monies(*currencies: str) -> SearchStrategy[Money]:
    """Draw an amount of up to a billion with up to four decimals, in one of the currencies (EUR, USD, JPY)."""
    amounts = st.decimals(0, 10**9, places=4) | st.decimals(0, 10**6, places=2) | st.integers(0, 10**6).map(Decimal)
    return st.builds(Money, amounts, st.sampled_from(currencies or ("EUR", "USD", "JPY")))


def custom_fields() -> SearchStrategy[Fields]:
    """Draw custom fields of every type."""
    values: SearchStrategy[Any] = (
        st.booleans()
        | st.integers(-(2**70), 2**70)
        | st.floats(allow_nan=False, allow_infinity=False)
        | texts()
        | st.decimals(-(10**6), 10**6, places=3)
        | st.dates()
        | moments()
        | st.timedeltas()
        | monies()
        | st.lists(texts(5), max_size=3).map(tuple)
        | st.frozensets(texts(5), max_size=3)
    )
    return st.dictionaries(st.sampled_from(["tier", "seats", "Tier", "x"]), values, max_size=3).map(Fields)


def people() -> SearchStrategy[Person]:
    """Draw somebody who can be reached; few addresses, so that some are the same."""
    return st.builds(
        Person,
        texts() | st.sampled_from(["Mara Okafor", "mara okafor"]),
        email=st.sampled_from(["mara@northwind.example", "Mara@Northwind.example", "bo@gmail.com", "bo@acme.example"]),
        phone=st.none() | st.sampled_from(["+49 30 1234567", "0049 (0)30 1234567", "12345"]),
        job_title=st.none() | texts(),
        country=st.sampled_from([None, "DE", "NP"]),
    )


def companies() -> SearchStrategy[Company]:
    """Draw a company; few domains, so that some are the same."""
    return st.builds(
        Company,
        texts() | st.sampled_from(["Northwind", "Peet's Coffee", "Peet\N{RIGHT SINGLE QUOTATION MARK}s Coffee"]),
        domain=st.sampled_from([None, "northwind.example", "www.northwind.example", "acme.example", "gmail.com"]),
        employees=st.none() | st.integers(0, 10**6),
        revenue=st.none() | monies(),
    )


def engagements(latest: datetime = MONDAY) -> SearchStrategy[Engagement]:
    """Draw something that the other side did of its own accord, in the month up to the latest time."""
    return st.builds(
        Engagement,
        st.sampled_from(["form", "demo_request", "call"]),
        at=_before(latest),
        subject=st.none() | texts(),
        note=st.just("") | texts(200),
        value=st.none() | monies(),
        fields=custom_fields(),
    )


def touches(latest: datetime = MONDAY) -> SearchStrategy[Touch]:
    """Draw something that we did, in the month up to the latest time."""
    return st.builds(
        Touch,
        st.sampled_from(["call", "email", "meeting"]),
        at=_before(latest),
        outcome=st.sampled_from(["no_answer", "replied", "held"]),
        note=st.just("") | texts(200),
    )


def accounts(id: str | None = None, *, longest: int = 6) -> SearchStrategy[Account]:  # noqa: A002
    """Draw an account; its id, and how many commands to try on it at most, may be given."""
    return records(Account, id=id, longest=longest)


def contacts(id: str | None = None, *, longest: int = 6) -> SearchStrategy[Contact]:  # noqa: A002
    """Draw a contact."""
    return records(Contact, id=id, longest=longest)


def list_entries(id: str | None = None, *, longest: int = 6) -> SearchStrategy[ListEntry]:  # noqa: A002
    """Draw a list entry."""
    return records(ListEntry, id=id, longest=longest)


def leads(id: str | None = None, *, longest: int = 6) -> SearchStrategy[Lead]:  # noqa: A002
    """Draw a lead."""
    return records(Lead, id=id, longest=longest)


def prospects(id: str | None = None, *, longest: int = 6) -> SearchStrategy[Prospect]:  # noqa: A002
    """Draw a prospect."""
    return records(Prospect, id=id, longest=longest)


def opportunities(id: str | None = None, *, longest: int = 6) -> SearchStrategy[Opportunity]:  # noqa: A002
    """Draw a deal in `pipelines.SIMPLE`."""
    return records(Opportunity, id=id, longest=longest)


def deals(*, longest: int = 6) -> SearchStrategy[Deal]:
    """Draw the flat view of a deal, as forecasting takes it."""
    return opportunities(longest=longest).map(Deal.of)


@st.composite
def records(
    draw: DrawFn,
    kind: type[_Kind],
    *,
    id: str | None = None,  # noqa: A002 - the interface's word
    longest: int = 6,
) -> _Kind:
    """
    Draw a record of a kind, with a random legal history.

    Args:
        draw: Given by Hypothesis.
        kind: Which kind, e.g. ``Lead``.
        id: Its id. Default: drawn out of few.
        longest: How many commands to try on it at most.
    """
    beginning = _BEGINNINGS[kind]
    record = draw(beginning(draw(_CODES) if id is None else id))
    for _ in range(draw(st.integers(0, longest))):
        record = draw(changed(record))
    return cast("_Kind", record)


@st.composite
def changed(draw: DrawFn, record: Record) -> Any:  # noqa: ANN401 - of the record's own kind
    """Draw what a record is after one more command: the same record, if the rules refuse what was drawn."""
    name = draw(st.sampled_from(sorted(_COMMANDS[type(record)])))
    passed = draw(st.sampled_from([timedelta(0), timedelta(minutes=7, microseconds=1), timedelta(days=3)]))
    at = record.updated_at + passed
    given, named = draw(_COMMANDS[type(record)][name](at))
    by = draw(st.sampled_from([None, "ada"]))
    try:
        return getattr(record, name)(*given, **named, at=at, by=by)
    except LeadflowError:
        return record


@st.composite
def change_sets(draw: DrawFn, stored: Sequence[Record] = (), *, most: int = 3) -> ChangeSet:
    """
    Draw a change set: changes of records that are stored, and new ones under ids ``new-0``, ``new-1`` and so on.

    Args:
        draw: Given by Hypothesis.
        stored: Records as they are stored.
        most: How many records it writes at most.
    """
    pairs: list[tuple[Record | None, Record]] = []
    for record in draw(st.permutations(list(stored)))[: draw(st.integers(0, most))]:
        after = draw(changed(record))
        if after.version > record.version:
            pairs.append((record, after))
    least = 0 if pairs else 1
    for number in range(draw(st.integers(least, max(least, most - len(pairs))))):
        kind: Any = draw(st.sampled_from(RECORD_TYPES))
        pairs.append((None, draw(records(kind, id=f"new-{number}", longest=2))))
    return ChangeSet.of(*pairs)


def _before(latest: datetime) -> SearchStrategy[datetime]:
    return st.timedeltas(timedelta(0), timedelta(days=30)).map(lambda passed: latest - passed)


def _given(*values: SearchStrategy[Any], **named: SearchStrategy[Any]) -> _Drawn:
    return st.tuples(st.tuples(*values), st.fixed_dictionaries({}, optional=named))


def _days() -> SearchStrategy[date]:
    return st.integers(0, 400).map(lambda number: MONDAY.date() + timedelta(days=number))


def _few(values: SearchStrategy[Any]) -> SearchStrategy[list[Any]]:
    return st.lists(values, max_size=2)


def _consents(at: datetime) -> SearchStrategy[Consent]:
    return st.builds(Consent, st.sampled_from(Channel), granted=st.booleans(), at=_before(at))


def _parts(**more: SearchStrategy[Any]) -> dict[str, SearchStrategy[Any]]:
    shared = {"owner": st.none() | _CODES, "tags": _few(_TAGS), "fields": custom_fields()}
    return shared | more | {"at": st.just(MONDAY), "by": st.sampled_from([None, "ada"])}


_BEGINNINGS: Final[Mapping[type[Record], Callable[[str], SearchStrategy[Any]]]] = {
    Account: lambda id_: st.builds(an_account, st.just(id_), texts(), **_parts(company=st.none() | companies())),
    Contact: lambda id_: st.builds(a_contact, st.just(id_), **_parts(person=people())),
    Opportunity: lambda id_: st.builds(
        an_opportunity, st.just(id_), texts(), **_parts(amount=monies(), product_interest=_few(_CODES).map(set))
    ),
    Prospect: lambda id_: st.builds(a_prospect, st.just(id_), **_parts(person=people(), company=companies())),
    Lead: lambda id_: st.builds(
        a_lead, st.just(id_), **_parts(person=people(), company=st.none() | companies(), engagement=engagements())
    ),
    ListEntry: lambda id_: st.builds(a_list_entry, st.just(id_), **_parts(person=people(), source=texts())),
}

_ANY: Final[Mapping[str, _Command]] = {
    "assign": lambda _: _given(st.none() | texts(10)),
    "redact": lambda _: st.just(((), {"reason": "GDPR Art. 17"})),
}
_ENGAGED: Final[Mapping[str, _Command]] = {
    **_ANY,
    "engage": lambda at: _given(engagements(at)),
    "touch": lambda at: _given(touches(at)),
    "record_consent": lambda at: _given(_consents(at)),
    "discover": lambda _: _given(budget=monies(), need=texts(), authority=st.just("decides"), timeline=_days()),
}
_PURSUED: Final[Mapping[str, _Command]] = {
    **_ENGAGED,
    "correct": lambda _: _given(person=people(), company=companies(), fields=custom_fields(), tags=_few(_TAGS)),
    "nurture": lambda _: _given(revisit_on=_days(), note=texts()),
    "disqualify": lambda _: _given(st.sampled_from(sorted(DISQUALIFICATION_REASONS)), note=texts()),
    "reopen": lambda _: _given(note=texts()),
}
_COMMANDS: Final[Mapping[type[Record], Mapping[str, _Command]]] = {
    Account: {
        **_ANY,
        "correct": lambda _: _given(name=texts(), company=companies(), fields=custom_fields()),
        "withdraw": lambda _: _given(note=texts()),
    },
    Contact: {
        **_ANY,
        "correct": lambda _: _given(person=people(), tags=_few(_TAGS)),
        "record_consent": _ENGAGED["record_consent"],
        "withdraw": lambda _: _given(note=texts()),
    },
    ListEntry: {
        **_ENGAGED,
        "correct": lambda _: _given(person=people(), company=companies(), fields=custom_fields()),
        "became": lambda _: _given(_CODES),
    },
    Lead: _PURSUED,
    Prospect: {**_PURSUED, "withdraw": lambda _: _given(note=texts())},
    Opportunity: {
        **_ENGAGED,
        "correct": lambda _: _given(name=texts(), product_interest=_few(_CODES).map(set), fields=custom_fields()),
        "move_to": lambda _: _given(st.sampled_from(["qualified", "proposal", "negotiation"])),
        "win": lambda _: _given(st.none() | monies()),
        "lose": lambda _: _given(st.sampled_from(sorted(LOSS_REASONS)), note=texts()),
        "reopen": lambda _: _given(note=texts()),
        "call": lambda _: _given(st.none() | st.sampled_from(ForecastCategory), pinned=st.booleans()),
        "set_amount": lambda _: _given(monies()),
        "set_expected_close": lambda _: _given(_days()),
        "set_probability": lambda _: _given(st.none() | st.floats(0, 1)),
        "add_role": lambda _: _given(_ROLES, st.sampled_from(BuyingRole), primary=st.booleans()),
        "remove_role": lambda _: _given(_ROLES),
        "propose": lambda _: _given(st.builds(Proposal, _CODES, amount=st.none() | monies())),
        "add_milestone": lambda _: _given(st.builds(Milestone, _CODES, texts(), due=st.none() | _days())),
        "complete_milestone": lambda _: _given(_CODES),
        "set_next_step": lambda _: _given(st.none() | texts()),
        "raise_objection": lambda _: _given(texts()),
        "review": lambda _: _given(note=texts()),
        "withdraw": lambda _: _given(note=texts()),
    },
}
