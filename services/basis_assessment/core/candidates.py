"""Conditions that an item could rest on and does not: each, with what it lacks.

Where none stands a person has to decide, and a list of what else there is says more than a refusal. A row is a
candidate unless the kind of data and the regime alone rule it out: offence data has no use for Article 9.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from concern_relay.v1.assessments_pb2 import CandidateCondition
from concern_relay.v1.codes_pb2 import CandidateStanding
from services.basis_assessment.pack import Row
from services.chassis.clauses import Clause, Condition, Facts

_KIND_OF_DATA: Final = ("sensitivity", "regime")


def candidates(rows: Iterable[Row], facts: Facts) -> Iterator[CandidateCondition]:
    """Give every condition that this kind of data could rest on, in the order of the pack.

    Args:
        rows: the pack's conditions, none of which holds.
        facts: of the item, its class and the concern.
    """
    kind = {name: facts[name] for name in _KIND_OF_DATA if name in facts}
    for row in rows:
        named = row.article9 or row.condition  # a row may only say that none is needed
        if named and row.clause.holds(kind) is not False:
            unknown = row.clause.holds(facts) is None
            yield CandidateCondition(
                article9=row.article9,
                condition=row.condition,
                standing=CandidateStanding.CANDIDATE_STANDING_OPEN
                if unknown
                else CandidateStanding.CANDIDATE_STANDING_NOT_MET,
                lacking_codes=dict.fromkeys(_lacking(row.clause, facts)),
            )


def _lacking(clause: Clause, facts: Facts) -> Iterator[str]:
    """Name what keeps a clause from holding: the clauses it is made of, or itself where a test of its own fails."""
    condition = clause.condition
    parts = condition.parts if condition.op == "all" else (condition,)
    for part in parts:
        if _holds(part, facts) is True:
            continue
        if part.clause is not None:
            yield from _lacking(part.clause, facts)
        else:
            yield clause.code


def _holds(condition: Condition, facts: Facts) -> bool | None:
    return Clause("", condition).holds(facts)
