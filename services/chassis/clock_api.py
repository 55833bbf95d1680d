"""``/v1/test/clock``: moves the test clock. There is no such route unless RELAY_CLOCK=test."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.chassis.auth import Caller, require
from services.chassis.clock import MOVE_MAX, Clock, TestClock
from services.chassis.problems import problem


class Move(BaseModel):
    """Where to: forward by seconds, or to an instant with its zone."""

    model_config = ConfigDict(extra="forbid")

    advance_s: float | None = Field(default=None, ge=0, le=MOVE_MAX.total_seconds())
    set: AwareDatetime | None = None


def clock_routes(clock: Clock) -> list[APIRouter]:
    """Give the route for a clock that may be moved, and none for any other."""
    if not isinstance(clock, TestClock):
        return []
    routes = APIRouter(prefix="/v1/test/clock", tags=["test"])

    @routes.post("", summary="Move the clock of every process of this state folder")
    async def move(body: Move, caller: Annotated[Caller, Depends(require("operate"))]) -> dict[str, str]:
        del caller
        if (body.set is None) == (body.advance_s is None):
            raise problem(422, "nowhere", "give either advance_s or set")
        try:
            now = clock.advance(timedelta(seconds=body.advance_s or 0.0)) if body.set is None else clock.set(body.set)
        except ValueError as error:
            raise problem(422, "too_far", str(error)) from error
        return {"now": now.isoformat()}

    return [routes]
