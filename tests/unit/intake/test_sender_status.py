"""What whoever raised a concern sees of it: who answers it, and when it is asked to follow up. Pure folds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import AgencyClass
from concern_relay.v1.concerns_pb2 import ConcernRaised
from concern_relay.v1.shares_pb2 import DutyDone, DutyStarted, ReferrerAsked, ShareAcknowledged, SharePlanned
from services.chassis.event import Fact, FactKind
from services.intake.answers import concern
from services.intake.status import State, Status, Watch, with_fact
from services.intake.store import dump, load

NOON = datetime(2026, 12, 24, 12, tzinfo=UTC)
CONCERN = str(uuid4())
CSC = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE


def folded(*data: Message) -> Status:
    """The status after a concern was raised and some events came."""
    status = Status()
    for number, one in enumerate((ConcernRaised(concern_id=CONCERN, agency_id="larkfield-primary"), *data)):
        at = NOON + timedelta(minutes=number)
        status = with_fact(status, Fact(FactKind.EVENT, uuid4(), one.DESCRIPTOR.name, CONCERN, at, at, one))
    return status


def planned(share_id: str, **fields: Any) -> SharePlanned:
    """A share for social care."""
    return SharePlanned(concern_id=CONCERN, share_id=share_id, recipient_class=CSC, **fields)


def acknowledged(share_id: str) -> ShareAcknowledged:
    """A named person took it on."""
    return ShareAcknowledged(concern_id=CONCERN, share_id=share_id)


def asked(share_id: str) -> ReferrerAsked:
    """Nobody acknowledged in time."""
    data = ReferrerAsked(concern_id=CONCERN, share_id=share_id)
    data.due_at.FromDatetime(NOON + timedelta(days=6))
    return data


def test_nobody_answers_and_the_sender_is_asked_to_follow_up() -> None:
    """By when, and in words; until somebody there has acknowledged."""
    waiting = folded(planned("a"), asked("a"))
    answered = folded(planned("a"), asked("a"), acknowledged("a"))

    said = concern(CONCERN, waiting)
    assert said.follow_up_by == NOON + timedelta(days=6)
    assert [notice.code for notice in said.notice] == ["follow_up"]
    assert concern(CONCERN, answered).follow_up_by is None
    assert concern(CONCERN, answered).notice == []


def test_another_front_door_that_has_it_is_enough() -> None:
    """Two authorities were told and one has acknowledged: the sender need not ring."""
    assert folded(planned("a"), planned("b"), asked("a"), acknowledged("b")).follow_up_by is None


def test_a_notice_that_was_taken_is_no_concern_that_was_taken() -> None:
    """Whoever acknowledges the notice, or a pattern, has not acknowledged the concern beside it."""
    beside = (planned("notice", view_code="notice", apart=True), planned("concern"))

    assert folded(*beside, acknowledged("notice")).state is State.RECEIVED
    assert folded(*beside, acknowledged("concern")).state is State.ACKNOWLEDGED


def test_where_the_notice_is_all_there_is_it_answers() -> None:
    """Nobody else was told: its acknowledgement is the sender's."""
    assert folded(planned("n", view_code="notice", apart=True), acknowledged("n")).state is State.ACKNOWLEDGED


def test_a_front_door_answers_for_what_it_raised_itself() -> None:
    """Its own duty ends the watch, and stands for the acknowledgement once a named person has done it."""
    duty = DutyStarted(concern_id=CONCERN, duty_id="d", leads=True)
    running, done = folded(duty), folded(duty, DutyDone(concern_id=CONCERN, duty_id="d"))

    assert (running.watch, running.state) == (Watch.ENDED, State.RECEIVED)
    assert done.state is State.ACKNOWLEDGED


def test_another_duty_answers_nothing() -> None:
    """A visit is no acknowledgement, and no delivery."""
    visit = DutyStarted(concern_id=CONCERN, duty_id="v")

    assert folded(visit, DutyDone(concern_id=CONCERN, duty_id="v")).state is State.RECEIVED
    assert folded(visit).watch is Watch.RUNNING


def test_it_is_kept_as_it_stands() -> None:
    """What is written is read again; a row of before these fields too."""
    status = folded(planned("a"), asked("a"))

    assert load(dump(status)) == status
    older = dump(status).replace(f', "{(NOON + timedelta(days=6)).isoformat()}"]', "]")
    assert load(older).follow_up_by is None
