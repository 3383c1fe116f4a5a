"""Fiscal calendars: periods tile the line, in every time zone."""

import copy
import pickle
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.calendar import FiscalCalendar, Period, PeriodKind
from leadflow.errors import InvalidError, InvalidTypeError

NEW_YORK = ZoneInfo("America/New_York")
# With daylight saving at 2:00 (New York, Berlin), at midnight forwards (Sao Paulo until 2018, Cairo, Beirut), to
# midnight backwards (Havana), over midnight backwards (St John's until 2011), by half an hour (Lord Howe), with a day
# left out (Apia 2011), and without any.
ZONES = [
    "America/New_York",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Asia/Beirut",
    "America/Havana",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kolkata",
    "Pacific/Kiritimati",
    "UTC",
]
NAIVE = datetime(2026, 3, 1)  # noqa: DTZ001  # what the library has to refuse
CALENDARS = st.builds(FiscalCalendar, st.sampled_from(ZONES).map(ZoneInfo), st.integers(1, 12))
INSTANTS = st.timedeltas(timedelta(0), timedelta(days=62 * 365)).map(lambda age: datetime(1975, 1, 1, tzinfo=UTC) + age)
DAYS = st.dates(date(1975, 1, 1), date(2037, 1, 1))
KINDS = st.sampled_from(["month", "quarter", "year"])


def of(calendar, kind, moment):
    """Return the period of a kind around a moment."""
    return getattr(calendar, f"{kind}_of")(moment)


class TestTheDayIsLocal:
    """A day is where the books are kept."""

    def test_a_win_late_on_the_last_day_counts_there(self):
        """23:30 in New York on 31 March is March in New York, although April in London."""
        books = FiscalCalendar(NEW_YORK)
        win = datetime(2026, 3, 31, 23, 30, tzinfo=NEW_YORK)
        for instant in (win, win.astimezone(UTC), win.astimezone(ZoneInfo("Asia/Tokyo"))):
            assert books.day_of(instant) == date(2026, 3, 31)
            assert instant in books.month(2026, 3)
            assert instant not in books.month(2026, 4)
            assert books.quarter_of(instant) == books.quarter(2026, 1)
        assert FiscalCalendar(UTC).month_of(win).label == "2026-04"

    @given(CALENDARS, INSTANTS)
    def test_it_is_what_the_wall_calendar_says(self, calendar, instant):
        """Where clocks do not go back over midnight, the day is that of the local date."""
        if calendar.tz != ZoneInfo("America/St_Johns"):
            assert calendar.day_of(instant) == instant.astimezone(calendar.tz).date()

    @given(CALENDARS, INSTANTS, st.timedeltas(timedelta(0), timedelta(days=400)))
    def test_days_do_not_run_backwards(self, calendar, instant, step):
        """A later instant never has an earlier day."""
        assert calendar.day_of(instant) <= calendar.day_of(instant + step)

    def test_clocks_that_go_back_over_midnight_do_not_cut_a_day_in_two(self):
        """In St John's on 2009-11-01 at 00:01 the wall said 23:01 of October again; November had begun all the same."""
        books = FiscalCalendar(ZoneInfo("America/St_Johns"))
        first_midnight = datetime(2009, 11, 1, 2, 30, tzinfo=UTC)
        again_october = first_midnight + timedelta(minutes=30)
        assert again_october.astimezone(books.tz).date() == date(2009, 10, 31)
        assert books.day_of(again_october) == date(2009, 11, 1)
        # Across zones, Python calls no time in a repeated hour equal to any other (PEP 495).
        assert books.month(2009, 11).start.astimezone(UTC) == first_midnight
        assert books.day_of(first_midnight - timedelta(microseconds=1)) == date(2009, 10, 31)

    def test_a_gap_over_midnight_leaves_the_day_before_whole(self):
        """Toronto sprang from 23:30 to 00:30 in 1919: the new day starts where its midnight would have been."""
        books = FiscalCalendar(ZoneInfo("America/Toronto"))
        sprang = datetime(1919, 3, 31, 4, 30, tzinfo=UTC)
        assert sprang.astimezone(books.tz).date() == date(1919, 3, 31)
        start = books.period(date(1919, 3, 31), date(1919, 3, 31)).start
        assert books.day_of(start) == date(1919, 3, 31)
        assert books.day_of(start - timedelta(microseconds=1)) == date(1919, 3, 30)

    def test_a_day_left_out_is_empty(self):
        """Samoa had no 30 December 2011."""
        day = FiscalCalendar(ZoneInfo("Pacific/Apia")).period(date(2011, 12, 30), date(2011, 12, 30))
        assert day.start == day.end
        assert day.start not in day
        assert day.start in day.next()

    def test_a_day_without_midnight_starts_after_the_gap(self):
        """Sao Paulo sprang from 00:00 to 01:00 on 2018-11-04."""
        day = FiscalCalendar(ZoneInfo("America/Sao_Paulo")).period(date(2018, 11, 4), date(2018, 11, 4))
        assert day.start.isoformat() == "2018-11-04T01:00:00-02:00"
        assert day.end.astimezone(UTC) - day.start.astimezone(UTC) == timedelta(hours=23)

    def test_a_repeated_midnight_starts_the_day_once(self):
        """Havana fell from 01:00 to 00:00 on 2025-11-02: a day of 25 hours."""
        day = FiscalCalendar(ZoneInfo("America/Havana")).period(date(2025, 11, 2), date(2025, 11, 2))
        assert day.end.astimezone(UTC) - day.start.astimezone(UTC) == timedelta(hours=25)


