"""Finding the servers that another process of this checkout runs: `servers.json` in the state folder, 0600."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from services.workbench.servers.address import KafkaAddress, Login, Servers
from services.workbench.servers.errors import InUseError, NotReadyError
from services.workbench.supervisor.deadline import Deadline

if TYPE_CHECKING:
    from services.workbench.servers.state import StateDir

FILE: Final = "servers.json"
ATTACH_DEADLINE_S: Final = 180.0
POLL_S: Final = 0.1


def publish(state: StateDir, servers: Servers) -> None:
    """Let other processes of this user find the servers."""
    state.write(FILE, dataclasses.asdict(servers) | {"state_dir": str(servers.state_dir), "pid": os.getpid()})


def withdraw(state: StateDir) -> None:
    """The servers are going, or gone."""
    state.remove(FILE)


def attached(state: StateDir, want: frozenset[str], deadline_s: float = ATTACH_DEADLINE_S) -> Servers:
    """The servers that another process runs, waiting while it is still starting them.

    Raises:
        InUseError: it runs them without one that is wanted.
        NotReadyError: it ended, or did not have them ready in time.
    """
    deadline = Deadline(deadline_s)
    while (found := state.read(FILE)).get("pid") != state.holder_pid():
        with state.held() as free:
            if free:
                raise NotReadyError("the process that was starting the servers ended; start again")
        if deadline.passed():
            raise NotReadyError(f"pid {state.holder_pid()} holds {state.path} but has no servers ready; stop it")
        deadline.pause(POLL_S)
    servers = _decoded(found)
    has = {"zipkin"}  # nothing needs it
    has |= {"kafka"} if servers.kafka_address else set()
    has |= {"postgres"} if servers.logins else set()
    if missing := want - has:
        raise InUseError(
            f"pid {state.holder_pid()} runs the servers in {state.path} without {', '.join(sorted(missing))}; stop it"
        )
    return servers


def _decoded(found: dict[str, Any]) -> Servers:
    found.pop("pid")
    kafka = found.pop("kafka_address")
    if kafka:
        everyone = kafka.pop("everyone")
        kafka = KafkaAddress(**kafka, everyone=tuple(everyone) if everyone else None)
    logins = {name: Login(**row) for name, row in found.pop("logins").items()}
    return Servers(**{**found, "state_dir": Path(found["state_dir"])}, kafka_address=kafka, logins=logins)
