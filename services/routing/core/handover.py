"""Who holds a concern: who leads until another authority accepts, and what a move hands over with its deadlines.

The authority where a child was found leads, else the one where it lives (practice 24). A move changes nobody's
responsibility by itself: whoever led keeps the concern until the receiving authority accepts it, and the deadlines that
ran go along, so that a move buys nobody time (inter-authority procedures on transfer: the originating authority keeps
the case until the other has taken it over).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from concern_relay.v1.codes_pb2 import AgencyClass, AuthorityRole, ShareOutcome
from concern_relay.v1.shares_pb2 import DutyHandedOver, LeadPassed, OutcomeGiven, ShareAcknowledged
from services.chassis.arrangement import FRONT_DOOR, Agency, Arrangement, SelectBy, TimedDuty
from services.chassis.concern import Concern
from services.chassis.event import NOTHING, Decision, Effect, Fact
from services.routing.core.state import Duty, Share, State

_CSC: Final = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE
_STOPS: Final = ("acknowledge", "escalate")
NOT_ACCEPTING: Final = frozenset(
    {ShareOutcome.SHARE_OUTCOME_UNSPECIFIED, ShareOutcome.SHARE_OUTCOME_NO_FURTHER_ACTION,
     ShareOutcome.SHARE_OUTCOME_RECORDED}
)  # fmt: skip
"""Outcomes with which nobody takes a concern over: no further action is an answer, and so is taking note."""


def codes_of(concern: Concern, role: AuthorityRole) -> frozenset[str]:
    """Give the ONS codes of authorities concerned in a way with the children who moved."""
    return frozenset(
        a.gss_code for p in concern.people if p.person_id in concern.moved for a in p.authorities if a.role == role
    )


def kept(arrangement: Arrangement, state: State, agency: Agency) -> tuple[str, datetime | None]:
    """Give the former authority's share an agency takes over from after a move, and the deadline that goes along.

    Both empty where nobody moved, where the agency was told before, or where it is not where a child lives now.
    """
    concern = state.concern
    lives = codes_of(concern, AuthorityRole.AUTHORITY_ROLE_LIVES)
    if not _front_door(agency) or lives.isdisjoint(agency.areas) or state.shares_of(agency.agency_id):
        return "", None
    former = codes_of(concern, AuthorityRole.AUTHORITY_ROLE_FORMER)
    found = [share for share in state.shares.values() if _of_authority(arrangement, share, former)]
    open_ = [s.acknowledge_by for s in found if s.acknowledge_by is not None and s.acknowledged_at is None]
    return (found[0].share_id if found else ""), min(open_, default=None)


def accepted(arrangement: Arrangement, state: State, share: Share, fact: Fact) -> Decision:
    """Let the lead pass to who accepted, with the duties that follow the child; nothing where it leads already.

    Args:
        arrangement: in force.
        state: before the act.
        share: of who accepted.
        fact: the act.
    """
    agency = arrangement.agency(share.agency_id)
    leads = state.leads
    if agency is None or share.agency_class != _CSC or share.view_code or not leads or not _front_door(agency):
        return NOTHING
    if not _accepts(state, share, agency, fact):
        return NOTHING
    others = [known for i in sorted(leads) if (known := arrangement.agency(i)) is not None]
    if share.agency_id in leads or any(not other.areas.isdisjoint(agency.areas) for other in others):
        return NOTHING  # the same authority, its emergency duty team perhaps
    passed = LeadPassed(
        concern_id=fact.concern_id,
        agency_id=share.agency_id,
        from_agency_ids=sorted(leads),
        share_id=share.share_id,
    )
    released = [s.share_id for s in state.shares.values() if s.agency_id in leads]
    return Decision(
        (Effect(passed, key=share.share_id), *_duties(arrangement, state, agency, fact)),
        cancel=tuple(f"{kind}:{share_id}" for share_id in released for kind in _STOPS),
    )


def follows_child(rule: TimedDuty | None) -> bool:
    """Whether a duty is that of the authority where a child lives; any other stays with whose it is."""
    return rule is not None and not rule.own and SelectBy.LIVES in rule.select.by


def waits_for_handover(arrangement: Arrangement, state: State, rule: TimedDuty, agency: Agency) -> bool:
    """Whether a duty runs, or was done, at the authority a child moved from: it is handed over, not started anew."""
    former = codes_of(state.concern, AuthorityRole.AUTHORITY_ROLE_FORMER)
    if not follows_child(rule) or not former.isdisjoint(agency.areas):
        return False
    return any(
        duty.code == rule.code and (other := arrangement.agency(duty.agency_id)) and not former.isdisjoint(other.areas)
        for duty in state.duties.values()
    )


def _accepts(state: State, share: Share, agency: Agency, fact: Fact) -> bool:
    """Whether an act takes a concern over: an outcome that does, or an acknowledgement where no outcome can be given.

    A redirect asks only for the acknowledgement (practice 4); an authority off the network says so on the telephone.
    """
    if isinstance(fact.data, OutcomeGiven):
        return fact.data.outcome not in NOT_ACCEPTING
    before = state.shares.get(share.redirected_from)
    redirected = before is not None and before.agency_id in state.leads
    return isinstance(fact.data, ShareAcknowledged) and (agency.outside or redirected)


def _duties(arrangement: Arrangement, state: State, agency: Agency, fact: Fact) -> tuple[Effect, ...]:
    lives = codes_of(state.concern, AuthorityRole.AUTHORITY_ROLE_LIVES)
    if lives.isdisjoint(agency.areas):
        return ()
    return tuple(
        _handed(duty, agency, fact)
        for duty in state.duties.values()
        if duty.done_at is None and duty.agency_id in state.leads and follows_child(arrangement.timed.get(duty.code))
    )


def _handed(duty: Duty, agency: Agency, fact: Fact) -> Effect:
    data = DutyHandedOver(
        concern_id=fact.concern_id,
        duty_id=duty.duty_id,
        agency_id=agency.agency_id,
        from_agency_id=duty.agency_id,
    )
    data.due_at.FromDatetime(duty.due_at)
    return Effect(data, key=f"{duty.duty_id}/{agency.agency_id}")


def _front_door(agency: Agency) -> bool:
    return agency.agency_class == _CSC and (agency.outside or FRONT_DOOR in agency.roles)


def _of_authority(arrangement: Arrangement, share: Share, areas: frozenset[str]) -> bool:
    agency = arrangement.agency(share.agency_id)
    return agency is not None and not share.void and _front_door(agency) and not areas.isdisjoint(agency.areas)
