"""What an input would overtake: the timers that fell due well before it was recorded, and have not fired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from services.chassis import database
from services.chassis.event import TIMER_GRACE, Timer
from services.chassis.journal.rows import Incoming

_FIND: Final = """
SELECT t.concern_id, t.name, t.due FROM unnest($1::uuid[], $2::timestamptz[]) AS came (concern_id, at)
JOIN timer t ON t.concern_id = came.concern_id AND t.due <= came.at ORDER BY t.due, t.name
"""


@dataclass(frozen=True, slots=True)
class Due:
    """A timer that fell due."""

    concern_id: str
    timer: Timer


class Overtaken(Exception):  # noqa: N818  (no fault: it says what has to come first)
    """Nothing was taken, because these timers come first.

    Attributes:
        due: oldest first.
    """

    def __init__(self, due: Sequence[Due]) -> None:
        super().__init__(f"{len(due)} timers come first")
        self.due = tuple(due)


def before(inputs: Sequence[Incoming]) -> Mapping[str, datetime]:
    """Give, per concern, until when a timer had to fall due to be overtaken by one of these inputs.

    An unreadable one overtakes none.
    """
    newest: dict[str, datetime] = {}
    for incoming in inputs:
        if incoming.event is not None:
            came = incoming.event.recorded
            newest[incoming.concern_id] = max(came, newest.get(incoming.concern_id, came))
    return {concern_id: came - TIMER_GRACE for concern_id, came in newest.items()}


async def overtaken(pool: asyncpg.Pool, inputs: Sequence[Incoming]) -> list[Due]:
    """Give the timers that one of these inputs would overtake, oldest first.

    Raises:
        TimeoutError, OSError, PostgresError: the database did not answer.
    """
    until = before(inputs)
    if not until:
        return []
    async with database.borrowed(pool) as connection:
        rows = await connection.fetch(_FIND, list(until), list(until.values()))
    return [Due(str(row["concern_id"]), Timer(row["name"], row["due"])) for row in rows]
