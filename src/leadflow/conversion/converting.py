"""
Planning how a prospect becomes an account, a contact and a deal.

First everything that stands against it is gathered, from record, evidence, targets, terms and owner;
only if nothing does are the records made, in the order in which their events are told. Records that are there are taken
as they are, but for their blanks; the plan relies on their versions, and on nobody else having made by then what it is
about to make.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, Unpack, overload

from attrs import evolve

from leadflow.account import Account
from leadflow.assessment import Assessment, Evidence
from leadflow.contact import Contact
from leadflow.conversion.candidates import Known, known_problems
from leadflow.conversion.carrying import left_behind
from leadflow.conversion.filling import fill_account, fill_contact, fill_opportunity, same_company
from leadflow.conversion.judging import (
    Judgement,
    evidence_reasons,
    kept,
    open_questions,
    override_problem,
    owner_of,
    prospect_reasons,
)
from leadflow.conversion.mappingvalues import Mapped
from leadflow.conversion.matching import Case, Resolved, resolve
from leadflow.conversion.opening import Heir, Terms, made_account, made_contact, made_opportunity, terms_of
from leadflow.conversion.plans import ConversionPlan
from leadflow.conversion.refusals import Refusal, RefusalCode, RefusalReason
from leadflow.conversion.requests import ConversionRequest, Moment, OwnerChoice, when_problems
from leadflow.conversion.settings import STANDARD_SETTINGS, ConversionSettings, OpenDeals
from leadflow.conversion.targets import Create, DealTarget, FindOrCreate, Skip, Target, UseExisting
from leadflow.conversion.terms import NO_TERMS, DealTerms, Default
from leadflow.events import When, Wrote
from leadflow.opportunity import Opportunity
from leadflow.party import Company
from leadflow.prospect import Prospect
from leadflow.stores import ChangeSet, Record, RecordVersion
from leadflow.stores.matchkeys import deal_keys
from leadflow.validation import built, instance, to_tuple

__all__ = ["conversion_of", "plan_conversion"]

_ARGUMENTS: Final = (
    *("evidence", "account", "contact", "opportunity", "terms", "known"),
    *("owner", "another", "override", "settings"),
)


@overload
def plan_conversion(
    prospect: Prospect,
    /,
    *,
    evidence: Judgement,
    account: Target,
    contact: Target,
    opportunity: Create | UseExisting,
    terms: DealTerms | None = None,
    known: Iterable[Record] = (),
    owner: OwnerChoice = None,
    another: str | None = None,
    override: str | None = None,
    settings: ConversionSettings = STANDARD_SETTINGS,
    **when: Unpack[When],
) -> ConversionPlan[Opportunity] | Refusal: ...
@overload
def plan_conversion(
    prospect: Prospect,
    /,
    *,
    evidence: Judgement,
    account: Target,
    contact: Target,
    opportunity: Literal[Skip.SKIP],
    terms: None = None,
    known: Iterable[Record] = (),
    owner: OwnerChoice = None,
    another: str | None = None,
    override: str | None = None,
    settings: ConversionSettings = STANDARD_SETTINGS,
    **when: Unpack[When],
) -> ConversionPlan[None] | Refusal: ...
def plan_conversion(
    prospect: Prospect,
    /,
    *,
    evidence: Judgement,
    account: Target,
    contact: Target,
    opportunity: DealTarget,
    terms: DealTerms | None = None,
    known: Iterable[Record] = (),
    owner: OwnerChoice = None,
    another: str | None = None,
    override: str | None = None,
    settings: ConversionSettings = STANDARD_SETTINGS,
    **when: Unpack[When],
) -> ConversionPlan[Any] | Refusal:
    """
    Plan how a prospect becomes an account, a contact and a deal, or some of them.

    Args:
        prospect: As it was loaded.
        evidence: What a policy found about this prospect in this version.
        account: What becomes of the company: `Create`, `UseExisting`, `FindOrCreate` or `SKIP`.
        contact: What becomes of the person: the same.
        opportunity: What becomes of the deal: `Create`, `UseExisting` or `SKIP`.
        terms: The terms of a new deal; what is not given comes from the settings and is listed in the plan.
        known: The records named above, as loaded, and the match candidates: whoever shares a `match_keys` with the
            person or company, and open deals with the account.
        owner: Who owns what is made: a user id, or a function that says who. Default: whoever owns the prospect.
        another: Why a prospect that was converted before is converted again.
        override: Why a verdict short of "qualified" is set aside; needs `by`.
        settings: What the host has decided once.
        **when: See `When`. Where the prospect was recorded later (by a faster clock), its last record is the time
            instead.

    Returns:
        The plan, or a `Refusal` with every reason.

    Raises:
        InvalidError: Naming everything in the arguments that can never be right, or that makes no sense together.
    """
    records = to_tuple(known)
    request = built(
        "plan_conversion",
        lambda: ConversionRequest(
            prospect_id=prospect.id if isinstance(prospect, Prospect) else "?",
            account=account,
            contact=contact,
            opportunity=opportunity,
            terms=NO_TERMS if terms is None else terms,
            owner=owner,
            override=override,
            another=another,
        ),
        instance("prospect", prospect, Prospect, "a Prospect"),
        instance("evidence", evidence, (Assessment, Evidence), "an Assessment or Evidence"),
        *known_problems(records),
        instance("settings", settings, ConversionSettings, "ConversionSettings"),
        *when_problems(when, _ARGUMENTS),
        override_problem(override, when.get("by")),
    )
    case = Case(prospect=prospect, request=request, known=Known(records), settings=settings, moment=Moment(**when))
    return conversion_of(case, evidence)


def conversion_of(case: Case, judgement: Judgement) -> ConversionPlan[Any] | Refusal:
    """Plan a request that was checked; see `plan_conversion`."""
    case = evolve(case, moment=case.moment.not_before(case.prospect.updated_at))
    prospect, request, settings, moment = case.prospect, case.request, case.settings, case.moment
    resolved = resolve(case)
    opening = isinstance(request.opportunity, Create)
    mapped = Mapped(settings.mapping, prospect)
    terms = terms_of(case, resolved.company, mapped) if opening else None
    owner, owner_reasons = owner_of(prospect, request.owner, settings.owners)
    open_deals = tuple(_open_deal_reasons(resolved, settings))
    reasons = (
        *prospect_reasons(prospect, request.another),
        *evidence_reasons(judgement, prospect, moment, request.override),
        *resolved.reasons,
        *(terms.reasons if terms else ()),
        *(open_deals if settings.open_deals is OpenDeals.REFUSE else ()),
        *owner_reasons,
        *mapped.reasons(),
    )
    if reasons:
        return Refusal(request.action, reasons, open_questions(judgement, request.override, reasons))
    evidence = kept(judgement)
    elsewhere = tuple(_elsewhere(case, resolved))
    account, contact, deal, defaults = _records(case, resolved, terms, mapped, evidence=evidence, owner=owner)
    pairs = [
        (resolved.account.existing, account),
        (resolved.contact.existing, contact),
        (resolved.deal.existing, deal),
    ]
    used = [(before, after) for before, after in pairs if after is not None]
    converted = prospect.converted(
        evidence=evidence,
        account_id=account.id if account else None,
        contact_id=contact.id if contact else None,
        opportunity_id=deal.id if deal else None,
        override=request.override,
        another=request.another if prospect.is_converted else None,
        wrote=[_wrote(before, after) for before, after in used],
        **moment.when(),
    )
    return ConversionPlan(
        request=request,
        prospect=converted,
        account=account,
        contact=contact,
        opportunity=deal,
        changes=ChangeSet.of(
            *((before, after) for before, after in used if after is not before),
            (prospect, converted),
            relies_on=[RecordVersion.of(after) for before, after in used if after is before],
            absent=(*resolved.absent, *_no_other_deal(account, terms, settings)),
        ),
        evidence=evidence,
        moment=moment,
        defaults=(*resolved.defaults, *defaults),
        unmapped=left_behind(prospect, account, contact, deal, mapped, is_company=resolved.company is not None),
        mapping=settings.mapping,
        warnings=(
            *(open_deals if settings.open_deals is OpenDeals.WARN else ()),
            *elsewhere,
            *resolved.warnings,
            *(terms.warnings if terms else ()),
        ),
    )


def _wrote(before: Record | None, after: Record) -> Wrote:
    known = 0 if before is None else before.version
    return Wrote(after.id, range(known + 1, after.version + 1))


def _records(
    case: Case, resolved: Resolved, terms: Terms | None, mapped: Mapped, *, evidence: Evidence, owner: str | None
) -> tuple[Account | None, Contact | None, Opportunity | None, tuple[Default, ...]]:
    """Return the account, the contact and the deal, and what was filled in."""
    moment, settings = case.moment, case.settings
    account, contact, deal = resolved.account.existing, resolved.contact.existing, resolved.deal.existing
    defaults: tuple[Default, ...] = ()
    has_deal, has_contact = resolved.deal.id is not None, resolved.contact.id is not None
    if resolved.account.new_id is not None:
        heir = Heir(mapped, owner, moment, not has_deal and not has_contact)
        account, defaults = made_account(resolved, heir)
    elif account is not None:
        is_heir = not has_deal and not has_contact
        account = fill_account(account, mapped, _of_the_account(case, resolved), moment, is_heir=is_heir)
    elif not isinstance(case.request.account, Skip):
        defaults = (
            Default("account", "none", f"no company is known, person_accounts={settings.person_accounts.value!r}"),
        )
    account_id = account.id if account else None
    if resolved.contact.new_id is not None:
        contact = made_contact(resolved.contact.new_id, account_id, Heir(mapped, owner, moment, not has_deal))
    elif contact is not None:
        contact = fill_contact(contact, mapped, account_id, moment, is_heir=not has_deal)
    contact_id = contact.id if contact else None
    if terms is not None and resolved.deal.new_id is not None:
        heir = Heir(mapped, owner, moment, takes_labels=True)
        deal = made_opportunity(
            resolved.deal.new_id, terms, heir, account_id=account_id, contact_id=contact_id, evidence=evidence
        )
        defaults = (*defaults, *terms.defaults)
    elif deal is not None:
        deal = fill_opportunity(
            deal, mapped, moment, account_id=account_id, contact_id=contact_id, role=settings.terms.role
        )
    return account, contact, deal, defaults


def _of_the_account(case: Case, resolved: Resolved) -> Company | None:
    """
    Return what the prospect says of the company of an account that is used.

    Who names an account says that it is this company's. One that was found by way of a contact may be another's: people
    change jobs, and write from private addresses; nothing is filled in then.
    """
    account, contact, theirs = resolved.account.existing, resolved.contact.existing, resolved.company
    if account is None or theirs is None or not isinstance(case.request.account, FindOrCreate):
        return theirs
    person = case.prospect.person
    emails = (contact.person.email if contact else None, person.email if person else None)
    known = (Company(account.name), account.company or Company(account.name))
    return theirs if any(same_company(mine, theirs, *emails) for mine in known) else None


def _elsewhere(case: Case, resolved: Resolved) -> Iterator[RefusalReason]:
    """Yield that the account that was found by way of a contact is not of the company that the prospect names."""
    account = resolved.account.existing
    if account is not None and resolved.company is not None and _of_the_account(case, resolved) is None:
        message = (
            f"{account} is used, with which the contact is, and the prospect is of another company; "
            "say which with UseExisting, or Create"
        )
        yield RefusalReason(RefusalCode.DOUBTFUL_VALUE, message, path="account", ids=(account.id,))


def _open_deal_reasons(resolved: Resolved, settings: ConversionSettings) -> Iterator[RefusalReason]:
    if resolved.open_deals and settings.open_deals is not OpenDeals.ALLOW:
        ids = [deal.id for deal in resolved.open_deals]
        deals = ", ".join(map(str, resolved.open_deals))
        verb = "is" if len(ids) == 1 else "are"
        if any(deal.product_interest for deal in resolved.open_deals):
            message = f"{deals} about the same product {verb} open with {resolved.account.id!r}"
        else:
            # Found because they name no product, as this one does not.
            message = f"{deals} {verb} open with {resolved.account.id!r}, and no product is named there or here"
        yield RefusalReason(RefusalCode.OPEN_DEAL, message, path="opportunity", ids=ids)


def _no_other_deal(account: Account | None, terms: Terms | None, settings: ConversionSettings) -> tuple[Any, ...]:
    """Return the keys that no other open deal may have by the time this one is written."""
    if account is None or terms is None or settings.open_deals is not OpenDeals.REFUSE:
        return ()
    return tuple(deal_keys(account.id, (interest.product for interest in terms.products)))
