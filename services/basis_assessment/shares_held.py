"""Whose a share is. Routing alone knows, and is asked with the caller's own token: it says no to everybody else."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import httpx
from fastapi import HTTPException

from services.chassis.problems import problem

DEADLINE_S: Final = 5.0
NOT_FOUND: Final = 404


async def share_of(routing_url: str, share_id: UUID, authorization: str) -> dict[str, Any]:
    """Give where a share of the caller's stands, as ``GET /v1/inbox/{share}`` of routing answers it.

    Raises:
        HTTPException: 404 where it did not come to the caller's agency; 503 where routing does not answer.
    """
    try:
        async with httpx.AsyncClient(timeout=DEADLINE_S) as client:
            answer = await client.get(f"{routing_url}/v1/inbox/{share_id}", headers={"Authorization": authorization})
            found = dict(answer.json()) if answer.is_success else None
    except (httpx.HTTPError, ValueError) as error:
        raise problem(503, "routing_away", "routing does not answer, so whose share it is cannot be said") from error
    if found is None:
        raise no_such_share()
    return found


async def holds(routing_url: str, share_id: UUID, authorization: str, concern_id: str) -> bool:
    """Whether the caller's agency holds this share, and it is one of this concern.

    Raises:
        HTTPException: 503 where routing does not answer.
    """
    try:
        found = await share_of(routing_url, share_id, authorization)
    except HTTPException as error:
        if error.status_code == NOT_FOUND:
            return False
        raise
    return bool(found.get("concern_id") == concern_id)


def no_such_share() -> HTTPException:
    """Give the one answer to whoever holds no such share, whether or not there is one."""
    return problem(404, "unknown_share", "no such share came to your agency")
