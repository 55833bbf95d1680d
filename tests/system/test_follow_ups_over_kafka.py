"""Follow-ups over Kafka while intake is killed: each is recorded once and answered, in the order they were sent."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from concern_relay_client import Accepted, Client
from concern_relay_client.kafka import KafkaClient
from services.workbench.house import House
from services.workbench.onboarding import let_in
from services.workbench.recorded import events_of
from tests.system.waiting import until

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow]

SENDER = "oasthouse-independent"
FOLLOW_UPS = 12
KILLED_AFTER = (1, 6)
DEADLINE_S = 90.0


def _kill_intake(house: House) -> None:
    for record in house.state.records.glob("*"):
        found = json.loads(record.read_text())
        if found.get("name") == "intake":
            with suppress(ProcessLookupError):
                os.kill(found["pid"], signal.SIGKILL)


@asynccontextmanager
async def _kafka(told: dict[str, Any]) -> AsyncIterator[KafkaClient]:
    with Client(told["url"], told["token"], deadline_s=DEADLINE_S) as relay:
        async with KafkaClient(relay, agency=SENDER, connection=told["kafka"]) as kafka:
            yield kafka


async def _followed(house: House, told: dict[str, Any]) -> tuple[str, list[Accepted]]:
    """Raise, follow up all at once, and kill intake with -9 in the middle of it."""
    said: dict[str, Any] = {
        "reference": f"killed {uuid4().hex[:6]}",
        "raised_by": {"role": "teacher"},
        "people": [{"ref": "child", "role": "child"}],
        "text": "Practice: hungry again.",
        "test": True,
    }
    async with _kafka(told) as kafka:
        concern_id = (await kafka.raise_concern(said)).concern_id
        answers: list[asyncio.Task[Accepted]] = []
        for number in range(FOLLOW_UPS):
            body = {"by": {"name": "Asha Example"}, "text": f"Practice: seen again, {number}."}
            answers.append(asyncio.create_task(kafka.add(concern_id, body, deadline_s=DEADLINE_S)))
            if number in KILLED_AFTER:
                await answers[number - 1]
                _kill_intake(house)
        return concern_id, await asyncio.gather(*answers)


def test_intake_killed_among_follow_ups_loses_none_and_repeats_none(running_house: House):
    """Given twelve follow-ups and intake killed twice among them, there are twelve events, each with its receipt."""
    told = let_in(running_house.servers, running_house.state, SENDER, running_house.urls["intake"]).told
    told["token"] = Path(told["token_file"]).read_text().strip()

    concern_id, answers = asyncio.run(_followed(running_house, told))

    def recorded() -> list[str] | None:
        events = asyncio.run(events_of(running_house.servers.kafka.connection("workbench")))
        found = [str(e.id) for e in events if e.concern_id == concern_id and e.type == "InformationAdded"]
        return found if len(set(found)) >= FOLLOW_UPS else None

    events = until("every follow-up on its topic", recorded, DEADLINE_S)

    assert [answer.concern_id for answer in answers] == [concern_id] * FOLLOW_UPS
    assert list(dict.fromkeys(events)) == [answer.receipt["event_id"] for answer in answers]
