"""``/v1/agreements``: an agency revokes its own agreement; who runs the arrangement revokes anybody's. Who did, renews.

What rests on it alone and is on its way is stopped before the answer; what leaves later is stopped at the door. When
the agreement stands again, what was stopped is planned anew from the newest assessment of each concern.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

import asyncpg
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from concern_relay.v1.shares_pb2 import AgreementRenewed, AgreementRevoked, DispatchReleased
from services.chassis import database
from services.chassis.arrangement import Book
from services.chassis.auth import Caller, require
from services.chassis.calendar import LONDON
from services.chassis.service import Context
from services.routing.afterwards.acting import said_by
from services.routing.afterwards.edge import who
from services.routing.answers import NamedBody, Reason
from services.routing.core.policy import POLICY_STALE, signed_by, subject_of
from services.routing.gate import Verdict, stopped
from services.routing.revocations import standing
from services.routing.sealed_view import sealed_views

STOPPED_MAX: Final = 10_000
"""Most shares that are stopped, or planned anew, at once; the door stops the others one by one."""

BATCH: Final = 200
LIST_MAX: Final = 1000
OPERATE: Final = "operate"
_WAITING: Final = """
SELECT * FROM share WHERE agency_id = $1 AND state = 'planned' AND recalled_at IS NULL ORDER BY seq LIMIT $2
"""
_STOPPED: Final = """
SELECT * FROM agreement_stopped WHERE agency_id = $1 AND agreement_ref = $2 ORDER BY seq LIMIT $3
"""
_LIST: Final = "SELECT * FROM agreement_revocation WHERE $1 IN ('', agency_id) ORDER BY revoked_at DESC LIMIT $2"
_LATEST: Final = """
SELECT * FROM agreement_revocation WHERE agency_id = $1 AND agreement_ref = $2 AND revoked_by_agency_id = $3
ORDER BY revoked_at DESC LIMIT 1
"""

Revoker = Annotated[Caller, Depends(require("inbox", OPERATE))]


class AgreementBody(NamedBody):
    """Whose agreement, who says so, and why."""

    agency_id: str = Field(min_length=1, max_length=100, description="The agency whose agreement it is.")
    words: Reason = Field(default="", description="In words; sealed.")


class RevocationAnswer(BaseModel):
    """A revoked agreement."""

    agency_id: str
    agreement_ref: str = Field(description="Reference of the agreement, as the arrangement gives it.")
    revoked_by_agency_id: str
    revoked_at: datetime
    renewed_at: datetime | None = Field(description="When it stood again; null while it does not.")
    stopped: int = Field(default=0, description="Shares that were on their way and were stopped now.")
    planned_anew: int = Field(default=0, description="Stopped shares whose content was planned anew now.")


class RevocationList(BaseModel):
    """Revocations, the newest first."""

    revocations: list[RevocationAnswer]


@dataclass(frozen=True, slots=True)
class Revocations:
    """Revokes and renews; stops what was on its way, and plans anew what was stopped."""

    context: Context
    book: Book

    async def revoke(self, body: AgreementBody, caller: Caller) -> RevocationAnswer:
        """Revoke the agreement an agency has in the arrangement in force; twice is harmless.

        Raises:
            Refused: 404 for an unknown agency, 403 for another's agreement, 409 for one that has none.
        """
        ref = self._signed(body, caller)
        subject = subject_of(body.agency_id)
        data = AgreementRevoked(
            concern_id=subject, agency_id=body.agency_id, agreement_ref=ref, revoked_by_agency_id=caller.agency_id
        )
        await self._said(data, body, caller)
        answer = await self._answer(body, ref, caller)
        return answer.model_copy(update={"stopped": await self._stop(body.agency_id)})

    async def renew(self, body: AgreementBody, caller: Caller) -> RevocationAnswer:
        """Say that an agreement stands again; while another's revocation of it stands, nothing is planned anew.

        Raises:
            Refused: as above; 409 when the caller has not revoked it.
        """
        ref = self._signed(body, caller)
        subject = subject_of(body.agency_id)
        data = AgreementRenewed(
            concern_id=subject, agency_id=body.agency_id, agreement_ref=ref, renewed_by_agency_id=caller.agency_id
        )
        await self._said(data, body, caller)
        answer = await self._answer(body, ref, caller)
        return answer.model_copy(update={"planned_anew": await self._release(body.agency_id, ref)})

    async def of(self, caller: Caller) -> RevocationList:
        """Give the revocations of the caller's agreement; of all, to who runs the arrangement."""
        whose = "" if OPERATE in caller.scopes else caller.agency_id
        async with database.borrowed(self.context.pool) as connection:
            rows = await connection.fetch(_LIST, whose, LIST_MAX)
        return RevocationList(revocations=[RevocationAnswer(**dict(row.items())) for row in rows])

    def _signed(self, body: AgreementBody, caller: Caller) -> str:
        found = self.book.on(self.context.clock.now().astimezone(LONDON).date())
        return signed_by(found, body.agency_id, caller.agency_id, runs_it=OPERATE in caller.scopes)

    async def _said(self, data: AgreementRevoked | AgreementRenewed, body: AgreementBody, caller: Caller) -> None:
        """Record it under the agency's id, unless it is so already: a repeated request goes on where it broke off."""
        row = await self._latest(data.agency_id, data.agreement_ref, caller)
        stands = row is None or row["renewed_at"] is not None
        if row is not None and stands == isinstance(data, AgreementRenewed):
            return
        contents = said_by(data.concern_id, "", who(body), body.words)
        digest = self.context.journal.desk.act_digest(data, contents).hex()
        key = f"{row['event_id'] if row is not None else ''}/{caller.agency_id}/{digest}"
        await self.context.journal.act(data.concern_id, data, agency_id=data.agency_id, key=key, contents=contents)

    async def _latest(self, agency_id: str, ref: str, caller: Caller) -> asyncpg.Record | None:
        async with database.borrowed(self.context.pool) as connection:
            return await connection.fetchrow(_LATEST, agency_id, ref, caller.agency_id)

    async def _answer(self, body: AgreementBody, ref: str, caller: Caller) -> RevocationAnswer:
        row = await self._latest(body.agency_id, ref, caller)
        assert row is not None, "what was recorded is noted in the same transaction"
        return RevocationAnswer(**dict(row.items()))

    async def _stop(self, agency_id: str) -> int:
        """Stop what was planned and has not left; what leaves at this moment is stopped by the door, or has left."""
        rows = await self._rows(_WAITING, agency_id)
        stands = await standing(self.context, self.book, [agency_id])
        count = 0
        for first in range(0, len(rows), BATCH):
            some = rows[first : first + BATCH]
            concerns, planned = {r["concern_id"] for r in some}, {r["planned_event_id"] for r in some}
            views = await sealed_views(self.context.journal, concerns, planned)
            for row in some:
                view = views.get(row["planned_event_id"])
                if view is not None and (ref := stands.stale_ref(view)):
                    data = stopped(row, Verdict(blocked=POLICY_STALE, agreement_ref=ref))
                    count += await self._done(row, data, f"{row['share_id']}/{POLICY_STALE}/{ref}")
        return count

    async def _release(self, agency_id: str, ref: str) -> int:
        """Plan anew what was stopped, unless somebody else's revocation of the same agreement stands."""
        stands = await standing(self.context, self.book, [agency_id])
        if (agency_id, ref) in stands.gone:
            return 0
        count = 0
        for row in await self._rows(_STOPPED, agency_id, ref):
            data = DispatchReleased(
                concern_id=str(row["concern_id"]),
                share_id=str(row["share_id"]),
                recipient_agency_id=agency_id,
                agreement_ref=ref,
            )
            count += await self._done(row, data, f"{row['share_id']}/released")
        return count

    async def _rows(self, sql: str, *values: str) -> Sequence[asyncpg.Record]:
        async with database.borrowed(self.context.pool) as connection:
            rows: Sequence[asyncpg.Record] = await connection.fetch(sql, *values, STOPPED_MAX)
        return rows

    async def _done(self, row: asyncpg.Record, data: Any, key: str) -> bool:
        journal = self.context.journal
        done = await journal.act(str(row["concern_id"]), data, agency_id=row["agency_id"], key=key)
        return bool(done.events)


def revocation_routes(revocations: Revocations) -> APIRouter:
    """Give the routes."""
    routes = APIRouter(prefix="/v1/agreements", tags=["agreements"])

    @routes.post(
        "/revocations", summary="Revoke an agreement: what rests on it alone stops; what is due or urgent goes on"
    )
    async def revoke(body: AgreementBody, caller: Revoker) -> RevocationAnswer:
        return await revocations.revoke(body, caller)

    @routes.post(
        "/renewals", summary="Say that an agreement you revoked stands again; what was stopped is planned anew"
    )
    async def renew(body: AgreementBody, caller: Revoker) -> RevocationAnswer:
        return await revocations.renew(body, caller)

    @routes.get("/revocations", summary="Agreements that were revoked, the newest first")
    async def list_revocations(caller: Revoker) -> RevocationList:
        return await revocations.of(caller)

    return routes
