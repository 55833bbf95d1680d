"""Publishing an arrangement: the file people signed, byte by byte, put beside those before it, with who did it when.

The folder is the register. Nothing in it is ever changed or removed: a decision names the digest of the file it was
made with, and a replay looks it up there. ``publications.ndjson`` says who published what; it is written first, so that
no file comes into force that nobody answers for.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from services.chassis.arrangement import Arrangement, ArrangementBook, read_arrangement
from services.chassis.arrangement.check import papers_missing
from services.chassis.arrangement.difference import Difference, difference
from services.chassis.calendar import LONDON

REGISTER: Final = "publications.ndjson"
AHEAD: Final = timedelta(minutes=5)
"""Services look into the folder every ten seconds; all of them must know it when its first day begins."""


class NotPublishedError(Exception):
    """It may not be published so; says why and what to do.

    Attributes:
        code: stable, for machines.
    """

    def __init__(self, code: str, detail: str) -> None:
        """Say why."""
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes: a named person with the authority to."""

    name: str
    role: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Publication:
    """What was published.

    Attributes:
        supersedes: what answers on the day before.
        again: it lay there already; nothing was done.
    """

    arrangement: Arrangement
    path: Path
    supersedes: Arrangement
    changes: Difference
    again: bool = False


def publish(
    file: Path, folder: Path, effective: date, by: Publisher, *, now: datetime, production: bool, dry_run: bool = False
) -> Publication:
    """Publish a file.

    Args:
        file: the arrangement as it was signed.
        folder: the register of arrangements.
        effective: first day; must be the one the file itself says.
        by: the named person who does it.
        now: aware.
        production: whether production must be able to take it.
        dry_run: look only.

    Raises:
        NotPublishedError: it may not be published so.
        DocumentError: it is wrong; with every mistake.
        OSError: it cannot be read, or the folder not be written.
    """
    found, book = read_arrangement(file), ArrangementBook.load(folder)
    supersedes = book.on(found.valid_from - timedelta(days=1))
    path = folder / f"{found.name}.{found.valid_from}.{found.sha256[:12]}.yaml"
    known = book.by_digest(found.sha256)
    if known is not None:
        return Publication(found, path, supersedes, difference(supersedes, found), again=True)
    _refuse(found, book, effective, by, now)
    if production and (missing := list(papers_missing(found))):
        raise NotPublishedError("not_for_production", "; ".join(missing))
    if not dry_run:
        _append(folder / REGISTER, _entry(found, path, supersedes, by, now))
        _put(path, file.read_bytes())
    return Publication(found, path, supersedes, difference(supersedes, found))


def _refuse(found: Arrangement, book: ArrangementBook, effective: date, by: Publisher, now: datetime) -> None:
    if not by.name.strip() or not by.role.strip():
        raise NotPublishedError("named_person_required", "say who publishes it: --name and --role")
    if effective != found.valid_from:
        raise NotPublishedError(
            "another_day",
            f"the file says valid_from: {found.valid_from}, you say {effective}: what was signed is published as it is",
        )
    if now + AHEAD > datetime.combine(found.valid_from, time(), LONDON):
        raise NotPublishedError(
            "too_late",
            f"it begins on {found.valid_from}: decisions were or are being made for that day; begin tomorrow or later",
        )
    same = [one for one in book.arrangements if one.valid_from == found.valid_from]
    if same:
        raise NotPublishedError(
            "same_day", f"{same[0].name} ({same[0].sha256[:12]}) begins on that day already: choose another"
        )


def _entry(found: Arrangement, path: Path, supersedes: Arrangement, by: Publisher, now: datetime) -> dict[str, object]:
    return {
        "sha256": found.sha256,
        "file": path.name,
        "name": found.name,
        "status": found.status.value,
        "valid_from": str(found.valid_from),
        "supersedes": supersedes.sha256,
        "published_at": now.isoformat(timespec="seconds"),
        "published_by": {"name": by.name.strip(), "role": by.role.strip()},
        "reason": by.reason.strip(),
    }


def _append(path: Path, entry: dict[str, object]) -> None:
    with path.open("a", encoding="utf-8") as out:
        out.write(json.dumps(entry, ensure_ascii=False) + "\n")
        out.flush()
        os.fsync(out.fileno())


def _put(path: Path, content: bytes) -> None:
    """Write whole or not at all; a half-written file is never read."""
    beside = path.with_suffix(".new")
    with beside.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(path)
