"""Records of topics as they lie on Kafka, from any offset, without a group: where audit stands, its database knows."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.audit.export import Record
from services.audit.sequencer import Partition
from services.chassis.errors import DeadlineExceeded
from services.chassis.kafka import REQUEST_DEADLINE_S, consumer, stopped, within
from services.chassis.settings import Settings

POLL_MS: Final = 200
#: Most records fetched at once.
RECORDS_MAX: Final = 2000
#: How long a record that must be there may take to come, in seconds.
RECORD_DEADLINE_S: Final = 30.0


class Missing(Exception):  # noqa: N818  (a finding, caught by who asked)
    """A record that should be there is not.

    Attributes:
        partition: where.
        offset: which.
    """

    def __init__(self, partition: Partition, offset: int) -> None:
        super().__init__(f"{partition[0]} partition {partition[1]}: offset {offset} is not there any more")
        self.partition = partition
        self.offset = offset


class Feed:
    """A consumer of all partitions of some topics. Deadlines on every call; use within :func:`reading`."""

    def __init__(self, client: AIOKafkaConsumer, partitions: Sequence[Partition]) -> None:
        self._client = client
        self._partitions = {p: TopicPartition(*p) for p in partitions}
        self._waiting: dict[Partition, deque[Record]] = {p: deque() for p in partitions}

    @classmethod
    async def assigned(
        cls, client: AIOKafkaConsumer, partitions: Sequence[Partition], at: Mapping[Partition, int]
    ) -> Self:
        """Assign the partitions and stand at these offsets; at the beginning where none is given."""
        feed = cls(client, partitions)
        client.assign(list(feed._partitions.values()))
        for partition, tp in feed._partitions.items():
            client.seek(tp, at.get(partition, 0))
        await within(REQUEST_DEADLINE_S, "asking for topics", client.topics())
        return feed

    async def some(self, *, wait_ms: int = POLL_MS, count: int = RECORDS_MAX) -> list[Record]:
        """Give what has come, partition by partition in the order they were assigned, each in order of offset."""
        batches = await within(
            REQUEST_DEADLINE_S * 3, "fetching records", self._client.getmany(timeout_ms=wait_ms, max_records=count)
        )
        return [_record(r) for tp in self._partitions.values() for r in batches.get(tp, ())]

    async def run(self, partition: Partition, offset: int, count: int) -> list[Record]:
        """Give consecutive records, asked for in order of offset within a partition.

        Raises:
            Missing: one of them is not there.
        """
        waiting, found = self._waiting[partition], list[Record]()
        while len(found) < count:
            due = offset + len(found)
            if not waiting:
                waiting.extend(await self._more(partition, due))
            record = waiting.popleft()
            if record.offset > due:
                raise Missing(partition, due)
            if record.offset == due:
                found.append(record)
        return found

    async def _more(self, partition: Partition, due: int) -> list[Record]:
        tp = self._partitions[partition]
        for _ in range(int(RECORD_DEADLINE_S / 2)):
            batches = await within(
                REQUEST_DEADLINE_S * 3,
                "fetching records",
                self._client.getmany(tp, timeout_ms=2000, max_records=RECORDS_MAX),
            )
            if batches.get(tp):
                return [_record(r) for r in batches[tp]]
            if (await self.ends())[partition] <= due:
                raise Missing(partition, due)
        raise DeadlineExceeded(f"{partition[0]} partition {partition[1]} gave nothing within {RECORD_DEADLINE_S:g} s")

    async def ends(self) -> dict[Partition, int]:
        """Give the offset after the last record of each partition."""
        found = await within(
            REQUEST_DEADLINE_S, "asking for end offsets", self._client.end_offsets(list(self._partitions.values()))
        )
        return {partition: found[tp] for partition, tp in self._partitions.items()}

    def seek(self, partition: Partition, offset: int) -> None:
        """Go on from another offset."""
        self._waiting[partition].clear()
        self._client.seek(self._partitions[partition], offset)

    def hold(self, partition: Partition) -> None:
        """Fetch no more of a partition."""
        self._client.pause(self._partitions[partition])


@asynccontextmanager
async def reading(
    settings: Settings,
    partitions: Sequence[Partition],
    at: Mapping[Partition, int] | None = None,
    *,
    patience_ms: int = 0,
) -> AsyncIterator[Feed]:
    """Have a feed, standing at these offsets; ``patience_ms`` as of ``consumer``."""
    client = consumer(settings, group=None, patience_ms=patience_ms)
    try:
        await within(REQUEST_DEADLINE_S, "starting the consumer", client.start())
        yield await Feed.assigned(client, partitions, at or {})
    finally:
        await stopped("consumer", client)


def partitions_of(topics: Mapping[str, int], names: Collection[str]) -> list[Partition]:
    """Write out the partitions of topics, in the order of the names."""
    return [(name, n) for name in names for n in range(topics[name])]


def _record(r: ConsumerRecord[Any, Any]) -> Record:
    return Record(r.topic, r.partition, r.offset, r.key, r.headers, r.value)
