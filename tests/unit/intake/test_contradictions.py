"""Facts that cannot all be so: each is said where it stands, kept, and no reason to refuse or to wait."""

from __future__ import annotations

from typing import Any

import pytest

from services.intake.flags import Flag
from tests.unit.intake.events import said, submission
from tests.unit.intake.test_content import flags
from tests.unit.intake.test_core import raised

CHILD: dict[str, Any] = {"ref": "child", "role": "child", "names": ["Tamsin Orchard"], "birth_date": "2018-05-02"}
MAN: dict[str, Any] = {"ref": "man", "role": "adult_of_concern", "names": ["Callum Brisk"]}


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"detail": {"triggers": ["fgm_known"], "suspected_crime": "no"}}, "/detail/suspected_crime"),
        ({"detail": {"triggers": ["trafficking"], "suspected_crime": "no"}}, "/detail/suspected_crime"),
        ({"detail": {"level": "problems_emerging", "immediate_danger": "yes"}}, "/detail/level"),
        ({"detail": {"level": "significant_harm", "service_only": "yes"}}, "/detail/service_only"),
        ({"urgency": "emergency", "detail": {"service_only": "yes"}}, "/detail/service_only"),
        ({"detail": {"more_detrimental": "no", "detrimental_to": ["education"]}}, "/detail/detrimental_to"),
        ({"urgency": "emergency", "detail": {"immediate_danger": "no", "life_at_risk": "no"}}, "/urgency"),
        ({"family_told": {"told": "yes", "reason": "risk"}}, "/family_told/reason"),
        ({"people": [{**CHILD, "school": "larkfield-primary", "statuses": [{"status": "home_educated"}]}]},
         "/people/0/school"),
        ({"detail": {"suspect_is_child": "yes"}, "people": [CHILD, {**MAN, "age_years": 21}]},
         "/detail/suspect_is_child"),
        ({"people": [{"ref": "unborn", "role": "unborn_child", "birth_date": "2018-05-02"}]}, "/people/0/role"),
    ],
)  # fmt: skip
def test_what_cannot_be_so_is_said_where_it_stands(fields: dict[str, Any], pointer: str) -> None:
    """The sender learns which field to look at; the concern is recorded and watched all the same."""
    contents = said(submission(**fields))

    assert ("facts_contradict", pointer) in flags(contents)
    assert next(fact.type for fact in raised(contents).facts) == "ConcernRaised"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"detail": {"level": "significant_harm", "triggers": ["neglect"], "suspected_crime": "no"}},
        {"detail": {"triggers": ["fgm_risk"], "suspected_crime": "no"}},
        {"urgency": "emergency", "detail": {"immediate_danger": "no"}},
        {"family_told": {"told": "deferred", "reason": "risk"}},
        {"detail": {"suspect_is_child": "yes"}, "people": [CHILD, {**MAN, "age_years": 17}]},
        {"detail": {"suspect_is_child": "yes"}, "people": [CHILD, MAN]},
        {"people": [{**CHILD, "school": "larkfield-primary",
                     "statuses": [{"status": "home_educated", "to_on": "2025-07-01"}]}]},
    ],
)  # fmt: skip
def test_what_may_be_so_is_not_flagged(fields: dict[str, Any]) -> None:
    """A false alarm teaches people to read none."""
    assert not {code for code, _ in flags(said(submission(**fields))) if code == "facts_contradict"}


GIVEN = {"ref": "a", "kind": "basis", "status": "given", "subject": "mother", "expires_on": "2027-01-01"}
REFUSED = {"ref": "b", "kind": "basis", "status": "refused", "subject": "mother"}


@pytest.mark.parametrize(
    ("one", "other", "flagged"),
    [
        (GIVEN, REFUSED, True),
        (GIVEN, {**REFUSED, "status": "not_sought"}, True),
        ({**GIVEN, "items": ["seen"]}, REFUSED, True),
        (GIVEN, {**REFUSED, "kind": "service"}, False),
        (GIVEN, {**REFUSED, "subject": "child"}, False),
        ({**GIVEN, "given_on": "2026-11-20"}, {**REFUSED, "given_on": "2026-11-01"}, False),
        ({**GIVEN, "recipients": ["education"]}, {**REFUSED, "recipients": ["health"]}, False),
    ],
)
def test_a_consent_that_is_given_and_not_given_is_said(
    one: dict[str, Any], other: dict[str, Any], flagged: bool
) -> None:
    """By one person for one thing, and no date says which came later."""
    found = flags(said(submission(consents=[one, other])))

    assert (("consents_contradict", "/consents/1/status") in found) is flagged


def test_each_says_what_to_do() -> None:
    """A remedy, and no word of what was sent."""
    for flag in said(submission(consents=[GIVEN, REFUSED], family_told={"told": "yes", "reason": "risk"})).flags:
        if flag.code.value.endswith("contradict"):
            assert "Send a correction" in Flag(flag.code, "").detail
