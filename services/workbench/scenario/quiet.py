"""Whether the house is at rest: every record taken, every outbox empty, nothing due. Asked, not guessed by waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import asyncpg
from aiokafka import AIOKafkaConsumer

from services.chassis.kafka import REQUEST_DEADLINE_S, stopped, within
from services.workbench.scenario.stage import SceneError
from services.workbench.servers import Servers

READS: Final[Mapping[str, tuple[str, ...]]] = {
    "intake": ("assessments.v1", "shares.v1"),
    "basis_assessment": ("concerns.v1",),
    "routing": ("concerns.v1", "assessments.v1"),
}
DATABASE_DEADLINE_S: Final = 10.0
LOOK_EVERY_S: Final = 0.2
SETTLE_DEADLINE_S: Final = 60.0
SAME_S: Final = 8.0
"""After so long without a change, what is left to take is no work."""

_TAKEN = """
SELECT topic, partition, max(kafka_offset) AS newest FROM (
    SELECT topic, partition, kafka_offset FROM entry WHERE origin = 'e'
    UNION ALL SELECT topic, partition, kafka_offset FROM parked
) AS taken GROUP BY topic, partition
"""
_UNSENT = "SELECT count(*) FROM outbox"
_DUE = "SELECT count(*) FROM timer WHERE due <= $1"
_WITHDRAWALS = "SELECT count(*) FROM intake_withdrawal WHERE assessed"
_JOBS = "SELECT count(*) FROM delivery_job WHERE next_at <= $1 AND channel <> 'manual'"


def until_rest(servers: Servers, now: Callable[[], datetime]) -> None:
    """Wait until the house is at rest.

    Args:
        servers: of the running house.
        now: its time, asked anew each time.

    Raises:
        SceneError: it is not within 60 s.
    """
    deadline = time.monotonic() + SETTLE_DEADLINE_S
    before: list[str] = []
    since = time.monotonic()
    while left := asyncio.run(unrest(servers, now())):
        if left != before:
            before, since = left, time.monotonic()
        if time.monotonic() > deadline:
            raise SceneError(f"no rest within {SETTLE_DEADLINE_S:g} s: {'; '.join(left)}")
        # a record that was sent twice, last of its partition, is never an entry of its own
        if all("records to take" in one for one in left) and time.monotonic() - since > SAME_S:
            break
        time.sleep(LOOK_EVERY_S)


async def unrest(servers: Servers, now: datetime) -> list[str]:
    """Say what is still under way, service by service; nothing when the house is at rest.

    Args:
        servers: of the running house.
        now: its time; timers due by then count.
    """
    ends = await _ends(servers)
    found: list[str] = []
    for service, topics in READS.items():
        connection = await asyncpg.connect(servers.database_url(service), timeout=DATABASE_DEADLINE_S)
        try:
            if await connection.fetchval(_UNSENT):
                found.append(f"{service} has records to send")
            if await connection.fetchval(_DUE, now):
                found.append(f"{service} has timers to fire")
            if service == "intake" and await connection.fetchval(_WITHDRAWALS):
                found.append("intake has withdrawals to settle")
            if service == "routing" and await connection.fetchval(_JOBS, now):
                found.append("routing has shares to deliver")
            taken = {(r["topic"], r["partition"]): r["newest"] for r in await connection.fetch(_TAKEN)}
        finally:
            await connection.close(timeout=DATABASE_DEADLINE_S)
        behind = [key for key, end in ends.items() if key[0] in topics and taken.get(key, -1) < end - 1]
        if behind:
            found.append(f"{service} has records to take from {len(behind)} partitions")
    return found


async def _ends(servers: Servers) -> dict[tuple[str, int], int]:
    topics = sorted({topic for reads in READS.values() for topic in reads})
    client = AIOKafkaConsumer(*topics, **servers.kafka.connection("workbench"), enable_auto_commit=False)
    try:
        await within(REQUEST_DEADLINE_S, "starting the consumer", client.start())
        ends = await within(REQUEST_DEADLINE_S, "asking for end offsets", client.end_offsets(client.assignment()))
    finally:
        await stopped("consumer", client)
    return {(tp.topic, tp.partition): end for tp, end in ends.items()}
