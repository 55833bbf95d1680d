"""Memory of a service: what the stage with its journal keeps for each further 100,000 events after the first."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from bench.measure import Bench
from bench.rows import Row

FIRST = 100_000
FURTHER = 100_000
MARKS = (FIRST, FIRST + FURTHER, FIRST + 2 * FURTHER, FIRST + 3 * FURTHER)
GROWTH_MB_MAX = 1.0


def rows(bench: Bench, runs: int, count: int) -> list[Row]:
    """Measure one process, whatever ``runs`` and ``count`` say: growth shows over many events only."""
    del runs, count
    found = asyncio.run(bench.memory("ours", MARKS))
    growth = tuple(after - before for before, after in pairwise(found))
    return [
        Row(f"memory for each {FURTHER:,} further events", "MB", growth, at_most=GROWTH_MB_MAX),
        Row(f"memory after the first {FIRST:,} events", "MB", (found[0],)),
    ]
