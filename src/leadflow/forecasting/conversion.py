"""
From lead or prospect to a win: how often, and how long it takes.

Theory. Who has no deal yet may still bring one that is won inside the period. The chance is the share that is won in
the end, times the share of those wins that come in time. Somebody who has waited for some time is there because nothing
has come so far: at age a, P(won within h) = r (F(a + h) - F(a)) / (1 - r F(a)), with r the share won in the end and F
the distribution of the time from becoming a lead to the win. Rates and times come from the host's own counts, or from a
funnel (`leadflow.funnel.Funnel.conversion`).

Not to be trusted for those who have waited long: the formula takes whoever is still a lead to be as likely to win as
anybody of that age who has not won yet, those who were lost or have moved on included. At ages at which no win was ever
seen it says nothing, and a forecast lists such records instead of counting them.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from attrs import field, frozen

from leadflow.errors import Problem
from leadflow.forecasting.creation import lasting
from leadflow.forecasting.layout import in_days, percent
from leadflow.forecasting.models import Estimate
from leadflow.forecasting.plain import plain
from leadflow.validation import check, each, instance, probability, shown, to_tuple, whole

__all__ = ["Conversion"]

_NOTHING = timedelta(0)
# So many points of a curve are printed.
_SHOWN = 4


def _times(values: Iterable[tuple[timedelta, float]]) -> tuple[tuple[timedelta, float], ...]:
    given: Any = to_tuple(values)
    if not isinstance(given, tuple):
        return given  # type: ignore[no-any-return]  # refused by the check
    return tuple(tuple(map(plain, one)) if isinstance(one, list | tuple) else one for one in given)


def _number(value: float) -> float:
    return plain(value)  # type: ignore[no-any-return]  # what is no number is refused by the check


def _whole(value: int) -> int:
    return plain(value)  # type: ignore[no-any-return]  # the same


@frozen
class Conversion:
    """
    How often those of a level are won in the end, and how soon.

    >>> prospects = Conversion(0.2, [(timedelta(days=30), 0.25), (timedelta(days=120), 1.0)], n=310)
    >>> prospects.won(timedelta(days=30)).p, round(prospects.won(timedelta(days=30), age=timedelta(days=30)).p, 4)
    (0.05, 0.0526)

    Attributes:
        rate: The share that is won in the end, in [0, 1].
        times: Pairs of a time and the share of wins that have come by then, both ascending; straight lines between
            them, from nothing at once. Shares may end below 1: the rest takes longer than anybody has watched.
        n: How many leads or prospects were counted for it; 0: it is an assumption.

    Raises:
        InvalidError: With every figure that is wrong.
    """

    rate: float = field(converter=_number)
    times: tuple[tuple[timedelta, float], ...] = field(converter=_times)
    n: int = field(default=0, converter=_whole)

    def __attrs_post_init__(self) -> None:
        given: Any = self.times
        found = [probability("rate", self.rate), whole("n", self.n), *each("times", given, instance, tuple, _PAIR)]
        if isinstance(given, tuple):
            found += [_point_problem(f"times[{place}]", point) for place, point in enumerate(given)]
        if not any(found):
            points = [(_NOTHING, 0.0), *given]
            found += [
                Problem(f"times[{place}]", f"must come later and be no less than the one before, got {shown(point)}")
                for place, (before, point) in enumerate(zip(points, given, strict=False))
                if point[0] <= before[0] or point[1] < before[1]
            ]
            if not given:
                found.append(Problem("times", "must hold at least one pair of time and share"))
        check("Conversion", *found)

    def covers(self, age: timedelta) -> bool:
        """
        Say whether wins have been seen beyond an age; where none were, it knows nothing.

        >>> conversion = Conversion(0.2, [(timedelta(days=30), 1.0)])
        >>> conversion.covers(timedelta(days=29)), conversion.covers(timedelta(days=30))
        (True, False)
        """
        check("Conversion.covers", instance("age", age, timedelta, "a timedelta"))
        return self._share(age) < self.times[-1][1]

    def won(self, within: timedelta, *, age: timedelta = _NOTHING) -> Estimate:
        """
        Estimate the chance that somebody who is not won yet is won within a time.

        Args:
            within: From now.
            age: How long they have been a lead or prospect. Beyond the ages that it `covers` the chance is 0.
        """
        check("Conversion.won", lasting("within", within), lasting("age", age))
        past, soon = self._share(age), self._share(age + within)
        left = 1.0 - self.rate * past
        p = min(1.0, max(0.0, self.rate * (soon - past) / left)) if left > 0.0 else 0.0
        return Estimate(
            p, self.n, None, f"{percent(self.rate)} are won in the end, {percent(soon - past)} of them in time"
        )

    def __str__(self) -> str:
        # A curve has as many points as there were wins: some of them, and always the last.
        every = -(-len(self.times) // _SHOWN)
        some = self.times[::-1][::every][::-1]
        points = ", ".join(f"{percent(share)} within {in_days(time)}" for time, share in some)
        rests = f"{self.n:,} counted" if self.n else "assumed"
        return f"{percent(self.rate)} are won in the end ({rests}); of these {points}"

    def _share(self, time: timedelta) -> float:
        before, least = _NOTHING, 0.0
        for at, share in self.times:
            if time < at:
                return least + (share - least) * max((time - before) / (at - before), 0.0)
            before, least = at, share
        return least


_PAIR = "a pair of time and share"


def _point_problem(path: str, point: object) -> Problem | None:
    if not isinstance(point, tuple):
        return None  # said already
    if len(point) != 2:  # noqa: PLR2004
        return Problem(path, f"must be {_PAIR}, got {shown(point)}", is_type=True)
    return instance(f"{path}[0]", point[0], timedelta, "a timedelta") or probability(f"{path}[1]", point[1])
