"""A concern as it now stands: the fold of the events of ``concerns.v1``, opened.

Basis assessment and routing look at the same picture of a concern; this is that picture, and nothing of either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from concern_relay.v1.codes_pb2 import AuthorityRole, PersonRole, Ternary, Urgency
from concern_relay.v1.concerns_pb2 import ChildMoved, ConcernRaised, InformationCorrected
from concern_relay.v1.facts_pb2 import ConcernDetail, Consent, Group, Item, Part, Person, Place
from services.chassis.event import Fact

CONTENT_EVENTS = frozenset(
    {
        "ConcernRaised",
        "InformationAdded",
        "InformationCorrected",
        "ConsentGiven",
        "ConsentWithdrawn",
        "ChildMoved",
        "ObjectionRecorded",
    }
)


@dataclass(frozen=True, slots=True)
class Concern:
    """What is known of a concern.

    Attributes:
        concern_id: opaque id.
        agency_id: the agency that raised it; empty until it was raised.
        urgency: as last stated.
        history: a statutory return; nothing is sent, nothing is timed.
        test: never reaches a real inbox.
        raised_at: recorded time of acceptance.
        parts: what could be opened, by part id.
        unopened: ids of parts that are sealed to us: erased, suspended.
        came_to_light: when what was added to its circumstances last happened, or was told where nobody said when; None
            while they stand as they were raised or corrected, with their own time.
        last_event_id: the newest event that changed it.
        changed: ids of the parts the newest event brought or changed.
        moved: children who moved to another authority for good; a temporary stay is no move.
        staying: children who are away from home for a time.
        whereabouts_unknown: children of whom nobody knows where they went.
    """

    concern_id: str
    agency_id: str = ""
    urgency: Urgency = Urgency.URGENCY_UNSPECIFIED
    history: bool = False
    test: bool = False
    raised_at: datetime | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)
    unopened: frozenset[str] = frozenset()
    came_to_light: datetime | None = None
    last_event_id: str = ""
    changed: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()
    staying: frozenset[str] = frozenset()
    whereabouts_unknown: frozenset[str] = frozenset()

    @property
    def detail(self) -> ConcernDetail:
        """The concern as a whole; an empty one when it cannot be opened."""
        for part in self.parts.values():
            if part.WhichOneof("body") == "detail":
                return part.detail
        return ConcernDetail()

    @property
    def people(self) -> tuple[Person, ...]:
        """Everyone named, in order of part id."""
        return tuple(p.person for _, p in sorted(self.parts.items()) if p.WhichOneof("body") == "person")

    @property
    def items(self) -> tuple[Item, ...]:
        """Every item of information, in order of part id."""
        return tuple(p.item for _, p in sorted(self.parts.items()) if p.WhichOneof("body") == "item")

    @property
    def places(self) -> tuple[Place, ...]:
        """Every place, in order of part id."""
        return tuple(p.place for _, p in sorted(self.parts.items()) if p.WhichOneof("body") == "place")

    @property
    def groups(self) -> tuple[Group, ...]:
        """Every group, in order of part id."""
        return tuple(p.group for _, p in sorted(self.parts.items()) if p.WhichOneof("body") == "group")

    @property
    def consents(self) -> tuple[Consent, ...]:
        """Every consent, in order of part id."""
        return tuple(p.consent for _, p in sorted(self.parts.items()) if p.WhichOneof("body") == "consent")

    def person(self, person_id: str) -> Person | None:
        """The person of that id, if named and open."""
        part = self.parts.get(person_id)
        return part.person if part is not None and part.WhichOneof("body") == "person" else None


CHILDREN: Final = frozenset({PersonRole.PERSON_ROLE_CHILD, PersonRole.PERSON_ROLE_UNBORN_CHILD})
"""Roles of those whom a concern is about, and who have authorities of their own."""
_BESIDE: Final = frozenset(
    {
        PersonRole.PERSON_ROLE_UNSPECIFIED,
        PersonRole.PERSON_ROLE_THIRD_PARTY,
        PersonRole.PERSON_ROLE_PROFESSIONAL,
    }
)


def third_parties_alone(item: Item, roles: Mapping[str, PersonRole]) -> bool:
    """Whether an item is about third parties alone, beside a concern about somebody: another pupil in the same log.

    Nobody needs it for that child, unless the sender says so: it is the core, or who needs it, or whom it protects
    (data minimisation, UK GDPR Article 5(1)(c); scenario S01).

    Args:
        item: the item.
        roles: of everybody named, by person id.
    """
    if item.core or item.emergency_minimum or item.needed_by or item.protects_person_id:
        return False
    if not item.about_person_id or item.about_place_id or item.about_group_id or _BESIDE.issuperset(roles.values()):
        return False
    spoken_of = (item.about_person_id, *item.mentions_person_ids)
    return all(roles.get(person_id) == PersonRole.PERSON_ROLE_THIRD_PARTY for person_id in spoken_of)


def bears_on_nothing(item: Item) -> bool:
    """Whether the sender says that an item has nothing to do with the risk, and marked it as nothing that has to go."""
    return item.bears_on_risk == Ternary.TERNARY_NO and not (item.core or item.emergency_minimum)


def with_fact(concern: Concern, fact: Fact) -> Concern:
    """Fold an event of ``concerns.v1``; other facts leave the concern as it is."""
    data = fact.data
    if fact.type not in CONTENT_EVENTS or data is None:
        return concern
    sealed_ids = {sealed.part_id for sealed in data.parts}  # type: ignore[attr-defined]
    unopened = frozenset((concern.unopened | sealed_ids) - fact.parts.keys())
    parts = {**{k: v for k, v in concern.parts.items() if k not in unopened}, **fact.parts}
    changed = frozenset(sealed_ids)
    if isinstance(data, InformationCorrected):
        removed = frozenset(data.removed_part_ids)
        parts = {k: v for k, v in parts.items() if k not in removed}
        unopened -= removed
        changed = frozenset(data.changed_part_ids)
    after = replace(concern, parts=parts, unopened=unopened, last_event_id=str(fact.id), changed=changed)
    if any(part.WhichOneof("body") == "detail" for part in fact.parts.values()):
        after = replace(after, came_to_light=fact.time if fact.type == "InformationAdded" else None)
    if isinstance(data, ChildMoved):
        after = _after_move(after, data)
    if isinstance(data, ConcernRaised):
        after = replace(
            after,
            agency_id=data.agency_id,
            urgency=data.urgency,
            history=data.history,
            test=data.test,
            raised_at=fact.recorded,
        )
    elif stated := getattr(data, "urgency", Urgency.URGENCY_UNSPECIFIED):
        after = replace(after, urgency=stated)
    return after


def _after_move(concern: Concern, data: ChildMoved) -> Concern:
    child = frozenset({data.person_id})
    if data.temporary:
        return replace(concern, staying=concern.staying | child)
    person = concern.person(data.person_id)
    former = person is not None and any(a.role == AuthorityRole.AUTHORITY_ROLE_FORMER for a in person.authorities)
    return replace(
        concern,
        # a move within one authority changes nobody's responsibility
        moved=concern.moved | child if former and not data.unknown_destination else concern.moved,
        staying=concern.staying - child,
        whereabouts_unknown=concern.whereabouts_unknown | child
        if data.unknown_destination
        else concern.whereabouts_unknown - child,
    )
