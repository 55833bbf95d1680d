"""The clause language: conditions of law packs and arrangements, as data.

A condition is closed YAML over declared, typed facts: ``always``, or a mapping with exactly one of these keys::

    all: [condition, …]          any: [condition, …]         not: condition
    is: {fact: value}            in: {fact: [code, …]}       before: {fact: 2026-09-30}
    has: {fact: code}            has_any: {fact: [code, …]}  at_least: {fact: 16}
    holds: clause                (a clause named earlier in the same document)

Logic is Kleene's: a fact that is not known makes a test neither true nor false, and is given back as the question to
ask. Learning more never turns a true or a false around, so a known answer may be acted on while questions are open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, TypeAlias

import yaml

from services.chassis.marked_yaml import elements, entries, fail, near, text

DEPTH_MAX = 24

Truth: TypeAlias = bool | None  # None is unknown


class FactType(StrEnum):
    """What a fact may be."""

    BOOL = "bool"
    CODE = "code"
    CODES = "codes"
    DATE = "date"
    INTEGER = "integer"


@dataclass(frozen=True, slots=True)
class Span:
    """A whole number as far as it is known: between ``low`` and ``high``, both included."""

    low: int
    high: int


Value: TypeAlias = bool | str | frozenset[str] | date | Span
Facts: TypeAlias = Mapping[str, Value]  # a name that is not in it is not known


@dataclass(frozen=True, slots=True)
class Declared:
    """A fact that clauses may speak of.

    Attributes:
        name: its name in clauses.
        type: what its values are.
        codes: for a code or a set of codes, the words it may have.
        question: code of the question to ask when it is not known; empty when there is nobody to ask.
    """

    name: str
    type: FactType
    codes: tuple[str, ...] = ()
    question: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a clause came to: its value, the unknown facts that would matter, and each named clause read."""

    value: Truth
    unknown: frozenset[str]
    trace: tuple[tuple[str, Truth], ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """A node of a condition. ``op`` is a word of the language; ``fact`` and ``value`` belong to tests."""

    op: str
    parts: tuple[Condition, ...] = ()
    fact: str = ""
    value: Value | None = None
    clause: Clause | None = None

    def tests(self) -> Iterator[Condition]:
        """Give every test on a fact in it, those of the clauses it names too."""
        if self.fact:
            yield self
        for part in (*self.parts, *((self.clause.condition,) if self.clause else ())):
            yield from part.tests()


@dataclass(frozen=True)
class Clause:
    """A condition with a code, compiled.

    Attributes:
        code: its name; stands in decisions.
        condition: as written.
        holds: its value for some facts.
        reads: every fact it may look at.
    """

    code: str
    condition: Condition
    holds: Callable[[Facts], Truth] = field(init=False, repr=False, compare=False)
    reads: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "holds", _compiled(self.condition))
        object.__setattr__(self, "reads", frozenset(test.fact for test in self.condition.tests()))

    def evaluate(self, facts: Facts) -> Verdict:
        """Give the value with its reasons. ``holds`` is the quick way to the value alone."""
        trace: list[tuple[str, Truth]] = []
        value, unknown = _weigh(self.condition, facts, trace)
        return Verdict(value, unknown, (*trace, (self.code, value)))


def _at_least(known: Any, least: Any) -> Truth:
    return True if known.low >= least.low else False if known.high < least.low else None


# Each test with the types of fact it fits.
_TESTS: dict[str, tuple[Callable[[Any, Any], Truth], frozenset[FactType]]] = {
    "is": (lambda known, value: known == value, frozenset({FactType.BOOL, FactType.CODE})),
    "in": (lambda known, codes: known in codes, frozenset({FactType.CODE})),
    "has": (lambda known, code: code in known, frozenset({FactType.CODES})),
    "has_any": (lambda known, codes: not codes.isdisjoint(known), frozenset({FactType.CODES})),
    "before": (lambda known, day: known < day, frozenset({FactType.DATE})),
    "at_least": (_at_least, frozenset({FactType.INTEGER})),
}
_WORDS = ("all", "any", "not", "holds", *_TESTS)


def _compiled(condition: Condition) -> Callable[[Facts], Truth]:
    if condition.op in ("all", "any"):
        decisive = condition.op == "any"
        parts = tuple(_compiled(part) for part in condition.parts)

        def several(facts: Facts) -> Truth:
            value: Truth = not decisive
            for part in parts:
                found = part(facts)
                if found is decisive:
                    return decisive
                if found is None:
                    value = None
            return value

        return several
    if condition.op == "not":
        inner = _compiled(condition.parts[0])
        return lambda facts: None if (found := inner(facts)) is None else not found
    if condition.clause is not None:
        return condition.clause.holds
    test, name, value = _TESTS[condition.op][0], condition.fact, condition.value
    return lambda facts: None if (known := facts.get(name)) is None else test(known, value)


