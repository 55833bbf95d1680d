"""Passing a share on to the right front door: allowed to children's social care, which cannot decline (practice 4)."""

from __future__ import annotations

from typing import Final

from concern_relay.v1.codes_pb2 import AgencyClass
from concern_relay.v1.shares_pb2 import ShareRedirected
from services.chassis.arrangement import Arrangement, Force, Told
from services.chassis.event import NOTHING, Decision, Fact, Refused
from services.routing.core.acts import in_hand, share_of
from services.routing.core.plan import Planner
from services.routing.core.recipients import Recipient, could_read
from services.routing.core.said import recorded
from services.routing.core.state import Share, State

_CSC = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE
REDIRECTS_MAX: Final = 4
"""Most times a share is passed on before somebody has to take it; each authority gets it once."""


def redirected(arrangement: Arrangement, state: State, fact: Fact, data: ShareRedirected) -> Decision:
    """Plan the share for the other front door; the redirector stays accountable until that one acknowledges.

    Raises:
        Refused: not the recipient, not children's social care, or a target that may not receive it.
    """
    share = share_of(state, data)
    if share.agency_class != _CSC:
        raise Refused(403, "may_not_redirect", "only children's social care redirects; others give an outcome")
    in_hand(share)
    if share.redirected_to:
        if share.redirected_to == data.to_agency_id:
            return NOTHING
        raise Refused(409, "already_redirected", "this share was redirected before; its new recipient redirects it on")
    if _hops(state, share) >= REDIRECTS_MAX:
        raise Refused(409, "too_many_redirects", "it was passed on too often: telephone the director, and take it on")
    told = _target(arrangement, state, fact, share, data.to_agency_id)
    planner = Planner(
        arrangement, state, fact.recorded, str(fact.id), state.assessed.event_id if state.assessed is not None else ""
    )
    assessed = None
    if state.assessed is not None:
        assessed = next((c for c in state.assessed.data.classes if c.recipient_class == _CSC), None)
    planner.redirected(told, assessed, share.share_id)
    effect = recorded(data, fact, share.share_id, share.share_id)
    return Decision(effects=(effect, *planner.effects), timers=tuple(planner.timers))


def _hops(state: State, share: Share) -> int:
    """Count how often it was passed on before."""
    count, seen = 0, {share.share_id}
    while share.redirected_from in state.shares and share.redirected_from not in seen:
        share = state.shares[share.redirected_from]
        seen.add(share.share_id)
        count += 1
    return count


def _target(arrangement: Arrangement, state: State, fact: Fact, share: Share, agency_id: str) -> Recipient:
    agency = arrangement.agency(agency_id)
    if agency is None or agency.agency_class != _CSC or not (agency.outside or agency.open_on(fact.recorded.date())):
        raise Refused(422, "not_a_front_door", "redirect to an open children's social care of the arrangement")
    if agency_id in (share.agency_id, state.concern.agency_id):
        raise Refused(422, "not_another_agency", "redirect to another agency than yourself and the sender")
    if could_read(state.concern, agency_id):
        raise Refused(422, "may_not_receive", "this agency may not receive it; telephone its director")
    if state.shares_of(agency_id):
        raise Refused(409, "already_told", "that agency has been told already; give an outcome instead")
    told = Told(
        rule_code="redirect",
        agency_class=_CSC,
        select=arrangement.matrix[_CSC].select,
        force=Force.MUST,
        clock_code=share.clock_code,
        cite="Practice 4: children's social care redirects and stays accountable until the other acknowledges",
    )
    return Recipient(agency, told, meant=share.agency_id, fallback="redirected")
