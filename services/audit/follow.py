"""Following ``ledger.v1``: the audit database from Kafka alone, leaf for leaf in the order once announced.

A database that is empty, or restored from an older backup, must not append anew: it would put the same records in
another order, and the signed checkpoints would bear witness against it. It follows what was announced first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from concern_relay.v1.ledger_pb2 import BatchSequenced, CheckpointSigned
from services.audit import store
from services.audit.export import Record
from services.audit.feed import Feed, Missing, reading
from services.audit.sequencer import Charter, Head, Leaf, advanced, leaf_from, sequence
from services.chassis.clock import Clock
from services.chassis.envelope import Event, decode
from services.chassis.envelope import Record as Encoded
from services.chassis.errors import DecodeError
from services.chassis.integrity.errors import IntegrityError
from services.chassis.settings import Settings

#: Records of batches that are appended in one transaction.
GROUP_RECORDS_MAX: Final = 4000
#: Roots kept to compare checkpoints with; a checkpoint follows soon after its batch.
ROOTS_MAX: Final = 10_000

Progress = Callable[[int, int], None]


class Forked(IntegrityError):  # noqa: N818  (what was found, not what failed)
    """What lies on Kafka does not lead to the ledger that was announced.

    Attributes:
        code: missing_batch, missing_record, root_differs, other_batch, checkpoint_differs, not_an_event.
        index: the first leaf that differs or cannot be had; None when no leaf is concerned.
    """

    def __init__(self, code: str, index: int | None, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.index = index


@dataclass(slots=True)
class Followed:
    """What was followed: counts, and the size the ledger has now."""

    batches: int = 0
    records: int = 0
    checkpoints: int = 0
    size: int = 0


async def behind(connection: asyncpg.Connection[Any], settings: Settings, charter: Charter) -> bool:
    """Say whether ``ledger.v1`` holds announcements that this database does not know."""
    place = charter.announced
    async with reading(settings, [place]) as feed:
        end = (await feed.ends())[place]
        if end == 0:
            return False
        feed.seek(place, end - 1)
        last = _event((await feed.run(place, end - 1, 1))[0])
    return not await connection.fetchval("SELECT EXISTS (SELECT FROM entry WHERE event_id = $1)", last.id)


async def follow(
    connection: asyncpg.Connection[Any],
    settings: Settings,
    charter: Charter,
    clock: Clock,
    progress: Progress | None = None,
) -> Followed:
    """Append what ``ledger.v1`` announced and this database does not hold, up to its end as it is now.

    Args:
        connection: of the writer; its search path says which tables.
        settings: where the broker is.
        charter: which ledger.
        clock: for the time at which gaps were found.
        progress: told how many records of ``ledger.v1`` are done, and of how many.

    Raises:
        Forked: what lies on Kafka does not give the ledger announced. Nothing from that place on was appended.
    """
    head = await store.read_head(connection)
    async with reading(settings, [charter.announced, *charter.partitions], head.offsets) as feed:
        return await _Following(connection, feed, charter, clock, head).run(progress)


class _Following:
    def __init__(
        self, connection: asyncpg.Connection[Any], feed: Feed, charter: Charter, clock: Clock, head: Head
    ) -> None:
        self._db = connection
        self._feed = feed
        self._place = charter.announced
        self._clock = clock
        self._head = head
        self._waiting: list[store.Announced] = []
        self._waiting_leaves: dict[UUID, bytes] = {}
        self._records = 0
        self._roots: OrderedDict[int, bytes] = OrderedDict()
        self._done = Followed(size=head.frontier.size)

    async def run(self, progress: Progress | None) -> Followed:
        end = (await self._feed.ends())[self._place]
        rows = await self._db.fetch("SELECT event_id FROM entry WHERE topic = $1", self._place[0])
        known = {row["event_id"] for row in rows}
        try:
            for offset in range(end):
                event = _event((await self._feed.run(self._place, offset, 1))[0])
                if event.id not in known:
                    known.add(event.id)
                    await self._apply(event)
                if progress and (offset % 100 == 0 or offset == end - 1):
                    progress(offset + 1, end)
        except Missing as error:
            await self._flush()
            raise Forked("missing_batch", self._head.frontier.size, str(error)) from error
        except Forked:
            await self._flush()
            raise
        await self._flush()
        return self._done

    async def _apply(self, event: Event) -> None:
        match event.data:
            case BatchSequenced():
                await self._batch(event, event.data)
            case CheckpointSigned():
                if self._roots.get(event.data.size, event.data.root) != event.data.root:
                    message = f"a checkpoint of {event.data.size} leaves was signed that has another root"
                    raise Forked("checkpoint_differs", event.data.size, message)
                await self._flush()
                await store.write_checkpoint(self._db, event, sent=True)
                self._done.checkpoints += 1
            case _:
                raise Forked(
                    "not_an_event", None, f"{event.topic} holds event {event.id}, which is none of its own types"
                )

    async def _batch(self, event: Event, data: BatchSequenced) -> None:
        size = self._head.frontier.size
        if data.first_index != size:
            code = "other_batch" if data.first_index < size else "missing_batch"
            raise Forked(code, min(size, data.first_index), f"a batch from {data.first_index} follows {size} leaves")
        leaves = await self._leaves(data)
        batch = sequence(self._head, leaves, await self._known(leaves))
        if batch.root != data.root:
            message = f"leaves {size} to {batch.after.size - 1} as they lie on Kafka do not give the root announced"
            raise Forked("root_differs", size, message)
        self._head = advanced(self._head, batch)
        self._waiting.append(store.Announced(batch, event))
        self._waiting_leaves |= {leaf.event_id: leaf.hash for leaf in leaves if leaf.event_id is not None}
        self._records += len(leaves)
        self._roots[batch.after.size] = batch.root
        if len(self._roots) > ROOTS_MAX:
            self._roots.popitem(last=False)
        if self._records >= GROUP_RECORDS_MAX:
            await self._flush()

    async def _leaves(self, data: BatchSequenced) -> list[Leaf]:
        leaves = list[Leaf]()
        for run in data.runs:
            try:
                records = await self._feed.run((run.topic, run.partition), run.offset, run.count)
            except Missing as error:
                index = data.first_index + len(leaves) + error.offset - run.offset
                raise Forked("missing_record", index, str(error)) from error
            leaves += [leaf_from(record) for record in records]
        return leaves

    async def _known(self, leaves: Sequence[Leaf]) -> dict[UUID, bytes]:
        waiting = self._waiting_leaves
        known = await store.known_leaves(self._db, leaves)
        return {i: waiting[i] for leaf in leaves if (i := leaf.event_id) is not None and i in waiting} | known

    async def _flush(self) -> None:
        if not self._waiting:
            return
        await store.append(self._db, self._waiting, self._clock.now(), sent=True)
        self._done.batches += len(self._waiting)
        self._done.records += self._records
        self._done.size = self._head.frontier.size
        self._waiting, self._waiting_leaves, self._records = [], {}, 0


def _event(record: Record) -> Event:
    headers = tuple((name, value or b"") for name, value in record.headers)
    try:
        return decode(Encoded(record.topic, record.key or b"", headers, record.value or b"", 0, record.offset))
    except DecodeError as error:
        raise Forked("not_an_event", None, f"{record.topic} offset {record.offset} is no event: {error}") from error
