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
from math import inf
from typing import Any

from attrs import field, frozen

from leadflow.errors import Problem
from leadflow.validation import check, finite, probability, to_tuple, when

__all__ = ["Curves", "aalen_johansen"]


@frozen
class Curves:
    """
    The chances of each outcome by time, as `aalen_johansen` returns them.

    Attributes:
        times: When something happened, ascending.
        outcomes: What can happen: what was named as `possible`, then in the order in which it was first seen.
        at_risk: How many were at risk at each time.
        n: How many subjects there were; one with several records counts once.
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
    # Per subject, when it was last watched.
    _lasts: tuple[float, ...] = field(repr=False)

    def chance(self, outcome: Hashable, start: float, end: float) -> float | None:
        """
        Return the chance of an outcome in (start, end], of one that is there at the start; in [0, 1].

        None: nobody was watched after the start, so nothing is known. After the last one was watched nothing more is
        seen to happen: up to a late end the chance is that of what was seen.

        Raises:
            InvalidError: If the outcome is not one of `outcomes`, or a time is no number.
        """
        known = ", ".join(map(repr, self.outcomes)) or "none"
        check(
            "Curves.chance",
            when(outcome not in self.outcomes, "outcome", f"must be one of {known}, got {outcome!r}"),
            *_window_problems(start, end),
        )
        return self.gained(outcome, start, end) if self.watched(start) else None

    def gained(self, outcome: Hashable, start: float, end: float) -> float:
        """Return what `chance` does, unchecked: 0 for what was not seen, whether it was watched or not."""
        first, beyond = bisect_right(self.times, start), bisect_right(self.times, end)
        if outcome not in self.outcomes or first >= beyond:
            return 0.0
        place = self.outcomes.index(outcome)
        emptied = bisect_left(self._emptied, first)
        last = min(beyond - 1, self._emptied[emptied]) if emptied < len(self._emptied) else beyond - 1
        gained = self._after[last][place] - self._chances[first][place]
        return min(max(gained / self._before[first], 0.0), 1.0)

    def survival(self, start: float, end: float) -> float | None:
        """
        Return the chance of still being there at the end, of one that is there at the start; None as for `chance`.

        Raises:
            InvalidError: If a time is no number.
        """
        check("Curves.survival", *_window_problems(start, end))
        return self._stays(start, end) if self.watched(start) else None

    def _stays(self, start: float, end: float) -> float:
        return max(1.0 - sum(self.gained(outcome, start, end) for outcome in self.outcomes), 0.0)

    def quantile(self, share: float) -> float | None:
        """
        Return the time by which a share has left, whatever the outcome; None if the record is too short to tell.

        The median is `quantile(0.5)`. Subjects that are still there count as long as they were watched; the mean of
        those that have left would be too short.

        Raises:
            InvalidError: If the share is not in [0, 1].
        """
        check("Curves.quantile", probability("share", share))
        for time in self.times:
            if self._stays(0.0, time) <= 1 - share:
                return time
        return None

    def present(self, time: float) -> int:
        """Return how many subjects were watched at a time, being there."""
        return bisect_right(self._entries, time) - bisect_right(self._exits, time)

    def watched(self, time: float = 0.0) -> int:
        """Return how many subjects were watched at any time after a time; each counts once."""
        return len(self._lasts) - bisect_right(self._lasts, time)

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
    durations: Iterable[float],
    outcomes: Iterable[Hashable],
    entries: Iterable[float] | None = None,
    *,
    subjects: Iterable[Hashable] | None = None,
    possible: Iterable[Hashable] = (),
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
        entries: When watching each began, from 0 on and before its duration; None: at 0 for all.
        subjects: Whose record each is, where one may leave and come again; None: each is of another one.
        possible: Outcomes that may come, whether any was seen or not. An outcome that is neither has no chance to ask
            for.

    Raises:
        InvalidError: If lengths differ, a time is no finite number or below 0, or an entry is not before its duration.
    """
    ends, given = to_tuple(durations), to_tuple(outcomes)
    starts = to_tuple(0.0 for _ in ends) if entries is None and isinstance(ends, tuple) else to_tuple(entries or ())
    whose = to_tuple(range(len(ends))) if subjects is None and isinstance(ends, tuple) else to_tuple(subjects or ())
    check("aalen_johansen", *_problems(ends, given, starts, whose))
    kinds = tuple(dict.fromkeys(outcome for outcome in (*possible, *given) if outcome is not None))
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
    lasts: dict[Hashable, float] = {}
    for subject, end in zip(whose, ends, strict=True):
        lasts[subject] = max(end, lasts.get(subject, end))
    return Curves(
        times,
        kinds,
        risk,
        len(lasts),
        tuple(before),
        tuple(chances),
        tuple(after),
        tuple(emptied),
        tuple(tuple(accumulate((at[time][kind] for time in times), initial=0)) for kind in kinds),
        entered,
        left,
        tuple(accumulate(entered, initial=0.0)),
        tuple(accumulate(left, initial=0.0)),
        tuple(sorted(lasts.values())),
    )


def _beyond(values: Sequence[float], sums: Sequence[float], limit: float) -> float:
    """Return the sum of what values exceed a limit by."""
    first = bisect_right(values, limit)
    return sums[-1] - sums[first] - (len(values) - first) * limit


def _problems(ends: Any, outcomes: Any, starts: Any, whose: Any) -> list[Problem | None]:  # noqa: ANN401 - what a caller may pass
    named = {"durations": ends, "outcomes": outcomes, "entries": starts, "subjects": whose}
    wrong: list[Problem | None] = [
        Problem(name, f"must be one per subject, got {values!r}", is_type=True)
        for name, values in named.items()
        if not isinstance(values, tuple)
    ]
    if wrong:
        return wrong
    if len({len(values) for values in named.values()}) > 1:
        lengths = ", ".join(f"{len(values)} {name}" for name, values in named.items())
        return [Problem("", f"must have one of each per subject, got {lengths}")]
    late = [_time(f"durations[{place}]", value) for place, value in enumerate(ends)]
    early = [_time(f"entries[{place}]", value) for place, value in enumerate(starts)]
    for place, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if not late[place] and not early[place] and start >= end:
            early[place] = Problem(f"entries[{place}]", f"must be before its duration, {end!r}, got {start!r}")
    return [*late, *early]


def _time(path: str, value: Any) -> Problem | None:  # noqa: ANN401 - what a caller may pass
    wrong = finite(path, value)
    return Problem(path, f"must not be below 0, got {value!r}") if wrong is None and value < 0 else wrong


def _window_problems(start: Any, end: Any) -> list[Problem | None]:  # noqa: ANN401 - what a caller may pass
    return [finite("start", start), None if end == inf else finite("end", end)]
