"""What happens to a share after it was planned: delivered, read, acknowledged, outcome; and what the clocks do.

Acknowledged means by a named person in the role (practice 4). Reading, a machine's answer or an outcome never count as
an acknowledgement: an outcome is given by whoever has taken it on, so it asks for the acknowledgement first. The same
act twice leads to nothing the second time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from concern_relay.v1.codes_pb2 import AgencyClass, ShareOutcome, Urgency
from concern_relay.v1.shares_pb2 import (
    AcknowledgementOverdue,
    ActRefused,
    AttachmentReceived,
    ContentViewed,
    DeliveryFailed,
    DeliveryOverdue,
    DispatchBlocked,
    OutcomeGiven,
    ReferrerAsked,
    ShareAcknowledged,
    ShareDelivered,
    ShareEscalated,
    ShareRead,
)
from services.chassis.arrangement import Arrangement
from services.chassis.event import NOTHING, Decision, Effect, Fact, Refused, Timer
from services.routing.core.chase import stage_after, stage_ends, who_is_asked
from services.routing.core.clocks import deliver_by, first_due
from services.routing.core.said import named, recorded, words
from services.routing.core.state import Share, State

_CSC: Final = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE
ACKNOWLEDGE: Final = "acknowledge"
DELIVER: Final = "deliver"
ESCALATE: Final = "escalate"
REVIEW: Final = "review"
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


def in_hand(share: Share) -> None:
    """Ask that a recipient has a share: delivered, and not called back.

    Raises:
        Refused: 409 before it was delivered, 410 after it was recalled.
    """
    if share.recalled_at is not None:
        raise Refused(410, "recalled", "this share was called back; erase what you hold of it, and answer the erasure")
    if share.delivered_at is None:
        raise Refused(409, "not_delivered", "this share has not been delivered; record its delivery first")


def delivered(arrangement: Arrangement, state: State, fact: Fact, data: ShareDelivered) -> Decision:
    """Start the clock of the acknowledgement: at the recorded time of delivery, once."""
    share = share_of(state, data)
    if share.delivered_at is not None or share.void:
        return NOTHING
    begun = state.concern.raised_at or fact.recorded
    since = share.clock_from or fact.recorded  # what was put right restarts nothing
    recipient = arrangement.agency(share.agency_id)
    days = arrangement.school_days(recipient.areas) if recipient is not None else frozenset()
    clock, end = first_due(arrangement, share.clock_code, share.urgency, since, begun, days)
    if share.kept_due_at is not None:
        end = min(end, share.kept_due_at)  # the deadline came along from the authority a child moved from
    message = ShareDelivered()
    message.CopyFrom(data)
    message.acknowledge_by.FromDatetime(end)
    message.clock_code = clock.code
    return Decision(
        effects=(recorded(message, fact, share.share_id, share.share_id),),
        timers=(Timer(timer_name(ACKNOWLEDGE, share.share_id), end),),
        cancel=(timer_name(DELIVER, share.share_id),),
    )


def delivery_failed(state: State, fact: Fact, data: DeliveryFailed) -> Decision:
    """Record a failed attempt; harmless once it was delivered after all."""
    share = share_of(state, data)
    if share.delivered_at is not None or share.void:
        return NOTHING
    return Decision(effects=(recorded(data, fact, share.share_id, f"{share.share_id}/{data.attempt}"),))


def blocked(fact: Fact, share: Share, reason_code: str, agreement_ref: str = "") -> Decision:
    """Stop a share at the door: its recipient never has it, and no clock of it runs."""
    data = DispatchBlocked(
        concern_id=fact.concern_id,
        share_id=share.share_id,
        recipient_agency_id=share.agency_id,
        reason_code=reason_code,
        agreement_ref=agreement_ref,
    )
    return Decision(
        effects=(Effect(data, key=share.share_id),), cancel=tuple(timer_name(kind, share.share_id) for kind in _KINDS)
    )


def read(state: State, fact: Fact, data: ShareRead) -> Decision:
    """Record that a named person opened it; each person who does."""
    share = share_of(state, data)
    in_hand(share)
    named(fact)
    return Decision(effects=(recorded(data, fact, share.share_id, str(fact.id)),))


def viewed(state: State, fact: Fact, data: ContentViewed) -> Decision:
    """Record that somebody looked at content who is not the recipient's reader: an auditor, an operator."""
    if data.share_id and data.share_id not in state.shares:
        raise Refused(404, "unknown_share", "no such share in this concern")
    named(fact)
    return Decision(effects=(recorded(data, fact, data.share_id, f"{fact.id}/{data.agency_id}/{data.purpose_code}"),))


