"""
Flows: load, judge and plan one step; `leadflow.conversion.attempts` commits it, and does it again where need be.

Theory. No rule lives here; what may happen, the planners say. A flow knows which records a planner wants to see, asks
the store for them and the policy for its judgement. Clocks differ: where the record was last written at a later time
than the request's `at`, the step is judged and recorded as of that time (`Moment.not_before`). A record that has gone
its way is not judged: whatever a policy makes of it, nothing more comes of it.
"""

from typing import Any, TypeVar

from leadflow.assessment import Assessment, Assessor, Evidence
from leadflow.conversion.asking import Flow, candidates, load
from leadflow.conversion.attempts import Applied, Plan, Workings, Written, those, trying
from leadflow.conversion.candidates import Known
from leadflow.conversion.converting import conversion_of
from leadflow.conversion.hosted import called, wrong_answer
from leadflow.conversion.judging import (
    Judgement,
    lead_reasons,
    made_of,
    override_problem,
    prospect_reasons,
)
from leadflow.conversion.mapping import NO_MAPPING
from leadflow.conversion.matching import Case, lookups
from leadflow.conversion.plans import ConversionPlan, QualificationPlan
from leadflow.conversion.qualifying import qualification_of
from leadflow.conversion.refusals import Refusal, RefusalCode, RefusalReason
from leadflow.conversion.requests import ConversionRequest, Moment, QualificationRequest, fingerprint
from leadflow.conversion.settings import ConversionSettings
from leadflow.lead import Lead
from leadflow.prospect import Prospect
from leadflow.stores import ChangeSet
from leadflow.validation import check

__all__ = ["applying", "converting", "direct", "qualifying"]

_Source = TypeVar("_Source", Lead, Prospect)


def qualifying(
    service: Workings,
    request: QualificationRequest,
    moment: Moment,
    key: str | None,
    *,
    named: frozenset[str] = frozenset(),
) -> Flow[Applied | Refusal]:
    """Make a prospect of a lead; `named` are the new ids that the caller chose."""

    def attempt(doubtful: frozenset[str]) -> Flow[tuple[ChangeSet, tuple[Written, ...]] | Refusal]:
        lead = yield from _source(Lead, request.lead_id, request.action)
        if isinstance(lead, Refusal):
            return lead
        plan = yield from _qualification(service, lead, request, moment, doubtful)
        return plan if isinstance(plan, Refusal) else (plan.changes, (plan,))

    asked = request.fingerprint if key else ""
    return (yield from trying(service, attempt, request.action, key, asked, doubtful=named))


def converting(
    service: Workings,
    request: ConversionRequest,
    moment: Moment,
    key: str | None,
    *,
    named: frozenset[str] = frozenset(),
) -> Flow[Applied | Refusal]:
    """Make an account, a contact and a deal of a prospect; `named` as of `qualifying`."""

    def attempt(doubtful: frozenset[str]) -> Flow[tuple[ChangeSet, tuple[Written, ...]] | Refusal]:
        prospect = yield from _source(Prospect, request.prospect_id, request.action)
        if isinstance(prospect, Refusal):
            return prospect
        plan = yield from _conversion(service, prospect, request, moment, doubtful)
        return plan if isinstance(plan, Refusal) else (plan.changes, (plan,))

    asked = _mapped(request.fingerprint, service.settings) if key else ""
    return (yield from trying(service, attempt, request.action, key, asked, doubtful=named))


def direct(
    service: Workings,
    first: QualificationRequest,
    second: ConversionRequest,
    moment: Moment,
    key: str | None,
    *,
    named: frozenset[str] = frozenset(),
) -> Flow[Applied | Refusal]:
    """Make an account, a contact and a deal of a lead, by way of a prospect, in one commit; `named` as above."""

    def attempt(doubtful: frozenset[str]) -> Flow[tuple[ChangeSet, tuple[Written, ...]] | Refusal]:
        lead = yield from _source(Lead, first.lead_id, first.action)
        if isinstance(lead, Refusal):
            return lead
        one = yield from _qualification(service, lead, first, moment, doubtful)
        if isinstance(one, Refusal):
            return (yield from _first_result(lead, one))
        two = yield from _conversion(service, one.prospect, second, moment, doubtful)
        return two if isinstance(two, Refusal) else (one.changes.then(two.changes), (one, two))

    both = fingerprint("qualify_and_convert", first.lead_id, first.owner, *second.asked) if key else ""
    asked = _mapped(both, service.settings)
    return (yield from trying(service, attempt, first.action, key, asked, doubtful=named))


