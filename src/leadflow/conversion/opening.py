"""
Opening a deal: the terms that hold, and the records made from a prospect on them.

What the seller gave comes first, then the configured defaults, each of which is listed. Only the amount is never made
up: without one, and without an estimate on the prospect, it is missing, and the plan is refused.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import attrs
from attrs import frozen

from leadflow.account import Account
from leadflow.assessment import Evidence
from leadflow.contact import Contact
from leadflow.conversion.filling import needs_of
from leadflow.conversion.mappingvalues import Mapped
from leadflow.conversion.matching import Case, Resolved
from leadflow.conversion.refusals import RefusalCode, RefusalReason
from leadflow.conversion.requests import ConversionRequest, Moment
from leadflow.conversion.terms import DealTerms, Default, stage_problem
from leadflow.dealparts import BuyingRole, ContactRole, Origin, ProductInterest
from leadflow.fields import NO_FIELDS
from leadflow.ids import ContactId
from leadflow.money import Recurring
from leadflow.opportunity import DECIDERS, Opportunity
from leadflow.party import Company
from leadflow.pipeline import Pipeline, Requirement, Stage
from leadflow.prospect import Prospect
from leadflow.validation import text

__all__ = ["Heir", "Terms", "made_account", "made_contact", "made_opportunity", "terms_of"]


@frozen(kw_only=True)
class Terms:
    """
    The terms that hold.

    Attributes:
        given: The same with every blank filled; amount or name may still be missing, then there are reasons.
        pipeline: The pipeline.
        stage: The stage it starts in.
        role: The contact's part.
        products: What it is about.
        defaults: What was filled in.
        reasons: What is missing or wrong.
        warnings: What can be, but is most often a mistake.
    """

    given: DealTerms
    pipeline: Pipeline
    stage: Stage
    role: BuyingRole
    products: tuple[ProductInterest, ...]
    defaults: tuple[Default, ...]
    reasons: tuple[RefusalReason, ...]
    warnings: tuple[RefusalReason, ...]


@frozen
class Heir:
    """
    What a new record inherits beside its own part.

    Attributes:
        mapped: From whom, and what is mapped.
        owner: Who owns it.
        moment: When it is made, and by whom.
        takes_labels: Whether tags and custom fields go to it that are mapped nowhere else; one record has them.
    """

    mapped: Mapped
    owner: str | None
    moment: Moment
    takes_labels: bool

    @property
    def prospect(self) -> Prospect:
        """From whom."""
        return self.mapped.prospect

    def attributes(self, kind: str) -> dict[str, Any]:
        """Return what every new record of a kind gets."""
        prospect, mapped = self.prospect, self.mapped
        return {
            "source": mapped.of(f"{kind}.source") or prospect.source,
            "campaign": mapped.of(f"{kind}.campaign") or prospect.campaign,
            "owner": self.owner,
            "tags": prospect.tags if self.takes_labels else frozenset(),
            "fields": mapped.fields(kind, NO_FIELDS, is_heir=self.takes_labels),
            **self.moment.when(),
        }


def terms_of(case: Case, company: Company | None, mapped: Mapped) -> Terms:
    """Return the terms that hold for a new deal, and what is missing or wrong in them."""
    prospect, request, settings = case.prospect, case.request, case.settings
    given, standard = request.terms, settings.terms
    found: dict[str, Any] = {}
    defaults: list[Default] = []

    def fill(name: str, value: Any, shown: object, why: str) -> None:  # noqa: ANN401 - of each term's own type
        found[name] = value
        defaults.append(Default(f"terms.{name}", shown, why))

    wrong_stage = misnamed = None
    pipeline = given.pipeline or standard.pipeline
    if given.pipeline is None:
        fill("pipeline", pipeline, pipeline.id, "the pipeline configured")
    if given.stage is None:
        configured = standard.stage if standard.pipeline == pipeline else None
        stage = pipeline.entry_stage if configured is None else pipeline.stage(configured)
        fill("stage", stage.code, stage.code, "the stage configured" if configured else "where the pipeline starts")
    else:
        wrong_stage = stage_problem("", given.stage, pipeline)
        stage = pipeline.entry_stage if wrong_stage else pipeline.stage(given.stage)
        found["stage"] = stage.code  # where it is wrong, what else is wrong is found all the same
    if given.probability is None:
        defaults.append(Default("terms.probability", stage.probability, f"of stage {stage.code!r}"))
    products = prospect.product_interest if given.product_interest is None else given.product_interest
    for term in ("name", "amount", "expected_close"):
        target = f"opportunity.{term}"
        there = mapped.found.get(target)
        if there is not None and getattr(given, term) is None and target not in mapped.misfits:
            fill(term, there[0], there[0], f"mapped from {there[1].source!r}")
    if given.amount is None and "amount" not in found and prospect.estimated_value is not None:
        fill("amount", prospect.estimated_value, prospect.estimated_value, "the estimated value")
    if given.expected_close is None and "expected_close" not in found and standard.calendar is not None:
        quarter = standard.calendar.quarter_of(case.moment.at)
        fill("expected_close", quarter.last_day, quarter.last_day, f"the end of {quarter}")
    if given.type is None:
        fill("type", standard.type, standard.type, "the type configured")
    if given.name is None and "name" not in found:
        close = found.get("expected_close", given.expected_close)
        name = _name(case, company, products, close)
        misnamed = None if name is None else text("", name)
        if name is not None and misnamed is None:
            fill("name", name, name, f"by the rule {standard.name!r}")
    terms = attrs.evolve(given, **found)
    return Terms(
        given=terms,
        pipeline=pipeline,
        stage=stage,
        role=given.role or standard.role,
        products=products,
        defaults=tuple(defaults),
        reasons=(
            *(() if wrong_stage is None else (_invalid_stage(wrong_stage.message),)),
            *(() if misnamed is None else (_misnamed(misnamed.message, standard.name),)),
            *_missing(case, terms, stage, given.role or standard.role, is_named=misnamed is not None),
        ),
        warnings=tuple(_doubtful(case, terms)),
    )


def _doubtful(case: Case, terms: DealTerms) -> Iterator[RefusalReason]:
    amount = terms.amount.amount if isinstance(terms.amount, Recurring) else terms.amount
    if amount is not None and amount.amount < 0:
        yield RefusalReason(
            RefusalCode.DOUBTFUL_VALUE, f"the deal is worth less than nothing, {amount}", path="terms.amount"
        )
    calendar = case.settings.terms.calendar
    today = case.moment.at.date() if calendar is None else calendar.day_of(case.moment.at)
    if terms.expected_close is not None and terms.expected_close < today:
        message = f"the deal is opened on {today} and expected to close before that, on {terms.expected_close}"
        yield RefusalReason(RefusalCode.DOUBTFUL_VALUE, message, path="terms.expected_close")


def _misnamed(message: str, rule: str) -> RefusalReason:
    return RefusalReason(RefusalCode.INVALID_VALUE, f"{message}, by the rule {rule!r}; give a name", path="terms.name")


def _name(case: Case, company: Company | None, products: tuple[ProductInterest, ...], close: date | None) -> str | None:
    person = case.prospect.person.name if case.prospect.person else None
    firm = company.name if company else None
    standard = case.settings.terms
    calendar = standard.calendar
    return standard.name_for(
        party=firm or person,
        company=firm,
        person=person,
        product=products[0].product if products else None,
        quarter=str(calendar.quarter_of(close)) if calendar is not None and close is not None else None,
    )


def _invalid_stage(message: str) -> RefusalReason:
    return RefusalReason(RefusalCode.INVALID_STAGE, message, path="terms.stage")


def _missing(case: Case, terms: DealTerms, stage: Stage, role: BuyingRole, *, is_named: bool) -> list[RefusalReason]:
    lacking: list[tuple[str, str]] = []
    if terms.name is None and not is_named:
        lacking.append(("name", "must be given: nothing is known that a name could be made of"))
    if terms.amount is None:
        budget = case.prospect.discovery.budget
        known = f" (their budget is {budget.value})" if budget is not None and budget.value is not None else ""
        lacking.append(("amount", f"must be given: the prospect has no estimated value{known}"))
    if terms.expected_close is None:
        lacking.append(("expected_close", "must be given: no calendar is configured to take the end of a quarter from"))
    return [
        *(RefusalReason(RefusalCode.MISSING_FIELDS, message, path=f"terms.{name}") for name, message in lacking),
        *(
            RefusalReason(RefusalCode.MISSING_FIELDS, f"stage {stage.code!r} requires {need}", path=path)
            for need, path in _unmet(stage, terms, role, case.request)
        ),
    ]


def _unmet(
    stage: Stage, terms: DealTerms, role: BuyingRole, request: ConversionRequest
) -> list[tuple[Requirement, str]]:
    """Return what the stage requires that a new deal on these terms lacks; amount and close it always has."""
    contact = request.contact_wanted
    met = {
        Requirement.NEXT_STEP: ("terms.next_step", terms.next_step is not None),
        Requirement.PRIMARY_CONTACT: ("contact", contact),
        Requirement.DECISION_MAKER: ("terms.role", contact and role in DECIDERS),
    }
    return [(need, met[need][0]) for need in sorted(stage.requires & met.keys()) if not met[need][1]]


def made_account(resolved: Resolved, heir: Heir) -> tuple[Account, tuple[Default, ...]]:
    """Return the new account, with its company's domain filled in from the person's address where it was not known."""
    assert resolved.account.new_id is not None
    company, person = resolved.company, heir.prospect.person
    defaults: tuple[Default, ...] = ()
    if company is not None and company.domain is None and resolved.domain is not None:
        company = attrs.evolve(company, domain=resolved.domain)
        defaults = (Default("account.company.domain", resolved.domain, "of the e-mail address"),)
    if company is None:
        assert person is not None
        defaults = (Default("account.name", person.name, "the person's: no company is known"),)
    else:
        company = heir.mapped.into(company, is_new=True)
    name = heir.mapped.of("account.name") or (company.name if company is not None else defaults[0].value)
    return Account.add(resolved.account.new_id, str(name), company=company, **heir.attributes("account")), defaults


def made_contact(new_id: str, account_id: str | None, heir: Heir) -> Contact:
    """Return the new contact."""
    person = heir.prospect.person
    assert person is not None
    person = heir.mapped.into(person, is_new=True)
    return Contact.add(
        new_id, person, account_id=account_id, consents=heir.prospect.consents, **heir.attributes("contact")
    )


def made_opportunity(
    new_id: str, terms: Terms, heir: Heir, *, account_id: str | None, contact_id: str | None, evidence: Evidence
) -> Opportunity:
    """Return the new deal."""
    given, prospect = terms.given, heir.prospect
    assert given.name is not None
    assert given.amount is not None
    assert given.expected_close is not None
    assert given.type is not None
    return Opportunity.open(
        new_id,
        given.name,
        given.amount,
        expected_close=given.expected_close,
        origin=Origin.from_prospect(prospect.id),
        pipeline=terms.pipeline,
        account_id=account_id,
        type=given.type,
        stage=terms.stage.code,
        probability=given.probability,
        contact_roles=() if contact_id is None else (ContactRole(ContactId(contact_id), terms.role, primary=True),),
        product_interest=terms.products,
        needs=needs_of(prospect),
        next_step=given.next_step,
        team=given.team,
        engagements=prospect.engagements,
        touches=prospect.touches,
        discovery=prospect.discovery,
        # Where there is a contact, what they said about being contacted is kept there, and only there.
        consents=prospect.consents if contact_id is None else (),
        evidence=evidence,
        **heir.attributes("opportunity"),
    )
