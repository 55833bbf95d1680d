"""From "children's social care where the child lives" to the agencies that are meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from concern_relay.v1.codes_pb2 import AgencyClass, PersonRole, Ternary
from concern_relay.v1.facts_pb2 import Person
from services.chassis.arrangement import FRONT_DOOR, Agency, Force, SelectBy, Selection, Told
from services.chassis.concern import CHILDREN
from services.chassis.leading import codes_of, leading_areas
from services.routing.core.asked import Asked, Found
from services.routing.core.stand_in import answers

_UNKNOWN_AUTHORITY: Final = "unknown_authority"
_LAST_RESORT: Final = "area_of_arrangement"
_ADULT_OF_CONCERN: Final = PersonRole.PERSON_ROLE_ADULT_OF_CONCERN
_CSC: Final = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE
_FRONT_DOOR: Final = Told("lead", _CSC, Selection(role=FRONT_DOOR), Force.MUST, "", "Practice 24: who leads")
_ANY_CLASS: Final = AgencyClass.AGENCY_CLASS_UNSPECIFIED


def found_by(asked: Asked, told: Told) -> Iterator[Found]:
    """Look by every way named, then by the first other way that finds somebody, then by the last resort."""
    if not asked.fits(told.select):
        return
    direct = [found for by in told.select.by for found in _by(asked, told, by)]
    yield from direct
    if any(found.agency is not None and found.fallback != _UNKNOWN_AUTHORITY for found in direct):
        return
    for by in told.select.otherwise:
        others = [replace(found, fallback=found.fallback or str(by)) for found in _by(asked, told, by)]
        if others:
            yield from others
            return
    if told.must and told.select.otherwise and not told.select.optional:
        # The sender itself is from elsewhere and nobody said where the child is: those at home here find out.
        home = asked.arrangement.agencies[asked.arrangement.front_door]
        yield from (replace(found, fallback=_LAST_RESORT) for found in _one_of(asked, told, home.areas))


def leading(asked: Asked) -> Iterator[str]:
    """Give the front doors that lead: of the first authority that answers (``leading_areas``), so that one does.

    At the very end the front door that the sender's area names.
    """
    for codes in leading_areas(asked.concern, asked.day):
        for found in (one for code in codes for one in _of_area(asked, _FRONT_DOOR, code)):
            door = answers(asked, found.agency) if found.agency is not None else None
            yield from () if door is None else (door.agency_id,)
        if codes:
            return
    sender = asked.arrangement.agency(asked.concern.agency_id)
    home = asked.arrangement.agencies[asked.arrangement.front_door].areas
    nearest = _nearest(asked, _CSC, FRONT_DOOR, sender.areas if sender is not None and sender.areas else home)
    yield from (door.agency_id for one in nearest if (door := answers(asked, one)) is not None)


def _by(asked: Asked, told: Told, by: SelectBy) -> Iterator[Found]:  # noqa: C901, PLR0912  (a table: one row a way)
    match by:
        case SelectBy.CHILD_SCHOOL | SelectBy.KNOWN_TO:
            for agency_id, children in _attached(asked.meant(told.select), by):
                yield from _listed(asked, told, agency_id, children)
        case SelectBy.NAMED:
            for agency_id in told.select.named:
                yield from _listed(asked, told, agency_id, frozenset())
        case SelectBy.SENDER_AREA:
            sender = asked.arrangement.agency(asked.concern.agency_id)
            home = asked.arrangement.agencies[asked.arrangement.front_door]
            yield from _one_of(asked, told, sender.areas if sender is not None and sender.areas else home.areas)
        case SelectBy.SENDER:
            yield from _listed(asked, told, asked.concern.agency_id, frozenset())
        case SelectBy.EMPLOYER:
            for employer in _employers(asked):
                yield from _listed(asked, told, employer.agency_id, frozenset())
        case SelectBy.PLACE_AREA:
            for gss_code in dict.fromkeys(place.gss_code for place in asked.concern.places if place.gss_code):
                yield from _of_area(asked, told, gss_code)
        case SelectBy.EMPLOYER_AREA:
            for employer in _employers(asked):
                yield from _one_of(asked, told, employer.areas)
        case _:
            meant, children = asked.meant(told.select), asked.shown(told.select)
            for gss_code in _authorities(asked, meant, told.agency_class, by):
                yield from (replace(found, children=children) for found in _of_area(asked, told, gss_code))


def _attached(people: Iterable[Person], by: SelectBy) -> Iterator[tuple[str, frozenset[str]]]:
    """Give the agencies people of the concern attend or are known to, each with the child it is about, if any."""
    for person in people:
        child = frozenset({person.person_id}) if person.role in CHILDREN else frozenset[str]()
        if by is SelectBy.KNOWN_TO:
            for agency_id in person.known_to_agencies:
                yield agency_id, child
        elif child and person.school_agency_id:
            yield person.school_agency_id, child


def _listed(asked: Asked, told: Told, agency_id: str, children: frozenset[str]) -> Iterator[Found]:
    """Give a named agency, if it is of the class and role asked for; an id nobody lists is said to be unknown."""
    agency = asked.arrangement.agency(agency_id)
    if agency is None:
        yield Found(None, children, meant=agency_id)
    elif told.agency_class in (agency.agency_class, _ANY_CLASS) and (
        not told.select.role or told.select.role in agency.roles
    ):
        yield Found(agency, children)


def _employers(asked: Asked) -> Iterator[Agency]:
    """Where the adult of concern works: the inboxes that adult can read, and a school that is named for an adult."""
    for person in asked.people:
        if person.role == _ADULT_OF_CONCERN:
            for agency_id in dict.fromkeys((*person.can_read_agencies, person.school_agency_id)):
                if (agency := asked.arrangement.agency(agency_id)) is not None:
                    yield agency


def _one_of(asked: Asked, told: Told, areas: frozenset[str]) -> Iterator[Found]:
    """Give one agency for an agency's areas: a county-wide charity does not mean every authority it works in."""
    yield from (Found(agency) for agency in _nearest(asked, told.agency_class, told.select.role, areas))


