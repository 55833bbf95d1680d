"""A child who moved: the authorities and addresses as they stand after it.

A move adds the authority the child lives in now and leaves the one it came from on the record as former: both are told,
and the receiving authority's acknowledgement ends nothing by itself (practice 24; rules on transfer in). A temporary
stay is no move: the authority it lies in is added as where the child is found, and the home stays the home.
"""

from __future__ import annotations

from datetime import date, datetime

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import facts_pb2 as facts
from services.intake import follow_up as sent
from services.intake.content.people import address
from services.intake.content.scribe import Scribe
from services.intake.dates import happened_at
from services.intake.flags import Flags

_LIVES = codes.AuthorityRole.AUTHORITY_ROLE_LIVES
_FOUND = codes.AuthorityRole.AUTHORITY_ROLE_FOUND
_FORMER = codes.AuthorityRole.AUTHORITY_ROLE_FORMER


def moved_person(
    child: facts.Person, given: sent.Move, flags: Flags, today: date, now: datetime
) -> tuple[facts.Person, datetime | None]:
    """Give the child as known after a move, and when it moved as far as that is known."""
    after = facts.Person()
    after.CopyFrom(child)
    scribe = Scribe(after, flags, today)
    day = scribe.day(given.moved_at, "moved_at")
    to = scribe.gss(given.to, "to")
    if to:
        _authority(after, to, day, temporary=given.temporary)
    if not given.temporary and (given.address is not None or given.unknown_destination):
        for lived in after.addresses:
            lived.to_on = lived.to_on or day or today.isoformat()
    if given.address is not None:
        new = address(given.address, scribe, "address")
        new.from_on = new.from_on or day
        if new not in after.addresses:
            after.addresses.append(new)
    if given.school.agency or given.school.name:
        after.school_agency_id, after.school_name = given.school.agency, given.school.name
    return after, happened_at(given.moved_at, now)


def _authority(after: facts.Person, to: str, day: str, *, temporary: bool) -> None:
    role = _FOUND if temporary else _LIVES
    if not temporary:
        for known in after.authorities:
            if known.role == _LIVES and known.gss_code != to:
                known.role = _FORMER
    if not any(known.gss_code == to and known.role == role for known in after.authorities):
        after.authorities.append(facts.AuthorityConcern(gss_code=to, role=role, from_on=day))
