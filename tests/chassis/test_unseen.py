"""Marked content goes through everything, and is seen nowhere outside."""

from __future__ import annotations

import io
import json
import logging
from dataclasses import replace

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import generate_latest

from concern_relay.v1.assessments_pb2 import DecisionRecorded
from concern_relay.v1.facts_pb2 import Note, Part
from services.chassis import log
from services.chassis.envelope import Record
from services.chassis.event import Content, KeyScope
from services.chassis.parked import ParkedRecords
from services.chassis.telemetry import Telemetry, set_attributes
from tests.chassis.rig import CANARY, eventually, person_part, raised

pytestmark = [pytest.mark.broker, pytest.mark.database]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch):
    """Have what the log writes, as the process would write it."""
    written = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr("sys.stderr", written)
    log.configure("rig")
    yield written
    root.handlers[:], root.level = handlers, level


async def test_marked_content_is_seen_nowhere_outside(new_rig, servers, lines):
    """Given names in sealed parts, in unreadable bytes, in errors of the core, none is in logs, spans or Kafka."""
    spans = InMemorySpanExporter()
    async with new_rig() as rig:
        rig.telemetry = Telemetry("rig", spans)
        sealed = await rig.sealed(raised(codes=["share:s1"]), person_part())
        failing = await rig.sealed(raised(codes=["raise"]), person_part())
        spoiled = Record(
            rig.source,
            CANARY.encode(),
            (("ce_type", CANARY.encode()), ("ce_id", CANARY.encode()), ("traceparent", CANARY.encode())),
            CANARY.encode(),
        )
        named_trace = rig.record(await rig.sealed(raised(), person_part()))
        named_trace = replace(named_trace, headers=(*named_trace.headers, ("traceparent", CANARY.encode())))
        concern_id = sealed.concern_id
        words = [Content("note-1", KeyScope(concern_id), Part(note=Note(text=CANARY)))]

        journal = rig.journal()
        await rig.put(sealed, failing, named_trace)
        lying = await rig.records(rig.source)
        async with rig.working():
            await journal.act(
                concern_id, DecisionRecorded(concern_id=concern_id, decision_id="d"), agency_id="a", key="k",
                contents=words,
            )  # fmt: skip
            await rig.put(spoiled)
            await rig.sink_has(4)
            await eventually(lambda: rig.rows("SELECT 1 FROM parked OFFSET 1"), "two are parked")
            await eventually(lambda: _pointers(rig), "pointers are sent")
        rig.telemetry.close()
        parked = await ParkedRecords(journal).list()
        out = [*await rig.records(), *await _pointers(rig)]
        tables = {t: str(await rig.rows(f"SELECT * FROM {t}")) for t in ("concern", "outbox", "timer")}
        rows = await rig.rows("SELECT * FROM parked")
        entries = await rig.rows("SELECT * FROM entry")
        metrics = generate_latest(rig.telemetry.registry).decode()

        seen = {
            "log": lines.getvalue(),
            "spans": "".join(span.to_json() for span in spans.get_finished_spans()),
            "metrics": metrics,
            "parked": json.dumps([p.as_json() for p in parked]),
            **tables,
        }
        assert {where for where, text in seen.items() if CANARY in text} == set()
        assert "record parked" in seen["log"]
        assert "process " in seen["spans"]
        mark = CANARY.encode()
        assert not any(mark in r.value or any(mark in v for _, v in r.headers) for r in out)
        assert not any(mark in r.value for r in lying)
        assert not any(mark in row["sealed"] for row in rows)
        assert not any(mark in row["value"] or (row["outgoing"] and mark in row["headers"]) for row in entries)
        for segment in servers.state_dir.glob(f"kafka/data/{rig.sink}-*/*.log"):
            assert mark not in segment.read_bytes()
        opened = [part for fact in await journal.facts(concern_id) for part in fact.parts.values()]
        assert CANARY in {part.named_person.name for part in opened}  # it did go through


async def _pointers(rig):
    found = await rig.records(f"parked.{rig.settings.service}.v1")
    return found if len(found) >= 2 else []


def test_a_log_attribute_that_is_not_listed_is_refused():
    """Given an attribute outside the allow-list, writing the line fails, here as in production."""
    with pytest.raises(ValueError, match="child_name"):
        log.Log("services.test").info("something", child_name=CANARY)


def test_a_span_attribute_that_is_not_listed_is_refused():
    """Given an attribute outside the allow-list, setting it fails."""
    telemetry = Telemetry("rig", InMemorySpanExporter())
    with telemetry.act("a step") as (span, _), pytest.raises(ValueError, match=r"child\.name"):
        set_attributes(span, {"child.name": CANARY})


def test_what_libraries_log_is_told_without_its_arguments(lines):
    """Given a library that logs content as an argument, or an exception that holds some, the line names neither."""
    logging.getLogger("asyncio").error("Task failed: %s", CANARY)
    try:
        json.loads(CANARY)
    except ValueError:
        logging.getLogger("aiokafka").exception("heartbeat failed: %s", CANARY)

    assert CANARY not in lines.getvalue()
    assert lines.getvalue().count("\n") == 3


async def test_spans_lead_from_the_step_before_to_the_step_after(new_rig):
    """Given a traceparent on a record, its taking is a child of that step, and the sending of its effect of both."""
    spans = InMemorySpanExporter()
    before = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    async with new_rig() as rig:
        rig.telemetry = Telemetry("rig", spans)
        await rig.put(raised(traceparent=before))
        async with rig.working():
            (effect,) = await rig.sink_has(1)
        rig.telemetry.close()

        found = {span.name: span for span in spans.get_finished_spans()}
        process, send = found[f"process {rig.source}"], found[f"send {rig.sink}"]
        assert f"{process.context.trace_id:032x}" == "ab" * 16
        assert f"{process.parent.span_id:016x}" == "cd" * 8
        assert [f"{link.context.span_id:016x}" for link in process.links] == ["cd" * 8]
        assert send.parent.span_id == process.context.span_id
        assert effect.traceparent == f"00-{'ab' * 16}-{process.context.span_id:016x}-01"
        assert process.attributes["relay.outcome"] == "applied"
