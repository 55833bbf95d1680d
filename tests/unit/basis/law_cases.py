"""Concerns, agencies and laws to test with. All people and places are invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID, uuid5

from google.protobuf.message import Message

from concern_relay.v1.assessments_pb2 import BasisAssessed, ClassAssessment, DecisionRecorded, ItemAssessment
from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Article6,
    Article9,
    AuthorityRole,
    Category,
    ConcernLevel,
    ConsentAbsence,
    ConsentKind,
    ConsentStatus,
    DeciderRole,
    DpaCondition,
    FamilyNotToldReason,
    Gateway,
    LegalNature,
    Outcome,
    PersonRole,
    Sensitivity,
    SharingMyth,
    Ternary,
    Trigger,
    Urgency,
    WithholdReason,
)
from concern_relay.v1.concerns_pb2 import ConcernRaised
from concern_relay.v1.facts_pb2 import (
    AuthorityConcern,
    ConcernDetail,
    Consent,
    Group,
    Item,
    NamedPerson,
    Part,
    Person,
    Place,
    SealedPart,
)
from services.basis_assessment.core import BasisCore, BasisState
from services.basis_assessment.pack import LawBook
from services.basis_assessment.pack_document import read_book
from services.chassis.arrangement import Agency, Arrangement, ArrangementBook
from services.chassis.codes import number_of, word_of
from services.chassis.event import Decision, Effect, Fact, FactKind, Timer, effect_id, timer_id

CONCERN_ID = "6f1d2f3e-0000-4000-8000-000000000001"
MONDAY = datetime(2026, 11, 23, 10, tzinfo=UTC)

SCHOOL, CHARITY, CSC, POLICE, HOSPITAL = (
    *("larkfield-primary", "open-door-charity", "kent-csc", "kent-police"),
    "kent-community-health",
)


FIRST = "working-together-2018"


@cache
def book() -> LawBook:
    """Give all shipped packs."""
    return read_book()


@cache
def laws(name: str = FIRST) -> LawBook:
    """Give one shipped pack, which then decides on any day; the first, unless another is named."""
    pack = book().by_name(name)
    assert pack is not None, name
    return LawBook((pack,))


@cache
def arrangements() -> ArrangementBook:
    """Give the shipped arrangements."""
    return ArrangementBook.load()


def shipped() -> Arrangement:
    """Give the shipped arrangement."""
    return arrangements().on(MONDAY.date())


class _Cores:
    """Cores made for the laws used last: compiling a pack for every example would be most of the tests' time."""

    KEPT_MAX = 40

    def __init__(self) -> None:
        self._made: dict[tuple[int, int], tuple[LawBook, Arrangement | None, BasisCore]] = {}

    def get(self, book: LawBook, arrangement: Arrangement | None) -> BasisCore:
        key = id(book), id(arrangement)  # both are kept with the core, so that no other takes their place
        if key not in self._made:
            if len(self._made) >= self.KEPT_MAX:
                self._made.clear()
            places = arrangements() if arrangement is None else ArrangementBook((arrangement,))
            self._made[key] = book, arrangement, BasisCore(book, places)
        return self._made[key][2]


_CORES = _Cores()


def core(laws_used: LawBook | None = None, arrangement: Arrangement | None = None) -> BasisCore:
    """Give a core; of the shipped law and arrangement unless others are given."""
    return _CORES.get(laws_used or laws(), arrangement)


def with_agency(agency_id: str, **changes: Any) -> Arrangement:
    """Give the shipped arrangement with one agency changed."""
    here = shipped()
    return replace(here, agencies={**here.agencies, agency_id: replace(here.agencies[agency_id], **changes)})


def with_categories(agency_class: str, *categories: str) -> Arrangement:
    """Give the shipped arrangement with more categories in one row of its matrix."""
    here = shipped()
    number = number_of(AgencyClass, agency_class)
    row = here.matrix[number]
    wider = row.categories | {number_of(Category, word) for word in categories}
    return replace(here, matrix={**here.matrix, number: replace(row, categories=frozenset(wider))})


# A concern

_ENUMS: Mapping[str, Any] = {
    "level": ConcernLevel,
    "triggers": Trigger,
    "basis_asked_for": Article6,
    "consent_absence": ConsentAbsence,
    "family_not_told_reason": FamilyNotToldReason,
    "detrimental_to": AgencyClass,
    "myths": SharingMyth,
}
_YES_NO = {True: Ternary.TERNARY_YES, False: Ternary.TERNARY_NO}


