"""Waiting until a server that was started answers, or says why it does not."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from services.workbench.servers import scram
from services.workbench.servers.errors import NotReadyError
from services.workbench.servers.state import LOOPBACK
from services.workbench.supervisor.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.workbench.servers.keeper import Process
    from services.workbench.servers.state import StateDir

READY_DEADLINE_S: Final = 60.0
CLOSE_DEADLINE_S: Final = 10.0
POLL_S: Final = 0.05


def await_listening(name: str, process: Process, port: int, deadline_s: float, host: str = LOOPBACK) -> None:
    """Wait until a server accepts TCP connections.

    Raises:
        NotReadyError: it ended, or did not listen in time; with the end of its log.
    """
    deadline = Deadline(deadline_s)
    while True:
        if (code := process.exit_code()) is not None:
            raise NotReadyError(f"{name} ended at its start (code {code}); the end of its log:\n{process.last_lines()}")
        try:
            socket.create_connection((host, port), timeout=1.0).close()
        except OSError:
            if deadline.passed():
                raise NotReadyError(
                    f"{name} did not listen on port {port} within {deadline_s:.0f} s; the end of its log:\n"
                    f"{process.last_lines()}"
                ) from None
            deadline.pause(POLL_S)
        else:
            return


def await_kafka(state: StateDir, file: str, connection: Mapping[str, Any], passwords: Mapping[str, str]) -> None:
    """Wait until a broker that listens serves, then see that every principal has a login.

    Args:
        state: where the logins that the storage knows are remembered.
        file: under this name.
        connection: aiokafka's connection arguments of the administrator.
        passwords: by principal.

    Raises:
        NotReadyError: it does not serve the administrator in time.
    """
    asyncio.run(_await_broker(connection))
    known = set(state.read(file).get("known", ()))
    if newcomers := {name: word for name, word in passwords.items() if name not in known}:
        asyncio.run(scram.set_logins(connection, newcomers))
        remember_logins(state, file, passwords)


def remember_logins(state: StateDir, file: str, passwords: Mapping[str, str]) -> None:
    """Note which principals the storage knows, so that those who join later are given a login."""
    state.write(file, {"known": sorted(passwords)})


async def _await_broker(connection: Mapping[str, Any]) -> None:
    """Wait until the cluster names a broker: it listens a moment before the controller lets it serve."""
    try:
        async with asyncio.timeout(READY_DEADLINE_S):
            while not await _names_a_broker(connection):  # noqa: ASYNC110 (Kafka sends no word of it)
                await asyncio.sleep(POLL_S)
    except (TimeoutError, KafkaError) as cause:
        raise NotReadyError(
            f"Kafka listens but does not serve the administrator ({type(cause).__name__}); if its secrets were "
            f"removed, remove the state folder too (it holds local data)"
        ) from cause


async def _names_a_broker(connection: Mapping[str, Any]) -> bool:
    admin = AIOKafkaAdminClient(**connection)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    except KafkaConnectionError:
        return False
    finally:
        await asyncio.wait_for(admin.close(), CLOSE_DEADLINE_S)
