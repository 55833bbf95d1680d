"""From outbox to Kafka: unsent rows, in order, one publisher per (service, output partition).

An advisory lock of the service's own database says who publishes a partition. A publisher that dies, or loses its
connection, loses its locks with it; the next one begins at the first row of the outbox. What was sent and not yet taken
out is sent again: a duplicate record may lie on Kafka, a duplicate effect may not, because consumers know the id.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.chassis import database
from services.chassis.envelope import Record
from services.chassis.errors import DeadlineExceeded
from services.chassis.journal.rows import unpack_headers
from services.chassis.kafka import REQUEST_DEADLINE_S, producer, stopped, within
from services.chassis.log import Log
from services.chassis.settings import Settings
from services.chassis.telemetry import Telemetry, end_failed

log = Log(__name__)

ROWS_MAX = 1000
BYTES_MAX = 32 * 1024 * 1024  # begun with a row below it, ended by the first above
SWEEP_ROWS = 5000  # reading steps over what was taken out until it is swept; autovacuum comes once a minute
POLL_S = 0.5
LOCKS_EVERY_S = 2.0
RETRY_S = 1.0
UNLOCK_DEADLINE_S = 5.0
IDLE_MS_MAX = 15_000
"""A publisher looks twice a second. One that says nothing for so long was stopped: the server ends its session, and its
locks go to the others. A broker that answers no faster costs a new session, and records sent twice, nothing else."""


_NEXT = "SELECT * FROM next_unsent($1, $2, $3, $4)"
# without giving space back to the system, for which nobody could write meanwhile
_SWEEP = "VACUUM (TRUNCATE false, PARALLEL 0) outbox"
_LOCK = "SELECT t, p FROM unnest($1::text[], $2::int[]) AS w(t, p) WHERE pg_try_advisory_lock(hashtext(t), p)"

Lane = tuple[str, int]  # topic and partition


class Publisher:
    """Sends what the journal holds unsent.

    Args:
        pool: connections to the service's own database.
        settings: where the broker is.
        partitions: per output topic, how many.
        telemetry: spans and counters.
    """

    def __init__(
        self, pool: asyncpg.Pool, settings: Settings, partitions: Mapping[str, int], telemetry: Telemetry
    ) -> None:
        self._pool = pool
        self._settings = settings
        self._telemetry = telemetry
        self._wanted = sorted((topic, n) for topic, count in partitions.items() for n in range(count))
        self._wake = asyncio.Event()
        self._stop = False
        self.healthy = False

    def wake(self) -> None:
        """Say that there is something to send."""
        self._wake.set()

    def stop(self) -> None:
        """Send what is there, then end."""
        self._stop = True
        self._wake.set()

    async def run(self) -> None:
        """Publish until stopped; what fails is tried again, with a new connection and a new producer."""
        while True:
            try:
                await self._publish()
            except (DeadlineExceeded, KafkaError, OSError, TimeoutError, *database.PASSING, asyncpg.PostgresError) as e:
                self.healthy = False
                log.warning("publishing failed, trying again", error=type(e).__name__, service=self._settings.service)
            if self._stop:
                return
            await self._pause(RETRY_S)

    async def _publish(self) -> None:
        client = producer(self._settings)
        try:
            await within(REQUEST_DEADLINE_S, "starting the producer", client.start())
            connection = await within(REQUEST_DEADLINE_S, "borrowing a connection", self._pool.acquire())
            try:
                await self._loop(connection, client)
            finally:
                # never back to the pool: its commits are not durable, and the locks must go, whatever happened
                connection.terminate()
                await self._pool.release(connection, timeout=UNLOCK_DEADLINE_S)
        finally:
            await stopped("producer", client)

    async def _loop(self, connection: asyncpg.Connection[Any], client: AIOKafkaProducer) -> None:
        # a crash of the database may bring back rows that were sent, never lose one that was not: no need to wait
        asked = connection.execute(f"SET synchronous_commit = off; SET idle_session_timeout = {IDLE_MS_MAX}")
        await within(REQUEST_DEADLINE_S, "setting up the connection", asked)
        owned: list[Lane] = []
        sent: list[int] = []
        swept = 0
        locked_at = float("-inf")
        clock = asyncio.get_running_loop().time
        while True:
            self._wake.clear()
            if len(owned) < len(self._wanted) and clock() - locked_at >= LOCKS_EVERY_S:
                owned += await self._lock(connection, owned)
                locked_at = clock()
            rows = await self._next(connection, sent, owned)
            sent = await self._send_all(client, rows)
            swept += len(sent)
            if swept >= SWEEP_ROWS:
                swept = 0
                await within(REQUEST_DEADLINE_S, "sweeping the outbox", connection.execute(_SWEEP))
            self.healthy = True
            if self._stop and not sent:
                await within(UNLOCK_DEADLINE_S, "unlocking", connection.execute("SELECT pg_advisory_unlock_all()"))
                return
            if _full(rows) or (sent and self._stop):
                continue
            # what was sent is taken out with the next look, which is when there is more to send: half the questions
            await self._pause(POLL_S)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return

    async def _lock(self, connection: asyncpg.Connection[Any], owned: list[Lane]) -> list[Lane]:
        missing = sorted({*self._wanted}.difference(owned))
        asked = connection.fetch(_LOCK, [topic for topic, _ in missing], [n for _, n in missing])
        return [(row["t"], row["p"]) for row in await within(REQUEST_DEADLINE_S, "locking partitions", asked)]

    async def _next(
        self, connection: asyncpg.Connection[Any], sent: list[int], owned: list[Lane]
    ) -> list[asyncpg.Record]:
        """Take out what was sent, and give the next rows in order."""
        if not owned:
            return []
        asked = connection.fetch(_NEXT, sent, [f"{topic}/{n}" for topic, n in owned], ROWS_MAX, BYTES_MAX)
        rows: list[asyncpg.Record] = await within(REQUEST_DEADLINE_S, "reading the outbox", asked)
        self._telemetry.outbox.set(len(rows))
        return rows

    async def _send_all(self, client: AIOKafkaProducer, rows: list[asyncpg.Record]) -> list[int]:
        """Send rows, partitions side by side; give their numbers when all are written."""
        by_lane: dict[Lane, list[asyncpg.Record]] = defaultdict(list)
        for row in rows:
            by_lane[row["topic"], row["partition"]].append(row)
        sending = asyncio.gather(*(self._send(client, *found) for found in by_lane.items()), return_exceptions=True)
        for outcome in await within(REQUEST_DEADLINE_S * 2, "sending", sending):
            if outcome is not None:
                raise outcome
        return [row["seq"] for row in rows]

    async def _send(self, client: AIOKafkaProducer, lane: Lane, rows: Sequence[asyncpg.Record]) -> None:
        """Send the rows of one partition in order; return when all are written.

        One batch at a time: were two on their way and the first lost, the second would lie before it.
        """
        topic, partition = lane
        records = [_record(row) for row in rows]
        spans = [
            s for r, row in zip(records, rows, strict=True) if (s := self._telemetry.send(r, str(row["event_id"])))
        ]
        try:
            for batch in _batches(client, records):
                written = await client.send_batch(batch, topic, partition=partition)
                await written
        except BaseException as error:
            for span in spans:
                end_failed(span, error)
            raise
        for span in spans:
            span.end()
        self._telemetry.sent.labels(topic).inc(len(rows))


def _full(rows: Sequence[asyncpg.Record]) -> bool:
    """Whether a look gave as much as it may, so that there may be more."""
    return len(rows) == ROWS_MAX or sum(len(row["value"]) for row in rows) >= BYTES_MAX


def _record(row: asyncpg.Record) -> Record:
    headers = unpack_headers(row["headers"])
    return Record(row["topic"], str(row["concern_id"]).encode(), headers, row["value"], row["partition"])


def _batches(client: AIOKafkaProducer, records: Sequence[Record]) -> Iterator[Any]:
    """Pack records into as few batches as they fit; one that is larger than a batch has one to itself."""
    batch = client.create_batch()
    for record in records:
        written = {
            "key": record.key,
            "value": record.value,
            # when it was sent: a broker refuses times an hour ahead of its own, and a clock may be wrong or be moved;
            # when it was recorded is an attribute of the event
            "timestamp": int(time.time() * 1000),
            "headers": list(record.headers),  # aiokafka takes no tuple
        }
        if batch.append(**written) is None:
            yield batch
            batch = client.create_batch()
            assert batch.append(**written) is not None  # the first of a batch always fits
    yield batch
