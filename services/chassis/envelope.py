"""Events on the wire: protobuf values with CloudEvents 1.0 context in binary mode.

Extension attributes carry the ``ce_`` prefix the Kafka binding asks for (``ce_correlationid`` and so on);
``traceparent`` and ``content-type`` are headers of their own standards. The bytes of an event are fixed once, when it
is journaled; they are sent as they are however often it takes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar
from uuid import UUID

from asyncpg.pgproto import pgproto
from google.protobuf.message import DecodeError as ProtobufError
from google.protobuf.message import Message

from services.chassis.contract import message_class, schema_urn
from services.chassis.errors import DecodeError
from services.chassis.event import TYPE_PREFIX

T = TypeVar("T")

CONTENT_TYPE = b"application/protobuf"
HEADER_BYTES_MAX = 16 * 1024
VALUE_BYTES_MAX = 960 * 1024
"""With the headers less than the 1 MiB that a broker takes by default: what is journaled can always be sent."""

Headers = tuple[tuple[str, bytes], ...]

# The UUID that rows of the database come with: a uuid.UUID to everyone, read and written ten times faster.
_read_uuid: Callable[[str], UUID] = pgproto.UUID


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
    # converted before it is looked up: the two 01:30 of an autumn night are equal to a cache
    return _utc_text(moment if moment.tzinfo is UTC else moment.astimezone(UTC))


@lru_cache(maxsize=256)
def _utc_text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def encode(event: Event, partition: int = -1) -> Record:
    """Give the record of an event, for a partition if that is known."""
    concern_id = event.concern_id.encode()
    headers = [
        ("content-type", CONTENT_TYPE),
        ("ce_id", str(event.id).encode()),
        ("ce_source", event.source.encode()),
        ("ce_type", (TYPE_PREFIX + event.type).encode()),
        ("ce_specversion", b"1.0"),
        ("ce_time", timestamp(event.time).encode()),
        ("ce_subject", concern_id),
        ("ce_dataschema", (event.schema or schema_urn()).encode()),
        ("ce_correlationid", concern_id),
        ("ce_recordedtime", timestamp(event.recorded).encode()),
    ]
    if event.causation_id is not None:
        headers.append(("ce_causationid", str(event.causation_id).encode()))
    if event.based_on:
        pairs = ",".join([f"{topic}={event_id}" for topic, event_id in event.based_on])
        headers.append(("ce_basedon", pairs.encode()))
    if event.traceparent:
        headers.append(("traceparent", event.traceparent.encode()))
    value = event.data.SerializeToString(deterministic=True)
    return Record(event.topic, concern_id, tuple(headers), value, partition)


def decode(record: Record) -> Event:
    """Read a record.

    Raises:
        DecodeError: the context or the value cannot be read; says which attribute, never its content.
        UnknownSchema: the type is not known here.
    """
    if not record.value or len(record.value) > VALUE_BYTES_MAX:
        raise DecodeError(f"value must have 1 to {VALUE_BYTES_MAX} bytes")
    context = _context(record.headers)
    full_type = _text(context, "ce_type")
    type_name = full_type.removeprefix(TYPE_PREFIX)
    if type_name == full_type:
        raise DecodeError(f"attribute type does not start with {TYPE_PREFIX}")
    data = message_class(type_name)()
    try:
        data.ParseFromString(record.value)
    except ProtobufError as error:
        raise DecodeError(f"value is not a {type_name}") from error
    concern_id = _read(context, "ce_correlationid", _canonical)
    if record.key != concern_id.encode():
        raise DecodeError("key is not the correlation id")
    return Event(
        id=_read(context, "ce_id", _read_uuid),
        type=type_name,
        topic=record.topic,
        source=_text(context, "ce_source"),
        time=_read(context, "ce_time", _moment),
        recorded=_read(context, "ce_recordedtime", _moment),
        concern_id=concern_id,
        causation_id=_read(context, "ce_causationid", _read_uuid) if "ce_causationid" in context else None,
        based_on=_read(context, "ce_basedon", _pairs) if "ce_basedon" in context else (),
        data=data,
        traceparent=context.get("traceparent", b"").decode("ascii", "replace"),
        schema=_text(context, "ce_dataschema"),
    )


def digest(record: Record) -> bytes:
    """Give the digest by which a known id is compared: type and value, not the transport around them."""
    return _digest(header(record, "ce_type"), record.value)


def digest_of(event_type: str, value: bytes) -> bytes:
    """Give the same, for who knows the type."""
    return _digest((TYPE_PREFIX + event_type).encode(), value)


def _digest(kind: bytes, value: bytes) -> bytes:
    return hashlib.sha256(len(kind).to_bytes(4, "big") + kind + value).digest()


def header(record: Record, name: str) -> bytes:
    """Give the value of a header, or nothing."""
    for found, value in record.headers:
        if found == name:
            return value
    return b""


def _context(headers: Headers) -> dict[str, bytes]:
    context = dict(headers)
    if sum(map(len, context.values())) > HEADER_BYTES_MAX:
        raise DecodeError(f"headers are larger than {HEADER_BYTES_MAX} bytes")
    if len(context) < len(headers):
        # which of the two would count must not depend on who reads
        names = [name for name, _ in headers if name.startswith("ce_")]
        if len(set(names)) < len(names):
            raise DecodeError("an attribute is there twice")
    return context


def _text(context: dict[str, bytes], name: str) -> str:
    return _read(context, name, str)


def _read(context: dict[str, bytes], name: str, read: Callable[[str], T]) -> T:
    """Read an attribute; what is wrong with it is said, what is in it is not."""
    try:
        return read(context[name].decode())
    except KeyError as error:
        raise DecodeError(f"attribute {name.removeprefix('ce_')} is missing") from error
    except ValueError as error:
        raise DecodeError(f"attribute {name.removeprefix('ce_')} cannot be read") from error


@lru_cache(maxsize=4096)
def _canonical(text: str) -> str:
    return str(_read_uuid(text))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no zone")
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def _pairs(text: str) -> tuple[tuple[str, UUID], ...]:
    found = (pair.partition("=") for pair in text.split(","))
    return tuple((topic, _read_uuid(event_id)) for topic, _, event_id in found)
