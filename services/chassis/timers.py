"""Timers: rows that fall due. A firing enters the journal like a record or an act, and repeats nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from services.chassis.errors import RelayError
from services.chassis.journal import Journal
from services.chassis.journal.journal import Due
from services.chassis.log import Log

log = Log(__name__)

LOOK_EVERY_S = 0.5
BACKOFF_S = 30.0
FAILED_MAX = 10_000


class Timers:
    """Fires what falls due.

    Several processes may do so at once: a firing takes the concern's lock and deletes its row, so the second finds
    nothing. A timer whose core raises is tried again every 30 s, and the service is not ready meanwhile.
    """

    def __init__(self, journal: Journal[Any]) -> None:
        self._journal = journal
        self._stop = asyncio.Event()
        self._failed: dict[tuple[str, str], float] = {}

    def stop(self) -> None:
        """End after the firing in hand."""
        self._stop.set()

    @property
    def healthy(self) -> bool:
        """Whether every timer that fell due could be fired."""
        return not self._failed

    async def run(self) -> None:
        """Fire until stopped."""
        while not self._stop.is_set():
            try:
                await self.fire_due()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("timers could not be read, trying again", error=type(error).__name__)
            try:
                await asyncio.wait_for(self._stop.wait(), LOOK_EVERY_S)
            except TimeoutError:
                continue

    async def fire_due(self) -> int:
        """Fire everything that is due now; give how many led to something or were settled."""
        now = asyncio.get_running_loop().time()
        count = 0
        for due in await self._journal.due():
            if self._failed.get((due.concern_id, due.timer.name), 0.0) > now:
                continue
            count += await self._fire(due, now)
        return count

    async def _fire(self, due: Due, now: float) -> int:
        key = (due.concern_id, due.timer.name)
        try:
            await self._journal.fire(due)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            raise
        except (RelayError, Exception) as error:  # noqa: BLE001  (one bad timer must not stop the others; it stays, is counted, and alarms)
            if len(self._failed) < FAILED_MAX:
                self._failed[key] = now + BACKOFF_S
            log.error(  # noqa: TRY400  (a traceback may hold content)
                "a timer could not be fired",
                timer=due.timer.name.partition(":")[0],
                concern_id=due.concern_id,
                error=type(error).__name__,
            )
            return 0
        self._failed.pop(key, None)
        return 1
