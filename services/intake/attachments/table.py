"""Intake's table of attachments: whose bytes are awaited, wait for a scan, or are to be removed. No content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg

from concern_relay.v1.concerns_pb2 import (
    AttachmentCleared,
    AttachmentDeclared,
    AttachmentExpired,
    AttachmentRefused,
    AttachmentStored,
    ErasureApproved,
)
from services.chassis.event import Fact

DEADLINE_S: Final = 5.0

# gone: what it belongs to is erased, or it was refused; its object is removed, and then object_id is empty.
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS intake_attachment (
    attachment_id uuid PRIMARY KEY,
    concern_id uuid NOT NULL,
    agency_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('declared', 'expired', 'quarantined', 'held', 'refused')),
    person_id text NOT NULL,
    consent_ref text NOT NULL,
    object_id uuid,
    key_id text NOT NULL DEFAULT '',
    gone boolean NOT NULL DEFAULT false,
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz
);
CREATE INDEX IF NOT EXISTS intake_attachment_awaited ON intake_attachment (agency_id) WHERE state = 'declared';
CREATE INDEX IF NOT EXISTS intake_attachment_scan ON intake_attachment (next_at) WHERE state = 'quarantined';
CREATE INDEX IF NOT EXISTS intake_attachment_object ON intake_attachment (object_id) WHERE object_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS intake_attachment_concern ON intake_attachment (concern_id);
"""
_DECLARED: Final = """
INSERT INTO intake_attachment (attachment_id, concern_id, agency_id, state, person_id, consent_ref)
VALUES ($1, $2, $3, 'declared', $4, $5) ON CONFLICT (attachment_id) DO UPDATE SET state = 'declared',
    gone = intake_attachment.gone AND intake_attachment.state <> 'refused',
    object_id = CASE intake_attachment.state WHEN 'refused' THEN NULL ELSE intake_attachment.object_id END, attempts = 0
"""
_STORED: Final = """
UPDATE intake_attachment SET state = $2, object_id = $3, key_id = $4, next_at = $5 WHERE attachment_id = $1
"""
_STATE: Final = "UPDATE intake_attachment SET state = $2, gone = gone OR $3 WHERE attachment_id = $1"
# an erasure of the whole concern takes all; of a person or a consent, what is about the one or rests on the other
_ERASED: Final = """
UPDATE intake_attachment SET gone = true
WHERE concern_id = $1 AND ($2 = '' OR person_id = $2) AND ($3 = '' OR consent_ref = $3)
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Bytes that wait for a scan.

    Attributes:
        attempts: how often a scan was tried.
    """

    attachment_id: str
    concern_id: str
    agency_id: str
    object_id: str
    key_id: str
    attempts: int


async def project(connection: asyncpg.Connection[Any], effects: Sequence[Fact]) -> None:
    """Write what events mean for the table."""
    for fact in effects:
        change = _change(fact)
        if change is not None:
            await connection.execute(*change)


def _change(fact: Fact) -> tuple[Any, ...] | None:
    data = fact.data
    match data:
        case AttachmentDeclared():
            ids = (UUID(data.attachment_id), UUID(data.concern_id), data.agency_id)
            return _DECLARED, *ids, data.about_person_id, data.consent_ref
        case AttachmentStored():
            state = "quarantined" if data.scan_expected else "held"
            return _STORED, UUID(data.attachment_id), state, UUID(data.object_id), data.key_id, fact.recorded
        case AttachmentExpired():
            return _STATE, UUID(data.attachment_id), "expired", False
        case AttachmentCleared():
            return _STATE, UUID(data.attachment_id), "held", False
        case AttachmentRefused():
            return _STATE, UUID(data.attachment_id), "refused", True
        case ErasureApproved():
            return _ERASED, UUID(data.concern_id), data.person_id, data.consent_ref
        case _:
            return None


class AttachmentTable:
    """Reads of the table, and what workers write."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def awaited(self, agency_id: str) -> int:
        """Count the files of an agency whose bytes are awaited."""
        count = await self._pool.fetchval(
            "SELECT count(*) FROM intake_attachment WHERE agency_id = $1 AND state = 'declared'",
            agency_id,
            timeout=DEADLINE_S,
        )
        return int(count)

    async def lease(self, now: datetime, lease: timedelta, limit: int) -> list[Waiting]:
        """Take what waits for a scan; nobody else gets it until the lease runs out."""
        rows = await self._pool.fetch(
            "UPDATE intake_attachment SET next_at = $2, attempts = attempts + 1 WHERE attachment_id IN ("
            "SELECT attachment_id FROM intake_attachment WHERE state = 'quarantined' AND NOT gone AND next_at <= $1 "
            "ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED) "
            "RETURNING attachment_id, concern_id, agency_id, object_id, key_id, attempts",
            now,
            now + lease,
            limit,
            timeout=DEADLINE_S,
        )
        return [
            Waiting(
                str(r["attachment_id"]), str(r["concern_id"]), r["agency_id"], str(r["object_id"]), r["key_id"],
                r["attempts"],
            )
            for r in rows
        ]  # fmt: skip

    async def again(self, attachment_id: str, at: datetime) -> None:
        """Let a scan be tried again then."""
        await self._pool.execute(
            "UPDATE intake_attachment SET next_at = $2 WHERE attachment_id = $1",
            UUID(attachment_id),
            at,
            timeout=DEADLINE_S,
        )

    async def quarantined(self) -> int:
        """Count the files that wait for a scan."""
        count = await self._pool.fetchval(
            "SELECT count(*) FROM intake_attachment WHERE state = 'quarantined' AND NOT gone", timeout=DEADLINE_S
        )
        return int(count)

    async def gone(self, limit: int) -> list[tuple[str, str]]:
        """Give attachments whose bytes are to be removed, with their objects."""
        rows = await self._pool.fetch(
            "SELECT attachment_id, object_id FROM intake_attachment WHERE gone AND object_id IS NOT NULL LIMIT $1",
            limit,
            timeout=DEADLINE_S,
        )
        return [(str(row["attachment_id"]), str(row["object_id"])) for row in rows]

    async def removed(self, attachment_id: str, object_id: str) -> None:
        """Look for these bytes no more; others may have come since."""
        await self._pool.execute(
            "UPDATE intake_attachment SET object_id = NULL WHERE attachment_id = $1 AND object_id = $2",
            UUID(attachment_id),
            UUID(object_id),
            timeout=DEADLINE_S,
        )

    async def unknown(self, object_ids: Sequence[str]) -> list[str]:
        """Give those of some objects that belong to no attachment."""
        rows = await self._pool.fetch(
            "SELECT object_id FROM intake_attachment WHERE object_id = ANY($1)",
            [UUID(one) for one in object_ids],
            timeout=DEADLINE_S,
        )
        known = {str(row["object_id"]) for row in rows}
        return [one for one in object_ids if one not in known]
