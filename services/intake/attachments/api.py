"""``/v1/concerns/{id}/attachments``: declare with an answer to the question, upload, release, see where each stands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID
from weakref import WeakValueDictionary

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from concern_relay.v1 import codes_pb2 as codes
from services.chassis.auth import Caller
from services.chassis.codes import word_of
from services.chassis.event import Refused
from services.chassis.objects import StoreAway
from services.chassis.problems import problem
from services.intake.acceptance import Sender
from services.intake.attachments.question import Guidance
from services.intake.attachments.sent import ANSWERS, Declaration, Release
from services.intake.attachments.uploading import Uploading
from services.intake.core.attachments import Held, Stands
from services.intake.documented import PROBLEMS, body_of
from services.intake.door import Door, said_of
from services.intake.errors import Malformed
from services.intake.limits import Lane
from services.intake.limits.allowance import Attached
from services.intake.reading import read_as, read_json

_WHO: Final = {"name": "Asha Example", "role": "designated safeguarding lead"}
_DECLARED: Final = {
    "child_image": "no",
    "kind": "body_map",
    "name": "body-map.pdf",
    "media_type": "application/pdf",
    "length": 48213,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "item": "seen",
    "by": _WHO,
}
_RELEASED: Final = {"to_class": "police", "reason": "The marks are needed for the medical.", "by": _WHO}
BYTES: Final = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class ReleaseAnswer(BaseModel):
    """To whom it was released."""

    to: str = ""
    to_class: str = ""


class AttachmentAnswer(BaseModel):
    """Where an attachment stands for the agency that attached it."""

    attachment_id: str
    state: Stands
    kind: str
    name: str
    media_type: str
    length: int
    sha256: str
    description: str
    item_id: str = Field(description="The item it belongs to; empty: the concern as a whole.")
    upload_url: str = Field(description="PUT its bytes here; empty where none are expected.")
    upload_by: datetime | None
    reason: str = Field(description="Why it was refused.")
    released: list[ReleaseAnswer]
    fetched: list[datetime] = Field(
        default=[], description="A receipt for each time a person it was released to fetched it; who is not said."
    )
    opens: bool = Field(description="False once what it belongs to was erased, or its consent withdrawn.")
    repeated: bool = False


class AttachmentsAnswer(BaseModel):
    """Every attachment of a concern."""

    concern_id: str
    attachments: list[AttachmentAnswer]


class QuestionAnswer(BaseModel):
    """What is asked before any upload, and what is taken."""

    question: str
    not_asked_by_looking: str
    answers: list[str]
    instead: list[dict[str, Any]] = Field(description="What to do where the answer is not no.")
    media_types: list[str]
    bytes_max: int
    per_concern: int


def attachment_routes(door: Door, uploading: Uploading, limits: Attached) -> APIRouter:
    """Give the routes."""
    routes = APIRouter(prefix="/v1", tags=["attachments"])
    raiser = Depends(door.suppliers.caller("raise"))
    attaching = uploading.attaching
    under = "/concerns/{concern_id}/attachments"
    turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @routes.get("/attachment-question", summary="What is asked before any upload; needs no token")
    async def question() -> QuestionAnswer:
        return _question(uploading.guidance, limits)

    @routes.post(
        under,
        status_code=202,
        summary="Declare an attachment, with the answer to the question",
        description="Nothing is uploaded before the question is answered. Where the answer is not no, the answer is "
        "recorded, no bytes are taken, and the problem `image_not_taken` says what to do instead.",
        openapi_extra=body_of(Declaration, dict(_DECLARED)),
        responses=PROBLEMS,
    )
    async def declare(
        request: Request, response: Response, concern_id: UUID, caller: Caller = raiser
    ) -> AttachmentAnswer:
        given: Declaration = await _read(door, request, caller, Declaration)
        async with turns.setdefault(caller.agency_id, asyncio.Lock()):  # counted and declared, with no other between
            await _room(uploading, limits, caller, str(concern_id), given)
            attachment_id, known = await attaching.declare(_sender(caller), str(concern_id), given)
        if given.child_image != "no":
            raise problem(
                422,
                "image_not_taken",
                "no image of this kind is uploaded. Your answer is recorded. Do what stands under instead",
                instead=uploading.guidance.advice,
                attachment_id=attachment_id,
            )
        held = await attaching.held(caller.agency_id, str(concern_id), attachment_id)
        response.headers["Location"] = f"/v1/concerns/{concern_id}/attachments/{attachment_id}"
        return _answer(str(concern_id), attachment_id, held, repeated=known)

    @routes.get(under, summary="Attachments of your concern, and where each stands", responses=PROBLEMS)
    async def list_attachments(concern_id: UUID, caller: Caller = raiser) -> AttachmentsAnswer:
        state = await attaching.state(caller.agency_id, str(concern_id))
        found = [_answer(str(concern_id), one, held) for one, held in state.attachments.held.items()]
        return AttachmentsAnswer(concern_id=str(concern_id), attachments=found)

    @routes.get(under + "/{attachment_id}", summary="Where one stands", responses=PROBLEMS)
    async def show(concern_id: UUID, attachment_id: UUID, caller: Caller = raiser) -> AttachmentAnswer:
        held = await attaching.held(caller.agency_id, str(concern_id), str(attachment_id))
        return _answer(str(concern_id), str(attachment_id), held)

    @routes.put(
        under + "/{attachment_id}/bytes",
        status_code=202,
        summary="Upload its bytes, as they were declared",
        description="Answered once they lie sealed in the store, whole. In quarantine nobody reads them but the scan.",
        openapi_extra=BYTES,
        responses=PROBLEMS,
    )
    async def upload(
        request: Request, concern_id: UUID, attachment_id: UUID, caller: Caller = raiser
    ) -> AttachmentAnswer:
        length = _length(request, limits)
        with door.admission.reading(caller.agency_id, length):
            try:
                async with aclosing(_chunks(request)) as chunks:
                    known = await uploading.take(caller.agency_id, str(concern_id), str(attachment_id), chunks)
            except StoreAway as error:
                raise problem(503, "store_away", str(error), headers={"Retry-After": "5"}) from None
        held = await attaching.held(caller.agency_id, str(concern_id), str(attachment_id))
        return _answer(str(concern_id), str(attachment_id), held, repeated=known)

    def release_route(path: str, summary: str, *, back: bool) -> None:
        @routes.post(
            under + "/{attachment_id}" + path, status_code=202, summary=summary, name=path.strip("/"),
            openapi_extra=body_of(Release, dict(_RELEASED)), responses=PROBLEMS,
        )  # fmt: skip
        async def release(
            request: Request, concern_id: UUID, attachment_id: UUID, caller: Caller = raiser
        ) -> AttachmentAnswer:
            given: Release = await _read(door, request, caller, Release)
            known = await attaching.release(_sender(caller), str(concern_id), str(attachment_id), given, back=back)
            held = await attaching.held(caller.agency_id, str(concern_id), str(attachment_id))
            return _answer(str(concern_id), str(attachment_id), held, repeated=known)

    release_route("/releases", "Let a recipient have it, as a named person, with the reason", back=False)
    release_route("/release-withdrawals", "Take a release back; what was fetched stays fetched", back=True)
    return routes


async def _read(door: Door, request: Request, caller: Caller, model: type[Any]) -> Any:
    """Read a body as the other doors do."""
    try:
        body = await door.body(request, caller)
        given, _ = read_as(model, read_json(body))
        async with door.admission.turn(caller.agency_id, Lane.LIVE):
            return given
    except (Malformed, Refused) as error:
        raise said_of(error) from None


async def _room(uploading: Uploading, limits: Attached, caller: Caller, concern_id: str, given: Declaration) -> None:
    """See that there is room for one more, before it is declared.

    Raises:
        Problem: 413, 415, 422, 429.
    """
    if given.child_image != "no":
        return
    if given.scan_again and not uploading.scan_expected:
        raise problem(409, "nothing_scans", "nothing scans files here: who runs the relay has to set up a scan")
    if given.length > limits.bytes_max:
        raise problem(
            413, "too_large", f"a file is at most {limits.bytes_max} bytes: send less", bytes_max=limits.bytes_max
        )
    if given.media_type.lower() not in uploading.guidance.media_types:
        types = sorted(uploading.guidance.media_types)
        raise problem(415, "type_not_taken", "this kind of file is not taken: save documents as PDF", media_types=types)
    state = await uploading.attaching.state(caller.agency_id, concern_id)
    taken = [h for h in state.attachments.held.values() if h.stands not in (Stands.EXPIRED, Stands.REFUSED)]
    same = any(h.said is not None and h.said.sha256.hex() == given.sha256.lower() for h in taken)
    if len(taken) >= limits.per_concern and not same:
        raise problem(422, "too_many", f"a concern has at most {limits.per_concern} attachments: put pages in one PDF")
    if not same and await uploading.table.awaited(caller.agency_id) >= limits.awaited:
        raise problem(
            429,
            "too_many_awaited",
            f"bytes of {limits.awaited} attachments are awaited from your agency: upload those first",
            headers={"Retry-After": "60"},
        )


def _length(request: Request, limits: Attached) -> int:
    """Give how many bytes are said to come."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type.startswith("multipart/"):
        raise problem(415, "not_bytes", "send the bytes themselves, not a form: Content-Type application/octet-stream")
    declared = request.headers.get("content-length", "")
    length = int(declared) if declared.isdecimal() else limits.bytes_max
    if length > limits.bytes_max:
        raise problem(413, "too_large", f"a file is at most {limits.bytes_max} bytes", bytes_max=limits.bytes_max)
    return length


