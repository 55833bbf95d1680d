"""The recorded history, read back: events of concerns, page by page or all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from services.audit.journey import Journey
from services.audit.journeys import journey_of
from services.audit.rows import record_of
from services.chassis.envelope import Event, decode
from services.chassis.envelope import Record as Encoded
from services.chassis.errors import DecodeError

_COLUMNS: Final = "leaf_index, topic, partition, kafka_offset, key, headers, value, leaf_hash, concern_id"
#: Records of one concern that are read at most; beyond it something else is wrong.
RECORDS_MAX: Final = 100_000
ROWS_AHEAD: Final = 500
PAGE_MAX: Final = 200


def event_of(row: asyncpg.Record) -> Event | None:
    """Give the event of a row of ``record``; None when it cannot be read (its consumers parked it)."""
    record = record_of(row)
    headers = tuple((name, value or b"") for name, value in record.headers)
    try:
        return decode(
            Encoded(record.topic, record.key or b"", headers, record.value or b"", record.partition, record.offset)
        )
    except DecodeError:
        return None


async def events_of(connection: asyncpg.Connection[Any], concern_ids: Sequence[UUID]) -> dict[str, list[Any]]:
    """Give leaf index and event of everything recorded of these concerns, in leaf order."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM record WHERE concern_id = ANY($1) ORDER BY leaf_index LIMIT $2",  # noqa: S608  (a constant)
        concern_ids,
        RECORDS_MAX,
    )
    found: dict[str, list[Any]] = {str(concern_id): [] for concern_id in concern_ids}
    for row in rows:
        if (event := event_of(row)) is not None:
            found[str(row["concern_id"])].append((row["leaf_index"], event))
    return found


async def journeys_page(
    connection: asyncpg.Connection[Any], limit: int, before: int | None
) -> tuple[list[Journey], int | None]:
    """Give concerns, the newest first, and where the next page begins.

    Args:
        connection: to the audit database.
        limit: concerns at most.
        before: leaf index from the page before.
    """
    rows = await connection.fetch(
        "SELECT leaf_index, concern_id FROM record WHERE type = 'ConcernRaised' AND NOT repeated "
        "AND concern_id IS NOT NULL AND ($1::bigint IS NULL OR leaf_index < $1) ORDER BY leaf_index DESC LIMIT $2",
        before,
        limit + 1,
    )
    page = rows[:limit]
    events = await events_of(connection, [row["concern_id"] for row in page])
    journeys = [journey_of(concern_id, events[concern_id]) for concern_id in map(str, (r["concern_id"] for r in page))]
    return journeys, page[-1]["leaf_index"] if len(rows) > limit else None


async def journey(connection: asyncpg.Connection[Any], concern_id: UUID) -> Journey | None:
    """Give the journey of one concern; None when nothing of it is recorded."""
    events = (await events_of(connection, [concern_id]))[str(concern_id)]
    return journey_of(str(concern_id), events) if events else None
