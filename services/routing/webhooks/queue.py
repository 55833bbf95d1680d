"""The messages still to be sent, and how their endpoints do: leased by whoever has time, so that several may work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg

from services.chassis import database
from services.routing.webhooks import tables
from services.routing.webhooks.schedule import WINDOW

LEASE: Final = timedelta(seconds=60)
"""Longer than an attempt and its recording take; a message of a process that died is anybody's after it."""

EACH: Final = 8
"""Messages on their way to one endpoint at once, by one process: an endpoint that hangs takes no more than these."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Reads and writes the tables of the webhooks."""

    pool: asyncpg.Pool

    async def lease(self, now: datetime, busy: Sequence[UUID], each: int = EACH) -> list[asyncpg.Record]:
        """Lease what is due: emergencies first, a few of each endpoint, one where the endpoint failed last."""
        rows = await self._fetch(tables.LEASE_DUE, *tables.lease_arguments(now, LEASE, each, busy))
        return sorted(rows, key=lambda row: -row["urgency"])

    async def taken(self, row: asyncpg.Record) -> None:
        """Forget a message that needs no further attempt, and that its endpoint was away."""
        await self._execute(_TAKEN, row["endpoint_id"], row["message_id"])

    async def answered(self, endpoint_id: UUID) -> None:
        """Note that an endpoint answers again."""
        await self._execute(tables.ANSWERED, endpoint_id)

    async def again(self, row: asyncpg.Record, next_at: datetime) -> None:
        """Give a message back, to be sent again then."""
        await self._execute(_AGAIN, row["endpoint_id"], row["message_id"], next_at)

    async def failed(self, endpoint_id: UUID, now: datetime, rests_until: datetime, reason: str) -> None:
        """Note a failure of an endpoint as a whole, and leave it alone for a while."""
        await self._execute(tables.FAILED, endpoint_id, now, rests_until, reason)

    async def disable(self, endpoint_id: UUID, reason: str, now: datetime) -> None:
        """Send nothing there any more; what waits is parked, and shares that waited for it go the next way."""
        await self._execute(tables.DISABLE, endpoint_id, reason, now)

    async def park_old(self, now: datetime) -> int:
        """Park what was tried for a day; give how many."""
        return len(await self._fetch(tables.PARK_OLD, now, now - WINDOW))

    async def attempts_of(self, share_ids: Sequence[UUID]) -> dict[UUID, int]:
        """Give how often shares were tried by webhook; those that no endpoint was told of are left out."""
        rows = await self._fetch(_ATTEMPTS, list(share_ids))
        return {row["share_id"]: row["attempts"] for row in rows}

    async def standing(self, agency_id: str = "") -> list[asyncpg.Record]:
        """Give how each endpoint does, of one agency or of all."""
        return await self._fetch(tables.STANDING, agency_id)

    async def _fetch(self, query: str, *values: object) -> list[asyncpg.Record]:
        async with database.borrowed(self.pool) as connection:
            rows: list[asyncpg.Record] = await connection.fetch(query, *values)
        return rows

    async def _execute(self, query: str, *values: Any) -> None:
        async with database.borrowed(self.pool) as connection:
            await connection.execute(query, *values)


_TAKEN: Final = "DELETE FROM webhook_message WHERE endpoint_id = $1 AND message_id = $2"
_AGAIN: Final = """
UPDATE webhook_message SET leased_until = NULL, next_at = $3 WHERE endpoint_id = $1 AND message_id = $2
"""
_ATTEMPTS: Final = """
SELECT share_id, max(attempts) AS attempts FROM webhook_message WHERE share_id = ANY($1) AND settles GROUP BY share_id
"""
