"""A personal data breach: whose it is, the safety call before any form, and 72 hours (UK GDPR Article 33).

The owner is the controller that disclosed (practice 17). Where somebody's hidden address may have been given away,
those in danger are called first: neither report nor reasons are taken before that call is on record.
"""

from __future__ import annotations

from typing import Any, Final

from concern_relay.v1.shares_pb2 import (
    BreachNotReportable,
    BreachOverdue,
    BreachRecorded,
    BreachReported,
    SafetyCallMade,
    SafetyCallOverdue,
    ShareRecalled,
)
from services.chassis.arrangement import Arrangement
from services.chassis.calendar import due
from services.chassis.event import NOTHING, Decision, Effect, Fact, Refused, Timer, derived_id
from services.routing.core.cases import Breach
from services.routing.core.said import copied, named, reasoned, recorded
from services.routing.core.state import Share, State

BREACH: Final = "breach"
CALL: Final = "call"


def recorded_of(arrangement: Arrangement, fact: Fact, share: Share, recall: ShareRecalled) -> Decision:
    """Record the breach of a recalled share; the controller is aware from the moment it recalled it."""
    breach_id = derived_id(fact.concern_id, "breach", share.share_id)
    clock, call = arrangement.duties.breach, arrangement.duties.safety_call
    report_by = due(clock, fact.recorded)
    data = BreachRecorded(
        concern_id=fact.concern_id,
        breach_id=breach_id,
        share_id=share.share_id,
        recipient_agency_id=share.agency_id,
        controller_agency_id=recall.agency_id,
        reason=recall.reason,
        hidden_address=recall.hidden_address,
        clock_code=clock.code,
    )
    data.aware_at.FromDatetime(fact.recorded)
    data.report_by.FromDatetime(report_by)
    timers = [Timer(f"{BREACH}:{breach_id}", report_by)]
    if recall.hidden_address:
        call_by = due(call, fact.recorded)
        data.call_by.FromDatetime(call_by)
        data.call_clock_code = call.code
        timers.append(Timer(f"{CALL}:{breach_id}", call_by))
    return Decision((Effect(data, key=breach_id),), tuple(timers))


def called(state: State, fact: Fact, data: SafetyCallMade) -> Decision:
    """Record the safety call: who called, who was told. Twice is harmless.

    Raises:
        Refused: unknown, another's, nobody named, no hidden address to call about.
    """
    found = _of(state, data)
    if found.call_by is None:
        raise Refused(409, "no_hidden_address", "nobody's hidden address was given away here; no safety call is due")
    named(fact)
    if found.called:
        return NOTHING
    message = copied(data)
    message.late = fact.recorded > found.call_by
    effect = recorded(message, fact, found.share_id, found.breach_id)
    return Decision((effect,), cancel=(f"{CALL}:{found.breach_id}",))


def closed(state: State, fact: Fact, data: BreachReported | BreachNotReportable) -> Decision:
    """Record that the Commissioner was told, or that a named person decided that it need not be, with reasons.

    A breach that was thought not to be reportable may be reported after all. Twice is harmless.

    Raises:
        Refused: unknown, another's, nobody named, no reasons, the safety call not made.
    """
    found = _of(state, data)
    named(fact)
    reported = isinstance(data, BreachReported)
    reasoned(fact, "give the reference of the report in words" if reported else "say why no risk is likely, in words")
    if found.call_by is not None and not found.called:
        raise Refused(409, "safety_call_first", "a hidden address may be known: call those in danger, record the call")
    if found.closed == "reported" or (found.closed and not reported):
        return NOTHING
    message = copied(data)
    message.late = fact.recorded > found.report_by
    effect = recorded(message, fact, found.share_id, f"{found.breach_id}/{data.DESCRIPTOR.name}")
    return Decision((effect,), cancel=(f"{BREACH}:{found.breach_id}",))


def fired(state: State, fact: Fact, kind: str, breach_id: str) -> Decision:
    """Say that a safety call, or the report, is overdue."""
    found = state.cases.breaches.get(breach_id)
    if found is None or found.closed:
        return NOTHING
    common: dict[str, Any] = {
        "concern_id": fact.concern_id,
        "breach_id": breach_id,
        "controller_agency_id": found.controller_agency_id,
    }
    if kind == CALL:
        if found.called or found.call_by is None:
            return NOTHING
        call = SafetyCallOverdue(**common, clock_code=found.call_clock_code)
        call.due_at.FromDatetime(found.call_by)
        return Decision((Effect(call, key=breach_id),))
    data = BreachOverdue(**common, clock_code=found.clock_code)
    data.due_at.FromDatetime(found.report_by)
    return Decision((Effect(data, key=breach_id),))


def _of(state: State, data: SafetyCallMade | BreachReported | BreachNotReportable) -> Breach:
    found = state.cases.breaches.get(data.breach_id)
    if found is None:
        raise Refused(404, "unknown_breach", "no such breach; list those of your agency")
    if data.controller_agency_id != found.controller_agency_id:
        raise Refused(403, "not_the_controller", "the breach is its controller's; it alone records what was done")
    return found
