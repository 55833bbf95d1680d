"""The second rung: the same servers as containers, by testcontainers, secured the same way.

A container is named after its state folder, so that the next start finds and removes what a kill -9 left behind, and
no other. Its data is in a volume of that name, or in none if it need not outlive the run. Secrets are copied in before
the start: they stand neither in the environment nor on a command line. Ports are published on loopback alone where the
engine is on this machine.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import docker  # type: ignore[import-untyped]
import docker.errors  # type: ignore[import-untyped]
from testcontainers.core.container import DockerContainer

from services.workbench.servers import databases
from services.workbench.servers.address import KafkaAddress, Login, with_login
from services.workbench.servers.answering import await_kafka, await_listening, remember_logins
from services.workbench.servers.errors import NotReadyError
from services.workbench.servers.kafka_config import (
    ADMIN,
    HEAP,
    JVM,
    MECHANISM,
    PROTOCOL,
    Listeners,
    as_properties,
    broker_config,
    format_arguments,
)
from services.workbench.servers.keeper import StepDownError
from services.workbench.servers.postgres import CONNECTIONS_MAX
from services.workbench.servers.state import LOOPBACK
from services.workbench.supervisor.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from services.workbench.servers.progress import Reporter
    from services.workbench.servers.state import StateDir

KAFKA_IMAGE: Final = "apache/kafka:4.3.1"
STARTS_MAX: Final = 3
POSTGRES_IMAGE: Final = "postgres:18"
PULL_DEADLINE_S: Final = 600.0
READY_DEADLINE_S: Final = 120.0
DRAIN_S: Final = 15
LOG_LINES: Final = 20

KAFKA_LOGINS: Final = "kafka-docker-logins.json"
KAFKA_DATA: Final = "/var/lib/kafka/data"
KAFKA_START: Final = f"""
set -e
for java in "$JAVA_HOME/bin/java" /opt/java/openjdk/bin/java /opt/jre/bin/java; do [ -x "$java" ] && break; done
if [ ! -f {KAFKA_DATA}/log/meta.properties ]; then
  rm -rf {KAFKA_DATA}/log.making
  "$java" @/relay/format.args >/dev/null
  mv {KAFKA_DATA}/log.making {KAFKA_DATA}/log
fi
exec "$java" {" ".join((*HEAP, *JVM))} -Dlog4j2.configurationFile=/relay/log4j2.properties \\
  -cp '/opt/kafka/libs/*' kafka.Kafka /relay/server.properties
