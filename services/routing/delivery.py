"""The delivery worker: leases jobs, looks at them once more at the door, and brings them where they belong.

Not stage work: a recipient that hangs must not hold back the next concern. Several processes may deliver at once; a
lease that ran out because a process died is anybody's again, and a share is delivered once whoever does it, because
the act that records it has the share's id.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg

from concern_relay.v1.codes_pb2 import Channel
from concern_relay.v1.shares_pb2 import DeliveryFailed, DispatchBlocked, ShareDelivered
from services.chassis.arrangement import ArrangementBook
from services.chassis.errors import DeadlineExceeded, IdConflict
from services.chassis.event import Refused
from services.chassis.log import Log
from services.chassis.sealing import SealBroken
from services.chassis.service import Context
from services.chassis.telemetry import parent_of
from services.routing import door
from services.routing.sealed_view import ViewMissing, all_open, row_of, sealed_view
from services.routing.store import WAKE_CHANNEL, Jobs

PURPOSE: Final = "deliver"
BATCH: Final = 100
CONCERNS_AT_ONCE: Final = 4
LEASE: Final = timedelta(seconds=30)
LOOK_EVERY_S: Final = 1.0
"""Longest time until a job is seen that nobody gave notice of: one whose lease ran out."""

BACKOFF_FIRST_S: Final = 1.0
BACKOFF_MAX_S: Final = 60.0
ATTEMPTS_MAX: Final = 10
RETRY_DATABASE_S: Final = 2.0
INBOX: Final = "inbox"

log = Log(__name__)


def backoff_s(attempt: int) -> float:
    """Give how long to wait after an attempt, in seconds: doubling, up to a minute."""
    return min(BACKOFF_FIRST_S * 2.0 ** max(0, attempt - 1), BACKOFF_MAX_S)


class Delivery:
    """Delivers to inboxes; the manual channel is a person's work, and webhooks come with their own worker."""

    def __init__(self, context: Context, book: ArrangementBook) -> None:
        self._context = context
        self._book = book
        self._jobs = Jobs(context.pool)
        self._wake = asyncio.Event()
        self._turns = asyncio.Semaphore(CONCERNS_AT_ONCE)
        self.failing = False

    async def run(self) -> None:
        """Deliver until cancelled; a database that is away is waited for."""
        while True:
            try:
                await self._listen_and_deliver()
            except (OSError, TimeoutError, DeadlineExceeded, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                self.failing = True
                log.warning("deliveries wait for the database", error=type(error).__name__)
                await asyncio.sleep(RETRY_DATABASE_S)

    async def _listen_and_deliver(self) -> None:
        async with self._context.pool.acquire() as connection:
            await connection.add_listener(WAKE_CHANNEL, self._notified)
            try:
                while True:
                    self._wake.clear()
                    while await self.deliver_due():
                        self.failing = False
                    self.failing = False
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), LOOK_EVERY_S)
            finally:
                with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    await connection.remove_listener(WAKE_CHANNEL, self._notified)

    def _notified(self, *_: Any) -> None:
        self._wake.set()

    async def deliver_due(self) -> int:
        """Deliver what is due now; give how many jobs were taken."""
        now = self._context.clock.now()
        rows = await self._jobs.lease(INBOX, now=now, lease=LEASE, limit=BATCH)
        by_concern: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
        for row in rows:
            by_concern[row["concern_id"]].append(row)
        # One concern's acts take turns on its lock anyway; several concerns go side by side.
        async with asyncio.TaskGroup() as tasks:
            for jobs in by_concern.values():
                tasks.create_task(self._concern(jobs))
        return len(rows)

    async def _concern(self, rows: list[asyncpg.Record]) -> None:
        async with self._turns:
            for row in rows:
                try:
                    await self._deliver(row)
                except (SealBroken, ViewMissing) as error:
                    await self._failed(row, type(error).__name__)
                except (Refused, IdConflict) as error:
                    # Settled by another worker, or stopped meanwhile: the record says which.
                    await self._jobs.done(row["share_id"])
                    log.info("a delivery was settled already", share_id=row["share_id"], error=type(error).__name__)

    async def _deliver(self, row: asyncpg.Record) -> None:
        context = self._context
        planned_event_id = await context.pool.fetchval(
            "SELECT planned_event_id FROM share WHERE share_id = $1", row["share_id"]
        )
        view = await sealed_view(context.journal, row["concern_id"], planned_event_id)
        with context.telemetry.tracer.start_as_current_span(
            "deliver share", parent_of(view.planned.traceparent), record_exception=False
        ):
            parts = await all_open(context.keys, view, purpose=PURPOSE)
            reason = door.KEY_SUSPENDED if parts is None else door.objection(parts, row_of(self._book, view))
            if reason:
                await self._block(row, reason)
                return
            data = ShareDelivered(
                concern_id=str(row["concern_id"]),
                share_id=str(row["share_id"]),
                recipient_agency_id=row["agency_id"],
                channel=Channel.CHANNEL_INBOX,
                attempt=row["attempts"],
            )
            await context.journal.act(
                data.concern_id, data, agency_id=row["agency_id"], key=data.share_id, time=context.clock.now()
            )
            await self._settle(row)

    async def _settle(self, row: asyncpg.Record) -> None:
        """The projection removed the job with the event; one that led to nothing (settled before) goes here."""
        await self._jobs.done(row["share_id"])

    async def _block(self, row: asyncpg.Record, reason: str) -> None:
        data = DispatchBlocked(
            concern_id=str(row["concern_id"]),
            share_id=str(row["share_id"]),
            recipient_agency_id=row["agency_id"],
            reason_code=reason,
        )
        await self._context.journal.act(data.concern_id, data, agency_id=row["agency_id"], key=data.share_id)
        await self._jobs.done(row["share_id"])
        log.warning("a share was stopped at the door", share_id=row["share_id"], reason=reason)

    async def _failed(self, row: asyncpg.Record, reason: str) -> None:
        """Record a failed attempt; after the last the next channel takes over, and at the end a person."""
        attempt = row["attempts"]
        exhausted = attempt >= ATTEMPTS_MAX
        data = DeliveryFailed(
            concern_id=str(row["concern_id"]),
            share_id=str(row["share_id"]),
            recipient_agency_id=row["agency_id"],
            channel=Channel.CHANNEL_INBOX,
            attempt=attempt,
            reason_code=_code(reason),
            exhausted=exhausted and not row["next_channels"],
        )
        with suppress(Refused, IdConflict):
            await self._context.journal.act(
                data.concern_id, data, agency_id=row["agency_id"], key=f"{data.share_id}/{attempt}"
            )
        next_at = self._context.clock.now() + timedelta(seconds=backoff_s(attempt))
        if exhausted:
            await self._jobs.next_channel(row, next_at)
        else:
            await self._jobs.retry(row["share_id"], next_at)
        log.error("a delivery failed", share_id=row["share_id"], attempt=attempt, error=reason)


def _code(name: str) -> str:
    """Give the reason code of an error: SealBroken is seal_broken."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
