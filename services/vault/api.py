"""The vault over HTTP: how many keys there are, and what an operator may start. Never a key, never content."""

from __future__ import annotations

from typing import Annotated, Any

import asyncpg
from fastapi import APIRouter, Depends

from services.chassis.auth import Caller, require
from services.chassis.event import Refused
from services.chassis.keys import Kms
from services.vault import store
from services.vault.wrapping import RewrapRunning, rewrap

Operator = Annotated[Caller, Depends(require("operate"))]


def key_routes(pool: asyncpg.Pool, kms: Kms) -> APIRouter:
    """Give the routes."""
    routes = APIRouter(prefix="/v1/keys", tags=["keys"])

    @routes.get("/counts", summary="How many keys are active, suspended, destroyed")
    async def counts(caller: Operator) -> dict[str, int]:
        del caller
        return await store.counts(pool)

    @routes.post("/rewrap", summary="Wrap all live keys anew, so that an old backup opens nothing")
    async def rewrap_all(caller: Operator) -> dict[str, Any]:
        del caller
        try:
            done = await rewrap(pool, kms)
        except RewrapRunning as error:
            raise Refused(409, "rewrap_running", str(error)) from error
        return {"keys": done.keys, "destroyed": len(done.destroyed), "lost": done.lost}

    return routes
