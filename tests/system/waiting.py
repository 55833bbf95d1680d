"""Waits for what must come, to a deadline; never sleeps for a fixed time and hopes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE_S = 40.0
LOOK_EVERY_S = 0.1


def until(what: str, look: Callable[[], T | None], deadline_s: float = DEADLINE_S) -> T:
    """Give the first thing found that is true.

    Raises:
        AssertionError: it did not come in time.
    """
    end = time.monotonic() + deadline_s
    while True:
        if found := look():
            return found
        assert time.monotonic() < end, f"{what} did not come within {deadline_s:g} s"
        time.sleep(LOOK_EVERY_S)
