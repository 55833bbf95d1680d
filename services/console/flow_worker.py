"""The Faust worker behind the flow view.

Faust is kept to what it is good for and where a loss repairs itself (ADR 2): one agent a topic, concurrency 1, a
handler that never raises, no web server, no tables, nothing sent. Its group is new at every start, so that the figures
are rebuilt from the topics themselves. Once a second the figures go to the console's database.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import uuid4

import asyncpg
import faust
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport

from services.chassis import log as logging
from services.chassis.errors import SettingsError
from services.chassis.settings import Settings, from_environment
from services.console.flow import Flow

TOPICS = ("concerns.v1", "assessments.v1", "shares.v1")
WRITE_EVERY_S = 1.0
GATHERED_BYTES = 128 * 1024
DATABASE_DEADLINE_S = 5.0

SCHEMA = """
CREATE TABLE IF NOT EXISTS flow (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    figures jsonb NOT NULL
);
"""
log = logging.Log("services.console.flow")


class _Thread(AIOKafkaConsumerThread):
    """Lets the broker gather records for up to a second and a half (Faust's own wait): nobody waits for a figure."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        client = super()._create_worker_consumer(transport)
        client._fetch_min_bytes = GATHERED_BYTES  # noqa: SLF001  (Faust has no setting for it)
        return client


class _Consumer(Consumer):
    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class _Transport(Transport):
    Consumer = _Consumer


def make_app(settings: Settings, flow: Flow) -> faust.App:
    """Make the Faust app over a flow."""
    broker = ";".join(f"kafka://{address}" for address in settings.kafka_bootstrap.split(","))
    credentials = None
    if settings.kafka_protocol.startswith("SASL"):
        credentials = faust.SASLCredentials(
            username=settings.kafka_username, password=settings.kafka_password, mechanism=settings.kafka_mechanism
        )
    app = faust.App(
        f"console-flow-{uuid4().hex[:12]}",
        broker=broker,
        broker_credentials=credentials,
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        value_serializer="raw",
        key_serializer="raw",
        datadir=str(settings.state_dir / "console-flow"),
        stream_wait_empty=False,
    )
    app.transport = _Transport(app.conf.broker_consumer, app)
    for name in TOPICS:
        app.agent(app.topic(name), name=f"flow-{name}", concurrency=1)(_agent(flow))
    return app


def _agent(flow: Flow) -> Any:
    async def watch(stream: Any) -> None:
        async for event in stream.events():
            try:
                flow.take(dict(event.headers), datetime.now(UTC))
            except (KeyError, ValueError, AttributeError, TypeError):
                # an agent that raises loses the event without a word (ADR 2): counted and shown instead
                flow.unreadable += 1

    return watch


def _writes_figures(app: faust.App, flow: Flow, settings: Settings) -> None:
    held: dict[str, asyncpg.Pool] = {}

    @app.timer(WRITE_EVERY_S)  # type: ignore[untyped-decorator]
    async def write() -> None:
        try:
            if "pool" not in held:
                held["pool"] = await asyncpg.create_pool(
                    settings.database_url, min_size=1, max_size=1, command_timeout=DATABASE_DEADLINE_S
                )
                await held["pool"].execute(SCHEMA)
            await held["pool"].execute(
                "INSERT INTO flow (figures) VALUES ($1) "
                "ON CONFLICT (singleton) DO UPDATE SET figures = excluded.figures",
                json.dumps(flow.figures(datetime.now(UTC))),
            )
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("figures not written, trying again", error=type(error).__name__)


def main() -> NoReturn:
    """Run the worker until it is told to stop; it ends the process itself."""
    logging.configure("console")
    try:
        settings = from_environment("console")
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(2)
    flow = Flow()
    app = make_app(settings, flow)
    _writes_figures(app, flow, settings)
    # the worker class itself, not the command line: `faust worker` turns the web server on whatever the app says
    app.conf.web_enabled = False
    faust.Worker(app, loglevel="WARNING", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main()
