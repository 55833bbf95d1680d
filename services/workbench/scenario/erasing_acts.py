"""Erasing at the source in scenarios: its acts as messages of the contract, and as calls to intake's routes."""

from __future__ import annotations

from typing import Any

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import concerns_pb2 as concerns
from services.chassis.codes import number_of
from services.chassis.event import Content, KeyScope, derived_id
from services.workbench.scenario.erasing import ApproveErasure, Erasing, Hold, LiftHold, ProposeErasure, RejectErasure
from services.workbench.scenario.said import named_person, note
from services.workbench.scenario.seen import Seen

_NOBODY = "00000000-0000-4000-8000-000000000000"
Asked = concerns.ErasureProposed | concerns.ErasureApproved | concerns.ErasureRejected


def act_of(
    step: Erasing, seen: Seen, concern_id: str, agency: str, number: int
) -> tuple[Asked | concerns.HoldPlaced | concerns.HoldLifted, list[Content]]:
    """Give the message a step asks to have recorded, and its parts, sealed under a key of the case.

    Args:
        step: what is asked.
        seen: what is known of the concern.
        concern_id: the concern.
        agency: who asks.
        number: of the step; two proposals of one scenario differ by it.
    """
    ids: dict[str, Any] = {"concern_id": concern_id, "agency_id": agency}
    data: Any
    match step:
        case ProposeErasure():
            case_id = derived_id(concern_id, "erase", str(number))
            data = concerns.ErasureProposed(
                **ids,
                erasure_id=case_id,
                person_id=seen.part(step.person) if step.person else "",
                consent_ref=seen.part(step.consent) if step.consent else "",
                reason=number_of(codes.ErasureReason, _word(step.reason)),
            )
        case RejectErasure():  # before ApproveErasure, which it is a kind of
            case_id = _proposed(seen)
            data = concerns.ErasureRejected(**ids, erasure_id=case_id)
        case ApproveErasure():
            case_id = _proposed(seen)
            data = concerns.ErasureApproved(**ids, erasure_id=case_id)
        case Hold():
            ground = _word(step.ground)
            case_id = derived_id(concern_id, "hold", agency, ground)
            data = concerns.HoldPlaced(**ids, hold_id=case_id, ground=number_of(codes.HoldGround, ground))
        case LiftHold():
            case_id = _hold(seen, agency)
            data = concerns.HoldLifted(**ids, hold_id=case_id)
    scope = KeyScope(derived_id(case_id, data.DESCRIPTOR.name))
    contents = [named_person(scope, step.name, step.role), *([note(scope, step.words)] if step.words else [])]
    return data, [Content(one.part_id, KeyScope(case_id), one.part) for one in contents]


def call_of(step: Erasing, seen: Seen, agency: str) -> tuple[str, dict[str, Any]]:
    """Give the path below the concern and the body of the call a step asks for."""
    said = {"by": {"name": step.name, "role": step.role}, "words": step.words}
    match step:
        case ProposeErasure():
            what = {"person": seen.part(step.person or ""), "consent": seen.part(step.consent or "")}
            return "erasures", said | what | {"reason": _word(step.reason)}
        case RejectErasure():
            return f"erasures/{_proposed(seen)}/rejection", said
        case ApproveErasure():
            return f"erasures/{_proposed(seen)}/approval", said
        case Hold():
            return "holds", said | {"ground": _word(step.ground)}
        case LiftHold():
            return f"holds/{_hold(seen, agency)}/removal", said


def _proposed(seen: Seen) -> str:
    """Give the newest proposal, an open one first; an id of nothing where there is none."""
    done = {d.erasure_id for name in ("ErasureApproved", "ErasureRejected") for d in seen.of(name)}
    every = [d.erasure_id for d in seen.of("ErasureProposed")]
    return str(([i for i in every if i not in done] or every or [_NOBODY])[-1])


def _hold(seen: Seen, agency: str) -> str:
    """Give the newest hold that stands, one of that agency first; an id of nothing where there is none."""
    over = {d.hold_id for d in seen.of("HoldLifted")}
    every = [d for d in seen.of("HoldPlaced") if d.hold_id not in over]
    mine = [d for d in every if d.agency_id == agency]
    return str((mine or every)[-1].hold_id) if every else _NOBODY


def _word(value: Any) -> str:
    return str(getattr(value, "value", value))
