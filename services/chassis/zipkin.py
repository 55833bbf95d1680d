"""Spans as Zipkin takes them, without what every span of a process says alike.

The exporter tags each span with the SDK, the scope and the resource: half of its size and of the time it takes to write
and to read, and the name of the service stands in its endpoint already.
"""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.exporter.zipkin.json import ZipkinExporter
from opentelemetry.exporter.zipkin.json.v2 import JsonV2Encoder
from opentelemetry.trace import StatusCode

DEADLINE_S: Final = 5


class _OwnTags(JsonV2Encoder):
    """Tags a span with its own attributes, and with its failure."""

    def _extract_tags_from_span(self, span: Any) -> dict[str, str]:
        tags: dict[str, str] = self._extract_tags_from_dict(span.attributes)
        if span.status.status_code is not StatusCode.UNSET:
            tags["otel.status_code"] = span.status.status_code.name
            if span.status.status_code is StatusCode.ERROR:
                tags["error"] = span.status.description or ""
        return tags


def exporter() -> Any:
    """Give an exporter to where OTEL_EXPORTER_ZIPKIN_ENDPOINT says."""
    found: Any = ZipkinExporter(timeout=DEADLINE_S)
    found.encoder = _OwnTags()
    return found
