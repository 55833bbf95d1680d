"""The contract's descriptor set on ``schemas.v1``, by SHA-256: a record of ten years ago decodes from the log alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaProducer

from services.chassis.contract import descriptor_set, schema_urn
from services.chassis.kafka import REQUEST_DEADLINE_S, stopped, within

TOPIC = "schemas.v1"


async def publish_schema(connection: Mapping[str, Any]) -> str:
    """Write the schema in force; the topic is compacted, so that writing it again changes nothing."""
    client = AIOKafkaProducer(**connection, acks="all", enable_idempotence=True)
    try:
        await within(REQUEST_DEADLINE_S, "starting the producer", client.start())
        urn = schema_urn()
        sent = client.send_and_wait(
            TOPIC,
            key=urn.encode(),
            value=descriptor_set(),
            headers=[("content-type", b"application/protobuf; messageType=google.protobuf.FileDescriptorSet")],
        )
        await within(REQUEST_DEADLINE_S, "publishing the schema", sent)
    finally:
        await stopped("producer", client)
    return urn
