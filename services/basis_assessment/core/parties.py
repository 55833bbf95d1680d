"""Who discloses, who is told, and who leads: what the arrangement says of the bodies in a concern."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from concern_relay.v1.codes_pb2 import AgencyClass, LegalNature
from services.basis_assessment.facts import NOBODY
from services.chassis.arrangement import FRONT_DOOR, Agency, Arrangement, Force, Selection, Told
from services.chassis.arrangement.standing_in import answering
from services.chassis.clauses import Facts, Value
from services.chassis.codes import word_of
from services.chassis.concern import Concern
from services.chassis.leading import leading_areas, readable_inboxes

# The strongest rule wins: what must be told is not held back by another rule that only proposes.
_STRENGTH = (Force.USUALLY, Force.PERSON_DECIDES, Force.MUST)


def of_agency(agency: Agency | None) -> Facts:
    """Give what is known of the body that discloses. One the arrangement does not list is unknown, never assumed."""
    if agency is None:
        return {}
    facts: dict[str, Value] = {
        "sender_class": word_of(AgencyClass, agency.agency_class),
        "policy_document": bool(agency.policy_document),
        "dpia": bool(agency.dpia),
        "agreement": bool(agency.agreement),
    }
    if agency.natures:
        facts["sender_natures"] = frozenset(word_of(LegalNature, nature) for nature in agency.natures)
    return facts


def told(rows: Iterable[Told]) -> Mapping[AgencyClass, str]:
    """Say how strongly each class is told; a class no rule names is not in the answer."""
    strongest: dict[AgencyClass, Force] = {}
    for one in rows:
        before = strongest.get(one.agency_class)
        if before is None or _STRENGTH.index(one.force) > _STRENGTH.index(before):
            strongest[one.agency_class] = one.force
    return {agency_class: force.value for agency_class, force in strongest.items()}


def selections(rows: Iterable[Told]) -> Mapping[AgencyClass, tuple[Selection, ...]]:
    """Say by which rows the agencies of each class are found."""
    found: dict[AgencyClass, tuple[Selection, ...]] = {}
    for one in rows:
        found[one.agency_class] = (*found.get(one.agency_class, ()), one.select)
    return found


def told_word(found: Mapping[AgencyClass, str], agency_class: AgencyClass) -> str:
    """Give the fact ``told`` of a class."""
    return found.get(agency_class, NOBODY)


def alone(arrangement: Arrangement, concern: Concern, meant: Iterable[Agency], sender: Agency) -> bool:
    """Whether the sender is the only one of its own class here: then nobody else of that class is proposed.

    A second school, of a brother, a health visitor beside the surgery that raises a concern, and the one of the area a
    child moved to, are proposed to the lead agency like any other (practice 5).

    Args:
        arrangement: in force.
        concern: as it stands.
        meant: agencies of its class that rules name here.
        sender: who raised it.
    """
    named = {i for p in concern.people for i in (p.school_agency_id, *p.known_to_agencies)} - {sender.agency_id}
    if any((one := arrangement.agency(i)) is not None and one.agency_class == sender.agency_class for i in named):
        return False
    return all(one.agency_id == sender.agency_id for one in meant)


def lead(arrangement: Arrangement, concern: Concern, day: date) -> str:
    """Give the agency id of the lead: the front door that leads (practice 24), of those that can decide here.

    Else that of the sender's area, at last the arrangement's. Never where a person of the concern could read it:
    whoever stands in decides (rules 2.3).
    """
    sender = arrangement.agency(concern.agency_id)
    of_sender = tuple(sorted(sender.areas)) if sender is not None else ()
    readable = readable_inboxes(concern)
    for codes in (*leading_areas(concern, day), of_sender):
        for code in codes:
            if door := _front_door(arrangement, code, readable, day):
                return door
    home = arrangement.agencies[arrangement.front_door]
    found = answering(arrangement, home, readable, day)
    return home.agency_id if found is None else found.agency_id


def _front_door(arrangement: Arrangement, area: str, readable: frozenset[str], day: date) -> str:
    doors = arrangement.agencies_of(AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE, role=FRONT_DOOR, area=area, day=day)
    found = (answering(arrangement, door, readable, day) for door in doors)
    return next((door.agency_id for door in found if door is not None), "")
