"""Whether a concern is the notice of an attendance alone, as Child Protection Information Sharing sends it. Pure."""

from __future__ import annotations

from concern_relay.v1.codes_pb2 import Category, PersonRole, Ternary, Trigger, Urgency
from services.chassis.concern import Concern

_UNSCHEDULED_CARE = frozenset({Trigger.TRIGGER_UNSCHEDULED_CARE})
_OF_A_NOTICE = frozenset(
    {
        Category.CATEGORY_IDENTITY,
        Category.CATEGORY_ADDRESS,
        Category.CATEGORY_CONTACT_DETAILS,
        Category.CATEGORY_SERVICE_INVOLVEMENT,
    }
)
"""What Child Protection Information Sharing says of an attendance: status and contact (NHS England)."""


def is_notice(concern: Concern) -> bool:
    """Whether it is the notice of an attendance alone: nobody says how worried they are, and nothing worrying is in it.

    Whatever else is said makes it a concern: a low estimate, or a field left empty, holds nothing back.
    """
    detail = concern.detail
    worried = (detail.suspected_crime, detail.immediate_danger, detail.life_at_risk, detail.aggravated)
    return (
        frozenset(detail.triggers) == _UNSCHEDULED_CARE
        and not detail.level
        and concern.urgency < Urgency.URGENCY_URGENT
        and not any(stated == Ternary.TERNARY_YES for stated in worried)
        and not (detail.primary_need or detail.factors or detail.unread or concern.places or concern.groups)
        and all(person.role != PersonRole.PERSON_ROLE_ADULT_OF_CONCERN for person in concern.people)
        and all(item.category in _OF_A_NOTICE and not item.unread for item in concern.items)
    )
