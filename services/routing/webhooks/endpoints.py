"""Endpoints that agencies register: proved by a challenge before anything is sent there, their secrets rotated."""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from services.chassis import database
from services.chassis.auth import Caller
from services.chassis.clock import Clock
from services.chassis.event import Refused
from services.chassis.log import Log
from services.routing.webhooks import tables
from services.routing.webhooks.message import challenge_body
from services.routing.webhooks.post import Poster
from services.routing.webhooks.reach import Reach
from services.routing.webhooks.secrets import SecretSeal
from services.routing.webhooks.signature import new_secret, signed_headers

ENDPOINTS_MAX: Final = 5
"""Of one agency; more are more places that know of a child."""

OVERLAP: Final = timedelta(hours=24)
"""How long the former secret goes on signing beside the new one."""

CHALLENGE_BYTES: Final = 24
log = Log(__name__)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Registers, proves, rotates and removes."""

    pool: asyncpg.Pool
    clock: Clock
    reach: Reach
    poster: Poster
    seal: SecretSeal

    async def register(self, caller: Caller, url: str, event_types: list[str], *, test: bool) -> tuple[UUID, str]:
        """Take an address; give its id and its secret, which is shown this once.

        Raises:
            Refused: the address may not be called, or there are too many.
        """
        if objection := self.reach.objection(url):
            raise Refused(422, "address_refused", objection)
        endpoint_id, secret = uuid4(), new_secret()
        rows = await self._fetch(
            _REGISTER,
            *(endpoint_id, caller.agency_id, url, event_types, test, self.seal.seal(endpoint_id, secret)),
            *(caller.subject, self.clock.now(), ENDPOINTS_MAX),
        )
        if not rows:
            raise Refused(409, "too_many", f"an agency has at most {ENDPOINTS_MAX} endpoints: delete one first")
        log.info("a webhook endpoint was registered", channel="webhook")
        return endpoint_id, secret

    async def own(self, endpoint_id: UUID, caller: Caller) -> asyncpg.Record:
        """Give an endpoint of the caller's agency.

        Raises:
            Refused: 404; another agency's is unknown too.
        """
        rows = await self._fetch("SELECT * FROM webhook_endpoint WHERE endpoint_id = $1", endpoint_id)
        if not rows or rows[0]["agency_id"] != caller.agency_id:
            raise Refused(404, "unknown_endpoint", "your agency has no such endpoint; list them to see which there are")
        return rows[0]

    async def verify(self, row: asyncpg.Record) -> None:
        """Send the challenge; an endpoint that answers it is enabled.

        Raises:
            Refused: it did not; says how.
        """
        endpoint_id, now = row["endpoint_id"], self.clock.now()
        challenge = secrets.token_urlsafe(CHALLENGE_BYTES)
        body = challenge_body(challenge, now.isoformat())
        secret = self.seal.open(endpoint_id, row["secret"])
        answer = await self.poster.post(row["url"], signed_headers(f"msg_{uuid4().hex}", now, body, [secret]), body)
        if not answer.ok:
            said = f"status {answer.status}" if answer.status else answer.reason
            raise Refused(409, "challenge_failed", f"the endpoint did not take the challenge ({said}); mend it, again")
        if not hmac.compare_digest(_challenge_in(answer.body).encode(), challenge.encode()):
            raise Refused(
                409, "challenge_failed", 'the endpoint must answer {"challenge": "…"} with the value it was sent'
            )
        await self._fetch(_ENABLE, endpoint_id)
        log.info("a webhook endpoint is enabled", channel="webhook")

    async def rotate(self, row: asyncpg.Record) -> str:
        """Give a new secret, shown this once; the one before goes on signing beside it for a day."""
        endpoint_id, secret = row["endpoint_id"], new_secret()
        sealed = self.seal.seal(endpoint_id, secret)
        await self._fetch(_ROTATE, endpoint_id, sealed, self.clock.now() + OVERLAP)
        return secret

    async def disable(self, row: asyncpg.Record) -> None:
        """Send nothing there any more, until it is verified again."""
        await self._fetch(tables.DISABLE, row["endpoint_id"], "by_agency", self.clock.now())

    async def replay(self, row: asyncpg.Record) -> int:
        """Send what was parked once more; give how many messages.

        Raises:
            Refused: the endpoint is not enabled.
        """
        if row["state"] != "enabled":
            raise Refused(409, "not_enabled", "verify the endpoint first; then what was parked is sent again")
        return len(await self._fetch(_REPLAY, row["endpoint_id"], self.clock.now()))

    async def remove(self, row: asyncpg.Record) -> None:
        """Forget an endpoint and what waits for it; shares that wait for it go the next way."""
        await self.disable(row)
        await self._fetch("DELETE FROM webhook_endpoint WHERE endpoint_id = $1", row["endpoint_id"])

    async def _fetch(self, query: str, *values: object) -> list[asyncpg.Record]:
        async with database.borrowed(self.pool) as connection:
            rows: list[asyncpg.Record] = await connection.fetch(query, *values)
        return rows


def _challenge_in(body: bytes) -> str:
    try:
        found: Any = json.loads(body)
    except (ValueError, UnicodeDecodeError):
        return ""
    value = found.get("challenge", "") if isinstance(found, dict) else ""
    return value if isinstance(value, str) else ""


_REGISTER: Final = """
INSERT INTO webhook_endpoint (endpoint_id, agency_id, url, event_types, test, state, secret, registered_by,
    registered_at)
SELECT $1, $2, $3, $4, $5, 'pending', $6, $7, $8
WHERE (SELECT count(*) FROM webhook_endpoint WHERE agency_id = $2) < $9 RETURNING endpoint_id
"""
_ENABLE: Final = """
UPDATE webhook_endpoint SET state = 'enabled', reason = '', failures = 0, failing_since = NULL, resting_until = NULL,
    last_reason = '' WHERE endpoint_id = $1
"""
_ROTATE: Final = """
UPDATE webhook_endpoint SET former_secret = secret, former_until = $3, secret = $2 WHERE endpoint_id = $1
"""
# Messages begin their day anew; what they tell of is no less true for being late.
_REPLAY: Final = """
UPDATE webhook_message SET parked_at = NULL, leased_until = NULL, next_at = $2, happened_at = $2, attempts = 0
WHERE endpoint_id = $1 AND parked_at IS NOT NULL RETURNING message_id
"""
