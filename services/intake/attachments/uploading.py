"""The bytes of an attachment: measured, recognised and sealed as they come, in constant memory; whole or not at all."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

import puremagic

from concern_relay.v1.concerns_pb2 import AttachmentStored
from concern_relay.v1.facts_pb2 import Attachment, Part
from services.chassis.errors import IdConflict
from services.chassis.event import Refused
from services.chassis.objects import Objects, new_object_id, sealed_pieces
from services.chassis.problems import problem
from services.chassis.sealing import Key
from services.intake.attachments.declaring import Attaching
from services.intake.attachments.question import Guidance
from services.intake.attachments.table import AttachmentTable
from services.intake.content import scope_of
from services.intake.core.attachments import Held, Stands

HEAD_BYTES: Final = 4096
"""As much of the beginning as the type is recognised by."""


@dataclass(frozen=True)
class Uploading:
    """Takes bytes.

    Attributes:
        attaching: declares; knows what is expected.
        objects: where sealed bytes lie.
        guidance: which kinds of file are taken.
        table: what is awaited.
        scan_expected: a scan is set up here.
    """

    attaching: Attaching
    objects: Objects
    guidance: Guidance
    table: AttachmentTable
    scan_expected: bool = False

    async def take(self, agency_id: str, concern_id: str, attachment_id: str, chunks: AsyncIterator[bytes]) -> bool:
        """Take the bytes of a declared attachment; give whether they were here already.

        Raises:
            Refused: 404 it was not declared; 409 its time is over, or it was refused.
            Problem: 413, 415, 422 the bytes are not those that were declared.
        """
        held = await self.attaching.held(agency_id, concern_id, attachment_id)
        said = _expected(held)
        measured = Measured(said, self.guidance)
        if held.here:
            async for _ in measured.through(chunks):
                pass
            return True
        scope = scope_of(concern_id, Part(attachment=said))
        key = (await self.attaching.acceptance.keys.issue([scope])).get(scope)
        if key is None:
            raise Refused(409, "erased_or_suspended", "What this belongs to was erased, or its consent was withdrawn.")
        object_id = new_object_id()
        await self.objects.put(object_id, sealed_pieces(key, object_id, measured.through(chunks)))
        return await self._stored(held, agency_id, concern_id, object_id, key)

    async def _stored(self, held: Held, agency_id: str, concern_id: str, object_id: str, key: Key) -> bool:
        """Record that they are here; of two that came at once the first counts, and the other's bytes are removed."""
        assert held.declared is not None
        data = AttachmentStored(
            concern_id=concern_id,
            agency_id=agency_id,
            attachment_id=held.declared.attachment_id,
            object_id=object_id,
            key_id=key.key_id,
            scan_expected=self.scan_expected,
        )
        act_key = f"{data.attachment_id}/{held.times}"
        try:
            recorded = await self.attaching.acceptance.journal.act(concern_id, data, agency_id=agency_id, key=act_key)
        except IdConflict:
            await self.objects.remove(object_id)
            return True
        except Refused:
            await self.objects.remove(object_id)
            raise
        if not recorded.events:
            await self.objects.remove(object_id)
        return not recorded.events


def _expected(held: Held) -> Attachment:
    if held.stands is Stands.REFUSED:
        raise Refused(409, "attachment_refused", "This was refused, and no bytes of it are taken.")
    if held.stands is Stands.EXPIRED:
        raise Refused(409, "attachment_not_open", "The time for its bytes is over. Declare it again.")
    if held.said is None:
        raise Refused(409, "erased_or_suspended", "What this belongs to was erased, or its consent was withdrawn.")
    return held.said


@dataclass
class Measured:
    """Lets bytes through that are those declared; raises as soon as they cannot be."""

    said: Attachment
    guidance: Guidance
    _length: int = 0
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    async def through(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Give the bytes on.

        Raises:
            Problem: 413 longer than declared; 415 another kind of file; 422 shorter, or other bytes.
        """
        head = bytearray()
        recognised = False
        async for chunk in chunks:
            self._length += len(chunk)
            if self._length > self.said.length:
                raise problem(413, "longer_than_declared", "more bytes came than were declared: declare it again")
            self._digest.update(chunk)
            if not recognised:
                head += chunk
                if len(head) < min(HEAD_BYTES, self.said.length):
                    continue
                self._recognise(bytes(head[:HEAD_BYTES]))
                recognised, chunk = True, bytes(head)  # noqa: PLW2901  (what was held back goes first)
                head.clear()
            yield chunk
        if self._length != self.said.length:
            raise problem(422, "shorter_than_declared", "fewer bytes came than were declared: was it cut short? Again")
        if not hmac.compare_digest(self._digest.digest(), self.said.sha256):
            raise problem(422, "digest_differs", "these are not the bytes that were declared: send those, or declare")

    def _recognise(self, head: bytes) -> None:
        wanted = self.guidance.media_types.get(self.said.media_type, frozenset())
        if not wanted & recognised_as(head):
            raise problem(
                415,
                "type_differs",
                "the bytes are not of the type that was declared, or of none that is taken here: declare what they "
                "are; save documents as PDF",
                media_types=sorted(self.guidance.media_types),
            )


def recognised_as(head: bytes) -> frozenset[str]:
    """Give the media types that a beginning is recognised as; the surest ones alone."""
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return frozenset()
    surest = max(match.confidence for match in found)
    return frozenset(match.mime_type for match in found if match.mime_type and match.confidence == surest)
