"""
Business hours: how much working time lies between two instants, and when a working time is over.

Theory. A week is a table of openings, each a weekday with a first and a last wall-clock time in one time zone; days off
are dates. An opening is turned into two instants of its own day, so a day on which clocks change is as long as it is,
and the rest is arithmetic on instants. Outside of all openings the clock of a service level stands still.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from types import MappingProxyType
from typing import Any, ClassVar, Final

from attrs import field, frozen

from leadflow.errors import Problem
from leadflow.validation import aware, check, day, each, instance, invalid, to_instant, to_set

__all__ = ["WEEKDAYS", "BusinessHours"]

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""The days of a week, as `BusinessHours` names them, in order."""

_MIDNIGHT: Final = time()
_ONE_DAY: Final = timedelta(days=1)
# A week table without an opening is refused, but days off may close everything: after so long nothing will open again.
_HORIZON: Final = timedelta(days=3 * 366)

_Opening = tuple[time, time]


def _week(value: Mapping[str, _Opening]) -> Mapping[str, _Opening]:
    given: Any = value
    return MappingProxyType(dict(given)) if isinstance(given, Mapping) else given


def _days(values: Iterable[date]) -> frozenset[date]:
    given: Any = values
    return to_set(given)  # type: ignore[return-value]  # a set of whatever was given; the check looks at each


@frozen(hash=False)
class BusinessHours:
    """
    When somebody is there to answer.

    >>> office = BusinessHours.on_weekdays(time(9), time(17), tz=UTC)
    >>> friday = datetime(2026, 3, 6, 16, tzinfo=UTC)
    >>> office.after(friday, timedelta(hours=2)).isoformat()
    '2026-03-09T10:00:00+00:00'
    >>> office.between(friday, friday + timedelta(days=3))
    datetime.timedelta(seconds=28800)

    Attributes:
        week: From weekday (``monday`` ...) to a pair of wall-clock times: open from the first up to the second, which
            may be ``time(0)`` for the end of the day. A weekday that is not there is closed.
        tz: Where the clock on the wall is.
        days_off: Dates on which nobody is there.

    Raises:
        InvalidError: Naming every weekday, time and date that is wrong, or that there is no opening at all.
    """

    ALWAYS: ClassVar["BusinessHours"]

    week: Mapping[str, _Opening] = field(converter=_week)
    tz: tzinfo = UTC
    days_off: frozenset[date] = field(default=frozenset(), converter=_days)

    def __attrs_post_init__(self) -> None:
        check(
            "BusinessHours",
            *self._week_problems(),
            instance("tz", self.tz, tzinfo, "a tzinfo such as datetime.UTC or zoneinfo.ZoneInfo('Europe/Berlin')"),
            *each("days_off", self.days_off, day),
        )

    def _week_problems(self) -> Iterator[Problem | None]:
        given: object = self.week
        if not isinstance(given, Mapping):
            yield instance("week", given, Mapping, "a mapping from weekdays to pairs of times")
            return
        if not self.week:
            yield Problem(
                "week", "must have at least one opening, got {}; leave service levels out where nobody answers"
            )
        for name, opening in self.week.items():
            path = f"week[{name!r}]"
            if name not in WEEKDAYS:
                yield Problem(path, f"must be one of {', '.join(WEEKDAYS)}, got {name!r}")
            if not (isinstance(opening, tuple) and len(opening) == 2 and all(map(_is_plain, opening))):  # noqa: PLR2004
                yield Problem(path, f"must be a pair of times without a time zone, got {opening!r}", is_type=True)
            elif opening[1] != _MIDNIGHT and opening[0] >= opening[1]:
                yield Problem(path, f"must open before it closes, got {opening[0]} and {opening[1]}")

    @classmethod
    def on_weekdays(
        cls, opens: time, closes: time, *, tz: tzinfo, days_off: Iterable[date] = frozenset()
    ) -> "BusinessHours":
        """Return the same hours from Monday to Friday."""
        return cls(dict.fromkeys(WEEKDAYS[:5], (opens, closes)), tz, _days(days_off))

    def day_of(self, instant: datetime) -> date:
        """Return the day that an instant is on, there."""
        check("BusinessHours.day_of", aware("instant", instant))
        return instant.astimezone(self.tz).date()

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the working time from one instant to another; nothing when the second is not after the first."""
        check("BusinessHours.between", aware("start", start), aware("end", end))
        # As instants: Python compares and subtracts two times of one zone by their wall clocks.
        start, end = to_instant(start), to_instant(end)
        if end <= start:
            return timedelta(0)
        if self is BusinessHours.ALWAYS:
            return end - start
        counted = timedelta(0)
        for opens, closes in self._openings(start, end):
            counted += max(timedelta(0), min(closes, end) - max(opens, start))
        return counted

    def after(self, start: datetime, working: timedelta) -> datetime:
        """
        Return the instant at which so much working time has gone by since `start`.

        Raises:
            InvalidError: If an argument is wrong, or days off leave less working time than that in three years.
        """
        check(
            "BusinessHours.after",
            aware("start", start),
            instance("working", working, timedelta, "a timedelta")
            or (None if working >= timedelta(0) else Problem("working", f"must not be negative, got {working!r}")),
        )
        if self is BusinessHours.ALWAYS:
            return to_instant(start) + working
        left = working
        for opens, closes in self._openings(start, start + _HORIZON):
            begin = max(opens, start.astimezone(UTC))
            if begin + left <= closes:
                return (begin + left).astimezone(self.tz)
            left -= max(timedelta(0), closes - begin)
        raise invalid(
            "BusinessHours.after", Problem("days_off", f"must leave {working} of working time in three years")
        )

    def _openings(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the openings that touch a stretch of time, in order, as instants in UTC."""
        on, last = start.astimezone(self.tz).date(), end.astimezone(self.tz).date()
        while on <= last:
            opening = self.week.get(WEEKDAYS[on.weekday()])
            if opening is not None and on not in self.days_off:
                closing = on + _ONE_DAY if opening[1] == _MIDNIGHT else on
                opens, closes = self._at(on, opening[0]), self._at(closing, opening[1])
                if closes > start:
                    yield opens, closes
            on += _ONE_DAY

    def _at(self, on: date, clock: time) -> datetime:
        return datetime.combine(on, clock, self.tz).astimezone(UTC)


def _is_plain(value: object) -> bool:
    return isinstance(value, time) and value.tzinfo is None


BusinessHours.ALWAYS = BusinessHours(dict.fromkeys(WEEKDAYS, (_MIDNIGHT, _MIDNIGHT)))
