"""Kafka clients as this system uses them, and a deadline on every call.

aiokafka's ``send`` and ``stop`` never give up by themselves (research, hazard K1), so nothing here is awaited bare.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.chassis.errors import DeadlineExceeded
from services.chassis.log import Log
from services.chassis.settings import Settings

T = TypeVar("T")
log = Log(__name__)

REQUEST_DEADLINE_S = 10.0
STOP_DEADLINE_S = 5.0
SESSION_TIMEOUT_MS = 6_000
"""How long the work of a worker that was killed waits for another; the shortest that a broker grants by default."""
RECORDS_MAX = 500
METADATA_AGE_S = 60.0
PREFETCH_BYTES = 1024 * 1024
IDLE_WAIT_MS = 250
"""How long a broker that has nothing lets a consumer wait; it answers a record at once."""
GATHERED_BYTES = 256 * 1024
"""So much ends a consumer's patience."""


async def within(deadline_s: float, what: str, call: Awaitable[T]) -> T:
    """Await a client call, but not for ever.

    Raises:
        DeadlineExceeded: names the call and the deadline.
    """
    try:
        async with asyncio.timeout(deadline_s):
            return await call
    except TimeoutError as error:
        raise DeadlineExceeded(f"{what} did not answer within {deadline_s:g} s") from error


async def stopped(what: str, client: Any) -> None:
    """Stop a client, and leave it behind if it will not stop."""
    try:
        await within(STOP_DEADLINE_S, f"stopping the {what}", client.stop())
    except DeadlineExceeded:
        log.warning("client would not stop and is left behind", code=what, deadline_s=STOP_DEADLINE_S)


def _connection(settings: Settings) -> dict[str, Any]:
    common: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap,
        "client_id": settings.service,
        "security_protocol": settings.kafka_protocol,
        "request_timeout_ms": int(REQUEST_DEADLINE_S * 1000),
        "retry_backoff_ms": 50,
        "metadata_max_age_ms": int(METADATA_AGE_S * 1000),
    }
    if settings.kafka_protocol.startswith("SASL"):
        common |= {
            "sasl_mechanism": settings.kafka_mechanism,
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": settings.kafka_password,
        }
    return common


def consumer(
    settings: Settings,
    *,
    group: str | None,
    instance: str | None = None,
    new_topics_after_s: float = METADATA_AGE_S,
    prefetch_bytes: int = PREFETCH_BYTES,
    patience_ms: int = 0,
) -> AIOKafkaConsumer:
    """Make a consumer that commits only when told to, and starts a new group at the beginning.

    Args:
        settings: where the broker is.
        group: the consumer group; None for none.
        instance: see ``Stage``.
        new_topics_after_s: how long a topic that was made may stay unseen, where a pattern is subscribed to.
        prefetch_bytes: of each partition, unless one record is larger.
        patience_ms: how long the broker may gather records before it answers. For those nobody waits for: they are
            woken, and their database is, a few times a second and not for each record. 0: each record at once.
    """
    return AIOKafkaConsumer(
        **_connection(settings) | {"metadata_max_age_ms": int(new_topics_after_s * 1000)},
        max_partition_fetch_bytes=prefetch_bytes,
        group_id=group,
        group_instance_id=instance,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=RECORDS_MAX,
        session_timeout_ms=SESSION_TIMEOUT_MS,
        heartbeat_interval_ms=SESSION_TIMEOUT_MS // 5,
        max_poll_interval_ms=120_000,
        rebalance_timeout_ms=SESSION_TIMEOUT_MS,
        fetch_min_bytes=GATHERED_BYTES if patience_ms else 1,
        fetch_max_wait_ms=patience_ms or IDLE_WAIT_MS,
    )


def producer(settings: Settings) -> AIOKafkaProducer:
    """Make an idempotent producer that waits for all in-sync replicas."""
    return AIOKafkaProducer(
        **_connection(settings),
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=256 * 1024,
        compression_type=None,
    )
