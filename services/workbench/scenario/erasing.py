"""Words for erasing at the source: two named people decide, and not while a hold stands (practice 19)."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field

from concern_relay.v1 import codes_pb2 as codes
from services.workbench.scenario.after import FromSender
from services.workbench.scenario.terms import Ref, coded

Reason: Any = coded(codes.ErasureReason)
HoldGround: Any = coded(codes.HoldGround)


class ProposeErasure(FromSender):
    """A named person proposes to erase what the agency sent: all, or what is about a person or rests on a consent."""

    reason: Reason = "no_longer_needed"
    person: Ref | None = Field(default=None, description="only what is about this person, by ref")
    consent: Ref | None = Field(default=None, description="only what rests on this consent, by ref")


class ApproveErasure(FromSender):
    """Another named person approves what was proposed last: its keys are destroyed, and recipients are asked."""

    name: str = "Lee Example"
    role: str = "information governance lead"


class RejectErasure(ApproveErasure):
    """Another named person decides that it is kept, with the reason in words."""


class Hold(FromSender):
    """Whoever raised the concern or was told of it asks that nothing of it is erased for now."""

    ground: HoldGround = "inquiry"


class LiftHold(FromSender):
    """Whoever placed a hold lifts it; the newest of that agency, or the newest there is."""


Erasing = ProposeErasure | ApproveErasure | RejectErasure | Hold | LiftHold
ERASING: Final = ("propose_erasure", "approve_erasure", "reject_erasure", "hold", "lift_hold")
