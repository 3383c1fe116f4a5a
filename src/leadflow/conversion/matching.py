"""
Which records a conversion works on: the targets of a request, looked up among the records that are known.

Theory. The planner sees only what it is given (`Known`): the records that a request names and those that share a match
key with what is about to be made. `resolve` settles contact and account together, because a contact that is there may
bring its account. Which records match, `leadflow.conversion.candidates` says; one that decides is used, several are
ambiguous. `lookups` says what more a store should be asked for, so that hosts and services load the right things
without knowing the rules.
"""

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from attrs import evolve, frozen

from leadflow.account import Account
from leadflow.contact import Contact
from leadflow.conversion.candidates import Known, MatchCandidate, Matches, keys_by, matches_of, similar
from leadflow.conversion.refusals import RefusalCode, RefusalReason
from leadflow.conversion.requests import ConversionRequest, Moment
from leadflow.conversion.settings import ConversionSettings, PersonAccounts
from leadflow.conversion.targets import Create, DealTarget, FindOrCreate, Skip, Target, UseExisting
from leadflow.conversion.terms import Default
from leadflow.conversion.weighing import Matching
from leadflow.opportunity import Opportunity
from leadflow.party import Company
from leadflow.prospect import Prospect
from leadflow.stores import Compares, MatchKey
from leadflow.stores.matchkeys import account_keys, contact_keys, deal_keys

__all__ = ["Case", "Lookups", "Resolved", "Side", "lookups", "new_id_reasons", "resolve"]

_Side = TypeVar("_Side", Account, Contact, Opportunity)


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
        why: Why the existing one is used, where nobody named it.
    """

    existing: _Side | None = None
    new_id: str | None = None
    reasons: tuple[RefusalReason, ...] = ()
    why: str | None = None

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
        accounts: The keys by which an account is looked for: those that can decide, and those that give a hint.
        contacts: The same of a contact.
        absent: Match keys that must still be absent when what is made is written.
        defaults: Records that are used although nobody named them, and why.
        warnings: Criteria that were ignored, and who shares too little with what is made to tell.
    """

    company: Company | None
    domain: str | None
    account: Side[Account]
    contact: Side[Contact]
    deal: Side[Opportunity]
    reasons: tuple[RefusalReason, ...] = ()
    open_deals: tuple[Opportunity, ...] = ()
    accounts: frozenset[MatchKey] = frozenset()
    contacts: frozenset[MatchKey] = frozenset()
    absent: tuple[MatchKey, ...] = ()
    defaults: tuple[Default, ...] = ()
    warnings: tuple[RefusalReason, ...] = ()


@frozen
class _Ours:
    """The keys of what may be made, and who shares them."""

    keys: Mapping[Compares, MatchKey]
    matches: Matches

    @classmethod
    def of(cls, kind: str, keys: Iterable[MatchKey], known: Known, rules: Matching) -> "_Ours":
        mine = keys_by(keys)
        return cls(mine, matches_of(kind, mine, known, rules))

    @property
    def asked(self) -> frozenset[MatchKey]:
        """The keys that count at all."""
        return frozenset(key for by, key in self.keys.items() if self.matches.rules.weight(by))

    @property
    def able(self) -> frozenset[MatchKey]:
        """The keys that can decide."""
        return frozenset(self.keys[by] for by in self.matches.rules.asked(self.keys))


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
    company = settings.company_of(person, prospect.company)
    contacts, accounts = _ours(case, company)
    contact = _side(Contact, request.contact, known, own=prospect.contact_id, matches=contacts.matches)
    if person is None and contact.new_id is not None:
        contact = Side(reasons=(_missing("person", "must be known to make a contact; contact=SKIP makes none"),))
    account = _account(case, company, accounts.matches, contact)
    deal = _side(Opportunity, request.opportunity, known)
    domain = accounts.keys.get(Compares.DOMAIN)
    new = [
        (path, side, ours)
        for path, side, ours, target in (
            ("account", account, accounts, request.account),
            ("contact", contact, contacts, request.contact),
        )
        if side.new_id and not _anyway(target)
    ]
    return Resolved(
        company=company,
        domain=None if domain is None else domain.value,
        account=account,
        contact=contact,
        deal=deal,
        reasons=tuple(_together(account, contact, deal, request, settings)),
        open_deals=tuple(known.having(Opportunity, _deal_keys(prospect, request, account))),
        accounts=accounts.asked,
        contacts=contacts.asked,
        # Others that share a key without deciding are known, so that it is there is nothing new.
        absent=tuple(sorted(key for _, _, ours in new for key in ours.able if not known.holders(key))),
        defaults=tuple(
            Default(path, side.existing.id, side.why)
            for path, side in (("account", account), ("contact", contact))
            if side.existing is not None and side.why is not None
        ),
        warnings=(
            *(_crowded(path, key, ours.matches) for path, _, ours in new for key in ours.matches.ignored),
            *(warning for path, _, ours in new for warning in similar(path, ours.matches)),
        ),
    )


