"""Tables of the webhooks, in routing's database: endpoints that agencies registered, messages still to be sent.

A message is made in the transaction that records what it tells of, for every enabled endpoint of the agency that asked
for its type; it is removed when it was taken, and parked when it was tried for a day. No content, sealed or clear.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import Channel
from concern_relay.v1.shares_pb2 import (
    AcknowledgementOverdue,
    AttachmentOffered,
    DutyHandedOver,
    DutyOverdue,
    DutyStarted,
    ShareDelivered,
    SharePlanned,
    ShareRecalled,
)
from services.chassis.event import Fact
from services.routing.webhooks.message import (
    DUTY_OVERDUE,
    DUTY_STARTED,
    FILE_READY,
    SHARE_OVERDUE,
    SHARE_READY,
    SHARE_RECALLED,
    message_id,
)
from services.routing.webhooks.schedule import hand_on_after

# webhook_endpoint: secrets are sealed under routing's local key. failures, failing_since and resting_until count what
# went wrong with the endpoint as a whole; one that answers has none of them.
# webhook_message: settles says that its answer decides whether the share is delivered (channel webhook).
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS webhook_endpoint (
    endpoint_id uuid PRIMARY KEY,
    agency_id text NOT NULL,
    url text NOT NULL,
    event_types text[] NOT NULL,
    test boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'enabled', 'disabled')),
    reason text NOT NULL DEFAULT '',
    secret bytea NOT NULL,
    former_secret bytea,
    former_until timestamptz,
    registered_by text NOT NULL,
    registered_at timestamptz NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    resting_until timestamptz,
    last_reason text NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS webhook_of_agency ON webhook_endpoint (agency_id, state);
CREATE TABLE IF NOT EXISTS webhook_message (
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoint ON DELETE CASCADE,
    message_id text NOT NULL,
    type text NOT NULL,
    share_id uuid NOT NULL,
    concern_id uuid NOT NULL,
    agency_id text NOT NULL,
    urgency smallint NOT NULL,
    test boolean NOT NULL,
    settles boolean NOT NULL,
    happened_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    leased_until timestamptz,
    parked_at timestamptz,
    PRIMARY KEY (endpoint_id, message_id)
);
ALTER TABLE webhook_message ADD COLUMN IF NOT EXISTS duty_id uuid;
ALTER TABLE webhook_message ALTER COLUMN share_id DROP NOT NULL;
CREATE INDEX IF NOT EXISTS webhook_due ON webhook_message (endpoint_id, urgency DESC, next_at) WHERE parked_at IS NULL;
CREATE INDEX IF NOT EXISTS webhook_of_share ON webhook_message (share_id);
"""

_ENQUEUE: Final = """
INSERT INTO webhook_message (endpoint_id, message_id, type, share_id, concern_id, agency_id, urgency, test, settles,
    happened_at, next_at)
SELECT endpoint.endpoint_id, told.message_id, told.type, share.share_id, share.concern_id, share.agency_id,
    share.urgency, share.test, told.settles, told.at, told.at
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::boolean[], $5::timestamptz[])
        AS told (share_id, message_id, type, settles, at)
    JOIN share USING (share_id)
    JOIN webhook_endpoint AS endpoint USING (agency_id, test)
WHERE endpoint.state = 'enabled' AND told.type = ANY(endpoint.event_types)
ON CONFLICT DO NOTHING
"""

# A duty is not brought: what is told of it settles nothing.
_ENQUEUE_DUTIES: Final = """
INSERT INTO webhook_message (endpoint_id, message_id, type, duty_id, concern_id, agency_id, urgency, test, settles,
    happened_at, next_at)
SELECT endpoint.endpoint_id, told.message_id, told.type, duty.duty_id, duty.concern_id, duty.agency_id, duty.urgency,
    duty.test, false, told.at, told.at
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) AS told (duty_id, message_id, type, at)
    JOIN duty USING (duty_id)
    JOIN webhook_endpoint AS endpoint USING (agency_id, test)
WHERE endpoint.state = 'enabled' AND told.type = ANY(endpoint.event_types)
ON CONFLICT DO NOTHING
"""

# The share's own job waits beside its message: if no endpoint takes it in time, the next channel does. Without an
# endpoint it goes on at once.
_WAIT: Final = """
UPDATE delivery_job SET next_at = $2 WHERE share_id = $1 AND EXISTS (
    SELECT FROM webhook_message WHERE webhook_message.share_id = $1 AND settles
)
"""


async def enqueue(connection: asyncpg.Connection[Any], effects: Sequence[Fact]) -> bool:
    """Make the messages that events lead to, in the transaction that records them; say whether there are any.

    The rows of the shares and duties must be there.
    """
    of_duties = await _enqueue_duties(connection, effects)
    told = [(type_name, fact) for fact in effects if (type_name := _type_of(fact.data))]
    if not told:
        return of_duties
    waits = [_waits(fact.data) for _, fact in told]
    await connection.execute(
        _ENQUEUE,
        [UUID(_share_id(fact)) for _, fact in told],
        [message_id(type_name, str(fact.id), _share_id(fact)) for type_name, fact in told],
        [type_name for type_name, _ in told],
        [wait is not None for wait in waits],
        [fact.recorded for _, fact in told],
    )
    until = [(UUID(_share_id(f)), f.recorded + wait) for (_, f), wait in zip(told, waits, strict=True) if wait]
    if until:
        await connection.executemany(_WAIT, until)
    return True


