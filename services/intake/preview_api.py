"""``POST /v1/concerns/preview``: who would be told, on which basis. Nothing is sent, kept or logged."""

from __future__ import annotations

from typing import Annotated, Any, Final

import httpx
from fastapi import APIRouter, Depends, Header, Request
from google.protobuf.json_format import MessageToDict

from concern_relay.v1.codes_pb2 import Urgency
from services.chassis.auth import Caller, require
from services.chassis.calendar import LONDON
from services.chassis.clock import Clock
from services.chassis.codes import word_of
from services.chassis.problems import problem
from services.intake.answers import mended
from services.intake.content import contents_of
from services.intake.documented import PROBLEMS, body_of
from services.intake.errors import Malformed
from services.intake.ids import IdKey, Reference
from services.intake.reading import read
from services.intake.submission import Submission

DEADLINE_S: Final = 10.0
Raiser = Annotated[Caller, Depends(require("raise"))]
#: Ids of a preview mean nothing outside it.
_KEY: Final = IdKey(b"a preview" * 8)


def preview_routes(clock: Clock, assessment_url: str) -> APIRouter:
    """Give the route.

    Args:
        clock: the time.
        assessment_url: where basis_assessment answers.
    """
    routes = APIRouter(prefix="/v1/concerns", tags=["concerns"])

    @routes.post(
        "/preview",
        summary="Who would be told, on which basis, and what would wait; nothing is kept",
        openapi_extra=body_of(Submission),
        responses=PROBLEMS,
    )
    async def preview(
        request: Request, caller: Raiser, authorization: Annotated[str, Header(include_in_schema=False)] = ""
    ) -> dict[str, Any]:
        try:
            submission = read(await request.body()).submission
        except Malformed as malformed:
            raise mended(malformed) from None
        reference = Reference(caller.agency_id, submission.reference, submission.history, submission.test)
        today = clock.now().astimezone(LONDON).date()
        contents = contents_of(submission, concern_id=reference.concern_id(_KEY), key=_KEY, today=today)
        body = {
            "urgency": word_of(Urgency, contents.urgency),
            "parts": {content.part_id: MessageToDict(content.part) for content in contents.parts},
        }
        try:
            async with httpx.AsyncClient(timeout=DEADLINE_S) as client:
                url = f"{assessment_url}/v1/assessments/preview"
                answer = await client.post(url, json=body, headers={"Authorization": authorization})
                answer.raise_for_status()
                return dict(answer.json())
        except (httpx.HTTPError, ValueError) as error:
            # a preview is a courtesy: that it cannot be had is no reason to wait
            detail = "the preview cannot be had now; send the concern, it is assessed in any case"
            raise problem(503, "preview_away", detail) from error

    return routes