class TestTiling:
    """Periods tile the line: no gap, no overlap."""

    @given(CALENDARS, KINDS, DAYS)
    def test_each_starts_where_the_one_before_ends(self, calendar, kind, day):
        """Neighbours share a bound, and know each other."""
        period = of(calendar, kind, day)
        assert period.end == period.next().start
        assert period.start == period.previous().end
        assert period.next().previous() == period.previous().next() == period
        assert period.next().first_day - period.last_day == timedelta(days=1)
        assert period.previous() < period < period.next()

    @given(CALENDARS, KINDS, INSTANTS)
    def test_every_instant_is_in_exactly_one(self, calendar, kind, instant):
        """In its own and in neither neighbour; its day agrees."""
        period = of(calendar, kind, instant)
        assert instant in period
        assert instant not in period.next()
        assert instant not in period.previous()
        assert calendar.day_of(instant) in period

    @given(CALENDARS, KINDS, DAYS)
    def test_bounds_are_half_open(self, calendar, kind, day):
        """The start belongs to it, the end to the next; both are aware, in the calendar's zone."""
        period = of(calendar, kind, day)
        assert period.start in period
        assert period.end not in period
        assert period.end in period.next()
        assert period.start.tzinfo == period.end.tzinfo == calendar.tz
        assert calendar.day_of(period.start) == period.first_day
        assert calendar.day_of(period.end.astimezone(UTC) - timedelta(microseconds=1)) == period.last_day

    @given(CALENDARS, DAYS)
    def test_months_make_quarters_make_years(self, calendar, day):
        """Twelve months are the year, and so are four quarters."""
        year = calendar.year_of(day)
        quarters = [calendar.quarter(year.last_day.year, number) for number in (1, 2, 3, 4)]
        assert [month for quarter in quarters for month in quarter.months()] == list(year.months())
        assert len(year.months()) == 12
        assert (quarters[0].start, quarters[-1].end) == (year.start, year.end)
        assert calendar.month_of(day).months() == (calendar.month_of(day),)
        assert day in year

    @given(CALENDARS, DAYS, st.integers(0, 500))
    def test_months_of_any_run_of_days_are_the_run(self, calendar, first_day, more):
        """Pieces at both ends, whole months between."""
        run = calendar.period(first_day, first_day + timedelta(days=more))
        pieces = run.months()
        assert (pieces[0].first_day, pieces[-1].last_day) == (run.first_day, run.last_day)
        assert all(left.end == right.start for left, right in pairwise(pieces))
        assert sum(piece.days for piece in pieces) == run.days == more + 1
        assert all(piece.kind is PeriodKind.MONTH for piece in pieces[1:-1])

    @given(CALENDARS, DAYS, st.integers(0, 100))
    def test_custom_periods_have_neighbours_as_long(self, calendar, first_day, more):
        """Next and previous of a run of days have as many days."""
        run = calendar.period(first_day, first_day + timedelta(days=more))
        assert run.next().previous() == run.previous().next() == run
        assert run.next().days == run.previous().days == run.days
        assert run.next().first_day == run.last_day + timedelta(days=1)


