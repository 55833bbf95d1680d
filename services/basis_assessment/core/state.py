"""What basis assessment knows of a concern: the concern, what people decided, and what they are still asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from concern_relay.v1.assessments_pb2 import (
    BasisAssessed,
    DecisionEscalated,
    DecisionOverdue,
    DecisionRecorded,
    DecisionRequested,
    SubjectAccessDecided,
    SubjectAccessRequested,
)
from concern_relay.v1.codes_pb2 import AgencyClass, Outcome
from concern_relay.v1.concerns_pb2 import ConsentGiven, ConsentWithdrawn, InformationCorrected, ObjectionRecorded
from services.basis_assessment.core.engine import SHARED
from services.chassis.concern import CONTENT_EVENTS, Concern, with_fact
from services.chassis.event import Fact, FactKind, derived_id

WHOLE = ""
"""Part id of a decision about a class as a whole."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision of a named person, with what it was about as it stood then.

    Attributes:
        of: what was decided.
        agency_id: whose person decided; the controller where it was the lead agency.
        seen: the newest event about the concern (for a class) or about the part, when it was decided.
    """

    decision_id: str
    of: Outcome
    agency_id: str
    seen: str

    @property
    def share(self) -> bool:
        """Whether it was decided to share."""
        return self.of in SHARED


@dataclass(frozen=True, slots=True)
class BasisState:
    """The fold of a concern's events for basis assessment.

    Attributes:
        versions: per part the event that last brought or changed it.
        withdrawn: references of withdrawn consents.
        objected: references of those that nothing had rested on; they count no more (UK GDPR Article 21).
        asked: open decisions by id.
        overdue: those of them that were not answered in time.
        escalated: to whom those were passed on last: deputies, whoever covers.
        access: open requests for a copy, by id.
        decided: the newest decision per class and part; ``WHOLE`` for the class.
    """

    concern: Concern
    versions: Mapping[str, str] = field(default_factory=dict)
    withdrawn: frozenset[str] = frozenset()
    objected: frozenset[str] = frozenset()
    asked: Mapping[str, DecisionRequested] = field(default_factory=dict)
    overdue: frozenset[str] = frozenset()
    escalated: Mapping[str, DecisionEscalated] = field(default_factory=dict)
    access: Mapping[str, SubjectAccessRequested] = field(default_factory=dict)
    decided: Mapping[tuple[AgencyClass, str], Decided] = field(default_factory=dict)

    def for_class(self, recipient: AgencyClass) -> Decided | None:
        """Give the decision that stands for a class. New facts reopen one not to tell it (failure F8)."""
        found = self.decided.get((recipient, WHOLE))
        return found if found is not None and (found.share or found.seen == self.concern.last_event_id) else None

    def for_part(self, recipient: AgencyClass, part_id: str) -> Decided | None:
        """Give the decision that stands for a part; one about words that changed since is none."""
        found = self.decided.get((recipient, part_id))
        return found if found is not None and found.seen == self.versions.get(part_id, "") else None

    def decision_id(self, recipient: AgencyClass, part_id: str, question: str) -> str:
        """Give the id of the question about a class or part: the same until it is answered or its subject changes."""
        before = self.decided.get((recipient, part_id))
        since = self.versions.get(part_id, "") if part_id else (before.decision_id if before else "")
        return derived_id(self.concern.concern_id, "decision", str(int(recipient)), part_id, question, since)


def fold(state: BasisState, fact: Fact) -> BasisState:
    """Fold a fact. Acts and timers change nothing by themselves; what they lead to does."""
    data = fact.data
    if fact.kind is not FactKind.EVENT or data is None:
        return state
    if fact.type in CONTENT_EVENTS:
        return _content(state, fact)
    if isinstance(data, BasisAssessed):
        return _assessed(state, data)
    if isinstance(data, DecisionRequested):
        return _requested(state, data)
    if isinstance(data, DecisionRecorded):
        return _recorded(state, data)
    if isinstance(data, DecisionOverdue):
        return replace(state, overdue=state.overdue | {data.decision_id})
    if isinstance(data, SubjectAccessRequested):
        return replace(state, access={**state.access, data.request_id: data})
    if isinstance(data, SubjectAccessDecided):
        return replace(state, access={i: one for i, one in state.access.items() if i != data.request_id})
    if isinstance(data, DecisionEscalated):
        return replace(state, escalated={**state.escalated, data.decision_id: data})
    return state


def _content(state: BasisState, fact: Fact) -> BasisState:
    data = fact.data
    concern = with_fact(state.concern, fact)
    versions = {**state.versions, **dict.fromkeys(concern.changed, str(fact.id))}
    if isinstance(data, InformationCorrected):
        versions = {part: event for part, event in versions.items() if part not in set(data.removed_part_ids)}
    withdrawn = state.withdrawn
    if isinstance(data, ConsentWithdrawn):
        withdrawn |= {data.consent_ref}
    elif isinstance(data, ConsentGiven):
        withdrawn -= {data.consent_ref}
    objected = state.objected
    if isinstance(data, ObjectionRecorded):
        withdrawn, objected = withdrawn - {data.consent_ref}, objected | {data.consent_ref}
    return replace(state, concern=concern, versions=versions, withdrawn=withdrawn, objected=objected)


def _assessed(state: BasisState, data: BasisAssessed) -> BasisState:
    """Close what is asked no longer: the class or the part does not wait any more."""
    waiting = waits(data)
    return _asked(state, {i: d for i, d in state.asked.items() if about(d) in waiting})


def waits(data: BasisAssessed) -> frozenset[tuple[AgencyClass, str]]:
    """Say what waits for a person after an assessment: classes (``WHOLE``) and parts."""
    waiting = set()
    for of_class in data.classes:
        if of_class.outcome == Outcome.OUTCOME_PROPOSED:
            waiting.add((of_class.recipient_class, WHOLE))
        waiting.update(
            (of_class.recipient_class, item.part_id)
            for item in of_class.items
            if item.outcome == Outcome.OUTCOME_BLOCKED_PENDING
        )
    return frozenset(waiting)


def _requested(state: BasisState, data: DecisionRequested) -> BasisState:
    others = {i: d for i, d in state.asked.items() if about(d) != about(data)}
    return _asked(state, {**others, data.decision_id: data})


def _recorded(state: BasisState, data: DecisionRecorded) -> BasisState:
    part_id = data.part_ids[0] if data.part_ids else WHOLE
    seen = state.versions.get(part_id, "") if part_id else state.concern.last_event_id
    decided = Decided(data.decision_id, data.outcome, data.agency_id, seen)
    asked = {i: d for i, d in state.asked.items() if i != data.decision_id}
    return replace(_asked(state, asked), decided={**state.decided, (data.recipient_class, part_id): decided})


def _asked(state: BasisState, asked: Mapping[str, DecisionRequested]) -> BasisState:
    escalated = {i: passed_on for i, passed_on in state.escalated.items() if i in asked}
    return replace(state, asked=asked, overdue=state.overdue & asked.keys(), escalated=escalated)


def about(asked: DecisionRequested) -> tuple[AgencyClass, str]:
    """Say what a question is about: the class, and the part or ``WHOLE``."""
    return asked.recipient_class, asked.part_ids[0] if asked.part_ids else WHOLE
