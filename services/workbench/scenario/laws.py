"""The law packs at hand."""

from __future__ import annotations

from functools import cache

from services.basis_assessment.pack import LawBook
from services.basis_assessment.pack_document import read_book
from services.chassis.clauses import Condition
from services.workbench.scenario.stage import SceneError


def answer_to(code: str) -> str:
    """Give the clause that answers a myth, where a myth is named; else what was named."""
    clauses = (found for pack in law_book().packs for found in pack.clauses.values())
    return next((found.code for found in clauses if _tests(found.clause.condition, code)), code)


def _tests(condition: Condition, myth: str) -> bool:
    return (condition.fact == "myths" and condition.value == myth) or any(_tests(p, myth) for p in condition.parts)


@cache
def law_book(name: str = "") -> LawBook:
    """Give every pack of deploy/law, read once; or only the one of that name, which then decides on any day.

    Raises:
        SceneError: there is no pack of that name.
    """
    if not name:
        return read_book()
    book = law_book()
    pack = book.by_name(name)
    if pack is None:
        known = ", ".join(each.name for each in book.packs)
        raise SceneError(f"given.law: there is no law pack {name!r}; there are: {known}")
    return LawBook((pack,))
