"""The reasons of an outcome, for the sender it was given to: in words, opened when they are asked for (practice 4).

Only of the outcome that is the sender's own answer (see ``status``); nothing of what others said. The words were
written to go back to the referrer. What cannot be opened any more is left out.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from services.chassis.envelope import decode
from services.chassis.journal import opened, sealed_parts
from services.chassis.keys import Keys
from services.intake.status import Told
from services.intake.store import Concerns

PURPOSE: Final = "tell_sender"


async def reason_of(concerns: Concerns, keys: Keys, outcome: Told | None) -> str:
    """Give the words of an outcome; empty where there are none, or none that open.

    Raises:
        SealBroken: a part was altered or moved.
    """
    if outcome is None or not outcome.outcome_event:
        return ""
    record = await concerns.record(UUID(outcome.outcome_event))
    if record is None:
        return ""
    event = decode(record)
    found = await keys.open({part.key_id for part in sealed_parts(event.data)}, purpose=PURPOSE, fresh=True)
    parts = opened(event, found).parts.values()
    return next((part.note.text for part in parts if part.WhichOneof("body") == "note"), "")
