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
from services.chassis.arrangement.standing_in import answering, still_open, unread
from services.chassis.calendar import LONDON, is_working_day
from services.routing.core.asked import Asked, Found, Gap, Recipient

_CSC: Final = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE


def stand_ins(asked: Asked, told: Told, one: Found, meant: Agency, gaps: list[Gap]) -> Iterator[Recipient]:
    """Follow an agency to one that exists and that the person of concern cannot read; add who covers at this hour."""
    agency, fallback = still_open(asked.arrangement, meant, asked.day)
    conflict = agency is not None and not agency.outside and agency.agency_id in asked.readable
    if agency is not None and conflict:
        reason = WithholdReason.WITHHOLD_REASON_PERSON_OF_CONCERN_COULD_READ
        gaps.append(Gap(told, agency.agency_id, reason, "inbox_readable_by_person_of_concern"))
        agency, fallback = unread(asked.arrangement, agency, asked.readable, asked.day), "conflict"
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


def answers(asked: Asked, meant: Agency) -> Agency | None:
    """Give who answers in an agency's place; for children's social care at the end the authority, by telephone."""
    agency = answering(asked.arrangement, meant, asked.readable, asked.day)
    if agency is None and meant.agency_class == _CSC:
        return asked.arrangement.outside(_authority_of(asked, meant))
    return agency


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
