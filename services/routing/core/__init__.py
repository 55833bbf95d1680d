"""The pure core of routing: assessments and emergencies in, shares out, and the clocks until somebody acknowledges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from concern_relay.v1.codes_pb2 import Urgency
from concern_relay.v1.concerns_pb2 import WatchExpired
from concern_relay.v1.shares_pb2 import (
    ContentViewed,
    DeliveryFailed,
    DispatchBlocked,
    OutcomeGiven,
    ShareAcknowledged,
    ShareDelivered,
    ShareRead,
    ShareRedirected,
)
from services.chassis.arrangement import Arrangement, ArrangementBook
from services.chassis.calendar import LONDON
from services.chassis.concern import CONTENT_EVENTS, Concern
from services.chassis.event import NOTHING, Decision, Effect, Fact, FactKind, Refused, Timer, effect_id
from services.routing.core import acts, alarm
from services.routing.core import state as states
from services.routing.core.plan import Planner, planner_for
from services.routing.core.recipients import could_read
from services.routing.core.redirect import redirected
from services.routing.core.state import Assessment, Share, State

__all__ = ["INBOX_READABLE", "RoutingCore", "Share", "State"]

INBOX_READABLE: Final = "inbox_readable_by_person_of_concern"


@dataclass(frozen=True, slots=True)
class RoutingCore:
    """Decides who is given what, and watches until a person has acknowledged."""

    book: ArrangementBook

    def start(self, concern_id: str) -> State:
        """Give the state of a concern nothing is known of."""
        return State(Concern(concern_id))

    def evolve(self, state: State, fact: Fact) -> State:
        """Fold a fact into the state."""
        return states.evolve(state, fact)

    def decide(self, state: State, fact: Fact) -> Decision:
        """Answer an input.

        Raises:
            Refused: for an act that may not be done.
        """
        if fact.kind is FactKind.ACT:
            return self._act(state, fact)
        if fact.timer is not None:
            return acts.fired(self._of_share, state, fact, fact.timer)
        after = states.evolve(state, fact)
        if after.concern.history:
            return NOTHING
        if fact.type in states.CONCERN_EVENTS:
            content = self._content(state, after, fact)
            if not isinstance(fact.data, WatchExpired):
                return content
            return _joined(content, alarm.raised(self._on(fact.recorded), after.concern, fact, fact.data))
        assessment = states.assessment_of(fact)
        if assessment is not None and after.assessed is not state.assessed:
            return self._assessed(after, (assessment,), fact)
        return NOTHING

    def _content(self, before: State, after: State, fact: Fact) -> Decision:
        """An emergency goes first, before any assessment; then whatever assessment was waiting for this event."""
        decision = NOTHING
        emergency = after.concern.urgency == Urgency.URGENCY_EMERGENCY
        if emergency and fact.type in CONTENT_EVENTS:
            planner = Planner(self._on(fact.recorded), after, fact.recorded, str(fact.id))
            planner.emergency()
            decision = Decision(tuple(planner.effects), tuple(planner.timers))
        waiting = states.ready(replace(after, waiting=before.waiting))
        if waiting and decision.effects:
            after = _folded(after, fact, list(decision.effects))
        return _joined(decision, self._assessed(after, waiting, fact))

    def _assessed(self, state: State, assessments: tuple[Assessment, ...], fact: Fact) -> Decision:
        decision = NOTHING
        for number, assessment in enumerate(assessments, start=1):
            data = assessment.data
            arrangement = self.book.by_digest(data.arrangement_sha256) or self._on(fact.recorded)
            planner = planner_for(arrangement, state, assessment, fact.recorded)
            planner.assessed(data)
            decision = _joined(decision, Decision(tuple(planner.effects), tuple(planner.timers)))
            if number < len(assessments):
                state = _folded(state, fact, planner.effects)
        return decision

    def _act(self, state: State, fact: Fact) -> Decision:
        data = fact.data
        match data:
            case ShareDelivered():
                return self._delivered(state, fact, data)
            case DispatchBlocked():
                return self._blocked(state, fact, acts.share_of(state, data), data.reason_code)
            case DeliveryFailed():
                return acts.delivery_failed(state, fact, data)
            case ShareRead():
                return acts.read(state, fact, data)
            case ContentViewed():
                return acts.viewed(state, fact, data)
            case ShareAcknowledged():
                return acts.acknowledged(state, fact, data)
            case OutcomeGiven():
                return acts.outcome_given(state, fact, data)
            case ShareRedirected():
                return redirected(self._on(fact.recorded), state, fact, data)
            case _:
                raise Refused(422, "unknown_act", "routing records deliveries, readings, acknowledgements and outcomes")

    def _delivered(self, state: State, fact: Fact, data: ShareDelivered) -> Decision:
        share = acts.share_of(state, data)
        if share.delivered_at is None and not share.blocked and could_read(state.concern, share.agency_id):
            return self._blocked(state, fact, share, INBOX_READABLE)
        return acts.delivered(self._of_share(share), state, fact, data)

    def _blocked(self, state: State, fact: Fact, share: Share, reason_code: str) -> Decision:
        """Stop a share at the door, and plan anew what may still go: the rest of it, or somebody else."""
        if share.delivered_at is not None or share.blocked:
            return NOTHING
        decision = acts.blocked(fact, share, reason_code)
        after = _folded(state, fact, list(decision.effects))
        assessed = state.assessed
        arrangement = self._of_share(share)
        planner = Planner(arrangement, after, fact.recorded, str(fact.id), assessed.event_id if assessed else "")
        if assessed is not None:
            planner.assessed(assessed.data)
        else:
            planner.emergency()
        return _joined(decision, Decision(tuple(planner.effects), tuple(planner.timers)))

    def _on(self, recorded: datetime) -> Arrangement:
        return self.book.on(recorded.astimezone(LONDON).date())

    def _of_share(self, share: Share) -> Arrangement:
        return self.book.by_digest(share.arrangement_sha256) or self._on(share.planned_at)


def _folded(state: State, fact: Fact, effects: list[Effect]) -> State:
    """Fold effects as the journal will, so that what follows in the same decision sees them."""
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


def _joined(one: Decision, other: Decision) -> Decision:
    timers: dict[str, Timer] = {timer.name: timer for timer in (*one.timers, *other.timers)}
    return Decision((*one.effects, *other.effects), tuple(timers.values()), (*one.cancel, *other.cancel))
