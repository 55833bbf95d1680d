"""From what an agency declares of a file to what is recorded of it: messages and parts, with opaque ids. Pure."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.message import Message

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.concerns_pb2 import AttachmentDeclared, AttachmentRefused
from concern_relay.v1.facts_pb2 import Attachment, NamedPerson, Note, Part
from services.chassis.codes import number_of
from services.chassis.event import Content, Refused, derived_id
from services.intake.attachments.sent import Declaration
from services.intake.content import scope_of
from services.intake.core import IntakeState
from services.intake.ids import IdKey, part_id
from services.intake.submission import Actor


def said_of(state: IntakeState, key: IdKey, agency_id: str, given: Declaration) -> Attachment:
    """Give what is to be attached: its id is one of the file itself, so that twice is once.

    Raises:
        Refused: it names an item or a person that is not there, or opens no more.
    """
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


def declared(
    said: Attachment, concern_id: str, agency_id: str, supplier: str = "", *, scan_again: bool = False
) -> Message:
    """Give the act: that it is declared; or, where the answer is not no, that it is not taken."""
    ids: dict[str, Any] = {
        "concern_id": concern_id,
        "agency_id": agency_id,
        "attachment_id": said.attachment_id,
        "on_behalf_by": supplier,
    }
    if said.answer != codes.ImageAnswer.IMAGE_ANSWER_NO:
        return AttachmentRefused(**ids, reason=codes.AttachmentRefusal.ATTACHMENT_REFUSAL_QUESTION)
    return AttachmentDeclared(
        **ids,
        item_part_id=said.item_part_id,
        about_person_id=said.about_person_id,
        consent_ref=said.consent_ref,
        scan_again=scan_again,
    )


def contents_of(concern_id: str, said: Attachment, by: Actor) -> list[Content]:
    """Give what is sealed with a declaration: what the file is, and who answered."""
    what = Part(attachment=said)
    return [
        Content(said.attachment_id, scope_of(concern_id, what), what),
        *by_of(concern_id, said.attachment_id, by),
    ]


def by_of(concern_id: str, attachment_id: str, by: Actor, reason: str = "") -> list[Content]:
    """Give who says something of a file, and why."""
    who = Part(named_person=NamedPerson(name=by.name, role=by.role, contact=by.contact))
    parts = {"attachment actor": who}
    if reason:
        parts["attachment reason"] = Part(note=Note(text=reason))
    return [
        Content(derived_id(concern_id, kind, attachment_id), scope_of(concern_id, part), part)
        for kind, part in parts.items()
    ]
