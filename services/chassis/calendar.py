"""Clocks of the field: working days of England, hours around the clock, the next school day. Europe/London throughout.

Pure: a clock and a start give a moment, nothing looks at the time of day. Every clock says what starts it and where it
comes from, because a deadline nobody can explain is one nobody keeps.

A working day is not a Saturday, a Sunday, Christmas Day, Good Friday or a bank holiday of England. Counting begins
with the first working day *after* the day of receipt; the deadline is the end of that working day. Received on
Thursday 24 December 2026 at 16:30, one working day ends on Tuesday 29 December (scenario S26).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays

LONDON: Final = ZoneInfo("Europe/London")
SEARCH_DAYS_MAX: Final = 4000
"""Longest run of days looked through, about ten years; a clock that needs more is a mistake in the data."""

AMOUNT_MAX: Final = 1000
"""Largest number of days, hours or minutes a clock may have."""

WORKING_DAY_ENDS: Final = time(17, 0)
"""Unless the arrangement says otherwise: when people who could still act go home."""

DAY_ENDS: Final = time(23, 59)
"""The last minute of a day, for what has to be done the same day."""

SCHOOL_DAY_STARTS: Final = time(8, 0)
"""The notice has to be there before the gates open (Operation Encompass, statutory guidance 7 November 2025)."""


class ClockRule(StrEnum):
    """How a clock counts.

    ``HOURS`` and ``MINUTES`` are elapsed time: nights, weekends and the change of the clocks included.
    """

    WORKING_DAYS = "working_days"
    HOURS = "hours"
    MINUTES = "minutes"
    CALENDAR_DAYS = "calendar_days"
    MONTHS = "months"
    SCHOOL_DAY = "school_day"
    SCHOOL_DAYS = "school_days"
    SAME_DAY = "same_day"


class Starts(StrEnum):
    """What starts a clock, and which of an event's two times counts."""

    DELIVERED = "delivered"
    PLANNED = "planned"
    STAGE = "stage"
    RECEIVED = "received"
    HAPPENED = "happened"
    ASKED = "asked"
    AWARE = "aware"


@dataclass(frozen=True, slots=True)
class Clock:
    """A deadline as a rule.

    Attributes:
        code: stable code, as ``acknowledge_working_day``.
        rule: how it counts.
        amount: how many; for SCHOOL_DAY always 1.
        starts: the event that starts it.
        cite: law, guidance or local agreement behind it.
        at: local time of day at which the last day ends (days) or the deadline stands (SCHOOL_DAY).
    """

    code: str
    rule: ClockRule
    amount: int
    starts: Starts
    cite: str
    at: time = WORKING_DAY_ENDS


@cache
def _bank_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year))


def is_working_day(day: date) -> bool:
    """Say whether a day is a working day in England."""
    return day.weekday() < 5 and day not in _bank_holidays(day.year)


def _nth(start: date, number: int, wanted: Iterable[date] | None = None) -> date:
    """Give the ``number``-th working day (or day of ``wanted``) after ``start``."""
    days = frozenset(wanted) if wanted is not None else None
    day, left = start, number
    for _ in range(SEARCH_DAYS_MAX):
        day += timedelta(days=1)
        left -= (day in days) if days is not None else is_working_day(day)
        if left == 0:
            return day
    raise ValueError(
        f"no {number} days within {SEARCH_DAYS_MAX} days after {start}; correct the clock or the term dates"
    )


def _local(day: date, at: time) -> datetime:
    """Give a local wall-clock time as UTC. A time the change of the clocks skips is the moment of the change."""
    return datetime.combine(day, at, LONDON).astimezone(UTC)


def _months_later(start: datetime, months: int) -> datetime:
    """Give the same time of day on the corresponding day, or on the last day of a shorter month."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return start.replace(year=year, month=month + 1, day=min(start.day, monthrange(year, month + 1)[1]))


def due(clock: Clock, start: datetime, school_days: frozenset[date] = frozenset()) -> datetime:
    """Give the moment a clock runs out, UTC.

    Args:
        clock: the rule.
        start: aware moment of the event that ``clock.starts`` names.
        school_days: days on which the school is open, as far as published; without them, or past their end, the next
            weekday that is no bank holiday.

    Raises:
        ValueError: for a start without time zone.
    """
    if start.tzinfo is None:
        raise ValueError("a clock starts at an aware moment; give it a time zone")
    begun = start.astimezone(UTC)
    here = start.astimezone(LONDON)
    match clock.rule:
        case ClockRule.HOURS:
            return begun + timedelta(hours=clock.amount)
        case ClockRule.MINUTES:
            return begun + timedelta(minutes=clock.amount)
        case ClockRule.WORKING_DAYS:
            return _local(_nth(here.date(), clock.amount), clock.at)
        case ClockRule.CALENDAR_DAYS:
            return _local(here.date() + timedelta(days=clock.amount), clock.at)
        case ClockRule.MONTHS:
            return _months_later(here, clock.amount).astimezone(UTC)
        case ClockRule.SAME_DAY:
            return max(begun, _local(here.date(), DAY_ENDS))
        case ClockRule.SCHOOL_DAYS:
            later = frozenset(day for day in school_days if day > here.date())
            return _local(_nth(here.date(), clock.amount, later if len(later) >= clock.amount else None), clock.at)
        case ClockRule.SCHOOL_DAY:
            # A notice raised at 02:00 on a school day is for that same morning: the bell has not rung yet.
            first = here.date() if here.time() < clock.at else here.date() + timedelta(days=1)
            later = frozenset(day for day in school_days if day >= first)
            before = first - timedelta(days=1)
            return _local(_nth(before, 1, later or None), clock.at)


def earliest(clocks: Iterable[Clock], start: datetime) -> tuple[Clock, datetime]:
    """Give the clock that runs out first, with its moment; the first named wins a tie.

    Raises:
        ValueError: for no clock at all.
    """
    return min(((clock, due(clock, start)) for clock in clocks), key=lambda pair: pair[1])
