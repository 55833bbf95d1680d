"""What goes and what does not: emergencies, and the least each recipient needs."""

from __future__ import annotations

from tests.unit.basis.law_cases import (
    ARREST,
    CHARITY,
    CHILD,
    MOTHER,
    NOTE,
    POLICE,
    WORRY,
    Raised,
    item,
    person,
    together,
)
from tests.unit.basis.law_table import (
    BALANCED,
    CALLER,
    CLASSMATE,
    HARM,
    HIDING,
    HIS_STORY,
    INTELLIGENT,
    MORE,
    NEED,
    OVERDOSE,
    P18,
    PREJUDICE,
    SOURCE,
    TALK,
    THERE,
    WHERE,
    Example,
)

EXAMPLES = (
    # -- emergencies
    Example(
        "An emergency goes at once to police, ambulance and social care; the rest follows its own rules (S09).",
        Raised(
            agency="nightline-helpline",
            urgency="emergency",
            parts=together(CHILD, OVERDOSE, NOTE, MORE, TALK, CLASSMATE),
            detail={**HARM, **BALANCED, **PREJUDICE, "life_at_risk": True},
        ),
        {
            "emergency": True,
            "csc": "share_emergency",
            "police": "share_emergency",
            "ambulance": "share_emergency",
            "ambulance.basis": "d_vital_interests",
            "ambulance.alternates": ["f_legitimate_interests"],
            "ambulance/child": "share_emergency",
            "ambulance/overdose": "share_emergency",
            "ambulance/overdose.rests": f"{P18} would_prejudice_protection",
            "ambulance/note": "not_shared_unnecessary not_needed_for_role",
            "ambulance/classmate": "not_shared_unnecessary other_person",
            "police/note": "not_shared_unnecessary not_needed_for_role",
            "csc/note": "share_power",
            "csc/more": "share_power",
            "csc/talk": "not_shared_unnecessary not_needed_for_role",
            "education": "proposed lead_agency_decides",
            "governance": {"dpia_missing"},
        },
    ),
    Example(
        "In an emergency the police get all of their view where a crime is suspected.",
        Raised(urgency="emergency", parts=together(CHILD, OVERDOSE, MORE), detail={**HARM, "suspected_crime": True}),
        {"police/more": "share_power", "ambulance/more": "not_shared_unnecessary not_needed_for_role"},
    ),
    Example(
        "Life at risk is an emergency, whatever the sender called it.",
        Raised(parts=together(CHILD, WORRY, MORE), detail={"life_at_risk": True}),
        {
            "csc": "share_emergency",
            "police": "share_emergency",
            "ambulance": "share_emergency",
            "csc/worry": "share_emergency",
            "csc/more": "share_power",
        },
    ),
    Example(
        "Whoever cannot consent while a life is at risk needs no reason and no policy document.",
        Raised(
            agency=CHARITY,
            urgency="emergency",
            parts=together(CHILD, MOTHER, OVERDOSE, ARREST),
            detail={**HARM, "life_at_risk": True, "subject_incapable": True},
        ),
        {
            "ambulance/overdose.rests": "c_vital_interests",
            "csc/overdose.rests": "c_vital_interests",
            "csc/arrest.rests": "sch1_p30_vital_interests",
            "csc/arrest": "share_power",
        },
    ),
    Example(
        "Missing papers never delay an emergency; they become tasks.",
        Raised(agency=CHARITY, urgency="emergency", parts=together(CHILD, OVERDOSE), detail={}),
        {
            "csc": "share_emergency",
            "csc/overdose": "share_emergency",
            "ambulance/child": "share_emergency",
            "governance": {"policy_document_missing", "dpia_missing", "condition_to_record", "balancing_to_record"},
            "asked": set(),
        },
    ),
    Example(
        "A hidden address goes to social care and police, and to an ambulance only as what the emergency needs.",
        Raised(
            urgency="emergency",
            parts=together(CHILD, HIDING, WHERE, THERE),
            detail={**HARM, "triggers": ["position_of_trust"], "suspected_crime": True},
        ),
        {
            "csc/there": "share_power",
            "police/there": "share_power",
            "ambulance/where": "share_emergency",
            "ambulance/there": "not_shared_unnecessary hidden_address",
        },
    ),
    Example(
        "Sources that asked not to be named, and anonymous referrers, are not named to anybody, in emergencies too.",
        Raised(
            urgency="emergency",
            parts=together(CHILD, SOURCE, CALLER),
            detail={**HARM, "suspected_crime": True, "referrer_anonymous": True},
        ),
        {
            "police/source": "not_shared_unnecessary protected_source",
            "police/caller": "not_shared_unnecessary protected_source",
        },
        arrangement=INTELLIGENT,
    ),
    Example(
        "A source that did not ask to be protected is shown only where the matrix says so.",
        Raised(parts=together(CHILD, SOURCE, CALLER), detail={**HARM, "suspected_crime": True}),
        {
            "police/source": "not_shared_unnecessary protected_source",
            "police/caller": "share_power",
            "csc/caller": "not_shared_unnecessary not_needed_for_role",
        },
        arrangement=INTELLIGENT,
    ),
    # -- minimisation
    Example(
        "A school is not shown other children, health, or what the sender keeps from it.",
        Raised(
            agency=POLICE,
            parts=together(
                CHILD,
                CLASSMATE,
                HIS_STORY,
                WORRY,
                NOTE,
                {"own": item("welfare", item_id="own", not_for=["education"])},
                {"theirs": item("welfare", item_id="theirs", needed_by=["health"])},
            ),
            detail={**NEED, "triggers": ["domestic_abuse"]},
        ),
        {
            "education": "share_power",
            "education/child": "share_power",
            "education/worry": "share_power",
            "education/classmate": "not_shared_unnecessary other_person",
            "education/his-story": "not_shared_unnecessary other_person",
            "education/note": "not_shared_unnecessary not_needed_for_role",
            "education/own": "not_shared_unnecessary not_needed_for_role",
            "education/theirs": "not_shared_unnecessary not_needed_for_role",
            "health": "proposed lead_agency_decides",
        },
    ),
    Example(
        "What the sender says does not bear on the risk goes to nobody, whatever condition it would meet (S20).",
        Raised(
            agency="probation-ksw",
            parts=together(
                CHILD,
                {"man": person("adult_of_concern", person_id="man", adult_at_risk=False)},
                {"cruelty": item("criminal_offence", item_id="cruelty", about_person_id="man", bears_on_risk=True)},
                {"theft": item("criminal_offence", item_id="theft", about_person_id="man", bears_on_risk=False)},
                {
                    "core": item(
                        "criminal_offence", item_id="core", about_person_id="man", core=True, bears_on_risk=False
                    )
                },
            ),
            detail={**HARM, **PREJUDICE},
        ),
        {
            "csc/cruelty": "share_power",
            "csc/theft": "not_shared_unnecessary not_needed_for_role",
            "csc/core": "share_power",
        },
    ),
    Example(
        "What cannot be opened any more is not shared, and the rest is.",
        Raised(parts=together(CHILD, WORRY, NOTE), detail={**HARM, **PREJUDICE}, sealed=frozenset({"note"})),
        {"csc/note": "not_shared_unnecessary erased", "csc/worry": "share_power"},
    ),
)
