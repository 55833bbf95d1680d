"""A concern's journey, joined from the recorded events: what happened, who was told, what waits. Pure.

Built from the clear fields of the messages alone: ids, times, codes. No key is asked for, so a journey is the same
before and after an erasure. For auditors and operators; a recipient or sender never sees one (practice 8).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from concern_relay.v1 import assessments_pb2 as assessments
from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import concerns_pb2 as concerns
from concern_relay.v1 import keys_pb2 as keys
from concern_relay.v1 import shares_pb2 as shares
from services.audit.clear_fields import clear_fields
from services.chassis.codes import word_of
from services.chassis.envelope import Event


class State(StrEnum):
    """How far a concern, or a share, has come."""

    RAISED = "raised"
    ASSESSED = "assessed"
    WITHHELD = "withheld"
    SHARED = "shared"
    DELIVERED = "delivered"
    READ = "read"
    ACKNOWLEDGED = "acknowledged"
    OUTCOME = "outcome"


class ClockState(StrEnum):
    """How a clock stands."""

    RUNNING = "running"
    MET = "met"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded event.

    Attributes:
        index: of its leaf.
        time: when it happened.
        recorded: when it was recorded.
        codes: its clear fields, codes as words.
        trace_id: of the trace in which it was made; empty without one.
    """

    index: int
    event_id: UUID
    type: str
    service: str
    time: datetime
    recorded: datetime
    codes: Mapping[str, Any]
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """One recipient's share, with the recorded time of each of its states."""

    share_id: str
    recipient_agency_id: str
    recipient_class: str
    emergency: bool
    planned: datetime
    delivered: datetime | None = None
    channel: str = ""
    read: datetime | None = None
    acknowledged: datetime | None = None
    late: bool = False
    outcome_given: datetime | None = None
    outcome: str = ""
    failed_attempts: int = 0
    exhausted: bool = False
    blocked: str = ""
    redirected_to: str = ""
    recalled: datetime | None = None

    @property
    def state(self) -> State:
        """How far it has come."""
        if self.outcome_given:
            return State.OUTCOME
        if self.acknowledged:
            return State.ACKNOWLEDGED
        if self.read:
            return State.READ
        return State.DELIVERED if self.delivered else State.SHARED

    @property
    def counts(self) -> bool:
        """Whether the concern still waits for it."""
        return not (self.recalled or self.blocked)


@dataclass(frozen=True, slots=True)
class ClockRun:
    """A deadline: what for, by which rule, until when, and whether it was met."""

    about: str
    id: str
    code: str
    due: datetime
    state: ClockState = ClockState.RUNNING


@dataclass(frozen=True, slots=True)
class Withheld:
    """Somebody who was not told, or not everything, and why."""

    recipient_class: str
    agency_id: str
    parts: int
    reason: str
    rule_code: str
    review_on: str
    recorded: datetime


@dataclass(frozen=True, slots=True)
class Journey:
    """Everything recorded of a concern, and what it adds up to."""

    concern_id: str
    agency_id: str = ""
    urgency: str = ""
    history: bool = False
    test: bool = False
    raised: datetime | None = None
    changed: datetime | None = None
    assessed: datetime | None = None
    assessments: int = 0
    law_pack: str = ""
    law_pack_sha256: str = ""
    corrections: int = 0
    watch_expired: datetime | None = None
    shares: Mapping[str, Share] = field(default_factory=dict)
    clocks: Mapping[tuple[str, str], ClockRun] = field(default_factory=dict)
    withheld: tuple[Withheld, ...] = ()
    questions: Mapping[str, str] = field(default_factory=dict)
    suspended_keys: frozenset[str] = frozenset()
    destroyed_keys: frozenset[str] = frozenset()
    steps: tuple[Step, ...] = ()

    @property
    def state(self) -> State:
        """How far it has come: as far as the share that has come least far."""
        waiting = [share.state for share in self.shares.values() if share.counts]
        if waiting:
            return min(waiting, key=list(State).index)
        if self.withheld and self.assessed:
            return State.WITHHELD
        return State.ASSESSED if self.assessed else State.RAISED

    @property
    def overdue(self) -> tuple[ClockRun, ...]:
        """Deadlines that passed and are not met yet."""
        return tuple(c for c in self.clocks.values() if c.state is ClockState.OVERDUE)


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
    return _shared(journey, data, event.recorded)


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
    share = journey.shares.get(getattr(data, "share_id", ""))
    if share is None:
        return journey
    journey = replace(journey, shares={**journey.shares, share.share_id: _share_after(share, data, recorded)})
    match data:
        case shares.ShareDelivered() if data.HasField("acknowledge_by"):
            return _clock(journey, ClockRun("acknowledge", share.share_id, data.clock_code, _at(data.acknowledge_by)))
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
