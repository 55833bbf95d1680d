"""The lines of a ledger export, as ``docs/ledger-format.md`` has them; ``services.audit.verify`` reads them.

Each function returns one line with its newline, so that a service can stream a ledger of any size. The order of lines
is the caller's: opening, then each batch followed by its records, a checkpoint wherever one was signed, closing.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.chassis.integrity.leaf import HEADERS_LEFT_OUT

#: Version of the format.
VERSION: Final = 1

_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive records of one partition, as in ``BatchSequenced``."""

    topic: str
    partition: int
    offset: int
    count: int


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a history topic as it lies on Kafka."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    value: bytes | None


def opening_line(origin: str) -> bytes:
    """Begin the export of the ledger of this origin."""
    return _line("ledger", {"version": VERSION, "origin": origin})


def batch_line(first_index: int, runs: Sequence[Run], size: int, root: bytes) -> bytes:
    """Announce the records that follow, and the size and root of the tree after them."""
    return _line(
        "batch",
        {
            "first_index": first_index,
            "runs": [[run.topic, run.partition, run.offset, run.count] for run in runs],
            "size": size,
            "root": b64encode(root).decode(),
        },
    )


def record_line(index: int, record: Record, leaf: bytes) -> bytes:
    """Give one record.

    Args:
        index: its index in the ledger.
        record: the record as it now lies on Kafka.
        leaf: its leaf hash as the ledger *stored* it when it was appended, not computed anew: only so does the
            verifier learn which record was altered since.
    """
    counted = [(name, value) for name, value in record.headers if name not in HEADERS_LEFT_OUT]
    return _line(
        "record",
        {
            "index": index,
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "key": _text(record.key),
            "headers": [[name, _text(value)] for name, value in sorted(counted, key=lambda pair: pair[0])],
            "value": None if record.value is None else b64encode(record.value).decode(),
            "leaf": b64encode(leaf).decode(),
        },
    )


def checkpoint_line(note: bytes) -> bytes:
    """Give a signed checkpoint of the tree as it is here: between two batches."""
    return _line("checkpoint", note.decode())


def closing_line(records: int, batches: int, checkpoints: int) -> bytes:
    """End the export, so that a file cut short cannot pass for a whole one."""
    return _line("end", {"records": records, "batches": batches, "checkpoints": checkpoints})


def _line(kind: str, body: object) -> bytes:
    return _encode({kind: body}).encode() + b"\n"


def _text(value: bytes | None) -> str | None:
    """One character for one byte (ISO 8859-1): ids and CloudEvents attributes stay readable, any bytes fit."""
    return None if value is None else value.decode("latin-1")
