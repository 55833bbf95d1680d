"""One-time links: unguessable, opened once, by somebody who was told the code over the telephone, within hours.

Neither the link nor its code says anything about a child, and neither is kept: only a digest of the link and a keyed
one of the code. Looking at the page does not open it, so that a mail filter that follows links uses nothing up.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from concern_relay.v1.facts_pb2 import NamedPerson
from services.chassis import database
from services.chassis.clock import Clock
from services.chassis.event import Refused

TOKEN_BYTES: Final = 32
CODE_DIGITS: Final = 6
WRONG_MAX: Final = 5
"""Wrong codes that end a link: five guesses of a million."""

LIFE_DEFAULT_HOURS: Final = 24
LIFE_MAX_HOURS: Final = 72
TOKEN_CHARS_MAX: Final = 64

# Who made a link and who opened it are names: sealed under routing's local key until they are recorded as events.
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS one_time_link (
    link_digest bytea PRIMARY KEY,
    share_id uuid NOT NULL REFERENCES share,
    code_digest bytea NOT NULL,
    made_by bytea NOT NULL,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    wrong smallint NOT NULL DEFAULT 0,
    opened_at timestamptz,
    opened_by bytea,
    receipt_digest bytea,
    acknowledged_at timestamptz
);
CREATE INDEX IF NOT EXISTS one_time_link_share ON one_time_link (share_id);
"""


@dataclass(frozen=True, slots=True)
class Link:
    """A new link: the only moment its token and code are known."""

    token: str = field(repr=False)
    code: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that was opened just now."""

    share_id: UUID
    made_by: NamedPerson = field(repr=False)
    receipt: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Links:
    """Makes, opens and ends links."""

    pool: asyncpg.Pool
    clock: Clock
    local_key: bytes = field(repr=False)

    async def make(self, share_id: UUID, made_by: NamedPerson, hours: int) -> Link:
        """Make a link for a share; those made before and not opened end."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
        digest, now = _digest(token), self.clock.now()
        expires_at = now + timedelta(hours=hours)
        async with database.transaction(self.pool) as connection:
            await connection.execute("DELETE FROM one_time_link WHERE share_id = $1 AND opened_at IS NULL", share_id)
            await connection.execute(
                "INSERT INTO one_time_link (link_digest, share_id, code_digest, made_by, made_at, expires_at) "
                "VALUES ($1, $2, $3, $4, $5, $6)",
                *(digest, share_id, self._code_digest(digest, code), self._sealed(digest, made_by), now, expires_at),
            )
        return Link(token, code, expires_at)

    async def stands(self, token: str) -> bool:
        """Say whether a link can still be opened; changes nothing."""
        return bool(await self._fetch(_STANDS, _digest(token), self.clock.now(), WRONG_MAX))

    async def share_of(self, token: str, code: str) -> UUID:
        """Give the share of a link whose code is right; a wrong one is counted.

        Raises:
            Refused: 410 for a link that ended, 403 for a wrong code.
        """
        digest = _digest(token)
        rows = await self._fetch(_STANDS, digest, self.clock.now(), WRONG_MAX)
        if not rows:
            raise _ended()
        if not hmac.compare_digest(bytes(rows[0]["code_digest"]), self._code_digest(digest, code)):
            await self._fetch("UPDATE one_time_link SET wrong = wrong + 1 WHERE link_digest = $1", digest)
            raise Refused(403, "wrong_code", "this is not the code you were told; after five wrong ones the link ends")
        found: UUID = rows[0]["share_id"]
        return found

    async def open(self, token: str, opened_by: NamedPerson) -> Opened:
        """Use a link up.

        Raises:
            Refused: 410, somebody was faster, or it ended.
        """
        digest, receipt = _digest(token), secrets.token_urlsafe(TOKEN_BYTES)
        rows = await self._fetch(
            _OPEN, digest, self.clock.now(), WRONG_MAX, self._sealed(digest, opened_by), _digest(receipt)
        )
        if not rows:
            raise _ended()
        return Opened(rows[0]["share_id"], self._opened(digest, rows[0]["made_by"]), receipt)

    async def acknowledged(self, token: str, receipt: str) -> tuple[UUID, NamedPerson]:
        """Give the share that whoever opened a link acknowledges, and who it was.

        Raises:
            Refused: 410, not from the page the link showed.
        """
        digest = _digest(token)
        rows = await self._fetch(_ACKNOWLEDGE, digest, _digest(receipt), self.clock.now())
        if not rows:
            raise _ended()
        return rows[0]["share_id"], self._opened(digest, rows[0]["opened_by"])

    def _code_digest(self, digest: bytes, code: str) -> bytes:
        return hmac.new(self.local_key, b"one-time code\n" + digest + code.encode(), hashlib.sha256).digest()

    def _cipher(self) -> AESSIV:
        return AESSIV(HKDF(SHA256(), 64, None, b"concern-relay one-time links v1").derive(self.local_key))

    def _sealed(self, digest: bytes, who: NamedPerson) -> bytes:
        return self._cipher().encrypt(json.dumps([who.name, who.role]).encode(), [digest])

    def _opened(self, digest: bytes, sealed: bytes) -> NamedPerson:
        name, role = json.loads(self._cipher().decrypt(bytes(sealed), [digest]))
        return NamedPerson(name=name, role=role)

    async def _fetch(self, query: str, *values: Any) -> list[asyncpg.Record]:
        async with database.borrowed(self.pool) as connection:
            rows: list[asyncpg.Record] = await connection.fetch(query, *values)
        return rows


def _ended() -> Refused:
    return Refused(410, "link_ended", "this link was used, has ended or never was: telephone the agency that sent it")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token[:TOKEN_CHARS_MAX].encode()).digest()


_STANDS: Final = """
SELECT share_id, code_digest FROM one_time_link
WHERE link_digest = $1 AND opened_at IS NULL AND expires_at > $2 AND wrong < $3
"""
_OPEN: Final = """
UPDATE one_time_link SET opened_at = $2, opened_by = $4, receipt_digest = $5
WHERE link_digest = $1 AND opened_at IS NULL AND expires_at > $2 AND wrong < $3 RETURNING share_id, made_by
"""
_ACKNOWLEDGE: Final = """
UPDATE one_time_link SET acknowledged_at = coalesce(acknowledged_at, $3)
WHERE link_digest = $1 AND receipt_digest = $2 AND opened_at IS NOT NULL RETURNING share_id, opened_by
"""
