"""The page of duties: how long there is, in words and as a colour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.console.duties import Duties, duties_shown, span

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


def listed(due: datetime, **fields: Any) -> dict[str, Any]:
    """A duty as routing lists it."""
    return {
        "concern_id": "5f0c0d3e-8b1a-8f2e-9a61-0e3f6d1c2b7a",
        "agency_id": "kent-csc",
        "duty": "transfer_in_conference",
        "due": due.isoformat(),
        "cite": "Children who move",
        "personal": False,
        **fields,
    }


@pytest.mark.parametrize(
    ("after", "left", "pill"),
    [
        (timedelta(minutes=-1), "overdue by 1 min", "bad"),
        (timedelta(minutes=0), "0 min left", "wait"),
        (timedelta(hours=3, minutes=20), "3 h 20 min left", "wait"),
        (timedelta(days=2, hours=5, minutes=59), "2 d 5 h left", ""),
        (timedelta(days=-4, hours=-1), "overdue by 4 d 1 h", "bad"),
    ],
)
def test_how_long_there_is(after: timedelta, left: str, pill: str) -> None:
    """What is overdue is red, what is due within a day is amber."""
    [row] = duties_shown([listed(NOW + after)], NOW.isoformat(), 200).rows

    assert (row.left, row.pill) == (left, pill)


def test_times_are_londons() -> None:
    """In summer an hour after Greenwich's."""
    [row] = duties_shown([listed(datetime(2026, 7, 1, 16, tzinfo=UTC))], NOW.isoformat(), 200).rows

    assert row.due == "Wed 01 Jul 2026 17:00"
    assert row.title == "transfer in conference"


def test_what_is_counted() -> None:
    """Overdue and soon; a full page says that there may be more."""
    found = duties_shown([listed(NOW - timedelta(1)), listed(NOW + timedelta(hours=1))], NOW.isoformat(), 2)

    assert (found.overdue, found.soon, found.more) == (1, 1, True)
    assert Duties(away=True).rows == ()


def test_less_than_a_minute() -> None:
    """Is no minute."""
    assert span(timedelta(seconds=59)) == "0 min"
