"""``/v1/test/clock``: moves the test clock. There is no such route unless RELAY_CLOCK=test."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.chassis.auth import Caller, require
from services.chassis.clock import Clock, TestClock
from services.chassis.problems import problem


class Move(BaseModel):
    """Where to: forward by seconds, or to an instant with its zone."""

    advance_s: float | None = Field(default=None, ge=0)
    set: datetime | None = None


def clock_routes(clock: Clock) -> list[APIRouter]:
    """Give the route for a clock that may be moved, and none for any other."""
    if not isinstance(clock, TestClock):
        return []
    routes = APIRouter(prefix="/v1/test/clock", tags=["test"])

    @routes.post("", summary="Move the clock of every process of this state folder")
    async def move(body: Move, caller: Annotated[Caller, Depends(require("operate"))]) -> dict[str, str]:
        del caller
        try:
            if body.set is not None:
                now = clock.set(body.set)
            elif body.advance_s is not None:
                now = clock.advance(timedelta(seconds=body.advance_s))
            else:
                raise problem(422, "nowhere", "give advance_s or set")
        except ValueError as error:
            raise problem(422, "not_there", str(error)) from error
        return {"now": now.isoformat()}

    return [routes]
