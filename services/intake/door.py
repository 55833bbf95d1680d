"""Where requests come in: read within bounds, accepted once for each Idempotency-Key, problems said in one way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from fastapi import Request

from services.chassis.auth import Caller
from services.chassis.clock import Clock
from services.chassis.event import Refused
from services.chassis.problems import Problem, problem
from services.intake.acceptance import Acceptance, Accepted, Sender
from services.intake.answers import mended
from services.intake.errors import Malformed
from services.intake.following import Follow, FollowUps
from services.intake.idempotency import Request as KeyedRequest
from services.intake.idempotency import Requests, read_key
from services.intake.ids import fingerprint
from services.intake.limits import Admission, Limits
from services.intake.reading import BODY_BYTES_MAX, Reading
from services.intake.suppliers import Suppliers

RETRY_AFTER_S: Final = 1
UNDECLARED_BYTES: Final = BODY_BYTES_MAX
"""What a body counts as that does not say how long it is."""
_PASSING: Final = frozenset({"busy", "idempotency_key_in_progress"})


@dataclass(frozen=True)
class Door:
    """Where a request to raise a concern, or to follow one up, comes in.

    Attributes:
        acceptance: accepts submissions.
        requests: those that came with an Idempotency-Key.
        clock: the time.
        admission: who may come in now.
        suppliers: who may act for which agency.
    """

    acceptance: Acceptance
    requests: Requests
    clock: Clock
    admission: Admission = field(default_factory=lambda: Admission(Limits()))
    suppliers: Suppliers = field(default_factory=Suppliers)

    async def body(self, request: Request, caller: Caller) -> bytes:
        """Give the body of a request, once there is room for it.

        Raises:
            Problem: 415 for what is not JSON; 429.
        """
        declared = request.headers.get("content-length", "")
        with self.admission.reading(caller.agency_id, int(declared) if declared.isdecimal() else UNDECLARED_BYTES):
            return await body_of(request)

    async def accept(self, key: str | None, caller: Caller, body: bytes, reading: Reading) -> Accepted:
        """Accept a submission, once for each Idempotency-Key.

        Raises:
            Refused: as ``Acceptance.accept`` and ``Requests.begin``.
        """

        async def again(event_id: UUID) -> Accepted:
            return await self.acceptance.first_answer(event_id, reading)

        async def anew(sender: Sender) -> Accepted:
            return await self.acceptance.accept(sender, reading)

        return await self._once(key, caller, body, again, anew)

    async def follow(self, key: str | None, caller: Caller, body: bytes, follow: Follow) -> Accepted:
        """Accept a follow-up, once for each Idempotency-Key.

        Raises:
            Refused: as ``FollowUps.accept`` and ``Requests.begin``.
        """
        follow_ups = FollowUps(self.acceptance)
        path = f"{type(follow.given).__name__}\n{follow.concern_id}\n{follow.about}\n".encode()

        async def again(event_id: UUID) -> Accepted:
            return await follow_ups.first_answer(event_id, follow)

        async def anew(sender: Sender) -> Accepted:
            return await follow_ups.accept(sender, follow)

        return await self._once(key, caller, path + body, again, anew)

    async def _once(
        self,
        key: str | None,
        caller: Caller,
        said: bytes,
        again: Callable[[UUID], Awaitable[Accepted]],
        anew: Callable[[Sender], Awaitable[Accepted]],
    ) -> Accepted:
        if key is None:
            return await anew(Sender(caller.agency_id, caller.on_behalf_by))
        id_key = await self.acceptance.id_key()
        request = KeyedRequest(
            caller.agency_id,
            id_key.digest("idempotency key", caller.agency_id, read_key(key)),
            fingerprint(id_key, caller.agency_id, said),
        )
        begun = await self.requests.begin(request, self.clock.now())
        if begun.event_id is not None:
            return await again(begun.event_id)
        try:
            found = await anew(Sender(caller.agency_id, caller.on_behalf_by, anew=begun.fresh))
        except Refused:
            await self.requests.abandon(request)  # nothing was recorded; after any other failure the lease decides
            raise
        await self.requests.finish(request, found.event_id)
        return found


async def body_of(request: Request) -> bytes:
    """Give the body of a request that says it is JSON.

    Raises:
        Problem: 415 for anything else.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        raise problem(415, "not_json", "send it with Content-Type: application/json")
    return await request.body()


def said_of(error: Malformed | Refused) -> Problem | Refused:
    """Give the answer to what cannot be taken: each field with its remedy, and when to come again."""
    if isinstance(error, Malformed):
        return mended(error)
    if error.code in _PASSING:
        return problem(error.status, error.code, str(error), headers={"Retry-After": str(RETRY_AFTER_S)})
    return error
