"""What happened to keys is told on ``keys.v1``: from the row written with the change, through the vault's journal.

The change and its row are one transaction in the vault's database, made by whoever called the function. The journal
takes each row as an act under the row's id, so a row that was journaled and not marked is not told twice.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final, Protocol

import asyncpg

from concern_relay.v1.keys_pb2 import KeyDestroyed, KeyResumed, KeySuspended
from services.chassis.clock import Clock
from services.chassis.errors import RelayError
from services.chassis.journal import Recorded
from services.chassis.log import Log

LOOK_EVERY_S: Final = 0.2
RETRY_S: Final = 2.0
ROWS_PER_LOOK: Final = 100
DEADLINE_S: Final = 10.0
AGENCY: Final = "vault"

_KINDS: Final = {kind.DESCRIPTOR.name: kind for kind in (KeySuspended, KeyResumed, KeyDestroyed)}
_log = Log("services.vault.pending")


class Acts(Protocol):
    """The door of the journal, as far as it is needed here."""

    async def act(
        self, concern_id: str, data: Any, *, agency_id: str, key: str, time: datetime | None = None
    ) -> Recorded:
        """As ``Journal.act``."""


async def tell_pending(pool: asyncpg.Pool, journal: Acts, clock: Clock) -> int:
    """Journal what is pending, in the order it happened; give how many there were.

    When it happened is told by the service's clock, of which the database knows nothing: it tells how long ago.
    """
    rows = await pool.fetch(
        "SELECT event_id, clock_timestamp() - at AS ago, type, concern_id, key_ids, reason FROM vault.pending_event"
        " WHERE journaled_at IS NULL ORDER BY seq LIMIT $1",
        ROWS_PER_LOOK,
        timeout=DEADLINE_S,
    )
    for row in rows:
        concern_id = str(row["concern_id"])
        told = _KINDS[row["type"]](
            concern_id=concern_id, key_ids=[str(key_id) for key_id in row["key_ids"]], reason_code=row["reason"]
        )
        happened = clock.now() - row["ago"]
        await journal.act(concern_id, told, agency_id=AGENCY, key=str(row["event_id"]), time=happened)
        await pool.execute(
            "UPDATE vault.pending_event SET journaled_at = clock_timestamp() WHERE event_id = $1",
            row["event_id"],
            timeout=DEADLINE_S,
        )
    return len(rows)


async def keep_telling(pool: asyncpg.Pool, journal: Acts, clock: Clock) -> None:
    """Look again and again, until cancelled; a database that is away for a while is waited for."""
    while True:
        try:
            told = await tell_pending(pool, journal, clock)
        except (RelayError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            _log.warning("what happened to keys is not told yet", error=type(error).__name__)
            await asyncio.sleep(RETRY_S)
        else:
            await asyncio.sleep(0 if told == ROWS_PER_LOOK else LOOK_EVERY_S)
