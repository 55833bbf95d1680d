"""Decisions of named people: what may be decided, by whom, and what has to be said with it."""

from __future__ import annotations

from datetime import date

from concern_relay.v1.assessments_pb2 import DecisionRecorded, DecisionRequested
from concern_relay.v1.codes_pb2 import DeciderRole, Outcome
from concern_relay.v1.facts_pb2 import Part
from services.basis_assessment.core.engine import SHARED
from services.basis_assessment.core.state import BasisState
from services.basis_assessment.pack import LawPack
from services.chassis.arrangement import Arrangement
from services.chassis.codes import word_of
from services.chassis.event import Content, Effect, Fact, KeyScope, Refused


def record(state: BasisState, fact: Fact, pack: LawPack, arrangement: Arrangement, today: date) -> Effect:
    """Turn the act of deciding into the event that records it.

    Args:
        state: before the decision.
        fact: the act; its ``DecisionRecorded`` names the decision, the outcome, the role, and what is said with it.
        pack: in force now: answers and cover are its.
        arrangement: in force now: who covers for whom.
        today: the day, in England.

    Raises:
        Refused: not open, not this agency's, not this role's, no named person, or something needed is missing.
    """
    data = fact.data
    assert isinstance(data, DecisionRecorded)
    asked = state.asked.get(data.decision_id)
    if asked is None:
        raise _not_open(state, data.decision_id)
    _may_decide(asked, data.role, fact.agency_id, pack, arrangement)
    _is_named(fact)
    _is_answer(asked, data.outcome, pack)
    override = data.outcome != asked.proposal
    _is_reasoned(data, override=override, today=today)
    recorded = DecisionRecorded(
        concern_id=state.concern.concern_id,
        decision_id=asked.decision_id,
        outcome=data.outcome,
        reason_code=data.reason_code,
        role=data.role,
        review_on=data.review_on,
        agency_id=fact.agency_id,
        recipient_class=asked.recipient_class,
        part_ids=asked.part_ids,
        override=override,
    )
    # basis_assessment may not issue keys; the concern's own key is always there (architecture, part ids).
    scope = KeyScope(state.concern.concern_id)
    contents = tuple(Content(part_id, scope, part) for part_id, part in sorted(fact.parts.items()))
    return Effect(recorded, key=asked.decision_id, contents=contents)


def _not_open(state: BasisState, decision_id: str) -> Refused:
    if any(decided.decision_id == decision_id for decided in state.decided.values()):
        return Refused(409, "already_decided", "this decision was taken; a new fact opens a new one")
    return Refused(404, "no_such_decision", "no decision of that id is open; look at GET /v1/decisions")


def _may_decide(
    asked: DecisionRequested, role: DeciderRole, agency_id: str, pack: LawPack, arrangement: Arrangement
) -> None:
    if role == DeciderRole.DECIDER_ROLE_DATA_PROTECTION_OFFICER:
        wanted = word_of(DeciderRole, asked.role)
        raise Refused(403, "advises_only", f"a data protection officer advises and never decides; {wanted} does")
    home = arrangement.agency(asked.agency_id)
    if agency_id not in (asked.agency_id, home.cover if home is not None else None):
        raise Refused(403, "not_your_decision", "another agency was asked; it decides, or the one that covers for it")
    roles = (asked.role, *pack.cover.get(asked.role, ()))
    if role not in roles:
        wanted = " or ".join(word_of(DeciderRole, one) for one in roles)
        raise Refused(403, "not_the_role", f"this decision is for the role {wanted}; a deputy decides in that role")


def _is_named(fact: Fact) -> None:
    if not any(_names_somebody(part) for part in fact.parts.values()):
        raise Refused(422, "decider_unnamed", "a decision has a named person; give decided_by with a name")


def _names_somebody(part: Part) -> bool:
    return part.WhichOneof("body") == "named_person" and bool(part.named_person.name.strip())


def _is_answer(asked: DecisionRequested, outcome: Outcome, pack: LawPack) -> None:
    question = pack.questions.get(asked.question_code)
    word = word_of(Outcome, outcome)
    # A question of an earlier pack that this one no longer has is still answered with any outcome that decides.
    allowed = question.answers if question is not None else tuple(word_of(Outcome, one) for one in _DECIDING)
    if word not in allowed:
        raise Refused(
            422, "not_an_answer", f"outcome {word or 'missing'!r} answers nothing; one of: {', '.join(allowed)}"
        )


_DECIDING = (
    Outcome.OUTCOME_SHARE_POWER,
    Outcome.OUTCOME_NOT_SHARED_UNNECESSARY,
    Outcome.OUTCOME_NOT_SHARED_DETRIMENT,
)


def _is_reasoned(data: DecisionRecorded, *, override: bool, today: date) -> None:
    shares = data.outcome in SHARED
    if (override or not shares) and not data.reason_code:
        raise Refused(422, "reason_missing", "to differ from the proposal, or not to share, needs a reason_code")
    if shares and not data.review_on:
        return
    try:
        review_on = date.fromisoformat(data.review_on)
    except ValueError:
        raise Refused(422, "review_missing", "not to share needs review_on, a day as 2026-09-30") from None
    if review_on < today:
        raise Refused(422, "review_past", "review_on lies in the past; name a day from today on")
