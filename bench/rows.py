"""Rows of a bench's result: a name, a unit, a target, and the raw runs of ours and of each peer."""

from __future__ import annotations

import json
import os
import platform
import statistics
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results" / "latest.json"
MEASURED_WITH = ("aiokafka", "asyncpg", "faust-streaming", "protobuf", "uvloop")


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was measured.

    Attributes:
        name: what.
        unit: of every figure.
        ours: one figure a run.
        peers: by name, one figure a run; measured in turn with ours.
        at_least: target; None when there is none.
        at_most: target; None when there is none.
        reason: how the target follows, where it depends on a peer.
    """

    name: str
    unit: str
    ours: tuple[float, ...]
    peers: dict[str, tuple[float, ...]] = field(default_factory=dict)
    at_least: float | None = None
    at_most: float | None = None
    reason: str = ""

    @property
    def median(self) -> float:
        """Ours."""
        return statistics.median(self.ours)

    @property
    def met(self) -> bool | None:
        """Whether the target was met; None without one."""
        if self.at_least is not None:
            return self.median >= self.at_least
        return self.median <= self.at_most if self.at_most is not None else None

    @property
    def target(self) -> str:
        """In words."""
        if self.at_least is not None:
            return f">= {_figure(self.at_least)} {self.reason}".strip()
        return f"<= {_figure(self.at_most)} {self.reason}".strip() if self.at_most is not None else ""

    def as_json(self) -> dict[str, Any]:
        """Give it for the results file."""
        return {
            "name": self.name,
            "unit": self.unit,
            "target": self.target,
            "met": self.met,
            "ours": _runs(self.ours),
            "peers": {name: _runs(runs) for name, runs in self.peers.items()},
        }


def write(rows: list[Row], load: tuple[float, float]) -> None:
    """Keep rows under their names in the results file; rows of other benches stay.

    Args:
        rows: measured now.
        load: the machine's load average (one minute) before and after; above its processors, others were at work.
    """
    RESULTS.parent.mkdir(exist_ok=True)
    before = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []
    under = {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "load_average": list(load)}
    new = {row.name: row.as_json() | under for row in rows}
    kept = [row for row in before if row["name"] not in new]
    machine = {
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "packages": {name: version(name) for name in MEASURED_WITH},
    }
    RESULTS.write_text(json.dumps({"machine": machine, "rows": [*kept, *new.values()]}, indent=1) + "\n")


def show(rows: list[Row]) -> None:
    """Print rows as a table: medians, and the range of the runs."""
    table = Table("what", "unit", "target", "ours", "met", "peers")
    for row in rows:
        met = {True: "yes", False: "NO", None: ""}[row.met]
        peers = "\n".join(f"{name}: {_short(runs)}" for name, runs in row.peers.items())
        table.add_row(row.name, row.unit, row.target, _short(row.ours), met, peers)
    Console(width=150).print(table)


def _runs(runs: tuple[float, ...]) -> dict[str, Any]:
    return {"median": round(statistics.median(runs), 3), "runs": [round(run, 3) for run in runs]}


def _short(runs: tuple[float, ...]) -> str:
    return f"{_figure(statistics.median(runs))} ({_figure(min(runs))} to {_figure(max(runs))})"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
