"""The watch ran out: who is alarmed (practice 1)."""

from __future__ import annotations

from datetime import datetime, timedelta

from concern_relay.v1.concerns_pb2 import WatchExpired
from concern_relay.v1.shares_pb2 import FrontDoorAlarmed
from services.chassis.event import Fact
from tests.unit.routing.routing_cases import (
    CONCERN,
    KENT,
    LEEDS,
    MEDWAY,
    MONDAY,
    Bench,
    detail,
    event,
    item,
    person,
    raised,
)

NIGHT = MONDAY + timedelta(hours=12)


def expired(at: datetime, *, test: bool = False) -> Fact:
    """Intake's word that nobody had it in time."""
    data = WatchExpired(concern_id=CONCERN, agency_id="larkfield-primary", test=test)
    data.due_at.FromDatetime(at)
    return event("expired", data, {}, at)


def alarms(bench: Bench) -> list[tuple[str, str]]:
    """Who is alarmed, and for whom it stands in."""
    found = [fact.data for fact in bench.recorded if isinstance(fact.data, FrontDoorAlarmed)]
    assert all(one.sender_agency_id == "larkfield-primary" for one in found)
    return [(one.agency_id, one.meant_agency_id) for one in found]


def a_concern(lives: str = KENT, at: datetime = MONDAY) -> Fact:
    """A concern of a school."""
    return raised(detail(), person("child", lives=lives), item("worry", core=True), at=at)


def test_the_front_door_is_alarmed_by_day():
    """Nobody had it in fifteen minutes: the front door of where the child lives, and nobody else."""
    bench = Bench().feed(a_concern(), expired(MONDAY))

    assert alarms(bench) == [("kent-csc", "")]


def test_out_of_hours_whoever_covers_is_alarmed_too_however_routine_it_is():
    """At ten in the evening nobody sits at the front door."""
    bench = Bench().feed(a_concern(at=NIGHT), expired(NIGHT))

    assert alarms(bench) == [("kent-csc", ""), ("kent-edt", "kent-csc")]


def test_an_authority_without_a_door_here_is_telephoned_by_those_at_home():
    """Leeds has no inbox: its own line is named, and the front door of this arrangement telephones."""
    bench = Bench().feed(a_concern(lives=LEEDS), expired(MONDAY))

    assert alarms(bench) == [(f"outside-{LEEDS.lower()}", ""), ("kent-csc", f"outside-{LEEDS.lower()}")]


def test_a_front_door_that_the_person_of_concern_could_read_is_passed_by():
    """The alarm goes where that person cannot see it."""
    bench = Bench().feed(
        raised(detail(), person("child", lives=MEDWAY, can_read_agencies=["medway-csc"]), item("worry", core=True)),
        expired(MONDAY),
    )

    assert "medway-csc" not in {agency for agency, _ in alarms(bench)}


def test_practice_alarms_nobody():
    """A practice concern never rings a real telephone (practice 28)."""
    bench = Bench().feed(raised(detail(), person("child", lives=KENT), test=True), expired(MONDAY, test=True))

    assert alarms(bench) == []


def test_a_concern_of_which_nothing_can_be_opened_alarms_all_the_same():
    """Keys are away, nothing is assessed: the front door of the sender's area is alarmed."""
    bench = Bench().feed(raised(), expired(MONDAY))

    assert alarms(bench) == [("kent-csc", "")]