class TestFiscalYears:
    """A fiscal year is named by the calendar year in which it ends."""

    @pytest.mark.parametrize(
        ("first_month", "first_day", "last_day"),
        [
            (1, date(2026, 1, 1), date(2026, 12, 31)),
            (2, date(2025, 2, 1), date(2026, 1, 31)),
            (4, date(2025, 4, 1), date(2026, 3, 31)),
            (12, date(2025, 12, 1), date(2026, 11, 30)),
        ],
    )
    def test_years(self, first_month, first_day, last_day):
        """FY2026 for several first months."""
        year = FiscalCalendar(UTC, first_month).year(2026)
        assert (year.first_day, year.last_day, year.label) == (first_day, last_day, "FY2026")
        assert year.next().label == "FY2027"

    def test_quarters(self):
        """Quarters count from the first month and carry the year's name; the year's end is where the label changes."""
        books = FiscalCalendar(UTC, first_month=10)
        assert [books.quarter(2026, number).first_day for number in (1, 2, 3, 4)] == [
            date(2025, 10, 1),
            date(2026, 1, 1),
            date(2026, 4, 1),
            date(2026, 7, 1),
        ]
        assert books.quarter(2026, 4).label == "FY2026 Q4"
        assert books.quarter(2026, 4).next().label == "FY2027 Q1"

    @given(CALENDARS, st.integers(1990, 2030), st.integers(1, 4))
    def test_looking_up_and_naming_agree(self, calendar, year, number):
        """A quarter is the quarter of each of its bounds, and its label says its numbers."""
        quarter = calendar.quarter(year, number)
        assert calendar.quarter_of(quarter.first_day) == calendar.quarter_of(quarter.last_day) == quarter
        assert str(quarter) == f"FY{year} Q{number}"
        assert calendar.year_of(quarter.last_day) == calendar.year(year)

    def test_months_are_those_of_the_wall_calendar(self):
        """A month has its usual name, whatever the fiscal year; leap days are counted."""
        month = FiscalCalendar(UTC, first_month=7).month(2028, 2)
        assert (month.label, month.days, month.last_day) == ("2028-02", 29, date(2028, 2, 29))

    def test_custom_periods_are_named_by_their_days(self):
        """Any run of days."""
        assert str(FiscalCalendar(UTC).period(date(2026, 3, 5), date(2026, 3, 18))) == "2026-03-05..2026-03-18"


class TestValue:
    """Calendars and periods are values."""

    def test_equal_hashable_ordered(self):
        """By what they are, not by identity."""
        books = FiscalCalendar(NEW_YORK, 4)
        assert books == FiscalCalendar(ZoneInfo("America/New_York"), first_month=4)
        assert len({books.month(2026, 3), books.month_of(date(2026, 3, 9)), books.month(2026, 4)}) == 2
        assert sorted([books.month(2026, 4), books.month(2026, 3)]) == [books.month(2026, 3), books.month(2026, 4)]
        assert books.month(2026, 3) <= books.month(2026, 3)
        assert books.quarter(2026, 1) != books.period(books.quarter(2026, 1).first_day, books.quarter(2026, 1).last_day)
        assert FiscalCalendar(UTC).month(2026, 3) != FiscalCalendar(NEW_YORK).month(2026, 3)

    def test_order_needs_periods(self):
        """A period and a date have no order."""
        with pytest.raises(TypeError):
            FiscalCalendar(UTC).month(2026, 3) < date(2026, 3, 1)  # noqa: B015

    def test_pickle_and_copies(self):
        """Also after use."""
        quarter = FiscalCalendar(NEW_YORK).quarter(2026, 1)
        start = quarter.start
        for other in (pickle.loads(pickle.dumps(quarter)), copy.copy(quarter), copy.deepcopy(quarter)):
            assert other == quarter
            assert other.start == start

    def test_repr_shows_the_bounds(self):
        """What a log needs."""
        assert repr(FiscalCalendar(NEW_YORK).month(2026, 3)) == (
            "<Period 2026-03, 2026-03-01T00:00:00-05:00 to 2026-04-01T00:00:00-04:00>"
        )


class Pytz(tzinfo):
    """Stand-in for a pytz zone, which has to be attached by its own `localize`."""

    def localize(self, moment):
        raise NotImplementedError

    def utcoffset(self, moment):
        return None


