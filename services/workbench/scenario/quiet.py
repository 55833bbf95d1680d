"""Whether the house is at rest: every event taken, every outbox empty, nothing due. Asked, not guessed by waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

import asyncpg

from services.chassis.envelope import Event
from services.workbench.recorded import TOPICS, Recorded
from services.workbench.scenario.stage import SceneError
from services.workbench.servers import Servers

READS: Final[Mapping[str, tuple[str, ...]]] = {
    "intake": ("assessments.v1", "shares.v1"),
    "basis_assessment": ("concerns.v1",),
    "routing": ("concerns.v1", "assessments.v1"),
    "vault": ("concerns.v1", "shares.v1"),
}
TAKES: Final[Mapping[str, frozenset[str]]] = {
    "vault": frozenset({"ErasureApproved", "ErasureConfirmed", "ErasureDeclined"})
}
"""Who passes over other events than these."""

DATABASE_DEADLINE_S: Final = 10.0
LOOK_EVERY_S: Final = 0.05
SETTLE_DEADLINE_S: Final = 60.0

# one statement a service sees one moment: what is taken later is sent later, and seen then
_LEFT = """
SELECT EXISTS (SELECT FROM outbox) AS "records to send",
    EXISTS (SELECT FROM timer WHERE due <= $1) AS "timers to fire",
    ARRAY(SELECT event_id FROM entry WHERE event_id = ANY($2)
          UNION ALL SELECT event_id FROM parked WHERE event_id = ANY($2)) AS taken
"""
_MORE: Final[Mapping[str, str]] = {
    "vault": ', EXISTS (SELECT FROM vault.pending_event WHERE journaled_at IS NULL) AS "what happened to keys to tell"',
    "intake": ', EXISTS (SELECT FROM intake_withdrawal WHERE assessed) AS "withdrawals to settle"',
    "routing": """,
    EXISTS (SELECT FROM delivery_job WHERE next_at <= $1 AND channel <> 'manual') AS "shares to deliver"
""",
}


class Quiet:
    """Looks at a running house. Use as an async context manager, in one loop: its connections are kept."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._held = AsyncExitStack()
        self._databases: dict[str, asyncpg.Connection[Any]] = {}
        self._looked_at = 0
        self._to_take: dict[str, set[UUID]] = {service: set() for service in READS}

    async def __aenter__(self) -> Self:
        """Connect to the broker and to the databases."""
        recorded = Recorded(self._servers.kafka.connection("workbench"), (*TOPICS, "keys.v1"))
        self._recorded = await self._held.enter_async_context(recorded)
        for service in READS:
            found = await asyncpg.connect(self._servers.database_url(service), timeout=DATABASE_DEADLINE_S)
            self._held.push_async_callback(found.close, timeout=DATABASE_DEADLINE_S)
            self._databases[service] = found
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of them."""
        await self._held.aclose()

    async def rest(self, now: Callable[[], datetime]) -> list[Event]:
        """Wait until the house is at rest, and give all events there are then.

        Args:
            now: its time, asked anew each time.

        Raises:
            SceneError: it is not at rest within 60 s; says what is still under way.
        """
        deadline = time.monotonic() + SETTLE_DEADLINE_S
        while True:
            events = await self._recorded.events()
            left = await self._unrest(events, now())
            # whatever was under way when one service was asked was sent before the next one was, or is still there
            if not left and len(await self._recorded.events()) == len(events):
                return events
            if time.monotonic() > deadline:
                raise SceneError(f"no rest within {SETTLE_DEADLINE_S:g} s: {'; '.join(left) or 'it goes on and on'}")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _unrest(self, events: list[Event], now: datetime) -> list[str]:
        """Say what is still under way, service by service; timers due by ``now`` count."""
        for event in events[self._looked_at :]:
            for service, topics in READS.items():
                if event.topic in topics and event.type in TAKES.get(service, {event.type}):
                    self._to_take[service].add(event.id)
        self._looked_at = len(events)
        each = await asyncio.gather(*(self._left_of(service, now) for service in READS))
        return [words for found in each for words in found]

    async def _left_of(self, service: str, now: datetime) -> list[str]:
        waiting = self._to_take[service]
        row = await self._databases[service].fetchrow(_LEFT + _MORE.get(service, ""), now, list(waiting))
        assert row is not None, "it is a row of answers"
        left = dict(row)
        waiting -= set(left.pop("taken"))
        if waiting:
            left[f"{len(waiting)} events to take"] = True
        return [f"{service} has {what}" for what, there in left.items() if there]
