"""The stage with its journal, against a bare loop and against Faust; each round measures all of them in turn."""

from __future__ import annotations

import asyncio
import statistics

from bench.measure import Bench, Latency, Throughput
from bench.rows import Row

PEERS = {"bare": "bare aiokafka loop, nothing durable", "faust_table": "Faust, table of what was seen",
         "faust_alo": "Faust, at least once"}  # fmt: skip
RATE_S = 500
ADDED_MS_MAX = 5.0
EVENTS_S_MIN = 10_000
TIMES_FAUST_MIN = 5.0
SLOWER = 4  # Faust is given so many times fewer concerns, so that a round stays short


def rows(bench: Bench, runs: int, count: int) -> list[Row]:
    """Measure; ``count`` concerns a run at full load."""
    full: dict[str, list[Throughput]] = {}
    paced: dict[str, list[Latency]] = {}
    for _ in range(runs):
        for engine in ("bare", "ours", "faust_table", "faust_alo"):
            size = count // SLOWER if engine.startswith("faust") else count
            full.setdefault(engine, []).append(asyncio.run(bench.throughput(engine, size)))
        for engine in ("bare", "ours"):
            paced.setdefault(engine, []).append(asyncio.run(bench.latency(engine, RATE_S)))
    events_s = {engine: tuple(run.events_s for run in found) for engine, found in full.items()}
    cpu_us = {engine: tuple(run.cpu_us_per_event for run in found) for engine, found in full.items()}
    p50 = {engine: tuple(run.p50_ms for run in found) for engine, found in paced.items()}
    p99 = {engine: tuple(run.p99_ms for run in found) for engine, found in paced.items()}
    floor_ms = statistics.median(p50["bare"])
    against = tuple(ours / faust for ours, faust in zip(events_s["ours"], events_s["faust_table"], strict=True))
    return [
        Row("stage with journal", "events/s", events_s["ours"], _peers(events_s), at_least=EVENTS_S_MIN),
        Row("stage with journal against Faust", "times", against, at_least=TIMES_FAUST_MIN),
        Row("stage with journal, processor", "µs/event", cpu_us["ours"], _peers(cpu_us)),
        Row(f"stage with journal at {RATE_S}/s, p50", "ms", p50["ours"], _peers(p50),
            at_most=floor_ms + ADDED_MS_MAX, reason="(bare loop + 5)"),
        Row(f"stage with journal at {RATE_S}/s, p99", "ms", p99["ours"], _peers(p99)),
    ]  # fmt: skip


def _peers(figures: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
    return {PEERS[engine]: runs for engine, runs in figures.items() if engine in PEERS}
