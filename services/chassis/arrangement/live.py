"""The arrangements of a folder, followed while a service runs: what is published is taken up without a restart.

Only additions are followed, and only such as begin tomorrow or later: what was decided up to now would otherwise be
decided differently by a replay. Nothing that was at hand is ever forgotten, whatever happens to its file. A new file
that is wrong is not taken; the service goes on with what it has and says so.
"""

from __future__ import annotations

import asyncio
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final

from prometheus_client import Gauge

from services.chassis.arrangement.book import ArrangementBook
from services.chassis.arrangement.document import read_arrangement
from services.chassis.arrangement.model import Arrangement
from services.chassis.calendar import LONDON
from services.chassis.errors import SettingsError
from services.chassis.log import Log
from services.chassis.service import Context
from services.chassis.settings import Settings

LOOK_EVERY_S: Final = 10.0
log = Log(__name__)

_Seen = tuple[tuple[str, int, int], ...]


class LiveBook:
    """A book that is replaced by one with more in it, whenever something was published.

    Args:
        folder: where the files lie.
        profile: what it must be fit for.

    Attributes:
        book: everything at hand now.
        sound: whether everything that lies in the folder was taken.
    """

    def __init__(self, folder: Path, profile: str) -> None:
        self._folder, self._profile = folder, profile
        self._seen = _seen(folder)
        self.book = ArrangementBook.load(folder).fit_for(profile)
        self.sound = True

    def by_digest(self, sha256: str) -> Arrangement | None:
        """As ``Book.by_digest``."""
        return self.book.by_digest(sha256)

    def on(self, day: date) -> Arrangement:
        """As ``Book.on``."""
        return self.book.on(day)

    def look(self, today: date) -> list[Arrangement]:
        """Take up what came into the folder; give what is new.

        Args:
            today: Europe/London.
        """
        seen = _seen(self._folder)
        if seen == self._seen:
            return []
        self._seen = seen
        new: list[Arrangement] = []
        sound = True
        for path in sorted(self._folder.glob("*.yaml")):
            try:
                found = self._addition(path, today)
            except (SettingsError, OSError) as error:
                sound = False
                log.error("an arrangement was not taken up", path=path.name, error=type(error).__name__)  # noqa: TRY400
            else:
                new += [found] if found is not None else []
        if new:
            self.book = ArrangementBook.of((*self.book.arrangements, *new))
        self.sound = sound
        return new

    def _addition(self, path: Path, today: date) -> Arrangement | None:
        found = read_arrangement(path)
        if self.book.by_digest(found.sha256) is not None:
            return None
        ArrangementBook.of([found]).fit_for(self._profile)
        if found.valid_from <= today:
            raise SettingsError(
                f"{path.name} begins on {found.valid_from}: what was decided since then would replay differently; "
                "publish it with a day after today"
            )
        return found


def _seen(folder: Path) -> _Seen:
    return tuple(sorted((path.name, (stat := path.stat()).st_mtime_ns, stat.st_size) for path in folder.glob("*.yaml")))


@lru_cache(maxsize=8)
def _shared(folder: Path, profile: str) -> LiveBook:
    return LiveBook(folder, profile)


def live_book(settings: Settings) -> LiveBook:
    """Give the one book of this process.

    Raises:
        SettingsError: no arrangement, or one that is wrong, or one that production does not take.
    """
    return _shared(settings.deploy_dir / "arrangements", settings.profile)


async def follow_arrangements(context: Context) -> None:
    """Take up what is published: look into the folder every ten seconds, for as long as the process lives."""
    book, registry = live_book(context.settings), context.telemetry.registry
    known = Gauge("relay_arrangements", "Arrangements at hand", registry=registry)
    refused = Gauge("relay_arrangements_refused", "1 while a file in the folder was not taken up", registry=registry)
    while True:
        known.set(len(book.book.arrangements))
        refused.set(not book.sound)
        await asyncio.sleep(LOOK_EVERY_S)
        today = context.clock.now().astimezone(LONDON).date()
        for arrangement in await asyncio.to_thread(book.look, today):
            log.info("an arrangement was taken up", version=arrangement.sha256[:12], due=arrangement.valid_from)
