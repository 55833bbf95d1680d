"""The delivery worker: leases jobs, looks at them once more at the door, and brings them where they belong.

Not stage work: a recipient that hangs must not hold back the next concern. Several processes may deliver at once; a
lease that ran out because a process died is anybody's again, and a share is delivered once whoever does it, because
the act that records it has the share's id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import asyncpg
from google.protobuf.message import Message
from opentelemetry.trace import Span

from concern_relay.v1.codes_pb2 import Channel
from concern_relay.v1.shares_pb2 import DeliveryFailed, ShareDelivered
from services.chassis import database
from services.chassis.arrangement import Book
from services.chassis.errors import DeadlineExceeded, IdConflict, KeyUnavailable
from services.chassis.event import Refused
from services.chassis.journal import Act, Recorded
from services.chassis.keys import Key
from services.chassis.log import Log
from services.chassis.service import Context
from services.chassis.telemetry import parent_of, traceparent_of
from services.routing.acting import ids_of
from services.routing.gate import looked_at, stopped
from services.routing.revocations import Standing, standing
from services.routing.sealed_view import SealedView, keys_now, sealed_views
from services.routing.store import WAKE_CHANNEL, Jobs

PURPOSE: Final = "deliver"
BATCH: Final = 50
"""Jobs leased and recorded together: one transaction."""

LEASE: Final = timedelta(seconds=30)
LOOK_EVERY_S: Final = 1.0
"""Longest time until a job is seen that nobody gave notice of: one whose lease ran out."""

BACKOFF_FIRST_S: Final = 1.0
BACKOFF_MAX_S: Final = 60.0
ATTEMPTS_MAX: Final = 10
RETRY_SERVERS_S: Final = 1.0
INBOX: Final = "inbox"
PASSING: Final = (*database.PASSING, DeadlineExceeded, KeyUnavailable)
"""A server is away; it is waited for, and the leases run out by themselves."""

log = Log(__name__)


def backoff_s(attempt: int) -> float:
    """Give how long to wait after an attempt, in seconds: doubling, up to a minute."""
    return min(BACKOFF_FIRST_S * 2.0 ** max(0, attempt - 1), BACKOFF_MAX_S)


@dataclass(frozen=True, slots=True)
class _Errand:
    """One job, and what is to be recorded of it."""

    row: asyncpg.Record
    data: Message
    traceparent: str = ""
    span: Span | None = None


class Delivery:
    """Delivers to inboxes; the manual channel is a person's work, and webhooks have a worker of their own."""

    def __init__(self, context: Context, book: Book) -> None:
        self._context = context
        self._book = book
        self._jobs = Jobs(context.pool)
        self._wake = asyncio.Event()
        self.failing = False

    async def run(self) -> None:
        """Deliver until cancelled; servers that are away are waited for."""
        while True:
            try:
                await self._listen_and_deliver()
            except PASSING as error:
                self.failing = True
                log.warning("deliveries wait for a server", error=type(error).__name__)
                await asyncio.sleep(RETRY_SERVERS_S)

    async def _listen_and_deliver(self) -> None:
        connection = await self._context.pool.acquire(timeout=database.QUERY_DEADLINE_S)
        try:
            await connection.add_listener(WAKE_CHANNEL, self._notified)
            while True:
                self._wake.clear()
                while await self.deliver_due() == BATCH:
                    continue
                self.failing = False
                try:
                    await asyncio.wait_for(self._wake.wait(), LOOK_EVERY_S)
                except TimeoutError:
                    # nothing came: is the line cut?
                    await connection.execute("SELECT 1", timeout=database.QUERY_DEADLINE_S)
        except BaseException:
            connection.terminate()  # a listener must not go back to the pool, and a stopped server never lets go
            raise
        finally:
            await self._context.pool.release(connection, timeout=database.RELEASE_DEADLINE_S)

    def _notified(self, *_: Any) -> None:
        self._wake.set()

    async def deliver_due(self) -> int:
        """Deliver what is due now, up to a batch; give how many jobs were taken."""
        rows = await self._jobs.lease(INBOX, now=self._context.clock.now(), lease=LEASE, limit=BATCH)
        if rows:
            await self.deliver(rows)
        return len(rows)

    async def deliver(self, rows: Sequence[asyncpg.Record]) -> None:
        """Deliver leased jobs: looked up, asked for and recorded together."""
        context = self._context
        views = await sealed_views(
            context.journal, {row["concern_id"] for row in rows}, {row["planned_event_id"] for row in rows}
        )
        found = await keys_now(context.keys, views.values(), purpose=PURPOSE)
        stands = await standing(context, self._book, {row["agency_id"] for row in rows})
        await self._record([self._errand(row, views.get(row["planned_event_id"]), found, stands) for row in rows])

    def _errand(
        self, row: asyncpg.Record, view: SealedView | None, found: Mapping[str, Key], stands: Standing
    ) -> _Errand:
        """Look at a share once more, and say what is to become of it."""
        verdict = looked_at(view, found, self._book, stands)
        if view is None or verdict.failed:
            return self._failure(row, verdict.failed)
        if verdict.blocked:
            log.warning("a share was stopped at the door", share_id=row["share_id"], reason=verdict.blocked)
            return _Errand(row, stopped(row, verdict), view.planned.traceparent)
        data = ShareDelivered(**ids_of(row), channel=Channel.CHANNEL_INBOX, attempt=row["attempts"])
        # The trace of the submission goes on to here: its last step is that somebody has it.
        span = self._context.telemetry.tracer.start_span("deliver share", parent_of(view.planned.traceparent))
        return _Errand(row, data, traceparent_of(span) or view.planned.traceparent, span)

    def _failure(self, row: asyncpg.Record, reason: str) -> _Errand:
        attempt = row["attempts"]
        log.error("a delivery failed", share_id=row["share_id"], attempt=attempt, reason=reason)
        exhausted = attempt >= ATTEMPTS_MAX and not row["next_channels"]
        data = DeliveryFailed(
            **ids_of(row), channel=Channel.CHANNEL_INBOX, attempt=attempt, reason_code=reason, exhausted=exhausted
        )
        return _Errand(row, data)

    async def _record(self, errands: Sequence[_Errand]) -> None:
        """Record a batch together; if something in it breaks, each by itself, so that one never holds back others."""
        answers: list[Recorded | Refused | IdConflict | None]
        try:
            answers = [*await self._context.journal.acts([_act(errand) for errand in errands])]
        except PASSING:
            raise
        except Exception as error:  # noqa: BLE001  (whatever one share breaks must not stop the others; it is counted and tried again)
            log.error("a batch of deliveries broke", error=type(error).__name__)  # noqa: TRY400  (a traceback may hold content)
            answers = [await self._alone(errand) for errand in errands]
        finally:
            for errand in errands:
                if errand.span is not None:
                    errand.span.end()
        await self._jobs.done(
            [e.row["share_id"] for e, answer in zip(errands, answers, strict=True) if _settled(e, answer)]
        )
        for errand, answer in zip(errands, answers, strict=True):
            if answer is None or isinstance(errand.data, DeliveryFailed):
                await self._again(errand.row)

    async def _alone(self, errand: _Errand) -> Recorded | Refused | IdConflict | None:
        """Record one errand; None when it broke."""
        try:
            return (await self._context.journal.acts([_act(errand)]))[0]
        except PASSING:
            raise
        except Exception as error:  # noqa: BLE001  (as above)
            log.error("a delivery broke", share_id=errand.row["share_id"], error=type(error).__name__)  # noqa: TRY400
            self.failing = True
            return None

    async def _again(self, row: asyncpg.Record) -> None:
        """Try again later; after the last attempt the next channel takes over, and at the end a person."""
        next_at = self._context.clock.now() + timedelta(seconds=backoff_s(row["attempts"]))
        if row["attempts"] >= ATTEMPTS_MAX:
            await self._jobs.next_channel(row, next_at)
        else:
            await self._jobs.retry(row["share_id"], next_at)


def _act(errand: _Errand) -> Act:
    row = errand.row
    key = str(row["share_id"])
    if isinstance(errand.data, DeliveryFailed):
        key = f"{key}/{row['attempts']}"
    return Act(str(row["concern_id"]), errand.data, row["agency_id"], key, traceparent=errand.traceparent)


def _settled(errand: _Errand, answer: Recorded | Refused | IdConflict | None) -> bool:
    """Whether a job is over although no projection removed it: another settled it, or it may not be done."""
    if answer is None or isinstance(errand.data, DeliveryFailed):
        return False
    return not isinstance(answer, Recorded) or answer.repeated or not answer.events
