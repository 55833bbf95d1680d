"""Clock: where time comes from. A port, so that tests and demonstrations move it by hand.

With ``RELAY_CLOCK=test`` all processes of a run share one ``TestClock``: the machine's time and an offset that lies in
a file of the state directory. Whoever moves it moves it for all. A production profile refuses to start so.
"""

from __future__ import annotations

import fcntl
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from services.chassis.errors import SettingsError
from services.chassis.settings import Settings

TEST_CLOCK_FILE: Final = "test-clock.json"
MOVE_MAX: Final = timedelta(days=366 * 30)
"""Farthest the test clock stands from the machine's: thirty years, more than any retention period here."""


class Clock(Protocol):
    """The time, in two kinds."""

    def now(self) -> datetime:
        """Give the time of day: aware, UTC."""

    def monotonic(self) -> float:
        """Give seconds that only ever grow, from no particular start."""


class SystemClock:
    """The machine's own."""

    def now(self) -> datetime:
        """As ``Clock.now``."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """As ``Clock.monotonic``."""
        return time.monotonic()


class StillClock:
    """Stands still until it is moved; for pure tests."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)
        self._monotonic = 0.0

    def now(self) -> datetime:
        """As ``Clock.now``."""
        return self._now

    def monotonic(self) -> float:
        """As ``Clock.monotonic``."""
        return self._monotonic

    def advance(self, elapsed: timedelta) -> None:
        """Move forward."""
        self._now += elapsed
        self._monotonic += elapsed.total_seconds()


@dataclass(frozen=True, slots=True)
class _Shift:
    """How far the test clock stands from the machine's.

    Attributes:
        offset_s: of the time of day; negative in the past.
        forward_s: of the monotonic time: the sum of all moves forward. A move back leaves it, for nothing that was
            held for five seconds may be held longer because somebody turned the clock back.
    """

    offset_s: float = 0.0
    forward_s: float = 0.0

    def moved(self, by_s: float) -> _Shift:
        return _Shift(self.offset_s + by_s, self.forward_s + max(0.0, by_s))


class TestClock:
    """The machine's time, moved by hand, for all processes that share a state directory.

    The file is looked at on every call (one ``stat``, 2 µs) and read when it changed.
    """

    __test__ = False  # its name starts as a test's does; pytest is not meant

    def __init__(self, path: Path) -> None:
        """Use the file at ``path``; while there is none, the machine's time is right."""
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._shift = _Shift()

    def now(self) -> datetime:
        """As ``Clock.now``."""
        return datetime.now(UTC) + timedelta(seconds=self._current().offset_s)

    def monotonic(self) -> float:
        """As ``Clock.monotonic``."""
        return time.monotonic() + self._current().forward_s

    def advance(self, elapsed: timedelta) -> datetime:
        """Move by a span, and give the time it is now.

        Raises:
            ValueError: that is too far from the machine's time.
        """
        return self._move(elapsed, to=None)

    def set(self, instant: datetime) -> datetime:
        """Move to an instant, and give the time it is now.

        Raises:
            ValueError: the instant has no time zone, or is too far from the machine's time.
        """
        if instant.tzinfo is None:
            raise ValueError("give the instant with its time zone, as 2026-03-02T09:00:00Z")
        return self._move(None, to=instant)

    def _move(self, elapsed: timedelta | None, *, to: datetime | None) -> datetime:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            by = elapsed if to is None else to - self.now()
            assert by is not None
            after = self._current().moved(by.total_seconds())
            if abs(after.offset_s) > MOVE_MAX.total_seconds():
                raise ValueError(f"the test clock moves at most {MOVE_MAX.days} days away from the machine's time")
            beside = self._path.with_suffix(".new")
            beside.write_text(json.dumps({"offset_s": after.offset_s, "forward_s": after.forward_s}))
            beside.replace(self._path)
        return self.now()

    def _current(self) -> _Shift:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return self._shift
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if stamp != self._stamp:
            self._shift = _Shift(**json.loads(self._path.read_text()))
            self._stamp = stamp
        return self._shift


def clock_of(settings: Settings) -> Clock:
    """Give the clock that the settings name.

    Raises:
        SettingsError: the clock would be moved by hand in production.
    """
    if settings.clock != "test":
        return SystemClock()
    if settings.profile == "production":
        raise SettingsError("RELAY_CLOCK=test moves deadlines by hand: production refuses to start with it")
    return TestClock(settings.state_dir / TEST_CLOCK_FILE)
