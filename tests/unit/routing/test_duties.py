"""Duties with a time of their own: started once, ended by a named person, chased by their clock. The core alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import PersonRole, Trigger
from concern_relay.v1.facts_pb2 import NamedPerson, Note, PersonName
from concern_relay.v1.shares_pb2 import DutyDone
from services.chassis.event import Refused
from tests.unit.routing.routing_cases import (
    CONCERN,
    KENT,
    MONDAY,
    Bench,
    added,
    assess,
    concern_of,
    detail,
    item,
    person,
    raised,
)

CSC, SCHOOL = "kent-csc", "stourside-academy"
ADA = NamedPerson(name="Ada Worker", role="social worker")
TEACHER = NamedPerson(name="Pat Example", role="teacher")
LEAD = NamedPerson(name="Sam Sample", role="designated safeguarding lead")


def fostered() -> Bench:
    """A girl of nine lives with a friend of the family: Kent has to visit within seven working days."""
    girl = person("girl", lives=KENT, age_years=9)
    facts = detail(Trigger.TRIGGER_PRIVATE_FOSTERING)
    return Bench().raise_and_assess(raised(facts, girl, item("x", core=True), sender="north-downs-surgery"))


def told_to_teacher(*people: Message, by: NamedPerson = TEACHER) -> Bench:
    """A girl told her teacher: the teacher's own notification is due."""
    girl = person("girl", lives=KENT, age_years=13)
    facts = detail(Trigger.TRIGGER_FGM_KNOWN, raised_by=by)
    return Bench().raise_and_assess(raised(facts, girl, *people, item("x", core=True), sender=SCHOOL))


def of(bench: Bench, name: str) -> list[Any]:
    """The messages of a type."""
    return [fact.data for fact in bench.recorded if fact.type == name]


def duty(bench: Bench, code: str) -> Any:
    """The newest duty of a code."""
    return [data for data in of(bench, "DutyStarted") if data.duty_code == code][-1]


def saying_done(bench: Bench, code: str, agency: str) -> DutyDone:
    """The act."""
    return DutyDone(concern_id=CONCERN, duty_id=duty(bench, code).duty_id, agency_id=agency)


def refused(bench: Bench, act: DutyDone, *things: Message) -> tuple[int, str]:
    """Status and code of a refusal, after which nothing has changed."""
    before = bench.state
    with pytest.raises(Refused) as found:
        bench.act(act, *things)
    assert bench.state == before
    return found.value.status, found.value.code


def test_a_named_person_ends_a_duty_and_its_clock() -> None:
    """The visit was made in time: done, not late, its timer is gone, and the next visit is due in six weeks."""
    bench = fostered()
    first = duty(bench, "private_fostering_visit")

    bench.act(saying_done(bench, "private_fostering_visit", CSC), ADA, Note(text="seen alone"))

    [done] = of(bench, "DutyDone")
    following = duty(bench, "private_fostering_next_visit")
    assert (done.duty_id, done.late) == (first.duty_id, False)
    assert f"duty:{first.duty_id}" not in bench.timers
    assert (following.follows_duty_id, following.agency_id) == (first.duty_id, CSC)
    assert following.due_at.ToDatetime(tzinfo=UTC) == datetime(2027, 1, 4, 17, 0, tzinfo=UTC)


def test_saying_it_twice_is_harmless() -> None:
    """The second time leads to nothing, whoever says it."""
    bench = fostered()
    bench.act(saying_done(bench, "private_fostering_visit", CSC), ADA)

    bench.act(saying_done(bench, "private_fostering_visit", CSC), LEAD)

    assert len(of(bench, "DutyDone")) == 1


def test_a_visit_that_was_due_is_said_to_be_and_may_still_be_made() -> None:
    """Overdue once; done after that is done late, and restarts nothing."""
    bench = fostered()
    first = duty(bench, "private_fostering_visit")
    bench.fire(f"duty:{first.duty_id}")

    bench.act(saying_done(bench, "private_fostering_visit", CSC), ADA, at=bench.now + timedelta(days=1))

    assert [data.duty_id for data in of(bench, "DutyOverdue")] == [first.duty_id]
    assert [data.late for data in of(bench, "DutyDone")] == [True]


def test_another_agency_cannot_end_it() -> None:
    """Medway says that Kent's visit was made: refused."""
    bench = fostered()

    assert refused(bench, saying_done(bench, "private_fostering_visit", "medway-csc"), ADA) == (403, "not_your_duty")


def test_nobody_named_cannot_end_it() -> None:
    """A system is no person."""
    bench = fostered()

    assert refused(bench, saying_done(bench, "private_fostering_visit", CSC)) == (422, "named_person_required")


def test_a_duty_nobody_has_is_unknown() -> None:
    """An id that was made up."""
    bench = fostered()
    act = DutyDone(concern_id=CONCERN, duty_id=CONCERN, agency_id=CSC)

    assert refused(bench, act, ADA) == (404, "unknown_duty")


def test_a_personal_duty_is_the_professionals_own() -> None:
    """FGM Act 2003 s5B: the lead of the same school cannot discharge what the teacher has to do; the teacher can."""
    bench = told_to_teacher()

    assert refused(bench, saying_done(bench, "fgm_notification", SCHOOL), LEAD) == (403, "personal_duty")
    bench.act(saying_done(bench, "fgm_notification", SCHOOL), NamedPerson(name=" pat  EXAMPLE", role="teacher"))

    assert of(bench, "DutyDone")


def test_a_lead_who_sends_it_names_the_teacher_whose_duty_it_is() -> None:
    """Raised by the lead, the teacher named as a professional: the teacher says it, and the lead cannot."""
    teacher = person("t", PersonRole.PERSON_ROLE_PROFESSIONAL, names=[PersonName(given="Pat", family="Example")])
    bench = told_to_teacher(teacher, by=LEAD)

    assert refused(bench, saying_done(bench, "fgm_notification", SCHOOL), LEAD) == (403, "personal_duty")
    bench.act(saying_done(bench, "fgm_notification", SCHOOL), TEACHER)

    assert of(bench, "DutyDone")


def test_one_notification_meets_both_its_limits() -> None:
    """Next working day by guidance, one month by law: it is one notification."""
    bench = told_to_teacher()
    bench.act(saying_done(bench, "fgm_notification", SCHOOL), TEACHER)

    done = {data.duty_id for data in of(bench, "DutyDone")}

    assert done == {duty(bench, code).duty_id for code in ("fgm_notification", "fgm_notification_legal_limit")}
    assert not [name for name in bench.timers if name.startswith("duty:")]


def test_a_duty_is_started_once() -> None:
    """More is learnt and assessed anew: the clock of the visit goes on as it was."""
    girl = person("girl", lives=KENT, age_years=9)
    first = raised(detail(Trigger.TRIGGER_PRIVATE_FOSTERING), girl, item("x", core=True), sender="north-downs-surgery")
    more = added(item("y"), at=MONDAY + timedelta(days=2))
    bench = Bench().raise_and_assess(first)

    bench.feed(more, assess(concern_of(first, more), assessed="added", at=MONDAY + timedelta(days=2)))

    assert [data.duty_code for data in of(bench, "DutyStarted")] == ["private_fostering_visit"]
