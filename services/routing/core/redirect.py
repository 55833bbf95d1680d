"""Passing a share on to the right front door: allowed to children's social care, which cannot decline (practice 4)."""

from __future__ import annotations

from concern_relay.v1.codes_pb2 import AgencyClass
from concern_relay.v1.shares_pb2 import ShareRedirected
from services.chassis.arrangement import Arrangement, Force, Told
from services.chassis.event import NOTHING, Content, Decision, Effect, Fact, KeyScope, Refused
from services.routing.core.acts import share_of
from services.routing.core.plan import Planner
from services.routing.core.recipients import Recipient, could_read
from services.routing.core.state import Share, State

_CSC = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE


def redirected(arrangement: Arrangement, state: State, fact: Fact, data: ShareRedirected) -> Decision:
    """Plan the share for the other front door; the redirector stays accountable until that one acknowledges.

    Raises:
        Refused: not the recipient, not children's social care, or a target that may not receive it.
    """
    share = share_of(state, data)
    if share.agency_class != _CSC:
        raise Refused(403, "may_not_redirect", "only children's social care redirects; others give an outcome")
    if share.delivered_at is None:
        raise Refused(409, "not_delivered", "this share has not been delivered; there is nothing to redirect yet")
    if share.redirected_to:
        if share.redirected_to == data.to_agency_id:
            return NOTHING
        raise Refused(409, "already_redirected", "this share was redirected before; its new recipient redirects it on")
    told = _target(arrangement, state, fact, share, data.to_agency_id)
    planner = Planner(
        arrangement, state, fact.recorded, str(fact.id), state.assessed.event_id if state.assessed is not None else ""
    )
    assessed = None
    if state.assessed is not None:
        assessed = next((c for c in state.assessed.data.classes if c.recipient_class == _CSC), None)
    planner.redirected(told, assessed, share.share_id)
    message = ShareRedirected()
    message.CopyFrom(data)
    scope = KeyScope(fact.concern_id, share_id=share.share_id)
    contents = tuple(Content(part_id, scope, part) for part_id, part in sorted(fact.parts.items()))
    recorded = Effect(message, key=share.share_id, contents=contents, time=fact.time)
    return Decision(effects=(recorded, *planner.effects), timers=tuple(planner.timers))


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
