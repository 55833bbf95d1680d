"""Any concern at all: what Hypothesis draws from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, wraps

from hypothesis import strategies as st

from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Article6,
    Category,
    ConcernLevel,
    ConsentAbsence,
    ConsentKind,
    ConsentStatus,
    FamilyNotToldReason,
    HiddenReason,
    LegalNature,
    PersonRole,
    PlaceKind,
    SharingMyth,
    Trigger,
    Urgency,
)
from concern_relay.v1.facts_pb2 import Address, Group, Identifier, Part, Place
from services.basis_assessment.core import BasisCore
from services.basis_assessment.pack import LawPack
from services.chassis.arrangement import Arrangement, ArrangementBook
from services.chassis.codes import words
from tests.unit.basis.law_cases import FIRST, Raised, book, consent, core, item, laws, person, shipped, with_agency

PEOPLE = ("child", "mother", "other")
ITEMS = ("one", "two", "three")
PLACES = ("place",)

TERNARY = st.sampled_from((None, True, False))
AGENCIES = sorted(shipped().agencies)


def one_of(enum: object) -> st.SearchStrategy[str]:
    """Draw a word of an enum, or none."""
    return st.sampled_from(("", *words(enum)))


def some_of(enum: object) -> st.SearchStrategy[list[str]]:
    """Draw a few words of an enum."""
    return st.lists(st.sampled_from(words(enum)), max_size=3, unique=True)


@st.composite
def details(draw: st.DrawFn) -> dict[str, object]:
    """Draw what is said of the concern as a whole."""
    stated: dict[str, object] = {
        name: value
        for name in (
            *("suspected_crime", "immediate_danger", "suspect_is_child", "aggravated", "life_at_risk"),
            *("subject_incapable", "service_only", "more_detrimental", "balancing_test_complete"),
        )
        if (value := draw(TERNARY)) is not None
    }
    stated |= {
        "level": draw(one_of(ConcernLevel)),
        "basis_asked_for": draw(one_of(Article6)),
        "consent_absence": draw(one_of(ConsentAbsence)),
        "family_not_told_reason": draw(one_of(FamilyNotToldReason)),
        "triggers": draw(some_of(Trigger)),
        "detrimental_to": draw(some_of(AgencyClass)),
        "myths": draw(some_of(SharingMyth)),
        "referrer_anonymous": draw(st.booleans()),
        "considered_by": draw(st.sampled_from(("", "A. Person"))),
    }
    return stated


@st.composite
def people(draw: st.DrawFn, name: str, *, identified: bool) -> Part:
    """Draw a person, with or without a number."""
    hidden = draw(st.sampled_from((HiddenReason.HIDDEN_REASON_UNSPECIFIED, HiddenReason.HIDDEN_REASON_REFUGE)))
    stated = {field: value for field in ("can_consent", "adult_at_risk") if (value := draw(TERNARY)) is not None}
    return person(
        draw(st.sampled_from(words(PersonRole))),
        person_id=name,
        age_years=draw(st.integers(0, 40)),
        addresses=[Address(lines=["x"], hidden=hidden)],
        identifiers=[Identifier(kind=1, value="9990000018")] if identified else [],
        **stated,
    )


@st.composite
def items(draw: st.DrawFn, name: str) -> Part:
    """Draw an item of information."""
    return item(
        draw(one_of(Category)),
        item_id=name,
        about_person_id=draw(st.sampled_from(("", *PEOPLE))),
        about_place_id=draw(st.sampled_from(("", *PLACES))),
        consent_ref=draw(st.sampled_from(("", "consent"))),
        core=draw(st.booleans()),
        emergency_minimum=draw(st.booleans()),
        source_protected=draw(st.booleans()),
        needed_by=draw(some_of(AgencyClass)),
        not_for=draw(some_of(AgencyClass)),
    )


@st.composite
def consents(draw: st.DrawFn) -> Part:
    """Draw a consent, valid or not."""
    return consent(
        kind=draw(st.sampled_from(words(ConsentKind))),
        status=draw(st.sampled_from(words(ConsentStatus))),
        subject_person_id=draw(st.sampled_from(PEOPLE)),
        explicit=draw(st.booleans()),
        expires_on=draw(st.sampled_from(("", "2026-01-01", "2027-01-01"))),
        recipient_classes=draw(some_of(AgencyClass)),
        absence=draw(one_of(ConsentAbsence)),
    )


@st.composite
def concerns(draw: st.DrawFn, *, identified: bool = True, urgency: str | None = None) -> Raised:
    """Draw a concern."""
    parts = {name: draw(people(name, identified=identified)) for name in draw(st.sets(st.sampled_from(PEOPLE)))}
    parts |= {name: draw(items(name)) for name in draw(st.sets(st.sampled_from(ITEMS)))}
    if draw(st.booleans()):
        parts["place"] = Part(place=Place(place_id="place", kind=draw(st.sampled_from(PlaceKind.values()))))
    if draw(st.booleans()):
        parts["group"] = Part(group=Group(group_id="group"))
    if draw(st.booleans()):
        parts["consent"] = draw(consents())
    sealed = draw(st.frozensets(st.sampled_from(sorted(parts)), max_size=1)) if parts else frozenset()
    return Raised(
        agency=draw(st.sampled_from((*AGENCIES, "nobody-knows"))),
        urgency=draw(st.sampled_from(words(Urgency))) if urgency is None else urgency,
        parts=parts,
        detail=draw(details()),
        sealed=sealed,
    )


@dataclass(frozen=True)
class Case:
    """A concern, and what its sender is in law and on paper where that is not as the shipped arrangement says."""

    raised: Raised
    changes: Mapping[str, object] | None
    law: str = FIRST

    @cached_property
    def arrangement(self) -> Arrangement:
        """The arrangement it is assessed under."""
        return shipped() if self.changes is None else with_agency(self.raised.agency, **self.changes)

    @cached_property
    def core(self) -> BasisCore:
        """A core for it; the shared one where the arrangement is the shipped one."""
        if self.changes is None:
            return core(laws(self.law))
        return BasisCore(laws(self.law), ArrangementBook((self.arrangement,)))

    @property
    def pack(self) -> LawPack:
        """The law it is assessed under."""
        return laws(self.law).packs[0]


def _says(pack: LawPack) -> tuple[object, ...]:
    clauses = tuple((code, str(clause.clause.condition)) for code, clause in pack.clauses.items())
    return clauses, tuple((table, str(row)) for table, row in pack.rows), tuple(pack.sensitivity.items())


DIFFERENT_LAWS = tuple({_says(pack): pack.name for pack in book().packs}.values())
"""Every pack, variants too, once: of those that differ in citations and words alone, and so decide alike, the last."""


def under_every_law(test: Callable[[Case], None]) -> Callable[[Case], None]:
    """Hold a drawn case against each law that differs: what was promised of one is promised of all."""

    @wraps(test)
    def held(case: Case) -> None:
        for law in DIFFERENT_LAWS:
            test(replace(case, law=law))

    return held


@st.composite
def cases(draw: st.DrawFn, *, urgency: str | None = None) -> Case:
    """Draw a case."""
    raised = draw(concerns(urgency=urgency))
    if raised.agency not in shipped().agencies or draw(st.booleans()):
        return Case(raised, None)
    changes = {
        "natures": draw(st.frozensets(st.sampled_from(LegalNature.values()[1:]), max_size=3)),
        "policy_document": draw(st.sampled_from((None, "APD"))),
        "dpia": draw(st.sampled_from((None, "DPIA"))),
    }
    return Case(raised, changes)


def without_identifiers(raised: Raised) -> Raised:
    """Give the same concern, with no number of anybody."""
    parts = {}
    for part_id, part in raised.parts.items():
        kept = Part()
        kept.CopyFrom(part)
        if kept.WhichOneof("body") == "person":
            del kept.person.identifiers[:]
        parts[part_id] = kept
    return replace(raised, parts=parts)