class TestChecks:
    """What has no day, or is no period, is refused."""

    @pytest.mark.parametrize("tz", ["UTC", None, 1])
    def test_a_zone_is_a_tzinfo(self, tz):
        """The name of a zone is not a zone; the message shows one."""
        with pytest.raises(InvalidTypeError, match=r"tz must be a tzinfo such as .*ZoneInfo\('Europe/Berlin'\)"):
            FiscalCalendar(tz)

    def test_pytz_zones_are_refused(self):
        """Put into a datetime they mean local mean time, minutes off; the message says what to use."""
        with pytest.raises(InvalidError, match=r"must be a zoneinfo\.ZoneInfo rather than a pytz zone"):
            FiscalCalendar(Pytz())

    @pytest.mark.parametrize("month", [0, 13, 1.0, True, "4"])
    def test_first_month_is_a_month(self, month):
        """1 to 12."""
        with pytest.raises(InvalidError, match="first_month must be"):
            FiscalCalendar(UTC, month)

    @pytest.mark.parametrize(
        "act",
        [
            lambda books: books.month(2026, 13),
            lambda books: books.month(2026, 0),
            lambda books: books.month("2026", 1),
            lambda books: books.quarter(2026, 5),
            lambda books: books.year(1),
            lambda books: books.year(9999),
            lambda books: books.month_of(NAIVE),
            lambda books: books.month_of("2026-03-01"),
            lambda books: books.month_of(date(9999, 12, 31)),
            lambda books: books.month_of(date(1, 1, 1)),
            lambda books: books.day_of(NAIVE),
            lambda books: books.day_of(date(2026, 3, 1)),
            lambda books: books.period(date(2026, 3, 2), date(2026, 3, 1)),
            lambda books: books.period(datetime(2026, 3, 1, tzinfo=UTC), date(2026, 3, 1)),
            lambda books: books.period(date(1, 1, 1), date(2026, 3, 1)),
            lambda books: books.month(2026, 3).contains(NAIVE),
            lambda books: books.month(2026, 3).contains("2026-03-01"),
            lambda books: None in books.month(2026, 3),
        ],
    )
    def test_wrong_arguments_are_refused(self, act):
        """Naive datetimes, days that are none, numbers out of range."""
        with pytest.raises(InvalidError, match="must"):
            act(FiscalCalendar(NEW_YORK))

    def test_all_problems_at_once(self):
        """Every wrong field is named."""
        with pytest.raises(InvalidTypeError) as caught:
            Period(calendar=None, kind="week", first_day="2026-01-01", last_day=None)
        assert [problem.path for problem in caught.value.problems] == ["calendar", "kind", "first_day", "last_day"]
        with pytest.raises(InvalidTypeError, match=r"tz must.*first_month must"):
            FiscalCalendar("UTC", 13)

    def test_a_period_is_of_its_kind(self):
        """Half a month is no month, three months from February no quarter."""
        books = FiscalCalendar(UTC)
        with pytest.raises(
            InvalidError,
            match=r"must be the first and last day of a month in .*; for any run of days use calendar\.period",
        ):
            Period(calendar=books, kind="month", first_day=date(2026, 3, 1), last_day=date(2026, 3, 15))
        with pytest.raises(InvalidError, match="of a quarter"):
            Period(calendar=books, kind="quarter", first_day=date(2026, 2, 1), last_day=date(2026, 4, 30))
        month = Period(calendar=books, kind="month", first_day=date(2026, 3, 1), last_day=date(2026, 3, 31))
        assert month == books.month(2026, 3)

    def test_the_ends_of_time(self):
        """Sentinel dates can be asked about; instants that fall off the calendar are our error."""
        month = FiscalCalendar(ZoneInfo("Pacific/Kiritimati")).month(2026, 3)
        assert date.max not in month
        assert date.min not in month
        assert datetime.max.replace(tzinfo=UTC) not in month
        assert datetime.min.replace(tzinfo=timezone(timedelta(hours=14))) not in month
        for moment in (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))):
            with pytest.raises(InvalidError, match="year must be"):
                month.calendar.day_of(moment)
        last = FiscalCalendar(UTC).year(9998)
        assert last.end == datetime(9999, 1, 1, tzinfo=UTC)
        with pytest.raises(InvalidError, match="year must be at most 9998"):
            last.next()
        with pytest.raises(InvalidError, match="has no neighbour of its length"):
            FiscalCalendar(UTC).period(date(2, 1, 1), date(9998, 1, 1)).next()
        assert FiscalCalendar(UTC).day_of(datetime(9999, 6, 1, tzinfo=UTC)) == date(9999, 6, 1)
