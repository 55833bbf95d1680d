"""Clock: where time comes from. A port, so that tests and demonstrations move it by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


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
