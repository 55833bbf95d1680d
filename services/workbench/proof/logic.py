"""Clauses in three values, as z3 reads them: each test becomes two formulas, true and false; neither is unknown.

A fact is a value and whether it is known. A test on a fact that is not known is neither true nor false, and Kleene's
rules carry that upwards exactly as ``services/chassis/clauses.py`` does: ``tests/unit/basis/test_proof.py`` holds the
two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import z3

from services.chassis.clauses import Clause, Condition, Declared, FactType, Span

Formula: TypeAlias = Any
"""A z3 Boolean: the library has no types of its own for mypy."""

AGE_MAX: Final = 200
SOLVER_DEADLINE_MS: Final = 20_000
TRUE: Final[Formula] = z3.BoolVal(True)
FALSE: Final[Formula] = z3.BoolVal(False)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A condition: when it is true, and when it is false. Where it is neither it is unknown."""

    true: Formula
    false: Formula

    @property
    def unknown(self) -> Formula:
        """When it is neither."""
        return z3.And(z3.Not(self.true), z3.Not(self.false))


@dataclass
class Logic:
    """Facts and clauses of one pack as formulas.

    Attributes:
        declared: the facts clauses may speak of.
        ranges: what bounds the values of the facts that were spoken of.
    """

    declared: dict[str, Declared]
    ranges: list[Formula] = field(default_factory=list)
    _known: dict[str, Formula] = field(default_factory=dict)
    _values: dict[str, Any] = field(default_factory=dict)
    _clauses: dict[str, Weighed] = field(default_factory=dict)

    def known(self, fact: str) -> Formula:
        """Say when a fact is known."""
        if fact not in self._known:
            self._known[fact] = z3.Bool(f"known {fact}")
        return self._known[fact]

    def clause(self, clause: Clause) -> Weighed:
        """Weigh a clause, once."""
        if clause.code not in self._clauses:
            self._clauses[clause.code] = self.weigh(clause.condition)
        return self._clauses[clause.code]

    def weigh(self, condition: Condition) -> Weighed:
        """Weigh a condition."""
        if condition.clause is not None:
            return self.clause(condition.clause)
        if condition.op in ("all", "any"):
            parts = [self.weigh(part) for part in condition.parts]
            trues, falses = [part.true for part in parts], [part.false for part in parts]
            if condition.op == "all":
                return Weighed(z3.And(*trues), z3.Or(*falses))
            return Weighed(z3.Or(*trues), z3.And(*falses))
        if condition.op == "not":
            inner = self.weigh(condition.parts[0])
            return Weighed(inner.false, inner.true)
        return self._test(condition.op, condition.fact, condition.value)

    def test(self, op: str, fact: str, value: Any) -> Weighed:
        """Weigh a test, as ``test("is", "told", "must")``."""
        return self._test(op, fact, value)

    def _test(self, op: str, fact: str, value: Any) -> Weighed:
        known = self.known(fact)
        if op == "at_least":
            low, high = self._span(fact)
            assert isinstance(value, Span)
            return Weighed(z3.And(known, low >= value.low), z3.And(known, high < value.low))
        holds = self._holds(op, fact, value)
        return Weighed(z3.And(known, holds), z3.And(known, z3.Not(holds)))

    def _holds(self, op: str, fact: str, value: Any) -> Formula:
        match op:
            case "is" if self.declared[fact].type is FactType.BOOL:
                return self._flag(fact) if value else z3.Not(self._flag(fact))
            case "is":
                return self._code(fact) == self._index(fact, value)
            case "in":
                return z3.Or(*(self._code(fact) == self._index(fact, code) for code in sorted(value)))
            case "has":
                return self._member(fact, value)
            case "has_any":
                return z3.Or(*(self._member(fact, code) for code in sorted(value)))
            case "before":
                return self._day(fact) < value.toordinal()
        raise AssertionError(op)

    def _flag(self, fact: str) -> Formula:
        return self._values.setdefault(fact, z3.Bool(fact))

    def _member(self, fact: str, code: str) -> Formula:
        return self._values.setdefault(f"{fact} has {code}", z3.Bool(f"{fact} has {code}"))

    def _code(self, fact: str) -> Any:
        if fact not in self._values:
            value = self._values[fact] = z3.Int(fact)
            self.ranges.append(z3.And(value >= 0, value < len(self.declared[fact].codes)))
        return self._values[fact]

    def _index(self, fact: str, code: str) -> int:
        return self.declared[fact].codes.index(code)

    def _day(self, fact: str) -> Any:
        return self._values.setdefault(fact, z3.Int(fact))

    def _span(self, fact: str) -> tuple[Any, Any]:
        if fact not in self._values:
            low, high = z3.Int(f"{fact} low"), z3.Int(f"{fact} high")
            self.ranges.append(z3.And(low >= 0, low <= high, high <= AGE_MAX))
            self._values[fact] = (low, high)
        found: tuple[Any, Any] = self._values[fact]
        return found

    def example(self, *wanted: Formula, given: Iterable[Formula] = ()) -> dict[str, str] | None:
        """Give facts under which all that is wanted holds; None when there are none.

        Raises:
            TimeoutError: z3 did not settle it in time: the pack is neither right nor wrong.
        """
        solver = z3.Solver()
        solver.set("timeout", SOLVER_DEADLINE_MS)
        solver.add(*given, *wanted, *self.ranges)
        answer = solver.check()
        if answer == z3.unknown:
            raise TimeoutError("z3 did not settle it in time; simplify the clause, or split the table")
        return self._read(solver.model()) if answer == z3.sat else None

    def _read(self, model: Any) -> dict[str, str]:
        """Read a counterexample as facts: what is known and has a value."""
        found: dict[str, str] = {}
        for fact, known in self._known.items():
            if not z3.is_true(model.eval(known, model_completion=True)):
                continue
            found[fact] = self._value(fact, model)
        return dict(sorted(found.items()))

    def _value(self, fact: str, model: Any) -> str:
        declared = self.declared[fact]
        if declared.type is FactType.CODES:
            prefix = f"{fact} has "
            members = [name.removeprefix(prefix) for name in self._values if name.startswith(prefix)]
            has = [code for code in members if z3.is_true(model.eval(self._member(fact, code), model_completion=True))]
            return ",".join(sorted(has)) or "none of those that matter"
        value = self._values.get(fact)
        if value is None:
            return "anything"
        if isinstance(value, tuple):
            low, high = (model.eval(end, model_completion=True).as_long() for end in value)
            return f"{low} to {high}"
        found = model.eval(value, model_completion=True)
        if declared.type is FactType.CODE:
            return str(declared.codes[found.as_long()])
        return str(found).lower()
