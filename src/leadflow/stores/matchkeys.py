"""
Match keys: what makes two records look like the same person, company or deal, as values that a store can index.

Theory. A key names the kind of record it finds, what it compares, and the normalised value; two records share a key or
they do not, and nothing is ever scanned. An e-mail address decides who a person is and a domain which company; a phone
number or a name alone never does (`MatchKey.decides`). Domains of free mail providers are no company's. Case,
typographic and HTML-escaped apostrophes make no difference; plus-tags and dots do, since only the receiving system
knows what they mean. Keys follow from a record's present state: one that was merged or withdrawn has none, what was
redacted makes none, a deal has those that say what it is about while it is open.

A link is a key too, so that what hangs on a record is found as quickly: whatever names an account, a contact or a deal
has a key with its id (`named_by`, `link_keys`). It says nothing about who is the same.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from html import unescape
from typing import Final
from unicodedata import normalize

from attrs import field, frozen

from leadflow.account import Account
from leadflow.contact import Contact
from leadflow.lifecycle import LeadStatus, ProspectStatus
from leadflow.listentry import ListEntry
from leadflow.opportunity import Opportunity
from leadflow.party import Company, EmailAddress, Person
from leadflow.prospect import Prospect
from leadflow.redaction import REDACTED
from leadflow.stores.freemail import FREE_MAIL_PROVIDERS
from leadflow.stores.records import KINDS, RECORD_TYPES, Record
from leadflow.validation import check, coded, instance, member, optional, prose, to_set

__all__ = [
    "Compares",
    "MatchKey",
    "account_keys",
    "company_domain",
    "contact_keys",
    "deal_keys",
    "link_keys",
    "match_keys",
    "named_by",
    "normalised",
    "party_keys",
]

_APOSTROPHES: Final = str.maketrans(dict.fromkeys("\u2019\u2018\u02bc\u00b4\u0060\u2032\uff07", "'"))
# A shorter run of digits is an extension or a typing error, not a number that tells people apart.
_FEWEST_DIGITS: Final = 6
# What is dialled after the call is answered; those behind one switchboard write it in many ways, or not at all.
_EXTENSION: Final = re.compile(r"\s*(?:[,;#]|x|ext\.?|extension)\s*[0-9]{1,8}\s*$", re.IGNORECASE)
_TRUNK_ZERO: Final = re.compile(r"\(\s*0\s*\)")


class Compares(StrEnum):
    """What a key compares."""

    EMAIL = "email"
    DOMAIN = "domain"
    PHONE = "phone"
    NAME = "name"
    PRODUCT = "product"
    CONTACT = "contact"
    LINK = "link"


_to_compares = member(Compares)


def _compares(value: Compares | str) -> Compares:
    return _to_compares(value)


@frozen(order=True)
class MatchKey:
    """
    One thing by which records of one kind can be found.

    >>> print(MatchKey("contact", "email", "mara@northwind.example"))
    contact:email:mara@northwind.example

    Attributes:
        finds: The kind of record: ``contact``, ``account``, ``opportunity``, ``lead``, ``prospect``, ``list entry``.
        by: A `Compares` or its value.
        value: What is compared, normalised. Not limited in length beyond what it is made from (an address has at most
            254 characters, a name 500).
        within: The account in which a deal about a product is looked for; empty for all other keys.
    """

    finds: str
    by: Compares = field(converter=_compares)
    value: str
    within: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        check(
            "MatchKey",
            coded("finds", self.finds, KINDS),
            coded("by", self.by, Compares),
            prose("value", self.value),
            prose("within", self.within),
        )

    @property
    def decides(self) -> bool:
        """Whether one record with this key is enough to say that it is the same person, company or deal."""
        return self.by not in (Compares.PHONE, Compares.NAME, Compares.LINK)

    def __str__(self) -> str:
        # A tab cannot be part of an id, so two keys never have one text.
        return f"{self.finds}:{self.by}:{self.within}{self.within and chr(9)}{self.value}"


def normalised(words: str) -> str:
    """
    Return text as names are compared.

    >>> normalised("  Peet&#39;s  COFFEE") == normalised("Peet\u2019s Coffee")
    True
    """
    return " ".join(normalize("NFC", unescape(words)).translate(_APOSTROPHES).casefold().split())


def match_keys(record: Record, *, free_providers: Iterable[str] | None = None) -> tuple[MatchKey, ...]:
    """
    Return every key by which a record can be found, sorted; each once.

    >>> from datetime import UTC, datetime
    >>> ada = Contact.add("C-1", Person("Ada Obi", email="Ada@Obi.Example"), at=datetime(2026, 3, 2, tzinfo=UTC))
    >>> [str(key) for key in match_keys(ada) if key.decides]
    ['contact:email:ada@obi.example']

    Args:
        record: Any record. One that was merged or withdrawn has no keys, a deal that is closed only those of its links.
        free_providers: Domains that are no company's, in lower case. Default: `FREE_MAIL_PROVIDERS`.

    Raises:
        InvalidError: If it is no record.
    """
    free = FREE_MAIL_PROVIDERS if free_providers is None else to_set(free_providers)
    check(
        "match_keys",
        instance("record", record, RECORD_TYPES, "a record"),
        instance("free_providers", free, frozenset, "a set of domains"),
    )
    return tuple(sorted(set(_keys(record, free))))


def _keys(record: Record, free: frozenset[str]) -> Iterator[MatchKey]:
    match record:
        case Account():
            if not record.is_withdrawn:
                yield from account_keys(record.name, record.company, free_providers=free)
        case Contact():
            if not record.is_withdrawn:
                yield from contact_keys(record.person)
        case Opportunity():
            if record.is_open:
                yield from deal_keys(record.account_id, (interest.product for interest in record.product_interest))
                for role in record.contact_roles:
                    yield MatchKey("opportunity", Compares.CONTACT, role.contact_id)
        case _:
            gone = not isinstance(record, ListEntry) and record.status in _GONE
            if not gone:
                yield from party_keys(record.kind, record.person or record.company)
    for id_ in named_by(record):
        yield MatchKey(record.kind, Compares.LINK, id_)


_GONE: Final = (LeadStatus.MERGED, ProspectStatus.MERGED, ProspectStatus.WITHDRAWN)


def named_by(record: Record) -> frozenset[str]:
    """Return the accounts, contacts and deals that a record is with, as long as it is neither merged nor withdrawn."""
    named: Iterable[str | None] = ()
    match record:
        case Contact() if not record.is_withdrawn:
            named = (record.account_id,)
        case Opportunity() if not record.is_withdrawn:
            named = (record.account_id, *(role.contact_id for role in record.contact_roles))
        case Prospect() if record.status not in _GONE:
            named = (record.account_id, record.contact_id, *record.opportunity_ids)
    return frozenset(id_ for id_ in named if id_ is not None)


# Which kinds of record name one of a kind.
_NAMING: Final[Mapping[str, tuple[str, ...]]] = {
    Account.kind: (Contact.kind, Opportunity.kind, Prospect.kind),
    Contact.kind: (Opportunity.kind, Prospect.kind),
    Opportunity.kind: (Prospect.kind,),
}


def link_keys(record: Record) -> tuple[MatchKey, ...]:
    """
    Return the keys of everything that hangs on a record, sorted: what to ask a store for before it is withdrawn.

    An account's contacts, deals and prospects; a contact's deals and prospects; a deal's prospects. Open or closed, but
    not what was merged or withdrawn. Nothing hangs on other records.

    >>> from datetime import UTC, datetime
    >>> ada = Contact.add("C-1", Person("Ada Obi"), at=datetime(2026, 3, 2, tzinfo=UTC))
    >>> print(*link_keys(ada))
    opportunity:link:C-1 prospect:link:C-1

    Raises:
        InvalidError: If it is no record.
    """
    check("link_keys", instance("record", record, RECORD_TYPES, "a record"))
    return tuple(MatchKey(kind, Compares.LINK, record.id) for kind in sorted(_NAMING.get(record.kind, ())))


def account_keys(
    name: str,
    company: Company | None,
    email: EmailAddress | None = None,
    *,
    free_providers: Iterable[str] | None = None,
) -> Iterator[MatchKey]:
    """Yield the keys of an account with this name and company; `email` is of somebody who works there."""
    yield from _name_keys("account", name)
    if company is not None:
        domain = company_domain(company, email, free_providers=free_providers)
        if domain is not None:
            yield MatchKey("account", Compares.DOMAIN, domain)
        if (digits := _digits(company.phone)) is not None:
            yield MatchKey("account", Compares.PHONE, digits)


def contact_keys(person: Person) -> Iterator[MatchKey]:
    """Yield the keys of a contact who is this person."""
    return party_keys("contact", person)


def deal_keys(account_id: str | None, products: Iterable[str]) -> Iterator[MatchKey]:
    """Yield the keys of an open deal with an account about some products; about none, that is a key too."""
    if account_id is not None:
        for product in tuple(products) or ("",):
            yield MatchKey("opportunity", Compares.PRODUCT, product, within=account_id)


def company_domain(
    company: Company | None,
    email: EmailAddress | None = None,
    *,
    free_providers: Iterable[str] | None = None,
) -> str | None:
    """
    Return the domain that tells a company apart: its own, else that of its address, else that of a person there.

    >>> company_domain(Company("Northwind"), EmailAddress("mara@northwind.example"))
    'northwind.example'
    >>> company_domain(Company("Northwind"), EmailAddress("mara@gmail.com")) is None
    True

    Args:
        company: The company, as far as known.
        email: The address of somebody who works there.
        free_providers: Domains that are no company's, in lower case. Default: `FREE_MAIL_PROVIDERS`.

    Raises:
        InvalidTypeError: Naming what is of another type.
    """
    free = FREE_MAIL_PROVIDERS if free_providers is None else to_set(free_providers)
    check(
        "company_domain",
        optional(instance, "company", company, Company, "a Company"),
        optional(instance, "email", email, EmailAddress, "an EmailAddress"),
        instance("free_providers", free, frozenset, "a set of domains"),
    )
    given = (
        _bare(company.domain) if company and company.domain else None,
        company.email.domain if company and company.email else None,
        email.domain if email else None,
    )
    return next((domain for domain in given if domain is not None and domain not in free), None)


def _bare(domain: str) -> str:
    """Return a web site's domain without the conventional www; other subdomains are companies of their own."""
    bare = domain.lower().removeprefix("www.")
    return bare if "." in bare else domain.lower()


