"""A concern's journey, joined from the recorded events: what happened, who was told, what waits. Pure.

Built from the clear fields of the messages alone: ids, times, codes. No key is asked for, so a journey is the same
before and after an erasure. For auditors and operators; a recipient or sender never sees one (practice 8).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from concern_relay.v1 import assessments_pb2 as assessments
from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import concerns_pb2 as concerns
from concern_relay.v1 import keys_pb2 as keys
from concern_relay.v1 import shares_pb2 as shares
from services.audit.clear_fields import clear_fields
from services.audit.journey import ClockRun, ClockState, Journey, Share, Step, Withheld
from services.audit.journey_after import followed
from services.chassis.codes import word_of
from services.chassis.envelope import Event


def journey_of(concern_id: str, recorded: Iterable[tuple[int, Event]], until: datetime | None = None) -> Journey:
    """Join the events of a concern.

    Args:
        concern_id: the concern.
        recorded: leaf index and event; a record sent twice may come twice.
        until: leave out what was recorded after it.
    """
    first: dict[UUID, tuple[int, Event]] = {}
    for index, event in recorded:
        if until is None or event.recorded <= until:
            first.setdefault(event.id, (index, event))
    ordered = sorted(first.values(), key=lambda found: (found[1].recorded, found[0]))
    journey = Journey(concern_id, steps=tuple(_step(index, event) for index, event in ordered))
    for _, event in ordered:
        journey = replace(_folded(journey, event), changed=event.recorded)
    return journey


def _step(index: int, event: Event) -> Step:
    trace = event.traceparent.split("-")
    return Step(
        index,
        event.id,
        event.type,
        event.source.rpartition("/")[2],
        event.time,
        event.recorded,
        clear_fields(event.data),
        trace[1] if len(trace) == 4 else "",
    )


def _folded(journey: Journey, event: Event) -> Journey:
    data: Any = event.data
    match data:
        case concerns.ConcernRaised():
            return replace(
                journey, agency_id=data.agency_id, urgency=_word(codes.Urgency, data.urgency), history=data.history,
                test=data.test, raised=event.recorded,
            )  # fmt: skip
        case concerns.InformationCorrected():
            urgency = _word(codes.Urgency, data.urgency) or journey.urgency
            return replace(journey, urgency=urgency, corrections=journey.corrections + 1)
        case concerns.WatchExpired():
            return replace(journey, watch_expired=event.recorded)
        case assessments.BasisAssessed():
            return replace(
                journey, assessed=journey.assessed or event.recorded, assessments=journey.assessments + 1,
                law_pack=data.law_pack, law_pack_sha256=data.law_pack_sha256,
            )  # fmt: skip
        case assessments.DecisionRequested() | assessments.DecisionRecorded() | assessments.DecisionOverdue():
            return _decision(journey, data)
        case shares.ShareWithheld():
            return replace(journey, withheld=(*journey.withheld, _withheld(data, event.recorded)))
        case keys.KeySuspended():
            return replace(journey, suspended_keys=journey.suspended_keys | set(data.key_ids))
        case keys.KeyResumed():
            return replace(journey, suspended_keys=journey.suspended_keys - set(data.key_ids))
        case keys.KeyDestroyed():
            return replace(journey, destroyed_keys=journey.destroyed_keys | set(data.key_ids))
    return followed(_shared(journey, data, event.recorded), data)


def _decision(journey: Journey, data: Any) -> Journey:
    match data:
        case assessments.DecisionRequested():
            asked = replace(journey, questions={**journey.questions, data.decision_id: data.question_code})
            if not data.HasField("due_at"):
                return asked
            return _clock(asked, ClockRun("decide", data.decision_id, data.clock_code, _at(data.due_at)))
        case assessments.DecisionRecorded():
            left = {k: v for k, v in journey.questions.items() if k != data.decision_id}
            return _ended(replace(journey, questions=left), "decide", data.decision_id, ClockState.MET)
    return _ended(journey, "decide", data.decision_id, ClockState.OVERDUE)


def _shared(journey: Journey, data: Any, recorded: datetime) -> Journey:
    if isinstance(data, shares.SharePlanned):
        planned = Share(
            data.share_id, data.recipient_agency_id, _word(codes.AgencyClass, data.recipient_class), data.emergency,
            recorded,
        )  # fmt: skip
        return replace(journey, shares={**journey.shares, data.share_id: planned})
    if isinstance(data, shares.FrontDoorAlarmed):
        return replace(journey, alarmed=(*journey.alarmed, data.agency_id))
    share = journey.shares.get(getattr(data, "share_id", ""))
    if share is None:
        return journey
    journey = replace(journey, shares={**journey.shares, share.share_id: _share_after(share, data, recorded)})
    match data:
        case shares.ShareDelivered():
            after = _ended(journey, "deliver", share.share_id, ClockState.MET)
            if not data.HasField("acknowledge_by"):
                return after
            return _clock(after, ClockRun("acknowledge", share.share_id, data.clock_code, _at(data.acknowledge_by)))
        case shares.DeliveryOverdue():
            overdue = ClockState.OVERDUE
            return _clock(journey, ClockRun("deliver", share.share_id, data.clock_code, _at(data.due_at), overdue))
        case shares.ShareAcknowledged():
            return _ended(journey, "acknowledge", share.share_id, ClockState.MET)
        case shares.AcknowledgementOverdue():
            return _ended(journey, "acknowledge", share.share_id, ClockState.OVERDUE)
    return journey


def _share_after(share: Share, data: Any, recorded: datetime) -> Share:
    match data:
        case shares.ShareDelivered():
            return replace(share, delivered=share.delivered or recorded, channel=_word(codes.Channel, data.channel))
        case shares.DeliveryFailed():
            return replace(share, failed_attempts=share.failed_attempts + 1, exhausted=data.exhausted)
        case shares.ShareRead():
            return replace(share, read=share.read or recorded)
        case shares.ShareAcknowledged():
            return replace(share, acknowledged=share.acknowledged or recorded, late=data.late)
        case shares.OutcomeGiven():
            return replace(share, outcome_given=recorded, outcome=_word(codes.ShareOutcome, data.outcome))
        case shares.ShareEscalated():
            return replace(share, stage=data.stage)
        case shares.ShareRedirected():
            return replace(share, redirected_to=data.to_agency_id)
        case shares.ShareRecalled():
            return replace(share, recalled=recorded)
        case shares.DispatchBlocked():
            return replace(share, blocked=data.reason_code)
    return share


def _withheld(data: shares.ShareWithheld, recorded: datetime) -> Withheld:
    return Withheld(
        _word(codes.AgencyClass, data.recipient_class), data.agency_id, len(data.part_ids),
        _word(codes.WithholdReason, data.reason), data.rule_code, data.review_on, recorded,
    )  # fmt: skip


def _clock(journey: Journey, run: ClockRun) -> Journey:
    return replace(journey, clocks={**journey.clocks, (run.about, run.id): run})


def _ended(journey: Journey, about: str, id_: str, state: ClockState) -> Journey:
    run = journey.clocks.get((about, id_))
    return journey if run is None else _clock(journey, replace(run, state=state))


def _at(value: Any) -> datetime:
    return value.ToDatetime(tzinfo=UTC)  # type: ignore[no-any-return]


def _word(enum: Any, number: int) -> str:
    return word_of(enum, number)
