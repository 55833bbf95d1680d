"""The stage: from Kafka into the journal. Small enough to read in one sitting.

Records are taken in partition order, in bounded batches; the offset is committed after the database, so that a crash
repeats records and never skips one, and the journal makes the repetition harmless. What may pass (broker, database) is
tried again within a budget; what cannot is parked by the journal. A watchdog sees a stage that is behind and does not
move: after 10 s it is not ready, after 60 s the process ends and its supervisor starts it anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from services.chassis import database
from services.chassis.envelope import Record
from services.chassis.errors import DeadlineExceeded, KeyUnavailable, Stalled
from services.chassis.event import TYPE_PREFIX
from services.chassis.journal import Journal
from services.chassis.kafka import RECORDS_MAX, REQUEST_DEADLINE_S, consumer, stopped, within
from services.chassis.log import Log
from services.chassis.settings import Settings
from services.chassis.telemetry import Telemetry

T = TypeVar("T")
log = Log(__name__)

POLL_MS = 200
COMMIT_EVERY_S = 0.2
RETRY_BUDGET_S = 45.0
RETRY_FIRST_S = 0.1
RETRY_MAX_S = 5.0
WATCH_EVERY_S = 2.0
NOT_READY_S = 10.0
STALLED_S = 60.0

# what may pass by itself: the broker, the database or the vault is away, slow, or restarting
PASSING = (*database.PASSING, DeadlineExceeded, KafkaError, KeyUnavailable)


@dataclass(slots=True)
class Progress:
    """What the watchdog looks at.

    Attributes:
        moved_at: when records were last taken, or there were none to take.
        behind: records on the broker not yet fetched.
        in_hand: records fetched and not yet taken.
        answered: the broker said so.
    """

    moved_at: float = 0.0
    behind: int = 0
    in_hand: int = 0
    answered: bool = False
    positions: dict[TopicPartition, int] = field(default_factory=dict)


class Stage:
    """Takes records of some topics into a journal.

    Args:
        journal: where they go.
        settings: where the broker is; the service's name is the consumer group.
        topics: what to read.
        telemetry: counters.
        types: event types to take; records of others are passed over. None takes all.
        instance: a name that stays the same when this worker is started anew, and that no other worker has. With it a
            restarted worker takes up its partitions at once, instead of after the session timeout.
        patience_ms: see ``consumer``.
    """

    def __init__(
        self,
        journal: Journal[Any],
        settings: Settings,
        topics: tuple[str, ...],
        telemetry: Telemetry,
        *,
        types: frozenset[str] | None = None,
        instance: str | None = None,
        patience_ms: int = 0,
    ) -> None:
        self._journal = journal
        self._types = None if types is None else frozenset((TYPE_PREFIX + name).encode() for name in types)
        self._settings = settings
        self._topics = topics
        self._telemetry = telemetry
        self._instance = instance
        self._patience_ms = patience_ms
        self._stop = asyncio.Event()
        self._done: dict[TopicPartition, int] = {}
        self._committed_at = 0.0
        self.progress = Progress()

    def stop(self) -> None:
        """Finish the batch in hand, leave the group, end."""
        self._stop.set()

    def stalled_s(self) -> float:
        """Seconds since it last moved, while it is behind or cannot tell; 0 when all is well."""
        progress = self.progress
        if progress.answered and not progress.behind and not progress.in_hand:
            return 0.0
        return asyncio.get_running_loop().time() - progress.moved_at

    @property
    def ready(self) -> bool:
        """Whether it answers, and is not behind without moving."""
        return self.progress.answered and self.stalled_s() < NOT_READY_S

    async def run(self) -> None:
        """Take records until stopped; with a new client whenever the old one failed.

        A client whose fetch failed is never asked again: aiokafka has then dropped records that it had in hand, and
        moved its position past them.

        Raises:
            Stalled: behind and not moving for too long.
            KafkaError, DeadlineExceeded: no client could be had, or none that works, for too long.
        """
        self._moved()
        pause = RETRY_FIRST_S
        while not self._stop.is_set():
            began = self.progress.moved_at
            try:
                await self._session()
            except PASSING as error:
                now = asyncio.get_running_loop().time()
                if self._stop.is_set():
                    log.warning("left while a server did not answer", error=type(error).__name__)
                elif now - self.progress.moved_at > RETRY_BUDGET_S:
                    raise
                else:
                    log.warning("starting anew", error=type(error).__name__)
                    pause = RETRY_FIRST_S if self.progress.moved_at > began else min(pause * 2, RETRY_MAX_S)
                    await self._pause(pause)

    async def _session(self) -> None:
        """Take records with one client, from where the group stands."""
        self._done.clear()
        self.progress.in_hand, self.progress.answered = 0, False
        client = consumer(
            self._settings, group=self._settings.service, instance=self._instance, patience_ms=self._patience_ms
        )
        try:
            await within(REQUEST_DEADLINE_S * 3, "starting the consumer", client.start())
            client.subscribe(list(self._topics))
            await first_of(self._take_until_stopped(client), self._watch(client))
        finally:
            await stopped("consumer", client)

    async def _take_until_stopped(self, client: AIOKafkaConsumer) -> None:
        while not self._stop.is_set():
            await self._turn(client)
        await self._commit(client)

    async def _turn(self, client: AIOKafkaConsumer) -> None:
        batches: Mapping[TopicPartition, list[ConsumerRecord]] = await within(
            REQUEST_DEADLINE_S * 3, "fetching records", client.getmany(timeout_ms=POLL_MS, max_records=RECORDS_MAX)
        )
        fetched = [record_of(r) for batch in batches.values() for r in batch]
        records = [record for record in fetched if self._takes(record)]
        if records:
            self.progress.in_hand = len(records)
            await self._retried("taking records", lambda: self._journal.take(records))
            self.progress.in_hand = 0
        if fetched:
            self._moved()
            self._done |= {tp: batch[-1].offset + 1 for tp, batch in batches.items()}
        now = asyncio.get_running_loop().time()
        if self._done and (not records or now - self._committed_at >= COMMIT_EVERY_S):
            self._committed_at = now
            await self._commit(client)

    def _takes(self, record: Record) -> bool:
        """Whether a record is for this service, by its clear type; one without a type is parked by everybody."""
        name = next((value for header, value in record.headers if header == "ce_type"), b"")
        return self._types is None or not name or name in self._types

    async def _commit(self, client: AIOKafkaConsumer) -> None:
        """Commit what is in the database. A crash before it repeats at most what was taken since the last one."""
        assigned = client.assignment()
        offsets = {tp: offset for tp, offset in self._done.items() if tp in assigned}
        if not offsets:
            return
        try:
            await within(REQUEST_DEADLINE_S, "committing offsets", client.commit(offsets))
        except (CommitFailedError, IllegalStateError) as error:
            # another worker has the partition now and will take the records again; the journal knows them
            log.info("offsets not committed, the partition moved", error=type(error).__name__)
        except PASSING as error:
            # the records are in the journal; the next commit covers this one
            log.warning("offsets not committed", error=type(error).__name__)
            return
        self._done.clear()

    async def _retried(self, what: str, call: Callable[[], Awaitable[T]]) -> T:
        """Call, and again while what fails may pass: within a budget, and not when told to stop."""
        loop = asyncio.get_running_loop()
        give_up, pause = loop.time() + RETRY_BUDGET_S, RETRY_FIRST_S
        while True:
            try:
                return await within(REQUEST_DEADLINE_S * 3, what, call())
            except PASSING as error:
                if self._stop.is_set() or loop.time() + pause > give_up:
                    raise
                log.warning("trying again", code=what, error=type(error).__name__)
                await self._pause(pause)
                pause = min(pause * 2, RETRY_MAX_S)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

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
        """Ask the broker how far behind this worker is."""
        deadline_s = REQUEST_DEADLINE_S / 2
        assigned = list(client.assignment())
        if assigned:
            ends = await within(deadline_s, "asking for end offsets", client.end_offsets(assigned))
        else:
            known = await within(deadline_s, "asking for topics", client.topics())
            if missing := set(self._topics).difference(known):
                raise DeadlineExceeded(f"not there yet: {', '.join(sorted(missing))}; run `topics apply`")
            ends = {}
        positions = {tp: await within(deadline_s, "asking for a position", client.position(tp)) for tp in ends}
        behind = {tp: max(0, end - positions[tp]) for tp, end in ends.items()}
        progress = self.progress
        waiting = any(behind.values()) or progress.in_hand
        if not waiting or not progress.answered or positions != progress.positions:
            self._moved()
        progress.positions, progress.behind, progress.answered = positions, sum(behind.values()), True
        for topic in self._topics:
            self._telemetry.lag.labels(topic).set(sum(lag for tp, lag in behind.items() if tp.topic == topic))

    def _moved(self) -> None:
        self.progress.moved_at = asyncio.get_running_loop().time()


async def first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Run works side by side until one of them ends; end the others, and raise what it raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def record_of(r: ConsumerRecord) -> Record:
    """Give a record as it came."""
    headers = r.headers
    if None in [value for _, value in headers]:
        headers = tuple((name, value or b"") for name, value in headers)
    return Record(r.topic, r.key or b"", headers, r.value or b"", r.partition, r.offset)
