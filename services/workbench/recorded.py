"""What the services recorded: every event on Kafka, read on from where it was read to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.chassis.envelope import Event, Record, decode
from services.chassis.kafka import REQUEST_DEADLINE_S, stopped, within

TOPICS: Final = ("concerns.v1", "assessments.v1", "shares.v1")
READ_MS: Final = 1000
WAIT_MS: Final = 20
"""A broker answers one connection in order: a fetch that waits for news would hold up the question where they end."""

RECORDS_MAX: Final = 5000


class Recorded:
    """Reads some topics, in partition order; what it has read it keeps. Use as an async context manager, in one loop.

    Args:
        connection: aiokafka's own connection arguments, of a principal that may read the topics.
        topics: which.
    """

    def __init__(self, connection: Mapping[str, Any], topics: Iterable[str] = TOPICS) -> None:
        self._events: list[Event] = []
        self._read_to: dict[TopicPartition, int] = {}
        self._client = AIOKafkaConsumer(
            *topics, **connection, enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=WAIT_MS
        )

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            DeadlineExceeded: the broker did not answer in time.
        """
        try:
            await within(REQUEST_DEADLINE_S, "starting the consumer", self._client.start())
        except BaseException:
            await stopped("consumer", self._client)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of the broker."""
        await stopped("consumer", self._client)

    async def events(self) -> list[Event]:
        """Give every event up to where the topics end now; what was sent twice is there twice.

        Raises:
            DeadlineExceeded: the broker did not answer in time.
            DecodeError: a record is no event of ours.
        """
        asked = self._client.end_offsets(sorted(self._client.assignment()))
        ends = await within(REQUEST_DEADLINE_S, "asking for end offsets", asked)
        left = {tp: end for tp, end in ends.items() if end > self._read_to.get(tp, 0)}
        while left:
            asked = self._client.getmany(timeout_ms=READ_MS, max_records=RECORDS_MAX)
            for tp, records in (await within(REQUEST_DEADLINE_S, "reading", asked)).items():
                self._events += [
                    decode(Record(r.topic, r.key, tuple(r.headers), r.value, r.partition, r.offset)) for r in records
                ]
                self._read_to[tp] = records[-1].offset + 1
                if self._read_to[tp] >= left.get(tp, 0):
                    left.pop(tp, None)
        return list(self._events)


async def events_of(connection: Mapping[str, Any], topics: Iterable[str] = TOPICS) -> list[Event]:
    """Read every event on some topics once, in partition order, up to where they end now."""
    async with Recorded(connection, topics) as recorded:
        return await recorded.events()
