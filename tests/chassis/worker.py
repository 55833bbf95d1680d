"""A worker of a rig as a process of its own, to be killed: `python -m tests.chassis.worker`, told all by RIG."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import uvloop

from services.chassis import log
from tests.chassis.rig import Rig, settings_for

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]


def start(rig: Rig, instance: str | None = None) -> subprocess.Popen[bytes]:
    """Start one more worker of this rig."""
    told = {
        "connection": rig.connection,
        "service": rig.settings.service,
        "dsn": rig.settings.database_url,
        "source": rig.source,
        "sink": rig.sink,
        "partitions": rig.partitions,
        "instance": instance,
    }
    argv = (sys.executable, "-m", "tests.chassis.worker")
    return subprocess.Popen(argv, cwd=ROOT, env={**os.environ, "RIG": json.dumps(told)})


async def run(told: Mapping[str, object]) -> None:
    """Be the whole of a service's work: stage, journal, publisher."""
    connection, dsn = told["connection"], told["dsn"]
    settings = settings_for(connection, told["service"], dsn)
    async with asyncpg.create_pool(dsn, min_size=1, max_size=4) as pool:
        rig = Rig(connection, settings, pool, told["source"], told["sink"], told["partitions"])
        publisher = rig.publisher()
        stage = rig.stage(rig.journal(on_commit=publisher.wake), instance=told["instance"])

        def end() -> None:
            stage.stop()
            publisher.stop()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
        await asyncio.gather(stage.run(), publisher.run())


if __name__ == "__main__":
    log.configure("rig")
    uvloop.run(run(json.loads(os.environ["RIG"])))