@dataclass(frozen=True)
class Raised:
    """A concern as somebody raises it: words, as in JSON; true and false for what was answered."""

    agency: str = SCHOOL
    urgency: str = "routine"
    history: bool = False
    parts: Mapping[str, Part] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    sealed: frozenset[str] = frozenset()

    def fact(self) -> Fact:
        """Give the event that intake wrote."""
        parts = {"detail": Part(detail=detail(**self.detail)), **self.parts}
        data = ConcernRaised(
            concern_id=CONCERN_ID,
            agency_id=self.agency,
            urgency=number_of(Urgency, self.urgency),
            history=self.history,
            parts=[SealedPart(part_id=part_id) for part_id in parts],
        )
        return event(data, {k: v for k, v in parts.items() if k not in self.sealed})


def detail(**stated: Any) -> ConcernDetail:
    """Give a detail from words."""
    named = stated.pop("considered_by", "")
    found: dict[str, Any] = {}
    for name, value in stated.items():
        if isinstance(value, bool) and name != "referrer_anonymous":
            found[name] = _YES_NO[value]
        elif name in _ENUMS:
            several = isinstance(value, (list, tuple))
            found[name] = [number_of(_ENUMS[name], v) for v in value] if several else number_of(_ENUMS[name], value)
        else:
            found[name] = value
    return ConcernDetail(**found, considered_by=NamedPerson(name=named) if named else None)


def person(role: str, **fields: Any) -> Part:
    """Give a person by role."""
    for name in ("can_consent", "adult_at_risk"):
        if name in fields:
            fields[name] = _YES_NO[fields[name]]
    return Part(person=Person(role=number_of(PersonRole, role), **fields))


def item(category: str, **fields: Any) -> Part:
    """Give an item by category."""
    for name in ("needed_by", "not_for"):
        if name in fields:
            fields[name] = [number_of(AgencyClass, word) for word in fields[name]]
    if "bears_on_risk" in fields:
        fields["bears_on_risk"] = _YES_NO[fields["bears_on_risk"]]
    return Part(item=Item(category=number_of(Category, category), text="invented", **fields))


def consent(ref: str = "consent", kind: str = "basis", status: str = "given", **fields: Any) -> Part:
    """Give a consent; complete unless told otherwise."""
    whole = {"purpose": "family help", "explicit": True, "expires_on": "2027-05-01", "subject_person_id": "mother"}
    absence = number_of(ConsentAbsence, fields.pop("absence", ""))
    classes = [number_of(AgencyClass, word) for word in fields.pop("recipient_classes", [])]
    return Part(
        consent=Consent(
            consent_ref=ref,
            kind=number_of(ConsentKind, kind),
            status=number_of(ConsentStatus, status),
            absence=absence,
            recipient_classes=classes,
            **{**whole, **fields},
        )
    )


LIVES_IN_KENT = [AuthorityConcern(gss_code="E10000016", role=AuthorityRole.AUTHORITY_ROLE_LIVES)]
CHILD = {
    "child": person(
        "child",
        person_id="child",
        birth_date="2018-03-01",
        school_agency_id=SCHOOL,
        authorities=LIVES_IN_KENT,
        known_to_agencies=[HOSPITAL, "maidstone-housing", "probation-ksw"],
    )
}


def child_of(*authorities: str) -> dict[str, Part]:
    """Give a child who lives in some authorities, by ONS code."""
    lives = [AuthorityConcern(gss_code=code, role=AuthorityRole.AUTHORITY_ROLE_LIVES) for code in authorities]
    return {"child": person("child", person_id="child", birth_date="2018-03-01", authorities=lives)}


MOTHER = {"mother": person("parent", person_id="mother")}
BRUISE = {"bruise": item("physical_health", item_id="bruise", about_person_id="child", core=True)}
WORRY = {"worry": item("welfare", item_id="worry", about_person_id="child", core=True)}
NOTE = {"note": item("mental_health", item_id="note", about_person_id="child")}
ARREST = {"arrest": item("criminal_offence", item_id="arrest", about_person_id="mother")}
PLACE = {"place": Part(place=Place(place_id="place"))}
GROUP = {"group": Part(group=Group(group_id="group"))}


# Running the core


def event(data: Message, parts: Mapping[str, Part] | None = None, at: datetime = MONDAY, key: str = "") -> Fact:
    """Give an event of another service, or an own one, as a fact."""
    name = data.DESCRIPTOR.name
    identity = uuid5(UUID(CONCERN_ID), f"{name}{at.isoformat()}{key}")
    return Fact(FactKind.EVENT, identity, name, CONCERN_ID, at, at, data, dict(parts or {}))


