"""Packs are proved: the axioms are so, z3 reads as the engine does, and what is broken is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from concern_relay.v1.codes_pb2 import Article6, Outcome
from services.basis_assessment import pack as p
from services.basis_assessment.core.engine import Engine
from services.basis_assessment.core.verdict import ClassVerdict, ItemVerdict
from services.basis_assessment.facts import LAW_FACTS
from services.basis_assessment.pack import LawPack, Row
from services.basis_assessment.pack_document import read_book
from services.chassis.clauses import Clause, Condition, Facts, Span
from services.workbench.proof import prove
from services.workbench.proof.facts_given import CLASS_KNOWN, ITEM_KNOWN, OPEN_KNOWN, SHARED
from services.workbench.proof.logic import Logic
from tests.unit.basis.law_anything import Case, cases
from tests.unit.basis.law_cases import run

pytestmark = pytest.mark.exhaustive

PACKS = read_book().packs
NEWEST = PACKS[-1]


@pytest.mark.parametrize("pack", [PACKS[0], NEWEST], ids=lambda pack: pack.name)  # `law check` proves all
def test_every_shipped_pack_is_proved(pack: LawPack) -> None:
    """Whatever the facts, each has an answer, and nothing in it contradicts itself."""
    assert [found for found in prove(pack) if found.wrong] == []


def _rows(pack: LawPack, table: str, change: Callable[[tuple[Row, ...]], tuple[Row, ...]]) -> LawPack:
    return replace(pack, tables={**pack.tables, table: change(pack.tables[table])})


def _always(**gives: Any) -> Row:
    return Row(Clause("always", Condition("all")), **gives)


BROKEN: dict[str, tuple[Callable[[LawPack], LawPack], str]] = {
    "the last row is gone": (lambda k: _rows(k, p.CLASS_OUTCOME, lambda rows: rows[:-1]), "no_answer"),
    "an item may have no row": (lambda k: _rows(k, p.ITEMS, lambda rows: rows[:-2]), "no_answer"),
    "a row hides all below it": (
        lambda k: _rows(k, p.ITEMS, lambda rows: (rows[0], _always(), *rows[1:])),
        "row_unreachable",
    ),
    "a basis barred to public authorities is open to them": (
        lambda k: _rows(k, p.ARTICLE6, lambda rows: (_always(basis=Article6.ARTICLE6_F_LEGITIMATE_INTERESTS), *rows)),
        "basis_barred",
    ),
    "a refused basis is relied on": (
        lambda k: _rows(k, p.REFUSED_BASES, lambda rows: (*rows, _always(basis=Article6.ARTICLE6_E_PUBLIC_TASK))),
        "basis_contradicts",
    ),
    "an emergency comes second": (
        lambda k: _rows(k, p.CLASS_OUTCOME, lambda rows: (*rows[1:-1], rows[0], rows[-1])),
        "emergency_waits",
    ),
    "a concern is blocked": (
        lambda k: _rows(k, p.CLASS_OUTCOME, lambda rows: (*rows, _always(outcome=Outcome.OUTCOME_BLOCKED_PENDING))),
        "concern_blocked",
    ),
    "who decided is asked again": (
        lambda k: _rows(
            k,
            p.CLASS_OUTCOME,
            lambda rows: (rows[0], *(row for row in rows[1:] if not row.clause.code.startswith("class_decided"))),
        ),
        "asked_again",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found(name: str) -> None:
    """Given a pack with one thing broken, the proof names it, and the facts that show it where there are some."""
    change, code = BROKEN[name]

    found = prove(change(NEWEST), only=code)

    assert code in {finding.code for finding in found if finding.wrong}


def test_a_clause_nobody_can_meet_is_found() -> None:
    """Given a clause that needs a fact to have two values, it is named."""
    told = [Condition("is", fact="told", value=value) for value in ("must", "none")]
    clause = Clause("never", Condition("all", tuple(told)))
    broken = replace(NEWEST.clauses["no_role"], clause=clause)

    found = prove(replace(NEWEST, clauses={"never": broken}), only="clause_never_true")

    assert ("clause_never_true", "never") in {(finding.code, finding.where) for finding in found}


_VALUES: dict[str, Any] = {
    "own_class": st.booleans(),
    "told": st.sampled_from(LAW_FACTS["told"].codes),
    "triggers": st.frozensets(st.sampled_from(LAW_FACTS["triggers"].codes), max_size=3),
    "youngest_age": st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda ends: Span(min(ends), max(ends))),
}
_TESTS = st.one_of(
    st.builds(lambda v: Condition("is", fact="own_class", value=v), st.booleans()),
    st.builds(lambda v: Condition("is", fact="told", value=v), st.sampled_from(LAW_FACTS["told"].codes)),
    st.builds(
        lambda v: Condition("in", fact="told", value=v),
        st.frozensets(st.sampled_from(LAW_FACTS["told"].codes), min_size=1),
    ),
    st.builds(lambda v: Condition("has", fact="triggers", value=v), st.sampled_from(LAW_FACTS["triggers"].codes)),
    st.builds(
        lambda v: Condition("has_any", fact="triggers", value=v),
        st.frozensets(st.sampled_from(LAW_FACTS["triggers"].codes), min_size=1, max_size=3),
    ),
    st.builds(lambda n: Condition("at_least", fact="youngest_age", value=Span(n, n)), st.integers(0, 20)),
)
_CONDITIONS = st.recursive(
    _TESTS,
    lambda inner: st.one_of(
        st.builds(lambda parts: Condition("all", tuple(parts)), st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: Condition("any", tuple(parts)), st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: Condition("not", (part,)), inner),
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(_CONDITIONS, st.fixed_dictionaries({}, optional=_VALUES))
def test_z3_reads_a_condition_as_the_engine_does(condition: Condition, facts: Facts) -> None:
    """True, false and unknown come out the same, whatever is known."""
    logic = Logic(dict(LAW_FACTS))
    weighed = logic.weigh(condition)
    so = [logic.known(fact) == z3.BoolVal(fact in facts) for fact in _VALUES]
    for fact, value in facts.items():
        if isinstance(value, bool | str):
            so.append(logic.test("is", fact, value).true)
        elif isinstance(value, frozenset):
            so += [
                logic.test("has", fact, code).true if code in value else logic.test("has", fact, code).false
                for code in LAW_FACTS[fact].codes
            ]
        elif isinstance(value, Span):
            low, high = logic._span(fact)
            so += [low == value.low, high == value.high]
    assert not isinstance(facts.get("youngest_age"), date)

    meant = Clause("c", condition).holds(facts)

    assert (logic.example(weighed.true, given=so) is not None) == (meant is True)
    assert (logic.example(weighed.false, given=so) is not None) == (meant is False)


class Watching(Engine):
    """An engine that keeps what it was asked with."""

    def __init__(self, pack: LawPack) -> None:
        super().__init__(pack)
        self.of_classes: list[Facts] = []
        self.of_items: list[Facts] = []

    def _of_class(self, of_case: Facts, found: dict[str, Any]) -> ClassVerdict:
        verdict = super()._of_class(of_case, found)
        self.of_classes.append({**of_case, **found})
        return verdict

    def _of_item(self, of_class: ClassVerdict, facts: dict[str, Any]) -> ItemVerdict:
        verdict = super()._of_item(of_class, facts)
        self.of_items.append(facts)
        return verdict


@settings(max_examples=40, deadline=None)
@given(cases())
def test_what_the_proofs_take_for_granted_is_so(case: Case) -> None:
    """Given any concern, the engine asks with the facts known that the proofs take as known, and no others."""
    watching = {digest: Watching(engine.pack) for digest, engine in case.core._engines.items()}
    case.core._engines = watching  # type: ignore[assignment]

    run(case.raised, using=case.core)

    for engine in watching.values():
        for facts in engine.of_classes:
            assert set(CLASS_KNOWN) <= facts.keys()
            part3 = facts["regime"] == "law_enforcement"
            assert not part3 or facts["basis"] == "complete"
            assert ("article6" in facts) == (facts["basis"] != "not_known" and not part3)
        for facts in engine.of_items:
            assert {*CLASS_KNOWN, *ITEM_KNOWN} <= facts.keys()
            assert facts["class_outcome"] in SHARED
            assert {fact in facts for fact in OPEN_KNOWN} == {facts["part_open"]}
            ordinary = facts.get("sensitivity") == "ordinary"
            assert (facts.get("condition") == "not_needed") == ordinary
