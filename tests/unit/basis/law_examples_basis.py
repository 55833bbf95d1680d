"""Which basis: Article 6, and consent as one of them."""

from __future__ import annotations

from dataclasses import replace

from concern_relay.v1.codes_pb2 import SharingMyth, Ternary
from concern_relay.v1.facts_pb2 import Part, Person, Relationship
from services.chassis.codes import words
from tests.unit.basis.law_cases import (
    BRUISE,
    CHARITY,
    CHILD,
    CSC,
    HOSPITAL,
    MOTHER,
    PLACE,
    WORRY,
    Raised,
    child_of,
    consent,
    shipped,
    together,
)
from tests.unit.basis.law_table import (
    AGREED,
    BALANCED,
    CHARITY_WITH_PAPERS,
    COMMISSIONED,
    CONSENT,
    EARLY_HELP,
    EMERGING,
    HARM,
    INDEPENDENT,
    MORE,
    NEED,
    P18,
    PREJUDICE,
    RECORD,
    TIRED,
    Example,
    decides,
)

ANSWERED = (
    "consent_not_needed",
    "data_protection_allows",
    "confidence_gives_way",
    "other_bodies_may_be_told",
    "systems_are_no_barrier",
    "nobody_assumes_another_told",
    "everybodys_role",
    "a_worry_is_enough",
    "family_is_told_not_asked",
    "no_source_is_set_aside",
    "paper_is_not_awaited",
)
"""Answers of this law, one to each myth of the contract, in its order."""

