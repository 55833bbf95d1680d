"""Changes of a transaction are written together, and those of one share in the order of its events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from google.protobuf.message import Message

from concern_relay.v1.shares_pb2 import OutcomeGiven, ShareAcknowledged, ShareRead
from services.chassis.event import Fact, FactKind
from services.routing.store import _grouped

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
A, B = str(UUID(int=1)), str(UUID(int=2))


def fact(data: Message) -> Fact:
    """Give the fact of an event of a share."""
    return Fact(FactKind.EVENT, UUID(int=9), data.DESCRIPTOR.name, str(UUID(int=3)), NOW, NOW, data)


def order_of(groups: list[tuple[str, list[tuple[Any, ...]]]], share_id: str) -> list[str]:
    """Give the statements that touch a share, in the order they are run."""
    return [sql for sql, rows in groups for row in rows if row[0] == UUID(share_id)]


def test_the_same_change_of_several_shares_is_one_statement() -> None:
    """Given two shares that were read, there is one statement with two rows."""
    ((_, rows),) = _grouped([fact(ShareRead(share_id=A)), fact(ShareRead(share_id=B))])

    assert [row[0] for row in rows] == [UUID(A), UUID(B)]


def test_changes_of_one_share_keep_their_order() -> None:
    """Given an outcome of one share before another is acknowledged and has its outcome, each ends as it should."""
    effects = [OutcomeGiven(share_id=A, outcome=1), ShareAcknowledged(share_id=B), OutcomeGiven(share_id=B, outcome=1)]
    groups = _grouped([fact(each) for each in effects])

    (of_a,) = order_of(groups, A)
    acknowledged, of_b = order_of(groups, B)
    assert of_a == of_b
    assert "acknowledged" in acknowledged
