"""Faust, at least once: the effect is sent, the offset committed every 2.8 s. Nothing kept, nothing deduped."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from tempfile import mkdtemp
from typing import Any
from uuid import UUID

import faust

from bench.work import PARTITIONS, assessed, task
from concern_relay.v1.concerns_pb2 import ConcernRaised
from services.chassis.envelope import Event, Record, encode
from services.chassis.event import effect_id


def make_app(*, with_table: bool) -> faust.App:
    """Make the app; with a table, an event whose id is in it leads to nothing, so that effects are not repeated."""
    told = task()
    connection = told.connection
    credentials = None
    if "sasl_mechanism" in connection:
        credentials = faust.SASLCredentials(
            username=connection["sasl_plain_username"],
            password=connection["sasl_plain_password"],
            mechanism=connection["sasl_mechanism"],
        )
    app = faust.App(
        told.group,
        broker=f"kafka://{connection['bootstrap_servers']}",
        broker_credentials=credentials,
        consumer_auto_offset_reset="earliest",
        topic_partitions=PARTITIONS,
        topic_replication_factor=1,
        topic_disable_leader=True,
        store="memory://",
        datadir=mkdtemp(prefix="relay-bench-"),
    )
    source = app.topic(told.source, value_serializer="raw", key_serializer="raw")
    sink = app.topic(told.sink, value_serializer="raw", key_serializer="raw")
    seen: Any = app.Table("seen", default=bool, partitions=PARTITIONS) if with_table else {}

    @app.agent(source, concurrency=1)
    async def assess(stream: Any) -> None:
        async for event in stream.events():
            headers = dict(event.headers)
            cause = headers["ce_id"].decode()
            if seen.get(cause):
                continue
            record = _effect(event.value, cause, headers["traceparent"].decode())
            await sink.send(key=event.key, value=record.value, headers=list(record.headers))
            if with_table:
                seen[cause] = True

    app.conf.web_enabled = False
    return app


def _effect(value: bytes, cause: str, traceparent: str) -> Record:
    raised = ConcernRaised.FromString(value)
    now = datetime.now(UTC)
    return encode(
        Event(
            effect_id(UUID(cause), "BasisAssessed", ""), "BasisAssessed", "", "//concern-relay/bench", now, now,
            raised.concern_id, UUID(cause), (), assessed(cause, raised), traceparent,
        )
    )  # fmt: skip


def main(*, with_table: bool) -> None:
    """Run until SIGTERM."""
    sys.argv = ["faust"]
    app = make_app(with_table=with_table)
    faust.Worker(app, loglevel="ERROR", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main(with_table=False)
