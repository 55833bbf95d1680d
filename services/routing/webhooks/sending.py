"""The webhook worker: leases messages, looks at their shares once more, posts, and records what came of it.

One endpoint that is gone, hangs or fails holds back no other: it has a few messages on their way at once, and rests
longer after each failure. 2xx says that the recipient's system has it: delivered, never acknowledged. Several processes
may send at once; a message that two of them send after a lease ran out carries the same id both times.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg
from google.protobuf.message import Message
from prometheus_client import Counter as Metric

from concern_relay.v1.codes_pb2 import Channel
from concern_relay.v1.shares_pb2 import DeliveryFailed, ShareDelivered
from services.chassis import database
from services.chassis.arrangement import Book
from services.chassis.errors import DeadlineExceeded, KeyUnavailable
from services.chassis.journal import Act
from services.chassis.log import Log
from services.chassis.service import Context
from services.routing.acting import ids_of
from services.routing.gate import Verdict, looked_at, stopped
from services.routing.revocations import standing
from services.routing.sealed_view import keys_now, sealed_views
from services.routing.store import WAKE_CHANNEL, Jobs
from services.routing.webhooks.message import SHARE_READY, body_of
from services.routing.webhooks.post import Answer, Poster
from services.routing.webhooks.queue import EACH, LEASE, Queue
from services.routing.webhooks.schedule import rest, retry_in
from services.routing.webhooks.secrets import SecretSeal
from services.routing.webhooks.signature import signed_headers

PURPOSE: Final = "deliver"
WEBHOOK: Final = "webhook"
LOOK_EVERY_S: Final = 1.0
RETRY_SERVERS_S: Final = 1.0
TOGETHER_MAX: Final = 50
HAND_ON_MAX: Final = 50
NOT_TAKEN: Final = "not_taken_in_time"
NO_ENDPOINT: Final = "no_endpoint"
PASSING: Final = (*database.PASSING, DeadlineExceeded, KeyUnavailable)

log = Log(__name__)


@dataclass
class Sending:
    """Sends what is due.

    Attributes:
        base_url: where the inbox answers; links in messages begin with it.
        failing: a server of ours was away; the process says it is not ready.
    """

    context: Context
    book: Book
    poster: Poster
    base_url: str
    failing: bool = False
    _inside: Counter[UUID] = field(default_factory=Counter)
    _probed: set[UUID] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _acts: list[tuple[Act, asyncio.Future[None]]] = field(default_factory=list)
    _recording: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self._queue = Queue(self.context.pool)
        self._jobs = Jobs(self.context.pool)
        self._seal = SecretSeal(self.context.journal.desk.local_key)
        self._posts = Metric(
            "relay_webhook_posts", "Webhook attempts, by outcome", ["outcome"], registry=self.context.telemetry.registry
        )

    async def run(self) -> None:
        """Send until cancelled; servers that are away are waited for."""
        try:
            while True:
                try:
                    await self._listen_and_send()
                except PASSING as error:
                    self.failing = True
                    log.warning("webhooks wait for a server", error=type(error).__name__)
                    await asyncio.sleep(RETRY_SERVERS_S)
        finally:
            for task in self._tasks:
                task.cancel()

    async def _listen_and_send(self) -> None:
        connection = await self.context.pool.acquire(timeout=database.QUERY_DEADLINE_S)
        try:
            await connection.add_listener(WAKE_CHANNEL, self._notified)
            while True:
                self._wake.clear()
                while await self.send_due():
                    continue
                await self.hand_on_due()
                self.failing = False
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), LOOK_EVERY_S)
                await connection.execute("SELECT 1", timeout=database.QUERY_DEADLINE_S)  # a cut line is seen here
        except BaseException:
            connection.terminate()
            raise
        finally:
            await self.context.pool.release(connection, timeout=database.RELEASE_DEADLINE_S)

    def _notified(self, *_: Any) -> None:
        self._wake.set()

    # -- messages

    async def send_due(self) -> int:
        """Start sending what is due and whose endpoint has room; give how many messages were taken up."""
        busy = [one for one, count in self._inside.items() if count >= EACH or one in self._probed]
        rows = await self._queue.lease(self.context.clock.now(), busy, EACH)
        verdicts = await self._looked_at([row for row in rows if row["type"] == SHARE_READY])
        for row in rows:
            self._inside[row["endpoint_id"]] += 1
            if row["failures"]:
                self._probed.add(row["endpoint_id"])
            task = asyncio.create_task(self._bring(row, verdicts.get(row["share_id"], Verdict())))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(rows)

    async def settled(self) -> None:
        """Wait until nothing is on its way."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _looked_at(self, rows: Sequence[asyncpg.Record]) -> dict[UUID, Verdict]:
        """Look at shares once more before anybody is told that they are there."""
        if not rows:
            return {}
        planned = {row["planned_event_id"] for row in rows}
        views = await sealed_views(self.context.journal, {row["concern_id"] for row in rows}, planned)
        found = await keys_now(self.context.keys, views.values(), purpose=PURPOSE)
        stands = await standing(self.context, self.book, [row["agency_id"] for row in rows])
        return {
            row["share_id"]: looked_at(views.get(row["planned_event_id"]), found, self.book, stands) for row in rows
        }

    async def _bring(self, row: asyncpg.Record, verdict: Verdict) -> None:
        try:
            if verdict.blocked:
                await self._blocked(row, verdict)
            elif verdict.failed:
                await self._not_taken(row, Answer(0, verdict.failed))
            else:
                await self._posted(row)
        except PASSING as error:  # the lease runs out by itself
            self.failing = True
            log.warning("a webhook waits for a server", share_id=row["share_id"], error=type(error).__name__)
        except Exception as error:  # noqa: BLE001  (one message that breaks must not end the worker; it is tried again)
            log.error("a webhook broke", share_id=row["share_id"], error=type(error).__name__)  # noqa: TRY400
        finally:
            self._left(row["endpoint_id"])

    def _left(self, endpoint_id: UUID) -> None:
        """Make room for the next message to an endpoint."""
        self._inside[endpoint_id] -= 1
        self._probed.discard(endpoint_id)
        if self._inside[endpoint_id] <= EACH // 2:
            self._wake.set()
        if not self._inside[endpoint_id]:
            del self._inside[endpoint_id]

    async def _posted(self, row: asyncpg.Record) -> None:
        body = body_of(row, self.base_url)
        headers = signed_headers(row["message_id"], self.context.clock.now(), body, self._secrets(row))
        answer = await self.poster.post(row["url"], headers, body)
        self._posts.labels(answer.reason).inc()
        if answer.ok:
            await self._taken(row)
        elif answer.reason == "gone":
            await self._gone(row)
        else:
            await self._not_taken(row, answer)

    def _secrets(self, row: asyncpg.Record) -> list[str]:
        """Give the secrets to sign with: both, while one is being rotated out."""
        endpoint_id = row["endpoint_id"]
        found = [self._seal.open(endpoint_id, row["secret"])]
        if row["former_secret"] is not None and row["former_until"] > self.context.clock.now():
            found.append(self._seal.open(endpoint_id, row["former_secret"]))
        return found

    async def _taken(self, row: asyncpg.Record) -> None:
        if row["settles"]:
            data = ShareDelivered(**ids_of(row), channel=Channel.CHANNEL_WEBHOOK, attempt=row["attempts"])
            await self._record(row, data, f"{row['share_id']}/{WEBHOOK}")
        await self._queue.answered(row["endpoint_id"])
        await self._queue.taken(row)

    async def _blocked(self, row: asyncpg.Record, verdict: Verdict) -> None:
        log.warning("a share was stopped at the door", share_id=row["share_id"], reason=verdict.blocked)
        if row["settles"]:
            await self._record(row, stopped(row, verdict), str(row["share_id"]))
        await self._queue.taken(row)

    async def _gone(self, row: asyncpg.Record) -> None:
        """410 disables the endpoint, as the specification has it; its agency is told by people."""
        log.error("a webhook endpoint is gone: its agency has to register one", channel=WEBHOOK, reason="gone")
        await self._queue.disable(row["endpoint_id"], "gone", self.context.clock.now())
        await self._note(row, "gone")
        self._wake.set()

    async def _not_taken(self, row: asyncpg.Record, answer: Answer) -> None:
        now, chance = self.context.clock.now(), random.random()  # noqa: S311  (spreads load, hides nothing)
        await self._queue.again(row, now + retry_in(row["attempts"], chance, answer.retry_after_s))
        if answer.of_endpoint:
            rests = now + rest(row["failures"] + 1, chance)
            await self._queue.failed(row["endpoint_id"], now, rests, answer.reason)
        log.warning("a webhook was not taken", share_id=row["share_id"], attempt=row["attempts"], reason=answer.reason)
        await self._note(row, answer.reason)

    async def _note(self, row: asyncpg.Record, reason: str) -> None:
        """Record a failed attempt of a share that waits for its webhook."""
        if row["settles"]:
            data = DeliveryFailed(
                **ids_of(row), channel=Channel.CHANNEL_WEBHOOK, attempt=row["attempts"], reason_code=reason
            )
            await self._record(row, data, f"{row['message_id']}/{row['endpoint_id']}/{row['attempts']}")

    # -- the next channel

    async def hand_on_due(self) -> int:
        """Give the next channel the shares that no endpoint took in time; give how many."""
        now = self.context.clock.now()
        rows = await self._jobs.lease(WEBHOOK, now=now, lease=LEASE, limit=HAND_ON_MAX)
        attempts = await self._queue.attempts_of([row["share_id"] for row in rows]) if rows else {}
        for row in rows:
            data = DeliveryFailed(
                **ids_of(row),
                channel=Channel.CHANNEL_WEBHOOK,
                attempt=attempts.get(row["share_id"], 0),
                reason_code=NOT_TAKEN if row["share_id"] in attempts else NO_ENDPOINT,
                exhausted=not row["next_channels"],
            )
            await self._record(row, data, f"{row['share_id']}/{WEBHOOK}/handed_on")
            await self._jobs.next_channel(row, now)
        if rows:
            log.warning("shares go the next way: no webhook took them", channel=WEBHOOK, count=len(rows))
        return len(rows)

    # -- the journal

    async def _record(self, row: asyncpg.Record, data: Message, key: str) -> None:
        """Record an act together with those that come at the same moment."""
        act = Act(str(row["concern_id"]), data, row["agency_id"], key)
        done = asyncio.get_running_loop().create_future()
        self._acts.append((act, done))
        if self._recording is None or self._recording.done():
            self._recording = asyncio.create_task(self._record_waiting())
        await done

    async def _record_waiting(self) -> None:
        while self._acts:
            batch, self._acts = self._acts[:TOGETHER_MAX], self._acts[TOGETHER_MAX:]
            if not await self._recorded(batch):
                for one in batch:  # whatever one breaks must not hold back the others
                    await self._recorded([one])

    async def _recorded(self, batch: Sequence[tuple[Act, asyncio.Future[None]]]) -> bool:
        """Record a batch, and tell those that wait for it; False when it should be done one by one."""
        error: Exception | None = None
        try:
            await self.context.journal.acts([act for act, _ in batch])
        except Exception as broken:  # noqa: BLE001  (each of those that wait has to hear of it)
            if len(batch) > 1 and not isinstance(broken, PASSING):
                return False
            error = broken
        for _, done in batch:
            if done.done():
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)
        return True
