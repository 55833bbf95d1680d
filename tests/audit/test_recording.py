"""Every record of history becomes a leaf: once, in one order, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from services.chassis.envelope import Record, encode
from tests.audit.rig import raised

pytestmark = [pytest.mark.broker, pytest.mark.database]


async def test_every_record_becomes_a_leaf(new_rig) -> None:
    """Given records on two topics, when audit runs, then each is a leaf, and an outsider can verify them all."""
    async with new_rig() as rig:
        await rig.put(*(raised() for _ in range(300)))
        await rig.put(*(raised() for _ in range(200)), topic=rig.topics[1])
        async with rig.running():
            await rig.holds(500)

        report = await rig.verified()

        assert report.ok, report.findings
        assert (report.records, report.signed) == (500, 500)
        values = {row["value"] for row in await rig.rows("SELECT value FROM record")}
        assert values == {record.value for record in rig.sent}


async def test_a_record_that_nobody_can_read_is_a_leaf_too(new_rig) -> None:
    """Given bytes that are no event, with odd headers, when audit runs, then they are sequenced and verify."""
    async with new_rig() as rig:
        odd = Record(rig.topics[0], b"\xff\x00", (("ce_id", b"no id"), ("ce_type", b"\xff\x00"), ("x", b"")), b"\x00")
        await rig.put_records([odd, replace(odd, headers=())])
        async with rig.running():
            await rig.holds(2)

        report = await rig.verified()

        assert report.ok, report.findings
        assert [row["event_id"] for row in await rig.rows("SELECT event_id FROM record")] == [None, None]


async def test_a_record_sent_again_is_a_leaf_and_is_counted(new_rig) -> None:
    """Given the same bytes three times, as an outbox sends them, when audit runs, then all are leaves, two counted."""
    async with new_rig() as rig:
        record = encode(replace(raised(), topic=rig.topics[0]))
        await rig.put_records([record, record, record])
        async with rig.running():
            await rig.holds(3)

        counts = await rig.rows("SELECT size, repeated FROM head")

        assert [tuple(row) for row in counts] == [(3, 2)]
        assert (await rig.verified()).ok


async def test_one_id_with_two_contents_alarms(new_rig) -> None:
    """Given two different records under one event id, when audit runs, then both are leaves and a finding says so."""
    async with new_rig() as rig:
        event_id, concern_id = uuid4(), str(uuid4())
        await rig.put(raised(concern_id, event_id), raised(concern_id, event_id))
        async with rig.running():
            await rig.holds(2)

            found = await rig.rows("SELECT kind, leaf_index FROM finding")

        assert [tuple(row) for row in found] == [("id_conflict", 1)]


async def test_kill_9_in_the_middle_loses_and_doubles_nothing(new_rig) -> None:
    """Given records that keep coming, when audit is killed five times, then every record is a leaf exactly once."""
    async with new_rig() as rig:
        count = 6000

        async def produce() -> None:
            for _ in range(count // 200):
                await rig.put(*(raised() for _ in range(200)))

        producing = asyncio.create_task(produce())
        for n in range(5):
            async with rig.process() as process:
                await rig.holds((n + 1) * count // 8)
                process.kill()
        await producing
        async with rig.running():
            await rig.holds(count)

        report = await rig.verified()

        assert report.ok, report.findings
        assert report.records == count
        places = await rig.rows("SELECT count(DISTINCT (topic, partition, kafka_offset)) AS n FROM record")
        assert places[0]["n"] == count


async def test_a_second_audit_waits_and_takes_over(new_rig) -> None:
    """Given two audit processes, when the one that writes is killed, then the other goes on from where it stood."""
    async with new_rig() as rig, rig.process() as first:
        await rig.put(*(raised() for _ in range(50)))
        await rig.holds(50)
        async with rig.running() as second:
            await rig.put(*(raised() for _ in range(50)))
            await rig.holds(100)
            assert not second.recorder.writing
            first.kill()
            await rig.put(*(raised() for _ in range(50)))
            await rig.holds(150)
            assert second.recorder.writing

        report = await rig.verified()

        assert report.ok, report.findings
        assert report.records == 150
