"""Consent that the same person is said to have given and to have refused (practice 12, UK GDPR Article 7(1))."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concern_relay.v1.codes_pb2 import AgencyClass
from concern_relay.v1.facts_pb2 import Part
from services.basis_assessment.core.consent import Consents
from services.basis_assessment.facts import Consent
from services.chassis.concern import Concern
from tests.unit.basis.law_cases import CHILD, MONDAY, MOTHER, Raised, consent, core, run, together

_HELP = AgencyClass.AGENCY_CLASS_FAMILY_HELP
_BOTH_RESPONSIBLE = "father"


def stands(*consents: Part) -> Consent:
    """Say where consent stands for family help."""
    concern: Concern = run(Raised(parts=together(CHILD, MOTHER)), using=core()).state.concern
    return Consents(concern, tuple(one.consent for one in consents), frozenset(), MONDAY.date()).for_class(_HELP)


def of_mother(ref: str, status: str, given_on: str = "") -> Part:
    """Give a consent of the mother about her own data."""
    return consent(ref, status=status, given_on=given_on, subject_person_id="mother")


@pytest.mark.parametrize(
    ("given_on", "refused_on", "expected"),
    [
        ("", "", Consent.CONTRADICTORY),
        ("2026-11-01", "", Consent.CONTRADICTORY),
        ("", "2026-11-01", Consent.CONTRADICTORY),
        ("2026-11-01", "2026-11-01", Consent.CONTRADICTORY),
        ("2026-11-02", "2026-11-01", Consent.VALID),
        ("2026-11-01", "2026-11-02", Consent.REFUSED),
        ("2026-11-01", "the second", Consent.CONTRADICTORY),
    ],
)
def test_what_was_said_later_counts_and_nothing_where_nobody_knows(
    given_on: str, refused_on: str, expected: Consent
) -> None:
    """Given yes and no of one person, when their days are known, the later counts; else the two contradict."""
    found = stands(of_mother("yes", "given", given_on), of_mother("no", "refused", refused_on))

    assert found is expected


def test_the_refusal_of_another_takes_nothing_from_a_consent() -> None:
    """Each who has parental responsibility may act alone (Children Act 1989 s2(7))."""
    no = consent("no", status="refused", subject_person_id="mother", given_by_person_id=_BOTH_RESPONSIBLE)

    assert stands(of_mother("yes", "given"), no) is Consent.VALID


def test_a_consent_that_nothing_contradicts_stands_beside_one_that_is_contradicted() -> None:
    """Given a contradicted consent and a later one, then the later stands."""
    yes, no = of_mother("yes", "given"), of_mother("no", "refused", "2026-11-01")

    assert stands(yes, no, of_mother("again", "given", "2026-11-05")) is Consent.VALID


@given(st.permutations([("yes", "given", ""), ("no", "refused", ""), ("old", "expired", "")]))
def test_the_order_they_were_sent_in_says_nothing(sent: list[tuple[str, str, str]]) -> None:
    """The same consents in any order stand alike."""
    assert stands(*(of_mother(*one) for one in sent)) is Consent.CONTRADICTORY
