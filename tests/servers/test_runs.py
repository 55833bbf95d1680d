"""What happens to real servers between runs: kill -9, taken ports, a second run, a second checkout, no network."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from services.chassis import topics
from services.chassis.topics.cluster import Cluster
from services.workbench.servers import (
    InUseError,
    Lines,
    NoNetworkError,
    RungError,
    ServersError,
    databases,
    jars,
    running,
)
from services.workbench.servers.state import StateDir
from services.workbench.supervisor.child import birth
from services.workbench.supervisor.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

A_RUN = Path(__file__).with_name("a_run.py")
START_DEADLINE_S = 90.0
END_DEADLINE_S = 30.0
BOTH = frozenset({"kafka", "postgres"})

packages_only = pytest.mark.skipif(
    os.environ.get("RELAY_SERVERS", "packages") != "packages", reason="about the rung of packages"
)
pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow, packages_only]


@pytest.fixture(autouse=True)
def _from_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_SERVERS", "packages")


@pytest.fixture(scope="module")
def made_before(tmp_path_factory: pytest.TempPathFactory, servers: object) -> Path:
    """A state folder of an earlier run, with a topic and a row in it (`servers`: skip where there is no Kafka)."""
    folder = tmp_path_factory.mktemp("checkout") / ".relay"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RELAY_SERVERS", "packages")
        with running(folder, BOTH, Lines()) as ours:
            asyncio.run(topics.apply(topics.load(), ours.kafka.connection("admin")))
            asyncio.run(_execute(ours.database_url("audit"), "create table kept as select 42 as answer"))
    return folder


@pytest.fixture
def state(made_before: Path, tmp_path: Path) -> Path:
    """A copy of that state folder, as if this checkout had run once before."""
    return Path(shutil.copytree(made_before, tmp_path / "checkout" / ".relay"))


@dataclass(frozen=True)
class _Run:
    process: subprocess.Popen[bytes]
    seen: dict[str, Any]

    @property
    def pids(self) -> dict[str, int]:
        return dict(self.seen["pids"])


@contextmanager
def _a_run(state: Path) -> Iterator[_Run]:
    """A whole run in a process of its own, ready; ended by SIGTERM if it still runs at the end."""
    seen, log = state.parent / "seen.json", state.parent / "run.log"
    seen.unlink(missing_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, str(A_RUN), str(state), str(seen)], stdout=output, stderr=output)
    try:
        _eventually("the run is ready", lambda: seen.exists() or process.poll() is not None, START_DEADLINE_S)
        assert process.poll() is None, log.read_text()
        yield _Run(process, json.loads(seen.read_text()))
    finally:
        process.terminate()
        process.wait(END_DEADLINE_S)


def _eventually(what: str, holds: Callable[[], object], deadline_s: float = END_DEADLINE_S) -> None:
    deadline = Deadline(deadline_s)
    while not holds():
        assert not deadline.passed(), f"not within {deadline_s:.0f} s: {what}"
        deadline.pause(0.05)


async def _execute(url: str, statement: str) -> Any:
    connection = await asyncpg.connect(url, timeout=END_DEADLINE_S)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def _topics(connection: dict[str, Any]) -> set[str]:
    async with Cluster(connection) as cluster:
        return set(await cluster.found())


async def _visible_to(connection: dict[str, Any]) -> set[str]:
    async with Cluster(connection) as cluster:
        return set(await cluster.list_topics())


def _gone(pid: int) -> bool:
    return birth(pid) is None


def test_a_later_run_finds_the_data_of_an_earlier_one(state: Path):
    """Given a run that ended in order, the next one has its topics, ACLs, rows and logins."""
    with running(state, BOTH) as servers:
        differences = asyncio.run(topics.check(topics.load(), servers.kafka.connection("admin")))
        answer = asyncio.run(_execute(servers.database_url("audit"), "select answer from kept"))

    assert differences == ()
    assert answer == 42


def test_sigterm_ends_everything_it_started(state: Path):
    """Given a run, SIGTERM ends the programs, then the servers, and it exits 0."""
    with _a_run(state) as run:
        run.process.send_signal(signal.SIGTERM)

        assert run.process.wait(END_DEADLINE_S) == 0
        assert set(run.pids) == {"kafka", "postgres", "deaf"}
        assert all(_gone(pid) for pid in run.pids.values())


def test_a_run_after_kill_9_starts_clean(state: Path):
    """Given a run killed with -9, its servers end by their leash, what is deaf is ended by the next run; data stays."""
    with _a_run(state) as run:
        run.process.kill()
        run.process.wait(END_DEADLINE_S)
        _eventually("the servers end", lambda: _gone(run.pids["kafka"]) and _gone(run.pids["postgres"]))
        assert not _gone(run.pids["deaf"])

    with _a_run(state) as again:
        assert _gone(run.pids["deaf"])
        assert "ended what an earlier run left behind: deaf" in (state.parent / "run.log").read_text()
        assert asyncio.run(_execute(again.seen["database"], "select answer from kept")) == 42
        assert "concerns.v1" in asyncio.run(_topics(again.seen["connection"]))


def test_a_second_run_in_the_same_checkout_says_who_runs(state: Path):
    """Given a run, a second one that wants the servers for itself is told the pid; one that shares may share."""
    with _a_run(state) as run:
        with (
            pytest.raises(InUseError, match=rf"already running, pid {run.process.pid}"),
            running(state, exclusive=True),
        ):
            pass

        with running(state, frozenset({"postgres"})) as shared:
            assert asyncio.run(_execute(shared.database_url("audit"), "select answer from kept")) == 42
        assert not _gone(run.pids["postgres"])


def test_two_checkouts_do_not_meet(state: Path, tmp_path: Path):
    """Given a run here, a run in another checkout has ports of its own, and its end leaves ours alone."""
    other = Path(shutil.copytree(state, tmp_path / "other" / ".relay"))
    with _a_run(state) as ours:
        with _a_run(other) as theirs:
            assert ours.seen["bootstrap"] != theirs.seen["bootstrap"]
            assert ours.seen["database"] != theirs.seen["database"]
            assert not set(ours.pids.values()) & set(theirs.pids.values())

        assert all(_gone(pid) for pid in theirs.pids.values())
        assert asyncio.run(_execute(ours.seen["database"], "select answer from kept")) == 42
        assert "concerns.v1" in asyncio.run(_topics(ours.seen["connection"]))


def test_a_taken_port_is_replaced_by_another(state: Path, capfd: pytest.CaptureFixture[str]):
    """Given that others took the ports of last time, the servers come up on others, which is said."""
    ports = StateDir(state).read("ports.json")
    with (
        socket.create_server(("127.0.0.1", ports["kafka"])),
        socket.create_server(("127.0.0.1", ports["postgres"])),
        running(state, BOTH, Lines()) as servers,
    ):
        assert not servers.kafka.bootstrap.endswith(f":{ports['kafka']}")
        assert asyncio.run(_execute(servers.database_url("audit"), "select answer from kept")) == 42

    said = capfd.readouterr().err
    assert "the port that kafka had last time is taken; using" in said
    assert "the port that postgres had last time is taken; using" in said


def test_a_server_that_dies_is_started_again(state: Path):
    """Given a broker killed with -9, it comes back on the same address."""
    with _a_run(state) as run:
        os.kill(run.pids["kafka"], signal.SIGKILL)
        records = StateDir(state).records / "kafka.json"
        _eventually("a new broker", lambda: json.loads(records.read_text() or "{}").get("pid") != run.pids["kafka"])

        async def answers() -> set[str]:
            deadline = Deadline(START_DEADLINE_S)
            while True:
                try:
                    return await _topics(run.seen["connection"])
                except topics.TopicsError:
                    assert not deadline.passed()
                    await asyncio.sleep(0.2)

        assert "concerns.v1" in asyncio.run(answers())


def test_a_principal_that_joined_later_gets_a_login(state: Path):
    """Given storage that was made before a principal existed, it can log in from the next start on."""
    folder = StateDir(state)
    folder.write("kafka-logins.json", {"known": [n for n in folder.read("kafka-logins.json")["known"] if n != "audit"]})
    secrets = folder.read("secrets.json")
    folder.write("secrets.json", {name: value for name, value in secrets.items() if name != "kafka.audit"})

    with running(state, frozenset({"kafka"})) as servers:
        assert servers.kafka.credentials("audit")[1] != secrets["kafka.audit"]
        assert "ledger.v1" in asyncio.run(_visible_to(servers.kafka.connection("audit")))


def test_without_network_and_cache_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Given an empty cache and no network, the message names what is missing and what to do about it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # discard: nobody listens
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    with (
        pytest.raises(NoNetworkError, match=r"cannot download .*first run needs the network.*KAFKA_BOOTSTRAP_SERVERS"),
        running(tmp_path / ".relay", frozenset({"kafka"})),
    ):
        pass
    assert [path for path in jars.cache_dir().rglob("*") if path.is_file()] == []


def test_a_rung_that_cannot_be_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Given RELAY_SERVERS=given without addresses, or a word that is no rung, the message says what it may be."""
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "RELAY_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RELAY_SERVERS", "given")
    with pytest.raises(RungError, match="set KAFKA_BOOTSTRAP_SERVERS"), running(tmp_path / ".relay"):
        pass

    monkeypatch.setenv("RELAY_SERVERS", "cloud")
    with pytest.raises(RungError, match="given, docker or packages"), running(tmp_path / ".relay"):
        pass


