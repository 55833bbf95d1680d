"""The ladder: an address that was given, else containers, else packages; one rung per server.

    with running(state_dir) as servers:
        servers.kafka.connection("intake")
        servers.database_url("intake")

RELAY_SERVERS=given|docker|packages demands one rung for all of them. Zipkin, which nothing needs, always comes from
packages, and not at all where OTEL_EXPORTER_… already says where spans go.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from services.chassis import topics
from services.workbench.servers import databases, given
from services.workbench.servers.address import DATABASES, ROLES_ONLY, KafkaAddress, Login, Servers
from services.workbench.servers.attachment import attached, publish, withdraw
from services.workbench.servers.engine import engine_answers
from services.workbench.servers.errors import InUseError, RungError, ServersError
from services.workbench.servers.kafka import PackagedKafka
from services.workbench.servers.keeper import RELEASE_DEADLINE_S, CancelledError, Keeper
from services.workbench.servers.postgres import PackagedPostgres
from services.workbench.servers.progress import Reporter, Silent
from services.workbench.servers.state import StateDir, chosen
from services.workbench.servers.zipkin import PackagedZipkin
from services.workbench.supervisor.child import end_stale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Future
    from pathlib import Path

ALL: Final = frozenset({"kafka", "postgres", "zipkin"})
RUNGS: Final = "rungs.json"
START_DEADLINE_S: Final = 900.0
"""Downloads on a slow line included; each step has a shorter deadline of its own."""


class Rung(StrEnum):
    """Where a server comes from."""

    GIVEN = "given"
    DOCKER = "docker"
    PACKAGES = "packages"


@contextmanager
def running(
    state_dir: Path | None = None,
    want: frozenset[str] = ALL,
    reporter: Reporter | None = None,
    *,
    exclusive: bool = False,
    ephemeral: bool = False,
) -> Iterator[Servers]:
    """Have these servers run, and end with the block those that it started.

    If another process already runs the servers of this state folder, they are shared and left running. What an earlier
    run left behind after a kill -9 is ended first.

    Args:
        state_dir: by default RELAY_STATE_DIR, or `.relay` in this checkout.
        want: any of kafka, postgres, zipkin.
        reporter: is told of each step; by default nobody.
        exclusive: refuse to share.
        ephemeral: the data need not outlive the run: containers get no volume.

    Raises:
        InUseError: another process runs them and `exclusive`, or it lacks one that is wanted.
        ServersError: and its kinds, see errors.py.
    """
    state = StateDir.at(chosen(state_dir))
    reporter = reporter or Silent()
    if unknown := want - ALL:
        raise ServersError(f"no such server: {', '.join(sorted(unknown))}; known: {', '.join(sorted(ALL))}")
    with state.held() as ours:
        if not ours:
            if exclusive:
                raise InUseError(f"already running, pid {state.holder_pid()}, in {state.path}; stop that one first")
            yield attached(state, want)
            return
        withdraw(state)
        if stale := end_stale(state.records):
            reporter.say(f"ended what an earlier run left behind: {', '.join(stale)}")
        with _Start(state, want, reporter, ephemeral=ephemeral).servers() as servers:
            publish(state, servers)
            try:
                yield servers
            finally:
                withdraw(state)


class _Start:
    """One start of the servers that this process owns."""

    def __init__(self, state: StateDir, want: frozenset[str], reporter: Reporter, *, ephemeral: bool) -> None:
        self._state = state
        self._ephemeral = ephemeral
        self._want = want
        self._reporter = reporter
        self._demanded = _demanded()
        self._keepers: list[Keeper] = []
        self._rungs: dict[str, str] = {}

    @contextmanager
    def servers(self) -> Iterator[Servers]:
        try:
            kafka = self._kafka() if "kafka" in self._want else None
            postgres = self._postgres() if "postgres" in self._want else None
            address = _resolved(kafka) if kafka else None
            admin_url, logins = _resolved(postgres) if postgres else ("", {})
            self._compare_with_last_time()
            zipkin_url = self._zipkin() if "zipkin" in self._want and not given.traces() else None
            yield Servers(address, admin_url, logins, zipkin_url, self._state.path, self._rungs)
        finally:
            self._stop()

    def _kafka(self) -> Callable[[], KafkaAddress]:
        if self._may(Rung.GIVEN) and (address := given.kafka()):
            self._rungs["kafka"] = Rung.GIVEN
            return lambda: address
        principals = topics.load().principals

        def from_docker() -> Any:
            from services.workbench.servers.containers import DockerKafka  # noqa: PLC0415 (the docker client is slow)

            return DockerKafka(self._state, principals, self._port("kafka"), ephemeral=self._ephemeral)

        def from_packages() -> Any:
            return PackagedKafka(self._state, principals, (self._port("kafka"), self._port("kafka-controller")))

        ready = self._keep("kafka", {Rung.DOCKER: from_docker, Rung.PACKAGES: from_packages})
        return lambda: ready.result(START_DEADLINE_S).address

    def _postgres(self) -> Callable[[], tuple[str, Mapping[str, Login]]]:
        logins = {
            name: Login(f"relay_{name}", self._state.secret("postgres", name), owns_database=name in DATABASES)
            for name in (*DATABASES, *ROLES_ONLY)
        }
        if self._may(Rung.GIVEN) and (url := given.database_url()):
            self._rungs["postgres"] = Rung.GIVEN
            asyncio.run(databases.provide(url, logins))
            return lambda: (url, logins)

        def from_docker() -> Any:
            from services.workbench.servers.containers import DockerPostgres  # noqa: PLC0415

            return DockerPostgres(self._state, self._port("postgres"), logins, ephemeral=self._ephemeral)

        def from_packages() -> Any:
            return PackagedPostgres(self._state, self._port("postgres"), logins)

        ready = self._keep("postgres", {Rung.DOCKER: from_docker, Rung.PACKAGES: from_packages})
        return lambda: (ready.result(START_DEADLINE_S).admin_url, logins)

    def _zipkin(self) -> str:
        """Begun last, so that it takes no processor from those that are waited for."""
        zipkin = PackagedZipkin(self._state, self._port("zipkin"))
        ready = self._keep("zipkin", {Rung.PACKAGES: lambda: zipkin})

        def tell(outcome: Future[Any]) -> None:
            cause = outcome.exception()
            if cause is not None and not isinstance(cause, CancelledError):
                self._reporter.say(f"no Zipkin, so no page of traces; all else works: {cause}")

        ready.add_done_callback(tell)
        return zipkin.url

    def _keep(self, name: str, makers: Mapping[Rung, Callable[[], Any]]) -> Future[Any]:
        rungs = [rung for rung in makers if self._may(rung) or name == "zipkin"]
        if self._demanded is None and Rung.DOCKER in rungs and not engine_answers():
            rungs.remove(Rung.DOCKER)
        if not rungs:
            raise RungError(
                "RELAY_SERVERS=given, but the environment gives no address for "
                f"{name}; set KAFKA_BOOTSTRAP_SERVERS and RELAY_DATABASE_URL, or leave RELAY_SERVERS out"
            )

        def chose(rung: Rung) -> Callable[[], Any]:
            def make() -> Any:
                self._rungs[name] = rung
                return makers[rung]()

            return make

        keeper = Keeper(name, [chose(rung) for rung in rungs], self._reporter)
        self._keepers.append(keeper)
        keeper.start()
        return keeper.ready

    def _compare_with_last_time(self) -> None:
        """Each rung keeps its own data: who changes rungs must not think that it is lost."""
        before = self._state.read(RUNGS)
        for name, rung in self._rungs.items():
            if name in before and before[name] != rung:
                self._reporter.say(f"{name} is from {rung} now; what it kept when it was from {before[name]} is there")
        self._state.write(RUNGS, {**before, **self._rungs})

    def _port(self, name: str) -> int:
        port, moved = self._state.port(name)
        if moved:
            self._reporter.say(f"the port that {name} had last time is taken; using {port}")
        return port

    def _may(self, rung: Rung) -> bool:
        return self._demanded in (None, rung)

    def _stop(self) -> None:
        for keeper in self._keepers:
            keeper.release()
        for keeper in self._keepers:
            keeper.join(RELEASE_DEADLINE_S)
            if keeper.is_alive():
                self._reporter.say(f"{keeper.name} did not stop within {RELEASE_DEADLINE_S:.0f} s; it ends with us")


def _resolved(outcome: Callable[[], Any]) -> Any:
    try:
        return outcome()
    except TimeoutError as cause:
        raise ServersError(f"the servers were not ready within {START_DEADLINE_S:.0f} s") from cause


def _demanded() -> Rung | None:
    value = os.environ.get("RELAY_SERVERS")
    if not value:
        return None
    try:
        return Rung(value)
    except ValueError:
        raise RungError(f"RELAY_SERVERS is {value!r}; it may be given, docker or packages") from None