def party_keys(finds: str, party: Person | Company | None) -> Iterator[MatchKey]:
    """Yield the keys of a record of some kind that is about this person, or about a company's office."""
    if party is None:
        return
    yield from _name_keys(finds, party.name)
    if party.email is not None:
        yield MatchKey(finds, Compares.EMAIL, party.email.normalised.translate(_APOSTROPHES))
    if (digits := _digits(party.phone)) is not None:
        yield MatchKey(finds, Compares.PHONE, digits)


def _name_keys(finds: str, name: str) -> Iterator[MatchKey]:
    # Those who were redacted have nothing in common but that.
    if name != REDACTED:
        yield MatchKey(finds, Compares.NAME, normalised(name))


def _digits(phone: str | None) -> str | None:
    """
    Return a phone number's digits without an extension; None where there are too few to say anything.

    Nothing is known of countries here: a number with its country code and the same without are two.
    """
    phone = None if phone is None else _EXTENSION.sub("", phone)
    if phone is not None and phone.lstrip().startswith(("+", "00")):
        # After a country code, a zero in brackets is dialled only inside the country.
        phone = _TRUNK_ZERO.sub("", phone, count=1)
    digits = "".join(str(int(char)) for char in phone or "" if char.isdecimal())
    return digits.removeprefix("00") if len(digits) >= _FEWEST_DIGITS else None
