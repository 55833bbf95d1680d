"""From outbox to Kafka: unsent rows, in order, one publisher per (service, output partition).

An advisory lock of the service's own database says who publishes a partition. A publisher that dies, or loses its
connection, loses its locks with it; the next one begins at the first row not marked as sent. What was sent and not yet
marked is sent again: a duplicate record may lie on Kafka, a duplicate effect may not, because consumers know the id.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from services.chassis.envelope import Record
from services.chassis.errors import DeadlineExceeded
from services.chassis.journal.rows import unpack_headers
from services.chassis.kafka import REQUEST_DEADLINE_S, producer, stopped, within
from services.chassis.log import Log
from services.chassis.settings import Settings
from services.chassis.telemetry import Telemetry

log = Log(__name__)

ROWS_MAX = 2000
POLL_S = 0.5
LOCKS_EVERY_S = 2.0


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
        """Publish until stopped; what may pass is tried again, with a new connection and a new producer."""
        while not self._stop:
            try:
                await self._publish()
            except (DeadlineExceeded, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                self.healthy = False
                log.warning(
                    "publishing failed, trying again", error=type(error).__name__, service=self._settings.service
                )
                await self._pause(1.0)

    async def _publish(self) -> None:
        client = producer(self._settings)
        try:
            await within(REQUEST_DEADLINE_S, "starting the producer", client.start())
            async with self._pool.acquire() as connection:
                try:
                    await self._loop(connection, client)
                finally:
                    if not connection.is_closed():
                        await connection.execute("SELECT pg_advisory_unlock_all()")
        finally:
            await stopped("producer", client)

    async def _loop(self, connection: asyncpg.Connection[Any], client: AIOKafkaProducer) -> None:
        owned: list[tuple[str, int]] = []
        locked_at = 0.0
        clock = asyncio.get_running_loop().time
        while True:
            self._wake.clear()
            if len(owned) < len(self._wanted) and clock() - locked_at >= LOCKS_EVERY_S:
                owned = await self._lock(connection, owned)
                locked_at = clock()
            count = await self._send_some(connection, client, owned)
            self.healthy = True
            if count == ROWS_MAX:
                continue
            if self._stop:
                return
            await self._pause(POLL_S)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return

    async def _lock(self, connection: asyncpg.Connection[Any], owned: list[tuple[str, int]]) -> list[tuple[str, int]]:
        missing = [w for w in self._wanted if w not in set(owned)]
        rows = await connection.fetch(
            "SELECT t, p FROM unnest($1::text[], $2::int[]) AS w(t, p) WHERE pg_try_advisory_lock(hashtext(t), p)",
            [t for t, _ in missing],
            [p for _, p in missing],
        )
        return owned + [(row["t"], row["p"]) for row in rows]

    async def _send_some(
        self, connection: asyncpg.Connection[Any], client: AIOKafkaProducer, owned: list[tuple[str, int]]
    ) -> int:
        if not owned:
            return 0
        rows = await connection.fetch(
            "SELECT e.seq, e.event_id, e.concern_id, e.topic, e.partition, e.headers, e.value, e.recorded "
            "FROM entry e WHERE e.sent = false AND (e.topic, e.partition) IN "
            "(SELECT * FROM unnest($1::text[], $2::int[])) ORDER BY e.seq LIMIT $3",
            [t for t, _ in owned],
            [p for _, p in owned],
            ROWS_MAX,
        )
        self._telemetry.outbox.set(len(rows))
        if not rows:
            return 0
        by_partition: dict[tuple[str, int], list[asyncpg.Record]] = defaultdict(list)
        for row in rows:
            by_partition[row["topic"], row["partition"]].append(row)
        async with asyncio.timeout(REQUEST_DEADLINE_S * 2):
            await asyncio.gather(*(self._send_partition(client, t, p, r) for (t, p), r in by_partition.items()))
        await connection.execute("UPDATE entry SET sent = true WHERE event_id = ANY($1)", [r["event_id"] for r in rows])
        return len(rows)

    async def _send_partition(
        self, client: AIOKafkaProducer, topic: str, partition: int, rows: list[asyncpg.Record]
    ) -> None:
        """Send rows of one partition in order, in as few batches as they fit; return when all are written."""
        pending: list[Any] = []
        spans = []
        batch = client.create_batch()
        for row in rows:
            record = Record(
                topic,
                str(row["concern_id"]).encode(),
                unpack_headers(bytes(row["headers"])),
                bytes(row["value"]),
                partition,
            )
            spans.append(self._telemetry.send(record, str(row["event_id"])))
            arguments = {
                "key": record.key,
                "value": record.value,
                "timestamp": int(row["recorded"].timestamp() * 1000),
                "headers": list(record.headers),
            }
            if batch.append(**arguments) is None:
                pending.append(await client.send_batch(batch, topic, partition=partition))
                batch = client.create_batch()
                if batch.append(**arguments) is None:
                    # larger than a batch: by itself, after what is before it
                    await asyncio.gather(*pending)
                    pending = [await client.send(topic, partition=partition, **_timed(arguments))]
        if batch.record_count():
            pending.append(await client.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*pending)
        for span in spans:
            span.end()
        self._telemetry.sent.labels(topic).inc(len(rows))


def _timed(arguments: dict[str, Any]) -> dict[str, Any]:
    return {("timestamp_ms" if name == "timestamp" else name): value for name, value in arguments.items()}
