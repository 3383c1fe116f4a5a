"""
Planning how a record that was merged into another goes on by itself again.

Theory. A merge left an event with each of the two records, and with the prospect behind a qualified lead. Taking these
events back restores every value on both sides, whatever they were; it is refused as soon as anything happened to the
survivor that may rest on the merge. What people said about being contacted is never taken back where it was recorded.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar, Unpack

from leadflow.conversion.amendments import UnmergePlan, UnmergeRequest
from leadflow.conversion.candidates import known_problems
from leadflow.conversion.mergefields import Mergeable
from leadflow.conversion.refusals import Refusal, RefusalCode, RefusalReason
from leadflow.conversion.requests import Moment, when_problems
from leadflow.conversion.workbench import Bench, moved, since, unknown
from leadflow.events import Event, LeadAbsorbed, Merged, OpportunityAbsorbed, When, Wrote
from leadflow.events.undoing import counting
from leadflow.lead import Lead
from leadflow.opportunity import Opportunity
from leadflow.prospect import Prospect
from leadflow.stores import Record
from leadflow.validation import built, instance, to_tuple

__all__ = ["plan_unmerge", "unmerge_of", "unmerge_wants"]

_Kind = TypeVar("_Kind", Lead, Prospect, Opportunity)

_KINDS: Final = (Lead, Prospect, Opportunity)


def plan_unmerge(
    record: _Kind, /, *, known: Iterable[Record] = (), note: str = "", **when: Unpack[When]
) -> UnmergePlan[_Kind] | Refusal:
    """
    Plan how a record that was merged into another goes on by itself again.

    Both sides get back the values they had, in whatever status they were, as long as the survivor (and the prospect
    behind it, where it is a qualified lead) has not moved since; otherwise the refusal says what moved. Of several
    records that went into one survivor, the last one comes out first. What the merge told a contact about consents
    stays, which is the safe side, and the plan warns of it.

    Args:
        record: The record that was merged, as it was loaded.
        known: The survivor, and where that is a qualified lead, its prospect.
        note: Why, in words.
        **when: See `When`. Where one of the records was recorded later, that is the time instead.

    Returns:
        The plan, or a `Refusal` with every reason.

    Raises:
        InvalidError: Naming everything in the arguments that can never be right.
    """
    others: Any = to_tuple(known)
    request = built(
        "plan_unmerge",
        lambda: UnmergeRequest(id=record.id if isinstance(record, _KINDS) else "?", note=note),
        instance("record", record, _KINDS, "a Lead, Prospect or Opportunity"),
        *known_problems(others),
        *when_problems(when, ("known", "note")),
    )
    return unmerge_of(request, (*others, record), Moment(**when))


def unmerge_wants(request: UnmergeRequest, known: Iterable[Record]) -> set[str]:
    """Return the ids of all records that planning an un-merge needs, as far as those that are known tell."""
    bench = Bench(known)
    wanted = {request.id}
    record = bench.mergeable(request.id)
    if record is not None and record.merged_into is not None:
        wanted.add(record.merged_into)
        survivor = bench.find(type(record), record.merged_into)
        absorbed = None if survivor is None else _absorption(survivor, record)
        if absorbed is not None:
            wanted |= {wrote.id for wrote in absorbed[1].wrote}
    return wanted


def unmerge_of(request: UnmergeRequest, known: Iterable[Record], moment: Moment) -> UnmergePlan[Any] | Refusal:
    """Plan a request that was checked, on the records that are known; see `plan_unmerge`."""
    bench = Bench(known)
    record = bench.mergeable(request.id)
    if record is None:
        message = f"must be a lead, prospect or opportunity, got nothing of the kind for {request.id!r}"
        return Refusal(request.action, [RefusalReason(RefusalCode.UNKNOWN_RECORD, message, ids=(request.id,))])
    if record.merged_into is None:
        return Refusal(request.action, [_not_merged(record)])
    survivor = bench.find(type(record), record.merged_into)
    if survivor is None:
        return Refusal(request.action, [unknown(type(record), record.merged_into, None)])
    ended = _last(record, Merged)
    absorbed = _absorption(survivor, record)
    if ended is None or absorbed is None:
        gone = record if ended is None else survivor
        message = f"the history of {gone} no longer tells what the merge changed"
        return Refusal(request.action, [RefusalReason(RefusalCode.NO_HISTORY, message, ids=(gone.id,))])
    version, event = absorbed
    reasons = list(_moved_on(survivor, version))
    prospects: list[tuple[Prospect, Wrote]] = []
    warnings: list[RefusalReason] = []
    for wrote in event.wrote:
        other = next((one for one in bench.all() if one.id == wrote.id), None)
        if isinstance(other, Prospect):
            prospects.append((other, wrote))
            reasons += _moved_on(other, wrote.versions[-1])
        elif other is None:
            reasons.append(RefusalReason(RefusalCode.UNKNOWN_RECORD, f"must be known: {wrote.id!r}", ids=(wrote.id,)))
        else:
            message = f"{other} keeps the consents that it got by the merge; record what holds"
            warnings.append(RefusalReason(RefusalCode.MOVED, message, path=other.kind, ids=(other.id,)))
    if reasons:
        return Refusal(request.action, reasons)
    changed = [record, survivor, *(prospect for prospect, _ in prospects)]
    moment = moment.not_before(max(one.updated_at for one in changed))
    bench.undo(record, (ended[0],), request.note, moment)
    bench.undo(survivor, (version,), request.note, moment)
    for prospect, wrote in prospects:
        bench.undo(prospect, wrote.versions, request.note, moment)
    return UnmergePlan(
        request=request,
        survivor=bench.present(survivor),
        restored=bench.present(record),
        prospect=bench.find(Prospect, prospects[0][0].id) if prospects else None,
        changes=bench.changes(),
        moment=moment,
        warnings=tuple(warnings),
    )


def _not_merged(record: Mergeable) -> RefusalReason:
    survivors = (
        f"; it goes on for {', '.join(map(repr, record.merged_ids))}, un-merge that" if record.merged_ids else ""
    )
    if getattr(record, "status", None) == "merged":
        survivors = "; it was imported as merged, and nobody knows into what"
    message = f"{record} was not merged into another{survivors}"
    return RefusalReason(RefusalCode.NOT_MERGED, message, ids=(record.id, *record.merged_ids))


def _last(record: Record, kind: type[Event]) -> tuple[int, Event] | None:
    return next(
        ((version, event) for version, event in reversed(counting(record.history).items()) if isinstance(event, kind)),
        None,
    )


def _absorption(survivor: Mergeable, merged: Mergeable) -> tuple[int, LeadAbsorbed | OpportunityAbsorbed] | None:
    """Return the survivor's event of absorbing a record, with its version."""
    return next(
        (
            (version, event)
            for version, event in reversed(counting(survivor.history).items())
            if isinstance(event, LeadAbsorbed | OpportunityAbsorbed) and event.merged_id == merged.id
        ),
        None,
    )


def _moved_on(record: Mergeable, version: int) -> Iterator[RefusalReason]:
    events = since(record, version)
    later = [event.merged_id for event in events if isinstance(event, LeadAbsorbed | OpportunityAbsorbed)]
    if events:
        yield moved(record, events, f"un-merge {later[-1]!r} first" if later else "")
