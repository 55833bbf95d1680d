"""Which agencies: from a row of the arrangement ("children's social care where the child lives") to inboxes.

Every row that must be followed ends somewhere. An agency that closed, was merged, cannot be found or could be read by
the person of concern is replaced, in a fixed order, and the replacement says for whom and why. What no agency can take
is given back as a gap, to be recorded with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final

from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    AuthorityRole,
    PersonRole,
    StatutoryStatus,
    Ternary,
    Urgency,
    WithholdReason,
)
from concern_relay.v1.facts_pb2 import Person
from services.chassis.arrangement import Agency, Arrangement, SelectBy, Told
from services.chassis.calendar import LONDON, is_working_day
from services.chassis.concern import Concern

HOPS_MAX: Final = 8
"""Longest chain of successors or stand-ins that is followed; check.py refuses circles of successors."""

_UNKNOWN_AUTHORITY: Final = "unknown_authority"
_LAST_RESORT: Final = "area_of_arrangement"
_PROFESSIONAL: Final = PersonRole.PERSON_ROLE_PROFESSIONAL
_ADULT_OF_CONCERN: Final = PersonRole.PERSON_ROLE_ADULT_OF_CONCERN
_CSC: Final = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE
_CHILDREN: Final = frozenset({PersonRole.PERSON_ROLE_CHILD, PersonRole.PERSON_ROLE_UNBORN_CHILD})
_OF_ROLE: Final = {
    SelectBy.LIVES: AuthorityRole.AUTHORITY_ROLE_LIVES,
    SelectBy.FOUND: AuthorityRole.AUTHORITY_ROLE_FOUND,
    SelectBy.HOLDS_PLAN: AuthorityRole.AUTHORITY_ROLE_HOLDS_PLAN,
    SelectBy.RESPONSIBLE: AuthorityRole.AUTHORITY_ROLE_RESPONSIBLE,
    SelectBy.HOST: AuthorityRole.AUTHORITY_ROLE_HOST,
    SelectBy.FORMER: AuthorityRole.AUTHORITY_ROLE_FORMER,
}
# A plan names its authority: nobody should have to state it a second time as an authority concerned.
_OF_STATUS: Final = {
    StatutoryStatus.STATUTORY_STATUS_CHILD_PROTECTION_PLAN: SelectBy.HOLDS_PLAN,
    StatutoryStatus.STATUTORY_STATUS_LOOKED_AFTER: SelectBy.RESPONSIBLE,
    StatutoryStatus.STATUTORY_STATUS_REMANDED: SelectBy.RESPONSIBLE,
}


@dataclass(frozen=True, slots=True)
class Recipient:
    """An agency that is told, and by which row.

    Attributes:
        told: the row.
        children: the children it was chosen for (its pupils); empty means every child of the concern.
        meant: agency id it stands in for; empty when it was meant itself.
        fallback: why it stands in; empty when it does not.
    """

    agency: Agency
    told: Told
    children: frozenset[str] = frozenset()
    meant: str = ""
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Somebody a row asked for who is not told, with the reason."""

    told: Told
    agency_id: str
    reason: WithholdReason
    rule_code: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked at to find recipients; the same for every row."""

    arrangement: Arrangement
    concern: Concern
    at: datetime
    day: date
    people: tuple[Person, ...]
    readable: frozenset[str]

    @classmethod
    def about(cls, arrangement: Arrangement, concern: Concern, at: datetime) -> Asked:
        """Look at a concern once, for all rows. Days are local: an agency that closes today is open until midnight."""
        return cls(arrangement, concern, at, at.astimezone(LONDON).date(), concern.people, readable_inboxes(concern))


@dataclass(frozen=True, slots=True)
class _Found:
    agency: Agency | None
    children: frozenset[str] = frozenset()
    meant: str = ""
    fallback: str = ""


def readable_inboxes(concern: Concern) -> frozenset[str]:
    """Give the agencies whose inbox a person of the concern could read (rules 2.3; practice 9 and 26).

    Anybody but a professional who works with the family counts: the accused, and staff linked to it.
    """
    return frozenset(
        agency_id for person in concern.people if person.role != _PROFESSIONAL for agency_id in person.can_read_agencies
    )


def could_read(concern: Concern, agency_id: str) -> bool:
    """Say whether a person of the concern could read an agency's inbox."""
    return agency_id in readable_inboxes(concern)


