"""The tables of audit: every record of history, the tree over them, and what was announced and signed.

The outbox is a journal's (``entry`` and ``outbox``), so that the chassis' publisher sends from it. Everything a batch
adds is written in one transaction, which begins by moving the head: two writers cannot both move it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg

from concern_relay.v1.ledger_pb2 import CheckpointSigned
from services.audit.rows import rows_of
from services.audit.sequencer import Batch, Finding, Head, Leaf, Partition
from services.audit.tree import Frontier
from services.chassis.envelope import Event, digest, encode
from services.chassis.errors import RelayError
from services.chassis.journal.rows import pack_headers
from services.chassis.journal.schema import SCHEMA as JOURNAL_SCHEMA

#: Advisory lock of the one process that appends; "ledg".
WRITER_LOCK: Final = 0x6C656467
#: Advisory lock while the schema is applied; "audi".
MIGRATION_LOCK: Final = 0x61756469

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS record (
    leaf_index bigint PRIMARY KEY,
    topic text NOT NULL,
    partition integer NOT NULL,
    kafka_offset bigint NOT NULL,
    key bytea,
    headers bytea NOT NULL,
    value bytea,
    event_id uuid,
    concern_id uuid,
    type text NOT NULL,
    recorded timestamptz,
    repeated boolean NOT NULL,
    leaf_hash bytea NOT NULL,
    UNIQUE (topic, partition, kafka_offset)
);
CREATE INDEX IF NOT EXISTS record_event ON record (event_id);
CREATE INDEX IF NOT EXISTS record_concern ON record (concern_id, leaf_index);
CREATE INDEX IF NOT EXISTS record_raised ON record (leaf_index) WHERE type = 'ConcernRaised' AND NOT repeated;
CREATE TABLE IF NOT EXISTS node (
    level integer NOT NULL,
    node_index bigint NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (level, node_index)
);
CREATE TABLE IF NOT EXISTS head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    size bigint NOT NULL,
    frontier bytea NOT NULL,
    repeated bigint NOT NULL DEFAULT 0
);
INSERT INTO head (size, frontier) VALUES (0, '\\x0000000000000000') ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS progress (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);
CREATE TABLE IF NOT EXISTS batch (
    first_index bigint PRIMARY KEY,
    size bigint NOT NULL UNIQUE,
    event_id uuid NOT NULL
);
CREATE TABLE IF NOT EXISTS checkpoint (
    size bigint PRIMARY KEY,
    root bytea NOT NULL,
    note text NOT NULL,
    event_id uuid NOT NULL,
    signed timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS finding (
    kind text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    first_offset bigint NOT NULL,
    last_offset bigint NOT NULL,
    leaf_index bigint,
    found timestamptz NOT NULL,
    settled timestamptz,
    settled_because text,
    PRIMARY KEY (kind, topic, partition, first_offset)
);
"""
#: Tables that a rebuild makes anew.
TABLES: Final = ("record", "node", "head", "progress", "batch", "checkpoint", "finding", "entry")

_RECORD_COLUMNS: Final = (
    "leaf_index", "topic", "partition", "kafka_offset", "key", "headers", "value", "event_id", "concern_id", "type",
    "recorded", "repeated", "leaf_hash",
)  # fmt: skip
_ENTRY_COLUMNS: Final = (
    "event_id", "concern_id", "origin", "topic", "partition", "type", "recorded", "headers", "value", "digest",
    "outgoing",
)  # fmt: skip


class Announced(NamedTuple):
    """A batch and the event that announces it."""

    batch: Batch
    event: Event


class HeadMoved(RelayError):  # noqa: N818  (what was found, not what failed)
    """Another process appended to the ledger meanwhile; read the head again."""


