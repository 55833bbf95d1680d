"""The report of an import: what was taken, what was odd and kept, what could not be read and where. No content.

Counted for good, shown up to a bound; all of it goes line by line to ``--report FILE`` where that is wanted.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from services.workbench.output import Finding

SHOWN_MAX: Final = 200
PLACES_MAX: Final = 5
OWNER_ONLY: Final = 0o600


@dataclass
class Report:
    """What became of a file.

    Attributes:
        what: what one record is called: child, row.
        counts: children or rows, concerns, new, repeated, corrected, warnings, unread.
        findings: what could not be read, up to ``SHOWN_MAX``.
        stopped: the import did not come to the end of the file.
    """

    what: str
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    stopped: bool = False
    _warned: Counter[str] = field(default_factory=Counter)
    _places: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    _details: dict[str, str] = field(default_factory=dict)
    _file: TextIO | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write_to(self, path: Path) -> None:
        """Write every line of the report to a file that only its owner reads.

        Raises:
            OSError: it cannot be written.
        """
        found = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
        self._file = os.fdopen(found, "w", encoding="utf-8")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def warned(self, code: str, detail: str, line: int, ordinal: int, field: str = "") -> None:
        """Note something odd that was kept."""
        with self._lock:
            self.counts["warnings"] += 1
            self._warned[code] += 1
            self._details.setdefault(code, detail)
            places = self._places.setdefault(code, [])
            if len(places) < PLACES_MAX:
                places.append((line, ordinal))
            self._write(
                {"kind": "warning", "code": code, "line": line, self.what: ordinal, "field": field, "detail": detail}
            )

    def unread(self, code: str, detail: str, line: int, ordinal: int) -> None:
        """Note something that could not be read."""
        with self._lock:
            self.counts["unread"] += 1
            if len(self.findings) < SHOWN_MAX:
                at = f"line {line}" + (f", {self.what} {ordinal}" if ordinal else "")
                self.findings.append(Finding(code, f"{at}: {detail}", {"line": line, self.what: ordinal}))
            self._write({"kind": "unread", "code": code, "line": line, self.what: ordinal, "detail": detail})

    def accepted(self, given: dict[str, Any]) -> None:
        """Note an answer that says yes."""
        words = ("judged", "repeated", "corrected")
        with self._lock:
            self.counts["concerns"] += 1
            self.counts[next((word for word in words if given.get(word)), "new")] += 1

    def totals(self, *names: str) -> dict[str, int]:
        """Give the sums, in this order."""
        return {name: self.counts[name] for name in names}

    def warnings(self) -> list[dict[str, Any]]:
        """Give the warnings by code, most frequent first, with the first places."""
        return [
            {
                "code": code,
                "count": count,
                "detail": self._details[code],
                "first": [{"line": line, self.what: ordinal} for line, ordinal in self._places[code]],
            }
            for code, count in self._warned.most_common()
        ]

    def lines(self) -> Iterator[str]:
        """Tell a person."""
        c = self.counts
        yield (
            f"{c['concerns']} concerns: {c['new']} new, {c['corrected']} corrected, {c['repeated']} known before; "
            f"{c['warnings']} warnings, {c['unread']} unread"
        )
        for warned in self.warnings():
            where = ", ".join(f"line {p['line']}" for p in warned["first"])
            more = ", …" if warned["count"] > len(warned["first"]) else ""
            yield f"  {warned['count']:>6}  {warned['code']}: {warned['detail']} ({where}{more})"
        if c["unread"] > len(self.findings):
            yield f"  {c['unread'] - len(self.findings)} more that could not be read: --report FILE names each"

    def _write(self, said: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(said, ensure_ascii=False) + "\n")