async def _chunks(request: Request) -> AsyncGenerator[bytes]:
    async for chunk in request.stream():
        if chunk:
            yield chunk


def _sender(caller: Caller) -> Sender:
    return Sender(caller.agency_id, caller.on_behalf_by)


def _question(guidance: Guidance, limits: Attached) -> QuestionAnswer:
    return QuestionAnswer(
        question=guidance.question.text,
        not_asked_by_looking=guidance.question.not_asked_by_looking,
        answers=list(ANSWERS),
        instead=guidance.advice,
        media_types=sorted(guidance.media_types),
        bytes_max=limits.bytes_max,
        per_concern=limits.per_concern,
    )


def _answer(concern_id: str, attachment_id: str, held: Held, *, repeated: bool = False) -> AttachmentAnswer:
    said, declared = held.said, held.declared
    awaited = held.stands is Stands.DECLARED and declared is not None
    by = declared.expires_at.ToDatetime(tzinfo=UTC) if awaited and declared is not None else None
    return AttachmentAnswer(
        attachment_id=attachment_id,
        state=held.stands,
        kind=word_of(codes.AttachmentKind, said.kind) if said else "",
        name=said.name if said else "",
        media_type=said.media_type if said else "",
        length=said.length if said else 0,
        sha256=said.sha256.hex() if said else "",
        description=said.description if said else "",
        item_id=said.item_part_id if said else "",
        upload_url=f"/v1/concerns/{concern_id}/attachments/{attachment_id}/bytes" if awaited else "",
        upload_by=by,
        reason=word_of(codes.AttachmentRefusal, held.reason),
        released=[
            ReleaseAnswer(to=agency, to_class=word_of(codes.AgencyClass, number))
            for agency, number in sorted(held.released)
        ],
        fetched=list(held.fetched),
        opens=said is not None,
        repeated=repeated,
    )
