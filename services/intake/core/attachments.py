"""Attachments of a concern: declared, stored, scanned, released to a recipient by a named person (practice 25).

The core decides by ids and codes alone; what a file is stays sealed. Bytes never come here. An attachment is released
to an agency or a class whether or not anybody of that name was told: the answer must not give away who was
(practice 8), and routing lets those alone have it who hold a share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from concern_relay.v1.codes_pb2 import AttachmentRefusal, ImageAnswer
from concern_relay.v1.concerns_pb2 import (
    AttachmentCleared,
    AttachmentDeclared,
    AttachmentExpired,
    AttachmentRefused,
    AttachmentReleased,
    AttachmentReleaseWithdrawn,
    AttachmentStored,
)
from concern_relay.v1.facts_pb2 import Attachment, Part
from concern_relay.v1.shares_pb2 import AttachmentFetched
from services.chassis.event import NOTHING, Decision, Effect, Fact, Refused, Timer
from services.intake.core.recorded import effect_of

AttachmentAct = (
    AttachmentDeclared
    | AttachmentStored
    | AttachmentCleared
    | AttachmentRefused
    | AttachmentReleased
    | AttachmentReleaseWithdrawn
)
TYPES: Final = frozenset({"AttachmentDeclared", "AttachmentRefused"})
"""Events whose parts intake reads: what a file is, and why it was not taken."""
ATTACH: Final = "attach"
UPLOAD_WINDOW: Final = timedelta(hours=24)
"""How long bytes may come after they were declared: a day, so that a system that was off at night still can."""
FETCHED_MAX: Final = 100
"""Receipts that are shown; there is one for each person, and all stand in history."""
Recipient = tuple[str, int]
"""An agency id, or a class; the other is empty or 0."""


class Stands(StrEnum):
    """How far an attachment has come."""

    DECLARED = "declared"
    EXPIRED = "expired"
    QUARANTINED = "quarantined"
    NOT_SCANNED = "not_scanned"
    CLEARED = "cleared"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Held:
    """One attachment.

    Attributes:
        stands: how far it has come.
        declared: the newest declaration.
        times: how often it was declared.
        said: what it is; None where that does not open any more.
        stored: the newest bytes; None before they came.
        reason: why it was refused.
        released: to whom.
        turns: how often it was released, or that taken back.
        fetched: recorded times at which a person it was released to fetched it; who is not kept here (practice 8).
    """

    stands: Stands
    declared: AttachmentDeclared | None = None
    times: int = 0
    said: Attachment | None = None
    stored: AttachmentStored | None = None
    reason: AttachmentRefusal = AttachmentRefusal.ATTACHMENT_REFUSAL_UNSPECIFIED
    released: frozenset[Recipient] = frozenset()
    turns: int = 0
    fetched: tuple[datetime, ...] = ()

    @property
    def here(self) -> bool:
        """Whether its bytes came and nothing is against them."""
        return self.stored is not None and self.stands is not Stands.REFUSED


@dataclass(frozen=True, slots=True)
class Attachments:
    """Those of one concern, by id."""

    held: Mapping[str, Held] = field(default_factory=dict)

    def get(self, attachment_id: str) -> Held | None:
        """Give one."""
        return self.held.get(attachment_id)

    def put(self, attachment_id: str, held: Held) -> Attachments:
        """Give them with one changed."""
        return Attachments({**self.held, attachment_id: held})


def with_fact(found: Attachments, fact: Fact) -> Attachments:
    """Fold an event; any other leaves them as they are."""
    data = fact.data
    match data:
        case AttachmentDeclared():
            before = found.get(data.attachment_id)
            times = 1 if before is None else before.times + 1
            return found.put(data.attachment_id, Held(Stands.DECLARED, data, times, _said(fact)))
        case AttachmentRefused():
            before = found.get(data.attachment_id) or Held(Stands.REFUSED, said=_said(fact))
            return found.put(data.attachment_id, replace(before, stands=Stands.REFUSED, reason=data.reason))
    held = found.get(getattr(data, "attachment_id", ""))
    return found if held is None else found.put(data.attachment_id, _after(held, fact))  # type: ignore[union-attr]


def _after(held: Held, fact: Fact) -> Held:
    data = fact.data
    match data:
        case AttachmentStored():
            return replace(held, stands=Stands.QUARANTINED if data.scan_expected else Stands.NOT_SCANNED, stored=data)
        case AttachmentExpired():
            return replace(held, stands=Stands.EXPIRED)
        case AttachmentCleared():
            return replace(held, stands=Stands.CLEARED)
        case AttachmentReleased():
            return replace(held, released=held.released | {recipient_of(data)}, turns=held.turns + 1)
        case AttachmentReleaseWithdrawn():
            return replace(held, released=held.released - {recipient_of(data)}, turns=held.turns + 1)
        case AttachmentFetched():
            return replace(held, fetched=(*held.fetched, fact.recorded)[-FETCHED_MAX:])
        case _:
            return held


def _said(fact: Fact) -> Attachment | None:
    return next((p.attachment for p in fact.parts.values() if p.WhichOneof("body") == "attachment"), None)


def recipient_of(data: AttachmentReleased | AttachmentReleaseWithdrawn) -> Recipient:
    """Give whom a release names."""
    return data.to_agency_id, int(data.to_class)


def asked(found: Attachments, fact: Fact, data: AttachmentAct) -> Decision:
    """Answer an act with the event that records it; nothing when it says nothing new.

    Raises:
        Refused: ``no_such_attachment``, ``attachment_refused``, ``attachment_not_here``, ``in_quarantine``,
            ``not_scanned``, ``recipient_required``, ``person_unnamed``, ``reason_missing``.
    """
    held = found.get(data.attachment_id)
    match data:
        case AttachmentDeclared():
            return _declared(held, fact, data)
        case AttachmentStored():
            return _stored(_known(held), fact, data)
        case AttachmentRefused():
            if held is not None and (held.stands is Stands.REFUSED or _of_others(held, data)):
                return NOTHING
            return Decision((_recorded(fact, data),), cancel=(_timer(data.attachment_id),))
        case AttachmentCleared():
            current = _known(held).stored is not None and _known(held).stored.object_id == data.object_id  # type: ignore[union-attr]
            waits = current and _known(held).stands is Stands.QUARANTINED
            return Decision((_recorded(fact, data),)) if waits else NOTHING
        case AttachmentReleased():
            return _released(_known(held), fact, data)
        case AttachmentReleaseWithdrawn():
            _by_a_person(fact, data)
            there = recipient_of(data) in _known(held).released
            return Decision((_recorded(fact, data),)) if there else NOTHING


def _of_others(held: Held, data: AttachmentRefused) -> bool:
    """Whether a scan speaks of other bytes than those that are here."""
    of_scan = data.reason == AttachmentRefusal.ATTACHMENT_REFUSAL_SCAN
    return of_scan and (held.stored is None or held.stored.object_id != data.object_id)


def _recorded(fact: Fact, data: AttachmentAct) -> Effect:
    """Record an act; the id of the record commits to all it says in the clear, so replay sees when that was altered."""
    said = "\n".join(f"{d.name}={value}" for d, value in data.ListFields() if d.message_type is None)
    if isinstance(data, AttachmentCleared):
        return Effect(data, key=said)
    return replace(effect_of(fact, data, fact.parts), key=said)


def _known(held: Held | None) -> Held:
    if held is None:
        raise Refused(404, "no_such_attachment", "No such attachment was declared for this concern. Declare it first.")
    return held


def _declared(held: Held | None, fact: Fact, data: AttachmentDeclared) -> Decision:
    if held is not None and held.stands not in (Stands.EXPIRED, Stands.REFUSED):
        return NOTHING
    if held is not None and held.reason == AttachmentRefusal.ATTACHMENT_REFUSAL_SCAN and not data.scan_again:
        raise Refused(
            409,
            "attachment_refused",
            "The scan found something harmful in this very file. Look into it; if the scan was wrong, a named person "
            "may declare it with scan_again, and it is scanned again.",
        )
    if held is not None and held.reason and (held.said is None or held.said.answer == ImageAnswer.IMAGE_ANSWER_YES):
        # fails to the safe side: a wrong yes costs a scan anew, a wrong no would spread the image
        raise Refused(
            409, "answered_before", "Of this very file it was answered that it shows such an image: it is not taken."
        )
    data_at = AttachmentDeclared()
    data_at.CopyFrom(data)
    data_at.expires_at.FromDatetime(fact.recorded + UPLOAD_WINDOW)
    effect = _recorded(fact, data_at)
    return Decision((effect,), (Timer(_timer(data.attachment_id), fact.recorded + UPLOAD_WINDOW),))


def _stored(held: Held, fact: Fact, data: AttachmentStored) -> Decision:
    if held.here:
        return NOTHING
    if held.stands is not Stands.DECLARED:
        raise Refused(409, "attachment_not_open", "Its time is over, or it was refused. Declare it again.")
    return Decision((_recorded(fact, data),), cancel=(_timer(data.attachment_id),))


def _released(held: Held, fact: Fact, data: AttachmentReleased) -> Decision:
    _by_a_person(fact, data)
    if bool(data.to_agency_id) == bool(data.to_class):
        raise Refused(422, "recipient_required", "Name an agency, or a class of agencies, not both.")
    if held.stands is Stands.REFUSED:
        raise Refused(409, "attachment_refused", "The scan found something harmful in it: nobody is given it.")
    if held.stored is None:
        raise Refused(409, "attachment_not_here", "Its bytes have not come. Upload them, then release it.")
    if held.stands is Stands.QUARANTINED:
        raise Refused(409, "in_quarantine", "It is being scanned. Release it when that is done.")
    if held.stands is Stands.NOT_SCANNED and not data.unscanned_accepted:
        raise Refused(409, "not_scanned", "Nothing here scans files. Release it knowing that: accept_unscanned: true.")
    if recipient_of(data) in held.released:
        return NOTHING
    return Decision((_recorded(fact, data),))


def _by_a_person(fact: Fact, data: AttachmentReleased | AttachmentReleaseWithdrawn) -> None:
    """Ask for a name and a reason; of a recorded act (replay) some may not open any more."""
    if data.parts:
        return
    bodies: dict[str, Part] = {part.WhichOneof("body") or "": part for part in fact.parts.values()}
    if "named_person" not in bodies or not bodies["named_person"].named_person.name.strip():
        raise Refused(422, "person_unnamed", "A named person decides who is given it. Give by with name and role.")
    if "note" not in bodies or not bodies["note"].note.text.strip():
        raise Refused(422, "reason_missing", "Say in words why this recipient needs it, as reason.")


def fired(found: Attachments, fact: Fact, attachment_id: str) -> Decision:
    """Say that the bytes did not come in time."""
    held = found.get(attachment_id)
    if held is None or held.stands is not Stands.DECLARED or held.declared is None or fact.timer is None:
        return NOTHING
    data = AttachmentExpired(concern_id=fact.concern_id, agency_id=held.declared.agency_id, attachment_id=attachment_id)
    data.expired_at.FromDatetime(fact.timer.due)
    return Decision((Effect(data, key=attachment_id),))


def _timer(attachment_id: str) -> str:
    return f"{ATTACH}:{attachment_id}"
