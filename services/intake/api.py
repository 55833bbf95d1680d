"""``/v1/concerns``: raise a concern, and see where one's own stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from concern_relay.v1 import census_pb2, codes_pb2
from services.chassis.auth import Caller, require
from services.chassis.clock import Clock
from services.chassis.codes import words
from services.chassis.event import Refused
from services.chassis.problems import Problem, problem
from services.intake import answers
from services.intake.acceptance import Acceptance, Accepted, Sender
from services.intake.answers import AcceptedAnswer, ConcernAnswer, ConcernPage
from services.intake.errors import Malformed
from services.intake.idempotency import KEY_CHARS_MAX, Requests, read_key
from services.intake.idempotency import Request as KeyedRequest
from services.intake.ids import fingerprint
from services.intake.reading import Reading, read
from services.intake.store import PAGE_MAX, Concerns
from services.intake.submission import Submission

RETRY_AFTER_S: Final = 1
_PASSING: Final = frozenset({"busy", "idempotency_key_in_progress"})
PAGE_DEFAULT: Final = 50
CURSOR_CHARS_MAX: Final = 100

Raiser = Annotated[Caller, Depends(require("raise"))]


@dataclass(frozen=True)
class Door:
    """Where a request to raise a concern comes in.

    Attributes:
        acceptance: accepts submissions.
        requests: those that came with an Idempotency-Key.
        clock: the time.
    """

    acceptance: Acceptance
    requests: Requests
    clock: Clock

    async def accept(self, key: str | None, caller: Caller, body: bytes, reading: Reading) -> Accepted:
        """Accept a submission, once for each Idempotency-Key.

        Raises:
            Refused: as ``Acceptance.accept`` and ``Requests.begin``.
        """
        if key is None:
            return await self.acceptance.accept(Sender(caller.agency_id), reading)
        id_key = await self.acceptance.id_key()
        request = KeyedRequest(
            caller.agency_id,
            id_key.digest("idempotency key", caller.agency_id, read_key(key)),
            fingerprint(id_key, caller.agency_id, body),
        )
        begun = await self.requests.begin(request, self.clock.now())
        if begun.event_id is not None:
            return await self.acceptance.first_answer(begun.event_id, reading)
        try:
            found = await self.acceptance.accept(Sender(caller.agency_id, anew=begun.fresh), reading)
        except Refused:
            await self.requests.abandon(request)  # nothing was recorded; after any other failure the lease decides
            raise
        await self.requests.finish(request, found.event_id)
        return found


def concern_routes(door: Door, concerns: Concerns) -> APIRouter:
    """Give the routes of concerns."""
    routes = APIRouter(prefix="/v1/concerns", tags=["concerns"])

    @routes.post(
        "",
        status_code=202,
        summary="Raise a concern",
        description="Answered once it is recorded for good. Sending it again is harmless: the same reference and "
        "content is a no-op, changed content about the same child a correction, another child a new concern. In an "
        "emergency call 999; this is not a call.",
        openapi_extra={"requestBody": _BODY, "parameters": [_IDEMPOTENCY_KEY]},
        responses={400: _PROBLEM, 409: _PROBLEM, 413: _PROBLEM, 415: _PROBLEM, 422: _PROBLEM, 503: _PROBLEM},
    )
    async def raise_concern(request: Request, response: Response, caller: Raiser) -> AcceptedAnswer:
        _check_media_type(request.headers.get("content-type", ""))
        body = await request.body()
        try:
            reading = read(body)
            found = await door.accept(request.headers.get("idempotency-key"), caller, body, reading)
        except Malformed as malformed:
            raise answers.mended(malformed) from None
        except Refused as refused:
            if refused.code in _PASSING:
                raise _later(refused) from None
            raise
        response.headers["Location"] = f"/v1/concerns/{found.concern_id}"
        return answers.accepted(found, history=reading.submission.history)

    @routes.get("/{concern_id}", summary="Where one of your concerns stands", responses={404: _PROBLEM})
    async def show_concern(concern_id: UUID, caller: Raiser) -> ConcernAnswer:
        found = await concerns.standing(str(concern_id))
        # of another agency's concern not even the existence is said
        if found is None or found.status.agency_id != caller.agency_id:
            raise problem(404, "no_such_concern", "your agency has raised no concern of this id")
        return answers.concern(found.concern_id, found.status)

    @routes.get("", summary="Your concerns, newest first")
    async def list_concerns(
        caller: Raiser,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
        after: Annotated[str, Query(max_length=CURSOR_CHARS_MAX)] = "",
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

    @routes.get("/codes", summary="Every list of codes, by name")
    async def code_lists() -> dict[str, list[str]]:
        return {name: list(words(enum)) for name, enum in _ENUMS.items()}

    @routes.get("/codes/{name}", summary="One list of codes", responses={404: _PROBLEM})
    async def code_list(name: str) -> list[str]:
        if name not in _ENUMS:
            raise problem(404, "no_such_list", f"one of: {', '.join(_ENUMS)}")
        return list(words(_ENUMS[name]))

    return routes


def _check_media_type(header: str) -> None:
    media_type = header.partition(";")[0].strip().lower()
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        raise problem(415, "not_json", "send it with Content-Type: application/json")


def _later(refused: Refused) -> Problem:
    return problem(refused.status, refused.code, str(refused), headers={"Retry-After": str(RETRY_AFTER_S)})


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


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Write a schema without references: it stands in OpenAPI, where the model's own would point nowhere."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
        return {name: _inlined(value, definitions) for name, value in schema.items() if name != "$defs"}
    if isinstance(schema, list):
        return [_inlined(each, definitions) for each in schema]
    return schema


_SCHEMA = Submission.model_json_schema()
_BODY: Final = {
    "required": True,
    "content": {"application/json": {"schema": _inlined(_SCHEMA, _SCHEMA["$defs"])}},
}
_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Kept 30 days. Not needed for resends to be harmless; a new key says that content accepted before "
    "is meant anew.",
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_CHARS_MAX + 2},
}
_PROBLEM: Final = {
    "description": "A problem (RFC 9457): code, remedy, and under errors each field by JSON pointer.",
    "content": {"application/problem+json": {}},
}
_ENUMS: Final = {
    _name: getattr(_module, _name)
    for _module in (codes_pb2, census_pb2)
    for _name in sorted(_module.DESCRIPTOR.enum_types_by_name)
}
