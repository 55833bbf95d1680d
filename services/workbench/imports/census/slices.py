"""A census cut into its children, so that one that is broken does not stop the next, and a gigabyte takes no memory.

An XML parser stops for good at the first thing that is not well-formed. So the text is cut at ``<Child>`` and
``</Child>`` first, outside comments and CDATA, and each child is parsed by itself (``element.py``). What is left, the
frame with the header, goes to ``Frame``. Document types are refused wherever they stand: no entity is ever declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from services.workbench.imports.encoding import NOT_DECODED
from services.workbench.imports.unreadable import UnreadableError

CHILD_CHARS_MAX: Final = 1024 * 1024
MARKUP_CHARS_MAX: Final = 64 * 1024
"""A tag, a comment or a CDATA section that is longer is no census."""
_HELD_BACK: Final = 64
"""Characters that may be the beginning of a mark whose end has not come yet."""
_MARK = re.compile(
    r"<!--|<!\[CDATA\[|<!DOCTYPE|<!ENTITY|<!ELEMENT|<!ATTLIST|<!NOTATION|<\?|<(/?)(?:[\w.\-]{1,32}:)?Child(?=[\s/>])"
)
_ENDS: Final = {"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"}


@dataclass(frozen=True, slots=True)
class Slice:
    """One child as text, or why there is none.

    Attributes:
        ordinal: which child of the file, from 1.
        line: where it begins.
        text: the element; empty where it cannot be read.
        problem: code of what is wrong, or empty.
        problem_line: where that is.
    """

    ordinal: int
    line: int
    text: str
    problem: str = ""
    problem_line: int = 0


class Outside(Protocol):
    """Takes what is no child, in order, with newlines in place of the children."""

    def feed(self, text: str) -> None:
        """Take a piece."""


class Slicer:
    """Cuts a text.

    Args:
        pieces: the text.
        outside: takes what is no child.
    """

    def __init__(self, pieces: Iterator[str], outside: Outside) -> None:
        """Begin at the first line."""
        self._pieces = pieces
        self._outside = outside
        self._buffer = ""
        self._ended = False
        self._line = 1
        self._count = 0
        self._child: list[str] | None = None
        self._begins = 0
        self._size = 0

    def __iter__(self) -> Iterator[Slice]:
        """Give each child.

        Raises:
            UnreadableError: ``dtd``, or markup without an end.
        """
        while True:
            found = _MARK.search(self._buffer)
            if found is None:
                keep = 0 if self._ended else _HELD_BACK
                self._take(max(0, len(self._buffer) - keep))
                if not self._fill():
                    break
                continue
            if found.end() + _HELD_BACK > len(self._buffer) and self._fill():
                continue  # the mark may go on in the next piece
            yield from self._at(found)
        self._take(len(self._buffer))
        if self._child is not None:
            yield self._close("cut_short")

    def _at(self, found: re.Match[str]) -> Iterator[Slice]:
        mark = found[0]
        self._take(found.start())
        if mark.startswith(("<!D", "<!E", "<!A", "<!N")):
            detail = "a document type or entity is declared: refused unread, no census needs one; take it out"
            raise UnreadableError("dtd", detail, self._line)
        if mark in _ENDS:
            self._take(self._end_of(_ENDS[mark]))
        elif found[1]:
            ends = self._end_of(">")
            if self._child is None:
                self._take(ends)  # the frame says that nothing was open
            else:
                self._take(ends)
                yield self._close()
        else:
            if self._child is not None:
                yield self._close("not_closed")
            self._child, self._size = [], 0
            self._begins = self._line
            self._count += 1
            ends = self._end_of(">")
            # no tag holds "<": one that does has no end, and must not swallow the next child's
            broken = self._buffer.find("<", 1, ends)
            alone = broken < 0 and self._buffer[ends - 2] == "/"
            self._take(ends if broken < 0 else broken)
            if alone:
                yield self._close()

    def _end_of(self, mark: str) -> int:
        at = self._buffer.find(mark)
        while at < 0:
            if len(self._buffer) > MARKUP_CHARS_MAX or not self._fill():
                raise UnreadableError("markup_without_end", "a tag or comment has no end: is it cut short?", self._line)
            at = self._buffer.find(mark)
        return at + len(mark)

    def _fill(self) -> bool:
        piece = next(self._pieces, None)
        if piece is None:
            self._ended = True
            return False
        self._buffer += piece
        return True

    def _take(self, size: int) -> None:
        """Pass the beginning of the buffer to the child, or outside."""
        if not size:
            return
        text, self._buffer = self._buffer[:size], self._buffer[size:]
        lines = text.count("\n")
        if self._child is None:
            self._outside.feed(text)
        else:
            self._outside.feed("\n" * lines)
            self._size += size
            if self._size <= CHILD_CHARS_MAX:
                self._child.append(text)
        self._line += lines

    def _close(self, problem: str = "") -> Slice:
        assert self._child is not None
        text = "".join(self._child)
        self._child = None
        at = self._line if problem else 0
        if not problem and self._size > CHILD_CHARS_MAX:
            problem, at = "too_large", self._begins
        if not problem and NOT_DECODED in text:
            problem, at = "not_of_encoding", self._begins + text[: text.index(NOT_DECODED)].count("\n")
        return Slice(self._count, self._begins, "" if problem else text, problem, at)
