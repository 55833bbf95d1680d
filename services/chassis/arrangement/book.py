"""All arrangements at hand: the one in force on a day, or the one a decision names by digest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final, Protocol

from services.chassis.arrangement.check import papers_missing
from services.chassis.arrangement.document import FOLDER, parse_arrangement
from services.chassis.arrangement.model import Arrangement
from services.chassis.errors import SettingsError
from services.chassis.marked_yaml import read_raw

ARRANGEMENTS_REMEMBERED: Final = 32
SENTENCES_MAX: Final = 20


class Book(Protocol):
    """What whoever decides by arrangements asks: the one in force on a day, or the one a decision names."""

    def by_digest(self, sha256: str) -> Arrangement | None:
        """Give the arrangement of that digest (hexadecimal), in force or not."""

    def on(self, day: date) -> Arrangement:
        """Give the arrangement in force on a day."""


@dataclass(frozen=True)
class ArrangementBook:
    """Every arrangement known, old ones too: a decision of last year is explained with the file of last year."""

    arrangements: tuple[Arrangement, ...]

    def __post_init__(self) -> None:
        if not self.arrangements:
            raise SettingsError("no arrangement; put at least one *.yaml into deploy/arrangements")

    @classmethod
    def of(cls, arrangements: Iterable[Arrangement]) -> ArrangementBook:
        """Make a book, oldest first."""
        return cls(tuple(sorted(arrangements, key=lambda a: (a.valid_from, a.name))))

    @classmethod
    def load(cls, folder: Path = FOLDER) -> ArrangementBook:
        """Read every ``*.yaml`` of a folder.

        Raises:
            DocumentError: for a file that is wrong.
            SettingsError: for a folder without any.
        """
        return cls.of(_arrangement(read_raw(path), path.name) for path in sorted(folder.glob("*.yaml")))

    def fit_for(self, profile: str) -> ArrangementBook:
        """Give itself, if it may be used there: production takes no EXAMPLE, and nobody without papers (practice 30).

        Raises:
            SettingsError: names the arrangement or the agency, and what is missing.
        """
        if profile != "production":
            return self
        missing = [sentence for arrangement in self.arrangements for sentence in papers_missing(arrangement)]
        if missing:
            raise SettingsError("\n".join(missing[:SENTENCES_MAX]))
        return self

    @cached_property
    def _digests(self) -> dict[str, Arrangement]:
        return {arrangement.sha256: arrangement for arrangement in self.arrangements}

    def by_digest(self, sha256: str) -> Arrangement | None:
        """Give the arrangement of that digest (hexadecimal), in force or not."""
        return self._digests.get(sha256)

    def on(self, day: date) -> Arrangement:
        """Give the arrangement in force on a day.

        Between two, or after the last, the one before still answers: an agreement that ran out must not keep anybody
        from being told of a child. Whoever needs to know asks ``in_force``.
        """
        begun = [arrangement for arrangement in self.arrangements if arrangement.valid_from <= day]
        in_force = [arrangement for arrangement in begun if arrangement.in_force(day)]
        return (in_force or begun or list(self.arrangements[:1]))[-1]


@lru_cache(maxsize=ARRANGEMENTS_REMEMBERED)
def _arrangement(raw: bytes, name: str) -> Arrangement:
    """Read a file by its content: the same bytes are the same arrangement, and it never changes."""
    return parse_arrangement(raw, name)
