"""
Filling blanks: what a record that is there takes from a prospect.

Theory. Nothing that is there is overwritten, but for single fields whose mapping says so. Attributes that only make
sense together (a company's address and phone, a person's phone and country) move as a group or not at all: they move if
whatever is there already agrees. Somebody who was erased stays so: they are not filled in, and fill nothing. What is
mapped to a record comes before what lands there by default. Each function returns the record itself when there is
nothing to fill.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

import attrs

from leadflow.account import Account
from leadflow.contact import Contact
from leadflow.conversion.mappingpaths import GROUPS
from leadflow.conversion.mappingvalues import Mapped
from leadflow.conversion.requests import Moment
from leadflow.dealparts import BuyingRole
from leadflow.events import Engaged, Touched, When
from leadflow.opportunity import Opportunity
from leadflow.party import Company, EmailAddress, Person, tighten
from leadflow.prospect import Prospect
from leadflow.redaction import REDACTED
from leadflow.stores.matchkeys import company_domain, normalised

__all__ = ["fill_account", "fill_contact", "fill_opportunity", "filled", "needs_of", "same_company"]

_Party = TypeVar("_Party", Person, Company)
_Record = TypeVar("_Record", Account, Contact, Opportunity)
_Listener = TypeVar("_Listener", Contact, Opportunity)


def filled(mine: _Party, theirs: _Party) -> _Party:
    """
    Return a person or company with its blanks filled from another; the same object if there is nothing to fill.

    >>> filled(Company("Northwind", city="Bremen"), Company("Northwind GmbH", country="AT", employees=420))
    Company(name='Northwind', ..., employees=420, ..., country=None, ..., city='Bremen', ...)
    """
    if REDACTED in (mine.name, theirs.name):
        return mine
    blanks = {name: getattr(theirs, name) for name in _names(type(mine)) if _fits(mine, theirs, name)}
    for group in GROUPS[type(mine)]:
        wanted = {name: getattr(theirs, name) for name in group}
        if all(getattr(mine, name) in (None, value) for name, value in wanted.items()):
            blanks |= {name: value for name, value in wanted.items() if getattr(mine, name) != value}
    return attrs.evolve(mine, **blanks) if blanks else mine


def same_company(
    mine: Company, theirs: Company, my_email: EmailAddress | None = None, their_email: EmailAddress | None = None
) -> bool:
    """
    Return whether two accounts of a company are of the same one: by name, or by the domain that tells it apart.

    >>> same_company(Company("Northwind", domain="northwind.example"), Company("NW", domain="www.northwind.example"))
    True
    >>> same_company(Company("Northwind"), Company("Acme", domain="acme.example"))
    False

    Args:
        mine: As one record has it.
        theirs: As the other has it.
        my_email: The address of somebody who works there, by the one.
        their_email: The same by the other.
    """
    domain = company_domain(mine, my_email)
    same_domain = domain is not None and domain == company_domain(theirs, their_email)
    return same_domain or normalised(mine.name) == normalised(theirs.name)


def _names(kind: type[Any]) -> Iterable[str]:
    grouped = {name for group in GROUPS[kind] for name in group}
    return (attribute.name for attribute in attrs.fields(kind) if attribute.name not in grouped)


def _fits(mine: object, theirs: object, name: str) -> bool:
    return getattr(mine, name) in (None, frozenset()) and getattr(theirs, name) not in (None, frozenset())


def fill_account(
    account: Account, mapped: Mapped, company: Company | None, moment: Moment, *, is_heir: bool
) -> Account:
    """Return an account with its blanks filled from a prospect's company."""
    changes = _plain_blanks(account, mapped, is_heir=is_heir)
    if account.company is None and company is not None:
        changes["company"] = mapped.into(company, is_new=True)
    elif account.company is not None:
        better = mapped.into(account.company)
        better = better if company is None else filled(better, company)
        if better is not account.company:
            changes["company"] = better
    return account.correct(**changes, **moment.after(account.updated_at)) if changes else account


