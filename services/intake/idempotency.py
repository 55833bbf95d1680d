"""Idempotency-Key: the same request again gets the first answer (draft-ietf-httpapi-idempotency-key-header-07).

Resends need no key, a concern is known by its reference. A key adds two things: a retry that arrives after a correction
gets its own first answer, and a new key says that content which was accepted before is meant anew. Keys are kept 30
days, as digests; what they were used for is kept for good in the journal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from services.chassis.event import Refused

KEPT: Final = timedelta(days=30)
LEASE: Final = timedelta(seconds=60)
"""How long a request may be in progress; a process that was killed holds its key no longer."""
SWEPT_MAX: Final = 10_000
DEADLINE_S: Final = 5.0
KEY_CHARS_MAX: Final = 255

_CHARS = r"[\x21\x23-\x5b\x5d-\x7e](?:[\x20\x21\x23-\x5b\x5d-\x7e]*[\x21\x23-\x5b\x5d-\x7e])?"
_KEY = re.compile(f'"({_CHARS})"|({_CHARS})')


@dataclass(frozen=True, slots=True)
class Request:
    """A request with a key.

    Attributes:
        agency_id: whose key it is; keys of two agencies never meet.
        key_digest: keyed digest of the key.
        fingerprint: keyed digest of the request.
    """

    agency_id: str
    key_digest: bytes
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Begun:
    """How a request begins.

    Attributes:
        event_id: what it led to the first time; None when it has led to nothing yet.
        fresh: the key was never seen. A request whose process was killed is not fresh: it may have been recorded.
    """

    event_id: UUID | None = None
    fresh: bool = False


def read_key(header: str) -> str:
    """Give the key of a header: a quoted string as the draft has it, or bare.

    Raises:
        Refused: 400 ``idempotency_key_wrong``.
    """
    found = _KEY.fullmatch(header.strip())
    key = "" if found is None else found[1] or found[2]
    if not 1 <= len(key) <= KEY_CHARS_MAX:
        raise Refused(
            400,
            "idempotency_key_wrong",
            f'Idempotency-Key is 1 to {KEY_CHARS_MAX} printable characters, as "8e03978e".',
        )
    return key


class Requests:
    """The requests of the last 30 days that came with a key."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def begin(self, request: Request, now: datetime) -> Begun:
        """Begin a request.

        Raises:
            Refused: 422 ``idempotency_key_reused`` for another request; 409 ``idempotency_key_in_progress``.
        """
        begun = await self._pool.fetchrow(
            "INSERT INTO intake_request AS r (agency_id, key_digest, fingerprint, started) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (agency_id, key_digest) DO UPDATE SET started = excluded.started "
            "WHERE r.event_id IS NULL AND r.fingerprint = excluded.fingerprint AND r.started < $5 "
            "RETURNING xmax = 0 AS fresh",
            request.agency_id,
            request.key_digest,
            request.fingerprint,
            now,
            now - LEASE,
            timeout=DEADLINE_S,
        )
        if begun is not None:
            return Begun(fresh=begun["fresh"])
        row = await self._pool.fetchrow(
            "SELECT fingerprint, event_id FROM intake_request WHERE agency_id = $1 AND key_digest = $2",
            request.agency_id,
            request.key_digest,
            timeout=DEADLINE_S,
        )
        if row is not None and bytes(row["fingerprint"]) != request.fingerprint:
            raise Refused(
                422, "idempotency_key_reused", "This Idempotency-Key was used for another request. Use a new one."
            )
        if row is None or row["event_id"] is None:
            raise Refused(409, "idempotency_key_in_progress", "The first request with this key is still at work. Wait.")
        return Begun(row["event_id"])

    async def finish(self, request: Request, event_id: UUID) -> None:
        """Note what a request led to."""
        await self._pool.execute(
            "UPDATE intake_request SET event_id = $3 WHERE agency_id = $1 AND key_digest = $2",
            request.agency_id,
            request.key_digest,
            event_id,
            timeout=DEADLINE_S,
        )

    async def abandon(self, request: Request) -> None:
        """Forget a request that led to nothing; its key may be used again."""
        await self._pool.execute(
            "DELETE FROM intake_request WHERE agency_id = $1 AND key_digest = $2 AND event_id IS NULL",
            request.agency_id,
            request.key_digest,
            timeout=DEADLINE_S,
        )

    async def sweep(self, now: datetime) -> None:
        """Forget keys that are past their time, a bounded number at once."""
        await self._pool.execute(
            "DELETE FROM intake_request WHERE ctid = ANY(ARRAY("
            "SELECT ctid FROM intake_request WHERE started < $1 LIMIT $2))",
            now - KEPT,
            SWEPT_MAX,
            timeout=DEADLINE_S,
        )
