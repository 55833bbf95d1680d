"""``/v1/ledger`` and ``/v1/journeys``: for auditors and operators, and the public keys for everyone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from services.audit import history
from services.audit.journey_json import in_full, listed
from services.audit.ledger import NotInLedger, NotYetSigned, Snapshot, snapshot
from services.chassis.auth import Caller, require
from services.chassis.problems import problem

Auditor = Annotated[Caller, Depends(require("audit", "operate"))]
ACQUIRE_DEADLINE_S: Final = 10.0
RETRY_AFTER_S: Final = 5


def ledger_routes(pool: asyncpg.Pool, origin: str, keys: Sequence[str]) -> APIRouter:
    """Give the routes of the ledger.

    Args:
        pool: connections to the audit database.
        origin: name of the ledger.
        keys: its verifier keys, the newest first.
    """
    routes = APIRouter(prefix="/v1/ledger", tags=["ledger"])

    @routes.get("/keys", summary="The ledger's public keys, one verifier key a line", response_class=PlainTextResponse)
    async def public_keys() -> str:
        return "".join(f"{key}\n" for key in keys)

    @routes.get("/checkpoint", summary="The newest signed checkpoint", response_class=PlainTextResponse)
    async def checkpoint(caller: Auditor) -> Response:
        del caller
        async with _looking(pool) as ledger:
            signed = await ledger.checkpoint()
        if signed is None:
            raise problem(404, "nothing_signed", "no checkpoint is signed yet: the ledger is empty, or seconds old")
        return Response(signed.note, media_type="text/plain; charset=utf-8")

    @routes.get("/proof/{event_id}", summary="Proof that an event is in the ledger (C2SP tlog-proof)")
    async def proof(event_id: UUID, caller: Auditor) -> Response:
        del caller
        try:
            async with _looking(pool) as ledger:
                found = await ledger.proof(event_id)
        except NotInLedger as error:
            raise problem(404, "not_in_ledger", str(error)) from error
        except NotYetSigned as error:
            again = {"Retry-After": str(RETRY_AFTER_S)}
            raise problem(409, "not_yet_signed", str(error), headers=again) from error
        return Response(found.to_bytes(), media_type="text/plain; charset=utf-8")

    @routes.get(
        "/export",
        summary="Every record up to the newest checkpoint, for offline verification",
        response_class=StreamingResponse,
        responses={200: {"content": {"application/jsonl": {}}, "description": "One JSON document a line"}},
    )
    async def export(caller: Auditor) -> StreamingResponse:
        del caller
        name = f"{origin.replace('/', '-')}.ledger"
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(_exported(pool, origin), media_type="application/jsonl", headers=disposition)

    @routes.get("/findings", summary="Gaps and other findings that nobody has settled")
    async def findings(caller: Auditor) -> dict[str, Any]:
        del caller
        async with _looking(pool) as ledger:
            return {"findings": await ledger.findings()}

    return routes


def journey_routes(pool: asyncpg.Pool) -> APIRouter:
    """Give the routes of the journeys."""
    routes = APIRouter(prefix="/v1/journeys", tags=["journeys"])

    @routes.get("", summary="Concerns, the newest first; codes and times, no content")
    async def journeys(
        caller: Auditor,
        limit: Annotated[int, Query(ge=1, le=history.PAGE_MAX)] = 50,
        after: Annotated[str, Query(pattern=r"^\d{0,19}$")] = "",
    ) -> dict[str, Any]:
        del caller
        async with pool.acquire(timeout=ACQUIRE_DEADLINE_S) as connection:
            page, following = await history.journeys_page(connection, limit, int(after) if after else None)
        return {"journeys": listed(page), "next": "" if following is None else str(following)}

    @routes.get("/{concern_id}", summary="Everything recorded of a concern, joined; codes and times, no content")
    async def journey(concern_id: UUID, caller: Auditor) -> dict[str, Any]:
        del caller
        async with pool.acquire(timeout=ACQUIRE_DEADLINE_S) as connection:
            found = await history.journey(connection, concern_id)
        if found is None:
            raise problem(404, "unknown_concern", "nothing is recorded of this concern; if it is new, ask again")
        return in_full(found)

    return routes


@asynccontextmanager
async def _looking(pool: asyncpg.Pool) -> AsyncIterator[Snapshot]:
    async with pool.acquire(timeout=ACQUIRE_DEADLINE_S) as connection, snapshot(connection) as ledger:
        yield ledger


async def _exported(pool: asyncpg.Pool, origin: str) -> AsyncIterator[bytes]:
    async with _looking(pool) as ledger:
        async for chunk in ledger.export(origin):
            yield chunk
