"""A service process: stage, publisher, timers, HTTP and workers under one roof, started and stopped together.

Any of them that ends by itself ends the process with exit code 1; the supervisor starts it anew. SIGTERM and SIGINT
drain: the batch in hand is finished, what is journaled is sent, the group is left.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from fastapi import APIRouter

from services.chassis import database, heap, topics
from services.chassis import log as logging
from services.chassis.auth import tokens_of
from services.chassis.clock import Clock, clock_of
from services.chassis.clock_api import clock_routes
from services.chassis.edge import Large
from services.chassis.errors import SettingsError
from services.chassis.event import Core
from services.chassis.health import Health
from services.chassis.http import create_app
from services.chassis.journal import Desk, Journal, NoStore, Store
from services.chassis.kafka import within
from services.chassis.keys import Keys, VaultKeys, kms_of
from services.chassis.parked import ParkedRecords, keep_counting
from services.chassis.parked_api import parked_routes
from services.chassis.publisher import Publisher
from services.chassis.server import HttpServer
from services.chassis.settings import Settings, from_environment
from services.chassis.stage import Stage
from services.chassis.telemetry import Telemetry, exporter_from_environment
from services.chassis.timers import Timers

DRAIN_DEADLINE_S = 15.0
DATABASE_DEADLINE_S = 10.0
CONNECTIONS_MAX = 10
IDLE_IN_TRANSACTION_MS = 21_000
"""A process that was stopped in a transaction (SIGSTOP, a frozen machine) would keep its locks from all others; the
server ends it. Just above the deadline of the journal's transactions."""

LOCAL_KEY_BYTES = 64


@dataclass(frozen=True)
class Context:
    """What the rooms of a service are given.

    Attributes:
        pool: connections to its own database.
        journal: the door for acts.
        keys: the vault's client.
        parked: its parked records.
        health: checks behind ``/readyz``; a room adds its own.
    """

    name: str
    settings: Settings
    clock: Clock
    pool: asyncpg.Pool
    journal: Journal[Any]
    keys: Keys
    telemetry: Telemetry
    parked: ParkedRecords
    health: Health


def _no_routes(_: Context) -> APIRouter:
    return APIRouter()


@dataclass(frozen=True)
class Service:
    """What a service is made of.

    Attributes:
        name: also its principal, group and database.
        core: the pure core; made once the settings are known.
        store: tables of its own.
        reads: topics it takes.
        takes: event types it takes of them; None for all.
        writes: topics it writes; the first is the default.
        routes: its HTTP routes.
        workers: loops of its own; each runs until cancelled.
        opens: event types whose parts the core needs; None for all.
        purpose: why it opens keys.
        may_issue: whether the vault lets it issue keys.
        large: paths that take or give more than other requests, and longer.
        patience_ms: how long records it reads may gather before it takes them; 0 where somebody waits for them.
    """

    name: str
    core: Callable[[Settings], Core[Any]]
    store: Store = field(default_factory=NoStore)
    reads: tuple[str, ...] = ()
    takes: frozenset[str] | None = None
    writes: tuple[str, ...] = ()
    routes: Callable[[Context], APIRouter] = _no_routes
    workers: tuple[Callable[[Context], Coroutine[Any, Any, None]], ...] = ()
    opens: frozenset[str] | None = None
    purpose: str = ""
    may_issue: bool = True
    large: tuple[Large, ...] = ()
    patience_ms: int = 0


def main(service: Service) -> int:
    """Run a service until it is told to stop. Exit codes: 0 stopped, 1 failed, 2 wrong settings."""
    logging.configure(service.name)
    try:
        settings = from_environment(service.name)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201  (a person starts it and reads this)
        return 2
    return uvloop.run(_run(service, settings))


async def _run(service: Service, settings: Settings) -> int:
    log = logging.Log(f"services.{service.name}")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with AsyncExitStack() as stack:
            await _together(service, settings, stack, stop)
    except Exception as error:
        if (wrong := _setting_in(error)) is not None:  # a file of deploy/ or a variable: it says which, where, and what
            print(wrong, file=sys.stderr)  # noqa: T201  (a person starts it and reads this)
            return 2
        log.error("stopped by an error", error=_leaf(error))  # noqa: TRY400  (a traceback may hold content)
        if settings.profile != "production":
            raise
        return 1
    log.info("stopped", service=service.name)
    return 0


def _setting_in(error: BaseException) -> SettingsError | None:
    """Give the wrong setting that stopped a service, from inside nested groups too; None where none did."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, SettingsError) else None


def _leaf(error: BaseException) -> str:
    """Give the name of the first error inside nested groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__


