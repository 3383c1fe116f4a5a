"""
Looking back from landmark days: which deals were open on a day, and which of them were won within the horizon.

Theory. A landmark is a past moment s whose window (s, s + H] has closed by the as-of time. A deal is looked at on s if
it was open by what had been recorded by s; its label is whether it was won inside the window and still stood as won at
its end, by what is known at the as-of time. What people saw on s and what came of it are thus kept apart, and nothing
recorded after the as-of time enters either. Deals that should never have counted (void, withdrawn) are left out. Each
deal is gone through once, its landmarks lie in one slice per standing: linear in deals x landmarks.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

from leadflow.dealparts import CountsAs
from leadflow.forecasting.deals import DealState
from leadflow.forecasting.histories import DealHistory
from leadflow.forecasting.historyfold import Spell, Standing
from leadflow.forecasting.landmarkaxes import Day
from leadflow.forecasting.models import last_day_of

__all__ = ["Look", "counts", "looks", "past_days"]

_moment = attrgetter("at")


class Look(NamedTuple):
    """A deal that was open on a landmark day, and what came of it."""

    standing: Standing
    day: Day
    won: bool


def past_days(first: datetime, as_of: datetime, horizon: timedelta, every: timedelta) -> tuple[Day, ...]:
    """
    Return the landmarks from a first moment up to the last whose window has closed, in steps back from there.

    Days are those of the time zone of `as_of`.
    """
    zone, last = as_of.tzinfo, as_of.astimezone(UTC) - horizon
    found = []
    for step in range((last - first) // every + 1 if last >= first else 0):
        at = last - step * every
        local = at.astimezone(zone)
        found.append(Day(at, local.date(), last_day_of(local, horizon)))
    return tuple(reversed(found))


def looks(history: DealHistory, days: Sequence[Day], as_of: datetime, horizon: timedelta) -> Iterator[Look]:
    """Yield a deal on each landmark day on which it was open; nothing if it should never have counted."""
    path = history.spells(as_of)
    if not counts(path):
        return
    wins = _wins(path)
    known = history.standings
    for place, (since, standing) in enumerate(known):
        if standing is None or standing.state is not DealState.OPEN:
            continue
        begin = bisect_left(days, since, key=_moment)
        end = bisect_left(days, known[place + 1][0], key=_moment) if place + 1 < len(known) else len(days)
        for day in days[begin:end]:
            limit = day.at + horizon
            won = any(day.at < at <= limit and (until is None or until > limit) for at, until in wins)
            yield Look(standing, day, won)


def counts(path: Sequence[Spell]) -> bool:
    """Whether a deal counts at all, by its path: it exists, and is neither void nor withdrawn."""
    return bool(path) and path[-1].state is not DealState.WITHDRAWN and path[-1].counts_as is not CountsAs.VOID


def _wins(path: Iterable[Spell]) -> list[tuple[datetime, datetime | None]]:
    return [(spell.start, spell.end) for spell in path if spell.state is DealState.WON and spell.start is not None]
