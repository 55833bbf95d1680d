"""The stage: from Kafka into the journal. Small enough to read in one sitting.

Records are taken in partition order, in bounded batches; the offset is committed after the database, so that a crash
repeats records and never skips one, and the journal makes the repetition harmless. What may pass (broker, database) is
tried again within a budget; what cannot is parked by the journal. A watchdog sees a stage that is behind and does not
move: after 10 s it is not ready, after 60 s the process ends and its supervisor starts it anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from services.chassis.envelope import Record
from services.chassis.errors import DeadlineExceeded, KeyUnavailable, Stalled
from services.chassis.journal import Journal
from services.chassis.kafka import RECORDS_MAX, REQUEST_DEADLINE_S, consumer, stopped, within
from services.chassis.log import Log
from services.chassis.settings import Settings
from services.chassis.telemetry import Telemetry

log = Log(__name__)

POLL_MS = 200
RETRY_BUDGET_S = 45.0
RETRY_FIRST_S = 0.1
RETRY_MAX_S = 5.0
WATCH_EVERY_S = 2.0
NOT_READY_S = 10.0
STALLED_S = 60.0

# what may pass by itself: the broker or the database is away, slow, or restarting
PASSING = (
    DeadlineExceeded, TimeoutError, OSError, KafkaError,
    asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError, asyncpg.InsufficientResourcesError, KeyUnavailable,
)  # fmt: skip


@dataclass(slots=True)
class Progress:
    """What the watchdog looks at."""

    moved_at: float = 0.0
    behind: int = 0
    answered: bool = False
    positions: dict[TopicPartition, int] = field(default_factory=dict)


class Stage:
    """Takes records of some topics into a journal.

    Args:
        journal: where they go.
        settings: where the broker is; the service's name is the consumer group.
        topics: what to read.
        telemetry: counters.
    """

    def __init__(
        self, journal: Journal[Any], settings: Settings, topics: tuple[str, ...], telemetry: Telemetry
    ) -> None:
        self._journal = journal
        self._settings = settings
        self._topics = topics
        self._telemetry = telemetry
        self._stop = asyncio.Event()
        self.progress = Progress()

    def stop(self) -> None:
        """Finish the batch in hand, leave the group, end."""
        self._stop.set()

    def stalled_s(self) -> float:
        """Seconds since it last moved, while it is behind or cannot tell; 0 when all is well."""
        if self.progress.answered and not self.progress.behind:
            return 0.0
        return asyncio.get_running_loop().time() - self.progress.moved_at

    @property
    def ready(self) -> bool:
        """Whether it answers, and is not behind without moving."""
        return self.progress.answered and self.stalled_s() < NOT_READY_S

    async def run(self) -> None:
        """Take records until stopped.

        Raises:
            Stalled: behind and not moving for too long.
        """
        self.progress.moved_at = asyncio.get_running_loop().time()
        client = consumer(self._settings, group=self._settings.service)
        try:
            await self._retried("starting the consumer", lambda: client.start())  # noqa: PLW0108  (a fresh coroutine each time)
            client.subscribe(list(self._topics))
            async with asyncio.TaskGroup() as tasks:
                watch = tasks.create_task(self._watch(client))
                try:
                    while not self._stop.is_set():
                        await self._turn(client)
                finally:
                    watch.cancel()
        finally:
            await stopped("consumer", client)

    async def _turn(self, client: AIOKafkaConsumer) -> None:
        batches: Mapping[TopicPartition, list[ConsumerRecord]] = await within(
            REQUEST_DEADLINE_S * 3, "fetching records", client.getmany(timeout_ms=POLL_MS, max_records=RECORDS_MAX)
        )
        if not batches:
            return
        records = [_record(r) for batch in batches.values() for r in batch]
        await self._retried("taking records", lambda: self._take(records))
        self.progress.moved_at = asyncio.get_running_loop().time()
        await self._commit(client, {tp: batch[-1].offset + 1 for tp, batch in batches.items()})

    async def _take(self, records: list[Record]) -> None:
        try:
            await self._journal.take(records)
        except PASSING:
            raise
        except asyncpg.PostgresError:
            # one record the database refuses must not hold back the others: one by one, the journal parks it
            for record in records:
                await self._journal.take([record])

    async def _commit(self, client: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
        try:
            await within(REQUEST_DEADLINE_S, "committing offsets", client.commit(offsets))
        except (CommitFailedError, IllegalStateError) as error:
            # another worker has the partition now and will take the records again; the journal knows them
            log.info("offsets not committed, the partition moved", error=type(error).__name__)
        except PASSING as error:
            # the records are in the journal; the next commit covers this one
            log.warning("offsets not committed", error=type(error).__name__)

    async def _retried(self, what: str, call: Any) -> None:
        loop = asyncio.get_running_loop()
        give_up, pause = loop.time() + RETRY_BUDGET_S, RETRY_FIRST_S
        while True:
            try:
                await within(REQUEST_DEADLINE_S * 3, what, call())
            except PASSING as error:
                if loop.time() + pause > give_up:
                    raise
                log.warning("trying again", code=what, error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY_MAX_S)
            else:
                return

    async def _watch(self, client: AIOKafkaConsumer) -> None:
        while True:
            try:
                await self._measure(client)
            except PASSING as error:
                self.progress.answered = False
                log.warning("the broker does not answer", error=type(error).__name__)
            if (stalled := self.stalled_s()) > STALLED_S:
                raise Stalled(f"behind and not moving for {stalled:.0f} s: restart this process")
            await asyncio.sleep(WATCH_EVERY_S)

    async def _measure(self, client: AIOKafkaConsumer) -> None:
        assigned = list(client.assignment())
        ends = (
            await within(REQUEST_DEADLINE_S / 2, "asking for end offsets", client.end_offsets(assigned))
            if assigned
            else {}
        )
        if not assigned:
            await within(REQUEST_DEADLINE_S / 2, "asking for topics", client.topics())
        positions = {
            tp: await within(REQUEST_DEADLINE_S / 2, "asking for a position", client.position(tp)) for tp in ends
        }
        progress = self.progress
        if positions != progress.positions or not progress.answered:
            progress.moved_at = asyncio.get_running_loop().time()
        progress.positions = positions
        progress.behind = sum(max(0, end - positions[tp]) for tp, end in ends.items())
        progress.answered = True
        for topic in self._topics:
            lag = sum(max(0, end - positions[tp]) for tp, end in ends.items() if tp.topic == topic)
            self._telemetry.lag.labels(topic).set(lag)


def _record(r: ConsumerRecord) -> Record:
    return Record(
        r.topic, r.key or b"", tuple((n, v or b"") for n, v in r.headers), r.value or b"", r.partition, r.offset
    )
