"""What happens to a share after it was planned: delivered, read, acknowledged, outcome; and what the clocks do.

Acknowledged means by a named person in the role (practice 4). Reading, a machine's answer or an outcome never count as
an acknowledgement: an outcome is given by whoever has taken it on, so it asks for the acknowledgement first. The same
act twice leads to nothing the second time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import ShareOutcome, Urgency
from concern_relay.v1.facts_pb2 import NamedPerson
from concern_relay.v1.shares_pb2 import (
    AcknowledgementOverdue,
    ContentViewed,
    DeliveryFailed,
    DeliveryOverdue,
    DispatchBlocked,
    OutcomeGiven,
    ShareAcknowledged,
    ShareDelivered,
    ShareEscalated,
    ShareRead,
)
from services.chassis.arrangement import Arrangement, Stage
from services.chassis.calendar import due
from services.chassis.event import NOTHING, Content, Decision, Effect, Fact, KeyScope, Refused, Timer
from services.routing.core.clocks import deliver_by, first_due
from services.routing.core.state import Share, State

M = TypeVar("M", bound=Message)

ACKNOWLEDGE: Final = "acknowledge"
DELIVER: Final = "deliver"
ESCALATE: Final = "escalate"
_KINDS: Final = (ACKNOWLEDGE, DELIVER, ESCALATE)


def timer_name(kind: str, share_id: str) -> str:
    """Give the name of a share's timer."""
    return f"{kind}:{share_id}"


def share_of(state: State, data: Any) -> Share:
    """Give the share an act is about.

    Raises:
        Refused: 404 for a share this concern does not have, 403 for one that is another agency's.
    """
    share = state.shares.get(data.share_id)
    if share is None:
        raise Refused(404, "unknown_share", "no such share; list the inbox to see which there are")
    if data.recipient_agency_id != share.agency_id:
        raise Refused(403, "not_the_recipient", "this share is another agency's; its recipient alone may do this")
    return share


def _recorded(data: M, fact: Fact, share_id: str, key: str) -> Effect:
    """Record the act's own message, with who acted sealed under the share's key."""
    message = type(data)()
    message.CopyFrom(data)
    scope = KeyScope(fact.concern_id, share_id=share_id)
    contents = tuple(Content(part_id, scope, part) for part_id, part in sorted(fact.parts.items()))
    return Effect(message, key=key, contents=contents, time=fact.time)


def _named(fact: Fact) -> NamedPerson:
    """Give the named person of an act.

    Raises:
        Refused: 422 when nobody is named, or without a role.
    """
    for part in fact.parts.values():
        if part.WhichOneof("body") == "named_person":
            person = part.named_person
            if person.name.strip() and person.role.strip():
                return person
    raise Refused(422, "named_person_required", "say who acts: name and role; a system cannot acknowledge for a person")


def _delivered_first(share: Share) -> None:
    if share.delivered_at is None:
        raise Refused(409, "not_delivered", "this share has not been delivered; record its delivery first")


def delivered(arrangement: Arrangement, state: State, fact: Fact, data: ShareDelivered) -> Decision:
    """Start the clock of the acknowledgement: at the recorded time of delivery, once."""
    share = share_of(state, data)
    if share.delivered_at is not None or share.blocked:
        return NOTHING
    begun = state.concern.raised_at or fact.recorded
    clock, end = first_due(arrangement, share.clock_code, share.urgency, fact.recorded, begun)
    message = ShareDelivered()
    message.CopyFrom(data)
    message.acknowledge_by.FromDatetime(end)
    message.clock_code = clock.code
    return Decision(
        effects=(_recorded(message, fact, share.share_id, share.share_id),),
        timers=(Timer(timer_name(ACKNOWLEDGE, share.share_id), end),),
        cancel=(timer_name(DELIVER, share.share_id),),
    )


def delivery_failed(state: State, fact: Fact, data: DeliveryFailed) -> Decision:
    """Record a failed attempt; harmless once it was delivered after all."""
    share = share_of(state, data)
    if share.delivered_at is not None or share.blocked:
        return NOTHING
    return Decision(effects=(_recorded(data, fact, share.share_id, f"{share.share_id}/{data.attempt}"),))


def blocked(fact: Fact, share: Share, reason_code: str) -> Decision:
    """Stop a share at the door: its recipient never has it, and no clock of it runs."""
    data = DispatchBlocked(
        concern_id=fact.concern_id,
        share_id=share.share_id,
        recipient_agency_id=share.agency_id,
        reason_code=reason_code,
    )
    return Decision(
        effects=(Effect(data, key=share.share_id),), cancel=tuple(timer_name(kind, share.share_id) for kind in _KINDS)
    )


def read(state: State, fact: Fact, data: ShareRead) -> Decision:
    """Record that a named person opened it; each person who does."""
    share = share_of(state, data)
    _delivered_first(share)
    _named(fact)
    return Decision(effects=(_recorded(data, fact, share.share_id, str(fact.id)),))


def viewed(state: State, fact: Fact, data: ContentViewed) -> Decision:
    """Record that somebody looked at content who is not the recipient's reader: an auditor, an operator."""
    if data.share_id and data.share_id not in state.shares:
        raise Refused(404, "unknown_share", "no such share in this concern")
    _named(fact)
    return Decision(effects=(_recorded(data, fact, data.share_id, str(fact.id)),))