def _nearest(asked: Asked, agency_class: AgencyClass, role: str, areas: frozenset[str]) -> Iterator[Agency]:
    """Give the one agency of a class that serves any of some areas, those at home here first."""
    matching = {
        agency.agency_id: agency
        for area in areas
        for agency in asked.arrangement.agencies_of(agency_class, role=role, area=area, day=asked.day)
    }
    if matching:
        home = asked.arrangement.agencies[asked.arrangement.front_door].areas
        yield min(matching.values(), key=lambda agency: (agency.areas.isdisjoint(home), agency.agency_id))


def _authorities(
    asked: Asked, everyone: tuple[Person, ...], agency_class: AgencyClass, by: SelectBy
) -> tuple[str, ...]:
    """Give the ONS codes of the authorities concerned in a way: the children's, or where none is stated, anyone's."""
    if agency_class == AgencyClass.AGENCY_CLASS_ADULT_SOCIAL_CARE:
        first: Iterable[Person] = [p for p in everyone if p.adult_at_risk == Ternary.TERNARY_YES]
    else:
        first = [p for p in everyone if p.role in CHILDREN]
    return codes_of(first, by, asked.day) or codes_of(everyone, by, asked.day)


def _of_area(asked: Asked, told: Told, gss_code: str) -> Iterator[Found]:
    arrangement = asked.arrangement
    serving = arrangement.agencies_of(told.agency_class, role=told.select.role, area=gss_code, day=asked.day)
    if serving:
        yield from (Found(agency) for agency in serving)
        return
    closed = tuple(
        agency
        for agency in arrangement.agencies.values()
        if agency.agency_class == told.agency_class
        and gss_code in agency.areas
        and (not told.select.role or told.select.role in agency.roles)
        and agency.valid_from <= asked.day
    )
    if closed:
        yield from (Found(agency) for agency in closed)
    elif told.agency_class == _CSC and told.select.role in ("", FRONT_DOOR):
        # Wales, Scotland and Northern Ireland have codes of their own, which the list of England does not hold.
        listed = gss_code in arrangement.authorities or gss_code[:1] in {"W", "S", "N"}
        yield Found(arrangement.outside(gss_code), fallback="outside_arrangement" if listed else _UNKNOWN_AUTHORITY)
