"""The fast lane: reads ahead of the slow one, and takes what its sender marked as a hurry.

It has no place of its own: what it took, the slow lane finds taken when it gets there. Emergencies go before what is
urgent; records under one key keep their order, so what was passed by under a key is taken before its hurry. At most so
many an agency and turn: an agency that marks all it sends holds up nobody else's emergency.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.chassis.envelope import Record, header
from services.chassis.kafka import REQUEST_DEADLINE_S, within
from services.chassis.stage import record_of
from services.intake.submissions.wire import hasty

SCANNED_PER_TURN: Final = 500
HASTY_PER_TURN: Final = 20
"""Of one agency."""
POLL_MS: Final = 100
KEYS_MAX: Final = 100_000

Settle = Callable[[TopicPartition, Record], Awaitable[None]]


def in_order_of_hurry(records: Sequence[Record]) -> list[Record]:
    """Give emergencies first, and with each what came before it under its key; else as they came."""
    now = [record for record in records if header(record, "ce_urgency") == b"emergency"]
    keys = {record.key for record in now if record.key}
    offsets = {record.offset for record in now}
    return sorted(records, key=lambda record: record.offset not in offsets and record.key not in keys)


class Ahead:
    """Reads ahead.

    Args:
        client: a consumer without a group.
        done: per topic, up to where the slow lane has come.
        settle: has a record taken and answered, by whichever lane comes first.
        busy: called with True while something in a hurry is in hand, and with False after.
    """

    def __init__(
        self,
        client: AIOKafkaConsumer,
        done: Mapping[TopicPartition, int],
        settle: Settle,
        busy: Callable[[bool], None],
    ) -> None:
        self._client = client
        self._done = done
        self._settle = settle
        self._busy = busy
        self._passed: dict[TopicPartition, dict[bytes, dict[int, None]]] = defaultdict(dict)

    async def run(self, slow: AIOKafkaConsumer) -> None:
        """Read ahead of the slow lane's client, on the same topics."""
        known: set[TopicPartition] = set()
        while True:
            if known != (wanted := set(slow.assignment())):
                await self._begin_at(wanted, slow)
                known = wanted
            if not known:
                await asyncio.sleep(POLL_MS / 1000)
                continue
            batches = await within(
                REQUEST_DEADLINE_S * 3,
                "reading ahead",
                self._client.getmany(timeout_ms=POLL_MS, max_records=SCANNED_PER_TURN),
            )
            async with asyncio.TaskGroup() as agencies:
                for tp, found in batches.items():
                    agencies.create_task(self._take(tp, [record_of(each) for each in found]))

    async def _begin_at(self, wanted: set[TopicPartition], slow: AIOKafkaConsumer) -> None:
        if wanted:
            self._client.assign(list(wanted))
        for tp in wanted:
            self._client.seek(tp, await within(REQUEST_DEADLINE_S, "asking for a position", slow.position(tp)))

    async def _take(self, tp: TopicPartition, records: Sequence[Record]) -> None:
        due = in_order_of_hurry([r for r in records if self._is_due(tp, r)])
        self._pass_by(tp, records)
        for record in due[:HASTY_PER_TURN]:
            self._busy(True)
            try:
                await self._take_one(tp, record, records[-1].offset + 1)
            finally:
                self._busy(False)
        if left := due[HASTY_PER_TURN:]:
            self._client.seek(tp, min(record.offset for record in left))

    def _is_due(self, tp: TopicPartition, record: Record) -> bool:
        return hasty(record) and record.offset >= self._done.get(tp, -1)

    def _pass_by(self, tp: TopicPartition, records: Sequence[Record]) -> None:
        passed = self._passed[tp]
        if len(passed) > KEYS_MAX:
            passed.clear()  # order under a key is then the slow lane's alone; no emergency waits for it
        for record in records:
            if record.key and not hasty(record):
                passed.setdefault(record.key, {})[record.offset] = None

    async def _take_one(self, tp: TopicPartition, record: Record, then: int) -> None:
        """Take a record, and before it what was passed by under its key; unless the slow lane was here meanwhile."""
        passed = self._passed[tp].get(record.key, {}) if record.key else {}
        for offset in sorted(earlier for earlier in passed if earlier < record.offset):
            del passed[offset]
            if offset >= self._done.get(tp, -1):
                await self._settle(tp, await self._again(tp, offset, then))
        if record.offset >= self._done.get(tp, -1):
            await self._settle(tp, record)

    async def _again(self, tp: TopicPartition, offset: int, then: int) -> Record:
        """Fetch a record that was passed by, and read on where reading stood."""
        self._client.seek(tp, offset)
        found: ConsumerRecord = await within(REQUEST_DEADLINE_S, "reading a record again", self._client.getone(tp))
        self._client.seek(tp, then)
        return record_of(found)
