"""Steps with files, as acts of intake's and routing's cores: what their doors would ask to have recorded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from google.protobuf.message import Message

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import concerns_pb2 as concerns
from concern_relay.v1.facts_pb2 import NamedPerson, Part
from concern_relay.v1.shares_pb2 import AttachmentFetched
from services.chassis.codes import number_of
from services.chassis.event import Content, KeyScope, derived_id
from services.intake.attachments import saying
from services.intake.attachments.sent import Declaration
from services.intake.core import IntakeState
from services.intake.ids import IdKey
from services.intake.submission import Actor
from services.workbench.scenario.attaching import Attach, Fetch, Release, ref_of
from services.workbench.scenario.seen import Seen

Asked = tuple[str, Message, list[Content]]
MEDIA_TYPE = "application/pdf"


def file_of(name: str, ending: str = "") -> bytes:
    """Give the bytes of a scenario's file: a PDF that says nothing."""
    return b"%PDF-1.7\n%" + hashlib.sha256(f"{name} {ending}".encode()).hexdigest().encode() * 100


def declaration_of(step: Attach, content: bytes) -> dict[str, Any]:
    """Give what a sender says of a file, as JSON."""
    return {
        "child_image": _word(step.child_image),
        "kind": _word(step.kind),
        "name": f"{step.file}.pdf",
        "media_type": MEDIA_TYPE,
        "length": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "item": step.item or "",
        "about": step.about or "",
        "by": {"name": step.name, "role": step.role},
    }


def release_of(step: Release) -> dict[str, Any]:
    """Give what a sender says to release a file, as JSON."""
    return {
        "to": step.to,
        "to_class": _word(step.to_class),
        "reason": step.words,
        "accept_unscanned": step.accept_unscanned,
        "by": {"name": step.name, "role": step.role},
    }


@dataclass(frozen=True, slots=True)
class FileActs:
    """Makes acts for one concern."""

    state: IntakeState
    seen: Seen
    agency_id: str
    key: IdKey

    def attach(self, step: Attach) -> tuple[str, list[Asked]]:
        """Give the id of a file, and the acts that attach it.

        Raises:
            Refused: an item or person that is not there.
        """
        given = Declaration.model_validate(declaration_of(step, file_of(step.file)))
        said = saying.said_of(self.state, self.key, self.agency_id, given)
        ids = self._ids(said.attachment_id)
        declared = saying.declared(said, self._concern_id, self.agency_id)
        by = Actor(name=step.name, role=step.role)
        asked: list[Asked] = [("intake", declared, saying.contents_of(self._concern_id, said, by))]
        if given.child_image != "no" or not step.uploaded:
            return said.attachment_id, asked
        object_id = str(uuid5(NAMESPACE_OID, said.attachment_id))
        scan: dict[str, Any] = {"object_id": object_id}
        stored = concerns.AttachmentStored(**ids, **scan, scan_expected=step.scan != "none")
        asked.append(("intake", stored, []))
        if step.scan == "clean":
            del ids["agency_id"]
            asked.append(("intake", concerns.AttachmentCleared(**ids, **scan), []))
        elif step.scan == "harmful":
            reason = codes.AttachmentRefusal.ATTACHMENT_REFUSAL_SCAN
            asked.append(("intake", concerns.AttachmentRefused(**ids, **scan, reason=reason), []))
        return said.attachment_id, asked

    def release(self, step: Release, *, back: bool) -> list[Asked]:
        """Give the act that releases a file, or takes that back."""
        ids = self._ids(self.seen.part(ref_of(step.file)))
        to: dict[str, Any] = {"to_agency_id": step.to, "to_class": number_of(codes.AgencyClass, _word(step.to_class))}
        data: Message = concerns.AttachmentReleased(**ids, **to, unscanned_accepted=step.accept_unscanned)
        if back:
            data = concerns.AttachmentReleaseWithdrawn(**ids, **to)
        by = Actor(name=step.name, role=step.role)
        return [("intake", data, saying.by_of(self._concern_id, ids["attachment_id"], by, step.words))]

    def fetch(self, step: Fetch, share: Any) -> list[Asked]:
        """Give the act that fetches a file with a share."""
        ids = {"concern_id": self._concern_id, "share_id": share.share_id, "recipient_agency_id": step.agency}
        data = AttachmentFetched(**ids, attachment_id=self.seen.part(ref_of(step.file)))
        who = Part(named_person=NamedPerson(name=step.name, role=step.role))
        scope = KeyScope(self._concern_id, share_id=share.share_id)
        return [("routing", data, [Content(derived_id(self._concern_id, "actor", share.share_id), scope, who)])]

    @property
    def _concern_id(self) -> str:
        return self.state.concern.concern_id

    def _ids(self, attachment_id: str) -> dict[str, Any]:
        return {"concern_id": self._concern_id, "agency_id": self.agency_id, "attachment_id": attachment_id}


def _word(value: Any) -> str:
    return "" if value is None else str(getattr(value, "value", value))
