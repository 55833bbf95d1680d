"""Subject access: a named person decides, exemptions have tests and citations, reasons stay inside (scenario S45)."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from concern_relay.v1.assessments_pb2 import SubjectAccessRequested
from concern_relay.v1.codes_pb2 import AccessExemption, AccessRequester
from services.basis_assessment.access_api import ANSWERS
from services.basis_assessment.core.access import month_after
from services.basis_assessment.rights import read_exemptions
from services.chassis.codes import words
from services.chassis.event import Refused, derived_id
from services.chassis.marked_yaml import DocumentError
from services.workbench.scenario.in_process import InProcess
from services.workbench.scenario.play import play, read

SCENARIO = Path(__file__).parents[2] / "scenarios" / "s45-subject-access-by-a-violent-father.yaml"
OTHER = "medway-csc"
PERSON_OF_CONCERN = AccessRequester.ACCESS_REQUESTER_PERSON_OF_CONCERN


def test_a_partial_refusal_keeps_its_reasons_inside() -> None:
    """The event names exemptions and parts; why stands in sealed words alone, and no answer repeats it."""
    with closing(InProcess()) as hand:
        scenario = read(SCENARIO)
        assert play(scenario, SCENARIO, hand).findings == ()
        decided = [fact for fact in hand.seen("concern").facts if fact.type == "SubjectAccessDecided"]

    notes = [part.note.text for fact in decided for part in fact.parts.values() if part.WhichOneof("body") == "note"]
    assert len(notes) == len(decided) == 2
    clear = " ".join([*(str(fact.data) for fact in decided), *ANSWERS.values()])
    assert not [words for words in notes if words in clear]


def test_every_exemption_has_its_tests_and_a_citation() -> None:
    """Each exemption of the contract is in the data, with what a person looks at, and was compared with the Act."""
    found = read_exemptions()

    assert [one.code for one in found] == list(words(AccessExemption))
    assert all(one.tests and one.cites and one.says and one.verified for one in found)
    assert [one.code for one in found if one.needs_opinion] == ["serious_harm_health"]


def test_an_exemption_nobody_knows_is_refused_with_its_place(tmp_path: Path) -> None:
    """A code that is none of the contract's is named with line and what was meant."""
    path = tmp_path / "rights.yaml"
    path.write_text("exemptions:\n  third_partie: {says: a, tests: [b], cite: {at: c, verified: false}}\n")

    with pytest.raises(DocumentError, match=r"rights.yaml:2:.*third_partie"):
        read_exemptions(path)


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        (datetime(2026, 11, 23, 10, tzinfo=UTC), datetime(2026, 12, 23, 23, 59, tzinfo=UTC)),
        (datetime(2027, 1, 31, 10, tzinfo=UTC), datetime(2027, 2, 28, 23, 59, tzinfo=UTC)),
        (datetime(2026, 12, 31, 10, tzinfo=UTC), datetime(2027, 1, 31, 23, 59, tzinfo=UTC)),
        (datetime(2027, 3, 10, 10, tzinfo=UTC), datetime(2027, 4, 10, 22, 59, tzinfo=UTC)),
    ],
)
def test_a_month_is_a_month_in_england(asked: datetime, due: datetime) -> None:
    """By the calendar, to the end of the day in England; the last of the month where there is no such day."""
    assert month_after(asked) == due


def test_who_is_told_nothing_cannot_tell_whether_anything_is_held() -> None:
    """The answer that neither confirms nor denies names no exemption and no child."""
    answer = ANSWERS["neither_confirm_nor_deny"]

    assert "exempt" not in answer
    assert "child" not in answer


def test_a_concern_that_is_not_yours_and_none_at_all_have_one_answer() -> None:
    """An agency of a class that was told, but not told itself, hears what it would hear of a concern nobody raised."""
    with closing(InProcess()) as hand:
        play(read(SCENARIO), SCENARIO, hand)
        known = hand._concerns["concern"].concern_id
        answers = []
        for concern_id in (known, derived_id(known, "concern", "nobody raised it")):
            with pytest.raises(Refused) as refused:
                hand._stage.act(
                    "basis_assessment",
                    concern_id,
                    SubjectAccessRequested(concern_id=concern_id, agency_id=OTHER, requester=PERSON_OF_CONCERN),
                    agency=OTHER,
                    key="asked",
                )
            answers.append((refused.value.status, refused.value.code, str(refused.value)))

    assert answers[0] == answers[1]
    assert answers[0][:2] == (404, "unknown_concern")


def test_the_attempt_of_another_agency_is_kept_with_the_concern() -> None:
    """Who tried stands in the history, with the reason; nothing of who asked them, and no request runs for them."""
    with closing(InProcess()) as hand:
        play(read(SCENARIO), SCENARIO, hand)
        tried = hand.seen("concern").of("SubjectAccessRefused")
        asked = hand.seen("concern").of("SubjectAccessRequested")

    assert {(one.agency_id, one.reason_code) for one in tried} == {
        ("medway-housing", "unknown_concern"),
        ("medway-csc", "unknown_concern"),
        ("medway-csc", "unknown_share"),
    }
    assert {one.agency_id for one in asked} == {"kent-csc", "larkfield-primary"}
