"""What holds for every concern, whatever the facts: the promises of the law pack and the core."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import assume, given, settings

from concern_relay.v1.assessments_pb2 import BasisAssessed, ClassAssessment, DecisionRequested
from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Article6,
    Article9,
    Category,
    DpaCondition,
    LegalNature,
    Outcome,
    Regime,
    Sensitivity,
    WithholdReason,
)
from services.basis_assessment.core import BasisCore
from services.chassis.arrangement import Arrangement, ArrangementBook, Force
from services.chassis.concern_facts import concern_facts
from tests.unit.basis.law_anything import DIFFERENT_LAWS, Case, cases, under_every_law, without_identifiers
from tests.unit.basis.law_cases import (
    CONCERN_ID,
    MONDAY,
    assessed,
    assessment_of,
    book,
    laws,
    run,
    said,
    summary,
)

pytestmark = pytest.mark.exhaustive

SHARED = {
    Outcome.OUTCOME_SHARE_DUTY,
    Outcome.OUTCOME_SHARE_POWER,
    Outcome.OUTCOME_SHARE_CONSENT,
    Outcome.OUTCOME_SHARE_EMERGENCY,
}
SOCIAL_CARE = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE
FIRST = (SOCIAL_CARE, AgencyClass.AGENCY_CLASS_POLICE, AgencyClass.AGENCY_CLASS_AMBULANCE)
BLOCKED = Outcome.OUTCOME_BLOCKED_PENDING

MANY = settings(max_examples=20, deadline=None)
"""Each under every law that differs, so a hundred assessments; 300 of each were run when the packs were written."""


def look(case: Case) -> tuple[BasisAssessed, Arrangement]:
    """Assess a drawn case."""
    return assessed(case.raised, using=case.core), case.arrangement


def shared(of_class: ClassAssessment) -> set[str]:
    """Give the parts that go to a class."""
    return {item.part_id for item in of_class.items if item.outcome in SHARED}


@MANY
@given(cases(urgency="emergency"))
@under_every_law
def test_an_emergency_never_waits(case: Case) -> None:
    """Police, ambulance and children's social care are told at once, and nothing they need of it waits for a person."""
    raised = case.raised
    found, _ = look(case)
    flagged = {i for i, p in raised.parts.items() if p.WhichOneof("body") == "item" and p.item.emergency_minimum}

    assert found.emergency
    for of_class in found.classes:
        if of_class.recipient_class in FIRST:
            assert of_class.outcome == Outcome.OUTCOME_SHARE_EMERGENCY
            waiting = {item.part_id for item in of_class.items if item.outcome == BLOCKED}
            assert not waiting & flagged


@MANY
@given(cases())
@under_every_law
def test_a_missing_identifier_changes_nothing(case: Case) -> None:
    """Without a number the decision is the same to the last code."""
    raised, using = case.raised, case.core

    assert summary(assessed(raised, using=using)) == summary(assessed(without_identifiers(raised), using=using))


@MANY
@given(cases())
@under_every_law
def test_blocked_never_holds_a_concern(case: Case) -> None:
    """Blocked is an item's. To social care and police identity and the core of the worry go, whatever waits."""
    raised = case.raised
    found, _ = look(case)
    core_parts = {i for i, p in raised.parts.items() if p.WhichOneof("body") == "item" and p.item.core}
    people = {i for i, p in raised.parts.items() if p.WhichOneof("body") == "person"}

    for of_class in found.classes:
        assert of_class.outcome != BLOCKED
        if of_class.recipient_class in FIRST[:2]:
            waiting = {item.part_id for item in of_class.items if item.outcome == BLOCKED}
            assert not waiting & (core_parts | people)


@MANY
@given(cases())
@under_every_law
def test_social_care_is_never_kept_from_harm(case: Case) -> None:
    """Where significant harm is suspected or nobody said how serious it is, social care is told.

    Two things may keep it back: that social care itself raises it, and that a named person judged otherwise while the
    level was stated as lower.
    """
    raised = case.raised
    found, arrangement = look(case)
    sender = arrangement.agency(raised.agency)
    assume(raised.detail["level"] in ("", "significant_harm") and "detail" not in raised.sealed)
    assume(sender is None or sender.agency_class != SOCIAL_CARE)

    [of_class] = [c for c in found.classes if c.recipient_class == SOCIAL_CARE]
    assert of_class.outcome in SHARED


