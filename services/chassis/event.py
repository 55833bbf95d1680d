"""What cores speak in: facts in, effects out.

A core is two pure functions over one concern. ``evolve`` folds a fact into the state; ``decide`` answers an input with
effects and timers. Neither sees a clock, a key, a database or a topic. The journal feeds them; replay feeds them the
same way from recorded history, which is why a decision can be explained and proved years later.

Inputs are of three kinds, and all of them are facts:

* ``event``: a record of another service, from Kafka;
* ``act``: what a person or an agency's system did through HTTP. An act carries the very message it asks to have
  recorded (``ShareAcknowledged`` to acknowledge), so that replay can present the recorded event as the act again;
* ``timer``: a timer that fell due. It has no message; ``timer`` holds its name and due time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID, uuid5

from google.protobuf.message import Message

from concern_relay.v1.facts_pb2 import Part

TYPE_PREFIX = "concern_relay.v1."
TIMER_GRACE: Final = timedelta(seconds=60)
"""How long after its due time a timer may fire. What was recorded later still comes after it, live and in replay."""


class FactKind(StrEnum):
    """How an input came in."""

    EVENT = "event"
    ACT = "act"
    TIMER = "timer"


@dataclass(frozen=True, slots=True)
class Timer:
    """A moment at which a concern is looked at again.

    Attributes:
        name: unique within (service, concern), as ``acknowledge:<share id>``. Setting it again moves it.
        due: aware datetime, UTC.
    """

    name: str
    due: datetime


@dataclass(frozen=True, slots=True)
class KeyScope:
    """Whose key seals a part (design section 6): one per concern, person and consent; one per share.

    Attributes:
        concern_id: the concern, as text.
        person_id: the person the part is about, or empty: the concern as a whole.
        consent_ref: the consent it rests on, or empty.
        share_id: set alone with concern_id for the view sent to one recipient.
    """

    concern_id: str
    person_id: str = ""
    consent_ref: str = ""
    share_id: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """A part in the clear, on its way to be sealed under the key of ``scope``."""

    part_id: str
    scope: KeyScope
    part: Part


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known to have happened, opened.

    Attributes:
        kind: how it came in; own effects are folded as events.
        id: event id; for an act and a timer the cause of what follows.
        type: message name without package, as ``ConcernRaised``; empty for a timer.
        concern_id: opaque id, as text.
        time: when it happened. Aware, UTC.
        recorded: when it was recorded. Law looks only at this one.
        data: the message; its sealed parts are still sealed in it. None for a timer.
        parts: the parts that could be opened, by part id. A part of ``data`` that is missing here was erased, is
            suspended, or may not be opened by this service.
        agency_id: the agency that acted, for an act.
        causation_id: what caused it.
        based_on: per input topic the newest event of this concern its writer had applied.
        timer: for a timer, which.
    """

    kind: FactKind
    id: UUID
    type: str
    concern_id: str
    time: datetime
    recorded: datetime
    data: Message | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)
    agency_id: str = ""
    causation_id: UUID | None = None
    based_on: tuple[tuple[str, UUID], ...] = ()
    timer: Timer | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """An event a core wants recorded.

    Attributes:
        data: the message without its sealed parts; a message field ``parts`` is filled from ``contents``.
        key: natural key within (cause, type): recipient, clock, item. Never an index in a list.
        contents: parts to seal into ``data.parts``.
        time: when it happened, if that is not when it was recorded.
        topic: name of the output topic, where a service has several; empty for its first.
    """

    data: Message
    key: str
    contents: tuple[Content, ...] = ()
    time: datetime | None = None
    topic: str = ""

    @property
    def type(self) -> str:
        """Message name without package."""
        return str(self.data.DESCRIPTOR.name)


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from an input.

    Attributes:
        effects: events to record, in this order.
        timers: timers to set or move.
        cancel: names of timers to drop.
    """

    effects: tuple[Effect, ...] = ()
    timers: tuple[Timer, ...] = ()
    cancel: tuple[str, ...] = ()


NOTHING = Decision()


class Refused(Exception):  # noqa: N818  (an answer, not a failure)
    """An act that may not be done; nothing is recorded for it.

    Attributes:
        status: HTTP status, as 403, 404, 409 or 422.
        code: stable code for machines, as ``not_the_recipient``.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        """Say why, and what to do; never with personal content."""
        super().__init__(message)
        self.status = status
        self.code = code


S = TypeVar("S")


class Core(Protocol, Generic[S]):
    """The pure core of a service."""

    def start(self, concern_id: str) -> S:
        """Give the state of a concern nothing is known of."""

    def evolve(self, state: S, fact: Fact) -> S:
        """Fold a fact, an input or an own effect, into the state. Must not raise on known types."""

    def decide(self, state: S, fact: Fact) -> Decision:
        """Answer an input, given the state *before* it.

        Raises:
            Refused: for an act that may not be done.
        """


def effect_id(cause: UUID, type_name: str, key: str) -> UUID:
    """Give the id of an effect: UUIDv5 of (cause, type, natural key). Same cause, same effect, same id."""
    return uuid5(cause, f"{type_name}\n{key}")


def derived_id(concern_id: str, kind: str, *natural_key: str) -> str:
    """Give the opaque id of a thing inside a concern (share, decision), the same whenever it is derived."""
    return str(uuid5(UUID(concern_id), "\n".join((kind, *natural_key))))


def timer_id(concern_id: str, timer: Timer) -> UUID:
    """Give the id of a firing: the cause of what it leads to."""
    return uuid5(UUID(concern_id), f"timer\n{timer.name}\n{timer.due.isoformat()}")
