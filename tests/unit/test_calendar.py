"""Clocks of the field: which moment a deadline is, in Europe/London, whatever the calendar does."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.calendar import (
    AMOUNT_MAX,
    LONDON,
    SCHOOL_DAY_STARTS,
    Clock,
    ClockRule,
    Starts,
    due,
    earliest,
    is_working_day,
)

MOMENTS = st.datetimes(datetime(2018, 5, 25), datetime(2035, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  (the strategy adds it)
CLOCKS = st.builds(
    Clock,
    code=st.just("c"),
    rule=st.sampled_from(ClockRule),
    amount=st.integers(1, 60),
    starts=st.sampled_from(Starts),
    cite=st.just("for the test"),
    at=st.sampled_from([time(8, 0), time(17, 0), time(23, 59)]),
)


def clock(rule: ClockRule, amount: int = 1, at: time = time(17, 0)) -> Clock:
    """A clock of a rule."""
    return Clock("test", rule, amount, Starts.DELIVERED, "for the test", at)


def london(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A local moment."""
    return datetime(year, month, day, hour, minute, tzinfo=LONDON)


@pytest.mark.parametrize(
    ("received", "days", "ends"),
    [
        (london(2026, 12, 24, 16, 30), 1, london(2026, 12, 29, 17)),  # S26: Christmas, Boxing Day's substitute
        (london(2026, 11, 23, 10), 1, london(2026, 11, 24, 17)),  # S01
        (london(2026, 11, 27, 22), 1, london(2026, 11, 30, 17)),  # S29: Friday night
        (london(2026, 11, 28, 3), 1, london(2026, 11, 30, 17)),  # Saturday counts from Monday
        (london(2026, 11, 23, 9), 15, london(2026, 12, 14, 17)),  # S31: conference within 15 working days
        (london(2026, 11, 25, 9), 5, london(2026, 12, 2, 17)),  # S33: placement notice
        (london(2026, 11, 23, 9), 7, london(2026, 12, 2, 17)),  # S37: private fostering visit
        (london(2026, 12, 31, 12), 1, london(2027, 1, 4, 17)),  # New Year's Day is a Friday
        (london(2024, 3, 28, 12), 1, london(2024, 4, 2, 17)),  # Good Friday, Easter Monday
        (london(2022, 9, 16, 12), 1, london(2022, 9, 20, 17)),  # the state funeral was a bank holiday
        (london(2020, 5, 7, 12), 1, london(2020, 5, 11, 17)),  # early May holiday moved to a Friday
        (london(2026, 11, 23, 23, 59), 1, london(2026, 11, 24, 17)),  # the day of receipt never counts
    ],
)
def test_working_days_count_from_the_day_after_receipt(received: datetime, days: int, ends: datetime) -> None:
    """Day one is the first working day after receipt; the deadline is the end of the last one."""
    assert due(clock(ClockRule.WORKING_DAYS, days), received) == ends


@pytest.mark.parametrize(
    ("begins", "hours", "ends"),
    [
        (london(2026, 11, 27, 22), 4, london(2026, 11, 28, 2)),
        (datetime(2026, 3, 29, 0, 30, tzinfo=UTC), 4, datetime(2026, 3, 29, 4, 30, tzinfo=UTC)),  # clocks go forward
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), 4, datetime(2026, 10, 25, 4, 30, tzinfo=UTC)),  # clocks go back
        (london(2026, 12, 24, 23), 72, london(2026, 12, 27, 23)),
    ],
)
def test_hours_run_around_the_clock(begins: datetime, hours: int, ends: datetime) -> None:
    """An hour is an hour, at night, on holidays and across the change of the clocks."""
    assert due(clock(ClockRule.HOURS, hours), begins) == ends


def test_four_hours_across_the_spring_change_read_as_five_on_the_wall() -> None:
    """At half past midnight on the night the clocks go forward, four hours end at half past five local time."""
    ends = due(clock(ClockRule.HOURS, 4), london(2026, 3, 29, 0, 30))

    assert ends.astimezone(LONDON).time() == time(5, 30)


@pytest.mark.parametrize(
    ("raised", "ends"),
    [
        (london(2026, 11, 27, 22), london(2026, 11, 30, 8)),  # S24: Friday night, before school on Monday
        (london(2026, 11, 30, 2), london(2026, 11, 30, 8)),  # the same night: the bell has not rung
        (london(2026, 11, 30, 8), london(2026, 12, 1, 8)),  # at the bell it is too late for today
        (london(2026, 12, 24, 20), london(2026, 12, 29, 8)),  # without term dates: next weekday that is no holiday
        (london(2026, 3, 27, 20), london(2026, 3, 30, 8)),  # across the change of the clocks: 07:00 UTC
    ],
)
def test_a_notice_is_there_before_the_next_school_day(raised: datetime, ends: datetime) -> None:
    """Before the start of the next school day, at eight in the morning local time."""
    assert due(clock(ClockRule.SCHOOL_DAY, at=SCHOOL_DAY_STARTS), raised) == ends


