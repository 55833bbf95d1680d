"""Attachments are declared and released: acts of intake, each recorded before it is answered, each harmless twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.concerns_pb2 import AttachmentReleased, AttachmentReleaseWithdrawn
from services.chassis.codes import number_of
from services.chassis.errors import IdConflict
from services.chassis.event import Content, Refused
from services.intake.acceptance import ATTEMPTS_MAX, Acceptance, Sender
from services.intake.attachments import saying
from services.intake.attachments.sent import Declaration, Release
from services.intake.core import NOT_YOURS, IntakeState
from services.intake.core.attachments import Held, Stands

PURPOSE: Final = "attach"
BY_SCAN: Final = codes.AttachmentRefusal.ATTACHMENT_REFUSAL_SCAN
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
            said = saying.said_of(state, key, sender.agency_id, given)
            held = state.attachments.get(said.attachment_id)
            taken = given.child_image == "no"
            if held is not None and (held.stands not in OPEN if taken else held.stands is Stands.REFUSED):
                return said.attachment_id, True
            again = given.scan_again and held is not None and held.reason == BY_SCAN
            data = saying.declared(said, concern_id, sender.agency_id, sender.supplier, scan_again=again)
            contents = saying.contents_of(concern_id, said, given.by)
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
        contents = saying.by_of(concern_id, attachment_id, given.by, given.reason)
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
