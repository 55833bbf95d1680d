"""Codes of an assessment in plain English. What a clause says stands in the law pack; this is what the codes say."""

from __future__ import annotations

from typing import Any, Final

from concern_relay.v1.assessments_pb2 import ClassAssessment
from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Article6,
    Article9,
    ConsentAbsence,
    DpaCondition,
    Gateway,
    Outcome,
    Part3Basis,
    Regime,
    Sensitivity,
    WithholdReason,
)
from services.chassis.codes import word_of

OUTCOMES: Final = {
    "share_duty": "told, the law requires it",
    "share_power": "told, the law permits it",
    "share_consent": "told, on consent",
    "share_emergency": "told at once as an emergency, assessed after",
    "not_shared_no_role": "not told, it has no role in this",
    "not_shared_detriment": "not told, telling would do the child more harm than not telling",
    "not_shared_unnecessary": "not told, it does not need it",
    "blocked_pending": "waits for a named person",
    "rejected_basis": "not told, the basis is not open",
    "proposed": "not told yet, a person decides first",
}

PART_OUTCOMES: Final = {
    "share_duty": "goes: the law requires it",
    "share_power": "goes: the law permits it",
    "share_consent": "goes, on consent",
    "share_emergency": "goes at once: part of what the emergency needs",
    "not_shared_no_role": "does not go: the recipient has no role",
    "not_shared_detriment": "does not go: it would do the child more harm",
    "not_shared_unnecessary": "does not go: it is not needed there",
    "blocked_pending": "waits for a named person",
    "rejected_basis": "does not go: the basis is not open",
    "proposed": "waits for a person to decide",
}

REASONS: Final = {
    "no_condition": "no condition for this kind of data is met",
    "no_policy_document": "no appropriate policy document is held",
    "fact_unknown": "a fact is not known, and the question is asked",
    "not_needed_for_role": "the recipient's role does not need it",
    "no_role": "the recipient has no role in this concern",
    "person_of_concern_could_read": "the person of concern could read it there",
    "hidden_address": "the address is hidden",
    "protected_source": "the source asked not to be named",
    "law_enforcement_only": "it is for law enforcement only",
    "lead_agency_decides": "the lead agency looks first",
    "consent": "consent was refused, withdrawn, has expired or does not cover it",
    "detriment": "telling would be more detrimental to the child than not telling",
    "decided": "a named person decided so",
    "erased": "it was erased or is suspended",
    "no_balancing_test": "the balancing test is missing",
    "other_person": "it is about somebody the recipient has no role for",
    "no_basis": "no lawful basis under Article 6 is open",
    "is_sender": "it is the sender's own kind of agency",
    "person_decides": "a person looks first",
    "no_agency_known": "no agency of this kind is known for these people; name it, and it is proposed",
    "collected_on_consent": "collected on consent for another purpose; a person looks whether that can be asked for",
    "agreement_revoked": "the agreement it was to be shared under was revoked before it left",
}

ARTICLE6: Final = {
    "a_consent": "Article 6(1)(a), consent",
    "b_contract": "Article 6(1)(b), contract",
    "c_legal_obligation": "Article 6(1)(c), legal obligation",
    "d_vital_interests": "Article 6(1)(d), vital interests",
    "e_public_task": "Article 6(1)(e), public task",
    "ea_recognised_legitimate_interest": "Article 6(1)(ea), recognised legitimate interest",
    "f_legitimate_interests": "Article 6(1)(f), legitimate interests",
}

PART3: Final = {
    "s35_2_b_task": "Data Protection Act 2018 s35(2)(b), a task for a law enforcement purpose (Part 3)",
}

REGIMES: Final = {
    "uk_gdpr": "UK GDPR (before 2021 the GDPR)",
    "law_enforcement": "law enforcement processing, Data Protection Act 2018 Part 3",
}

ARTICLE9: Final = {
    "a_explicit_consent": "Article 9(2)(a), explicit consent",
    "b_social_protection": "Article 9(2)(b), social protection",
    "c_vital_interests": "Article 9(2)(c), vital interests",
    "f_legal_claims": "Article 9(2)(f), legal claims",
    "g_substantial_public_interest": "Article 9(2)(g), substantial public interest",
    "h_health_or_social_care": "Article 9(2)(h), health or social care",
}

