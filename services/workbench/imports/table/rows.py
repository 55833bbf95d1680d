"""Rows of a CSV file, each with the line it begins in; one that cannot be read does not swallow the next.

A quote that is never closed would take the rest of the file into one cell. So lines are put together only while quotes
are open, and never more than ``ROW_LINES_MAX``: then the first line alone is rejected, and reading goes on behind it.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from services.workbench.imports.encoding import NOT_DECODED

ROW_LINES_MAX: Final = 200
LINE_CHARS_MAX: Final = 1024 * 1024
COLUMNS_MAX: Final = 500
_DELIMITERS: Final = ",;\t|"
_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_REMEDIES: Final = {
    "quote_not_closed": "a quote is opened and never closed: double a quote that stands inside a value",
    "row_wrong": "a quote stands where none may be: put the whole value in quotes, and double quotes inside",
    "too_large": f"a line of more than {LINE_CHARS_MAX} characters, or more than {COLUMNS_MAX} columns",
    "not_of_encoding": "a byte that is not of the encoding: say `encoding: cp1252` in the mapping, or save as UTF-8",
    "too_few_columns": "fewer values than headings: is a line break or a delimiter inside a value without quotes?",
    "too_many_columns": "more values than headings: put a value that holds the delimiter in quotes",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A row.

    Attributes:
        line: where it begins.
        cells: its values; for one that cannot be read the text, as one value.
        problem: code, or empty.
    """

    line: int
    cells: tuple[str, ...]
    problem: str = ""

    @property
    def remedy(self) -> str:
        """What is wrong and what to do."""
        return _REMEDIES[self.problem]


def text_stream(stream: BinaryIO, encoding: str) -> io.TextIOWrapper:
    """Decode a stream; its mark decides where the mapping says nothing, else UTF-8."""
    head = stream.read(4)
    stream.seek(0)
    marked = next((name for mark, name in _BOMS if head.startswith(mark)), "")
    return io.TextIOWrapper(stream, encoding=marked or encoding or "utf-8", errors="relay-marked", newline="")


def delimiter_of(line: str) -> str:
    """Give the delimiter that stands most often in the headings."""
    return max(_DELIMITERS, key=line.count)


class Rows:
    """Rows of a text.

    Args:
        text: the file.
        delimiter: or empty: the first line decides.
    """

    def __init__(self, text: io.TextIOWrapper, delimiter: str) -> None:
        """Read the headings.

        Raises:
            StopIteration: never; an empty file has no headings.
        """
        self._text = text
        self._held: deque[str] = deque()
        self._line = 0
        self.delimiter = delimiter or ","
        first = self._next()
        while first is not None and not first.strip():
            first = self._next()
        self._held.appendleft(first or "")
        self._line -= 1
        if not delimiter and first:
            self.delimiter = delimiter_of(first)
        head = next(self._rows(), Row(1, ()))
        self.problem = head.problem
        self.headings = tuple(cell.strip() for cell in head.cells)

    def __iter__(self) -> Iterator[Row]:
        """Give each row that is not blank."""
        count = len(self.headings)
        for row in self._rows():
            if row.problem:
                yield row
            elif any(NOT_DECODED in cell for cell in row.cells):
                yield Row(row.line, row.cells, "not_of_encoding")
            elif len(row.cells) < count:
                yield Row(row.line, row.cells, "too_few_columns")
            elif any(cell.strip() for cell in row.cells[count:]):
                yield Row(row.line, row.cells, "too_many_columns")
            else:
                yield Row(row.line, row.cells[:count])

    def _rows(self) -> Iterator[Row]:
        while (first := self._next()) is not None:
            begins = self._line
            if not first.strip(" \t\r\n" + self.delimiter):
                continue
            lines = [first]
            while sum(line.count('"') for line in lines) % 2 and len(lines) < ROW_LINES_MAX:
                more = self._next()
                if more is None:
                    break
                lines.append(more)
            yield self._row(begins, lines)

    def _row(self, begins: int, lines: list[str]) -> Row:
        if sum(line.count('"') for line in lines) % 2:
            self._held.extendleft(reversed(lines[1:]))
            self._line -= len(lines) - 1
            return Row(begins, (lines[0].rstrip("\r\n"),), "quote_not_closed")
        text = "".join(lines)
        if len(text) > LINE_CHARS_MAX:
            return Row(begins, (text[:LINE_CHARS_MAX],), "too_large")
        try:
            cells = next(csv.reader([text], delimiter=self.delimiter, strict=True))
        except (csv.Error, StopIteration):
            return Row(begins, (text.rstrip("\r\n"),), "row_wrong")
        if len(cells) > COLUMNS_MAX:
            return Row(begins, (text.rstrip("\r\n"),), "too_large")
        return Row(begins, tuple(cells))

    def _next(self) -> str | None:
        line = self._held.popleft() if self._held else self._text.readline(LINE_CHARS_MAX + 2)
        if not line:
            return None
        rest = line
        while len(rest) > LINE_CHARS_MAX + 1 and not rest.endswith("\n"):
            rest = self._text.readline(LINE_CHARS_MAX + 2)  # of a line that is too long, the beginning will do
        self._line += 1
        return line


csv.field_size_limit(LINE_CHARS_MAX + 2)
