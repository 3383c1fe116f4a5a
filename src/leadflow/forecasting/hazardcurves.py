"""
Aalen-Johansen: how often, and how soon, each of several outcomes comes, from records that begin late and stop early.

Theory. Subjects are watched from an entry to an exit, both measured on the same clock (age, time in stage). At each
time t at which something happened, the hazard of an outcome is the number of subjects that had it at t over the number
at risk, those that had entered before t and had not left before it. Whoever is still there when watching stops is
censored: counted at risk until then, and no longer. Whoever was there before watching began enters late: at risk only
from then on. The chance of still being there is S(t) = prod (1 - h), and of each outcome CIF_j(t) = sum S(t-) h_j,
which share the whole between them. Taking 1 - Kaplan-Meier with the other outcomes as censored overstates instead,
since it lets those who were lost be won later (Aalen and Johansen 1978).

The chance of j in (a, b] of one that is there at a is [CIF_j(b) - CIF_j(a)]/S(a). Where few are at risk early, all of
them may leave and S reach 0 though others enter later; the curves then begin anew, as that quotient does.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from itertools import accumulate
from typing import Any

from attrs import field, frozen

from leadflow.errors import Problem
from leadflow.validation import check, finite, to_tuple

__all__ = ["Curves", "aalen_johansen"]


@frozen
class Curves:
    """
    The chances of each outcome by time, as `aalen_johansen` returns them.

    Attributes:
        times: When something happened, ascending.
        outcomes: What can happen, in the order in which it was first seen.
        at_risk: How many were at risk at each time.
        n: How many subjects there were.
    """

    times: tuple[float, ...]
    outcomes: tuple[Hashable, ...]
    at_risk: tuple[int, ...]
    n: int
    # Just before each time: the chance of being there since the last beginning, and of each outcome since then. One
    # more at the end: after the last time.
    _before: tuple[float, ...] = field(repr=False)
    _chances: tuple[tuple[float, ...], ...] = field(repr=False)
    # The same right after each time, and the places after which nobody was left.
    _after: tuple[tuple[float, ...], ...] = field(repr=False)
    _emptied: tuple[int, ...] = field(repr=False)
    # Per outcome, how often it had come before each time, and in all.
    _happened: tuple[tuple[int, ...], ...] = field(repr=False)
    _entries: tuple[float, ...] = field(repr=False)
    _exits: tuple[float, ...] = field(repr=False)
    _entry_sums: tuple[float, ...] = field(repr=False)
    _exit_sums: tuple[float, ...] = field(repr=False)

    def chance(self, outcome: Hashable, start: float, end: float) -> float:
        """Return the chance of an outcome in (start, end], of one that is there at the start; in [0, 1]."""
        first, beyond = bisect_right(self.times, start), bisect_right(self.times, end)
        if outcome not in self.outcomes or first >= beyond:
            return 0.0
        place = self.outcomes.index(outcome)
        emptied = bisect_left(self._emptied, first)
        last = min(beyond - 1, self._emptied[emptied]) if emptied < len(self._emptied) else beyond - 1
        gained = self._after[last][place] - self._chances[first][place]
        return min(max(gained / self._before[first], 0.0), 1.0)

    def survival(self, start: float, end: float) -> float:
        """Return the chance of still being there at the end, of one that is there at the start."""
        return max(1.0 - sum(self.chance(outcome, start, end) for outcome in self.outcomes), 0.0)

    def quantile(self, share: float) -> float | None:
        """
        Return the time by which a share has left, whatever the outcome; None if the record is too short to tell.

        The median is `quantile(0.5)`. Subjects that are still there count as long as they were watched; the mean of
        those that have left would be too short.
        """
        for time in self.times:
            if self.survival(0.0, time) <= 1 - share:
                return time
        return None

    def present(self, time: float) -> int:
        """Return how many subjects were watched at a time, being there."""
        return bisect_right(self._entries, time) - bisect_right(self._exits, time)

    def exposure(self, time: float = 0.0) -> float:
        """Return for how long all subjects together were watched from a time on."""
        return _beyond(self._exits, self._exit_sums, time) - _beyond(self._entries, self._entry_sums, time)

    def happened(self, outcome: Hashable, time: float = 0.0) -> int:
        """Return how often an outcome came after a time."""
        if outcome not in self.outcomes:
            return 0
        counts = self._happened[self.outcomes.index(outcome)]
        return counts[-1] - counts[bisect_right(self.times, time)]


def aalen_johansen(
    durations: Iterable[float], outcomes: Iterable[Hashable], entries: Iterable[float] | None = None
) -> Curves:
    """
    Return the chances of competing outcomes by time.

    >>> curves = aalen_johansen([1, 2, 3, 4], ["won", "lost", "won", None])
    >>> [round(curves.chance("won", 0, time), 3) for time in (1, 2, 3)]
    [0.25, 0.25, 0.5]
    >>> round(curves.chance("won", 2, 3), 3), curves.quantile(0.5)
    (0.5, 2)

    Linear in the subjects but for sorting them.

    Args:
        durations: When each subject left or was last watched.
        outcomes: Why each left; None: it was still there (censored).
        entries: When watching each began, before its duration; None: at 0 for all.

    Raises:
        InvalidError: If lengths differ, a time is no finite number, or an entry is not before its duration.
    """
    ends, given = to_tuple(durations), to_tuple(outcomes)
    starts = to_tuple(0.0 for _ in ends) if entries is None and isinstance(ends, tuple) else to_tuple(entries or ())
    check("aalen_johansen", *_problems(ends, given, starts))
    kinds = tuple(dict.fromkeys(outcome for outcome in given if outcome is not None))
    at: dict[float, Counter[Hashable]] = {}
    for end, outcome in zip(ends, given, strict=True):
        if outcome is not None:
            at.setdefault(end, Counter())[outcome] += 1
    times = tuple(sorted(at))
    entered, left = tuple(sorted(starts)), tuple(sorted(ends))
    risk = tuple(bisect_left(entered, time) - bisect_left(left, time) for time in times)
    before, chances, after, emptied = [1.0], [(0.0,) * len(kinds)], [], []
    for place, time in enumerate(times):
        there, so_far, many = before[-1], chances[-1], at[time]
        so_far = tuple(had + there * many[kind] / risk[place] for had, kind in zip(so_far, kinds, strict=True))
        after.append(so_far)
        gone = many.total()
        if gone == risk[place]:
            emptied.append(place)
            there, so_far = 1.0, (0.0,) * len(kinds)
        else:
            there *= 1 - gone / risk[place]
        before.append(there)
        chances.append(so_far)
    return Curves(
        times,
        kinds,
        risk,
        len(ends),
        tuple(before),
        tuple(chances),
        tuple(after),
        tuple(emptied),
        tuple(tuple(accumulate((at[time][kind] for time in times), initial=0)) for kind in kinds),
        entered,
        left,
        tuple(accumulate(entered, initial=0.0)),
        tuple(accumulate(left, initial=0.0)),
    )


def _beyond(values: Sequence[float], sums: Sequence[float], limit: float) -> float:
    """Return the sum of what values exceed a limit by."""
    first = bisect_right(values, limit)
    return sums[-1] - sums[first] - (len(values) - first) * limit


def _problems(ends: Any, outcomes: Any, starts: Any) -> list[Problem | None]:  # noqa: ANN401 - what a caller may pass
    named = {"durations": ends, "outcomes": outcomes, "entries": starts}
    wrong: list[Problem | None] = [
        Problem(name, f"must be one per subject, got {values!r}", is_type=True)
        for name, values in named.items()
        if not isinstance(values, tuple)
    ]
    if wrong:
        return wrong
    if len({len(ends), len(outcomes), len(starts)}) > 1:
        lengths = ", ".join(f"{len(values)} {name}" for name, values in named.items())
        return [Problem("", f"must have one of each per subject, got {lengths}")]
    wrong = [finite(f"durations[{place}]", value) for place, value in enumerate(ends)]
    wrong += [finite(f"entries[{place}]", value) for place, value in enumerate(starts)]
    if not any(wrong):
        wrong = [
            Problem(f"entries[{place}]", f"must be before its duration, {end!r}, got {start!r}")
            for place, (start, end) in enumerate(zip(starts, ends, strict=True))
            if start >= end
        ]
    return wrong
