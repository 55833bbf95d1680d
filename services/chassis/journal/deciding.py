"""From a fact to what follows: folding a concern, asking the core, and holding its answer to what can be written.

No database here. Whatever goes wrong is raised before anything changes, so that the input can be parked and the next
one find the concern as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from google.protobuf.message import Message

from concern_relay.v1.facts_pb2 import SealedPart
from services.chassis.contract import has_parts
from services.chassis.envelope import VALUE_BYTES_MAX, Event
from services.chassis.errors import IdConflict, RelayError
from services.chassis.event import Content, Decision, Effect, Fact, FactKind, Timer, effect_id
from services.chassis.journal.desk import Desk
from services.chassis.journal.facts import fact_of, opened
from services.chassis.journal.rows import Incoming
from services.chassis.keys import Key

S = TypeVar("S")

SEAL_BYTES_MAX = 256  # what sealing adds to a part: its ids, kind and tag, generously
TIMER_NAME_MAX = 400


class Unwritable(RelayError):  # noqa: N818  (a finding about a core's answer)
    """A core decided something that cannot be written; the record is parked as if the core had raised."""


class TooLarge(Unwritable):
    """An effect is larger than a record may be."""


@dataclass(slots=True)
class Standing(Generic[S]):
    """Where a concern stands while a batch is worked through.

    Attributes:
        state: the fold of what is known.
        held: a record of it is parked; what comes later waits.
        recorded: the time of what is recorded next; never before what was recorded of this concern.
        based_on: per input topic the newest event applied.
        broken: what the core raised while it folded the past.
    """

    state: S
    held: bool
    recorded: datetime
    based_on: dict[str, UUID] = field(default_factory=dict)
    broken: Exception | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An event decided but not yet sealed, and the fact it is to the core."""

    event: Event
    effect: Effect
    fact: Fact


def fold(
    desk: Desk[S], concern_id: str, past: Iterable[Event], keys: Mapping[str, Key], *, held: bool, now: datetime
) -> Standing[S]:
    """Fold what is journaled of a concern. A core that cannot is a finding, and no reason to stop the others."""
    standing = Standing(desk.core.start(concern_id), held, now)
    try:
        for event in past:
            standing.state = desk.core.evolve(standing.state, opened_for(desk, event, keys))
            if event.topic not in desk.writes:
                standing.based_on[event.topic] = event.id
    except Exception as error:  # noqa: BLE001  (whatever a core raises)
        standing.broken = error
    return standing


def opened_for(desk: Desk[S], event: Event, keys: Mapping[str, Key]) -> Fact:
    """Give the fact of an event, opened as far as this core needs it."""
    return opened(event, keys if desk.opens_type(event.type) else {})


def fact_in(desk: Desk[S], incoming: Incoming, keys: Mapping[str, Key], recorded: datetime) -> Fact:
    """Give the fact an input is to the core.

    Raises:
        SealBroken: a part does not belong where it lies.
    """
    event = incoming.event
    if event is None:
        kind = FactKind.TIMER
        return Fact(kind, incoming.id, "", incoming.concern_id, recorded, recorded, timer=incoming.timer)
    if incoming.kind is FactKind.EVENT:
        return opened_for(desk, event, keys)
    return Fact(
        FactKind.ACT,
        incoming.id,
        event.type,
        incoming.concern_id,
        event.time,
        recorded,
        event.data,
        {content.part_id: content.part for content in incoming.contents},
        incoming.agency_id,
    )


def decide(desk: Desk[S], standing: Standing[S], incoming: Incoming, fact: Fact) -> tuple[Decision, list[Draft]]:
    """Ask the core, and move the concern on.

    Raises:
        Refused: the act may not be done.
        IdConflict: the act was made for a concern that stands otherwise by now.
        Unwritable: what the core decided cannot be written.
        Exception: whatever the core raises. The standing is then as it was.
    """
    if standing.broken is not None:
        raise standing.broken
    if incoming.still is not None and not incoming.still(standing.state):
        raise IdConflict("the concern has changed since this act was made: look again at what stands")
    decision = desk.core.decide(standing.state, fact)
    state, based_on = standing.state, dict(standing.based_on)
    if incoming.kind is FactKind.EVENT:
        state = desk.core.evolve(state, fact)
        assert incoming.event is not None
        based_on[incoming.event.topic] = incoming.event.id
    basis = tuple(sorted(based_on.items()))
    drafts: list[Draft] = []
    for effect in decision.effects:
        event = _event(desk, incoming, effect, basis, standing.recorded)
        own = fact_of(event, {c.part_id: c.part for c in effect.contents})
        state = desk.core.evolve(state, own)
        drafts.append(Draft(event, effect, own))
    _check(decision, drafts)
    standing.state, standing.based_on = state, based_on
    return decision, drafts


def _event(
    desk: Desk[S], incoming: Incoming, effect: Effect, basis: tuple[tuple[str, UUID], ...], recorded: datetime
) -> Event:
    topic = effect.topic or desk.writes[0]
    if topic not in desk.writes:
        raise Unwritable(f"{effect.type} was decided for {topic}, which {desk.service} does not write")
    event_type = effect.type
    return Event(
        id=effect_id(incoming.id, event_type, effect.key),
        type=event_type,
        topic=topic,
        source=f"//concern-relay/{desk.service}",
        time=effect.time or recorded,
        recorded=recorded,
        concern_id=incoming.concern_id,
        causation_id=incoming.id,
        based_on=basis,
        data=_data(effect),
        traceparent=incoming.traceparent,
    )


def _data(effect: Effect) -> Message:
    """Give the message with placeholders for its parts, so that the state sees which there are before all are sealed.

    A message that can hold parts is copied: the core may have given us the very message of its input.
    """
    given = effect.data
    if not has_parts(given):
        if effect.contents:
            raise Unwritable(f"{effect.type} has no field for parts, and was given contents")
        return given
    data = type(given)()
    data.CopyFrom(given)
    del data.parts[:]  # type: ignore[attr-defined]
    data.parts.extend(SealedPart(part_id=c.part_id) for c in effect.contents)  # type: ignore[attr-defined]
    return data


def _check(decision: Decision, drafts: list[Draft]) -> None:
    """Refuse what could not be written, or not be read again."""
    if len(drafts) > 1 and len({draft.event.id for draft in drafts}) < len(drafts):
        raise Unwritable("two effects have the same type and natural key: give each its own key")
    for draft in drafts:
        size = draft.event.data.ByteSize()
        if contents := draft.effect.contents:
            size += sum(c.part.ByteSize() + SEAL_BYTES_MAX for c in contents)
            _check_contents(draft.event.type, contents)
        if not 0 < size <= VALUE_BYTES_MAX:
            raise TooLarge(f"{draft.event.type} would have {size} bytes; a record may have 1 to {VALUE_BYTES_MAX}")
        if draft.event.time.tzinfo is None:
            raise Unwritable(f"the time of {draft.event.type} has no zone")
    for timer in decision.timers:
        _check_timer(timer)


def _check_contents(event_type: str, contents: Sequence[Content]) -> None:
    if any(c.part.WhichOneof("body") is None for c in contents):
        raise Unwritable(f"{event_type} was given a part without a body")
    if len({c.part_id for c in contents}) < len(contents):
        raise Unwritable(f"{event_type} was given two parts with one id")


def _check_timer(timer: Timer) -> None:
    if timer.due.tzinfo is None or not 0 < len(timer.name) <= TIMER_NAME_MAX:
        raise Unwritable(f"a timer needs a due time with a zone, and a name of 1 to {TIMER_NAME_MAX} characters")
