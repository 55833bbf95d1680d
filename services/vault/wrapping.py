"""Wrapping keys: made, taken into use, and destroyed once nothing is wrapped under them.

Every night all live keys are wrapped anew under a new wrapping key and the old one is destroyed in the KMS. A copy of
the database from before (a backup, a dead tuple, the write-ahead log) holds only what was wrapped under the old one,
and opens nothing. That is what makes the destruction of a key reach copies nobody can edit.

Each step can be repeated: a run that was cut off is finished by the next.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from services.chassis.errors import DeadlineExceeded, KeyUnavailable, RelayError
from services.chassis.keys import Kms, Unwrapped, Wrapped
from services.chassis.log import Log

KEYS_PER_BATCH: Final = 2_000
STATEMENT_DEADLINE_S: Final = 30.0
_LOCK: Final = 1986098540  # as in schema.sql
_MAKING, _REWRAPPING = 1, 2

_log = Log("services.vault.wrapping")


class RewrapRunning(RelayError):  # noqa: N818  (a finding with a name of its own)
    """Another process is re-wrapping; it finishes what there is to do."""


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What a run did.

    Attributes:
        keys: wrapped anew, the id-key among them.
        destroyed: wrapping keys that are gone.
        lost: keys that no longer unwrap; their wrapping key is missing, or the rows were altered.
    """

    keys: int
    destroyed: tuple[str, ...]
    lost: int


async def ensure_wrapping_key(pool: asyncpg.Pool, kms: Kms) -> str:
    """Give the active wrapping key; the first start makes it.

    Raises:
        KeyUnavailable: the KMS does not know it: the database was restored from an old copy, or this is another KMS.
    """
    active: str | None = await pool.fetchval("SELECT vault.active_wrapping_key()", timeout=STATEMENT_DEADLINE_S)
    if active is not None:
        await _demand_known(kms, active)
        return active
    made = await kms.create()
    await pool.execute(
        "INSERT INTO vault.wrapping_key (wrapping_key_id, state) VALUES ($1, 'active') ON CONFLICT DO NOTHING",
        made,
        timeout=STATEMENT_DEADLINE_S,
    )
    active = await pool.fetchval("SELECT vault.active_wrapping_key()", timeout=STATEMENT_DEADLINE_S)
    assert active is not None
    if active != made:  # another process was first
        await kms.destroy(made)
    return active


async def _demand_known(kms: Kms, wrapping_key_id: str) -> None:
    try:
        await kms.wrap(wrapping_key_id, [])
    except KeyError as error:
        raise KeyUnavailable(
            "the KMS does not know the vault's active wrapping key: give it the vault's own KMS; if the database was "
            "restored from a copy older than the last re-wrap, its keys are gone for good: see docs/keys.md"
        ) from error


async def rewrap(pool: asyncpg.Pool, kms: Kms) -> Rewrapped:
    """Wrap every live key anew under a new wrapping key, and destroy those that are then no longer needed.

    Raises:
        RewrapRunning: another process is at it.
        DeadlineExceeded: the database did not answer in time; run it again, it goes on where it stopped.
    """
    try:
        async with pool.acquire(timeout=STATEMENT_DEADLINE_S) as connection, _alone(connection):
            new = await kms.create()
            await _take_into_use(connection, new)
            keys, lost = await _rewrap_keys(connection, kms, new)
            id_keys, lost_too = await _rewrap_id_key(connection, kms, new)
            destroyed = await _destroy_unused(connection, kms)
    except TimeoutError as error:
        raise DeadlineExceeded("re-wrapping: the vault's database did not answer in time; run it again") from error
    if lost + lost_too:
        _log.error("keys do not unwrap", code="key_not_unwrapped", count=lost + lost_too)
    _log.info("keys re-wrapped", count=keys + id_keys)
    return Rewrapped(keys + id_keys, destroyed, lost + lost_too)


@asynccontextmanager
async def _alone(connection: asyncpg.Connection[Any]) -> AsyncIterator[None]:
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", _LOCK, _REWRAPPING):
        raise RewrapRunning("another process is re-wrapping; there is nothing to do here")
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1, $2)", _LOCK, _REWRAPPING)


