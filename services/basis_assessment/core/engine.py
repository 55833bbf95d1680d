"""Follow a law pack: from facts to what follows, for a class of recipient and for an item.

Pure. What a table can see of a case is the outcome of its tests, so answers are remembered by those: two concerns that
no clause can tell apart share one answer. A cache of a pure function changes nothing but the time it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Final

from concern_relay.v1.assessments_pb2 import CandidateCondition, ClassAssessment, ItemAssessment
from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Article6,
    Article9,
    ConsentAbsence,
    DpaCondition,
    Gateway,
    Outcome,
    Part3Basis,
    Regime,
    Sensitivity,
    WithholdReason,
)
from services.basis_assessment import pack as p
from services.basis_assessment.core.candidates import candidates
from services.basis_assessment.core.verdict import Case, ClassVerdict, ItemVerdict, Known, Pending, Seen, View
from services.basis_assessment.facts import LAW_FACTS, PER_CLASS, PER_ITEM, Basis
from services.basis_assessment.facts import Condition as Met
from services.basis_assessment.pack import LawPack, Row
from services.chassis.arrangement import Force
from services.chassis.clauses import Clause, Condition, Facts, Truth, Value
from services.chassis.codes import number_of, word_of

CLASS_FACTS: Final = (
    *("recipient_class", "told", "own_class", "class_consent", "service_agreement", "class_detriment"),
    *("class_decision", "recipient_known", "recipient_natures", "recipient_countries"),
)
ITEM_FACTS: Final = (
    *("part_open", "category", "sensitivity", "source_protected", "address_hidden", "emergency_minimum", "core"),
    *("protects_child", "protects_adult_at_risk", "subject_can_consent", "consent_absence"),
    "collected_on_consent",
    *("person_needed", "category_needed", "sender_says_needed", "item_consent", "item_decision"),
)
LAST_FACTS: Final = (
    *("consent_not_obtained", "shared_without_condition", "shared_without_balancing"),
    "shared_without_consent",
)

_VARYING: Final = PER_CLASS | PER_ITEM | set(LAST_FACTS)

SHARED: Final = frozenset(
    {
        Outcome.OUTCOME_SHARE_DUTY,
        Outcome.OUTCOME_SHARE_POWER,
        Outcome.OUTCOME_SHARE_CONSENT,
        Outcome.OUTCOME_SHARE_EMERGENCY,
    }
)

REMEMBERED_MAX: Final = 50_000
"""Answers remembered, per pack; past it the memory starts anew. About 1.4 kB each, 70 MB at most."""

Tests = tuple[Callable[[Facts], Truth], ...]
_OF_CLASS: Final = (p.ARTICLE6, p.REFUSED_BASES, p.CLASS_OUTCOME, p.GATEWAY, p.REGIMES, p.CLOCKS)
_OF_ITEM: Final = (p.LIMBS, p.CONDITIONS, p.ITEMS, p.CLOCKS)


class Engine:
    """Follows one pack."""

    def __init__(self, pack: LawPack) -> None:
        """Follow a pack; the tests that tell cases apart are compiled at the first case, for few packs have one."""
        self.pack = pack
        self._cases: dict[Seen, dict[Known, ClassVerdict]] = {}
        self._remembered = 0

    @cached_property
    def _class_tests(self) -> Tests:
        return _tests(self.pack, _OF_CLASS)

    @cached_property
    def _item_tests(self) -> Tests:
        return _tests(self.pack, _OF_ITEM)

    def case(self, facts: Facts) -> Case:
        """Take up a case: what is known of the concern and of whoever discloses.

        What differs from item to item is dropped here: an answer that is remembered must not hold on to it.
        """
        facts = {name: value for name, value in facts.items() if name not in _VARYING}
        seen = tuple([test(facts) for test in self._class_tests])
        known = self._cases.get(seen)
        if known is None:
            known = self._cases[seen] = {}
        return Case(facts, known, tuple([test(facts) for test in self._item_tests]))

    def of_class(self, case: Case, known: Known) -> ClassVerdict:
        """Say what follows for a class of recipient; ``known`` are the values of ``CLASS_FACTS``, None for unknown."""
        found = case.classes.get(known)
        if found is None:
            self._count()
            found = case.classes[known] = self._of_class(case.facts, _named(CLASS_FACTS, known))
        return found

    def view(self, case: Case, of_class: ClassVerdict) -> View:
        """Take up the items of a class that shares."""
        items = of_class.views.get(case.seen)
        if items is None:
            items = of_class.views[case.seen] = {}
        return View(case, of_class, items)

    def of_item(self, view: View, known: Known) -> ItemVerdict:
        """Say what follows for an item; ``known`` are the values of ``ITEM_FACTS``, None for unknown."""
        found = view.items.get(known)
        if found is None:
            self._count()
            facts = {**view.case.facts, **view.of_class.found, **_named(ITEM_FACTS, known)}
            found = view.items[known] = self._of_item(view.of_class, facts)
        return found

    def _count(self) -> None:
        self._remembered += 1
        if self._remembered > REMEMBERED_MAX:
            self._cases.clear()
            self._remembered = 0

    def codes_that_hold(self, table: str, facts: Facts) -> tuple[str, ...]:
        """Give the clause codes of every row of a table that counts."""
        return tuple(row.clause.code for row in self.pack.tables[table] if row.applies(facts))

    def _of_class(self, of_case: Facts, found: dict[str, Value]) -> ClassVerdict:
        facts = {**of_case, **found}
        regime = self._first(p.REGIMES, facts)
        part3 = regime.part3 if regime is not None else Part3Basis.PART3_BASIS_UNSPECIFIED
        disclosure = regime.disclosure if regime is not None else Regime.REGIME_UK_GDPR
        found["regime"] = facts["regime"] = word_of(Regime, disclosure)
        # Article 6 is the UK GDPR's: what is law enforcement processing rests on Part 3 in its place.
        bases = [] if part3 else [row for row in self.pack.tables[p.ARTICLE6] if row.applies(facts)]
        lead = bases[0] if bases else None
        basis = _standing(lead, part3)
        found["basis"] = facts["basis"] = basis.value
        if lead is not None:
            found["article6"] = facts["article6"] = word_of(Article6, lead.basis)
        row = self._first(p.CLASS_OUTCOME, facts)
        as_based = lead.outcome if lead is not None else Outcome.OUTCOME_SHARE_POWER
        outcome, reason = _follows(row, as_based, _NO_ROLE)
        shares = outcome in SHARED
        found["class_outcome"] = facts["class_outcome"] = word_of(Outcome, outcome)
        gateway = self._first(p.GATEWAY, facts) if shares else None
        # Where the lead agency would disclose, the sender's basis is not the question.
        refuses = outcome == Outcome.OUTCOME_REJECTED_BASIS
        by_sender = shares or refuses or (row is not None and bool(row.ask) and not row.of_lead)
        unknown = self._unknown([row] if row is not None and row.or_unknown else [], facts)
        if by_sender and basis is not Basis.COMPLETE:
            unknown |= self._unknown(self.pack.tables[p.ARTICLE6], facts)
        refused = self.codes_that_hold(p.REFUSED_BASES, facts) if by_sender and not part3 else ()
        beside = [b for b in bases[1:] if b.basis != bases[0].basis and not b.incomplete] if shares else []
        message = ClassAssessment(
            recipient_class=number_of(AgencyClass, str(facts.get("recipient_class", ""))),
            outcome=outcome,
            reason=reason,
            article6=lead.basis if shares and lead is not None else Article6.ARTICLE6_UNSPECIFIED,
            alternates=dict.fromkeys(row.basis for row in beside),
            gateway=gateway.gateway if gateway is not None else Gateway.GATEWAY_UNSPECIFIED,
            clause_codes=self._codes(
                (lead if shares else None, _left_or_stays(regime) if shares else None, gateway, row), facts
            ),
            rejected_codes=refused,
            must=facts.get("told") == Force.MUST.value,
            regime_source=regime.source if shares and regime is not None else Regime.REGIME_UNSPECIFIED,
            regime_disclosure=regime.disclosure if shares and regime is not None else Regime.REGIME_UNSPECIFIED,
            part3=part3 if shares else Part3Basis.PART3_BASIS_UNSPECIFIED,
            open_bases=dict.fromkeys(row.basis for row in bases) if refused else (),
            alternate_codes=(row.clause.code for row in beside),
        )
        return ClassVerdict(
            message=message,
            shares=shares,
            questions=self._questions(unknown),
            pending=self._pending(row, facts),
            unbalanced=shares and basis is not Basis.COMPLETE,
            as_based=as_based,
            found=found,
        )

    def _of_item(self, of_class: ClassVerdict, facts: dict[str, Value]) -> ItemVerdict:
        condition, unknown = self._condition(facts)
        row = self._first(p.ITEMS, facts)
        outcome, reason = _follows(row, of_class.as_based, _WAITS)
        shares = outcome in SHARED
        stands = condition if shares else None
        sensitivity = number_of(Sensitivity, str(facts.get("sensitivity", "")))
        special = sensitivity == Sensitivity.SENSITIVITY_SPECIAL_CATEGORY
        waits = outcome == Outcome.OUTCOME_BLOCKED_PENDING
        unconditioned = shares and facts.get("condition") not in (Met.NOT_NEEDED.value, Met.MET.value)
        message = ItemAssessment(
            outcome=outcome,
            sensitivity=sensitivity,
            article9=stands.article9 if stands is not None and special else Article9.ARTICLE9_UNSPECIFIED,
            condition=stands.condition if stands is not None else DpaCondition.DPA_CONDITION_UNSPECIFIED,
            consent_absence=self._limb(stands, facts),
            reason=reason,
            clause_codes=self._codes((stands, row), facts),
            candidates=self._candidates(facts) if waits or unconditioned else (),
        )
        questions = self._questions(unknown) if waits or unconditioned else ()
        return ItemVerdict(message, questions, self._pending(row, facts), unconditioned)

    def _condition(self, facts: dict[str, Value]) -> tuple[Row | None, set[str]]:
        """Find the condition an item rests on, and note in the facts whether one is needed and stands."""
        if facts.get("sensitivity") == word_of(Sensitivity, Sensitivity.SENSITIVITY_ORDINARY):
            facts["condition"] = Met.NOT_NEEDED.value
            return None, set()
        rows = self.pack.tables[p.CONDITIONS]
        met = next((row for row in rows if row.applies(facts)), None)
        if met is not None:
            facts["condition"] = Met.MET.value
            return met, set()
        unknown = self._unknown(rows, facts)
        if not unknown:
            facts["condition"] = Met.NOT_MET.value
        return None, unknown

    def _candidates(self, facts: Facts) -> Iterable[CandidateCondition]:
        """List what else an item could rest on, where a condition is needed and none stands."""
        stands = facts.get("condition") in (Met.NOT_NEEDED.value, Met.MET.value)
        return () if stands else candidates(self.pack.tables[p.CONDITIONS], facts)

    def _limb(self, condition: Row | None, facts: Facts) -> ConsentAbsence:
        """Give the reason for acting without consent, where the condition that stands asks for one."""
        if condition is not None:
            read = {code for code, _ in condition.clause.evaluate(facts).trace}
            for row in self.pack.tables[p.LIMBS]:
                if row.clause.code in read and row.applies(facts):
                    return row.limb
        return ConsentAbsence.CONSENT_ABSENCE_UNSPECIFIED

    def _pending(self, row: Row | None, facts: Facts) -> Pending | None:
        if row is None or not row.ask:
            return None
        clock = self._first(p.CLOCKS, facts)
        assert clock is not None
        assert clock.clock is not None  # pack_document sees to it that the last clock always holds
        return Pending(row.ask, row.of_lead, row.proposal, clock.clock)

    def _first(self, table: str, facts: Facts) -> Row | None:
        return next((row for row in self.pack.tables[table] if row.applies(facts)), None)

    def _unknown(self, rows: Iterable[Row], facts: Facts) -> set[str]:
        open_rows = [row.clause for row in rows if row.clause.holds(facts) is None]
        return set().union(*(clause.evaluate(facts).unknown for clause in open_rows))

    def _questions(self, unknown: set[str]) -> tuple[str, ...]:
        asked = {LAW_FACTS[name].question for name in unknown}
        return tuple(code for code in self.pack.questions if code in asked)

    def _codes(self, rows: Iterable[Row | None], facts: Facts) -> tuple[str, ...]:
        """Give the clauses that led here, in the order they were read: those that hold, and the rows' own."""
        found: dict[str, None] = {}
        for row in rows:
            if row is not None:
                found.update((code, None) for code, value in row.clause.evaluate(facts).trace if value is True)
                found[row.clause.code] = None
        return tuple(found)


