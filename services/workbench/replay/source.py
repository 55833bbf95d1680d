"""Where recorded history comes from: the audit database, or the topics themselves; opened with a stated purpose."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

import asyncpg

from concern_relay.v1.facts_pb2 import Part
from services.audit.export import Record
from services.audit.feed import reading
from services.audit.rows import record_of
from services.audit.sequencer import Charter
from services.chassis.contract import has_parts
from services.chassis.envelope import Record as Encoded
from services.chassis.envelope import decode
from services.chassis.errors import DecodeError
from services.chassis.integrity.leaf import leaf_hash, leaf_of
from services.chassis.keys import Keys
from services.chassis.sealing import Key, SealBroken, open_part
from services.chassis.settings import Settings
from services.workbench.replay.finding import Code, Finding
from services.workbench.replay.past import Past

#: Concerns that are opened with one call of the vault.
CONCERNS_AT_ONCE: Final = 200
ROWS_AHEAD: Final = 1000
FIRST: Final = UUID(int=0)
LAST: Final = UUID(int=(1 << 128) - 1)

_COLUMNS: Final = "concern_id, leaf_index, topic, partition, kafka_offset, key, headers, value, leaf_hash"
_RANGE: Final = (
    f"SELECT {_COLUMNS} FROM record WHERE concern_id >= $1 AND concern_id <= $2 ORDER BY concern_id, leaf_index"  # noqa: S608  (a constant)
)


@dataclass(slots=True)
class History:
    """What is recorded of one concern: each event once, in the order of its topic; and what could not be read."""

    concern_id: str
    past: list[Past] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def find(self, code: Code, event_id: object, path: str) -> None:
        """Note something about a record."""
        self.findings.append(Finding(code, "audit", self.concern_id, str(event_id), path))


async def from_database(
    connection: asyncpg.Connection[Any],
    keys: Keys,
    *,
    purpose: str,
    first: UUID = FIRST,
    last: UUID = LAST,
) -> AsyncIterator[History]:
    """Give the histories of the concerns whose ids lie in a range, opened.

    Every record is compared with the leaf the ledger has of it, so that a part that opens for nobody any more is still
    shown to be the one that was recorded.
    """
    waiting: list[History] = []
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        async for history in _by_concern(connection, first, last):
            waiting.append(history)
            if len(waiting) >= CONCERNS_AT_ONCE:
                for done in await opened(waiting, keys, purpose):
                    yield done
                waiting = []
    for done in await opened(waiting, keys, purpose):
        yield done


async def _by_concern(connection: asyncpg.Connection[Any], first: UUID, last: UUID) -> AsyncIterator[History]:
    history: History | None = None
    seen: set[UUID] = set()
    async for row in connection.cursor(_RANGE, first, last, prefetch=ROWS_AHEAD):
        concern_id = str(row["concern_id"])
        if history is None or history.concern_id != concern_id:
            if history is not None:
                yield history
            history, seen = History(concern_id), set()
        record = record_of(row)
        if leaf_hash(leaf_of(record.topic, record.key, record.headers, record.value)) != row["leaf_hash"]:
            history.find(Code.ALTERED, f"leaf {row['leaf_index']}", record.topic)
        _take(history, seen, record, row["leaf_index"])
    if history is not None:
        yield history


async def from_kafka(settings: Settings, charter: Charter, keys: Keys, *, purpose: str) -> AsyncIterator[History]:
    """Give the histories of all concerns as they lie on the topics now, opened. All are held in memory."""
    histories: dict[str, History] = {}
    seen: dict[str, set[UUID]] = defaultdict(set)
    async with reading(settings, charter.partitions) as feed:
        left = {p: end for p, end in (await feed.ends()).items() if end}
        while left:
            for record in await feed.some():
                concern_id = (record.key or b"").decode("ascii", "replace")
                history = histories.setdefault(concern_id, History(concern_id))
                _take(history, seen[concern_id], record, -1)
                place = (record.topic, record.partition)
                if record.offset + 1 >= left.get(place, 0):
                    left.pop(place, None)
    every = list(histories.values())
    for start in range(0, len(every), CONCERNS_AT_ONCE):
        for done in await opened(every[start : start + CONCERNS_AT_ONCE], keys, purpose):
            yield done


def _take(history: History, seen: set[UUID], record: Record, index: int) -> None:
    headers = tuple((name, value or b"") for name, value in record.headers)
    try:
        event = decode(
            Encoded(record.topic, record.key or b"", headers, record.value or b"", record.partition, record.offset)
        )
    except DecodeError as error:
        history.find(Code.UNREADABLE, f"{record.topic}/{record.partition}/{record.offset}", type(error).__name__)
        return
    if event.id not in seen:
        seen.add(event.id)
        history.past.append(Past(event, {}, index))


async def opened(histories: Sequence[History], keys: Keys, purpose: str) -> Sequence[History]:
    """Open what opens, with one call of the vault."""
    ids = {sealed.key_id for history in histories for past in history.past for sealed in past.sealed}
    found = await keys.open(ids, purpose=purpose) if ids else {}
    for history in histories:
        history.past = [_opened(history, past, found) for past in history.past]
    return histories


def _opened(history: History, past: Past, keys: dict[str, Key]) -> Past:
    if not has_parts(past.event.data):
        return past
    parts: dict[str, Part] = {}
    for sealed in past.sealed:
        if (key := keys.get(sealed.key_id)) is not None:
            try:
                parts[sealed.part_id] = open_part(key, past.event.id, sealed)
            except SealBroken:
                history.find(Code.SEAL_BROKEN, past.event.id, f"parts[{sealed.part_id}]")
    return Past(past.event, parts, past.index)


def slices(count: int) -> list[tuple[UUID, UUID]]:
    """Cut the space of concern ids into slices of one size; ids are spread evenly over it."""
    width = (1 << 128) // count
    bounds = [n * width for n in range(count)] + [1 << 128]
    return [(UUID(int=low), UUID(int=high - 1)) for low, high in pairwise(bounds)]
