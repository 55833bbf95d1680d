"""A decision as a person reads it: what is asked, what is proposed and why, who may answer, by when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from concern_relay.v1.assessments_pb2 import BasisAssessed, DecisionRequested
from concern_relay.v1.codes_pb2 import AgencyClass, DeciderRole, Outcome
from services.basis_assessment import words
from services.basis_assessment.core.ladder import ladder
from services.basis_assessment.explain import ClassExplained, Step, explain
from services.basis_assessment.pack import LawBook, LawPack
from services.basis_assessment.store import Waiting
from services.chassis.arrangement import Arrangement
from services.chassis.codes import word_of


def listed(waiting: Waiting, pack: LawPack) -> dict[str, Any]:
    """Give a decision as a line of a list: codes, the question in words, and how it stands."""
    asked, passed_on = waiting.decision, waiting.escalated
    question = pack.questions.get(asked.question_code)
    found: dict[str, Any] = {
        "decision_id": asked.decision_id,
        "concern_id": asked.concern_id,
        "question_code": asked.question_code,
        "question": question.asks if question is not None else "",
        "answers": list(question.answers) if question is not None else [],
        "proposal": word_of(Outcome, asked.proposal),
        "class": word_of(AgencyClass, asked.recipient_class),
        "part_ids": list(asked.part_ids),
        "role": word_of(DeciderRole, asked.role),
        "agency_id": asked.agency_id,
        "due_at": asked.due_at.ToDatetime(UTC).isoformat(),
        "clock_code": asked.clock_code,
        "state": waiting.state,
        "escalated": None,
        "decided": None,
    }
    if passed_on is not None:
        found["escalated"] = {
            "agency_id": passed_on.agency_id,
            "internal_role": passed_on.internal_role,
            "stage": passed_on.stage,
            "due_at": passed_on.due_at.ToDatetime(UTC).isoformat(),
            "telephone_now": passed_on.exhausted,
        }
    if waiting.recorded is not None:
        made = waiting.recorded
        found["decided"] = {
            "outcome": word_of(Outcome, made.outcome),
            "reason_code": made.reason_code,
            "role": word_of(DeciderRole, made.role),
            "agency_id": made.agency_id,
            "override": made.override,
            "review_on": made.review_on,
        }
    return found


def in_full(
    waiting: Waiting, assessed: BasisAssessed | None, laws: LawBook, arrangement: Arrangement, now: datetime
) -> dict[str, Any]:
    """Give a decision with what led to it and who may answer it.

    Args:
        waiting: the decision.
        assessed: the newest assessment of its concern.
        laws: every pack at hand.
        arrangement: in force now.
        now: the time.
    """
    pack = laws.on(now.date())
    asked = waiting.decision
    home = arrangement.agency(asked.agency_id)
    found = listed(waiting, pack)
    found["proposal_in_words"] = words.said(words.OUTCOMES, Outcome, asked.proposal)
    found["why"] = list(_why(asked, assessed, laws))
    roles = (asked.role, *pack.cover.get(asked.role, ()))
    found["may_decide"] = {
        "roles": [word_of(DeciderRole, role) for role in roles],
        "agencies": [asked.agency_id, *([home.cover] if home is not None and home.cover else [])],
        "then_asked": [
            {"agency_id": rung.agency_id, "internal_role": rung.internal_role}
            for rung in ladder(asked, arrangement, now)
        ],
        "advises_only": [word_of(DeciderRole, DeciderRole.DECIDER_ROLE_DATA_PROTECTION_OFFICER)],
    }
    found["needs"] = _needs(found["proposal"])
    return found


def _needs(proposal: str) -> list[str]:
    return [
        "decided_by: the name of the person, and the role in which they decide",
        f"reason_code: to decide otherwise than proposed ({proposal}), or not to share",
        "review_on: a day on which it is looked at again; required not to share",
    ]


def _why(asked: DecisionRequested, assessed: BasisAssessed | None, laws: LawBook) -> Iterator[str]:
    """Give the reasons, each a sentence with its citations."""
    if assessed is None:
        return
    wanted = word_of(AgencyClass, asked.recipient_class)
    whole = explain(laws, assessed)
    one = next((each for each in whole.classes if each.recipient_class == wanted), None)
    if one is None:
        return
    yield one.sentence
    yield from (_step(step) for step in _steps(one, asked))


def _steps(one: ClassExplained, asked: DecisionRequested) -> tuple[Step, ...]:
    if not asked.part_ids:
        return one.steps
    steps = (step for part in one.parts if part.part_id in asked.part_ids for step in part.steps)
    return tuple(dict.fromkeys(steps))


def _step(step: Step) -> str:
    cites = f" [{'; '.join(step.cites)}]" if step.cites else ""
    return f"{step.says or step.code}{cites}"
