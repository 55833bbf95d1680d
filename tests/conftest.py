"""Fixtures that every test may use: the real servers, a database of one's own, topics of one's own.

The servers come up the same ladder as `make run`'s, in a state folder of this test session, started when the first test
asks. With pytest-xdist the workers share them. A server that cannot be had skips its tests on a laptop and fails them
in CI (CI=true).
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import hypothesis
import pytest
from aiokafka.admin import NewTopic

from services.chassis import topics
from services.chassis.topics.acl import Acl, Operation, Pattern, Resource
from services.chassis.topics.cluster import Cluster
from services.workbench.servers import NotReadyError, Servers, ServersError, databases
from services.workbench.servers.address import with_login
from services.workbench.servers.attachment import attached
from services.workbench.servers.state import StateDir
from services.workbench.supervisor.child import birth
from services.workbench.supervisor.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# how long something takes is a matter of `make bench`, and of what else the machine does
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

ROOT: Final = Path(__file__).parents[1]
SESSIONS: Final = ROOT / ".relay-test"
START_DEADLINE_S: Final = 170.0
STOP_DEADLINE_S: Final = 40.0
POLL_S: Final = 0.05


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Have files that take turns on one worker, where several share the tests file by file."""
    if config.getoption("dist") != "loadfile":
        return None
    from tests.turns import InTurns  # noqa: PLC0415  (only where xdist runs)

    return InTurns(config, log)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End this session's servers, if a test asked for them, and forget their state."""
    if hasattr(config, "workerinput"):
        return
    state = _session_folder(config)
    if state.exists():
        _end_servers(state)
        shutil.rmtree(state, ignore_errors=True)


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Servers:
    """Kafka and PostgreSQL, running for this session; see `Servers` for addresses and logins."""
    state = _session_folder(request.config)
    try:
        with _one_worker_at_a_time(state):
            _start_servers_unless_running(state, _owner_pid(request.config))
        return attached(StateDir.at(state), frozenset({"kafka", "postgres"}))
    except ServersError as cause:
        _missing(f"no servers: {cause}")


@dataclass(frozen=True)
class TestKafka:
    """The session's Kafka: `connection(principal)` for any aiokafka client, and topics of one's own."""

    __test__ = False

    servers: Servers

    @property
    def bootstrap(self) -> str:
        """host:port of the broker."""
        return self.servers.kafka.bootstrap

    def connection(self, principal: str = "admin") -> dict[str, Any]:
        """Arguments of any aiokafka client for this principal; admin may do everything."""
        return self.servers.kafka.connection(principal)

    async def create_topic(
        self, partitions: int = 1, *, writers: Iterable[str] = (), readers: Iterable[str] = (), prefix: str = "test"
    ) -> str:
        """Make a topic that nobody else has; principals other than admin need to be named to use it."""
        name = f"{prefix}.{secrets.token_hex(6)}.v1"
        async with Cluster(self.connection()) as cluster:
            response = await cluster.create_topics([NewTopic(name, partitions, 1)])
            assert response.topic_errors[0][1] == 0, response.topic_errors
            grants = [Acl(who, Operation.WRITE, Resource.TOPIC, name) for who in writers]
            for who in readers:
                grants.append(Acl(who, Operation.READ, Resource.TOPIC, name))
                grants.append(Acl(who, Operation.READ, Resource.GROUP, who, Pattern.PREFIXED))
            await cluster.grant(grants)
        return name

    def topic(self, partitions: int = 1, **options: Any) -> str:
        """The same from a test that is not a coroutine."""
        return asyncio.run(self.create_topic(partitions, **options))


@pytest.fixture(scope="session")
def kafka(servers: Servers) -> TestKafka:
    """The session's Kafka."""
    return TestKafka(servers)


@pytest.fixture(scope="session")
def registered_topics(request: pytest.FixtureRequest, servers: Servers) -> topics.Registry:
    """The registry, applied to the session's Kafka: topics and ACLs as in production."""
    registry = topics.load()
    with _one_worker_at_a_time(_session_folder(request.config)):
        asyncio.run(topics.apply(registry, servers.kafka.connection("admin")))
    return registry


@pytest.fixture(scope="module")
def new_database(servers: Servers) -> Iterator[Callable[[], str]]:
    """Makes databases, each with a role of its own that is no superuser; gone when the module's tests are done."""
    made: list[str] = []

    def make() -> str:
        name, password = f"test_{secrets.token_hex(6)}", secrets.token_urlsafe(16)
        statements = (
            f"create role {name} login password '{password}'",
            f"create database {name} owner {name}",
        )
        asyncio.run(_as_admin(servers, *statements))
        made.append(name)
        return with_login(servers.admin_database_url, name, password, database=name)

    yield make
    for name in made:
        asyncio.run(_as_admin(servers, f"drop database {name} with (force)", f"drop role {name}"))


@pytest.fixture(scope="module")
def database(new_database: Callable[[], str]) -> str:
    """The DSN of an empty database that only this module's tests use."""
    return new_database()


async def _as_admin(servers: Servers, *statements: str) -> None:
    connection = await databases.connect(servers.admin_database_url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _owner_pid(config: pytest.Config) -> int:
    """The process whose end ends the session: this one, or the controller of the xdist workers."""
    return os.getppid() if hasattr(config, "workerinput") else os.getpid()


def _session_folder(config: pytest.Config) -> Path:
    return SESSIONS / str(_owner_pid(config))


@contextmanager
def _one_worker_at_a_time(state: Path) -> Iterator[None]:
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (state / "tests.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _start_servers_unless_running(state: Path, owner: int) -> None:
    if (state / "servers.json").exists():
        return
    _forget_ended_sessions()
    options = ("--state", str(state), "--want", "kafka,postgres", "--until", str(owner), "--ephemeral")
    log = state / "keeper.log"
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            (sys.executable, "-m", "services.workbench.servers", *options),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            start_new_session=True,
        )
    (state / "keeper.json").write_text(json.dumps({"pid": keeper.pid, "birth": birth(keeper.pid)}))
    deadline = Deadline(START_DEADLINE_S)
    while not (state / "servers.json").exists():
        if keeper.poll() is not None or deadline.passed():
            raise NotReadyError(log.read_text(errors="replace").strip()[-2000:])
        deadline.pause(POLL_S)


def _end_servers(state: Path) -> None:
    """Ask the keeper of a session to end, and wait until it has."""
    with suppress(FileNotFoundError, ProcessLookupError):
        keeper = json.loads((state / "keeper.json").read_text())
        if keeper["birth"] is None or birth(keeper["pid"]) != keeper["birth"]:
            return
        os.kill(keeper["pid"], signal.SIGTERM)
        deadline = Deadline(STOP_DEADLINE_S)
        while birth(keeper["pid"]) == keeper["birth"] and not deadline.passed():
            deadline.pause(POLL_S)


def _forget_ended_sessions() -> None:
    """Remove what sessions left behind that were killed; their keepers ended by themselves."""
    for folder in SESSIONS.iterdir():
        if folder.name.isdigit() and birth(int(folder.name)) is None:
            _end_servers(folder)
            shutil.rmtree(folder, ignore_errors=True)


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
