"""Holds what happened against what must be, and what must not be."""

from __future__ import annotations

from collections.abc import Iterator

from services.workbench.scenario.check_access import access_differences
from services.workbench.scenario.check_after import after_differences
from services.workbench.scenario.check_basis import basis_differences
from services.workbench.scenario.check_clocks import clock_differences, running_differences
from services.workbench.scenario.check_decisions import decision_differences
from services.workbench.scenario.check_said import said_differences
from services.workbench.scenario.check_shares import share_differences
from services.workbench.scenario.identity_then import match_differences
from services.workbench.scenario.seen import Seen
from services.workbench.scenario.then import Then


def check(then: Then, seen: Seen) -> list[str]:
    """Give what is not as it must be, one line each; none when all is well."""
    return list(_differences(then, seen))


def _differences(then: Then, seen: Seen) -> Iterator[str]:
    for basis in then.basis:
        yield from basis_differences(basis, seen)
    yield from share_differences(then, seen)
    yield from said_differences(then, seen)
    yield from decision_differences(then, seen)
    yield from access_differences(then, seen)
    for match in then.matches:
        yield from match_differences(match, seen)
    for clock in then.clocks:
        yield from clock_differences(clock, seen)
    for kind in then.no_clocks:
        yield from running_differences(kind, seen)
    yield from after_differences(then, seen)
    names = {fact.type for fact in seen.facts}
    yield from (f"event {name} did not happen" for name in then.events if name not in names)
    yield from (f"event {name} happened and must not" for name in then.no_events if name in names)
