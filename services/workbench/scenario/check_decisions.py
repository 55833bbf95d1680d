"""Holds what waits for a person, or was decided by one, against what must."""

from __future__ import annotations

from collections.abc import Iterator

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.assessments_pb2 import DecisionRequested
from services.chassis.codes import word_of
from services.workbench.scenario.seen import Seen
from services.workbench.scenario.then import DecisionThen, Then


def decision_differences(then: Then, seen: Seen) -> Iterator[str]:
    """Give what is not as it must be."""
    requested: list[DecisionRequested] = seen.of("DecisionRequested")
    for wanted in then.decisions:
        if not any(_is_decision(wanted, found, seen) for found in requested):
            about = wanted.items or "anything"
            yield f"decision: none that is {wanted.state} for {wanted.role or 'any role'} on {about}"
    if then.no_decisions and requested:
        yield f"decision: {len(requested)} were asked for and none may be"


def _is_decision(wanted: DecisionThen, found: DecisionRequested, seen: Seen) -> bool:
    recorded = {d.decision_id for d in seen.of("DecisionRecorded")}
    overdue = {d.decision_id for d in seen.of("DecisionOverdue")}
    state = "recorded" if found.decision_id in recorded else "overdue" if found.decision_id in overdue else "open"
    return (
        state == wanted.state
        and _decided_so(wanted, found, seen)
        and _passed_on_so(wanted, found, seen)
        and (wanted.proposal is None or word_of(codes.Outcome, found.proposal) == wanted.proposal)
        and (wanted.role is None or word_of(codes.DeciderRole, found.role) == wanted.role)
        and (wanted.agency is None or found.agency_id == wanted.agency)
        and (
            wanted.recipient_class is None
            or word_of(codes.AgencyClass, found.recipient_class) == wanted.recipient_class
        )
        and (not wanted.question or found.question_code == wanted.question)
        and {seen.part(ref) for ref in wanted.items} <= set(found.part_ids)
    )


def _decided_so(wanted: DecisionThen, found: DecisionRequested, seen: Seen) -> bool:
    if (wanted.outcome, wanted.override, wanted.decided_by) == (None, None, None):
        return True
    made = next((d for d in seen.of("DecisionRecorded") if d.decision_id == found.decision_id), None)
    return (
        made is not None
        and (wanted.outcome is None or word_of(codes.Outcome, made.outcome) == wanted.outcome)
        and wanted.override in {None, made.override}
        and (wanted.decided_by is None or word_of(codes.DeciderRole, made.role) == wanted.decided_by)
    )


def _passed_on_so(wanted: DecisionThen, found: DecisionRequested, seen: Seen) -> bool:
    steps = [d for d in seen.of("DecisionEscalated") if d.decision_id == found.decision_id]
    agency, role = (steps[-1].agency_id, steps[-1].internal_role) if steps else (None, "")
    return (
        wanted.escalated_to in {None, agency}
        and wanted.escalated_role in {"", role}
        and wanted.stage in {None, len(steps)}
    )
