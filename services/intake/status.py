"""Where a concern stands for its sender: received, acknowledged, outcome given. Pure.

A sender learns nothing of other agencies (practice 8): not who was told, how many, or what was withheld. What it is
told is the answer of the one it raised the concern to: children's social care where that was told, else the designated
officer, else the police, else whoever was. A school's acknowledgement must not reassure an officer that social care
has seen it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import concerns_pb2 as concerns
from concern_relay.v1 import shares_pb2 as shares
from services.chassis.event import Fact

_LEAD = (
    codes.AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE,
    codes.AgencyClass.AGENCY_CLASS_DESIGNATED_OFFICER,
    codes.AgencyClass.AGENCY_CLASS_POLICE,
)


FOLDED = frozenset(
    {
        "ConcernRaised",
        "InformationAdded",
        "InformationCorrected",
        "WatchExpired",
        "SharePlanned",
        "ShareAcknowledged",
        "OutcomeGiven",
        "ShareRecalled",
        "ShareDelivered",
        "DecisionRecorded",
        "ReferrerAsked",
        "DutyStarted",
        "DutyDone",
    }
)
"""Event types that can change a status."""


class State(StrEnum):
    """What a sender sees."""

    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    OUTCOME_GIVEN = "outcome_given"


class Watch(StrEnum):
    """The watch of practice 1."""

    NONE = "none"
    RUNNING = "running"
    ENDED = "ended"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Told:
    """One recipient, as far as the sender's answer depends on it.

    Attributes:
        rank: place in the order of who answers the sender; lower answers first.
        acknowledged: recorded time a named person there acknowledged.
        outcome: what it said it did; 0 = nothing yet.
        outcome_at: recorded time of that.
        outcome_event: id of the event that says so; its reasons are sealed in it.
        follow_up_by: nobody acknowledged in time, and the sender is asked to follow it up by then.
    """

    rank: int
    acknowledged: datetime | None = None
    outcome: int = 0
    outcome_at: datetime | None = None
    outcome_event: str = ""
    follow_up_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """The status of one concern.

    Attributes:
        agency_id: who raised it; empty until it was raised.
        received: recorded time of acceptance.
        urgency: as last stated.
        history: a statutory return.
        test: practice.
        version: 1 as raised, one more with each correction.
        watch: where the watch stands.
        watched_from: recorded time the watch started.
        same_reference_as: another concern under the same reference.
        told: recipients by share id.
    """

    agency_id: str = ""
    received: datetime | None = None
    urgency: int = 0
    history: bool = False
    test: bool = False
    version: int = 0
    watch: Watch = Watch.NONE
    watched_from: datetime | None = None
    same_reference_as: str = ""
    told: Mapping[str, Told] = field(default_factory=dict)

    @property
    def lead(self) -> tuple[Told, ...]:
        """The recipients whose answer is the sender's."""
        first = min((told.rank for told in self.told.values()), default=0)
        return tuple(told for told in self.told.values() if told.rank == first)

    @property
    def state(self) -> State:
        """What the sender sees."""
        if any(told.outcome for told in self.lead):
            return State.OUTCOME_GIVEN
        return State.ACKNOWLEDGED if self.acknowledged else State.RECEIVED

    @property
    def acknowledged(self) -> datetime | None:
        """When a named person first acknowledged it."""
        return min((told.acknowledged for told in self.lead if told.acknowledged), default=None)

    @property
    def follow_up_by(self) -> datetime | None:
        """By when the sender follows it up, as nobody of those who answer it has acknowledged; None where one has."""
        asked = [told.follow_up_by for told in self.lead if told.follow_up_by is not None]
        return None if self.acknowledged else min(asked, default=None)

    @property
    def outcome(self) -> Told | None:
        """The newest outcome given to the sender."""
        given = [told for told in self.lead if told.outcome_at is not None]
        return max(given, key=lambda told: told.outcome_at or told.acknowledged, default=None)  # type: ignore[arg-type, return-value]


