"""
Tracing: journeys out of records, and out of the stages of deals.

Theory. A person's journey begins with the first record there is of them: the lead, else the prospect, else the deal.
Records are linked by ids, both ways, so nothing is guessed. A prospect with several deals has one journey that goes as
far as the best of them (won, then open, then the latest lost), and each further deal is a journey of its own from its
opening. So is a void one: that a deal was a duplicate says nothing against the person. Merged and withdrawn records are
out; the record that goes on for a merged one counts.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from leadflow.dealparts import CountsAs, Reason
from leadflow.errors import Problem
from leadflow.events import Disqualified, Event, LeadQualified
from leadflow.fields import Fields
from leadflow.forecasting import DealState
from leadflow.forecasting.histories import History, histories_of
from leadflow.funnel.journeys import WON, Journey, Source, Step
from leadflow.lead import Lead
from leadflow.lifecycle import LeadStatus, ProspectStatus
from leadflow.opportunity import Opportunity
from leadflow.pipeline import Pipeline
from leadflow.prospect import Prospect
from leadflow.validation import aware, check, instance, to_tuple, unique

__all__ = ["Traceable", "journeys_of", "stage_journeys"]

Traceable = Lead | Prospect | Opportunity
"""What journeys are made of."""

_TYPES: Final = (Lead, Prospect, Opportunity)
_GONE: Final = frozenset({LeadStatus.MERGED, ProspectStatus.MERGED, ProspectStatus.WITHDRAWN})


def journeys_of(records: Iterable[Traceable], *, as_of: datetime) -> tuple[Journey, ...]:
    """
    Return the journeys that records tell of, by id.

    Args:
        records: Leads, prospects and opportunities, in any order. A prospect whose lead is not among them begins a
            journey, and so does a deal whose prospect is not; a lead whose prospect is not has come as far as that.
        as_of: Each record is taken as it was known then; aware.

    Raises:
        InvalidError: Naming everything that is no such record, and ids that come twice.
    """
    listed = to_tuple(records)
    strange: list[Problem | None] = (
        [
            instance(f"records[{place}]", one, _TYPES, "a Lead, Prospect or Opportunity")
            for place, one in enumerate(listed)
            if not isinstance(one, _TYPES)
        ]
        if isinstance(listed, tuple)
        else [instance("records", listed, tuple, "several records")]
    )
    check(
        "journeys_of",
        *strange,
        None if any(strange) else unique("records", [one.id for one in listed]),
        aware("as_of", as_of),
    )
    known = [record if record.updated_at <= as_of else record.as_of(as_of) for record in listed]
    return _Tracing(one for one in known if one is not None and not _is_gone(one)).journeys()


class _Tracing:
    def __init__(self, records: Iterable[Traceable]) -> None:
        self.leads: list[Lead] = []
        self.prospects: dict[str, Prospect] = {}
        self.deals: dict[str, Opportunity] = {}
        self.goes_on: dict[str, str] = {}
        for record in records:
            match record:
                case Lead():
                    self.leads.append(record)
                case Prospect():
                    self.prospects[record.id] = record
                    self.goes_on |= dict.fromkeys(record.merged_ids, record.id)
                case Opportunity():
                    self.deals[record.id] = record

    def journeys(self) -> tuple[Journey, ...]:
        found: list[Journey] = []
        taken: set[str] = set()
        # The lead of a prospect that was merged is the same person as the lead of the one that goes on: whoever became
        # that one comes first, and nobody is counted twice.
        for lead in sorted(self.leads, key=lambda lead: lead.prospect_id in self.goes_on):
            id_ = self.goes_on.get(lead.prospect_id or "", lead.prospect_id or "")
            if id_ not in taken:
                prospect = self.prospects.pop(id_, None)
                taken |= set() if prospect is None else {id_}
                found += self._from(lead, prospect)
        for prospect in list(self.prospects.values()):
            found += self._from(None, prospect)
        found += [self._of_deal(deal) for deal in self.deals.values()]
        return tuple(sorted(found, key=lambda journey: journey.id))

    def _from(self, lead: Lead | None, prospect: Prospect | None) -> Iterator[Journey]:
        ids = () if prospect is None else prospect.opportunity_ids
        deals = sorted((self.deals.pop(id_) for id_ in ids if id_ in self.deals), key=_rank)
        best = next((deal for deal in deals if not _is_void(deal)), None)
        records = [record for record in (lead, prospect, best) if record is not None]
        steps: list[Step] = []
        for record in records:
            steps.append(Step(record.kind, max([record.created_at, *(step.at for step in steps)])))
        if lead is not None and prospect is None and lead.prospect_id is not None:
            steps.append(Step(Prospect.kind, max(_last_at(lead, LeadQualified), steps[-1].at)))
        yield _journey(records[0].id, steps, records)
        for deal in deals:
            if deal is not best:
                yield self._of_deal(deal)

    def _of_deal(self, deal: Opportunity) -> Journey:
        return _journey(deal.id, [Step(deal.kind, deal.created_at)], [deal])


def _journey(id_: str, steps: list[Step], records: list[Traceable]) -> Journey:
    last, value, out_at, reason = records[-1], None, None, None
    if isinstance(last, Opportunity):
        if last.is_won and last.closed_at is not None:
            steps = [*steps, Step(WON, max(last.closed_at, steps[-1].at))]
            value = last.amount
        elif last.is_lost and last.closed_at is not None:
            out_at, reason = max(last.closed_at, steps[-1].at), last.reason
    elif last.status in (LeadStatus.DISQUALIFIED, ProspectStatus.DISQUALIFIED):
        out_at, reason = max(_last_at(last, Disqualified), steps[-1].at), last.reason
    return Journey(
        id_,
        steps,
        out_at=out_at,
        reason=None if reason is None else reason.code,
        counts_as=_counts_as(reason),
        value=value,
        sources=tuple(_sources(records)),
        owner=last.owner,
        fields=_fields(records),
    )


def _counts_as(reason: Reason | None) -> CountsAs | None:
    return None if reason is None else reason.counts_as


def _last_at(record: Lead | Prospect, kind: type[Event]) -> datetime:
    """Return when something last happened to a record; where that is not told, when the record was made."""
    return next((event.at for event in reversed(record.history) if isinstance(event, kind)), record.history[0].at)


def _sources(records: list[Traceable]) -> Iterator[Source]:
    """Yield what brought them: where they came from first, then what each engagement names."""
    first = records[0]
    if first.source is not None:
        # A record is made after what brought them; nothing comes before where they came from.
        yield Source(first.source, min([first.created_at, *(one.at for one in first.engagements)]))
    seen: set[tuple[datetime, str]] = set()
    named = [
        (engagement.at, name)
        for record in records
        for engagement in record.engagements
        if (name := engagement.campaign or engagement.channel) is not None
    ]
    for at, name in sorted(named):
        # A lead's engagements go along to the prospect and the deal: each counts once.
        if (at, name) not in seen:
            seen.add((at, name))
            yield Source(name, at)


def _fields(records: list[Traceable]) -> Fields:
    """Return the host's own values, those of a later record before those of an earlier one."""
    gathered: dict[str, Any] = {}
    for record in records:
        gathered |= record.fields
    return Fields.of(gathered) if gathered else records[-1].fields