def test_servers_that_are_given_are_used_and_left_running(
    servers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Given addresses in the environment, they are used; nothing is started, and nothing stopped."""
    user, password = servers.kafka.credentials("admin")
    for name, value in {
        "RELAY_SERVERS": "given",
        "KAFKA_BOOTSTRAP_SERVERS": servers.kafka.bootstrap,
        "RELAY_KAFKA_PROTOCOL": servers.kafka.security_protocol,
        "RELAY_KAFKA_USERNAME": user,
        "RELAY_KAFKA_PASSWORD": password,
        "RELAY_DATABASE_URL": servers.admin_database_url,
    }.items():
        monkeypatch.setenv(name, value)

    try:
        with running(tmp_path / ".relay", BOTH) as given:
            assert given.rungs == {"kafka": "given", "postgres": "given"}
            assert given.kafka.credentials("routing") == (user, password)
            assert asyncio.run(_execute(given.database_url("audit"), "select current_user")) == "relay_audit"
    finally:
        # it gave the roles passwords of its own; the other tests of this session know the first ones
        asyncio.run(databases.provide(servers.admin_database_url, servers.logins))
    assert not (tmp_path / ".relay" / "kafka").exists()
    assert asyncio.run(_topics(servers.kafka.connection("admin"))) is not None


def test_an_unknown_server_is_refused(tmp_path: Path):
    """Asking for a server that is not known names those that are."""
    with (
        pytest.raises(ServersError, match="no such server: redis; known: kafka, postgres, zipkin"),
        running(tmp_path / ".relay", frozenset({"redis"})),
    ):
        pass
