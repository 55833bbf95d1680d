"""``make run``: all of it here until Ctrl-C, with sample agencies and concerns flowing."""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from typing import Any, Final
from uuid import uuid4

from services.chassis.errors import SettingsError
from services.workbench.calls import CallError, Calls
from services.workbench.feeder import Fed, feed, samples
from services.workbench.house import House, house
from services.workbench.practitioners import Practitioners, sample_agencies
from services.workbench.servers import ServersError, reporting
from services.workbench.supervisor import ProcessError, stopping_on_signals

RAISE_EVERY_S: Final = 2.0
WORK_EVERY_S: Final = 1.0


def run_command() -> int:
    """Run the house until it is told to stop."""
    started = time.monotonic()
    with stopping_on_signals() as asked:
        try:
            with reporting() as reporter, house(None, reporter) as running:
                _welcome(running, time.monotonic() - started)
                if os.environ.get("RELAY_CLOCK") == "test":
                    _rest(running, asked)
                else:
                    _live(running, asked, started)
        except (ServersError, ProcessError, SettingsError, CallError) as error:
            print(error, file=sys.stderr)  # noqa: T201
            return 1
    print("stopped", file=sys.stderr)  # noqa: T201
    return 0


def _welcome(running: House, elapsed_s: float) -> None:
    lines = [
        f"ready after {elapsed_s:.1f} s",
        f"  console   {running.urls['console']}",
        f"  intake    {running.urls['intake']}/v1/concerns",
        f"  tokens    {running.state.path.name}/tokens/<agency>.jwt",
    ]
    if running.servers.zipkin_url:
        lines.append(f"  traces    {running.servers.zipkin_url}")
    print("\n".join(lines), flush=True)  # noqa: T201


def _rest(running: House, asked: threading.Event) -> None:
    """Watch the processes only: where scenarios move the time, nobody else may act on their concerns."""
    print("time is moved by hand, sample agencies rest; Ctrl-C stops it all", flush=True)  # noqa: T201
    while not asked.wait(WORK_EVERY_S):
        running.supervisor.raise_failure()


def _live(running: House, asked: threading.Event, started: float) -> None:
    """Raise a sample now and then, and let the sample practitioners work, until asked to stop."""
    print("sample agencies are raising concerns and answering them; Ctrl-C stops it all", flush=True)  # noqa: T201
    calls = Calls(dict(running.urls), running.state.path / "tokens")
    people = Practitioners(calls, sample_agencies(p.stem for p in calls.tokens.glob("*.jwt")))
    fed, told = Fed(), False
    next_raise = 0.0
    # references of their own, so that a second run raises new concerns and does not merely send the old ones again
    run_id = uuid4().hex[:8]
    source = itertools.cycle(list(samples()))
    for round_ in itertools.count():
        if asked.is_set():
            return
        running.supervisor.raise_failure()
        if time.monotonic() >= next_raise:
            agency, submission = next(source)
            feed(calls, agency, _renamed(submission, f"{run_id}-{round_}"), fed)
            next_raise = time.monotonic() + RAISE_EVERY_S
        people.work()
        if people.acknowledged and not told:
            told = True
            print(f"first concern acknowledged after {time.monotonic() - started:.1f} s", flush=True)  # noqa: T201
        asked.wait(WORK_EVERY_S)


def _renamed(submission: dict[str, Any], suffix: str) -> dict[str, Any]:
    return {**submission, "reference": f"{submission['reference']}-{suffix}"}
