"""The facts a law pack may speak of, beside those of the concern: sender, recipient class, item, decisions.

Names and types only; ``core/parties.py`` and ``core/items.py`` find the values. A pack reads them under these names, so
a later pack that needs a new fact needs a line here and a place where it is found, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Article6,
    Category,
    Country,
    LegalNature,
    Outcome,
    Regime,
    Sensitivity,
)
from services.chassis.arrangement import Force
from services.chassis.clauses import Declared, FactType
from services.chassis.codes import words
from services.chassis.concern_facts import DECLARED as OF_CONCERN

NOBODY = "none"
"""Told by no rule, no consent on record, nothing decided: known, and nothing."""


class Consent(StrEnum):
    """Where consent as a lawful basis stands for a class or an item (practice 12)."""

    NONE = NOBODY
    VALID = "valid"
    INCOMPLETE = "incomplete"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    CONTRADICTORY = "contradictory"


class Agreement(StrEnum):
    """Where agreement to a service stands. It is no lawful basis and is kept apart from one (practice 12)."""

    NONE = NOBODY
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Decided(StrEnum):
    """What a named person decided about a class or an item."""

    NOT_YET = NOBODY
    SHARE = "share"
    NOT_SHARE = "not_share"


class Basis(StrEnum):
    """Whether an Article 6 basis stands, with the record it needs."""

    COMPLETE = "complete"
    NO_BALANCING_TEST = "no_balancing_test"
    NOT_KNOWN = "not_known"


class Condition(StrEnum):
    """Whether a condition of Article 9, Article 10 or Schedule 8 stands for an item."""

    NOT_NEEDED = "not_needed"
    MET = "met"
    NOT_MET = "not_met"


def _codes(enum: type[StrEnum]) -> tuple[str, ...]:
    return tuple(member.value for member in enum)


def _declare() -> Iterator[Declared]:
    # The sender, or whoever discloses: from the arrangement, never asked of a practitioner (practice 13).
    yield Declared("sender_natures", FactType.CODES, words(LegalNature), "sender_nature")
    yield Declared("performs_public_task", FactType.BOOL, question="performs_public_task")
    yield Declared("policy_document", FactType.BOOL, question="policy_document")
    yield Declared("dpia", FactType.BOOL)
    yield Declared("agreement", FactType.BOOL)
    # Whether the sender said so. Not the same as the fact of that name: what nobody said about danger is not asked,
    # because a sender who knows of it says so at once, and nothing may wait for the answer.
    yield Declared("said_life_at_risk", FactType.BOOL)
    yield Declared("said_immediate_danger", FactType.BOOL)
    yield Declared("said_no_crime", FactType.BOOL)
    # The class of recipient.
    yield Declared("recipient_class", FactType.CODE, words(AgencyClass))
    yield Declared("recipient_natures", FactType.CODES, words(LegalNature), "recipient_nature")
    yield Declared("recipient_countries", FactType.CODES, words(Country))
    yield Declared("recipient_known", FactType.BOOL)
    yield Declared("told", FactType.CODE, (NOBODY, *_codes(Force)))
    yield Declared("own_class", FactType.BOOL)
    yield Declared("class_consent", FactType.CODE, _codes(Consent))
    yield Declared("service_agreement", FactType.CODE, _codes(Agreement))
    yield Declared("class_detriment", FactType.BOOL)
    yield Declared("detriment_named", FactType.BOOL)
    yield Declared("class_decision", FactType.CODE, _codes(Decided))
    # What came out for the class, for clauses about its items.
    yield Declared("regime", FactType.CODE, words(Regime))
    yield Declared("basis", FactType.CODE, _codes(Basis))
    yield Declared("article6", FactType.CODE, words(Article6))
    yield Declared("class_outcome", FactType.CODE, words(Outcome))
    # The item, or the person, place or group.
    yield Declared("part_open", FactType.BOOL)
    yield Declared("category", FactType.CODE, words(Category))
    yield Declared("sensitivity", FactType.CODE, words(Sensitivity))
    for name in (
        *("person_needed", "category_needed", "sender_says_needed", "source_protected", "address_hidden"),
        *("emergency_minimum", "core"),
    ):
        yield Declared(name, FactType.BOOL)
    # Who is protected by sharing the item, which need not be whom it is about (paragraph 18(1)(b)).
    yield Declared("protects_child", FactType.BOOL, question="child_age")
    yield Declared("protects_adult_at_risk", FactType.BOOL, question="adult_at_risk")
    yield Declared("subject_can_consent", FactType.BOOL, question="subject_can_consent")
    # Collected on consent for another purpose (UK GDPR Article 8A(4)): the sender says so, or the consent it names.
    yield Declared("collected_on_consent", FactType.BOOL)
    yield Declared("item_consent", FactType.CODE, _codes(Consent))
    yield Declared("item_decision", FactType.CODE, _codes(Decided))
    # What came out for the item: whether one of the pack's conditions stands. Unknown while one may yet stand.
    yield Declared("condition", FactType.CODE, _codes(Condition))
    # The concern as a whole.
    yield Declared("consent_not_obtained", FactType.BOOL)
    yield Declared("shared_without_condition", FactType.BOOL)
    yield Declared("shared_without_balancing", FactType.BOOL)
    yield Declared("shared_without_consent", FactType.BOOL)


LAW_FACTS: dict[str, Declared] = {**OF_CONCERN, **{fact.name: fact for fact in _declare()}}

PER_ITEM = frozenset(
    {
        *("part_open", "category", "sensitivity", "person_needed", "category_needed", "sender_says_needed"),
        *("source_protected", "address_hidden", "emergency_minimum", "core", "subject_can_consent", "item_consent"),
        *("item_decision", "condition", "consent_absence", "protects_child", "protects_adult_at_risk"),
        "collected_on_consent",
    }
)
"""Facts that differ from item to item. ``consent_absence`` is the concern's unless the item's subject has its own."""

PER_CLASS = frozenset(
    {
        *("recipient_class", "told", "own_class", "class_consent", "service_agreement", "class_detriment"),
        *("class_decision", "basis", "article6", "class_outcome", "recipient_natures", "recipient_known", "regime"),
        "recipient_countries",
    }
)
"""Facts that differ from class to class."""
