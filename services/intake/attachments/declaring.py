"""Attachments are declared and released: acts of intake, each recorded before it is answered, each harmless twice."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.concerns_pb2 import (
    AttachmentDeclared,
    AttachmentRefused,
    AttachmentReleased,
    AttachmentReleaseWithdrawn,
)
from concern_relay.v1.facts_pb2 import Attachment, NamedPerson, Note, Part
from services.chassis.codes import number_of
from services.chassis.errors import IdConflict
from services.chassis.event import Content, Refused, derived_id
from services.intake.acceptance import ATTEMPTS_MAX, Acceptance, Sender
from services.intake.attachments.sent import Declaration, Release
from services.intake.content import scope_of
from services.intake.core import NOT_YOURS, IntakeState
from services.intake.core.attachments import Held, Stands
from services.intake.ids import IdKey, part_id
from services.intake.submission import Actor

PURPOSE: Final = "attach"
OPEN: Final = (Stands.EXPIRED, Stands.REFUSED)


@dataclass(frozen=True)
class Attaching:
    """Declares and releases.

    Attributes:
        acceptance: of submissions, with the journal and the keys.
    """

    acceptance: Acceptance

    async def state(self, agency_id: str, concern_id: str) -> IntakeState:
        """Give the state of an agency's own concern.

        Raises:
            Refused: 404; of another agency's concern not even the existence is said.
        """
        state, _ = await self.acceptance.journal.state(concern_id, purpose=PURPOSE)
        if not state.status.agency_id or state.status.agency_id != agency_id:
            raise Refused(404, NOT_YOURS, "There is no such concern of your agency.")
        return state

    async def held(self, agency_id: str, concern_id: str, attachment_id: str) -> Held:
        """Give one attachment.

        Raises:
            Refused: 404.
        """
        held = (await self.state(agency_id, concern_id)).attachments.get(attachment_id)
        if held is None:
            raise Refused(404, "no_such_attachment", "No such attachment was declared for this concern. Declare it.")
        return held

    async def declare(self, sender: Sender, concern_id: str, given: Declaration) -> tuple[str, bool]:
        """Record a declaration, or that it is not taken; give the id, and whether it was known.

        Raises:
            Refused: 404, 409, 422 as the core says.
        """
        key = await self.acceptance.id_key()
        for _ in range(ATTEMPTS_MAX):
            state = await self.state(sender.agency_id, concern_id)
            said = _said(state, key, sender.agency_id, given)
            held = state.attachments.get(said.attachment_id)
            if held is not None and held.stands not in OPEN and given.child_image == "no":
                return said.attachment_id, True
            data: Any = _declared(said, concern_id, sender, no=given.child_image == "no")
            by = _by(concern_id, said.attachment_id, given.by)
            contents = [_content(concern_id, said.attachment_id, Part(attachment=said)), *by]
            await self._sealable(contents)
            act_key = f"{said.attachment_id}/{0 if held is None else held.times}"
            try:
                recorded = await self._act(concern_id, data, sender.agency_id, act_key, contents)
            except IdConflict:
                continue  # another declared the same file at this moment, in other words: look again
            return said.attachment_id, recorded
        raise Refused(503, "busy", "Others attach this file at this moment. Send it again in a second.")

    async def release(
        self, sender: Sender, concern_id: str, attachment_id: str, given: Release, *, back: bool = False
    ) -> bool:
        """Record that a recipient may have it, or (``back``) may not any more; give whether that was known.

        Raises:
            Refused: 404, 409, 422 as the core says.
        """
        held = await self.held(sender.agency_id, concern_id, attachment_id)
        ids: dict[str, Any] = {
            "concern_id": concern_id,
            "agency_id": sender.agency_id,
            "attachment_id": attachment_id,
            "to_agency_id": given.to,
            "to_class": number_of(codes.AgencyClass, given.to_class),
        }
        data: Message = AttachmentReleased(**ids, unscanned_accepted=given.accept_unscanned)
        if back:
            data = AttachmentReleaseWithdrawn(**ids)
        contents = _by(concern_id, attachment_id, given.by, given.reason)
        await self._sealable(contents)
        digest = self.acceptance.journal.desk.act_digest(data, contents).hex()
        act_key = f"{attachment_id}/{held.turns}/{digest}"
        return await self._act(concern_id, data, sender.agency_id, act_key, contents)

    async def _act(self, concern_id: str, data: Message, agency_id: str, key: str, contents: list[Content]) -> bool:
        recorded = await self.acceptance.journal.act(concern_id, data, agency_id=agency_id, key=key, contents=contents)
        return recorded.repeated or not recorded.events

    async def _sealable(self, contents: list[Content]) -> None:
        scopes = {content.scope for content in contents}
        if (await self.acceptance.keys.issue(scopes)).keys() != scopes:
            raise Refused(
                409,
                "erased_or_suspended",
                "What this belongs to was erased, or rests on a consent that was withdrawn: nothing is added to it.",
            )


def _said(state: IntakeState, key: IdKey, agency_id: str, given: Declaration) -> Attachment:
    """Give what is to be attached: an id of the file itself, so that twice is once."""
    concern_id = state.concern.concern_id
    file = given.sha256.lower() or json.dumps([given.kind, given.name, given.description, given.item])
    item = _part_of(state, key, "item", given.item)
    about = _part_of(state, key, "person", given.about)
    said = Attachment(
        attachment_id=derived_id(concern_id, "attachment", key.digest("attachment", agency_id, file).hex()),
        kind=number_of(codes.AttachmentKind, given.kind),
        name=given.name,
        media_type=given.media_type.lower(),
        length=given.length,
        sha256=bytes.fromhex(given.sha256),
        answer=number_of(codes.ImageAnswer, given.child_image),
        description=given.description,
        item_part_id=item,
        about_person_id=about,
    )
    if item and (part := state.concern.parts.get(item)) is not None:
        said.about_person_id = about or part.item.about_person_id
        said.consent_ref = part.item.consent_ref
    return said


def _part_of(state: IntakeState, key: IdKey, kind: str, ref: str) -> str:
    """Give the part a ref names.

    Raises:
        Refused: 422 it names nothing of this concern; 409 it does not open any more.
    """
    if not ref:
        return ""
    known = state.concern.parts.keys() | state.concern.unopened
    found = ref if ref in known else part_id(key, state.concern.concern_id, kind, ref)
    if found in state.concern.unopened:
        raise Refused(409, "erased_or_suspended", f"That {kind} was erased, or rests on a withdrawn consent.")
    part = state.concern.parts.get(found)
    if part is None or part.WhichOneof("body") != kind:
        raise Refused(422, f"no_such_{kind}", f"Name the {kind} by the ref it was raised with, or leave it out.")
    return found


def _declared(said: Attachment, concern_id: str, sender: Sender, *, no: bool) -> Message:
    ids: dict[str, Any] = {
        "concern_id": concern_id,
        "agency_id": sender.agency_id,
        "attachment_id": said.attachment_id,
        "on_behalf_by": sender.supplier,
    }
    if not no:
        return AttachmentRefused(**ids, reason=codes.AttachmentRefusal.ATTACHMENT_REFUSAL_QUESTION)
    return AttachmentDeclared(
        **ids,
        item_part_id=said.item_part_id,
        about_person_id=said.about_person_id,
        consent_ref=said.consent_ref,
    )


def _content(concern_id: str, part: str, body: Part) -> Content:
    return Content(part, scope_of(concern_id, body), body)


def _by(concern_id: str, about: str, by: Actor, reason: str = "") -> list[Content]:
    who = Part(named_person=NamedPerson(name=by.name, role=by.role, contact=by.contact))
    found = [_content(concern_id, derived_id(concern_id, "attachment actor", about), who)]
    if reason:
        note = Part(note=Note(text=reason))
        found.append(_content(concern_id, derived_id(concern_id, "attachment reason", about), note))
    return found
