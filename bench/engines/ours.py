"""Stage, journal and publisher of the chassis, in one process."""

from __future__ import annotations

import asyncio
import os
import signal

import asyncpg
import uvloop

from bench.work import PARTITIONS, assessed, task
from concern_relay.v1.concerns_pb2 import ConcernRaised
from services.chassis import heap
from services.chassis.clock import SystemClock
from services.chassis.event import NOTHING, Decision, Effect, Fact
from services.chassis.journal import Desk, Journal, NoStore
from services.chassis.keys import MemoryKeys
from services.chassis.publisher import Publisher
from services.chassis.stage import Stage
from services.chassis.telemetry import Telemetry


class TrivialCore:
    """One effect for each concern raised."""

    def start(self, concern_id: str) -> int:
        """As ``Core.start``."""
        del concern_id
        return 0

    def evolve(self, state: int, fact: Fact) -> int:
        """As ``Core.evolve``."""
        del fact
        return state + 1

    def decide(self, state: int, fact: Fact) -> Decision:
        """As ``Core.decide``."""
        del state
        if not isinstance(fact.data, ConcernRaised):
            return NOTHING
        return Decision((Effect(assessed(str(fact.id), fact.data), ""),))


async def main() -> None:
    """Run until SIGTERM."""
    told = task()
    settings = told.settings()
    telemetry = Telemetry(settings.service)
    partitions = {told.sink: PARTITIONS, f"parked.{settings.service}.v1": 1}
    async with asyncpg.create_pool(told.dsn, min_size=2, max_size=4) as pool:
        publisher = Publisher(pool, settings, partitions, telemetry)
        desk = Desk(
            settings.service, TrivialCore(), NoStore(), MemoryKeys(), SystemClock(), (told.sink,), partitions,
            os.urandom(64), frozenset(), "bench",
        )  # fmt: skip
        journal = Journal(pool, desk, telemetry, publisher.wake)
        await journal.migrate()
        stage = Stage(journal, settings, (told.source,), telemetry)

        def end() -> None:
            stage.stop()
            publisher.stop()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
        heap.settle()
        await asyncio.gather(stage.run(), publisher.run())


if __name__ == "__main__":
    uvloop.run(main())
