"""The second rung, where a container engine answers; elsewhere these tests are skipped, in CI too."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg
import docker
import pytest

from services.chassis import topics
from services.chassis.topics.cluster import Cluster
from services.workbench.servers import Lines, running
from services.workbench.servers.engine import engine_answers
from services.workbench.servers.state import StateDir

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE_S = 20.0
BOTH = frozenset({"kafka", "postgres"})

pytestmark = [
    pytest.mark.broker,
    pytest.mark.database,
    pytest.mark.slow,
    pytest.mark.skipif(not engine_answers(), reason="no container engine answers"),
]


@pytest.fixture
def _no_volume_stays(tmp_path: Path) -> Any:
    yield
    instance = StateDir(tmp_path / ".relay").secret("docker", "instance")[:8].lower()
    client = docker.from_env()
    for volume in client.volumes.list():
        if volume.name.startswith(f"concern-relay-{instance}-"):
            volume.remove()
    client.close()


async def _fetch(url: str, statement: str) -> Any:
    connection = await asyncpg.connect(url, timeout=DEADLINE_S)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def _topics(connection: dict[str, Any]) -> set[str]:
    async with Cluster(connection) as cluster:
        return set(await cluster.list_topics())


@pytest.mark.usefixtures("_no_volume_stays")
def test_containers_are_secured_and_keep_their_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Given an engine with the images, Kafka and PostgreSQL run in it, with logins and ACLs, and data stays."""
    monkeypatch.delenv("RELAY_SERVERS", raising=False)
    state = tmp_path / ".relay"

    with running(state, BOTH, Lines()) as servers:
        if set(servers.rungs.values()) != {"docker"}:
            pytest.skip("the engine lacks an image and cannot pull it; the ladder went on to packages")
        asyncio.run(topics.apply(topics.load(), servers.kafka.connection("admin")))
        asyncio.run(_fetch(servers.database_url("audit"), "create table kept as select 42 as answer"))
        visible = asyncio.run(_topics(servers.kafka.connection("vault")))

    with running(state, BOTH, Lines()) as again:
        assert asyncio.run(topics.check(topics.load(), again.kafka.connection("admin"))) == ()
        assert asyncio.run(_fetch(again.database_url("audit"), "select answer from kept")) == 42
    registered = topics.load().topics()
    assert visible == {topic.name for topic in registered if "vault" in (topic.writer, *topic.readers)}
    assert visible < {topic.name for topic in registered}


def test_an_image_that_cannot_be_had_leads_on_to_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """Given an engine that cannot get an image, one line says so and the server comes from packages."""
    monkeypatch.delenv("RELAY_SERVERS", raising=False)
    monkeypatch.setattr("services.workbench.servers.containers.POSTGRES_IMAGE", "postgres:no-such-tag")

    with running(tmp_path / ".relay", frozenset({"postgres"}), Lines(), ephemeral=True) as servers:
        assert servers.rungs == {"postgres": "packages"}
        assert asyncio.run(_fetch(servers.database_url("audit"), "select 1")) == 1

    assert "has no image postgres:no-such-tag and cannot get it" in capfd.readouterr().err
