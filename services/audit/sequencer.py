"""The one order of all records: which leaf follows which, and what a batch adds to the tree. Pure.

A batch is appended as it was fetched: topic by topic in the registry's order, partition by partition, by offset. That
order means nothing by itself; ``BatchSequenced`` on ``ledger.v1`` makes it the order for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from google.protobuf.message import Message

from concern_relay.v1.ledger_pb2 import BatchSequenced, CheckpointSigned
from concern_relay.v1.ledger_pb2 import Run as RunMessage
from services.audit.checkpoint import Checkpoint
from services.audit.export import Record, Run
from services.audit.tree import Frontier, Node
from services.chassis.envelope import Event
from services.chassis.event import TYPE_PREFIX, effect_id
from services.chassis.integrity.leaf import leaf_hash, leaf_of

TOPIC: Final = "ledger.v1"
SOURCE: Final = "//concern-relay/audit"

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Charter:
    """Which ledger this is.

    Attributes:
        origin: its name, as in its checkpoints.
        partitions: all that it covers, in the order in which a batch takes them.
        topic: where it is announced; one partition.
    """

    origin: str
    partitions: tuple[Partition, ...] = ()
    topic: str = TOPIC

    @property
    def id(self) -> UUID:
        """Key and correlation id of its own records."""
        return uuid5(NAMESPACE_URL, self.origin)

    @property
    def announced(self) -> Partition:
        """The one partition of its topic."""
        return (self.topic, 0)


class Leaf(NamedTuple):
    """A record and its leaf hash, with what it is looked up by; a malformed record is a leaf too, found by less."""

    record: Record
    hash: bytes
    event_id: UUID | None
    concern_id: UUID | None
    type: str
    recorded: datetime | None


class Trouble(StrEnum):
    """What the recorder saw and a person has to look into."""

    GAP = "gap"
    REWRITTEN = "rewritten"
    CUT_BACK = "cut_back"
    ID_CONFLICT = "id_conflict"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should not be.

    Attributes:
        kind: gap: offsets that were passed over; rewritten: another record lies where one was recorded; cut_back: the
            partition ends before what was recorded; id_conflict: two different records bear one event id.
        first: first offset concerned.
        last: last offset concerned.
        index: the leaf it stands before or at; None when there is none.
    """

    kind: Trouble
    topic: str
    partition: int
    first: int
    last: int
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """Where the ledger stands: the tree's frontier and, per partition, the next offset."""

    frontier: Frontier = field(default_factory=Frontier)
    offsets: Mapping[Partition, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """Leaves that are appended together.

    Attributes:
        before: frontier before it.
        after: frontier after it.
        nodes: hashes above the leaves that are now to be stored.
        runs: where the records lie, in order.
        repeated: per leaf, whether the very same record was a leaf before (sent again by its outbox).
        offsets: next offset of each partition that moved.
        findings: gaps and conflicts.
    """

    leaves: Sequence[Leaf]
    before: Frontier
    after: Frontier
    root: bytes
    nodes: Sequence[Node]
    runs: tuple[Run, ...]
    repeated: Sequence[bool]
    offsets: Mapping[Partition, int]
    findings: tuple[Finding, ...]


def leaf_from(record: Record) -> Leaf:
    """Give the leaf of a record. Total: whatever Kafka holds is sequenced, readable or not."""
    context = {name: value for name, value in record.headers if value is not None}
    return Leaf(
        record,
        leaf_hash(leaf_of(record.topic, record.key, record.headers, record.value)),
        _uuid(context.get("ce_id")),
        _uuid(record.key),
        context.get("ce_type", b"").decode("utf-8", "replace").removeprefix(TYPE_PREFIX)[:200].replace("\0", ""),
        _time(context.get("ce_recordedtime")),
    )


def sequence(head: Head, leaves: Sequence[Leaf], known: Mapping[UUID, bytes]) -> Batch:
    """Append leaves to the ledger.

    Args:
        head: where it stands.
        leaves: in order of offset within each partition, none before the head's offset.
        known: of the event ids among the leaves, those that are in the ledger already, with their leaf hash.

    Raises:
        ValueError: an offset lies before the head; it was recorded already.
    """
    first = head.frontier.size
    runs, findings, repeated, seen = list[Run](), list[Finding](), list[bool](), dict(known)
    topic, partition, start, due = "", -1, 0, -1
    moved: dict[Partition, int] = {}
    for index, leaf in enumerate(leaves, first):
        record = leaf.record
        if (record.topic, record.partition) != (topic, partition) or record.offset != due:
            if due > start:
                runs.append(Run(topic, partition, start, due - start))
            topic, partition, start = record.topic, record.partition, record.offset
            expected = moved.get((topic, partition), head.offsets.get((topic, partition), 0))
            if start < expected:
                raise ValueError(f"{topic} partition {partition}: offset {start} is recorded; {expected} is next")
            if start > expected:
                findings.append(Finding(Trouble.GAP, topic, partition, expected, start - 1, index))
        due = record.offset + 1
        moved[topic, partition] = due
        earlier = None if leaf.event_id is None else seen.setdefault(leaf.event_id, leaf.hash)
        repeated.append(earlier is not None and earlier is not leaf.hash and earlier == leaf.hash)
        if earlier is not None and earlier != leaf.hash:
            findings.append(Finding(Trouble.ID_CONFLICT, topic, partition, record.offset, record.offset, index))
    if due > start:
        runs.append(Run(topic, partition, start, due - start))
    after, nodes = head.frontier.append(leaf.hash for leaf in leaves)
    return Batch(leaves, head.frontier, after, after.root(), nodes, tuple(runs), repeated, moved, tuple(findings))


def advanced(head: Head, batch: Batch) -> Head:
    """Give the head after a batch."""
    return Head(batch.after, {**head.offsets, **batch.offsets})


def batch_event(charter: Charter, batch: Batch, now: datetime) -> Event:
    """Give the event that announces a batch; its id follows from first index and root."""
    data = BatchSequenced(
        first_index=batch.before.size,
        runs=[RunMessage(topic=r.topic, partition=r.partition, offset=r.offset, count=r.count) for r in batch.runs],
        root=batch.root,
        size=batch.after.size,
    )
    return _event(charter, data, f"{batch.before.size}\n{batch.root.hex()}", now)


def checkpoint_event(charter: Charter, checkpoint: Checkpoint, note: bytes, now: datetime) -> Event:
    """Give the event that publishes a signed checkpoint; its id follows from size and root."""
    data = CheckpointSigned(note=note.decode(), size=checkpoint.size, root=checkpoint.root)
    return _event(charter, data, f"{checkpoint.size}\n{checkpoint.root.hex()}", now)


def _event(charter: Charter, data: Message, key: str, now: datetime) -> Event:
    name = data.DESCRIPTOR.name
    event_id = effect_id(charter.id, name, key)
    return Event(event_id, name, charter.topic, SOURCE, now, now, str(charter.id), None, (), data)


def _uuid(text: bytes | None) -> UUID | None:
    try:
        return UUID((text or b"").decode("ascii"))
    except ValueError:
        return None


def _time(text: bytes | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat((text or b"").decode("ascii"))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None
