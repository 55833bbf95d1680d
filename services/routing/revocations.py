"""Agreements that were revoked, in routing's database, and what every channel asks before it sends."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import asyncpg

from concern_relay.v1.shares_pb2 import AgreementRenewed, AgreementRevoked, DispatchBlocked, DispatchReleased
from services.chassis import database
from services.chassis.arrangement import Book
from services.chassis.calendar import LONDON
from services.chassis.event import Fact
from services.chassis.service import Context
from services.routing.core.policy import Revoked, stale_ref
from services.routing.sealed_view import SealedView

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS agreement_revocation (
    event_id uuid PRIMARY KEY,
    agency_id text NOT NULL,
    agreement_ref text NOT NULL,
    revoked_by_agency_id text NOT NULL,
    revoked_at timestamptz NOT NULL,
    renewed_at timestamptz
);
CREATE INDEX IF NOT EXISTS agreement_revocation_stands ON agreement_revocation (agency_id) WHERE renewed_at IS NULL;
CREATE TABLE IF NOT EXISTS agreement_stopped (
    share_id uuid PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    concern_id uuid NOT NULL,
    agency_id text NOT NULL,
    agreement_ref text NOT NULL
);
CREATE INDEX IF NOT EXISTS agreement_stopped_agency ON agreement_stopped (agency_id, agreement_ref, seq);
"""
_NOTE: Final = "INSERT INTO agreement_revocation VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
_STOP: Final = """
INSERT INTO agreement_stopped (share_id, concern_id, agency_id, agreement_ref) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
"""
_RELEASE: Final = "DELETE FROM agreement_stopped WHERE share_id = $1"
_RENEW: Final = """
UPDATE agreement_revocation SET renewed_at = $4
WHERE agency_id = $1 AND agreement_ref = $2 AND revoked_by_agency_id = $3 AND renewed_at IS NULL
"""
_STANDS: Final = """
SELECT agency_id, agreement_ref FROM agreement_revocation WHERE agency_id = ANY($1) AND renewed_at IS NULL
"""


async def project(connection: asyncpg.Connection[Any], effects: Sequence[Fact]) -> None:
    """Note a revocation, its end, and what was stopped for it, in the transaction that records it."""
    for effect in effects:
        data = effect.data
        if isinstance(data, AgreementRevoked):
            values = (effect.id, data.agency_id, data.agreement_ref, data.revoked_by_agency_id, effect.recorded)
            await connection.execute(_NOTE, *values)
        elif isinstance(data, AgreementRenewed):
            whose = (data.agency_id, data.agreement_ref, data.renewed_by_agency_id)
            await connection.execute(_RENEW, *whose, effect.recorded)
        elif isinstance(data, DispatchBlocked) and data.agreement_ref:
            share, concern = UUID(data.share_id), UUID(data.concern_id)
            await connection.execute(_STOP, share, concern, data.recipient_agency_id, data.agreement_ref)
        elif isinstance(data, DispatchReleased):
            await connection.execute(_RELEASE, UUID(data.share_id))


@dataclass(frozen=True, slots=True)
class Standing:
    """Which agreements stand at the moment of sending.

    Attributes:
        book: every arrangement.
        today: in London.
        gone: agreements that were revoked, of the agencies that were asked for.
    """

    book: Book
    today: date
    gone: Revoked

    def stale_ref(self, view: SealedView) -> str:
        """Give the agreement for whose sake a share must not leave; empty when it may."""
        now = self.book.on(self.today)
        return stale_ref(view.data, self.book.by_digest(view.data.arrangement_sha256) or now, now, self.gone)


async def standing(context: Context, book: Book, agency_ids: Collection[str]) -> Standing:
    """Ask, at the moment of sending, which agreements of some agencies were revoked."""
    async with database.borrowed(context.pool) as connection:
        rows = await connection.fetch(_STANDS, list(set(agency_ids)))
    today = context.clock.now().astimezone(LONDON).date()
    return Standing(book, today, frozenset((row["agency_id"], row["agreement_ref"]) for row in rows))
