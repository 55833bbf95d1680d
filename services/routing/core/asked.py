"""What is looked at to find recipients, and what is found: an agency that is told, or somebody who is not, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from concern_relay.v1.codes_pb2 import WithholdReason
from concern_relay.v1.facts_pb2 import Person
from services.chassis.arrangement import Agency, Arrangement, Selection, Told
from services.chassis.calendar import LONDON
from services.chassis.concern import CHILDREN, Concern
from services.chassis.concern_facts import age_of, lasts
from services.chassis.leading import readable_inboxes


@dataclass(frozen=True, slots=True)
class Recipient:
    """An agency that is told, and by which row.

    Attributes:
        told: the row.
        children: the children it was chosen for (its pupils); empty means every child of the concern.
        meant: agency id it stands in for; empty when it was meant itself.
        fallback: why it stands in; empty when it does not.
    """

    agency: Agency
    told: Told
    children: frozenset[str] = frozenset()
    meant: str = ""
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Somebody a row asked for who is not told, with the reason."""

    told: Told
    agency_id: str
    reason: WithholdReason
    rule_code: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked at to find recipients; the same for every row."""

    arrangement: Arrangement
    concern: Concern
    at: datetime
    day: date
    people: tuple[Person, ...]
    readable: frozenset[str]

    @classmethod
    def about(cls, arrangement: Arrangement, concern: Concern, at: datetime) -> Asked:
        """Look at a concern once, for all rows. Days are local: an agency that closes today is open until midnight."""
        return cls(arrangement, concern, at, at.astimezone(LONDON).date(), concern.people, readable_inboxes(concern))

    def fits(self, select: Selection) -> bool:
        """Say whether the concern has anybody a selection is for."""
        return not _narrow(select) or bool(self.shown(select))

    def meant(self, select: Selection) -> tuple[Person, ...]:
        """Give the people a selection looks at: everyone, or without the children it is not for."""
        if not _narrow(select):
            return self.people
        return tuple(p for p in self.people if p.role not in CHILDREN or self._is_for(select, p))

    def shown(self, select: Selection) -> frozenset[str]:
        """Give the children whom alone a selection is for; empty when it is for every child."""
        if not _narrow(select):
            return frozenset()
        return frozenset(p.person_id for p in self.people if p.role in CHILDREN and self._is_for(select, p))

    def _is_for(self, select: Selection, child: Person) -> bool:
        if select.status and not any(s.status in select.status and lasts(s, self.day) for s in child.statuses):
            return False
        age = age_of(child, self.day)
        if select.ages is None or age is None:
            return True
        return age.high >= select.ages[0] and age.low <= select.ages[1]


def _narrow(select: Selection) -> bool:
    return bool(select.status) or select.ages is not None


@dataclass(frozen=True, slots=True)
class Found:
    """An agency a way of looking gave; without an agency, ``meant`` is an id that nobody lists."""

    agency: Agency | None
    children: frozenset[str] = frozenset()
    meant: str = ""
    fallback: str = ""


def could_read(concern: Concern, agency_id: str) -> bool:
    """Say whether a person of the concern could read an agency's inbox."""
    return agency_id in readable_inboxes(concern)
