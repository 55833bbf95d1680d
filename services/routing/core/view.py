"""One recipient's minimised view: what the law allows, what the arrangement's matrix admits, less what is suppressed.

The three only ever narrow each other. The view reads as if what was left out had never been sent: no empty field where
something stood, no id of anything that is not in it. What was left out, and why, is told to the record alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from concern_relay.v1.assessments_pb2 import ItemAssessment
from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Category,
    Outcome,
    PersonRole,
    PlaceKind,
    Sensitivity,
    WithholdReason,
)
from concern_relay.v1.facts_pb2 import Consent, Group, Item, Part, Person, Place
from services.chassis.arrangement import MatrixRow
from services.chassis.concern import CHILDREN, Concern, bears_on_nothing
from services.routing.core import redact
from services.routing.core.strike import Struck, struck_of

SHARED: Final = frozenset(
    {
        Outcome.OUTCOME_SHARE_DUTY,
        Outcome.OUTCOME_SHARE_POWER,
        Outcome.OUTCOME_SHARE_CONSENT,
        Outcome.OUTCOME_SHARE_EMERGENCY,
    }
)
# Looked up once: an enum's name costs a search through its values each time.
_ADULT_OF_CONCERN: Final = PersonRole.PERSON_ROLE_ADULT_OF_CONCERN
_PLACES: Final = Category.CATEGORY_PLACE_OR_GROUP
_ADDRESS: Final = Category.CATEGORY_ADDRESS
_LAW_ENFORCEMENT: Final = Sensitivity.SENSITIVITY_LAW_ENFORCEMENT
_REFUGE: Final = PlaceKind.PLACE_KIND_REFUGE
# Held for law enforcement only, or by somebody who must not be named: in no view, whatever a file says (practice 9).
_NEVER: Final = {
    Category.CATEGORY_POLICE_INTELLIGENCE: WithholdReason.WITHHOLD_REASON_LAW_ENFORCEMENT_ONLY,
    Category.CATEGORY_SOURCE_IDENTITY: WithholdReason.WITHHOLD_REASON_PROTECTED_SOURCE,
}
# They stand in a view only with something that is said about them.
_ONLY_IF_SPOKEN_OF: Final = frozenset({PersonRole.PERSON_ROLE_THIRD_PARTY, PersonRole.PERSON_ROLE_PROFESSIONAL})
_NOT_IN_EMERGENCY: Final = _ONLY_IF_SPOKEN_OF | {PersonRole.PERSON_ROLE_SIBLING}
_REASONS: Final = {
    Outcome.OUTCOME_NOT_SHARED_NO_ROLE: WithholdReason.WITHHOLD_REASON_NO_ROLE,
    Outcome.OUTCOME_NOT_SHARED_DETRIMENT: WithholdReason.WITHHOLD_REASON_DETRIMENT,
    Outcome.OUTCOME_NOT_SHARED_UNNECESSARY: WithholdReason.WITHHOLD_REASON_NOT_NEEDED_FOR_ROLE,
    Outcome.OUTCOME_BLOCKED_PENDING: WithholdReason.WITHHOLD_REASON_FACT_UNKNOWN,
    Outcome.OUTCOME_REJECTED_BASIS: WithholdReason.WITHHOLD_REASON_NO_BASIS,
    Outcome.OUTCOME_PROPOSED: WithholdReason.WITHHOLD_REASON_LEAD_AGENCY_DECIDES,
}


@dataclass(frozen=True, slots=True)
class Laid:
    """A concern laid out for cutting views from it: done once, used for every recipient."""

    struck: Struck
    details: tuple[str, ...]
    people: Mapping[str, Person]
    items: Mapping[str, Item]
    places: Mapping[str, Place]
    groups: Mapping[str, Group]
    consents: Mapping[str, Consent]
    parts: Mapping[str, Part]
    hidden: frozenset[str]
    left_out: frozenset[Category] = frozenset()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose view.

    Attributes:
        row: the matrix row of the recipient's class.
        allowed: the assessment of each part for the class; None before any assessment, in an emergency.
        children: the children it was chosen for; empty means every child.
        stale: parts that changed after what was assessed; the next assessment brings them.
    """

    row: MatrixRow
    allowed: Mapping[str, ItemAssessment] | None
    children: frozenset[str] = frozenset()
    stale: frozenset[str] = frozenset()

    @property
    def agency_class(self) -> AgencyClass:
        """The recipient's class."""
        return self.row.agency_class


@dataclass(frozen=True, slots=True)
class Left:
    """A part left out, or left out in part, with the reason."""

    part_id: str
    reason: WithholdReason
    rule_code: str


@dataclass(slots=True)
class View:
    """What a recipient is given, by part id, and what was left out."""

    parts: dict[str, Part] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)

    def leave(self, part_id: str, reason: WithholdReason, rule_code: str) -> None:
        """Note that a part, or something of it, was left out."""
        self.left.append(Left(part_id, reason, rule_code))


