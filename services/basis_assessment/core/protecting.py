"""Who is protected by sharing an item: not always whom it is about (Data Protection Act 2018 Sch 1 para 18(1)(b)).

The sender may say it of an item. Otherwise it is the children of the concern; for adult social care, whose purpose is
another, an adult at risk.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from concern_relay.v1.codes_pb2 import AgencyClass, PersonRole, Ternary
from concern_relay.v1.facts_pb2 import Item, Person
from services.chassis.concern import Concern
from services.chassis.concern_facts import CHILD_AGE_MAX, age_of

_CHILD, _UNBORN = PersonRole.PERSON_ROLE_CHILD, PersonRole.PERSON_ROLE_UNBORN_CHILD
_ADULTS_SERVICE: Final = AgencyClass.AGENCY_CLASS_ADULT_SOCIAL_CARE


@dataclass(frozen=True, slots=True)
class Protected:
    """Who is protected.

    Attributes:
        child: a child under 18, an unborn child through its mother, or a group is.
        adult_at_risk: an adult at risk is; None where nobody said whether the adult is at risk.
        children: ids of the children.
        adults: ids of the adults at risk.
    """

    child: bool
    adult_at_risk: bool | None
    children: tuple[str, ...] = ()
    adults: tuple[str, ...] = ()

    def towards(self, recipient: AgencyClass) -> tuple[str, ...]:
        """Give the ids of those whom telling a class of recipient protects."""
        return self.adults if recipient == _ADULTS_SERVICE or not self.child else self.children


NOBODY_PROTECTED: Final = Protected(child=False, adult_at_risk=False)


class Protecting:
    """Looks once at the people of a concern."""

    def __init__(self, concern: Concern, today: date) -> None:
        """Note who is under 18 and who is an adult at risk."""
        self._concern, self._today = concern, today
        self.by_default = self._of(concern.people, group=bool(concern.groups))

    def by(self, item: Item) -> Protected:
        """Say who is protected by sharing an item; one that names nobody who can be opened counts as naming nobody."""
        named = self._concern.person(item.protects_person_id) if item.protects_person_id else None
        return self.by_default if named is None else self._of((named,), group=False)

    def _of(self, people: tuple[Person, ...], *, group: bool) -> Protected:
        children = tuple(p.person_id for p in people if p.role == _UNBORN or (p.role == _CHILD and self._is_minor(p)))
        others = [p for p in people if p.role != _CHILD]
        adults = tuple(p.person_id for p in others if p.adult_at_risk == Ternary.TERNARY_YES)
        unknown = any(p.adult_at_risk == Ternary.TERNARY_UNSPECIFIED for p in others)
        return Protected(bool(children) or group, True if adults else None if unknown else False, children, adults)

    def _is_minor(self, person: Person) -> bool:
        age = age_of(person, self._today)
        return age is None or age.low <= CHILD_AGE_MAX
