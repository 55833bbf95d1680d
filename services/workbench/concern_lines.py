"""A concern on a terminal: what its sender may see, or an operator's journey. From the services' JSON; no content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from services.chassis.calendar import LONDON

NOT_YET = "-"

MEND: Final = {
    "agency_unknown": "agency_unknown: not in the arrangement; telephone it, and have it added or put the id right",
    "no_agency_found": "no_agency_found: the arrangement lists nobody of this kind here; telephone, and have it added",
}
"""Rules of the book by which nobody could be told, with what to do about it."""


def status_lines(status: dict[str, Any]) -> Iterator[str]:
    """Tell a sender where its concern stands: each field of the answer, one line."""
    width = max(len(name) for name in status)
    for name, value in status.items():
        yield f"{name.replace('_', ' '):<{width}}  {_value(value)}"


def journey_lines(journey: dict[str, Any]) -> Iterator[str]:
    """Tell an operator a concern's journey: who was told, which clocks run, who was not told and why, what happened."""
    yield f"concern {journey['concern_id']}, raised by {journey['agency_id']} at {at(journey['raised_at'])}"
    yield f"{journey['urgency']}, {journey['state']}; {journey['acknowledged']} of {journey['shares']} acknowledged"
    if journey["assessed_at"]:
        yield f"assessed {at(journey['assessed_at'])} under {journey['law_pack']}"
    told = ("delivered_at", "read_at", "acknowledged_at", "outcome_at")
    yield from table(
        "told",
        ("recipient", "state", "delivered", "read", "acknowledged", "outcome", "share"),
        [[r["agency_id"], r["state"], *(at(r[name]) for name in told), r["share_id"]] for r in journey["recipients"]],
    )
    yield from table(
        "clocks",
        ("about", "due", "state", "rule", "whose"),
        [[c["about"], at(c["due"]), c["state"], c["rule"], c.get("agency_id", "")] for c in journey["clocks"]],
    )
    yield from table(
        "not told, or not everything",
        ("who", "parts", "reason", "rule"),
        [
            [
                w["agency_id"] or w["class"] or "nobody else",
                str(w["parts"] or "all"),
                w["reason"],
                MEND.get(w["rule"], w["rule"]),
            ]
            for w in journey["withheld_because"]
        ],
    )
    yield from table(
        "waits for a decision",
        ("question", "decision"),
        [[d["question"], d["decision_id"]] for d in journey["open_decisions"]],
    )
    yield from table(
        "what happened",
        ("recorded", "event", "by", "leaf", "trace"),
        [[at(e["recorded"]), e["type"], e["service"], str(e["index"]), e["trace_id"]] for e in journey["events"]],
    )


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Give a titled table, columns as wide as they must be; nothing where there are no rows."""
    if not rows:
        return
    widths = [max(len(line[n]) for line in (heads, *rows)) for n in range(len(heads))]
    yield ""
    yield title
    for line in (heads, *rows):
        yield "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_value(each) for each in value) or NOT_YET
    if isinstance(value, dict):
        return " ".join(f"{name}={_value(each)}" for name, each in value.items())
    return NOT_YET if value is None else str(value)


def at(moment: str | None) -> str:
    """Give a time as England reads it, to the second."""
    return NOT_YET if not moment else f"{datetime.fromisoformat(moment).astimezone(LONDON):%Y-%m-%d %H:%M:%S}"
