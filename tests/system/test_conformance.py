"""The conformance suite, as a supplier runs it, over HTTP and Kafka on the running house."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from services.workbench.conformance import every
from services.workbench.house import House

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow]

SUPPLIER = "sandbox-conformance"
MAY_BE_SKIPPED = {"rate_limit"}


def relay(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run a command; its exit code and envelope."""
    done = subprocess.run(
        (sys.executable, "-m", "services.workbench.cli", *arguments, "--json"),
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout)


def test_the_house_conforms_over_http_and_kafka(running_house: House):
    """Given a supplier's sandbox, every check passes, over both doors."""
    code, envelope = relay("agency", "add", SUPPLIER, "--no-message")
    assert code == 0, envelope
    tokens = running_house.state.path / "tokens"

    code, envelope = relay(
        "conformance", running_house.urls["intake"],
        "--kafka", envelope["data"]["agencies"][0]["handover"], "--other-token", str(tokens / "kent-police.jwt"),
    )  # fmt: skip

    assert envelope["findings"] == []
    assert code == 0
    made = envelope["data"]["checks"]
    assert len(made) == len(every())
    assert {check["name"] for check in made if check["outcome"] == "skipped"} <= MAY_BE_SKIPPED
