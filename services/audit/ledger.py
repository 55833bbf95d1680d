"""What can be asked of the ledger: its newest checkpoint, proofs, the export; and the findings nobody settled.

Every answer comes from one snapshot of the database, so that a proof and its checkpoint belong together.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from concern_relay.v1.ledger_pb2 import BatchSequenced
from services.audit.export import Run, batch_line, checkpoint_line, closing_line, opening_line, record_line
from services.audit.proof import Proof
from services.audit.rows import record_of
from services.audit.tree import Leaves, Nodes, Span, consistency_path, inclusion_path, prove, spans
from services.chassis.integrity.errors import IntegrityError

#: Rows a cursor brings at a time, and bytes handed on at a time.
ROWS_AHEAD: Final = 500
CHUNK_BYTES: Final = 256 * 1024


class NotInLedger(IntegrityError):  # noqa: N818  (an answer)
    """No record of the ledger has this event id."""


class NotYetSigned(IntegrityError):  # noqa: N818  (an answer)
    """The record is in the ledger and no checkpoint covers it yet."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint that was signed: size and root of the tree, and the note."""

    size: int
    root: bytes
    note: bytes


class Snapshot:
    """The ledger as it stands at one moment; from :func:`snapshot`."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self._db = connection

    async def size(self) -> int:
        """Give the number of leaves."""
        return int(await self._db.fetchval("SELECT size FROM head"))

    async def checkpoint(self) -> Signed | None:
        """Give the newest checkpoint, if one was signed."""
        row = await self._db.fetchrow("SELECT size, root, note FROM checkpoint ORDER BY size DESC LIMIT 1")
        return None if row is None else Signed(row["size"], row["root"], row["note"].encode())

    async def announced(self) -> BatchSequenced | None:
        """Give the newest batch whose announcement is on Kafka; they are sent in order."""
        value = await self._db.fetchval(
            "SELECT e.value FROM batch b JOIN entry e ON e.event_id = b.event_id "
            "WHERE NOT EXISTS (SELECT FROM outbox o WHERE o.seq = e.seq) ORDER BY b.first_index DESC LIMIT 1"
        )
        return None if value is None else BatchSequenced.FromString(value)

    async def proof(self, event_id: UUID) -> Proof:
        """Prove that an event's record is in the ledger, under the newest checkpoint.

        Raises:
            NotInLedger: no record has this event id.
            NotYetSigned: no checkpoint covers it yet; the next one will, within seconds.
        """
        index = await self._db.fetchval("SELECT min(leaf_index) FROM record WHERE event_id = $1", event_id)
        if index is None:
            raise NotInLedger(f"no record of event {event_id} is in the ledger; if it is new, ask again in a moment")
        signed = await self.checkpoint()
        if signed is None or signed.size <= index:
            raise NotYetSigned(f"record {index} is in the ledger and not under a checkpoint yet; ask again in seconds")
        path = inclusion_path(index, signed.size)
        return Proof(index, tuple(prove(path, await self._nodes(path))), signed.note)

    async def consistency(self, old: int, new: int) -> list[bytes]:
        """Prove that the tree of the first ``old`` leaves is the beginning of that of the first ``new``."""
        path = consistency_path(old, new)
        return prove(path, await self._nodes(path))

    async def _nodes(self, path: Iterable[Leaves]) -> Nodes:
        """Fetch the stored hashes that a proof asks for."""
        found: dict[tuple[int, int], bytes] = {}
        for span in spans(path):
            for index, stored in await self._span(span):
                found[span.level, index] = stored
        return lambda level, index: found[level, index]

    async def _span(self, span: Span) -> list[tuple[int, bytes]]:
        end = span.first + span.count
        if span.level == 0:
            query = "SELECT leaf_index, leaf_hash FROM record WHERE leaf_index >= $1 AND leaf_index < $2"
            rows = await self._db.fetch(query, span.first, end)
        else:
            query = "SELECT node_index, hash FROM node WHERE level = $3 AND node_index >= $1 AND node_index < $2"
            rows = await self._db.fetch(query, span.first, end, span.level)
        return [(row[0], row[1]) for row in rows]

    async def export(self, origin: str, *, unsigned: bool = False) -> AsyncIterator[bytes]:
        """Give the lines of an export, in chunks; see ``docs/ledger-format.md``.

        Args:
            origin: name of the ledger.
            unsigned: go on beyond the newest checkpoint, to the end. A verifier will say that nothing vouches for
                what follows it.
        """
        signed = await self.checkpoint()
        end = await self.size() if unsigned else 0 if signed is None else signed.size
        notes = {r["size"]: r["note"].encode() for r in await self._db.fetch("SELECT size, note FROM checkpoint")}
        records = aiter(self._records(end))
        counts = [0, 0]
        chunk = [opening_line(origin)]
        held = 0
        async for batch in self._batches(end):
            runs = [Run(r.topic, r.partition, r.offset, r.count) for r in batch.runs]
            chunk.append(batch_line(batch.first_index, runs, batch.size, batch.root))
            counts[0] += 1
            for _ in range(batch.size - batch.first_index):
                line = await anext(records, b"")
                chunk.append(line)
                held += len(line)
                if held > CHUNK_BYTES:
                    yield b"".join(chunk)
                    chunk, held = [], 0
            if batch.size in notes:
                chunk.append(checkpoint_line(notes[batch.size]))
                counts[1] += 1
        chunk.append(closing_line(end, *counts))
        yield b"".join(chunk)

    async def _batches(self, end: int) -> AsyncIterator[BatchSequenced]:
        cursor = self._db.cursor(
            "SELECT e.value FROM batch b JOIN entry e ON e.event_id = b.event_id WHERE b.size <= $1 "
            "ORDER BY b.first_index",
            end,
            prefetch=ROWS_AHEAD,
        )
        async for row in cursor:
            yield BatchSequenced.FromString(row["value"])

    async def _records(self, end: int) -> AsyncIterator[bytes]:
        cursor = self._db.cursor(
            "SELECT leaf_index, topic, partition, kafka_offset, key, headers, value, leaf_hash FROM record "
            "WHERE leaf_index < $1 ORDER BY leaf_index",
            end,
            prefetch=ROWS_AHEAD,
        )
        async for row in cursor:
            yield record_line(row["leaf_index"], record_of(row), row["leaf_hash"])

    async def findings(self) -> list[dict[str, Any]]:
        """Give the findings that nobody has settled."""
        rows = await self._db.fetch(
            "SELECT kind, topic, partition, first_offset, last_offset, leaf_index, found FROM finding "
            "WHERE settled IS NULL ORDER BY found, topic, partition, first_offset"
        )
        return [dict(row) for row in rows]


@asynccontextmanager
async def snapshot(connection: asyncpg.Connection[Any]) -> AsyncIterator[Snapshot]:
    """Look at the ledger as it stands now, whatever is appended meanwhile."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        yield Snapshot(connection)
