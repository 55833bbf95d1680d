"""``/v1/inbox/{share}/attachments``: what was released to an agency, and its bytes, for a named person."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from concern_relay.v1.codes_pb2 import AttachmentKind
from concern_relay.v1.facts_pb2 import NamedPerson
from concern_relay.v1.shares_pb2 import AttachmentFetched
from services.chassis.auth import Caller, require
from services.chassis.codes import word_of
from services.chassis.edge import Large
from services.chassis.event import Refused
from services.chassis.log import Log
from services.chassis.objects import ObjectBroken, ObjectMissing, StoreAway
from services.chassis.problems import problem
from services.routing.acting import Acting, ids_of
from services.routing.answers import NamedBody
from services.routing.attachments.fetching import Fetching, Line

BINARY: Final = "application/octet-stream"
FETCH_DEADLINE_S: Final = 300.0
"""For the bytes of one file to go: 20 MB at half a megabit a second."""
FETCH: Final = Large("POST", re.compile("/v1/inbox/[^/]+/attachments/[^/]+/fetch"), 1024 * 1024, FETCH_DEADLINE_S)
log = Log(__name__)
Recipient = Annotated[Caller, Depends(require("inbox"))]
_ENDINGS: Final = {
    "application/pdf": "pdf",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/heic": "heic",
    "image/webp": "webp",
    "image/tiff": "tiff",
}


class AttachmentLine(BaseModel):
    """One line of the manifest. What was not released to your agency does not stand here."""

    attachment_id: str
    kind: str
    media_type: str
    length: int = Field(description="Bytes.")
    sha256: str
    state: str = Field(description="cleared: a scan found nothing against it; not_scanned: nobody scanned it.")
    item_part_id: str = Field(description="The part of the share it belongs to; empty: the whole.")
    opens: bool = Field(description="False once it was erased, or its consent withdrawn.")


class ManifestAnswer(BaseModel):
    """What was released to your agency with this share."""

    attachments: list[AttachmentLine]


def attachment_routes(acting: Acting, fetching: Fetching) -> APIRouter:
    """Give the routes."""
    routes = APIRouter(prefix="/v1/inbox/{share_id}/attachments", tags=["attachments"])

    @routes.get("", summary="The files released to your agency with a share")
    async def manifest(share_id: UUID, caller: Recipient) -> ManifestAnswer:
        row = await acting.own(share_id, caller, "list_attachments")
        return ManifestAnswer(attachments=[line_answer(line) for line in await fetching.manifest(row)])

    @routes.post(
        "/{attachment_id}/fetch",
        summary="Fetch the bytes of one, as a named person; that it was fetched, and by whom, is recorded first",
        response_class=StreamingResponse,
        responses={
            200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
            410: {"description": "Erased or suspended.", "content": {"application/problem+json": {}}},
        },
    )
    async def fetch(share_id: UUID, attachment_id: UUID, body: NamedBody, caller: Recipient) -> StreamingResponse:
        row = await acting.own(share_id, caller, "fetch_attachment")
        if row["recalled_at"] is not None:
            raise Refused(410, "recalled", "this share was called back; erase what you hold, and answer the erasure")
        line, key = await fetching.one(row, str(attachment_id))
        pieces = fetching.bytes_of(line, key)
        first = await _first(pieces)
        data = AttachmentFetched(**ids_of(row), attachment_id=str(attachment_id))
        await acting.fetched(row, data, NamedPerson(name=body.name, role=body.role))
        return StreamingResponse(_all(first, pieces), headers=_headers(line), media_type=_media_type(line))

    return routes


async def _first(pieces: AsyncIterator[bytes]) -> bytes:
    """Give the first piece: that there are bytes, and that they open, is known before anything is recorded.

    Raises:
        Problem: 410, 503.
    """
    try:
        return await anext(pieces, b"")
    except (ObjectMissing, ObjectBroken) as error:
        log.error("the bytes of an attachment do not open", error=type(error).__name__)  # noqa: TRY400
        raise problem(410, "content_gone", "the bytes of this attachment are gone; ask the sender") from None
    except StoreAway as error:
        raise problem(503, "store_away", str(error), headers={"Retry-After": "5"}) from None


async def _all(first: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in pieces:
        yield piece


def _media_type(line: Line) -> str:
    """Give its type; one that is not known here is bytes."""
    return line.said.media_type if line.said is not None and line.said.media_type in _ENDINGS else BINARY


def _headers(line: Line) -> dict[str, str]:
    assert line.said is not None
    ending = _ENDINGS.get(line.said.media_type, "bin")
    digest = base64.b64encode(line.said.sha256).decode()
    return {
        "Content-Length": str(line.said.length),
        "Content-Disposition": f'attachment; filename="{line.attached.attachment_id}.{ending}"',
        "Repr-Digest": f"sha-256=:{digest}:",  # RFC 9530
    }


def line_answer(line: Line) -> AttachmentLine:
    """Give a line of the manifest in words."""
    said = line.said
    return AttachmentLine(
        attachment_id=line.attached.attachment_id,
        kind=word_of(AttachmentKind, said.kind) if said else "",
        media_type=said.media_type if said else "",
        length=said.length if said else 0,
        sha256=said.sha256.hex() if said else "",
        state=line.attached.word,
        item_part_id=line.attached.item_part_id,
        opens=said is not None,
    )
