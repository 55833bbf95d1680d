"""Measuring an engine: how many effects a second, and how long one takes, both as the broker saw it.

events/s = effects / (last - first LogAppendTime on the sink), so that the start of the process is left out. Latency is
from just before the record is handed to a producer to the moment an observer has the effect. Each run has new topics,
a new group and a new database; every run is checked to have one effect for each concern, none missing.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic

from bench.work import PARTITIONS, Task, concern, records
from services.chassis.envelope import Record, encode
from services.chassis.topics.cluster import Cluster
from services.workbench.servers import Servers, databases
from services.workbench.servers.address import with_login

ROOT = Path(__file__).parents[1]
RUN_DEADLINE_S = 240.0
CALL_DEADLINE_S = 30.0
WARM_UP_S = 3.0
MEASURED_S = 8.0


@dataclass(frozen=True, slots=True)
class Throughput:
    """One run at full load."""

    events_s: float
    cpu_us_per_event: float
    effects: int
    repeated: int


@dataclass(frozen=True, slots=True)
class Latency:
    """One run at a steady rate, in milliseconds; ``cpu_share`` of one processor, by the engine."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    effects: int
    cpu_share: float


class Bench:
    """The servers, and runs on them."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self._connection = servers.kafka.connection("admin")

    async def throughput(self, engine: str, count: int) -> Throughput:
        """Let an engine work through a full topic."""
        async with self._run() as told:
            await self._fill(told.source, count)
            with _process(engine, told) as process:
                cpu_us = await self._until(told.sink, count, process)
            ids, first_ms, last_ms = await self._read(told.sink)
            distinct = len(set(ids))
            if distinct != count:
                raise RuntimeError(f"{engine}: {distinct} effects for {count} concerns; is the engine correct?")
            return Throughput(count / ((last_ms - first_ms) / 1000), cpu_us, len(ids), len(ids) - distinct)

    async def memory(self, engine: str, marks: Sequence[int]) -> list[float]:
        """Let an engine work through a full topic; give its resident megabytes when so many effects were there."""
        async with self._run() as told:
            await self._fill(told.source, marks[-1])
            with _process(engine, told) as process:
                found = []
                for mark in marks:
                    await self._until(told.sink, mark, process)
                    found.append(psutil.Process(process.pid).memory_info().rss / 2**20)
        return found

    async def latency(self, engine: str, rate_s: int) -> Latency:
        """Raise concerns at a steady rate and watch for their effects."""
        async with self._run() as told:
            with _process(engine, told) as process:
                seen, cpu_share = await self._paced(told, rate_s, process.pid)
        took = sorted(1000 * seconds for seconds in seen)
        p95, p99 = _quantile(took, 0.95), _quantile(took, 0.99)
        return Latency(statistics.median(took), p95, p99, took[-1], len(took), cpu_share)

    @asynccontextmanager
    async def _run(self) -> AsyncIterator[Task]:
        name = f"bench{secrets.token_hex(5)}"
        source, sink = f"source.{name}.v1", f"sink.{name}.v1"
        stamped = {"message.timestamp.type": "LogAppendTime"}
        topics = [
            NewTopic(source, PARTITIONS, 1),
            NewTopic(sink, PARTITIONS, 1, topic_configs=stamped),
            NewTopic(f"parked.{name}.v1", 1, 1),
        ]
        async with Cluster(self._connection) as cluster:
            await cluster.create_topics(topics)
        try:
            async with self.database(name) as dsn:
                yield Task(self._connection, source, sink, name, dsn)
        finally:
            async with Cluster(self._connection) as cluster:
                await cluster.delete_topics([topic for topic in await cluster.found() if name in topic])

    @asynccontextmanager
    async def database(self, name: str) -> AsyncIterator[str]:
        """Have a database of a role of its own, both of this name; gone with the block."""
        admin = await databases.connect(self.servers.admin_database_url)
        password = secrets.token_urlsafe(16)
        await admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        await admin.execute(f"CREATE DATABASE {name} OWNER {name}")
        try:
            yield with_login(self.servers.admin_database_url, name, password, database=name)
        finally:
            await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
            await admin.execute(f"DROP ROLE {name}")
            await admin.close()

    async def _fill(self, topic: str, count: int) -> None:
        async with _producer(self._connection) as producer:
            sent: list[Any] = []
            for record in records(count):
                sent.append(await producer.send(topic, record.value, key=record.key, headers=list(record.headers)))
                if len(sent) == 5000:
                    await asyncio.wait_for(asyncio.gather(*sent), CALL_DEADLINE_S)
                    sent.clear()
            await asyncio.wait_for(asyncio.gather(*sent), CALL_DEADLINE_S)

    async def _until(self, topic: str, count: int, process: subprocess.Popen[bytes]) -> float:
        """Wait until the effects are there; give the processor time of the engine for one, its start left out."""
        until = monotonic() + RUN_DEADLINE_S
        began: tuple[int, float] | None = None
        async with _consumer(self._connection) as consumer:
            while (done := sum((await consumer.end_offsets(_all(topic))).values())) < count:
                if process.poll() is not None:
                    raise RuntimeError(f"the engine ended with {process.returncode}; see its output above")
                if monotonic() > until:
                    raise RuntimeError(f"the engine was not done within {RUN_DEADLINE_S:.0f} s")
                if done and began is None:
                    began = (done, _cpu_s(process.pid))
                await asyncio.sleep(0.2)
        before, cpu_s = began or (0, 0.0)
        return (_cpu_s(process.pid) - cpu_s) * 1e6 / (count - before)

    async def _read(self, topic: str) -> tuple[list[bytes], int, int]:
        ids: list[bytes] = []
        times: list[int] = []
        async with _consumer(self._connection) as consumer:
            consumer.assign(_all(topic))
            ends = await consumer.end_offsets(_all(topic))
            while any([await consumer.position(tp) < end for tp, end in ends.items()]):
                for batch in (await consumer.getmany(timeout_ms=500)).values():
                    ids += [r.key for r in batch]
                    times += [r.timestamp for r in batch]
        return ids, min(times), max(times)

    async def _paced(self, told: Task, rate_s: int, pid: int) -> tuple[list[float], float]:
        raised: dict[bytes, float] = {}
        took: list[float] = []
        total = int(rate_s * (WARM_UP_S + MEASURED_S))
        async with _consumer(self._connection) as consumer, _producer(self._connection) as producer:
            consumer.assign(_all(told.sink))

            async def watch() -> None:
                found = 0
                while found < total + 1:  # and the one that was not counted
                    for batch in (await consumer.getmany(timeout_ms=1000)).values():
                        now = perf_counter()
                        found += len(batch)
                        took.extend(now - raised[r.key] for r in batch if r.key in raised)

            watching = asyncio.create_task(watch())
            await self._probe(told, producer, consumer)
            began, cpu_s = perf_counter(), _cpu_s(pid)
            for n in range(total):
                if (ahead := began + n / rate_s - perf_counter()) > 0:
                    await asyncio.sleep(ahead)
                record = self._record(n)
                if n >= rate_s * WARM_UP_S:
                    raised[record.key] = perf_counter()
                await producer.send(told.source, record.value, key=record.key, headers=list(record.headers))
            await asyncio.wait_for(watching, CALL_DEADLINE_S)
            cpu_share = (_cpu_s(pid) - cpu_s) / (perf_counter() - began)
        return took, cpu_share

    async def _probe(self, told: Task, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer) -> None:
        """Wait until the engine works: one concern that is not counted comes out."""
        record = self._record(-1)
        await producer.send_and_wait(told.source, record.value, key=record.key, headers=list(record.headers))
        until = monotonic() + RUN_DEADLINE_S
        while not sum((await consumer.end_offsets(_all(told.sink))).values()):
            if monotonic() > until:
                raise RuntimeError("the engine did not begin")
            await asyncio.sleep(0.1)

    def _record(self, n: int) -> Record:
        return encode(concern(n, run="paced"))


def _all(topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, n) for n in range(PARTITIONS)]


@asynccontextmanager
async def _producer(connection: dict[str, Any]) -> AsyncIterator[AIOKafkaProducer]:
    client = AIOKafkaProducer(**connection, acks="all", enable_idempotence=True)
    await asyncio.wait_for(client.start(), CALL_DEADLINE_S)
    try:
        yield client
    finally:
        await asyncio.wait_for(client.stop(), CALL_DEADLINE_S)


@asynccontextmanager
async def _consumer(connection: dict[str, Any]) -> AsyncIterator[AIOKafkaConsumer]:
    client = AIOKafkaConsumer(**connection, auto_offset_reset="earliest", enable_auto_commit=False)
    await asyncio.wait_for(client.start(), CALL_DEADLINE_S)
    try:
        yield client
    finally:
        await asyncio.wait_for(client.stop(), CALL_DEADLINE_S)


class _process:  # noqa: N801  (reads as a function where it is used)
    """An engine's process, from start to SIGTERM."""

    def __init__(self, engine: str, told: Task) -> None:
        argv = (sys.executable, "-m", f"bench.engines.{engine}")
        env = {**os.environ, **told.environment()}
        self._process = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10.0)


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
