"""What one row of an arrangement alone cannot show: that names meet, and that rows do not contradict each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import yaml

from concern_relay.v1.codes_pb2 import AgencyClass, Channel, Urgency
from services.chassis.arrangement.model import FRONT_DOOR, Agency, Arrangement, Force, Status, TellRule, Told
from services.chassis.calendar import Clock, ClockRule, Starts
from services.chassis.codes import word_of
from services.chassis.marked_yaml import elements, entries, near
from services.chassis.mistakes import note

_CSC: Final = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE
_RECIPIENT_STARTS: Final = frozenset({Starts.DELIVERED, Starts.RECEIVED, Starts.HAPPENED})
_AREA_CODE_CHARS: Final = 9
"""ONS codes of authorities: a letter of the country and eight digits."""


def look_for_contradictions(arrangement: Arrangement, nodes: Mapping[str, yaml.Node]) -> None:
    """Note everything for which an arrangement cannot be followed.

    Args:
        arrangement: as read; every row of it stands.
        nodes: its top-level nodes by key, so that each mistake can point at file, line and column.
    """
    check = _Check(arrangement, nodes)
    check.front_door()
    check.agencies()
    check.clocks()
    check.stages()
    check.matrix()
    check.rules()
    check.conditions()
    check.timed()


@dataclass(frozen=True, slots=True)
class _Check:
    arrangement: Arrangement
    nodes: Mapping[str, yaml.Node]

    def _at(self, *path: str | int) -> yaml.Node:
        """Give the node at a path, or the nearest one above it that is there."""
        node = self.nodes[str(path[0])]
        for step in path[1:]:
            if isinstance(step, int):
                node = elements(node)[step]
            elif step not in (found := entries(node)):
                return node
            else:
                node = found[step]
        return node

    def _known(self, name: str, known: Collection[str], what: str, *path: str | int) -> bool:
        if name not in known:
            note(self._at(*path), f"no {what} is called {name!r}", near(name, known))
        return name in known

    def front_door(self) -> None:
        code = self.arrangement.front_door
        agency = self.arrangement.agencies.get(code)
        if agency is None:
            note(self._at("front_door"), "no such agency", near(code, self.arrangement.agencies))
        elif agency.agency_class != _CSC or FRONT_DOOR not in agency.roles:
            note(self._at("front_door"), f"{code!r} is no front door", "name children's social care with that role")

    # -- agencies

    def agencies(self) -> None:
        for number, agency in enumerate(self.arrangement.agencies.values()):
            for key in ("cover", "conflict_to", "succeeded_by"):
                self._other(number, agency, key, getattr(agency, key))
            self._follows_to_an_end(number, agency)
            self._papers(number, agency)
            for area in sorted(agency.areas):
                if not _looks_like_an_area(area):
                    note(self._at("agencies", number, "areas"), f"{area!r} is no area", "write ONS codes, as E10000016")
            if agency.succeeded_by is not None and agency.valid_to is None:
                place = self._at("agencies", number, "succeeded_by")
                note(place, "was merged into another and is still open", "add valid_to, the last day it was there")

    def _other(self, number: int, agency: Agency, key: str, other: str | None) -> None:
        if other is None or not self._known(other, self.arrangement.agencies, "agency", "agencies", number, key):
            return
        place = self._at("agencies", number, key)
        if other == agency.agency_id:
            note(place, f"{other!r} points at itself", "name another, or leave it out")
        elif self.arrangement.agencies[other].agency_class != agency.agency_class:
            theirs = word_of(AgencyClass, self.arrangement.agencies[other].agency_class)
            note(place, f"{other!r} is of another class ({theirs}) and may see other things", "name one of the same")

    def _follows_to_an_end(self, number: int, agency: Agency) -> None:
        seen = {agency.agency_id}
        while (successor := self.arrangement.agencies.get(agency.succeeded_by or "")) is not None:
            agency = successor
            if agency.agency_id in seen:
                place = self._at("agencies", number, "succeeded_by")
                if len(seen) > 1:  # one that points at itself was told already
                    note(place, "succeeded_by goes round in a circle", "end it at an open agency")
                return
            seen.add(agency.agency_id)

    def _papers(self, number: int, agency: Agency) -> None:
        """A signed arrangement rests on papers that exist (practice 30)."""
        for key in ("policy_document", "dpia", "agreement"):
            reference: str | None = getattr(agency, key)
            if self.arrangement.status is Status.SIGNED and reference is not None and "EXAMPLE" in reference.upper():
                place = self._at("agencies", number, key)
                note(place, "the arrangement is signed and this reference is an EXAMPLE", "write the real one")

    # -- clocks

    def clocks(self) -> None:
        known = self.arrangement.clocks
        for urgency, code in self.arrangement.urgency_clocks.items():
            place = ("urgency_clocks", word_of(Urgency, urgency))
            if self._known(code, known, "clock", *place) and not _around_the_clock(known[code]):
                note(self._at(*place), f"{code!r} stands still at night", "name a clock of hours or minutes")
        self._urgent_before_emergency()
        code = self.arrangement.deliver_clock
        if self._known(code, known, "clock", "deliver_clock") and known[code].starts is not Starts.PLANNED:
            note(self._at("deliver_clock"), f"{code!r} does not start when a share is planned", "starts: planned")

    def _urgent_before_emergency(self) -> None:
        clocks, known = self.arrangement.urgency_clocks, self.arrangement.clocks
        urgent, emergency = (known.get(clocks[u]) for u in (Urgency.URGENCY_URGENT, Urgency.URGENCY_EMERGENCY))
        if urgent is None or emergency is None or not (_around_the_clock(urgent) and _around_the_clock(emergency)):
            return
        if _elapsed(emergency) > _elapsed(urgent):
            note(self._at("urgency_clocks"), "an emergency has longer than what is urgent", "exchange the two clocks")

    def stages(self) -> None:
        known, seen = self.arrangement.clocks, set[str]()
        for number, stage in enumerate(self.arrangement.stages):
            if stage.role_code in seen:
                note(self._at("stages", number, "role"), f"{stage.role_code!r} is asked twice", "ask another role")
            seen.add(stage.role_code)
            for key, code in (("clock", stage.clock_code), ("urgent_clock", stage.urgent_clock_code)):
                if self._known(code, known, "clock", "stages", number, key) and known[code].starts is not Starts.STAGE:
                    place = self._at("stages", number, key)
                    note(place, f"{code!r} does not start with the stage", "name a clock with starts: stage")

    # -- who is told

    def matrix(self) -> None:
        if _CSC not in self.arrangement.matrix:
            note(self._at("matrix"), "children's social care has no row", "add it: every concern may reach it")
        for number, row in enumerate(self.arrangement.matrix.values()):
            for name in row.select.named:
                self._known(name, self.arrangement.agencies, "agency", "matrix", number, "select", "named")

    def rules(self) -> None:
        if not any(told.emergency for rule in self.arrangement.rules for told in rule.tells):
            note(self._at("rules"), "no rule is for emergencies", "mark one with emergency: true")
        if not any(told.must and told.agency_class == _CSC for r in self.arrangement.rules for told in r.tells):
            note(self._at("rules"), "no rule tells children's social care at once", "add one with force: must")
        for number, rule in enumerate(self.arrangement.rules):
            self._rule(number, rule)

    def _rule(self, number: int, rule: TellRule) -> None:
        known, forces = self.arrangement, dict[Any, tuple[Force, str]]()
        if not rule.tells:
            note(self._at("rules", number, "tell"), "tells nobody", "name a class, or take the rule out")
        for row, told in enumerate(rule.tells):
            at = ("rules", number, "tell", row)
            clock = known.clocks.get(told.clock_code)
            self._known(told.clock_code, known.clocks, "clock", *at, "clock")
            if clock is not None and clock.starts not in _RECIPIENT_STARTS:
                note(self._at(*at, "clock"), f"{clock.code!r} does not start with a share", "starts: delivered")
            if told.agency_class not in known.matrix:
                note(self._at(*at, "class"), "tells a class that has no row in the matrix", "add the row")
            row_of_class = known.matrix.get(told.agency_class)
            if told.view_code and row_of_class is not None and told.view_code not in row_of_class.views:
                views = row_of_class.views
                note(self._at(*at, "view"), f"the class has no view {told.view_code!r}", near(told.view_code, views))
            if told.apart and not told.view_code:
                note(self._at(*at, "apart"), "a share apart has no view of its own", "name it, as view: notice")
            if told.emergency and not told.must:
                note(self._at(*at, "force"), "an emergency is told at once or not at all", "force: must")
            self._reaches(told.agency_class, told.select.role, told.select.named, at)
            before = forces.setdefault(_whom(told), (told.force, told.clock_code))
            if before[0] is not told.force:
                note(self._at(*at), "tells the same class with different force", "keep one of the rows")
            elif before[1] != told.clock_code:
                note(self._at(*at), "tells the same class by different clocks", "keep one of the rows")

    def _reaches(self, agency_class: AgencyClass, role: str, named: tuple[str, ...], at: tuple[str | int, ...]) -> None:
        """A row that can reach nobody: a role that no agency has, an agency of another class."""
        agencies = self.arrangement.agencies
        roles = {r for a in agencies.values() if a.agency_class == agency_class for r in a.roles}
        if role and role not in roles:
            wrong = f"no {word_of(AgencyClass, agency_class)} has the role {role!r}"
            note(self._at(*at, "role"), wrong, near(role, roles) if roles else "add the agency, or its role")
        for name in named:
            if self._known(name, agencies, "agency", *at, "named") and agencies[name].agency_class != agency_class:
                note(self._at(*at, "named"), f"{name!r} is of another class", "name one of the class that is told")

    def timed(self) -> None:
        """Duties with a time name clocks, roles and followers that exist; one that nothing starts is a mistake."""
        known = self.arrangement
        followers = {duty.then for duty in known.timed.values()}
        for number, duty in enumerate(known.timed.values()):
            self._known(duty.clock_code, known.clocks, "clock", "timed_duties", number, "clock")
            urgent = duty.urgent_clock_code
            place = ("timed_duties", number, "urgent_clock")
            if (
                urgent
                and self._known(urgent, known.clocks, "clock", *place)
                and not _around_the_clock(known.clocks[urgent])
            ):
                note(self._at(*place), f"{urgent!r} stands still at night", "name a clock of hours or minutes")
            if duty.then:
                self._known(duty.then, known.timed, "timed duty", "timed_duties", number, "then")
            for ended in duty.ends:
                self._known(ended, known.timed, "timed duty", "timed_duties", number, "ends")
            if duty.agency_class:
                self._reaches(duty.agency_class, duty.select.role, duty.select.named, ("timed_duties", number))
            if duty.when is None and not duty.outcomes and duty.code not in followers:
                remedy = "add when or outcomes, or name it in another's then"
                note(self._at("timed_duties", number), "nothing ever starts it", remedy)

    def conditions(self) -> None:
        """Two rules for the very same circumstances must not tell the same class with different force."""
        seen: dict[Any, tuple[str, Force]] = {}
        for number, rule in enumerate(self.arrangement.rules):
            unless = None if rule.unless is None else rule.unless.condition
            for row, told in enumerate(rule.tells):
                key = (repr(rule.when.condition), repr(unless), told.agency_class, told.select)
                code, force = seen.setdefault(key, (rule.code, told.force))
                if code != rule.code and force is not told.force:
                    place = self._at("rules", number, "tell", row, "force")
                    note(place, f"contradicts rule {code!r}: same circumstances, other force", "keep one of the two")


def papers_missing(arrangement: Arrangement) -> Iterator[str]:
    """Give what keeps an arrangement out of production (practice 30), one sentence each."""
    if arrangement.status is Status.EXAMPLE:
        yield (
            f"arrangement {arrangement.name} is an EXAMPLE: production needs one that a person with authority has "
            "checked and signed; set status: signed"
        )
    wanted = {
        "agreement": "signed agreement",
        "policy_document": "appropriate policy document",
        "dpia": "data protection impact assessment",
    }
    for agency in arrangement.agencies.values():
        missing = [name for key, name in wanted.items() if not getattr(agency, key)]
        if missing and agency.valid_to is None and agency.channels != (Channel.CHANNEL_MANUAL,):
            yield (
                f"agency {agency.agency_id} of arrangement {arrangement.name} has no {' and no '.join(missing)}: add "
                "the references, or reach it by the manual channel"
            )


def _whom(told: Told) -> tuple[Any, ...]:
    return (told.agency_class, told.select.role, told.select.status, told.select.ages, told.line)


def _looks_like_an_area(code: str) -> bool:
    return len(code) == _AREA_CODE_CHARS and code[0] in "EWSN" and code[1:].isdecimal()


def _around_the_clock(clock: Clock) -> bool:
    return clock.rule in (ClockRule.HOURS, ClockRule.MINUTES)


def _elapsed(clock: Clock) -> timedelta:
    return timedelta(hours=clock.amount) if clock.rule is ClockRule.HOURS else timedelta(minutes=clock.amount)
