"""Replay: a house is fed and stopped; all it recorded is decided again, parts opened, on one core and on two."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import asyncpg

from bench.measure import Bench
from bench.rows import Row
from services.chassis.settings import REPOSITORY
from services.workbench.calls import Calls
from services.workbench.feeder import Fed, feed, samples
from services.workbench.house import House, house
from services.workbench.replay.check import Access, check_all
from services.workbench.scenario.quiet import Quiet
from services.workbench.scenario.stage import SceneError
from services.workbench.servers import Lines, Servers, running

EVENTS_S_MIN = 5_000
TWO_CORES_MIN = 1.8
EVENTS_A_CONCERN = 25
FEEDERS = 4
LOOK_EVERY_S = 1.0
LOOK_DEADLINE_S = 10.0
REST_DEADLINE_S = 300.0


def rows(bench: Bench, runs: int, count: int) -> list[Row]:
    """Record a history of about ``count`` events, and replay it ``runs`` times each way."""
    del bench  # the house has servers of its own
    with TemporaryDirectory(prefix="relay-bench-replay-") as state:
        folder = Path(state)
        with house(folder, Lines()) as fed:
            _feed(fed, count // EVENTS_A_CONCERN)
            _rest(fed)
        with running(folder, frozenset({"postgres"}), Lines()) as servers:
            access = Access(
                servers.database_url("audit"),
                servers.vault_url("workbench"),
                folder / "secrets" / "master.key",
                REPOSITORY / "deploy",
            )
            one, two = list[float](), list[float]()
            for _ in range(runs):
                one.append(_replay(access, 1))
                two.append(_replay(access, 2))
    scaled = tuple(b / a for a, b in zip(one, two, strict=True))
    return [
        Row("replay with opening and assessing, one core", "events/s", tuple(one), at_least=EVENTS_S_MIN),
        Row("replay on two cores against one", "times", scaled, at_least=TWO_CORES_MIN),
    ]


def _replay(access: Access, workers: int) -> float:
    began = perf_counter()
    tally = check_all(access, grace=timedelta(), workers=workers)
    if tally.findings or not tally.events:
        raise RuntimeError(f"replay came out otherwise: {len(tally.findings)} findings, {tally.events} events")
    return tally.events / (perf_counter() - began)


def _feed(fed: House, count: int) -> None:
    """Raise the samples again and again, each time under references of their own."""
    calls = Calls(dict(fed.urls), fed.state.path / "tokens")
    source = itertools.islice(itertools.cycle(list(samples())), count)

    def one(numbered: tuple[int, tuple[str, dict[str, Any]]]) -> None:
        number, (agency, submission) = numbered
        feed(calls, agency, {**submission, "reference": f"{submission['reference']}-{number}"}, Fed())

    with ThreadPoolExecutor(FEEDERS) as feeders:
        list(feeders.map(one, enumerate(source)))


def _rest(fed: House) -> None:
    """Wait until every record is taken and audit has it."""
    _until(lambda: asyncio.run(_is_at_rest(fed.servers)), "the house did not come to rest")
    sizes = [-1]

    def recorded() -> bool:
        sizes.append(asyncio.run(_size(fed.servers.database_url("audit"))))
        return sizes[-1] == sizes[-2]

    _until(recorded, "audit did not come to rest")


async def _is_at_rest(servers: Servers) -> bool:
    async with Quiet(servers) as quiet:
        try:
            await quiet.rest(lambda: datetime.now(UTC))
        except SceneError:  # not within its own deadline; asked again until ours
            return False
    return True


async def _size(dsn: str) -> int:
    connection = await asyncpg.connect(dsn, timeout=LOOK_DEADLINE_S)
    try:
        return int(await connection.fetchval("SELECT size FROM head", timeout=LOOK_DEADLINE_S))
    finally:
        await connection.close(timeout=LOOK_DEADLINE_S)


def _until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + REST_DEADLINE_S
    while not done():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} within {REST_DEADLINE_S:.0f} s")
        time.sleep(LOOK_EVERY_S)
