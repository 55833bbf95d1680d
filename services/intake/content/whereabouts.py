"""Nobody knows where a child went: a concern of its own, about where the child is. Pure.

A worry that goes on being answered at the address the child has left is how children are lost (rules F3, F14). The new
concern names the child, those who care for it and whoever is of concern, and says only that they cannot be found; what
the first one was about stays there.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import concerns_pb2 as concerns
from concern_relay.v1 import facts_pb2 as facts
from services.chassis.concern import Concern
from services.chassis.concern_facts import age_of, lasts
from services.chassis.event import Content, derived_id
from services.intake.content import contents_for
from services.intake.ids import IdKey, Reference
from services.intake.submission import Actor

ENDING: Final = ", whereabouts unknown"
SAID: Final = "The child is no longer where it was, and nobody knows where it went."
SCHOOL_AGES: Final = (5, 16)
_ADULTS: Final = (
    codes.PersonRole.PERSON_ROLE_PARENT,
    codes.PersonRole.PERSON_ROLE_CARER,
    codes.PersonRole.PERSON_ROLE_ADULT_OF_CONCERN,
)
_EMERGING: Final = codes.ConcernLevel.CONCERN_LEVEL_PROBLEMS_EMERGING
_CARED_FOR: Final = (
    codes.StatutoryStatus.STATUTORY_STATUS_CHILD_PROTECTION_PLAN,
    codes.StatutoryStatus.STATUTORY_STATUS_LOOKED_AFTER,
)


def whereabouts_id(concern: Concern, agency_id: str, key: IdKey, mark: str) -> str:
    """Give the id of the concern that one unknown destination raises; ``mark`` is what the follow-up is known by."""
    return Reference(agency_id, f"{concern.concern_id} {mark}", test=concern.test).concern_id(key)


def whereabouts(
    concern: Concern, child: facts.Person, *, concern_id: str, agency_id: str, by: Actor, words: str, today: date
) -> tuple[concerns.ConcernRaised, tuple[Content, ...]]:
    """Give the concern that is raised, and its parts.

    Args:
        concern: that was followed up.
        child: as known now; its last address is in it, ended.
        concern_id: of the new one.
        agency_id: who says that nobody knows.
        by: the person who says so.
        words: what else was said; may be empty.
        today: ages and plans are judged by it.
    """
    people = [child, *(p for p in concern.people if p.role in _ADULTS)]
    ids = {p.person_id: derived_id(concern_id, "person", p.person_id) for p in people}
    item = facts.Item(
        item_id=derived_id(concern_id, "item", "whereabouts"),
        category=codes.Category.CATEGORY_WELFARE,
        kind=codes.AssertionKind.ASSERTION_KIND_FACT,
        text=f"{SAID} {words}".strip(),
        about_person_id=ids[child.person_id],
        core=True,
        emergency_minimum=True,
    )
    parts = [
        facts.Part(detail=_detail(concern, child, by, today)),
        facts.Part(item=item),
        *(facts.Part(person=_renamed(p, ids)) for p in people),
    ]
    data = concerns.ConcernRaised(
        concern_id=concern_id,
        agency_id=agency_id,
        urgency=concern.urgency,
        test=concern.test,
        arises_from_concern_id=concern.concern_id,
    )
    return data, tuple(sorted(contents_for(concern_id, parts), key=lambda content: content.part_id))


def _detail(concern: Concern, child: facts.Person, by: Actor, today: date) -> facts.ConcernDetail:
    first = concern.detail
    return facts.ConcernDetail(
        reference=first.reference + ENDING,
        raised_by=facts.NamedPerson(name=by.name, role=by.role, contact=by.contact),
        referrer_anonymous=first.referrer_anonymous,
        level=codes.ConcernLevel.CONCERN_LEVEL_CHILD_IN_NEED if first.level == _EMERGING else first.level,
        triggers=_triggers(first, child, today),
        immediate_danger=first.immediate_danger,
        life_at_risk=first.life_at_risk,
        consent_absence=codes.ConsentAbsence.CONSENT_ABSENCE_NOT_REASONABLE_TO_OBTAIN,
    )


def _triggers(first: facts.ConcernDetail, child: facts.Person, today: date) -> list[codes.Trigger]:
    """Say who has to know: the education officer of a child of school age, the police where harm is feared.

    A family that gives no new address is not therefore missing (practice 6): police is for a child in danger.
    """
    found: list[codes.Trigger] = []
    age = age_of(child, today)
    if age is None or (age.high >= SCHOOL_AGES[0] and age.low <= SCHOOL_AGES[1]):
        found.append(codes.Trigger.TRIGGER_MISSING_EDUCATION)
    harm = first.level == codes.ConcernLevel.CONCERN_LEVEL_SIGNIFICANT_HARM
    if harm or any(s.status in _CARED_FOR and lasts(s, today) for s in child.statuses):
        found.append(codes.Trigger.TRIGGER_MISSING)
    return found


def _renamed(person: facts.Person, ids: dict[str, str]) -> facts.Person:
    """Give a person under an id of the new concern, with the relationships that still point at somebody."""
    after = facts.Person()
    after.CopyFrom(person)
    after.person_id = ids[person.person_id]
    kept = [r for r in person.relationships if r.to_person_id in ids]
    del after.relationships[:]
    for relation in kept:
        after.relationships.add().CopyFrom(relation)
        after.relationships[-1].to_person_id = ids[relation.to_person_id]
    return after
