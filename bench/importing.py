"""Importing a census: children a second and memory, on 10 MB and on 100 MB; and what the whole way to intake takes.

Reading and judging is measured apart (``--dry-run``), in a process of its own: its peak memory is the importer's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measure import Bench
from bench.rows import Row
from services.workbench.house import house
from services.workbench.servers import Lines
from tests.unit.imports.census_files import child, header

MEGABYTE = 1_000_000
SIZES = (10, 100)
GROWTH_MB_MAX = 8.0
SENT_CHILDREN = 1200
DEADLINE_S = 1800.0
_CHILD = """
import json, resource, sys
from typer.testing import CliRunner
from services.workbench.import_cli import app
result = CliRunner().invoke(app, ["cin-census", sys.argv[1], "--json", *sys.argv[2:]])
last = json.loads(result.stdout.splitlines()[-1])
print(json.dumps({**last, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def rows(bench: Bench, runs: int, count: int) -> list[Row]:
    """Measure; the sizes are fixed, and the house has servers of its own."""
    del bench, count
    speed: dict[int, list[float]] = {size: [] for size in SIZES}
    peak: dict[int, list[float]] = {size: [] for size in SIZES}
    with TemporaryDirectory(prefix="relay-bench-import-") as folder:
        for size in SIZES:
            path = Path(folder) / f"{size}.xml"
            _write(path, size * MEGABYTE)
            for _ in range(runs):
                found, took_s = _import(path, "--dry-run")
                speed[size].append(found["children"] / took_s)
                peak[size].append(found["peak_mb"])
        sent, again = _through_intake(Path(folder), runs)
    growth = tuple(large - small for small, large in zip(peak[10], peak[100], strict=True))
    return [
        Row("import: children read and judged, 10 MB", "children/s", tuple(speed[10])),
        Row("import: children read and judged, 100 MB", "children/s", tuple(speed[100])),
        Row("import: peak memory, 100 MB", "MB", tuple(peak[100])),
        Row("import: peak memory, 100 MB less 10 MB", "MB", growth, at_most=GROWTH_MB_MAX),
        Row("import: children recorded by intake, at its bulk limit of 100 concerns/s", "children/s", tuple(sent)),
        Row("import: the same again, nothing added", "children/s", tuple(again)),
    ]


def _write(path: Path, size: int) -> None:
    """Write a census of at least this size; children repeat after ten thousand, under ids of their own."""
    held = [child(n, 2026) for n in range(10_000)]
    with path.open("w", encoding="utf-8") as file:
        written = file.write(f"<Message>\n{header()}\n<Children>\n")
        number = 0
        while written < size:
            turn, n = divmod(number, len(held))
            written += file.write(held[n].replace("SYN", f"S{turn:02d}"))
            number += 1
        file.write("</Children>\n</Message>\n")


def _import(path: Path, *options: str) -> tuple[dict[str, float], float]:
    begun = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-c", _CHILD, str(path), *options],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    assert found["unread"] == 0, found
    return found, time.monotonic() - begun


def _through_intake(folder: Path, runs: int) -> tuple[list[float], list[float]]:
    first, again = list[float](), list[float]()
    state = folder / "house"
    state.mkdir()
    with house(state, Lines(), services=("vault", "intake")) as found:
        where = ("--agency", "kent-csc")
        for run in range(runs):
            path = folder / "sent.xml"
            inside = "".join(child(n, 2026) for n in range(run * SENT_CHILDREN, (run + 1) * SENT_CHILDREN))
            path.write_text(f"<Message>{header()}<Children>{inside}</Children></Message>", encoding="utf-8")
            for kept in (first, again):
                begun = time.monotonic()
                ran = subprocess.run(
                    [
                        sys.executable,
                        "-m",
                        "services.workbench.cli",
                        "import",
                        "cin-census",
                        str(path),
                        "--json",
                        *where,
                    ],
                    capture_output=True,
                    text=True,
                    timeout=DEADLINE_S,
                    check=True,
                    env={"PATH": "/usr/bin:/bin", "RELAY_STATE_DIR": str(found.state.path)},
                )
                said = json.loads(ran.stdout.splitlines()[-1])
                assert said["children"] == SENT_CHILDREN, said
                assert (said["new"] == 0) == (kept is again), said
                kept.append(SENT_CHILDREN / (time.monotonic() - begun))
    return first, again