def _rank(deal: Opportunity) -> tuple[int, float, str]:
    order = 0 if deal.is_won else 1 if deal.is_open else 2
    closed = deal.closed_at or deal.created_at
    return order, closed.timestamp() if deal.is_won else -closed.timestamp(), deal.id


def _is_void(deal: Opportunity) -> bool:
    return deal.is_lost and _counts_as(deal.reason) is CountsAs.VOID


def _is_gone(record: Traceable) -> bool:
    if isinstance(record, Opportunity):
        return record.is_withdrawn or getattr(record, "merged_into", None) is not None
    return record.status in _GONE


def stage_journeys(history: History, *, pipeline: Pipeline, as_of: datetime) -> tuple[Journey, ...]:
    """
    Return the journeys of deals through the open stages of a pipeline.

    A stage is reached when the deal first enters it or a later one; going back and coming again does not count twice.
    A deal of which it is not known when it entered any open stage (an import that says so of none) has no journey, nor
    has one that says it is of another pipeline.

    Args:
        history: Opportunities, or `DealHistory` values made from rows; of these no reason for falling out is known.
        pipeline: Whose stages they are; in its order.
        as_of: What happened, as known then; aware.

    Raises:
        InvalidError: Naming everything that is wrong, stages that the pipeline does not have included.
    """
    strange = instance("pipeline", pipeline, Pipeline, "a Pipeline")
    listed: Any = to_tuple(history)
    histories = histories_of("stage_journeys", listed, strange, aware("as_of", as_of))
    opportunities: dict[str, Opportunity] = {one.id: one for one in listed if isinstance(one, Opportunity)}
    places = {stage.code: place for place, stage in enumerate(pipeline.open_stages)}
    found: list[Journey] = []
    wrong: list[Problem] = []
    for one in histories:
        deal = one.as_of(as_of)
        if deal is None or deal.state is DealState.WITHDRAWN or deal.pipeline_id not in (None, pipeline.id):
            continue
        open_spells = [spell for spell in one.spells(as_of) if spell.state is DealState.OPEN]
        spells = [spell for spell in open_spells if spell.start is not None and spell.stage is not None]
        unknown = sorted({str(spell.stage) for spell in spells} - set(places))
        if unknown:
            wrong.append(Problem(f"history[{one.id!r}]", f"has no stage of pipeline {pipeline.id!r}: {unknown[0]!r}"))
            continue
        steps: list[Step] = []
        for spell in spells:
            assert spell.stage is not None
            assert spell.start is not None
            if not steps or places[spell.stage] > places[steps[-1].level]:
                steps.append(Step(spell.stage, spell.start))
        if not steps:
            continue
        closed = None if deal.closed_at is None else max(deal.closed_at, steps[-1].at)
        if deal.is_won and closed is not None:
            steps.append(Step(WON, closed))
        is_out = deal.is_lost and closed is not None
        then = opportunities[one.id].as_of(as_of) if is_out and one.id in opportunities else None
        found.append(
            Journey(
                deal.id,
                steps,
                out_at=closed if is_out else None,
                reason=None if then is None or then.reason is None else then.reason.code,
                counts_as=deal.counts_as if is_out else None,
                value=deal.amount if deal.is_won else None,
                sources=[] if deal.source is None else [(deal.source, steps[0].at)],
                owner=deal.owner,
                fields=deal.fields,
            )
        )
    check("stage_journeys", *wrong)
    return tuple(sorted(found, key=lambda journey: journey.id))