@MANY
@given(cases())
@under_every_law
def test_a_public_authority_never_gets_legitimate_interests(case: Case) -> None:
    """Neither (f) nor (ea) is ever the basis, or stands beside it, for a public authority's tasks."""
    found, arrangement = look(case)
    barred = {Article6.ARTICLE6_F_LEGITIMATE_INTERESTS, Article6.ARTICLE6_EA_RECOGNISED_LEGITIMATE_INTEREST}

    for of_class in found.classes:
        controller = arrangement.agency(of_class.controller_agency_id)
        if controller is not None and LegalNature.LEGAL_NATURE_PUBLIC_AUTHORITY in controller.natures:
            assert not barred & {of_class.article6, *of_class.alternates}


@MANY
@given(cases())
@under_every_law
def test_the_same_facts_give_the_same_decision(case: Case) -> None:
    """Byte for byte, by a core that has seen other concerns before and by one that has not."""
    fresh = BasisCore(laws(case.law), ArrangementBook((case.arrangement,)))

    first = run(case.raised, using=fresh).decisions[-1]
    second = run(case.raised, using=case.core).decisions[-1]

    assert [e.data.SerializeToString(deterministic=True) for e in first.effects] == [
        e.data.SerializeToString(deterministic=True) for e in second.effects
    ]
    assert (first.timers, first.cancel) == (second.timers, second.cancel)


@MANY
@given(cases())
@under_every_law
def test_an_unknown_fact_is_asked_about(case: Case) -> None:
    """Whatever waits has somebody who is asked, and where a fact is not known, the question too."""
    decision = run(case.raised, using=case.core).decisions[-1]
    found = assessment_of(decision)
    asked = {
        (e.data.recipient_class, *e.data.part_ids) for e in decision.effects if isinstance(e.data, DecisionRequested)
    }
    questions = {(q.recipient_class, part) for q in found.questions for part in q.part_ids}

    for of_class in found.classes:
        if of_class.outcome == Outcome.OUTCOME_PROPOSED:
            assert (of_class.recipient_class,) in asked
        for item in of_class.items:
            if item.outcome == BLOCKED:
                assert (of_class.recipient_class, item.part_id) in asked
            if item.outcome == BLOCKED and item.reason == WithholdReason.WITHHOLD_REASON_FACT_UNKNOWN:
                of_basis = {q.code for q in found.questions if q.recipient_class == of_class.recipient_class}
                assert (of_class.recipient_class, item.part_id) in questions or of_basis


@MANY
@given(cases())
@under_every_law
def test_what_is_shared_is_a_subset_of_the_matrix(case: Case) -> None:
    """No category and no person a row does not name ever goes to that class; intelligence and sources to none."""
    raised = case.raised
    found, arrangement = look(case)

    for of_class in found.classes:
        row = arrangement.matrix[of_class.recipient_class]
        for part_id in shared(of_class):
            part = raised.parts[part_id]
            match part.WhichOneof("body"):
                case "item":
                    assert row.admits(part.item.category)
                    assert part.item.category != Category.CATEGORY_POLICE_INTELLIGENCE
                    assert of_class.recipient_class not in part.item.not_for
                case "person":
                    assert part.person.role in row.person_roles


@MANY
@given(cases())
@under_every_law
def test_special_and_offence_data_rest_on_a_condition_or_are_accounted_for(case: Case) -> None:
    """Only what an emergency needs and the core of the worry go without a condition, and then governance is told."""
    raised = case.raised
    found, _ = look(case)

    for of_class in found.classes:
        for item in of_class.items:
            needs = item.sensitivity not in (Sensitivity.SENSITIVITY_UNSPECIFIED, Sensitivity.SENSITIVITY_ORDINARY)
            needs &= "part3_offence" not in item.clause_codes  # Part 3 asks for no condition of offence data
            if item.outcome in SHARED and needs and (item.article9, item.condition) == (0, 0):
                of_item = raised.parts[item.part_id].item
                assert item.outcome == Outcome.OUTCOME_SHARE_EMERGENCY or of_item.core
                assert "condition_to_record" in found.governance_codes
            if item.sensitivity != Sensitivity.SENSITIVITY_SPECIAL_CATEGORY:
                assert item.article9 == Article9.ARTICLE9_UNSPECIFIED


@MANY
@given(cases())
@under_every_law
def test_paragraph_18_needs_its_policy_document_and_a_reason(case: Case) -> None:
    """It is never the condition without the document, without one of the three reasons, or beside valid consent."""
    found, arrangement = look(case)
    resting = {
        DpaCondition.DPA_CONDITION_SCH1_P18_SAFEGUARDING,
        DpaCondition.DPA_CONDITION_SCH1_P36_P18_SAFEGUARDING,
    }

    for of_class in found.classes:
        controller = arrangement.agency(of_class.controller_agency_id)
        for item in of_class.items:
            if item.condition in resting:
                assert controller is not None
                assert controller.policy_document
                assert item.consent_absence


