"""The publisher: what is journaled lies on Kafka, each partition in order, whoever sends it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from uuid import uuid4

import pytest

from tests.chassis.rig import eventually, raised, running

pytestmark = [pytest.mark.broker, pytest.mark.database]


async def journaled(rig) -> dict[int, list[str]]:
    """Give the ids of what was journaled to be sent, by partition, in order."""
    found = defaultdict(list)
    for row in await rig.rows(
        "SELECT event_id, partition FROM entry WHERE outgoing AND topic = $1 ORDER BY seq", rig.sink
    ):
        found[row["partition"]].append(str(row["event_id"]))
    return found


async def on_kafka(rig) -> dict[int, list[str]]:
    """Give the ids as they lie on Kafka, by partition, each where it came first."""
    found: dict[int, dict[str, None]] = defaultdict(dict)
    for record in await rig.records():
        found[record.partition].setdefault(dict(record.headers)["ce_id"].decode())
    return {partition: list(ids) for partition, ids in found.items()}


async def fill(rig, count: int) -> None:
    """Journal effects of a few concerns, in turn."""
    concerns = [str(uuid4()) for _ in range(40)]
    events = [raised(concern_id=concerns[n % 40]) for n in range(count)]
    for n in range(0, count, 100):
        await rig.journal().take(rig.incoming(*events[n : n + 100]))


async def empty(rig) -> bool:
    """Whether the outbox is empty."""
    return not await rig.rows("SELECT 1 FROM outbox LIMIT 1")


async def test_each_partition_is_in_order_with_two_publishers_racing(new_rig):
    """Given two publishers, each partition has one sender, and lies on Kafka in the order of the journal, once."""
    async with new_rig() as rig:
        one, two = rig.publisher(), rig.publisher()
        async with running(one.run, one.stop), running(two.run, two.stop):
            await fill(rig, 600)
            await eventually(lambda: empty(rig), "outbox empty")

        assert await on_kafka(rig) == await journaled(rig)
        assert len(await rig.records()) == 600


async def test_a_publisher_that_loses_its_connection_is_followed_in_order(new_rig, monkeypatch):
    """Given publishers whose connections are cut again and again, nothing is missing and no order is lost."""
    monkeypatch.setattr("services.chassis.publisher.ROWS_MAX", 50)
    monkeypatch.setattr("services.chassis.publisher.RETRY_S", 0.05)
    monkeypatch.setattr("services.chassis.publisher.LOCKS_EVERY_S", 0.05)
    async with new_rig() as rig:
        await fill(rig, 1500)
        one, two = rig.publisher(), rig.publisher()
        async with running(one.run, one.stop), running(two.run, two.stop):
            for _ in range(5):
                await eventually(lambda: lock_holder(rig), "somebody publishes")
                await rig.rows("SELECT pg_terminate_backend($1)", await lock_holder(rig))
            await eventually(lambda: empty(rig), "outbox empty")

        assert await on_kafka(rig) == await journaled(rig)


async def lock_holder(rig) -> int:
    """Give the backend that holds an advisory lock of this rig's database, if one does."""
    rows = await rig.rows(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1"
    )
    return rows[0]["pid"] if rows else 0


async def test_a_publisher_that_stops_hands_over(new_rig, monkeypatch):
    """Given two publishers, when the one at work stops, the other goes on."""
    monkeypatch.setattr("services.chassis.publisher.LOCKS_EVERY_S", 0.1)
    async with new_rig() as rig:
        one, two = rig.publisher(), rig.publisher()
        async with running(two.run, two.stop):
            async with running(one.run, one.stop):
                await fill(rig, 100)
                await eventually(lambda: empty(rig), "outbox empty")
            await fill(rig, 100)
            await eventually(lambda: empty(rig), "outbox empty")

        assert await on_kafka(rig) == await journaled(rig)


async def test_records_larger_than_a_batch_are_sent_in_their_place(new_rig, monkeypatch):
    """Given effects larger than the producer's batch, and than may be in memory, all are sent, in order."""
    monkeypatch.setattr("services.chassis.publisher.BYTES_MAX", 1_000_000)
    async with new_rig() as rig:
        concern_id = str(uuid4())
        events = [raised(concern_id=concern_id, codes=["large"] if n % 3 == 1 else []) for n in range(9)]
        await rig.journal().take(rig.incoming(*events))
        publisher = rig.publisher()
        async with running(publisher.run, publisher.stop):
            await eventually(lambda: empty(rig), "outbox empty")

        assert await on_kafka(rig) == await journaled(rig)
        assert max(len(r.value) for r in await rig.records()) > 800_000


async def test_a_stopping_publisher_sends_what_is_there(new_rig):
    """Given an outbox and a publisher that is told to stop at once, it sends first."""
    async with new_rig() as rig:
        await fill(rig, 300)
        publisher = rig.publisher()
        publisher.stop()

        await asyncio.wait_for(publisher.run(), 20)

        assert await empty(rig)
        assert await on_kafka(rig) == await journaled(rig)
