"""What a concern costs: milliseconds of processor a concern, process by process, in the whole system.

From /proc, servers and caller included, so that what else runs on the machine counts only by what it displaces from the
caches. At ten concerns a second each event is a turn of its own for everybody; raised as fast as they are taken they
share turns. What the system takes when nothing comes is told apart.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import asyncpg
import psutil

from bench.measure import Bench
from bench.routing import raise_concerns
from bench.rows import Row
from services.workbench.house import House, house
from services.workbench.servers import Lines
from services.workbench.servers.address import with_login

WARM: Final = 150
RATE: Final = 10
PACED: Final = 150
FLOOD: Final = 400
IDLE_S: Final = 6.0
DEADLINE_S: Final = 180.0
LOOK_EVERY_S: Final = 0.4
CALLER: Final = "caller"


def rows(bench: Bench, runs: int, count: int) -> list[Row]:
    """Measure; the counts are fixed, and the house has servers of its own."""
    del bench, count
    paced: dict[str, list[float]] = {}
    flood: dict[str, list[float]] = {}
    with TemporaryDirectory(prefix="relay-bench-cost-") as folder, house(Path(folder), Lines()) as found:
        numbers = itertools.count()
        _cost(found, numbers, WARM, RATE * 2)
        before = _cpu_s(found)
        time.sleep(IDLE_S)
        idle = sum(_since(found, before).values()) * 1000 / IDLE_S
        for _ in range(runs):
            for kept, many, rate in ((paced, PACED, RATE), (flood, FLOOD, None)):
                for name, cost in _cost(found, numbers, many, rate).items():
                    kept.setdefault(name, []).append(cost)
    return [
        Row("cost: the whole system when nothing comes", "CPU ms/s", (idle,)),
        *_told(f"at {RATE} concerns/s", paced),
        *_told("as fast as they are taken", flood),
    ]


def _told(how: str, costs: dict[str, list[float]]) -> list[Row]:
    whole = tuple(sum(each) for each in zip(*costs.values(), strict=True))
    ordered = sorted(costs.items(), key=lambda cost: -sum(cost[1]))
    parts = [Row(f"cost of a concern {how}: {name}", "CPU ms", tuple(found)) for name, found in ordered]
    return [Row(f"cost of a concern {how}: all of it", "CPU ms", whole), *parts]


def _cost(found: House, numbers: Iterator[int], count: int, rate: int | None) -> dict[str, float]:
    """Raise concerns and wait until each has reached somebody; give milliseconds a concern, by process."""
    delivered = asyncio.run(_delivered(found))
    before = _cpu_s(found)
    asyncio.run(raise_concerns(found, [next(numbers) for _ in range(count)], rate))
    until = time.monotonic() + DEADLINE_S
    seen, quiet = -1, 0
    while seen <= delivered or quiet < 5:  # the number of shares is what it has become when it has not moved for 2 s
        if time.monotonic() > until:
            raise RuntimeError(f"not delivered within {DEADLINE_S:.0f} s")
        time.sleep(LOOK_EVERY_S)
        now = asyncio.run(_delivered(found))
        quiet, seen = (quiet + 1 if now == seen else 0), now
    return {name: spent * 1000 / count for name, spent in _since(found, before).items()}


async def _delivered(found: House) -> int:
    login = found.servers.logins["routing"]
    url = with_login(found.servers.admin_database_url, login.role, login.password, database=login.role)
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM share WHERE delivered_at IS NOT NULL"))
    finally:
        await connection.close()


def _since(found: House, before: dict[str, float]) -> dict[str, float]:
    return {name: spent - before.get(name, 0.0) for name, spent in _cpu_s(found).items()}


def _cpu_s(found: House) -> dict[str, float]:
    """Give the processor seconds of each process so far, with those of its children; a database has many."""
    spent = {CALLER: time.process_time()}
    for record in found.state.records.iterdir():
        told = json.loads(record.read_text())
        try:
            process = psutil.Process(told["pid"])
            own = [process, *process.children(recursive=True)]
            spent[told["name"]] = sum(_of(each.pid) for each in own)
        except psutil.NoSuchProcess:
            continue
    return spent


def _of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")  # those that ended included
