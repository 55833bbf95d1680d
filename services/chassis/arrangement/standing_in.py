"""Who stands in for an agency that closed or was merged, or whose inbox the person of concern could read. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final

from services.chassis.arrangement.model import Agency, Arrangement

HOPS_MAX: Final = 8
"""Longest chain of successors or stand-ins that is followed; check.py refuses circles of successors."""


def still_open(arrangement: Arrangement, agency: Agency, day: date) -> tuple[Agency | None, str]:
    """Follow a closed agency to its successor, else to its cover; say which way, empty where it is open itself."""
    why = ""
    for _ in range(HOPS_MAX):
        if agency.outside or agency.open_on(day):
            return agency, why
        following = agency.succeeded_by or agency.cover
        if following is None:
            break
        why = "succeeded" if agency.succeeded_by else "cover"
        agency = arrangement.agencies[following]
    return None, why


def unread(arrangement: Arrangement, agency: Agency, readable: Collection[str], day: date) -> Agency | None:
    """Follow an agency whose inbox could be read to one whose could not; None when there is none."""
    seen = {agency.agency_id}
    following = agency.conflict_to
    while following is not None and following not in seen and len(seen) < HOPS_MAX:
        seen.add(following)
        candidate = arrangement.agencies[following]
        if candidate.open_on(day) and following not in readable:
            return candidate
        following = candidate.conflict_to
    return None


def answering(arrangement: Arrangement, meant: Agency, readable: Collection[str], day: date) -> Agency | None:
    """Give who answers in an agency's place: itself where it is open and unread; None when there is nobody."""
    agency, _ = still_open(arrangement, meant, day)
    if agency is None or agency.outside or agency.agency_id not in readable:
        return agency
    return unread(arrangement, agency, readable, day)
