"""
Intake: what becomes of a row of a form or a CSV file.

Theory. A row is read, turned into leadflow's types and matched with whom we know; a new form of somebody known is not a
new lead. What becomes of it follows from where their trail ends (`leadflow.conversion.intakewhere`) and from whether
they engaged of their own accord:

=============================================  =============================  =====================================
they are                                       engaged of their own accord    did not, or did nothing
=============================================  =============================  =====================================
unknown                                        new lead                       new list entry
a list entry                                   new lead, with its history     on the list entry
a lead, new or working                         on the lead                    on the lead
a lead or prospect, nurturing                  on it, taken up again          on it, still nurturing
a lead, qualified                              on the prospect, or its deal   the same
a lead or prospect, merged                     on the one that goes on        the same
a lead or prospect, disqualified               on it, still disqualified      on it, still disqualified
a prospect, or a contact, of one open deal     on the deal                    on the deal
a prospect without one, or with several        on the prospect                on the prospect
a contact with neither prospect nor deal       new lead                       new list entry
several of these, of one rank                  refused as ambiguous           refused as ambiguous
=============================================  =============================  =====================================

A prospect whose deals are all closed stays one: what they do is the beginning of its next cycle, which another
conversion turns into a deal. An open deal that their contact has a part in counts like one that came of the prospect.
Disqualifying was a decision: that they are back is a warning for somebody to look, unless the settings reopen it. What
is there already (the same engagement, nothing new) is refused as a duplicate, so that reading a file twice changes
nothing. Blanks of the record are filled; what it has stays, and what the row says otherwise is listed.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Unpack, assert_never

from leadflow.contact import Contact
from leadflow.conversion.candidates import Known, Matches, candidate_keys, known_problems, match_candidates, similar
from leadflow.conversion.intakefacts import Facts, facts_of
from leadflow.conversion.intakeform import IntakeForm
from leadflow.conversion.intakejoin import Joined, filled_in, gained, heard, left_over
from leadflow.conversion.intakeplan import IntakeOutcome, IntakePlan, IntakeRequest
from leadflow.conversion.intakewhere import Place, Rank, place_of
from leadflow.conversion.refusals import Refusal, RefusalCode, RefusalReason
from leadflow.conversion.requests import Moment, when_problems
from leadflow.conversion.settings import STANDARD_SETTINGS, ConversionSettings
from leadflow.conversion.targets import Create
from leadflow.conversion.terms import Default
from leadflow.events import When
from leadflow.lead import Lead
from leadflow.listentry import ListEntry
from leadflow.opportunity import Opportunity
from leadflow.prospect import Prospect
from leadflow.relationship import unreachable
from leadflow.stores import ChangeSet, Compares, MatchKey, Record, RecordVersion
from leadflow.validation import built, instance, shown, to_tuple

__all__ = ["MATCHED", "intake", "intake_of", "keys_of", "matches_with"]

MATCHED: Final = ("contact", "prospect", "lead", "list entry")
"""The kinds of record among which somebody is looked for."""

_ARGUMENTS: Final = ("form", "lead", "entry", "known", "settings")
# How much of what a row says for nothing a message repeats.
_FEW: Final = 3

# What to do about several records of a kind that cannot be merged.
_ONE_OF_THEM: Final[Mapping[str, str]] = {
    Contact.kind: "go on with one and withdraw the others",
    ListEntry.kind: "capture the lead of one of them: Lead.capture(..., entry=...)",
}


def intake(
    row: Mapping[str, object],
    /,
    *,
    form: IntakeForm,
    lead: Create,
    entry: Create,
    known: Iterable[Record] = (),
    settings: ConversionSettings = STANDARD_SETTINGS,
    **when: Unpack[When],
) -> IntakePlan | Refusal:
    """
    Plan what becomes of a row of a form or a CSV file.

    Args:
        row: Cells by column: text as forms and `csv.DictReader` hand it over, or values of the right type already.
        form: What the columns mean.
        lead: The id that a new lead gets.
        entry: The id that a new list entry gets.
        known: Whoever shares a match key with the person, and the records that these lead to: prospects of leads,
            deals of prospects, open deals of contacts.
        settings: Which engagements count, who is the same, who is taken up again, who may own a record.
        **when: See `When`: when the row came in. An engagement without a time of its own happened then.

    Returns:
        The plan, or a `Refusal` with every reason: each cell that cannot be read, by its column.

    Raises:
        InvalidError: Naming everything in the arguments that can never be right.
    """
    records = to_tuple(known)
    request = built(
        "intake",
        lambda: IntakeRequest(row=row, form=form, lead=lead, entry=entry),
        *known_problems(records),
        instance("settings", settings, ConversionSettings, "ConversionSettings"),
        *when_problems(when, _ARGUMENTS),
    )
    moment = Moment(**when)
    return intake_of(request, facts_of(form.read(dict(request.row)), moment), Known(records), settings, moment)


def keys_of(facts: Facts, settings: ConversionSettings) -> tuple[MatchKey, ...]:
    """Return what a store should be asked for before a row is planned."""
    who = facts.person or facts.company
    return () if who is None else candidate_keys(who, kinds=MATCHED, settings=settings)


def matches_with(facts: Facts, known: Known, settings: ConversionSettings) -> Matches:
    """Return who of those known may be the same person."""
    who = facts.person or facts.company
    if who is None:
        return Matches((), (), settings.matching)
    others = [record for record in known.by_id.values() if record.kind in MATCHED]
    return match_candidates(who, others, settings=settings)


def intake_of(
    request: IntakeRequest, facts: Facts, known: Known, settings: ConversionSettings, moment: Moment
) -> IntakePlan | Refusal:
    """Plan a request that was checked; see `intake`."""
    return _Intake(request, facts, known, settings, moment).plan()


class _Intake:
    def __init__(
        self, request: IntakeRequest, facts: Facts, known: Known, settings: ConversionSettings, moment: Moment
    ) -> None:
        self.request, self.facts, self.known, self.settings, self.moment = request, facts, known, settings, moment
        self.matches = matches_with(facts, known, settings)
        self.place: Place = place_of(self.matches, known)
        kind = None if facts.engagement is None else facts.engagement.kind
        self.proactive = kind is not None and settings.proactive.includes(kind)

    def plan(self) -> IntakePlan | Refusal:
        reasons = [*self.facts.problems, *self._against()]
        if reasons:
            return Refusal(self.request.action, reasons)
        match self.place.rank:
            case Rank.ALIVE | Rank.GIVEN_UP:
                return self._on(self.place.ends[0])
            case Rank.LISTED:
                return self._new_lead() if self.proactive else self._on(self.place.ends[0])
            case Rank.KNOWN | None:
                return self._new_lead() if self.proactive else self._new_entry()
            case rank:
                assert_never(rank)

    def _against(self) -> Iterable[RefusalReason]:
        facts, place = self.facts, self.place
        # Where something cannot be read, what is missing may be just that.
        nobody = None if facts.problems or place.ends else unreachable(facts.person, facts.company)
        if nobody is not None:
            # A header that is written otherwise, or a file with another separator, is what most often lies behind it.
            unused = "; ".join(f"{shown(left.path)} ({left.why})" for left in facts.unmapped[:_FEW])
            yield _reason(RefusalCode.MISSING_FIELDS, f"{nobody.message}{unused and f'; not used: {unused}'}", "person")
        if len(place.ends) > 1:
            ids = tuple(end.id for end in place.ends)
            who = ", ".join(map(str, place.ends))
            way = _ONE_OF_THEM.get(place.ends[0].kind, "merge them, or say which by recording it there")
            message = f"{who} are the same person; {way}"
            yield _reason(RefusalCode.AMBIGUOUS_MATCH, message, "person", ids)
        if place.lost:
            message = (
                f"what is known leads to {', '.join(map(repr, place.lost))}, which must be among the known records"
            )
            yield _reason(RefusalCode.UNKNOWN_RECORD, message, "known", place.lost)
        for path in ("lead", "entry"):
            taken = self.known.by_id.get(getattr(self.request, path).id)
            if taken is not None:
                yield _reason(RefusalCode.ID_TAKEN, f"must be a new id, got that of {taken}", path, (taken.id,))
        refused = None if facts.owner is None else self.settings.owners.refuse(facts.owner)
        if refused is not None:
            yield _reason(RefusalCode.INVALID_OWNER, refused, "owner")

    def _new_lead(self) -> IntakePlan | Refusal:
        facts, moment = self.facts, self.moment
        assert facts.engagement is not None
        listed = self.place.ends[0] if self.place.rank is Rank.LISTED else None
        entry = listed if isinstance(listed, ListEntry) else None
        moment = moment if entry is None else moment.not_before(entry.updated_at)
        person, company = facts.person, facts.company
        if entry is not None:
            # What they say themselves comes first; the list completes it.
            person, company = gained(person, entry.person), gained(company, entry.company)
        lead = Lead.capture(
            self.request.lead.id,
            person=person,
            company=company,
            engagement=facts.engagement,
            source=facts.source,
            campaign=facts.campaign,
            owner=facts.owner,
            estimated_value=facts.estimated_value,
            product_interest=facts.product_interest,
            consents=facts.consents,
            tags=facts.tags,
            fields=facts.fields,
            entry=entry,
            proactive=self.settings.proactive,
            **moment.when(),
        )
        if facts.discovery:
            lead = lead.discover(**facts.discovery, **moment.when())
        why = f"{facts.engagement.kind!r} counts as engaging of their own accord ({self.settings.proactive.name!r})"
        who = "nobody known is the same person"
        also: tuple[tuple[Record, Record], ...] = ()
        if entry is not None:
            who = f"they were {entry}"
            also = ((entry, entry.became(lead.id, **moment.when())),)
        elif self.place.ends:
            who = f"{self.place.ends[0]} has no open deal"
        return self._new(IntakeOutcome.NEW_LEAD, lead, f"{who}, and {why}", also=also)

    def _new_entry(self) -> IntakePlan | Refusal:
        facts, engagement, when = self.facts, self.facts.engagement, self.moment.when()
        if self.place.ends and engagement is None:
            # Somebody who is a contact already is on no list.
            return self._on(self.place.ends[0])
        source: str = self.request.form.name if facts.source is None else facts.source
        defaults = () if facts.source is not None else (Default("source", source, "the form's name"),)
        entry = ListEntry.add(
            self.request.entry.id,
            person=facts.person,
            company=facts.company,
            source=source,
            campaign=facts.campaign,
            owner=facts.owner,
            consents=facts.consents,
            tags=facts.tags,
            fields=facts.fields,
            **when,
        )
        entry = entry if engagement is None else entry.engage(engagement, **when)
        entry = entry.discover(**facts.discovery, **when) if facts.discovery else entry
        did = "nobody engaged" if engagement is None else f"{engagement.kind!r} does not count as engaging"
        who = f"{self.place.ends[0]} has no open deal" if self.place.ends else "nobody known is the same person"
        return self._new(IntakeOutcome.LIST_ENTRY, entry, f"{who}, and {did}", defaults=defaults)

    def _new(
        self,
        outcome: IntakeOutcome,
        record: Lead | ListEntry,
        why: str,
        *,
        also: tuple[tuple[Record, Record], ...] = (),
        defaults: tuple[Default, ...] = (),
    ) -> IntakePlan:
        pairs: list[tuple[Record | None, Record]] = [(None, record), *also, *self._contact()]
        return self._planned(outcome, record, why, pairs, absent=self._absent(), defaults=defaults)

    def _on(self, end: Record) -> IntakePlan | Refusal:
        """Record it on somebody who is there."""
        assert isinstance(end, Joined)
        facts, when = self.facts, self.moment.after(end.updated_at)
        record, warnings, woken = self._again(end)
        new = not isinstance(end, Contact) and facts.engagement not in (None, *end.engagements)
        if new:
            record = record.engage(facts.engagement, **when)
        contact = self._contact() if self.place.contact is not end else []
        # Where the person is a contact, what they said is kept there; a deal keeps it for want of one.
        if not (isinstance(end, Opportunity) and self.place.contact):
            record = heard(record, facts, when)
        record = filled_in(record, facts, when)
        pairs: list[tuple[Record | None, Record]] = [*([(end, record)] if record is not end else []), *contact]
        if not pairs:
            message = f"{end} has everything that the row says, or keeps its own"
            return Refusal(self.request.action, [_reason(RefusalCode.DUPLICATE, message, "", (end.id,))])
        outcome = IntakeOutcome.LIST_ENTRY if isinstance(end, ListEntry) else IntakeOutcome.EXISTING
        via = ", ".join(str(passed) for passed in self.place.passed)
        why = f"the person is known as {end}{via and f', by way of {via}'}{woken}"
        return self._planned(outcome, record, why, pairs, warnings=warnings)

    def _again(self, end: Joined) -> tuple[Any, tuple[RefusalReason, ...], str]:
        """Return somebody who was put aside taken up again, or who is to look at it; and the same in words."""
        said = self.facts.engagement
        if not self.proactive or not isinstance(end, Lead | Prospect) or said in end.engagements:
            return end, (), ""
        status = end.status.value
        if status in self.settings.reopens:
            note = f"engaged again: {said.kind if said else ''}"
            return end.reopen(note=note, **self.moment.after(end.updated_at)), (), f"; was {status}, taken up again"
        if self.place.rank is Rank.GIVEN_UP:
            message = f"{end} is disqualified and engaged again; reopen it, or leave it"
            return end, (_reason(RefusalCode.DISQUALIFIED, message, "", (end.id,)),), ""
        return end, (), ""

    def _contact(self) -> list[tuple[Record | None, Record]]:
        """Return the contact that the person is, before and after what they said; nothing if that changes nothing."""
        contact = self.place.contact
        if contact is None:
            return []
        when = self.moment.after(contact.updated_at)
        after = filled_in(heard(contact, self.facts, when), self.facts, when)
        return [] if after is contact else [(contact, after)]

    def _absent(self) -> tuple[MatchKey, ...]:
        """Return the keys that nobody may have by the time a new record is written: those that nobody has now."""
        matching = self.settings.matching
        keys = [key for key in keys_of(self.facts, self.settings) if matching.weight(key.by) >= matching.threshold]
        contacts = [end for end in self.place.ends if isinstance(end, Contact)]
        deals = [MatchKey("opportunity", Compares.CONTACT, contact.id) for contact in contacts]
        return tuple(key for key in (*keys, *deals) if not self.known.holders(key))

    def _planned(
        self,
        outcome: IntakeOutcome,
        record: Joined,
        why: str,
        pairs: list[tuple[Record | None, Record]],
        *,
        absent: tuple[MatchKey, ...] = (),
        defaults: tuple[Default, ...] = (),
        warnings: tuple[RefusalReason, ...] = (),
    ) -> IntakePlan:
        written = {after.id for _, after in pairs}
        latest = max((before.updated_at for before, _ in pairs if before is not None), default=self.moment.at)
        holders = [record, *(after for _, after in pairs if isinstance(after, Contact) and after.id != record.id)]
        relied = [
            RecordVersion.of(other) for other in (*self.place.ends, *self.place.passed) if other.id not in written
        ]
        return IntakePlan(
            request=self.request,
            outcome=outcome,
            why=why,
            record=record,
            changes=ChangeSet.of(*pairs, relies_on=relied, absent=absent),
            matches=self.matches,
            moment=self.moment.not_before(latest),
            defaults=(*self.facts.defaults, *defaults),
            unmapped=(*self.facts.unmapped, *left_over(self.facts, holders)),
            warnings=(*warnings, *similar("person", self.matches)),
        )


def _reason(code: RefusalCode, message: str, path: str, ids: tuple[str, ...] = ()) -> RefusalReason:
    return RefusalReason(code, message, path=path, ids=ids)