def acknowledged(state: State, fact: Fact, data: ShareAcknowledged) -> Decision:
    """Record that a named person in the role has taken it on, and stop the chase."""
    share = share_of(state, data)
    _delivered_first(share)
    _named(fact)
    if share.acknowledged_at is not None:
        return NOTHING
    message = ShareAcknowledged()
    message.CopyFrom(data)
    message.late = share.acknowledge_by is not None and fact.recorded > share.acknowledge_by
    stopped = [share.share_id, *_redirectors(state, share)]
    return Decision(
        effects=(_recorded(message, fact, share.share_id, share.share_id),),
        cancel=tuple(timer_name(kind, one) for one in stopped for kind in (ACKNOWLEDGE, ESCALATE)),
    )


def _redirectors(state: State, share: Share) -> list[str]:
    """Give the shares this one was redirected from: their recipients are accountable until it is acknowledged."""
    found: list[str] = []
    while share.redirected_from and share.redirected_from not in found:
        found.append(share.redirected_from)
        before = state.shares.get(share.redirected_from)
        if before is None:
            break
        share = before
    return found


def outcome_given(state: State, fact: Fact, data: OutcomeGiven) -> Decision:
    """Record what the recipient did; a later outcome may follow an earlier one."""
    share = share_of(state, data)
    if share.acknowledged_at is None:
        raise Refused(409, "not_acknowledged", "acknowledge the share first, by a named person; then give the outcome")
    if data.outcome == ShareOutcome.SHARE_OUTCOME_UNSPECIFIED:
        raise Refused(422, "outcome_required", "say what was done; see the codes of ShareOutcome")
    _named(fact)
    if data.outcome == ShareOutcome.SHARE_OUTCOME_NO_FURTHER_ACTION and not _reason(fact):
        raise Refused(422, "reason_required", "no further action needs its reason in words: it goes to the referrer")
    if data.outcome == share.outcome:
        return NOTHING
    return Decision(effects=(_recorded(data, fact, share.share_id, f"{share.share_id}/{data.outcome}"),))


def _reason(fact: Fact) -> str:
    return next((p.note.text.strip() for p in fact.parts.values() if p.WhichOneof("body") == "note"), "")


def fired(arrangement_of: Callable[[Share], Arrangement], state: State, fact: Fact, timer: Timer) -> Decision:
    """Answer a timer that fell due; one that is settled meanwhile leads to nothing."""
    kind, _, share_id = timer.name.partition(":")
    share = state.shares.get(share_id)
    if share is None or share.acknowledged_at is not None or share.blocked:
        return NOTHING
    arrangement = arrangement_of(share)
    if kind == DELIVER:
        return _undelivered(arrangement, fact, share)
    if kind == ACKNOWLEDGE:
        return _overdue(arrangement, fact, share)
    return _next_stage(arrangement, fact, share)


def _undelivered(arrangement: Arrangement, fact: Fact, share: Share) -> Decision:
    if share.delivered_at is not None:
        return NOTHING
    data = DeliveryOverdue(
        concern_id=fact.concern_id,
        share_id=share.share_id,
        recipient_agency_id=share.agency_id,
        clock_code=arrangement.deliver_clock,
    )
    data.due_at.FromDatetime(deliver_by(arrangement, share.planned_at))
    return Decision(effects=(Effect(data, key=share.share_id),))


def _overdue(arrangement: Arrangement, fact: Fact, share: Share) -> Decision:
    data = AcknowledgementOverdue(
        concern_id=fact.concern_id,
        share_id=share.share_id,
        recipient_agency_id=share.agency_id,
        clock_code=share.due_clock,
    )
    if share.acknowledge_by is not None:
        data.due_at.FromDatetime(share.acknowledge_by)
    following = _next_stage(arrangement, fact, share)
    return Decision(effects=(Effect(data, key=share.share_id), *following.effects), timers=following.timers)


def _next_stage(arrangement: Arrangement, fact: Fact, share: Share) -> Decision:
    """Ask the next role; after the last stage nobody is left to ask, and the share stays overdue on every page."""
    stage = next((stage for stage in arrangement.stages if stage.number > share.stage), None)
    if stage is None:
        return NOTHING
    data = ShareEscalated(
        concern_id=fact.concern_id,
        share_id=share.share_id,
        recipient_agency_id=share.agency_id,
        stage=stage.number,
        role_code=stage.role_code,
    )
    timers: tuple[Timer, ...] = ()
    if stage.number < arrangement.stages[-1].number:
        ends = _stage_ends(arrangement, stage, share, fact.recorded)
        timers = (Timer(timer_name(ESCALATE, share.share_id), ends),)
    return Decision(effects=(Effect(data, key=f"{share.share_id}/{stage.number}"),), timers=timers)


def _stage_ends(arrangement: Arrangement, stage: Stage, share: Share, begun: datetime) -> datetime:
    urgent = share.urgency >= Urgency.URGENCY_URGENT
    return due(arrangement.clocks[stage.urgent_clock_code if urgent else stage.clock_code], begun)
