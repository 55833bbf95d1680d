"""What is so whenever the engine asks a pack: the axioms of the proofs, each with where it is made so.

A proof is only as good as these. ``tests/unit/basis/test_proof.py`` draws concerns and holds each against what the
engine really asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import z3

from services.workbench.proof.logic import Formula, Logic

CLASS_KNOWN: Final = (
    # core/assess.py _class: always found, from arrangement, consents and decisions
    *("recipient_class", "told", "own_class", "class_consent", "service_agreement", "class_detriment"),
    *("class_decision", "recipient_known"),
    # core/assess.py _said: whether the sender said so, not whether it is so
    *("said_life_at_risk", "said_immediate_danger", "said_no_crime", "detriment_named"),
    # core/engine.py _of_class: what came out of the regimes and the Article 6 table
    *("basis", "regime"),
)
ITEM_KNOWN: Final = (
    "part_open",
    *("person_needed", "category_needed", "sender_says_needed", "item_consent", "item_decision"),
    "class_outcome",
)
OPEN_KNOWN: Final = (
    "category",
    "sensitivity",
    "source_protected",
    "address_hidden",
    "emergency_minimum",
    "core",
    "protects_child",
    "collected_on_consent",
)
"""Known of every part that could be opened (core/items.py)."""
SHARED: Final = frozenset({"share_duty", "share_power", "share_consent", "share_emergency"})


def class_given(logic: Logic) -> Iterator[Formula]:
    """Give what is so when a class of recipient is weighed."""
    yield from (logic.known(fact) for fact in CLASS_KNOWN)
    # without a basis that stands there is none to name (core/engine.py _of_class)
    part3 = logic.test("is", "regime", "law_enforcement").true
    yield logic.known("article6") == z3.And(z3.Not(logic.test("is", "basis", "not_known").true), z3.Not(part3))
    # Part 3 stands in place of Article 6 (core/engine.py _standing)
    yield z3.Implies(part3, logic.test("is", "basis", "complete").true)


def item_given(logic: Logic) -> Iterator[Formula]:
    """Give what is so when an item of a class that shares is weighed."""
    yield from class_given(logic)
    yield from (logic.known(fact) for fact in ITEM_KNOWN)
    yield logic.test("in", "class_outcome", SHARED).true
    opened = logic.test("is", "part_open", True).true
    yield from (logic.known(fact) == opened for fact in OPEN_KNOWN)
    # core/engine.py _condition: ordinary data needs none; other data has one met, not met, or not yet settled
    ordinary = logic.test("is", "sensitivity", "ordinary").true
    yield z3.Implies(ordinary, logic.test("is", "condition", "not_needed").true)
    yield z3.Implies(z3.Not(ordinary), z3.Not(logic.test("is", "condition", "not_needed").true))
