"""What differs between two law packs: for whoever reviews the later one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Article6,
    Article9,
    Category,
    DeciderRole,
    DpaCondition,
    Gateway,
    Outcome,
    Regime,
    Sensitivity,
    WithholdReason,
)
from services.basis_assessment.pack import Citation, LawPack, Row
from services.chassis.clauses import Condition
from services.chassis.codes import word_of


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        section: sources, questions, clauses, sensitivity, deciders, gateways, or ``tables.`` and a table.
        code: which.
        kind: added, removed, moved; or what of it changed: condition, words, citations, values.
        before: as it was, in words; empty where it was not.
        after: as it is.
    """

    section: str
    code: str
    kind: str
    before: str = ""
    after: str = ""

    def as_dict(self) -> dict[str, str]:
        """Give it for machines."""
        return asdict(self)

    def __str__(self) -> str:
        """Give it on a line."""
        arrow = f": {self.before or '-'} -> {self.after or '-'}" if self.before or self.after else ""
        return f"{self.section} {self.code} {self.kind}{arrow}"


def differences(one: LawPack, other: LawPack) -> tuple[Change, ...]:
    """Give everything that differs, section by section, in the order of the packs."""
    return (
        *_plain(
            "sources", {k: v.title for k, v in one.sources.items()}, {k: v.title for k, v in other.sources.items()}
        ),
        *_plain(
            "questions", {k: v.asks for k, v in one.questions.items()}, {k: v.asks for k, v in other.questions.items()}
        ),
        *_clauses(one, other),
        *_plain(
            "sensitivity",
            _words(one.sensitivity, Category, Sensitivity),
            _words(other.sensitivity, Category, Sensitivity),
        ),
        *_plain(
            "deciders", _words(one.deciders, AgencyClass, DeciderRole), _words(other.deciders, AgencyClass, DeciderRole)
        ),
        *_plain(
            "gateways",
            {word_of(Gateway, k): v.says for k, v in one.gateways.items()},
            {word_of(Gateway, k): v.says for k, v in other.gateways.items()},
        ),
        *(change for table in other.tables for change in _table(table, one.tables[table], other.tables[table])),
    )


def _words(found: Mapping[Any, Any], of: Any, to: Any) -> dict[str, str]:
    return {word_of(of, key): word_of(to, value) for key, value in found.items()}


def _plain(section: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for code, said in after.items():
        if code not in before:
            yield Change(section, code, "added", after=said)
        elif before[code] != said:
            yield Change(section, code, "words", before[code], said)
    yield from (Change(section, code, "removed", before=said) for code, said in before.items() if code not in after)


def _clauses(one: LawPack, other: LawPack) -> Iterator[Change]:
    for code, clause in other.clauses.items():
        was = one.clauses.get(code)
        if was is None:
            yield Change("clauses", code, "added", after=clause.says)
            continue
        when, now = worded(was.clause.condition), worded(clause.clause.condition)
        if when != now:
            yield Change("clauses", code, "condition", when, now)
        if was.says != clause.says:
            yield Change("clauses", code, "words", was.says, clause.says)
        if was.cites != clause.cites:
            yield Change("clauses", code, "citations", _cited(was.cites), _cited(clause.cites))
    yield from (
        Change("clauses", code, "removed", before=clause.says)
        for code, clause in one.clauses.items()
        if code not in other.clauses
    )


def worded(condition: Condition) -> str:
    """Say a condition on one line, as a pack writes it; a clause it names by its code alone."""
    if condition.clause is not None:
        return condition.clause.code
    if condition.fact:
        value = condition.value
        shown = ", ".join(sorted(map(str, value))) if isinstance(value, frozenset) else str(value)
        return f"{condition.op} {condition.fact}: {shown}"
    if not condition.parts:
        return "always"
    return f"{condition.op}({', '.join(worded(part) for part in condition.parts)})"


def _cited(cites: Iterable[Citation]) -> str:
    return "; ".join(f"{c.source} {c.at}{'' if c.verified else ' (unverified)'}" for c in cites)


def _table(table: str, one: tuple[Row, ...], other: tuple[Row, ...]) -> Iterator[Change]:
    section = f"tables.{table}"
    before, after = {row.clause.code: row for row in one}, {row.clause.code: row for row in other}
    kept = [code for code in before if code in after]
    order = [code for code in after if code in before]
    for place, (code, row) in enumerate(after.items(), 1):
        if code not in before:
            yield Change(section, code, "added", after=f"row {place}: {_gives(row)}")
        elif _gives(before[code]) != _gives(row):
            yield Change(section, code, "values", _gives(before[code]), _gives(row))
        elif kept.index(code) != order.index(code):
            yield Change(section, code, "moved", f"row {list(before).index(code) + 1}", f"row {place}")
    yield from (
        Change(section, code, "removed", before=_gives(row)) for code, row in before.items() if code not in after
    )


def _gives(row: Row) -> str:
    """Say what a row gives, in codes."""
    found = (
        word_of(Article6, row.basis),
        word_of(Outcome, row.outcome),
        word_of(WithholdReason, row.reason),
        word_of(Gateway, row.gateway),
        word_of(Article9, row.article9),
        word_of(DpaCondition, row.condition),
        word_of(Regime, row.source),
        word_of(Regime, row.disclosure),
        f"ask {row.ask} propose {word_of(Outcome, row.proposal)}" if row.ask else "",
        "incomplete" if row.incomplete else "",
        "or unknown" if row.or_unknown else "",
        f"{row.clock.amount} {row.clock.rule}" if row.clock is not None else "",
    )
    return ", ".join(word for word in found if word)
