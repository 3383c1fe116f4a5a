"""
Which records a conversion works on: the targets of a request, looked up among the records that are known.

Theory. The planner sees only what it is given (`Known`): the records that a request names and those that share a match
key with what is about to be made. `resolve` settles contact and account together, because a contact that is there may
bring its account. A key decides or it does not (`MatchKey.decides`); no record is chosen by name. `lookups` says what
more a store should be asked for, so that hosts and services load the right things without knowing the rules.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Generic, TypeVar

from attrs import frozen

from leadflow.account import Account
from leadflow.contact import Contact
from leadflow.conversion.refusals import RefusalCode, RefusalReason
from leadflow.conversion.requests import ConversionRequest, Moment
from leadflow.conversion.settings import ConversionSettings, PersonAccounts
from leadflow.conversion.targets import Create, FindOrCreate, Skip, Target, UseExisting
from leadflow.errors import Problem
from leadflow.opportunity import Opportunity
from leadflow.party import Company
from leadflow.prospect import Prospect
from leadflow.stores import MatchKey, Record, company_domain, match_keys
from leadflow.stores.matchkeys import Compares, contact_keys, deal_keys
from leadflow.stores.records import RECORD_TYPES
from leadflow.validation import each, instance, unique

__all__ = ["Case", "Known", "Lookups", "Resolved", "Side", "known_problems", "lookups", "resolve"]

_Side = TypeVar("_Side", Account, Contact, Opportunity)
_Kind = TypeVar("_Kind", Account, Contact, Opportunity)


class Known:
    """The records a planner was given."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.by_id: Final[Mapping[str, Record]] = {record.id: record for record in records}
        self._by_key: dict[MatchKey, list[Record]] = {}
        for record in self.by_id.values():
            for key in match_keys(record):
                self._by_key.setdefault(key, []).append(record)

    def having(self, kind: type[_Kind], keys: Iterable[MatchKey]) -> list[_Kind]:
        """Return the records of a kind that have one of these keys, sorted by id."""
        found = {record.id: record for key in keys for record in self._by_key.get(key, ())}
        return [record for _, record in sorted(found.items()) if isinstance(record, kind)]


def known_problems(records: Any) -> list[Problem | None]:  # noqa: ANN401 - whatever was handed over
    """Return what is wrong with the records that a caller handed over as known."""
    strange = each("known", records, instance, RECORD_TYPES, "a record")
    return strange if any(strange) else [unique("known", [record.id for record in records])]


@frozen(kw_only=True, eq=False)
class Case:
    """
    One conversion to be planned.

    Attributes:
        prospect: As it was loaded.
        request: What is asked for.
        known: The records that are known.
        settings: What the host has decided once.
        moment: When, and by whom.
    """

    prospect: Prospect
    request: ConversionRequest
    known: Known
    settings: ConversionSettings
    moment: Moment


@frozen
class Side(Generic[_Side]):
    """
    What a target comes to.

    Attributes:
        existing: The record that is used.
        new_id: The id of the one to make; None with no existing one: there is to be none.
        reasons: Why it comes to nothing.
    """

    existing: _Side | None = None
    new_id: str | None = None
    reasons: tuple[RefusalReason, ...] = ()

    @property
    def id(self) -> str | None:
        """The record it ends in."""
        return self.new_id if self.existing is None else self.existing.id


@frozen(kw_only=True)
class Resolved:
    """
    What all targets come to.

    Attributes:
        company: The company; None: there is none, or what was given stands for none.
        domain: The domain that tells it apart, if any.
        account: Where the company goes.
        contact: Where the person goes.
        deal: Where the deal goes.
        reasons: Why they do not go together.
        open_deals: Open deals with the account about one of the products.
        absent: Match keys that must still be absent when what is made is written.
    """

    company: Company | None
    domain: str | None
    account: Side[Account]
    contact: Side[Contact]
    deal: Side[Opportunity]
    reasons: tuple[RefusalReason, ...] = ()
    open_deals: tuple[Opportunity, ...] = ()
    absent: tuple[MatchKey, ...] = ()


@frozen
class Lookups:
    """
    What a planner would like to know.

    Attributes:
        ids: Records to load.
        keys: Match keys to ask candidates for.
    """

    ids: frozenset[str]
    keys: frozenset[MatchKey]


