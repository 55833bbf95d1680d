"""Consent as a lawful basis, and nothing else that is called consent.

Only a consent of kind BASIS counts here: explicit, for a purpose and a time, by the data subject or properly for them
(practice 12). Agreement to a service, confidentiality consent and having been informed are other things and never make
a basis; they are read here only to be told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from concern_relay.v1.codes_pb2 import AgencyClass, ConsentKind, ConsentStatus, PersonRole, Ternary
from concern_relay.v1.facts_pb2 import Consent as ConsentPart
from concern_relay.v1.facts_pb2 import Item, Person
from services.basis_assessment.facts import Agreement, Consent
from services.chassis.concern import Concern
from services.chassis.concern_facts import age_of

# What counts when several consents speak about one thing: the one that forbids most, unless one is valid.
_ORDER = (
    *(Consent.VALID, Consent.WITHDRAWN, Consent.CONTRADICTORY, Consent.EXPIRED, Consent.REFUSED),
    *(Consent.INCOMPLETE, Consent.NONE),
)

AGE_OF_PRESUMED_CAPACITY = 16
_YOUNG = (PersonRole.PERSON_ROLE_CHILD, PersonRole.PERSON_ROLE_SIBLING)
_NOT_OBTAINED = (ConsentStatus.CONSENT_STATUS_REFUSED, ConsentStatus.CONSENT_STATUS_NOT_SOUGHT)
_ONCE_GIVEN = (
    *(ConsentStatus.CONSENT_STATUS_GIVEN, ConsentStatus.CONSENT_STATUS_WITHDRAWN),
    ConsentStatus.CONSENT_STATUS_EXPIRED,
)
_AGREEMENTS = (
    (ConsentStatus.CONSENT_STATUS_WITHDRAWN, Agreement.WITHDRAWN),
    (ConsentStatus.CONSENT_STATUS_REFUSED, Agreement.REFUSED),
    (ConsentStatus.CONSENT_STATUS_GIVEN, Agreement.GIVEN),
)


@dataclass(frozen=True)
class Consents:
    """Every consent of a concern as it stands on a day.

    Attributes:
        concern: the concern they belong to.
        parts: the consents, read once.
        withdrawn: references of consents withdrawn since; their own part may not say so, or not open any more.
        today: the day.
    """

    concern: Concern
    parts: tuple[ConsentPart, ...]
    withdrawn: frozenset[str]
    today: date

    def for_class(self, recipient: AgencyClass) -> Consent:
        """Say where consent as the basis stands for a class of recipient."""
        return self._together([c for c in self.parts if _is_basis(c) and _covers(c, recipient)])

    def for_item(self, item: Item, recipient: AgencyClass) -> Consent:
        """Say where consent stands for one item and one class: by that data subject, for that item."""
        if item.consent_ref in self.withdrawn:
            return Consent.WITHDRAWN
        if not self.parts:
            return Consent.NONE
        return self._together([c for c in self.parts if _is_basis(c) and _covers(c, recipient) and _about(c, item)])

    def collected(self, item: Item) -> bool:
        """Whether an item was collected on consent: it is said so, or it names a consent that was given as a basis."""
        if item.collected_on_consent:
            return item.collected_on_consent == Ternary.TERNARY_YES
        return bool(item.consent_ref) and any(
            c.consent_ref == item.consent_ref and _is_basis(c) and c.status in _ONCE_GIVEN for c in self.parts
        )

    @property
    def agreement(self) -> Agreement:
        """Where agreement to a service stands."""
        found = {c.status for c in self.parts if c.kind == ConsentKind.CONSENT_KIND_SERVICE}
        return next((agreement for status, agreement in _AGREEMENTS if status in found), Agreement.NONE)

    @property
    def not_obtained(self) -> bool:
        """Whether somebody noted that consent was refused or not sought."""
        return any(c.status in _NOT_OBTAINED for c in self.parts)

    def absence(self, item: Item) -> int:
        """Give why the item's subject was not asked, as stated for that person; zero where it is not."""
        stated = (c.absence for c in self.parts if c.absence and c.subject_person_id == item.about_person_id)
        return next(stated, 0)

    def _together(self, consents: Sequence[ConsentPart]) -> Consent:
        """Say where several consents about one thing stand together."""
        stand = [(one, self._standing(one)) for one in consents]
        refused = [one for one, standing in stand if standing is Consent.REFUSED]
        found = {standing for _, standing in stand}
        if refused and Consent.VALID in found:
            found -= {Consent.VALID, Consent.REFUSED}
            found |= {_beside(one, refused) for one, standing in stand if standing is Consent.VALID}
        return min(found, key=_ORDER.index, default=Consent.NONE)

    def _standing(self, consent: ConsentPart) -> Consent:
        if consent.consent_ref in self.withdrawn or consent.status == ConsentStatus.CONSENT_STATUS_WITHDRAWN:
            return Consent.WITHDRAWN
        if consent.status == ConsentStatus.CONSENT_STATUS_REFUSED:
            return Consent.REFUSED
        if consent.status == ConsentStatus.CONSENT_STATUS_EXPIRED:
            return Consent.EXPIRED
        if consent.status != ConsentStatus.CONSENT_STATUS_GIVEN:
            return Consent.NONE
        ends = _day(consent.expires_on)
        if ends is not None and ends < self.today:
            return Consent.EXPIRED
        given = _day(consent.given_on)
        if given is not None and given > self.today:
            return Consent.INCOMPLETE  # it is announced, not given
        complete = consent.explicit and consent.purpose and ends and self._properly_given(consent)
        return Consent.VALID if complete else Consent.INCOMPLETE

    def _properly_given(self, consent: ConsentPart) -> bool:
        subject = self.concern.person(consent.subject_person_id)
        if subject is None:
            return False
        able = _able(subject, self.today)
        if consent.given_by_person_id in ("", consent.subject_person_id):
            return able is True
        giver = self.concern.person(consent.given_by_person_id)
        # Who can speak for themself does; only parental responsibility speaks for a child who cannot.
        return giver is not None and able is not True and _responsible_for(giver, subject)


