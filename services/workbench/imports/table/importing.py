"""Imports a CSV file by a mapping: row by row; a bad one is kept among the rejects, and the next goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from services.workbench.imports.census.importing import Send
from services.workbench.imports.encoding import refuse_packed
from services.workbench.imports.report import Report
from services.workbench.imports.sending import Answer
from services.workbench.imports.table.mapping import PLACEHOLDER, Mapping
from services.workbench.imports.table.rejects import ADDED, Rejects
from services.workbench.imports.table.row import COLUMN_NOT_MAPPED, submission
from services.workbench.imports.table.rows import Row, Rows, text_stream
from services.workbench.imports.unreadable import UnreadableError

NOT_MAPPED: Final = "a column the mapping does not name; kept as an item. Name it under `columns`, or `ignore` it"


def opened_rows(stream: BinaryIO, mapping: Mapping) -> Rows:
    """Read the headings and hold them against the mapping.

    Raises:
        UnreadableError: packed, empty, a heading twice, or a column of the mapping that is not there.
    """
    refuse_packed(stream.read(8))
    stream.seek(0)
    rows = Rows(text_stream(stream, mapping.encoding), mapping.delimiter)
    if rows.problem or not any(rows.headings):
        raise UnreadableError("no_headings", "the first line holds no headings: export the file with them", 1)
    count = Counter(rows.headings)
    asked = {*mapping.columns, *_placeholders(mapping)}
    twice = sorted(name for name in asked if count[name] > 1)
    if twice:
        detail = f"{len(twice)} headings stand twice, and the mapping asks for them: rename them in the export"
        raise UnreadableError("heading_twice", detail, 1)
    optional = {name for name, column in mapping.columns.items() if column.optional or column.ignore}
    missing = sorted(asked - set(rows.headings) - optional)
    if missing:
        detail = f"the file has not these columns of the mapping: {', '.join(missing)}. Right mapping, right delimiter?"
        raise UnreadableError("column_missing", detail, 1)
    return rows


def _placeholders(mapping: Mapping) -> Iterator[str]:
    for value in mapping.values.values():
        yield from PLACEHOLDER.findall(value) if isinstance(value, str) else ()


@dataclass(frozen=True, slots=True)
class Importing:
    """One import.

    Attributes:
        report: what became of it.
        send: sends a concern, or judges it.
        mapping: what the columns mean.
        history: recorded only; else live.
        progress: told how many bytes were read.
    """

    report: Report
    send: Send
    mapping: Mapping
    history: bool
    progress: Callable[[int], None]

    def run(self, rows: Rows, rejects: Rejects, stream: BinaryIO) -> None:
        """Import every row, or stop where intake cannot be reached."""
        names = _unique(rows.headings)
        for ordinal, row in enumerate(rows, 1):
            self.report.counts["rows"] += 1
            if row.problem:
                self._reject(row, ordinal, row.problem, row.remedy, rejects)
            elif not self._row(row, ordinal, _cells(names, row), rejects):
                self.report.stopped = True
                return
            self.progress(stream.tell())

    def _row(self, row: Row, ordinal: int, cells: dict[str, str], rejects: Rejects) -> bool:
        try:
            made, rest = submission(self.mapping, cells, history=self.history)
        except ValueError:
            self._reject(row, ordinal, "mapping", "two fields of the mapping run into one another", rejects)
            return True
        for _ in rest:
            self.report.warned(COLUMN_NOT_MAPPED, NOT_MAPPED, row.line, ordinal)

        def told(answer: Answer) -> None:
            if answer.given is None:
                assert answer.error is not None
                self._reject(row, ordinal, answer.error.code, str(answer.error), rejects)
                return
            self.report.accepted(answer.given)
            for warning in answer.given.get("warnings", ()):
                self.report.warned(warning["code"], warning["detail"], row.line, ordinal, warning["pointer"])

        return self.send(str(made.get("reference", "")), made, told)

    def _reject(self, row: Row, ordinal: int, code: str, remedy: str, rejects: Rejects) -> None:
        self.report.unread(code, remedy, row.line, ordinal)
        rejects.add(row.line, row.cells, code, remedy)


def _cells(names: list[str], row: Row) -> dict[str, str]:
    """Give the cells by name; what an earlier import added to a rejected row is not sent."""
    return {name: cell for name, cell in zip(names, row.cells, strict=True) if name not in ADDED}


def _unique(headings: tuple[str, ...]) -> list[str]:
    """Give every column a name of its own; a heading that stands twice is numbered."""
    seen: Counter[str] = Counter()
    names = []
    for heading in headings:
        seen[heading] += 1
        names.append(heading if seen[heading] == 1 else f"{heading} ({seen[heading]})")
    return names
