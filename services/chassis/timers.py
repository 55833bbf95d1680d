"""Timers: rows that fall due. A firing enters the journal like a record or an act, and repeats nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from services.chassis.errors import CannotSeal, KeyUnavailable
from services.chassis.journal import Journal
from services.chassis.journal.journal import PASSING
from services.chassis.journal.overtaking import Due
from services.chassis.log import Log

log = Log(__name__)

LOOK_EVERY_S = 0.5
BACKOFF_S = 30.0
DUE_MAX = 500
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
        self._answered = True

    def stop(self) -> None:
        """End after the firing in hand."""
        self._stop.set()

    @property
    def healthy(self) -> bool:
        """Whether the database answers, and every timer that fell due could be fired."""
        return self._answered and not self._failed

    async def run(self) -> None:
        """Fire until stopped."""
        while not self._stop.is_set():
            try:
                await self.fire_due()
                self._answered = True
            except (*PASSING, KeyUnavailable) as error:
                self._answered = False
                log.warning("timers could not be fired, trying again", error=type(error).__name__)
            try:
                await asyncio.wait_for(self._stop.wait(), LOOK_EVERY_S)
            except TimeoutError:
                continue

    async def fire_due(self) -> int:
        """Fire everything that is due now, oldest first; give how many led to something or were settled.

        Raises:
            TimeoutError, OSError, PostgresError, KeyUnavailable: database or vault did not answer; what was not fired
                is still due.
        """
        now = asyncio.get_running_loop().time()
        # so many more than failed, so that those do not hide the ones behind them
        limit = DUE_MAX + len(self._failed)
        due = await self._journal.due(limit)
        if len(due) < limit:
            self._forget_all_but({(d.concern_id, d.timer.name) for d in due})
        count = 0
        for each in due:
            if self._failed.get((each.concern_id, each.timer.name), 0.0) <= now:
                count += await self._fire(each, now)
        return count

    def _forget_all_but(self, still_due: set[tuple[str, str]]) -> None:
        """A timer that failed and was since moved or dropped alarms no longer."""
        self._failed = {key: retry_at for key, retry_at in self._failed.items() if key in still_due}

    async def _fire(self, due: Due, now: float) -> int:
        key = (due.concern_id, due.timer.name)
        try:
            await self._journal.fire(due)
        except PASSING:
            raise
        except Exception as error:
            if isinstance(error, KeyUnavailable) and not isinstance(error, CannotSeal):
                raise
            # one bad timer must not stop the others; it stays, is counted, and alarms
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
