"""``/v1/subject-access``: who asked for a copy of what is held, and what a named person decided."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from datetime import UTC
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query
from pydantic import BaseModel, ConfigDict, Field

from concern_relay.v1.assessments_pb2 import (
    SubjectAccessDecided,
    SubjectAccessRefused,
    SubjectAccessRequested,
)
from concern_relay.v1.codes_pb2 import AccessExemption, AccessOutcome, AccessRequester, DeciderRole
from concern_relay.v1.facts_pb2 import NamedPerson, Note, Part
from services.basis_assessment.api import NAME_CHARS_MAX, NOTE_CHARS_MAX, DecidedBy
from services.basis_assessment.rights import Exemption
from services.basis_assessment.rooms import Rooms
from services.basis_assessment.shares_held import holds, no_such_share
from services.basis_assessment.store import AccessAsked
from services.chassis.auth import Caller, require
from services.chassis.codes import number_of, word_of
from services.chassis.event import Content, KeyScope, Refused, derived_id
from services.chassis.log import Log
from services.chassis.problems import problem

PARTS_MAX: Final = 2_000
_LOG = Log(__name__)
Decider = Annotated[Caller, Depends(require("decide"))]


class AskBody(BaseModel):
    """Somebody asked your agency for a copy."""

    model_config = ConfigDict(extra="forbid")

    concern_id: UUID
    share_id: UUID | None = Field(default=None, description="the share by which you hold it; none if you raised it")
    requester: str = Field(description="a code of AccessRequester, as person_of_concern", max_length=80)
    name: str = Field(min_length=1, max_length=NAME_CHARS_MAX, description="who asks; sealed")
    words: str = Field(default="", max_length=NOTE_CHARS_MAX, description="what they asked for; sealed")


class DecideBody(BaseModel):
    """What a named person decided."""

    model_config = ConfigDict(extra="forbid")

    outcome: str = Field(description="give_all, give_part, refuse or neither_confirm_nor_deny", max_length=80)
    decided_by: DecidedBy
    exemptions: list[str] = Field(default=[], max_length=20, description="codes of AccessExemption")
    withheld_part_ids: list[UUID] = Field(default=[], max_length=PARTS_MAX)
    health_opinion: bool = Field(default=False, description="an appropriate health professional gave an opinion")
    reasons: str = Field(default="", max_length=NOTE_CHARS_MAX, description="kept inside; no part of the answer")


def access_routes(rooms: Rooms, exemptions: tuple[Exemption, ...], routing_url: str) -> APIRouter:
    """Give the routes.

    Args:
        rooms: what they work with.
        routing_url: where routing answers: it alone knows whose a share is.
        exemptions: with their tests and citations.
    """
    routes = APIRouter(prefix="/v1/subject-access", tags=["rights"])
    by_code = {one.code: one for one in exemptions}

    @routes.get("", summary="Requests for a copy at your agency, open ones first")
    async def listed(
        caller: Decider,
        test: Annotated[bool, Query(description="Those of practice concerns instead of real ones.")] = False,
    ) -> dict[str, Any]:
        found = await rooms.decisions.access(rooms.answers_for(caller.agency_id), test=test)
        return {"requests": [_shown(one, by_code) for one in found]}

    @routes.get("/exemptions", summary="Exemptions, each with its tests and where it comes from")
    async def tests(caller: Decider) -> dict[str, Any]:
        del caller
        return {"exemptions": [asdict(one) for one in exemptions]}

    @routes.post("", status_code=201, summary="Record that somebody asked for a copy; the month runs")
    async def ask(
        body: AskBody, caller: Decider, authorization: Annotated[str, Header(include_in_schema=False)] = ""
    ) -> dict[str, Any]:
        if body.share_id is not None and not await holds(
            routing_url, body.share_id, authorization, str(body.concern_id)
        ):
            await _tried(rooms, str(body.concern_id), caller, "unknown_share")
            raise no_such_share()
        data = SubjectAccessRequested(
            concern_id=str(body.concern_id),
            agency_id=caller.agency_id,
            share_id=str(body.share_id or ""),
            requester=_number(AccessRequester, body.requester),
        )
        who = Part(named_person=NamedPerson(name=body.name, role=body.requester))
        try:
            recorded = await _act(rooms, data, caller, "asked", who, body.words)
        except Refused as refusal:
            if refusal.code == "unknown_concern":
                await _tried(rooms, data.concern_id, caller, refusal.code)
            raise
        return _shown(recorded, by_code)

    @routes.post("/{request_id}", summary="Record a decision under a name; reasons stay inside")
    async def decide(request_id: UUID, body: DecideBody, caller: Decider) -> dict[str, Any]:
        found = await rooms.decisions.one_access(request_id)
        if found is None or found.asked.agency_id != caller.agency_id:
            raise problem(404, "no_such_request", "no request of that id is open at your agency")
        data = SubjectAccessDecided(
            concern_id=found.asked.concern_id,
            request_id=str(request_id),
            agency_id=caller.agency_id,
            outcome=_number(AccessOutcome, body.outcome),
            role=_number(DeciderRole, body.decided_by.role),
            exemptions=[_number(AccessExemption, code) for code in body.exemptions],
            withheld_part_ids=[str(part) for part in body.withheld_part_ids],
            health_opinion=body.health_opinion,
        )
        who = Part(named_person=NamedPerson(name=body.decided_by.name, role=body.decided_by.role))
        return _shown(await _act(rooms, data, caller, str(request_id), who, body.reasons), by_code)

    return routes


async def _tried(rooms: Rooms, concern_id: str, caller: Caller, reason: str) -> None:
    """Keep with the concern, where there is one, that an agency tried; once for each reason, however often it does."""
    data = SubjectAccessRefused(concern_id=concern_id, agency_id=caller.agency_id, reason_code=reason)
    _LOG.warning("a copy was asked for by an agency that holds nothing", code=reason)
    with suppress(Refused):  # of a concern that does not exist nothing can be kept
        await rooms.journal.act(concern_id, data, agency_id=caller.agency_id, key=f"access/tried/{reason}")


async def _act(
    rooms: Rooms,
    data: SubjectAccessRequested | SubjectAccessDecided,
    caller: Caller,
    about: str,
    *said: Part | str,
) -> AccessAsked:
    concern_id = data.concern_id
    scope = KeyScope(concern_id)
    who, note = said
    assert isinstance(who, Part)
    contents = [Content(derived_id(concern_id, "access_actor", about, caller.agency_id), scope, who)]
    if note:
        part = Part(note=Note(text=str(note)))
        contents.append(Content(derived_id(concern_id, "access_note", about, caller.agency_id), scope, part))
    key = f"access/{about}/{rooms.journal.desk.act_digest(data, contents).hex()}"
    recorded = await rooms.journal.act(concern_id, data, agency_id=caller.agency_id, key=key, contents=contents)
    said_back: Any = recorded.events[0].data if recorded.events else data
    request_id = data.request_id or said_back.request_id
    found = await rooms.decisions.one_access(UUID(request_id))
    assert found is not None
    return found


def _number(enum: Any, word: str) -> Any:
    try:
        return number_of(enum, word)
    except ValueError as error:
        raise problem(422, "unknown_code", str(error)) from error


def _shown(one: AccessAsked, by_code: dict[str, Exemption]) -> dict[str, Any]:
    asked, made = one.asked, one.decided
    consider = [word_of(AccessExemption, code) for code in asked.to_consider]
    shown: dict[str, Any] = {
        "request_id": asked.request_id,
        "concern_id": asked.concern_id,
        "agency_id": asked.agency_id,
        "requester": word_of(AccessRequester, asked.requester),
        "role": word_of(DeciderRole, asked.role),
        "due_at": asked.due_at.ToDatetime(UTC).isoformat(),
        "state": one.state,
        "to_consider": [asdict(by_code[code]) for code in consider],
        "decided": None,
    }
    if made is not None:
        shown["decided"] = {
            "outcome": word_of(AccessOutcome, made.outcome),
            "role": word_of(DeciderRole, made.role),
            "exemptions": [word_of(AccessExemption, code) for code in made.exemptions],
            "withheld_part_ids": list(made.withheld_part_ids),
            "answer": ANSWERS[word_of(AccessOutcome, made.outcome)],
        }
    return shown


ANSWERS: Final = {
    "give_all": "Here is a copy of what is held.",
    "give_part": "Here is a copy of what may be given.",
    "refuse": "A copy cannot be given. You may complain to the Information Commissioner, or go to court.",
    "neither_confirm_nor_deny": "Nothing is held that may be given. You may complain to the Information Commissioner, "
    "or go to court.",
}
"""What the requester is told: never the exemption where naming it would itself harm; never the reasons."""
