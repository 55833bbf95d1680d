"""A real Zipkin from packages, for looking at traces. Nothing waits for it, and nothing needs it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from services.workbench.servers import jars
from services.workbench.servers.answering import await_listening
from services.workbench.servers.kafka import java
from services.workbench.servers.state import LOOPBACK, StateDir
from services.workbench.supervisor.child import Child, Program, spawn

if TYPE_CHECKING:
    from services.workbench.servers.progress import Reporter

VERSION: Final = "3.5.1"
PINNED: Final = f"zipkin-{VERSION}"
READY_DEADLINE_S: Final = 120.0
DRAIN_S: Final = 0.3
"""It keeps nothing, so there is nothing to wait for."""

SPANS_MAX: Final = 200_000
"""Kept in memory and forgotten with the run: a trace of last week is no record, the ledger is."""


class PackagedZipkin:
    """One Zipkin on loopback."""

    def __init__(self, state: StateDir, port: int) -> None:
        self._state = state
        self._port = port
        self._jar = ""

    @property
    def url(self) -> str:
        """Its page, and below it where spans are posted."""
        return f"http://{LOOPBACK}:{self._port}"

    def prepare(self, reporter: Reporter) -> None:
        """Fetch the jar."""
        (path,) = jars.fetched(PINNED, reporter)
        self._jar = str(path)

    def launch(self) -> Child:
        """Start it, yielding the processor to those that are waited for."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TZ") if name in os.environ}
        env = {**kept, "QUERY_PORT": str(self._port), "MEM_MAX_SPANS": str(SPANS_MAX), "SELF_TRACING_ENABLED": "false"}
        argv = (
            java(),
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-jar",
            self._jar,
            f"--armeria.ports[0].ip={LOOPBACK}",
            f"--armeria.ports[0].port={self._port}",
            "--armeria.ports[0].protocols[0]=http",
            "--logging.level.root=WARN",
        )
        program = Program("zipkin", argv, self._state.log("zipkin"), env=env, niceness=10, drain_s=DRAIN_S)
        return spawn(program, self._state.records)

    def await_ready(self, child: Child) -> None:
        """Wait until it accepts connections."""
        await_listening("Zipkin", child, self._port, READY_DEADLINE_S)
