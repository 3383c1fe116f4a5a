"""
Where what somebody does now is recorded, given the records that are the same person's.

Theory. A person leaves a trail: an entry became a lead, the lead a prospect, the prospect has a deal; a record that was
merged is gone on with in another. Each record that matches is followed to the end of its trail. Several ends of one
rank are ambiguous, and nobody guesses; an end of a higher rank is taken before one of a lower: what is alive before
what was given up, either before a mere list entry, that before a contact nobody is selling to.
"""

from collections.abc import Iterable, Iterator
from enum import IntEnum

from attrs import frozen

from leadflow.contact import Contact
from leadflow.conversion.candidates import Known, Matches
from leadflow.conversion.matching import Lookups
from leadflow.lead import Lead
from leadflow.lifecycle import LeadStatus, ProspectStatus
from leadflow.listentry import ListEntry
from leadflow.opportunity import Opportunity
from leadflow.prospect import Prospect
from leadflow.stores import Compares, MatchKey, Record

__all__ = ["Place", "Rank", "missing_links", "place_of"]


class Rank(IntEnum):
    """What a record is to somebody who comes again; the lowest is taken."""

    ALIVE = 0
    GIVEN_UP = 1
    LISTED = 2
    KNOWN = 3


@frozen
class Place:
    """
    Where somebody's trails end.

    Attributes:
        ends: The records of the best rank, sorted by id; more than one is ambiguous, none is nobody.
        rank: That rank; None: nobody.
        contact: The contact that the person is, if any: consents are kept there.
        lost: Ids of records that a trail leads to and that are not among those known.
        passed: The other records on the way.
    """

    ends: tuple[Record, ...] = ()
    rank: Rank | None = None
    contact: Contact | None = None
    lost: tuple[str, ...] = ()
    passed: tuple[Record, ...] = ()


def place_of(matches: Matches, known: Known) -> Place:
    """Return where the trails of those who match end."""
    seen: dict[str, Record] = {}
    lost: set[str] = set()
    ends: dict[str, Record] = {}
    todo = [candidate.record for candidate in matches.deciding]
    while todo:
        record = todo.pop()
        if record.id in seen:
            continue
        seen[record.id] = record
        onward = _onward(record, known)
        if onward == ():
            ends[record.id] = record
        for id_ in onward or ():
            found = known.by_id.get(id_)
            if found is None:
                lost.add(id_)
            else:
                todo.append(found)
    contacts = _contacts(seen.values(), known)
    ranked: dict[Rank, list[Record]] = {}
    for _, record in sorted(ends.items()):
        ranked.setdefault(_rank(record), []).append(record)
    best = _without_several_deals(ranked[min(ranked)], contacts, known) if ranked else []
    return Place(
        ends=tuple(best),
        rank=min(ranked) if ranked else None,
        contact=contacts[0] if len(contacts) == 1 else None,
        lost=tuple(sorted(lost)),
        passed=tuple(record for id_, record in sorted(seen.items()) if record not in best),
    )


def _onward(record: Record, known: Known) -> tuple[str, ...] | None:
    """Return the ids that a record's trail leads to; (): it ends here; None: it leads nowhere at all."""
    match record:
        case ListEntry(lead_id=str() as next_):
            return (next_,)
        case Lead(status=LeadStatus.QUALIFIED, prospect_id=str() as next_):
            return (next_,)
        case Lead(status=LeadStatus.MERGED) | Prospect(status=ProspectStatus.MERGED):
            return None if record.merged_into is None else (record.merged_into,)
        case Prospect(status=ProspectStatus.WITHDRAWN):
            return None
        case Prospect():
            # Of several deals under way nobody can say which is meant; the prospect carries them all.
            deals = {deal.id for deal in _deals_of(record, known) if deal.is_open}
            return tuple(deals) if len(deals) == 1 else ()
        case Contact():
            return tuple(deal.id for deal in known.having(Opportunity, [_deals_with(record.id)]))
        case _:
            return ()


def _deals_of(prospect: Prospect, known: Known) -> Iterator[Opportunity]:
    """
    Yield the deals of a prospect that are known, and the open ones that its contact has a part in.

    One that was recorded twice is gone on with in another.
    """
    if prospect.contact_id is not None:
        yield from known.having(Opportunity, [_deals_with(prospect.contact_id)])
    for id_ in prospect.opportunity_ids:
        deal = known.by_id.get(id_)
        while isinstance(deal, Opportunity) and deal.merged_into is not None:
            deal = known.by_id.get(deal.merged_into)
        if isinstance(deal, Opportunity):
            yield deal


def _deals_with(contact_id: str) -> MatchKey:
    return MatchKey("opportunity", Compares.CONTACT, contact_id)


def _rank(record: Record) -> Rank:
    match record:
        case Contact():
            return Rank.KNOWN
        case ListEntry():
            return Rank.LISTED
        case Lead(status=LeadStatus.DISQUALIFIED) | Prospect(status=ProspectStatus.DISQUALIFIED):
            return Rank.GIVEN_UP
        case _:
            return Rank.ALIVE


def _contacts(seen: Iterable[Record], known: Known) -> list[Contact]:
    ids = {
        record.id if isinstance(record, Contact) else record.contact_id
        for record in seen
        if isinstance(record, (Contact, Prospect))
    }
    found = [known.by_id.get(id_) for id_ in sorted(id_ for id_ in ids if id_ is not None)]
    return [record for record in found if isinstance(record, Contact) and not record.is_withdrawn]


def _without_several_deals(ends: list[Record], contacts: list[Contact], known: Known) -> list[Record]:
    """Leave the deals of a contact to the prospect that carries them, where there is one."""
    prospects = [end for end in ends if isinstance(end, Prospect)]
    theirs = {contact.id for contact in contacts}
    if len(prospects) == 1 and prospects[0].contact_id in theirs:
        carried = {deal.id for deal in _deals_of(prospects[0], known)}
        return [end for end in ends if end.id not in carried]
    return ends


def missing_links(matches: Matches, known: Known) -> Lookups:
    """Return what a store should be asked for to follow every trail; ask again with what was found."""
    ids: set[str] = set()
    keys: set[MatchKey] = set()
    for record in _trail(matches, known):
        match record:
            case Contact():
                keys.add(_deals_with(record.id))
            case Prospect():
                ids.update(record.opportunity_ids)
                # A deal that was merged leads on; what goes on for it never was.
                deals = (known.by_id.get(id_) for id_ in record.opportunity_ids)
                merged = (deal.merged_into for deal in deals if isinstance(deal, Opportunity))
                ids |= {id_ for id_ in (record.contact_id, record.merged_into, *merged) if id_ is not None}
            case Lead():
                ids |= {id_ for id_ in (record.prospect_id, record.merged_into) if id_ is not None}
            case ListEntry(lead_id=str() as next_):
                ids.add(next_)
            case _:
                pass
    return Lookups(frozenset(ids - known.by_id.keys()), frozenset(keys))


def _trail(matches: Matches, known: Known) -> Iterator[Record]:
    """Yield every record that matches or was found on the way."""
    yield from {**{candidate.id: candidate.record for candidate in matches.deciding}}.values()
    linked = {
        id_
        for record in known.by_id.values()
        for id_ in (getattr(record, name, None) for name in ("lead_id", "prospect_id", "merged_into", "contact_id"))
        if isinstance(id_, str)
    }
    for id_ in sorted(linked & known.by_id.keys()):
        yield known.by_id[id_]
