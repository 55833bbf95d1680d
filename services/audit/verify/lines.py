"""The verifier's own reading of one line of an export.

Strict, so that no byte of a file can change unseen: JSON in its one spelling, fields in their order, base64 in its
canonical form, headers sorted and none among them that the leaf leaves out.
"""

import json
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from types import NoneType
from typing import Any, Final, NamedTuple

_LEFT_OUT: Final = ("traceparent", "tracestate")
_RECORD_FIELDS: Final = ("index", "topic", "partition", "offset", "key", "headers", "value", "leaf")
_RECORD_TYPES: Final = {
    (int, str, int, int, key, list, value, str) for key in (str, NoneType) for value in (str, NoneType)
}

spell = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


class Wrong(Exception):  # noqa: N818 - what is wrong with a part, said with its place by who catches it
    """What is wrong with a part; it reads on from `line 7 ...` or `the checkpoint: it ...`."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch announces; a run is (topic, partition, offset of its first record, count)."""

    first_index: int
    runs: list[tuple[str, int, int, int]]
    size: int
    root: bytes

    def places(self) -> Iterator[tuple[str, int, int | None]]:
        """Yield topic, partition and offset of each record; the offset is stated for the first of a run alone."""
        for topic, partition, offset, count in self.runs:
            yield topic, partition, offset
            for _ in range(count - 1):
                yield topic, partition, None


class Record(NamedTuple):
    """A record as the verifier sees it: index, place, the leaf hash it derives, the one stated, the event id."""

    at: int
    topic: str
    partition: int
    offset: int
    derived: bytes
    stated: bytes
    event_id: bytes | None


def parse_line(raw: bytes) -> tuple[str, Any]:
    """Return the kind and body of a line without its newline."""
    try:
        line = raw.decode("ascii")
        obj = json.loads(line)
        if type(obj) is dict and len(obj) == 1 and spell(obj) == line:
            kind, body = obj.popitem()
            return str(kind), body
    except (ValueError, RecursionError):
        pass  # said below, once for every way of not being such a line
    raise Wrong("is not a line of the format in its one spelling")


def parse_opening(body: object) -> str:
    """Return the origin."""
    if type(body) is not dict or tuple(body) != ("version", "origin") or type(body["origin"]) is not str:
        raise Wrong("does not open an export")
    if spell(body["version"]) != "1":
        raise Wrong("opens an export of another version than 1; a newer verifier may be needed")
    return body["origin"]


def parse_batch(body: object) -> Batch:
    """Return a batch whose size is its first index and its runs' counts."""
    if type(body) is not dict or tuple(body) != ("first_index", "runs", "size", "root"):
        raise Wrong("is no batch")
    first_index, listed, size, root = body.values()
    if type(listed) is not list or not _is_count(first_index):
        raise Wrong("is no batch: a first index and runs are needed")
    runs = [_run(run) for run in listed]
    if type(size) is not int or not runs or first_index + sum(run[3] for run in runs) != size:
        raise Wrong("is no batch: its size is not its first index and what its runs count")
    return Batch(first_index, runs, size, decode_hash(root))


def parse_record(body: object) -> Record:
    """Return a record with the leaf hash that follows from it (``docs/ledger-format.md``, the leaf)."""
    if type(body) is not dict or tuple(body) != _RECORD_FIELDS or tuple(map(type, body.values())) not in _RECORD_TYPES:
        raise Wrong("is no record")
    index, topic, partition, offset, key, headers, value, leaf = body.values()
    try:
        event_id, digest = _headers(headers)
        content = None if value is None else sha256(decode_base64(value)).digest()
        parts = (topic.encode(), event_id, _octets(key), digest, content)
    except UnicodeEncodeError:
        raise Wrong("is no record: a text in it stands for no bytes") from None
    derived = sha256(b"\x00concern-relay leaf v1\n" + _joined(parts)).digest()
    return Record(index, topic, partition, offset, derived, decode_hash(leaf), event_id)


def decode_hash(text: object) -> bytes:
    """Return 32 bytes from their base64."""
    raw = decode_base64(text) if type(text) is str else b""
    if len(raw) != 32:
        raise Wrong("has a hash that is not the base64 of 32 bytes")
    return raw


def decode_base64(text: str) -> bytes:
    """Return bytes from base64 in its canonical form."""
    try:
        raw = a2b_base64(text)
    except (Base64Error, ValueError):
        raw = b""
    if b2a_base64(raw, newline=False).decode() != text:
        raise Wrong("has text that is not base64 in its canonical form")
    return raw


def _run(run: Any) -> tuple[str, int, int, int]:
    if type(run) is not list or len(run) != 4 or type(run[0]) is not str or not all(map(_is_count, run[1:])):
        raise Wrong("is no batch: a run is topic, partition, offset and count")
    if run[3] == 0:
        raise Wrong("is no batch: a run has at least one record")
    return (run[0], run[1], run[2], run[3])


def _headers(headers: list[Any]) -> tuple[bytes | None, bytes]:
    """Return the event id and the digest of the headers, which are sorted by name already."""
    ids, last, parts = list[bytes | None](), "", list[bytes | None]()
    for header in headers:
        if type(header) is not list or len(header) != 2 or type(header[0]) is not str:
            raise Wrong("is no record: a header is a name and a value")
        name, value = header[0], _octets(header[1])
        if name < last or name in _LEFT_OUT:
            raise Wrong("is no record: its headers are not in order, or one is there that nothing proves")
        if name == "ce_id":
            ids.append(value)
        parts.append(name.encode())
        parts.append(value)
        last = name
    return ids[0] if ids else None, sha256(_joined(parts)).digest()


def _joined(parts: Iterable[bytes | None]) -> bytes:
    """Join fields, each with its length before it; null is a length that no field has."""
    return b"".join([b"\xff\xff\xff\xff" if part is None else len(part).to_bytes(4, "big") + part for part in parts])


def _octets(text: object) -> bytes | None:
    if text is None:
        return None
    if type(text) is not str:
        raise Wrong("is no record: a header's value is text or null")
    return text.encode("latin-1")


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63
