"""``/v1/decisions``: what waits for a named person, with what led to it; and what they decide."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from concern_relay.v1.assessments_pb2 import DecisionRecorded, DecisionRequested
from concern_relay.v1.codes_pb2 import DeciderRole, Outcome
from concern_relay.v1.facts_pb2 import NamedPerson, Note, Part
from services.basis_assessment.decision_answer import in_full, listed
from services.basis_assessment.rooms import Rooms
from services.basis_assessment.store import Waiting
from services.chassis.auth import Caller, require
from services.chassis.codes import number_of
from services.chassis.event import Content, KeyScope, Refused, derived_id
from services.chassis.problems import problem

NAME_CHARS_MAX: Final = 200
NOTE_CHARS_MAX: Final = 5_000
CODE: Final = r"^[a-z0-9_]*$"

Decider = Annotated[Caller, Depends(require("decide"))]
Practice = Annotated[bool, Query(description="Those of practice concerns instead of real ones.")]
Looker = Annotated[Caller, Depends(require("decide", "audit", "operate"))]


class DecidedBy(BaseModel):
    """The named person who decides."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=NAME_CHARS_MAX)
    role: str = Field(description="a code of DeciderRole, as social_work_manager", max_length=80)


class DecisionBody(BaseModel):
    """A decision."""

    model_config = ConfigDict(extra="forbid")

    outcome: str = Field(description="a code of Outcome, as share_power", max_length=80)
    decided_by: DecidedBy
    reason_code: str = Field(default="", pattern=CODE, max_length=80)
    note: str = Field(default="", max_length=NOTE_CHARS_MAX)
    review_on: str = Field(
        default="", pattern=r"^(\d{4}-\d{2}-\d{2})?$", description="YYYY-MM-DD; required not to share"
    )


def decision_routes(rooms: Rooms) -> APIRouter:
    """Give the routes."""
    routes = APIRouter(tags=["decisions"])

    @routes.get("/v1/decisions", summary="What waits for a person of your agency")
    async def list_decisions(caller: Decider, test: Practice = False) -> dict[str, Any]:
        waiting = await rooms.decisions.waiting(rooms.answers_for(caller.agency_id), test=test)
        return {"decisions": [listed(each, rooms.pack) for each in waiting]}

    @routes.get("/v1/decisions/{decision_id}", summary="A decision with what led to it, and who may answer")
    async def show_decision(decision_id: UUID, caller: Looker) -> dict[str, Any]:
        waiting = await rooms.decisions.one(decision_id)
        # of what another agency was asked not even the existence is said
        if waiting is None or not _concerns(rooms, waiting, caller):
            raise problem(
                404, "no_such_decision", "no decision of that id waits for your agency; see GET /v1/decisions"
            )
        found = await rooms.decisions.assessed(UUID(waiting.decision.concern_id))
        assessed = found.assessed if found is not None else None
        return in_full(waiting, assessed, rooms.laws, rooms.arrangement, rooms.clock.now())

    @routes.post("/v1/decisions/{decision_id}", summary="Record a decision under a name")
    async def record_decision(decision_id: UUID, body: DecisionBody, caller: Decider) -> dict[str, Any]:
        waiting = await rooms.decisions.one(decision_id)
        if waiting is None:
            raise Refused(404, "no_such_decision", "no decision of that id was asked for; look at GET /v1/decisions")
        await _record(rooms, waiting.decision, body, caller)
        found = await rooms.decisions.one(decision_id)
        return listed(found or waiting, rooms.pack)

    return routes


def _concerns(rooms: Rooms, waiting: Waiting, caller: Caller) -> bool:
    asked = {waiting.decision.agency_id, *([waiting.escalated.agency_id] if waiting.escalated else [])}
    return bool(caller.scopes & {"audit", "operate"} or asked & rooms.answers_for(caller.agency_id))


async def _record(rooms: Rooms, asked: DecisionRequested, body: DecisionBody, caller: Caller) -> None:
    try:
        outcome, role = number_of(Outcome, body.outcome), number_of(DeciderRole, body.decided_by.role)
    except ValueError as error:
        raise problem(422, "unknown_code", str(error)) from error
    data = DecisionRecorded(
        concern_id=asked.concern_id,
        decision_id=asked.decision_id,
        outcome=outcome,
        reason_code=body.reason_code,
        role=role,
        review_on=body.review_on,
        agency_id=caller.agency_id,
        recipient_class=asked.recipient_class,
        part_ids=asked.part_ids,
    )
    scope = KeyScope(asked.concern_id)
    who = Part(named_person=NamedPerson(name=body.decided_by.name, role=body.decided_by.role))
    contents = [Content(derived_id(asked.concern_id, "decider", asked.decision_id), scope, who)]
    if body.note:
        note = derived_id(asked.concern_id, "decision_note", asked.decision_id)
        contents.append(Content(note, scope, Part(note=Note(text=body.note))))
    # a keyed digest of all that was said: the same again is the same act, another decision is another
    key = f"{asked.decision_id}/{rooms.journal.desk.act_digest(data, contents).hex()}"
    await rooms.journal.act(asked.concern_id, data, agency_id=caller.agency_id, key=key, contents=contents)
