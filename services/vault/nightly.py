"""When keys are re-wrapped: every day, and soon after a key was destroyed; by itself, or by hand.

By hand: ``python -m services.vault.nightly`` with RELAY_DATABASE_URL (the vault's own) and the KMS of the vault. It
prints one line of JSON; exit 0 when all live keys were wrapped anew, 1 when some could not be or another run is at it,
2 when a setting is wrong.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Final

import asyncpg

from services.chassis.errors import DeadlineExceeded, SettingsError
from services.chassis.keys import Kms, kms_of
from services.chassis.log import Log
from services.chassis.settings import REPOSITORY, Settings
from services.vault.wrapping import STATEMENT_DEADLINE_S, RewrapRunning, rewrap

EVERY: Final = timedelta(hours=24)
AFTER_DESTRUCTION: Final = timedelta(minutes=15)
"""Until then a copy of the database taken since the last run still opens what was destroyed. One run serves several."""
LOOK_EVERY_S: Final = 60.0

_log = Log("services.vault.nightly")


async def is_due(pool: asyncpg.Pool, *, every: timedelta = EVERY, after: timedelta = AFTER_DESTRUCTION) -> bool:
    """Tell whether keys are to be re-wrapped now, by the database's clock."""
    due: bool = await pool.fetchval(
        "SELECT EXISTS (SELECT FROM vault.wrapping_key w WHERE w.state = 'active' AND ("
        " w.made_at <= clock_timestamp() - $1::interval OR EXISTS ("
        "  SELECT FROM vault.pending_event e WHERE e.type = 'KeyDestroyed'"
        "  AND e.at > w.made_at AND e.at <= clock_timestamp() - $2::interval)))",
        every,
        after,
        timeout=STATEMENT_DEADLINE_S,
    )
    return due


async def keep_rewrapping(pool: asyncpg.Pool, kms: Kms) -> None:
    """Re-wrap whenever it is due, until cancelled."""
    while True:
        try:
            if await is_due(pool):
                await rewrap(pool, kms)
        except RewrapRunning:
            _log.info("another process re-wraps")
        except (DeadlineExceeded, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            _log.warning("keys not re-wrapped, tried again", error=type(error).__name__)
        await asyncio.sleep(LOOK_EVERY_S)


async def _by_hand(settings: Settings) -> int:
    async with asyncpg.create_pool(settings.database_url, min_size=1, max_size=2) as pool:
        try:
            done = await rewrap(pool, kms_of(settings))
        except (RewrapRunning, DeadlineExceeded) as error:
            print(error, file=sys.stderr)  # noqa: T201  (a person started it)
            return 1
    print(json.dumps(asdict(done)))  # noqa: T201
    return 1 if done.lost else 0


def main() -> int:
    """Re-wrap once."""
    url = os.environ.get("RELAY_DATABASE_URL")
    if not url:
        print("RELAY_DATABASE_URL is not set: give the DSN of the vault's database", file=sys.stderr)  # noqa: T201
        return 2
    settings = Settings(
        service="vault",
        database_url=url,
        state_dir=Path(os.environ.get("RELAY_STATE_DIR", str(REPOSITORY / ".relay"))),
        profile=os.environ.get("RELAY_PROFILE", "local"),
    )
    try:
        return asyncio.run(_by_hand(settings))
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2


if __name__ == "__main__":
    sys.exit(main())
