"""A recipient's attachments: what stands in its manifest, and the bytes, opened as they go out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from concern_relay.v1.facts_pb2 import Attachment, PartKind
from services.chassis import database
from services.chassis.envelope import decode
from services.chassis.event import Refused
from services.chassis.journal import Journal, sealed_parts
from services.chassis.journal.transaction import entry_record
from services.chassis.keys import Keys
from services.chassis.objects import Objects, opened_pieces
from services.chassis.sealing import Key, open_part
from services.routing.core.attachments import Attached, offered

PURPOSE: Final = "read_attachment"
_DECLARED: Final = (
    "SELECT concern_id, topic, headers, value FROM entry WHERE concern_id = $1 AND event_id = ANY($2) ORDER BY seq"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a manifest.

    Attributes:
        attached: as routing knows it.
        said: what it is; None where that does not open any more.
    """

    attached: Attached
    said: Attachment | None


@dataclass(frozen=True, slots=True)
class Fetching:
    """Gives recipients what was released to them."""

    journal: Journal[Any]
    keys: Keys
    objects: Objects

    async def manifest(self, row: asyncpg.Record, *, brought: bool = False) -> tuple[Line, ...]:
        """Give the attachments offered with a share, or with one that a person brings just now; of others, nothing."""
        state, _ = await self.journal.state(str(row["concern_id"]))
        share = state.shares.get(str(row["share_id"]))
        found = () if share is None else offered(state, share, brought=brought)
        if not found:
            return ()
        said = await self._said(row["concern_id"], [UUID(one.event_id) for one in found])
        return tuple(Line(one, said.get(one.attachment_id)) for one in found)

    async def one(self, row: asyncpg.Record, attachment_id: str) -> tuple[Line, Key]:
        """Give one that may be fetched, and the key of its bytes as the vault gives it at this moment.

        Raises:
            Refused: 404 it is not offered; 410 it opens no more.
        """
        line = next((one for one in await self.manifest(row) if one.attached.attachment_id == attachment_id), None)
        if line is None:
            raise Refused(404, "no_such_attachment", "this share has no such attachment; list them to see which")
        key_id = line.attached.key_id
        key = (await self.keys.open({key_id}, purpose=PURPOSE, fresh=True)).get(key_id)
        if key is None or line.said is None:
            raise Refused(410, "content_gone", "this attachment was erased or is suspended; ask the sender")
        return line, key

    def bytes_of(self, line: Line, key: Key) -> AsyncIterator[bytes]:
        """Give the bytes, opened piece by piece.

        Raises:
            ObjectMissing: they are not in the store.
            ObjectBroken: they were altered.
        """
        object_id = line.attached.object_id
        return opened_pieces(key, object_id, self.objects.get(object_id))

    async def _said(self, concern_id: UUID, event_ids: list[UUID]) -> dict[str, Attachment]:
        async with database.borrowed(self.journal.pool) as connection:
            rows = await connection.fetch(_DECLARED, concern_id, event_ids)
        events = [decode(entry_record(row)) for row in rows]
        sealed = [
            (event, part)
            for event in events
            for part in sealed_parts(event.data)
            if part.kind == PartKind.PART_KIND_ATTACHMENT
        ]
        found = await self.keys.open({part.key_id for _, part in sealed}, purpose=PURPOSE)
        opened = [open_part(found[p.key_id], event.id, p).attachment for event, p in sealed if p.key_id in found]
        return {one.attachment_id: one for one in opened}
