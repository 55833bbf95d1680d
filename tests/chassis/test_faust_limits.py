"""Why Faust is kept to the flow view: what its workers lose, shown on the real broker (ADR 2).

Each test states what Faust does today. When one fails, Faust was mended, and the ADR can be looked at again.
"""

from __future__ import annotations

import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.chassis.envelope import Record
from tests.chassis import faust_app
from tests.chassis.rig import eventually

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.chassis.rig import Rig

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow]

STARTED_S = 40.0


@contextmanager
def running(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Have a Faust worker; whatever happens, it is gone afterwards."""
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def records(rig: Rig, *values: bytes) -> list[Record]:
    """Give records that hold nothing but a value."""
    return [Record(rig.source, b"one-key", (), value) for value in values]


async def values(rig: Rig) -> list[bytes]:
    """Give what lies on the sink."""
    return [record.value for record in await rig.records()]


async def committed(rig: Rig) -> int:
    """Give the offset that the worker's group has committed."""
    client = AIOKafkaConsumer(**rig.connection, group_id=f"{rig.settings.service}-faust", enable_auto_commit=False)
    await client.start()
    try:
        return await client.committed(TopicPartition(rig.source, 0)) or 0
    finally:
        await client.stop()


async def test_an_event_whose_agent_raised_is_acknowledged_and_lost(new_rig, tmp_path):
    """Given an agent that raises at one of four events, Faust commits past it, and no restart brings it back."""
    async with new_rig(partitions=1) as rig:
        await rig.put(*records(rig, b"1", b"raise", b"3", b"4"))
        with running(faust_app.start(rig, tmp_path)) as first:
            await eventually(lambda: _is(committed(rig), 4), "all is committed", deadline_s=STARTED_S, poll_s=0.2)
            first.send_signal(signal.SIGTERM)
            first.wait(20)
        with running(faust_app.start(rig, tmp_path)):
            await rig.put(*records(rig, b"5"))
            await eventually(lambda: _is(committed(rig), 5), "the next is committed", deadline_s=STARTED_S, poll_s=0.2)

        assert sorted(await values(rig)) == [b"1", b"3", b"4", b"5"]


async def test_what_is_still_worked_on_is_committed_when_there_are_two_workers_in_the_agent(new_rig, tmp_path):
    """Given concurrency 2 and an event still in hand, later ones move the offset past it; kill -9, and it is lost."""
    async with new_rig(partitions=1) as rig:
        await rig.put(*records(rig, b"hang", b"2", b"3", b"4", b"5"))
        with running(faust_app.start(rig, tmp_path, concurrency=2)):
            await eventually(lambda: _is(committed(rig), 5), "all is committed", deadline_s=STARTED_S, poll_s=0.2)

        assert sorted(await values(rig)) == [b"2", b"3", b"4", b"5"]


async def test_its_command_line_opens_a_web_server_that_the_settings_refuse(new_rig, tmp_path):
    """Given web_enabled=False, `faust worker` listens and answers all the same; only --without-web is obeyed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with new_rig(partitions=1) as rig:
        command = ("worker", "-l", "error", "--web-bind", "127.0.0.1", "--web-port", str(port))
        with running(faust_app.start(rig, tmp_path, command=command)):
            answer = await eventually(
                lambda: _get(f"http://127.0.0.1:{port}/"), "it answers", deadline_s=STARTED_S, poll_s=0.2
            )

        assert answer.json() == {"status": "OK"}


async def _is(call, wanted: int) -> bool:
    return await call == wanted


async def _get(url: str) -> httpx.Response | None:
    try:
        async with httpx.AsyncClient(timeout=2) as client:
            return await client.get(url)
    except httpx.HTTPError:
        return None
