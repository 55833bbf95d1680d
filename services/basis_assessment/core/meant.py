"""Which agencies of a class a concern would reach: for what they are in law, and whether there are any at all.

Nearer than "any of that class" and no more: routing decides who is told, who stands in for a closed one and who could
read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from concern_relay.v1.codes_pb2 import AgencyClass, PersonRole
from services.chassis.arrangement import FRONT_DOOR, Agency, Arrangement, SelectBy, Selection, Told
from services.chassis.concern import Concern
from services.chassis.concern_facts import lasts
from services.chassis.leading import OF_ROLE, OF_STATUS

_CSC: Final = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE
_OF_ROLE: Final = {role: by for by, role in OF_ROLE.items()}


class Meant:
    """Looks once at a concern, for every class."""

    def __init__(self, arrangement: Arrangement, concern: Concern, day: date) -> None:
        """Note where people live and who they are known to."""
        self._arrangement, self._concern, self._day = arrangement, concern, day
        self._areas: dict[SelectBy, dict[str, None]] = {}
        self._named: dict[SelectBy, dict[str, None]] = {SelectBy.SENDER: {concern.agency_id: None}}
        for person in concern.people:
            for authority in person.authorities:
                if by := _OF_ROLE.get(authority.role):
                    self._areas.setdefault(by, {})[authority.gss_code] = None
            for status in person.statuses:
                if (by := OF_STATUS.get(status.status)) and lasts(status, day):
                    self._areas.setdefault(by, {})[status.gss_code] = None
            self._name(SelectBy.KNOWN_TO, person.known_to_agencies)
            self._name(SelectBy.CHILD_SCHOOL, [person.school_agency_id])
            if person.role == PersonRole.PERSON_ROLE_ADULT_OF_CONCERN:
                self._name(SelectBy.EMPLOYER, [*person.can_read_agencies, person.school_agency_id])
        self._areas[SelectBy.PLACE_AREA] = dict.fromkeys(place.gss_code for place in concern.places)
        home = arrangement.agencies[arrangement.front_door].areas
        sender = arrangement.agency(concern.agency_id)
        of_sender = sender.areas if sender is not None and sender.areas else home
        self._areas[SelectBy.SENDER_AREA] = dict.fromkeys(sorted(of_sender))
        self._areas[SelectBy.EMPLOYER_AREA] = dict.fromkeys(
            area for one in self._listed(SelectBy.EMPLOYER) for area in sorted(one.areas)
        )
        found = (by for way in (self._areas, self._named) for by, named in way.items() if any(named))
        self._ways = frozenset((SelectBy.NAMED, *found))

    def _name(self, by: SelectBy, agency_ids: Iterable[str]) -> None:
        self._named.setdefault(by, {}).update(dict.fromkeys(agency_id for agency_id in agency_ids if agency_id))

    def agencies(self, agency_class: AgencyClass, selections: Iterable[Selection]) -> tuple[Agency, ...]:
        """Give those some rows mean, each once."""
        found: dict[str, Agency] = {}
        for select in selections:
            direct = [one for by in select.by if by in self._ways for one in self._by(agency_class, select, by)]
            ways = (by for by in select.otherwise if by in self._ways)
            while not direct and (by := next(ways, None)) is not None:
                direct = list(self._by(agency_class, select, by))
            found.update((one.agency_id, one) for one in direct)
        return tuple(found.values())

    def reached(self, rows: Iterable[Told]) -> Iterator[Told]:
        """Leave out rows that may find nobody and find nobody: they make no must of what others only propose."""
        for row in rows:
            if not row.select.optional or self._unlisted(row.select) or self.agencies(row.agency_class, (row.select,)):
                yield row

    def _unlisted(self, select: Selection) -> bool:
        """Whether a row names somebody whom the arrangement does not list: of which class it is, nobody knows."""
        return any(
            self._arrangement.agency(agency_id) is None for by in select.by for agency_id in self._named.get(by, {})
        )

    def _by(self, agency_class: AgencyClass, select: Selection, by: SelectBy) -> Iterator[Agency]:
        if by is SelectBy.NAMED or by in (SelectBy.KNOWN_TO, SelectBy.CHILD_SCHOOL, SelectBy.SENDER, SelectBy.EMPLOYER):
            ids = select.named if by is SelectBy.NAMED else self._named.get(by, {})
            for one in map(self._arrangement.agency, ids):
                if one is not None and one.agency_class == agency_class and select.role in ("", *one.roles):
                    yield one
            return
        for area in filter(None, self._areas.get(by, {})):
            serving = self._arrangement.agencies_of(agency_class, role=select.role, area=area, day=self._day)
            if not serving and agency_class == _CSC and select.role in ("", FRONT_DOOR):
                serving = (self._arrangement.outside(area),)
            yield from serving

    def _listed(self, by: SelectBy) -> Iterator[Agency]:
        found = (self._arrangement.agency(agency_id) for agency_id in self._named.get(by, {}))
        yield from (one for one in found if one is not None)