def with_fact(status: Status, fact: Fact) -> Status:  # noqa: C901  (a table: one row an event)
    """Fold an event into the status; other facts leave it as it is."""
    data = fact.data
    match data:
        case concerns.ConcernRaised():
            return _raised(data, fact.recorded)
        case concerns.InformationCorrected():
            return _changed(replace(status, version=status.version + 1), data, fact.recorded)
        case concerns.InformationAdded():
            return _changed(status, data, fact.recorded)
        case concerns.WatchExpired():
            return replace(status, watch=Watch.EXPIRED)
        case shares.SharePlanned():
            rank = _LEAD.index(data.recipient_class) if data.recipient_class in _LEAD else len(_LEAD)
            # a notice or a pattern is not the concern: whoever takes it has not taken that
            return _told(status, data.share_id, Told(rank + len(_LEAD) + 1 if data.view_code else rank))
        case shares.DutyStarted() if data.leads:  # a front door that raised it itself answers itself
            return _told(_watch_ended(status), data.duty_id, Told(0))
        case shares.DutyDone():
            own = status.told.get(data.duty_id)
            return status if own is None else _told(status, data.duty_id, replace(own, acknowledged=fact.recorded))
        case shares.ReferrerAsked():
            told = status.told.get(data.share_id)
            by = data.due_at.ToDatetime(tzinfo=fact.recorded.tzinfo)
            return status if told is None else _told(status, data.share_id, replace(told, follow_up_by=by))
        case shares.ShareAcknowledged():
            told = status.told.get(data.share_id)
            if told is None or told.acknowledged is not None:
                return status
            return _told(status, data.share_id, replace(told, acknowledged=fact.recorded))
        case shares.OutcomeGiven():
            told = status.told.get(data.share_id)
            given = {"outcome": int(data.outcome), "outcome_at": fact.recorded, "outcome_event": str(fact.id)}
            return status if told is None else _told(status, data.share_id, replace(told, **given))  # type: ignore[arg-type]
        case shares.ShareRecalled():
            # it went to the wrong place: its answer is nobody's
            return replace(status, told={k: v for k, v in status.told.items() if k != data.share_id})
    return _watch_ended(status) if ends_watch(fact) else status


def ends_watch(fact: Fact) -> bool:
    """Whether a fact means that somebody has it: a delivered share, or a person's recorded decision (practice 1)."""
    if fact.type == "DutyStarted":  # a front door that raised it about its own area has it: nobody tells it
        return bool(getattr(fact.data, "leads", False))
    return fact.type in {"ShareDelivered", "DecisionRecorded"}


def watched(status: Status) -> bool:
    """Whether the watch runs for such a concern; statutory returns are history (practice 29)."""
    return bool(status.agency_id) and not status.history


def _raised(data: concerns.ConcernRaised, recorded: datetime) -> Status:
    status = Status(
        agency_id=data.agency_id,
        received=recorded,
        urgency=data.urgency,
        history=data.history,
        test=data.test,
        version=1,
        same_reference_as=data.same_reference_as,
    )
    return replace(status, watch=Watch.RUNNING, watched_from=recorded) if watched(status) else status


def _changed(
    status: Status, data: concerns.InformationCorrected | concerns.InformationAdded, recorded: datetime
) -> Status:
    after = replace(status, urgency=data.urgency or status.urgency)
    if watched(status) and data.urgency > status.urgency:
        return replace(after, watch=Watch.RUNNING, watched_from=recorded)
    return after


def _told(status: Status, share_id: str, told: Told) -> Status:
    return replace(status, told={**status.told, share_id: told})


def _watch_ended(status: Status) -> Status:
    # after the alarm too: the alarm stays in the history, and the sender sees that somebody has it now
    return replace(status, watch=Watch.ENDED) if status.watch in (Watch.RUNNING, Watch.EXPIRED) else status
