"""A rig: a ledger over topics of its own, with a database and a state folder of its own; nothing of it faked."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import string
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import yaml
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from concern_relay.v1.concerns_pb2 import ConcernRaised
from concern_relay.v1.facts_pb2 import SealedPart
from services.audit import app, store
from services.audit.charter import charter_of
from services.audit.ledger import snapshot
from services.audit.sequencer import Charter
from services.audit.signer import load_signer
from services.audit.verify import Report, verify
from services.chassis import topics
from services.chassis.auth import signing_key
from services.chassis.envelope import Event, Record, encode
from services.chassis.journal.rows import partition_of
from services.chassis.settings import REPOSITORY, Settings
from services.chassis.topics.cluster import Cluster

DEADLINE_S = 30.0
POLL_S = 0.02
PARTITIONS = 12


def raised(concern_id: str | None = None, event_id: UUID | None = None, bulk: int = 200) -> Event:
    """Give a ConcernRaised as intake would write it, with a part nobody can open."""
    concern_id = concern_id or str(uuid4())
    now = datetime.now(UTC)
    data = ConcernRaised(concern_id=concern_id, agency_id="school-a", test=True)
    data.parts.append(SealedPart(part_id="p", key_id="k", ciphertext=os.urandom(bulk)))
    return Event(
        event_id or uuid4(), "ConcernRaised", "", "//concern-relay/intake", now, now, concern_id, None, (), data,
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )  # fmt: skip


@dataclass
class Rig:
    """One ledger, and what looks at it from outside."""

    kafka: Any
    settings: Settings
    charter: Charter
    topics: tuple[str, ...]
    pool: asyncpg.Pool
    keys: tuple[str, ...] = ()
    _producer: AIOKafkaProducer | None = None
    sent: list[Record] = field(default_factory=list)

    async def put(self, *events: Event, topic: str = "") -> None:
        """Write events to a history topic, the first by default, and wait until the broker has them."""
        name = topic or self.topics[0]
        await self.put_records([encode(replace(event, topic=name)) for event in events])

    async def put_records(self, records: Sequence[Record]) -> None:
        """Write records as they are."""
        if self._producer is None:
            self._producer = AIOKafkaProducer(**self.kafka.connection(), acks="all", enable_idempotence=True)
            await asyncio.wait_for(self._producer.start(), DEADLINE_S)
        sent = [
            await self._producer.send(
                r.topic, r.value, key=r.key, headers=list(r.headers), partition=partition_of(r.key, PARTITIONS)
            )
            for r in records
        ]
        await asyncio.wait_for(asyncio.gather(*sent), DEADLINE_S)
        self.sent += records

    async def renew_producer(self) -> None:
        """Forget what the producer knows of topics that were made anew."""
        if self._producer is not None:
            await asyncio.wait_for(self._producer.stop(), DEADLINE_S)
            self._producer = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[app.Audit]:
        """Run the whole service in this process; stop it as SIGTERM would."""
        async with AsyncExitStack() as stack:
            audit = await app.assemble(self.settings, stack)
            stop = asyncio.Event()
            task = asyncio.create_task(app.run(audit, stop))
            try:
                yield audit
            finally:
                stop.set()
                await asyncio.wait_for(task, DEADLINE_S)

    @asynccontextmanager
    async def process(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run the whole service in a process of its own; killed when the block ends."""
        s = self.settings
        env = os.environ | {
            "KAFKA_BOOTSTRAP_SERVERS": s.kafka_bootstrap, "RELAY_KAFKA_PROTOCOL": s.kafka_protocol,
            "RELAY_KAFKA_USERNAME": s.kafka_username, "RELAY_KAFKA_PASSWORD": s.kafka_password,
            "RELAY_DATABASE_URL": s.database_url, "RELAY_STATE_DIR": str(s.state_dir),
            "RELAY_DEPLOY_DIR": str(s.deploy_dir), "RELAY_PROFILE": "test",
        }  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.audit.app", env=env, cwd=REPOSITORY, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            await asyncio.wait_for(process.wait(), DEADLINE_S)

    async def size(self) -> int:
        """Give how many leaves there are; 0 while there is no table yet."""
        try:
            return int(await self.pool.fetchval("SELECT size FROM head") or 0)
        except asyncpg.UndefinedTableError:
            return 0

    async def holds(self, count: int) -> None:
        """Wait until the ledger has so many leaves."""
        await eventually(lambda: self._has(count), f"{count} leaves")

    async def _has(self, count: int) -> bool:
        return await self.size() >= count

    async def signed(self, count: int) -> None:
        """Wait until a checkpoint covers so many leaves."""

        async def look() -> bool:
            return int(await self.pool.fetchval("SELECT coalesce(max(size), 0) FROM checkpoint")) >= count

        await eventually(look, f"a checkpoint over {count} leaves")

    async def export(self, *, unsigned: bool = False) -> bytes:
        """Give the export, whole."""
        async with self.pool.acquire() as connection, snapshot(connection) as ledger:
            return b"".join([chunk async for chunk in ledger.export(self.charter.origin, unsigned=unsigned)])

    async def verified(self, export: bytes | None = None, **given: Any) -> Report:
        """Give what an outsider finds in the export."""
        keys = [str(load_signer(self.settings, self.charter.origin).verifier)]
        return verify(BytesIO(export or await self.export()), keys, **given)

    async def rows(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Ask the audit database."""
        rows: list[asyncpg.Record] = await self.pool.fetch(query, *arguments)
        return rows

    async def root(self) -> bytes:
        """Give the root of the tree as the frontier has it."""
        async with self.pool.acquire() as connection:
            return (await store.read_head(connection)).frontier.root()


async def eventually(look: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
    """Look again and again until it is true, or fail saying what was waited for."""
    end = asyncio.get_running_loop().time() + deadline_s
    while True:
        found = await look()
        if found:
            return found
        assert asyncio.get_running_loop().time() < end, f"no {what} within {deadline_s:g} s"
        await asyncio.sleep(POLL_S)


def _letters(count: int) -> str:
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(count))


def _registry(names: Iterable[str], ledger: str) -> dict[str, Any]:
    history = [
        {"name": n, "purpose": "test", "kind": "history", "writer": "intake", "readers": ["audit"]} for n in names
    ]
    own = {
        "name": ledger, "purpose": "test", "kind": "ordered", "writer": "audit", "readers": ["audit"],
        "events": ["BatchSequenced", "CheckpointSigned"],
    }  # fmt: skip
    principals = ["admin", "intake", "audit"]
    return {"version": 1, "principals": principals, "superuser": "admin", "consumers": [], "topics": [*history, own]}


@asynccontextmanager
async def rig(kafka: Any, dsn: str, folder: Path, *, count: int = 2) -> AsyncIterator[Rig]:
    """Have topics, a migrated database, keys and tokens."""
    mark = _letters(10)
    names = tuple(f"history{letter}.{mark}.v1" for letter in string.ascii_lowercase[:count])
    ledger = f"ledger.{mark}.v1"
    deploy, state = folder / "deploy", folder / "state"
    deploy.mkdir(exist_ok=True)
    (deploy / "topics.yaml").write_text(yaml.safe_dump(_registry(names, ledger)))
    signing_key(state)
    async with Cluster(kafka.connection()) as cluster:
        made = [NewTopic(name, PARTITIONS, 1) for name in names]
        response = await cluster.create_topics([*made, NewTopic(ledger, 1, 1)])
        assert all(error[1] == 0 for error in response.topic_errors), response.topic_errors
        registry = topics.load(deploy / "topics.yaml")
        await cluster.grant(acl for acl in topics.acls_of(registry) if ledger in str(acl) or names[0] in str(acl))
    user, password = kafka.servers.kafka.credentials("admin")
    settings = Settings(
        service="audit", kafka_bootstrap=kafka.bootstrap, kafka_protocol=kafka.servers.kafka.security_protocol,
        kafka_username=user, kafka_password=password, database_url=dsn, state_dir=state, deploy_dir=deploy,
        profile="test",
    )  # fmt: skip
    pool = await asyncpg.create_pool(dsn, min_size=0, max_size=4)
    async with pool.acquire() as connection:
        await store.migrate(connection)
    found = Rig(kafka, settings, charter_of(settings), names, pool)
    try:
        yield found
    finally:
        await found.renew_producer()
        pool.terminate()