def applying(service: Workings, plan: Plan, key: str | None) -> Flow[Applied | Refusal]:
    """Write a plan if planning it again, on fresh records, gives the same, and our own policy says the same."""
    request = plan.request
    check("apply", override_problem(request.override, plan.moment.by))

    def attempt(doubtful: frozenset[str]) -> Flow[tuple[ChangeSet, tuple[Written, ...]] | Refusal]:
        again: Plan | Refusal
        source: Lead | Prospect
        if isinstance(request, QualificationRequest):
            lead = yield from _source(Lead, request.lead_id, request.action)
            if isinstance(lead, Refusal):
                return lead
            source, path, policy = lead, "qualify_with", service.qualify_with
            known = yield from those(doubtful)
            again = qualification_of(lead, request, plan.evidence, plan.moment, service.settings, known=known)
        else:
            prospect = yield from _source(Prospect, request.prospect_id, request.action)
            if isinstance(prospect, Refusal):
                return prospect
            if _is_done(prospect, request):
                return Refusal(request.action, prospect_reasons(prospect, request.another))
            source, path, policy = prospect, "convert_with", service.convert_with
            case = yield from _case(service, prospect, request, plan.moment, doubtful)
            again = conversion_of(case, plan.evidence)
        if isinstance(again, Refusal):
            return again
        message = "planning it now gives another plan: records have changed since, or the plan was edited; plan again"
        if again == plan:
            # Somebody answers for an override. Otherwise what a plan says that it rests on counts for nothing.
            ours = _judged(path, policy, source, plan.moment) if request.override is None else plan.evidence
            if _says(ours) == _says(plan.evidence):
                return plan.changes, (plan,)
            message = (
                f"it rests on {_said(plan.evidence)}, but here {_said(ours)}; plan again with the service's policy"
            )
        return Refusal(request.action, [RefusalReason(RefusalCode.PLAN_CHANGED, message)])

    asked = request.fingerprint if key else ""
    if isinstance(request, ConversionRequest):
        asked = _mapped(asked, service.settings)
    return (yield from trying(service, attempt, request.action, key, asked, doubtful=request.new_ids))


def _mapped(asked: str, settings: ConversionSettings) -> str:
    """Return a conversion's identity: where values go is a part of it, where the host says more than the usual."""
    return fingerprint(asked, settings.mapping) if asked and settings.mapping != NO_MAPPING else asked


def _qualification(
    service: Workings, lead: Lead, request: QualificationRequest, moment: Moment, doubtful: frozenset[str]
) -> Flow[QualificationPlan | Refusal]:
    # A lead that has gone its way is not judged: however that ends, nothing more comes of it.
    if not lead.can_change():
        return Refusal(request.action, lead_reasons(lead))
    moment = moment.not_before(lead.updated_at)
    judged = _judged("qualify_with", service.qualify_with, lead, moment)
    known = yield from those(doubtful & request.new_ids)
    return qualification_of(lead, request, judged, moment, service.settings, known=known)


def _conversion(
    service: Workings, prospect: Prospect, request: ConversionRequest, moment: Moment, doubtful: frozenset[str]
) -> Flow[ConversionPlan[Any] | Refusal]:
    if not prospect.can_change() or _is_done(prospect, request):
        return Refusal(request.action, prospect_reasons(prospect, request.another))
    moment = moment.not_before(prospect.updated_at)
    judged = _judged("convert_with", service.convert_with, prospect, moment)
    return conversion_of((yield from _case(service, prospect, request, moment, doubtful)), judged)


def _is_done(prospect: Prospect, request: ConversionRequest) -> bool:
    """Return whether it was converted and no further deal is asked for: what came of it is all that is to say."""
    return prospect.is_converted and request.another is None


def _first_result(lead: Lead, refusal: Refusal) -> Flow[Refusal]:
    """Return the refusal of a lead; of one that went all the way before, with everything that came of it."""
    if refusal.because(RefusalCode.ALREADY_CONVERTED) is None or lead.prospect_id is None:
        return refusal
    prospect = yield from load(lead.prospect_id)
    if not isinstance(prospect, Prospect) or not prospect.is_converted:
        return refusal
    made = made_of(prospect)
    message = f"it became prospect {prospect.id!r} already, and that {', '.join(map(repr, made))}; go on there"
    return Refusal(refusal.action, [RefusalReason(RefusalCode.ALREADY_CONVERTED, message, ids=(*made, prospect.id))])


def _says(judgement: Judgement) -> tuple[object, ...]:
    return judgement.policy_id, judgement.policy_version, judgement.fingerprint, judgement.verdict


def _said(judgement: Judgement) -> str:
    edition = f"version {judgement.policy_version}, fingerprint {judgement.fingerprint[:12]!r}"
    return f"policy {judgement.policy_id!r} ({edition}) says {judgement.verdict.replace('_', ' ')}"


def _judged(path: str, policy: Assessor, source: Lead | Prospect, moment: Moment) -> Judgement:
    path = f"{path}.assess"
    judged = called(path, policy.assess, source, takes="the lead or prospect, and at=", at=moment.at)
    if not isinstance(judged, Assessment | Evidence):
        raise wrong_answer(path, judged, policy, "an Assessment")
    return judged


def _source(kind: type[_Source], id_: str, action: str) -> Flow[_Source | Refusal]:
    record = yield from load(id_)
    if isinstance(record, kind):
        return record
    found = "nothing" if record is None else f"{record}"
    message = f"must be a {kind.kind} in the store, got {found} for {id_!r}"
    return Refusal(action, [RefusalReason(RefusalCode.UNKNOWN_RECORD, message, ids=(id_,))])


def _case(
    service: Workings, prospect: Prospect, request: ConversionRequest, moment: Moment, doubtful: frozenset[str]
) -> Flow[Case]:
    """Load what the planner wants to know, until it wants nothing more."""
    known = yield from those(doubtful & request.new_ids)
    asked_ids: set[str] = {prospect.id}
    asked_keys: set[object] = set()
    # One more than may share a key: whether there are too many is all that the planner needs to see.
    limit = service.settings.matching.max_hits + 1
    while True:
        case = Case(prospect=prospect, request=request, known=known, settings=service.settings, moment=moment)
        wanted = lookups(case)
        ids = wanted.ids - asked_ids - known.by_id.keys()
        keys = wanted.keys - asked_keys
        if not ids and not keys:
            return case
        known = Known((yield from those(ids)).by_id.values(), than=known)
        if keys:
            known = Known((yield from candidates(keys, limit)), than=known)
        asked_ids.update(ids)
        asked_keys |= keys