def fill_contact(contact: Contact, mapped: Mapped, account_id: str | None, moment: Moment, *, is_heir: bool) -> Contact:
    """Return a contact with its blanks filled from a prospect's person, and with the consents of both, the tighter."""
    when = moment.after(contact.updated_at)
    prospect = mapped.prospect
    changes = _plain_blanks(contact, mapped, is_heir=is_heir)
    better = mapped.into(contact.person)
    better = better if prospect.person is None else filled(better, prospect.person)
    if better is not contact.person:
        changes["person"] = better
    if contact.account_id is None and account_id is not None:
        changes["account_id"] = account_id
    if changes:
        contact = contact.correct(**changes, **when)
    return _heard(contact, prospect, when)


def _heard(record: _Listener, prospect: Prospect, when: When) -> _Listener:
    """Return a record that has heard what the person said about being contacted: of both sides the tighter holds."""
    news = [said for said in tighten(*record.consents, *prospect.consents) if said not in record.consents]
    return record.record_consent(*news, **when) if news else record


def fill_opportunity(
    deal: Opportunity,
    mapped: Mapped,
    moment: Moment,
    *,
    account_id: str | None,
    contact_id: str | None,
    role: BuyingRole,
) -> Opportunity:
    """Return a deal that is under way with what a further prospect brings: a contact, engagements, what was learnt."""
    when = moment.after(deal.updated_at)
    prospect = mapped.prospect
    changes = _plain_blanks(deal, mapped, is_heir=True)
    if deal.account_id is None and account_id is not None:
        changes["account_id"] = account_id
    if not deal.product_interest and prospect.product_interest:
        changes["product_interest"] = prospect.product_interest
    if not deal.needs and (need := needs_of(prospect)):
        changes["needs"] = need
    if changes:
        deal = deal.correct(**changes, **when)
    if contact_id is None:
        # Where there is no contact to keep what they said, the deal does, as a new one would.
        deal = _heard(deal, prospect, when)
    elif all(known.contact_id != contact_id for known in deal.contact_roles):
        deal = deal.add_role(contact_id, role, **when)
    amount: Any = mapped.of("opportunity.amount", deal.amount)
    if amount is None and deal.amount is None:
        amount = prospect.estimated_value
    if amount not in (None, deal.amount):
        deal = deal.set_amount(amount, **when)
    close: Any = mapped.of("opportunity.expected_close", deal.expected_close)
    if close not in (None, deal.expected_close):
        deal = deal.set_expected_close(close, **when)
    engaged, touched = frozenset(deal.engagements), frozenset(deal.touches)
    happened = (
        *(Engaged(engagement=said, **when) for said in dict.fromkeys(prospect.engagements) if said not in engaged),
        *(Touched(touch=done, **when) for done in dict.fromkeys(prospect.touches) if done not in touched),
    )
    if happened:
        deal.require("engage", deal.can_change())
        # All at once: each command alone would copy a history that may be thousands of events long.
        deal = deal._record(*happened)  # noqa: SLF001 - one step, told as the commands tell it
    held = dict(deal.discovery)
    learnt = {name: news for name, news in prospect.discovery if news is not None and held.get(name) is None}
    if learnt:
        ratings = {name.removeprefix("ratings."): news for name, news in learnt.items() if name.startswith("ratings.")}
        plain: dict[str, Any] = {name: news for name, news in learnt.items() if not name.startswith("ratings.")}
        deal = deal.discover(**plain, ratings=ratings or None, **when)
    return deal


def needs_of(prospect: Prospect) -> tuple[str, ...]:
    """Return the need that was learnt, in their words."""
    need = prospect.discovery.need
    return (need.value,) if need is not None and isinstance(need.value, str) else ()


def _plain_blanks(record: _Record, mapped: Mapped, *, is_heir: bool) -> dict[str, Any]:
    prospect = mapped.prospect
    blanks: dict[str, Any] = {
        name: getattr(prospect, name)
        for name in ("source", "campaign")
        if getattr(record, name) is None and getattr(prospect, name) is not None
    }
    for name in ("name", "source", "campaign"):
        held = getattr(record, name, None)
        value = mapped.of(f"{record.kind}.{name}", held)
        if value not in (None, held):
            blanks[name] = value
    # Labels and custom fields go to one record only, see `leadflow.conversion.carrying`.
    if is_heir and prospect.tags and not record.tags:
        blanks["tags"] = prospect.tags
    fields = mapped.fields(record.kind, record.fields, is_heir=is_heir)
    if fields != record.fields:
        blanks["fields"] = fields
    return blanks
