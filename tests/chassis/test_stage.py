"""The stage on the real broker: order, offsets, and what happens to bytes nobody can read."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from uuid import uuid4

import pytest
from aiokafka.errors import CorruptRecordException as CorruptRecordError

from concern_relay.v1.codes_pb2 import ParkReason
from services.chassis import kafka
from services.chassis.envelope import Record, decode
from services.chassis.event import effect_id
from tests.chassis.rig import CANARY, eventually, raised, running

pytestmark = [pytest.mark.broker, pytest.mark.database]


async def test_effects_of_a_concern_come_in_the_order_of_its_records(new_rig):
    """Given records of many concerns in turn, each concern's effects lie on the sink in the order of its records."""
    async with new_rig() as rig:
        concerns = [str(uuid4()) for _ in range(20)]
        given = [raised(concern_id=c) for _ in range(10) for c in concerns]
        await rig.put(*given)

        async with rig.working():
            await rig.sink_has(len(given))

        found = defaultdict(list)
        for event in await rig.written():
            found[event.concern_id].append(event.causation_id)
        assert found == {c: [e.id for e in given if e.concern_id == c] for c in concerns}


async def test_the_offset_is_committed_after_the_database(new_rig):
    """Given a database that cannot commit yet, no offset is committed; once it can, both are."""
    async with new_rig() as rig:
        given = raised()
        journal = rig.journal()
        stage = rig.stage(journal)
        async with rig.pool.acquire() as other:
            lock = other.transaction()
            await lock.start()
            await other.execute("INSERT INTO concern (concern_id) VALUES ($1)", given.concern_id)
            async with running(stage.run, stage.stop):
                await rig.put(given)
                await eventually(lambda: _true(stage.progress.in_hand == 1), "the record is in hand")
                during = await rig.committed()
                await lock.rollback()
                await eventually(rig.committed, "the offset is committed")

        assert during == 0
        assert await rig.committed() == 1
        assert len(await rig.rows("SELECT 1 FROM entry WHERE event_id = $1", given.id)) == 1


async def test_records_taken_and_not_committed_are_taken_again_without_effect(new_rig):
    """Given a worker that ended before it committed, the next takes the records again and changes nothing."""
    async with new_rig() as rig:
        given = [raised() for _ in range(5)]
        await rig.put(*given)
        as_they_lie = await rig.records(rig.source)
        await rig.journal().take(as_they_lie)  # what a worker did before it was killed

        async with rig.working():
            await rig.sink_has(5)
            await eventually(lambda: _is(rig.committed(), 5), "all offsets committed")

        rows = await rig.rows("SELECT event_id FROM entry WHERE origin = 'o'")
        assert {r["event_id"] for r in rows} == {effect_id(e.id, "BasisAssessed", "") for e in given}


async def test_bytes_nobody_can_read_are_parked_and_pointed_to(new_rig):
    """Given bytes that do not decode, others go on, and parked.<service>.v1 points to them without their content."""
    async with new_rig() as rig:
        good, unknown = raised(), raised()
        bad = Record(rig.source, good.concern_id.encode(), (("ce_id", CANARY.encode()),), CANARY.encode())
        newer = rig.record(unknown)
        newer = Record(
            rig.source,
            newer.key,
            tuple((n, b"concern_relay.v1.FromTomorrow" if n == "ce_type" else v) for n, v in newer.headers),
            newer.value,
        )
        other = raised()

        async with rig.working():
            await rig.put(bad, newer, other)
            await rig.sink_has(1)
            parked = f"parked.{rig.settings.service}.v1"
            pointers = await eventually(lambda: _if_many(rig.records(parked), 2), "two pointers")

        told = {decode(r).data.reason: decode(r).data for r in pointers}
        assert set(told) == {ParkReason.PARK_REASON_UNDECODABLE, ParkReason.PARK_REASON_UNKNOWN_SCHEMA}
        assert told[ParkReason.PARK_REASON_UNDECODABLE].concern_id == good.concern_id
        assert all(d.topic == rig.source and d.consumer == rig.settings.service for d in told.values())
        assert not any(CANARY.encode() in r.value for r in pointers)
        rows = await rig.rows("SELECT sealed FROM parked")
        assert not any(CANARY.encode() in r["sealed"] for r in rows)
        assert [e.concern_id for e in await rig.written()] == [other.concern_id]


async def test_a_topic_that_is_not_there_is_no_readiness(new_rig, monkeypatch):
    """Given a topic nobody made, the stage is not ready and says so, rather than wait in silence."""
    monkeypatch.setattr("services.chassis.stage.WATCH_EVERY_S", 0.1)
    async with new_rig() as rig:
        stage = rig.stage(rig.journal())
        stage._topics = ("nobody.made.this.v1",)
        async with running(stage.run, stage.stop):
            measured = []
            measure = stage._measure

            async def look(client):
                try:
                    await measure(client)
                finally:
                    measured.append(stage.progress.answered)

            monkeypatch.setattr(stage, "_measure", look)
            await eventually(lambda: _true(len(measured) > 3), "looked a few times")

            assert not stage.ready


async def test_a_stage_that_is_behind_and_does_not_move_ends(new_rig, monkeypatch):
    """Given a batch that cannot be taken, the stage is not ready after a while, and then ends with an error."""
    monkeypatch.setattr("services.chassis.stage.WATCH_EVERY_S", 0.05)
    monkeypatch.setattr("services.chassis.stage.NOT_READY_S", 0.5)
    monkeypatch.setattr("services.chassis.stage.STALLED_S", 1.5)
    async with new_rig() as rig:
        given = raised()
        stage = rig.stage(rig.journal())
        async with rig.pool.acquire() as other, other.transaction():
            await other.execute("INSERT INTO concern (concern_id) VALUES ($1)", given.concern_id)
            task = asyncio.create_task(stage.run())
            await eventually(lambda: _true(stage.ready), "ready")
            await rig.put(given)
            await eventually(lambda: _true(not stage.ready), "not ready")

            with pytest.raises(Exception, match="behind and not moving"):
                await asyncio.wait_for(task, 10)

        assert await rig.committed() == 0


async def test_a_fetch_that_fails_with_records_in_hand_loses_none(new_rig, monkeypatch):
    """Given fetches that fail after the client has moved past records, as aiokafka's do, those are fetched anew."""
    make = kafka.consumer
    failures = iter([1, 3])

    def failing_consumer(*arguments, **options):
        client = make(*arguments, **options)
        fetch, fail_at, fetched = client.getmany, next(failures, 0), []

        async def getmany(**how):
            found = await fetch(**how)
            fetched.extend([1] if found else [])
            if len(fetched) == fail_at:
                raise CorruptRecordError
            return found

        client.getmany = getmany
        return client

    monkeypatch.setattr("services.chassis.stage.consumer", failing_consumer)
    monkeypatch.setattr("services.chassis.stage.RECORDS_MAX", 20)
    async with new_rig() as rig:
        given = [raised() for _ in range(200)]
        await rig.put(*given)
        async with rig.working():
            await rig.sink_has(200)

        assert await rig.committed() == 200


async def _true(found: bool) -> bool:
    return found


async def _is(call, wanted) -> bool:
    return await call == wanted


async def _if_many(call, count):
    found = await call
    return found if len(found) >= count else []
