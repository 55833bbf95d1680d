"""``law check``: what can only be seen over a whole pack. That each part is well formed is seen when it is read.

Structure alone. That every case has an answer and no two rows contradict each other is proved with z3, by
``services/workbench/proof`` (docs/law-check.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from concern_relay.v1.codes_pb2 import AgencyClass, Category
from services.basis_assessment.facts import LAW_FACTS
from services.basis_assessment.pack import CLASS_OUTCOME, ITEMS, LawPack
from services.basis_assessment.pack_document import ALWAYS
from services.chassis.clauses import Condition
from services.chassis.codes import word_of, words

UNSEEN_CATEGORIES = frozenset({"police_intelligence"})


@dataclass(frozen=True, slots=True)
class PackFinding:
    """Something about a pack.

    Attributes:
        code: stable code.
        where: the clause, question or table.
        detail: what is wrong and what to do.
        wrong: whether it has to be mended; otherwise it is only to be known, as a citation nobody has compared.
    """

    code: str
    where: str
    detail: str
    wrong: bool = True


def check(pack: LawPack) -> tuple[PackFinding, ...]:
    """Find what is wrong with a pack, and what is to be known about it."""
    return (
        *_questions(pack),
        *_clauses(pack),
        *_rows(pack),
        *_deciders(pack),
        *_sensitivity(pack),
        *_unverified(pack),
    )


def _questions(pack: LawPack) -> Iterator[PackFinding]:
    needed = {LAW_FACTS[fact].question for clause in pack.clauses.values() for fact in clause.clause.reads} - {""}
    asked = {row.ask for _, row in pack.rows} - {""}
    for code in sorted(needed - pack.questions.keys()):
        yield PackFinding("question_missing", code, "a clause reads a fact with this question; write the question")
    for code in sorted(pack.questions.keys() - needed - asked):
        yield PackFinding("question_unused", code, "no clause and no row leads to it; drop it")
    for question in pack.questions.values():
        if not question.answers:
            yield PackFinding("question_without_answer", question.code, "name the answers it can have")


def _clauses(pack: LawPack) -> Iterator[PackFinding]:
    used = {row.clause.code for _, row in pack.rows}
    for clause in pack.clauses.values():
        used |= set(_names(clause.clause.condition))
    for code, clause in pack.clauses.items():
        if code not in used:
            yield PackFinding("clause_unused", code, "no row and no clause names it; drop it, or use it")
        if not clause.cites:
            yield PackFinding("citation_missing", code, "say where it comes from")


def _names(condition: Condition) -> Iterator[str]:
    if condition.clause is not None:
        yield condition.clause.code
    for part in condition.parts:
        yield from _names(part)


def _rows(pack: LawPack) -> Iterator[PackFinding]:
    for table, rows in pack.tables.items():
        codes = [row.clause.code for row in rows]
        for code in sorted({code for code in codes if codes.count(code) > 1}):
            yield PackFinding("row_twice", f"{table}.{code}", "the second never counts; drop it")
        for row in rows[:-1] if table in (CLASS_OUTCOME, ITEMS) else ():
            if row.clause.condition == ALWAYS:
                yield PackFinding("row_hides_others", f"{table}.{row.clause.code}", "nothing below it counts; move it")


# They are told and hardly raise; packs from before they were named say nothing of them: a safeguarding lead answers.
_NEVER_RAISE = frozenset({"education_officer", "coroner", "child_death_review"})


def _deciders(pack: LawPack) -> Iterator[PackFinding]:
    for word in words(AgencyClass):
        if word not in _NEVER_RAISE and word not in {word_of(AgencyClass, number) for number in pack.deciders}:
            yield PackFinding("decider_missing", word, "say who answers for a sender of this class (practice 14)")


def _sensitivity(pack: LawPack) -> Iterator[PackFinding]:
    known = {word_of(Category, number) for number in pack.sensitivity}
    for word in sorted(UNSEEN_CATEGORIES - known):
        yield PackFinding("sensitivity_missing", word, "without it intelligence would count as ordinary data")


def _unverified(pack: LawPack) -> Iterator[PackFinding]:
    for code, clause in pack.clauses.items():
        places = [f"{cite.source} {cite.at}" for cite in clause.cites if not cite.verified]
        if places:
            detail = f"not compared with the published text: {'; '.join(places)}"
            yield PackFinding("citation_unverified", code, detail, wrong=False)
