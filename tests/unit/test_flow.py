"""The flow view's figures: right whatever the order, bounded, counted once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest

from services.console.flow import Flow

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAMES = UUID(int=1)


def headers(name: str, at: datetime, concern: str = "c-1") -> dict[str, bytes]:
    """Give the headers of an event."""
    return {
        "ce_id": str(uuid5(NAMES, f"{name}{at}{concern}")).encode(),
        "ce_type": f"concern_relay.v1.{name}".encode(),
        "ce_correlationid": concern.encode(),
        "ce_recordedtime": at.isoformat().encode(),
    }


RAISED = headers("ConcernRaised", NOON)
ASSESSED = headers("BasisAssessed", NOON + timedelta(milliseconds=20))
DELIVERED = headers("ShareDelivered", NOON + timedelta(milliseconds=50))
ACKNOWLEDGED = headers("ShareAcknowledged", NOON + timedelta(seconds=60))


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 0, 3, 2)])
def test_a_leg_is_measured_in_whatever_order_the_topics_are_read(order: tuple[int, ...]) -> None:
    """Given a concern's records in any order, each leg has its duration once."""
    flow, records = Flow(), (RAISED, ASSESSED, DELIVERED, ACKNOWLEDGED)
    for number in order:
        flow.take(records[number], NOON)

    legs = flow.figures(NOON)["legs_ms"]

    assert {leg: found["p50"] for leg, found in legs.items()} == {
        "raised_to_assessed": 20.0,
        "raised_to_delivered": 50.0,
        "raised_to_acknowledged": 60_000.0,
    }


def test_a_record_sent_twice_counts_once() -> None:
    """A duplicate record is no second concern."""
    flow = Flow()
    flow.take(RAISED, NOON)
    flow.take(RAISED, NOON)

    assert flow.figures(NOON)["counts"] == {"ConcernRaised": 1}


def test_what_was_delivered_and_not_acknowledged_is_counted_with_its_age() -> None:
    """Given a delivered share, it waits until somebody acknowledges."""
    flow = Flow()
    flow.take(RAISED, NOON)
    flow.take(DELIVERED, NOON)
    waiting = flow.figures(NOON + timedelta(seconds=10, milliseconds=50))
    flow.take(ACKNOWLEDGED, NOON)

    assert (waiting["unacknowledged"], waiting["oldest_unacknowledged_s"]) == (1, 10.0)
    assert flow.figures(NOON)["unacknowledged"] == 0


def test_a_record_without_the_headers_of_an_event_raises() -> None:
    """The caller counts it as unreadable; nothing is guessed."""
    with pytest.raises(KeyError):
        Flow().take({"ce_id": b"x"}, NOON)
