"""Whether everything that was decided comes out the same when it is decided again from what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from services.basis_assessment.pack import LawBook
from services.chassis.arrangement import ArrangementBook
from services.chassis.envelope import Event
from services.workbench.replay.engine import replay
from services.workbench.replay.finding import Tally
from services.workbench.replay.past import Past
from services.workbench.replay.wiring import wired
from services.workbench.scenario.world import Happened

_JUST_NOW: Final = timedelta(seconds=60)
"""What may still be under way on real servers; here nothing is, and everything is compared."""


def again(events: Sequence[Happened], laws: LawBook, book: ArrangementBook) -> list[str]:
    """Decide all of it again; give what comes out otherwise, a line each."""
    histories: dict[str, list[Past]] = {}
    for happened in events:
        fact = happened.fact
        if fact.data is None:
            continue
        event = Event(
            fact.id, fact.type, happened.topic, "//concern-relay/scenario", fact.time, fact.recorded, fact.concern_id,
            fact.causation_id, fact.based_on, fact.data,
        )  # fmt: skip
        histories.setdefault(fact.concern_id, []).append(Past(event, fact.parts))
    if not histories:
        return []
    newest = max(past.event.recorded for history in histories.values() for past in history)
    whole = Tally()
    for concern_id, history in histories.items():
        for service in wired(laws, book):
            whole.add(replay(service, concern_id, history, newest - _JUST_NOW))
    return [f"replay: {finding.words}" for finding in whole.findings]
