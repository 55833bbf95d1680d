"""What else an item could rest on, where no condition stands (S07)."""

from __future__ import annotations

import pytest

from concern_relay.v1.assessments_pb2 import CandidateCondition, ItemAssessment
from concern_relay.v1.codes_pb2 import Article9, CandidateStanding, DpaCondition
from services.basis_assessment.explain import explain
from services.chassis.codes import word_of
from tests.unit.basis.law_cases import (
    ARREST,
    CHARITY,
    CHILD,
    MOTHER,
    NOTE,
    WORRY,
    Raised,
    assessed,
    core,
    laws,
    of_item,
    together,
)
from tests.unit.basis.law_table import CHARITY_WITH_PAPERS, HARM, PREJUDICE

_HARMED = {**HARM, **PREJUDICE, "balancing_test_complete": True}
_NO_PAPER = Raised(agency=CHARITY, parts=together(CHILD, WORRY, NOTE), detail=_HARMED)


def listed(item: ItemAssessment) -> dict[str, CandidateCondition]:
    """Give the candidates by the name of their condition."""
    return {word_of(DpaCondition, one.condition) or word_of(Article9, one.article9): one for one in item.candidates}


def test_each_candidate_says_what_it_lacks() -> None:
    """Given a charity without a policy document, then paragraph 18 lacks that document, and that alone."""
    found = listed(of_item(assessed(_NO_PAPER), "childrens_social_care", "note"))

    assert list(found["sch1_p18_safeguarding"].lacking_codes) == ["policy_document"]
    assert {"c_vital_interests", "a_explicit_consent", "sch1_p6_statutory"} <= found.keys()
    assert not any(name.startswith(("sch1_p36", "sch8", "s35")) for name in found)


def test_what_nobody_knows_leaves_a_candidate_open() -> None:
    """Given that nobody said why there was no consent, then paragraph 18 may yet stand."""
    detail = {"level": "significant_harm", "balancing_test_complete": True}
    unsaid = Raised(agency=CHARITY, parts=together(CHILD, WORRY, NOTE), detail=detail)
    found = listed(
        of_item(assessed(unsaid, using=core(arrangement=CHARITY_WITH_PAPERS)), "childrens_social_care", "note")
    )

    assert found["sch1_p18_safeguarding"].standing == CandidateStanding.CANDIDATE_STANDING_OPEN


def test_offence_data_has_candidates_of_its_own() -> None:
    """Article 9 is not for offence data."""
    raised = Raised(agency=CHARITY, parts=together(CHILD, MOTHER, WORRY, ARREST), detail=_HARMED)
    item = of_item(assessed(raised), "childrens_social_care", "arrest")

    assert item.candidates
    assert not any(one.article9 and not one.condition for one in item.candidates)


@pytest.mark.parametrize("part_id", ["worry", "child"])
def test_what_goes_has_no_candidates(part_id: str) -> None:
    """Where nothing is needed, or something stands, there is nothing to list."""
    assert not of_item(assessed(_NO_PAPER), "childrens_social_care", part_id).candidates


def test_the_page_lists_them() -> None:
    """The explanation says it in words, for whoever decides."""
    page = "\n".join(explain(laws(), assessed(_NO_PAPER)).lines())

    assert "para 18, safeguarding of children and individuals at risk: not met" in page
    assert "not shown: The body that discloses holds an appropriate policy document" in page
