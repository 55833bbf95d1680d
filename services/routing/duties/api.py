"""``/v1/duties``: what an agency has to do by a time beside acknowledging; a named person says that it was done."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, Query
from pydantic import Field

from concern_relay.v1.shares_pb2 import DutyDone
from services.chassis.auth import Caller, require
from services.chassis.problems import problem
from services.routing.afterwards.acting import Afterwards, said_by
from services.routing.afterwards.edge import PAGE_MAX, Anybody, Limit, who
from services.routing.answers import NamedBody, Reason
from services.routing.duties.answers import Duties, DutyAnswer, DutyList

OPERATE: Final = "operate"
AnybodyOrOperator = Annotated[Caller, Depends(require("inbox", "raise", OPERATE))]


class DoneBody(NamedBody):
    """Who did it, and in which words."""

    words: Reason = Field(default="", description="In words; sealed.")


def duty_routes(after: Afterwards, duties: Duties) -> APIRouter:
    """Give the routes."""
    routes = APIRouter(prefix="/v1/duties", tags=["duties"])

    @routes.get("", summary="What your agency has to do by a time, the earliest first; everybody's for an operator")
    async def list_duties(
        caller: AnybodyOrOperator,
        state: Annotated[str, Query(pattern="^(running|done)$", description="Overdue ones are running.")] | None = None,
        concern_id: UUID | None = None,
        test: Annotated[bool, Query(description="Practice duties instead of real ones.")] = False,
        limit: Limit = PAGE_MAX,
    ) -> DutyList:
        whose = "" if OPERATE in caller.scopes else caller.agency_id
        found = await duties.of(whose, test=test, state=state or "", concern_id=concern_id, limit=limit)
        return DutyList(duties=found, as_of=duties.clock.now())

    @routes.get("/{duty_id}", summary="One duty of your agency: what, by when, and what asks for it")
    async def one_duty(duty_id: UUID, caller: Anybody) -> DutyAnswer:
        found = await duties.one(duty_id, caller.agency_id)
        if found is None:
            raise problem(404, "unknown_duty", "no duty of your agency has that id; list /v1/duties")
        return found

    @routes.post("/{duty_id}/done", summary="Say, as a named person, that it was done; the next one may follow")
    async def done(duty_id: UUID, body: DoneBody, caller: Anybody) -> DutyAnswer:
        row = await after.row("duty", duty_id, "unknown_duty")
        concern_id, about = str(row["concern_id"]), str(duty_id)
        agency_id = await _acting_for(row, caller)
        data = DutyDone(concern_id=concern_id, duty_id=about, agency_id=agency_id)
        said = said_by(concern_id, about, who(body), body.words)
        await after.do(data, agency_id=agency_id, about=about, contents=said, act_code="duty_done")
        return duties.answer(await after.row("duty", duty_id, "unknown_duty"))

    async def _acting_for(row: asyncpg.Record, caller: Caller) -> str:
        """Give whose act it is: the caller's, or of an agency off the network, for which the sender records it."""
        if not duties.reached_by_hand(row):
            return caller.agency_id
        shares = await after.found.shares_of(row["concern_id"], row["agency_id"])
        brings = OPERATE in caller.scopes or any(share["sender_agency_id"] == caller.agency_id for share in shares)
        return str(row["agency_id"]) if brings else caller.agency_id

    return routes