@dataclass
class Run:
    """A concern going through the core, step by step."""

    core: BasisCore
    state: BasisState = field(init=False)
    decisions: list[Decision] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = self.core.start(CONCERN_ID)

    def take(self, fact: Fact) -> Decision:
        """Let an event, act or timer in."""
        decision = self.core.decide(self.state, fact)
        self.state = self.core.evolve(self.state, fact)
        for effect in decision.effects:
            self.state = self.core.evolve(self.state, self._recorded(fact, effect))
        self.decisions.append(decision)
        return decision

    @staticmethod
    def _recorded(fact: Fact, effect: Effect) -> Fact:
        identity = effect_id(fact.id, effect.type, effect.key)
        return Fact(FactKind.EVENT, identity, effect.type, CONCERN_ID, fact.time, fact.recorded, effect.data)

    def decide(
        self, decision_id: str, outcome: str, *, agency: str, role: str, at: datetime = MONDAY, **said: Any
    ) -> Decision:
        """Let a named person decide."""
        name = said.pop("name", "A. Person")
        data = DecisionRecorded(
            concern_id=CONCERN_ID,
            decision_id=decision_id,
            outcome=number_of(Outcome, outcome),
            role=number_of(DeciderRole, role),
            **said,
        )
        parts = {"by": Part(named_person=NamedPerson(name=name))} if name else {}
        identity = uuid5(UUID(CONCERN_ID), f"act{decision_id}{outcome}")
        return self.take(
            Fact(FactKind.ACT, identity, "DecisionRecorded", CONCERN_ID, at, at, data, parts, agency_id=agency)
        )

    def fire(self, timer: Timer) -> Decision:
        """Let a timer fall due."""
        identity = timer_id(CONCERN_ID, timer)
        return self.take(Fact(FactKind.TIMER, identity, "", CONCERN_ID, timer.due, timer.due, timer=timer))


def run(raised: Raised, *, using: BasisCore | None = None) -> Run:
    """Raise a concern."""
    going = Run(using or core())
    going.take(raised.fact())
    return going


def assessed(raised: Raised, *, using: BasisCore | None = None) -> BasisAssessed:
    """Raise a concern and give its assessment."""
    return assessment_of(run(raised, using=using).decisions[-1])


def assessment_of(decision: Decision) -> BasisAssessed:
    """Give the assessment among effects."""
    [found] = [effect.data for effect in decision.effects if isinstance(effect.data, BasisAssessed)]
    return found


# Reading an assessment, in words


def of_class(found: BasisAssessed, agency_class: str) -> ClassAssessment:
    """Give the assessment of a class."""
    number = number_of(AgencyClass, agency_class)
    [one] = [c for c in found.classes if c.recipient_class == number]
    return one


def of_item(found: BasisAssessed, agency_class: str, part_id: str) -> ItemAssessment:
    """Give the assessment of a part for a class."""
    [one] = [i for i in of_class(found, agency_class).items if i.part_id == part_id]
    return one


def said(message: ClassAssessment | ItemAssessment) -> str:
    """Say an outcome in a word or two: outcome, and reason if any."""
    outcome, reason = word_of(Outcome, message.outcome), word_of(WithholdReason, message.reason)
    return f"{outcome} {reason}".strip()


def basis(found: ClassAssessment) -> str:
    """Say the Article 6 basis."""
    return word_of(Article6, found.article6)


def conditions(found: ItemAssessment) -> tuple[str, str, str]:
    """Say Article 9 condition, Schedule condition, limb."""
    return (
        word_of(Article9, found.article9),
        word_of(DpaCondition, found.condition),
        word_of(ConsentAbsence, found.consent_absence),
    )


def summary(found: BasisAssessed) -> dict[str, Any]:
    """Give everything an assessment says that is not an id or a digest: what a changed law would change."""
    return {
        "emergency": found.emergency,
        "governance": tuple(found.governance_codes),
        "answers": tuple(found.answered_codes),
        "questions": sorted((q.code, q.recipient_class, tuple(q.part_ids)) for q in found.questions),
        "classes": {
            word_of(AgencyClass, c.recipient_class): (
                said(c),
                basis(c),
                tuple(c.alternates),
                word_of(Gateway, c.gateway),
                tuple(c.rejected_codes),
                (c.regime_source, c.regime_disclosure),
                {i.part_id: (said(i), word_of(Sensitivity, i.sensitivity), *conditions(i)) for i in c.items},
            )
            for c in found.classes
        },
    }


def natures(*names: str) -> frozenset[LegalNature]:
    """Give legal natures from words."""
    return frozenset(number_of(LegalNature, name) for name in names)


def together(*parts: Mapping[str, Part]) -> dict[str, Part]:
    """Put parts together."""
    return {part_id: part for several in parts for part_id, part in several.items()}


def agency(agency_id: str) -> Agency:
    """Give an agency of the shipped arrangement."""
    return shipped().agencies[agency_id]


def classes_with(found: BasisAssessed, outcomes: Sequence[str]) -> set[str]:
    """Give the classes with one of these outcomes."""
    return {word_of(AgencyClass, c.recipient_class) for c in found.classes if word_of(Outcome, c.outcome) in outcomes}