CONDITIONS: Final = {
    "sch1_p1_social_protection": "Data Protection Act 2018 Sch 1 para 1, social protection",
    "sch1_p2_health_or_social_care": "Data Protection Act 2018 Sch 1 para 2, health or social care",
    "sch1_p6_statutory": "Data Protection Act 2018 Sch 1 para 6, statutory purposes",
    "sch1_p10_unlawful_acts": "Data Protection Act 2018 Sch 1 para 10, preventing or detecting unlawful acts",
    "sch1_p17_counselling": "Data Protection Act 2018 Sch 1 para 17, counselling",
    "sch1_p18_safeguarding": "Data Protection Act 2018 Sch 1 para 18, safeguarding of children and individuals at risk",
    "sch1_p29_consent": "Data Protection Act 2018 Sch 1 para 29, consent",
    "sch1_p30_vital_interests": "Data Protection Act 2018 Sch 1 para 30, vital interests",
    "sch1_p36_p18_safeguarding": "Data Protection Act 2018 Sch 1 para 36 with para 18, safeguarding",
    "sch1_p36_p6_statutory": "Data Protection Act 2018 Sch 1 para 36 with para 6, statutory purposes",
    "sch8_p1_statutory": "Data Protection Act 2018 Sch 8 para 1, statutory purposes (law enforcement)",
    "sch8_p3_vital_interests": "Data Protection Act 2018 Sch 8 para 3, vital interests (law enforcement)",
    "sch8_p4_safeguarding": "Data Protection Act 2018 Sch 8 para 4, safeguarding (law enforcement)",
    "s35_4_consent": "Data Protection Act 2018 s35(4), consent (law enforcement)",
}

LIMBS: Final = {
    "cannot_be_given": "consent cannot be given",
    "not_reasonable_to_obtain": "consent cannot reasonably be expected",
    "would_prejudice_protection": "asking for consent would prejudice the protection",
}

GATEWAYS: Final = {
    "ca1989_s17": "Children Act 1989 s17",
    "ca1989_s47": "Children Act 1989 s47",
    "ca2004_s10": "Children Act 2004 s10",
    "ca2004_s11": "Children Act 2004 s11",
    "ca2004_s16la": "Children Act 2004 s16LA",
    "cda1998_s115": "Crime and Disorder Act 1998 s115 (a power)",
    "ea2002_s175": "Education Act 2002 s175",
    "fgma2003_s5b": "Female Genital Mutilation Act 2003 s5B (a duty)",
    "msa2015_s52": "Modern Slavery Act 2015 s52 (a duty)",
    "ha1996_s213b": "Housing Act 1996 s213B",
    "common_law_policing": "police powers at common law",
    "operation_encompass": "the Operation Encompass duty",
    "authority_outside_england": "the authority's own functions under the law of its country",
}

SENSITIVITIES: Final = {
    "ordinary": "ordinary personal data",
    "special_category": "special category data",
    "criminal_offence": "criminal offence data",
    "law_enforcement": "law enforcement data",
}

TABLES: Final[tuple[tuple[Any, dict[str, str]], ...]] = (
    (Outcome, OUTCOMES),
    (Outcome, PART_OUTCOMES),
    (WithholdReason, REASONS),
    (Article6, ARTICLE6),
    (Part3Basis, PART3),
    (Regime, REGIMES),
    (Article9, ARTICLE9),
    (DpaCondition, CONDITIONS),
    (ConsentAbsence, LIMBS),
    (Gateway, GATEWAYS),
    (Sensitivity, SENSITIVITIES),
)
"""Each table with the enum all of whose words it has."""


def said(table: dict[str, str], enum: Any, number: int) -> str:
    """Give the words of a code; a code newer than these words stands for itself."""
    word = word_of(enum, number)
    return table.get(word, word)


def basis(one: ClassAssessment) -> str:
    """Say what a class rests on: Article 6, or Part 3 in its place; empty where nothing goes to it."""
    if one.part3:
        return said(PART3, Part3Basis, one.part3)
    return said(ARTICLE6, Article6, one.article6) if one.article6 else ""


def regimes(source: Regime, disclosure: Regime) -> str:
    """Say which regime a disclosure is made under, and which the data is held under where that is another."""
    made, held = said(REGIMES, Regime, disclosure), said(REGIMES, Regime, source)
    return made if held == made else f"{made}; held under {held}"


def class_name(agency_class: AgencyClass) -> str:
    """Give a class of agency as people say it: ``Children's social care``."""
    word = word_of(AgencyClass, agency_class)
    return _NAMES.get(word, word.replace("_", " ")).capitalize()


_NAMES: Final = {
    "childrens_social_care": "children's social care",
    "ambulance": "ambulance service",
    "voluntary": "voluntary organisations",
    "private": "private bodies",
}
