"""
Fiscal calendars: which month, quarter and year an instant belongs to, where the books are kept.

Theory. A day is a matter of a time zone: a win at 23:30 in New York on 31 March is a win of March there, although it is
April in London. So a `Period` is days of one calendar, and its bounds are instants: from the first midnight of its
first day up to, not including, that of the day after its last. Each day starts where the one before ends, also where
clocks change at midnight, so periods tile the line: no gap, no overlap, every instant in exactly one day, month,
quarter and year. Bounds are compared in UTC, because Python compares two datetimes of one zone by their wall clocks.
Fiscal years are named by the calendar year in which they end: with `first_month=4`, FY2026 ends on 31 March 2026.
"""

from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import cached_property, total_ordering

from attrs import field, frozen

from leadflow.errors import Problem
from leadflow.validation import aware, check, coded, day, instance, invalid, member, whole

__all__ = ["FiscalCalendar", "Period", "PeriodKind"]

# Python's datetimes end with the years 1 and 9999; one year is left at each end for time zones.
_FIRST_YEAR = 2
_LAST_YEAR = 9998
_MONTHS = 12
_ONE_DAY = timedelta(days=1)


class PeriodKind(StrEnum):
    """What a period is in its calendar, and with that what comes next."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    CUSTOM = "custom"


_as_kind = member(PeriodKind)
_LENGTH = {PeriodKind.MONTH: 1, PeriodKind.QUARTER: 3, PeriodKind.YEAR: 12}


def _kind(value: PeriodKind | str) -> PeriodKind:
    return _as_kind(value)


@frozen
class FiscalCalendar:
    """
    A time zone and the month in which the fiscal year starts.

    Attributes:
        tz: Where the books are kept, e.g. ``ZoneInfo("America/New_York")`` or ``datetime.UTC``.
        first_month: First month of the fiscal year, 1 to 12.

    Raises:
        InvalidError: If `tz` is no tzinfo that works with plain datetimes, or the month is out of range.

    >>> from zoneinfo import ZoneInfo
    >>> books = FiscalCalendar(ZoneInfo("America/New_York"))
    >>> print(books.month_of(datetime(2026, 4, 1, 3, 30, tzinfo=UTC)))
    2026-03
    >>> print(FiscalCalendar(UTC, first_month=4).quarter_of(date(2026, 3, 31)))
    FY2026 Q4
    """

    tz: tzinfo
    first_month: int = 1

    def __attrs_post_init__(self) -> None:
        check("FiscalCalendar", _tz_problem("tz", self.tz), _within("first_month", self.first_month, 1, _MONTHS))

    def month(self, year: int, month: int) -> "Period":
        """Return a month, by calendar year and month 1 to 12, whatever the fiscal year."""
        check("FiscalCalendar.month", _year_problem("year", year), _within("month", month, 1, _MONTHS))
        return self._starting(PeriodKind.MONTH, date(year, month, 1))

    def quarter(self, year: int, quarter: int) -> "Period":
        """Return a quarter 1 to 4 of the fiscal year that ends in calendar year `year`."""
        check("FiscalCalendar.quarter", _year_problem("year", year), _within("quarter", quarter, 1, 4))
        return self._starting(PeriodKind.QUARTER, _months_on(self._year_start(year), 3 * (quarter - 1)))

    def year(self, year: int) -> "Period":
        """Return the fiscal year that ends in calendar year `year`."""
        check("FiscalCalendar.year", _year_problem("year", year))
        return self._starting(PeriodKind.YEAR, self._year_start(year))

    def period(self, first_day: date, last_day: date) -> "Period":
        """Return any run of days, both ends included."""
        return Period(calendar=self, kind=PeriodKind.CUSTOM, first_day=first_day, last_day=last_day)

    def month_of(self, moment: date | datetime) -> "Period":
        """Return the month of a day or an aware instant."""
        return self._holding(PeriodKind.MONTH, moment)

    def quarter_of(self, moment: date | datetime) -> "Period":
        """Return the fiscal quarter of a day or an aware instant."""
        return self._holding(PeriodKind.QUARTER, moment)

    def year_of(self, moment: date | datetime) -> "Period":
        """Return the fiscal year of a day or an aware instant."""
        return self._holding(PeriodKind.YEAR, moment)

    def day_of(self, instant: datetime) -> date:
        """
        Return the day on which an instant falls here.

        Raises:
            InvalidError: If the datetime is naive: its day is unknown.

        >>> FiscalCalendar(UTC).day_of(datetime.fromisoformat("2026-03-31T23:30:00-04:00"))
        datetime.date(2026, 4, 1)
        """
        check("FiscalCalendar.day_of", aware("instant", instant))
        try:
            moment = instant.astimezone(UTC)
            here = moment.astimezone(self.tz).date()
        except OverflowError:
            raise invalid("FiscalCalendar.day_of", _year_problem("instant.year", instant.year)) from None
        # Where clocks go back over midnight (23:59, 00:00, 23:01, ...) the wall shows yesterday again; the new day has
        # begun all the same, else it would come in two pieces.
        if _LAST_YEAR >= here.year >= _FIRST_YEAR:
            if moment >= self._midnight(here + _ONE_DAY):
                return here + _ONE_DAY
            if moment < self._midnight(here):
                return here - _ONE_DAY
        return here

    def _midnight(self, day: date) -> datetime:
        """Return in UTC where a day starts: the first of two midnights, the end of the gap where there is none."""
        return datetime(day.year, day.month, day.day, tzinfo=self.tz).astimezone(UTC)

    def _year_start(self, year: int) -> date:
        return date(year if self.first_month == 1 else year - 1, self.first_month, 1)

    def _start(self, kind: PeriodKind, day: date) -> date:
        """Return the first day of the month, quarter or year around a day."""
        return _months_on(day.replace(day=1), -((day.month - self.first_month) % _LENGTH[kind]))

    def _starting(self, kind: PeriodKind, first_day: date) -> "Period":
        last_day = _months_on(first_day, _LENGTH[kind]) - _ONE_DAY
        return Period(calendar=self, kind=kind, first_day=first_day, last_day=last_day)

    def _holding(self, kind: PeriodKind, moment: date | datetime) -> "Period":
        subject = f"FiscalCalendar.{kind}_of"
        check(subject, _moment_problem("moment", moment))
        on = self.day_of(moment) if isinstance(moment, datetime) else moment
        check(subject, _year_problem("year", on.year))
        return self._starting(kind, self._start(kind, on))


@total_ordering
@frozen(kw_only=True, repr=False)
class Period:
    """
    A run of days in a fiscal calendar; ordered by time. Made by `FiscalCalendar`.

    Attributes:
        calendar: Whose days they are.
        kind: Month, quarter, year, or custom.
        first_day: The first day.
        last_day: The last day, included.

    Raises:
        InvalidError: If the days are not in order, or are not a period of this kind.

    >>> quarter = FiscalCalendar(UTC).quarter(2026, 1)
    >>> print(quarter, quarter.first_day, quarter.last_day, quarter.next())
    FY2026 Q1 2026-01-01 2026-03-31 FY2026 Q2
    >>> date(2026, 3, 31) in quarter, quarter.end in quarter
    (True, False)
    """

    calendar: FiscalCalendar
    kind: PeriodKind = field(converter=_kind)
    first_day: date
    last_day: date

    def __attrs_post_init__(self) -> None:
        wrong = (
            instance("calendar", self.calendar, FiscalCalendar, "a FiscalCalendar"),
            coded("kind", self.kind, PeriodKind),
            _day_problem("first_day", self.first_day),
            _day_problem("last_day", self.last_day),
        )
        check("Period", *wrong)
        if self.first_day > self.last_day:
            check("Period", Problem("last_day", f"must not be before {self.first_day}, got {self.last_day}"))
        if self.kind is not PeriodKind.CUSTOM:
            first_day = self.calendar._start(self.kind, self.first_day)  # noqa: SLF001
            last_day = _months_on(first_day, _LENGTH[self.kind]) - _ONE_DAY
            if (first_day, last_day) != (self.first_day, self.last_day):
                rule = f"must be the first and last day of a {self.kind} in this calendar"
                got = f"got {self.first_day} and {self.last_day}; for any run of days use calendar.period(...)"
                check("Period", Problem("first_day and last_day", f"{rule}, {got}"))

    @property
    def start(self) -> datetime:
        """The first instant, in the calendar's time zone."""
        return self._bounds[0].astimezone(self.calendar.tz)

    @property
    def end(self) -> datetime:
        """The first instant after it, in the calendar's time zone."""
        return self._bounds[1].astimezone(self.calendar.tz)

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last_day - self.first_day).days + 1

    @property
    def label(self) -> str:
        """What people call it: ``2026-03``, ``FY2026 Q1``, ``FY2026``, ``2026-03-05..2026-03-18``."""
        if self.kind is PeriodKind.MONTH:
            return f"{self.first_day:%Y-%m}"
        if self.kind is PeriodKind.CUSTOM:
            return f"{self.first_day}..{self.last_day}"
        year = f"FY{_months_on(self.calendar._start(PeriodKind.YEAR, self.first_day), 11).year}"  # noqa: SLF001
        if self.kind is PeriodKind.YEAR:
            return year
        return f"{year} Q{(self.first_day.month - self.calendar.first_month) % _MONTHS // 3 + 1}"

    def contains(self, moment: date | datetime) -> bool:
        """
        Say whether a day or an aware instant lies in it; also written ``moment in period``.

        Raises:
            InvalidError: If it is a naive datetime, or neither a date nor a datetime.
        """
        if isinstance(moment, datetime):
            check("Period.contains", aware("moment", moment))
            start, end = self._bounds
            return start <= moment < end
        check("Period.contains", _moment_problem("moment", moment))
        return self.first_day <= moment <= self.last_day

    __contains__ = contains

    def next(self) -> "Period":
        """Return the one that starts where this ends; of a custom period, with as many days."""
        return self._beside(self.last_day + _ONE_DAY, self.days)

    def previous(self) -> "Period":
        """Return the one that ends where this starts; of a custom period, with as many days."""
        return self._beside(self.first_day - _ONE_DAY, -self.days)

    def months(self) -> tuple["Period", ...]:
        """
        Return its months in order, which together are this period.

        A custom period that starts or ends within a month has that piece as a custom period.

        >>> [str(month) for month in FiscalCalendar(UTC).period(date(2026, 1, 20), date(2026, 3, 31)).months()]
        ['2026-01-20..2026-01-31', '2026-02', '2026-03']
        """
        pieces = []
        first_day = self.first_day
        while first_day <= self.last_day:
            month = self.calendar.month_of(first_day)
            last_day = min(month.last_day, self.last_day)
            is_whole = (first_day, last_day) == (month.first_day, month.last_day)
            pieces.append(month if is_whole else self.calendar.period(first_day, last_day))
            first_day = last_day + _ONE_DAY
        return tuple(pieces)

    @cached_property
    def _bounds(self) -> tuple[datetime, datetime]:
        calendar = self.calendar
        return calendar._midnight(self.first_day), calendar._midnight(self.last_day + _ONE_DAY)  # noqa: SLF001

    def _beside(self, nearest: date, days: int) -> "Period":
        if self.kind is not PeriodKind.CUSTOM:
            return self.calendar._holding(self.kind, nearest)  # noqa: SLF001
        try:
            farthest = nearest + timedelta(days=days - (1 if days > 0 else -1))
        except OverflowError:
            raise invalid("Period", Problem("", "has no neighbour of its length in the years 2 to 9998")) from None
        return self.calendar.period(min(nearest, farthest), max(nearest, farthest))

    def __lt__(self, other: "Period") -> bool:
        if not isinstance(other, Period):
            return NotImplemented
        return (*self._bounds, self.label) < (*other._bounds, other.label)

    def __str__(self) -> str:
        return self.label

    def __repr__(self) -> str:
        return f"<Period {self.label}, {self.start.isoformat()} to {self.end.isoformat()}>"