def reason_of(outcome: Outcome, reason: WithholdReason) -> WithholdReason:
    """Give why something is not shared: the stated reason, else what the outcome means."""
    return reason or _REASONS.get(outcome, WithholdReason.WITHHOLD_REASON_NO_CONDITION)


def lay_out(concern: Concern, left_out: frozenset[Category] = frozenset()) -> Laid:
    """Sort a concern's parts by kind and find what must not travel with it.

    Args:
        concern: as it stands.
        left_out: categories that nobody needs of the adult of concern, by a rule of the arrangement.
    """
    kinds: dict[str, dict[str, Part]] = {}
    for part_id, part in sorted(concern.parts.items()):
        kinds.setdefault(part.WhichOneof("body") or "", {})[part_id] = part
    people = {part_id: part.person for part_id, part in kinds.get("person", {}).items()}
    return Laid(
        struck=struck_of(concern),
        details=tuple(kinds.get("detail", {})),
        people=people,
        items={part_id: part.item for part_id, part in kinds.get("item", {}).items()},
        places={part_id: part.place for part_id, part in kinds.get("place", {}).items()},
        groups={part_id: part.group for part_id, part in kinds.get("group", {}).items()},
        consents={part_id: part.consent for part_id, part in kinds.get("consent", {}).items()},
        parts=concern.parts,
        hidden=frozenset(part_id for part_id, person in people.items() if any(a.hidden for a in person.addresses)),
        left_out=left_out,
    )


def view_of(laid: Laid, wanted: Wanted) -> View:
    """Give one recipient's view of a concern."""
    view = View()
    items = {part_id: item for part_id, item in laid.items.items() if _item_stays(view, laid, wanted, part_id, item)}
    spoken_of = _spoken_of(items.values())
    people = {k: p for k, p in laid.people.items() if _person_stays(view, wanted, k, p, spoken_of)}
    places = {k: p for k, p in laid.places.items() if _place_stays(view, wanted, k, p, spoken_of)}
    groups = {k: g for k, g in laid.groups.items() if _group_stays(view, wanted, k, spoken_of)}
    resting_on = {item.consent_ref for item in items.values()}
    consents = {k: c for k, c in laid.consents.items() if k in resting_on and _may(view, wanted, k)}
    kept = frozenset((*items, *people, *places, *groups, *consents))
    row, struck = wanted.row, laid.struck
    for part_id in laid.details:
        if _may(view, wanted, part_id) and part_id not in wanted.stale:
            detail = redact.detail(laid.parts[part_id].detail, row, struck)
            if laid.parts[part_id].detail.referrer_anonymous:
                view.leave(part_id, WithholdReason.WITHHOLD_REASON_PROTECTED_SOURCE, "anonymous_referrer")
            view.parts[part_id] = Part(detail=detail)
    for part_id, person in people.items():
        view.parts[part_id] = Part(person=redact.person(person, row, struck, kept))
        _note_person(view, part_id, person, row, struck)
    for part_id, item in items.items():
        view.parts[part_id] = Part(item=redact.item(item, struck, kept))
        if item.source_protected:
            view.leave(part_id, WithholdReason.WITHHOLD_REASON_PROTECTED_SOURCE, "protected_source")
    view.parts.update({k: Part(place=redact.place(p, row, struck)) for k, p in places.items()})
    view.parts.update({k: Part(group=redact.group(g, struck, kept)) for k, g in groups.items()})
    view.parts.update({k: Part(consent=redact.consent(c, kept)) for k, c in consents.items()})
    return view


def _spoken_of(items: Iterable[Item]) -> frozenset[str]:
    found: set[str] = set()
    for item in items:
        found.update((item.about_person_id, item.about_place_id, item.about_group_id), item.mentions_person_ids)
    return frozenset(found - {""})


def _may(view: View, wanted: Wanted, part_id: str) -> bool:
    """Whether the law allows a part that is assessed only where something stands against it."""
    found = None if wanted.allowed is None else wanted.allowed.get(part_id)
    return found is None or _shared(view, part_id, found)


def _must_be_allowed(view: View, wanted: Wanted, part_id: str) -> bool:
    """Whether the law was asked about a part and allows it. One not asked about yet is left for the next assessment."""
    if wanted.allowed is None:
        return True
    found = wanted.allowed.get(part_id)
    return found is not None and part_id not in wanted.stale and _shared(view, part_id, found)


def _shared(view: View, part_id: str, found: ItemAssessment) -> bool:
    if found.sensitivity == _LAW_ENFORCEMENT:
        view.leave(part_id, WithholdReason.WITHHOLD_REASON_LAW_ENFORCEMENT_ONLY, "law_enforcement_only")
        return False
    if found.outcome in SHARED:
        return True
    clause = found.clause_codes[-1] if found.clause_codes else "assessment"
    view.leave(part_id, reason_of(found.outcome, found.reason), clause)
    return False


def _item_stays(view: View, laid: Laid, wanted: Wanted, part_id: str, item: Item) -> bool:
    if item.category in _NEVER:
        view.leave(part_id, _NEVER[item.category], "never_shared")
        return False
    if wanted.allowed is None and not (item.core or item.emergency_minimum):
        return False
    if not _must_be_allowed(view, wanted, part_id):
        return False
    against = _against(laid, wanted, item)
    if against is not None:
        view.leave(part_id, *against)
    return against is None


