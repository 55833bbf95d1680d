"""The law, by example: what follows for whom. Read by the specification tests and by the mutation test.

A path names one thing an assessment says: ``csc`` is children's social care as a class; ``csc.basis``,
``csc.alternates``, ``csc.gateway``, ``csc.refused``, ``csc.controller`` are what it rests on; ``csc/note`` is one part
for it, and ``csc/note.rests`` the Article 9 condition, the Schedule condition and the limb. ``governance``,
``answers``, ``questions``, ``asked`` and ``emergency`` are of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from concern_relay.v1.assessments_pb2 import BasisAssessed, DecisionRequested
from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Article6,
    DeciderRole,
    Gateway,
    HiddenReason,
    Outcome,
    Part3Basis,
    Regime,
)
from concern_relay.v1.facts_pb2 import Address, Part, Person
from services.basis_assessment.pack import LawBook
from services.chassis.arrangement import Arrangement
from services.chassis.codes import word_of
from tests.unit.basis.law_cases import (
    CHARITY,
    Raised,
    Run,
    assessment_of,
    basis,
    conditions,
    consent,
    core,
    item,
    of_class,
    of_item,
    person,
    run,
    said,
    with_agency,
    with_categories,
)

SHORT = {"csc": "childrens_social_care"}


@dataclass(frozen=True)
class Example:
    """One example: given, when, then."""

    says: str
    raised: Raised
    then: Mapping[str, Any]
    arrangement: Arrangement | None = None
    steps: tuple[Callable[[Run], object], ...] = field(default=())

    def run(self, laws: LawBook | None = None) -> Run:
        """Raise the concern, take the steps."""
        going = run(self.raised, using=core(laws, self.arrangement))
        for step in self.steps:
            step(going)
        return going


def look(going: Run, path: str) -> Any:
    """Give what an assessment says at a path."""
    found = assessment_of(going.decisions[-1])
    whole = {
        "emergency": lambda: found.emergency,
        "governance": lambda: set(found.governance_codes),
        "answers": lambda: set(found.answered_codes),
        "questions": lambda: {q.code for q in found.questions},
        "asked": lambda: {asked(data) for data in going.state.asked.values()},
    }
    if path in whole:
        return whole[path]()
    place, _, aspect = path.partition(".")
    agency_class, _, part_id = place.partition("/")
    agency_class = SHORT.get(agency_class, agency_class)
    return _of_part(found, agency_class, part_id, aspect) if part_id else _of_class(found, agency_class, aspect)


def asked(data: DecisionRequested) -> str:
    """Say what is asked of whom: ``class/part question role agency clock proposal``."""
    place = "/".join((word_of(AgencyClass, data.recipient_class), *data.part_ids))
    role, proposal = word_of(DeciderRole, data.role), word_of(Outcome, data.proposal)
    return f"{place} {data.question_code} {role} {data.agency_id} {data.clock_code} {proposal}"


def _of_class(found: BasisAssessed, agency_class: str, aspect: str) -> Any:
    one = of_class(found, agency_class)
    aspects: Mapping[str, Callable[[], Any]] = {
        "": lambda: said(one),
        "basis": lambda: basis(one),
        "alternates": lambda: [word_of(Article6, a) for a in one.alternates],
        "gateway": lambda: word_of(Gateway, one.gateway),
        "refused": lambda: list(one.rejected_codes),
        "controller": lambda: one.controller_agency_id,
        "open": lambda: {word_of(Article6, a) for a in one.open_bases},
        "beside": lambda: list(one.alternate_codes),
        "part3": lambda: word_of(Part3Basis, one.part3),
        "regimes": lambda: f"{word_of(Regime, one.regime_source)} {word_of(Regime, one.regime_disclosure)}",
    }
    return aspects[aspect]()


def _of_part(found: BasisAssessed, agency_class: str, part_id: str, aspect: str) -> Any:
    one = of_item(found, agency_class, part_id)
    return said(one) if not aspect else " ".join(word for word in conditions(one) if word)


# Who and what

HARM = {"level": "significant_harm"}
NEED = {"level": "child_in_need"}
EMERGING = {"level": "problems_emerging"}
PREJUDICE = {"consent_absence": "would_prejudice_protection"}
P18 = "g_substantial_public_interest sch1_p18_safeguarding"
P6 = "g_substantial_public_interest sch1_p6_statutory"
P10 = "g_substantial_public_interest sch1_p10_unlawful_acts"
HEALTH_CARE = "h_health_or_social_care sch1_p2_health_or_social_care"
BALANCED = {"balancing_test_complete": True}

CHARITY_WITH_PAPERS = with_agency(CHARITY, policy_document="APD", dpia="DPIA")
COMMISSIONED = "safe-harbour-charity"
INDEPENDENT = "oasthouse-independent"
LICENSED = {"social_worker": "social_work_manager"}

HIDING = {
    "mother": Part(
        person=Person(
            person_id="mother", role=3, addresses=[Address(lines=["x"], hidden=HiddenReason.HIDDEN_REASON_REFUGE)]
        )
    )
}
WHERE = {"where": item("address", item_id="where", about_person_id="mother", emergency_minimum=True)}
THERE = {"there": item("address", item_id="there", about_person_id="mother")}
SOURCE = {"source": item("source_identity", item_id="source", source_protected=True)}
CALLER = {"caller": item("source_identity", item_id="caller")}
INTELLIGENCE = {"intelligence": item("police_intelligence", item_id="intelligence", about_person_id="mother")}
CLASSMATE = {"classmate": person("third_party", person_id="classmate")}
HIS_STORY = {"his-story": item("welfare", item_id="his-story", about_person_id="classmate")}
TALK = {"talk": item("therapy", item_id="talk", about_person_id="child")}
MORE = {"more": item("welfare", item_id="more", about_person_id="child")}
OVERDOSE = {"overdose": item("mental_health", item_id="overdose", about_person_id="child", emergency_minimum=True)}

AGREED = {"agreed": item("mental_health", item_id="agreed", about_person_id="mother", consent_ref="consent")}
TIRED = {"tired": item("welfare", item_id="tired", about_person_id="mother", consent_ref="consent")}
FATHERS = {"fathers": item("mental_health", item_id="fathers", about_person_id="child", consent_ref="consent")}
RECORD = {"record": item("criminal_offence", item_id="record", about_person_id="mother", consent_ref="consent")}
CONSENT = {"consent": consent()}
EARLY_HELP = {**EMERGING, "service_only": True}

INTELLIGENT = with_categories("police", "police_intelligence", "source_identity")


def decides(path: str, outcome: str, *, agency: str, role: str, **also: Any) -> Callable[[Run], object]:
    """Give the step in which a person decides what is asked about a class or one of its parts."""

    def step(going: Run) -> object:
        [decision_id] = [i for i, data in going.state.asked.items() if asked(data).startswith(path + " ")]
        stated = {"reason_code": "considered", "review_on": "2026-12-23", **also}
        return going.decide(decision_id, outcome, agency=agency, role=role, **stated)

    return step
