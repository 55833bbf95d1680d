"""The Kafka door: submissions accepted a second, and what an emergency waits for behind its own agency's backlog.

Intake and the vault run alone on their servers. Submissions are sealed before the clock starts; it stops when the last
receipt lies on the agency's topic. Each is opened, committed, sealed again and receipted, as in production.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.door import _concern as concern
from bench.measure import Bench
from bench.rows import Row
from concern_relay_client import Client
from concern_relay_client.sealing import SubmissionKey, sealed
from services.workbench.house import house
from services.workbench.onboarding import let_in
from services.workbench.servers import Lines

AGENCIES = ("larkfield-primary", "stourside-academy")
BACKLOG = 600
"""Of each agency."""
EMERGENCIES = 50
EMERGENCY_EVERY_S = 0.05
DEADLINE_S = 180.0


def rows(bench: Bench, runs: int, count: int) -> list[Row]:
    """Measure the door ``runs`` times; ``count`` is of other benches."""
    del bench, count  # the house has servers of its own
    rates, waits = list[float](), list[float]()
    with (
        TemporaryDirectory(prefix="relay-bench-kafka-door-") as folder,
        house(Path(folder), Lines(), services=("vault", "intake")) as found,
    ):
        told = [let_in(found.servers, found.state, agency, found.urls["intake"]).told for agency in AGENCIES]
        for _ in range(runs):
            rate, p95_ms = asyncio.run(_run(told))
            rates.append(rate)
            waits.append(p95_ms)
    return [
        Row("Kafka door: a backlog of two agencies taken", "concerns/s", tuple(rates)),
        Row("Kafka door: an emergency behind its own agency's backlog, p95", "ms", tuple(waits)),
    ]


@dataclass
class _Agency:
    """One agency's clients."""

    told: dict[str, Any]
    key: SubmissionKey
    producer: AIOKafkaProducer
    consumer: AIOKafkaConsumer
    heard: dict[str, float] = field(default_factory=dict)

    def record(self, name: str, urgency: str) -> tuple[bytes, list[tuple[str, bytes]]]:
        plain = json.dumps(concern(urgency)).encode()
        headers = {"ce_id": name, "ce_keyid": self.key.key_id, "ce_urgency": urgency}
        value = sealed(plain, self.key, agency=self.told["agency"], submission_id=name)
        return value, [(n, v.encode()) for n, v in headers.items()]

    async def send(self, record: tuple[bytes, list[tuple[str, bytes]]]) -> None:
        await self.producer.send(self.told["submissions"], record[0], headers=record[1])

    async def listen(self) -> None:
        async for record in self.consumer:
            self.heard[dict(record.headers)["ce_submissionid"].decode()] = time.perf_counter()


async def _run(told: list[dict[str, Any]]) -> tuple[float, float]:
    agencies = [await _agency(one) for one in told]
    listening = [asyncio.create_task(agency.listen()) for agency in agencies]
    try:
        rate = await _taken(agencies)
        return rate, await _emergencies(agencies[0])
    finally:
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        for agency in agencies:
            await agency.producer.stop()
            await agency.consumer.stop()


async def _taken(agencies: list[_Agency]) -> float:
    names = [f"b{n}" for n in range(BACKLOG)]
    backlog = [(agency, agency.record(name, "routine")) for name in names for agency in agencies]
    for agency in agencies:
        agency.heard.clear()
    began = time.perf_counter()
    for agency, record in backlog:
        await agency.send(record)
    await _until(lambda: all(len(agency.heard) >= BACKLOG for agency in agencies))
    return len(backlog) / (max(max(agency.heard.values()) for agency in agencies) - began)


async def _emergencies(agency: _Agency) -> float:
    for record in [agency.record(f"w{uuid4()}", "routine") for _ in range(BACKLOG * 2)]:
        await agency.send(record)
    sent: dict[str, float] = {}
    for n in range(EMERGENCIES):
        record = agency.record(f"e{n}", "emergency")
        sent[f"e{n}"] = time.perf_counter()
        await agency.send(record)
        await asyncio.sleep(EMERGENCY_EVERY_S)
    await _until(lambda: sent.keys() <= agency.heard.keys())
    waits = [agency.heard.pop(name) - began for name, began in sent.items()]
    await _until(lambda: sum(name.startswith("w") for name in agency.heard) >= BACKLOG * 2)
    return statistics.quantiles(waits, n=20)[18] * 1000


async def _until(look: Any) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not look():  # noqa: ASYNC110  (the listener fills it)
            await asyncio.sleep(0.01)


async def _agency(told: dict[str, Any]) -> _Agency:
    with Client(told["url"], "none") as relay:
        key = relay.submission_key()
    producer = AIOKafkaProducer(**told["kafka"], acks="all", linger_ms=2)
    consumer = AIOKafkaConsumer(**told["kafka"], enable_auto_commit=False, auto_offset_reset="latest")
    await producer.start()
    await consumer.start()
    receipts = TopicPartition(told["receipts"], 0)
    consumer.assign([receipts])
    await consumer.seek_to_end(receipts)
    await consumer.position(receipts)
    return _Agency(told, key, producer, consumer)
