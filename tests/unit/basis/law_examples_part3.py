"""Law enforcement processing, Part 3 of the Data Protection Act 2018: when it applies, and what it rests on."""

from __future__ import annotations

from tests.unit.basis.law_cases import (
    ARREST,
    CHILD,
    MOTHER,
    NOTE,
    POLICE,
    WORRY,
    Raised,
    item,
    together,
    with_agency,
)
from tests.unit.basis.law_table import AGREED, CONSENT, HARM, NEED, P18, PREJUDICE, Example

CRIME = {**HARM, "suspected_crime": True}
PROBATION = "probation-ksw"
STAYS, LEAVES, NEVER = "law_enforcement law_enforcement", "law_enforcement uk_gdpr", "uk_gdpr uk_gdpr"
TASK = "s35_2_b_task"
URGENT_NOTE = {"note": item("mental_health", item_id="note", about_person_id="child", core=True)}

EXAMPLES = (
    Example(
        "Police to police of a crime stays under Part 3: its own basis, no Article 6, Schedule 8 and no Article 9.",
        Raised(agency=POLICE, parts=together(CHILD, MOTHER, NOTE, ARREST), detail={**CRIME, **PREJUDICE}),
        {
            "police.regimes": STAYS,
            "police.basis": "",
            "police.alternates": [],
            "police.part3": TASK,
            "police/note": "share_power",
            "police/note.rests": "sch8_p4_safeguarding would_prejudice_protection",
            "police/arrest": "share_power",
            "police/arrest.rests": "",
            "governance": set(),
        },
    ),
    Example(
        "The same told to social care leaves Part 3: UK GDPR, Articles 6 and 9, Schedule 1.",
        Raised(agency=POLICE, parts=together(CHILD, MOTHER, NOTE, ARREST), detail={**CRIME, **PREJUDICE}),
        {
            "csc.regimes": LEAVES,
            "csc.basis": "e_public_task",
            "csc.part3": "",
            "csc/note.rests": f"{P18} would_prejudice_protection",
            "csc/arrest.rests": "sch1_p36_p18_safeguarding would_prejudice_protection",
        },
    ),
    Example(
        "A school that tells the police of a crime was never under Part 3.",
        Raised(parts=together(CHILD, NOTE), detail={**CRIME, **PREJUDICE}),
        {
            "police.regimes": NEVER,
            "police.basis": "e_public_task",
            "police/note.rests": f"{P18} would_prejudice_protection",
        },
    ),
    Example(
        "Police to police where no crime is in question is safeguarding, and leaves Part 3.",
        Raised(
            agency=POLICE,
            parts=together(CHILD, NOTE),
            detail={**HARM, **PREJUDICE, "triggers": ["missing"], "suspected_crime": False},
        ),
        {
            "police.regimes": LEAVES,
            "police.basis": "e_public_task",
            "police/note.rests": f"{P18} would_prejudice_protection",
        },
    ),
    Example(
        "Where nobody said whether a crime is in question it stays as it is held.",
        Raised(agency=POLICE, parts=together(CHILD, NOTE), detail={**HARM, **PREJUDICE, "triggers": ["missing"]}),
        {"police.regimes": STAYS, "police/note.rests": "sch8_p4_safeguarding would_prejudice_protection"},
    ),
    Example(
        "Probation and police are competent authorities to each other.",
        Raised(
            agency=PROBATION, parts=together(CHILD, NOTE), detail={**HARM, **PREJUDICE, "triggers": ["mappa_offender"]}
        ),
        {"police.regimes": STAYS, "police.part3": TASK, "csc.regimes": LEAVES},
    ),
    Example(
        "Police tell probation of an offender under Part 3; managing one carries out a sentence.",
        Raised(agency=POLICE, parts=together(CHILD, WORRY), detail={**HARM, "triggers": ["mappa_offender"]}),
        {"probation": "share_power", "probation.regimes": STAYS, "probation.part3": TASK},
    ),
    Example(
        "A youth offending team is a competent authority when it acts as one: about a crime, not for welfare alone.",
        Raised(agency=POLICE, parts=together(CHILD, WORRY), detail={**CRIME, "triggers": ["secure_estate"]}),
        {"youth_justice": "share_power", "youth_justice.regimes": STAYS, "secure_estate.regimes": STAYS},
    ),
    Example(
        "For a child's welfare in custody alone it leaves Part 3.",
        Raised(
            agency=POLICE,
            parts=together(CHILD, WORRY),
            detail={**HARM, "triggers": ["secure_estate"], "suspected_crime": False},
        ),
        {"youth_justice.regimes": LEAVES, "youth_justice.basis": "e_public_task"},
    ),
    Example(
        "An ambulance is no competent authority, in an emergency either.",
        Raised(agency=POLICE, urgency="emergency", parts=together(CHILD, WORRY), detail=CRIME),
        {"ambulance.regimes": LEAVES, "ambulance.basis": "e_public_task", "police.regimes": STAYS},
    ),
    Example(
        "Without policy document a sensitive item waits under Part 3 too; the core of the worry does not.",
        Raised(
            agency=POLICE,
            parts=together(CHILD, NOTE, {"bruise": item("physical_health", item_id="bruise", core=True)}),
            detail={**CRIME, **PREJUDICE},
        ),
        {
            "police/note": "blocked_pending no_policy_document",
            "police/bruise": "share_power",
            "police/bruise.rests": "",
            "governance": {"policy_document_missing", "condition_to_record"},
        },
        arrangement=with_agency(POLICE, policy_document=None),
    ),
    Example(
        "What is not strictly necessary waits: a child in need, no crime, and no part of the core.",
        Raised(
            agency=POLICE,
            parts=together(CHILD, WORRY, NOTE),
            detail={**NEED, **PREJUDICE, "triggers": ["radicalisation"], "suspected_crime": False},
        ),
        {"police.regimes": STAYS, "police/note": "blocked_pending no_condition"},
    ),
    Example(
        "The core of the worry is strictly necessary.",
        Raised(
            agency=POLICE,
            parts=together(CHILD, URGENT_NOTE),
            detail={**NEED, **PREJUDICE, "triggers": ["radicalisation"], "suspected_crime": False},
        ),
        {"police/note": "share_power", "police/note.rests": "sch8_p4_safeguarding would_prejudice_protection"},
    ),
    Example(
        "Where it is not known whether a crime is in question, strict necessity is not known, and it is asked.",
        Raised(
            agency=POLICE, parts=together(CHILD, WORRY, NOTE), detail={**NEED, **PREJUDICE, "triggers": ["missing"]}
        ),
        {"police/note": "blocked_pending fact_unknown", "questions": {"suspected_crime"}},
    ),
    Example(
        "Without a known reason for acting without consent, a function that the law gives stands (Schedule 8 para 1).",
        Raised(agency=POLICE, parts=together(CHILD, NOTE), detail=CRIME),
        {"police/note.rests": "sch8_p1_statutory"},
    ),
    Example(
        "A life at risk is Schedule 8 paragraph 3, whether or not anybody can consent.",
        Raised(agency=POLICE, parts=together(CHILD, NOTE), detail={**CRIME, **PREJUDICE, "life_at_risk": True}),
        {"police/note.rests": "sch8_p3_vital_interests"},
    ),
    Example(
        "With the consent of the person it is about, s35(4) stands; that excludes paragraph 4 for the item.",
        Raised(agency=POLICE, parts=together(CHILD, MOTHER, CONSENT, AGREED), detail={**CRIME, **PREJUDICE}),
        {"police/agreed": "share_power", "police/agreed.rests": "s35_4_consent"},
    ),
)
