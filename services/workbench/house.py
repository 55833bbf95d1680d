"""The whole house on this machine: servers, topics, secrets, and every service under the supervisor."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services.chassis import topics
from services.chassis.auth import local_tokens
from services.chassis.keys import LocalKms
from services.chassis.settings import REPOSITORY
from services.workbench.schemas import publish_schema
from services.workbench.servers import Reporter, Servers, environment_for, running
from services.workbench.servers.state import StateDir
from services.workbench.supervisor import Program, Supervised, Supervisor

SERVICES: Final = ("vault", "intake", "basis_assessment", "routing", "audit", "console")
SETTINGS: Final = ("RELAY_CLOCK", "RELAY_PROFILE", "RELAY_WATCH_MINUTES")
"""Settings of services that reach them from the environment of whoever starts the house."""
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
) -> Iterator[House]:
    """Have everything run, and end with the block what it started.

    Args:
        state_dir: where state lies; by default ``.relay`` of this checkout.
        reporter: is told of each step.
        environment: more variables for every service; they win over ``SETTINGS`` of this process.
    """
    with running(state_dir, reporter=reporter, exclusive=True) as servers:
        state = StateDir.at(servers.state_dir)
        reporter.say("topics, access rules, keys and tokens")
        prepare(servers, state)
        urls = {name: f"http://127.0.0.1:{state.port(name)[0]}" for name in SERVICES}
        extra = {name: value for name in SETTINGS if (value := os.environ.get(name))} | dict(environment or {})
        if servers.zipkin_url is not None:
            extra["RELAY_ZIPKIN_URL"] = servers.zipkin_url
        # a developer's receiver runs on this machine; nothing else that is not public may be called
        extra.setdefault("RELAY_WEBHOOKS_ALLOW", "127.0.0.0/8,::1/128")
        for name, url in urls.items():
            extra[f"RELAY_{name.upper()}_URL"] = url
        # the vault first: the others ask it for keys when they start
        children = [_flow_worker(servers, state)]
        children += [_child(name, servers, state, urls, extra, wave=0 if name == "vault" else 1) for name in SERVICES]
        reporter.say("services")
        with Supervisor(children, state.records, reporter.say) as supervisor:
            supervisor.await_ready(READY_DEADLINE_S)
            state.write("endpoints.json", urls)
            try:
                yield House(urls, servers, state, supervisor)
            finally:
                state.remove("endpoints.json")


def prepare(servers: Servers, state: StateDir) -> None:
    """Make what the services need to find: topics and access rules, the schema, the master key, tokens."""
    registry = topics.load()
    asyncio.run(topics.apply(registry, servers.kafka.connection("admin")))
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
    name: str, servers: Servers, state: StateDir, urls: Mapping[str, str], extra: Mapping[str, str], *, wave: int
) -> Supervised:
    port = urls[name].rpartition(":")[2]
    program = Program(
        name=name,
        argv=(sys.executable, "-m", f"services.{name}.app"),
        log=state.log(name),
        env={**environment_for(servers, name), **extra, "RELAY_HTTP_PORT": port},
        cwd=REPOSITORY,
        drain_s=DRAIN_S,
    )
    return Supervised(program, f"{urls[name]}/readyz", wave)
