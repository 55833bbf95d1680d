"""What the vault keeps: its schema, and what only the vault itself may do to keys.

Services reach the functions granted to their roles (``schema.sql``, at the end). What is here needs the owner's role.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from concern_relay.v1.concerns_pb2 import ErasureApproved
from concern_relay.v1.shares_pb2 import ErasureConfirmed, ErasureDeclined
from services.chassis.event import Fact

SCHEMA = (Path(__file__).parent / "schema.sql").read_text(encoding="utf-8")


TAKES: Final = frozenset({"ErasureApproved", "ErasureConfirmed", "ErasureDeclined"})
"""Facts of other services that change keys."""
APPROVED: Final = "erasure_approved"
CONFIRMED: Final = "erasure_confirmed"
DECLINED: Final = "erasure_declined"

_OWN: Final = "SELECT vault.destroy_own($1, $2, $3, $4)"
_SHARE: Final = "SELECT vault.destroy_share($1, $2, $3, $4)"
_RESUME: Final = "SELECT vault.resume_share($1, $2, $3, $4)"


class VaultStore:
    """The vault's tables. Its own events change nothing in them: the change came first, the event tells of it."""

    schema = SCHEMA

    async def project(self, connection: asyncpg.Connection[Any], fact: Fact, effects: Sequence[Fact]) -> None:
        """Do to the keys what people decided elsewhere, in the transaction that takes the fact: once, whatever happens.

        An approved erasure destroys the sender's own copy. A recipient's copy goes when a named person there confirms
        it; where it is kept for a duty of its own, what was suspended with a consent opens again for that share alone.
        """
        del effects
        concern = UUID(fact.concern_id)
        match fact.data:
            case ErasureApproved() as data:
                await connection.execute(_OWN, concern, data.person_id, data.consent_ref, APPROVED)
            case ErasureConfirmed() as data if data.share_id:
                await connection.execute(_SHARE, concern, data.share_id, data.consent_ref, CONFIRMED)
            case ErasureDeclined() as data if data.share_id and data.consent_ref:
                await connection.execute(_RESUME, concern, data.share_id, data.consent_ref, DECLINED)


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
