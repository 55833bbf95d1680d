"""Rows of a journal, as values: inputs that wait to be taken, entries that are written."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid5

from concern_relay.v1.codes_pb2 import ParkReason, Urgency
from services.chassis.envelope import Event, Headers, Record, digest_of
from services.chassis.event import Content, FactKind, Timer

PARKED_NAMESPACE = UUID("6f1de6a4-6b0c-5a6e-9d0a-3f5a2f3c9b11")
ACT_KEY_MAX = 512
ENTRY_COLUMNS = (
    "event_id", "concern_id", "cause_id", "origin", "topic", "partition", "kafka_offset", "type", "recorded",
    "headers", "value", "digest", "outgoing",
)  # fmt: skip
_WORD = struct.Struct("<I")
_HEAD = struct.Struct(">II")


@dataclass(frozen=True, slots=True)
class Incoming:
    """An input on its way into the journal.

    Attributes:
        kind: event, act or timer.
        id: event id; for acts and timers the cause of what follows.
        concern_id: whose turn it takes.
        digest: what a known id is compared by.
        event: for an event and an act, decoded; an act's carries the message it asks to have recorded.
        record: for an event, its bytes.
        contents: for an act, parts in the clear.
        agency_id: for an act, who acts.
        still: for an act, whether the concern stands as it did when the act was made.
        timer: for a timer, which.
        traceparent: trace context of the step that takes it; its effects carry it on.
        parked_id: set while a parked record is replayed.
        unreadable: set when the record cannot be decoded: why it is parked, and the error's name.
        said_emergency: an unreadable record's sender marked it as an emergency.
    """

    kind: FactKind
    id: UUID
    concern_id: str
    digest: bytes
    event: Event | None = None
    record: Record | None = None
    contents: tuple[Content, ...] = ()
    agency_id: str = ""
    still: Callable[[Any], bool] | None = None
    timer: Timer | None = None
    traceparent: str = ""
    parked_id: UUID | None = None
    unreadable: tuple[ParkReason, str] | None = None
    said_emergency: bool = False

    @property
    def emergency(self) -> bool:
        """Whether it must pass a concern that is held back."""
        if self.said_emergency:
            return True
        data = None if self.event is None else self.event.data
        return getattr(data, "urgency", None) == Urgency.URGENCY_EMERGENCY or bool(getattr(data, "emergency", False))


@dataclass(frozen=True, slots=True)
class Recorded:
    """What an input led to.

    Attributes:
        id: of the input.
        recorded: when it was recorded; for a repetition, the first time.
        events: what follows from it.
        records: the same events as they lie in the outbox, bytes fixed.
        repeated: it was known; nothing was done again.
        parked: it could not be taken and was parked.
        reason: why it was parked, in a word; empty when it was parked before.
    """

    id: UUID
    recorded: datetime
    events: tuple[Event, ...] = ()
    records: tuple[Record, ...] = field(default=(), repr=False)
    repeated: bool = False
    parked: bool = False
    reason: str = ""

    @property
    def outcome(self) -> str:
        """In a word: applied, parked or repeated."""
        return "parked" if self.parked else "repeated" if self.repeated else "applied"


def input_row(incoming: Incoming, recorded: datetime) -> tuple[Any, ...]:
    """Give the row of an input that was taken."""
    record, event = incoming.record, incoming.event
    return (
        incoming.id,
        incoming.concern_id,
        None,
        incoming.kind.value[0],
        "" if record is None else record.topic,
        -1 if record is None else record.partition,
        None if record is None else record.offset,
        "" if event is None else event.type,
        recorded,
        b"" if record is None else pack_headers(record.headers),
        b"" if record is None else record.value,
        incoming.digest,
        False,
    )


def output_row(event: Event, record: Record, cause: UUID, origin: str = "o") -> tuple[Any, ...]:
    """Give the row of an event to be sent."""
    return (
        event.id,
        event.concern_id,
        cause,
        origin,
        record.topic,
        record.partition,
        None,
        event.type,
        event.recorded,
        pack_headers(record.headers),
        record.value,
        digest_of(event.type, record.value),
        True,
    )


def act_id(concern_id: str, agency_id: str, type_name: str, key: str) -> UUID:
    """Give the id of an act: the same act again has the same id."""
    if len(key) > ACT_KEY_MAX:
        raise ValueError(f"the key of an act is at most {ACT_KEY_MAX} characters")
    return uuid5(UUID(concern_id), f"act\n{agency_id}\n{type_name}\n{key}")


def parked_id(consumer: str, topic: str, partition: int, offset: int) -> UUID:
    """Give the id of a parked record: where it came from, so that a redelivery is not parked twice."""
    return uuid5(PARKED_NAMESPACE, f"{consumer}\n{topic}\n{partition}\n{offset}")


@lru_cache(maxsize=4096)
def partition_of(key: bytes, count: int) -> int:
    """Give the partition of a key, as Kafka's default partitioner does."""
    return (murmur2(key) & 0x7FFFFFFF) % count


def murmur2(data: bytes) -> int:
    """Hash as Kafka's Java client does (org.apache.kafka.common.utils.Utils.murmur2), unsigned.

    aiokafka has it as well, six times slower; a test holds the two to the same answers.
    """
    size = len(data)
    h = 0x9747B28C ^ size
    whole = size & ~3
    for (k,) in _WORD.iter_unpack(data[:whole]):
        k = k * 0x5BD1E995 & 0xFFFFFFFF  # noqa: PLW2901  (as the algorithm is written)
        h = h * 0x5BD1E995 & 0xFFFFFFFF ^ (k ^ k >> 24) * 0x5BD1E995 & 0xFFFFFFFF
    if size > whole:
        h = (h ^ int.from_bytes(data[whole:], "little")) * 0x5BD1E995 & 0xFFFFFFFF
    h = (h ^ h >> 13) * 0x5BD1E995 & 0xFFFFFFFF
    return h ^ h >> 15


def pack_headers(headers: Headers) -> bytes:
    """Pack headers for a row: names, sizes of the values, values.

    All numbers are 4 bytes, big-endian: bytes of names, and how many there are; each name behind its size; the sizes of
    the values; the values. Names first, because the records of a topic all have the same.
    """
    if not headers:
        return b""
    names, values = zip(*headers, strict=True)
    return b"".join((_packed_names(names), _sizes(len(values)).pack(*map(len, values)), *values))


def unpack_headers(packed: bytes) -> Headers:
    """Undo :func:`pack_headers`."""
    if not packed:
        return ()
    size, count = _HEAD.unpack_from(packed)
    at = _HEAD.size + size
    names, sizes = _unpacked_names(packed[_HEAD.size : at]), _sizes(count)
    headers: list[tuple[str, bytes]] = []
    end = at + sizes.size
    for name, value_size in zip(names, sizes.unpack_from(packed, at), strict=True):
        begin, end = end, end + value_size
        headers.append((name, packed[begin:end]))
    return tuple(headers)


@lru_cache(maxsize=256)
def _packed_names(names: tuple[str, ...]) -> bytes:
    block = b"".join(struct.pack(">I", len(name)) + name for name in (n.encode() for n in names))
    return _HEAD.pack(len(block), len(names)) + block


@lru_cache(maxsize=256)
def _unpacked_names(block: bytes) -> tuple[str, ...]:
    names, at = [], 0
    while at < len(block):
        (size,) = struct.unpack_from(">I", block, at)
        names.append(block[at + 4 : at + 4 + size].decode())
        at += 4 + size
    return tuple(names)


@lru_cache(maxsize=256)
def _sizes(count: int) -> struct.Struct:
    return struct.Struct(f">{count}I")
