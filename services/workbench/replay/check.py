"""Replaying all of history: slice by slice of the concern ids, in as many processes as are asked for."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from services.chassis.clock import SystemClock
from services.chassis.keys import LocalKms, VaultKeys
from services.workbench.replay.engine import GRACE, replay
from services.workbench.replay.finding import Tally
from services.workbench.replay.source import History, from_database, slices
from services.workbench.replay.wired import Wired
from services.workbench.replay.wiring import wire

#: Why replay opens keys, for the vault's log.
PURPOSE: Final = "replay"
#: Records a slice of the concern ids should have; each slice is a step of the progress bar.
SLICE_RECORDS: Final = 10_000
SLICES_MAX: Final = 4096
DATABASE_DEADLINE_S: Final = 60.0

Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Access:
    """How a replaying process reaches what it needs.

    Attributes:
        audit_url: DSN of the audit database.
        vault_url: DSN of the vault's database, under a role that may open for replay.
        master_key: file of the local KMS.
        deploy_dir: law packs and arrangements.
    """

    audit_url: str
    vault_url: str
    master_key: Path
    deploy_dir: Path

    def keys(self) -> VaultKeys:
        """Give the vault's client; use as an async context manager."""
        return VaultKeys(self.vault_url, LocalKms(self.master_key), SystemClock())

    async def connect(self) -> asyncpg.Connection[Any]:
        """Connect to the audit database."""
        return await asyncpg.connect(
            self.audit_url, timeout=DATABASE_DEADLINE_S, command_timeout=DATABASE_DEADLINE_S
        )  # fmt: skip


def check_all(access: Access, *, grace: timedelta = GRACE, workers: int = 1, told: Told | None = None) -> Tally:
    """Replay everything in the audit database.

    Args:
        access: how to reach it.
        grace: how long before the newest record an effect may still be on its way; nothing, when nothing runs.
        workers: processes.
        told: told of each slice that is done.
    """
    settled, size = asyncio.run(_extent(access, grace))
    whole = Tally()
    if settled is None:
        return whole
    parts = slices(min(SLICES_MAX, max(workers, size // SLICE_RECORDS + 1)))
    if workers <= 1:
        for done, (first, last) in enumerate(parts, 1):
            whole.add(check_slice(access, first, last, settled))
            _tell(told, done, len(parts))
        return whole
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        tasks = [pool.submit(check_slice, access, first, last, settled) for first, last in parts]
        for done, task in enumerate(as_completed(tasks), 1):
            whole.add(task.result())
            _tell(told, done, len(parts))
    return whole


def check_slice(access: Access, first: UUID, last: UUID, settled: datetime) -> Tally:
    """Replay the concerns of a slice; ``settled`` as for ``engine.replay``."""
    return asyncio.run(_slice(access, first, last, settled))


def check_one(access: Access, concern_id: UUID, *, grace: timedelta = GRACE) -> Tally:
    """Replay one concern."""
    settled, _ = asyncio.run(_extent(access, grace))
    return Tally() if settled is None else check_slice(access, concern_id, concern_id, settled)


async def check_histories(
    histories: AsyncIterable[History], services: Sequence[Wired], grace: timedelta = GRACE
) -> Tally:
    """Replay histories that come all at once: the newest record of all says what should be recorded by now."""
    every = [history async for history in histories]
    whole = Tally()
    newest = max((past.event.recorded for history in every for past in history.past), default=None)
    if newest is not None:
        for history in every:
            whole.add(_one(history, services, newest - grace))
    return whole


def _one(history: History, services: Sequence[Wired], settled: datetime) -> Tally:
    tally = Tally(concerns=1, findings=list(history.findings))
    for service in services:
        tally.add(replay(service, history.concern_id, history.past, settled))
    return tally


async def _slice(access: Access, first: UUID, last: UUID, settled: datetime) -> Tally:
    whole = Tally()
    connection = await access.connect()
    try:
        async with access.keys() as keys:
            histories = from_database(connection, keys, purpose=PURPOSE, first=first, last=last)
            async for history in histories:
                whole.add(_one(history, _services(access.deploy_dir), settled))
    finally:
        await connection.close(timeout=DATABASE_DEADLINE_S)
    return whole


@cache
def _services(deploy_dir: Path) -> tuple[Wired, ...]:
    services = wire(deploy_dir)
    # the tables of the law stay for good: the collector need not look at them again and again (7 % of the time)
    gc.freeze()
    return services


async def _extent(access: Access, grace: timedelta) -> tuple[datetime | None, int]:
    """Give the moment before which everything should be recorded, and how many records there are."""
    connection = await access.connect()
    try:
        row = await connection.fetchrow("SELECT max(recorded) AS newest, count(*) AS size FROM record")
    finally:
        await connection.close(timeout=DATABASE_DEADLINE_S)
    return None if row["newest"] is None else row["newest"] - grace, row["size"]


def _tell(told: Told | None, done: int, of: int) -> None:
    if told is not None:
        told(done, of)
