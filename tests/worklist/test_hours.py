"""Business hours: claims about working time, on ordinary days, over weekends, and where clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import InvalidError
from leadflow.worklist import BusinessHours

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = BusinessHours.on_weekdays(time(9), time(17), tz=BERLIN, days_off=[date(2026, 4, 6)])

instants = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
    datetime(2026, 12, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
spans = st.timedeltas(timedelta(0), timedelta(days=30))


def berlin(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN)  # type: ignore[arg-type,misc]


def test_a_weekend_and_a_holiday_do_not_count() -> None:
    """From Thursday afternoon before Easter over the Monday off to Tuesday: one hour, Friday, one hour."""
    assert OFFICE.between(berlin(2026, 4, 2, 16), berlin(2026, 4, 7, 10)) == timedelta(hours=10)
    assert OFFICE.after(berlin(2026, 4, 2, 16), timedelta(hours=10)) == berlin(2026, 4, 7, 10)


def test_an_opening_over_a_change_of_clocks_is_as_long_as_it_is() -> None:
    """In Berlin 29 March 2026 has 23 hours and 25 October has 25, also for an office that never closes."""
    nights = BusinessHours({"sunday": (time(0), time(0))}, BERLIN)
    assert nights.between(berlin(2026, 3, 29), berlin(2026, 3, 30)) == timedelta(hours=23)
    assert nights.between(berlin(2026, 10, 25), berlin(2026, 10, 26)) == timedelta(hours=25)
    assert BusinessHours.ALWAYS.between(berlin(2026, 3, 29), berlin(2026, 3, 30)) == timedelta(hours=23)


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    """From half past two in summer time to ten past two in winter time it is forty minutes; the clock went back."""
    start, end = berlin(2026, 10, 25, 2, 30), berlin(2026, 10, 25, 2, 10).replace(fold=1)
    for office in (BusinessHours.ALWAYS, BusinessHours({"sunday": (time(0), time(0))}, BERLIN)):
        assert office.between(start, end) == timedelta(minutes=40)
        assert office.after(start, timedelta(minutes=40)).astimezone(UTC) == end.astimezone(UTC)


def test_nothing_is_due_at_once_only_while_somebody_is_there() -> None:
    """No working time at all is over at the start in office hours, and when the office opens next outside of them."""
    assert OFFICE.after(berlin(2026, 3, 2, 12), timedelta(0)) == berlin(2026, 3, 2, 12)
    assert OFFICE.after(berlin(2026, 3, 1, 12), timedelta(0)) == berlin(2026, 3, 2, 9)


def test_the_end_of_the_day_belongs_to_the_opening() -> None:
    """A working time that fills the day ends with it, not when the next one begins."""
    assert OFFICE.after(berlin(2026, 3, 2, 9), timedelta(hours=8)) == berlin(2026, 3, 2, 17)


def test_today_is_a_matter_of_the_office() -> None:
    """Half past eleven at night in London is tomorrow in Berlin."""
    assert OFFICE.day_of(datetime(2026, 3, 1, 23, 30, tzinfo=UTC)) == date(2026, 3, 2)


@given(start=instants, working=st.timedeltas(timedelta(seconds=1), timedelta(days=10)))
def test_after_and_between_are_inverse(start: datetime, working: timedelta) -> None:
    """The working time between a start and its deadline is the working time given."""
    assert OFFICE.between(start, OFFICE.after(start, working)) == working


@given(start=instants, one=spans, two=spans)
def test_working_time_adds_up(start: datetime, one: timedelta, two: timedelta) -> None:
    """What lies between two instants is what lies up to any instant between them and from there on."""
    middle, end = start + one, start + one + two
    assert OFFICE.between(start, middle) + OFFICE.between(middle, end) == OFFICE.between(start, end)
    assert OFFICE.between(start, end) <= one + two


@given(start=instants, span=spans)
def test_always_counts_every_minute(start: datetime, span: timedelta) -> None:
    """For an office that never closes working time is time; and nothing lies between an end and its start."""
    assert BusinessHours.ALWAYS.between(start, start + span) == span
    assert BusinessHours.ALWAYS.after(start, span) == start + span
    assert BusinessHours.ALWAYS.between(start + span, start) == timedelta(0)


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ({"week": {}}, {"week"}),
        ({"week": "nine to five"}, {"week"}),
        (
            {"week": {"someday": (time(9), time(17)), "monday": (time(17), time(9))}},
            {"week['someday']", "week['monday']"},
        ),
        ({"week": {"monday": time(9)}}, {"week['monday']"}),
        ({"week": {"monday": (time(9, tzinfo=UTC), time(17))}}, {"week['monday']"}),
        ({"tz": "Europe/Berlin", "days_off": ["2026-04-06"]}, {"tz", "days_off[0]"}),
        ({"days_off": 3}, {"days_off"}),
    ],
)
def test_hours_that_make_no_sense_are_refused(given: dict[str, Any], paths: set[str]) -> None:
    """Every weekday, time and date that is wrong is named at once."""
    with pytest.raises(InvalidError) as refused:
        BusinessHours(**{"week": {"monday": (time(9), time(17))}, **given})
    assert {problem.path for problem in refused.value.problems} == paths


def test_questions_that_make_no_sense_are_refused() -> None:
    """Naive times, negative working time, and working time that never comes are errors."""
    naive = datetime(2026, 3, 2)  # noqa: DTZ001 - that is what is wrong
    with pytest.raises(InvalidError, match=r"start.*end"):
        OFFICE.between(naive, "soon")  # type: ignore[arg-type]
    with pytest.raises(InvalidError, match="working must not be negative"):
        OFFICE.after(berlin(2026, 3, 2), -timedelta(1))
    with pytest.raises(InvalidError, match="must be a timedelta"):
        OFFICE.after(berlin(2026, 3, 2), 8)  # type: ignore[arg-type]
    with pytest.raises(InvalidError, match="instant"):
        OFFICE.day_of(naive)
    mondays = [date(2026, 3, 2) + timedelta(weeks=week) for week in range(200)]
    closed = BusinessHours({"monday": (time(9), time(17))}, UTC, frozenset(mondays))
    with pytest.raises(InvalidError, match="must leave 1:00:00 of working time"):
        closed.after(datetime(2026, 3, 1, tzinfo=UTC), timedelta(hours=1))
