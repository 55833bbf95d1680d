"""Routing's own tables: where each share stands, and which deliveries are to be done. No content, sealed or clear.

The tables are a projection: filled in the transaction that records the events, and to be rebuilt from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import AgencyClass, Channel, ShareOutcome, Urgency
from concern_relay.v1.shares_pb2 import (
    AcknowledgementOverdue,
    DeliveryFailed,
    DeliveryOverdue,
    DispatchBlocked,
    FrontDoorAlarmed,
    OutcomeGiven,
    ShareAcknowledged,
    ShareDelivered,
    ShareEscalated,
    SharePlanned,
    ShareRead,
    ShareRedirected,
)
from services.chassis import database
from services.chassis.codes import word_of
from services.chassis.event import Fact
from services.routing import alarms, revocations
from services.routing.afterwards import tables as afterwards
from services.routing.by_hand import links
from services.routing.duties import tables as duties
from services.routing.webhooks import tables as webhooks

WAKE_CHANNEL: Final = "routing_delivery"
"""PostgreSQL notification that says: there is something to deliver."""

# share: one row a share, its furthest state (planned, delivered, read, acknowledged, outcome; blocked).
# delivery_job: what is still to be delivered. A worker leases a job; a lease that ran out is anybody's again. Jobs of
# the manual channel are never leased: they are the list of telephone calls to be made.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS share (
    share_id uuid PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    concern_id uuid NOT NULL,
    planned_event_id uuid NOT NULL,
    agency_id text NOT NULL,
    recipient_class text NOT NULL,
    sender_agency_id text NOT NULL,
    urgency smallint NOT NULL,
    emergency boolean NOT NULL,
    test boolean NOT NULL,
    rule_code text NOT NULL,
    clock_code text NOT NULL,
    arrangement_sha256 text NOT NULL,
    adds_to_share_id text NOT NULL,
    redirects_share_id text NOT NULL,
    meant_agency_id text NOT NULL,
    fallback_code text NOT NULL,
    withdrawn_part_ids text[] NOT NULL,
    state text NOT NULL DEFAULT 'planned'
        CHECK (state IN ('planned', 'delivered', 'read', 'acknowledged', 'outcome', 'blocked')),
    channel text NOT NULL DEFAULT '',
    planned_at timestamptz NOT NULL,
    delivered_at timestamptz,
    acknowledge_by timestamptz,
    read_at timestamptz,
    acknowledged_at timestamptz,
    late boolean NOT NULL DEFAULT false,
    overdue boolean NOT NULL DEFAULT false,
    undelivered boolean NOT NULL DEFAULT false,
    stage smallint NOT NULL DEFAULT 0,
    stage_role text NOT NULL DEFAULT '',
    outcome text NOT NULL DEFAULT '',
    redirected_to text NOT NULL DEFAULT ''
);
ALTER TABLE share ADD COLUMN IF NOT EXISTS view_code text NOT NULL DEFAULT '';
ALTER TABLE share ADD COLUMN IF NOT EXISTS beside_share_ids text[] NOT NULL DEFAULT '{}';
CREATE INDEX IF NOT EXISTS share_inbox ON share (agency_id, test, seq) WHERE delivered_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS delivery_job (
    share_id uuid PRIMARY KEY REFERENCES share,
    concern_id uuid NOT NULL,
    agency_id text NOT NULL,
    channel text NOT NULL,
    next_channels text[] NOT NULL,
    urgency smallint NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    leased_until timestamptz
);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery_job (channel, urgency DESC, next_at);
"""

# One statement: a share and its job appear together.
_PLANNED = """
WITH planned AS (
    INSERT INTO share (share_id, concern_id, planned_event_id, agency_id, recipient_class, sender_agency_id, urgency,
        emergency, test, rule_code, clock_code, arrangement_sha256, adds_to_share_id, redirects_share_id,
        meant_agency_id, fallback_code, withdrawn_part_ids, view_code, beside_share_ids, planned_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
    ON CONFLICT DO NOTHING
)
INSERT INTO delivery_job (share_id, concern_id, agency_id, urgency, next_at, channel, next_channels)
VALUES ($1, $2, $4, $7, $20, $21, $22) ON CONFLICT DO NOTHING
"""
_LEASE = """
UPDATE delivery_job SET leased_until = $2, attempts = attempts + 1
WHERE share_id IN (
    SELECT share_id FROM delivery_job
    WHERE channel = $4 AND next_at <= $1 AND (leased_until IS NULL OR leased_until <= $1)
    ORDER BY urgency DESC, next_at LIMIT $3 FOR UPDATE SKIP LOCKED
)
RETURNING share_id, concern_id, agency_id, channel, next_channels, attempts, urgency,
    (SELECT planned_event_id FROM share WHERE share.share_id = delivery_job.share_id) AS planned_event_id
"""

