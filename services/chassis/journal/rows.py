"""Rows of a journal, as values: inputs that wait to be taken, entries that are written."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from uuid import UUID, uuid5

from concern_relay.v1.codes_pb2 import ParkReason, Urgency
from services.chassis.envelope import Event, Headers, Record
from services.chassis.event import Content, FactKind, Timer

PARKED_NAMESPACE = UUID("6f1de6a4-6b0c-5a6e-9d0a-3f5a2f3c9b11")
ACT_KEY_MAX = 512
_WORD = struct.Struct("<I")
_SIZE = struct.Struct(">I")


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
        timer: for a timer, which.
        traceparent: trace context of the step that takes it; its effects carry it on.
        parked_id: set while a parked record is replayed.
        unreadable: set when the record cannot be decoded: why it is parked, and the error's name.
    """

    kind: FactKind
    id: UUID
    concern_id: str
    digest: bytes
    event: Event | None = None
    record: Record | None = None
    contents: tuple[Content, ...] = ()
    agency_id: str = ""
    timer: Timer | None = None
    traceparent: str = ""
    parked_id: UUID | None = None
    unreadable: tuple[ParkReason, str] | None = None

    @property
    def emergency(self) -> bool:
        """Whether it must pass a concern that is held back."""
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
    """

    id: UUID
    recorded: datetime
    events: tuple[Event, ...] = ()
    records: tuple[Record, ...] = field(default=(), repr=False)
    repeated: bool = False
    parked: bool = False


def act_id(concern_id: str, agency_id: str, type_name: str, key: str) -> UUID:
    """Give the id of an act: the same act again has the same id."""
    if len(key) > ACT_KEY_MAX:
        raise ValueError(f"the key of an act is at most {ACT_KEY_MAX} characters")
    return uuid5(UUID(concern_id), f"act\n{agency_id}\n{type_name}\n{key}")


def parked_id(consumer: str, topic: str, partition: int, offset: int) -> UUID:
    """Give the id of a parked record: where it came from, so that a redelivery is not parked twice."""
    return uuid5(PARKED_NAMESPACE, f"{consumer}\n{topic}\n{partition}\n{offset}")


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
    """Pack headers for a row: for each its name and its value, each behind its length (big-endian, 2 and 4 bytes)."""
    parts: list[bytes] = []
    for name, value in headers:
        parts += (_packed_name(name), _SIZE.pack(len(value)), value)
    return b"".join(parts)


def unpack_headers(packed: bytes) -> Headers:
    """Undo :func:`pack_headers`."""
    headers: list[tuple[str, bytes]] = []
    at, end = 0, len(packed)
    while at < end:
        value_at = at + 2 + (packed[at] << 8 | packed[at + 1])
        (size,) = _SIZE.unpack_from(packed, value_at)
        name = _unpacked_name(packed[at + 2 : value_at])
        at = value_at + 4 + size
        headers.append((name, packed[value_at + 4 : at]))
    return tuple(headers)


@lru_cache(maxsize=256)
def _packed_name(name: str) -> bytes:
    encoded = name.encode()
    return struct.pack(">H", len(encoded)) + encoded


@lru_cache(maxsize=256)
def _unpacked_name(packed: bytes) -> str:
    return packed.decode()
