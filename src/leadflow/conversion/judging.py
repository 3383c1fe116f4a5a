"""
Whether a record may move on at all: what it is, what the evidence says, who is to own what comes of it.

Each function returns every reason it finds. Evidence counts if it is about this record in this version, was made by now
and has not expired; whether its verdict is good enough is a separate question, which an override may set aside.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from leadflow.assessment import Assessment, Evidence, Question, Verdict
from leadflow.conversion.hosted import called, wrong_answer
from leadflow.conversion.refusals import RefusalCode, RefusalReason
from leadflow.conversion.requests import Moment, OwnerChoice
from leadflow.conversion.settings import Owners
from leadflow.errors import Problem
from leadflow.lead import Lead
from leadflow.lifecycle import LeadStatus, ProspectStatus
from leadflow.prospect import Prospect
from leadflow.validation import code, when

__all__ = [
    "Judgement",
    "evidence_reasons",
    "kept",
    "lead_reasons",
    "made_of",
    "open_questions",
    "override_problem",
    "owner_of",
    "prospect_reasons",
]

Judgement = Assessment | Evidence


def kept(judgement: Judgement) -> Evidence:
    """Return what events keep of a judgement."""
    return judgement.evidence() if isinstance(judgement, Assessment) else judgement


def override_problem(override: object, by: object) -> Problem | None:
    """Say that an override has nobody to answer for it, if that is so."""
    rule = "must say who sets the verdict aside, got None with an override"
    return when(override is not None and by is None, "by", rule)


def lead_reasons(lead: Lead) -> Iterator[RefusalReason]:
    """Yield why a lead cannot become a prospect, whatever the evidence."""
    match lead.status:
        case LeadStatus.QUALIFIED:
            made = () if lead.prospect_id is None else (lead.prospect_id,)
            message = f"it became prospect {lead.prospect_id!r} already; go on there"
            yield RefusalReason(RefusalCode.ALREADY_CONVERTED, message, ids=made)
        case LeadStatus.DISQUALIFIED:
            yield _disqualified(lead)
        case LeadStatus.MERGED:
            yield _merged(lead)
        case _:
            pass
    if lead.person is None and lead.company is None:
        yield RefusalReason(RefusalCode.MISSING_FIELDS, "must have a person or a company", path="person")


def prospect_reasons(prospect: Prospect, another: str | None) -> Iterator[RefusalReason]:
    """Yield why a prospect cannot be converted, whatever the evidence."""
    match prospect.status:
        case ProspectStatus.DISQUALIFIED:
            yield _disqualified(prospect)
        case ProspectStatus.MERGED:
            yield _merged(prospect)
        case ProspectStatus.WITHDRAWN:
            yield RefusalReason(RefusalCode.WITHDRAWN, "its qualification was undone")
        case _:
            pass
    if prospect.is_converted and another is None:
        made = made_of(prospect)
        message = (
            f"it was converted already, to {', '.join(map(repr, made))}; another= with a reason opens a further "
            "deal, once discovery (which the last deal took along) is filled anew, or with override= and a reason"
        )
        yield RefusalReason(RefusalCode.ALREADY_CONVERTED, message, ids=made)


def made_of(prospect: Prospect) -> tuple[str, ...]:
    """Return the ids of what a prospect was converted to: account, contact, opportunities."""
    return tuple(made for made in (prospect.account_id, prospect.contact_id, *prospect.opportunity_ids) if made)


def _merged(record: Lead | Prospect) -> RefusalReason:
    survivor = () if record.merged_into is None else (record.merged_into,)
    return RefusalReason(RefusalCode.MERGED, record.can_change().reasons[0], ids=survivor)


def _disqualified(record: Lead | Prospect) -> RefusalReason:
    reason = f" ({record.reason.label})" if record.reason is not None else ""
    return RefusalReason(RefusalCode.DISQUALIFIED, f"it is disqualified{reason}; reopen it first")


def evidence_reasons(
    judgement: Judgement, subject: Lead | Prospect, moment: Moment, override: str | None
) -> Iterator[RefusalReason]:
    """Yield why the evidence does not carry the step."""
    policy = f"the assessment by policy {judgement.policy_id!r}"
    if judgement.subject_id != subject.id:
        about = "no record" if judgement.subject_id is None else f"{judgement.subject_id!r}"
        message = f"{policy} must be about {subject}, got one about {about}"
        yield RefusalReason(RefusalCode.FOREIGN_EVIDENCE, message, path="evidence")
    elif judgement.subject_version != subject.version:
        message = (
            f"{policy} must be about version {subject.version}, got one about version {judgement.subject_version}; "
            "assess it again"
        )
        yield RefusalReason(RefusalCode.OUTDATED_EVIDENCE, message, path="evidence")
    if judgement.at > moment.at:
        message = f"{policy} was made at {judgement.at.isoformat()}, after {moment.at.isoformat()}"
        yield RefusalReason(RefusalCode.FUTURE_EVIDENCE, message, path="evidence")
    elif judgement.valid_until is not None and moment.at >= judgement.valid_until:
        message = f"{policy} was valid until {judgement.valid_until.isoformat()}; assess it again"
        yield RefusalReason(RefusalCode.EXPIRED_EVIDENCE, message, path="evidence")
    if judgement.verdict is not Verdict.QUALIFIED and override is None:
        yield _verdict_reason(judgement)


def _verdict_reason(judgement: Judgement) -> RefusalReason:
    says = f"policy {judgement.policy_id!r} says {judgement.verdict.replace('_', ' ')}"
    if judgement.verdict is Verdict.UNDECIDED:
        return RefusalReason(RefusalCode.UNDECIDED, f"{says}; ask what is left to ask", path="evidence")
    against = "; ".join(finding.text for finding in judgement.findings if finding.speaks_for is False)
    message = f"{says}{f' ({against})' if against else ''}; override= with a reason sets it aside"
    return RefusalReason(RefusalCode.NOT_QUALIFIED, message, path="evidence")


# What no answer of the lead's or prospect's can mend: the record itself must change first, or be judged anew.
_BEYOND_ASKING: Final = frozenset(
    {
        RefusalCode.ALREADY_CONVERTED,
        RefusalCode.DISQUALIFIED,
        RefusalCode.MERGED,
        RefusalCode.WITHDRAWN,
        RefusalCode.FOREIGN_EVIDENCE,
        RefusalCode.OUTDATED_EVIDENCE,
        RefusalCode.EXPIRED_EVIDENCE,
        RefusalCode.FUTURE_EVIDENCE,
    }
)


def open_questions(
    judgement: Judgement, override: str | None, reasons: Iterable[RefusalReason]
) -> tuple[Question, ...]:
    """Return what to ask next, where the verdict depends on it and asking can mend all that stands against it."""
    undecided = judgement.verdict is Verdict.UNDECIDED and override is None
    helps = undecided and not any(reason.code in _BEYOND_ASKING for reason in reasons)
    return tuple(judgement.questions) if helps else ()


def owner_of(
    source: Lead | Prospect, choice: OwnerChoice, owners: Owners
) -> tuple[str | None, tuple[RefusalReason, ...]]:
    """
    Return who is to own what comes of a record, and why they may not.

    Raises:
        InvalidTypeError: If the router cannot be called with the record, or returns no user id.
    """
    owner: str | None
    if choice is None or isinstance(choice, str):
        owner = source.owner if choice is None else choice
    else:
        owner = called("owner", choice, source, takes="one argument, the lead or prospect")
        if owner is not None and code("owner", owner):
            raise wrong_answer("owner", owner, choice, "a user id (str), or None for nobody")
    if owner is None:
        return None, ()
    message = owners.refuse(owner)
    if message is None:
        return owner, ()
    return None, (RefusalReason(RefusalCode.INVALID_OWNER, message, path="owner"),)
