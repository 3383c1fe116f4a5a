"""
Who we talk to: a person, a company, how to reach them and what they consented to.

Theory. These are values, not records: two people with the same name are equal here, and what makes a record of one is
the entity that carries it. None means "not known"; an empty text is refused, so that there is one way to say it. What
identifies a natural person is marked `PERSONAL`, and `redacted` takes exactly that out, wherever the value is kept.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from leadflow.errors import Problem
from leadflow.money import Money
from leadflow.redaction import PERSONAL
from leadflow.validation import (
    aware,
    check,
    code,
    coded,
    each,
    instance,
    member,
    optional,
    shown,
    text,
    to_set,
    to_tuple,
    whole,
)

__all__ = [
    "Basis",
    "Channel",
    "Company",
    "Consent",
    "EmailAddress",
    "Person",
    "Seniority",
    "may_contact",
    "tighten",
    "to_consents",
]

# What every mail system accepts (RFC 5321: lengths, dot-atom or quoted local part, dotted domain whose last label is no
# number), plus international letters (RFC 6531). Whether the mailbox exists is for the host to find out.
# No two neighbouring parts of these patterns can match the same character, so that no input takes long.
_ATOM = r"[^\s@\"(),:;<>\[\\\].]+"
# A letter or number of ASCII or anything beyond: said by what it is not, because a set that reaches beyond Latin-1
# takes ten times as long to compile (9 ms of every import).
_ALNUM = r"[^\x00-/:-@\[-`{-\x7f]"
_LABEL = rf"{_ALNUM}+(?:-+{_ALNUM}+)*"
_HOST = re.compile(rf"(?:{_LABEL}\.)+(?!\d+\Z){_LABEL}")
_EMAIL = re.compile(rf"(?:{_ATOM}(?:\.{_ATOM})*|\"[^\"\\]+\")@[^@]+")
_LONGEST_EMAIL: Final = 254
_LONGEST_LOCAL: Final = 64
_LONGEST_LABEL: Final = 63
_COUNTRY = re.compile(r"[A-Z]{2}")


@frozen(eq=False, repr=False)
class EmailAddress:
    """
    An e-mail address: compared normalised, shown as written.

    Normalised is lower case and one way to write an accent (Unicode NFC), nothing else: plus-tags and dots are part of
    the address, since only the receiving system knows whether they matter.

    >>> EmailAddress("Mara@Northwind.Example") == EmailAddress("mara@northwind.example")
    True
    >>> str(EmailAddress("Mara@Northwind.Example"))
    'Mara@Northwind.Example'

    Attributes:
        written: The address as it was written; no display name, no white space.

    Raises:
        InvalidError: If it is not an address.
    """

    written: str

    def __attrs_post_init__(self) -> None:
        check("EmailAddress", _address("email", self.written))

    @property
    def normalised(self) -> str:
        """The form that is compared and matched."""
        lower = self.written.lower()
        return lower if lower.isascii() else unicodedata.normalize("NFC", lower)

    @property
    def domain(self) -> str:
        """The part after the @, in lower case."""
        return self.normalised.rpartition("@")[2]

    def __eq__(self, other: object) -> bool:
        return self.normalised == other.normalised if isinstance(other, EmailAddress) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.normalised)

    def __str__(self) -> str:
        return self.written

    def __repr__(self) -> str:
        return f"EmailAddress({self.written!r})"


def _to_email(value: "EmailAddress | str | None") -> EmailAddress | None:
    # Something that is no address is handed on, so that the person's own check reports it with all other problems.
    if isinstance(value, str):
        try:
            return EmailAddress(value)
        except ValueError:
            return value  # type: ignore[return-value]  # refused in __attrs_post_init__
    return value


def _address(path: str, value: object) -> Problem | None:
    if not isinstance(value, str):
        return instance(path, value, str, "text (str)")
    # The length first: what follows is then quick whatever the text.
    if len(value) <= _LONGEST_EMAIL and value.isprintable() and _EMAIL.fullmatch(value):
        local, _, host = value.rpartition("@")
        if len(local) <= _LONGEST_LOCAL and _is_host(host):
            return None
    return Problem(path, f"must be an address such as mara@northwind.example, got {shown(value)}")


def _is_host(name: str) -> bool:
    if not _HOST.fullmatch(name) or max(map(len, name.split("."))) > _LONGEST_LABEL:
        return False
    # Letters, marks and numbers of any script; not the typographic quotes and full stops that come with pasted text.
    return name.isascii() or all(char in "-." or unicodedata.category(char)[0] in "LMN" for char in name)


def _email(path: str, value: object) -> Problem | None:
    if isinstance(value, EmailAddress):
        return None
    return _address(path, value) or instance(path, value, EmailAddress, "an EmailAddress or its text")


def _country(path: str, value: object) -> Problem | None:
    if isinstance(value, str) and _COUNTRY.fullmatch(value):
        return None
    hint = f" (did you mean {value.upper()!r}?)" if isinstance(value, str) and _COUNTRY.fullmatch(value.upper()) else ""
    return Problem(
        path,
        f"must be an ISO 3166 code of two capital letters such as 'DE', got {shown(value)}{hint}",
        not isinstance(value, str),
    )


def _to_host_name(value: str | None) -> str | None:
    return value.lower() if isinstance(value, str) else value


def _domain(path: str, value: object) -> Problem | None:
    problem = text(path, value)
    if problem is None and not _is_host(str(value)):
        return Problem(path, f"must be a host name such as northwind.example (no scheme, no path), got {shown(value)}")
    return problem


class Seniority(StrEnum):
    """How far up a person stands, from the bottom; the order is the order here."""

    ENTRY = "entry"
    SENIOR = "senior"
    MANAGER = "manager"
    DIRECTOR = "director"
    VP = "vp"
    C_LEVEL = "c_level"
    OWNER = "owner"


_to_seniority_or_none = member(Seniority, none=True)


def _seniority_or_none(value: Seniority | str | None) -> Seniority | None:
    return _to_seniority_or_none(value)


@frozen
class Person:
    """
    A natural person and the ways to reach them.

    >>> Person("Mara Okafor", email="mara@northwind.example", job_title="VP Operations").is_reachable
    True

    Attributes:
        name: As the person writes it.
        email: An address, or its text.
        phone: As written; compared by digits when matching.
        handle: A name on a messenger or social network, e.g. ``linkedin:mara-okafor``.
        job_title: As written.
        seniority: A `Seniority` or its value.
        department: As written.
        country: ISO 3166 code of two capital letters.
        language: BCP 47 tag, e.g. ``de`` or ``pt-BR``.

    Raises:
        InvalidError: Naming every field that is wrong.
    """

    name: str = field(metadata=PERSONAL)
    email: EmailAddress | None = field(default=None, kw_only=True, converter=_to_email, metadata=PERSONAL)
    phone: str | None = field(default=None, kw_only=True, metadata=PERSONAL)
    handle: str | None = field(default=None, kw_only=True, metadata=PERSONAL)
    job_title: str | None = field(default=None, kw_only=True, metadata=PERSONAL)
    seniority: Seniority | None = field(default=None, kw_only=True, converter=_seniority_or_none)
    department: str | None = field(default=None, kw_only=True)
    country: str | None = field(default=None, kw_only=True)
    language: str | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check(
            "Person",
            text("name", self.name),
            optional(_email, "email", self.email),
            optional(text, "phone", self.phone),
            optional(text, "handle", self.handle),
            optional(text, "job_title", self.job_title),
            optional(coded, "seniority", self.seniority, Seniority),
            optional(text, "department", self.department),
            optional(_country, "country", self.country),
            optional(code, "language", self.language),
        )

    @property
    def is_reachable(self) -> bool:
        """Whether an e-mail address, a phone number or a handle is known."""
        return self.email is not None or self.phone is not None or self.handle is not None


@frozen
class Company:
    """
    A company as far as it is known.

    >>> Company("Northwind", employees=420, country="DE").employees
    420

    Attributes:
        name: As the company writes it.
        domain: Host name of its web site, e.g. ``northwind.example``; kept in lower case.
        industry: The host's own code or a public one (NAICS, NACE).
        employees: Head count.
        revenue: Per year.
        country: ISO 3166 code of two capital letters.
        region: State, canton, sales region.
        city: As written.
        email: The address of an office, such as info@northwind.example; redacted, as it is often somebody's own.
        phone: The number of an office; redacted likewise.
        technologies: What they use.

    Raises:
        InvalidError: Naming every field that is wrong.
    """

    name: str
    domain: str | None = field(default=None, kw_only=True, converter=_to_host_name)
    industry: str | None = field(default=None, kw_only=True)
    employees: int | None = field(default=None, kw_only=True)
    revenue: Money | None = field(default=None, kw_only=True)
    country: str | None = field(default=None, kw_only=True)
    region: str | None = field(default=None, kw_only=True)
    city: str | None = field(default=None, kw_only=True)
    email: EmailAddress | None = field(default=None, kw_only=True, converter=_to_email, metadata=PERSONAL)
    phone: str | None = field(default=None, kw_only=True, metadata=PERSONAL)
    technologies: frozenset[str] = field(default=frozenset(), kw_only=True, converter=to_set)

    def __attrs_post_init__(self) -> None:
        check(
            "Company",
            text("name", self.name),
            optional(_domain, "domain", self.domain),
            optional(text, "industry", self.industry),
            optional(whole, "employees", self.employees),
            optional(instance, "revenue", self.revenue, Money, "Money"),
            optional(_country, "country", self.country),
            optional(text, "region", self.region),
            optional(text, "city", self.city),
            optional(_email, "email", self.email),
            optional(text, "phone", self.phone),
            *each("technologies", self.technologies, text),
        )

    @property
    def is_reachable(self) -> bool:
        """Whether an office's e-mail address or phone number is known."""
        return self.email is not None or self.phone is not None


