"""
Planning how a lead becomes a prospect.

The prospect takes over everything the lead has; the lead is kept, marked qualified, linked both ways, and written last.
The evidence is stored with both. Planning is pure: no store, no clock, no ids of its own.
"""

from collections.abc import Iterable
from typing import Unpack

from leadflow.assessment import Assessment, Evidence
from leadflow.conversion.candidates import Known, known_problems
from leadflow.conversion.carrying import not_taken_over
from leadflow.conversion.judging import (
    Judgement,
    evidence_reasons,
    kept,
    lead_reasons,
    open_questions,
    override_problem,
    owner_of,
)
from leadflow.conversion.matching import new_id_reasons
from leadflow.conversion.plans import QualificationPlan
from leadflow.conversion.refusals import Refusal
from leadflow.conversion.requests import Moment, OwnerChoice, QualificationRequest, when_problems
from leadflow.conversion.settings import STANDARD_SETTINGS, ConversionSettings
from leadflow.conversion.targets import Create
from leadflow.events import ProspectOpened, When
from leadflow.ids import ProspectId
from leadflow.lead import Lead
from leadflow.prospect import Prospect
from leadflow.stores import ChangeSet, Record
from leadflow.validation import built, instance, to_tuple

__all__ = ["plan_qualification", "qualification_of"]


def plan_qualification(
    lead: Lead,
    /,
    *,
    evidence: Judgement,
    prospect: Create,
    known: Iterable[Record] = (),
    owner: OwnerChoice = None,
    override: str | None = None,
    settings: ConversionSettings = STANDARD_SETTINGS,
    **when: Unpack[When],
) -> QualificationPlan | Refusal:
    """
    Plan how a lead becomes a prospect.

    Args:
        lead: As it was loaded.
        evidence: What a policy found about this lead in this version.
        prospect: The id of the prospect that goes on for it.
        known: The record that has this id, where there is one: it is not given twice.
        owner: A user id, or a function that says who. Default: the lead's.
        override: Why a verdict short of "qualified" is set aside; needs `by`.
        settings: What the host has decided once.
        **when: See `When`. Where the lead was recorded later (by a faster clock), its last record is the time instead.

    Returns:
        The plan, or a `Refusal` with every reason.

    Raises:
        InvalidError: Naming everything in the arguments that can never be right.
    """
    records = to_tuple(known)
    made = built(
        "plan_qualification",
        lambda: QualificationRequest(
            lead_id=lead.id if isinstance(lead, Lead) else "?", prospect=prospect, owner=owner, override=override
        ),
        instance("lead", lead, Lead, "a Lead"),
        instance("evidence", evidence, (Assessment, Evidence), "an Assessment or Evidence"),
        *known_problems(records),
        instance("settings", settings, ConversionSettings, "ConversionSettings"),
        *when_problems(when, ("evidence", "prospect", "known", "owner", "override", "settings")),
        override_problem(override, when.get("by")),
    )
    return qualification_of(lead, made, evidence, Moment(**when), settings, known=Known(records))


def qualification_of(
    lead: Lead,
    request: QualificationRequest,
    judgement: Judgement,
    moment: Moment,
    settings: ConversionSettings,
    *,
    known: Known,
) -> QualificationPlan | Refusal:
    """Plan a request that was checked; see `plan_qualification`."""
    moment = moment.not_before(lead.updated_at)
    owner, owner_reasons = owner_of(lead, request.owner, settings.owners)
    reasons = (
        *lead_reasons(lead),
        *evidence_reasons(judgement, lead, moment, request.override),
        *new_id_reasons("prospect", request.prospect.id, known),
        *owner_reasons,
    )
    if reasons:
        return Refusal(request.action, reasons, open_questions(judgement, request.override, reasons))
    evidence = kept(judgement)
    opened = ProspectOpened(
        lead_id=lead.id,
        person=lead.person,
        company=lead.company,
        source=lead.source,
        campaign=lead.campaign,
        owner=owner,
        estimated_value=lead.estimated_value,
        product_interest=lead.product_interest,
        consents=lead.consents,
        tags=lead.tags,
        fields=lead.fields,
        engagements=lead.engagements,
        touches=lead.touches,
        discovery=lead.discovery,
        evidence=evidence,
        **moment.when(),
    )
    prospect = Prospect(ProspectId(request.prospect.id), (opened,))
    qualified = lead.qualified(prospect_id=prospect.id, evidence=evidence, override=request.override, **moment.when())
    return QualificationPlan(
        request=request,
        lead=qualified,
        prospect=prospect,
        changes=ChangeSet.of((None, prospect), (lead, qualified)),
        evidence=evidence,
        moment=moment,
        unmapped=not_taken_over(lead, prospect),
    )
