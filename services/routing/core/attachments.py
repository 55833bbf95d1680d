"""Attachments as routing knows them: what was released to whom, and who may have what. Codes and ids alone.

A recipient is offered what a named person of the sender released to it or to its class, while it holds a live share,
and only what belongs to no item or to one it was given. Of anything else it does not even learn that it exists
(practice 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from concern_relay.v1.codes_pb2 import AgencyClass
from concern_relay.v1.concerns_pb2 import (
    AttachmentCleared,
    AttachmentDeclared,
    AttachmentRefused,
    AttachmentReleased,
    AttachmentReleaseWithdrawn,
    AttachmentStored,
    ErasureApproved,
)
from concern_relay.v1.shares_pb2 import AttachmentFetched
from services.chassis.event import Decision, Fact, Refused
from services.routing.core.said import named, recorded

if TYPE_CHECKING:
    from services.routing.core.state import Share, State

CLEARED = "cleared"
NOT_SCANNED = "not_scanned"


@dataclass(frozen=True, slots=True)
class Attached:
    """One attachment.

    Attributes:
        event_id: of its declaration, whose sealed part says what it is.
        item_part_id: the item it belongs to; empty is none.
        object_id: where its bytes lie; empty while they do not.
        key_id: what they are sealed under.
        waits: for a scan.
        scanned: a scan found nothing against it.
        closed: refused, or what it belongs to is erased.
        released: agencies and classes it was released to.
    """

    attachment_id: str
    event_id: str
    item_part_id: str
    about_person_id: str
    consent_ref: str
    object_id: str = ""
    key_id: str = ""
    waits: bool = False
    scanned: bool = False
    closed: bool = False
    released: frozenset[tuple[str, int]] = frozenset()

    @property
    def word(self) -> str:
        """How it was looked at, as a recipient sees it."""
        return CLEARED if self.scanned else NOT_SCANNED

    def released_to(self, agency_id: str, agency_class: AgencyClass) -> bool:
        """Whether a named person let this agency, or its class, have it, and nothing is against it."""
        ready = self.object_id and not self.waits and not self.closed
        return bool(ready) and bool(self.released & {(agency_id, 0), ("", int(agency_class))})


@dataclass(frozen=True, slots=True)
class Attachments:
    """Those of one concern, by id."""

    known: Mapping[str, Attached] = field(default_factory=dict)

    def put(self, one: Attached) -> Attachments:
        """Give them with one changed."""
        return Attachments({**self.known, one.attachment_id: one})


def with_fact(found: Attachments, fact: Fact) -> Attachments:
    """Fold an event of ``concerns.v1``; any other leaves them as they are."""
    data = fact.data
    if isinstance(data, AttachmentDeclared):
        one = Attached(data.attachment_id, str(fact.id), data.item_part_id, data.about_person_id, data.consent_ref)
        return found.put(one)
    if isinstance(data, ErasureApproved):
        return Attachments({i: replace(a, closed=a.closed or _erased(a, data)) for i, a in found.known.items()})
    known = found.known.get(getattr(data, "attachment_id", ""))
    return found if known is None else found.put(_after(known, data))


def _erased(one: Attached, data: ErasureApproved) -> bool:
    person = data.person_id in ("", one.about_person_id)
    return person and data.consent_ref in ("", one.consent_ref)


def _after(one: Attached, data: object) -> Attached:
    match data:
        case AttachmentStored():
            return replace(one, object_id=data.object_id, key_id=data.key_id, waits=data.scan_expected)
        case AttachmentCleared():
            return replace(one, waits=False, scanned=True)
        case AttachmentRefused():
            return replace(one, closed=True)
        case AttachmentReleased():
            return replace(one, released=one.released | {(data.to_agency_id, int(data.to_class))})
        case AttachmentReleaseWithdrawn():
            return replace(one, released=one.released - {(data.to_agency_id, int(data.to_class))})
        case _:
            return one


def offered(state: State, share: Share) -> tuple[Attached, ...]:
    """Give what a recipient may have with a share, in order of id."""
    if share.void or share.delivered_at is None:
        return ()
    given = state.given(share.agency_id)
    return tuple(
        one
        for _, one in sorted(state.attachments.known.items())
        if one.released_to(share.agency_id, share.agency_class) and (not one.item_part_id or one.item_part_id in given)
    )


def fetched(state: State, share: Share, fact: Fact, data: AttachmentFetched) -> Decision:
    """Record that a named person fetches an attachment, before its bytes go: a receipt for each person.

    Raises:
        Refused: 404 for one that is not offered, whether it exists or not; 422 nobody is named.
    """
    named(fact)
    if data.attachment_id not in {one.attachment_id for one in offered(state, share)}:
        raise Refused(404, "no_such_attachment", "this share has no such attachment; list them to see which there are")
    return Decision((recorded(data, fact, share.share_id, f"{share.share_id}/{data.attachment_id}"),))
