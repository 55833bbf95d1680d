"""What a transaction works with: the core, the keys, the clock, the partitions, and how a record is parked."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable
from uuid import UUID, uuid5

import asyncpg
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import ParkReason
from concern_relay.v1.parked_pb2 import RecordParked
from services.chassis.clock import Clock
from services.chassis.codes import word_of
from services.chassis.envelope import Event, Record, encode
from services.chassis.errors import CannotSeal, SettingsError
from services.chassis.event import Content, Core, Fact, KeyScope
from services.chassis.journal.rows import PARKED_NAMESPACE, Incoming, pack_headers, parked_id, unpack_headers
from services.chassis.keys import Key, Keys

S = TypeVar("S")

_PARKED_COLUMNS = (
    "parked_id", "concern_id", "event_id", "event_type", "emergency", "topic", "partition", "kafka_offset", "reason",
    "error", "sealed", "parked_at",
)  # fmt: skip


class Store(Protocol):
    """What a service keeps beside its journal, filled in the same transaction."""

    schema: str

    async def project(self, connection: asyncpg.Connection[Any], fact: Fact, effects: Sequence[Fact]) -> None:
        """Write what an input and its effects mean for this store's tables."""


@runtime_checkable
class TogetherStore(Store, Protocol):
    """A store that writes what a whole transaction took at once: fewer questions than input by input."""

    async def project_together(
        self, connection: asyncpg.Connection[Any], taken: Sequence[tuple[Fact, Sequence[Fact]]]
    ) -> None:
        """Write what inputs, in order, and the effects of each mean for this store's tables."""


class NoStore:
    """For a service that keeps nothing beside its journal."""

    schema = ""

    async def project(self, connection: asyncpg.Connection[Any], fact: Fact, effects: Sequence[Fact]) -> None:
        """Keep nothing."""


