"""``/v1/requests``: asking another agency what it holds, and answering."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import shares_pb2 as shares
from concern_relay.v1.facts_pb2 import Note, Part
from services.chassis.codes import number_of
from services.chassis.event import Refused, derived_id
from services.routing.afterwards import answers
from services.routing.afterwards.acting import Afterwards, content, message_of, said_by
from services.routing.afterwards.edge import PAGE_MAX, Anybody, Limit, Practice, opened, who
from services.routing.afterwards.edge import answer as row_answer
from services.routing.answers import NamedBody
from services.routing.core.requests import purpose_part


def request_routes(after: Afterwards) -> APIRouter:  # noqa: C901  (a list of routes)
    """Give the routes of requests for information."""
    routes = APIRouter(prefix="/v1/requests", tags=["requests for information"])

    @routes.get("", summary="What your agency was asked, and what it asked, open ones first")
    async def list_requests(caller: Anybody, test: Practice = False, limit: Limit = PAGE_MAX) -> answers.RequestList:
        rows = await after.found.requests(caller.agency_id, test=test, limit=limit)
        return answers.RequestList(requests=[row_answer(answers.RequestAnswer, row) for row in rows])

    @routes.post("", summary="Ask another agency what it holds: purpose and power stated, band red, amber or green")
    async def ask(body: answers.AskBody, caller: Anybody) -> answers.RequestAnswer:
        concern_id = str(body.concern_id)
        if not await after.found.shares_of(body.concern_id, ""):
            raise Refused(404, "unknown_concern", "there is no such concern of yours")
        said = [body.to_agency_id, body.band.value, body.purpose, body.question, body.name, body.role]
        mark = after.journal.desk.act_digest(Note(text="\n".join(said)), ()).hex()
        request_id = derived_id(concern_id, "request", caller.agency_id, body.to_agency_id, mark)
        data = shares.InformationRequested(
            concern_id=concern_id,
            request_id=request_id,
            agency_id=caller.agency_id,
            asked_agency_id=body.to_agency_id,
            band=number_of(codes.RequestBand, body.band.value),
            power=number_of(codes.Gateway, body.power.value) if body.power is not None else None,
        )
        contents = said_by(concern_id, request_id, who(body), body.question)
        if body.purpose:
            purpose = content(concern_id, request_id, "purpose", Part(note=Note(text=body.purpose)))
            assert purpose.part_id == purpose_part(concern_id, request_id)
            contents.append(purpose)
        done = await after.do(data, agency_id=caller.agency_id, about=request_id, contents=contents, act_code="ask")
        returned: Any = message_of(done, "InformationRequestReturned")
        if returned is not None:
            raise Refused(
                422, returned.reason_code, "returned, on record, no clock runs: state the purpose and the power"
            )
        return await _one(UUID(request_id))

    @routes.post("/{request_id}/read", summary="Open what was asked and answered; who looks is recorded")
    async def read(request_id: UUID, body: NamedBody, caller: Anybody) -> answers.Opened:
        row = await after.row("information_request", request_id, "unknown_request")
        asked = row["asked_agency_id"] if row["state"] != "returned" else ""
        if caller.agency_id not in {row["agency_id"], asked}:
            raise Refused(403, "not_asked", "this request is between two other agencies")
        return await opened(after, row, who(body), caller, "request")

    @routes.post("/{request_id}/answer", summary="Answer: what is held, why it is not given, or that nothing is held")
    async def answer(request_id: UUID, body: answers.AnswerBody, caller: Anybody) -> answers.RequestAnswer:
        row = await after.row("information_request", request_id, "unknown_request")
        concern_id, about = str(row["concern_id"]), str(request_id)
        ids: dict[str, Any] = {"concern_id": concern_id, "request_id": about, "asked_agency_id": caller.agency_id}
        data: Any = shares.NothingHeld(**ids)
        if body.answer == "provided":
            data = shares.InformationProvided(**ids)
        elif body.answer == "refused":
            reason = number_of(codes.RequestRefusal, body.reason.value) if body.reason is not None else None
            data = shares.InformationRefused(**ids, reason=reason)
        said = said_by(concern_id, about, who(body), body.words)
        await after.do(data, agency_id=caller.agency_id, about=about, contents=said, act_code="answer_request")
        return await _one(request_id)

    async def _one(key: UUID) -> answers.RequestAnswer:
        return row_answer(answers.RequestAnswer, await after.row("information_request", key, "unknown_request"))

    return routes
