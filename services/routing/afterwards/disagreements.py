"""``/v1/disagreements``: resolving professional disagreement, between the sender and a recipient of a share."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import asyncpg
from fastapi import APIRouter

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import shares_pb2 as shares
from services.chassis.auth import Caller
from services.chassis.codes import number_of, word_of
from services.chassis.event import Refused
from services.routing.afterwards import answers
from services.routing.afterwards.acting import Afterwards, message_of, said_by
from services.routing.afterwards.edge import PAGE_MAX, Anybody, Limit, Practice, opened, who
from services.routing.afterwards.edge import answer as row_answer
from services.routing.answers import NamedBody

# Whose answer is the sender's own (practice 8): it may disagree with that one without learning who else was told.
_ANSWERS_FIRST: Final = tuple(
    word_of(codes.AgencyClass, one)
    for one in (
        codes.AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE,
        codes.AgencyClass.AGENCY_CLASS_DESIGNATED_OFFICER,
        codes.AgencyClass.AGENCY_CLASS_POLICE,
    )
)


def disagreement_routes(after: Afterwards) -> APIRouter:  # noqa: C901  (a list of routes)
    """Give the routes of resolving professional disagreement."""
    routes = APIRouter(prefix="/v1/disagreements", tags=["resolving professional disagreement"])

    @routes.get("", summary="Disagreements your agency is a party to, open ones first")
    async def list_disagreements(
        caller: Anybody, test: Practice = False, limit: Limit = PAGE_MAX
    ) -> answers.DisagreementList:
        rows = await after.found.disagreements(caller.agency_id, test=test, limit=limit)
        return answers.DisagreementList(disagreements=[row_answer(answers.DisagreementAnswer, row) for row in rows])

    @routes.post("", summary="Disagree, as a named person of the sender or the recipient, about what became of it")
    async def disagree(body: answers.DisagreeBody, caller: Anybody) -> answers.DisagreementAnswer:
        row = await _share_meant(body, caller)
        concern_id, share_id = str(row["concern_id"]), str(row["share_id"])
        about = number_of(codes.DisagreementAbout, body.about.value)
        data = shares.DisagreementRaised(
            concern_id=concern_id, share_id=share_id, agency_id=caller.agency_id, about=about
        )
        said = said_by(concern_id, f"{share_id}/{caller.agency_id}/{body.about.value}", who(body), body.words)
        done = await after.do(data, agency_id=caller.agency_id, about=share_id, contents=said, act_code="disagree")
        raised: Any = message_of(done, "DisagreementRaised")
        if raised is not None:
            return await _one(UUID(raised.disagreement_id))
        mine = await after.found.disagreements(caller.agency_id, test=row["test"], limit=PAGE_MAX)
        same = [r for r in mine if r["share_id"] == row["share_id"] and r["about"] == body.about.value]
        return row_answer(answers.DisagreementAnswer, same[0])

    @routes.post("/{disagreement_id}/next-stage", summary="Take it to the next stage before its clock does")
    async def next_stage(disagreement_id: UUID, body: answers.WordsBody, caller: Anybody) -> answers.DisagreementAnswer:
        return await _acted(disagreement_id, body, caller, shares.DisagreementMoved, "move_disagreement")

    @routes.post("/{disagreement_id}/resolve", summary="Say how it ended")
    async def resolve(disagreement_id: UUID, body: answers.ResolveBody, caller: Anybody) -> answers.DisagreementAnswer:
        resolution = number_of(codes.DisagreementResolution, body.resolution.value)
        kind, code = shares.DisagreementResolved, "resolve_disagreement"
        return await _acted(disagreement_id, body, caller, kind, code, resolution=resolution)

    @routes.post("/{disagreement_id}/read", summary="Open what was said; who looks is recorded")
    async def read(disagreement_id: UUID, body: NamedBody, caller: Anybody) -> answers.Opened:
        row = await after.row("disagreement", disagreement_id, "unknown_disagreement")
        sender = [
            r["sender_agency_id"] for r in await after.found.shares_of(row["concern_id"], row["recipient_agency_id"])
        ]
        if caller.agency_id not in {row["recipient_agency_id"], *sender}:
            raise Refused(403, "not_a_party", "this is between the sender and the recipient of a share")
        return await opened(after, row, who(body), caller, "disagreement")

    async def _one(key: UUID) -> answers.DisagreementAnswer:
        return row_answer(answers.DisagreementAnswer, await after.row("disagreement", key, "unknown_disagreement"))

    async def _acted(
        key: UUID, body: Any, caller: Caller, kind: Any, code: str, **fields: Any
    ) -> answers.DisagreementAnswer:
        row = await after.row("disagreement", key, "unknown_disagreement")
        concern_id, about = str(row["concern_id"]), str(key)
        data = kind(concern_id=concern_id, disagreement_id=about, agency_id=caller.agency_id, **fields)
        # the same words at another stage are another act
        said = said_by(concern_id, f"{about}/{row['stage']}", who(body), body.words)
        place = f"{about}/{row['stage']}"
        await after.do(data, agency_id=caller.agency_id, about=place, contents=said, act_code=code)
        return await _one(key)

    async def _share_meant(body: answers.DisagreeBody, caller: Caller) -> asyncpg.Record:
        rows = [
            r
            for r in await after.found.shares_of(body.concern_id, "")
            if r["state"] != "blocked" and not r["recalled_at"]
        ]
        if body.share_id is not None:
            rows = [r for r in rows if r["share_id"] == body.share_id]
        elif body.recipient_agency_id or not any(r["sender_agency_id"] == caller.agency_id for r in rows):
            rows = [r for r in rows if r["agency_id"] == (body.recipient_agency_id or caller.agency_id)]
        else:
            rows = sorted(rows, key=_rank)
        if not rows:
            raise Refused(404, "unknown_share", "there is no share of that concern to disagree about")
        return rows[0]

    return routes


def _rank(row: asyncpg.Record) -> int:
    first = row["recipient_class"]
    return _ANSWERS_FIRST.index(first) if first in _ANSWERS_FIRST else len(_ANSWERS_FIRST)