def _tests(pack: LawPack, tables: Iterable[str]) -> Tests:
    """Compile every distinct test that some tables make on facts of the case."""
    found: dict[object, Condition] = {}
    for table in tables:
        for row in pack.tables[table]:
            for test in row.clause.condition.tests():
                found[test.op, test.fact, test.value] = test
    return tuple(Clause("", test).holds for test in found.values() if test.fact not in _VARYING)


def _named(names: tuple[str, ...], known: Known) -> dict[str, Value]:
    return {name: value for name, value in zip(names, known, strict=True) if value is not None}


def _left_or_stays(regime: Row | None) -> Row | None:
    """Give the row where the data is held for law enforcement: whether it stays so is part of why."""
    return regime if regime is not None and regime.source == Regime.REGIME_LAW_ENFORCEMENT else None


def _standing(lead: Row | None, part3: Part3Basis) -> Basis:
    if part3:
        return Basis.COMPLETE
    return Basis.NOT_KNOWN if lead is None else Basis.NO_BALANCING_TEST if lead.incomplete else Basis.COMPLETE


# What follows where a pack says nothing at all: nothing is shared, and no reason is made up for it.
_NO_ROLE: Final = (Outcome.OUTCOME_NOT_SHARED_NO_ROLE, WithholdReason.WITHHOLD_REASON_UNSPECIFIED)
_WAITS: Final = (Outcome.OUTCOME_BLOCKED_PENDING, WithholdReason.WITHHOLD_REASON_UNSPECIFIED)


def _follows(
    row: Row | None, as_based: Outcome, otherwise: tuple[Outcome, WithholdReason]
) -> tuple[Outcome, WithholdReason]:
    """Give outcome and reason of a row, or ``otherwise`` where no row holds."""
    if row is None:
        return otherwise
    if row.outcome or row.reason == WithholdReason.WITHHOLD_REASON_DECIDED:
        return row.outcome, row.reason
    return as_based, row.reason
