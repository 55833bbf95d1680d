"""What one row of an arrangement alone cannot show: that names meet, and that rows do not contradict each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import yaml

from services.chassis.arrangement.model import Agency, Arrangement
from services.chassis.marked_yaml import elements, fail, near


def refuse_contradictions(arrangement: Arrangement, nodes: Mapping[str, yaml.Node]) -> None:
    """Refuse an arrangement that cannot be followed.

    Args:
        arrangement: as read.
        nodes: its top-level nodes by key, so that the error can point at file, line and column.

    Raises:
        DocumentError: for the first thing that is wrong.
    """
    check = _Check(arrangement, nodes)
    check.agencies()
    check.clocks()
    check.rules()


@dataclass(frozen=True, slots=True)
class _Check:
    arrangement: Arrangement
    nodes: Mapping[str, yaml.Node]

    def _point(self, key: str, number: int | None, wrong: str, remedy: str) -> NoReturn:
        node = self.nodes[key]
        fail(node if number is None else elements(node)[number], wrong, remedy)

    def agencies(self) -> None:
        agencies = self.arrangement.agencies
        if self.arrangement.front_door not in agencies:
            self._point("front_door", None, "no such agency", near(self.arrangement.front_door, agencies))
        for number, agency in enumerate(agencies.values()):
            for other in (agency.cover, agency.conflict_to, agency.succeeded_by):
                if other is not None and other not in agencies:
                    self._point("agencies", number, f"no agency is called {other!r}", near(other, agencies))
                if other == agency.agency_id:
                    self._point("agencies", number, f"{other!r} points at itself", "name another, or leave it out")
            self._follows_to_an_end(number, agency)

    def _follows_to_an_end(self, number: int, agency: Agency) -> None:
        seen = {agency.agency_id}
        while agency.succeeded_by is not None:
            agency = self.arrangement.agencies[agency.succeeded_by]
            if agency.agency_id in seen:
                self._point("agencies", number, "succeeded_by goes round in a circle", "end it at an open agency")
            seen.add(agency.agency_id)

    def clocks(self) -> None:
        known = self.arrangement.clocks
        wanted = (
            *(("urgency_clocks", code) for code in self.arrangement.urgency_clocks.values()),
            ("deliver_clock", self.arrangement.deliver_clock),
            *(("stages", c) for stage in self.arrangement.stages for c in (stage.clock_code, stage.urgent_clock_code)),
        )
        for key, code in wanted:
            if code not in known:
                self._point(key, None, f"no clock is called {code!r}", near(code, known))

    def rules(self) -> None:
        known = self.arrangement
        if not any(told.emergency for rule in known.rules for told in rule.tells):
            self._point("rules", None, "no rule is for emergencies", "mark one with emergency: true")
        for number, rule in enumerate(known.rules):
            for told in rule.tells:
                if told.clock_code not in known.clocks:
                    self._point(
                        "rules", number, f"no clock is called {told.clock_code!r}", near(told.clock_code, known.clocks)
                    )
                if told.agency_class not in known.matrix:
                    self._point("rules", number, "tells a class that has no row in the matrix", "add the row")
                for name in told.select.named:
                    if name not in known.agencies:
                        self._point("rules", number, f"no agency is called {name!r}", near(name, known.agencies))
            forces = {(told.agency_class, told.select.role): told.force for told in rule.tells}
            if any(forces[told.agency_class, told.select.role] is not told.force for told in rule.tells):
                self._point("rules", number, "tells the same class with different force", "keep one of the rows")
