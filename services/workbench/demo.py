"""``make demo``: the house, the samples, every concern's course to its end, and the books."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.workbench.books import Books, balance
from services.workbench.calls import CallError, Calls
from services.workbench.feeder import Fed, feed, samples
from services.workbench.house import House, house
from services.workbench.practitioners import Practitioners, sample_agencies
from services.workbench.recorded import events_of
from services.workbench.servers import ServersError, reporting
from services.workbench.supervisor import ProcessError

SETTLE_DEADLINE_S: Final = 120.0
LOOK_EVERY_S: Final = 1.0
PARKING: Final = ("intake", "basis_assessment", "routing", "vault")


def demo_command(state: str, limit: int, *, quiet: bool) -> int:
    """Run the demo; 0 only if the books balance."""
    console = Console(stderr=True)
    started = time.monotonic()
    try:
        with reporting(silent=quiet) as reporter, house(Path(state) if state else None, reporter) as running:
            console.print(f"ready after {time.monotonic() - started:.1f} s", style="dim")
            fed, books = _run(running, limit, quiet=quiet)
    except (ServersError, ProcessError, CallError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    _show(console, fed, books, time.monotonic() - started)
    print(json.dumps(books.line()), flush=True)  # noqa: T201  (the last line is the answer)
    return 0 if books.balanced else 1


def _run(running: House, limit: int, *, quiet: bool) -> tuple[Fed, Books]:
    calls = Calls(dict(running.urls), running.state.path / "tokens")
    people = Practitioners(calls, sample_agencies(p.stem for p in calls.tokens.glob("*.jwt")))
    submissions = list(samples(limit=limit))
    fed = Fed()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet or not sys.stderr.isatty()) as bars:
        feeding = bars.add_task("concerns raised", total=len(submissions))
        for agency, submission in submissions:
            feed(calls, agency, submission, fed)
            bars.advance(feeding)
        settling = bars.add_task("acknowledged", total=None)
        books = _settled(running, calls, people, fed, lambda: bars.update(settling, completed=people.acknowledged))
    return fed, books


def _settled(running: House, calls: Calls, people: Practitioners, fed: Fed, tick: Callable[[], None]) -> Books:
    """Let the practitioners work until every accepted concern has run its course, or the deadline passes."""
    deadline = time.monotonic() + SETTLE_DEADLINE_S
    while True:
        busy = people.work()
        tick()
        if not busy:
            books = _books(running, calls)
            if (
                books.raised >= len(fed.concern_ids) and not books.open and not books.lost
            ) or time.monotonic() > deadline:
                return books
            time.sleep(LOOK_EVERY_S)


def _books(running: House, calls: Calls) -> Books:
    parked = 0
    for service in PARKING:
        parked += len(calls(service, "GET", "/v1/parked", agency="operator")["parked"])
    events = asyncio.run(events_of(running.servers.kafka.connection("workbench")))
    return balance(events, parked=parked)


def _show(console: Console, fed: Fed, books: Books, elapsed_s: float) -> None:
    table = Table(title="The books", show_header=False)
    table.add_row("submissions accepted", str(fed.accepted))
    table.add_row("  of which sent again, nothing changed", str(fed.repeated))
    table.add_row("submissions refused", str(sum(fed.refused.values())))
    for name, value in books.line().items():
        table.add_row(f"concerns {name}" if name not in {"parked", "repeated"} else name, str(value))
    table.add_row("concerns that rest on a recorded reason", str(books.decided))
    table.add_row("still open", str(books.open))
    table.add_row("elapsed", f"{elapsed_s:.1f} s")
    console.print(table)
    if fed.refused:
        console.print(f"refused: {fed.refused}")
