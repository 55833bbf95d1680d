"""No further action is an answer to what was known: something new makes it a question again (panel review, 2022).

The earlier answer stays on record. Nobody's label of an earlier referral changes who is told, or how soon.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from concern_relay.v1.codes_pb2 import ShareOutcome
from concern_relay.v1.shares_pb2 import OutcomeReopened, SharePlanned
from services.chassis.arrangement import Arrangement
from services.chassis.calendar import due
from services.chassis.event import NOTHING, Decision, Effect, Fact, Timer
from services.routing.core.folding import joined
from services.routing.core.state import Share, State

REVIEW: Final = "review"
_NFA: Final = ShareOutcome.SHARE_OUTCOME_NO_FURTHER_ACTION


def by_new_shares(arrangement: Arrangement, state: State, fact: Fact, effects: Iterable[Effect]) -> Decision:
    """Reopen what those answered with no further action who are told something new now."""
    decision = NOTHING
    for effect in effects:
        if isinstance(effect.data, SharePlanned):
            for share in _closed(state, effect.data.recipient_agency_id):
                decision = joined(decision, _reopened(arrangement, fact, share, effect.data.share_id))
    return decision


def by_link(arrangement: Arrangement, state: State, fact: Fact) -> Decision:
    """Reopen every answer of no further action when another concern about the child is linked to this one."""
    decision = NOTHING
    for share in _closed(state, ""):
        decision = joined(decision, _reopened(arrangement, fact, share, ""))
    return decision


def _closed(state: State, agency_id: str) -> list[Share]:
    return [
        share
        for share in state.shares.values()
        if share.outcome == _NFA and not share.void and not share.reopened and agency_id in ("", share.agency_id)
    ]


def _reopened(arrangement: Arrangement, fact: Fact, share: Share, cause: str) -> Decision:
    clock = arrangement.duties.review
    end = due(clock, fact.recorded)
    data = OutcomeReopened(
        concern_id=fact.concern_id,
        share_id=share.share_id,
        recipient_agency_id=share.agency_id,
        outcome=share.outcome,
        cause_share_id=cause,
        clock_code=clock.code,
    )
    data.due_at.FromDatetime(end)
    return Decision((Effect(data, key=share.share_id),), (Timer(f"{REVIEW}:{share.share_id}", end),))
