"""Recorded events of a concern, opened as they were open at the time. Pure.

A key may have been suspended when a decision was taken, and be open again today; or destroyed since. ``Closures`` says
which keys were closed at a moment, by ``keys.v1``. A part that was open then and is not today makes whoever looks at
it *blind*: what followed from it cannot be worked out again, only shown to be unaltered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from concern_relay.v1.facts_pb2 import Part, SealedPart
from concern_relay.v1.keys_pb2 import KeyDestroyed, KeyResumed, KeySuspended
from services.chassis.contract import has_parts
from services.chassis.envelope import Event
from services.chassis.event import Fact, FactKind

FOR_EVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Past:
    """A recorded event, with the parts that open today.

    Attributes:
        event: as decoded.
        parts: what opens, by part id.
        index: of its leaf; -1 when it is not known.
    """

    event: Event
    parts: Mapping[str, Part] = field(default_factory=dict)
    index: int = -1

    @property
    def sealed(self) -> Sequence[SealedPart]:
        """Its sealed parts."""
        data = self.event.data
        return data.parts if has_parts(data) else ()  # type: ignore[attr-defined]


class Closures:
    """Which keys were closed when: suspended until resumed, or destroyed."""

    def __init__(self, history: Iterable[Past]) -> None:
        self._spans: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
        for past in history:
            match past.event.data:
                case KeySuspended() | KeyDestroyed() as closed:
                    for key_id in closed.key_ids:
                        self._spans[key_id].append((past.event.recorded, FOR_EVER))
                case KeyResumed() as resumed:
                    for key_id in resumed.key_ids:
                        self._end(key_id, past.event.recorded)

    def _end(self, key_id: str, at: datetime) -> None:
        spans = self._spans[key_id]
        if spans and spans[-1][1] is FOR_EVER:
            spans[-1] = (spans[-1][0], at)

    def at(self, moment: datetime) -> frozenset[str]:
        """Give the keys that were closed at a moment."""
        return frozenset(
            key_id for key_id, spans in self._spans.items() if any(begin <= moment < end for begin, end in spans)
        )


def fact_of(past: Past, closed: frozenset[str], opens: frozenset[str] | None) -> tuple[Fact, bool]:
    """Give the fact an event was to a core while these keys were closed, and whether we are blind to some of it.

    Args:
        past: the event.
        closed: keys that were closed then.
        opens: event types whose parts the core is given; None for all.
    """
    event = past.event
    parts: Mapping[str, Part] = {}
    blind = False
    if opens is None or event.type in opens:
        open_then = {sealed.part_id for sealed in past.sealed if sealed.key_id not in closed}
        blind = not open_then <= past.parts.keys()
        parts = past.parts if not closed else {i: part for i, part in past.parts.items() if i in open_then}
    fact = Fact(
        FactKind.EVENT,
        event.id,
        event.type,
        event.concern_id,
        event.time,
        event.recorded,
        event.data,
        parts,
        getattr(event.data, "agency_id", ""),
        event.causation_id,
        event.based_on,
    )
    return fact, blind


def act_of(past: Past) -> tuple[Fact, bool]:
    """Give the act that a recorded event is the record of, and whether we are blind to some of what was said.

    An act carries the very message it asks to have recorded. Its sealed parts are left in the message: a core can tell
    from them which parts there were, also when they do not open any more.
    """
    event = past.event
    assert event.causation_id is not None
    agency = getattr(event.data, "agency_id", "") or getattr(event.data, "recipient_agency_id", "")
    blind = any(sealed.part_id not in past.parts for sealed in past.sealed)
    fact = Fact(
        FactKind.ACT,
        event.causation_id,
        event.type,
        event.concern_id,
        event.time,
        event.recorded,
        event.data,
        past.parts,
        agency,
    )
    return fact, blind
