"""The books of a run, kept from what lies on Kafka and from nothing else.

Distinct concerns are counted, never records. A concern is *lost* when it was accepted and neither reached anybody nor
has a recorded reason why not. *Repeated* counts second effects: two records with different ids that say the same thing
happened twice (a share delivered twice, acknowledged twice), not records sent twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from services.chassis.envelope import Event

# what can happen once only: the field that says to what
ONCE: Final = {
    "ConcernRaised": "concern_id",
    "SharePlanned": "share_id",
    "ShareDelivered": "share_id",
    "ShareAcknowledged": "share_id",
    "AcknowledgementOverdue": "share_id",
    "DecisionRequested": "decision_id",
}


@dataclass(frozen=True, slots=True)
class Books:
    """Distinct concerns by how far they came; `lost` and `repeated` must be 0."""

    raised: int
    assessed: int
    shared: int
    acknowledged: int
    decided: int
    open: int
    lost: int
    repeated: int
    parked: int

    @property
    def balanced(self) -> bool:
        """Whether every concern has run its course and nothing is lost, doubled or parked."""
        return not (self.open or self.lost or self.repeated or self.parked)

    def line(self) -> dict[str, int]:
        """Give the closing line of the demo (design section 11)."""
        return {
            "raised": self.raised,
            "assessed": self.assessed,
            "shared": self.shared,
            "acknowledged": self.acknowledged,
            "parked": self.parked,
            "lost": self.lost,
            "repeated": self.repeated,
        }


def balance(events: Iterable[Event], *, parked: int) -> Books:
    """Keep the books over recorded events."""
    distinct = {event.id: event for event in events}
    by_concern: dict[str, list[Event]] = {}
    happened: Counter[tuple[str, str]] = Counter()
    for event in distinct.values():
        by_concern.setdefault(event.concern_id, []).append(event)
        if (once := ONCE.get(event.type)) is not None:
            happened[event.type, getattr(event.data, once)] += 1
    stands = [_stand(found) for found in by_concern.values() if any(e.type == "ConcernRaised" for e in found)]
    return Books(
        raised=len(stands),
        assessed=sum(s["assessed"] for s in stands),
        shared=sum(s["shared"] for s in stands),
        acknowledged=sum(s["acknowledged"] for s in stands),
        decided=sum(s["reasoned"] for s in stands),
        open=sum(s["open"] for s in stands),
        lost=sum(s["lost"] for s in stands),
        repeated=sum(count - 1 for count in happened.values()),
        parked=parked,
    )


def _stand(events: list[Event]) -> dict[str, bool]:
    """Say how far one concern came."""
    types = {event.type for event in events}
    raised: Any = next(e.data for e in events if e.type == "ConcernRaised")

    def shares(name: str) -> set[str]:
        return {e.data.share_id for e in events if e.type == name}  # type: ignore[attr-defined]

    planned, delivered, acknowledged = shares("SharePlanned"), shares("ShareDelivered"), shares("ShareAcknowledged")
    by_hand = {e.data.share_id for e in events if e.type == "DeliveryFailed" and e.data.exhausted}  # type: ignore[attr-defined]
    blocked = shares("DispatchBlocked")
    settled = delivered | by_hand | blocked
    reasoned = raised.history or ("ShareWithheld" in types and not planned)
    waits = shares("SharePlanned") - settled
    decisions = {e.data.decision_id for e in events if e.type == "DecisionRequested"}  # type: ignore[attr-defined]
    decided = {e.data.decision_id for e in events if e.type == "DecisionRecorded"}  # type: ignore[attr-defined]
    return {
        "assessed": "BasisAssessed" in types,
        "shared": bool(delivered),
        "acknowledged": bool(delivered) and delivered <= acknowledged,
        "reasoned": reasoned,
        "open": bool(waits or delivered - acknowledged or decisions - decided),
        "lost": not planned and not reasoned,
    }
