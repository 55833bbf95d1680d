"""Delete or reverse a clause, and something the law says by example changes: no clause is there for show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from concern_relay.v1.assessments_pb2 import BasisAssessed
from services.basis_assessment.pack import LawBook, LawPack
from services.basis_assessment.pack_document import ALWAYS
from services.chassis.clauses import Clause, Condition
from tests.unit.basis.law_cases import FIRST, assessment_of, book, laws, summary
from tests.unit.basis.law_examples import EXAMPLES
from tests.unit.basis.law_examples_later import LATER
from tests.unit.basis.law_table import Example, asked

pytestmark = pytest.mark.exhaustive

SURVIVORS: dict[str, str] = {}
"""Clauses whose change changes no outcome, with the reason they stay."""


def _without(condition: Condition, code: str, clauses: Mapping[str, Clause]) -> Condition | None:
    """Give a condition without a clause: None where nothing is left of it."""
    if condition.clause is not None:
        named = condition.clause.code
        return None if named == code else Condition("holds", clause=clauses[named])
    if not condition.parts:
        return condition
    parts = tuple(left for part in condition.parts if (left := _without(part, code, clauses)) is not None)
    return replace(condition, parts=parts) if parts else None


def deleted(code: str, law: str = FIRST) -> LawBook:
    """Give the law without one clause: its rows go, and every condition that names it does without."""
    [pack] = laws(law).packs
    clauses: dict[str, Clause] = {}
    for name, law_clause in pack.clauses.items():
        if name != code:
            left = _without(law_clause.clause.condition, code, clauses)
            clauses[name] = Clause(name, left if left is not None else ALWAYS)
    return _with(pack, clauses)


def negated(code: str, law: str = FIRST) -> LawBook:
    """Give the law with one clause turned into its opposite."""
    [pack] = laws(law).packs
    clauses: dict[str, Clause] = {}
    for name, law_clause in pack.clauses.items():
        condition = _without(law_clause.clause.condition, "", clauses)
        assert condition is not None or law_clause.clause.condition == ALWAYS
        condition = condition or ALWAYS
        clauses[name] = Clause(name, Condition("not", (condition,)) if name == code else condition)
    return _with(pack, clauses)


def _with(pack: LawPack, clauses: Mapping[str, Clause]) -> LawBook:
    tables = {
        table: tuple(replace(row, clause=clauses[row.clause.code]) for row in rows if row.clause.code in clauses)
        for table, rows in pack.tables.items()
    }
    worded = {code: replace(pack.clauses[code], clause=clause) for code, clause in clauses.items()}
    return LawBook((replace(pack, sha256="changed", clauses=worded, tables=tables),))


def outcomes(book: LawBook, *, until: dict[str, Any] | None = None, law: str = FIRST, code: str = "") -> dict[str, Any]:
    """Give what every example of a law comes to; stops at the first that differs from ``until``.

    Those that rest on ``code`` come first, as they are likely to differ.
    """
    found: dict[str, Any] = {}
    for example in sorted(_examples(law), key=lambda one: bool(code) and code not in _rests(law)[one.says]):
        try:
            going = example.run(book)
            found[example.says] = (
                summary(assessment_of(going.decisions[-1])),
                {asked(data) for data in going.state.asked.values()},
            )
        except ValueError as missing:  # a step decides a question that this law no longer asks
            found[example.says] = str(missing)
        if until is not None and found[example.says] != until[example.says]:
            return found
    return found


def _examples(law: str) -> tuple[Example, ...]:
    return EXAMPLES if law == FIRST else LATER[law]


@cache
def _rests(law: str) -> dict[str, frozenset[str]]:
    """Give the codes each example rests on under the law as it is."""
    return {example.says: _codes(assessment_of(example.run(laws(law)).decisions[-1])) for example in _examples(law)}


def _codes(found: BasisAssessed) -> frozenset[str]:
    of_items = (code for one in found.classes for item in one.items for code in item.clause_codes)
    of_classes = (code for one in found.classes for code in (*one.clause_codes, *one.rejected_codes))
    return frozenset((*of_items, *of_classes, *found.governance_codes, *found.answered_codes))


@cache
def unchanged(law: str = FIRST) -> dict[str, Any]:
    """Give what every example comes to under the law as it is."""
    return outcomes(laws(law), law=law)


def _own(pack: LawPack) -> list[str]:
    """Give the clauses of an overlay that its base does not have, or has with another condition."""
    base = laws(pack.overlays).packs[0]
    before = {code: str(clause.clause.condition) for code, clause in base.clauses.items()}
    return [code for code, clause in pack.clauses.items() if before.get(code) != str(clause.clause.condition)]


CLAUSES = [code for code in laws().packs[0].clauses if code != "any_other"]  # the pack cannot be read without it


@pytest.mark.parametrize("change", [deleted, negated])
@pytest.mark.parametrize("code", CLAUSES)
def test_every_clause_matters(code: str, change: Callable[[str], LawBook]) -> None:
    """Given the law with one clause gone or reversed, when all examples are assessed, then one comes out differently.

    The codes of the clauses are left out of the comparison, so that it is what follows that has to differ.
    """
    found = outcomes(change(code), until=unchanged(), code=code)

    survived = all(found[says] == unchanged()[says] for says in found)
    assert survived == (code in SURVIVORS), SURVIVORS.get(code, "no example needs this clause")


OVERLAID = [(pack.name, code) for pack in book().packs if pack.overlays for code in _own(pack)]


@pytest.mark.parametrize("change", [deleted, negated])
@pytest.mark.parametrize(("law", "code"), OVERLAID)
def test_every_clause_that_a_later_law_brings_matters(law: str, code: str, change: Callable[..., LawBook]) -> None:
    """The same for what an overlay adds or replaces, by the examples of that law."""
    found = outcomes(change(code, law), until=unchanged(law), law=law, code=code)

    assert any(found[says] != unchanged(law)[says] for says in found), "no example of this law needs this clause"