def test_term_dates_move_the_next_school_day() -> None:
    """Where term dates are published, holidays are skipped; past their end weekdays count again."""
    terms = frozenset({date(2026, 11, 23), date(2027, 1, 5)})
    rule = clock(ClockRule.SCHOOL_DAY, at=SCHOOL_DAY_STARTS)

    assert due(rule, london(2026, 12, 18, 20), terms) == london(2027, 1, 5, 8)
    assert due(rule, london(2027, 2, 5, 20), terms) == london(2027, 2, 8, 8)


def test_calendar_days_end_at_the_local_time_of_day() -> None:
    """Five days after 24 October end at five in the afternoon, winter time by then."""
    assert due(clock(ClockRule.CALENDAR_DAYS, 5), london(2026, 10, 23, 12)) == datetime(2026, 10, 28, 17, tzinfo=UTC)


def test_a_start_without_time_zone_is_refused() -> None:
    """A moment without a zone is no moment."""
    with pytest.raises(ValueError, match="time zone"):
        due(clock(ClockRule.HOURS), datetime(2026, 11, 23, 10, 0))  # noqa: DTZ001


def test_a_clock_that_finds_no_day_says_so() -> None:
    """A clock longer than ten years of working days is a mistake in the data, not an endless loop."""
    with pytest.raises(ValueError, match="correct the clock"):
        due(clock(ClockRule.WORKING_DAYS, 10 * AMOUNT_MAX), london(2026, 1, 1))


def test_the_earliest_of_several_clocks_ends_first() -> None:
    """An urgent share runs both its rule's clock and the hour clock; the first to end counts."""
    slow, fast = clock(ClockRule.WORKING_DAYS), clock(ClockRule.HOURS, 4)

    assert earliest([slow, fast], london(2026, 11, 23, 10)) == (fast, london(2026, 11, 23, 14))


@pytest.mark.parametrize("year", range(2018, 2036))
def test_every_year_has_its_working_days(year: int) -> None:
    """Exhaustive: no weekend is a working day, and a year has eight to ten bank holidays on weekdays."""
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    weekdays = [day for day in days if day.weekday() < 5]

    assert not any(is_working_day(day) for day in days if day.weekday() >= 5)
    assert 7 <= sum(not is_working_day(day) for day in weekdays) <= 10
    assert not is_working_day(date(year, 12, 25))


@given(CLOCKS, MOMENTS)
def test_no_deadline_is_before_its_start(rule: Clock, begins: datetime) -> None:
    """Whatever the rule and the moment, a clock ends after it begins."""
    assert due(rule, begins) > begins


@given(CLOCKS, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_clocks_never_run_backwards(rule: Clock, begins: datetime, later: timedelta) -> None:
    """What begins later never ends earlier."""
    assert due(rule, begins + later) >= due(rule, begins)


@given(CLOCKS, MOMENTS)
def test_more_of_a_clock_never_ends_earlier(rule: Clock, begins: datetime) -> None:
    """One more day, hour or minute never brings the deadline forward."""
    longer = Clock(rule.code, rule.rule, rule.amount + 1, rule.starts, rule.cite, rule.at)

    assert due(longer, begins) >= due(rule, begins)


@given(CLOCKS, MOMENTS, st.sampled_from(["Europe/London", "America/New_York", "Asia/Tokyo"]))
def test_the_zone_a_moment_is_written_in_does_not_matter(rule: Clock, begins: datetime, zone: str) -> None:
    """The same moment gives the same deadline, in whatever zone it was written down."""
    assert due(rule, begins.astimezone(ZoneInfo(zone))) == due(rule, begins)


@given(st.integers(1, 30), MOMENTS)
def test_working_days_end_on_working_days(days: int, begins: datetime) -> None:
    """A deadline in working days falls on a working day at five, with exactly that many in between."""
    ends = due(clock(ClockRule.WORKING_DAYS, days), begins).astimezone(LONDON)
    first = begins.astimezone(LONDON).date()
    between = [first + timedelta(days=n) for n in range(1, (ends.date() - first).days + 1)]

    assert ends.time() == time(17, 0)
    assert sum(is_working_day(day) for day in between) == days
