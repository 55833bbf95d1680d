"""Traces and metrics: OpenTelemetry messaging conventions 1.44, attributes from an allow-list.

Hand-written because the contributed aiokafka instrumentation loses the context under ``getmany`` and exports record
keys as they are. Two span sites carry a concern from service to service: ``process <topic>`` (CONSUMER, child of the
step that made the record, and linked to it) and ``send <topic>`` (PRODUCER). A record's ``traceparent`` is fixed when
it is journaled: the context of the step that made it, so that the trace survives the outbox and any restart.
"""

from __future__ import annotations

import os
import re
from collections import Counter as Counted
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.chassis.envelope import Event, Record, header

ALLOWED_ATTRIBUTES = frozenset(
    {
        "messaging.system", "messaging.operation.name", "messaging.operation.type", "messaging.destination.name",
        "messaging.destination.partition.id", "messaging.kafka.offset", "messaging.message.id",
        "messaging.message.conversation_id", "messaging.consumer.group.name", "messaging.batch.message_count",
        "error.type", "relay.event.type", "relay.outcome", "relay.concern.id", "relay.purpose",
        "http.request.method", "http.route", "http.response.status_code",
    }
)  # fmt: skip
_PROPAGATOR = TraceContextTextMapPropagator()
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


EXPORT_EVERY_MS = 2000
"""Nothing waits for spans, and each export costs a request; a full batch goes at once."""


class _Every(Sampler):
    """Records every span: a concern's trace is whole, whatever flags came from outside. One answer serves all."""

    _recorded = SamplingResult(Decision.RECORD_AND_SAMPLE)

    def should_sample(self, *_: Any, **__: Any) -> SamplingResult:
        return self._recorded

    def get_description(self) -> str:
        return "every span"


def parent_of(traceparent: str) -> Context:
    """Read a W3C traceparent; an empty or broken one gives a context without a parent."""
    return _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else Context()


def traceparent_of(span: Span) -> str:
    """Write the W3C traceparent of a span; empty when it has none."""
    context = span.get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def traceparent_in(record: Record) -> str:
    """Give the traceparent a record carries; empty when it is none, since it is passed on as it came."""
    found = header(record, "traceparent")
    return found.decode() if _TRACEPARENT.fullmatch(found) else ""


def set_attributes(span: Span, attributes: dict[str, str | int]) -> None:
    """Set attributes, and refuse any that is not on the allow-list."""
    if unlisted := attributes.keys() - ALLOWED_ATTRIBUTES:
        raise ValueError(f"span attributes not on the allow-list: {', '.join(sorted(unlisted))}")
    span.set_attributes(attributes)


class Taking:
    """The taking of a batch of records: a span for each where anything is traced, and the figures of the batch."""

    def __init__(self, telemetry: Telemetry, records: Sequence[Record]) -> None:
        self._telemetry = telemetry
        self._records = records
        self._spans = [telemetry.process(record) for record in records] if telemetry.provider is not None else []
        self._started = perf_counter()

    @property
    def traceparents(self) -> list[str]:
        """Contexts that the effects of each record carry on; as they came where nothing is traced."""
        return [traceparent_of(span) for span in self._spans] or [traceparent_in(record) for record in self._records]

    def finish(self, outcomes: Sequence[str], events: Sequence[Event | None]) -> None:
        """End it: each record is applied, parked or known already (repeated)."""
        for span, outcome, event in zip(self._spans, outcomes, events, strict=False):
            _end(span, event, outcome)
        found = Counted(zip((record.topic for record in self._records), outcomes, strict=True))
        for (topic, outcome), count in found.items():
            self._telemetry.taken.labels(topic, outcome).inc(count)
        for topic in {topic for topic, _ in found}:
            self._telemetry.process_seconds.labels(topic).observe(perf_counter() - self._started)

    def fail(self, error: BaseException) -> None:
        """End it: it will be tried again."""
        for span in self._spans:
            end_failed(span, error)


def _end(span: Span, event: Event | None, outcome: str) -> None:
    if span.is_recording():
        attributes: dict[str, str | int] = {"relay.outcome": outcome}
        if event is not None:
            attributes |= {
                "relay.event.type": event.type,
                "messaging.message.id": str(event.id),
                "messaging.message.conversation_id": event.concern_id,
            }
        set_attributes(span, attributes)
    if outcome == "parked":
        span.set_status(Status(StatusCode.ERROR))
    span.end()


def end_failed(span: Span, error: BaseException) -> None:
    """End a span with the error's name; its message may hold content."""
    if span.is_recording():
        set_attributes(span, {"error.type": type(error).__name__})
    span.set_status(Status(StatusCode.ERROR))
    span.end()


