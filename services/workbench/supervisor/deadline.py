"""A moment by which something must have happened, on the monotonic clock."""

from __future__ import annotations

import time


class Deadline:
    """Counts down from the moment it is made.

    Args:
        seconds: how long from now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = time.monotonic() + seconds

    def left_s(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._until - time.monotonic())

    def passed(self) -> bool:
        """True when no time is left."""
        return self.left_s() == 0.0

    def pause(self, seconds: float) -> None:
        """Wait a little before asking again, never past the deadline."""
        time.sleep(min(seconds, self.left_s()))
