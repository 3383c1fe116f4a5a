"""
Consents: what people said about being contacted, and what holds when they said several things.

Theory. A consent is per channel and purpose. Several statements about the same tighten: a refusal stands until a later
explicit opt-in, and neither the order in which we learn of them nor the way they are grouped makes a difference.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from attrs import field, frozen

from leadflow.validation import (
    aware,
    check,
    code,
    coded,
    instance,
    member,
    optional,
    text,
    to_instant,
    to_tuple,
)

__all__ = ["Basis", "Channel", "Consent", "may_contact", "tighten", "to_consents"]


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
    at: datetime = field(converter=to_instant)
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
    if values == ():
        return ()
    given = to_tuple(values)
    if not isinstance(given, tuple) or not all(type(item) is Consent for item in given):
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
