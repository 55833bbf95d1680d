"""The garbage collector, set for a process that takes records in batches.

A batch of 500 records makes some 30,000 objects that all live until it is written. With CPython's default the collector
looks at them forty times before that and finds nothing: a sixth of the time a record takes (measured).
"""

from __future__ import annotations

import gc

YOUNG_MAX = 50_000
GENERATIONS_MAX = 20


def settle() -> None:
    """Leave out what the start of the process made, and look at new objects once a batch. Call it after the start."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, GENERATIONS_MAX, GENERATIONS_MAX)
