"""When to try again: what may pass, how long to wait, and when to give up. Pure."""

from __future__ import annotations

from typing import Final

PASSING: Final = frozenset({425, 429, 500, 502, 503, 504})
FIRST_S: Final = 0.25
MOST_S: Final = 10.0
RETRY_AFTER_MOST_S: Final = 60.0


def pause_s(attempt: int, retry_after: str | None, spread: float) -> float:
    """Give how long to wait after a failed attempt, from 0.

    Args:
        attempt: which it was, the first is 0.
        retry_after: the header, in seconds; it is never undercut.
        spread: 0 to 1, at random: many who failed together must not come back together.
    """
    doubled = min(FIRST_S * 2.0**attempt, MOST_S)
    asked = float(retry_after) if retry_after and retry_after.isdecimal() else 0.0
    return max(min(asked, RETRY_AFTER_MOST_S), doubled / 2) + spread * doubled / 2
