"""
Settings: what a host decides once about conversions, as one value.

Who may own records, what becomes of people without a company, whether a second open deal about the same product is
worth a warning or a refusal, which default terms hold, what counts when records are matched, which fields go where
beside the usual places, whom a form takes up again. Settings are data: comparable, and safe to share.
"""

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import Final
from unicodedata import category

from attrs import field, frozen

from leadflow.conversion.mapping import NO_MAPPING, ConversionMapping
from leadflow.conversion.terms import TermDefaults, brief
from leadflow.conversion.weighing import Matching
from leadflow.engagement import STANDARD, Proactive
from leadflow.party import Company, Person
from leadflow.stores.matchkeys import normalised
from leadflow.validation import check, code, coded, each, instance, member, text, to_set

__all__ = ["STANDARD_SETTINGS", "ConversionSettings", "OpenDeals", "Owners", "PersonAccounts"]


class PersonAccounts(StrEnum):
    """What becomes of the account where there is a person and no company: one in their name, none, or a refusal."""

    MAKE = "make"
    NONE = "none"
    REFUSE = "refuse"


class OpenDeals(StrEnum):
    """What a further deal with an account is when one about the same product (or, as this one, about none) is open."""

    WARN = "warn"
    REFUSE = "refuse"
    ALLOW = "allow"


_to_person_accounts = member(PersonAccounts)
_to_open_deals = member(OpenDeals)


def _person_accounts(value: PersonAccounts | str) -> PersonAccounts:
    return _to_person_accounts(value)


def _open_deals(value: OpenDeals | str) -> OpenDeals:
    return _to_open_deals(value)


def _set_or_none(values: Iterable[str] | None) -> frozenset[str] | None:
    return None if values is None else to_set(values)


@frozen(kw_only=True)
class Owners:
    """
    Who may own a record.

    >>> Owners(active={"ada"}, queues={"inbound"}).refuse("inbound")
    "must be a person, got the queue 'inbound'"

    Attributes:
        active: Ids of the users who may; None: whoever is no queue.
        queues: Ids that stand for nobody in particular.
    """

    active: frozenset[str] | None = field(default=None, converter=_set_or_none)
    queues: frozenset[str] = field(default=frozenset(), converter=to_set)

    def __attrs_post_init__(self) -> None:
        check(
            "Owners",
            *(() if self.active is None else each("active", self.active, code)),
            *each("queues", self.queues, code),
        )

    def refuse(self, owner: str) -> str | None:
        """Return why somebody may not own a record; None if they may."""
        if owner in self.queues:
            return f"must be a person, got the queue {owner!r}"
        if self.active is not None and owner not in self.active:
            return f"must be an active user, got {owner!r}"
        return None


# What people type into a company field that a form insists on.
_BLANKS: Final = frozenset(
    {"self", "me", "private", "privat", "none", "no company", "n/a", "na", "-", "not provided", "unknown", "individual"}
)


def _names(values: Iterable[str]) -> frozenset[str]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        return to_set(values)  # refused by the type's check
    return to_set(normalised(v) if isinstance(v, str) else v for v in values)


@lru_cache(maxsize=1024)
def _bare(name: str) -> str:
    """Return a name as `normalised`, without punctuation and spaces."""
    return "".join(char for char in normalised(name) if category(char)[0] not in "PZ" and char not in "<>`")


@frozen(kw_only=True)
class ConversionSettings:
    """
    What a host decides once.

    Attributes:
        terms: What holds for terms that nobody gave.
        owners: Who may own a record.
        person_accounts: A `PersonAccounts` or its value.
        blank_companies: What stands for no company, besides the person's own name; compared as names are, and without
            punctuation and spaces (``N. A.`` is ``n/a``).
        open_deals: An `OpenDeals` or its value.
        matching: What counts when records are matched, and how much is enough.
        mapping: Which fields go where, beside where they go anyway.
        proactive: Which kinds of engagement count as having come of one's own accord, when rows of forms are taken in.
        reopens: Which leads and prospects such an engagement takes up again: ``nurturing``, ``disqualified``.
    """

    terms: TermDefaults = field(factory=TermDefaults)
    owners: Owners = field(factory=Owners)
    person_accounts: PersonAccounts = field(default=PersonAccounts.MAKE, converter=_person_accounts)
    blank_companies: frozenset[str] = field(factory=lambda: _BLANKS, converter=_names)
    open_deals: OpenDeals = field(default=OpenDeals.WARN, converter=_open_deals)
    matching: Matching = field(factory=Matching)
    mapping: ConversionMapping = NO_MAPPING
    proactive: Proactive = field(factory=lambda: STANDARD)
    reopens: frozenset[str] = field(default=frozenset({"nurturing"}), converter=to_set)

    def __attrs_post_init__(self) -> None:
        check(
            "ConversionSettings",
            instance("terms", self.terms, TermDefaults, "TermDefaults"),
            instance("owners", self.owners, Owners, "Owners"),
            coded("person_accounts", self.person_accounts, PersonAccounts),
            *each("blank_companies", self.blank_companies, text),
            coded("open_deals", self.open_deals, OpenDeals),
            instance("matching", self.matching, Matching, "Matching"),
            instance("mapping", self.mapping, ConversionMapping, "a ConversionMapping"),
            instance("proactive", self.proactive, Proactive, "a Proactive preset such as STANDARD"),
            *each("reopens", self.reopens, coded, ("nurturing", "disqualified")),
        )

    def __repr__(self) -> str:
        return brief(self)

    def company_of(self, person: Person | None, company: Company | None) -> Company | None:
        """Return the company; None where what is given stands for "no company"."""
        if company is None:
            return None
        name = _bare(company.name)
        blanks = {_bare(blank) for blank in self.blank_companies}
        if not name or name in blanks or (person is not None and name == _bare(person.name)):
            return None
        return company


STANDARD_SETTINGS: Final = ConversionSettings()
"""The settings of a host that decides nothing: UTC calendar, simple pipeline, person accounts, warnings."""
