"""
Persons and companies, as far as they are known.

Theory. These are values, not records: two people with the same name are equal here, and what makes a record of one is
the entity that carries it. None means "not known"; an empty text is refused, so that there is one way to say it. What
identifies a natural person is marked `PERSONAL`, and `redacted` takes exactly that out, wherever the value is kept.
"""

import re
from enum import StrEnum

from attrs import field, frozen

from leadflow.errors import Problem
from leadflow.money import Money
from leadflow.party.addresses import EmailAddress, email_problem, host_problem, to_email, to_host_name
from leadflow.redaction import PERSONAL, TRADE_NAME
from leadflow.validation import check, code, coded, each, instance, member, shown, text, to_set, whole

__all__ = ["Company", "Person", "Seniority", "country_problem"]

_COUNTRY = re.compile(r"[A-Z]{2}")


def country_problem(path: str, value: object) -> Problem | None:
    """Check for the code of a country."""
    if isinstance(value, str) and _COUNTRY.fullmatch(value):
        return None
    hint = f" (did you mean {value.upper()!r}?)" if isinstance(value, str) and _COUNTRY.fullmatch(value.upper()) else ""
    return Problem(
        path,
        f"must be an ISO 3166 code of two capital letters such as 'DE', got {shown(value)}{hint}",
        not isinstance(value, str),
    )


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
    email: EmailAddress | None = field(default=None, kw_only=True, converter=to_email, metadata=PERSONAL)
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
            None if self.email is None else email_problem("email", self.email),
            None if self.phone is None else text("phone", self.phone),
            None if self.handle is None else text("handle", self.handle),
            None if self.job_title is None else text("job_title", self.job_title),
            None if self.seniority is None else coded("seniority", self.seniority, Seniority),
            None if self.department is None else text("department", self.department),
            None if self.country is None else country_problem("country", self.country),
            None if self.language is None else code("language", self.language),
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

    name: str = field(metadata=TRADE_NAME)
    domain: str | None = field(default=None, kw_only=True, converter=to_host_name)
    industry: str | None = field(default=None, kw_only=True)
    employees: int | None = field(default=None, kw_only=True)
    revenue: Money | None = field(default=None, kw_only=True)
    country: str | None = field(default=None, kw_only=True)
    region: str | None = field(default=None, kw_only=True)
    city: str | None = field(default=None, kw_only=True)
    email: EmailAddress | None = field(default=None, kw_only=True, converter=to_email, metadata=PERSONAL)
    phone: str | None = field(default=None, kw_only=True, metadata=PERSONAL)
    technologies: frozenset[str] = field(default=frozenset(), kw_only=True, converter=to_set)

    def __attrs_post_init__(self) -> None:
        check(
            "Company",
            text("name", self.name),
            None if self.domain is None else host_problem("domain", self.domain),
            None if self.industry is None else text("industry", self.industry),
            None if self.employees is None else whole("employees", self.employees),
            None if self.revenue is None else instance("revenue", self.revenue, Money, "Money"),
            None if self.country is None else country_problem("country", self.country),
            None if self.region is None else text("region", self.region),
            None if self.city is None else text("city", self.city),
            None if self.email is None else email_problem("email", self.email),
            None if self.phone is None else text("phone", self.phone),
            *each("technologies", self.technologies, text),
        )

    @property
    def is_reachable(self) -> bool:
        """Whether an office's e-mail address or phone number is known."""
        return self.email is not None or self.phone is not None
