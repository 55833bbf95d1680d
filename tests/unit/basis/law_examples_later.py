"""The laws that came later, by example: what each brings, and what it leaves as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from concern_relay.v1.codes_pb2 import AgencyClass, AuthorityRole, Ternary
from concern_relay.v1.facts_pb2 import AuthorityConcern, Part
from services.chassis.arrangement import SelectBy, Selection
from services.chassis.codes import number_of
from tests.unit.basis.law_cases import (
    BRUISE,
    CHARITY,
    CHILD,
    GROUP,
    HOSPITAL,
    LIVES_IN_KENT,
    MOTHER,
    NOTE,
    WORRY,
    Raised,
    consent,
    item,
    person,
    shipped,
    together,
    with_agency,
)
from tests.unit.basis.law_table import (
    BALANCED,
    CHARITY_WITH_PAPERS,
    COMMISSIONED,
    CONSENT,
    EARLY_HELP,
    HARM,
    P18,
    PREJUDICE,
    TIRED,
    Example,
)

ENCOMPASS = "operation-encompass-2025"
UK_GDPR, RLI = "uk-gdpr-2021", "recognised-legitimate-interest-2026"
REPORTED, COMMENCED = "information-sharing-duty-2026", "information-sharing-duty-2026-commenced"
CRIME = {**HARM, "suspected_crime": True}
ADULT = {"man": person("adult_of_concern", person_id="man", adult_at_risk=False)}
UNBORN = {"unborn": person("unborn_child", person_id="unborn")}
CONSENTED = {**EARLY_HELP, "basis_asked_for": "a_consent"}
AGREED = together(CHILD, MOTHER, TIRED, CONSENT)

_YES = Ternary.TERNARY_YES


def _collected(about: str, *, core: bool = False) -> Part:
    """Give an item that was collected on consent for another purpose."""
    return item("welfare", item_id="collected", about_person_id=about, core=core, collected_on_consent=_YES)


COLLECTED = {"collected": _collected("child")}
CORE_COLLECTED, OF_THE_MOTHER, OF_THE_MAN = _collected("child", core=True), _collected("mother"), _collected("man")

EDINBURGH = [AuthorityConcern(gss_code="S12000036", role=AuthorityRole.AUTHORITY_ROLE_LIVES)]
IN_EDINBURGH = {"child": person("child", person_id="child", age_years=8, authorities=EDINBURGH)}
KNOWN_TO = {
    name: {"child": person("child", person_id="child", age_years=8, authorities=LIVES_IN_KENT, known_to_agencies=ids)}
    for name, ids in ((CHARITY, [CHARITY]), (COMMISSIONED, [COMMISSIONED]), ("both", [CHARITY, COMMISSIONED]))
}
_RULES = shipped().rules
_KNOWN = Selection(by=(SelectBy.KNOWN_TO,))
_TOLD = replace(_RULES[0].tells[0], agency_class=number_of(AgencyClass, "voluntary"), select=_KNOWN)
# whoever is known to the child: an independent charity, or one that is commissioned
TELLS_VOLUNTARY = replace(shipped(), rules=(*_RULES, replace(_RULES[0], code="voluntary_too", tells=(_TOLD,))))

LATER: Mapping[str, tuple[Example, ...]] = MappingProxyType(
    {
        UK_GDPR: (
            Example(
                "The same rests on the UK GDPR as rested on the GDPR.",
                Raised(parts=together(CHILD, WORRY), detail=HARM),
                {"csc.regimes": "uk_gdpr uk_gdpr", "csc.basis": "e_public_task"},
            ),
        ),
        ENCOMPASS: (
            Example(
                "Police that attended domestic abuse owe it to the child's school by law, with public task beside it.",
                Raised(
                    agency="kent-police", parts=together(CHILD, WORRY), detail={**HARM, "triggers": ["domestic_abuse"]}
                ),
                {
                    "education": "share_duty",
                    "education.basis": "c_legal_obligation",
                    "education.alternates": ["e_public_task"],
                    "education.gateway": "operation_encompass",
                    "education.regimes": "law_enforcement uk_gdpr",
                    "csc.basis": "e_public_task",
                },
            ),
            Example(
                "The duty is the police's: a school that asks for it towards social care is refused it.",
                Raised(
                    parts=together(CHILD, WORRY),
                    detail={**HARM, "triggers": ["domestic_abuse"], "basis_asked_for": "c_legal_obligation"},
                ),
                {"csc.basis": "e_public_task", "csc.refused": ["a6_c_no_duty"]},
            ),
            Example(
                "Police that ask for it towards the school are not refused it.",
                Raised(
                    agency="kent-police",
                    parts=together(CHILD, WORRY),
                    detail={**HARM, "triggers": ["domestic_abuse"], "basis_asked_for": "c_legal_obligation"},
                ),
                {"education.refused": [], "csc.refused": ["a6_c_no_duty"]},
            ),
        ),
        RLI: (
            Example(
                "What was collected on consent waits for a person, where nobody said why it cannot be asked for (S13).",
                Raised(parts=together(CHILD, WORRY, COLLECTED), detail=HARM),
                {
                    "csc": "share_power",
                    "csc/worry": "share_power",
                    "csc/collected": "blocked_pending collected_on_consent",
                },
            ),
            Example(
                "It goes where consent to that cannot reasonably be obtained (Annex 2 paragraph 8).",
                Raised(parts=together(CHILD, WORRY, COLLECTED), detail={**HARM, **PREJUDICE}),
                {"csc/collected": "share_power"},
            ),
            Example(
                "In an emergency nobody is expected to obtain consent to that.",
                Raised(parts=together(CHILD, WORRY, COLLECTED), detail=HARM, urgency="emergency"),
                {"csc": "share_emergency", "csc/collected": "share_power"},
            ),
            Example(
                "From probation to the police law enforcement has rules of its own; Article 8A is not among them.",
                Raised(
                    agency="probation-ksw",
                    parts=together(CHILD, WORRY, COLLECTED),
                    detail={**HARM, "suspected_crime": True},
                ),
                {"csc/collected": "blocked_pending collected_on_consent", "police/collected": "share_power"},
            ),
            Example(
                "To the police, who are no safeguarding of anybody vulnerable here, it waits.",
                Raised(
                    agency=HOSPITAL,
                    parts=together(ADULT, {"collected": OF_THE_MAN}),
                    detail={**HARM, **PREJUDICE, "suspected_crime": True},
                ),
                {"csc/collected": "blocked_pending collected_on_consent"},
            ),
            Example(
                "The core of the worry goes to social care all the same.",
                Raised(parts=together(CHILD, {"collected": CORE_COLLECTED}), detail=HARM),
                {"csc/collected": "share_power"},
            ),
            Example(
                "With consent to this use it goes.",
                Raised(
                    parts=together(
                        CHILD,
                        MOTHER,
                        WORRY,
                        {"consent": consent(item_ids=["collected"], recipient_classes=["childrens_social_care"])},
                        {"collected": OF_THE_MOTHER},
                    ),
                    detail=HARM,
                ),
                {"csc/collected": "share_power"},
            ),
            Example(
                "An independent charity relies on recognised legitimate interest; no balancing test is asked.",
                Raised(agency=CHARITY, parts=together(CHILD, WORRY, NOTE), detail={**HARM, **PREJUDICE}),
                {
                    "csc": "share_power",
                    "csc.basis": "ea_recognised_legitimate_interest",
                    "csc.alternates": [],
                    "csc/worry": "share_power",
                    "csc/note.rests": f"{P18} would_prejudice_protection",
                },
                arrangement=CHARITY_WITH_PAPERS,
            ),
            Example(
                "With a balancing test recorded, legitimate interests stand beside it.",
                Raised(agency=CHARITY, parts=together(CHILD, WORRY), detail={**HARM, **BALANCED}),
                {
                    "csc.basis": "ea_recognised_legitimate_interest",
                    "csc.alternates": ["f_legitimate_interests"],
                },
                arrangement=CHARITY_WITH_PAPERS,
            ),
            Example(
                "Where nobody vulnerable is named, it still tells the police of crime.",
                Raised(agency=CHARITY, parts=together(ADULT, WORRY), detail=CRIME),
                {"police": "share_power", "police.basis": "ea_recognised_legitimate_interest"},
                arrangement=CHARITY_WITH_PAPERS,
            ),
            Example(
                "Where nobody vulnerable is named, social care is told, and the balancing test is asked for.",
                Raised(
                    agency=CHARITY,
                    parts=together(ADULT, WORRY),
                    detail={**CRIME, "basis_asked_for": "ea_recognised_legitimate_interest"},
                ),
                {
                    "csc.basis": "f_legitimate_interests",
                    "csc.refused": ["a6_ea_no_condition"],
                    "police.refused": [],
                },
                arrangement=CHARITY_WITH_PAPERS,
            ),
            Example(
                "A group of children is protected as one child is.",
                Raised(agency=CHARITY, parts=together(GROUP, WORRY), detail=HARM),
                {"csc.basis": "ea_recognised_legitimate_interest"},
                arrangement=CHARITY_WITH_PAPERS,
            ),
            Example(
                "A public authority that asks for it is refused it and told what is open.",
                Raised(
                    parts=together(CHILD, BRUISE),
                    detail={**HARM, **PREJUDICE, "basis_asked_for": "ea_recognised_legitimate_interest"},
                ),
                {"csc.basis": "e_public_task", "csc.refused": ["a6_ea_barred"], "csc.open": {"e_public_task"}},
            ),
        ),
        REPORTED: (
            Example(
                "A school's public task leads; the duty is recorded beside it, as reported.",
                Raised(parts=together(CHILD, WORRY), detail=HARM),
                {
                    "csc": "share_power",
                    "csc.basis": "e_public_task",
                    "csc.alternates": ["c_legal_obligation"],
                    "csc.beside": ["a6_c_s16la_reported"],
                    "csc.gateway": "ca1989_s47",
                    "answers": {"identifier_never_blocks"},
                },
            ),
            Example(
                "A charity that is commissioned is under the duty; the same charity's own helpline is not.",
                Raised(agency=COMMISSIONED, parts=together(CHILD, WORRY), detail=HARM),
                {"csc.alternates": ["ea_recognised_legitimate_interest", "c_legal_obligation"]},
            ),
            Example(
                "An independent charity is under no duty.",
                Raised(agency=CHARITY, parts=together(CHILD, WORRY), detail=HARM),
                {"csc.basis": "ea_recognised_legitimate_interest", "csc.alternates": []},
                arrangement=CHARITY_WITH_PAPERS,
            ),
            Example(
                "An independent charity is no body that the duty names, and is told as a public task alone.",
                Raised(parts=together(KNOWN_TO[CHARITY], WORRY), detail=HARM),
                {"voluntary": "share_power", "voluntary.basis": "e_public_task", "voluntary.alternates": []},
                arrangement=TELLS_VOLUNTARY,
            ),
            Example(
                "A commissioned charity is one, by what it is in law and not by its class.",
                Raised(parts=together(KNOWN_TO[COMMISSIONED], WORRY), detail=HARM),
                {"voluntary": "share_power", "voluntary.alternates": ["c_legal_obligation"]},
                arrangement=TELLS_VOLUNTARY,
            ),
            Example(
                "An authority of Scotland or Wales is none either: Children Act 2004 s11 is about England.",
                Raised(parts=together(IN_EDINBURGH, WORRY), detail=HARM),
                {"csc": "share_power", "csc.alternates": []},
            ),
            Example(
                "Where one of two that would be told is not, the duty is recorded towards neither.",
                Raised(parts=together(KNOWN_TO["both"], WORRY), detail=HARM),
                {"voluntary": "share_power", "voluntary.alternates": []},
                arrangement=TELLS_VOLUNTARY,
            ),
            Example(
                "Where nobody entered what the recipient is in law, the duty is not recorded.",
                Raised(parts=together(CHILD, WORRY), detail=HARM),
                {"csc": "share_power", "csc.alternates": []},
                arrangement=with_agency("kent-csc", natures=frozenset()),
            ),
            Example(
                "What is about no child is under no duty.",
                Raised(parts=together(ADULT, WORRY), detail=HARM),
                {"csc.alternates": []},
            ),
            Example(
                "An unborn child counts.",
                Raised(parts=together(UNBORN, WORRY), detail=HARM),
                {"csc.alternates": ["c_legal_obligation"]},
            ),
            Example(
                "Where nobody said how serious it is, relevance to welfare is not known and the duty is not recorded.",
                Raised(parts=together(CHILD, WORRY), detail={}),
                {"csc": "share_power", "csc.alternates": []},
            ),
            Example(
                "A legal obligation that is asked for is not refused where the duty is reported.",
                Raised(parts=together(CHILD, WORRY), detail={**HARM, "basis_asked_for": "c_legal_obligation"}),
                {"csc.refused": []},
            ),
            Example(
                "An independent charity that asks for a legal obligation is told that none is there.",
                Raised(
                    agency=CHARITY,
                    parts=together(CHILD, WORRY),
                    detail={**HARM, "basis_asked_for": "c_legal_obligation"},
                ),
                {
                    "csc.refused": ["a6_c_no_duty"],
                    "csc.open": {"ea_recognised_legitimate_interest", "f_legitimate_interests"},
                },
                arrangement=CHARITY_WITH_PAPERS,
            ),
            Example(
                "Consent chosen for early help goes on the consent, and a person says which basis is true.",
                Raised(parts=AGREED, detail=CONSENTED),
                {
                    "family_help": "share_consent",
                    "family_help.basis": "a_consent",
                    "asked": {
                        "family_help which_basis safeguarding_lead larkfield-primary item_decision share_consent"
                    },
                },
            ),
        ),
        COMMENCED: (
            Example(
                "In force, the duty leads between bodies it names, and public task stands beside it.",
                Raised(parts=together(CHILD, WORRY), detail=HARM),
                {
                    "csc": "share_duty",
                    "csc.basis": "c_legal_obligation",
                    "csc.alternates": ["e_public_task"],
                    "csc.gateway": "ca2004_s16la",
                },
            ),
            Example(
                "Legal obligation asked for by a body without the duty is refused.",
                Raised(
                    agency=CHARITY,
                    parts=together(CHILD, WORRY),
                    detail={**HARM, "basis_asked_for": "c_legal_obligation"},
                ),
                {"csc.refused": ["a6_c_no_duty"]},
                arrangement=CHARITY_WITH_PAPERS,
            ),
            Example(
                "Legal obligation asked for by a school is not refused.",
                Raised(parts=together(CHILD, WORRY), detail={**HARM, "basis_asked_for": "c_legal_obligation"}),
                {"csc.refused": []},
            ),
            Example(
                "Consent chosen for early help: a person says which basis is true.",
                Raised(parts=AGREED, detail=CONSENTED),
                {
                    "family_help": "share_consent",
                    "asked": {
                        "family_help which_basis safeguarding_lead larkfield-primary item_decision share_consent"
                    },
                },
            ),
        ),
    }
)
