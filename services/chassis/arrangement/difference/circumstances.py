"""The circumstances that some rules tell apart, tried out in both arrangements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations, islice, product
from math import prod
from typing import Any, Final

from services.chassis.arrangement.difference.change import Change
from services.chassis.clauses import Clause, Condition, Facts, Span, Value

_NOTICE: Final = frozenset({"unscheduled_care"})
CIRCUMSTANCES_MAX: Final = 50_000
"""Most combinations that are tried out; beyond, the answer says that it is not complete."""


def tried(clauses: Iterable[Clause | None], differs: Callable[[Facts], Iterator[Change]]) -> tuple[list[Change], bool]:
    """Try out what clauses tell apart; give each change once, with the shortest circumstances in which it happens.

    Args:
        clauses: of the rules that changed, as they were and as they become; without any, nothing is tried.
        differs: what changes in some circumstances.
    """
    facts, complete = _circumstances(list(clauses))
    found: dict[tuple[Any, ...], tuple[int, Change]] = {}
    for one in facts:
        for change in differs(one):
            key = (change.kind, change.subject, change.words)
            if key not in found or len(one) < found[key][0]:
                found[key] = (len(one), replace(change, when=_circumstance(one)))
    return [change for _, change in found.values()], complete


def written(clause: Clause | None) -> str:
    """Give a clause's condition in a form that two of the same meaning and wording share."""
    return "" if clause is None else repr(clause.condition)


def _circumstances(clauses: list[Clause | None]) -> tuple[Iterable[Facts], bool]:
    """Give the circumstances that some clauses tell apart: every value they name of every fact, and none of them."""
    values: dict[str, set[Any]] = {}
    for clause in clauses:
        for test in clause.condition.tests() if clause is not None else ():
            values.setdefault(test.fact, {None}).update(_values(test))
    count = prod(len(found) for found in values.values())
    stated = {name: sorted(found - {None}, key=repr) for name, found in sorted(values.items())}
    facts = (_with_triggers(one) for one in _fewest_first(stated) if _may_be(one))
    return islice(facts, CIRCUMSTANCES_MAX) if clauses else (), count <= CIRCUMSTANCES_MAX


def _fewest_first(stated: Mapping[str, list[Value]]) -> Iterator[dict[str, Value]]:
    """Give every combination of facts that are stated or not; few facts before many, so that the simple is found."""
    for number in range(len(stated) + 1):
        for names in combinations(stated, number):
            for values in product(*(stated[name] for name in names)):
                yield dict(zip(names, values, strict=True))


def _may_be(facts: Mapping[str, Value]) -> bool:
    """Leave out what contradicts itself: a notice alone has one circumstance, and nobody says how worried they are."""
    if facts.get("notice_only") is not True:
        return True
    return facts.get("triggers", _NOTICE) == _NOTICE and not {"level", "urgency"} & facts.keys()


def _values(test: Condition) -> set[Value | None]:
    value = test.value
    match test.op:
        case "is" if isinstance(value, bool):
            return {True, False}
        case "in" | "has_any" if isinstance(value, frozenset):
            return {frozenset({one}) for one in value} if test.op == "has_any" else set(value)
        case "has" if isinstance(value, str):
            return {frozenset({value})}
        case "at_least" if isinstance(value, Span):
            return {value, Span(value.low - 1, value.low - 1)}
        case _:
            return {value}


def _with_triggers(facts: dict[str, Value]) -> Facts:
    """A concern's triggers are always known, if only as none."""
    return {"triggers": frozenset[str](), **facts}


def _circumstance(facts: Facts) -> str:
    said = {
        name: ", ".join(sorted(v)) if isinstance(v, frozenset) else v for name, v in facts.items() if v != frozenset()
    }
    return "; ".join(f"{name}: {_word(value)}" for name, value in sorted(said.items()))


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value.low) if isinstance(value, Span) else str(value)
