"""A practice message of an agency that was let in: raised over HTTP and Kafka, and acknowledged in the practice inbox.

Here, where the tokens of the example's recipients lie, this plays the recipient; elsewhere those who practise do.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from concern_relay_client import Client, Submission
from concern_relay_client.kafka import KafkaClient
from services.workbench.calls import CallError, Calls

DEADLINE_S: Final = 45.0
LOOK_EVERY_S: Final = 0.3
PERSON: Final = {"name": "Practice Example", "role": "practice duty worker"}


@dataclass(frozen=True, slots=True)
class Practised:
    """What became of a practice message.

    Attributes:
        concern_id: the concern.
        over_kafka: the same submission over Kafka was known by its reference: both doors are one.
        state: received, acknowledged or outcome_given, at the end.
    """

    concern_id: str
    over_kafka: bool
    state: str

    def as_json(self) -> dict[str, Any]:
        """Give it for JSON surfaces."""
        return asdict(self)


def practise(told: dict[str, Any], calls: Calls) -> Practised:
    """Raise a practice concern over both doors, and wait until it is acknowledged.

    Args:
        told: what the agency was told.
        calls: this house, for the recipients' part.

    Raises:
        RelayError: a door refused it, or did not answer.
    """
    token = os.environ.get("RELAY_TOKEN") or Path(told["token_file"]).read_text().strip()
    with Client(told["url"], token, receipt_key=told.get("receipt_key", "")) as relay:
        message = _message(told["agency"])
        accepted = relay.raise_concern(message)
        known = asyncio.run(_over_kafka(relay, told, message))
        until = time.monotonic() + DEADLINE_S
        while (status := relay.status(accepted.concern_id)).state == "received" and time.monotonic() < until:
            _acknowledge(calls, accepted.concern_id)
            time.sleep(LOOK_EVERY_S)
    return Practised(accepted.concern_id, known == accepted.concern_id, status.state)


async def _over_kafka(relay: Client, told: dict[str, Any], message: Submission) -> str:
    async with KafkaClient(relay, agency=told["agency"], connection=told["kafka"]) as kafka:
        return (await kafka.raise_concern(message, deadline_s=DEADLINE_S)).concern_id


def _acknowledge(calls: Calls, concern_id: str) -> None:
    """Acknowledge it in every practice inbox that can be opened here."""
    for path in sorted(calls.tokens.glob("*.jwt")):
        agency = path.stem
        with suppress(CallError):
            query = {"state": "delivered", "test": "true"}
            for share in calls("routing", "GET", "/v1/inbox", agency=agency, params=query).get("shares", []):
                if share["concern_id"] == concern_id:
                    calls("routing", "POST", f"/v1/inbox/{share['share_id']}/read", agency=agency, json=PERSON)
                    calls("routing", "POST", f"/v1/inbox/{share['share_id']}/acknowledge", agency=agency, json=PERSON)


def _message(agency: str) -> Submission:
    return Submission.model_validate(
        {
            "reference": f"practice-{agency}",
            "urgency": "urgent",
            "test": True,
            "raised_by": {"name": "Practice Example", "role": "supplier"},
            "detail": {"level": "significant_harm", "suspected_crime": "yes"},
            "people": [
                {
                    "ref": "child",
                    "role": "child",
                    "names": [{"given": "Practice", "family": "Child"}],
                    "birth_date": "2018-05-02",
                    "authorities": [{"gss_code": "E10000016", "role": "lives"}],
                }
            ],
            "items": [
                {"category": "welfare", "kind": "fact", "text": "Practice: a bruise on the cheek.", "about": "child"}
            ],
        }
    )
