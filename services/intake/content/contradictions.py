"""What was said that cannot all be so. Flagged for the sender to put right, and kept: nothing waits for it.

Each rule names the field that is easier to have got wrong. Who is told follows from what protects the child more: a
trigger, a danger or a level that was stated is acted on, whatever stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import combinations
from typing import Final

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import facts_pb2 as facts
from services.chassis.concern_facts import CHILD_AGE_MAX, age_of
from services.intake.flags import FlagCode, Flags

_T = codes.Trigger
_YES, _NO = codes.Ternary.TERNARY_YES, codes.Ternary.TERNARY_NO
_CRIMES: Final = frozenset(
    {
        _T.TRIGGER_FGM_KNOWN,
        _T.TRIGGER_SEXUAL_EXPLOITATION,
        _T.TRIGGER_CRIMINAL_EXPLOITATION,
        _T.TRIGGER_TRAFFICKING,
    }
)
"""Circumstances that are themselves crimes against a child."""
_GIVEN: Final = codes.ConsentStatus.CONSENT_STATUS_GIVEN
_DENIED: Final = frozenset({codes.ConsentStatus.CONSENT_STATUS_REFUSED, codes.ConsentStatus.CONSENT_STATUS_NOT_SOUGHT})


def contradictions(
    whole: facts.ConcernDetail,
    urgency: codes.Urgency,
    people: Sequence[facts.Person],
    consents: Sequence[facts.Consent],
    flags: Flags,
    *,
    today: date,
) -> None:
    """Flag what cannot all be so.

    Args:
        whole: the concern as a whole.
        urgency: how soon, as it was read.
        people: in the order they were sent.
        consents: in the order they were sent.
        flags: where to flag.
        today: the day it was sent, which ages are told by.
    """
    if whole.suspect_is_child == _YES and _all_grown_up(people, today):
        flags.add(FlagCode.FACTS_CONTRADICT, "detail", "suspect_is_child")
    for field in _of_the_whole(whole, urgency):
        flags.add(FlagCode.FACTS_CONTRADICT, *field)
    for index, person in enumerate(people):
        for name in _of_a_person(person):
            flags.add(FlagCode.FACTS_CONTRADICT, "people", index, name)
    for (_, one), (index, other) in combinations(enumerate(consents), 2):
        if _contradict(one, other):
            flags.add(FlagCode.CONSENTS_CONTRADICT, "consents", index, "status")


def _of_the_whole(whole: facts.ConcernDetail, urgency: codes.Urgency) -> Iterator[tuple[str, ...]]:
    danger = _YES in (whole.immediate_danger, whole.life_at_risk)
    harm = whole.level == codes.ConcernLevel.CONCERN_LEVEL_SIGNIFICANT_HARM
    emergency = urgency == codes.Urgency.URGENCY_EMERGENCY
    if whole.suspected_crime == _NO and not _CRIMES.isdisjoint(whole.triggers):
        yield ("detail", "suspected_crime")
    if danger and whole.level == codes.ConcernLevel.CONCERN_LEVEL_PROBLEMS_EMERGING:
        yield ("detail", "level")
    if whole.service_only == _YES and (harm or danger or emergency):
        yield ("detail", "service_only")
    if whole.more_detrimental == _NO and whole.detrimental_to:
        yield ("detail", "detrimental_to")
    if emergency and {whole.immediate_danger, whole.life_at_risk} == {_NO}:
        yield ("urgency",)
    if whole.family_told == codes.FamilyTold.FAMILY_TOLD_YES and whole.family_not_told_reason:
        yield ("family_told", "reason")


def _all_grown_up(people: Sequence[facts.Person], today: date) -> bool:
    """Whether there are suspects, and each is known to be 18 or over."""
    suspects = [age_of(p, today) for p in people if p.role == codes.PersonRole.PERSON_ROLE_ADULT_OF_CONCERN]
    return bool(suspects) and all(age is not None and age.low > CHILD_AGE_MAX for age in suspects)


def _of_a_person(person: facts.Person) -> Iterator[str]:
    statuses = {status.status for status in person.statuses if not status.to_on}
    if codes.StatutoryStatus.STATUTORY_STATUS_HOME_EDUCATED in statuses and person.school_agency_id:
        yield "school"
    if person.role == codes.PersonRole.PERSON_ROLE_UNBORN_CHILD and (person.birth_date or person.age_years):
        yield "role"


def _contradict(one: facts.Consent, other: facts.Consent) -> bool:
    """Whether one says given and the other not, of the same kind, person and thing, and no date says which is later."""
    if (one.kind, one.subject_person_id) != (other.kind, other.subject_person_id):
        return False
    statuses = {one.status, other.status}
    if _GIVEN not in statuses or not statuses & _DENIED:
        return False
    dated = bool(one.given_on and other.given_on) and one.given_on != other.given_on
    return not dated and _meet(one.item_ids, other.item_ids) and _meet(one.recipient_classes, other.recipient_classes)


def _meet(one: Sequence[object], other: Sequence[object]) -> bool:
    """Whether two lists speak of something in common; an empty one speaks of everything."""
    return not one or not other or not set(one).isdisjoint(other)
