"""The parts a recipient could be shown, and what a law pack may know of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Category,
    ConsentAbsence,
    HiddenReason,
    PersonRole,
    PlaceKind,
    Sensitivity,
    Ternary,
)
from concern_relay.v1.facts_pb2 import Item, Part, Person, Place
from services.basis_assessment.core.consent import Consents
from services.basis_assessment.core.protecting import NOBODY_PROTECTED, Protected, Protecting
from services.basis_assessment.core.verdict import Known
from services.basis_assessment.facts import Consent
from services.basis_assessment.pack import LawPack
from services.chassis.arrangement import MatrixRow
from services.chassis.clauses import Value
from services.chassis.codes import word_of
from services.chassis.concern import bears_on_nothing, third_parties_alone

_NOBODY = PersonRole.PERSON_ROLE_UNSPECIFIED
# Somebody whose role nobody stated, or who cannot be opened: for those who have a role for third parties.
_ANYBODY = PersonRole.PERSON_ROLE_THIRD_PARTY
_ORDINARY = Sensitivity.SENSITIVITY_ORDINARY
_WITH_ADDRESS = frozenset({Category.CATEGORY_ADDRESS, Category.CATEGORY_CONTACT_DETAILS, Category.CATEGORY_HOUSING})
_SEALED: Known = (False, *(None,) * 11)


@dataclass(frozen=True, slots=True)
class Subject:
    """A part that may be shown: a person, an item, a place or a group.

    Attributes:
        known: the first twelve of ``ITEM_FACTS``, which are the same for every recipient.
        role: of the person it is about; unspecified when it is about nobody in particular.
        protected: whose protection sharing it serves.
        item: the item, where it is one.
        apart: it is about third parties alone, and nobody said who needs it for the child of the concern.
    """

    part_id: str
    known: Known
    category: Category
    sensitivity: Sensitivity
    role: PersonRole
    protected: Protected
    item: Item | None = None
    apart: bool = False

    def needed_by(self, row: MatrixRow) -> bool:
        """Say whether the recipient has a role for the person it is about."""
        return not self.apart and (self.role in row.person_roles or self.role == PersonRole.PERSON_ROLE_UNSPECIFIED)

    def sender_allows(self, recipient: AgencyClass) -> bool:
        """Say whether the sender's own judgement lets it go there."""
        item = self.item
        if item is None:
            return True
        if bears_on_nothing(item):
            return False
        return recipient not in item.not_for and (not item.needed_by or recipient in item.needed_by)

    def consent(self, consents: Consents, recipient: AgencyClass) -> str:
        """Say where consent stands for it."""
        return (Consent.NONE if self.item is None else consents.for_item(self.item, recipient)).value


def subjects(pack: LawPack, consents: Consents) -> tuple[Subject, ...]:
    """Give every part that may be shown, in order of part id; sealed ones too, of which nothing else is known."""
    return tuple(_Subjects(pack, consents).all())


class _Subjects:
    def __init__(self, pack: LawPack, consents: Consents) -> None:
        self._pack = pack
        self._consents = consents
        self._concern = consents.concern
        self._detail = consents.concern.detail
        self._protecting = Protecting(self._concern, consents.today)
        self._roles = {person.person_id: person.role for person in self._concern.people}
        self._core_flagged, self._minimum_flagged = False, False
        for part in self._concern.parts.values():
            if part.WhichOneof("body") == "item":
                self._core_flagged |= part.item.core
                self._minimum_flagged |= part.item.emergency_minimum

    def all(self) -> Iterator[Subject]:
        concern = self._concern
        for part_id in sorted(concern.parts.keys() | concern.unopened):
            part = concern.parts.get(part_id)
            if part is None:
                yield Subject(part_id, _SEALED, Category.CATEGORY_UNSPECIFIED, _ORDINARY, _NOBODY, NOBODY_PROTECTED)
            elif (subject := self._subject(part_id, part)) is not None:
                yield subject

    def _subject(self, part_id: str, part: Part) -> Subject | None:
        match part.WhichOneof("body"):
            case "item":
                return self._item(part_id, part.item)
            case "person":
                return self._plain(part_id, Category.CATEGORY_IDENTITY, part.person.role or _ANYBODY, hidden=False)
            case "place":
                return self._plain(part_id, Category.CATEGORY_PLACE_OR_GROUP, _NOBODY, hidden=_hidden_place(part.place))
            case "group":
                return self._plain(part_id, Category.CATEGORY_PLACE_OR_GROUP, _NOBODY, hidden=False)
        return None

    def _plain(self, part_id: str, category: Category, role: PersonRole, *, hidden: bool) -> Subject:
        protected = self._protecting.by_default
        of_them = (protected.child, protected.adult_at_risk)
        known = (
            True,
            word_of(Category, category),
            _word(_ORDINARY),
            False,
            hidden,
            True,
            False,
            *of_them,
            None,
            None,
            False,
        )
        return Subject(part_id, known, category, _ORDINARY, role, protected)

    def _item(self, part_id: str, item: Item) -> Subject:
        # As the matrix does (MatrixRow.admits): an item whose category nobody stated is about welfare.
        category = item.category or Category.CATEGORY_WELFARE
        sensitivity = self._pack.sensitivity.get(category, _ORDINARY)
        about = self._concern.person(item.about_person_id)
        role = _NOBODY
        if item.about_person_id:
            role = (about.role or _ANYBODY) if about is not None else _ANYBODY
        protected = self._protecting.by(item)
        absence = item.consent_absence or self._consents.absence(item) or self._detail.consent_absence
        known = (
            True,
            word_of(Category, category),
            _word(sensitivity),
            item.source_protected,
            self._hidden(item, category, about),
            self._minimum(item),
            item.core,
            protected.child,
            protected.adult_at_risk,
            _stated(about.can_consent) if about is not None else None,
            word_of(ConsentAbsence, absence) or None,
            self._consents.collected(item),
        )
        apart = third_parties_alone(item, self._roles)
        return Subject(part_id, known, category, sensitivity, role, protected, item, apart)

    def _minimum(self, item: Item) -> bool:
        """What the sender marked as the emergency's minimum; else the core; else everything: nothing may be missing."""
        if self._minimum_flagged:
            return item.emergency_minimum
        return item.core or not self._core_flagged

    def _hidden(self, item: Item, category: Category, about: Person | None) -> bool:
        if about is not None and category in _WITH_ADDRESS and any(a.hidden for a in about.addresses):
            return True
        part = self._concern.parts.get(item.about_place_id)
        return part is not None and part.WhichOneof("body") == "place" and _hidden_place(part.place)


def _hidden_place(place: Place) -> bool:
    return place.kind == PlaceKind.PLACE_KIND_REFUGE or place.address.hidden != HiddenReason.HIDDEN_REASON_UNSPECIFIED


def _stated(ternary: Ternary) -> Value | None:
    return ternary == Ternary.TERNARY_YES if ternary else None


def _word(sensitivity: Sensitivity) -> str:
    return word_of(Sensitivity, sensitivity)