async def migrate(connection: asyncpg.Connection[Any]) -> None:
    """Make the tables, if they are not there; safe when several processes start at once."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
        await connection.execute(JOURNAL_SCHEMA)
        await connection.execute(SCHEMA)


async def become_writer(connection: asyncpg.Connection[Any]) -> bool:
    """Try to become the one that appends, for as long as this connection lives."""
    return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", WRITER_LOCK))


async def read_head(connection: asyncpg.Connection[Any]) -> Head:
    """Give where the ledger stands."""
    frontier = await connection.fetchval("SELECT frontier FROM head")
    rows = await connection.fetch("SELECT topic, partition, next_offset FROM progress")
    return Head(Frontier.from_bytes(frontier), {(r["topic"], r["partition"]): r["next_offset"] for r in rows})


async def known_leaves(connection: asyncpg.Connection[Any], leaves: Sequence[Leaf]) -> dict[UUID, bytes]:
    """Give the leaf hash under which event ids of these leaves stand in the ledger already."""
    rows = await connection.fetch(
        "SELECT event_id, leaf_hash FROM record WHERE event_id = ANY($1) AND NOT repeated",
        [leaf.event_id for leaf in leaves if leaf.event_id is not None],
    )
    return {row["event_id"]: row["leaf_hash"] for row in rows}


async def recorded_at(
    connection: asyncpg.Connection[Any], leaves: Sequence[Leaf]
) -> dict[tuple[Partition, int], bytes]:
    """Give the leaf hashes recorded at the places of these leaves."""
    rows = await connection.fetch(
        "SELECT r.topic, r.partition, r.kafka_offset, r.leaf_hash FROM record r "
        "JOIN unnest($1::text[], $2::int[], $3::bigint[]) AS at(t, p, o) "
        "ON (r.topic, r.partition, r.kafka_offset) = (at.t, at.p, at.o)",
        [leaf.record.topic for leaf in leaves],
        [leaf.record.partition for leaf in leaves],
        [leaf.record.offset for leaf in leaves],
    )
    return {((r["topic"], r["partition"]), r["kafka_offset"]): r["leaf_hash"] for r in rows}


async def append(
    connection: asyncpg.Connection[Any], batches: Sequence[Announced], now: datetime, *, sent: bool = False
) -> None:
    """Append batches, one following the other, in one transaction: head, records, nodes, offsets, announcements.

    Args:
        connection: of the writer.
        batches: at least one, each with its BatchSequenced.
        now: when findings were found.
        sent: the announcements are on Kafka already (a rebuild follows them).

    Raises:
        HeadMoved: the head is not where the first batch begins.
    """
    before, after = batches[0].batch.before, batches[-1].batch.after
    async with connection.transaction():
        moved = await connection.execute(
            "UPDATE head SET size = $1, frontier = $2, repeated = repeated + $3 WHERE size = $4 AND frontier = $5",
            after.size,
            after.to_bytes(),
            sum(sum(b.batch.repeated) for b in batches),
            before.size,
            before.to_bytes(),
        )
        if moved != "UPDATE 1":
            raise HeadMoved(f"the ledger no longer stands at {before.size}: another process appended to it")
        rows = (row for b in batches for row in rows_of(b.batch))
        await connection.copy_records_to_table("record", records=rows, columns=_RECORD_COLUMNS)
        nodes = [(n.level, n.index, n.hash) for b in batches for n in b.batch.nodes]
        if nodes:
            await connection.copy_records_to_table("node", records=nodes, columns=("level", "node_index", "hash"))
        await _write_offsets(connection, {p: offset for b in batches for p, offset in b.batch.offsets.items()})
        await connection.copy_records_to_table(
            "batch",
            records=[(b.batch.before.size, b.batch.after.size, b.event.id) for b in batches],
            columns=("first_index", "size", "event_id"),
        )
        await _write_entries(connection, [b.event for b in batches], sent=sent)
        await write_findings(connection, [f for b in batches for f in b.batch.findings], now)


async def write_checkpoint(connection: asyncpg.Connection[Any], event: Event, *, sent: bool = False) -> None:
    """Keep the signed checkpoint of a CheckpointSigned, and publish it."""
    signed = event.data
    assert isinstance(signed, CheckpointSigned)
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO checkpoint (size, root, note, event_id, signed) VALUES ($1, $2, $3, $4, $5)",
            signed.size,
            signed.root,
            signed.note,
            event.id,
            event.recorded,
        )
        await _write_entries(connection, [event], sent=sent)


async def write_findings(
    connection: asyncpg.Connection[Any], findings: Collection[Finding], now: datetime
) -> list[Finding]:
    """Keep findings; give those that were not known."""
    new = []
    for f in findings:
        done = await connection.execute(
            "INSERT INTO finding (kind, topic, partition, first_offset, last_offset, leaf_index, found) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            f.kind, f.topic, f.partition, f.first, f.last, f.index, now,
        )  # fmt: skip
        if done == "INSERT 0 1":
            new.append(f)
    return new


async def settle(connection: asyncpg.Connection[Any], which: Sequence[Any], because: str, now: datetime) -> bool:
    """Settle a finding (kind, topic, partition, first offset); give whether it was open."""
    done = await connection.execute(
        "UPDATE finding SET settled = $5, settled_because = $6 "
        "WHERE (kind, topic, partition, first_offset) = ($1, $2, $3, $4) AND settled IS NULL",
        *which,
        now,
        because,
    )
    return bool(done == "UPDATE 1")


async def open_findings(connection: asyncpg.Connection[Any]) -> dict[str, int]:
    """Count the findings that nobody has settled, by kind."""
    rows = await connection.fetch("SELECT kind, count(*) AS n FROM finding WHERE settled IS NULL GROUP BY kind")
    return {row["kind"]: row["n"] for row in rows}


async def _write_entries(connection: asyncpg.Connection[Any], events: Sequence[Event], *, sent: bool) -> None:
    """Write events of ``ledger.v1``, their bytes fixed; unless sent, they are in the outbox. It has one partition."""
    rows = []
    for event in events:
        record = encode(event)
        rows.append(
            (
                event.id, UUID(event.concern_id), "o", event.topic, 0, event.type, event.recorded,
                pack_headers(record.headers), record.value, digest(record), not sent,
            )
        )  # fmt: skip
    await connection.copy_records_to_table("entry", records=rows, columns=_ENTRY_COLUMNS)


async def _write_offsets(connection: asyncpg.Connection[Any], offsets: Mapping[Partition, int]) -> None:
    await connection.execute(
        "INSERT INTO progress (topic, partition, next_offset) SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[])"
        " ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset",
        [topic for topic, _ in offsets],
        [partition for _, partition in offsets],
        list(offsets.values()),
    )
