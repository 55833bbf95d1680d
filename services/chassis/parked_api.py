"""``/v1/parked`` of every service that parks."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.chassis.auth import Caller, require
from services.chassis.event import Refused
from services.chassis.parked import ParkedRecords

Operator = Annotated[Caller, Depends(require("operate"))]


class Discard(BaseModel):
    """Why a record is given up."""

    reason: str = Field(min_length=3, max_length=500)


def parked_routes(parked: ParkedRecords) -> APIRouter:
    """Give the routes."""
    routes = APIRouter(prefix="/v1/parked", tags=["parked"])

    @routes.get("", summary="Parked records: pointers and reasons, never content")
    async def list_parked(caller: Operator, state: str = "parked") -> dict[str, Any]:
        del caller
        return {"parked": [p.as_json() for p in await parked.list(state=state)]}

    @routes.get("/{parked_id}", summary="One parked record")
    async def show_parked(parked_id: UUID, caller: Operator) -> dict[str, Any]:
        del caller
        return (await parked.show(parked_id)).as_json()

    @routes.post("/{parked_id}/replay", summary="Take it, and what waits behind it, again")
    async def replay_parked(parked_id: UUID, caller: Operator) -> dict[str, Any]:
        taken = await parked.replay(parked_id, by=caller.subject)
        return {"taken": taken, **(await parked.show(parked_id)).as_json()}

    @routes.post("/{parked_id}/discard", summary="Give it up, on the record")
    async def discard_parked(
        parked_id: UUID,
        body: Discard,
        caller: Annotated[Caller, Depends(require("operate", "raise"))],
    ) -> dict[str, Any]:
        await parked.show(parked_id)
        # practice 1: a concern is never given up by an operator, only by a practitioner of the agency that sent it
        sender = await parked.sender_of(parked_id)
        if sender is not None and not ("raise" in caller.scopes and sender in {"", caller.agency_id}):
            raise Refused(403, "sender_decides", "only a practitioner of the sending agency may give up a concern")
        if sender is None and "operate" not in caller.scopes:
            raise Refused(403, "operator_decides", "this is no concern of an agency; an operator gives it up")
        await parked.discard(parked_id, by=caller.subject, reason=body.reason)
        return (await parked.show(parked_id)).as_json()

    return routes
