"""Who is asked when nobody answered: deputies, whoever covers, those above; never a data protection officer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from concern_relay.v1.assessments_pb2 import DecisionRequested
from concern_relay.v1.codes_pb2 import DeciderRole
from services.basis_assessment.core.ladder import AGAIN_MAX, Rung, escalation, ladder
from services.basis_assessment.pack_document import read_book
from services.chassis.arrangement import Arrangement, ArrangementBook

MONDAY = datetime(2026, 11, 23, 10, tzinfo=UTC)
SUNDAY_NIGHT = datetime(2026, 11, 22, 23, tzinfo=UTC)
LEAD = DeciderRole.DECIDER_ROLE_SAFEGUARDING_LEAD
MANAGER = DeciderRole.DECIDER_ROLE_SOCIAL_WORK_MANAGER


def asked(agency_id: str, role: DeciderRole = LEAD, clock: str = "item_decision_significant_harm") -> DecisionRequested:
    """Ask an agency something."""
    return DecisionRequested(concern_id="c", decision_id="d", agency_id=agency_id, role=role, clock_code=clock)


def book_on(moment: datetime) -> Arrangement:
    """Give the arrangement in force."""
    return ArrangementBook.load().on(moment.date())


def test_deputies_come_first_in_office_hours() -> None:
    """Given a school, its deputies are asked in the order the arrangement lists them."""
    rungs = ladder(asked("larkfield-primary"), book_on(MONDAY), MONDAY)

    assert rungs[:2] == (
        Rung("larkfield-primary", "deputy_safeguarding_lead"),
        Rung("larkfield-primary", "head"),
    )


def test_whoever_covers_comes_first_out_of_hours() -> None:
    """Given the front door at night, the emergency duty team is asked before the deputies who are at home."""
    night = ladder(asked("kent-csc", MANAGER), book_on(SUNDAY_NIGHT), SUNDAY_NIGHT)
    day = ladder(asked("kent-csc", MANAGER), book_on(MONDAY), MONDAY)

    assert night[0] == Rung("kent-edt", "team_manager")
    assert day[0] == Rung("kent-csc", "head_of_service")
    assert set(night) == set(day)


def test_the_last_rung_is_asked_again_a_few_times_and_then_a_person_telephones() -> None:
    """Past the last rung the same is asked again, said to be exhausted, and there is an end to it."""
    pack = read_book().on(MONDAY.date())
    arrangement = book_on(MONDAY)
    rungs = ladder(asked("larkfield-primary"), arrangement, MONDAY)

    stages = [escalation(asked("larkfield-primary"), n, pack, arrangement, MONDAY) for n in range(1, 12)]
    found = [one for one in stages if one is not None]

    assert len(found) == len(rungs) + AGAIN_MAX
    assert [one.exhausted for one in found] == [n >= len(rungs) for n in range(1, len(found) + 1)]
    assert found[-1].internal_role == rungs[-1].internal_role
    assert stages[len(found) :] == [None] * (len(stages) - len(found))


def test_the_next_person_has_as_long_as_the_first() -> None:
    """Two hours where significant harm is suspected, each time."""
    found = escalation(asked("larkfield-primary"), 1, read_book().on(MONDAY.date()), book_on(MONDAY), MONDAY)

    assert found is not None
    assert (found.due_at.ToDatetime(UTC) - MONDAY).total_seconds() == 2 * 3600


@pytest.mark.parametrize("agency_id", ["nobody-knows-it", "open-door-charity"])
def test_an_agency_without_a_ladder_is_asked_again_itself(agency_id: str) -> None:
    """Where the arrangement lists nobody else, the question stays with the agency and is asked again."""
    [rung] = ladder(asked(agency_id), book_on(MONDAY), MONDAY)

    assert rung.agency_id == agency_id
