"""Who is asked next when nobody answered in time: deputies, whoever covers, and those above them.

The rungs are the arrangement's own: internal roles with their deputies, the agency that covers out of hours. A person
up the ladder answers in the role that was asked, so that no rung widens who may decide (practice 14, 27).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from concern_relay.v1.assessments_pb2 import DecisionEscalated, DecisionRequested
from concern_relay.v1.codes_pb2 import DeciderRole
from services.basis_assessment import pack as p
from services.basis_assessment.pack import LawPack
from services.chassis.arrangement import Agency, Arrangement
from services.chassis.calendar import LONDON, Clock, ClockRule, Starts, due, is_working_day
from services.chassis.codes import word_of

MANAGER: Final = "team_manager"
"""Where an agency does not list the role that was asked, its ladder begins with this one."""
AGAIN_MAX: Final = 3
"""How often the last rung is asked again before it stays as it is: overdue, and shown so."""
_HOURS_DEFAULT: Final = 24


@dataclass(frozen=True, slots=True)
class Rung:
    """Somebody a question goes to."""

    agency_id: str
    internal_role: str


def ladder(asked: DecisionRequested, arrangement: Arrangement, at: datetime) -> tuple[Rung, ...]:
    """Give who is asked after the first, in order: out of hours whoever covers comes before the deputies.

    Args:
        asked: the question.
        arrangement: in force now.
        at: now.
    """
    home = arrangement.agency(asked.agency_id)
    if home is None:
        return (Rung(asked.agency_id, ""),)
    role = word_of(DeciderRole, asked.role)
    inside = [Rung(home.agency_id, code) for code in _deputies(home, role)]
    cover = arrangement.agency(home.cover) if home.cover else None
    outside = [] if cover is None else [Rung(cover.agency_id, _first(cover, role))]
    rungs = [*outside, *inside] if _closed(home, at) else [*inside, *outside]
    return tuple(dict.fromkeys(rungs)) or (Rung(home.agency_id, _first(home, role)),)


def _closed(agency: Agency, at: datetime) -> bool:
    if agency.hours is None:
        return False
    local = at.astimezone(LONDON)
    minute = local.hour * 60 + local.minute
    open_now = agency.hours.opens_minute <= minute < agency.hours.closes_minute
    return not (open_now and is_working_day(local.date()))


def _first(agency: Agency, role: str) -> str:
    listed = {one.code for one in agency.internal}
    return role if role in listed else MANAGER if MANAGER in listed else ""


def _deputies(agency: Agency, role: str) -> Iterator[str]:
    """Give those who stand in for a role, then those above them; each once."""
    roles = {one.code: one for one in agency.internal}
    waiting, seen = [_first(agency, role)], {_first(agency, role)}
    while waiting:
        found = roles.get(waiting.pop(0))
        for deputy in found.deputies if found is not None else ():
            if deputy not in seen:
                seen.add(deputy)
                waiting.append(deputy)
                yield deputy


def escalation(
    asked: DecisionRequested, stage: int, pack: LawPack, arrangement: Arrangement, at: datetime
) -> DecisionEscalated | None:
    """Say whom a question goes to at a stage; None when the ladder and its repeats are used up.

    Args:
        asked: the question.
        stage: from 1.
        pack: in force now: its clocks.
        arrangement: in force now: its ladder.
        at: now; the next person has as long as the first had.
    """
    rungs = ladder(asked, arrangement, at)
    if stage > len(rungs) + AGAIN_MAX:
        return None
    rung = rungs[min(stage, len(rungs)) - 1]
    found = DecisionEscalated(
        concern_id=asked.concern_id,
        decision_id=asked.decision_id,
        agency_id=rung.agency_id,
        internal_role=rung.internal_role,
        stage=stage,
        clock_code=asked.clock_code,
        exhausted=stage >= len(rungs),
    )
    found.due_at.FromDatetime(due(_clock(pack, asked.clock_code), at))
    return found


def _clock(pack: LawPack, code: str) -> Clock:
    found = (row.clock for row in pack.tables[p.CLOCKS] if row.clock is not None and row.clock.code == code)
    return next(found, Clock(code, ClockRule.HOURS, _HOURS_DEFAULT, Starts.RECEIVED, ""))
