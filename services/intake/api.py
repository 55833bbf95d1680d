"""``/v1/concerns``: raise a concern, and see where one's own stand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from services.chassis.auth import Caller
from services.chassis.event import Refused
from services.chassis.keys import Keys
from services.chassis.problems import problem
from services.intake import answers
from services.intake.answers import AcceptedAnswer, ConcernAnswer, ConcernPage
from services.intake.documented import IDEMPOTENCY_KEY, PROBLEM, RELAY_LANE, body_of
from services.intake.door import Door, said_of
from services.intake.errors import Malformed
from services.intake.limits import lane_of
from services.intake.reading import read
from services.intake.reasons import reason_of
from services.intake.store import PAGE_MAX, Concerns
from services.intake.submission import Submission

PAGE_DEFAULT: Final = 50
CURSOR_CHARS_MAX: Final = 100


def concern_routes(door: Door, concerns: Concerns, keys: Keys) -> APIRouter:
    """Give the routes of concerns."""
    routes = APIRouter(prefix="/v1/concerns", tags=["concerns"])
    raiser = Depends(door.suppliers.caller("raise"))

    @routes.post(
        "",
        status_code=202,
        summary="Raise a concern",
        description="Answered once it is recorded for good. Sending it again is harmless: the same reference and "
        "content is a no-op, changed content about the same child a correction, another child a new concern. In an "
        "emergency call 999; this is not a call.",
        openapi_extra={**body_of(Submission), "parameters": [IDEMPOTENCY_KEY, RELAY_LANE]},
        responses=dict.fromkeys((400, 409, 413, 415, 422, 429, 503), PROBLEM),
    )
    async def raise_concern(request: Request, response: Response, caller: Caller = raiser) -> AcceptedAnswer:
        try:
            body = await door.body(request, caller)
            reading = read(body)
            lane = lane_of(reading.submission, request.headers.get("relay-lane", ""))
            async with door.admission.turn(caller.agency_id, lane):
                found = await door.accept(request.headers.get("idempotency-key"), caller, body, reading)
        except (Malformed, Refused) as error:
            raise said_of(error) from None
        response.headers["Location"] = f"/v1/concerns/{found.concern_id}"
        return answers.accepted(found, history=reading.submission.history, myths=reading.submission.detail.myths)

    @routes.get("/{concern_id}", summary="Where one of your concerns stands", responses={404: PROBLEM})
    async def show_concern(concern_id: UUID, caller: Caller = raiser) -> ConcernAnswer:
        found = await concerns.standing(str(concern_id))
        # of another agency's concern not even the existence is said
        if found is None or found.status.agency_id != caller.agency_id:
            raise problem(404, "no_such_concern", "your agency has raised no concern of this id")
        reason = await reason_of(concerns, keys, found.status.outcome)
        return answers.concern(found.concern_id, found.status, reason)

    @routes.get("", summary="Your concerns, newest first")
    async def list_concerns(
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
        after: Annotated[str, Query(max_length=CURSOR_CHARS_MAX)] = "",
        caller: Caller = raiser,
    ) -> ConcernPage:
        page = await concerns.page(caller.agency_id, limit=limit, before=_read_cursor(after))
        last = page[-1] if len(page) == limit else None
        return ConcernPage(
            concerns=[answers.concern(each.concern_id, each.status) for each in page],
            after=None if last is None else _cursor(last.status.received, last.concern_id),
        )

    return routes


def open_routes(verifier: str) -> APIRouter:
    """Give the routes that hold nothing about anybody, and need no token."""
    routes = APIRouter(prefix="/v1", tags=["reference"])

    @routes.get("/receipt-key", summary="The key that checks receipts (C2SP verifier key)")
    async def receipt_key() -> dict[str, str]:
        return {"verifier": verifier}

    return routes


def _cursor(received: datetime | None, concern_id: str) -> str:
    assert received is not None
    return f"{received.timestamp():.6f}_{concern_id}"


def _read_cursor(text: str) -> tuple[datetime, str] | None:
    if not text:
        return None
    try:
        at, _, concern_id = text.partition("_")
        return datetime.fromtimestamp(float(at), UTC), str(UUID(concern_id))
    except (ValueError, OverflowError, OSError):
        raise problem(422, "after_not_valid", "give `after` as the last page gave it, or leave it out") from None
