"""
Planning how records of the same person or deal become one.

Theory. `survivors` says which record goes on, `mergefields` what it gains; here is what stands against a merge, and
what it means for the records behind. One record goes into the survivor after the other, each leaving an event, so that
they can be taken out again in turn. Everything is kept: a merged record with all its values and links (the prospect of
a merged lead, the deals of a merged prospect), pointing at the survivor; a prospect's deals are the survivor's as well.
A qualified lead is read-only, and whatever happens from then on happens to its prospect; so what it gains, the prospect
gains too. The contacts of prospects say what they said about being contacted, so the consents of each tighten along.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar, Unpack

from attrs import evolve, frozen

from leadflow.contact import Contact
from leadflow.conversion.amendments import MergePlan, MergeRequest
from leadflow.conversion.candidates import known_problems
from leadflow.conversion.carrying import Unmapped
from leadflow.conversion.mergefields import Gain, Mergeable, MergeRule, gain
from leadflow.conversion.refusals import Refusal, RefusalCode, RefusalReason
from leadflow.conversion.requests import Moment, when_problems
from leadflow.conversion.survivors import ranked, reason
from leadflow.conversion.terms import Default
from leadflow.conversion.workbench import Bench, unknown
from leadflow.errors import Problem, did_you_mean
from leadflow.events import LeadAbsorbed, OpportunityAbsorbed, Provenance, When, Wrote
from leadflow.events.undoing import counting
from leadflow.lead import Lead
from leadflow.opportunity import Opportunity
from leadflow.party import Consent, tighten
from leadflow.prospect import Prospect
from leadflow.redaction import REDACTED
from leadflow.stores import Record
from leadflow.validation import built, check, each, instance, shown, to_tuple, when

__all__ = ["merge_of", "merge_provenance", "merge_wants", "plan_merge"]

_Kind = TypeVar("_Kind", Lead, Prospect, Opportunity)

_KINDS: Final = (Lead, Prospect, Opportunity)


def plan_merge(
    records: Iterable[_Kind],
    /,
    *,
    known: Iterable[Record] = (),
    rules: Mapping[str, MergeRule | str] | None = None,
    note: str = "",
    **when: Unpack[When],
) -> MergePlan[_Kind] | Refusal:
    """
    Plan how several leads, prospects or opportunities that stand for the same become one.

    Which survives is decided by the records alone (`leadflow.conversion.SURVIVAL`), what it gains by the rule of each
    field (`MERGE_RULES`); the order given makes no difference. The others are marked merged and point at the survivor.
    Merging again what is merged changes nothing: the refusal says ``already_merged`` and names the survivor.

    Args:
        records: At least two of one kind, as they were loaded.
        known: The records behind: of a qualified lead its prospect (and where that was merged, the one that goes on),
            of each prospect its contact.
        rules: How custom fields merge that are not filled where they are blank, by name: ``maximum``.
        note: Why, in words.
        **when: See `When`. Where one of the records was recorded later, that is the time instead.

    Returns:
        The plan, or a `Refusal` with every reason.

    Raises:
        InvalidError: Naming everything in the arguments that can never be right.
    """
    given: Any = to_tuple(records)
    others: Any = to_tuple(known)
    strange = list(_record_problems(given))
    request = built(
        "plan_merge",
        lambda: MergeRequest(
            # What is wrong with the records is told of the records.
            ids=("?", "??") if any(strange) else [record.id for record in given],
            rules={} if rules is None else rules,
            note=note,
        ),
        *strange,
        *known_problems(others),
        *when_problems(when, ("known", "rules", "note")),
    )
    return merge_of(request, (*given, *others), Moment(**when))


def _record_problems(records: Any) -> Iterator[Any]:  # noqa: ANN401 - whatever was handed over
    strange = each("records", records, instance, _KINDS, "a Lead, Prospect or Opportunity")
    yield from strange
    if any(strange):
        return
    yield when(len(records) < 2, "records", f"must hold at least two, got {shown(records)}")  # noqa: PLR2004 - two
    if len({type(record) for record in records}) > 1:
        kinds = ", ".join(sorted({record.kind for record in records}))
        yield Problem("records", f"must all be of one kind, got {kinds}")


def merge_wants(request: MergeRequest, known: Iterable[Record]) -> set[str]:
    """Return the ids of all records that planning a merge needs, as far as those that are known tell."""
    bench = Bench(known)
    wanted = set(request.ids)
    for record in bench.all():
        if isinstance(record, Lead) and record.prospect_id is not None:
            wanted.add(record.prospect_id)
        if isinstance(record, Prospect):
            wanted |= {id_ for id_ in (record.merged_into, record.contact_id) if id_ is not None}
    return wanted


def merge_of(request: MergeRequest, known: Iterable[Record], moment: Moment) -> MergePlan[Any] | Refusal:
    """Plan a request that was checked, on the records that are known; see `plan_merge`."""
    bench = Bench(known)
    found = (bench.mergeable(id_) for id_ in dict.fromkeys(request.ids))
    records = [record for record in found if record is not None]
    reasons = [*_absent(request, bench, records), *_repeated(request), *_closed(records)]
    if reasons:
        return Refusal(request.action, reasons)
    survivor, *others = ranked(records)
    behind = _behind(survivor, bench)
    contact = _contact_of(behind, bench)
    reasons = [
        *_against(survivor, others, bench),
        *_erased([*records, *([behind] if behind is not None and behind.id not in request.ids else [])]),
        *_missing(survivor, behind, bench, others),
    ]
    if reasons:
        return Refusal(request.action, reasons)
    theirs = (_contact_of(other, bench) for other in others)
    touched = [*records, *(record for record in (behind, contact, *theirs) if record is not None)]
    moment = moment.not_before(max(record.updated_at for record in touched))
    joining = _Joining(
        bench=bench,
        survivor=survivor,
        behind=behind,
        said=tighten(*(said for record in records for said in record.consents)),
        rules=dict(request.rules),
        moment=moment,
    )
    left = tuple(unmapped for other in others for unmapped in joining.absorb(other))
    merged = bench.present(survivor)
    by = [f"{reason(survivor, other)} than {other.id!r}" for other in others]
    return MergePlan(
        request=request,
        survivor=merged,
        merged=tuple(map(bench.present, others)),
        prospect=bench.changed(behind) if behind is not survivor else None,
        contact=bench.changed(contact),
        changes=bench.changes(),
        moment=moment,
        provenance=tuple(Provenance(path, ids) for path, ids in sorted(merge_provenance(merged).items())),
        defaults=(Default("survivor", survivor.id, ", ".join(by)),),
        unmapped=left,
        warnings=tuple(_idle(request, records)),
    )


def _idle(request: MergeRequest, records: list[Mergeable]) -> Iterator[RefusalReason]:
    """Yield which rules say nothing, since there is no such custom field."""
    known = {name for record in records for name in record.fields}
    for name, _ in request.rules:
        if name not in known:
            message = f"none of them has a custom field {name!r}{did_you_mean(name, known)}; the rule says nothing"
            yield RefusalReason(RefusalCode.MISSING_FIELDS, message, path=f"rules[{name!r}]")


def merge_provenance(record: Mergeable) -> dict[str, tuple[str, ...]]:
    """
    Return which records the values of a survivor came from, by path; of one that never merged, nothing.

    Raises:
        InvalidTypeError: If it is no lead, prospect or opportunity.
    """
    check("merge_provenance", instance("record", record, _KINDS, "a Lead, Prospect or Opportunity"))
    found: dict[str, tuple[str, ...]] = {}
    for event in counting(record.history).values():
        if isinstance(event, LeadAbsorbed | OpportunityAbsorbed):
            found |= {source.path: source.ids for source in event.provenance}
    return found


# -- what stands against it ------------------------------------------------------------------------------------------


def _absent(request: MergeRequest, bench: Bench, records: list[Mergeable]) -> Iterator[RefusalReason]:
    there = {record.id for record in records}
    for id_ in dict.fromkeys(request.ids):
        if id_ not in there:
            other = next((record for record in bench.all() if record.id == id_), None)
            got = "nothing" if other is None else f"{other}"
            message = f"must be a lead, prospect or opportunity, got {got} for {id_!r}"
            yield RefusalReason(RefusalCode.UNKNOWN_RECORD, message, ids=(id_,))
    kinds = {record.kind for record in records}
    if len(kinds) > 1:
        message = f"must all be of one kind, got {', '.join(map(str, records))}"
        yield RefusalReason(RefusalCode.UNKNOWN_RECORD, message, ids=sorted(there))


def _repeated(request: MergeRequest) -> Iterator[RefusalReason]:
    twice = sorted({id_ for id_ in request.ids if request.ids.count(id_) > 1})
    if twice:
        message = f"a record cannot be merged into itself, got {', '.join(map(repr, twice))} twice"
        yield RefusalReason(RefusalCode.SAME_RECORD, message, ids=twice)


def _closed(records: list[Mergeable]) -> Iterator[RefusalReason]:
    """Yield which of the records have ended already."""
    ids = {record.id for record in records}
    for record in records:
        into = record.merged_into
        if into is not None and into in ids:
            message = f"{record} was merged into {into!r} already; nothing is left to do for it"
            yield RefusalReason(RefusalCode.ALREADY_MERGED, message, ids=(into, record.id))
        elif into is not None:
            message = f"{record} was merged into {into!r}; merge that one, or un-merge this one first"
            yield RefusalReason(RefusalCode.MERGED, message, ids=(into, record.id))
        elif not record.can_merge():
            gone = RefusalCode.MERGED if getattr(record, "status", None) == "merged" else RefusalCode.WITHDRAWN
            yield RefusalReason(gone, f"{record} has ended: {record.can_change().reasons[0]}", ids=(record.id,))


def _against(survivor: Mergeable, others: list[Mergeable], bench: Bench) -> Iterator[RefusalReason]:
    for other in others:
        if other.merged_ids:
            message = (
                f"{other} goes on for {', '.join(map(repr, other.merged_ids))} and would end in {survivor.id!r}, which "
                f"goes on because it is {reason(survivor, other)}; un-merge first, then merge all at once"
            )
            yield RefusalReason(RefusalCode.CHAINED_MERGE, message, ids=(other.id, *other.merged_ids))
    if isinstance(survivor, Opportunity):
        deals = [survivor, *(other for other in others if isinstance(other, Opportunity))]
        won = [deal.id for deal in deals if deal.stage.is_won]
        if len(won) > 1:
            message = (
                f"{', '.join(map(repr, won))} are won, and what was won twice was sold twice; lose one as a duplicate"
            )
            yield RefusalReason(RefusalCode.WON_TWICE, message, ids=won)
        accounts = sorted({deal.account_id for deal in deals if deal.account_id is not None})
        if len(accounts) > 1:
            message = f"they are with different accounts, {', '.join(map(repr, accounts))}, so they are different deals"
            yield RefusalReason(RefusalCode.FOREIGN_DEAL, message, path="account_id", ids=accounts)
    prospects = sorted(
        {
            behind.id
            for record in (survivor, *others)
            if isinstance(record, Lead) and (behind := _behind(record, bench)) is not None
        }
    )
    if len(prospects) > 1:
        message = f"they became different prospects, {', '.join(map(repr, prospects))}; merge these first"
        yield RefusalReason(RefusalCode.UNMERGED_PROSPECTS, message, ids=prospects)


def _erased(records: Iterable[Mergeable]) -> Iterator[RefusalReason]:
    """Yield whose person was erased: nobody can tell that it is the same, and nothing of them may come back."""
    for record in records:
        parties = () if isinstance(record, Opportunity) else (record.person, record.company)
        if any(party is not None and party.name == REDACTED for party in parties):
            message = f"the person of {record} was erased, and is not merged with anybody"
            yield RefusalReason(RefusalCode.ERASED, message, path=record.kind, ids=(record.id,))


def _missing(
    survivor: Mergeable, behind: Prospect | None, bench: Bench, others: list[Mergeable]
) -> Iterator[RefusalReason]:
    """Yield which records behind are needed and not known."""
    for record in (survivor, *others):
        if isinstance(record, Lead) and record.prospect_id is not None and behind is None:
            yield unknown(Prospect, record.prospect_id, None)
    if behind is not None and behind is not survivor and not behind.can_absorb():
        # It took no part in the merge itself, so nobody has looked at it yet.
        yield from (evolve(why, path=behind.kind) for why in _closed([behind]))
    for prospect in (behind, *others):
        if isinstance(prospect, Prospect) and prospect.contact_id and _contact_of(prospect, bench) is None:
            yield unknown(Contact, prospect.contact_id, None)


# -- what it means ---------------------------------------------------------------------------------------------------


def _behind(record: Mergeable, bench: Bench) -> Prospect | None:
    """Return the prospect that goes on for a record: itself, or the one behind a qualified lead."""
    if isinstance(record, Opportunity):
        return None
    prospect = record if isinstance(record, Prospect) else bench.find(Prospect, record.prospect_id or "")
    while prospect is not None and prospect.merged_into is not None:
        prospect = bench.find(Prospect, prospect.merged_into)
    return prospect


def _contact_of(record: Mergeable | None, bench: Bench) -> Contact | None:
    """Return the contact that a prospect was converted to, where it is known."""
    return bench.find(Contact, record.contact_id or "") if isinstance(record, Prospect) else None


@frozen(kw_only=True, eq=False)
class _Joining:
    """The records that gain from a merge: the survivor, and what is behind it."""

    bench: Bench
    survivor: Mergeable
    behind: Prospect | None
    said: tuple[Consent, ...]
    rules: Mapping[str, MergeRule]
    moment: Moment

    def absorb(self, other: Mergeable) -> tuple[Unmapped, ...]:
        """Let one record go into the survivor, and into what is behind it; return what does not go on."""
        survivor = self.bench.present(self.survivor)
        wrote: list[Wrote] = []
        if isinstance(survivor, Lead) and self.behind is not None:
            prospect = self.bench.present(self.behind)
            gained = gain(prospect, other, self.rules)
            changed = prospect.lead_absorbed(other.id, **_told(prospect, gained), **self.moment.when())
            wrote.append(Wrote(changed.id, (changed.version,)))
            self.bench.put(changed)
        # They are one person: what was said on any side holds on all.
        wrote += (told for record in (self.behind, other) for told in self._hears(_contact_of(record, self.bench)))
        gained = gain(survivor, other, self.rules)
        told_of = _told(survivor, gained)
        self.bench.put(survivor.absorbed(other.id, **told_of, wrote=wrote, **self.moment.when()))
        self.bench.put(other.merged(into=survivor.id, **self.moment.when()))
        return gained.left

    def _hears(self, contact: Contact | None) -> Iterator[Wrote]:
        """Tell a contact what was said about being contacted; yield what that wrote."""
        held = () if contact is None else contact.consents
        news = [said for said in tighten(*held, *self.said) if said not in held]
        if contact is not None and news:
            told = contact.record_consent(*news, **self.moment.when())
            self.bench.put(told)
            yield Wrote(told.id, range(contact.version + 1, told.version + 1))


def _told(survivor: Mergeable, gained: Gain) -> dict[str, Any]:
    """Return what a survivor's event tells: what it gained, and where each of its values came from."""
    earlier = merge_provenance(survivor)
    sources = {
        path: tuple(dict.fromkeys((*earlier.get(path, (survivor.id,)), *ids[1:]))) if ids[0] == survivor.id else ids
        for path, ids in gained.sources.items()
    }
    return {**gained.values, "provenance": [Provenance(path, ids) for path, ids in sorted(sources.items())]}