_Change = tuple[str, tuple[Any, ...]]


class RoutingStore:
    """Writes what events mean for the two tables."""

    schema = "".join((_SCHEMA, *(of.SCHEMA for of in (alarms, webhooks, links, afterwards, duties, revocations))))

    async def project(self, connection: asyncpg.Connection[Any], fact: Fact, effects: Sequence[Fact]) -> None:
        """Write the effects of an input, and wake the delivery workers when there is something to deliver."""
        del fact
        await self._project(connection, effects)

    async def project_together(
        self, connection: asyncpg.Connection[Any], taken: Sequence[tuple[Fact, Sequence[Fact]]]
    ) -> None:
        """Do the same for several inputs, with one statement a kind of change and one wake."""
        await self._project(connection, [effect for _, effects in taken for effect in effects])

    async def _project(self, connection: asyncpg.Connection[Any], effects: Sequence[Fact]) -> None:
        if not effects:
            return
        for sql, rows in _grouped(effects):
            await connection.executemany(sql, rows)
        await afterwards.project(connection, effects)
        await duties.project(connection, effects)
        await revocations.project(connection, effects)
        told = await webhooks.enqueue(connection, effects)
        if told or any(isinstance(effect.data, SharePlanned) for effect in effects):
            await connection.execute(f"NOTIFY {WAKE_CHANNEL}")


def _grouped(effects: Sequence[Fact]) -> list[tuple[str, list[tuple[Any, ...]]]]:
    """Give statements and their rows: rows of a statement together, those of one share in the order of its events."""
    groups: list[tuple[str, list[tuple[Any, ...]]]] = []
    newest: dict[str, int] = {}
    last: dict[UUID, int] = {}
    for sql, row in _rows(effects):
        place = newest.get(sql, -1)
        if place < last.get(row[0], 0):
            place = newest[sql] = len(groups)
            groups.append((sql, []))
        groups[place][1].append(row)
        last[row[0]] = place
    return groups


