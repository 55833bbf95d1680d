"""Whatever is killed, cut or taken away in the middle: every effect is there, once."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from services.chassis.event import effect_id
from tests.chassis import worker
from tests.chassis.rig import eventually, raised

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.chassis.envelope import Event
    from tests.chassis.rig import Rig

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow]

RECORDS = 5000
KILLS = 5
ALL_DONE_S = 60.0


@contextmanager
def a_worker(rig: Rig, instance: str | None = None) -> Iterator[int]:
    """Have a worker's process; whatever happens, it is gone afterwards."""
    process = worker.start(rig, instance)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait(10)


async def taken(rig: Rig) -> int:
    """Count the records applied."""
    (row,) = await rig.rows("SELECT count(*) AS n FROM entry WHERE origin = 'e'")
    return row["n"]


async def each_effect_once(rig: Rig, given: list[Event]) -> None:
    """Hold the journal and Kafka to one effect for each record, none missing, none under another id."""
    wanted = {effect_id(e.id, "BasisAssessed", "") for e in given}
    rows = await rig.rows("SELECT event_id FROM entry WHERE origin = 'o'")
    found = await rig.sink_has(len(given))

    assert [r["event_id"] for r in rows if r["event_id"] not in wanted] == []
    assert len(rows) == len(given)
    assert {e.id for e in found} == wanted
    assert await rig.rows("SELECT reason FROM parked") == []


async def test_kill_9_five_times_in_the_middle_of_5000_records(new_rig):
    """Given 5,000 records and a worker killed -9 five times among them, each has its one effect, here and on Kafka."""
    async with new_rig(partitions=6) as rig:
        given = [raised() for _ in range(RECORDS)]
        await rig.put(*given)
        killed_at = []
        for n in range(1, KILLS + 1):
            with a_worker(rig, "rig-1") as pid:
                at = n * RECORDS // (KILLS + 1)
                await eventually(lambda at=at: _at_least(taken(rig), at), f"{at} records taken", deadline_s=ALL_DONE_S)
                os.kill(pid, signal.SIGKILL)
            killed_at.append(await taken(rig))
        with a_worker(rig, "rig-1"):
            await eventually(lambda: _at_least(taken(rig), RECORDS), "all records taken", deadline_s=ALL_DONE_S)
            await eventually(lambda: _empty(rig), "outbox empty", deadline_s=ALL_DONE_S)

        await each_effect_once(rig, given)
        assert killed_at[0] < RECORDS


async def test_workers_that_join_and_leave_under_load(new_rig):
    """Given records that keep coming while workers join, leave in order and are killed, each has its one effect."""
    async with new_rig(partitions=6) as rig:
        given: list[Event] = []
        feeding = asyncio.create_task(_feed(rig, given, 100))
        with a_worker(rig):
            await eventually(lambda: _at_least(taken(rig), 200), "the first works", deadline_s=ALL_DONE_S)
            with a_worker(rig) as second:
                await eventually(lambda: _members(rig, 2), "the second joined", deadline_s=ALL_DONE_S, poll_s=0.2)
                os.kill(second, signal.SIGTERM)
                await eventually(lambda: _members(rig, 1), "the second left", deadline_s=ALL_DONE_S, poll_s=0.2)
            with a_worker(rig) as third:
                await eventually(lambda: _members(rig, 2), "the third joined", deadline_s=ALL_DONE_S, poll_s=0.2)
                os.kill(third, signal.SIGKILL)
            feeding.cancel()
            await eventually(lambda: _at_least(taken(rig), len(given)), "all taken", deadline_s=ALL_DONE_S)
            await eventually(lambda: _empty(rig), "outbox empty", deadline_s=ALL_DONE_S)

        await each_effect_once(rig, given)


async def test_database_connections_cut_under_load_park_nothing(new_rig):
    """Given connections cut again and again in the middle of transactions, nothing is parked and nothing missing."""
    async with new_rig(partitions=6) as rig:
        given = [raised() for _ in range(RECORDS)]
        await rig.put(*given)
        async with rig.working():
            for n in range(10):
                await eventually(lambda n=n: _at_least(taken(rig), n * 300), "some taken", deadline_s=ALL_DONE_S)
                await _cut(rig)
            await eventually(lambda: _at_least(taken(rig), RECORDS), "all taken", deadline_s=ALL_DONE_S)
            await eventually(lambda: _empty(rig), "outbox empty", deadline_s=ALL_DONE_S)

        await each_effect_once(rig, given)


async def _feed(rig: Rig, given: list[Event], at_once: int) -> None:
    """Keep records coming, at most five times so many ahead of what is taken."""
    while True:
        ahead = len(given) - 5 * at_once
        await eventually(lambda ahead=ahead: _at_least(taken(rig), ahead), "some taken", deadline_s=ALL_DONE_S)
        events = [raised() for _ in range(at_once)]
        sending = asyncio.ensure_future(rig.put(*events))
        given += events
        try:
            await asyncio.shield(sending)
        except asyncio.CancelledError:
            await sending
            raise


async def _cut(rig: Rig) -> None:
    async with rig.pool.acquire() as own:
        await own.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


async def _members(rig: Rig, count: int) -> bool:
    from aiokafka.admin import AIOKafkaAdminClient  # noqa: PLC0415

    admin = AIOKafkaAdminClient(**rig.connection)
    await asyncio.wait_for(admin.start(), 10)
    try:
        (response,) = await asyncio.wait_for(admin.describe_consumer_groups([rig.settings.service]), 10)
        (group,) = response.groups
        return group[2] == "Stable" and len(group[5]) == count
    finally:
        await asyncio.wait_for(admin.close(), 10)


async def _at_least(call, wanted: int) -> bool:
    return await call >= wanted


async def _empty(rig: Rig) -> bool:
    return not await rig.rows("SELECT 1 FROM outbox LIMIT 1")
