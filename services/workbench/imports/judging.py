"""What intake would say, without sending anything: ``--dry-run``. The same reading, the same flags."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

from services.intake.content import contents_of
from services.intake.errors import Malformed
from services.intake.ids import IdKey
from services.intake.reading import read
from services.workbench.calls import CallError
from services.workbench.imports.sending import Answer


def judge(submission: dict[str, Any], today: date) -> Answer:
    """Judge a submission as intake would on this day."""
    try:
        reading = read(json.dumps(submission).encode())
    except Malformed as malformed:
        said = "; ".join([str(malformed), *(f"{e.pointer}: {e.detail}" for e in malformed.errors[:5])])
        return Answer(None, CallError(malformed.status, malformed.code, said))
    contents = contents_of(reading.submission, concern_id=str(uuid4()), key=_KEY, today=today)
    flags = [
        {"code": f.code.value, "pointer": f.pointer, "detail": f.detail} for f in (*reading.flags, *contents.flags)
    ]
    return Answer({"judged": True, "warnings": flags})


def judging(today: date) -> Callable[[str, dict[str, Any], Callable[[Answer], None]], bool]:
    """Give what stands in for sending."""

    def send(_: str, submission: dict[str, Any], told: Callable[[Answer], None]) -> bool:
        told(judge(submission, today))
        return True

    return send


_KEY = IdKey(secrets.token_bytes(32))
