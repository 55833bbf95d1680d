"""The core of basis assessment: a concern's facts in, assessments and questions to people out."""

from __future__ import annotations

from datetime import UTC, date, datetime

from concern_relay.v1.assessments_pb2 import (
    DecisionOverdue,
    DecisionRecorded,
    ExplanationViewed,
    SubjectAccessDecided,
    SubjectAccessRefused,
    SubjectAccessRequested,
)
from services.basis_assessment.core import access
from services.basis_assessment.core.assess import Assessment, assess
from services.basis_assessment.core.decisions import record
from services.basis_assessment.core.engine import Engine
from services.basis_assessment.core.ladder import escalation
from services.basis_assessment.core.state import BasisState, fold
from services.basis_assessment.pack import LawBook, LawPack
from services.chassis.arrangement import Agency, Book
from services.chassis.calendar import LONDON
from services.chassis.concern import CONTENT_EVENTS, Concern
from services.chassis.event import NOTHING, Decision, Effect, Fact, FactKind, Timer, effect_id

TIMER_PREFIX = "decision:"


class BasisCore:
    """Pure. ``services.chassis.event.Core`` of ``BasisState``."""

    def __init__(self, laws: LawBook, arrangements: Book) -> None:
        """Take every pack and arrangement: a replay needs the one in force back then."""
        self.laws = laws
        self.arrangements = arrangements
        self._engines = {pack.sha256: Engine(pack) for pack in laws.packs}

    def start(self, concern_id: str) -> BasisState:
        """Give the state of a concern nothing is known of."""
        return BasisState(Concern(concern_id))

    def evolve(self, state: BasisState, fact: Fact) -> BasisState:
        """Fold a fact."""
        return fold(state, fact)

    def decide(self, state: BasisState, fact: Fact) -> Decision:
        """Answer an input.

        Raises:
            Refused: for a decision that may not be taken so.
        """
        if fact.kind is FactKind.TIMER and fact.timer is not None and fact.timer.name.startswith(access.TIMER_PREFIX):
            return access.overdue(state, fact.timer.name.removeprefix(access.TIMER_PREFIX))
        if fact.kind is FactKind.TIMER:
            return self._overdue(state, fact)
        if fact.kind is FactKind.ACT:
            return self._acted(state, fact)
        if fact.type in CONTENT_EVENTS:
            after = fold(state, fact)
            # A statutory return is history: assessed when somebody asks, never by itself (practice 29).
            return NOTHING if after.concern.history else self._assessed(after, fact.recorded, str(fact.id))
        # PatternIdentified is assessed like a concern once patterns writes it: a state of its own place and group
        # parts, and the same tables (issue: places and patterns).
        return NOTHING

    def assess(self, state: BasisState, at: datetime, cause_id: str) -> Assessment:
        """Assess a concern as it stands, by the law of ``at``; records nothing. Also for history, on demand."""
        day = at.astimezone(LONDON).date()
        engine = self._engines[self.laws.on(day).sha256]
        return assess(engine, self.arrangements.on(day), state, at, cause_id)

    def _assessed(self, state: BasisState, at: datetime, cause_id: str, *before: Effect) -> Decision:
        assessment = self.assess(state, at, cause_id)
        fresh = [asked for asked in assessment.asks if asked.decision_id not in state.asked]
        still = {asked.decision_id for asked in assessment.asks}
        return Decision(
            effects=(
                *before,
                Effect(assessment.event, key="assessment"),
                *(Effect(asked, key=asked.decision_id) for asked in fresh),
            ),
            timers=tuple(Timer(TIMER_PREFIX + asked.decision_id, asked.due_at.ToDatetime(UTC)) for asked in fresh),
            cancel=tuple(TIMER_PREFIX + decision_id for decision_id in state.asked if decision_id not in still),
        )

    def _decided(self, state: BasisState, fact: Fact) -> Decision:
        day = _day(fact.recorded)
        effect = record(state, fact, self.laws.on(day), self.arrangements.on(day), day)
        recorded = Fact(
            kind=FactKind.EVENT,
            id=effect_id(fact.id, effect.type, effect.key),
            type=effect.type,
            concern_id=fact.concern_id,
            time=fact.time,
            recorded=fact.recorded,
            data=effect.data,
        )
        decision = self._assessed(fold(state, recorded), fact.recorded, str(recorded.id), effect)
        return Decision(decision.effects, decision.timers, (TIMER_PREFIX + effect.key, *decision.cancel))

    def _overdue(self, state: BasisState, fact: Fact) -> Decision:
        name = fact.timer.name if fact.timer is not None else ""
        asked = state.asked.get(name.removeprefix(TIMER_PREFIX))
        if not name.startswith(TIMER_PREFIX) or asked is None or fact.timer is None:
            return NOTHING
        before = state.escalated.get(asked.decision_id)
        if fact.timer.due != (before or asked).due_at.ToDatetime(UTC):
            return NOTHING  # it was passed on since
        day = _day(fact.recorded)
        effects = []
        if asked.decision_id not in state.overdue:
            overdue = DecisionOverdue(concern_id=asked.concern_id, decision_id=asked.decision_id, due_at=asked.due_at)
            effects.append(Effect(overdue, key=asked.decision_id))
        stage = before.stage + 1 if before is not None else 1
        passed_on = escalation(asked, stage, self.laws.on(day), self.arrangements.on(day), fact.recorded)
        if passed_on is None:
            return Decision(tuple(effects))
        effects.append(Effect(passed_on, key=f"{asked.decision_id}/{stage}"))
        return Decision(tuple(effects), (Timer(name, passed_on.due_at.ToDatetime(UTC)),))

    def _acted(self, state: BasisState, fact: Fact) -> Decision:
        match fact.data:
            case DecisionRecorded():
                return self._decided(state, fact)
            case ExplanationViewed():
                return self._viewed(fact, fact.data)
            case SubjectAccessRequested():
                pack, agency = self._asked_controller(state, fact, fact.data.share_id)
                return access.requested(state, fact, fact.data, pack, agency)
            case SubjectAccessDecided():
                return access.decided(state, fact, fact.data, self.laws.on(_day(fact.recorded)))
            case SubjectAccessRefused():
                return access.tried(state, fact, fact.data)
        return NOTHING

    def _asked_controller(self, state: BasisState, fact: Fact, share_id: str) -> tuple[LawPack, Agency]:
        """Give the law, and the agency where it is a controller here: it raised the concern, or holds a share of it.

        Whose a share is routing alone knows; the route has asked it before this act.

        Raises:
            Refused: it is none; of another's concern not even the existence is said.
        """
        day = _day(fact.recorded)
        agency = self.arrangements.on(day).agency(fact.agency_id)
        if agency is None or not (share_id or fact.agency_id == state.concern.agency_id):
            raise access.no_such_concern()
        return self.laws.on(day), agency

    @staticmethod
    def _viewed(fact: Fact, data: ExplanationViewed) -> Decision:
        """Record that somebody looked; each time."""
        return Decision((Effect(data, key=str(fact.id)),))


def _day(moment: datetime) -> date:
    return moment.astimezone(LONDON).date()
