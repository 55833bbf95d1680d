"""A vault of one's own: its database on the real server, its KMS in a folder, and the services' own logins to it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from services.chassis.clock import Clock, StillClock
from services.chassis.keys import LocalKms, VaultKeys
from services.vault.store import SCHEMA
from services.vault.wrapping import ensure_wrapping_key
from services.workbench.servers import Servers
from services.workbench.servers.address import with_login

TEST_DEADLINE_S = 60.0
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test to its end, with a deadline."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), TEST_DEADLINE_S))
    return True


@dataclass(frozen=True)
class AVault:
    """A vault's database, open as its owner, and its KMS."""

    servers: Servers
    dsn: str
    owner: asyncpg.Pool
    kms: LocalKms
    clock: StillClock

    def url(self, role: str) -> str:
        """The DSN of this vault's database under a service's own role."""
        login = self.servers.logins[role]
        database = self.dsn.rpartition("/")[2]
        return with_login(self.servers.admin_database_url, login.role, login.password, database=database)

    def keys(self, role: str, *, clock: Clock | None = None, deadline_s: float = 10.0) -> VaultKeys:
        """A service's client, to be entered."""
        return VaultKeys(self.url(role), self.kms, clock or self.clock, deadline_s=deadline_s)

    async def openings(self) -> list[tuple[str, str, int, int]]:
        """The log: role, purpose, how many were opened, how many were refused."""
        rows = await self.owner.fetch(
            "SELECT role, purpose, count, cardinality(refused) AS refused FROM vault.opening ORDER BY opening_id"
        )
        return [tuple(row.values()) for row in rows]


@pytest.fixture
def new_vault(servers: Servers, database: str, tmp_path: Path) -> Callable[[], object]:
    """Makes an empty vault in the module's database, entered with ``async with``."""

    @asynccontextmanager
    async def make() -> AsyncIterator[AVault]:
        async with asyncpg.create_pool(database, min_size=1, max_size=4) as owner:
            await owner.execute("DROP SCHEMA IF EXISTS vault CASCADE; DROP TABLE IF EXISTS backup")
            await owner.execute(SCHEMA)
            LocalKms.make_master_key(tmp_path / "master.key")
            kms = LocalKms(tmp_path / "master.key")
            await ensure_wrapping_key(owner, kms)
            yield AVault(servers, database, owner, kms, StillClock(MONDAY))

    return make
