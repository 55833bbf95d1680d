"""Files of submissions: one JSON object, a list of them, or NDJSON; read line by line, within bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO, Final

LINE_BYTES_MAX: Final = 1024 * 1024
"""A submission is no larger; intake refuses more."""
DOCUMENT_BYTES_MAX: Final = 64 * 1024 * 1024
"""A file that is one JSON document has to be held as a whole."""


@dataclass(frozen=True, slots=True)
class NotRead:
    """A line that is no submission: why, and what to do. Nothing of the line."""

    code: str
    detail: str


Document = tuple[int, bytes | NotRead]


def documents(stream: BinaryIO, *, many: bool = False) -> Iterator[Document]:
    """Give each submission with its line number, or what is wrong with the line.

    Args:
        stream: the file, binary.
        many: it is NDJSON for certain; otherwise the first line decides.
    """
    lines = enumerate(_lines(stream), 1)
    first = next(((number, line) for number, line in lines if line.strip()), None)
    if first is None:
        return
    if many or _whole(first[1]):
        yield from _each(chain([first], lines))
        return
    held, size = [first], len(first[1])
    for number, line in lines:
        held.append((number, line))
        size += len(line)
        if size > DOCUMENT_BYTES_MAX:
            yield from _each(chain(held, lines))  # no document is as large: its first line is broken
            return
    try:
        tree = json.loads(b"".join(line for _, line in held).decode("utf-8-sig"), object_pairs_hook=_members)
    except (ValueError, RecursionError) as error:
        if any(_whole(line) for _, line in held):
            yield from _each(iter(held))
        else:
            yield (getattr(error, "lineno", 1) + first[0] - 1, _why(error))
        return
    for number, each in enumerate(tree, 1) if isinstance(tree, list) else ((1, tree),):
        yield number, json.dumps(each).encode()


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Give lines, none longer than the limit and a bit; the rest of a longer one is passed over."""
    while line := stream.readline(LINE_BYTES_MAX + 2):
        yield line
        while len(line) > LINE_BYTES_MAX + 1 and not line.endswith(b"\n"):
            line = stream.readline(LINE_BYTES_MAX + 2)


def _each(lines: Iterator[tuple[int, bytes]]) -> Iterator[Document]:
    for number, line in lines:
        if not line.strip():
            continue
        if len(line) > LINE_BYTES_MAX + 1:
            yield number, NotRead("too_large", f"longer than {LINE_BYTES_MAX} bytes: a submission is one line, no more")
            continue
        try:
            json.loads(line.decode("utf-8-sig"), object_pairs_hook=_members)
        except (ValueError, RecursionError) as error:
            yield number, _why(error)
        else:
            yield number, line.strip()


def _whole(line: bytes) -> bool:
    """Whether a line looks like an object of its own."""
    stripped = line.removeprefix(b"\xef\xbb\xbf").strip()
    return stripped.startswith(b"{") and stripped.endswith(b"}")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _NameTwiceError
    return members


class _NameTwiceError(ValueError):
    """An object has a name twice; one of the two would be lost."""


def _why(error: Any) -> NotRead:
    if isinstance(error, UnicodeDecodeError):
        return NotRead("not_utf8", f"byte {error.start} is not UTF-8: write the file in UTF-8")
    if isinstance(error, RecursionError):
        return NotRead("too_deep", "too many objects and lists inside one another")
    if isinstance(error, _NameTwiceError):
        return NotRead("name_twice", "an object has the same name twice: send each name once, or a list")
    column = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
    return NotRead("not_json", f"not JSON{column}: is it cut short?")
