"""Dates as much as is known: 2018, 2018-05, 2018-05-02, or a time on a day. Never guessed from other forms.

02/05/2018 is the second of May in one system and the fifth of February in another; it is kept as written and flagged.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
YEAR_MIN, YEAR_MAX = 1900, 2100
SKEW_MAX = timedelta(minutes=5)
"""How far ahead a sender's clock may be before its time is not taken for the time of the event."""

_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Day:
    """A date as far as it is known.

    Attributes:
        first: the first day it can be.
        last: the last day it can be.
        text: in ISO 8601, as precise as it was given.
        moment: the instant, where a time was given; London time unless it said otherwise.
    """

    first: date
    last: date
    text: str
    moment: datetime | None = None

    @property
    def exact(self) -> bool:
        """Whether the day is known."""
        return self.first == self.last

    @property
    def likely(self) -> bool:
        """Whether the year is one that this system can be about."""
        return self.first.year >= YEAR_MIN and self.last.year <= YEAR_MAX

    def disagrees(self, other: Day) -> bool:
        """Whether both cannot be the same day."""
        return self.last < other.first or other.last < self.first


def read_day(text: str) -> Day | None:
    """Read a date, or give None: then a person reads it."""
    text = text.strip()
    if found := _PARTIAL.fullmatch(text):
        return _partial(text, *(int(group) if group else None for group in found.groups()))
    if _MOMENT.match(text):
        return _moment(text)
    return None


def _partial(text: str, year: int | None, month: int | None, day: int | None) -> Day | None:
    assert year is not None
    try:
        first = date(year, month or 1, day or 1)
    except ValueError:
        return None
    last_month = month or 12
    last = first if day else date(year, last_month, calendar.monthrange(year, last_month)[1])
    return Day(first, last, text)


def _moment(text: str) -> Day | None:
    try:
        read = datetime.fromisoformat(text)
        moment = (read if read.tzinfo else read.replace(tzinfo=LONDON)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return Day(read.date(), read.date(), text.replace(" ", "T", 1), moment)


def happened_at(text: str, now: datetime) -> datetime | None:
    """Give the instant an event is said to have happened, or None where no day is known or it has not come yet.

    A day without a time counts from its start in London: an event is never said to be later than it was.
    """
    day = read_day(text)
    if day is None or not day.exact or not day.likely:
        return None
    moment = day.moment or datetime.combine(day.first, time(), LONDON).astimezone(UTC)
    return min(moment, now) if moment <= now + SKEW_MAX else None
