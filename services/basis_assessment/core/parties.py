"""Who discloses, who is told, and who leads: what the arrangement says of the bodies in a concern."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from concern_relay.v1.codes_pb2 import AgencyClass, AuthorityRole, LegalNature
from services.basis_assessment.facts import NOBODY
from services.chassis.arrangement import FRONT_DOOR, Agency, Arrangement, Force, Selection, Told
from services.chassis.arrangement.selecting import SelectBy
from services.chassis.clauses import Facts, Value
from services.chassis.codes import word_of
from services.chassis.concern import Concern

# The strongest rule wins: what must be told is not held back by another rule that only proposes.
_STRENGTH = (Force.USUALLY, Force.PERSON_DECIDES, Force.MUST)
_BY_NAME = frozenset({SelectBy.CHILD_SCHOOL, SelectBy.KNOWN_TO, SelectBy.EMPLOYER, SelectBy.SENDER})
_LEADS = (AuthorityRole.AUTHORITY_ROLE_FOUND, AuthorityRole.AUTHORITY_ROLE_LIVES, AuthorityRole.AUTHORITY_ROLE_HOST)


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


def alone(arrangement: Arrangement, concern: Concern, told_by: Iterable[Told], agency_class: AgencyClass) -> bool:
    """Whether the sender is the only one of its own class here: then nobody else of that class is proposed.

    A second school, of a brother, and a health visitor beside the surgery that raises a concern are proposed to the
    lead agency like any other (practice 5).
    """
    sender = arrangement.agency(concern.agency_id)
    if sender is None or sender.agency_class != agency_class:
        return False
    named = {i for p in concern.people for i in (p.school_agency_id, *p.known_to_agencies)} - {sender.agency_id}
    if any((one := arrangement.agency(i)) is not None and one.agency_class == agency_class for i in named):
        return False
    rows = (row.select for row in told_by if row.agency_class == agency_class)
    return not any(select.role not in sender.roles and not _BY_NAME.issuperset(select.by) for select in rows)


def lead(arrangement: Arrangement, concern: Concern, day: date) -> str:
    """Give the agency id of the lead: the front door where the child was found, else lives, else is placed.

    Else that of the sender's area, at last the arrangement's: somebody who can decide here (practice 5 and 24).
    """
    for role in _LEADS:
        for person in concern.people:
            for authority in person.authorities:
                if authority.role == role and (door := _front_door(arrangement, authority.gss_code, day)):
                    return door
    sender = arrangement.agency(concern.agency_id)
    for area in sorted(sender.areas) if sender is not None else ():
        if door := _front_door(arrangement, area, day):
            return door
    return arrangement.front_door


def _front_door(arrangement: Arrangement, area: str, day: date) -> str:
    doors = arrangement.agencies_of(AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE, role=FRONT_DOOR, area=area, day=day)
    return doors[0].agency_id if doors else ""
