"""``/v1/recalls``, ``/v1/breaches``, ``/v1/erasures``: putting right what should not have been sent.

An agency sees what is its own: what it was asked to erase, what it owns.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import shares_pb2 as shares
from concern_relay.v1.facts_pb2 import NamedPerson, Part
from services.chassis.auth import Caller
from services.chassis.codes import number_of
from services.chassis.event import Refused
from services.routing.afterwards import answers
from services.routing.afterwards.acting import Afterwards, content, message_of, said_by
from services.routing.afterwards.edge import PAGE_MAX, Anybody, Limit, Practice, Sender, saying, who
from services.routing.afterwards.edge import answer as row_answer


def recall_routes(after: Afterwards) -> APIRouter:  # noqa: C901  (a list of routes)
    """Give the routes of recalls and of the breaches they are."""
    routes = APIRouter(prefix="/v1", tags=["recalls and breaches"])

    @routes.post("/recalls", summary="Call back what an agency was told by mistake; whom it was meant for is served")
    async def recall(body: answers.RecallBody, caller: Sender) -> answers.RecallAnswer:
        concern_id = str(body.concern_id)
        rows = [
            r for r in await after.found.shares_of(body.concern_id, body.recipient_agency_id) if r["state"] != "blocked"
        ]
        if not rows:
            raise Refused(404, "unknown_share", "nothing of that concern went to that agency")
        recalled: list[UUID] = []
        replaced: list[UUID] = []
        correct = body.correct_agency_id
        for row in reversed(rows):
            share_id = str(row["share_id"])
            data = shares.ShareRecalled(
                concern_id=concern_id,
                share_id=share_id,
                recipient_agency_id=row["agency_id"],
                agency_id=caller.agency_id,
                reason=number_of(codes.RecallReason, body.reason.value),
                correct_agency_id=correct,
                hidden_address=body.hidden_address,
            )
            said = said_by(concern_id, share_id, who(body), body.words)
            done = await after.do(data, agency_id=caller.agency_id, about=share_id, contents=said, act_code="recall")
            if message_of(done, "ShareRecalled") is not None:
                recalled.append(row["share_id"])
            planned: Any = message_of(done, "SharePlanned")
            replaced += [UUID(planned.share_id)] if planned is not None else []
        breaches = [
            row_answer(answers.BreachAnswer, row)
            for row in await after.found.breaches(caller.agency_id, test=rows[0]["test"], limit=PAGE_MAX)
            if row["share_id"] in {r["share_id"] for r in rows}
        ]
        return answers.RecallAnswer(share_ids=recalled, breaches=breaches, replaced_by=replaced)

    @routes.get("/breaches", summary="Breaches of your agency as the controller, open ones first")
    async def list_breaches(caller: Anybody, test: Practice = False, limit: Limit = PAGE_MAX) -> answers.BreachList:
        rows = await after.found.breaches(caller.agency_id, test=test, limit=limit)
        return answers.BreachList(breaches=[row_answer(answers.BreachAnswer, row) for row in rows])

    async def _breach(breach_id: UUID, caller: Caller, kind: Any, said: Any, code: str) -> answers.BreachAnswer:
        row = await after.row("breach", breach_id, "unknown_breach")
        concern_id = str(row["concern_id"])
        data = kind(concern_id=concern_id, breach_id=str(breach_id), controller_agency_id=caller.agency_id)
        about = str(breach_id)
        contents = said(concern_id, about)
        await after.do(data, agency_id=caller.agency_id, about=about, contents=contents, act_code=code)
        return row_answer(answers.BreachAnswer, await after.row("breach", breach_id, "unknown_breach"))

    @routes.post("/breaches/{breach_id}/safety-call", summary="Record the safety call, before any form")
    async def call(breach_id: UUID, body: answers.CallBody, caller: Anybody) -> answers.BreachAnswer:
        told = NamedPerson(name=body.told_name, role=body.told_role)

        def said(concern_id: str, about: str) -> Any:
            return [
                *said_by(concern_id, about, who(body), body.words),
                content(concern_id, about, "told", Part(named_person=told)),
            ]

        return await _breach(breach_id, caller, shares.SafetyCallMade, said, "safety_call")

    @routes.post("/breaches/{breach_id}/reported", summary="Record that the Commissioner was told")
    async def reported(breach_id: UUID, body: answers.WordsBody, caller: Anybody) -> answers.BreachAnswer:
        return await _breach(breach_id, caller, shares.BreachReported, saying(body, body.words), "report_breach")

    @routes.post("/breaches/{breach_id}/not-reportable", summary="Record who decided that it need not be, and why")
    async def not_reportable(breach_id: UUID, body: answers.WordsBody, caller: Anybody) -> answers.BreachAnswer:
        said = saying(body, body.words)
        return await _breach(breach_id, caller, shares.BreachNotReportable, said, "decide_breach")

    return routes


def erasure_routes(after: Afterwards) -> APIRouter:
    """Give the routes of erasures."""
    routes = APIRouter(prefix="/v1/erasures", tags=["erasures"])

    @routes.get("", summary="What your agency was asked to erase, and what is asked of others for your concerns")
    async def list_erasures(caller: Anybody, test: Practice = False, limit: Limit = PAGE_MAX) -> answers.ErasureList:
        rows = await after.found.erasures(caller.agency_id, test=test, limit=limit)
        return answers.ErasureList(erasures=[row_answer(answers.ErasureAnswer, row) for row in rows])

    async def _answered(erasure_id: UUID, caller: Caller, kind: Any, said: Any, **fields: Any) -> answers.ErasureAnswer:
        row = await after.row("erasure", erasure_id, "unknown_erasure")
        concern_id, about = str(row["concern_id"]), str(erasure_id)
        data = kind(
            concern_id=concern_id,
            erasure_id=about,
            share_id=row["share_id"],
            recipient_agency_id=caller.agency_id,
            **fields,
        )
        contents = said(concern_id, about)
        await after.do(data, agency_id=caller.agency_id, about=about, contents=contents, act_code="answer_erasure")
        return row_answer(answers.ErasureAnswer, await after.row("erasure", erasure_id, "unknown_erasure"))

    @routes.post("/{erasure_id}/confirm", summary="Confirm, as a named person, that it is erased")
    async def confirm(erasure_id: UUID, body: answers.ConfirmBody, caller: Anybody) -> answers.ErasureAnswer:
        return await _answered(erasure_id, caller, shares.ErasureConfirmed, saying(body, body.words))

    @routes.post("/{erasure_id}/decline", summary="Say on which ground of your own it is kept, and who decided")
    async def decline(erasure_id: UUID, body: answers.DeclineBody, caller: Anybody) -> answers.ErasureAnswer:
        ground = number_of(codes.ErasureGround, body.ground.value if body.ground is not None else "")
        return await _answered(erasure_id, caller, shares.ErasureDeclined, saying(body, body.words), ground=ground)

    return routes
