"""What a journey is made of: steps, shares, clocks, what was held back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


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
    stage: int = 0
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
    """A deadline: what for, by which rule, until when, and whether it was met.

    Attributes:
        agency_id: whose it is, where no share says so.
    """

    about: str
    id: str
    code: str
    due: datetime
    state: ClockState = ClockState.RUNNING
    agency_id: str = ""


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
    alarmed: tuple[str, ...] = ()
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
