"""Events on the wire: protobuf values with CloudEvents 1.0 context in binary mode.

Extension attributes carry the ``ce_`` prefix the Kafka binding asks for (``ce_correlationid`` and so on);
``traceparent`` and ``content-type`` are headers of their own standards. The bytes of an event are fixed once, when it
is journaled; they are sent as they are however often it takes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.message import DecodeError as ProtobufError
from google.protobuf.message import Message

from services.chassis.contract import message_class, schema_urn
from services.chassis.errors import DecodeError
from services.chassis.event import TYPE_PREFIX

CONTENT_TYPE = b"application/protobuf"
HEADER_BYTES_MAX = 16 * 1024
VALUE_BYTES_MAX = 4 * 1024 * 1024

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A Kafka record, or one about to be.

    Attributes:
        topic: topic name.
        key: concern id as UTF-8 text.
        headers: in the order sent.
        value: protobuf bytes.
        partition: -1 until assigned.
        offset: -1 until written.
    """

    topic: str
    key: bytes
    headers: Headers
    value: bytes = field(repr=False)
    partition: int = -1
    offset: int = -1


@dataclass(frozen=True, slots=True)
class Event:
    """A decoded record: context in the clear, content still sealed.

    Attributes:
        id: deterministic; same id, same meaning.
        type: message name without package.
        topic: where it belongs.
        source: the writer, as ``//concern-relay/intake``.
        time: when it happened.
        recorded: when it was recorded; law looks only at this one.
        concern_id: also the record's key, ``subject`` and ``correlationid``.
        causation_id: what caused it.
        based_on: per input topic the newest event of this concern the writer had applied.
        data: the message.
        traceparent: W3C trace context of the step that made it, or empty.
        schema: ``urn:sha256:`` of the descriptor set it was written with.
    """

    id: UUID
    type: str
    topic: str
    source: str
    time: datetime
    recorded: datetime
    concern_id: str
    causation_id: UUID | None
    based_on: tuple[tuple[str, UUID], ...]
    data: Message = field(repr=False)
    traceparent: str = ""
    schema: str = ""


def timestamp(moment: datetime) -> str:
    """Write an aware time as RFC 3339, UTC, microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def encode(event: Event) -> Record:
    """Give the record of an event."""
    pairs = [
        ("ce_id", str(event.id)),
        ("ce_source", event.source),
        ("ce_type", TYPE_PREFIX + event.type),
        ("ce_specversion", "1.0"),
        ("ce_time", timestamp(event.time)),
        ("ce_subject", event.concern_id),
        ("ce_dataschema", event.schema or schema_urn()),
        ("ce_correlationid", event.concern_id),
        ("ce_recordedtime", timestamp(event.recorded)),
    ]
    if event.causation_id is not None:
        pairs.append(("ce_causationid", str(event.causation_id)))
    if event.based_on:
        pairs.append(("ce_basedon", ",".join(f"{topic}={event_id}" for topic, event_id in event.based_on)))
    if event.traceparent:
        pairs.append(("traceparent", event.traceparent))
    headers = (("content-type", CONTENT_TYPE), *((name, text.encode()) for name, text in pairs))
    value = event.data.SerializeToString(deterministic=True)
    return Record(event.topic, event.concern_id.encode(), headers, value)


def decode(record: Record) -> Event:
    """Read a record.

    Raises:
        DecodeError: the context or the value cannot be read; says which attribute, never its content.
        UnknownSchema: the type is not known here.
    """
    if record.value is None or len(record.value) > VALUE_BYTES_MAX:
        raise DecodeError(f"value is missing or larger than {VALUE_BYTES_MAX} bytes")
    if sum(len(value or b"") for _, value in record.headers) > HEADER_BYTES_MAX:
        raise DecodeError(f"headers are larger than {HEADER_BYTES_MAX} bytes")
    context = {name: value for name, value in record.headers if value is not None}
    type_name = _text(context, "ce_type")
    if not type_name.startswith(TYPE_PREFIX):
        raise DecodeError(f"attribute type does not start with {TYPE_PREFIX}")
    data = message_class(type_name.removeprefix(TYPE_PREFIX))()
    try:
        data.ParseFromString(record.value)
    except ProtobufError as error:
        raise DecodeError(f"value is not a {type_name}") from error
    concern_id = str(_uuid(context, "ce_correlationid"))
    if record.key != concern_id.encode():
        raise DecodeError("key is not the correlation id")
    return Event(
        id=_uuid(context, "ce_id"),
        type=type_name.removeprefix(TYPE_PREFIX),
        topic=record.topic,
        source=_text(context, "ce_source"),
        time=_time(context, "ce_time"),
        recorded=_time(context, "ce_recordedtime"),
        concern_id=concern_id,
        causation_id=_uuid(context, "ce_causationid") if "ce_causationid" in context else None,
        based_on=_based_on(context),
        data=data,
        traceparent=context.get("traceparent", b"").decode("ascii", "replace"),
        schema=_text(context, "ce_dataschema"),
    )


def digest(record: Record) -> bytes:
    """Give the digest by which a known id is compared: type and value, not the transport around them."""
    kind = next((value for name, value in record.headers if name == "ce_type"), b"")
    return hashlib.sha256(len(kind).to_bytes(4, "big") + kind + record.value).digest()


def _text(context: dict[str, bytes], name: str) -> str:
    try:
        return context[name].decode()
    except (KeyError, UnicodeDecodeError) as error:
        raise DecodeError(f"attribute {name.removeprefix('ce_')} is missing or not UTF-8") from error


def _uuid(context: dict[str, bytes], name: str) -> UUID:
    try:
        return UUID(_text(context, name))
    except ValueError as error:
        raise DecodeError(f"attribute {name.removeprefix('ce_')} is not a UUID") from error


def _time(context: dict[str, bytes], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(context, name))
    except ValueError as error:
        raise DecodeError(f"attribute {name.removeprefix('ce_')} is not an RFC 3339 time") from error
    if moment.tzinfo is None:
        raise DecodeError(f"attribute {name.removeprefix('ce_')} has no zone")
    return moment.astimezone(UTC)


def _based_on(context: dict[str, bytes]) -> tuple[tuple[str, UUID], ...]:
    if "ce_basedon" not in context:
        return ()
    try:
        pairs = (pair.partition("=") for pair in _text(context, "ce_basedon").split(","))
        return tuple((topic, UUID(event_id)) for topic, _, event_id in pairs)
    except ValueError as error:
        raise DecodeError("attribute basedon is not topic=id pairs") from error
