"""Cutting single parts to what a recipient's role needs.

Each function builds the part anew from what may stand in it. Copying and deleting would let a field that is added to
the contract next year travel by default.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Category,
    IdentifierCheck,
    IdentifierKind,
    StatutoryStatus,
)
from concern_relay.v1.facts_pb2 import (
    Address,
    ConcernDetail,
    Consent,
    Group,
    Identifier,
    Item,
    Person,
    Place,
    Relationship,
    Status,
)
from services.chassis.arrangement import MatrixRow
from services.routing.core.strike import Struck

_CSC: Final = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE
# Looked up once: an enum's name costs a search through its values each time.
_ADDRESS: Final = Category.CATEGORY_ADDRESS
_CONTACT: Final = Category.CATEGORY_CONTACT_DETAILS
_FAMILY: Final = Category.CATEGORY_FAMILY
_EDUCATION: Final = Category.CATEGORY_EDUCATION
_DISABILITY: Final = Category.CATEGORY_DISABILITY
_SERVICES: Final = Category.CATEGORY_SERVICE_INVOLVEMENT
_ADOPTED: Final = StatutoryStatus.STATUTORY_STATUS_ADOPTED
_PNC: Final = IdentifierKind.IDENTIFIER_KIND_PNC_ID
_NOT_GIVEN: Final = frozenset({IdentifierCheck.IDENTIFIER_CHECK_INVALID, IdentifierCheck.IDENTIFIER_CHECK_UNCONFIRMED})
_IDENTITY: Final = ("person_id", "role", "names", "birth_date", "expected_on", "sex", "age_years", "language")
_ITEM: Final = ("item_id", "category", "kind", "occurred", "core", "emergency_minimum")
_CONSENT: Final = ("consent_ref", "kind", "status", "purpose", "given_on", "expires_on", "explicit")
_NAMES_REFERRER: Final = frozenset({"raised_by", "reference", "referral_source"})
_DETAIL_TEXTS: Final = ("reference", "family_told_note", "setting")
# The anonymity itself is an instruction to the recipient, and stays: the family must not learn who told.


@cache
def _plan(descriptor: Descriptor, names: tuple[str, ...]) -> tuple[tuple[str, bool, bool], ...]:
    """Give each field's name, whether it repeats and whether it is a message: looked up once a part kind and row."""
    fields = [descriptor.fields_by_name[name] for name in names]
    return tuple((field.name, field.is_repeated, field.message_type is not None) for field in fields)


def _copy(source: Message, target: Any, names: tuple[str, ...]) -> None:
    """Copy fields that are set; nothing else of the source is looked at."""
    for name, repeats, is_message in _plan(source.DESCRIPTOR, names):
        value = getattr(source, name)
        if repeats:
            getattr(target, name).extend(value)
        elif is_message:
            if source.HasField(name):
                getattr(target, name).CopyFrom(value)
        elif value:
            setattr(target, name, value)


