"""Subject access: who asked for a copy, what a named person decided, and on which exemption (UK GDPR Article 15).

Nothing here decides. The tests of an exemption are put to the person (deploy/rights/subject-access.yaml); the core
holds that a refusal has an exemption, a reason kept inside, and the opinion that the law asks for.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time
from typing import Final

from concern_relay.v1.assessments_pb2 import (
    SubjectAccessDecided,
    SubjectAccessOverdue,
    SubjectAccessRefused,
    SubjectAccessRequested,
)
from concern_relay.v1.codes_pb2 import AccessExemption, AccessOutcome, AccessRequester, DeciderRole
from services.basis_assessment.core.state import BasisState
from services.basis_assessment.pack import LawPack
from services.chassis.arrangement import Agency
from services.chassis.calendar import LONDON
from services.chassis.codes import word_of
from services.chassis.event import Content, Decision, Effect, Fact, KeyScope, Refused, Timer, derived_id

TIMER_PREFIX: Final = "access:"
CLOCK: Final = "subject_access_one_month"
"""UK GDPR Article 12(3): without undue delay, within one month."""

_E = AccessExemption
_PARENTS: Final = (
    _E.ACCESS_EXEMPTION_CHILD_ABUSE_DATA_BEST_INTERESTS,
    _E.ACCESS_EXEMPTION_CONTRARY_TO_CHILDS_EXPECTATION,
)
_ANYBODY: Final = (
    _E.ACCESS_EXEMPTION_SERIOUS_HARM_SOCIAL_WORK,
    _E.ACCESS_EXEMPTION_SERIOUS_HARM_HEALTH,
    _E.ACCESS_EXEMPTION_SERIOUS_HARM_EDUCATION,
    _E.ACCESS_EXEMPTION_THIRD_PARTY,
    _E.ACCESS_EXEMPTION_CRIME,
)
_SPEAKS_FOR_A_CHILD: Final = (
    AccessRequester.ACCESS_REQUESTER_PARENT,
    AccessRequester.ACCESS_REQUESTER_PERSON_OF_CONCERN,
)
_HEALTH: Final = _E.ACCESS_EXEMPTION_SERIOUS_HARM_HEALTH
_EXISTENCE: Final = _E.ACCESS_EXEMPTION_EXISTENCE_ITSELF_HARMS


def requested(state: BasisState, fact: Fact, data: SubjectAccessRequested, pack: LawPack, agency: Agency) -> Decision:
    """Record that somebody asked, and set the month's clock. Asking again with the same key is the same request.

    Raises:
        Refused: no kind of requester is stated.
    """
    if not data.requester:
        raise Refused(
            422, "requester_missing", "say who asks: subject, parent, person_of_concern, representative, other"
        )
    role = pack.deciders.get(agency.agency_class, DeciderRole.DECIDER_ROLE_SAFEGUARDING_LEAD)
    due = month_after(fact.time)
    found = SubjectAccessRequested(
        concern_id=state.concern.concern_id,
        request_id=derived_id(state.concern.concern_id, "subject_access", str(fact.id)),
        agency_id=fact.agency_id,
        share_id=data.share_id,
        requester=data.requester,
        role=role,
        clock_code=CLOCK,
        to_consider=(*(_PARENTS if data.requester in _SPEAKS_FOR_A_CHILD else ()), *_ANYBODY),
    )
    found.due_at.FromDatetime(due)
    effect = Effect(found, key=found.request_id, contents=_contents(state, fact))
    return Decision((effect,), (Timer(TIMER_PREFIX + found.request_id, due),))


def decided(state: BasisState, fact: Fact, data: SubjectAccessDecided, pack: LawPack) -> Decision:
    """Record what a named person decided.

    Raises:
        Refused: not open, not this agency's, not this role's, unnamed, or what it rests on is missing.
    """
    asked = state.access.get(data.request_id)
    if asked is None or asked.agency_id != fact.agency_id:
        raise Refused(404, "no_such_request", "no request of that id is open at your agency")
    if data.role == DeciderRole.DECIDER_ROLE_DATA_PROTECTION_OFFICER:
        wanted = word_of(DeciderRole, asked.role)
        raise Refused(403, "advises_only", f"a data protection officer advises and never decides; {wanted} does")
    if data.role not in (asked.role, *pack.cover.get(asked.role, ())):
        raise Refused(403, "not_the_role", f"this is for the role {word_of(DeciderRole, asked.role)}")
    bodies = [part.WhichOneof("body") for part in fact.parts.values()]
    if "named_person" not in bodies:
        raise Refused(422, "decider_unnamed", "a decision has a named person; give decided_by with a name")
    _rests(state, data, reasoned="note" in bodies)
    found = SubjectAccessDecided()
    found.CopyFrom(data)
    found.concern_id, found.agency_id = state.concern.concern_id, fact.agency_id
    del found.parts[:]
    effect = Effect(found, key=asked.request_id, contents=_contents(state, fact))
    return Decision((effect,), (), (TIMER_PREFIX + asked.request_id,))


def no_such_concern() -> Refused:
    """Give the one answer to whoever is no controller here, whether or not there is such a concern."""
    return Refused(404, "unknown_concern", "your agency holds no such concern; give the share it holds it by")


def tried(state: BasisState, fact: Fact, data: SubjectAccessRefused) -> Decision:
    """Record that an agency tried what only a controller may.

    Raises:
        Refused: there is no such concern, so there is nothing to keep it with.
    """
    if not state.concern.agency_id:
        raise no_such_concern()
    found = SubjectAccessRefused()
    found.CopyFrom(data)
    found.concern_id, found.agency_id = state.concern.concern_id, fact.agency_id
    return Decision((Effect(found, key=f"{fact.agency_id}/{data.reason_code}"),))


def overdue(state: BasisState, request_id: str) -> Decision:
    """Record that nobody answered in time; the request stays open."""
    asked = state.access.get(request_id)
    if asked is None:
        return Decision()
    found = SubjectAccessOverdue(
        concern_id=asked.concern_id, request_id=request_id, agency_id=asked.agency_id, due_at=asked.due_at
    )
    return Decision((Effect(found, key=request_id),))


def _rests(state: BasisState, data: SubjectAccessDecided, *, reasoned: bool) -> None:
    exemptions = set(data.exemptions)
    if not data.outcome:
        raise Refused(422, "not_an_answer", "outcome is give_all, give_part, refuse or neither_confirm_nor_deny")
    if data.outcome == AccessOutcome.ACCESS_OUTCOME_GIVE_ALL:
        if exemptions or data.withheld_part_ids:
            raise Refused(422, "contradicts", "all is given, and something is held back; write give_part")
        return
    if not exemptions - {_EXISTENCE, _E.ACCESS_EXEMPTION_UNSPECIFIED}:
        raise Refused(422, "exemption_missing", "what is not given rests on an exemption; name it")
    if not reasoned:
        raise Refused(422, "reason_missing", "say why, in words; they are sealed and no part of the answer")
    if _HEALTH in exemptions and not data.health_opinion:
        raise Refused(422, "opinion_missing", "the health exemption needs an appropriate health professional's opinion")
    neither = data.outcome == AccessOutcome.ACCESS_OUTCOME_NEITHER_CONFIRM_NOR_DENY
    if neither != (_EXISTENCE in exemptions):
        raise Refused(
            422, "contradicts", "neither_confirm_nor_deny goes with existence_itself_harms, and with nothing else"
        )
    if data.outcome == AccessOutcome.ACCESS_OUTCOME_GIVE_PART and not data.withheld_part_ids:
        raise Refused(422, "parts_missing", "part is given; name the parts that are not")
    known = state.concern.parts.keys() | state.concern.unopened
    if unknown := [part for part in data.withheld_part_ids if part not in known]:
        raise Refused(422, "part_unknown", f"{len(unknown)} of the parts named are none of this concern")


def month_after(moment: datetime) -> datetime:
    """Give the end of the day a month later in England; the last of the month where there is no such day."""
    local = moment.astimezone(LONDON)
    year, month = (local.year + 1, 1) if local.month == 12 else (local.year, local.month + 1)
    day = date(year, month, min(local.day, monthrange(year, month)[1]))
    return datetime.combine(day, time(23, 59), LONDON).astimezone(UTC)


def _contents(state: BasisState, fact: Fact) -> tuple[Content, ...]:
    scope = KeyScope(state.concern.concern_id)
    return tuple(Content(part_id, scope, part) for part_id, part in sorted(fact.parts.items()))
