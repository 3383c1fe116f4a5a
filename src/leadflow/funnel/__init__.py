"""
How many get how far: levels from lead to win, or the stages of a pipeline, with times, reasons and sources.

Read in this order: `journeys` (what is counted), `tracing` (journeys out of records and stages), `counting` (the
funnel), `sources` (what brought them, and what that cost). Win rates and velocity are those of
`leadflow.forecasting`; deals that will hardly ever close are found by `HazardTable.never_closes`.
"""

from leadflow.funnel.counting import DropOff, Funnel, FunnelRow, funnel
from leadflow.funnel.journeys import LEVELS, WON, Journey, Levels, Source, Step
from leadflow.funnel.sources import Attribution, SourceReport, SourceRow, sources
from leadflow.funnel.tracing import Traceable, journeys_of, stage_journeys

__all__ = [
    "LEVELS",
    "WON",
    "Attribution",
    "DropOff",
    "Funnel",
    "FunnelRow",
    "Journey",
    "Levels",
    "Source",
    "SourceReport",
    "SourceRow",
    "Step",
    "Traceable",
    "funnel",
    "journeys_of",
    "sources",
    "stage_journeys",
]
