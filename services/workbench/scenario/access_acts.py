"""Subject access in scenarios: the acts as messages, and what must have become of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import Message

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.assessments_pb2 import SubjectAccessDecided, SubjectAccessRequested
from services.chassis.codes import number_of, word_of
from services.workbench.scenario.document import Access, AccessThen, AskAccess


def share_held(seen: Any, agency: str) -> str:
    """Give the newest share that was planned for an agency; empty where there is none."""
    mine = [d.share_id for d in seen.of("SharePlanned") if d.recipient_agency_id == agency]
    return str(mine[-1]) if mine else ""


def message_of(step: Access, seen: Any, concern_id: str, part: Callable[[str], str]) -> Message:
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


def open_request(seen: Any, agency: str) -> str:
    """Give the newest open request at an agency; an id of nothing where there is none."""
    done = {d.request_id for d in seen.of("SubjectAccessDecided")}
    mine = [d for d in seen.of("SubjectAccessRequested") if d.agency_id == agency and d.request_id not in done]
    return mine[-1].request_id if mine else "00000000-0000-0000-0000-000000000000"


def access_differences(then: Any, seen: Any) -> Iterator[str]:
    """Give what is not as it must be."""
    for wanted in then.subject_access:
        found = [d for d in seen.of("SubjectAccessRequested") if d.agency_id == wanted.agency]
        if not found:
            yield f"subject access: nobody asked {wanted.agency}"
        elif not any(_is(wanted, one, seen) for one in found):
            yield f"subject access: no request at {wanted.agency} is as it must be"


def _is(wanted: AccessThen, asked: Any, seen: Any) -> bool:
    made = next((d for d in seen.of("SubjectAccessDecided") if d.request_id == asked.request_id), None)
    late = any(d.request_id == asked.request_id for d in seen.of("SubjectAccessOverdue"))
    state = "decided" if made is not None else "overdue" if late else "open"
    consider = {word_of(codes.AccessExemption, code) for code in asked.to_consider}
    return (
        wanted.state in {None, state}
        and (wanted.role is None or word_of(codes.DeciderRole, asked.role) == wanted.role)
        and set(wanted.to_consider) <= consider
        and _made(wanted, made, seen)
    )


def _made(wanted: AccessThen, made: Any, seen: Any) -> bool:
    if made is None:
        return wanted.outcome is None and not wanted.exemptions and not wanted.withheld
    outcome = word_of(codes.AccessOutcome, made.outcome)
    exemptions = {word_of(codes.AccessExemption, code) for code in made.exemptions}
    return (
        wanted.outcome in {None, outcome}
        and set(wanted.exemptions) <= exemptions
        and {seen.part(ref) for ref in wanted.withheld} <= set(made.withheld_part_ids)
        and wanted.confirms_existence in {None, outcome != "neither_confirm_nor_deny"}
    )
