"""What came of a concern, in the words a scenario uses: for whoever writes one, or wonders why it differs.

Refs, codes and times only; of content nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Any

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.assessments_pb2 import ClassAssessment
from services.chassis.codes import word_of
from services.workbench.scenario.check_after import duty_states, leads
from services.workbench.scenario.check_shares import state_of
from services.workbench.scenario.seen import Seen
from services.workbench.scenario.terms import LONDON


def shown(seen: Seen) -> Iterator[str]:
    """Give it, a line each, as it stands in a `then`."""
    assessed = seen.assessed
    if assessed is not None:
        yield f"law_pack: {assessed.law_pack}"
        yield f"emergency: {str(assessed.emergency).lower()}"
        for found in assessed.classes:
            if found.outcome != codes.Outcome.OUTCOME_NOT_SHARED_NO_ROLE:
                yield from _basis(found, seen)
        yield f"questions: {_list(q.code for q in assessed.questions)}"
        yield f"governance: {_list(assessed.governance_codes)}"
        yield f"answers: {_list(assessed.answered_codes)}"
    raised = [*seen.of("ConcernRaised"), *seen.of("InformationCorrected")]
    yield f"warnings: {_list(code for data in raised for code in data.warning_codes)}"
    yield from _shares(seen)
    yield from _withheld(seen)
    yield from _decisions(seen)
    yield from _held_by(seen)
    yield f"events: {_list(fact.type for fact in seen.facts)}"


def _basis(found: ClassAssessment, seen: Seen) -> Iterator[str]:
    words = [
        word_of(codes.Outcome, found.outcome),
        *_said("article6", word_of(codes.Article6, found.article6)),
        *_said("alternates", ", ".join(word_of(codes.Article6, a) for a in found.alternates)),
        *_said("gateway", word_of(codes.Gateway, found.gateway)),
        *_said("reason", word_of(codes.WithholdReason, found.reason)),
        *_said("rejected", ", ".join(found.rejected_codes)),
    ]
    yield f"basis: {word_of(codes.AgencyClass, found.recipient_class)} {' '.join(words)}"
    yield f"  clauses: {_list([*found.clause_codes, *found.alternate_codes])}"
    for own in found.recipients:
        of_own = [
            word_of(codes.Article6, own.article6),
            *_said("alternates", ", ".join(word_of(codes.Article6, a) for a in own.alternates)),
            *_said("gateway", word_of(codes.Gateway, own.gateway)),
        ]
        led = _list([*own.clause_codes, *own.alternate_codes])
        yield f"  towards {own.agency_id}: {' '.join(of_own)} clauses: {led}"
    for item in found.items:
        of_item = [
            word_of(codes.Outcome, item.outcome),
            word_of(codes.Sensitivity, item.sensitivity),
            *_said("article9", word_of(codes.Article9, item.article9)),
            *_said("condition", word_of(codes.DpaCondition, item.condition)),
            *_said("reason", word_of(codes.WithholdReason, item.reason)),
        ]
        yield f"  item {seen.ref(item.part_id)}: {' '.join(of_item)} clauses: {_list(item.clause_codes)}"
        for one in item.candidates:
            named = word_of(codes.DpaCondition, one.condition) or word_of(codes.Article9, one.article9)
            standing = word_of(codes.CandidateStanding, one.standing)
            yield f"    candidate {named}: {standing} lacks: {_list(one.lacking_codes)}"


def _shares(seen: Seen) -> Iterator[str]:
    delivered = {d.share_id: d for d in seen.of("ShareDelivered")}
    for share in seen.of("SharePlanned"):
        clock = delivered.get(share.share_id)
        due = f" due {_when(clock.acknowledge_by)} ({clock.clock_code})" if clock is not None else ""
        holds = _list(seen.ref(p.part_id) for p in share.parts)
        keeps = "".join(f" {word}" for word in _said("instructions", ", ".join(share.instruction_codes)))
        view = f" view {share.view_code}" if share.view_code else ""
        stands = " beside another" if share.beside_share_ids else ""
        told = f"{share.recipient_agency_id}{view}{stands}"
        yield f"share: to {told} {state_of(share.share_id, seen)}{due} holds {holds}{keeps}"


def _held_by(seen: Seen) -> Iterator[str]:
    """Tell who leads, what each has to do by a time and whom the chase asks, and what a person linked."""
    if found := sorted(leads(seen)):
        yield f"leads: {_list(found)}"
    for duty in duty_states(seen):
        yield f"duty: {duty['duty']} of {duty['agency']} {duty['state']} due {_when(duty['due_at'])}"
    for asked in seen.of("ShareEscalated"):
        cover = f" covered by {asked.cover_agency_id}" if asked.cover_agency_id else ""
        yield f"asked: {asked.role_code} of {asked.recipient_agency_id}{cover}, stage {asked.stage}"
    for asked in seen.of("ReferrerAsked"):
        yield f"asked: {asked.agency_id} to follow up {asked.recipient_agency_id}, due {_when(asked.due_at)}"
    for alarmed in seen.of("FrontDoorAlarmed"):
        yield f"alarmed: {alarmed.agency_id}, telephone {alarmed.sender_agency_id}"
    if seen.linked:
        yield f"linked: {_list(seen.linked)}"


def _withheld(seen: Seen) -> Iterator[str]:
    for found in seen.of("ShareWithheld"):
        who = found.agency_id or word_of(codes.AgencyClass, found.recipient_class)
        what = _list(seen.ref(p) for p in found.part_ids) if found.part_ids else "the whole"
        yield f"withheld: {what} from {who} for {word_of(codes.WithholdReason, found.reason)}"


def _decisions(seen: Seen) -> Iterator[str]:
    made = {d.decision_id: d for d in seen.of("DecisionRecorded")}
    for asked in seen.of("DecisionRequested"):
        done = made.get(asked.decision_id)
        state = f"recorded {word_of(codes.Outcome, done.outcome)}" if done else f"asked, due {_when(asked.due_at)}"
        yield (
            f"decision: {asked.question_code} on {word_of(codes.AgencyClass, asked.recipient_class)} "
            f"{_list(seen.ref(p) for p in asked.part_ids)} by {word_of(codes.DeciderRole, asked.role)} of "
            f"{asked.agency_id}, {state}"
        )


def _when(stamp: Any) -> str:
    return f"{stamp.ToDatetime(UTC).astimezone(LONDON):%Y-%m-%dT%H:%M}"


def _said(name: str, words: str) -> list[str]:
    return [f"{name}: {words}"] if words else []


def _list(words: Iterable[str]) -> str:
    return f"[{', '.join(dict.fromkeys(words))}]"
