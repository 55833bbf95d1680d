"""What should not be there is found, kept, and makes the service say that it is not well."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic, RecordsToDelete

from services.audit.app import Audit
from services.chassis.topics.cluster import Cluster
from tests.audit.rig import DEADLINE_S, PARTITIONS, Rig, eventually, raised

pytestmark = [pytest.mark.broker, pytest.mark.database]

CONCERN = "0b0e7f3a-5c0e-5b5e-8f57-0d6a1f6f2f11"


async def ready(audit: Audit) -> bool:
    """Give whether the service says that it is well."""
    return audit.health.ready


async def unwell(audit: Audit) -> bool:
    """Give whether the service says that it is not."""
    return audit.health.report()["findings"] != "ok"


async def place(rig: Rig) -> TopicPartition:
    """Give the partition that the concern's records lie on."""
    row = (await rig.rows("SELECT topic, partition FROM record LIMIT 1"))[0]
    return TopicPartition(row["topic"], row["partition"])


async def test_offsets_that_were_passed_over_are_a_gap(new_rig) -> None:
    """Given records that are gone before audit saw them, when it goes on, then it tells the offsets and is not well."""
    async with new_rig() as rig:
        await rig.put(*(raised(CONCERN) for _ in range(5)))
        async with rig.running() as audit:
            await rig.holds(5)
            await eventually(lambda: ready(audit), "readiness")
        await rig.put(*(raised(CONCERN) for _ in range(5)))
        async with Cluster(rig.kafka.connection()) as cluster:
            await cluster.delete_records({await place(rig): RecordsToDelete(before_offset=8)})
        async with rig.running() as audit:
            await rig.holds(7)
            await eventually(lambda: unwell(audit), "finding")

        rows = await rig.rows("SELECT kind, partition, first_offset, last_offset, leaf_index FROM finding")
        report = await rig.verified()

        assert [tuple(row) for row in rows] == [("gap", (await place(rig)).partition, 5, 7, 5)]
        assert [(f.kind, f.index) for f in report.findings] == [("gap", 5)]


async def test_another_record_at_a_recorded_place_is_found_and_not_taken(new_rig) -> None:
    """Given a topic made anew with other records, when audit goes on, then it says so and appends nothing of them."""
    async with new_rig() as rig:
        await rig.put(*(raised(CONCERN) for _ in range(3)))
        async with rig.running():
            await rig.holds(3)
        topic = rig.topics[0]
        async with Cluster(rig.kafka.connection()) as cluster:
            await cluster.delete_topics([topic])
            await eventually(lambda: _gone(cluster, topic), "end of the topic")
            await eventually(lambda: _made(cluster, topic), "topic made anew")
        await rig.renew_producer()
        await rig.put(*(raised(CONCERN) for _ in range(6)))
        async with rig.running() as audit:
            await eventually(lambda: unwell(audit), "finding")

        kinds = {row["kind"] for row in await rig.rows("SELECT kind FROM finding")}

        assert "rewritten" in kinds
        assert await rig.size() == 3
        assert (await rig.verified()).ok


async def test_a_partition_that_ends_before_what_was_recorded_is_found(new_rig) -> None:
    """Given a topic made anew and still empty, when audit looks, then it says that the partition was cut back."""
    async with new_rig() as rig:
        await rig.put(*(raised(CONCERN) for _ in range(3)))
        async with rig.running():
            await rig.holds(3)
        topic = rig.topics[0]
        async with Cluster(rig.kafka.connection()) as cluster:
            await cluster.delete_topics([topic])
            await eventually(lambda: _gone(cluster, topic), "end of the topic")
            await eventually(lambda: _made(cluster, topic), "topic made anew")
        async with rig.running() as audit:
            await eventually(lambda: unwell(audit), "finding")

        rows = await rig.rows("SELECT kind, first_offset, last_offset FROM finding")

        assert [tuple(row) for row in rows] == [("cut_back", 0, 2)]


async def _gone(cluster: Cluster, topic: str) -> bool:
    return topic not in await asyncio.wait_for(cluster.list_topics(), DEADLINE_S)


async def _made(cluster: Cluster, topic: str) -> bool:
    response = await cluster.create_topics([NewTopic(topic, PARTITIONS, 1)])
    return bool(response.topic_errors[0][1] == 0)