def _weigh(condition: Condition, facts: Facts, trace: list[tuple[str, Truth]]) -> tuple[Truth, frozenset[str]]:
    """Give the value and, where it is unknown, the facts that could settle it; note each named clause on the way."""
    if condition.clause is not None:
        verdict = condition.clause.evaluate(facts)
        trace.extend(verdict.trace)
        return verdict.value, verdict.unknown
    if condition.fact:
        known = facts.get(condition.fact)
        value = None if known is None else _TESTS[condition.op][0](known, condition.value)
        return value, frozenset((condition.fact,)) if value is None else frozenset()
    parts = [_weigh(part, facts, trace) for part in condition.parts]
    values = [value for value, _ in parts]
    decisive = condition.op == "any"
    if decisive in values and condition.op != "not":
        return decisive, frozenset()
    if None in values:
        return None, frozenset().union(*(unknown for _, unknown in parts))
    return (not values[0] if condition.op == "not" else not decisive), frozenset()


def _single(node: yaml.Node, fact: Declared) -> Value:
    word = text(node)
    if fact.type is FactType.BOOL:
        if word not in ("true", "false"):
            fail(node, f"{fact.name} is true or false, not {word!r}", "write true or false")
        return word == "true"
    if fact.type in (FactType.CODE, FactType.CODES):
        if word not in fact.codes:
            fail(node, f"{word!r} is no value of {fact.name}", near(word, fact.codes))
        return word
    try:
        return date.fromisoformat(word) if fact.type is FactType.DATE else Span(int(word), int(word))
    except ValueError:
        fail(node, f"{word!r} is no {fact.type} for {fact.name}", "write a day as 2026-09-30, a number as 16")


def _test(op: str, node: yaml.Node, facts: Mapping[str, Declared]) -> Condition:
    pairs = entries(node)
    if len(pairs) != 1:
        fail(node, f"{op!r} takes one fact, not {len(pairs)}", "combine several with all or any")
    [(name, wanted)] = pairs.items()
    fact = facts.get(name)
    if fact is None:
        fail(node, f"no fact is called {name!r}", near(name, facts))
    if fact.type not in _TESTS[op][1]:
        fits = [word for word, (_, types) in _TESTS.items() if fact.type in types]
        fail(node, f"{op!r} does not fit {name}, which is a {fact.type}", f"use {' or '.join(fits)}")
    if op in ("in", "has_any"):
        codes = frozenset(str(_single(one, fact)) for one in elements(wanted))
        if not codes:
            fail(wanted, "an empty list is never true", "name a code, or drop the clause")
        return Condition(op, fact=name, value=codes)
    return Condition(op, fact=name, value=_single(wanted, fact))


def _condition(
    node: yaml.Node, facts: Mapping[str, Declared], clauses: Mapping[str, Clause] | None = None, depth: int = 0
) -> Condition:
    if depth > DEPTH_MAX:
        fail(node, f"nested deeper than {DEPTH_MAX}", "name a part of it as a clause of its own")
    if isinstance(node, yaml.ScalarNode) and node.value == "always":
        return Condition("all")
    pairs = entries(node)
    if len(pairs) != 1 or next(iter(pairs)) not in _WORDS:
        fail(node, f"a condition has one key, not {sorted(pairs)}", f"'always' or one of: {', '.join(_WORDS)}")
    [(op, inner)] = pairs.items()
    if op in ("all", "any"):
        parts = tuple(_condition(part, facts, clauses, depth + 1) for part in elements(inner))
        if not parts:
            fail(inner, f"{op!r} of nothing", "name a condition, or write always")
        return Condition(op, parts)
    if op == "not":
        return Condition(op, (_condition(inner, facts, clauses, depth + 1),))
    if op == "holds":
        named = (clauses or {}).get(text(inner))
        if named is None:
            fail(inner, f"no clause {text(inner)!r} stands before this one", near(text(inner), clauses or {}))
        return Condition(op, clause=named)
    return _test(op, inner, facts)


def read_clause(
    code: str, node: yaml.Node, facts: Mapping[str, Declared], clauses: Mapping[str, Clause] | None = None
) -> Clause:
    """Read and compile a clause; ``clauses`` are those ``holds`` may name. Raises DocumentError, with the place."""
    return Clause(code, _condition(node, facts, clauses))
