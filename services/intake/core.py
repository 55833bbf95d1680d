"""Intake's core: concerns are raised and corrected here, and watched until somebody has them.

The watch (practice 1): when nothing was delivered and nobody has decided within 15 minutes of acceptance, the sender
and the front door are told to telephone. A correction that makes a concern more urgent starts it anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from google.protobuf.message import Message

from concern_relay.v1.concerns_pb2 import ConcernRaised, InformationCorrected, WatchExpired
from concern_relay.v1.facts_pb2 import Part
from services.chassis.concern import Concern
from services.chassis.concern import with_fact as concern_with
from services.chassis.event import NOTHING, Content, Decision, Effect, Fact, FactKind, Refused, Timer
from services.intake.content import scope_of
from services.intake.same_child import CHILDREN, same_children
from services.intake.status import Status, Watch, ends_watch, watched
from services.intake.status import with_fact as status_with

WATCH: Final = "watch"
WATCH_DEFAULT: Final = timedelta(minutes=15)

ALREADY_RAISED = "already_raised"
OTHER_CHILD = "other_child"
NOT_YOURS = "not_yours"
_MATTER = ("item", "place", "group")


@dataclass(frozen=True, slots=True)
class IntakeState:
    """One concern as intake knows it.

    Attributes:
        concern: what was said, as it now stands.
        status: where it stands for its sender.
    """

    concern: Concern
    status: Status = field(default_factory=Status)


@dataclass(frozen=True, slots=True)
class IntakeCore:
    """The core.

    Attributes:
        watch: how long a concern may be with nobody.
    """

    watch: timedelta = WATCH_DEFAULT

    def start(self, concern_id: str) -> IntakeState:
        """Nothing is known."""
        return IntakeState(Concern(concern_id))

    def evolve(self, state: IntakeState, fact: Fact) -> IntakeState:
        """Fold an event; an act is what its effects are, and is not folded itself."""
        if fact.kind is FactKind.ACT:
            return state
        return replace(state, concern=concern_with(state.concern, fact), status=status_with(state.status, fact))

    def decide(self, state: IntakeState, fact: Fact) -> Decision:
        """Answer an act, an event of others, or the watch.

        Raises:
            Refused: ``already_raised``, ``other_child``, ``not_yours``, ``not_raised``.
        """
        if fact.timer is not None:
            return _expired(state, fact)
        if fact.kind is FactKind.ACT:
            match fact.data:
                case ConcernRaised():
                    return self._raise(state, fact, fact.data)
                case InformationCorrected():
                    return self._correct(state, fact, fact.data)
                case _:
                    raise Refused(422, "act_not_known", "Intake does not know this act.")
        return Decision(cancel=(WATCH,)) if ends_watch(fact) else NOTHING

    def _raise(self, state: IntakeState, fact: Fact, data: ConcernRaised) -> Decision:
        if state.status.agency_id:
            raise Refused(409, ALREADY_RAISED, "This concern is recorded. Send what changed as a correction.")
        effect = _effect(fact, data, fact.parts)
        return Decision((effect,), self._timers(status_with(Status(), _as_event(fact, effect)), fact))

    def _correct(self, state: IntakeState, fact: Fact, data: InformationCorrected) -> Decision:
        if not state.status.agency_id:
            raise Refused(404, "not_raised", "There is no such concern to correct. Raise it.")
        if state.status.agency_id != data.agency_id:
            raise Refused(404, NOT_YOURS, "There is no such concern of your agency.")
        # a recorded act (replay) was judged when it was made, on parts that may be erased by now
        if not data.parts and not about_the_same(state.concern, fact.parts):
            raise Refused(409, OTHER_CHILD, "Not plainly about the same child. Raise it as a concern of its own.")
        sealed = {part.part_id for part in data.parts} | fact.parts.keys()
        changed = _changed(state.concern, fact.parts, sealed, set(data.changed_part_ids))
        removed = (state.concern.parts.keys() | state.concern.unopened) - sealed
        if not changed and not removed and data.urgency == state.status.urgency:
            return NOTHING
        said = InformationCorrected()
        said.CopyFrom(data)
        del said.changed_part_ids[:], said.removed_part_ids[:]
        said.changed_part_ids.extend(sorted(changed))
        said.removed_part_ids.extend(sorted(removed))
        effect = _effect(fact, said, fact.parts)
        after = status_with(state.status, _as_event(fact, effect))
        restarted = after.watched_from != state.status.watched_from
        return Decision((effect,), self._timers(after, fact) if restarted else ())

    def _timers(self, status: Status, fact: Fact) -> tuple[Timer, ...]:
        return (Timer(WATCH, fact.recorded + self.watch),) if watched(status) else ()


def about_the_same(concern: Concern, parts: Mapping[str, Part]) -> bool:
    """Whether content is plainly about the children of a concern; never so when those cannot be looked at."""
    if concern.unopened and not any(person.role in CHILDREN for person in concern.people):
        return False
    shared = any(concern.parts.get(i) == part for i, part in parts.items() if part.WhichOneof("body") in _MATTER)
    people = [part.person for part in parts.values() if part.WhichOneof("body") == "person"]
    return same_children(concern.people, people, shared=shared)


def _expired(state: IntakeState, fact: Fact) -> Decision:
    assert fact.timer is not None
    status = state.status
    if fact.timer.name != WATCH or status.watch is not Watch.RUNNING or status.watched_from is None:
        return NOTHING
    expired = WatchExpired(concern_id=fact.concern_id, agency_id=status.agency_id, test=status.test)
    expired.accepted_at.FromDatetime(status.watched_from)
    expired.due_at.FromDatetime(fact.timer.due)
    return Decision((Effect(expired, key=WATCH),))


def _changed(concern: Concern, parts: Mapping[str, Part], sealed: set[str], said: set[str]) -> set[str]:
    """Give the parts that are new or differ. What cannot be opened any more (replay) is as it was said at the time."""
    compared = {part_id for part_id, part in parts.items() if concern.parts.get(part_id) != part}
    return compared | (said & (sealed - parts.keys()))


def _effect(fact: Fact, data: Message, parts: Mapping[str, Part]) -> Effect:
    """Record what an act asks for: the same message, its parts sealed under their own scopes."""
    bare = type(data)()
    bare.CopyFrom(data)
    del bare.parts[:]  # type: ignore[attr-defined]
    contents = tuple(Content(i, scope_of(fact.concern_id, part), part) for i, part in sorted(parts.items()))
    return Effect(bare, key=fact.concern_id, contents=contents, time=fact.time)


def _as_event(fact: Fact, effect: Effect) -> Fact:
    return replace(fact, kind=FactKind.EVENT, type=effect.type, data=effect.data)
