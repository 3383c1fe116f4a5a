"""
What histories say about how long things last: the periods in which deals were open, and in their stages.

Theory. A period counts from when it was watched, not from when it began: from the day the deal came to be recorded (or
recording as a whole began), and only to the as-of time. A deal that was there already on its first record enters late,
at the age it had then. A period that has not ended is censored. Where nobody knows when a period began its clock is
unknown, and it is left out. Deals that should never have counted (void, withdrawn) teach nothing.
"""

from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from leadflow.forecasting.deals import DealState
from leadflow.forecasting.hazardcurves import Curves, aalen_johansen
from leadflow.forecasting.histories import DealHistory
from leadflow.forecasting.historyfold import Spell
from leadflow.forecasting.landmarks import counts

__all__ = ["Watched", "curves_of", "watched"]

_DAY = timedelta(days=1)


@frozen
class Watched:
    """
    One period of one deal, in days on its own clock.

    Attributes:
        id: The deal.
        stage: The stage; None: the deal as a whole, by its age.
        entry: When watching began.
        end: When it ended, or watching did.
        outcome: ``won``, ``lost``, a tuple of the next stage; None: it goes on.
    """

    id: str
    stage: str | None
    entry: float
    end: float
    outcome: Hashable


def watched(history: DealHistory, as_of: datetime, since: datetime | None) -> tuple[list[Watched], int]:
    """Return the periods of a deal that can be used, whole and by stage, and in how many its clock is unknown."""
    path = history.spells(as_of)
    if not counts(path):
        return [], 0
    first = history.first_recorded_at if since is None else max(since, history.first_recorded_at)
    found: list[Watched] = []
    unknown = 0
    born = path[0].start
    for run in _runs(path):
        unknown += born is None
        whole = (path[run[0]].start, path[run[-1]].end)
        found += _period((history.id, None), born, whole, _outcome(path, run[-1]), (first, as_of))
        for place in run:
            spell = path[place]
            follows = path[place + 1] if place + 1 < len(path) else None
            moved = (follows.stage,) if follows is not None and follows.state is DealState.OPEN else None
            if spell.stage is not None:
                unknown += spell.start is None
                lasted = (spell.start, spell.end)
                named = (history.id, spell.stage)
                found += _period(named, spell.start, lasted, moved or _outcome(path, place), (first, as_of))
    return found, unknown


def curves_of(periods: Iterable[Watched], possible: Iterable[Hashable] = ()) -> Curves:
    """Return the curves of periods; a deal that was reopened is one deal."""
    listed = list(periods)
    return aalen_johansen(
        [period.end for period in listed],
        [period.outcome for period in listed],
        [period.entry for period in listed],
        subjects=[period.id for period in listed],
        possible=possible,
    )


def _runs(path: Sequence[Spell]) -> Iterable[list[int]]:
    """Yield the places of spells in which a deal was open without a break."""
    run: list[int] = []
    for place, spell in enumerate(path):
        if spell.state is DealState.OPEN:
            run.append(place)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _outcome(path: Sequence[Spell], place: int) -> str | None:
    if place + 1 == len(path):
        return None
    return path[place + 1].state.value


def _period(
    named: tuple[str, str | None],
    origin: datetime | None,
    lasted: tuple[datetime | None, datetime | None],
    outcome: Hashable,
    seen: tuple[datetime, datetime],
) -> list[Watched]:
    """Return a period on the clock that began at the origin, if any of it was watched."""
    if origin is None:
        return []
    begin = seen[0] if lasted[0] is None else max(lasted[0], seen[0])
    end = seen[1] if lasted[1] is None else lasted[1]
    return [Watched(*named, (begin - origin) / _DAY, (end - origin) / _DAY, outcome)] if begin < end else []
