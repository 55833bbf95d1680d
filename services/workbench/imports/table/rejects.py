"""Rows that were not taken, kept beside the file for whoever puts them right: only its owner reads them."""

from __future__ import annotations

import csv
import os
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TextIO

from services.workbench.imports.encoding import NOT_DECODED
from services.workbench.imports.report import OWNER_ONLY

ADDED: Final = ("relay_line", "relay_code", "relay_remedy")


class Rejects(AbstractContextManager["Rejects"]):
    """``FILE.rejected.csv``: written only when there is something to write.

    Args:
        file: the imported file.
        headings: its headings.
        delimiter: its delimiter.
        keep: write; not on a dry run.
    """

    def __init__(self, file: Path, headings: tuple[str, ...], delimiter: str, *, keep: bool) -> None:
        """Write nothing yet."""
        self.path = file.with_name(f"{file.stem}.rejected.csv")
        self._headings, self._delimiter, self._keep = headings, delimiter, keep
        self._file: TextIO | None = None
        self._writer: Any = None
        self._lock = threading.Lock()
        self.count = 0

    def add(self, line: int, cells: tuple[str, ...], code: str, remedy: str) -> None:
        """Keep a row."""
        with self._lock:
            self.count += 1
            if not self._keep:
                return
            if self._writer is None:
                self._open()
            shown = [cell.replace(NOT_DECODED, "\ufffd").encode("utf-8", "replace").decode() for cell in cells]
            wide = [*shown, *[""] * (len(self._headings) - len(shown))]
            self._writer.writerow([*wide, line, code, remedy])

    def _open(self) -> None:
        self.path.unlink(missing_ok=True)  # of an earlier run; its mode may be another
        found = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        self._file = os.fdopen(found, "w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, delimiter=self._delimiter)
        self._writer.writerow([*self._headings, *ADDED])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
