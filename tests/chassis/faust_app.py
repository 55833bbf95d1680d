"""A Faust worker to show its limits: `python -m tests.chassis.faust_app`, told all by FAUST_APP.

For each record it takes it writes one to the sink with the same value, except

    raise    the agent raises
    hang     the agent never comes back from it
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import faust

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chassis.rig import Rig

ROOT = Path(__file__).parents[2]


def start(rig: Rig, datadir: Path, *, concurrency: int = 1, command: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Start a worker on a rig's topics, in a group of its own; ``command`` goes through Faust's own command line."""
    told = {
        "group": f"{rig.settings.service}-faust",
        "connection": rig.connection,
        "source": rig.source,
        "sink": rig.sink,
        "concurrency": concurrency,
        "datadir": str(datadir),
    }
    module = ("faust", "-A", "tests.chassis.faust_app:app", *command) if command else ("tests.chassis.faust_app",)
    env = {**os.environ, "FAUST_APP": json.dumps(told)}
    return subprocess.Popen((sys.executable, "-m", *module), cwd=ROOT, env=env, stdout=subprocess.DEVNULL)


def make_app(told: dict[str, Any]) -> faust.App:
    """Make the app. Its settings ask for no web server."""
    connection = told["connection"]
    credentials = None
    if "sasl_mechanism" in connection:
        credentials = faust.SASLCredentials(
            username=connection["sasl_plain_username"],
            password=connection["sasl_plain_password"],
            mechanism=connection["sasl_mechanism"],
        )
    app = faust.App(
        told["group"],
        broker=f"kafka://{connection['bootstrap_servers']}",
        broker_credentials=credentials,
        broker_commit_interval=0.2,
        consumer_auto_offset_reset="earliest",
        topic_replication_factor=1,
        topic_disable_leader=True,
        topic_allow_declare=False,
        datadir=told["datadir"],
        web_enabled=False,
    )
    sink = app.topic(told["sink"], value_serializer="raw")

    @app.agent(app.topic(told["source"], value_serializer="raw"), concurrency=told["concurrency"])
    async def take(stream: Any) -> None:
        async for value in stream:
            if value == b"raise":
                raise ValueError("as asked")
            if value == b"hang":
                await asyncio.Event().wait()
            await sink.send(value=value)

    return app


if "FAUST_APP" in os.environ:
    app = make_app(json.loads(os.environ["FAUST_APP"]))

if __name__ == "__main__":
    sys.argv = ["faust"]
    faust.Worker(app, loglevel="CRITICAL", redirect_stdouts=False).execute_from_commandline()
