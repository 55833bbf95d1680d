"""Subject access in scenarios: its acts as messages of the contract."""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.message import Message

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.assessments_pb2 import SubjectAccessDecided, SubjectAccessRequested
from services.chassis.codes import number_of
from services.workbench.scenario.access import Access, AskAccess
from services.workbench.scenario.seen import Seen


def share_held(seen: Seen, agency: str) -> str:
    """Give the newest share that was planned for an agency; empty where there is none."""
    mine = [d.share_id for d in seen.of("SharePlanned") if d.recipient_agency_id == agency]
    return str(mine[-1]) if mine else ""


def message_of(step: Access, seen: Seen, concern_id: str, part: Callable[[str], str]) -> Message:
    """Give the message a step asks to have recorded."""
    if isinstance(step, AskAccess):
        requester = number_of(codes.AccessRequester, step.requester.value)
        return SubjectAccessRequested(
            concern_id=concern_id,
            agency_id=step.agency,
            requester=requester,
            share_id=share_held(seen, step.share_of or step.agency),
        )
    return SubjectAccessDecided(
        concern_id=concern_id,
        request_id=open_request(seen, step.agency),
        agency_id=step.agency,
        outcome=number_of(codes.AccessOutcome, step.outcome.value),
        role=number_of(codes.DeciderRole, step.role.value),
        exemptions=[number_of(codes.AccessExemption, one.value) for one in step.exemptions],
        withheld_part_ids=[part(ref) for ref in step.withhold],
        health_opinion=step.health_opinion,
    )


def open_request(seen: Seen, agency: str) -> str:
    """Give the newest open request at an agency; an id of nothing where there is none."""
    done = {d.request_id for d in seen.of("SubjectAccessDecided")}
    mine = [d for d in seen.of("SubjectAccessRequested") if d.agency_id == agency and d.request_id not in done]
    return mine[-1].request_id if mine else "00000000-0000-0000-0000-000000000000"
