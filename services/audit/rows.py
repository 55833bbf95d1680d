"""Records as rows of the table ``record``, and back, with nothing lost that Kafka can hold."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import asyncpg

from services.audit.export import Record
from services.audit.sequencer import Batch

_NULL: Final = 0xFFFFFFFF
_SIZES: Final = struct.Struct(">II")


def rows_of(batch: Batch) -> list[tuple[Any, ...]]:
    """Give the rows of a batch, in the order of the table's columns."""
    return [
        (
            index, leaf.record.topic, leaf.record.partition, leaf.record.offset, leaf.record.key,
            pack(leaf.record.headers), leaf.record.value, leaf.event_id, leaf.concern_id, leaf.type,
            leaf.recorded, repeated, leaf.hash,
        )
        for index, (leaf, repeated) in enumerate(zip(batch.leaves, batch.repeated, strict=True), batch.before.size)
    ]  # fmt: skip


def record_of(row: asyncpg.Record) -> Record:
    """Give the record that a row of ``record`` holds."""
    return Record(
        row["topic"], row["partition"], row["kafka_offset"], row["key"], unpack(row["headers"]), row["value"]
    )  # fmt: skip


def pack(headers: Sequence[tuple[str, bytes | None]]) -> bytes:
    """Pack headers for a row, so that nothing Kafka can hold is lost: null stays null."""
    out = []
    for name, value in headers:
        encoded = name.encode()
        out += [_SIZES.pack(len(encoded), _NULL if value is None else len(value)), encoded, value or b""]
    return b"".join(out)


def unpack(packed: bytes) -> list[tuple[str, bytes | None]]:
    """Undo :func:`pack`."""
    headers, at, end = list[tuple[str, bytes | None]](), 0, len(packed)
    while at < end:
        name_size, size = _SIZES.unpack_from(packed, at)
        at += _SIZES.size
        name, at = _name(packed[at : at + name_size]), at + name_size
        if size == _NULL:
            headers.append((name, None))
        else:
            headers.append((name, packed[at : at + size]))
            at += size
    return headers


@lru_cache(maxsize=256)
def _name(encoded: bytes) -> str:
    """Names are few and the same in every record."""
    return encoded.decode()