def _months_on(first_day: date, months: int) -> date:
    count = first_day.year * _MONTHS + first_day.month - 1 + months
    return date(count // _MONTHS, count % _MONTHS + 1, 1)


def _within(path: str, value: object, least: int, most: int) -> Problem | None:
    problem = whole(path, value, least)
    if problem is None and isinstance(value, int) and value > most:
        problem = Problem(path, f"must be at most {most}, got {value!r}")
    return problem


def _year_problem(path: str, year: object) -> Problem | None:
    return _within(path, year, _FIRST_YEAR, _LAST_YEAR)


def _day_problem(path: str, value: object) -> Problem | None:
    return day(path, value) or (_year_problem(f"{path}.year", value.year) if isinstance(value, date) else None)


def _moment_problem(path: str, value: object) -> Problem | None:
    if isinstance(value, datetime):
        return aware(path, value)
    return instance(path, value, date, "a date or a timezone-aware datetime")


def _tz_problem(path: str, value: object) -> Problem | None:
    if not isinstance(value, tzinfo):
        return instance(path, value, tzinfo, "a tzinfo such as datetime.UTC or zoneinfo.ZoneInfo('Europe/Berlin')")
    # A pytz zone put into a datetime stands for the local mean time of about 1900, minutes off.
    if hasattr(value, "localize") and value.utcoffset(None) is None:
        return Problem(path, f"must be a zoneinfo.ZoneInfo rather than a pytz zone, got {value!r}")
    return None
