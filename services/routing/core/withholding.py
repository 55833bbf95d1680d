"""What is held back and who is not told: gathered while a share is planned, recorded once (practice 8: not shown)."""

from __future__ import annotations

from collections.abc import Collection

from concern_relay.v1.codes_pb2 import AgencyClass, WithholdReason
from concern_relay.v1.shares_pb2 import ShareWithheld
from services.chassis.codes import word_of
from services.chassis.event import Effect
from services.routing.core.state import Withheld


class Withholding:
    """Gathers by recipient, reason and rule; each becomes one event that lists its parts."""

    def __init__(self, concern_id: str) -> None:
        self._concern_id = concern_id
        self._held: dict[tuple[AgencyClass, str, WithholdReason, str], set[str]] = {}

    def hold(
        self, agency_class: AgencyClass, agency_id: str, reason: WithholdReason, rule_code: str, part_id: str = ""
    ) -> None:
        """Note that a part, or without one everything, is held back from an agency, or from a whole class."""
        held = self._held.setdefault((agency_class, agency_id, reason, rule_code), set())
        if part_id:
            held.add(part_id)

    def effects(self, on_record: Collection[Withheld], assessment_id: str, cause: str) -> list[Effect]:
        """Give an event for each that is not on record already."""
        found = []
        for (agency_class, agency_id, reason, rule), part_ids in self._held.items():
            if Withheld(agency_class, agency_id, frozenset(part_ids), reason, rule) in on_record:
                continue
            data = ShareWithheld(
                concern_id=self._concern_id,
                recipient_class=agency_class,
                agency_id=agency_id,
                part_ids=sorted(part_ids),
                reason=reason,
                rule_code=rule,
                assessment_event_id=assessment_id,
            )
            names = (word_of(AgencyClass, agency_class), agency_id, word_of(WithholdReason, reason), rule, cause)
            found.append(Effect(data, key="/".join(names)))
        return found
