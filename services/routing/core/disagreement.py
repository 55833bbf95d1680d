"""Resolving professional disagreement: raised by a person, taken from stage to stage, resolved by people.

Anybody of the sender or the recipient may raise it; it stops nothing that was decided to protect the child (practice
24). Roles and clocks of the stages are the arrangement's. A stage whose clock runs out is overdue, and the next one
begins by itself: nobody has to be brave twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from concern_relay.v1.codes_pb2 import DisagreementResolution, Urgency
from concern_relay.v1.shares_pb2 import (
    DisagreementMoved,
    DisagreementOverdue,
    DisagreementRaised,
    DisagreementResolved,
)
from services.chassis.arrangement import Arrangement, Stage
from services.chassis.calendar import due
from services.chassis.event import NOTHING, Decision, Effect, Fact, Refused, Timer, derived_id
from services.routing.core.cases import Disagreement
from services.routing.core.said import copied, named, reasoned, recorded
from services.routing.core.state import Share, State

DISAGREE: Final = "disagree"
_BY_EITHER: Final = frozenset(
    {
        DisagreementResolution.DISAGREEMENT_RESOLUTION_OUTCOME_CHANGED,
        DisagreementResolution.DISAGREEMENT_RESOLUTION_AGREED_PLAN,
    }
)


def raised(arrangement: Arrangement, state: State, fact: Fact, data: DisagreementRaised) -> Decision:
    """Record a disagreement and ask the first stage's roles; the same again while it is open leads to nothing.

    Raises:
        Refused: an unknown share, not a party, nobody named, no words, nothing delivered yet.
    """
    share = state.shares.get(data.share_id)
    if share is None:
        raise Refused(404, "unknown_share", "no such share; list the inbox, or ask for the shares of your concern")
    _party(state, share.agency_id, data.agency_id)
    if share.delivered_at is None:
        raise Refused(409, "not_delivered", "this share has not been delivered; there is nothing to disagree about yet")
    if not data.about:
        raise Refused(422, "about_required", "say what about; see the codes of DisagreementAbout")
    named(fact)
    reasoned(fact, "a disagreement needs its reason in words, for those who are asked to resolve it")
    known = state.cases.disagreements.values()
    if any(not one.resolved and _same(one, data) for one in known):
        return NOTHING
    message = copied(data)
    message.disagreement_id = derived_id(fact.concern_id, "disagreement", str(fact.id))
    message.recipient_agency_id = share.agency_id
    timer = _staged(arrangement, share, arrangement.stages[0], message, fact.recorded)
    return Decision((recorded(message, fact, share.share_id, f"{message.disagreement_id}/{data.about}"),), (timer,))


def moved(arrangement: Arrangement, state: State, fact: Fact, data: DisagreementMoved) -> Decision:
    """Take it to the next stage before its clock runs out.

    Raises:
        Refused: unknown, resolved, not a party, at its last stage.
    """
    found, share = _open(state, data)
    named(fact)
    reasoned(fact, "say in words why it goes to the next stage")
    stage = _after(arrangement, found.stage)
    if stage is None:
        raise Refused(409, "last_stage", "there is no stage after this one; those who are asked now resolve it")
    message = copied(data)
    message.share_id = share.share_id
    timer = _staged(arrangement, share, stage, message, fact.recorded)
    return Decision((recorded(message, fact, share.share_id, f"{found.disagreement_id}/{stage.number}"),), (timer,))


def resolved(state: State, fact: Fact, data: DisagreementResolved) -> Decision:
    """End it, by a named person; who was disagreed with cannot declare alone that its own outcome stands.

    Raises:
        Refused: unknown, not a party, no resolution, no words, not theirs to say.
    """
    known = state.cases.disagreements.get(data.disagreement_id)
    if known is not None and known.resolved:
        _party(state, known.recipient_agency_id, data.agency_id)
        return NOTHING
    found, share = _open(state, data)
    named(fact)
    if not data.resolution:
        raise Refused(422, "resolution_required", "say how it ended; see the codes of DisagreementResolution")
    reasoned(fact, "say in words what was agreed")
    if data.resolution not in _BY_EITHER and data.agency_id != found.agency_id:
        raise Refused(403, "not_yours_to_end", "who raised it says that the outcome stands, or takes it back")
    message = copied(data)
    message.share_id, message.stage = share.share_id, found.stage
    message.late = fact.recorded > found.due_at
    effect = recorded(message, fact, share.share_id, f"{found.disagreement_id}/{data.resolution}")
    return Decision((effect,), cancel=(_timer(found.disagreement_id),))


def fired(arrangement: Arrangement, state: State, fact: Fact, disagreement_id: str) -> Decision:
    """Say that a stage is overdue, and begin the next; after the last one it stays overdue on every page."""
    found = state.cases.disagreements.get(disagreement_id)
    share = state.shares.get(found.share_id) if found is not None else None
    if found is None or share is None or found.resolved:
        return NOTHING
    stage = arrangement.stages[min(found.stage, len(arrangement.stages)) - 1]
    overdue = DisagreementOverdue(
        concern_id=fact.concern_id,
        disagreement_id=disagreement_id,
        share_id=share.share_id,
        stage=found.stage,
        role_code=stage.role_code,
        clock_code=found.clock_code,
    )
    overdue.due_at.FromDatetime(found.due_at)
    effects = [Effect(overdue, key=f"{disagreement_id}/{found.stage}")]
    following = _after(arrangement, found.stage)
    if following is None:
        return Decision(tuple(effects))
    on = DisagreementMoved(concern_id=fact.concern_id, disagreement_id=disagreement_id, share_id=share.share_id)
    timer = _staged(arrangement, share, following, on, fact.recorded)
    return Decision((*effects, Effect(on, key=f"{disagreement_id}/{following.number}")), (timer,))


def _party(state: State, recipient: str, agency_id: str) -> None:
    if agency_id not in {state.concern.agency_id, recipient}:
        raise Refused(403, "not_a_party", "this is between the sender and the recipient of a share; you are neither")


def _open(state: State, data: DisagreementMoved | DisagreementResolved) -> tuple[Disagreement, Share]:
    found = state.cases.disagreements.get(data.disagreement_id)
    if found is None:
        raise Refused(404, "unknown_disagreement", "no such disagreement; list those of your agency")
    _party(state, found.recipient_agency_id, data.agency_id)
    if found.resolved:
        raise Refused(409, "already_resolved", "this disagreement was resolved; raise another if it is not settled")
    return found, state.shares[found.share_id]


def _same(one: Disagreement, data: DisagreementRaised) -> bool:
    return (one.share_id, one.agency_id, one.about) == (data.share_id, data.agency_id, data.about)


def _after(arrangement: Arrangement, number: int) -> Stage | None:
    return next((stage for stage in arrangement.stages if stage.number > number), None)


def _staged(arrangement: Arrangement, share: Share, stage: Stage, message: Any, begun: datetime) -> Timer:
    """Write a stage into a message; give the timer of its end."""
    urgent = share.urgency >= Urgency.URGENCY_URGENT
    clock = arrangement.clocks[stage.urgent_clock_code if urgent else stage.clock_code]
    end = due(clock, begun)
    message.stage, message.role_code, message.clock_code = stage.number, stage.role_code, clock.code
    message.due_at.FromDatetime(end)
    return Timer(_timer(message.disagreement_id), end)


def _timer(disagreement_id: str) -> str:
    return f"{DISAGREE}:{disagreement_id}"
