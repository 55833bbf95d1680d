"""Holds what became of requests for a copy against what must have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from concern_relay.v1 import codes_pb2 as codes
from services.chassis.codes import word_of
from services.workbench.scenario.access import AccessThen
from services.workbench.scenario.seen import Seen
from services.workbench.scenario.then import Then


def access_differences(then: Then, seen: Seen) -> Iterator[str]:
    """Give what is not as it must be."""
    for wanted in then.subject_access:
        found = [d for d in seen.of("SubjectAccessRequested") if d.agency_id == wanted.agency]
        if not found:
            yield f"subject access: nobody asked {wanted.agency}"
        elif not any(_is(wanted, one, seen) for one in found):
            yield f"subject access: no request at {wanted.agency} is as it must be"


def _is(wanted: AccessThen, asked: Any, seen: Seen) -> bool:
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


def _made(wanted: AccessThen, made: Any, seen: Seen) -> bool:
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