EXAMPLES = (
    # -- S01: a school, bruises, the parent not told for fear of coaching
    Example(
        "A school's worry of significant harm goes to social care as a public task, health data by paragraph 18.",
        Raised(parts=together(CHILD, BRUISE, WORRY), detail={**HARM, **PREJUDICE}),
        {
            "csc": "share_power",
            "csc.basis": "e_public_task",
            "csc.gateway": "ca1989_s47",
            "csc.controller": "larkfield-primary",
            "csc/bruise": "share_power",
            "csc/bruise.rests": f"{P18} would_prejudice_protection",
            "csc/worry": "share_power",
            "csc/worry.rests": "",
            "csc/child": "share_power",
            "police": "not_shared_no_role no_role",
            "education": "not_shared_unnecessary is_sender",
            "health": "proposed lead_agency_decides",
            "questions": set(),
            "governance": set(),
            "emergency": False,
        },
    ),
    Example(
        "A child in need goes to children's social care under section 17.",
        Raised(parts=together(CHILD, WORRY), detail=NEED),
        {"csc": "share_power", "csc.gateway": "ca1989_s17"},
    ),
    Example(
        "A social worker who learns of it has the same duty (s5B(2), (11), by their regulator).",
        Raised(agency=CSC, parts=together(CHILD, WORRY), detail={**HARM, "triggers": ["fgm_known"]}),
        {"police": "share_duty", "police.gateway": "fgma2003_s5b"},
    ),
    Example(
        "An authority in Scotland has no section 47; one in Wales has it, and no section 17.",
        Raised(parts=together(child_of("S12000036"), WORRY), detail=HARM),
        {"csc": "share_power", "csc.gateway": "authority_outside_england"},
    ),
    Example(
        "Section 47 is that of an authority in Wales too.",
        Raised(parts=together(child_of("W06000021"), WORRY), detail=HARM),
        {"csc": "share_power", "csc.gateway": "ca1989_s47"},
    ),
    Example(
        "A child in need in Wales is so under Welsh law.",
        Raised(parts=together(child_of("W06000021"), WORRY), detail=NEED),
        {"csc": "share_power", "csc.gateway": "authority_outside_england"},
    ),
    Example(
        "Another class has the enactment of its own row, wherever it is.",
        Raised(agency=HOSPITAL, parts=together(child_of("S12000036"), WORRY), detail={**HARM, "suspected_crime": True}),
        {"police.gateway": "cda1998_s115"},
    ),
    Example(
        "A suspected crime against a child goes to the police, who may be told under the Crime and Disorder Act.",
        Raised(parts=together(CHILD, WORRY), detail={**HARM, "suspected_crime": True}),
        {"police": "share_power", "police.basis": "e_public_task", "police.gateway": "cda1998_s115"},
    ),
    Example(
        "A child in danger goes to the police; a school does so in its safeguarding function.",
        Raised(parts=together(CHILD, WORRY), detail={**HARM, "immediate_danger": True}),
        {"police": "share_power", "police.gateway": "ea2002_s175"},
    ),
    Example(
        "A health trust tells the police in the exercise of its functions under section 11.",
        Raised(agency=HOSPITAL, parts=together(CHILD, WORRY), detail={**HARM, "immediate_danger": True}),
        {"police.gateway": "ca2004_s11"},
    ),
    Example(
        "Where the level is not known, children's social care is told and the level is asked.",
        Raised(parts=together(CHILD, WORRY), detail={}),
        {"csc": "share_power", "csc/worry": "share_power"},
    ),
    Example(
        "Where no rule of the arrangement speaks, the law still tells children's social care of a child in need.",
        Raised(parts=together(CHILD, WORRY), detail=NEED),
        {"csc": "share_power", "csc.gateway": "ca1989_s17"},
        arrangement=replace(shipped(), rules=()),
    ),
    Example(
        "Where neither rule nor level is there, children's social care is told, and the level is asked.",
        Raised(parts=together(CHILD, WORRY), detail={}),
        {"csc": "share_power", "questions": {"level"}},
        arrangement=replace(shipped(), rules=()),
    ),
    Example(
        "A worry that problems are emerging is proposed to family help, and nobody else has a role.",
        Raised(parts=together(CHILD, WORRY), detail=EMERGING),
        {
            "csc": "not_shared_no_role no_role",
            "family_help": "proposed lead_agency_decides",
            "asked": {"family_help pass_on social_work_manager kent-csc lead_agency_decision share_power"},
        },
    ),
    # -- Article 6
    Example(
        "Known mutilation of a girl must be notified to the police by a teacher: a legal obligation.",
        Raised(parts=together(CHILD, WORRY), detail={**HARM, "triggers": ["fgm_known"]}),
        {
            "police": "share_duty",
            "police.basis": "c_legal_obligation",
            "police.alternates": ["e_public_task"],
            "police.gateway": "fgma2003_s5b",
            "police/worry": "share_duty",
            "csc.basis": "e_public_task",
        },
    ),
    Example(
        "A public authority that asks for legitimate interests is refused them and told what is open.",
        Raised(parts=together(CHILD, WORRY), detail={**HARM, "basis_asked_for": "f_legitimate_interests"}),
        {"csc": "share_power", "csc.basis": "e_public_task", "csc.refused": ["a6_f_barred"]},
    ),
    Example(
        "Recognised legitimate interests are no basis under this law.",
        Raised(parts=together(CHILD, WORRY), detail={**HARM, "basis_asked_for": "ea_recognised_legitimate_interest"}),
        {"csc.basis": "e_public_task", "csc.refused": ["a6_ea_not_in_force"]},
    ),
    Example(
        "A contract is never the basis.",
        Raised(parts=together(CHILD, WORRY), detail={**HARM, "basis_asked_for": "b_contract"}),
        {"csc": "share_power", "csc.refused": ["a6_b_never"]},
    ),
    Example(
        "Consent asked for as the basis where a child is at risk is refused; the myth is answered.",
        Raised(parts=together(CHILD, WORRY), detail={**HARM, "basis_asked_for": "a_consent"}),
        {"csc": "share_power", "csc.refused": ["a6_a_not_valid"], "answers": {"consent_not_needed"}},
    ),
    Example(
        "Whatever is said against sharing is answered, each by itself; it changes nobody who is told.",
        Raised(parts=together(CHILD, WORRY), detail={**HARM, "myths": list(words(SharingMyth))}),
        {"csc": "share_power", "csc.basis": "e_public_task", "answers": set(ANSWERED)},
    ),
    Example(
        "A legal obligation that no enactment of this law lays down is refused.",
        Raised(parts=together(CHILD, WORRY), detail={**HARM, "basis_asked_for": "c_legal_obligation"}),
        {"csc.basis": "e_public_task", "csc.refused": ["a6_c_no_duty"]},
    ),
    Example(
        "A charity that asks for public task is refused it.",
        Raised(
            agency=CHARITY,
            parts=together(CHILD, WORRY),
            detail={**HARM, **BALANCED, "basis_asked_for": "e_public_task"},
        ),
        {"csc.basis": "f_legitimate_interests", "csc.refused": ["a6_e_no_task"]},
    ),
    Example(
        "Vital interests are refused where no life is at risk.",
        Raised(
            parts=together(CHILD, WORRY), detail={**HARM, "life_at_risk": False, "basis_asked_for": "d_vital_interests"}
        ),
        {"csc.refused": ["a6_d_no_life_at_risk"]},
    ),
    Example(
        "An independent charity with a complete balancing test relies on legitimate interests (S06).",
        Raised(agency=CHARITY, parts=together(CHILD, WORRY, MORE), detail={**NEED, **BALANCED}),
        {"csc": "share_power", "csc.basis": "f_legitimate_interests", "csc/more": "share_power", "csc.refused": []},
        arrangement=CHARITY_WITH_PAPERS,
    ),
    Example(
        "A charity without balancing test: the concern, who it is about and the core go at once; the rest waits.",
        Raised(agency=CHARITY, parts=together(CHILD, WORRY, MORE, PLACE), detail=NEED),
        {
            "csc": "share_power",
            "csc.basis": "f_legitimate_interests",
            "csc.alternates": [],
            "csc/child": "share_power",
            "csc/worry": "share_power",
            "csc/more": "blocked_pending no_balancing_test",
            "csc/place": "blocked_pending no_balancing_test",
            "governance": {"policy_document_missing", "dpia_missing", "balancing_to_record"},
            "questions": {"balancing_test_complete"},
            "asked": {
                (
                    "childrens_social_care/more share_without_balancing_test safeguarding_lead open-door-charity "
                    "item_decision share_power"
                ),
                (
                    "childrens_social_care/place share_without_balancing_test safeguarding_lead open-door-charity "
                    "item_decision share_power"
                ),
            },
        },
    ),
    Example(
        "A charity that asks for legitimate interests without balancing test is told what is missing.",
        Raised(
            agency=CHARITY,
            parts=together(CHILD, WORRY),
            detail={**NEED, "balancing_test_complete": False, "basis_asked_for": "f_legitimate_interests"},
        ),
        {"csc": "share_power", "csc.refused": ["a6_f_not_recorded"]},
    ),
    Example(
        "A charity without balancing test asks a person before it tells anybody but children's social care and police.",
        Raised(agency=CHARITY, parts=together(CHILD, WORRY), detail={**HARM, "triggers": ["position_of_trust"]}),
        {"designated_officer": "proposed no_balancing_test"},
    ),
    Example(
        "Once a person has decided so, that agency gets all of its view.",
        Raised(agency=CHARITY, parts=together(CHILD, WORRY, MORE), detail={**HARM, "triggers": ["position_of_trust"]}),
        {"designated_officer": "share_power", "designated_officer/more": "share_power"},
        steps=(decides("designated_officer", "share_power", agency=CHARITY, role="safeguarding_lead"),),
    ),
    Example(
        "A commissioned charity performs the public task of whoever commissioned it.",
        Raised(agency=COMMISSIONED, parts=together(CHILD, WORRY), detail=NEED),
        {"csc.basis": "e_public_task", "csc.gateway": "ca1989_s17"},
    ),
    Example(
        "Of an independent school it is asked, not guessed, whether it performs a public task; the core goes.",
        Raised(agency=INDEPENDENT, parts=together(CHILD, WORRY, MORE), detail=NEED),
        {
            "csc": "share_power",
            "csc.basis": "f_legitimate_interests",
            "csc/worry": "share_power",
            "questions": {"performs_public_task", "balancing_test_complete"},
        },
    ),
    Example(
        "A body whose standing in law is not known still tells children's social care; the operator is asked.",
        Raised(agency="nobody-knows", parts=together(CHILD, WORRY, MORE), detail=NEED),
        {
            "csc": "share_power",
            "csc.basis": "",
            "csc/child": "share_power",
            "csc/worry": "share_power",
            "csc/more": "blocked_pending fact_unknown",
        },
    ),
    # -- S10, S11, S12: consent as the basis
    Example(
        "A parent's consent to family help is the basis for telling the hub, and for the parent's own health data.",
        Raised(
            agency=HOSPITAL, parts=together(CHILD, MOTHER, CONSENT, AGREED, TIRED, WORRY, RECORD), detail=EARLY_HELP
        ),
        {
            "family_help": "share_consent",
            "family_help.basis": "a_consent",
            "family_help.alternates": ["e_public_task"],
            "family_help/mother": "share_consent",
            "family_help/agreed": "share_consent",
            "family_help/agreed.rests": "a_explicit_consent",
            "family_help/tired": "share_consent",
            "family_help/worry": "not_shared_unnecessary consent",
            "csc": "not_shared_no_role no_role",
            "answers": set(),
        },
    ),
    Example(
        "Consent that has no end is no basis, and no other basis is put in its place in silence.",
        Raised(
            agency=HOSPITAL,
            parts=together(CHILD, MOTHER, {"consent": consent(expires_on="")}, TIRED),
            detail=EARLY_HELP,
        ),
        {"family_help": "rejected_basis consent"},
    ),
    Example(
        "Consent that has ended is no basis any more.",
        Raised(
            agency=HOSPITAL,
            parts=together(CHILD, MOTHER, {"consent": consent(expires_on="2026-11-22")}),
            detail=EARLY_HELP,
        ),
        {"family_help": "rejected_basis consent"},
    ),
    Example(
        "Consent by somebody who cannot speak for the parent is incomplete.",
        Raised(
            agency=HOSPITAL,
            parts=together(CHILD, MOTHER, {"consent": consent(given_by_person_id="child")}),
            detail=EARLY_HELP,
        ),
        {"family_help": "rejected_basis consent"},
    ),
    Example(
        "A parent with parental responsibility consents for a young child.",
        Raised(
            agency=HOSPITAL,
            parts=together(
                CHILD,
                {
                    "mother": Part(
                        person=Person(
                            person_id="mother",
                            role=3,
                            relationships=[
                                Relationship(to_person_id="child", parental_responsibility=Ternary.TERNARY_YES)
                            ],
                        )
                    ),
                    "consent": consent(subject_person_id="child", given_by_person_id="mother"),
                },
            ),
            detail=EARLY_HELP,
        ),
        {"family_help": "share_consent"},
    ),
    Example(
        "Consent for one kind of agency is none for another.",
        Raised(
            agency=HOSPITAL,
            parts=together(CHILD, MOTHER, {"consent": consent(recipient_classes=["education"])}),
            detail=EARLY_HELP,
        ),
        {"family_help": "proposed lead_agency_decides"},
    ),
    Example(
        "The mother is said to have agreed and to have refused, and not which came later: a person clears it up.",
        Raised(
            agency=HOSPITAL,
            parts=together(CHILD, MOTHER, CONSENT, {"refused": consent("refused", status="refused")}),
            detail=EARLY_HELP,
        ),
        {
            "family_help": "proposed person_decides",
            "asked": {
                (
                    "family_help which_consent caldicott_guardian kent-community-health "
                    "lead_agency_decision not_shared_unnecessary"
                ),
            },
        },
    ),
    Example(
        "A contradiction holds nothing back that does not rest on consent.",
        Raised(
            agency=HOSPITAL,
            parts=together(CHILD, MOTHER, CONSENT, {"refused": consent("refused", status="refused")}),
            detail={**EARLY_HELP, "triggers": ["missing"]},
        ),
        {"csc": "share_power", "csc.basis": "e_public_task"},
    ),
    Example(
        "Consent chosen as the basis without a service counts too.",
        Raised(
            agency=HOSPITAL, parts=together(CHILD, MOTHER, CONSENT), detail={**EMERGING, "basis_asked_for": "a_consent"}
        ),
        {"family_help": "share_consent", "family_help.refused": []},
    ),
    Example(
        "Where a child may be in need, consent is not what the sharing rests on, though somebody gave it.",
        Raised(agency=HOSPITAL, parts=together(CHILD, MOTHER, CONSENT), detail={**NEED, "service_only": True}),
        {"csc": "share_power", "csc.basis": "e_public_task", "csc.alternates": []},
    ),
    Example(
        "What must be told does not rest on consent, even while problems are emerging.",
        Raised(
            agency=HOSPITAL,
            parts=together(CHILD, MOTHER, {"consent": consent(status="refused")}),
            detail={**EARLY_HELP, "triggers": ["missing"]},
        ),
        {"csc": "share_power", "csc.basis": "e_public_task", "answers": {"consent_not_needed"}},
    ),
    Example(
        "A family that declined the service and is at no known risk: a person decides (S14).",
        Raised(
            agency=HOSPITAL,
            parts=together(CHILD, MOTHER, {"consent": consent(kind="service", status="refused")}),
            detail=EARLY_HELP,
        ),
        {
            "family_help": "proposed person_decides",
            "answers": {"advice_without_names"},
            "asked": {
                (
                    "family_help share_after_refusal caldicott_guardian kent-community-health "
                    "lead_agency_decision not_shared_unnecessary"
                ),
            },
        },
    ),
)
