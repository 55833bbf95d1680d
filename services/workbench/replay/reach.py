"""How ``ledger`` and ``history`` reach the audit database: what runs is shared, else the database is started."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg

from services.audit import history
from services.audit.charter import charter_of
from services.audit.sequencer import Charter
from services.chassis.envelope import Event
from services.chassis.errors import RelayError
from services.chassis.settings import REPOSITORY, Settings
from services.workbench.replay.check import Access
from services.workbench.servers import Servers, ServersError, reporting, running

DEPLOY: Final = Path(os.environ.get("RELAY_DEPLOY_DIR", str(REPOSITORY / "deploy")))
"""As the services read it: what they decided by, a replay must find."""

#: Written while the services run.
ENDPOINTS: Final = "endpoints.json"
CLOSE_DEADLINE_S: Final = 10.0
UNAVAILABLE: Final = (ServersError, RelayError, OSError, asyncpg.PostgresError)
DATABASE: Final = frozenset({"postgres"})
DATABASE_AND_BROKER: Final = frozenset({"postgres", "kafka"})


@dataclass(frozen=True)
class Reach:
    """What the commands work with.

    Attributes:
        state_dir: where keys and secrets lie.
        access: DSNs and files, for replaying.
        settings: of the broker, where it was asked for.
        charter: which ledger.
    """

    state_dir: Path
    access: Access
    settings: Settings
    charter: Charter

    @property
    def services_run(self) -> bool:
        """Whether the services of this state folder run, so that effects may be on their way."""
        return (self.state_dir / ENDPOINTS).exists()


@contextmanager
def reached(*, broker: bool = False, quiet: bool = False) -> Iterator[Reach]:
    """Have the database, and the broker if asked for; end with the block what was started for it.

    Raises:
        ServersError: it cannot be had.
    """
    want = DATABASE_AND_BROKER if broker else DATABASE
    with reporting(silent=quiet) as reporter, running(want=want, reporter=reporter) as servers:
        settings = settings_of(servers)
        access = Access(
            servers.database_url("audit"),
            servers.vault_url("workbench"),
            servers.state_dir / "secrets" / "master.key",
            DEPLOY,
        )
        yield Reach(servers.state_dir, access, settings, charter_of(settings))


def recorded_of(concern_id: UUID, *, quiet: bool) -> list[Event]:
    """Give everything recorded of a concern, in the order of its topics.

    Raises:
        ServersError: the database cannot be had.
    """
    with reached(quiet=quiet) as reach:
        return [event for _, event in asyncio.run(_events(reach.access, concern_id))]


async def _events(access: Access, concern_id: UUID) -> list[tuple[int, Event]]:
    connection = await access.connect()
    try:
        return (await history.events_of(connection, [concern_id]))[str(concern_id)]
    finally:
        await connection.close(timeout=CLOSE_DEADLINE_S)


def settings_of(servers: Servers) -> Settings:
    """Give the settings with which the workbench reads history, as a principal of its own."""
    database = servers.database_url("audit")
    if servers.kafka_address is None:
        return Settings(service="workbench", database_url=database, state_dir=servers.state_dir, deploy_dir=DEPLOY)
    user, password = servers.kafka.credentials("workbench")
    return Settings(
        service="workbench", kafka_bootstrap=servers.kafka.bootstrap, kafka_protocol=servers.kafka.security_protocol,
        kafka_username=user, kafka_password=password, database_url=database, state_dir=servers.state_dir,
        deploy_dir=DEPLOY,
    )  # fmt: skip


def why(error: Exception) -> str:
    """Say why something cannot be had, and what to do."""
    if isinstance(error, asyncpg.UndefinedTableError):
        return "audit has recorded nothing here yet: start it with `make run`"
    return str(error)
