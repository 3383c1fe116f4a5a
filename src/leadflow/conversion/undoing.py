"""
Planning how a conversion, or a qualification, is taken back.

Theory. A conversion says with the prospect what it wrote elsewhere, so taking it back needs no guess. What it made is
withdrawn; what it used goes on without what was filled in, or keeps it where the record has moved since (an account has
a life of its own; a deal has not, and stands in the way). The prospect, and the lead, record that the step no longer
counts: every field is what it was, and what was learnt or said since is kept. It is refused, with the list, as soon as
anything happened to what would be withdrawn, or anything else hangs on it: a contact, a prospect, a deal, open or
closed. These are found by their links (`link_keys`), also where they come up between planning and writing. Of several
conversions the last is taken back first; of a lead everything is, the last first, which also undoes the direct path.
Afterwards the prospect, or the lead, can go the same way again, under new ids.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, Unpack

from attrs import evolve, frozen

from leadflow.account import Account
from leadflow.contact import Contact
from leadflow.conversion.amendments import TakenBack, UnconversionPlan, UnconversionRequest
from leadflow.conversion.candidates import known_problems
from leadflow.conversion.refusals import Refusal, RefusalCode, RefusalReason
from leadflow.conversion.requests import Moment, when_problems
from leadflow.conversion.workbench import Bench, moved, moves, since, unknown
from leadflow.events import Event, LeadAbsorbed, LeadQualified, ProspectConverted, When, Wrote
from leadflow.events.undoing import counting
from leadflow.lead import Lead
from leadflow.opportunity import Opportunity
from leadflow.prospect import Prospect
from leadflow.stores import ChangeSet, MatchKey, Record, link_keys, match_keys
from leadflow.stores.matchkeys import named_by
from leadflow.validation import built, instance, to_tuple

__all__ = ["plan_unconversion", "unconversion_keys", "unconversion_of", "unconversion_wants"]


def plan_unconversion(
    record: Prospect | Lead, /, *, known: Iterable[Record] = (), note: str = "", **when: Unpack[When]
) -> UnconversionPlan | Refusal:
    """
    Plan how what came of a prospect or lead is taken back.

    Args:
        record: A prospect, whose last conversion is taken back; or a lead, of which everything is: the conversions of
            its prospect, the last one first, and its qualification.
        known: The records that came of it: account, contact, opportunity, and of a lead the prospect; and whatever else
            hangs on those that were made: ``store.candidates(link_keys(account), limit)``, and of the others.
        note: Why, in words.
        **when: See `When`. Where one of the records was recorded later, that is the time instead.

    Returns:
        The plan, or a `Refusal` with every reason: what moved since, by record.

    Raises:
        InvalidError: Naming everything in the arguments that can never be right.
    """
    others: Any = to_tuple(known)
    request = built(
        "plan_unconversion",
        lambda: UnconversionRequest(
            step=TakenBack.QUALIFICATION if isinstance(record, Lead) else TakenBack.CONVERSION,
            id=record.id if isinstance(record, Lead | Prospect) else "?",
            note=note,
        ),
        instance("record", record, (Prospect, Lead), "a Prospect or Lead"),
        *known_problems(others),
        *when_problems(when, ("known", "note")),
    )
    return unconversion_of(request, (*others, record), Moment(**when))


def unconversion_wants(request: UnconversionRequest, known: Iterable[Record]) -> set[str]:
    """Return the ids of all records that planning needs, as far as those that are known tell."""
    bench = Bench(known)
    lead, prospect = _subjects(request, bench)
    wanted = {request.id}
    if lead is not None and lead.prospect_id is not None:
        wanted.add(lead.prospect_id)
    for _, conversion in () if prospect is None else _conversions(request, prospect):
        wanted |= {wrote.id for wrote in conversion.wrote}
    return wanted


def unconversion_keys(request: UnconversionRequest, known: Iterable[Record]) -> set[MatchKey]:
    """Return the match keys of everything that may hang on what would be withdrawn."""
    bench = Bench(known)
    _, prospect = _subjects(request, bench)
    conversions = () if prospect is None else _conversions(request, prospect)
    made = (bench.any(wrote.id) for _, conversion in conversions for wrote in conversion.wrote if wrote.is_new)
    return {key for record in made if record is not None for key in link_keys(record)}


def unconversion_of(
    request: UnconversionRequest, known: Iterable[Record], moment: Moment
) -> UnconversionPlan | Refusal:
    """Plan a request that was checked, on the records that are known; see `plan_unconversion`."""
    known = tuple(known)
    bench = Bench(known)
    lead, prospect = _subjects(request, bench)
    reasons = list(_standing(request, lead, prospect))
    if reasons or prospect is None:
        return Refusal(request.action, reasons)
    conversions = _conversions(request, prospect)
    parts = _parts([conversion for _, conversion in conversions], bench)
    if lead is not None:
        own = {version for version, _ in conversions}
        later = [event for version, event in moves(prospect).items() if version not in own and version > 1]
        reasons += [moved(prospect, later)] if later else []
    reasons += [part.unknown() for part in parts if part.record is None]
    reasons += [moved(part.record, part.since) for part in parts if part.record is not None and part.stands_in_the_way]
    reasons += _hanging_on(parts, prospect, bench)
    if reasons:
        return Refusal(request.action, reasons)
    used = [part.record for part in parts if part.record is not None]
    moment = moment.not_before(max(one.updated_at for one in (*used, prospect, *([] if lead is None else [lead]))))
    for part in parts:
        part.take_back(bench, request.note, moment)
    bench.undo(prospect, [version for version, _ in conversions], request.note, moment)
    if lead is not None:
        bench.put(bench.present(prospect).withdraw(note=request.note, **moment.when()))
        qualified = _last(lead, LeadQualified)
        bench.undo(lead, [] if qualified is None else [qualified[0]], request.note, moment)
    made = [bench.changed(part.record) for part in parts]
    return UnconversionPlan(
        request=request,
        lead=None if lead is None else bench.present(lead),
        prospect=bench.present(prospect),
        account=next((record for record in made if isinstance(record, Account)), None),
        contact=next((record for record in made if isinstance(record, Contact)), None),
        opportunity=next((record for record in made if isinstance(record, Opportunity)), None),
        changes=_with_nothing_new(bench.changes(), unconversion_keys(request, known), known),
        moment=moment,
        warnings=tuple(part.kept_reason() for part in parts if part.keeps_what_was_filled_in),
    )


# -- what stands against it ------------------------------------------------------------------------------------------


def _subjects(request: UnconversionRequest, bench: Bench) -> tuple[Lead | None, Prospect | None]:
    """Return the lead and the prospect that are concerned, as far as they are known."""
    if request.step is TakenBack.CONVERSION:
        return None, bench.find(Prospect, request.id)
    lead = bench.find(Lead, request.id)
    return lead, None if lead is None else bench.find(Prospect, lead.prospect_id or "")


def _standing(request: UnconversionRequest, lead: Lead | None, prospect: Prospect | None) -> Iterator[RefusalReason]:
    """Yield why there is nothing to take back, or no telling what."""
    whole = request.step is TakenBack.QUALIFICATION
    subject = lead if whole else prospect
    if subject is None:
        yield unknown(Lead if whole else Prospect, request.id, None)
        return
    if subject.merged_into is not None or subject.status == "merged":
        message = f"{subject} has ended: {subject.can_change().reasons[0]}; un-merge it first"
        yield RefusalReason(RefusalCode.MERGED, message, ids=(subject.merged_into or subject.id,))
        return
    if subject.status == "withdrawn":
        yield RefusalReason(RefusalCode.WITHDRAWN, f"{subject} was withdrawn", ids=(subject.id,))
        return
    # To the type checker the two loops are one: of each subject the last event of the step.
    found = _last(lead, LeadQualified) if lead is not None else _last(prospect, ProspectConverted)
    if found is None:
        went_on = lead.prospect_id is not None if lead is not None else prospect is not None and prospect.is_converted
        if went_on:
            message = f"the history of {subject} does not tell what the {request.step} wrote"
            yield RefusalReason(RefusalCode.NO_HISTORY, message, ids=(subject.id,))
        else:
            message = f"{subject} has no {request.step} that could be taken back"
            yield RefusalReason(RefusalCode.NOT_CONVERTED, message, ids=(subject.id,))
        return
    joined = [event for event in since(subject, found[0]) if isinstance(event, LeadAbsorbed)]
    if joined:
        yield moved(subject, joined, f"un-merge {joined[-1].merged_id!r} first")
    if lead is not None and prospect is None:
        yield unknown(Prospect, lead.prospect_id or "?", None)
    for _, conversion in () if prospect is None else _conversions(request, prospect):
        if not conversion.wrote:
            message = f"the history of {prospect} does not tell what the conversion wrote"
            yield RefusalReason(RefusalCode.NO_HISTORY, message, ids=(subject.id,))


def _conversions(request: UnconversionRequest, prospect: Prospect) -> list[tuple[int, ProspectConverted]]:
    """Return the conversions to take back, the last one first, with their versions."""
    found = [
        (version, event)
        for version, event in counting(prospect.history).items()
        if isinstance(event, ProspectConverted)
    ]
    return found[::-1] if request.step is TakenBack.QUALIFICATION else found[-1:]


def _last(record: Lead | Prospect | None, kind: type[Event]) -> tuple[int, Event] | None:
    events = () if record is None else reversed(counting(record.history).items())
    return next(((version, event) for version, event in events if isinstance(event, kind)), None)


def _hanging_on(parts: list["_Part"], prospect: Prospect, bench: Bench) -> Iterator[RefusalReason]:
    """Yield which known records hang on what would be withdrawn."""
    gone = {part.wrote.id for part in parts if part.wrote.is_new}
    settled = {part.wrote.id for part in parts if not part.keeps_what_was_filled_in} | {prospect.id}
    for record in bench.all():
        hold = sorted(gone & named_by(record))
        if hold and record.id not in settled:
            message = f"{record} is with {', '.join(map(repr, hold))}, which would be withdrawn"
            yield RefusalReason(RefusalCode.MOVED, message, path=record.kind, ids=(record.id, *hold))


def _with_nothing_new(changes: ChangeSet, keys: Iterable[MatchKey], known: Iterable[Record]) -> ChangeSet:
    """Return changes that hold only if nothing further comes to hang on what is withdrawn before they are written."""
    written = {write.id for write in changes.writes}
    there = {key for record in known if record.id not in written for key in match_keys(record)}
    return evolve(changes, absent=frozenset(keys) - there)


# -- what it means ---------------------------------------------------------------------------------------------------

_OWN_LIFE: Final = (Account, Contact)


@frozen(eq=False)
class _Part:
    """What a conversion wrote in one record, the record as it was loaded, and what happened to it since."""

    wrote: Wrote
    record: Account | Contact | Opportunity | None
    since: tuple[Event, ...]

    @property
    def stands_in_the_way(self) -> bool:
        return bool(self.since) and (self.wrote.is_new or not isinstance(self.record, _OWN_LIFE))

    @property
    def keeps_what_was_filled_in(self) -> bool:
        return bool(self.since) and not self.stands_in_the_way

    def unknown(self) -> RefusalReason:
        message = f"must be among the known records: {self.wrote.id!r}, which the conversion made or used"
        return RefusalReason(RefusalCode.UNKNOWN_RECORD, message, ids=(self.wrote.id,))

    def kept_reason(self) -> RefusalReason:
        message = f"{self.record} has moved since and keeps what was filled in"
        return RefusalReason(RefusalCode.MOVED, message, path=str(self.record), ids=(self.wrote.id,))

    def take_back(self, bench: Bench, note: str, moment: Moment) -> None:
        """Withdraw what was made; take what was filled in out of what was used."""
        if self.record is None or self.keeps_what_was_filled_in:
            return
        present = bench.present(self.record)
        if self.wrote.is_new:
            bench.put(present.withdraw(note=note, **moment.when()))
        else:
            bench.undo(present, self.wrote.versions, note, moment)


def _parts(conversions: list[ProspectConverted], bench: Bench) -> list[_Part]:
    """Return what conversions wrote, the last one first, and in each the deal first."""
    written = {(wrote.id, version) for event in conversions for wrote in event.wrote for version in wrote.versions}
    parts = []
    for wrote in (wrote for event in conversions for wrote in reversed(event.wrote)):
        record = bench.find(Opportunity, wrote.id) or bench.find(Contact, wrote.id) or bench.find(Account, wrote.id)
        history = {} if record is None or not wrote.versions else moves(record)
        last = max(wrote.versions, default=0)
        # What a later conversion wrote there is taken back as well.
        events = (event for version, event in history.items() if version > last and (wrote.id, version) not in written)
        parts.append(_Part(wrote, record, tuple(events)))
    return parts