"""


class Container:
    """A started container, as a Process of the keeper."""

    def __init__(self, container: DockerContainer) -> None:
        self._container = container

    def exit_code(self) -> int | None:
        """None while it runs."""
        inner: Any = self._container.get_wrapped_container()
        inner.reload()
        return None if inner.status in {"created", "running", "paused"} else int(inner.attrs["State"]["ExitCode"])

    def stop(self) -> int:
        """Ask it to finish, kill it after 15 s, and remove it; its volume stays."""
        inner: Any = self._container.get_wrapped_container()
        with contextlib.suppress(docker.errors.NotFound):
            inner.stop(timeout=DRAIN_S)
            code = int(inner.wait(timeout=DRAIN_S).get("StatusCode", 0))
            self._container.stop()
            return code
        return 0

    def trim_log(self) -> None:
        """Leave the log to the engine."""

    def last_lines(self, count: int = LOG_LINES) -> str:
        """The end of its log."""
        inner: Any = self._container.get_wrapped_container()
        return str(inner.logs(tail=count).decode(errors="replace")).strip()


class _Contained:
    """What Kafka and PostgreSQL as containers have in common."""

    def __init__(self, state: StateDir, name: str, image: str, port: int, *, ephemeral: bool) -> None:
        self.state = state
        self.ephemeral = ephemeral
        self.host = LOOPBACK
        self.port = port
        self.image = image
        self.name = f"concern-relay-{state.secret('docker', 'instance')[:8].lower()}-{name}"

    def prepare(self, reporter: Reporter) -> None:
        """Have the image, and no container of this name: one that is there was left behind by an earlier run.

        Raises:
            StepDownError: the image cannot be had, or no engine answers.
        """
        try:
            client = docker.from_env()
        except docker.errors.DockerException as cause:
            raise StepDownError(f"no Docker engine answers ({type(cause).__name__})") from cause
        try:
            _have_image(client, self.image, reporter)
            with contextlib.suppress(docker.errors.NotFound):
                client.containers.get(self.name).remove(force=True)
                reporter.say(f"removed the container {self.name} that an earlier run left behind")
        except (docker.errors.DockerException, OSError) as cause:
            raise StepDownError(
                f"the Docker engine has no image {self.image} and cannot get it ({type(cause).__name__})"
            ) from cause
        finally:
            client.close()

    def container(self, inner_port: int, mount: str) -> DockerContainer:
        """The container, not yet started: its port published, its data in a volume of its name."""
        container = DockerContainer(self.image, name=self.name)
        if not self.ephemeral:
            container.with_volume_mapping(self.name, mount, "rw")
        host = container.get_container_host_ip()
        self.host = LOOPBACK if host == "localhost" else host
        published: Any = (LOOPBACK, self.port) if self.host == LOOPBACK else self.port
        container.ports[f"{inner_port}/tcp"] = published
        return container

    def started(self, container: DockerContainer) -> Container:
        """Start it; anew when the engine itself fails, as Podman's may while files are copied in.

        Raises:
            NotReadyError: the engine refuses.
        """
        for attempt in range(1, STARTS_MAX + 1):
            try:
                container.start()
            except (docker.errors.APIError, OSError) as cause:
                container.stop()
                failed = isinstance(cause, docker.errors.APIError) and cause.is_server_error()
                if not failed or attempt == STARTS_MAX:
                    raise NotReadyError(f"the Docker engine could not start {self.name}: {cause}") from cause
            else:
                break
        return Container(container)


class DockerKafka(_Contained):
    """Kafka from the image apache/kafka, which need not be the public one: only /opt/kafka/libs and a Java are used."""

    def __init__(self, state: StateDir, principals: Iterable[str], port: int, *, ephemeral: bool) -> None:
        super().__init__(state, "kafka", KAFKA_IMAGE, port, ephemeral=ephemeral)
        self._passwords = {name: state.secret("kafka", name) for name in principals}

    @property
    def address(self) -> KafkaAddress:
        """Where clients find it."""
        return KafkaAddress(f"{self.host}:{self.port}", PROTOCOL, MECHANISM, self._passwords)

    def launch(self) -> Container:
        """Start it with our configuration instead of the image's."""
        container = self.container(9092, KAFKA_DATA)
        listeners = Listeners(
            client="0.0.0.0:9092",
            advertised=f"{self.host}:{self.port}",
            controller=f"{LOOPBACK}:9093",
            internal=f"{LOOPBACK}:9094",
        )
        config = broker_config(listeners, self._passwords[ADMIN])
        format_config = config | {"log.dirs": f"{KAFKA_DATA}/log.making"}
        log4j = Path(__file__).with_name("log4j2.properties").read_text()
        for name, text in {
            "start.sh": KAFKA_START,
            "server.properties": as_properties(config | {"log.dirs": f"{KAFKA_DATA}/log"}),
            "format.properties": as_properties(format_config),
            "format.args": format_arguments("/opt/kafka/libs/*", "/relay/format.properties", self._passwords),
            "log4j2.properties": log4j,
        }.items():
            container.with_copy_into_container(text.encode(), f"/relay/{name}")
        container.with_kwargs(entrypoint=["/bin/sh", "/relay/start.sh"])
        return self.started(container)

    def await_ready(self, process: Container) -> None:
        """Wait until it serves the administrator, and every principal has a login."""
        await_listening("Kafka", process, self.port, READY_DEADLINE_S, self.host)
        if not self.state.read(KAFKA_LOGINS):
            remember_logins(self.state, KAFKA_LOGINS, self._passwords)
        await_kafka(self.state, KAFKA_LOGINS, self.address.connection(ADMIN), self._passwords)


class DockerPostgres(_Contained):
    """PostgreSQL from the official image."""

    def __init__(self, state: StateDir, port: int, logins: Mapping[str, Login], *, ephemeral: bool) -> None:
        super().__init__(state, "postgres", POSTGRES_IMAGE, port, ephemeral=ephemeral)
        self._logins = logins
        self._password = state.secret("postgres", "postgres")

    @property
    def admin_url(self) -> str:
        """The administrator's DSN."""
        return with_login(f"postgresql://{self.host}:{self.port}", "postgres", self._password, database="postgres")

    def launch(self) -> Container:
        """Start it; the image makes its storage the first time."""
        container = self.container(5432, "/var/lib/postgresql")
        container.with_copy_into_container(self._password.encode(), "/relay/password")
        container.with_env("POSTGRES_PASSWORD_FILE", "/relay/password")
        container.with_env("POSTGRES_INITDB_ARGS", "--auth=scram-sha-256 --locale-provider=builtin --locale=C.UTF-8")
        container.with_command(["postgres", "-c", f"max_connections={CONNECTIONS_MAX}"])
        return self.started(container)

    def await_ready(self, process: Container) -> None:
        """Wait until it accepts connections and every login has its role and database."""
        await_listening("PostgreSQL", process, self.port, READY_DEADLINE_S, self.host)
        asyncio.run(databases.provide(self.admin_url, self._logins))


def _have_image(client: Any, image: str, reporter: Reporter) -> None:
    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        reporter.say(f"pulling the image {image}")
        deadline = Deadline(PULL_DEADLINE_S)
        for event in client.api.pull(image, stream=True, decode=True):
            if error := event.get("error"):
                raise docker.errors.ImageNotFound(error) from None
            if deadline.passed():
                raise OSError(f"{image} did not arrive within {PULL_DEADLINE_S:.0f} s") from None
        client.images.get(image)
