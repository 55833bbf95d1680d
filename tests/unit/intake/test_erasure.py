"""Erasing what an agency sent: two named people, no hold, one month (practice 19; UK GDPR Articles 12(3) and 17)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.message import Message

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.concerns_pb2 import (
    ErasureApproved,
    ErasureProposed,
    ErasureRejected,
    ErasureUndecided,
    HoldLifted,
    HoldPlaced,
)
from concern_relay.v1.facts_pb2 import NamedPerson, Note, Part
from concern_relay.v1.shares_pb2 import SharePlanned
from services.chassis.event import NOTHING, Decision, Fact, FactKind, KeyScope, Refused
from services.intake.core.erasure import ERASE, month_after
from tests.unit.intake.events import NOON, fired
from tests.unit.intake.test_core import AGENCY, Course, raised

REASON = codes.ErasureReason.ERASURE_REASON_NO_LONGER_NEEDED
HOLD = codes.HoldGround.HOLD_GROUND_INQUIRY
ASHA, BEN = "Asha Example", "Ben Sample"
ID, HOLD_ID = str(uuid4()), str(uuid4())


def does(course: Course, data: Message, name: str = ASHA, words: str = "", at: datetime = NOON) -> Decision:
    """Let a person do an act on a concern."""
    data.concern_id = course.contents.concern_id  # type: ignore[attr-defined]
    parts = {"by": Part(named_person=NamedPerson(name=name, role="lead"))} if name else {}
    if words:
        parts["words"] = Part(note=Note(text=words))
    kind, agency = data.DESCRIPTOR.name, data.agency_id  # type: ignore[attr-defined]
    return course.take(Fact(FactKind.ACT, uuid4(), kind, data.concern_id, at, at, data, parts, agency))  # type: ignore[attr-defined]


def propose(course: Course, **fields: Any) -> Decision:
    """Let Asha propose."""
    given = {"agency_id": AGENCY, "erasure_id": ID, "reason": REASON, **fields}
    return does(course, ErasureProposed(**given))


def approve(course: Course, name: str = BEN, agency: str = AGENCY, at: datetime = NOON) -> Decision:
    """Let somebody approve."""
    return does(course, ErasureApproved(agency_id=agency, erasure_id=ID), name, at=at)


def refused(done: Any) -> str:
    """Give the code with which it was refused."""
    with pytest.raises(Refused) as caught:
        done()
    return caught.value.code


def test_two_people_decide_and_the_event_says_what_is_erased():
    """Asha proposes, Ben approves: the event names the scope; who decided is under a key of the erasure's own."""
    course = raised()
    propose(course)

    [effect] = approve(course).effects

    assert isinstance(effect.data, ErasureApproved)
    assert (effect.data.person_id, effect.data.consent_ref, effect.data.reason) == ("", "", REASON)
    assert {content.scope for content in effect.contents} == {KeyScope(ID)}


@pytest.mark.parametrize("same", [ASHA, "asha  EXAMPLE"])
def test_nobody_approves_what_they_proposed_themself(same: str):
    """However the name is written."""
    course = raised()
    propose(course)

    assert refused(lambda: approve(course, same)) == "same_person"


def test_a_hold_keeps_everything_until_whoever_placed_it_lifts_it():
    """A recipient's inquiry: the sender cannot erase, nor lift it."""
    course = raised()
    course.hear(SharePlanned(share_id="s", recipient_agency_id="kent-csc"))
    propose(course)
    does(course, HoldPlaced(agency_id="kent-csc", hold_id=HOLD_ID, ground=HOLD))

    assert refused(lambda: approve(course)) == "on_hold"
    assert refused(lambda: does(course, HoldLifted(agency_id=AGENCY, hold_id=HOLD_ID))) == "not_yours"

    does(course, HoldLifted(agency_id="kent-csc", hold_id=HOLD_ID))
    assert approve(course).effects


def test_an_agency_that_was_never_told_places_no_hold():
    """Of another agency's concern not even the existence is said."""
    hold = HoldPlaced(agency_id="medway-csc", hold_id=HOLD_ID, ground=HOLD)

    assert refused(lambda: does(raised(), hold)) == "not_yours"


def test_only_the_agency_that_raised_it_proposes():
    """A recipient erases its own copy, not the sender's."""
    course = raised()
    course.hear(SharePlanned(share_id="s", recipient_agency_id="kent-csc"))

    assert refused(lambda: propose(course, agency_id="kent-csc")) == "not_yours"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"reason": 0}, "reason_missing"),
        ({"person_id": "nobody"}, "no_such_person"),
        ({"consent_ref": "nothing"}, "no_such_consent"),
    ],
)
def test_a_proposal_says_what_and_why(fields: dict[str, Any], code: str):
    """What names nothing of the concern, or gives no reason, is refused with what to do."""
    assert refused(lambda: propose(raised(), **fields)) == code


def test_nobody_named_decides_nothing():
    """A system cannot propose an erasure."""
    proposal = ErasureProposed(agency_id=AGENCY, erasure_id=ID, reason=REASON)

    assert refused(lambda: does(raised(), proposal, name="")) == "person_unnamed"


def test_a_month_is_given_and_then_it_says_that_nobody_decided():
    """Overdue fires once; the decision may still be taken, and is marked late."""
    course = raised()
    propose(course)
    timer = course.timers[f"{ERASE}:{ID}"]
    assert timer.due == month_after(NOON)

    [effect] = course.take(fired(course.contents.concern_id, timer)).effects
    assert isinstance(effect.data, ErasureUndecided)

    [late] = approve(course, at=timer.due.replace(minute=59)).effects
    assert late.data.late  # type: ignore[attr-defined]
    assert course.take(fired(course.contents.concern_id, timer)) == NOTHING


def test_to_keep_it_is_a_decision_with_words():
    """A rejection without words is refused; after it an approval is, and the month no longer runs."""
    course = raised()
    propose(course)
    rejection = ErasureRejected(agency_id=AGENCY, erasure_id=ID)

    assert refused(lambda: does(course, rejection, BEN)) == "reason_missing"
    does(course, rejection, BEN, words="The review is not over.")

    assert refused(lambda: approve(course)) == "decided_before"
    assert f"{ERASE}:{ID}" not in course.timers


def test_the_same_again_adds_nothing():
    """Proposed twice, approved twice: one event each."""
    course = raised()
    propose(course)
    approve(course)

    assert propose(course) == NOTHING
    assert approve(course) == NOTHING


def test_an_unknown_erasure_is_said_to_be_unknown():
    """With what to do."""
    assert refused(lambda: approve(raised())) == "unknown_erasure"


@pytest.mark.parametrize(
    ("moment", "then"),
    [
        (datetime(2026, 1, 31, 12, tzinfo=UTC), datetime(2026, 2, 28, 12, tzinfo=UTC)),
        (datetime(2026, 12, 15, 9, tzinfo=UTC), datetime(2027, 1, 15, 9, tzinfo=UTC)),
        (datetime(2026, 3, 1, 9, tzinfo=UTC), datetime(2026, 4, 1, 8, tzinfo=UTC)),
    ],
)
def test_a_month_is_a_month_of_the_calendar_in_england(moment: datetime, then: datetime):
    """The last day of a shorter month; the turn of the year; the same hour after the clocks changed."""
    assert month_after(moment) == then