def acknowledged(state: State, fact: Fact, data: ShareAcknowledged) -> Decision:
    """Record that a named person in the role has taken it on, and stop the chase."""
    share = share_of(state, data)
    in_hand(share)
    named(fact)
    if share.acknowledged_at is not None:
        return NOTHING
    message = ShareAcknowledged()
    message.CopyFrom(data)
    message.late = share.acknowledge_by is not None and fact.recorded > share.acknowledge_by
    stopped = [share.share_id, *_redirectors(state, share)]
    return Decision(
        effects=(recorded(message, fact, share.share_id, share.share_id),),
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
    in_hand(share)
    if share.acknowledged_at is None:
        raise Refused(409, "not_acknowledged", "acknowledge the share first, by a named person; then give the outcome")
    if data.outcome == ShareOutcome.SHARE_OUTCOME_UNSPECIFIED:
        raise Refused(422, "outcome_required", "say what was done; see the codes of ShareOutcome")
    named(fact)
    if data.outcome == ShareOutcome.SHARE_OUTCOME_NO_FURTHER_ACTION and not words(fact):
        raise Refused(422, "reason_required", "no further action needs its reason in words: it goes to the referrer")
    if data.outcome == share.outcome and not share.reopened:
        return NOTHING
    effect = recorded(data, fact, share.share_id, f"{share.share_id}/{data.outcome}")
    return Decision((effect,), cancel=(timer_name(REVIEW, share.share_id),))


def received(state: State, fact: Fact, data: AttachmentReceived) -> Decision:
    """Record that a named person has an attachment: a receipt for each, once (scenario S47)."""
    share = share_of(state, data)
    in_hand(share)
    named(fact)
    if data.part_id not in share.digests:
        raise Refused(404, "unknown_part", "this share has no such part; read it to see which there are")
    if data.part_id in share.receipts:
        return NOTHING
    return Decision((recorded(data, fact, share.share_id, f"{share.share_id}/{data.part_id}"),))


def refused(state: State, fact: Fact, data: ActRefused) -> Decision:
    """Record that an agency tried what it may not do (rules 2.3); nothing else changes."""
    del state
    return Decision((recorded(data, fact, data.share_id, _tried(data)),))


def _tried(data: ActRefused) -> str:
    """Name all that was said: the id of the record then commits to it, and replay sees when it was altered."""
    return f"{data.share_id}/{data.about_id}/{data.agency_id}/{data.act_code}/{data.reason_code}"


def fired(arrangement_of: Callable[[Share], Arrangement], state: State, fact: Fact, timer: Timer) -> Decision:
    """Answer a share's timer that fell due; one that is settled meanwhile leads to nothing."""
    kind, _, share_id = timer.name.partition(":")
    share = state.shares.get(share_id)
    if share is None or share.void:
        return NOTHING
    arrangement = arrangement_of(share)
    if kind == REVIEW:
        return _next_stage(arrangement, fact, share) if share.reopened else NOTHING
    if share.acknowledged_at is not None and not _accountable(state, share):
        return NOTHING
    if kind == DELIVER:
        return _undelivered(arrangement, fact, share)
    if kind == ACKNOWLEDGE:
        return _overdue(arrangement, state, fact, share)
    return _next_stage(arrangement, fact, share)


def _accountable(state: State, share: Share) -> bool:
    """Whether a redirector still answers for it: until whom it was redirected to has acknowledged (practice 4)."""
    chain = {share.share_id}
    for other in state.shares.values():
        if other.redirected_from in chain:
            chain.add(other.share_id)
            if other.acknowledged_at is not None:
                return False
    return len(chain) > 1


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


def _overdue(arrangement: Arrangement, state: State, fact: Fact, share: Share) -> Decision:
    """Say that nobody acknowledged: of the share, and of those who redirected it and answer for it."""
    effects: list[Effect] = []
    timers: list[Timer] = []
    for one in (share, *(state.shares[share_id] for share_id in _redirectors(state, share))):
        if one.overdue or one.void:
            continue
        data = AcknowledgementOverdue(
            concern_id=fact.concern_id,
            share_id=one.share_id,
            recipient_agency_id=one.agency_id,
            clock_code=share.due_clock,
        )
        if share.acknowledge_by is not None:
            data.due_at.FromDatetime(share.acknowledge_by)
        following = _next_stage(arrangement, fact, one)
        effects += [Effect(data, key=one.share_id), *following.effects]
        timers += following.timers
        if one is share:
            effects += _referrer_asked(arrangement, state, fact, share)
    return Decision(tuple(effects), tuple(timers))


def _referrer_asked(arrangement: Arrangement, state: State, fact: Fact, share: Share) -> list[Effect]:
    """Ask whoever raised it to follow up what social care has not acknowledged: by the next working day, or in hours.

    Working Together and Keeping Children Safe in Education: the referrer does, where no decision is forthcoming. A
    notice that stands beside the concern, and a pattern, are nothing the referrer waits for.
    """
    if share.agency_class != _CSC or share.view_code:
        return []
    stage = arrangement.stages[0]
    urgent = share.urgency >= Urgency.URGENCY_URGENT
    data = ReferrerAsked(
        concern_id=fact.concern_id,
        share_id=share.share_id,
        recipient_agency_id=share.agency_id,
        agency_id=state.concern.agency_id,
        clock_code=stage.urgent_clock_code if urgent else stage.clock_code,
    )
    since = share.acknowledge_by or fact.recorded  # when it was due, however late this is noticed
    data.due_at.FromDatetime(stage_ends(arrangement, stage, share.urgency, since))
    return [Effect(data, key=share.share_id)]


def _next_stage(arrangement: Arrangement, fact: Fact, share: Share) -> Decision:
    """Ask the next role; after the last stage nobody is left to ask, and the share stays overdue on every page."""
    stage = stage_after(arrangement, share.stage)
    if stage is None:
        return NOTHING
    asked = who_is_asked(arrangement, share.agency_id, stage.role_code, share.urgency, fact.recorded)
    data = ShareEscalated(
        concern_id=fact.concern_id,
        share_id=share.share_id,
        recipient_agency_id=share.agency_id,
        stage=stage.number,
        role_code=asked.role_code,
        covered_role_code=asked.covered_role_code,
        cover_agency_id=asked.cover_agency_id,
    )
    timers: tuple[Timer, ...] = ()
    if stage_after(arrangement, stage.number) is not None:
        ends = stage_ends(arrangement, stage, share.urgency, fact.recorded)
        timers = (Timer(timer_name(ESCALATE, share.share_id), ends),)
    return Decision(effects=(Effect(data, key=f"{share.share_id}/{stage.number}"),), timers=timers)
