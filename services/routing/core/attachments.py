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
from concern_relay.v1.shares_pb2 import AttachmentFetched, AttachmentOffered, AttachmentOfferEnded
from services.chassis.event import Decision, Effect, Fact, Refused
from services.routing.core.said import named, recorded

if TYPE_CHECKING:
    from services.routing.core.state import Share, State

CLEARED = "cleared"
NOT_SCANNED = "not_scanned"
TOLD = frozenset({"AttachmentOffered", "AttachmentOfferEnded"})
"""Events of routing's own that are folded here."""


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
    """Those of one concern, by id.

    Attributes:
        told: which recipient was told of which, by share and attachment.
    """

    known: Mapping[str, Attached] = field(default_factory=dict)
    told: frozenset[tuple[str, str]] = frozenset()

    def put(self, one: Attached) -> Attachments:
        """Give them with one changed."""
        return replace(self, known={**self.known, one.attachment_id: one})


def with_fact(found: Attachments, fact: Fact) -> Attachments:
    """Fold an event; any that is not about files leaves them as they are."""
    data = fact.data
    if isinstance(data, AttachmentOffered):
        return replace(found, told=found.told | {(data.share_id, data.attachment_id)})
    if isinstance(data, AttachmentOfferEnded):
        return replace(found, told=found.told - {(data.share_id, data.attachment_id)})
    if isinstance(data, AttachmentDeclared):
        one = Attached(data.attachment_id, str(fact.id), data.item_part_id, data.about_person_id, data.consent_ref)
        return found.put(one)
    if isinstance(data, ErasureApproved):
        known_ = {i: replace(a, closed=a.closed or _erased(a, data)) for i, a in found.known.items()}
        return replace(found, known=known_)
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


def offered(state: State, share: Share, *, brought: bool = False) -> tuple[Attached, ...]:
    """Give what a recipient may have with a share, in order of id.

    Args:
        state: the concern.
        share: the recipient's.
        brought: a person brings it just now, so that it need not be delivered yet.
    """
    if share.void or (share.delivered_at is None and not brought):
        return ()
    given = state.given(share.agency_id)
    return tuple(
        one
        for _, one in sorted(state.attachments.known.items())
        if one.released_to(share.agency_id, share.agency_class) and (not one.item_part_id or one.item_part_id in given)
    )


def news(state: State) -> Decision:
    """Tell recipients of files that lie ready for them, or do not any more; each agency once for each file.

    Args:
        state: after everything else that an input led to.
    """
    told, ready = state.attachments.told, _ready(state)
    effects = []
    for kind, pairs in ((AttachmentOfferEnded, told - ready), (AttachmentOffered, ready - told)):
        for share_id, attachment_id in sorted(pairs):
            ids = {"concern_id": state.concern.concern_id, "share_id": share_id, "attachment_id": attachment_id}
            agency_id = state.shares[share_id].agency_id
            effects.append(Effect(kind(**ids, recipient_agency_id=agency_id), key=f"{share_id}/{attachment_id}"))
    return Decision(tuple(effects))


def _ready(state: State) -> frozenset[tuple[str, str]]:
    """Give which share of each recipient a file stands with: the one it was told of, else the newest."""
    found: dict[tuple[str, str], str] = {}
    for share in state.shares.values():
        for one in offered(state, share):
            about = (share.agency_id, one.attachment_id)
            if (found.get(about, ""), one.attachment_id) not in state.attachments.told:
                found[about] = share.share_id
    return frozenset((share_id, attachment_id) for (_, attachment_id), share_id in found.items())


def fetched(state: State, share: Share, fact: Fact, data: AttachmentFetched) -> Decision:
    """Record that a named person fetches an attachment, before its bytes go: a receipt for each person.

    Raises:
        Refused: 404 for one that is not offered, whether it exists or not; 422 nobody is named.
    """
    named(fact)
    if data.attachment_id not in {one.attachment_id for one in offered(state, share)}:
        raise Refused(404, "no_such_attachment", "this share has no such attachment; list them to see which there are")
    return Decision((recorded(data, fact, share.share_id, f"{share.share_id}/{data.attachment_id}"),))
