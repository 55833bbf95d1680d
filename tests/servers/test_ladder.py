"""The servers of the ladder, as services find them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from services.chassis import topics
from services.chassis.topics.acl import Acl, Operation, Resource
from services.chassis.topics.cluster import Cluster
from services.workbench.servers import environment_for
from services.workbench.servers.address import with_login

if TYPE_CHECKING:
    from services.workbench.servers import Servers

DEADLINE_S = 20.0


async def _write(connection: dict[str, object], topic: str) -> None:
    producer = AIOKafkaProducer(**connection, acks="all", enable_idempotence=True)
    await asyncio.wait_for(producer.start(), DEADLINE_S)
    try:
        await asyncio.wait_for(producer.send_and_wait(topic, b"value", key=b"key"), DEADLINE_S)
    finally:
        await asyncio.wait_for(producer.stop(), DEADLINE_S)


async def _read_until(connection: dict[str, object], topic: str, group: str, wanted: bytes) -> bytes | None:
    """Read on until it is there: other tests of this session write to the topic too."""
    consumer = AIOKafkaConsumer(topic, **connection, group_id=group, auto_offset_reset="earliest")
    await asyncio.wait_for(consumer.start(), DEADLINE_S)
    try:
        async with asyncio.timeout(DEADLINE_S):
            async for record in consumer:
                if record.value == wanted:
                    break
            await consumer.commit()
        return record.value
    finally:
        await asyncio.wait_for(consumer.stop(), DEADLINE_S)


@pytest.mark.broker
def test_the_one_writer_writes_and_a_reader_reads(kafka, registered_topics):
    """A topic's writer may write it, with the idempotent producer, and its reader may read it in a group of its own."""
    given_writer, given_reader = kafka.connection("intake"), kafka.connection("routing")

    asyncio.run(_write(given_writer, "concerns.v1"))
    value = asyncio.run(_read_until(given_reader, "concerns.v1", "routing-test", b"value"))

    assert value == b"value"


@pytest.mark.broker
@pytest.mark.parametrize(("principal", "topic"), [("routing", "concerns.v1"), ("intake", "ledger.v1")])
def test_another_writer_is_refused(kafka, registered_topics, principal, topic):
    """A principal that is not the topic's writer is refused, whether or not it may read it."""
    with pytest.raises(TopicAuthorizationFailedError):
        asyncio.run(_write(kafka.connection(principal), topic))


@pytest.mark.broker
def test_nobody_comes_in_without_a_login(kafka):
    """A client without SASL is not served at all."""
    with pytest.raises(KafkaError):
        asyncio.run(_write({"bootstrap_servers": kafka.bootstrap, "request_timeout_ms": 2000}, "concerns.v1"))


@pytest.mark.broker
def test_the_registry_once_applied_differs_in_nothing(kafka, registered_topics):
    """Given an applied registry, check finds nothing and applying again changes nothing."""
    connection = kafka.connection("admin")

    differences = asyncio.run(topics.check(registered_topics, connection))
    again = asyncio.run(topics.apply(registered_topics, connection))

    assert differences == ()
    assert not again.changed


@pytest.mark.broker
def test_a_second_writer_is_found_and_taken_away(kafka, registered_topics):
    """Given a grant that makes a second writer, check names it and apply revokes it."""
    connection = kafka.connection("admin")
    second = Acl("console", Operation.WRITE, Resource.TOPIC, "shares.v1")

    async def grant() -> None:
        async with Cluster(connection) as cluster:
            await cluster.grant([second])

    asyncio.run(grant())
    found = asyncio.run(topics.check(registered_topics, connection))
    applied = asyncio.run(topics.apply(registered_topics, connection))

    assert [str(difference) for difference in found] == [
        "acl-extra: shares.v1: console may WRITE TOPIC shares.v1",
    ]
    assert applied.revoked == {second}
    assert asyncio.run(topics.check(registered_topics, connection)) == ()


@pytest.mark.broker
def test_a_change_of_partitions_is_refused(kafka, registered_topics):
    """Given a registry with another partition count than the cluster has, apply refuses and changes nothing."""
    entry = next(entry for entry in registered_topics.entries if entry.name == "parked.{consumer}.v1")
    more = entry.model_copy(update={"partitions": 3})
    others = tuple(e for e in registered_topics.entries if e.name != entry.name)
    changed = registered_topics.model_copy(update={"entries": (*others, more)})

    with pytest.raises(topics.PartitionsError, match=r"parked\.intake\.v1 has 1 partitions and the registry says 3"):
        asyncio.run(topics.apply(changed, kafka.connection("admin")))


@pytest.mark.database
def test_a_service_opens_its_own_database_and_no_other(servers: Servers):
    """Each role owns one database and may not connect to another's."""
    own = servers.database_url("intake")
    intake = servers.logins["intake"]
    foreign = with_login(servers.admin_database_url, intake.role, intake.password, database="relay_audit")

    async def connect(url: str) -> str:
        connection = await asyncpg.connect(url, timeout=DEADLINE_S)
        try:
            await connection.execute("create table if not exists mine (id int)")
            return str(await connection.fetchval("select current_user"))
        finally:
            await connection.close()

    assert asyncio.run(connect(own)) == "relay_intake"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        asyncio.run(connect(foreign))


@pytest.mark.database
def test_a_wrong_password_is_refused(servers: Servers):
    """PostgreSQL asks for the password on loopback too."""
    url = with_login(servers.admin_database_url, "relay_intake", "wrong", database="relay_intake")

    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(asyncpg.connect(url, timeout=DEADLINE_S))


@pytest.mark.database
def test_a_service_is_told_its_own_secrets_only(servers: Servers):
    """The environment of one service holds no other's password."""
    environment = environment_for(servers, "routing")
    others = [login.password for name, login in servers.logins.items() if name != "routing"]
    others += [servers.kafka.credentials(name)[1] for name in ("admin", "intake", "audit", "vault")]

    everything = _as_text(environment)

    assert servers.logins["routing"].password in everything
    assert not any(secret in everything for secret in others)


def _as_text(environment: dict[str, str]) -> str:
    return "\n".join(f"{name}={value}" for name, value in environment.items())