def resolve(case: Case) -> Resolved:
    """Return what the targets of a request come to."""
    prospect, request, known, settings = case.prospect, case.request, case.known, case.settings
    person = prospect.person
    email = person.email if person else None
    company = settings.company_of(person, prospect.company)
    contact_by = _deciding(contact_keys(person)) if person else ()
    domain = None if company is None else company_domain(company, email)
    account_by = () if domain is None else (MatchKey("account", Compares.DOMAIN, domain),)

    contact = _side(Contact, request.contact, known, own=prospect.contact_id, keys=contact_by)
    if person is None and contact.new_id is not None:
        contact = Side(reasons=(_missing("person", "must be known to make a contact; contact=SKIP makes none"),))
    account = _account(case, company, account_by, contact)
    deal = _side(Opportunity, request.opportunity, known)
    deal_by = _deal_keys(prospect, request, account)
    return Resolved(
        company=company,
        domain=domain,
        account=account,
        contact=contact,
        deal=deal,
        reasons=tuple(_together(account, contact, deal, request, settings)),
        open_deals=tuple(known.having(Opportunity, deal_by)),
        absent=(
            *(account_by if account.new_id and not _anyway(request.account) else ()),
            *(contact_by if contact.new_id and not _anyway(request.contact) else ()),
        ),
    )


def lookups(case: Case) -> Lookups:
    """
    Return what a store should be asked for before planning; ask again with what was found, until nothing is new.

    Records named by the request or the prospect; whoever shares a deciding key with what may be made; the account of a
    contact that was found; open deals about the same product with an account that is used.
    """
    prospect, request, resolved = case.prospect, case.request, resolve(case)
    targets = (request.account, request.contact, request.opportunity)
    ids = {target.id for target in targets if isinstance(target, UseExisting)}
    finding = [(request.account, prospect.account_id), (request.contact, prospect.contact_id)]
    ids |= {own for target, own in finding if isinstance(target, FindOrCreate) and own is not None}
    contact = resolved.contact.existing
    if contact is not None and contact.account_id is not None:
        ids.add(contact.account_id)
    keys = set(_deal_keys(prospect, request, resolved.account))
    if isinstance(request.contact, Create | FindOrCreate) and prospect.person is not None:
        keys.update(_deciding(contact_keys(prospect.person)))
    if isinstance(request.account, Create | FindOrCreate) and resolved.domain is not None:
        keys.add(MatchKey("account", Compares.DOMAIN, resolved.domain))
    return Lookups(frozenset(ids), frozenset(keys))


def _deciding(keys: Iterable[MatchKey]) -> tuple[MatchKey, ...]:
    return tuple(key for key in keys if key.decides)


def _anyway(target: object) -> bool:
    return isinstance(target, Create) and target.anyway


def _deal_keys(prospect: Prospect, request: ConversionRequest, account: Side[Account]) -> tuple[MatchKey, ...]:
    if not isinstance(request.opportunity, Create) or account.existing is None:
        return ()
    given = request.terms.product_interest
    products = prospect.product_interest if given is None else given
    return tuple(deal_keys(account.existing.id, (interest.product for interest in products)))


def _side(
    kind: type[_Side], target: Target, known: Known, *, own: str | None = None, keys: tuple[MatchKey, ...] = ()
) -> Side[_Side]:
    path = kind.kind
    match target:
        case Skip():
            return Side()
        case UseExisting():
            return _existing(kind, target.id, known)
        case Create():
            if target.id in known.by_id:
                message = f"must be a new id, got that of {known.by_id[target.id]}"
                return Side(reasons=(RefusalReason(RefusalCode.ID_TAKEN, message, path=path, ids=(target.id,)),))
            found = [] if target.anyway else known.having(kind, keys)
            if not found:
                return Side(new_id=target.id)
            ids = [record.id for record in found]
            message = (
                f"{', '.join(map(repr, ids))} has the same {_same(keys)}; UseExisting({ids[0]!r}) takes it, "
                f"Create({target.id!r}, anyway=True) makes a second one"
            )
            return Side(reasons=(RefusalReason(RefusalCode.DUPLICATE, message, path=path, ids=ids),))
        case _:
            return _matching(kind, target, known, own=own, keys=keys)


