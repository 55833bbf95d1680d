"""Marked content that comes over Kafka lies nowhere in the clear: not on the topic, in a log, the WAL, or a receipt."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from concern_relay_client import Client, Problem
from concern_relay_client.kafka import KafkaClient
from services.workbench.house import House
from tests.system.test_privacy import _files

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow]

MARK = "Tanganyikazebra"
SENDER = "oasthouse-independent"


def relay(*arguments: str) -> dict[str, Any]:
    """Run a command as an operator would; its data."""
    done = subprocess.run(
        (sys.executable, "-m", "services.workbench.cli", *arguments, "--json"),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return json.loads(done.stdout)["data"]


def test_marked_content_over_kafka_is_nowhere_in_the_clear(running_house: House):
    """Given an accepted and a refused submission full of a mark, no file, metric or trace has it."""
    told = json.loads(Path(relay("agency", "add", SENDER, "--no-message")["agencies"][0]["handover"]).read_text())
    good = {
        "reference": f"{MARK} {uuid4().hex[:6]}",
        "raised_by": {"name": MARK, "role": MARK},
        "people": [{"ref": f"{MARK}-ref", "role": "child", "names": [{"given": MARK, "family": MARK}]}],
        "text": f"{MARK} said so.",
        "test": True,
    }
    token = Path(told["token_file"]).read_text().strip()

    refused = asyncio.run(_sent(told, token, good, good | {MARK: MARK, "urgency": [MARK]}))

    (parked,) = [p for p in relay("parked", "list", "-c", "intake")["parked"] if p["topic"] == told["submissions"]]
    found = [p for p in _files(running_house.state.path) if MARK.encode() in p.read_bytes()]
    metrics = "".join(httpx.get(f"{url}/metrics", timeout=10).text for url in running_house.urls.values())
    traces = httpx.get(f"{running_house.servers.zipkin_url}/api/v2/traces?limit=500", timeout=20).text
    assert [str(p.relative_to(running_house.state.path)) for p in found] == []
    assert MARK not in metrics + traces + str(parked)
    assert MARK not in str(refused)
    discard = ("parked", "discard", parked["parked_id"], "-c", "intake", "--reason", "sent again, put right")
    assert relay(*discard) is None  # an operator may not: it is a concern (practice 1)
    assert relay(*discard, "--agency", SENDER)["state"] == "discarded"


async def _sent(told: dict[str, Any], token: str, good: dict[str, Any], bad: dict[str, Any]) -> Problem:
    with Client(told["url"], token) as http:
        async with KafkaClient(http, agency=SENDER, connection=told["kafka"]) as kafka:
            await kafka.raise_concern(good)
            with pytest.raises(Problem) as raised:
                await kafka.raise_concern(bad)
    return raised.value
