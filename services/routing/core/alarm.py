"""The watch ran out (practice 1): the front door is alarmed, out of hours who covers for it: telephone the sender now.

Nothing of the concern is in an alarm. It is raised whoever else was planned to be told, and all the same for a concern
that could not be assessed, or that nobody can open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from concern_relay.v1.codes_pb2 import AgencyClass
from concern_relay.v1.concerns_pb2 import WatchExpired
from concern_relay.v1.shares_pb2 import FrontDoorAlarmed
from services.chassis.arrangement import Agency, Arrangement, Force, Told
from services.chassis.concern import Concern
from services.chassis.event import Decision, Effect, Fact
from services.routing.core.asked import Asked
from services.routing.core.recipients import recipients
from services.routing.core.stand_in import covers

RULE: Final = "watch"
_CSC: Final = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE


@dataclass(frozen=True, slots=True)
class _Alarmed:
    agency: Agency
    meant: str = ""
    fallback: str = ""


def raised(arrangement: Arrangement, concern: Concern, fact: Fact, data: WatchExpired) -> Decision:
    """Alarm the front doors of a concern; nobody for a practice concern (practice 28)."""
    if data.test:
        return Decision()
    asked = Asked.about(arrangement, concern, fact.recorded)
    alarmed = {one.agency.agency_id: one for one in reversed(list(_alarmed(asked)))}
    return Decision(tuple(_effect(fact, data, one) for one in reversed(list(alarmed.values()))))


def _alarmed(asked: Asked) -> Iterator[_Alarmed]:
    row = asked.arrangement.matrix[_CSC]
    found, _ = recipients(asked, Told(RULE, _CSC, row.select, Force.MUST, "", row.cite))
    doors = [_Alarmed(r.agency, r.meant, r.fallback) for r in found]
    if not any(not door.agency.outside for door in doors):
        # nobody with a door here: those at home telephone for them
        home = asked.arrangement.agencies[asked.arrangement.front_door]
        doors.append(_Alarmed(home, doors[0].agency.agency_id if doors else "", "area_of_arrangement"))
    for door in doors:
        yield door
        cover = covers(asked, door.agency)
        if cover is not None:
            yield _Alarmed(cover, door.agency.agency_id, "out_of_hours_cover")


def _effect(fact: Fact, data: WatchExpired, one: _Alarmed) -> Effect:
    said = FrontDoorAlarmed(
        concern_id=fact.concern_id,
        agency_id=one.agency.agency_id,
        sender_agency_id=data.agency_id,
        meant_agency_id=one.meant,
        fallback_code=one.fallback,
        due_at=data.due_at,
    )
    return Effect(said, key=one.agency.agency_id)
