"""
What of a lead or prospect lands where, and what lands nowhere.

Theory. A prospect takes over everything its lead has. In a conversion the person becomes the contact, the company the
account; estimate, products, need, discovery, engagements and touches become the deal's; source, campaign and owner go
to whatever is made; consents go to the contact (to the deal only where there is none: one place to look); labels and
custom fields go to one heir: the deal, else the contact, else the account. Rather than keep books on the way,
`left_behind` looks at what was made and lists every value of the source that is not found there: nothing can be
forgotten silently.
"""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

import attrs
from attrs import field, frozen

from leadflow.account import Account
from leadflow.contact import Contact
from leadflow.conversion.mappingpaths import custom
from leadflow.conversion.mappingvalues import Mapped
from leadflow.lead import Lead
from leadflow.opportunity import Opportunity
from leadflow.party import Company, EmailAddress, Person
from leadflow.prospect import Prospect

__all__ = ["Unmapped", "held_at", "left_behind", "not_taken_over"]

_Made: TypeAlias = Account | Contact | Opportunity

# What a lead or prospect can carry. Its identity, links, status and evidence stay what they are and where they are.
_CARRIED = (
    "person",
    "company",
    "source",
    "campaign",
    "owner",
    "estimated_value",
    "product_interest",
    "tags",
    "fields",
    "consents",
    "engagements",
    "touches",
    "discovery",
    "revisit_on",
)


@frozen
class Unmapped:
    """
    A value of the source that lands nowhere; it stays readable there.

    Attributes:
        path: Which, e.g. ``person.phone``.
        value: The value.
        why: Why it is not carried, in words.
        of: The record whose value it is, where several become one; else None.
    """

    path: str
    value: object
    why: str
    of: str | None = field(default=None, kw_only=True)

    @property
    def where(self) -> str:
        """The path, and whose it is."""
        return self.path if self.of is None else f"{self.path} of {self.of!r}"

    def __str__(self) -> str:
        return f"{self.where} ({self.why})"


def not_taken_over(lead: Lead, prospect: Prospect) -> tuple[Unmapped, ...]:
    """Return what of a lead the prospect that goes on for it has not."""
    whys = {
        "owner": f"the prospect goes to {prospect.owner!r}",
        "revisit_on": "the day was for coming back to the lead",
    }
    return tuple(
        Unmapped(name, getattr(lead, name), whys[name])
        for name in _CARRIED
        if getattr(lead, name) is not None and getattr(lead, name) != getattr(prospect, name)
    )


def left_behind(
    prospect: Prospect,
    account: Account | None,
    contact: Contact | None,
    deal: Opportunity | None,
    mapped: Mapped,
    *,
    is_company: bool = True,
) -> tuple[Unmapped, ...]:
    """
    Return what of a prospect is found in none of the records that it was converted to.

    Args:
        prospect: As it was.
        account: As it is, if there is one; so are the contact and the deal.
        contact: See account.
        deal: See account.
        mapped: What was to go elsewhere by the mapping.
        is_company: Whether the prospect's company is one; what stands for none is listed as such.
    """
    made = [record for record in (account, contact, deal) if record is not None]
    found = (
        *_party("person", prospect.person, contact, contact.person if contact else None),
        *(
            _party("company", prospect.company, account, account.company if account else None)
            if is_company
            else _nobody(prospect.company)
        ),
        *_plain(prospect, made),
        *_labels(prospect, made),
        *_consents(prospect, contact, deal),
        *_of_the_deal(prospect, deal),
    )
    if not mapped.found:
        return found
    landed, missed = _by_rule(mapped, made)
    return (*(item for item in found if item.path not in landed | missed.keys()), *missed.values())


def _by_rule(mapped: Mapped, made: Iterable[_Made]) -> tuple[frozenset[str], dict[str, Unmapped]]:
    """Return the paths of the prospect that landed where a rule sent them, and those that landed nowhere at all."""
    records = {record.kind: record for record in made}
    landed: set[str] = set()
    missed: dict[str, Unmapped] = {}
    for target, (value, rule) in mapped.found.items():
        record = records.get(target.partition(".")[0])
        if record is not None and held_at(record, target) == value:
            landed.add(rule.source)
        elif rule.source not in missed:
            held = "there is none" if record is None else f"{record} keeps {_words(held_at(record, target))}"
            missed[rule.source] = Unmapped(rule.source, value, f"mapped to {target}; {held}")
    return frozenset(landed), {path: item for path, item in missed.items() if path not in landed}