class Telemetry:
    """Spans and metrics of one process.

    Args:
        service: name of the service.
        exporter: where spans go; None leaves them unrecorded, and contexts are passed on as they came.
    """

    def __init__(self, service: str, exporter: SpanExporter | None = None) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        self.provider: TracerProvider | None = None
        if exporter is not None:
            resource = Resource.create({"service.name": service, "service.namespace": "concern-relay"})
            self.provider = TracerProvider(resource=resource, sampler=_Every())
            self.provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_EVERY_MS))
            self.tracer = self.provider.get_tracer("concern_relay")
        else:
            self.tracer = trace.NoOpTracer()
        r = self.registry
        self.taken = Counter("relay_records_taken", "Records taken, by outcome", ["topic", "outcome"], registry=r)
        self.sent = Counter("relay_records_sent", "Records sent", ["topic"], registry=r)
        self.process_seconds = Histogram(
            "messaging_process_duration_seconds", "Time to take a batch of records", ["topic"], registry=r
        )
        self.lag = Gauge("relay_lag_records", "Records not yet taken", ["topic"], registry=r)
        self.outbox = Gauge("relay_outbox_records", "Records journaled and not yet sent", registry=r)
        self.parked = Gauge("relay_parked_records", "Records parked and open", ["emergency"], registry=r)
        self.parkings = Counter("relay_parkings", "Records parked, by reason", ["reason", "emergency"], registry=r)

    def process(self, record: Record) -> Span:
        """Start the taking of a record: a child of the step that made it, linked to it."""
        parent = parent_of(traceparent_in(record))
        creation = trace.get_current_span(parent).get_span_context()
        span = self.tracer.start_span(
            f"process {record.topic}",
            parent,
            SpanKind.CONSUMER,
            links=[Link(creation)] if creation.is_valid else [],
        )
        if span.is_recording():
            set_attributes(
                span,
                {
                    "messaging.system": "kafka",
                    "messaging.operation.name": "process",
                    "messaging.operation.type": "process",
                    "messaging.destination.name": record.topic,
                    "messaging.destination.partition.id": str(record.partition),
                    "messaging.kafka.offset": record.offset,
                    "messaging.consumer.group.name": self.service,
                },
            )
        return span

    def send(self, record: Record, event_id: str) -> Span | None:
        """Start the sending of a record, if anything is traced; end it when the broker has answered."""
        if self.provider is None:
            return None
        span = self.tracer.start_span(f"send {record.topic}", parent_of(traceparent_in(record)), SpanKind.PRODUCER)
        if span.is_recording():
            set_attributes(
                span,
                {
                    "messaging.system": "kafka",
                    "messaging.operation.name": "send",
                    "messaging.operation.type": "send",
                    "messaging.destination.name": record.topic,
                    "messaging.destination.partition.id": str(record.partition),
                    "messaging.message.id": event_id,
                    "messaging.message.conversation_id": record.key.decode("ascii", "replace"),
                },
            )
        return span

    @contextmanager
    def act(
        self, name: str, concern_id: str = "", *, linked_to: str = "", kind: SpanKind = SpanKind.INTERNAL
    ) -> Iterator[tuple[Span, str]]:
        """Run a step as a trace of its own, linked to another; gives the span, and the traceparent effects carry."""
        origin = trace.get_current_span(parent_of(linked_to)).get_span_context()
        with self.tracer.start_as_current_span(
            name, Context(), kind=kind, links=[Link(origin)] if origin.is_valid else [], record_exception=False
        ) as span:
            if concern_id and span.is_recording():
                set_attributes(span, {"relay.concern.id": concern_id})
            yield span, traceparent_of(span)

    @contextmanager
    def continued(self, name: str, traceparent: str, concern_id: str = "") -> Iterator[Span]:
        """Run a step inside the trace that a journaled ``traceparent`` belongs to: a delivery, the same trace still."""
        with self.tracer.start_as_current_span(name, parent_of(traceparent), record_exception=False) as span:
            if concern_id and span.is_recording():
                set_attributes(span, {"relay.concern.id": concern_id})
            yield span

    def current_traceparent(self) -> str:
        """Give the traceparent of the step that runs now, or empty."""
        return traceparent_of(trace.get_current_span())

    def close(self) -> None:
        """Send what is left; waits no longer than the exporter's own deadline."""
        if self.provider is not None:
            self.provider.shutdown()


def exporter_from_environment() -> SpanExporter | None:
    """Choose the exporter the standard OTEL_* variables name; None when they name none."""
    kind = os.environ.get("OTEL_TRACES_EXPORTER", "")
    if kind == "zipkin" or (not kind and os.environ.get("OTEL_EXPORTER_ZIPKIN_ENDPOINT")):
        from services.chassis import zipkin  # noqa: PLC0415  (only when asked for)

        return _typed(zipkin.exporter())
    if kind == "otlp" or (not kind and os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        return _typed(OTLPSpanExporter(timeout=5))
    return None


def _typed(exporter: Any) -> SpanExporter:
    return exporter  # type: ignore[no-any-return]
