"""What the vault keeps: its schema, and what only the vault itself may do to keys.

Services reach the functions granted to their roles (``schema.sql``, at the end). What is here needs the owner's role.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from services.chassis.event import Fact

SCHEMA = (Path(__file__).parent / "schema.sql").read_text(encoding="utf-8")


class VaultStore:
    """The vault's tables. Events change nothing in them: the change came first, the event tells of it."""

    schema = SCHEMA

    async def project(self, connection: asyncpg.Connection[Any], fact: Fact, effects: Sequence[Fact]) -> None:
        """Keep nothing."""


async def resume(
    pool: asyncpg.Pool, concern_id: str, *, reason: str, consent_ref: str = "", key_ids: Collection[str] = ()
) -> tuple[str, ...]:
    """Let suspended keys open again: those of a consent, or the named ones. Gives those that were suspended."""
    rows = await pool.fetch(
        "SELECT vault.resume($1, $2, $3, $4) AS key_id", UUID(concern_id), consent_ref, _uuids(key_ids), reason
    )
    return _ids(rows)


async def destroy(
    pool: asyncpg.Pool,
    concern_id: str,
    *,
    reason: str,
    person_id: str = "",
    consent_ref: str = "",
    key_ids: Collection[str] = (),
) -> tuple[str, ...]:
    """Destroy keys for good, and let none be made in their place.

    Args:
        pool: as the owner of the vault's database.
        concern_id: the concern; all of it, when nothing else is named.
        reason: a code, published.
        person_id: only the keys about this person.
        consent_ref: only the keys that rest on this consent.
        key_ids: these keys alone.

    Returns:
        The ids of the keys that existed until now, sorted.
    """
    rows = await pool.fetch(
        "SELECT vault.destroy($1, $2, $3, $4, $5) AS key_id",
        UUID(concern_id), person_id, consent_ref, _uuids(key_ids), reason,
    )  # fmt: skip
    return _ids(rows)


async def counts(pool: asyncpg.Pool) -> dict[str, int]:
    """Count the keys by state."""
    rows = await pool.fetch("SELECT state, count(*) AS keys FROM vault.key GROUP BY state")
    found = {str(row["state"]): int(row["keys"]) for row in rows}
    return {state: found.get(state, 0) for state in ("active", "suspended", "destroyed")}


def _uuids(key_ids: Collection[str]) -> list[UUID]:
    return sorted(UUID(key_id) for key_id in key_ids)


def _ids(rows: Sequence[asyncpg.Record]) -> tuple[str, ...]:
    return tuple(sorted(str(row["key_id"]) for row in rows))
