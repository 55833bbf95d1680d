"""Which condition: Article 9, Article 10 and the Schedules."""

from __future__ import annotations

from concern_relay.v1.facts_pb2 import Part
from tests.unit.basis.law_cases import (
    ARREST,
    BRUISE,
    CHARITY,
    CHILD,
    GROUP,
    HOSPITAL,
    MOTHER,
    NOTE,
    POLICE,
    WORRY,
    Raised,
    consent,
    item,
    person,
    together,
    with_agency,
)
from tests.unit.basis.law_table import (
    AGREED,
    BALANCED,
    CHARITY_WITH_PAPERS,
    COMMISSIONED,
    CONSENT,
    EMERGING,
    FATHERS,
    HARM,
    HEALTH_CARE,
    INTELLIGENCE,
    INTELLIGENT,
    NEED,
    P6,
    P10,
    P18,
    PREJUDICE,
    RECORD,
    Example,
)

HERS = {"hers": item("disability", item_id="hers", about_person_id="sister", protects_person_id="sister")}
FATHER = {"father": person("adult_of_concern", person_id="father", adult_at_risk=False)}
HIS = {"his": item("mental_health", item_id="his", about_person_id="father")}


def sister(*, at_risk: bool) -> dict[str, Part]:
    """Give a sister of 19."""
    return {"sister": person("sibling", person_id="sister", age_years=19, adult_at_risk=at_risk)}


