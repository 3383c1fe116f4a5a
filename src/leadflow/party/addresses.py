"""
Addresses: what is one, and when two are the same.

Theory. An address is checked by its form only; whether the mailbox exists is for the host to find out. It is shown as
it was written and compared normalised. Host names are kept in lower case, since nobody tells them apart otherwise.
"""

import re
import unicodedata
from typing import Final

from attrs import frozen

from leadflow.errors import Problem
from leadflow.validation import check, instance, shown, text

__all__ = ["EmailAddress", "email_problem", "host_problem", "to_email", "to_host_name"]

# What every mail system accepts (RFC 5321: lengths, dot-atom or quoted local part, dotted domain whose last label is no
# number), plus international letters (RFC 6531).
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


def to_email(value: EmailAddress | str | None) -> EmailAddress | None:
    """Return a text as an address; a converter that hands what is none on to `email_problem`."""
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
    if not _HOST.fullmatch(name):
        return False
    # A short name has no long label: splitting it to see would be a quarter of checking an address.
    if len(name) > _LONGEST_LABEL and max(map(len, name.split("."))) > _LONGEST_LABEL:
        return False
    # Letters, marks and numbers of any script; not the typographic quotes and full stops that come with pasted text.
    return name.isascii() or all(char in "-." or unicodedata.category(char)[0] in "LMN" for char in name)


def email_problem(path: str, value: object) -> Problem | None:
    """Say what is wrong with what should be an address."""
    if isinstance(value, EmailAddress):
        return None
    return _address(path, value) or instance(path, value, EmailAddress, "an EmailAddress or its text")


def to_host_name(value: str | None) -> str | None:
    """Return a host name in lower case; a converter that hands what is no text on to `host_problem`."""
    return value.lower() if isinstance(value, str) else value


def host_problem(path: str, value: object) -> Problem | None:
    """Say what is wrong with what should be a host name."""
    problem = text(path, value)
    if problem is None and not _is_host(str(value)):
        return Problem(path, f"must be a host name such as northwind.example (no scheme, no path), got {shown(value)}")
    return problem
