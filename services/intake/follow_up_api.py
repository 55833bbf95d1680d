"""``/v1/concerns/{id}/…``: what is learnt, corrected, consented to, or changes after a concern was raised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from services.chassis.auth import Caller
from services.chassis.event import Refused
from services.intake import answers
from services.intake import follow_up as sent
from services.intake.answers import AcceptedAnswer
from services.intake.documented import IDEMPOTENCY_KEY, PROBLEMS, body_of
from services.intake.door import Door, said_of
from services.intake.errors import Malformed
from services.intake.following import Follow
from services.intake.limits import Lane
from services.intake.reading import read_as, read_json

_WHO: Final = {"name": "Asha Example", "role": "designated safeguarding lead"}
_ITEM: Final = {"category": "welfare", "kind": "fact", "about": "child", "text": "Seen again today, with a new mark."}
_RESEND: Final = " Sending it again is harmless; the answer is the first one."


@dataclass(frozen=True, slots=True)
class _Way:
    """One kind of follow-up: where it comes in, what it says, an example."""

    path: str
    summary: str
    model: type[Any]
    example: dict[str, Any]
    more: str = ""
    scopes: tuple[str, ...] = ("raise",)


_WAYS: Final = (
    _Way("/information", "Add what you learnt", sent.Addition, {"by": _WHO, "items": [_ITEM]}),
    _Way(
        "/corrections",
        "Correct what you sent",
        sent.Correction,
        {"by": _WHO, "reason": "The date was wrong.", "people": [{"ref": "child", "birth_date": "2018-05-12"}]},
    ),
    _Way(
        "/consents",
        "Record a consent that was given",
        sent.GivenConsent,
        {"ref": "c1", "kind": "basis", "subject": "mother", "purpose": "early help", "explicit": True,
         "given_on": "2026-11-20", "expires_on": "2027-05-20", "recipients": ["health"], "by": _WHO},
    ),
    _Way(
        "/consents/{ref:path}/withdrawal",
        "Record that a consent was withdrawn",
        sent.Withdrawal,
        {"by": _WHO, "words": "I have changed my mind."},
        " The keys of what rests on it are suspended before the answer.",
    ),
    _Way(
        "/moves",
        "Say that a child moved",
        sent.Move,
        {"child": "child", "to": "E06000035", "moved_at": "2026-11-22", "by": _WHO},
        " Agencies that were told of the concern may say so too.",
        ("raise", "inbox"),
    ),
    _Way(
        "/links",
        "Link two concerns about one child",
        sent.Link,
        {"other_concern_id": "7771a82d-7eba-8022-8000-000000000000", "reason_code": "same_number", "by": _WHO,
         "reason": "The same NHS number, and the mother confirmed it."},
        " Both concerns must be your agency's own, or have been sent to it.",
        ("raise", "inbox"),
    ),
    _Way(
        "/links/{other_concern_id}/removal",
        "Part two linked concerns again",
        sent.Unlink,
        {"reason_code": "different_child", "reason": "A cousin of the same name.", "by": _WHO},
        "",
        ("raise", "inbox"),
    ),
)  # fmt: skip


def follow_up_routes(door: Door) -> APIRouter:
    """Give the routes by which a concern is followed up."""
    routes = APIRouter(prefix="/v1/concerns/{concern_id}", tags=["follow-up"])
    for way in _WAYS:
        routes.post(
            way.path,
            status_code=202,
            summary=way.summary,
            name=way.model.__name__,
            description=(way.model.__doc__ or "") + _RESEND + way.more,
            openapi_extra={**body_of(way.model, way.example), "parameters": [IDEMPOTENCY_KEY]},
            responses=PROBLEMS,
        )(_endpoint(door, way))
    return routes


def _endpoint(door: Door, way: _Way) -> Any:
    """Give the function behind a way in; its path names what the follow-up is about, if anything."""
    who = Depends(door.suppliers.caller(*way.scopes))

    async def follow(request: Request, response: Response, concern_id: UUID, caller: Caller = who) -> AcceptedAnswer:
        return await _followed(door, _Came(request, response, caller, Follow(str(concern_id), _NOTHING)), way)

    async def withdraw(
        request: Request, response: Response, concern_id: UUID, ref: Consented, caller: Caller = who
    ) -> AcceptedAnswer:
        return await _followed(door, _Came(request, response, caller, Follow(str(concern_id), _NOTHING, (), ref)), way)

    async def part(
        request: Request, response: Response, concern_id: UUID, other_concern_id: UUID, caller: Caller = who
    ) -> AcceptedAnswer:
        about = Follow(str(concern_id), _NOTHING, (), str(other_concern_id))
        return await _followed(door, _Came(request, response, caller, about), way)

    ways: dict[type[Any], Any] = {sent.Withdrawal: withdraw, sent.Unlink: part}
    return ways.get(way.model, follow)


Consented = Annotated[
    str, Path(min_length=1, max_length=200, description="The ref it was sent with, or its opaque id from an answer.")
]
_NOTHING: Final = sent.FollowUp()


@dataclass(frozen=True, slots=True)
class _Came:
    """A request, before its body was read."""

    request: Request
    response: Response
    caller: Caller
    about: Follow


async def _followed(door: Door, came: _Came, way: _Way) -> AcceptedAnswer:
    try:
        body = await door.body(came.request, came.caller)
        given, flags = read_as(way.model, read_json(body))
        asked = replace(came.about, given=given, flags=flags)
        async with door.admission.turn(came.caller.agency_id, Lane.LIVE):
            found = await door.follow(came.request.headers.get("idempotency-key"), came.caller, body, asked)
    except (Malformed, Refused) as error:
        raise said_of(error) from None
    came.response.headers["Location"] = f"/v1/concerns/{found.concern_id}"
    detail = getattr(given, "detail", None)
    return answers.accepted(found, history=False, myths=detail.myths if detail is not None else ())
