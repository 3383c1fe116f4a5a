"""
The parts a deal is made of: roles, products, proposals, milestones, origin, next step, objections, team.

Theory. Each is a small value with a code or a text, and none knows about the entity that carries it. Texts that people
type may name somebody, so they are marked `PERSONAL`; codes, dates and amounts are not.
"""

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum

from attrs import field, frozen

from leadflow.errors import InvalidError, Problem
from leadflow.ids import AccountId, ContactId, ProspectId
from leadflow.money import Money
from leadflow.redaction import PERSONAL
from leadflow.validation import (
    aware,
    check,
    code,
    coded,
    day,
    instance,
    member,
    optional,
    text,
    to_instant_or_none,
    to_tuple,
    whole,
)

__all__ = [
    "BuyingRole",
    "ContactRole",
    "Milestone",
    "NextStep",
    "Objection",
    "OpportunityType",
    "Origin",
    "OriginKind",
    "ProductInterest",
    "Proposal",
    "Side",
    "TeamMember",
    "primary_problem",
    "to_products",
]


class BuyingRole(StrEnum):
    """What part a contact plays in a purchase."""

    DECISION_MAKER = "decision_maker"
    ECONOMIC_BUYER = "economic_buyer"
    CHAMPION = "champion"
    INFLUENCER = "influencer"
    TECHNICAL_BUYER = "technical_buyer"
    END_USER = "end_user"
    PROCUREMENT = "procurement"
    LEGAL = "legal"
    GATEKEEPER = "gatekeeper"
    BLOCKER = "blocker"
    OTHER = "other"


_to_buying_role = member(BuyingRole)


def _buying_role(value: BuyingRole | str) -> BuyingRole:
    return _to_buying_role(value)


@frozen
class ContactRole:
    """
    A contact's part in one deal.

    Attributes:
        contact_id: Who.
        role: A `BuyingRole` or its value.
        primary: Whether this is the one we talk to first; exactly one is where a deal has any.
    """

    contact_id: ContactId
    role: BuyingRole = field(default=BuyingRole.OTHER, converter=_buying_role)
    primary: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check(
            "ContactRole",
            code("contact_id", self.contact_id),
            coded("role", self.role, BuyingRole),
            instance("primary", self.primary, bool, "True or False"),
        )


@frozen
class ProductInterest:
    """
    A product somebody is interested in.

    Attributes:
        product: The host's product code.
        quantity: How many, when known; at least 1.
        note: Free text on it.
    """

    product: str
    quantity: int | None = field(default=None, kw_only=True)
    note: str | None = field(default=None, kw_only=True, metadata=PERSONAL)

    def __attrs_post_init__(self) -> None:
        check(
            "ProductInterest",
            code("product", self.product),
            optional(whole, "quantity", self.quantity, 1),
            optional(text, "note", self.note),
        )


def to_products(values: "Iterable[ProductInterest | str]") -> tuple[ProductInterest, ...]:
    """
    Return product interests from values or plain product codes; a converter that hands what is neither on to the check.

    >>> to_products("crm") == to_products(["crm"]) == (ProductInterest("crm"),)
    True
    """
    if values == ():
        return ()
    given = to_tuple((values,) if isinstance(values, str) else values)
    return tuple(map(_to_product, given)) if isinstance(given, tuple) else given


def _to_product(value: ProductInterest | str) -> ProductInterest:
    try:
        return ProductInterest(value) if isinstance(value, str) else value
    except InvalidError:
        return value  # type: ignore[return-value]  # refused by the type's check


class OriginKind(StrEnum):
    """Where an opportunity comes from."""

    PROSPECT = "prospect"
    CAMPAIGN = "campaign"
    CUSTOMER = "customer"


_to_origin_kind = member(OriginKind)


def _origin_kind(value: OriginKind | str) -> OriginKind:
    return _to_origin_kind(value)


