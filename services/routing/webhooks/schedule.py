"""When a message is tried again, and when somebody else takes over. Pure; the random number is given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from concern_relay.v1.codes_pb2 import Urgency

DELAYS_S: Final = (5, 30, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 14400, 14400, 14400, 14400)
"""After each attempt, in seconds; together a day. The first two catch a restart, the last ones a night."""

WINDOW: Final = timedelta(hours=24)
"""How long a message is tried; then it is parked."""

JITTER: Final = 0.2
"""Share of a delay by which it is moved, so that what failed together does not come back together."""

REST_FIRST_S: Final = 1.0
REST_MAX_S: Final = 300.0
"""An endpoint that does not answer is left alone so long; then one message tries whether it is back."""

ANNOUNCED_MAX_S: Final = 3600.0
"""Longest Retry-After that is followed."""

HAND_ON: Final[Mapping[int, timedelta]] = {
    Urgency.URGENCY_EMERGENCY: timedelta(seconds=30),
    Urgency.URGENCY_URGENT: timedelta(minutes=2),
}
HAND_ON_ROUTINE: Final = timedelta(minutes=10)
"""A share that no endpoint has taken by then goes the next way; within the 15 minutes of practice 1."""


def retry_in(attempt: int, chance: float, announced_s: float = 0.0) -> timedelta:
    """Give how long to wait after an attempt.

    Args:
        attempt: number of the one that failed, from 1.
        chance: from 0 up to 1, random.
        announced_s: Retry-After of the answer, in seconds; 0 for none.
    """
    delay_s = DELAYS_S[min(attempt, len(DELAYS_S)) - 1] * (1 + JITTER * (2 * chance - 1))
    return timedelta(seconds=max(delay_s, min(announced_s, ANNOUNCED_MAX_S)))


def rest(failures: int, chance: float) -> timedelta:
    """Give how long an endpoint is left alone after so many failures in a row."""
    rest_s = min(REST_FIRST_S * 2.0 ** min(failures - 1, 20), REST_MAX_S)
    return timedelta(seconds=rest_s * (1 + JITTER * (2 * chance - 1)))


def hand_on_after(urgency: int) -> timedelta:
    """Give how long a webhook has, before the next channel takes the share."""
    return HAND_ON.get(urgency, HAND_ON_ROUTINE)