def recipients(asked: Asked, told: Told) -> tuple[tuple[Recipient, ...], tuple[Gap, ...]]:
    """Give the agencies a row of the arrangement means, and those it means that are not told."""
    chosen: dict[str, Recipient] = {}
    gaps: list[Gap] = []
    found = tuple(_found(asked, told))
    for one in found:
        if one.agency is None:
            gaps.append(Gap(told, one.meant, WithholdReason.WITHHOLD_REASON_NO_ROLE, "agency_unknown"))
            continue
        for resolved in _stand_ins(asked, told, one, one.agency, gaps):
            known = chosen.get(resolved.agency.agency_id)
            if known is not None:
                resolved = replace(known, children=_both(known.children, resolved.children))  # noqa: PLW2901
            chosen[resolved.agency.agency_id] = resolved
    if not found:
        gaps.append(Gap(told, "", WithholdReason.WITHHOLD_REASON_NO_ROLE, "no_agency_found"))
    return tuple(chosen.values()), tuple(gaps)


def _both(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    return one | other if one and other else frozenset()


def _found(asked: Asked, told: Told) -> Iterator[_Found]:
    """Look by every way named, then by the first other way that finds somebody, then by the last resort."""
    direct = [found for by in told.select.by for found in _by(asked, told, by)]
    yield from direct
    if any(found.agency is not None and found.fallback != _UNKNOWN_AUTHORITY for found in direct):
        return
    for by in told.select.otherwise:
        others = [replace(found, fallback=found.fallback or str(by)) for found in _by(asked, told, by)]
        if others:
            yield from others
            return
    if told.must and told.select.otherwise:
        # The sender itself is from elsewhere and nobody said where the child is: those at home here find out.
        home = asked.arrangement.agencies[asked.arrangement.front_door]
        yield from (replace(found, fallback=_LAST_RESORT) for found in _one_of(asked, told, home.areas))


def _by(asked: Asked, told: Told, by: SelectBy) -> Iterator[_Found]:
    match by:
        case SelectBy.CHILD_SCHOOL | SelectBy.KNOWN_TO:
            for agency_id, children in _attached(asked.people, by):
                yield from _listed(asked, told, agency_id, children)
        case SelectBy.NAMED:
            for agency_id in told.select.named:
                yield from _listed(asked, told, agency_id, frozenset())
        case SelectBy.SENDER_AREA:
            sender = asked.arrangement.agency(asked.concern.agency_id)
            home = asked.arrangement.agencies[asked.arrangement.front_door]
            yield from _one_of(asked, told, sender.areas if sender is not None and sender.areas else home.areas)
        case SelectBy.EMPLOYER_AREA:
            for employer in _employers(asked):
                yield from _one_of(asked, told, employer.areas)
        case _:
            for gss_code in _authorities(asked.people, told.agency_class, by):
                yield from _of_area(asked, told, gss_code)


def _attached(people: Iterable[Person], by: SelectBy) -> Iterator[tuple[str, frozenset[str]]]:
    """Give the agencies people of the concern attend or are known to, each with the child it is about, if any."""
    for person in people:
        child = frozenset({person.person_id}) if person.role in _CHILDREN else frozenset[str]()
        if by is SelectBy.KNOWN_TO:
            for agency_id in person.known_to_agencies:
                yield agency_id, child
        elif child and person.school_agency_id:
            yield person.school_agency_id, child


def _listed(asked: Asked, told: Told, agency_id: str, children: frozenset[str]) -> Iterator[_Found]:
    """Give a named agency, if it is of the class and role asked for; an id nobody lists is said to be unknown."""
    agency = asked.arrangement.agency(agency_id)
    if agency is None:
        yield _Found(None, children, meant=agency_id)
    elif agency.agency_class == told.agency_class and (not told.select.role or told.select.role in agency.roles):
        yield _Found(agency, children)


def _employers(asked: Asked) -> Iterator[Agency]:
    """Where the adult of concern works: the inboxes that adult can read."""
    for person in asked.people:
        if person.role == _ADULT_OF_CONCERN:
            for agency_id in person.can_read_agencies:
                if (agency := asked.arrangement.agency(agency_id)) is not None:
                    yield agency


def _one_of(asked: Asked, told: Told, areas: frozenset[str]) -> Iterator[_Found]:
    """Give one agency for an agency's areas: a county-wide charity does not mean every authority it works in."""
    matching = {
        agency.agency_id: agency
        for area in areas
        for agency in asked.arrangement.agencies_of(told.agency_class, role=told.select.role, area=area, day=asked.day)
    }
    if not matching:
        return
    home = asked.arrangement.agencies[asked.arrangement.front_door].areas
    yield _Found(min(matching.values(), key=lambda agency: (agency.areas.isdisjoint(home), agency.agency_id)))


def _authorities(everyone: tuple[Person, ...], agency_class: AgencyClass, by: SelectBy) -> tuple[str, ...]:
    """Give the ONS codes of the authorities concerned in a way: the children's, or where none is stated, anyone's."""
    if agency_class == AgencyClass.AGENCY_CLASS_ADULT_SOCIAL_CARE:
        first: Iterable[Person] = [p for p in everyone if p.adult_at_risk == Ternary.TERNARY_YES]
    else:
        first = [p for p in everyone if p.role in _CHILDREN]
    return _codes_of(first, by) or _codes_of(everyone, by)


def _codes_of(people: Iterable[Person], by: SelectBy) -> tuple[str, ...]:
    stated = [a.gss_code for person in people for a in person.authorities if a.role == _OF_ROLE[by]]
    plans = [
        status.gss_code
        for person in people
        for status in person.statuses
        if _OF_STATUS.get(status.status) is by and not status.to_on
    ]
    return tuple(dict.fromkeys(code for code in (*stated, *plans) if code))


def _of_area(asked: Asked, told: Told, gss_code: str) -> Iterator[_Found]:
    arrangement = asked.arrangement
    serving = arrangement.agencies_of(told.agency_class, role=told.select.role, area=gss_code, day=asked.day)
    if serving:
        yield from (_Found(agency) for agency in serving)
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
        yield from (_Found(agency) for agency in closed)
    elif told.agency_class == _CSC:
        # Wales, Scotland and Northern Ireland have codes of their own, which the list of England does not hold.
        listed = gss_code in arrangement.authorities or gss_code[:1] in {"W", "S", "N"}
        yield _Found(arrangement.outside(gss_code), fallback="outside_arrangement" if listed else _UNKNOWN_AUTHORITY)


def _stand_ins(asked: Asked, told: Told, one: _Found, meant: Agency, gaps: list[Gap]) -> Iterator[Recipient]:
    """Follow an agency to one that exists and that the person of concern cannot read; add who covers at this hour."""
    agency, fallback = _open(asked, meant)
    conflict = agency is not None and not agency.outside and agency.agency_id in asked.readable
    if agency is not None and conflict:
        reason = WithholdReason.WITHHOLD_REASON_PERSON_OF_CONCERN_COULD_READ
        gaps.append(Gap(told, agency.agency_id, reason, "inbox_readable_by_person_of_concern"))
        agency, fallback = _unread(asked, agency), "conflict"
    if agency is None and told.agency_class == _CSC:
        # A person telephones the authority: a telephone call has no inbox, and somebody answers it.
        agency, fallback = asked.arrangement.outside(_authority_of(asked, meant)), fallback or "closed"
    if agency is None:
        if not conflict:
            gaps.append(Gap(told, meant.agency_id, WithholdReason.WITHHOLD_REASON_NO_ROLE, "agency_closed"))
        return
    if agency.agency_id == asked.concern.agency_id:
        gaps.append(Gap(told, agency.agency_id, WithholdReason.WITHHOLD_REASON_IS_SENDER, "sender_is_not_told"))
        return
    stands_for = meant.agency_id if agency.agency_id != meant.agency_id else ""
    yield Recipient(agency, told, one.children, stands_for, fallback or one.fallback)
    cover = _cover_now(asked, agency)
    if cover is not None:
        yield Recipient(cover, told, one.children, agency.agency_id, "out_of_hours_cover")


def _authority_of(asked: Asked, agency: Agency) -> str:
    """Give the ONS code of an agency's authority: the county rather than one of its districts."""
    listed = agency.areas & asked.arrangement.authorities.keys()
    return min(listed or agency.areas, default="")


def _open(asked: Asked, agency: Agency) -> tuple[Agency | None, str]:
    """Follow a closed agency to its successor, else to its cover."""
    why = ""
    for _ in range(HOPS_MAX):
        if agency.outside or agency.open_on(asked.day):
            return agency, why
        following = agency.succeeded_by or agency.cover
        if following is None:
            break
        why = "succeeded" if agency.succeeded_by else "cover"
        agency = asked.arrangement.agencies[following]
    return None, why


def _unread(asked: Asked, agency: Agency) -> Agency | None:
    """Follow an agency whose inbox could be read to one whose could not; None when there is none."""
    seen = {agency.agency_id}
    following = agency.conflict_to
    while following is not None and following not in seen and len(seen) < HOPS_MAX:
        seen.add(following)
        candidate = asked.arrangement.agencies[following]
        if candidate.open_on(asked.day) and following not in asked.readable:
            return candidate
        following = candidate.conflict_to
    return None


def _cover_now(asked: Asked, agency: Agency) -> Agency | None:
    """Give who covers at this hour, where the concern cannot wait for the morning (practice 1 and 3)."""
    if asked.concern.urgency < Urgency.URGENCY_URGENT or agency.hours is None or agency.cover is None:
        return None
    local = asked.at.astimezone(UTC).astimezone(LONDON)
    minute = local.hour * 60 + local.minute
    if is_working_day(local.date()) and agency.hours.opens_minute <= minute < agency.hours.closes_minute:
        return None
    cover = asked.arrangement.agencies[agency.cover]
    readable = cover.agency_id in asked.readable
    return None if readable or not cover.open_on(asked.day) or cover.agency_id == asked.concern.agency_id else cover
