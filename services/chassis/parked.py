"""Parked records: listed, shown, replayed, discarded; and every one of these is recorded.

A concern that has a parked record is held: what comes later waits behind it, an emergency excepted. Replaying takes the
records of the concern in the order they came, and lets the concern go when none is left.
"""

from __future__ import annotations

import asyncio
import builtins
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.chassis import database
from services.chassis.envelope import Record, decode
from services.chassis.errors import DecodeError
from services.chassis.event import Refused
from services.chassis.journal import Journal
from services.chassis.log import Log
from services.chassis.telemetry import Telemetry

LIST_MAX = 1000


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked record as people may see it: a pointer and a reason, never content."""

    parked_id: UUID
    concern_id: UUID | None
    event_id: UUID | None
    event_type: str
    emergency: bool
    topic: str
    partition: int
    kafka_offset: int
    reason: str
    error: str
    parked_at: datetime
    state: str
    resolved_at: datetime | None
    resolved_by: str | None
    resolved_reason: str | None

    def as_json(self) -> dict[str, Any]:
        """Give it for JSON surfaces."""
        return {k: str(v) if isinstance(v, UUID | datetime) else v for k, v in asdict(self).items()}


COUNT_EVERY_S = 5.0
CONCERNS = "concerns.v1"
_SUBMISSIONS = re.compile(r"submissions\.(.+)\.v1")
log = Log(__name__)

_FIELDS = ", ".join(Parked.__dataclass_fields__)


class ParkedRecords:
    """The parked records of one service.

    Attributes:
        retake: takes a parked submission again, says whether it was accepted; where submissions are parked.
    """

    def __init__(self, journal: Journal[Any]) -> None:
        self._journal = journal
        self.retake: Callable[[Record], Awaitable[bool]] | None = None

    async def list(self, *, state: str = "parked", limit: int = LIST_MAX) -> list[Parked]:
        """Give parked records in the order they came."""
        rows = await self._fetch(
            f"SELECT {_FIELDS} FROM parked WHERE state = $1 ORDER BY seq LIMIT $2",  # noqa: S608  (a constant)
            state,
            min(limit, LIST_MAX),
        )
        return [Parked(**row) for row in rows]

    async def show(self, parked_id: UUID) -> Parked:
        """Give one.

        Raises:
            Refused: 404, it is not here.
        """
        rows = await self._fetch(f"SELECT {_FIELDS} FROM parked WHERE parked_id = $1", parked_id)  # noqa: S608
        if not rows:
            raise Refused(404, "unknown_parked_record", "no such parked record: `parked list` shows those there are")
        return Parked(**rows[0])

    async def sender_of(self, parked_id: UUID) -> str | None:
        """Say whose concern a parked record is: the agency, an empty text if that cannot be read, None for none.

        What came on the topic of concerns and cannot be read may be a concern, and is treated as one.
        """
        rows = await self._fetch("SELECT * FROM parked WHERE parked_id = $1", parked_id)
        if not rows:
            return None
        if submission := _SUBMISSIONS.fullmatch(rows[0]["topic"]):
            return submission[1]
        try:
            event = decode(self._journal.desk.open_record(rows[0]))
        except DecodeError:
            return "" if rows[0]["topic"] == CONCERNS else None
        return str(getattr(event.data, "agency_id", "")) if event.type == "ConcernRaised" else None

    async def counts(self) -> dict[bool, int]:
        """Give how many are open: of emergencies (True) and others."""
        rows = await self._fetch("SELECT emergency, count(*) AS n FROM parked WHERE state = 'parked' GROUP BY 1")
        found = {row["emergency"]: row["n"] for row in rows}
        return {True: found.get(True, 0), False: found.get(False, 0)}

    async def replay(self, parked_id: UUID, *, by: str) -> int:
        """Take the open parked records of this one's concern again, in order; give how many could be taken.

        Stops at the first that still cannot be taken.
        """
        concern_id = (await self.show(parked_id)).concern_id
        taken = 0
        while True:
            rows = await self._fetch(
                "SELECT * FROM parked WHERE concern_id = $1 AND state = 'parked' ORDER BY seq LIMIT 1", concern_id
            )
            if not rows:
                if await self._release(concern_id):
                    return taken
                continue
            if not await self._taken(rows[0]):
                return taken
            await self._resolve(rows[0]["parked_id"], "replayed", by, "replayed")
            taken += 1

    async def _taken(self, row: asyncpg.Record) -> bool:
        if self.retake is not None and _SUBMISSIONS.fullmatch(row["topic"]):
            return await self.retake(self._journal.desk.open_record(row))
        return not (await self._journal.replay(row)).parked

    async def discard(self, parked_id: UUID, *, by: str, reason: str) -> None:
        """Give a record up, on the record. What waits behind it can then be replayed.

        Raises:
            Refused: 422, no reason; 404, not here; 409, no longer open.
        """
        if not reason.strip():
            raise Refused(422, "reason_required", "say why it is discarded: --reason")
        found = await self.show(parked_id)
        if found.state != "parked":
            raise Refused(409, "not_open", f"this record was {found.state} already")
        await self._resolve(parked_id, "discarded", by, reason)
        await self._release(found.concern_id)

    async def _resolve(self, parked_id: UUID, state: str, by: str, reason: str) -> None:
        await self._fetch(
            "UPDATE parked SET state = $2, resolved_at = $3, resolved_by = $4, resolved_reason = $5 "
            "WHERE parked_id = $1",
            parked_id,
            state,
            self._journal.desk.clock.now(),
            by,
            reason,
        )

    async def _release(self, concern_id: UUID | None) -> bool:
        """Let a concern go if nothing of it is parked any more; under its lock, so that no record slips between."""
        async with database.transaction(self._journal.pool) as connection:
            await connection.execute("SELECT 1 FROM concern WHERE concern_id = $1 FOR UPDATE", concern_id)
            open_ = await connection.fetchval(
                "SELECT count(*) FROM parked WHERE concern_id = $1 AND state = 'parked'", concern_id
            )
            if open_ == 0:
                await connection.execute("UPDATE concern SET held = false WHERE concern_id = $1", concern_id)
            return bool(open_ == 0)

    async def _fetch(self, query: str, *arguments: object) -> builtins.list[asyncpg.Record]:
        async with database.borrowed(self._journal.pool) as connection:
            rows: builtins.list[asyncpg.Record] = await connection.fetch(query, *arguments)
        return rows


async def keep_counting(parked: ParkedRecords, telemetry: Telemetry) -> None:
    """Keep the parked-records gauge true, and say aloud whenever an emergency is among them."""
    alarmed = 0
    while True:
        try:
            counts = await parked.counts()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("parked records not counted, trying again", error=type(error).__name__)
        else:
            for emergency, count in counts.items():
                telemetry.parked.labels(str(emergency).lower()).set(count)
            if counts[True] > alarmed:
                log.error("an emergency is parked: look at it now, and telephone", count=counts[True])
            alarmed = counts[True]
        await asyncio.sleep(COUNT_EVERY_S)
