"""Intake's core: concerns are raised, followed up, and watched until somebody has them.

The watch (practice 1): when nothing was delivered and nobody has decided within 15 minutes of acceptance, the sender
and the front door are told to telephone. What makes a concern more urgent starts it anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, get_args

from concern_relay.v1.concerns_pb2 import AttachmentCleared, ConcernRaised, HoldLifted, HoldPlaced, WatchExpired
from services.chassis.concern import Concern
from services.chassis.event import NOTHING, Decision, Effect, Fact, FactKind, Refused, Timer
from services.intake.core import attachments, erasure, identity
from services.intake.core import state as states
from services.intake.core.follow_up import NOT_YOURS, FollowUp, followed, objection_due
from services.intake.core.raising import ALREADY_RAISED, OTHER_CHILD, about_the_same, raised
from services.intake.core.recorded import as_event
from services.intake.core.state import IntakeState
from services.intake.status import Status, Watch, ends_watch, watched
from services.intake.status import with_fact as status_with

__all__ = [
    "ALREADY_RAISED",
    "NOT_YOURS",
    "OTHER_CHILD",
    "WATCH",
    "WATCH_DEFAULT",
    "FollowUp",
    "IntakeCore",
    "IntakeState",
    "about_the_same",
    "objection_due",
]

WATCH: Final = "watch"
WATCH_DEFAULT: Final = timedelta(minutes=15)
_FOLLOW_UPS: Final = get_args(FollowUp)
_ERASURES: Final = get_args(erasure.ErasureAct)
_ATTACHMENTS: Final = get_args(attachments.AttachmentAct)


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
        """Fold a fact into the state."""
        return states.evolve(state, fact)

    def decide(self, state: IntakeState, fact: Fact) -> Decision:
        """Answer an act, an event of others, or the watch.

        Raises:
            Refused: ``already_raised``, ``other_child``, ``not_yours``, ``not_raised``, and those of ``follow_up``.
        """
        if fact.timer is not None:
            kind, _, about = fact.timer.name.partition(":")
            if kind == attachments.ATTACH:
                return attachments.fired(state.attachments, fact, about)
            return erasure.fired(state.erasures, fact, about) if kind == erasure.ERASE else _expired(state, fact)
        if fact.kind is not FactKind.ACT:
            return Decision(cancel=(WATCH,)) if ends_watch(fact) else NOTHING
        if isinstance(fact.data, ConcernRaised):
            effect = raised(state, fact, identity.concluded(fact.data, fact))
            return self._watched(state, Status(), fact, effect)
        if isinstance(fact.data, _FOLLOW_UPS):
            found = followed(state, fact, identity.concluded(fact.data, fact))
            return NOTHING if found is None else self._watched(state, state.status, fact, found)
        if isinstance(fact.data, _ERASURES):
            return _erasure(state, fact, fact.data)
        if isinstance(fact.data, _ATTACHMENTS):
            return _attachment(state, fact, fact.data)
        raise Refused(422, "act_not_known", "Intake does not know this act.")

    def _watched(self, state: IntakeState, before: Status, fact: Fact, effect: Effect) -> Decision:
        """Start the watch where what is recorded starts it; say what stands open about who a child is."""
        after = status_with(before, as_event(fact, effect))
        restarted = after.watched_from != before.watched_from
        timers = (Timer(WATCH, fact.recorded + self.watch),) if restarted and watched(after) else ()
        if not isinstance(effect.data, identity.IDENTIFYING) or after.history:
            return Decision((effect,), timers)
        return Decision((effect, *identity.links(state.pending, fact, after.agency_id, effect.data)), timers)


def _erasure(state: IntakeState, fact: Fact, data: erasure.ErasureAct) -> Decision:
    """Let the agency that raised it decide on erasing; let whoever holds it ask that nothing is erased."""
    of_holders = isinstance(data, HoldPlaced | HoldLifted)
    if not (state.holds(data.agency_id) if of_holders else data.agency_id == state.status.agency_id):
        # of another agency's concern not even the existence is said
        raise Refused(404, NOT_YOURS, "There is no such concern of your agency.")
    known = frozenset(state.concern.parts) | state.concern.unopened
    return erasure.asked(state.erasures, known, fact, data)


def _attachment(state: IntakeState, fact: Fact, data: attachments.AttachmentAct) -> Decision:
    """Let the agency that raised it attach and release; what a scan found has no agency."""
    if not isinstance(data, AttachmentCleared) and data.agency_id != state.status.agency_id:
        # of another agency's concern not even the existence is said
        raise Refused(404, NOT_YOURS, "There is no such concern of your agency.")
    return attachments.asked(state.attachments, fact, data)


def _expired(state: IntakeState, fact: Fact) -> Decision:
    assert fact.timer is not None
    status = state.status
    if fact.timer.name != WATCH or status.watch is not Watch.RUNNING or status.watched_from is None:
        return NOTHING
    expired = WatchExpired(concern_id=fact.concern_id, agency_id=status.agency_id, test=status.test)
    expired.accepted_at.FromDatetime(status.watched_from)
    expired.due_at.FromDatetime(fact.timer.due)
    return Decision((Effect(expired, key=WATCH),))
