"""The flow of concerns in figures: rates, ages, counts, percentiles, from clear headers only. Pure.

Everything here is bounded: a stretch of recent concerns, a stretch of recent durations. What is older than that has
left the picture; the ledger, not this view, is the record.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

CONCERNS_MAX = 50_000
DURATIONS_MAX = 5_000
RATE_WINDOW = timedelta(seconds=60)

# the legs an operator watches: from one kind of event to the next of the same concern
LEGS = {
    "BasisAssessed": "raised_to_assessed",
    "ShareDelivered": "raised_to_delivered",
    "ShareAcknowledged": "raised_to_acknowledged",
}


@dataclass(slots=True)
class _Passing:
    """A concern on its way: when it was raised, and when each leg was behind it.

    Topics are read side by side, so an answer may be seen before what raised it.
    """

    raised: datetime | None = None
    legs: dict[str, datetime] = field(default_factory=dict)


class Flow:
    """The figures, updated record by record."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._recent: deque[tuple[datetime, str]] = deque(maxlen=CONCERNS_MAX)
        self._concerns: OrderedDict[str, _Passing] = OrderedDict()
        self._durations: dict[str, deque[float]] = {leg: deque(maxlen=DURATIONS_MAX) for leg in LEGS.values()}
        self._seen: OrderedDict[str, None] = OrderedDict()
        self.unreadable = 0

    def take(self, headers: Mapping[str, bytes], arrived: datetime) -> None:
        """Take one record's headers; a record sent twice counts once.

        Raises:
            KeyError, ValueError: the headers are not those of an event; the caller counts it as unreadable.
        """
        event_id = headers["ce_id"].decode()
        if event_id in self._seen:
            return
        self._seen[event_id] = None
        if len(self._seen) > CONCERNS_MAX:
            self._seen.popitem(last=False)
        name = headers["ce_type"].decode().rpartition(".")[2]
        concern = headers["ce_correlationid"].decode()
        recorded = datetime.fromisoformat(headers["ce_recordedtime"].decode())
        self._counts[name] += 1
        self._recent.append((arrived, name))
        self._pass(name, concern, recorded)

    def _pass(self, name: str, concern: str, recorded: datetime) -> None:
        leg = LEGS.get(name)
        if leg is None and name != "ConcernRaised":
            return
        passing = self._concerns.setdefault(concern, _Passing())
        if len(self._concerns) > CONCERNS_MAX:
            self._concerns.popitem(last=False)
        if leg is None:
            passing.raised = recorded
            for done, at in passing.legs.items():
                self._measure(done, recorded, at)
        elif leg not in passing.legs:
            passing.legs[leg] = recorded
            if passing.raised is not None:
                self._measure(leg, passing.raised, recorded)

    def _measure(self, leg: str, raised: datetime, done: datetime) -> None:
        self._durations[leg].append(max(0.0, (done - raised).total_seconds()))

    def figures(self, now: datetime) -> dict[str, Any]:
        """Give the figures as of now; durations in milliseconds, ages in seconds, rates per second.

        ``unacknowledged`` are concerns that were delivered to somebody and acknowledged by nobody; their age is counted
        from the first delivery.
        """
        recent = Counter(name for at, name in self._recent if now - at <= RATE_WINDOW)
        waiting = [
            p.legs["raised_to_delivered"]
            for p in self._concerns.values()
            if "raised_to_delivered" in p.legs and "raised_to_acknowledged" not in p.legs
        ]
        return {
            "as_of": now.isoformat(),
            "counts": dict(sorted(self._counts.items())),
            "rate_per_s": {n: round(c / RATE_WINDOW.total_seconds(), 3) for n, c in sorted(recent.items())},
            "legs_ms": {leg: _percentiles(values) for leg, values in self._durations.items()},
            "unacknowledged": len(waiting),
            "oldest_unacknowledged_s": round((now - min(waiting)).total_seconds(), 1) if waiting else 0.0,
            "unreadable": self.unreadable,
        }


def _percentiles(values: deque[float]) -> dict[str, float | int]:
    """Give count, p50, p95, p99 and maximum of durations in seconds, as milliseconds."""
    if not values:
        return {"count": 0}
    ordered = sorted(values)

    def at(share: float) -> float:
        return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)

    return {"count": len(ordered), "p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": at(1.0)}
