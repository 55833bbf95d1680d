"""Duties as rows of routing's database: a projection, filled in the transaction that records the events.

Ids, codes and times only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
from google.protobuf.message import Message

from concern_relay.v1.shares_pb2 import DutyDone, DutyHandedOver, DutyOverdue, DutyStarted
from services.chassis.event import Fact

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS duty (
    duty_id uuid PRIMARY KEY,
    concern_id uuid NOT NULL,
    agency_id text NOT NULL,
    code text NOT NULL,
    clock_code text NOT NULL,
    due timestamptz NOT NULL,
    counts_from timestamptz NOT NULL,
    arrangement_sha256 text NOT NULL,
    follows_duty_id text NOT NULL,
    personal boolean NOT NULL,
    test boolean NOT NULL,
    overdue boolean NOT NULL DEFAULT false,
    late boolean NOT NULL DEFAULT false,
    done_at timestamptz
);
ALTER TABLE duty ADD COLUMN IF NOT EXISTS urgency smallint NOT NULL DEFAULT 0;
CREATE INDEX IF NOT EXISTS duty_agency ON duty (agency_id, test, due);
CREATE INDEX IF NOT EXISTS duty_open ON duty (test, due) WHERE done_at IS NULL;
"""
_STARTED: Final = """
INSERT INTO duty (duty_id, concern_id, agency_id, code, clock_code, due, counts_from, arrangement_sha256,
    follows_duty_id, personal, test, urgency)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING
"""


async def project(connection: asyncpg.Connection[Any], effects: Sequence[Fact]) -> None:
    """Write what events mean for duties, in their order."""
    for effect in effects:
        if isinstance(effect.data, DutyStarted | DutyDone | DutyOverdue | DutyHandedOver):
            sql, values = _change(effect.data, effect.recorded)
            await connection.execute(sql, UUID(effect.data.duty_id), *values)


def _change(data: Message, at: datetime) -> tuple[str, tuple[Any, ...]]:
    match data:
        case DutyDone():
            return "UPDATE duty SET done_at = $2, late = $3 WHERE duty_id = $1", (at, data.late)
        case DutyHandedOver():
            return "UPDATE duty SET agency_id = $2 WHERE duty_id = $1", (data.agency_id,)
        case DutyStarted():
            times = (data.due_at.ToDatetime(tzinfo=UTC), data.counts_from.ToDatetime(tzinfo=UTC))
            codes = (data.agency_id, data.duty_code, data.clock_code)
            rest = (data.arrangement_sha256, data.follows_duty_id, data.personal, data.test, int(data.urgency))
            return _STARTED, (UUID(data.concern_id), *codes, *times, *rest)
        case _:
            return "UPDATE duty SET overdue = true WHERE duty_id = $1", ()
