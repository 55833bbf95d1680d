"""Several decisions as one: fold what was decided already, so that what follows in the same breath sees it."""

from __future__ import annotations

from collections.abc import Iterable

from services.chassis.event import Decision, Effect, Fact, FactKind, Timer, effect_id
from services.routing.core import state as states
from services.routing.core.state import State


def folded(state: State, fact: Fact, effects: Iterable[Effect]) -> State:
    """Fold effects as the journal will."""
    for effect in effects:
        own = Fact(
            kind=FactKind.EVENT,
            id=effect_id(fact.id, effect.type, effect.key),
            type=effect.type,
            concern_id=fact.concern_id,
            time=fact.recorded,
            recorded=fact.recorded,
            data=effect.data,
            parts={content.part_id: content.part for content in effect.contents},
        )
        state = states.evolve(state, own)
    return state


def joined(one: Decision, other: Decision) -> Decision:
    """Give both; of two timers of one name, the other's."""
    timers: dict[str, Timer] = {timer.name: timer for timer in (*one.timers, *other.timers)}
    return Decision((*one.effects, *other.effects), tuple(timers.values()), (*one.cancel, *other.cancel))
