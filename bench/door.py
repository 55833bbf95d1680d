"""The HTTP door: concerns accepted a second, and what an emergency waits for while an agency sends in bulk.

Intake and the vault run alone on their servers; the callers are in this process. Each concern is committed, sealed and
receipted before its 202, as in production. More callers are added as long as the slowest hundredth stays below 100 ms.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import httpx

from bench.measure import Bench
from bench.rows import Row
from services.workbench.house import house
from services.workbench.servers import Lines

P99_MS_MAX = 100.0
CALLERS = (1, 2, 4, 8, 16, 24, 32)
STEP_S = 4.0
WARM_S = 1.5
BULK_CALLERS = 40
EMERGENCY_EVERY_S = 0.02
RUDE_S = 0.05
DEADLINE_S = 30.0
AGENCY, IN_BULK = "larkfield-primary", "stourside-academy"


@dataclass(frozen=True, slots=True)
class Step:
    """What was measured with so many callers."""

    callers: int
    per_second: float
    p50_ms: float
    p99_ms: float


def rows(bench: Bench, runs: int, count: int) -> list[Row]:
    """Measure the door ``runs`` times; it is bounded in time, whatever ``count`` says."""
    del bench, count  # the house has servers of its own
    best, waits, quiet, told = list[float](), list[float](), list[float](), list[float]()
    with (
        TemporaryDirectory(prefix="relay-bench-door-") as folder,
        house(Path(folder), Lines(), services=("vault", "intake")) as found,
    ):
        url = found.urls["intake"]
        tokens = {name: (found.state.path / "tokens" / f"{name}.jwt").read_text().strip() for name in (AGENCY, IN_BULK)}
        for _ in range(runs):
            steps = asyncio.run(_climb(url, tokens[AGENCY]))
            best.append(max((s.per_second for s in steps if s.p99_ms < P99_MS_MAX), default=0.0))
            quiet.append(asyncio.run(_emergencies(url, tokens, flood=False))[0])
            p99_ms, refused = asyncio.run(_emergencies(url, tokens, flood=True))
            waits.append(p99_ms)
            told.append(refused)
    return [
        Row("HTTP door: concerns accepted with p99 below 100 ms", "concerns/s", tuple(best)),
        Row("HTTP door: an emergency, alone, p99", "ms", tuple(quiet)),
        Row("HTTP door: an emergency while an agency floods it in bulk, p99", "ms", tuple(waits), at_most=P99_MS_MAX),
        Row("HTTP door: of the flood, told to come again", "%", tuple(told)),
    ]


async def _climb(url: str, token: str) -> list[Step]:
    steps: list[Step] = []
    for callers in CALLERS:
        steps.append(await _step(url, token, callers))
        if steps[-1].p99_ms >= P99_MS_MAX:
            break
    return steps


async def _step(url: str, token: str, callers: int) -> Step:
    taken: list[tuple[float, float]] = []
    async with _client(url, token, callers) as client:
        until = time.perf_counter() + WARM_S + STEP_S

        async def call() -> None:
            while (began := time.perf_counter()) < until:
                answer = await client.post("/v1/concerns", json=_concern("urgent"))
                answer.raise_for_status()
                taken.append((began, time.perf_counter() - began))

        await asyncio.gather(*(call() for _ in range(callers)))
    waits = [took for began, took in taken if began > until - STEP_S]
    return Step(callers, len(waits) / STEP_S, _ms(waits, 50), _ms(waits, 99))


async def _emergencies(url: str, tokens: dict[str, str], *, flood: bool) -> tuple[float, float]:
    """Give what the slowest hundredth of emergencies waits in ms, and the share of bulk that was refused in percent."""
    stop = asyncio.Event()
    told = {202: 0, 429: 0}

    async def bulk(client: httpx.AsyncClient) -> None:
        while not stop.is_set():
            answer = await client.post("/v1/concerns", json={**_concern("routine"), "history": True})
            told[answer.status_code] += 1
            if answer.status_code == 429:
                await asyncio.sleep(RUDE_S)  # a rude caller: it does not wait as it is told

    async with _client(url, tokens[IN_BULK], BULK_CALLERS) as many, _client(url, tokens[AGENCY], 4) as client:
        flooding = [asyncio.create_task(bulk(many)) for _ in range(BULK_CALLERS if flood else 0)]
        await asyncio.sleep(WARM_S)
        waits = []
        until = time.perf_counter() + STEP_S
        while (began := time.perf_counter()) < until:
            answer = await client.post("/v1/concerns", json=_concern("emergency"))
            answer.raise_for_status()
            waits.append(time.perf_counter() - began)
            await asyncio.sleep(EMERGENCY_EVERY_S)
        stop.set()
        await asyncio.gather(*flooding)
    return _ms(waits, 99), 100 * told[429] / max(1, sum(told.values()))


def _client(url: str, token: str, connections: int) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=DEADLINE_S)


def _concern(urgency: str) -> dict[str, Any]:
    return {
        "reference": f"bench {uuid4()}",
        "urgency": urgency,
        "raised_by": {"name": "Asha Example", "role": "designated safeguarding lead"},
        "people": [
            {"ref": "child", "role": "child", "names": ["Robin Invented"], "birth_date": "2018-05-02",
             "authorities": [{"gss_code": "E10000016", "role": "lives"}]},
            {"ref": "mother", "role": "parent", "names": ["Alex Invented"]},
        ],
        "items": [
            {"category": "welfare", "kind": "fact", "about": "child", "text": "Hungry again, and alone after school."},
            {"category": "physical_health", "kind": "fact", "about": "child", "text": "A mark on the left wrist."},
        ],
    }  # fmt: skip


def _ms(waits: Sequence[float], percentile: int) -> float:
    return statistics.quantiles(waits, n=100)[percentile - 1] * 1000 if len(waits) > 1 else 0.0
