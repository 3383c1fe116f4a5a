"""
Which of several records survives a merge: a total order, as data.

Theory. Records are compared by one criterion after the other until one decides; the last is the id, so that there is
always one answer, whatever the order in which the records were named. Leads and prospects: further down the lifecycle
(what is disqualified has left it, and counts as no further than what is new), not disqualified, more complete, older.
Deals: won before open before lost, so that a lost one is never revived and a won one never reopened; then the later
stage, then the older. A stage's place is counted within its own pipeline. What was merged or withdrawn has no place.
"""

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, Final

from attrs import frozen

from leadflow.conversion.mergefields import Mergeable, filled_paths
from leadflow.lead import Lead
from leadflow.lifecycle import LeadStatus, ProspectStatus
from leadflow.opportunity import Opportunity
from leadflow.pipeline import StageCategory
from leadflow.prospect import Prospect

__all__ = ["SURVIVAL", "SurvivalRule", "ranked", "reason"]


@frozen
class SurvivalRule:
    """
    One question that tells which of two records goes on.

    Attributes:
        words: What the one that goes on is, e.g. ``older``.
        place: The record's place; the lower one goes on.
    """

    words: str
    place: Callable[[Any], Any]


# How far along; what is disqualified has left the way, and is no further than what has not begun it.
_LEADS: Final[Mapping[LeadStatus, int]] = {
    LeadStatus.QUALIFIED: 3,
    LeadStatus.WORKING: 2,
    LeadStatus.NURTURING: 1,
    LeadStatus.NEW: 0,
    LeadStatus.DISQUALIFIED: 0,
}
_CONVERTED: Final = 2
_PROSPECTS: Final[Mapping[ProspectStatus, int]] = {
    ProspectStatus.ACTIVE: 1,
    ProspectStatus.NURTURING: 0,
    ProspectStatus.DISQUALIFIED: 0,
}
_OUTCOMES: Final = (StageCategory.WON, StageCategory.OPEN, StageCategory.LOST)


def _far_prospect(prospect: Prospect) -> int:
    # A prospect's status does not tell that it was converted; its links do.
    on_the_way = prospect.status is not ProspectStatus.DISQUALIFIED
    return _CONVERTED if on_the_way and prospect.is_converted else _PROSPECTS[prospect.status]


def _late_stage(deal: Opportunity) -> Fraction:
    codes = [stage.code for stage in deal.pipeline.stages]
    place = codes.index(deal.stage.code) if deal.stage.code in codes else -1
    return -Fraction(place + 1, len(codes))


_COMPLETE: Final = SurvivalRule("more complete", lambda record: -len(filled_paths(record)))
_OLDER: Final = SurvivalRule("older", lambda record: record.created_at)
_ID: Final = SurvivalRule("first by id", lambda record: record.id)

SURVIVAL: Final[Mapping[type[Mergeable], tuple[SurvivalRule, ...]]] = {
    Lead: (
        SurvivalRule("further down the lifecycle", lambda lead: -_LEADS[lead.status]),
        SurvivalRule("not disqualified", lambda lead: lead.status is LeadStatus.DISQUALIFIED),
        _COMPLETE,
        _OLDER,
        _ID,
    ),
    Prospect: (
        SurvivalRule("further down the lifecycle", lambda prospect: -_far_prospect(prospect)),
        SurvivalRule("not disqualified", lambda prospect: prospect.status is ProspectStatus.DISQUALIFIED),
        _COMPLETE,
        _OLDER,
        _ID,
    ),
    Opportunity: (
        SurvivalRule("won before open before lost", lambda deal: _OUTCOMES.index(deal.stage.category)),
        SurvivalRule("in a later stage", _late_stage),
        _OLDER,
        _ID,
    ),
}
"""Per kind of record the criteria, the first one first."""


def ranked(records: Iterable[Mergeable]) -> tuple[Mergeable, ...]:
    """Return records of one kind in the order of survival: the first one goes on."""
    return tuple(sorted(records, key=lambda record: [rule.place(record) for rule in SURVIVAL[type(record)]]))


def reason(first: Mergeable, other: Mergeable) -> str:
    """Return the words of the criterion that puts one record before another."""
    rules = SURVIVAL[type(first)]
    return next(rule.words for rule in rules if rule.place(first) != rule.place(other))