def _beside(valid: ConsentPart, refused: Iterable[ConsentPart]) -> Consent:
    """Say where a valid consent stands beside refusals of the same person about the same data.

    What was said later counts. Where nobody knows which that was, the consent cannot be shown to stand (UK GDPR
    Article 7(1)) and a person clears it up. Another's refusal takes nothing from it: each who has parental
    responsibility may act alone (Children Act 1989 s2(7)).
    """
    given = _day(valid.given_on)
    standing = Consent.VALID
    for one in refused:
        if _giver(one) != _giver(valid) or one.subject_person_id != valid.subject_person_id:
            continue
        day = _day(one.given_on)
        if given is None or day is None or day == given:
            standing = Consent.CONTRADICTORY
        elif day > given:
            return Consent.REFUSED
    return standing


def _giver(consent: ConsentPart) -> str:
    return consent.given_by_person_id or consent.subject_person_id


def _is_basis(consent: ConsentPart) -> bool:
    return consent.kind == ConsentKind.CONSENT_KIND_BASIS


def _covers(consent: ConsentPart, recipient: AgencyClass) -> bool:
    return not consent.recipient_classes or recipient in consent.recipient_classes


def _about(consent: ConsentPart, item: Item) -> bool:
    """One adult's consent says nothing about another's data (practice 12)."""
    named = consent.consent_ref == item.consent_ref or item.item_id in consent.item_ids
    return named and (not item.about_person_id or consent.subject_person_id == item.about_person_id)


def _day(text: str) -> date | None:
    """Read a day. What cannot be read is no end, and a consent without end is incomplete (seed: time limited)."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _able(person: Person, today: date) -> bool | None:
    """Say whether a person can consent for themself: as stated; else from 16 on it is presumed, below it is not known.

    Capacity is presumed from 16 (Mental Capacity Act 2005 s1(2) and s2(5), [mem]); below, a child's own consent needs
    competence that somebody has seen (Gillick, [mem]).
    """
    if person.can_consent:
        return person.can_consent == Ternary.TERNARY_YES
    age = age_of(person, today)
    if age is None:
        return None if person.role in _YOUNG else True
    return True if age.low >= AGE_OF_PRESUMED_CAPACITY else None


def _responsible_for(giver: Person, subject: Person) -> bool:
    pairs = ((giver, subject), (subject, giver))
    return any(
        r.to_person_id == other.person_id and r.parental_responsibility == Ternary.TERNARY_YES
        for one, other in pairs
        for r in one.relationships
    )
