"""``/v1/webhooks``: an agency's endpoints. ``/v1/channels``: for operators, what stands still and needs a person."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from services.chassis.auth import Caller, require
from services.chassis.event import Refused
from services.routing.webhooks.endpoints import Endpoints
from services.routing.webhooks.message import EVENT_TYPES
from services.routing.webhooks.queue import Queue
from services.routing.webhooks.reach import URL_CHARS_MAX

Recipient = Annotated[Caller, Depends(require("inbox"))]
Operator = Annotated[Caller, Depends(require("operate"))]
ALARM_AFTER_S: Final = 300.0
"""An endpoint that failed so long is dead until a person has looked."""


class EndpointBody(BaseModel):
    """An endpoint to be registered."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(min_length=1, max_length=URL_CHARS_MAX, description="https://…, reachable from here.")
    events: list[str] = Field(
        default=list(EVENT_TYPES), max_length=20, description=f"Of: {', '.join(EVENT_TYPES)}; all when left out."
    )
    test: bool = Field(default=False, description="Practice shares only; without it, real ones only.")


class EndpointAnswer(BaseModel):
    """Where an endpoint stands."""

    endpoint_id: UUID
    url: str
    events: list[str]
    test: bool
    state: str = Field(description="pending until it has answered the challenge, enabled, disabled.")
    reason: str = Field(description="Why it is disabled: gone (it answered 410), by_agency.")
    failing_since: datetime | None
    last_reason: str
    waiting: int
    parked: int


class SecretAnswer(BaseModel):
    """A secret, shown this once."""

    endpoint_id: UUID
    secret: str
    next: str


class ReplayAnswer(BaseModel):
    """How many messages are sent once more."""

    sent_again: int


class ChannelAnswer(BaseModel):
    """An endpoint as operators see it: whose, and how it does; not where it is."""

    endpoint_id: UUID
    agency_id: str
    state: str
    reason: str
    last_reason: str
    failing_since: datetime | None
    test: bool
    waiting: int
    parked: int
    alarm: bool = Field(description="A person has to look: disabled by 410, failing for five minutes, or parked.")


class ChannelsAnswer(BaseModel):
    """Every endpoint."""

    endpoints: list[ChannelAnswer]


def webhook_routes(endpoints: Endpoints, queue: Queue) -> APIRouter:  # noqa: C901  (a table: one function a route)
    """Give the routes."""
    routes = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

    async def answer(endpoint_id: UUID, caller: Caller) -> EndpointAnswer:
        row = dict(await endpoints.own(endpoint_id, caller))
        counts = next(s for s in await queue.standing(caller.agency_id) if s["endpoint_id"] == endpoint_id)
        return EndpointAnswer(**{**row, **counts}, events=row["event_types"])

    @routes.get("", summary="Your agency's endpoints")
    async def list_endpoints(caller: Recipient) -> list[EndpointAnswer]:
        return [await answer(row["endpoint_id"], caller) for row in await queue.standing(caller.agency_id)]

    @routes.post("", status_code=201, summary="Register an endpoint; its secret is shown this once")
    async def register(body: EndpointBody, caller: Recipient) -> SecretAnswer:
        if unknown := sorted(set(body.events) - EVENT_TYPES.keys()):
            raise Refused(422, "unknown_event", f"no event is called {unknown[0]!r}; one of: {', '.join(EVENT_TYPES)}")
        wanted = list(dict.fromkeys(body.events)) or list(EVENT_TYPES)
        endpoint_id, secret = await endpoints.register(caller, body.url, wanted, test=body.test)
        return SecretAnswer(
            endpoint_id=endpoint_id,
            secret=secret,
            next=f"install the secret, then POST /v1/webhooks/{endpoint_id}/verify; nothing is sent before",
        )

    @routes.get("/{endpoint_id}", summary="Where an endpoint stands")
    async def one(endpoint_id: UUID, caller: Recipient) -> EndpointAnswer:
        return await answer(endpoint_id, caller)

    @routes.post("/{endpoint_id}/verify", summary="Send the challenge; an endpoint that answers it is enabled")
    async def verify(endpoint_id: UUID, caller: Recipient) -> EndpointAnswer:
        await endpoints.verify(await endpoints.own(endpoint_id, caller))
        return await answer(endpoint_id, caller)

    @routes.post("/{endpoint_id}/rotate", summary="A new secret; the one before signs beside it for a day")
    async def rotate(endpoint_id: UUID, caller: Recipient) -> SecretAnswer:
        secret = await endpoints.rotate(await endpoints.own(endpoint_id, caller))
        return SecretAnswer(
            endpoint_id=endpoint_id, secret=secret, next="install it within 24 hours; until then either verifies"
        )

    @routes.post("/{endpoint_id}/disable", summary="Send nothing there until it is verified again")
    async def disable(endpoint_id: UUID, caller: Recipient) -> EndpointAnswer:
        await endpoints.disable(await endpoints.own(endpoint_id, caller))
        return await answer(endpoint_id, caller)

    @routes.post("/{endpoint_id}/replay", summary="Send once more what was parked")
    async def replay(endpoint_id: UUID, caller: Recipient) -> ReplayAnswer:
        return ReplayAnswer(sent_again=await endpoints.replay(await endpoints.own(endpoint_id, caller)))

    @routes.delete("/{endpoint_id}", status_code=204, summary="Forget an endpoint and what waits for it")
    async def remove(endpoint_id: UUID, caller: Recipient) -> None:
        await endpoints.remove(await endpoints.own(endpoint_id, caller))

    return routes


def channel_routes(endpoints: Endpoints, queue: Queue) -> APIRouter:
    """Give the operators' route."""
    routes = APIRouter(prefix="/v1/channels", tags=["channels"])

    @routes.get("", summary="How every endpoint does; which need a person")
    async def channels(caller: Operator) -> ChannelsAnswer:
        del caller
        now = endpoints.clock.now()
        rows = await queue.standing()
        return ChannelsAnswer(endpoints=[ChannelAnswer(**dict(row), alarm=alarms(row, now)) for row in rows])

    return routes


def alarms(row: Any, now: datetime) -> bool:
    """Say whether a person has to look at an endpoint; one of practice rings nobody."""
    since = row["failing_since"]
    dead = row["state"] == "enabled" and since is not None and (now - since).total_seconds() >= ALARM_AFTER_S
    return not row["test"] and bool(dead or row["parked"] or row["reason"] == "gone")
