"""``/v1/assessments``: on which basis, as codes, as a page to file, and before anything is sent."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from pydantic import BaseModel, ConfigDict, Field

from concern_relay.v1.assessments_pb2 import BasisAssessed, ExplanationViewed
from concern_relay.v1.codes_pb2 import AgencyClass, Urgency
from concern_relay.v1.facts_pb2 import Part
from services.basis_assessment.core import BasisCore
from services.basis_assessment.filed import Audience, Disclosure, Sent, as_html, as_markdown, disclosure
from services.basis_assessment.preview import preview
from services.basis_assessment.rooms import Rooms
from services.basis_assessment.shares_held import share_of
from services.basis_assessment.store import Assessed
from services.chassis.auth import Caller, require
from services.chassis.codes import number_of, word_of
from services.chassis.problems import problem

PARTS_MAX: Final = 2_000

Sender = Annotated[Caller, Depends(require("raise"))]
Reader = Annotated[Caller, Depends(require("raise", "audit", "operate"))]
Party = Annotated[Caller, Depends(require("raise", "inbox", "audit", "operate"))]
Form = Annotated[str, Query(pattern="^(html|markdown|json)$", description="html, markdown or json")]


class PreviewBody(BaseModel):
    """What would be sent, as intake would make parts of it."""

    model_config = ConfigDict(extra="forbid")

    urgency: str = Field(default="", max_length=40)
    parts: dict[str, dict[str, Any]] = Field(max_length=PARTS_MAX, description="by part id, as protobuf JSON of Part")


def explanation_routes(rooms: Rooms, core: BasisCore, routing_url: str) -> APIRouter:
    """Give the routes.

    Args:
        rooms: what they work with.
        core: for what is not recorded.
        routing_url: where routing answers: it alone knows whose a share is; empty where it does not run.
    """
    routes = APIRouter(prefix="/v1/assessments", tags=["assessments"])

    @routes.post("/preview", summary="What a concern would come to if it were sent now; nothing is kept")
    async def dry_run(body: PreviewBody, caller: Sender) -> dict[str, Any]:
        try:
            urgency = number_of(Urgency, body.urgency) if body.urgency else Urgency.URGENCY_UNSPECIFIED
            parts = {part_id: ParseDict(tree, Part()) for part_id, tree in body.parts.items()}
        except (ValueError, ParseError):
            # never the library's words: they repeat what was sent
            raise problem(422, "not_parts", "urgency or parts are not as Part; use POST /v1/concerns/preview") from None
        return preview(core, caller.agency_id, urgency, parts, rooms.clock.now()).as_dict()

    @routes.get("/{concern_id}", summary="The newest assessment of a concern, in codes")
    async def assessment(concern_id: UUID, caller: Reader) -> dict[str, Any]:
        found = await _own(rooms, concern_id, caller)
        return {
            "concern_id": str(concern_id),
            "event_id": str(found.event_id) if found.event_id else None,
            "recorded": found.recorded.isoformat() if found.recorded else None,
            "assessed": MessageToDict(found.assessed, preserving_proto_field_name=True) if found.assessed else None,
        }

    @routes.get("/{concern_id}/disclosures", summary="The pages there are to file on a concern of yours")
    async def pages(concern_id: UUID, caller: Reader) -> dict[str, Any]:
        found = await _own(rooms, concern_id, caller)
        classes = found.assessed.classes if found.assessed else ()
        base = f"/v1/assessments/{concern_id}/disclosures"
        words = [word_of(AgencyClass, one.recipient_class) for one in classes]
        return {"concern_id": str(concern_id), "pages": [{"class": w, "url": f"{base}/{w}"} for w in words]}

    @routes.get("/{concern_id}/disclosures/{recipient_class}", summary="A page to file; that you looked is recorded")
    async def page(concern_id: UUID, recipient_class: str, caller: Reader, form: Form = "html") -> Response:
        found = await _own(rooms, concern_id, caller)
        audience = Audience.SENDER if found.agency_id == caller.agency_id else Audience.AUDITOR
        wanted = _class(recipient_class)
        made = await _made(rooms, concern_id, found.assessed, wanted, audience=audience)
        await _looked(rooms, concern_id, wanted, caller, audience=audience)
        return _as(made, form)

    @routes.get("/{concern_id}/shares/{share_id}", summary="The page of a share that came to you; looking is recorded")
    async def received(
        concern_id: UUID,
        share_id: UUID,
        caller: Party,
        authorization: Annotated[str, Header(include_in_schema=False)] = "",
        form: Form = "html",
    ) -> Response:
        share = await share_of(routing_url, share_id, authorization)
        found = await rooms.decisions.assessed(concern_id)
        if found is None or share.get("concern_id") != str(concern_id):
            raise problem(404, "unknown_share", "no such share came to your agency")
        sent = Sent(
            str(share_id),
            caller.agency_id,
            delivered=_time(share.get("delivered_at")),
            acknowledged=_time(share.get("acknowledged_at")),
            acknowledge_by=_time(share.get("acknowledge_by")),
            clock=str((share.get("clock") or {}).get("code", "")),
        )
        wanted = _class(str(share.get("recipient_class", "")))
        made = await _made(rooms, concern_id, found.assessed, wanted, audience=Audience.RECIPIENT, sent=sent)
        await _looked(rooms, concern_id, wanted, caller, audience=Audience.RECIPIENT, share_id=str(share_id))
        return _as(made, form)

    return routes


async def _own(rooms: Rooms, concern_id: UUID, caller: Caller) -> Assessed:
    found = await rooms.decisions.assessed(concern_id)
    if found is None or not (caller.scopes & {"audit", "operate"} or found.agency_id == caller.agency_id):
        raise problem(404, "unknown_concern", "there is no such concern of your agency")
    return found


async def _made(
    rooms: Rooms,
    concern_id: UUID,
    assessed: BasisAssessed | None,
    wanted: AgencyClass,
    *,
    audience: Audience,
    sent: Sent | None = None,
) -> Disclosure:
    decisions = await rooms.decisions.of_concern(concern_id)
    asked = [(each.decision, each.recorded) for each in decisions if each.state != "withdrawn"]
    made = (
        disclosure(rooms.laws, rooms.book, assessed, wanted, sent=sent, asked=asked, audience=audience)
        if assessed is not None
        else None
    )
    if made is None:
        raise problem(404, "not_assessed", "no assessment of this concern speaks of that class; see .../disclosures")
    return made


async def _looked(
    rooms: Rooms, concern_id: UUID, wanted: AgencyClass, caller: Caller, *, audience: Audience, share_id: str = ""
) -> None:
    """Put on record who looked. A page nobody can be shown to have looked at is not given."""
    data = ExplanationViewed(
        concern_id=str(concern_id),
        recipient_class=wanted,
        share_id=share_id,
        agency_id=caller.agency_id,
        purpose_code=str(audience),
    )
    key = f"explanation/{wanted}/{share_id}/{caller.agency_id}/{rooms.clock.now():%Y%m%d%H%M%S}"
    await rooms.journal.act(str(concern_id), data, agency_id=caller.agency_id, key=key)


def _class(word: str) -> AgencyClass:
    try:
        found: AgencyClass = number_of(AgencyClass, word)
    except ValueError:
        raise problem(404, "unknown_class", "there is no such class of agency; see .../disclosures") from None
    return found


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None


def _as(made: Disclosure, form: str) -> Response:
    if form == "markdown":
        return Response(as_markdown(made), media_type="text/markdown; charset=utf-8")
    if form == "json":
        return Response(json.dumps(made.as_dict(), default=str), media_type="application/json")
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return Response(as_html(made), media_type="text/html; charset=utf-8", headers={"content-security-policy": policy})
