"""Audit, put together: recorder, signer, publisher, HTTP. No core and no stage: it records what others decide."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import uvloop

from services.audit import store
from services.audit.api import journey_routes, ledger_routes
from services.audit.charter import charter_of
from services.audit.metrics import LedgerMetrics
from services.audit.recorder import Recorder
from services.audit.signer import Signing, load_signer, publish_key
from services.chassis import heap
from services.chassis import log as logging
from services.chassis.auth import tokens_of
from services.chassis.clock import clock_of
from services.chassis.errors import DeadlineExceeded, RelayError, SettingsError
from services.chassis.health import Health
from services.chassis.http import create_app
from services.chassis.integrity.errors import IntegrityError
from services.chassis.integrity.note import Verifier
from services.chassis.publisher import Publisher
from services.chassis.server import HttpServer
from services.chassis.service import connect
from services.chassis.settings import Settings, from_environment
from services.chassis.telemetry import Telemetry, exporter_from_environment

DRAIN_DEADLINE_S: Final = 15.0
LAST_CHECKPOINT_DEADLINE_S: Final = 5.0
LOOK_EVERY_S: Final = 0.1
log = logging.Log("services.audit")

_UNSENT: Final = "SELECT EXISTS (SELECT FROM outbox)"


@dataclass(frozen=True)
class Audit:
    """The parts of a running audit service."""

    pool: asyncpg.Pool
    recorder: Recorder
    signing: Signing
    publisher: Publisher
    server: HttpServer
    health: Health


async def assemble(settings: Settings, stack: AsyncExitStack) -> Audit:
    """Connect, migrate, and put the parts together.

    Raises:
        SettingsError: a key cannot be used.
    """
    charter = charter_of(settings)
    signer = load_signer(settings, charter.origin)
    keys = publish_key(settings.state_dir, signer.verifier)
    clock = clock_of(settings)
    telemetry = Telemetry("audit", exporter_from_environment())
    stack.callback(telemetry.close)
    pool = await connect(settings.database_url, "the audit database")
    stack.callback(pool.terminate)
    async with pool.acquire() as connection:
        await store.migrate(connection)
    metrics = LedgerMetrics(telemetry.registry)
    publisher = Publisher(pool, settings, {charter.topic: 1}, telemetry)
    recorder = Recorder(
        settings, charter, clock=clock, telemetry=telemetry, metrics=metrics, wake=publisher.wake
    )  # fmt: skip
    signing = Signing(
        pool, charter, signer, tuple(map(Verifier.parse, keys)), clock=clock, metrics=metrics, wake=publisher.wake,
        may_sign=lambda: recorder.writing,
    )  # fmt: skip
    health = _health(recorder, signing, publisher)
    app = create_app(
        "concern-relay audit",
        [ledger_routes(pool, charter.origin, keys), journey_routes(pool)],
        health=health,
        telemetry=telemetry,
        tokens=tokens_of(settings),
    )
    return Audit(pool, recorder, signing, publisher, HttpServer(app, settings), health)


def _health(recorder: Recorder, signing: Signing, publisher: Publisher) -> Health:
    health = Health()
    health.add(
        "recorder",
        lambda: recorder.ready,
        "behind and not moving, the broker does not answer, or the ledger on Kafka differs: see the log",
    )
    health.add(
        "findings",
        lambda: not recorder.open_findings,
        "the history has gaps or was rewritten: `concern-relay ledger findings`",
    )
    health.add("signer", lambda: signing.healthy, "the ledger does not continue its last checkpoint: nothing is signed")
    health.add("publisher", lambda: publisher.healthy, "ledger.v1 cannot be written; is the broker up?")
    return health


async def run(audit: Audit, stop: asyncio.Event) -> None:
    """Run until told to stop; then record what is in hand, sign once more, and send what is in the outbox."""
    async with asyncio.TaskGroup() as tasks:

        def start(name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
            return tasks.create_task(work, name=name)

        publishing = start("publisher", audit.publisher.run())
        recording = start("recorder", audit.recorder.run())
        others = [start("http", audit.server.run()), start("signer", audit.signing.run())]
        await stop.wait()
        writing = audit.recorder.writing
        audit.server.stop()
        audit.signing.stop()
        audit.recorder.stop()
        await _ended([recording, *others])
        if writing:
            await _last_checkpoint(audit)
        audit.publisher.stop()
        await _ended([publishing])


async def _last_checkpoint(audit: Audit) -> None:
    """Sign what was recorded last, once it is on Kafka, so that what stands still is vouched for whole."""
    try:
        async with asyncio.timeout(LAST_CHECKPOINT_DEADLINE_S):
            audit.publisher.wake()
            while await audit.pool.fetchval(_UNSENT):  # noqa: ASYNC110  (the database has no event for it)
                await asyncio.sleep(LOOK_EVERY_S)
            if audit.signing.healthy:
                await audit.signing.sign()
    except (TimeoutError, OSError, DeadlineExceeded, IntegrityError, asyncpg.PostgresError) as error:
        log.warning("stopped without a last checkpoint; the next start signs", error=type(error).__name__)


async def _ended(tasks: list[asyncio.Task[Any]]) -> None:
    """Wait for tasks to end by themselves; cancel those that do not."""
    _, late = await asyncio.wait(tasks, timeout=DRAIN_DEADLINE_S)
    for task in late:
        task.cancel()


async def _run(settings: Settings) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        async with AsyncExitStack() as stack:
            audit = await assemble(settings, stack)
            heap.settle()
            await run(audit, stop)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201  (a person starts it and reads this)
        return 2
    except (ExceptionGroup, RelayError, OSError, asyncpg.PostgresError) as error:
        first = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
        log.error("stopped by an error", error=type(first).__name__)  # noqa: TRY400  (a traceback may hold content)
        return 1
    log.info("stopped", service="audit")
    return 0


def main() -> int:
    """Run audit until it is told to stop. Exit codes: 0 stopped, 1 failed, 2 wrong settings."""
    logging.configure("audit")
    try:
        settings = from_environment("audit")
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    return uvloop.run(_run(settings))


if __name__ == "__main__":
    raise SystemExit(main())