@dataclass(frozen=True, slots=True)
class Desk(Generic[S]):
    """What a transaction works with.

    Attributes:
        service: its name.
        core: the pure core.
        store: tables of its own.
        keys: the vault's client.
        clock: the time.
        writes: output topics; the first is the default.
        partitions: per output topic, how many; ``parked.<service>.v1`` among them.
        local_key: 64 bytes of this service alone: seals what it parks, fingerprints acts.
        opens: event types whose parts the core needs; None for all.
        purpose: why it opens keys, for the vault's log.
        may_issue: whether the vault lets it issue keys; otherwise it seals only under keys it can open.
    """

    service: str
    core: Core[S]
    store: Store
    keys: Keys
    clock: Clock
    writes: tuple[str, ...]
    partitions: Mapping[str, int]
    local_key: bytes = field(repr=False)
    opens: frozenset[str] | None = None
    purpose: str = ""
    may_issue: bool = True

    def __post_init__(self) -> None:
        """Refuse at the start what would park every record later."""
        if missing := [topic for topic in self.writes if topic not in self.partitions]:
            raise SettingsError(
                f"{self.service} writes {', '.join(missing)}, which the registry of topics does not have"
            )

    async def project(self, connection: asyncpg.Connection[Any], taken: Sequence[tuple[Fact, Sequence[Fact]]]) -> None:
        """Let the store write what a transaction took."""
        if isinstance(self.store, TogetherStore):
            await self.store.project_together(connection, taken)
            return
        for fact, effects in taken:
            await self.store.project(connection, fact, effects)

    def opens_type(self, type_name: str) -> bool:
        """Whether the parts of this event type are opened for the core."""
        return self.opens is None or type_name in self.opens

    async def keys_for(self, concern_keys: Mapping[KeyScope, Key], scopes: Collection[KeyScope]) -> dict[KeyScope, Key]:
        """Give a key for each scope.

        Raises:
            CannotSeal: a key is suspended or destroyed, or this service may not issue it.
        """
        if not scopes:
            return {}
        if self.may_issue:
            keys = await self.keys.issue(scopes)
            if len(keys) < len(scopes):
                raise CannotSeal(f"{len(scopes) - len(keys)} keys are suspended or destroyed: nothing is sealed there")
            return keys
        missing = [s for s in scopes if s not in concern_keys]
        if missing:
            raise CannotSeal(f"{self.service} may not issue keys, and {len(missing)} concern keys do not open")
        return {s: concern_keys[s] for s in scopes}

    def act_digest(self, data: Message, contents: Sequence[Content]) -> bytes:
        """Fingerprint an act under the local key: content is never digested without one."""
        mac = hmac.new(self.local_key, data.DESCRIPTOR.full_name.encode(), hashlib.sha256)
        for piece in [data, *(c.part for c in sorted(contents, key=lambda c: c.part_id))]:
            encoded = piece.SerializeToString(deterministic=True)
            mac.update(len(encoded).to_bytes(8, "big") + encoded)
        return mac.digest()

    def pointer(self, incoming: Incoming, reason: ParkReason, now: datetime) -> tuple[Event, Record, UUID, str]:
        """Give the entry that announces a parked record on ``parked.<service>.v1``: a pointer, no content."""
        record = incoming.record
        assert record is not None
        found = parked_id(self.service, record.topic, record.partition, record.offset)
        data = RecordParked(
            parked_id=str(found),
            consumer=self.service,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            event_id=str(incoming.id) if incoming.event is not None else "",
            concern_id=incoming.concern_id,
            reason=reason,
            digest=hashlib.sha256(record.value).digest(),
        )
        data.parked_at.FromDatetime(now)
        topic = f"parked.{self.service}.v1"
        event = Event(
            id=uuid5(PARKED_NAMESPACE, f"{found}\npointer"),
            type="RecordParked",
            topic=topic,
            source=f"//concern-relay/{self.service}",
            time=now,
            recorded=now,
            concern_id=incoming.concern_id,
            causation_id=found,
            based_on=(),
            data=data,
            traceparent=incoming.traceparent,
        )
        encoded = encode(event)
        return event, Record(topic, encoded.key, encoded.headers, encoded.value, 0), found, "p"

    async def write_parked(
        self, connection: asyncpg.Connection[Any], parked: Sequence[tuple[Incoming, ParkReason, str]], now: datetime
    ) -> None:
        """Keep records that could not be taken, their bytes sealed under the local key; or say why one still cannot.

        Args:
            connection: in the transaction.
            parked: the input, the reason, and the name of the error.
            now: when.
        """
        again = [(i.parked_id, word_of(ParkReason, reason), error) for i, reason, error in parked if i.parked_id]
        rows = [self._parked_row(i, reason, error, now) for i, reason, error in parked if not i.parked_id]
        if again:
            await connection.executemany("UPDATE parked SET reason = $2, error = $3 WHERE parked_id = $1", again)
        if rows:
            await connection.copy_records_to_table("parked", records=rows, columns=_PARKED_COLUMNS)

    def _parked_row(self, incoming: Incoming, reason: ParkReason, error: str, now: datetime) -> tuple[Any, ...]:
        record, event = incoming.record, incoming.event
        assert record is not None
        found = parked_id(self.service, record.topic, record.partition, record.offset)
        return (
            found,
            incoming.concern_id,
            None if event is None else event.id,
            "" if event is None else event.type,
            incoming.emergency,
            record.topic,
            record.partition,
            record.offset,
            word_of(ParkReason, reason),
            error,
            self.seal_record(record, found),
            now,
        )

    def seal_record(self, record: Record, found: UUID) -> bytes:
        """Seal the bytes of a record under the local key."""
        packed = pack_headers((("key", record.key), ("value", record.value), *record.headers))
        return AESSIV(self.local_key).encrypt(packed, [found.bytes])

    def open_record(self, row: asyncpg.Record) -> Record:
        """Undo :meth:`seal_record` for a row of ``parked``."""
        packed = AESSIV(self.local_key).decrypt(bytes(row["sealed"]), [row["parked_id"].bytes])
        (_, key), (_, value), *headers = unpack_headers(packed)
        return Record(row["topic"], key, tuple(headers), value, row["partition"], row["kafka_offset"])