def held_at(record: _Made, target: str) -> object:
    """Return what a record holds at a target path of a mapping; None: nothing."""
    name = custom(target, record.kind)
    if name is not None:
        return record.fields.get(name)
    value: object = record
    for part in target.split(".")[1:]:
        value = getattr(value, part, None)
    return str(value) if isinstance(value, EmailAddress) else value


def _party(
    path: str, theirs: Person | Company | None, record: Account | Contact | None, mine: Person | Company | None
) -> Iterator[Unmapped]:
    for attribute in attrs.fields(type(theirs)) if theirs is not None else ():
        value = getattr(theirs, attribute.name)
        held = getattr(mine, attribute.name, None)
        if value is not None and value not in (frozenset(), held):
            kind = "account" if path == "company" else "contact"
            why = f"no {kind} takes it" if record is None else f"{record} keeps {_words(held)}"
            yield Unmapped(f"{path}.{attribute.name}", value, why)


def _nobody(company: Company | None) -> Iterator[Unmapped]:
    for attribute in attrs.fields(type(company)) if company is not None else ():
        value = getattr(company, attribute.name)
        if value not in (None, frozenset()):
            yield Unmapped(f"company.{attribute.name}", value, "what was entered stands for no company")


def _words(value: object) -> str:
    return "its own" if value is None or isinstance(value, frozenset) else f"{str(value)!r}"


def _plain(prospect: Prospect, made: Iterable[Account | Contact | Opportunity]) -> Iterator[Unmapped]:
    for name in ("source", "campaign", "owner"):
        value = getattr(prospect, name)
        if value is not None and all(getattr(record, name) != value for record in made):
            yield Unmapped(name, value, "what was made or used has another")
    if prospect.revisit_on is not None:
        yield Unmapped("revisit_on", prospect.revisit_on, "the day was for coming back to the prospect")


def _labels(prospect: Prospect, made: Iterable[Account | Contact | Opportunity]) -> Iterator[Unmapped]:
    held = frozenset[str]().union(*(record.tags for record in made))
    if prospect.tags - held:
        yield Unmapped("tags", tuple(sorted(prospect.tags - held)), "the record that would take them has its own")
    for name, value in prospect.fields.items():
        # Compared as fields are: True is not 1.
        held_values = [record.fields.get(name) for record in made]
        if not any(type(other) is type(value) and other == value for other in held_values):
            yield Unmapped(f"fields.{name}", value, "the record that would take it has its own")


def _consents(prospect: Prospect, contact: Contact | None, deal: Opportunity | None) -> Iterator[Unmapped]:
    held = (*(contact.consents if contact else ()), *(deal.consents if deal else ()))
    for said in prospect.consents:
        if said not in held:
            why = "a tighter or later one holds" if contact else "no contact takes it"
            yield Unmapped(f"consents.{said.channel}.{said.purpose}", said, why)


def _of_the_deal(prospect: Prospect, deal: Opportunity | None) -> Iterator[Unmapped]:
    none = "there is no deal yet; it stays with the prospect"
    value = prospect.estimated_value
    if value is not None and (deal is None or deal.amount != value):
        yield Unmapped("estimated_value", value, none if deal is None else f"the deal is worth {deal.amount}")
    for name in ("product_interest", "engagements", "touches"):
        theirs, held = getattr(prospect, name), () if deal is None else getattr(deal, name)
        # There may be thousands, and most often the deal has just taken them over.
        there = frozenset(() if theirs == held else held)
        missing = () if theirs == held else tuple(item for item in theirs if item not in there)
        if missing:
            yield Unmapped(name, missing, none if deal is None else "the deal has its own")
    known = {} if deal is None else dict(deal.discovery)
    for name, learned in prospect.discovery:
        if learned is not None and known.get(name) != learned:
            yield Unmapped(f"discovery.{name}", learned, none if deal is None else "the deal has its own")
