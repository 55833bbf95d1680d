"""Log lines: one JSON object each, attributes from an allow-list, so that nothing personal can slip in.

Free text is a constant of the program; everything that varies is an attribute, and an attribute that is not listed here
is refused when the line is written, in tests and in production alike.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

ALLOWED = frozenset(
    {
        "attempt", "backlog", "budget_s", "channel", "code", "concern_id", "count", "deadline_s", "due", "elapsed_ms",
        "error", "event_id", "event_type", "group", "lag", "offset", "offsets", "parked_id", "partition", "partitions",
        "path", "pid", "port", "reason", "service", "share_id", "signal", "size", "status", "timer", "topic", "topics",
        "url", "version",
    }
)  # fmt: skip
TEXT_MAX = 200


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if attributes := getattr(record, "relay", None):
            line |= {"message": record.msg, **attributes}
        else:
            # a library's own line: its template only, its arguments may hold content
            line["message"] = str(record.msg)[:TEXT_MAX]
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line, default=str)


class Log:
    """A logger that takes attributes by name and refuses those not on the list."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def info(self, message: str, **attributes: object) -> None:
        """Write a line for the course of things."""
        self._write(logging.INFO, message, attributes)

    def warning(self, message: str, **attributes: object) -> None:
        """Write a line for something to look at."""
        self._write(logging.WARNING, message, attributes)

    def error(self, message: str, **attributes: object) -> None:
        """Write a line for something that needs a person."""
        self._write(logging.ERROR, message, attributes)

    def _write(self, level: int, message: str, attributes: dict[str, object]) -> None:
        unlisted = attributes.keys() - ALLOWED
        if unlisted:
            raise ValueError(f"log attributes not on the allow-list: {', '.join(sorted(unlisted))}")
        safe = {k: v if isinstance(v, int | float) else str(v)[:TEXT_MAX] for k, v in attributes.items()}
        self._logger.log(level, message, extra={"relay": safe or {"service": ""}})


def configure(service: str) -> None:
    """Send log lines to standard error; libraries only from WARNING, and without their arguments."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("services").setLevel(logging.INFO)
    # retried by the broker's own answer; harmless on a single broker (research, Kafka baselines)
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    Log(f"services.{service}").info("starting", service=service)
