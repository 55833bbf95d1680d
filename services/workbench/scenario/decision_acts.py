"""A step that answers an open question: which is meant, and the answer as a message of the contract."""

from __future__ import annotations

from concern_relay.v1.assessments_pb2 import DecisionRecorded, DecisionRequested
from concern_relay.v1.codes_pb2 import AgencyClass, DeciderRole, Outcome
from services.chassis.codes import number_of
from services.workbench.scenario.acts import Decide
from services.workbench.scenario.seen import Seen


def open_decision(seen: Seen, step: Decide) -> DecisionRequested | None:
    """Find the open decision a step means: that on its items, for its class, or the only one."""
    done = {d.decision_id for d in seen.of("DecisionRecorded")}
    found: list[DecisionRequested] = [d for d in seen.of("DecisionRequested") if d.decision_id not in done]
    if step.items:
        wanted = {seen.part(ref) for ref in step.items}
        found = [d for d in found if wanted <= set(d.part_ids)]
    if step.recipient_class is not None:
        found = [d for d in found if d.recipient_class == number_of(AgencyClass, step.recipient_class.value)]
    return found[-1] if found else None


def answer_to(found: DecisionRequested, step: Decide) -> DecisionRecorded:
    """Give what is recorded of an answer."""
    return DecisionRecorded(
        concern_id=found.concern_id,
        decision_id=found.decision_id,
        outcome=number_of(Outcome, step.outcome.value),
        reason_code=step.reason_code,
        role=number_of(DeciderRole, step.role.value),
        review_on=step.review_on,
        agency_id=step.agency,
        recipient_class=found.recipient_class,
        part_ids=found.part_ids,
    )