def _matching(
    kind: type[_Side], target: FindOrCreate, known: Known, *, own: str | None, keys: tuple[MatchKey, ...]
) -> Side[_Side]:
    path = kind.kind
    if own is not None:
        return _existing(kind, own, known)
    found = known.having(kind, keys)
    if len(found) > 1:
        ids = [record.id for record in found]
        message = f"{', '.join(map(repr, ids))} have the same {_same(keys)}; say which with UseExisting"
        return Side(reasons=(RefusalReason(RefusalCode.AMBIGUOUS_MATCH, message, path=path, ids=ids),))
    return Side(existing=found[0]) if found else Side(new_id=target.id)


def _same(keys: tuple[MatchKey, ...]) -> str:
    # Not their values: refusals are logged and shown, and addresses are personal.
    return ", ".join(dict.fromkeys(str(key.by) for key in keys))


def _existing(kind: type[_Side], id_: str, known: Known) -> Side[_Side]:
    path = kind.kind
    record = known.by_id.get(id_)
    if not isinstance(record, kind):
        found = "nothing" if record is None else f"{record}"
        message = f"must be {_article(kind.kind)} among the known records, got {found} for {id_!r}"
        return Side(reasons=(RefusalReason(RefusalCode.UNKNOWN_RECORD, message, path=path, ids=(id_,)),))
    if record.is_withdrawn:
        message = f"{record} was withdrawn; use another or make a new one"
        return Side(reasons=(RefusalReason(RefusalCode.WITHDRAWN, message, path=path, ids=(id_,)),))
    return Side(existing=record)


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'ao' else 'a'} {kind}"


def _account(case: Case, company: Company | None, keys: tuple[MatchKey, ...], contact: Side[Contact]) -> Side[Account]:
    prospect, known, target = case.prospect, case.known, case.request.account
    person_accounts = case.settings.person_accounts
    if isinstance(target, FindOrCreate):
        theirs = contact.existing.account_id if contact.existing is not None else None
        others = [record.id for record in known.having(Account, keys) if record.id != theirs]
        if theirs is not None and others and prospect.account_id is None:
            ids = sorted([theirs, *others])
            message = f"the contact belongs to {theirs!r}, the {_same(keys)} to {', '.join(map(repr, others))}"
            return Side(reasons=(RefusalReason(RefusalCode.AMBIGUOUS_MATCH, message, path="account", ids=ids),))
        side = _side(Account, target, known, own=prospect.account_id or theirs, keys=keys)
    else:
        side = _side(Account, target, known, keys=keys)
    if side.new_id is None or company is not None:
        return side
    # Somebody without a company: one account in their name, none, or a refusal.
    if person_accounts is PersonAccounts.NONE:
        return Side()
    if person_accounts is PersonAccounts.REFUSE:
        return Side(reasons=(_missing("company", "must be known to make an account"),))
    if prospect.person is None:
        return Side(reasons=(_missing("company", "must be known, or a person, to make an account"),))
    return side


def _together(
    account: Side[Account],
    contact: Side[Contact],
    deal: Side[Opportunity],
    request: ConversionRequest,
    settings: ConversionSettings,
) -> Iterable[RefusalReason]:
    yield from (*account.reasons, *contact.reasons, *deal.reasons)
    if account.reasons:
        return
    belongs = contact.existing.account_id if contact.existing is not None else None
    if belongs is not None and belongs != account.id:
        message = f"{contact.existing} belongs to account {belongs!r}, and contacts never move; use that account"
        yield RefusalReason(RefusalCode.FOREIGN_CONTACT, message, path="contact", ids=(contact.id or "", belongs))
    if deal.existing is not None:
        if not deal.existing.is_open:
            message = f"{deal.existing} is {deal.existing.stage.category}; reopen it or create another"
            yield RefusalReason(RefusalCode.CLOSED_DEAL, message, path="opportunity", ids=(deal.existing.id,))
        if deal.existing.account_id not in (None, account.id):
            message = f"{deal.existing} is with account {deal.existing.account_id!r}; use that account"
            ids = (deal.existing.id, deal.existing.account_id or "")
            yield RefusalReason(RefusalCode.FOREIGN_DEAL, message, path="opportunity", ids=ids)
    elif isinstance(request.account, Skip) and deal.new_id and settings.person_accounts is not PersonAccounts.NONE:
        message = "must not be skipped where an opportunity is created; with person_accounts='none' it may"
        yield _missing("account", message)


def _missing(path: str, message: str) -> RefusalReason:
    return RefusalReason(RefusalCode.MISSING_FIELDS, message, path=path)
