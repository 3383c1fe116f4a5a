"""
Who to work on next, and why.

Read in this order: `hours` (business hours), `rotting` (one definition of a stale deal), `tracks` (nurturing), `rules`
(what a host expects of itself), `reasons` (why a record needs somebody), `listing` (all of it, ranked).
"""

from leadflow.worklist.hours import WEEKDAYS, BusinessHours
from leadflow.worklist.listing import Withheld, WorkItem, Worklist, worklist
from leadflow.worklist.reasons import REACHING_OUT, WorkCode, WorkReason
from leadflow.worklist.rotting import is_rotting, last_activity, rots_at, rotting
from leadflow.worklist.rules import STANDARD_RULES, Levelling, ServiceLevel, Workable, WorkRules
from leadflow.worklist.tracks import (
    CHANNELS,
    NextTouch,
    NurtureStep,
    NurtureTrack,
    TrackEnd,
    TrackEnded,
    next_touch,
)

__all__ = [
    "CHANNELS",
    "REACHING_OUT",
    "STANDARD_RULES",
    "WEEKDAYS",
    "BusinessHours",
    "Levelling",
    "NextTouch",
    "NurtureStep",
    "NurtureTrack",
    "ServiceLevel",
    "TrackEnd",
    "TrackEnded",
    "Withheld",
    "WorkCode",
    "WorkItem",
    "WorkReason",
    "WorkRules",
    "Workable",
    "Worklist",
    "is_rotting",
    "last_activity",
    "next_touch",
    "rots_at",
    "rotting",
    "worklist",
]
