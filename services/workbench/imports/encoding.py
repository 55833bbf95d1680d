"""From bytes to text: which encoding a file is in, found and never guessed, and decoded piece by piece.

A byte that is not of the encoding becomes ``NOT_DECODED``; whoever reads on says which record it was in. What is
packed, or in an encoding that could hide markup (UTF-7), is refused.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from services.workbench.imports.unreadable import UnreadableError

CHUNK_BYTES: Final = 64 * 1024
NOT_DECODED: Final = "\udcff"
"""Stands for what could not be decoded: a lone surrogate, which no text of a file can hold."""

_BOMS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_PACKED: Final = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "ZIP (an Excel workbook is one too)",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7z",
    b"%PDF": "PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
}
_DECLARED: Final = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_TAKEN: Final = re.compile(r"utf-(8|16|16-le|16-be|32|32-le|32-be)|ascii|iso8859-\d{1,2}|cp125\d|cp850|cp437|mac-roman")


def encoding_of(head: bytes) -> tuple[str, int]:
    """Give the encoding of an XML file and how many bytes its mark takes.

    Args:
        head: the first bytes.

    Raises:
        UnreadableError: ``packed``, ``encoding_not_known``.
    """
    refuse_packed(head)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name, len(mark)
    if head[:2] == b"<\x00":
        return "utf-16-le", 0
    if head[:2] == b"\x00<":
        return "utf-16-be", 0
    declared = _DECLARED.match(head)
    return (known_encoding(declared[1].decode("ascii")) if declared else "utf-8"), 0


def refuse_packed(head: bytes) -> None:
    """Refuse what has to be unpacked first.

    Raises:
        UnreadableError: ``packed``.
    """
    for mark, name in _PACKED.items():
        if head.startswith(mark):
            raise UnreadableError("packed", f"the file is {name}, not text: unpack or export it as text first", 1)


def known_encoding(name: str) -> str:
    """Give the codec of an encoding that is taken.

    Raises:
        UnreadableError: ``encoding_not_known``.
    """
    try:
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        codec = ""
    if not _TAKEN.fullmatch(codec):
        detail = (
            "the file declares an encoding that is not taken: write it in UTF-8, UTF-16, ISO-8859-1 or Windows-1252"
        )
        raise UnreadableError("encoding_not_known", detail, 1)
    return codec


def text_of(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """Decode the rest of a stream in pieces."""
    decoder = codecs.getincrementaldecoder(encoding)("relay-marked")
    while chunk := stream.read(CHUNK_BYTES):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return NOT_DECODED, error.end


codecs.register_error("relay-marked", _mark)