async def _enqueue_duties(connection: asyncpg.Connection[Any], effects: Sequence[Fact]) -> bool:
    """Tell whose duty it is, or becomes, and that it was not done in time."""
    told: list[tuple[UUID, str, str, datetime]] = []
    for fact in effects:
        data = fact.data
        if isinstance(data, DutyStarted | DutyHandedOver | DutyOverdue):
            type_name = DUTY_OVERDUE if isinstance(data, DutyOverdue) else DUTY_STARTED
            told.append((UUID(data.duty_id), message_id(type_name, str(fact.id)), type_name, fact.recorded))
    if told:
        await connection.execute(_ENQUEUE_DUTIES, *(list(column) for column in zip(*told, strict=True)))
    return bool(told)


def _share_id(fact: Fact) -> str:
    found: str = fact.data.share_id  # type: ignore[union-attr]
    return found


def _type_of(data: Message | None) -> str:
    match data:
        case SharePlanned() if _waits(data) is not None:
            return SHARE_READY
        case ShareDelivered() if data.channel == Channel.CHANNEL_INBOX:
            return SHARE_READY
        case ShareRecalled():
            return SHARE_RECALLED
        case AttachmentOffered():
            return FILE_READY
        case AcknowledgementOverdue():
            return SHARE_OVERDUE
        case _:
            return ""


def _waits(data: Message | None) -> timedelta | None:
    """Give how long a share waits for its webhook; None where another channel is first."""
    if isinstance(data, SharePlanned) and next(iter(data.channels), None) == Channel.CHANNEL_WEBHOOK:
        return hand_on_after(data.urgency)
    return None


LEASE_DUE: Final = """
UPDATE webhook_message AS message SET leased_until = $2, attempts = attempts + 1
FROM (
    SELECT due.* FROM webhook_endpoint AS endpoint CROSS JOIN LATERAL (
        SELECT endpoint_id, message_id, endpoint.url, endpoint.secret, endpoint.former_secret, endpoint.former_until,
            endpoint.failures
        FROM webhook_message AS one
        WHERE one.endpoint_id = endpoint.endpoint_id AND parked_at IS NULL AND next_at <= $1
            AND (leased_until IS NULL OR leased_until <= $1)
        ORDER BY urgency DESC, next_at LIMIT CASE WHEN endpoint.failures > 0 THEN 1 ELSE $3::integer END
        FOR UPDATE SKIP LOCKED
    ) AS due
    WHERE endpoint.state = 'enabled' AND (endpoint.resting_until IS NULL OR endpoint.resting_until <= $1)
        AND endpoint.endpoint_id <> ALL($4::uuid[])
) AS due
WHERE message.endpoint_id = due.endpoint_id AND message.message_id = due.message_id
RETURNING message.*, due.url, due.secret, due.former_secret, due.former_until, due.failures,
    (SELECT planned_event_id FROM share WHERE share.share_id = message.share_id) AS planned_event_id
"""

PARK_OLD: Final = """
UPDATE webhook_message SET parked_at = $1 WHERE parked_at IS NULL AND happened_at <= $2
    AND (leased_until IS NULL OR leased_until <= $1) RETURNING endpoint_id
"""

FAILED: Final = """
UPDATE webhook_endpoint SET failures = failures + 1, failing_since = coalesce(failing_since, $2), resting_until = $3,
    last_reason = $4 WHERE endpoint_id = $1
"""

ANSWERED: Final = """
UPDATE webhook_endpoint SET failures = 0, failing_since = NULL, resting_until = NULL, last_reason = ''
WHERE endpoint_id = $1 AND failures > 0
"""

# A share whose last endpoint is gone waits for nothing any more.
DISABLE: Final = """
WITH disabled AS (
    UPDATE webhook_endpoint SET state = 'disabled', reason = $2 WHERE endpoint_id = $1 RETURNING agency_id, test
), parked AS (
    UPDATE webhook_message SET parked_at = $3 WHERE endpoint_id = $1 AND parked_at IS NULL
)
UPDATE delivery_job SET next_at = $3 FROM disabled, share
WHERE delivery_job.channel = 'webhook' AND delivery_job.agency_id = disabled.agency_id
    AND share.share_id = delivery_job.share_id AND share.test = disabled.test
    AND NOT EXISTS (SELECT FROM webhook_endpoint AS other WHERE other.agency_id = disabled.agency_id
        AND other.test = disabled.test AND other.state = 'enabled' AND other.endpoint_id <> $1)
"""

# One row an agency and state: what stands still, for gauges and for the console.
STANDING: Final = """
SELECT endpoint.endpoint_id, endpoint.agency_id, endpoint.state, endpoint.reason, endpoint.last_reason,
    endpoint.failures, endpoint.failing_since, endpoint.test,
    count(message.message_id) FILTER (WHERE message.parked_at IS NULL) AS waiting,
    count(message.parked_at) AS parked
FROM webhook_endpoint AS endpoint LEFT JOIN webhook_message AS message USING (endpoint_id)
WHERE $1 = '' OR endpoint.agency_id = $1
GROUP BY endpoint.endpoint_id ORDER BY endpoint.agency_id, endpoint.registered_at LIMIT 1000
"""


def lease_arguments(now: datetime, lease: timedelta, each: int, busy: Sequence[UUID]) -> tuple[Any, ...]:
    """Give the arguments of ``LEASE_DUE``: so many of each endpoint, none of those that are busy."""
    return now, now + lease, each, list(busy)
