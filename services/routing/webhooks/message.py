"""What a webhook says: ids, an urgency and a link. No name, no worry, nothing that was or was not shared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from concern_relay.v1.codes_pb2 import Urgency
from services.chassis.codes import word_of

SHARE_READY: Final = "share.ready"
SHARE_RECALLED: Final = "share.recalled"
SHARE_OVERDUE: Final = "share.overdue"
FILE_READY: Final = "file.ready"
DUTY_STARTED: Final = "duty.started"
DUTY_OVERDUE: Final = "duty.overdue"
ENDPOINT_CHALLENGE: Final = "endpoint.challenge"
"""Sent to a new endpoint alone; it proves that whoever registered it also answers there."""

EVENT_TYPES: Final[Mapping[str, str]] = {
    SHARE_READY: "a share is there for you: read it at `link`; 2xx says that your system has it",
    SHARE_RECALLED: "a share was recalled: you were not its recipient, or may not keep it",
    SHARE_OVERDUE: "nobody of yours has acknowledged a share in time",
    FILE_READY: "a file was released to you: see which at `link`",
    DUTY_STARTED: "something falls to you to be done by a time: see what at `link`",
    DUTY_OVERDUE: "what fell to you was not done in time",
}


def message_id(type_name: str, event_id: str, share_id: str = "") -> str:
    """Give a message's id: the same however often it is sent, and one a share for ``share.ready``."""
    return "msg_" + (share_id if type_name == SHARE_READY else event_id).replace("-", "")


def body_of(row: Mapping[str, Any], base_url: str) -> bytes:
    """Give the body of a message.

    Args:
        row: of ``webhook_message``.
        base_url: where the inbox answers, without a slash at its end.
    """
    about = "duty" if row["duty_id"] is not None else "share"
    about_id = str(row[f"{about}_id"])
    data = {
        f"{about}_id": about_id,
        "concern_id": str(row["concern_id"]),
        "urgency": word_of(Urgency, row["urgency"]),
        "test": row["test"],
        "link": f"{base_url}/v1/{'duties' if about == 'duty' else 'inbox'}/{about_id}{_beneath(row['type'])}",
    }
    return _encoded(row["type"], row["happened_at"].isoformat(), data)


def _beneath(type_name: str) -> str:
    return "/attachments" if type_name == FILE_READY else ""


def challenge_body(challenge: str, at: str) -> bytes:
    """Give the body of the challenge: the endpoint answers 2xx with ``{"challenge": "…"}``."""
    return _encoded(ENDPOINT_CHALLENGE, at, {"challenge": challenge})


def _encoded(type_name: str, at: str, data: Mapping[str, Any]) -> bytes:
    return json.dumps({"type": type_name, "timestamp": at, "data": data}, separators=(",", ":")).encode()
