"""Who stands in: for an agency that closed or was merged, that the person of concern could read, or that is at home.

Every row for children's social care ends at somebody: at the very end a person telephones the authority, because a
telephone has no inbox.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Final

from concern_relay.v1.codes_pb2 import AgencyClass, Urgency, WithholdReason
from services.chassis.arrangement import Agency, Told
from services.chassis.calendar import LONDON, is_working_day
from services.routing.core.asked import Asked, Found, Gap, Recipient

HOPS_MAX: Final = 8
"""Longest chain of successors or stand-ins that is followed; check.py refuses circles of successors."""

_CSC: Final = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE


def stand_ins(asked: Asked, told: Told, one: Found, meant: Agency, gaps: list[Gap]) -> Iterator[Recipient]:
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
    # a concern that can wait for the morning waits for the front door itself (practice 1 and 3)
    cover = covers(asked, agency) if asked.concern.urgency >= Urgency.URGENCY_URGENT else None
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


def covers(asked: Asked, agency: Agency) -> Agency | None:
    """Give who covers for an agency at this hour; None while it is staffed, or where nobody does."""
    if agency.hours is None or agency.cover is None:
        return None
    local = asked.at.astimezone(UTC).astimezone(LONDON)
    minute = local.hour * 60 + local.minute
    if is_working_day(local.date()) and agency.hours.opens_minute <= minute < agency.hours.closes_minute:
        return None
    cover = asked.arrangement.agencies[agency.cover]
    readable = cover.agency_id in asked.readable
    return None if readable or not cover.open_on(asked.day) or cover.agency_id == asked.concern.agency_id else cover