EXAMPLES = (
    # -- Article 9 and Schedule 1
    *(
        Example(
            f"Paragraph 18(2): {how}.",
            Raised(parts=together(CHILD, NOTE), detail={**HARM, **stated}),
            {"csc/note": "share_power", "csc/note.rests": f"{P18} {limb}"},
        )
        for how, stated, limb in (
            (
                "consent cannot be given, as the sender states",
                {"consent_absence": "cannot_be_given"},
                "cannot_be_given",
            ),
            (
                "consent cannot reasonably be expected",
                {"consent_absence": "not_reasonable_to_obtain"},
                "not_reasonable_to_obtain",
            ),
            ("asking would prejudice the protection", PREJUDICE, "would_prejudice_protection"),
            (
                "the family was not told because of risk",
                {"family_not_told_reason": "risk"},
                "would_prejudice_protection",
            ),
            (
                "the family was not told because it cannot be reached",
                {"family_not_told_reason": "not_reachable"},
                "not_reasonable_to_obtain",
            ),
        )
    ),
    Example(
        "Paragraph 18(2)(a): a child without competence cannot consent.",
        Raised(
            parts=together({"child": person("child", person_id="child", age_years=4, can_consent=False)}, NOTE),
            detail=HARM,
        ),
        {"csc/note.rests": f"{P18} cannot_be_given"},
    ),
    Example(
        "What the sender states about the reason goes before what other facts show.",
        Raised(
            parts=together(CHILD, NOTE),
            detail={**HARM, "consent_absence": "not_reasonable_to_obtain", "family_not_told_reason": "risk"},
        ),
        {"csc/note.rests": f"{P18} not_reasonable_to_obtain"},
    ),
    Example(
        "The reason stated for the very person the item is about goes before the one for the concern.",
        Raised(
            parts=together(
                CHILD,
                NOTE,
                {"c": consent(ref="c", status="not_sought", subject_person_id="child", absence="cannot_be_given")},
            ),
            detail={**HARM, **PREJUDICE},
        ),
        {"csc/note.rests": f"{P18} cannot_be_given"},
    ),
    Example(
        "Without a known reason paragraph 18 stays open, and a public body rests on its statutory function.",
        Raised(parts=together(CHILD, NOTE, ARREST, MOTHER), detail=HARM),
        {"csc/note.rests": P6, "csc/arrest.rests": "sch1_p36_p6_statutory", "questions": set()},
    ),
    Example(
        "A charity that states no reason is asked for it; the item waits two hours where harm is suspected.",
        Raised(agency=CHARITY, parts=together(CHILD, WORRY, NOTE), detail={**HARM, **BALANCED}),
        {
            "csc": "share_power",
            "csc/worry": "share_power",
            "csc/note": "blocked_pending fact_unknown",
            "questions": {"consent_absence", "family_not_told_reason", "subject_can_consent"},
            "asked": {
                (
                    "childrens_social_care/note share_item safeguarding_lead open-door-charity "
                    "item_decision_significant_harm share_power"
                ),
                *(
                    f"{c} pass_on social_work_manager kent-csc lead_agency_decision share_power"
                    for c in ("health", "education", "housing", "probation")
                ),
            },
        },
        arrangement=CHARITY_WITH_PAPERS,
    ),
    Example(
        "A charity without policy document: the item waits, the concern does not (S07).",
        Raised(agency=CHARITY, parts=together(CHILD, WORRY, NOTE), detail={**NEED, **BALANCED, **PREJUDICE}),
        {
            "csc": "share_power",
            "csc/worry": "share_power",
            "csc/note": "blocked_pending no_policy_document",
            "governance": {"policy_document_missing", "dpia_missing"},
            "asked": {
                "childrens_social_care/note share_item safeguarding_lead open-door-charity item_decision rejected_basis"
            },
        },
    ),
    Example(
        "The core of the worry goes without the policy document too, and the condition is recorded afterwards.",
        Raised(agency=CHARITY, parts=together(CHILD, BRUISE), detail={**NEED, **BALANCED, **PREJUDICE}),
        {
            "csc/bruise": "share_power",
            "csc/bruise.rests": "",
            "governance": {"policy_document_missing", "dpia_missing", "condition_to_record"},
        },
    ),
    Example(
        "The same facts to the police about a crime need no policy document.",
        Raised(
            agency=CHARITY,
            parts=together(CHILD, NOTE, MOTHER, ARREST),
            detail={**HARM, **BALANCED, **PREJUDICE, "suspected_crime": True},
        ),
        {
            "police/note": "share_power",
            "police/note.rests": f"{P10} would_prejudice_protection",
            "police/arrest.rests": "sch1_p10_unlawful_acts would_prejudice_protection",
            "csc/note": "blocked_pending no_policy_document",
        },
    ),
    Example(
        "That consent cannot reasonably be had is no reason for that: only that asking would prejudice the purpose is.",
        Raised(
            agency=CHARITY,
            parts=together(CHILD, NOTE, WORRY),
            detail={
                **HARM,
                **BALANCED,
                "suspected_crime": True,
                "consent_absence": "not_reasonable_to_obtain",
                "family_not_told_reason": "delay",
            },
        ),
        {"police": "share_power", "police/worry": "share_power", "police/note": "blocked_pending no_policy_document"},
    ),
    Example(
        "To the police where no crime is suspected the policy document is needed.",
        Raised(
            agency=CHARITY,
            parts=together(CHILD, NOTE),
            detail={**HARM, **BALANCED, **PREJUDICE, "suspected_crime": False, "immediate_danger": True},
        ),
        {"police/note": "blocked_pending no_policy_document"},
    ),
    Example(
        "Health to social care, under professional secrecy: no policy document and no reason is needed.",
        Raised(agency=HOSPITAL, parts=together(CHILD, NOTE), detail=HARM),
        {"csc/note.rests": HEALTH_CARE},
        arrangement=with_agency(HOSPITAL, policy_document=None),
    ),
    Example(
        "Explicit consent for the very item, and only that, excludes paragraph 18 for it (practice 12).",
        Raised(parts=together(CHILD, MOTHER, CONSENT, AGREED, FATHERS, RECORD), detail={**HARM, **PREJUDICE}),
        {
            "csc/agreed.rests": "a_explicit_consent",
            "csc/record.rests": "sch1_p29_consent",
            "csc/fathers.rests": f"{P18} would_prejudice_protection",
        },
    ),
    Example(
        "An item that rests on consent that was withdrawn or has expired stops at once.",
        Raised(
            parts=together(CHILD, MOTHER, {"consent": consent(status="withdrawn")}, AGREED, NOTE),
            detail={**HARM, **PREJUDICE},
        ),
        {"csc": "share_power", "csc/agreed": "rejected_basis consent", "csc/note": "share_power"},
    ),
    Example(
        "Problems that are only emerging are no substantial public interest: a health item waits for a person.",
        Raised(
            agency=COMMISSIONED,
            parts=together(CHILD, NOTE, MOTHER, ARREST),
            detail={**EMERGING, **PREJUDICE, "suspected_crime": True},
        ),
        {
            "csc/note": "blocked_pending no_condition",
            "csc/arrest": "share_power",
            "csc/arrest.rests": "sch1_p36_p18_safeguarding would_prejudice_protection",
            "police/note": "blocked_pending no_condition",
        },
    ),
    Example(
        "Circumstances that point to harm are enough, whatever level was stated.",
        Raised(
            agency=COMMISSIONED,
            parts=together(CHILD, NOTE),
            detail={**EMERGING, **PREJUDICE, "triggers": ["sexual_abuse"]},
        ),
        {"csc/note.rests": f"{P18} would_prejudice_protection"},
    ),
    Example(
        "A public body's statutory function needs a substantial public interest as well.",
        Raised(parts=together(CHILD, NOTE), detail={**EMERGING, "triggers": ["unborn_child"]}),
        {"csc/note": "blocked_pending no_condition"},
    ),
    Example(
        "Where neither level nor circumstance is known, offence data waits for the level.",
        Raised(agency=COMMISSIONED, parts=together(CHILD, MOTHER, ARREST), detail=PREJUDICE),
        {"csc/arrest": "blocked_pending fact_unknown", "questions": {"level"}},
    ),
    Example(
        "Paragraph 18 protects a child or an adult at risk, and nobody else: a grown-up alone is asked about.",
        Raised(
            agency=COMMISSIONED,
            parts=together(MOTHER, {"hers": item("mental_health", item_id="hers", about_person_id="mother")}),
            detail={**HARM, **PREJUDICE},
        ),
        {"csc/hers": "blocked_pending fact_unknown", "questions": {"adult_at_risk"}},
    ),
    Example(
        "An adult at risk is protected too (S18).",
        Raised(
            agency=COMMISSIONED,
            parts=together(
                {"sister": person("sibling", person_id="sister", age_years=19, adult_at_risk=True)},
                {"hers": item("disability", item_id="hers", about_person_id="sister")},
            ),
            detail={**HARM, **PREJUDICE},
        ),
        {"csc/hers.rests": f"{P18} would_prejudice_protection", "adult_social_care": "share_power"},
    ),
    Example(
        "A grown-up sister who is not at risk is not protected by paragraph 18, though a child is named too (S18).",
        Raised(
            agency=COMMISSIONED,
            parts=together(CHILD, WORRY, NOTE, sister(at_risk=False), HERS),
            detail={**HARM, **PREJUDICE},
        ),
        {
            "csc/hers": "blocked_pending no_condition",
            "csc/note.rests": f"{P18} would_prejudice_protection",
        },
    ),
    Example(
        "She is, where she is at risk; and where that is not known it is asked.",
        Raised(
            agency=COMMISSIONED,
            parts=together(CHILD, WORRY, sister(at_risk=True), HERS),
            detail={**HARM, **PREJUDICE},
        ),
        {"csc/hers.rests": f"{P18} would_prejudice_protection"},
    ),
    Example(
        "What is about a dangerous father protects the child: whom it is about and who is protected differ (S17).",
        Raised(
            agency=COMMISSIONED,
            parts=together(CHILD, WORRY, FATHER, HIS),
            detail={**HARM, **PREJUDICE},
        ),
        {"csc/his.rests": f"{P18} would_prejudice_protection"},
    ),
    Example(
        "So is one of a group that is at risk, and a child before birth.",
        Raised(
            agency=COMMISSIONED,
            parts=together(GROUP, {"theirs": item("substance_use", item_id="theirs")}),
            detail={**HARM, **PREJUDICE},
        ),
        {"csc/theirs.rests": f"{P18} would_prejudice_protection", "csc/group": "share_power"},
    ),
    Example(
        "Between law enforcement bodies intelligence rests on Schedule 8, never on Article 9.",
        Raised(
            agency=POLICE,
            parts=together(CHILD, MOTHER, INTELLIGENCE),
            detail={**HARM, **PREJUDICE, "triggers": ["missing"]},
        ),
        {
            "police/intelligence": "share_power",
            "police/intelligence.rests": "sch8_p4_safeguarding would_prejudice_protection",
            "csc/intelligence": "not_shared_unnecessary law_enforcement_only",
        },
        arrangement=INTELLIGENT,
    ),
    Example(
        "Intelligence held by a school goes to the police only about a crime.",
        Raised(parts=together(CHILD, MOTHER, INTELLIGENCE), detail={**HARM, **PREJUDICE, "immediate_danger": True}),
        {"police/intelligence": "blocked_pending fact_unknown", "questions": {"suspected_crime"}},
        arrangement=INTELLIGENT,
    ),
)
