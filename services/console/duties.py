"""What the page of duties shows: what agencies have to do by a time, how long there is, and what asks for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from services.chassis.calendar import LONDON

SOON: Final = timedelta(hours=24)
_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shown:
    """A duty as a row of the page.

    Attributes:
        title: its code in words.
        due: by when, in London.
        left: how long there is, or how long it is overdue, in words.
        pill: bad, wait or empty: overdue, due within a day, later.
    """

    concern_id: str
    agency_id: str
    title: str
    due: str
    left: str
    pill: str
    cite: str
    personal: bool


@dataclass(frozen=True, slots=True)
class Duties:
    """All of them, the earliest first.

    Attributes:
        away: routing does not answer; nothing is known.
        more: there are more than are shown.
    """

    rows: tuple[Shown, ...] = ()
    overdue: int = 0
    soon: int = 0
    away: bool = False
    more: bool = False


def duties_shown(listed: Iterable[Mapping[str, Any]], as_of: str, limit: int) -> Duties:
    """Lay out what routing lists.

    Args:
        listed: open duties as ``GET /v1/duties`` gives them.
        as_of: the moment of that list, ISO 8601.
        limit: how many were asked for.
    """
    now = datetime.fromisoformat(as_of)
    rows = tuple(_shown(one, now) for one in listed)
    return Duties(
        rows, sum(r.pill == "bad" for r in rows), sum(r.pill == "wait" for r in rows), more=len(rows) >= limit
    )


def _shown(duty: Mapping[str, Any], now: datetime) -> Shown:
    due = datetime.fromisoformat(duty["due"])
    left = due - now
    return Shown(
        concern_id=duty["concern_id"],
        agency_id=duty["agency_id"],
        title=str(duty["duty"]).replace("_", " "),
        due=f"{due.astimezone(LONDON):%a %d %b %Y %H:%M}",
        left=f"{span(left)} left" if left >= timedelta(0) else f"overdue by {span(-left)}",
        pill="bad" if left < timedelta(0) else "wait" if left <= SOON else "",
        cite=duty["cite"],
        personal=duty["personal"],
    )


def span(long: timedelta) -> str:
    """Say how long, in the two largest units that matter."""
    if long < _HOUR:
        return f"{long // _MINUTE} min"
    if long < _DAY:
        return f"{long // _HOUR} h {long % _HOUR // _MINUTE} min"
    return f"{long // _DAY} d {long % _DAY // _HOUR} h"
