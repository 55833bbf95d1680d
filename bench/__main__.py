"""`python -m bench`: measure everything, show a table, write bench/results/latest.json.

Exit 0 when every target was met, 1 when one was missed.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import assess, cost, door, importing, kafka_door, ledger, memory, replay, routing, stage, webhooks
from bench.measure import Bench
from bench.rows import Row, show, write
from services.workbench.servers import Lines, ServersError, running

BENCHES: dict[str, Callable[[Bench, int, int], list[Row]]] = {
    "assess": assess.rows,
    "cost": cost.rows,
    "door": door.rows,
    "import": importing.rows,
    "kafka-door": kafka_door.rows,
    "ledger": ledger.rows,
    "memory": memory.rows,
    "replay": replay.rows,
    "routing": routing.rows,
    "stage": stage.rows,
    "webhooks": webhooks.rows,
}


def main() -> int:
    """Run the benches that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--only", choices=sorted(BENCHES), help="one of the benches")
    parser.add_argument("--runs", type=int, default=3, help="rounds; the median counts (3)")
    parser.add_argument("--count", type=int, default=40_000, help="concerns a run (40,000)")
    arguments = parser.parse_args()
    # new topics have no leader for a moment; aiokafka tries again and says so each time
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    before = os.getloadavg()[0]
    with TemporaryDirectory(prefix="relay-bench-") as state:
        try:
            with running(Path(state), frozenset({"kafka", "postgres"}), Lines()) as servers:
                chosen = [arguments.only] if arguments.only else sorted(BENCHES)
                bench = Bench(servers)
                rows = [row for name in chosen for row in BENCHES[name](bench, arguments.runs, arguments.count)]
        except ServersError as cause:
            print(cause, file=sys.stderr)
            return 2
    write(rows, (before, os.getloadavg()[0]))
    show(rows)
    return 1 if any(row.met is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
