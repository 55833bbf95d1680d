"""A bare aiokafka loop: fetch, decode, decide, send, commit. No journal, no dedupe, nothing kept: the floor."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime
from uuid import UUID, uuid4

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.work import assessed, task
from concern_relay.v1.concerns_pb2 import ConcernRaised
from services.chassis.envelope import Event, encode


async def main() -> None:
    """Run until SIGTERM."""
    told = task()
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    producer = AIOKafkaProducer(**told.connection, acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(
        told.source,
        **told.connection,
        group_id=told.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=500,
        fetch_max_wait_ms=100,
    )
    await producer.start()
    await consumer.start()
    try:
        while not stopping.is_set():
            batches = await consumer.getmany(timeout_ms=200, max_records=500)
            sent = [
                await producer.send(told.sink, value, key=r.key, headers=headers)
                for batch in batches.values()
                for r in batch
                for value, headers in [_effect(r.value, dict(r.headers))]
            ]
            if sent:
                await asyncio.gather(*sent)
                await consumer.commit()
    finally:
        await consumer.stop()
        await producer.stop()


def _effect(value: bytes, context: dict[str, bytes]) -> tuple[bytes, list[tuple[str, bytes]]]:
    raised = ConcernRaised.FromString(value)
    now = datetime.now(UTC)
    cause = context["ce_id"].decode()
    record = encode(
        Event(
            uuid4(), "BasisAssessed", "", "//concern-relay/bench", now, now, raised.concern_id, UUID(cause), (),
            assessed(cause, raised), context["traceparent"].decode(),
        )
    )  # fmt: skip
    return record.value, list(record.headers)


if __name__ == "__main__":
    uvloop.run(main())
