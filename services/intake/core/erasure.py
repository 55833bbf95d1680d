"""Erasing what an agency sent: proposed by a named person, decided by another, not while a hold stands (practice 19).

Nothing is destroyed here. The approval is a fact; the vault destroys the keys when it takes it, routing asks those who
were told, and the log keeps what it holds, unreadable. Who decided is sealed under a key of the erasure itself: it
outlives what is erased.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from google.protobuf.message import Message

from concern_relay.v1.concerns_pb2 import (
    ErasureApproved,
    ErasureProposed,
    ErasureRejected,
    ErasureUndecided,
    HoldLifted,
    HoldPlaced,
)
from services.chassis.calendar import LONDON
from services.chassis.event import NOTHING, Content, Decision, Effect, Fact, KeyScope, Refused, Timer

ErasureAct = ErasureProposed | ErasureApproved | ErasureRejected | HoldPlaced | HoldLifted

ERASE: Final = "erase"
CLOCK: Final = "erasure_one_month"
"""UK GDPR Article 12(3): without undue delay, and within one month of receipt."""
TYPES: Final = frozenset({"ErasureProposed", "ErasureApproved", "ErasureRejected", "HoldPlaced", "HoldLifted"})


@dataclass(frozen=True, slots=True)
class Erasure:
    """A proposal.

    Attributes:
        proposer: the name, folded; kept in memory only, so that nobody approves what they proposed themself.
        answer: approved, rejected, or empty.
    """

    data: ErasureProposed
    proposer: str
    answer: str = ""

    @property
    def due(self) -> datetime:
        """By when it is decided."""
        return self.data.due_at.ToDatetime(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Erasures:
    """What was proposed of a concern, and what holds it back.

    Attributes:
        proposed: by erasure id.
        holds: by hold id, the agency that asked for it.
    """

    proposed: Mapping[str, Erasure] = field(default_factory=dict)
    holds: Mapping[str, str] = field(default_factory=dict)


def with_fact(state: Erasures, fact: Fact) -> Erasures:
    """Fold an event."""
    match fact.data:
        case ErasureProposed() as data:
            return replace(state, proposed={**state.proposed, data.erasure_id: Erasure(data, _name(fact))})
        case ErasureApproved() as data:
            return _answered(state, data.erasure_id, "approved")
        case ErasureRejected() as data:
            return _answered(state, data.erasure_id, "rejected")
        case HoldPlaced() as data:
            return replace(state, holds={**state.holds, data.hold_id: data.agency_id})
        case HoldLifted() as data:
            return replace(state, holds={k: v for k, v in state.holds.items() if k != data.hold_id})
    return state


def _answered(state: Erasures, erasure_id: str, answer: str) -> Erasures:
    known = state.proposed.get(erasure_id)
    if known is None:
        return state
    return replace(state, proposed={**state.proposed, erasure_id: replace(known, answer=answer)})


def asked(state: Erasures, known: frozenset[str], fact: Fact, data: ErasureAct) -> Decision:
    """Answer an act.

    Args:
        state: of the concern.
        known: part ids of the concern.
        fact: the act.
        data: what it asks to have recorded.

    Raises:
        Refused: nobody named, nothing to erase, the same person twice, a hold, unknown, decided before.
    """
    if not _name(fact) and not data.parts:
        raise Refused(422, "person_unnamed", "A named person does this. Give by with a name and a role.")
    match data:
        case ErasureProposed():
            return _propose(state, known, fact, data)
        case ErasureApproved():
            return _approve(state, fact, data)
        case ErasureRejected():
            return _reject(state, fact, data)
        case HoldPlaced():
            return _hold(state, fact, data)
        case HoldLifted():
            return _lift(state, fact, data)


def fired(state: Erasures, fact: Fact, erasure_id: str) -> Decision:
    """Say that nobody decided in time."""
    found = state.proposed.get(erasure_id)
    if found is None or found.answer:
        return NOTHING
    said = ErasureUndecided(
        concern_id=fact.concern_id,
        agency_id=found.data.agency_id,
        erasure_id=erasure_id,
        due_at=found.data.due_at,
        clock_code=found.data.clock_code,
    )
    return Decision((Effect(said, key=erasure_id),))


def month_after(moment: datetime) -> datetime:
    """Give the same time of day, in England, one month on; the last day of a month that is shorter."""
    local = moment.astimezone(LONDON)
    year, month = local.year + local.month // 12, local.month % 12 + 1
    day = min(local.day, calendar.monthrange(year, month)[1])
    return local.replace(year=year, month=month, day=day).astimezone(UTC)


def _propose(state: Erasures, known: frozenset[str], fact: Fact, data: ErasureProposed) -> Decision:
    if data.erasure_id in state.proposed:
        return NOTHING
    if not data.reason:
        raise Refused(422, "reason_missing", "Say why it is to be erased; see the codes of ErasureReason.")
    for part_id, what in ((data.person_id, "person"), (data.consent_ref, "consent")):
        if part_id and part_id not in known:
            raise Refused(422, f"no_such_{what}", f"No such {what} is recorded here. Name it by its ref or id.")
    said = ErasureProposed()
    said.CopyFrom(data)
    due = month_after(fact.recorded)
    said.due_at.FromDatetime(due)
    said.clock_code = CLOCK
    return Decision((_recorded(said, fact, data.erasure_id),), (Timer(f"{ERASE}:{data.erasure_id}", due),))


def _approve(state: Erasures, fact: Fact, data: ErasureApproved) -> Decision:
    found = _open(state, data.erasure_id, "approved")
    if found is None:
        return NOTHING
    if state.holds:
        raise Refused(
            409, "on_hold", "A hold stands: nothing of this concern may be erased. Whoever placed it lifts it first."
        )
    if _name(fact) and _name(fact) == found.proposer:
        raise Refused(409, "same_person", "Another named person than the one who proposed it decides (practice 19).")
    said = ErasureApproved()
    said.CopyFrom(data)
    said.person_id, said.consent_ref, said.reason = found.data.person_id, found.data.consent_ref, found.data.reason
    said.late = fact.recorded > found.due
    return Decision((_recorded(said, fact, data.erasure_id),), cancel=(f"{ERASE}:{data.erasure_id}",))


def _reject(state: Erasures, fact: Fact, data: ErasureRejected) -> Decision:
    found = _open(state, data.erasure_id, "rejected")
    if found is None:
        return NOTHING
    if not any(part.WhichOneof("body") == "note" for part in fact.parts.values()) and not data.parts:
        raise Refused(422, "reason_missing", "Say in words why it is kept.")
    said = ErasureRejected()
    said.CopyFrom(data)
    said.late = fact.recorded > found.due
    return Decision((_recorded(said, fact, data.erasure_id),), cancel=(f"{ERASE}:{data.erasure_id}",))


def _open(state: Erasures, erasure_id: str, answer: str) -> Erasure | None:
    """Give a proposal that waits; None when it was answered so before."""
    found = state.proposed.get(erasure_id)
    if found is None:
        raise Refused(404, "unknown_erasure", "No such erasure was proposed. List those of the concern.")
    if found.answer and found.answer != answer:
        raise Refused(409, "decided_before", f"This erasure was {found.answer}. Propose it anew if that changed.")
    return None if found.answer else found


def _hold(state: Erasures, fact: Fact, data: HoldPlaced) -> Decision:
    if data.hold_id in state.holds:
        return NOTHING
    if not data.ground:
        raise Refused(422, "ground_missing", "Say on which ground it is held; see the codes of HoldGround.")
    return Decision((_recorded(data, fact, data.hold_id),))


def _lift(state: Erasures, fact: Fact, data: HoldLifted) -> Decision:
    placed_by = state.holds.get(data.hold_id)
    if placed_by is None:
        raise Refused(404, "unknown_hold", "No such hold stands.")
    if placed_by != data.agency_id:
        raise Refused(403, "not_yours", "Whoever placed a hold lifts it.")
    return Decision((_recorded(data, fact, data.hold_id),))


def _recorded(data: Message, fact: Fact, case_id: str) -> Effect:
    """Give the event of an act; its parts under the key of the case."""
    bare = type(data)()
    bare.CopyFrom(data)
    del bare.parts[:]  # type: ignore[attr-defined]
    scope = KeyScope(case_id)
    contents = tuple(Content(i, scope, part) for i, part in sorted(fact.parts.items()))
    return Effect(bare, key=case_id, contents=contents, time=fact.time)


def _name(fact: Fact) -> str:
    """Give who acts, folded; empty when nobody is named or the name does not open."""
    names = (p.named_person.name for p in fact.parts.values() if p.WhichOneof("body") == "named_person")
    return next((" ".join(name.casefold().split()) for name in names), "")
