"""The theorems a law pack has to hold (docs/law-check.md): each a search for facts that would break it.

What z3 finds is a counterexample in facts, so a finding says what case has no answer, or two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import z3

from concern_relay.v1.codes_pb2 import Article6, Outcome
from services.basis_assessment import pack as p
from services.basis_assessment.facts import LAW_FACTS
from services.basis_assessment.pack import LawPack, Row
from services.basis_assessment.pack_check import PackFinding
from services.basis_assessment.pack_document import ALWAYS
from services.chassis.codes import word_of
from services.workbench.proof.facts_given import class_given, item_given
from services.workbench.proof.logic import FALSE, Formula, Logic

TOTAL: Final = (p.CLASS_OUTCOME, p.ITEMS, p.CLOCKS)
"""Tables in which every case has to come to a row."""
FIRST_DECIDES: Final = (p.CLASS_OUTCOME, p.GATEWAY, p.ITEMS, p.CLOCKS, p.LIMBS, p.CONDITIONS)
PRIVATE_ONLY: Final = frozenset(
    {Article6.ARTICLE6_EA_RECOGNISED_LEGITIMATE_INTEREST, Article6.ARTICLE6_F_LEGITIMATE_INTERESTS}
)
FIRST_TOLD: Final = frozenset({"childrens_social_care", "police", "ambulance"})
SAY_ONLY: Final = frozenset({p.GOVERNANCE, p.ANSWERS})
"""Tables that say something and decide nothing."""
FACTS_SHOWN_MAX: Final = 12


def prove(pack: LawPack, only: str = "") -> tuple[PackFinding, ...]:
    """Prove a pack; give what does not hold, each with facts that show it.

    Args:
        pack: any; it need not be of the book.
        only: code of the one finding to look for, where the others are of no interest; empty is all.
    """
    return tuple(_Proof(pack).all(only))


class _Proof:
    def __init__(self, pack: LawPack) -> None:
        self._pack = pack
        self._logic = Logic(dict(LAW_FACTS))
        self._rows: Mapping[str, Sequence[tuple[Row, Formula]]] = {
            table: [(row, self._counts(row)) for row in rows] for table, rows in pack.tables.items()
        }
        of_class, of_item = list(class_given(self._logic)), list(item_given(self._logic))
        items = (p.ITEMS, p.LIMBS, p.CONDITIONS)
        self._given = {table: of_item if table in items else of_class for table in pack.tables}
        self._given[p.CLOCKS] = of_class

    def all(self, only: str) -> Iterator[PackFinding]:
        theorems: Mapping[Callable[[], Iterator[PackFinding]], tuple[str, ...]] = {
            self._total: ("no_answer",),
            self._reachable: ("row_unreachable",),
            self._clauses: ("clause_never_true", "clause_never_false"),
            self._bases: ("basis_contradicts", "basis_barred"),
            self._emergency: ("emergency_waits",),
            self._answers: ("asked_again", "proposal_no_answer"),
            self._blocked: ("concern_blocked",),
            self._identifiers: ("identifier_decides",),
        }
        try:
            for theorem, finds in theorems.items():
                if only in ("", *finds):
                    yield from theorem()
        except TimeoutError as error:
            yield PackFinding("not_settled", self._pack.name, str(error))

    def _counts(self, row: Row) -> Formula:
        weighed = self._logic.clause(row.clause)
        return z3.Or(weighed.true, weighed.unknown) if row.or_unknown else weighed.true

    def _decides(self, table: str) -> Iterator[tuple[Row, Formula]]:
        """Give each row of a table with when it is the first that counts."""
        before: list[Formula] = []
        for row, counts in self._rows[table]:
            yield row, z3.And(counts, *(z3.Not(earlier) for earlier in before))
            before.append(counts)

    def _example(self, table: str, *wanted: Formula) -> str | None:
        found = self._logic.example(*wanted, given=self._given[table])
        if found is None:
            return None
        shown = [f"{fact}={value}" for fact, value in found.items()]
        return ", ".join(shown[:FACTS_SHOWN_MAX]) + (", …" if len(shown) > FACTS_SHOWN_MAX else "")

    def _total(self) -> Iterator[PackFinding]:
        """T1: whatever the facts, known or not, some row of a deciding table counts."""
        for table in TOTAL:
            facts = self._example(table, *(z3.Not(counts) for _, counts in self._rows[table]))
            if facts is not None:
                yield PackFinding("no_answer", table, f"no row counts when {facts}; add the row that answers")

    def _reachable(self) -> Iterator[PackFinding]:
        """T2: each row is the first that counts for some facts; no row is hidden by those above it."""
        for table in FIRST_DECIDES:
            for row, decides in self._decides(table):
                if self._logic.example(decides, given=self._given[table]) is None:
                    where = f"{table}.{row.clause.code}"
                    yield PackFinding("row_unreachable", where, "rows above it always count first; move it, or drop it")

    def _clauses(self) -> Iterator[PackFinding]:
        """T3: each clause is true for some facts; one that is never false, only unknown, is to be known about."""
        for code, clause in self._pack.clauses.items():
            weighed = self._logic.clause(clause.clause)
            if self._logic.example(weighed.true) is None:
                yield PackFinding("clause_never_true", code, "no facts make it true; mend it")
            if clause.clause.condition != ALWAYS and self._logic.example(weighed.false) is None:
                detail = "once its facts are known it holds; it serves to ask for them"
                yield PackFinding("clause_never_false", code, detail, wrong=False)

    def _bases(self) -> Iterator[PackFinding]:
        """T4: a basis that is refused is never the one relied on; T5: none is open to a body the law bars from it."""
        refused: dict[Article6, list[Formula]] = {}
        for row, counts in self._rows[p.REFUSED_BASES]:
            refused.setdefault(row.basis, []).append(counts)
        public = self._logic.test("has", "sender_natures", "public_authority").true
        for row, counts in self._rows[p.ARTICLE6]:
            where = f"{p.ARTICLE6}.{row.clause.code}"
            both = z3.And(counts, z3.Or(*refused.get(row.basis, [FALSE])))
            facts = None if row.incomplete else self._example(p.ARTICLE6, both)
            if facts is not None:
                basis = word_of(Article6, row.basis)
                detail = f"{basis} is relied on and refused when {facts}; let one clause exclude the other"
                yield PackFinding("basis_contradicts", where, detail)
            facts = self._example(p.ARTICLE6, counts, public) if row.basis in PRIVATE_ONLY else None
            if facts is not None:
                detail = f"open to a public authority when {facts}; Article 6(1), last sentence, bars it"
                yield PackFinding("basis_barred", where, detail)

    def _emergency(self) -> Iterator[PackFinding]:
        """T6: in an emergency police, ambulance and children's social care are told, and its minimum goes, at once."""
        urgent = self._logic.test("is", "urgency", "emergency").true
        first = self._logic.test("in", "recipient_class", FIRST_TOLD).true
        for row, decides in self._decides(p.CLASS_OUTCOME):
            told = row.outcome == Outcome.OUTCOME_SHARE_EMERGENCY
            facts = None if told else self._example(p.CLASS_OUTCOME, decides, urgent, first)
            if facts is not None:
                where = f"{p.CLASS_OUTCOME}.{row.clause.code}"
                yield PackFinding("emergency_waits", where, f"an emergency comes here when {facts}; let it come first")
        minimum = self._logic.test("is", "emergency_minimum", True).true
        emergency = self._logic.test("is", "class_outcome", "share_emergency").true
        for row, decides in self._decides(p.ITEMS):
            waits = row.outcome == Outcome.OUTCOME_BLOCKED_PENDING
            facts = self._example(p.ITEMS, decides, minimum, emergency) if waits else None
            if facts is not None:
                where = f"{p.ITEMS}.{row.clause.code}"
                yield PackFinding("emergency_waits", where, f"what an emergency needs waits when {facts}")

    def _answers(self) -> Iterator[PackFinding]:
        """T7: a decision of a person ends the question. T8: a proposal is one of its answers."""
        for table, fact in ((p.CLASS_OUTCOME, "class_decision"), (p.ITEMS, "item_decision")):
            decided = self._logic.test("in", fact, frozenset({"share", "not_share"})).true
            for row, decides in self._decides(table):
                if not row.ask:
                    continue
                where = f"{table}.{row.clause.code}"
                facts = self._example(table, decides, decided)
                if facts is not None:
                    yield PackFinding("asked_again", where, f"a person has decided, and is asked again when {facts}")
                if word_of(Outcome, row.proposal) not in self._pack.questions[row.ask].answers:
                    yield PackFinding(
                        "proposal_no_answer", where, f"the proposal is no answer of {row.ask!r}; add it there"
                    )

    def _blocked(self) -> Iterator[PackFinding]:
        """T9: blocked is an item's, never a class's or a concern's (practice 2)."""
        for row in self._pack.tables[p.CLASS_OUTCOME]:
            if row.outcome == Outcome.OUTCOME_BLOCKED_PENDING:
                where = f"{p.CLASS_OUTCOME}.{row.clause.code}"
                yield PackFinding("concern_blocked", where, "only an item may wait; write proposed, or share")

    def _identifiers(self) -> Iterator[PackFinding]:
        """T10: no row that decides reads whether an identifier is known (Children Act 2004 s16LC(8))."""
        for table, row in self._pack.rows:
            read = {fact for fact in row.clause.reads if "identifier" in fact}
            if read and table not in SAY_ONLY:
                where = f"{table}.{row.clause.code}"
                yield PackFinding(
                    "identifier_decides", where, f"it reads {', '.join(sorted(read))}; a missing number never blocks"
                )
