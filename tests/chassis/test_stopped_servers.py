"""Servers that stop answering without letting go: deadlines, no readiness, and recovery when they are back."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from concern_relay.v1.assessments_pb2 import DecisionRecorded
from services.workbench.servers import running as servers_running
from tests.chassis.rig import eventually, raised, rig

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow]


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Have a process stopped, as a machine that hangs would."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory):
    """Have a broker that no other module's tests use, and its pid."""
    state = tmp_path_factory.mktemp("servers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RELAY_SERVERS", "packages")
        with servers_running(state, frozenset({"kafka"})) as servers:
            yield servers.kafka, json.loads((state / "pids" / "kafka.json").read_text())["pid"]


async def test_a_broker_that_stops_is_noticed_and_outlived(own_broker, database, monkeypatch):
    """Given a broker under SIGSTOP, calls end, the worker is not ready, acts go in; after SIGCONT all goes on."""
    monkeypatch.setattr("services.chassis.stage.REQUEST_DEADLINE_S", 1.0)
    monkeypatch.setattr("services.chassis.stage.WATCH_EVERY_S", 0.1)
    monkeypatch.setattr("services.chassis.publisher.REQUEST_DEADLINE_S", 1.0)
    kafka, pid = own_broker
    async with rig(kafka, database) as made:
        before, after = raised(), raised()
        publisher = made.publisher()
        journal = made.journal(on_commit=publisher.wake)
        stage = made.stage(journal)
        working = asyncio.gather(stage.run(), publisher.run())
        await made.put(before)
        await made.sink_has(1)
        await eventually(lambda: _true(stage.ready and publisher.healthy), "ready")

        with stopped(pid):
            concern_id = str(uuid4())
            act = DecisionRecorded(concern_id=concern_id, decision_id="d1")
            done = await asyncio.wait_for(journal.act(concern_id, act, agency_id="a", key="k"), 5)
            await eventually(lambda: _true(not stage.ready), "the stage is not ready")
            await eventually(lambda: _true(not publisher.healthy), "the publisher is not healthy")
            assert not working.done()

        await eventually(lambda: _true(stage.ready and publisher.healthy), "ready again")
        await made.put(after)
        found = await made.sink_has(3)
        stage.stop()
        publisher.stop()
        await asyncio.wait_for(working, 20)

        assert {e.id for e in found} >= {done.events[0].id}
        assert {e.causation_id for e in found} == {before.id, after.id, done.id}


async def test_a_worker_ends_in_time_while_the_broker_is_stopped(own_broker, database, monkeypatch):
    """Given a broker under SIGSTOP, a worker that is told to stop leaves its clients behind and ends."""
    monkeypatch.setattr("services.chassis.stage.REQUEST_DEADLINE_S", 0.5)
    monkeypatch.setattr("services.chassis.publisher.REQUEST_DEADLINE_S", 0.5)
    monkeypatch.setattr("services.chassis.kafka.STOP_DEADLINE_S", 0.5)
    kafka, pid = own_broker
    async with rig(kafka, database) as made:
        publisher = made.publisher()
        stage = made.stage(made.journal(on_commit=publisher.wake))
        working = asyncio.gather(stage.run(), publisher.run())
        await eventually(lambda: _true(stage.ready and publisher.healthy), "ready")

        with stopped(pid):
            stage.stop()
            publisher.stop()

            await asyncio.wait_for(working, 10)


async def test_a_database_that_stops_holds_nobody_longer_than_the_deadline(new_rig, monkeypatch):
    """Given a backend under SIGSTOP, the journal gives up at its deadline, and goes on with another connection."""
    monkeypatch.setattr("services.chassis.journal.journal.TRANSACTION_DEADLINE_S", 1.0)
    async with new_rig() as made:
        given = raised()
        journal = made.journal()
        async with made.pool.acquire() as connection:
            pid = connection.get_server_pid()
        try:
            os.kill(pid, signal.SIGSTOP)
        except (ProcessLookupError, PermissionError):
            pytest.skip("the database does not run on this machine")
        try:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(journal.take(made.incoming(given)), 5)
            (result,) = await asyncio.wait_for(journal.take(made.incoming(given)), 5)
        finally:
            os.kill(pid, signal.SIGCONT)

        assert not result.repeated
        assert len(await made.rows("SELECT 1 FROM entry WHERE origin = 'o'")) == 1


async def _true(found: bool) -> bool:
    return found