@frozen
class Origin:
    """
    Where one opportunity comes from: a prospect, a campaign, or an existing customer.

    Build it with `from_prospect`, `from_campaign` or `from_customer`.

    Attributes:
        kind: An `OriginKind`.
        reference: The prospect's id, the campaign's code or the customer's account id.
    """

    kind: OriginKind = field(converter=_origin_kind)
    reference: str

    def __attrs_post_init__(self) -> None:
        check("Origin", coded("kind", self.kind, OriginKind), code("reference", self.reference))

    @classmethod
    def from_prospect(cls, prospect_id: ProspectId | str) -> "Origin":
        """Return the origin of a deal that was converted from a prospect."""
        return cls(OriginKind.PROSPECT, prospect_id)

    @classmethod
    def from_campaign(cls, campaign: str) -> "Origin":
        """Return the origin of a deal that answers a campaign."""
        return cls(OriginKind.CAMPAIGN, campaign)

    @classmethod
    def from_customer(cls, account_id: AccountId | str) -> "Origin":
        """Return the origin of a deal with somebody who is a customer already."""
        return cls(OriginKind.CUSTOMER, account_id)


class OpportunityType(StrEnum):
    """What kind of business a deal is."""

    NEW = "new"
    EXPANSION = "expansion"
    RENEWAL = "renewal"


@frozen
class Proposal:
    """
    An offer that was sent.

    Attributes:
        number: The host's number of the offer.
        amount: What it asks for.
        sent_at: When it went out; aware. Default: the time of the event that records it.
        valid_until: The last day it binds us.
    """

    number: str
    amount: Money | None = field(default=None, kw_only=True)
    sent_at: datetime | None = field(default=None, kw_only=True, converter=to_instant_or_none)
    valid_until: date | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check(
            "Proposal",
            code("number", self.number),
            optional(instance, "amount", self.amount, Money, "Money"),
            optional(aware, "sent_at", self.sent_at),
            optional(day, "valid_until", self.valid_until),
        )


class Side(StrEnum):
    """Whose turn a milestone is."""

    OURS = "ours"
    THEIRS = "theirs"


_to_side = member(Side)


def _side(value: Side | str) -> Side:
    return _to_side(value)


@frozen
class Milestone:
    """
    One step of the plan that both sides agreed on.

    Attributes:
        code: What commands name it by; once per deal.
        label: What people read.
        side: A `Side` or its value: whose turn it is.
        due: The day it is due.
        done_at: When it was done; None while it is not.
    """

    code: str
    label: str = field(metadata=PERSONAL)
    side: Side = field(default=Side.OURS, kw_only=True, converter=_side)
    due: date | None = field(default=None, kw_only=True)
    done_at: datetime | None = field(default=None, kw_only=True, converter=to_instant_or_none)

    def __attrs_post_init__(self) -> None:
        check(
            "Milestone",
            code("code", self.code),
            text("label", self.label),
            coded("side", self.side, Side),
            optional(day, "due", self.due),
            optional(aware, "done_at", self.done_at),
        )


@frozen
class NextStep:
    """
    What we do next.

    Attributes:
        action: In words.
        due: The day it is due.
    """

    action: str = field(metadata=PERSONAL)
    due: date | None = None

    def __attrs_post_init__(self) -> None:
        check("NextStep", text("action", self.action), optional(day, "due", self.due))


@frozen
class Objection:
    """
    Something that speaks against buying, in their eyes.

    Attributes:
        words: What they said.
        answered: Whether we have answered it to their satisfaction.
    """

    words: str = field(metadata=PERSONAL)
    answered: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check("Objection", text("words", self.words), instance("answered", self.answered, bool, "True or False"))


@frozen
class TeamMember:
    """
    One of us who works on a deal beside its owner.

    Attributes:
        user: The host's user id.
        role: In the host's words, e.g. ``engineer``.
    """

    user: str
    role: str | None = None

    def __attrs_post_init__(self) -> None:
        check("TeamMember", code("user", self.user), optional(text, "role", self.role))


def primary_problem(path: str, roles: tuple[ContactRole, ...]) -> Problem | None:
    """Say what is wrong with a deal's contact roles taken together, if anything."""
    contacts = [role.contact_id for role in roles]
    if len(set(contacts)) < len(contacts):
        return Problem(path, f"must name each contact once, got {contacts!r}")
    primary = [role.contact_id for role in roles if role.primary]
    if roles and len(primary) != 1:
        return Problem(path, f"must have exactly one primary contact, got {primary!r}")
    return None
