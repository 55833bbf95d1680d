"""Which authorities are concerned with the children of a concern, which of them leads, and who must not. Pure.

Routing marks who leads, and basis assessment asks the lead agency what is usually told (practice 5): both ask here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from concern_relay.v1.codes_pb2 import AuthorityRole, PersonRole, StatutoryStatus, Trigger
from concern_relay.v1.facts_pb2 import Person
from services.chassis.arrangement.selecting import SelectBy
from services.chassis.concern import CHILDREN, Concern
from services.chassis.concern_facts import lasts

OF_ROLE: Final = {
    SelectBy.LIVES: AuthorityRole.AUTHORITY_ROLE_LIVES,
    SelectBy.FOUND: AuthorityRole.AUTHORITY_ROLE_FOUND,
    SelectBy.HOLDS_PLAN: AuthorityRole.AUTHORITY_ROLE_HOLDS_PLAN,
    SelectBy.RESPONSIBLE: AuthorityRole.AUTHORITY_ROLE_RESPONSIBLE,
    SelectBy.HOST: AuthorityRole.AUTHORITY_ROLE_HOST,
    SelectBy.FORMER: AuthorityRole.AUTHORITY_ROLE_FORMER,
}
# A plan names its authority: nobody should have to state it a second time as an authority concerned.
OF_STATUS: Final = {
    StatutoryStatus.STATUTORY_STATUS_CHILD_PROTECTION_PLAN: SelectBy.HOLDS_PLAN,
    StatutoryStatus.STATUTORY_STATUS_LOOKED_AFTER: SelectBy.RESPONSIBLE,
    StatutoryStatus.STATUTORY_STATUS_REMANDED: SelectBy.RESPONSIBLE,
}
_PROFESSIONAL: Final = PersonRole.PERSON_ROLE_PROFESSIONAL
_KEEPS: Final = frozenset(OF_STATUS)

# Where a child was found leads, else where it lives (practice 24), which is where it is placed; else who is responsible
# for it, else who holds its plan.
_LEADING: Final = (SelectBy.FOUND, SelectBy.LIVES, SelectBy.HOST, SelectBy.RESPONSIBLE, SelectBy.HOLDS_PLAN)
# A child with a plan, or looked after, moves: the originating authority keeps the case until the other has accepted it.
_LEADING_IN_A_MOVE: Final = (SelectBy.FOUND, SelectBy.HOLDS_PLAN, SelectBy.RESPONSIBLE, SelectBy.FORMER, *_LEADING[1:])


def codes_of(people: Iterable[Person], by: SelectBy, day: date) -> tuple[str, ...]:
    """Give the ONS codes of the authorities concerned with some people in a way, plans that last included."""
    everyone = tuple(people)
    stated = [a.gss_code for person in everyone for a in person.authorities if a.role == OF_ROLE[by]]
    plans = [
        status.gss_code
        for person in everyone
        for status in person.statuses
        if OF_STATUS.get(status.status) is by and lasts(status, day)
    ]
    return tuple(dict.fromkeys(code for code in (*stated, *plans) if code))


def leading_areas(concern: Concern, day: date) -> Iterator[tuple[str, ...]]:
    """Give the ONS codes of who leads: the first of these that anybody answers for, where nobody led before."""
    children = [person for person in concern.people if person.role in CHILDREN]
    moves = Trigger.TRIGGER_MOVE in concern.detail.triggers and any(
        status.status in _KEEPS and lasts(status, day) for child in children for status in child.statuses
    )
    for by in _LEADING_IN_A_MOVE if moves else _LEADING:
        yield codes_of(children, by, day) or codes_of(concern.people, by, day)


def readable_inboxes(concern: Concern) -> frozenset[str]:
    """Give the agencies whose inbox a person of the concern could read (rules 2.3; practice 9 and 26).

    Anybody but a professional who works with the family counts: the accused, and staff linked to it.
    """
    return frozenset(
        agency_id for person in concern.people if person.role != _PROFESSIONAL for agency_id in person.can_read_agencies
    )