@cache
def _detail_fields(names: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def detail(source: ConcernDetail, row: MatrixRow, struck: Struck) -> ConcernDetail:
    """Give of the concern as a whole what the row names; nothing that leads to a referrer who is not to be named."""
    names = row.detail - _NAMES_REFERRER if source.referrer_anonymous else row.detail
    cut = ConcernDetail()
    _copy(source, cut, _detail_fields(names))
    for name in _DETAIL_TEXTS:
        setattr(cut, name, struck.clean(getattr(cut, name)))
    return cut


def person(source: Person, row: MatrixRow, struck: Struck, kept: frozenset[str]) -> Person:
    """Give of a person what the row's categories cover."""
    cut = Person()
    categories = row.categories
    _copy(source, cut, _IDENTITY)
    cut.identifiers.extend(_identifiers(source, row))
    if _ADDRESS in categories:
        cut.addresses.extend(_address(a) for a in source.addresses if not struck.hides(a))
    if _CONTACT in categories:
        cut.contact_details.extend(struck.clean(found) for found in source.contact_details if struck.clean(found))
    if _FAMILY in categories:
        cut.relationships.extend(_relationship(r) for r in source.relationships if r.to_person_id in kept)
    if _EDUCATION in categories and (row.agency_class == _CSC or not any(struck.hides(a) for a in source.addresses)):
        # Where a family hides, the school leads there (rules 2.3: old and new cannot be linked by a recipient).
        _copy(source, cut, ("school_agency_id", "school_name"))
    if _DISABILITY in categories:
        _copy(source, cut, ("adult_at_risk", "can_consent"))
    if _SERVICES in categories:
        cut.statuses.extend(_status(status, row) for status in source.statuses)
    if row.agency_class == _CSC:
        # Who else is concerned is for those who have to settle who leads (practice 24). Which agencies work with the
        # person can itself be sensitive (a clinic), so it goes nowhere (practice 20).
        _copy(source, cut, ("authorities",))
    return cut


def _identifiers(source: Person, row: MatrixRow) -> Iterable[Identifier]:
    """Numbers travel where the role needs them, if well formed and if they reveal no birth identity (s16LC(7))."""
    if any(status.status == _ADOPTED for status in source.statuses):
        return
    for number in source.identifiers:
        fits = number.kind in row.identifiers and number.kind != _PNC
        if fits and not number.hidden and number.check not in _NOT_GIVEN:
            yield Identifier(kind=number.kind, value=number.value, check=number.check)


def _address(source: Address) -> Address:
    cut = Address()
    _copy(source, cut, ("lines", "postcode", "uprn", "from_on", "to_on"))
    return cut


def _relationship(source: Relationship) -> Relationship:
    cut = Relationship()
    _copy(source, cut, ("to_person_id", "kind", "parental_responsibility"))
    return cut


def _status(source: Status, row: MatrixRow) -> Status:
    cut = Status()
    _copy(source, cut, ("status", "from_on", "to_on"))
    if row.agency_class == _CSC:
        cut.gss_code = source.gss_code
    return cut


def item(source: Item, struck: Struck, kept: frozenset[str]) -> Item:
    """Give an item with its words, its worth and its source, and no pointer to what is not in the view."""
    cut = Item()
    _copy(source, cut, _ITEM)
    cut.text = struck.clean(source.text)
    if not source.source_protected:
        cut.source = struck.clean(source.source)
    for name in ("about_person_id", "about_place_id", "about_group_id", "consent_ref"):
        if getattr(source, name) in kept:
            setattr(cut, name, getattr(source, name))
    cut.mentions_person_ids.extend(person_id for person_id in source.mentions_person_ids if person_id in kept)
    cut.also_about_person_ids.extend(person_id for person_id in source.also_about_person_ids if person_id in kept)
    if not cut.about_person_id and source.about_person_id and cut.also_about_person_ids:
        cut.about_person_id = cut.also_about_person_ids.pop(0)
        cut.mentions_person_ids.remove(cut.about_person_id)
    return cut


def place(source: Place, row: MatrixRow, struck: Struck) -> Place:
    """Give a place, with its address where the role needs addresses and nobody hides there."""
    cut = Place()
    _copy(source, cut, ("place_id", "kind", "gss_code"))
    cut.name = struck.clean(source.name)
    if _ADDRESS in row.categories and not struck.hides(source.address):
        kept = _address(source.address)
        if kept.ByteSize():
            cut.address.CopyFrom(kept)
    return cut


def group(source: Group, struck: Struck, kept: frozenset[str]) -> Group:
    """Give a group, with those of its known members who are in the view."""
    cut = Group(group_id=source.group_id, name=struck.clean(source.name))
    cut.descriptions.extend(struck.clean(words) for words in source.descriptions)
    cut.person_ids.extend(person_id for person_id in source.person_ids if person_id in kept)
    return cut


def consent(source: Consent, kept: frozenset[str]) -> Consent:
    """Give a consent that an item of the view rests on: its recipient must know that it can be withdrawn."""
    cut = Consent()
    _copy(source, cut, _CONSENT)
    if source.subject_person_id in kept:
        cut.subject_person_id = source.subject_person_id
    cut.item_ids.extend(item_id for item_id in source.item_ids if item_id in kept)
    return cut
