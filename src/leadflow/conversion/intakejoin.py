"""
How what a row says joins what is known, and what of it finds no place.

Theory. Nothing that is known is overwritten: a row fills blanks, adds labels and products, and brings consents, which
only tighten. A company is filled only with what is said of the same company. What was left out is not noted on the way;
it is whatever is found in none of the records afterwards.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import attrs

from leadflow.contact import Contact
from leadflow.conversion.carrying import Unmapped
from leadflow.conversion.filling import filled, same_company
from leadflow.conversion.intakefacts import Facts
from leadflow.conversion.mappingvalues import blank
from leadflow.discovery import learn
from leadflow.events import When
from leadflow.lead import Lead
from leadflow.listentry import ListEntry
from leadflow.opportunity import Opportunity
from leadflow.party import Company, Person, tighten
from leadflow.prospect import Prospect
from leadflow.validation import shown

__all__ = ["Joined", "filled_in", "gained", "heard", "left_over"]

_Party = TypeVar("_Party", Person, Company)
Joined = Lead | Prospect | Opportunity | ListEntry | Contact
"""What a row may be recorded on."""
_Joined = TypeVar("_Joined", bound=Joined)


def gained(mine: _Party | None, theirs: _Party | None) -> _Party | None:
    """Return a person or company with its blanks filled from another account of the same."""
    if mine is None or theirs is None:
        return theirs if mine is None else mine
    if isinstance(mine, Company) and isinstance(theirs, Company) and not same_company(mine, theirs):
        return mine
    return filled(mine, theirs)


def heard(record: _Joined, facts: Facts, when: When) -> _Joined:
    """Return a record with what they said about being contacted; the same object if that changes nothing."""
    held = record.consents
    news = [said for said in tighten(*held, *facts.consents) if said not in held]
    given: Any = record
    return given.record_consent(*news, **when) if news else record


def filled_in(record: _Joined, facts: Facts, when: When) -> _Joined:
    """Return a record with its blanks filled; the same object if there is nothing to fill."""
    changes: dict[str, Any] = {}
    if not isinstance(record, Opportunity):
        person = gained(record.person, facts.person)
        if person is not record.person:
            changes["person"] = person
    if isinstance(record, Lead | Prospect | ListEntry):
        company = gained(record.company, facts.company)
        if company is not record.company:
            changes["company"] = company
        if facts.tags - record.tags:
            changes["tags"] = record.tags | facts.tags
        if facts.fields.keys() - record.fields.keys():
            changes["fields"] = {**facts.fields, **record.fields}
    if isinstance(record, Lead | Prospect):
        if record.estimated_value is None and facts.estimated_value is not None:
            changes["estimated_value"] = facts.estimated_value
        known = {interest.product for interest in record.product_interest}
        new = tuple(interest for interest in facts.product_interest if interest.product not in known)
        if new:
            changes["product_interest"] = (*record.product_interest, *new)
    joined: Any = record.correct(**changes, **when) if changes else record
    if not isinstance(record, Contact):
        held = dict(record.discovery)
        learnt = {name: said for name, said in facts.discovery.items() if held.get(name) is None}
        joined = joined.discover(**learnt, **when) if learnt else joined
    return joined  # type: ignore[no-any-return]  # each command returns its own type


def left_over(facts: Facts, records: Iterable[Joined]) -> tuple[Unmapped, ...]:
    """Return what of a row none of the records has that it was recorded on."""
    held = tuple(records)
    keeper = str(held[0])
    return (
        *_parts("person", facts.person, held, keeper),
        *_parts("company", facts.company, held, keeper),
        *_values(facts, held, keeper),
    )


def _parts(path: str, said: Person | Company | None, held: Iterable[Joined], keeper: str) -> Iterator[Unmapped]:
    parties = [party for record in held if (party := getattr(record, path, None)) is not None]
    for attribute in attrs.fields(type(said)) if said is not None else ():
        value = getattr(said, attribute.name)
        theirs = [getattr(party, attribute.name) for party in parties]
        if not blank(value) and value not in theirs:
            known = next((other for other in theirs if not blank(other)), None)
            yield Unmapped(f"{path}.{attribute.name}", value, _why(keeper, known))


def _values(facts: Facts, held: tuple[Joined, ...], keeper: str) -> Iterator[Unmapped]:
    for name in ("source", "owner", "estimated_value"):
        value = getattr(facts, name)
        theirs = [getattr(record, name, None) for record in held]
        if value is not None and value not in theirs:
            yield Unmapped(name, value, _why(keeper, theirs[0]))
    engaged = facts.engagement.campaign if facts.engagement is not None else None
    if facts.campaign is not None and facts.campaign != engaged and held[0].campaign != facts.campaign:
        yield Unmapped("campaign", facts.campaign, _why(keeper, held[0].campaign))
    tags = facts.tags - frozenset[str]().union(*(record.tags for record in held))
    if tags:
        yield Unmapped("tags", tuple(sorted(tags)), f"{keeper} takes no more labels")
    products = {interest for record in held for interest in getattr(record, "product_interest", ())}
    missing = tuple(interest for interest in facts.product_interest if interest not in products)
    if missing:
        yield Unmapped("product_interest", missing, _why(keeper, None))
    for name, value in facts.fields.items():
        if all(record.fields.get(name) != value for record in held):
            yield Unmapped(f"fields.{name}", value, _why(keeper, held[0].fields.get(name)))
    for said in facts.consents:
        if all(said not in record.consents for record in held):
            yield Unmapped(f"consents.{said.channel}.{said.purpose}", said, "a tighter or later one holds")
    yield from _learnt(facts.discovery, held, keeper)


def _learnt(said: Mapping[str, Any], held: tuple[Joined, ...], keeper: str) -> Iterator[Unmapped]:
    known = [dict(getattr(record, "discovery", ())) for record in held]
    for name, change in learn(said):
        value = said[name]
        if all((there := each.get(name)) is None or (there.level, there.value) != _told(change) for each in known):
            yield Unmapped(f"discovery.{name}", value, _why(keeper, known[0].get(name)))


def _told(change: Any) -> tuple[object, object]:  # noqa: ANN401 - a Learned
    return change.level, change.value


def _why(keeper: str, known: object) -> str:
    return f"{keeper} does not take it" if known is None else f"{keeper} keeps {shown(str(known))}"