@MANY
@given(cases())
@under_every_law
def test_everything_decided_says_which_clause_decided(case: Case) -> None:
    """Each class and each item names at least one clause, and the pack knows every one."""
    found, _ = look(case)
    pack = case.pack

    for of_class in found.classes:
        assert of_class.clause_codes
        assert set(of_class.clause_codes) | set(of_class.rejected_codes) <= pack.clauses.keys()
        assert of_class.outcome in SHARED or of_class.reason
        for item in of_class.items:
            assert item.clause_codes
            assert set(item.clause_codes) <= pack.clauses.keys()
            assert item.outcome in SHARED or item.reason, said(item)


@MANY
@given(cases())
@under_every_law
def test_a_proposal_is_not_sent(case: Case) -> None:
    """What a rule only calls usual never goes out by itself, short of an emergency or the family's consent."""
    raised = case.raised
    found, arrangement = look(case)
    concern = run(raised, using=case.core).state.concern
    sender = arrangement.agency(raised.agency)
    facts = concern_facts(concern, MONDAY, sender.agency_class if sender else AgencyClass.AGENCY_CLASS_UNSPECIFIED)
    must = {t.agency_class for t in arrangement.told(facts) if t.force is Force.MUST}

    for of_class in found.classes:
        if of_class.outcome in SHARED and of_class.recipient_class not in (*must, SOCIAL_CARE):
            assert of_class.outcome in (Outcome.OUTCOME_SHARE_EMERGENCY, Outcome.OUTCOME_SHARE_CONSENT)


@MANY
@given(cases())
@under_every_law
def test_every_clock_ends_later_than_it_starts(case: Case) -> None:
    """A person has until a moment after the question, and a timer stands at that moment."""
    decision = run(case.raised, using=case.core).decisions[-1]
    asked = [e.data for e in decision.effects if isinstance(e.data, DecisionRequested)]

    assert {t.name for t in decision.timers} == {f"decision:{a.decision_id}" for a in asked}
    assert all(MONDAY < t.due <= MONDAY + timedelta(days=5) for t in decision.timers)
    assert all(a.concern_id == CONCERN_ID and a.role for a in asked)


SCHEDULE_8 = {
    DpaCondition.DPA_CONDITION_S35_4_CONSENT,
    DpaCondition.DPA_CONDITION_SCH8_P1_STATUTORY,
    DpaCondition.DPA_CONDITION_SCH8_P3_VITAL_INTERESTS,
    DpaCondition.DPA_CONDITION_SCH8_P4_SAFEGUARDING,
}
COMPETENT = LegalNature.LEGAL_NATURE_COMPETENT_AUTHORITY


@MANY
@given(cases())
@under_every_law
def test_each_regime_keeps_to_its_own_law(case: Case) -> None:
    """Under Part 3 no Article 6, no Article 9 and no Schedule 1; elsewhere Article 6 and never Part 3.

    Part 3 needs a competent authority that discloses; a sensitive item rests on it only with the policy document.
    """
    found, arrangement = look(case)

    for of_class in found.classes:
        controller = arrangement.agency(of_class.controller_agency_id)
        part3 = of_class.regime_disclosure == Regime.REGIME_LAW_ENFORCEMENT
        assert bool(of_class.part3) == part3
        assert bool(of_class.regime_source) == (of_class.outcome in SHARED)
        if part3:
            assert controller is not None
            assert COMPETENT in controller.natures
            assert not of_class.article6
            assert not of_class.alternates
            assert not of_class.rejected_codes
        for item in of_class.items:
            if part3:
                assert not item.article9
                assert item.condition in {*SCHEDULE_8, DpaCondition.DPA_CONDITION_UNSPECIFIED}
                assert not item.condition or (controller is not None and controller.policy_document)
            else:
                assert item.condition not in SCHEDULE_8


def test_no_law_of_the_book_is_left_out() -> None:
    """Of packs that decide alike one stands for all; a pack that brings or changes a clause stands for itself."""
    stands_for = {tuple(laws(name).packs[0].clauses) for name in DIFFERENT_LAWS}

    assert {tuple(pack.clauses) for pack in book().packs} == stands_for
    assert {"operation-encompass-2025", "information-sharing-duty-2026-commenced"} <= set(DIFFERENT_LAWS)