def lookups(case: Case) -> Lookups:
    """
    Return what a store should be asked for before planning; ask again with what was found, until nothing is new.

    Records named by the request or the prospect; whoever shares a key with what may be made; the
    account of a contact that was found; open deals about the same product with an account that is used.
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
    if isinstance(request.contact, Create | FindOrCreate):
        keys |= resolved.contacts
    if isinstance(request.account, Create | FindOrCreate):
        keys |= resolved.accounts
    return Lookups(frozenset(ids), frozenset(keys))


def new_id_reasons(path: str, id_: str, known: Known) -> tuple[RefusalReason, ...]:
    """Return why an id cannot be given to a new record, if a known one has it."""
    if id_ not in known.by_id:
        return ()
    message = f"must be a new id, got that of {known.by_id[id_]}; give another, or look at what new_id returns"
    return (RefusalReason(RefusalCode.ID_TAKEN, message, path=path, ids=(id_,)),)


def _ours(case: Case, company: Company | None) -> tuple[_Ours, _Ours]:
    """Return the keys of the contact and of the account that may be made."""
    person, rules = case.prospect.person, case.settings.matching
    email = person.email if person else None
    return (
        _Ours.of("contact", contact_keys(person) if person else (), case.known, rules),
        _Ours.of("account", account_keys(company.name, company, email) if company else (), case.known, rules),
    )


def _crowded(path: str, key: MatchKey, matches: Matches) -> RefusalReason:
    message = f"more than {matches.rules.max_hits} {key.finds}s have the same {key.by}, so it was ignored"
    return RefusalReason(RefusalCode.TOO_MANY_MATCHES, message, path=path)


def _anyway(target: object) -> bool:
    return isinstance(target, Create) and target.anyway


def _deal_keys(prospect: Prospect, request: ConversionRequest, account: Side[Account]) -> tuple[MatchKey, ...]:
    if not isinstance(request.opportunity, Create) or account.existing is None:
        return ()
    given = request.terms.product_interest
    products = prospect.product_interest if given is None else given
    return tuple(deal_keys(account.existing.id, (interest.product for interest in products)))


def _side(
    kind: type[_Side],
    target: Target | DealTarget,
    known: Known,
    *,
    own: str | None = None,
    matches: Matches | None = None,
) -> Side[_Side]:
    path = kind.kind
    found = () if matches is None or _anyway(target) else matches.deciding
    ids = [candidate.id for candidate in found]
    match target:
        case Skip():
            return Side()
        case UseExisting():
            return _existing(kind, target.id, known)
        case FindOrCreate() if own is not None:
            return _existing(kind, own, known)
        case FindOrCreate() if len(found) == 1:
            return evolve(_existing(kind, ids[0], known), why=f"found by {_gist(found[0])}")
        case FindOrCreate() if found:
            said = "; ".join(f"{candidate.id!r} by {_gist(candidate)}" for candidate in found)
            message = f"more than one matches: {said}; say which with UseExisting"
            return Side(reasons=(RefusalReason(RefusalCode.AMBIGUOUS_MATCH, message, path=path, ids=ids),))
        case Create() if found:
            message = (
                f"{', '.join(map(repr, ids))} has the same {_same(found)}; UseExisting({ids[0]!r}) takes it, "
                f"Create({target.id!r}, anyway=True) makes a second one"
            )
            return Side(reasons=(RefusalReason(RefusalCode.DUPLICATE, message, path=path, ids=ids),))
        case _:
            reasons = new_id_reasons(path, target.id, known)
            return Side(reasons=reasons) if reasons else Side(new_id=target.id)


# Not the values compared: refusals are logged and shown, and addresses are personal.


def _same(found: Iterable[MatchCandidate]) -> str:
    return ", ".join(dict.fromkeys(by.value for candidate in found for by in candidate.agreeing))


def _gist(candidate: MatchCandidate) -> str:
    counted = (f"{said.by} ({said.weight})" for said in candidate.criteria if said.weight)
    return f"the same {', '.join(counted)}"


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


def _account(case: Case, company: Company | None, matches: Matches, contact: Side[Contact]) -> Side[Account]:
    prospect, known, target = case.prospect, case.known, case.request.account
    person_accounts = case.settings.person_accounts
    if isinstance(target, FindOrCreate):
        theirs = contact.existing.account_id if contact.existing is not None else None
        others = [candidate for candidate in matches.deciding if candidate.id != theirs]
        if theirs is not None and others and prospect.account_id is None:
            elsewhere = [candidate.id for candidate in others]
            message = f"the contact belongs to {theirs!r}, the {_same(others)} to {', '.join(map(repr, elsewhere))}"
            ids = sorted([theirs, *elsewhere])
            return Side(reasons=(RefusalReason(RefusalCode.AMBIGUOUS_MATCH, message, path="account", ids=ids),))
        side = _side(Account, target, known, own=prospect.account_id or theirs, matches=matches)
        if theirs is not None and prospect.account_id is None and side.existing is not None:
            side = evolve(side, why="it is the contact's")
    else:
        side = _side(Account, target, known, matches=matches)
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
