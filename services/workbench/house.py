"""The whole house on this machine: servers, topics, secrets, and every service under the supervisor."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services.chassis import topics
from services.chassis.auth import local_tokens
from services.chassis.errors import SettingsError
from services.chassis.keys import LocalKms
from services.chassis.settings import REPOSITORY
from services.workbench.onboarding import onboarded
from services.workbench.schemas import publish_schema
from services.workbench.servers import Reporter, Servers, environment_for, running
from services.workbench.servers.state import StateDir
from services.workbench.supervisor import Program, Supervised, Supervisor

SERVICES: Final = ("vault", "intake", "basis_assessment", "routing", "audit", "console")
SETTINGS: Final = (
    *("RELAY_CLOCK", "RELAY_PROFILE", "RELAY_WATCH_MINUTES", "RELAY_OBJECTS", "RELAY_SCAN_COMMAND", "RELAY_SCAN_URL"),
    *("AWS_ENDPOINT", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
)
"""Settings of services that reach them from the environment of whoever starts the house."""
SHARED: Final = ("basis_assessment", "routing")
"""Services of which several processes may share the work: partitions, leases and timers are divided among them."""

PROCESSES_MAX: Final = 8
READY_DEADLINE_S: Final = 90.0
DRAIN_S: Final = 40.0


@dataclass(frozen=True)
class House:
    """A running house.

    Attributes:
        urls: per service, where its HTTP answers.
        servers: the broker, the database, Zipkin.
        supervisor: who watches the processes.
    """

    urls: Mapping[str, str]
    servers: Servers
    state: StateDir
    supervisor: Supervisor = field(repr=False)


@contextmanager
def house(
    state_dir: Path | None,
    reporter: Reporter,
    *,
    environment: Mapping[str, str] | None = None,
    services: Sequence[str] = SERVICES,
) -> Iterator[House]:
    """Have everything run, and end with the block what it started.

    Args:
        state_dir: where state lies; by default ``.relay`` of this checkout.
        reporter: is told of each step.
        environment: more variables for every service; they win over ``SETTINGS`` of this process.
        services: which of them run; for measuring one by itself.
    """
    with running(state_dir, reporter=reporter, exclusive=True) as servers:
        state = StateDir.at(servers.state_dir)
        reporter.say("topics, access rules, keys and tokens")
        prepare(servers, state)
        urls = {name: f"http://127.0.0.1:{state.port(name)[0]}" for name in services}
        extra = {name: value for name in SETTINGS if (value := os.environ.get(name))} | dict(environment or {})
        if servers.zipkin_url is not None:
            extra["RELAY_ZIPKIN_URL"] = servers.zipkin_url
        # a developer's receiver runs on this machine; nothing else that is not public may be called
        extra.setdefault("RELAY_WEBHOOKS_ALLOW", "127.0.0.0/8,::1/128")
        for name, url in urls.items():
            extra[f"RELAY_{name.upper()}_URL"] = url
        # the vault first: the others ask it for keys when they start
        children = [_flow_worker(servers, state)] if "console" in services else []
        for name in services:
            url, wave = urls[name], 0 if name == "vault" else 1
            children.append(_child(name, name, servers, state, url=url, extra=extra, wave=wave))
            for number in range(2, processes_of(name, extra) + 1):
                another = f"{name}-{number}"
                url = f"http://127.0.0.1:{state.port(another)[0]}"
                children.append(_child(another, name, servers, state, url=url, extra=extra, wave=wave))
        reporter.say("services")
        with Supervisor(children, state.records, reporter.say) as supervisor:
            supervisor.await_ready(READY_DEADLINE_S)
            state.write("endpoints.json", urls)
            try:
                yield House(urls, servers, state, supervisor)
            finally:
                state.remove("endpoints.json")


def processes_of(service: str, extra: Mapping[str, str]) -> int:
    """Give how many processes of a service share its work: RELAY_ROUTING_PROCESSES and the like, 1 when not set.

    Raises:
        SettingsError: it is no number from 1 to ``PROCESSES_MAX``.
    """
    if service not in SHARED:
        return 1
    variable = f"RELAY_{service.upper()}_PROCESSES"
    said = extra.get(variable) or os.environ.get(variable) or "1"
    if not said.isdecimal() or not 1 <= int(said) <= PROCESSES_MAX:
        raise SettingsError(f"{variable} must be a number from 1 to {PROCESSES_MAX}")
    return int(said)


def prepare(servers: Servers, state: StateDir) -> None:
    """Make what the services need to find: topics and access rules, the schema, the master key, tokens."""
    registry = topics.load()
    asyncio.run(topics.apply(registry, servers.kafka.connection("admin"), agencies=onboarded(state)))
    asyncio.run(publish_schema(servers.kafka.connection("workbench")))
    LocalKms.make_master_key(state.folder("secrets") / "master.key")
    local_tokens(state.path, REPOSITORY / "deploy")


def _flow_worker(servers: Servers, state: StateDir) -> Supervised:
    """The Faust worker of the console; nothing waits for it."""
    program = Program(
        name="console-flow",
        argv=(sys.executable, "-m", "services.console.flow_worker"),
        log=state.log("console-flow"),
        env=environment_for(servers, "console"),
        cwd=REPOSITORY,
        niceness=10,
    )
    return Supervised(program, None, 2)


def _child(
    name: str, service: str, servers: Servers, state: StateDir, *, url: str, extra: Mapping[str, str], wave: int
) -> Supervised:
    program = Program(
        name=name,
        argv=(sys.executable, "-m", f"services.{service}.app"),
        log=state.log(name),
        env={**environment_for(servers, service), **extra, "RELAY_HTTP_PORT": url.rpartition(":")[2]},
        cwd=REPOSITORY,
        drain_s=DRAIN_S,
    )
    return Supervised(program, f"{url}/readyz", wave)
