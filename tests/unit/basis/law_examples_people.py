"""What people judge and decide, and what is left to mend."""

from __future__ import annotations

from tests.unit.basis.law_cases import (
    CHARITY,
    CHILD,
    CSC,
    HOSPITAL,
    LIVES_IN_KENT,
    NOTE,
    POLICE,
    WORRY,
    Raised,
    item,
    natures,
    person,
    together,
    with_agency,
)
from tests.unit.basis.law_table import BALANCED, HARM, NEED, P18, PREJUDICE, Example, decides

CLINIC = "channel-sexual-health"
NOT_THE_SCHOOL = {**HARM, "more_detrimental": True, "detrimental_to": ["education"], "considered_by": "Guardian"}
ATTENDS = {"attends": item("sexual_health", item_id="attends", about_person_id="child", core=True)}
PUPIL = {"person_id": "child", "school_agency_id": "stourside-academy", "authorities": LIVES_IN_KENT}
FIFTEEN = {"child": person("child", age_years=15, **PUPIL)}
TWELVE = {"child": person("child", age_years=12, **PUPIL)}
OF_NO_AGE = {"child": person("child", **PUPIL)}

EXAMPLES = (
    Example(
        "An unsigned judgement keeps no crime against a child from the police; a person looks afterwards.",
        Raised(
            agency=CLINIC,
            parts=together(FIFTEEN, WORRY),
            detail={**HARM, "suspected_crime": True, "more_detrimental": True},
        ),
        {"police": "share_power", "csc": "share_power"},
    ),
    Example(
        "Signed by a named person, the judgement keeps it from the police.",
        Raised(
            agency=CLINIC,
            parts=together(FIFTEEN, WORRY),
            detail={**HARM, "suspected_crime": True, "more_detrimental": True, "considered_by": "Guardian"},
        ),
        {"police": "not_shared_detriment detriment"},
    ),
    Example(
        "Unsigned, it waits for a person towards anybody else.",
        Raised(agency=CLINIC, parts=together(FIFTEEN, WORRY), detail={**HARM, "more_detrimental": True}),
        {"education": "proposed person_decides"},
    ),
    # -- the sender's own judgement, and people who decide
    Example(
        "A named person's judgement that telling the school does more harm is followed (S15).",
        Raised(
            agency=HOSPITAL,
            parts=together(CHILD, WORRY),
            detail={**NEED, "more_detrimental": True, "detrimental_to": ["education"], "considered_by": "Nurse"},
        ),
        {"education": "not_shared_detriment detriment", "csc": "share_power"},
    ),
    Example(
        "It is looked at again when exploitation comes to light (S16).",
        Raised(
            agency=POLICE,
            parts=together(FIFTEEN, WORRY),
            detail={
                **NEED,
                "more_detrimental": True,
                "detrimental_to": ["education"],
                "considered_by": "Officer",
                "triggers": ["domestic_abuse", "sexual_exploitation"],
            },
        ),
        {"education": "proposed person_decides"},
    ),
    Example(
        "A clinic's judgement about a competent 15-year-old keeps it from the school (S15).",
        Raised(agency=CLINIC, parts=together(FIFTEEN, ATTENDS), detail=NOT_THE_SCHOOL),
        {"education": "not_shared_detriment detriment", "csc": "share_power"},
    ),
    Example(
        "Never for a child under 13: the lead agency decides about the school, and the police are told.",
        Raised(agency=CLINIC, parts=together(TWELVE, ATTENDS), detail=NOT_THE_SCHOOL),
        {"education": "proposed lead_agency_decides", "csc": "share_power", "police": "share_power"},
    ),
    Example(
        "Where nobody knows the age, a person is asked; silence is not decided on a guess.",
        Raised(agency=CLINIC, parts=together(OF_NO_AGE, ATTENDS), detail={**NOT_THE_SCHOOL, **PREJUDICE}),
        {"education": "proposed person_decides", "questions": {"child_age"}},
    ),
    Example(
        "At a child under 13 a sexual matter is harm, whatever level is stated, and social care is told.",
        Raised(
            agency="safe-harbour-charity",
            parts=together(TWELVE, ATTENDS),
            detail={"level": "problems_emerging", **PREJUDICE},
        ),
        {"csc": "share_power", "csc/attends.rests": f"{P18} would_prejudice_protection"},
    ),
    Example(
        "A judgement about anything else may protect a younger child too: a father who works at the school.",
        Raised(
            agency=POLICE,
            parts=together(CHILD, WORRY),
            detail={
                **NEED,
                "more_detrimental": True,
                "detrimental_to": ["education"],
                "considered_by": "Officer",
                "triggers": ["domestic_abuse"],
            },
        ),
        {"education": "not_shared_detriment detriment"},
    ),
    Example(
        "Nobody's judgement is no judgement: a person is asked.",
        Raised(
            agency=POLICE,
            parts=together(CHILD, WORRY),
            detail={**NEED, "more_detrimental": True, "triggers": ["domestic_abuse"]},
        ),
        {
            "education": "proposed person_decides",
            "csc": "share_power",
            "asked": {
                "education more_detrimental police_supervisor kent-police item_decision not_shared_detriment",
                "health more_detrimental police_supervisor kent-police lead_agency_decision not_shared_detriment",
                "early_years more_detrimental police_supervisor kent-police lead_agency_decision not_shared_detriment",
            },
        },
    ),
    Example(
        "Children's social care is always told of significant harm, whatever is judged.",
        Raised(
            parts=together(CHILD, WORRY),
            detail={
                **HARM,
                "more_detrimental": True,
                "detrimental_to": ["childrens_social_care"],
                "considered_by": "Head",
            },
        ),
        {"csc": "share_power"},
    ),
    Example(
        "Short of significant harm, a named person's judgement counts for children's social care when it names it.",
        Raised(
            agency=HOSPITAL,
            parts=together(CHILD, WORRY),
            detail={
                **NEED,
                "more_detrimental": True,
                "detrimental_to": ["childrens_social_care"],
                "considered_by": "Nurse",
            },
        ),
        {"csc": "not_shared_detriment detriment"},
    ),
    Example(
        "Where the only suspect is a child and nothing aggravates, a person looks first (practice 6).",
        Raised(parts=together(CHILD, WORRY), detail={**NEED, "suspected_crime": True, "suspect_is_child": True}),
        {
            "police": "proposed person_decides",
            "csc": "share_power",
            "asked": {"police tell_recipient safeguarding_lead larkfield-primary item_decision not_shared_unnecessary"},
        },
    ),
    Example(
        "With a weapon or an adult involved they are told.",
        Raised(
            parts=together(CHILD, WORRY),
            detail={**NEED, "suspected_crime": True, "suspect_is_child": True, "aggravated": True},
        ),
        {"police": "share_power"},
    ),
    Example(
        "The lead agency that passes a concern on is the controller, and its own standing in law counts.",
        Raised(agency=CHARITY, parts=together(CHILD, WORRY, NOTE), detail={**HARM, **PREJUDICE}),
        {
            "health": "share_power",
            "health.controller": "kent-csc",
            "health.basis": "e_public_task",
            "health/note.rests": f"{P18} would_prejudice_protection",
        },
        steps=(decides("health", "share_power", agency=CSC, role="social_work_manager"),),
    ),
    Example(
        "The lead agency that does not pass it on says so, with a reason and a day to look again.",
        Raised(parts=together(CHILD, WORRY), detail=HARM),
        {"health": "not_shared_no_role decided", "education": "not_shared_unnecessary is_sender"},
        steps=(decides("health", "not_shared_no_role", agency=CSC, role="social_work_manager"),),
    ),
    Example(
        "An item that waited is shared once a named person decided so.",
        Raised(agency=CHARITY, parts=together(CHILD, WORRY, NOTE), detail={**NEED, **BALANCED, **PREJUDICE}),
        {"csc/note": "share_power", "csc/note.rests": "", "asked": set()},
        steps=(decides("childrens_social_care/note", "share_power", agency=CHARITY, role="safeguarding_lead"),),
    ),
    Example(
        "An item that waited stays back once a named person decided so.",
        Raised(agency=CHARITY, parts=together(CHILD, WORRY, NOTE), detail={**NEED, **BALANCED, **PREJUDICE}),
        {"csc/note": "rejected_basis decided", "asked": set()},
        steps=(decides("childrens_social_care/note", "rejected_basis", agency=CHARITY, role="safeguarding_lead"),),
    ),
    Example(
        "Papers that are missing are tasks, and hold nothing back.",
        Raised(parts=together(CHILD, WORRY), detail=NEED),
        {"governance": {"policy_document_missing", "dpia_missing", "agreement_missing"}, "csc/worry": "share_power"},
        arrangement=with_agency("larkfield-primary", policy_document=None, dpia=None, agreement=None),
    ),
    Example(
        "A private body that performs a public task by law would rest on it; the arrangement's word counts.",
        Raised(parts=together(CHILD, WORRY), detail=NEED),
        {"csc.basis": "e_public_task"},
        arrangement=with_agency("larkfield-primary", natures=natures("section_11_body")),
    ),
)