async def _take_into_use(connection: asyncpg.Connection[Any], new: str) -> None:
    """From here on nothing is wrapped under the old one: who makes keys holds the lock shared, and looks."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", _LOCK, _MAKING, timeout=STATEMENT_DEADLINE_S)
        await connection.execute(
            "UPDATE vault.wrapping_key SET state = 'retiring', changed_at = clock_timestamp() WHERE state = 'active'"
        )
        await connection.execute("INSERT INTO vault.wrapping_key (wrapping_key_id, state) VALUES ($1, 'active')", new)


async def _rewrap_keys(connection: asyncpg.Connection[Any], kms: Kms, new: str) -> tuple[int, int]:
    """Go through all live keys once, by id; those made meanwhile are under the new wrapping key already."""
    keys = lost = 0
    last = UUID(int=0)
    while True:
        rows = await connection.fetch(
            "SELECT key_id, wrapped, wrapping_key_id FROM vault.key"
            " WHERE key_id > $1 AND state <> 'destroyed' AND wrapping_key_id <> $2 ORDER BY key_id LIMIT $3",
            last, new, KEYS_PER_BATCH, timeout=STATEMENT_DEADLINE_S,
        )  # fmt: skip
        if not rows:
            return keys, lost
        last = rows[-1]["key_id"]
        anew = await _wrapped_anew(rows, kms, new)
        lost += len(rows) - len(anew)
        # a key destroyed meanwhile has no wrapping key any more and is passed over
        await connection.execute(
            "UPDATE vault.key k SET wrapped = a.wrapped, wrapping_key_id = $4"
            " FROM unnest($1::uuid[], $2::text[], $3::bytea[]) AS a (key_id, old, wrapped)"
            " WHERE k.key_id = a.key_id AND k.wrapping_key_id = a.old",
            [UUID(key.key_id) for _, key in anew], [old for old, _ in anew], [key.wrapped for _, key in anew], new,
            timeout=STATEMENT_DEADLINE_S,
        )  # fmt: skip
        keys += len(anew)


async def _rewrap_id_key(connection: asyncpg.Connection[Any], kms: Kms, new: str) -> tuple[int, int]:
    rows = await connection.fetch(
        "SELECT key_id, wrapped, wrapping_key_id FROM vault.id_key WHERE wrapping_key_id <> $1", new
    )
    anew = await _wrapped_anew(rows, kms, new)
    for _, key in anew:
        await connection.execute("UPDATE vault.id_key SET wrapped = $1, wrapping_key_id = $2", key.wrapped, new)
    return len(anew), len(rows) - len(anew)


async def _wrapped_anew(rows: Sequence[asyncpg.Record], kms: Kms, new: str) -> list[tuple[str, Wrapped]]:
    """Give the keys that unwrap, wrapped under ``new``, each with the wrapping key it was under."""
    old = [Wrapped(str(row["key_id"]), row["wrapping_key_id"], row["wrapped"]) for row in rows]
    bare = [
        (key.wrapping_key_id, Unwrapped(key.key_id, secret))
        for key, secret in zip(old, await kms.unwrap(old), strict=True)
        if secret is not None
    ]
    wrapped = await kms.wrap(new, [key for _, key in bare])
    return [(under, key) for (under, _), key in zip(bare, wrapped, strict=True)]


async def _destroy_unused(connection: asyncpg.Connection[Any], kms: Kms) -> tuple[str, ...]:
    """Destroy the retiring ones that nothing is wrapped under; in the KMS first, so that a cut is made good."""
    rows = await connection.fetch(
        "SELECT wrapping_key_id FROM vault.wrapping_key w WHERE state = 'retiring'"
        " AND NOT EXISTS (SELECT FROM vault.key k WHERE k.wrapping_key_id = w.wrapping_key_id)"
        " AND NOT EXISTS (SELECT FROM vault.id_key i WHERE i.wrapping_key_id = w.wrapping_key_id)",
        timeout=STATEMENT_DEADLINE_S,
    )
    unused = [str(row["wrapping_key_id"]) for row in rows]
    for wrapping_key_id in unused:
        await kms.destroy(wrapping_key_id)
        await connection.execute(
            "UPDATE vault.wrapping_key SET state = 'destroyed', changed_at = clock_timestamp()"
            " WHERE wrapping_key_id = $1",
            wrapping_key_id,
        )
    return tuple(unused)
