"""The facts that clauses may use about a concern: names, types and how each is read from it.

Law packs (basis_assessment) and the arrangement's rules (routing) read the same facts under the same names. What was
not stated is left out: an absent name is *unknown*, never false. A set that was stated empty is known and empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from concern_relay.v1.census_pb2 import AssessmentFactor, PrimaryNeed, ReferralSource
from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Article6,
    AuthorityRole,
    Category,
    ConcernLevel,
    ConsentAbsence,
    FamilyNotToldReason,
    FamilyTold,
    IdentifierCheck,
    IdentifierKind,
    PersonRole,
    PlaceKind,
    SharingMyth,
    StatutoryStatus,
    Ternary,
    Trigger,
    Urgency,
)
from concern_relay.v1.facts_pb2 import ConcernDetail, Person, Status
from services.chassis.calendar import LONDON
from services.chassis.clauses import Declared, Facts, FactType, Span, Value
from services.chassis.codes import word_of, words
from services.chassis.concern import Concern
from services.chassis.notice import is_notice

# A person recorded as a child is under 18 (Children Act 1989 s105(1)) unless the birth date says otherwise, so that an
# unknown birth date never stands in the way of protection.
CHILD_AGE_MAX = 17
AGE_OF_ANY_CONSENT = 13
"""Below it nobody can consent to any sexual activity in law (Sexual Offences Act 2003 s5 to s8)."""

_SEXUAL = frozenset({Category.CATEGORY_SEXUAL_HEALTH, Category.CATEGORY_SEX_LIFE})
_SEXUAL_TRIGGERS = frozenset({Trigger.TRIGGER_SEXUAL_ABUSE, Trigger.TRIGGER_SEXUAL_EXPLOITATION})

_CLOSE_RELATIVES = frozenset(
    {
        *("parent", "mother", "father", "stepparent", "stepmother", "stepfather", "brother", "sister", "stepbrother"),
        *("stepsister", "half brother", "half sister", "halfbrother", "halfsister", "uncle", "aunt", "grandparent"),
        *("grandmother", "grandfather", "granny", "grandma", "grandad", "nan"),
    }
)

_TERNARIES = (
    "suspected_crime",
    "immediate_danger",
    "suspect_is_child",
    "aggravated",
    "life_at_risk",
    "subject_incapable",
    "service_only",
    "more_detrimental",
    "balancing_test_complete",
)
_CODES: dict[str, Any] = {
    "level": ConcernLevel,
    "family_told": FamilyTold,
    "family_not_told_reason": FamilyNotToldReason,
    "basis_asked_for": Article6,
    "consent_absence": ConsentAbsence,
    "primary_need": PrimaryNeed,
    "referral_source": ReferralSource,
}
_SETS: dict[str, Any] = {
    "triggers": Trigger,
    "detrimental_to": AgencyClass,
    "factors": AssessmentFactor,
    "myths": SharingMyth,
}
_OF_PEOPLE: dict[str, Any] = {"statuses": StatutoryStatus, "authority_roles": AuthorityRole}
_FLAGS = (
    "history",
    "test",
    "referrer_anonymous",
    "child_named",
    "unborn_child",
    "sibling_named",
    "adult_of_concern",
    "group_named",
    "school_known",
    "identifier_known",
    "child_disabled",
    "close_relative_cares",
    "child_moved",
    "destination_unknown",
    "notice_only",
)
_QUESTION_OF_AGES = "child_age"
# Never put to a practitioner: the basis is derived (practice 13), and the rest the sender stated or nobody can say.
_NEVER_ASKED = frozenset(
    {"basis_asked_for", "sender_class", "detrimental_to", "categories", "place_kinds", "triggers", "urgency", "myths"}
)


def _question(name: str) -> str:
    return "" if name in _NEVER_ASKED else name


def _declare() -> Iterator[Declared]:
    for name in _TERNARIES:
        yield Declared(name, FactType.BOOL, question=name)
    for name in _FLAGS:
        yield Declared(name, FactType.BOOL)
    yield Declared("adult_at_risk", FactType.BOOL, question="adult_at_risk")
    yield Declared("sexual_matter_under_13", FactType.BOOL, question=_QUESTION_OF_AGES)
    for name, enum in {**_CODES, "urgency": Urgency, "sender_class": AgencyClass}.items():
        yield Declared(name, FactType.CODE, words(enum), question=_question(name))
    for name, enum in {**_SETS, **_OF_PEOPLE, "place_kinds": PlaceKind, "categories": Category}.items():
        yield Declared(name, FactType.CODES, words(enum), question=_question(name))
    for name in ("youngest_age", "oldest_age"):
        yield Declared(name, FactType.INTEGER, question=_QUESTION_OF_AGES)
    yield Declared("recorded_on", FactType.DATE)


DECLARED: dict[str, Declared] = {fact.name: fact for fact in _declare()}


def concern_facts(
    concern: Concern, recorded: datetime, sender_class: AgencyClass = AgencyClass.AGENCY_CLASS_UNSPECIFIED
) -> Facts:
    """Give what is known of a concern on the day it is looked at.

    Args:
        concern: the concern as it stands.
        recorded: recorded time of what caused the look; ages and the law are those of this moment.
        sender_class: class of the agency that raised it, which the arrangement knows.
    """
    today = recorded.astimezone(LONDON).date()
    facts: dict[str, Value] = {"recorded_on": today, "history": concern.history, "test": concern.test}
    _put(facts, "urgency", Urgency, concern.urgency)
    _put(facts, "sender_class", AgencyClass, sender_class)
    _from_detail(facts, concern.detail)
    people = concern.people
    _from_people(facts, people, today)
    _from_children(facts, [p for p in people if p.role == PersonRole.PERSON_ROLE_CHILD], today)
    _from_care(facts, concern)
    _from_sexual_matters(facts, concern, today)
    facts["group_named"] = bool(concern.groups)
    facts["child_moved"] = bool(concern.moved)
    facts["destination_unknown"] = bool(concern.whereabouts_unknown)
    facts["place_kinds"] = _words(PlaceKind, (place.kind for place in concern.places))
    facts["categories"] = _words(Category, (item.category for item in concern.items))
    facts["notice_only"] = is_notice(concern)
    return facts


def _from_care(facts: dict[str, Value], concern: Concern) -> None:
    """Read what decides about private fostering: a disability of the child, and whether a close relative cares for it.

    A disability nobody mentions is none; a carer whose relation nobody states is unknown.
    Relatives are those of Children Act 1989 s105(1): by words, as nobody sends a code.
    """
    children = {person.person_id for person in concern.people if person.role == PersonRole.PERSON_ROLE_CHILD}
    of_child = any(i.category == Category.CATEGORY_DISABILITY and i.about_person_id in children for i in concern.items)
    if children:
        of_need = concern.detail.primary_need == PrimaryNeed.PRIMARY_NEED_N2_CHILDS_DISABILITY
        facts["child_disabled"] = of_child or of_need
    kinds = [
        " ".join(relation.kind.casefold().replace("-", "").split())
        for person in concern.people
        if person.role == PersonRole.PERSON_ROLE_CARER
        for relation in person.relationships
        if relation.kind and relation.to_person_id in children
    ]
    if kinds:
        facts["close_relative_cares"] = not _CLOSE_RELATIVES.isdisjoint(kinds)


def _from_sexual_matters(facts: dict[str, Value], concern: Concern, today: date) -> None:
    """Say whether a sexual matter is about a child under 13; a child whose age nobody knows leaves it open.

    What is about nobody in particular, or was only named as a circumstance, counts for every child.
    """
    children = {p.person_id: age_of(p, today) for p in concern.people if p.role == PersonRole.PERSON_ROLE_CHILD}
    about = {item.about_person_id for item in concern.items if item.category in _SEXUAL}
    if _SEXUAL_TRIGGERS.intersection(concern.detail.triggers) or "" in about:
        about |= children.keys()
    ages = [children[person_id] or Span(0, CHILD_AGE_MAX) for person_id in sorted(about & children.keys())]
    if any(age.high < AGE_OF_ANY_CONSENT for age in ages):
        facts["sexual_matter_under_13"] = True
    elif all(age.low >= AGE_OF_ANY_CONSENT for age in ages):
        facts["sexual_matter_under_13"] = False


def _put(facts: dict[str, Value], name: str, enum: Any, number: int) -> None:
    if number:
        facts[name] = word_of(enum, number)


def _words(enum: Any, numbers: Iterable[int]) -> frozenset[str]:
    return frozenset(word_of(enum, number) for number in numbers if number)


def _from_detail(facts: dict[str, Value], detail: ConcernDetail) -> None:
    """Read the concern as a whole. One that cannot be opened (erased, suspended) says nothing: all stays unknown."""
    if not detail.ByteSize():
        return
    for name in _TERNARIES:
        if stated := getattr(detail, name):
            facts[name] = stated == Ternary.TERNARY_YES
    for name, enum in _CODES.items():
        _put(facts, name, enum, getattr(detail, name))
    for name, enum in _SETS.items():
        facts[name] = _words(enum, getattr(detail, name))
    facts["referrer_anonymous"] = detail.referrer_anonymous


def _from_people(facts: dict[str, Value], people: tuple[Person, ...], today: date) -> None:
    suspects = [age_of(person, today) for person in people if person.role == PersonRole.PERSON_ROLE_ADULT_OF_CONCERN]
    if suspects and all(age is not None and age.low > CHILD_AGE_MAX for age in suspects):
        facts.pop("suspect_is_child", None)  # said of nobody under 18: contradicted, so nobody knows, and nothing waits
    roles = {person.role for person in people}
    facts["child_named"] = PersonRole.PERSON_ROLE_CHILD in roles
    facts["unborn_child"] = PersonRole.PERSON_ROLE_UNBORN_CHILD in roles
    several = sum(person.role == PersonRole.PERSON_ROLE_CHILD for person in people) > 1
    facts["sibling_named"] = several or PersonRole.PERSON_ROLE_SIBLING in roles
    facts["adult_of_concern"] = PersonRole.PERSON_ROLE_ADULT_OF_CONCERN in roles
    at_risk = [person.adult_at_risk for person in people if person.role != PersonRole.PERSON_ROLE_CHILD]
    if Ternary.TERNARY_YES in at_risk:
        facts["adult_at_risk"] = True
    elif Ternary.TERNARY_UNSPECIFIED not in at_risk:
        facts["adult_at_risk"] = False
    if statuses := _words(StatutoryStatus, _statuses(people, today)):
        facts["statuses"] = statuses
    if authorities := _words(AuthorityRole, (a.role for person in people for a in person.authorities)):
        facts["authority_roles"] = authorities


def _statuses(people: tuple[Person, ...], today: date) -> Iterator[int]:
    """Give the plans and statuses that last. An end that is no full day counts as not yet reached."""
    for person in people:
        for status in person.statuses:
            if lasts(status, today):
                yield status.status


def lasts(status: Status, today: date) -> bool:
    """Say whether a plan or status lasts on a day."""
    return not status.to_on or status.to_on > today.isoformat()


def _from_children(facts: dict[str, Value], children: list[Person], today: date) -> None:
    facts["school_known"] = any(child.school_agency_id for child in children)
    facts["identifier_known"] = bool(children) and all(_has_consistent_identifier(child) for child in children)
    if not children:
        return
    ages = [age_of(child, today) or Span(0, CHILD_AGE_MAX) for child in children]
    facts["youngest_age"] = Span(min(age.low for age in ages), min(age.high for age in ages))
    facts["oldest_age"] = Span(max(age.low for age in ages), max(age.high for age in ages))


def _has_consistent_identifier(child: Person) -> bool:
    """Whether a child's NHS number is known and passes its check; ministers named it as the identifier of s16LC."""
    return any(
        number.kind == IdentifierKind.IDENTIFIER_KIND_NHS_NUMBER
        and number.check == IdentifierCheck.IDENTIFIER_CHECK_VALID
        for number in child.identifiers
    )


def age_of(person: Person, today: date) -> Span | None:
    """Give a person's age in whole years as far as it is known: from a birth date, full or in part, or as stated."""
    if not person.birth_date:
        return Span(person.age_years, person.age_years) if person.age_years else None
    try:
        year, month, day = (*(int(piece) for piece in person.birth_date.split("-")), 0, 0)[:3]
        earliest, latest = (year, month or 1, day or 1), (year, month or 12, day or 31)
    except ValueError:
        return None
    now = (today.month, today.day)
    youngest = today.year - latest[0] - (now < latest[1:])
    oldest = today.year - earliest[0] - (now < earliest[1:])
    return Span(max(youngest, 0), oldest) if oldest >= 0 else None