class Channel(StrEnum):
    """A way to reach somebody."""

    EMAIL = "email"
    PHONE = "phone"
    MESSAGE = "message"
    SOCIAL = "social"
    POST = "post"


class Basis(StrEnum):
    """Why contacting somebody is lawful (GDPR Art. 6), as far as selling uses it."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGITIMATE_INTEREST = "legitimate_interest"


_to_channel = member(Channel)


def _channel(value: Channel | str) -> Channel:
    return _to_channel(value)


_to_basis = member(Basis)


def _basis(value: Basis | str) -> Basis:
    return _to_basis(value)


@frozen(kw_only=True)
class Consent:
    """
    What a person said, at one time, about being contacted on one channel for one purpose.

    >>> from datetime import UTC, datetime
    >>> Consent("email", granted=False, at=datetime(2026, 3, 2, tzinfo=UTC), source="unsubscribe link").granted
    False

    Attributes:
        channel: A `Channel` or its value.
        purpose: What for, e.g. ``marketing`` or ``sales``.
        granted: True for an opt-in, False for a refusal.
        at: When they said so; aware.
        source: Where they said so, e.g. ``form``.
        basis: A `Basis` or its value.
    """

    channel: Channel = field(converter=_channel, kw_only=False)
    purpose: str = "sales"
    granted: bool
    at: datetime
    source: str | None = None
    basis: Basis = field(default=Basis.CONSENT, converter=_basis)

    def __attrs_post_init__(self) -> None:
        check(
            "Consent",
            coded("channel", self.channel, Channel),
            code("purpose", self.purpose),
            instance("granted", self.granted, bool, "True or False"),
            aware("at", self.at),
            optional(text, "source", self.source),
            coded("basis", self.basis, Basis),
        )


def tighten(*consents: Consent) -> tuple[Consent, ...]:
    """
    Return what holds when several statements are on record: one per channel and purpose, sorted by these.

    A refusal stands until the person opts in explicitly (basis `Basis.CONSENT`) at a later time. Without a refusal the
    latest explicit statement holds, or the latest of any other basis where there is none. Neither the order given nor
    tightening some of them first makes a difference.

    >>> from datetime import UTC, datetime
    >>> no = Consent("email", granted=False, at=datetime(2026, 3, 2, tzinfo=UTC))
    >>> contract = Consent("email", granted=True, at=datetime(2026, 3, 5, tzinfo=UTC), basis="contract")
    >>> tighten(contract, no) == (no,)
    True
    """
    by_key: dict[tuple[str, str], list[Consent]] = {}
    for consent in consents:
        by_key.setdefault((consent.channel.value, consent.purpose), []).append(consent)
    return tuple(_holding(by_key[key]) for key in sorted(by_key))


def _holding(statements: list[Consent]) -> Consent:
    # Explicit statements come before others even where these are later: else a late refusal, which only an explicit
    # one can outlive, would find another statement depending on the order of recording.
    refusals = [s for s in statements if not s.granted]
    explicit = [s for s in statements if s.granted and s.basis is Basis.CONSENT]
    refused = max(refusals, key=_order, default=None)
    opted_in = max(explicit, key=_order, default=None)
    if refused is None or opted_in is None:
        return refused or opted_in or max(statements, key=_order)
    return opted_in if opted_in.at > refused.at else refused


def _order(consent: Consent) -> tuple[datetime, str, str]:
    return consent.at, consent.basis.value, consent.source or ""


def to_consents(values: Iterable[Consent]) -> tuple[Consent, ...]:
    """Return what holds of several statements; a converter that hands what is no statement on to the check."""
    given = to_tuple(values)
    if not given or not isinstance(given, tuple) or not all(type(item) is Consent for item in given):
        return given
    return tighten(*given)


def may_contact(consents: Iterable[Consent], channel: Channel | str, purpose: str = "sales") -> bool | None:
    """
    Return whether they agreed to be contacted on a channel for a purpose; None: they have not said.

    Args:
        consents: What they said, tightened or not.
        channel: A `Channel` or its value.
        purpose: What for.

    Raises:
        InvalidError: If there is no such channel.
    """
    check("may_contact", coded("channel", channel, Channel), code("purpose", purpose))
    said = [consent for consent in consents if consent.channel == channel and consent.purpose == purpose]
    return tighten(*said)[0].granted if said else None