async def connect(url: str, what: str) -> asyncpg.Pool:
    """Open a pool of connections, with a deadline on every command."""
    pool = await within(
        DATABASE_DEADLINE_S,
        f"connecting to {what}",
        asyncpg.create_pool(
            url,
            min_size=1,
            max_size=CONNECTIONS_MAX,
            command_timeout=DATABASE_DEADLINE_S,
            timeout=DATABASE_DEADLINE_S,
            reset=database.as_it_is,
            server_settings={"idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS)},
        ),
    )
    assert pool is not None
    return pool


async def assemble(service: Service, settings: Settings, stack: AsyncExitStack) -> tuple[Context, Publisher]:
    """Connect, migrate, and put the parts of a service together."""
    core = service.core(settings)  # first: what is wrong in deploy/ is said before anything is connected to
    clock = clock_of(settings)
    telemetry = Telemetry(service.name, exporter_from_environment())
    stack.callback(telemetry.close)
    pool = await connect(settings.database_url, f"the {service.name} database")
    stack.push_async_callback(_closed, pool)
    keys = await _keys(settings, clock, stack)
    partitions = {t.name: t.partitions for t in topics.load(settings.deploy_dir / "topics.yaml").topics()}
    parked_topic = f"parked.{service.name}.v1"
    own = {t: partitions[t] for t in (*service.writes, parked_topic) if t in partitions}
    desk: Desk[Any] = Desk(
        service=service.name,
        core=core,
        store=service.store,
        keys=keys,
        clock=clock,
        writes=service.writes,
        partitions=own,
        local_key=local_key(settings.state_dir, service.name),
        opens=service.opens,
        purpose=service.purpose or service.name,
        may_issue=service.may_issue,
    )
    publisher = Publisher(pool, settings, own, telemetry)
    journal = Journal(pool, desk, telemetry, publisher.wake)
    await journal.migrate()
    parked = ParkedRecords(journal)
    context = Context(service.name, settings, clock, pool, journal, keys, telemetry, parked, Health())
    return context, publisher


async def _keys(settings: Settings, clock: Clock, stack: AsyncExitStack) -> Keys:
    keys = VaultKeys(settings.vault_url, kms_of(settings), clock)
    return await stack.enter_async_context(keys)


async def _closed(pool: asyncpg.Pool) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(5):
            await pool.close()
            return
    pool.terminate()


async def _together(service: Service, settings: Settings, stack: AsyncExitStack, stop: asyncio.Event) -> None:
    context, publisher = await assemble(service, settings, stack)
    stage = None
    if service.reads:
        stage = Stage(
            context.journal,
            settings,
            service.reads,
            context.telemetry,
            types=service.takes,
            patience_ms=service.patience_ms,
        )
    timers = Timers(context.journal)
    context.health.add("publisher", lambda: publisher.healthy, "the outbox cannot be sent; is the broker up?")
    context.health.add("timers", lambda: timers.healthy, "a timer could not be fired; see the log")
    if stage is not None:
        context.health.add("stage", lambda: stage.ready, "behind and not moving, or the broker does not answer")
    app = create_app(
        f"concern-relay {service.name}",
        [service.routes(context), parked_routes(context.parked), *clock_routes(context.clock)],
        health=context.health,
        telemetry=context.telemetry,
        tokens=tokens_of(settings),
        large=service.large,
    )
    server = HttpServer(app, settings)
    heap.settle()
    running: list[asyncio.Task[Any]] = []
    async with asyncio.TaskGroup() as tasks:

        def start(name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
            task = tasks.create_task(work, name=name)
            running.append(task)
            return task

        published = start("publisher", publisher.run())
        if stage is not None:
            start("stage", stage.run())
        start("timers", timers.run())
        start("http", server.run())
        background = [start(worker.__name__, worker(context)) for worker in service.workers]
        background.append(start("parked", keep_counting(context.parked, context.telemetry)))
        await stop.wait()
        server.stop()
        timers.stop()
        if stage is not None:
            stage.stop()
        for task in background:
            task.cancel()
        await _drained([t for t in running if t is not published], DRAIN_DEADLINE_S)
        publisher.stop()
        await _drained([published], DRAIN_DEADLINE_S)


async def _drained(tasks: list[asyncio.Task[Any]], deadline_s: float) -> None:
    """Wait for tasks to end by themselves; cancel those that do not."""
    _, late = await asyncio.wait(tasks, timeout=deadline_s) if tasks else (set(), set())
    for task in late:
        task.cancel()


def local_key(state_dir: Path, service: str) -> bytes:
    """Give the 64-byte key of this service alone, made on first use (file mode 0600).

    It seals what the service parks and fingerprints acts; in production it comes with RELAY_LOCAL_KEY_FILE.
    """
    path = Path(os.environ.get("RELAY_LOCAL_KEY_FILE", str(state_dir / "secrets" / f"{service}.local.key")))
    with suppress(FileExistsError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(os.urandom(LOCAL_KEY_BYTES))
    key = path.read_bytes()
    if len(key) != LOCAL_KEY_BYTES:
        raise SettingsError(f"{path.name} must hold {LOCAL_KEY_BYTES} bytes; restore it from where secrets are kept")
    return key