def _against(laid: Laid, wanted: Wanted, item: Item) -> tuple[WithholdReason, str] | None:
    """Give what the arrangement, the sender or suppression has against an item, if anything."""
    essential = item.core or (wanted.allowed is None and item.emergency_minimum)
    if not wanted.row.admits(item.category):
        return WithholdReason.WITHHOLD_REASON_NOT_NEEDED_FOR_ROLE, "matrix_category"
    if wanted.agency_class in item.not_for:
        return WithholdReason.WITHHOLD_REASON_DECIDED, "sender_not_for"
    if bears_on_nothing(item):
        return WithholdReason.WITHHOLD_REASON_NOT_NEEDED_FOR_ROLE, "sender_not_relevant"
    if item.needed_by and wanted.agency_class not in item.needed_by and not essential:
        return WithholdReason.WITHHOLD_REASON_NOT_NEEDED_FOR_ROLE, "sender_needed_by"
    about = laid.people.get(item.about_person_id)
    if about is not None and about.role == _ADULT_OF_CONCERN and item.category in laid.left_out and not essential:
        return WithholdReason.WITHHOLD_REASON_NOT_NEEDED_FOR_ROLE, "rule_leaves_out"
    if not wanted.row.person_roles and (item.about_person_id or item.mentions_person_ids):
        return WithholdReason.WITHHOLD_REASON_OTHER_PERSON, "pattern_without_people"
    owed = essential and (about is None or _may_have_it(laid, wanted, item, about))
    if about is not None and not _role_fits(wanted, about) and not owed:
        return WithholdReason.WITHHOLD_REASON_OTHER_PERSON, "matrix_person"
    mentioned = (laid.people.get(person_id) for person_id in item.mentions_person_ids)
    if not essential and any(person is not None and not _role_fits(wanted, person) for person in mentioned):
        return WithholdReason.WITHHOLD_REASON_OTHER_PERSON, "mentions_other_person"
    hidden = item.about_person_id in laid.hidden if item.about_person_id else bool(laid.hidden)
    if item.category == _ADDRESS and hidden:
        return WithholdReason.WITHHOLD_REASON_HIDDEN_ADDRESS, "hidden_address"
    return None


def _may_have_it(laid: Laid, wanted: Wanted, item: Item, about: Person) -> bool:
    """Whether what cannot be left out is about no child of others alone: one school's event is another's too."""
    if about.role not in CHILDREN:
        return True
    also = (laid.people.get(person_id) for person_id in item.also_about_person_ids)
    return any(person is not None and person.role in CHILDREN and _role_fits(wanted, person) for person in also)


def _role_fits(wanted: Wanted, person: Person) -> bool:
    """Whether the recipient has a role for a person; a school has none for the children of another."""
    if person.role not in wanted.row.person_roles:
        return False
    return person.role not in CHILDREN or not wanted.children or person.person_id in wanted.children


def _person_stays(view: View, wanted: Wanted, part_id: str, person: Person, spoken_of: frozenset[str]) -> bool:
    if wanted.allowed is None and person.role in _NOT_IN_EMERGENCY and part_id not in spoken_of:
        return False
    if not _must_be_allowed(view, wanted, part_id):
        return False
    if not _role_fits(wanted, person):
        view.leave(part_id, WithholdReason.WITHHOLD_REASON_OTHER_PERSON, "matrix_person")
        return False
    return person.role not in _ONLY_IF_SPOKEN_OF or part_id in spoken_of


def _place_stays(view: View, wanted: Wanted, part_id: str, place: Place, spoken_of: frozenset[str]) -> bool:
    if part_id not in spoken_of and _PLACES not in wanted.row.categories:
        return False
    if part_id in wanted.stale or not _may(view, wanted, part_id):
        return False
    if place.kind == _REFUGE or place.address.hidden:
        view.leave(part_id, WithholdReason.WITHHOLD_REASON_HIDDEN_ADDRESS, "hidden_place")
        return False
    return True


def _group_stays(view: View, wanted: Wanted, part_id: str, spoken_of: frozenset[str]) -> bool:
    if _PLACES not in wanted.row.categories:
        if part_id in spoken_of:
            view.leave(part_id, WithholdReason.WITHHOLD_REASON_NOT_NEEDED_FOR_ROLE, "matrix_category")
        return False
    return part_id not in wanted.stale and _may(view, wanted, part_id)


def _note_person(view: View, part_id: str, person: Person, row: MatrixRow, struck: Struck) -> None:
    """Put on record what a person's part would have held but for suppression."""
    if _ADDRESS in row.categories and any(struck.hides(a) for a in person.addresses):
        view.leave(part_id, WithholdReason.WITHHOLD_REASON_HIDDEN_ADDRESS, "hidden_address")
    if any(number.kind in row.identifiers and number.hidden for number in person.identifiers):
        view.leave(part_id, WithholdReason.WITHHOLD_REASON_DETRIMENT, "hidden_identifier")
