"""Who can consent: a child's own consent needs competence, from 16 it is presumed, and nobody speaks for who can."""

from __future__ import annotations

from typing import Any

import pytest

from concern_relay.v1.codes_pb2 import AgencyClass, Ternary
from concern_relay.v1.facts_pb2 import Part, Relationship
from services.basis_assessment.core.consent import Consents
from services.basis_assessment.facts import Consent
from tests.unit.basis.law_cases import MONDAY, Raised, consent, core, person, run

_HELP = AgencyClass.AGENCY_CLASS_FAMILY_HELP
_RESPONSIBLE = [Relationship(to_person_id="child", kind="mother", parental_responsibility=Ternary.TERNARY_YES)]
_MOTHER = person("parent", person_id="mother", relationships=_RESPONSIBLE)


def stands(child: dict[str, Any], given_by: str = "", **fields: Any) -> Consent:
    """Say where a consent about the child's data stands for family help."""
    parts: dict[str, Part] = {"child": person("child", person_id="child", **child), "mother": _MOTHER}
    concern = run(Raised(parts=parts), using=core()).state.concern
    given = consent(subject_person_id="child", given_by_person_id=given_by, **fields).consent
    return Consents(concern, (given,), frozenset(), MONDAY.date()).for_class(_HELP)


@pytest.mark.parametrize(
    ("child", "own", "mothers"),
    [
        ({"age_years": 2}, Consent.INCOMPLETE, Consent.VALID),
        ({"age_years": 12}, Consent.INCOMPLETE, Consent.VALID),
        ({"age_years": 12, "can_consent": True}, Consent.VALID, Consent.INCOMPLETE),
        ({"age_years": 15}, Consent.INCOMPLETE, Consent.VALID),
        ({"birth_date": "2010-11-24"}, Consent.INCOMPLETE, Consent.VALID),  # 16 tomorrow
        ({"birth_date": "2010-11-23"}, Consent.VALID, Consent.INCOMPLETE),
        ({"birth_date": "2010"}, Consent.INCOMPLETE, Consent.VALID),  # 15 or 16
        ({"age_years": 16}, Consent.VALID, Consent.INCOMPLETE),
        ({"age_years": 17, "can_consent": False}, Consent.INCOMPLETE, Consent.VALID),
        ({}, Consent.INCOMPLETE, Consent.VALID),
    ],
    ids=str,
)
def test_whose_consent_counts_follows_from_age_and_competence(
    child: dict[str, Any], own: Consent, mothers: Consent
) -> None:
    """Given a child of some age, then exactly one of the two can consent to what is about the child."""
    assert stands(child) is own
    assert stands(child, given_by="mother") is mothers


def test_a_consent_that_is_only_announced_is_not_given() -> None:
    """Given one dated after the day of the assessment, it is not relied on; from its day on it is."""
    assert stands({"age_years": 16}, given_on="2026-11-24") is Consent.INCOMPLETE
    assert stands({"age_years": 16}, given_on="2026-11-23") is Consent.VALID
