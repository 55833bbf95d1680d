"""The vault's process."""

from __future__ import annotations

import sys

from fastapi import APIRouter

from services.chassis.keys import kms_of
from services.chassis.service import Context, Service, main
from services.vault.api import key_routes
from services.vault.core import VaultCore
from services.vault.nightly import keep_rewrapping
from services.vault.pending import keep_telling
from services.vault.store import TAKES, VaultStore
from services.vault.wrapping import ensure_wrapping_key


def _routes(context: Context) -> APIRouter:
    return key_routes(context.pool, kms_of(context.settings))


async def tell_what_happened(context: Context) -> None:
    """See that keys can be made; then tell what happened to them, for as long as the process lives."""
    has_wrapping_key = False
    context.health.add("wrapping_key", lambda: has_wrapping_key, "no wrapping key yet; see the log and the KMS")
    await ensure_wrapping_key(context.pool, kms_of(context.settings))
    has_wrapping_key = True
    await keep_telling(context.pool, context.journal, context.clock)


async def shut_old_copies(context: Context) -> None:
    """Re-wrap keys when it is due."""
    await keep_rewrapping(context.pool, kms_of(context.settings))


SERVICE = Service(
    name="vault",
    core=lambda _: VaultCore(),
    store=VaultStore(),
    reads=("concerns.v1", "shares.v1"),
    takes=TAKES,
    opens=frozenset(),
    writes=("keys.v1",),
    routes=_routes,
    workers=(tell_what_happened, shut_old_copies),
    may_issue=False,
    patience_ms=250,
)

if __name__ == "__main__":
    sys.exit(main(SERVICE))
