"""kill -9 of every service while concerns flow: nothing is lost, nothing happens twice."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest

from services.workbench.books import Books, balance
from services.workbench.calls import CallError, Calls
from services.workbench.feeder import samples
from services.workbench.house import House
from services.workbench.practitioners import Practitioners
from services.workbench.recorded import events_of
from tests.system.waiting import until

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow]

VICTIMS = ("basis_assessment", "routing", "intake", "audit", "vault")


def _kill(house: House, service: str) -> None:
    for record in house.state.records.glob("*"):
        found = json.loads(record.read_text())
        if found.get("name") == service:
            with suppress(ProcessLookupError):
                os.kill(found["pid"], signal.SIGKILL)


def _sent(calls: Calls, agency: str, body: dict[str, Any]) -> str:
    """Send as an agency's system must: again until it is answered."""

    def send() -> str | None:
        try:
            return str(calls("intake", "POST", "/v1/concerns", agency=agency, json=body)["concern_id"])
        except CallError as error:
            if error.status not in {0, 500, 503}:
                raise
            return None

    return until("an answer", send, 60)


def test_every_service_killed_while_concerns_flow(running_house: House, calls: Calls, people: Practitioners) -> None:
    """Given 40 concerns, when each service is killed once among them, the books balance all the same."""
    ending = uuid4().hex[:6]
    concerns = set()
    for number, (agency, body) in enumerate(samples(limit=40)):
        if number % 8 == 4:
            _kill(running_house, VICTIMS[number // 8])
        concerns.add(_sent(calls, agency, {**body, "reference": f"{body['reference']} {ending}"}))

    def books() -> Books | None:
        people.work()
        events = asyncio.run(events_of(running_house.servers.kafka.connection("workbench")))
        found = balance([e for e in events if e.concern_id in concerns], parked=0)
        return found if found.raised == len(concerns) and not found.open and not found.lost else None

    found = until("every concern's end", books, 120)

    assert found.lost == 0
    assert found.repeated == 0


@pytest.mark.parametrize(
    "command",
    [("history", "replay", "--check"), ("ledger", "verify"), ("parked", "list"), ("topics", "check")],
    ids=" ".join,
)
def test_what_is_recorded_holds(command: tuple[str, ...], running_house: House) -> None:
    """After all that, replay gives the same, the ledger verifies, nothing is parked, the topics are as registered."""
    result = subprocess.run(
        (sys.executable, "-m", "services.workbench.cli", *command, "--json"),
        capture_output=True,
        text=True,
        timeout=150,
        env={**os.environ, "RELAY_STATE_DIR": str(running_house.state.path)},
        check=False,
    )

    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    assert json.loads(result.stdout)["ok"] is True
