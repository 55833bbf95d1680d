"""Holds what was said beside the decisions against what must have been: questions, warnings, answers, the family."""

from __future__ import annotations

from collections.abc import Iterator

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.assessments_pb2 import BasisAssessed
from services.chassis.codes import word_of
from services.workbench.scenario.laws import answer_to
from services.workbench.scenario.seen import Seen, same
from services.workbench.scenario.then import FamilyToldThen, Then


def said_differences(then: Then, seen: Seen) -> Iterator[str]:
    """Give what is not as it must be."""
    yield from _codes(then, seen)
    if then.family_told is not None:
        yield from _family_told(then.family_told, seen)


def _codes(then: Then, seen: Seen) -> Iterator[str]:
    assessed = seen.assessed or BasisAssessed()
    have = {
        "question": {q.code for q in assessed.questions},
        "governance": set(assessed.governance_codes),
        "warning": {code for fact in seen.facts for code in getattr(fact.data, "warning_codes", ())},
        "answer": set(assessed.answered_codes),
    }
    answers, barred_answers = [answer_to(c) for c in then.answers], [answer_to(c) for c in then.not_answers]
    asked = (("question", then.questions), ("governance", then.governance), ("warning", then.warnings))
    for kind, wanted in (*asked, ("answer", answers)):
        for code in wanted:
            if code not in have[kind]:
                yield f"{kind} {code!r} is missing; there are: {', '.join(sorted(have[kind])) or 'none'}"
    for kind, barred in (("answer", barred_answers), ("warning", then.not_warnings)):
        yield from (f"{kind} {code!r} is there and must not be" for code in barred if code in have[kind])
    if then.no_questions and have["question"]:
        yield f"questions: {', '.join(sorted(have['question']))} were put and none may be"
    if then.law_pack:
        yield from same("law pack", then.law_pack, assessed.law_pack)
    if then.emergency is not None:
        yield from same("emergency", then.emergency, assessed.emergency)


def _family_told(wanted: FamilyToldThen, seen: Seen) -> Iterator[str]:
    sent = [f for f in seen.facts if f.type in {"ConcernRaised", "InformationAdded", "InformationCorrected"}]
    details = [p.detail for f in sent for p in f.parts.values() if p.WhichOneof("body") == "detail"]
    if not details:
        yield "family_told: nothing is on record that can be opened"
        return
    found = details[-1]
    yield from same("family_told", wanted.told, word_of(codes.FamilyTold, found.family_told))
    reason = word_of(codes.FamilyNotToldReason, found.family_not_told_reason)
    yield from same("family_told: reason", wanted.reason, reason)
    yield from same("family_told: review_on", wanted.review_on, found.family_told_review_on)
