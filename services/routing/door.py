"""What is looked at once more at the moment of sending: the keys, fresh, and every field against the matrix.

Between planning and sending a consent may have been withdrawn, a key destroyed, a release of this program changed.
Nothing here trusts what was planned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from concern_relay.v1.codes_pb2 import AgencyClass, Category, IdentifierKind
from concern_relay.v1.facts_pb2 import ConcernDetail, Item, Part, Person
from services.chassis.arrangement import MatrixRow

KEY_SUSPENDED: Final = "key_suspended"
MATRIX_EXCEEDED: Final = "matrix_exceeded"
NEVER_SHARED: Final = "never_shared"

_NEVER: Final = frozenset({Category.CATEGORY_POLICE_INTELLIGENCE, Category.CATEGORY_SOURCE_IDENTITY})


def objection(parts: Mapping[str, Part], row: MatrixRow | None) -> str:
    """Give what speaks against sending a view to a class: a code, or nothing.

    Args:
        parts: the view, opened.
        row: the matrix row of the recipient's class, of the arrangement the share was planned under.
    """
    if row is None:
        return MATRIX_EXCEEDED
    for part in parts.values():
        match part.WhichOneof("body"):
            case "item":
                found = _item(part.item, row)
            case "person":
                found = _person(part.person, row)
            case "detail":
                found = _detail(part.detail, row)
            case "place" | "group" | "consent":
                found = ""
            case _:
                found = MATRIX_EXCEEDED
        if found:
            return found
    return ""


def _item(item: Item, row: MatrixRow) -> str:
    if item.category in _NEVER or item.source_protected:
        return NEVER_SHARED
    if not row.admits(item.category) or item.needed_by or item.not_for or item.unread:
        return MATRIX_EXCEEDED
    if item.bears_on_risk or item.collected_on_consent or item.consent_absence:  # between the sender and the law
        return MATRIX_EXCEEDED
    return ""


def _person(person: Person, row: MatrixRow) -> str:
    if any(address.hidden for address in person.addresses) or person.can_read_agencies or person.known_to_agencies:
        return NEVER_SHARED
    if any(number.hidden or number.kind == IdentifierKind.IDENTIFIER_KIND_PNC_ID for number in person.identifiers):
        return NEVER_SHARED
    needs = (
        (person.addresses, Category.CATEGORY_ADDRESS),
        (person.contact_details, Category.CATEGORY_CONTACT_DETAILS),
        (person.relationships, Category.CATEGORY_FAMILY),
        (person.statuses, Category.CATEGORY_SERVICE_INVOLVEMENT),
        (person.school_agency_id, Category.CATEGORY_EDUCATION),
    )
    fits = (
        person.role in row.person_roles
        and all(number.kind in row.identifiers for number in person.identifiers)
        and all(category in row.categories for value, category in needs if value)
        and (not person.authorities or row.agency_class == AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE)
        and not person.unread
    )
    return "" if fits else MATRIX_EXCEEDED


def _detail(detail: ConcernDetail, row: MatrixRow) -> str:
    if detail.referrer_anonymous and detail.HasField("raised_by"):
        return NEVER_SHARED
    return "" if all(field.name in row.detail for field, _ in detail.ListFields()) else MATRIX_EXCEEDED