def _rows(effects: Sequence[Fact]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for effect in effects:
        if isinstance(effect.data, FrontDoorAlarmed):
            yield alarms.RAISE, (UUID(effect.concern_id), *alarms.row_of(effect.data, effect))
        elif effect.data is not None and (share_id := getattr(effect.data, "share_id", "")):
            for sql, values in _changes(effect.data, effect):
                yield sql, (UUID(share_id), *values)


def _planned(data: SharePlanned, fact: Fact) -> tuple[Any, ...]:
    first, *others = [word_of(Channel, channel) for channel in data.channels] or ["manual"]
    return (
        *(UUID(data.concern_id), fact.id, data.recipient_agency_id, word_of(AgencyClass, data.recipient_class)),
        *(data.sender_agency_id, int(data.urgency), data.emergency, data.test, data.rule_code, data.clock_code),
        *(data.arrangement_sha256, data.adds_to_share_id, data.redirects_share_id, data.meant_agency_id),
        *(data.fallback_code, list(data.withdrawn_part_ids), data.view_code, list(data.beside_share_ids)),
        *(fact.recorded, first, others),
    )


_DONE = "DELETE FROM delivery_job WHERE share_id = $1"
_DELIVERED = """
UPDATE share SET state = 'delivered', delivered_at = $2, acknowledge_by = $3, clock_code = $4, channel = $5
WHERE share_id = $1
"""
_READ = """
UPDATE share SET read_at = coalesce(read_at, $2), state = CASE state WHEN 'delivered' THEN 'read' ELSE state END
WHERE share_id = $1
"""


def _changes(data: Message, fact: Fact) -> list[_Change]:  # noqa: C901  (a table: one row an event)
    recorded = fact.recorded
    match data:
        case SharePlanned():
            return [(_PLANNED, _planned(data, fact))]
        case ShareDelivered():
            by = data.acknowledge_by.ToDatetime(tzinfo=UTC) if data.HasField("acknowledge_by") else None
            values = (recorded, by, data.clock_code, word_of(Channel, data.channel))
            return [(_DELIVERED, values), (_DONE, ())]
        case DispatchBlocked():
            return [("UPDATE share SET state = 'blocked' WHERE share_id = $1", ()), (_DONE, ())]
        case DeliveryFailed() if data.exhausted:
            return [("UPDATE share SET undelivered = true WHERE share_id = $1", ())]
        case DeliveryOverdue():
            return [("UPDATE share SET undelivered = true WHERE share_id = $1", ())]
        case ShareRead():
            return [(_READ, (recorded,))]
        case ShareAcknowledged():
            sql = "UPDATE share SET state = 'acknowledged', acknowledged_at = $2, late = $3 WHERE share_id = $1"
            return [(sql, (recorded, data.late))]
        case OutcomeGiven():
            sql = "UPDATE share SET state = 'outcome', outcome = $2 WHERE share_id = $1"
            return [(sql, (word_of(ShareOutcome, data.outcome),))]
        case ShareRedirected():
            return [("UPDATE share SET redirected_to = $2 WHERE share_id = $1", (data.to_agency_id,))]
        case AcknowledgementOverdue():
            return [("UPDATE share SET overdue = true WHERE share_id = $1", ())]
        case ShareEscalated():
            sql = "UPDATE share SET stage = $2, stage_role = $3 WHERE share_id = $1"
            return [(sql, (data.stage, data.role_code))]
        case _:
            return []


async def _fetch(pool: asyncpg.Pool, query: str, *values: object) -> list[asyncpg.Record]:
    async with database.borrowed(pool) as connection:
        rows: list[asyncpg.Record] = await connection.fetch(query, *values)
    return rows


async def _execute(pool: asyncpg.Pool, query: str, *values: object) -> None:
    async with database.borrowed(pool) as connection:
        await connection.execute(query, *values)


class Jobs:
    """Deliveries to be done, leased by whoever has time."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def lease(self, channel: str, *, now: datetime, lease: timedelta, limit: int) -> list[asyncpg.Record]:
        """Lease what is due, emergencies first; nobody else gets it until the lease runs out."""
        rows = await _fetch(self._pool, _LEASE, now, now + lease, limit, channel)
        return sorted(rows, key=lambda row: -row["urgency"])

    async def retry(self, share_id: UUID, next_at: datetime) -> None:
        """Give a job back, to be tried again then."""
        sql = "UPDATE delivery_job SET leased_until = NULL, next_at = $2 WHERE share_id = $1"
        await _execute(self._pool, sql, share_id, next_at)

    async def next_channel(self, row: asyncpg.Record, next_at: datetime) -> None:
        """Hand a job to the next channel; the last one is always a person."""
        first, *others = list(row["next_channels"]) or ["manual"]
        sql = (
            "UPDATE delivery_job SET leased_until = NULL, channel = $2, next_channels = $3, next_at = $4 "
            "WHERE share_id = $1"
        )
        await _execute(self._pool, sql, row["share_id"], first, others, next_at)

    async def done(self, share_ids: Sequence[UUID]) -> None:
        """Forget jobs that were settled by another."""
        if share_ids:
            await _execute(self._pool, "DELETE FROM delivery_job WHERE share_id = ANY($1)", list(share_ids))

    async def waiting(self, channel: str) -> int:
        """Count the jobs of a channel."""
        [row] = await _fetch(self._pool, "SELECT count(*) FROM delivery_job WHERE channel = $1", channel)
        return int(row["count"])


class Shares:
    """Where shares stand, for those who may see them."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def one(self, share_id: UUID) -> asyncpg.Record | None:
        """Give a share, whoever's it is; the caller decides who may see it."""
        rows = await _fetch(self._pool, "SELECT * FROM share WHERE share_id = $1", share_id)
        return rows[0] if rows else None

    async def inbox(
        self, agency_id: str, *, state: str = "", test: bool = False, after: int = 0, limit: int
    ) -> list[asyncpg.Record]:
        """Give what an agency has, oldest first: what waits longest is seen first."""
        return await _fetch(
            self._pool,
            "SELECT * FROM share WHERE agency_id = $1 AND test = $2 AND delivered_at IS NOT NULL AND seq > $3 "
            "AND ($4 = '' OR state = $4) ORDER BY seq LIMIT $5",
            *(agency_id, test, after, state, limit),
        )

    async def by_hand(self, sender: str, *, after: int = 0, limit: int) -> list[asyncpg.Record]:
        """Give the shares that a person has to bring to their recipient; of one sender, or of all when empty."""
        return await _fetch(
            self._pool,
            "SELECT share.* FROM share LEFT JOIN delivery_job USING (share_id) WHERE NOT share.test "
            "AND (delivery_job.channel = 'manual' OR share.channel = 'manual' AND share.acknowledged_at IS NULL) "
            "AND share.state <> 'blocked' AND seq > $1 AND ($2 = '' OR sender_agency_id = $2) ORDER BY seq LIMIT $3",
            *(after, sender, limit),
        )


def urgency_word(number: int) -> str:
    """Give the word of a row's urgency."""
    return word_of(Urgency, number)
