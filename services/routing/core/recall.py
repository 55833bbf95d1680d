"""Calling a share back: its view closes at once, the recipient is asked to erase, the breach has an owner and a clock.

Whom it was meant for is served in the same breath, and its clock goes on from when the wrong one was told: a child
does not wait longer because an envelope went astray (scenario S44).
"""

from __future__ import annotations

from typing import Final

from concern_relay.v1.codes_pb2 import AgencyClass, RecallReason
from concern_relay.v1.shares_pb2 import ShareRecalled
from services.chassis.arrangement import Agency, Arrangement, Force, Told
from services.chassis.codes import word_of
from services.chassis.concern import CHILDREN
from services.chassis.event import NOTHING, Decision, Fact, Refused
from services.routing.core import breach, erasure
from services.routing.core.acts import ACKNOWLEDGE, DELIVER, ESCALATE, timer_name
from services.routing.core.folding import folded, joined
from services.routing.core.plan import Planner
from services.routing.core.recipients import Recipient, could_read
from services.routing.core.said import copied, named, recorded
from services.routing.core.state import Share, State

FALLBACK: Final = "recalled"
_CSC: Final = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE


def recalled(arrangement: Arrangement, state: State, fact: Fact, data: ShareRecalled) -> Decision:
    """Recall a share; twice is harmless.

    Raises:
        Refused: unknown, not the sender's, nobody named, no reason, a correct recipient who may not have it.
    """
    share = state.shares.get(data.share_id)
    if share is None:
        raise Refused(404, "unknown_share", "no such share; ask for the shares of your concern")
    if data.agency_id != state.concern.agency_id:
        raise Refused(403, "not_the_sender", "a share is recalled by the agency that raised the concern")
    if share.recalled_at is not None:
        return NOTHING
    if share.blocked:
        raise Refused(409, "never_sent", "this share was stopped at the door; nobody has it")
    named(fact)
    if not data.reason:
        raise Refused(422, "reason_required", "say why it is recalled; see the codes of RecallReason")
    meant = _meant(arrangement, state, share, data, fact)
    message = copied(data)
    message.recipient_agency_id, message.reason_code = share.agency_id, word_of(RecallReason, data.reason)
    hides = any(address.hidden for person in state.concern.people for address in person.addresses)
    message.hidden_address = share.delivered_at is not None and (data.hidden_address or hides)
    decision = Decision(
        (recorded(message, fact, share.share_id, _said(message)),),
        cancel=tuple(timer_name(kind, share.share_id) for kind in (DELIVER, ACKNOWLEDGE, ESCALATE)),
    )
    if share.delivered_at is not None:
        clock = arrangement.duties.erase_recalled
        decision = joined(
            decision, erasure.asked(fact, share.agency_id, clock, erasure.RECALLED, share_id=share.share_id)
        )
        decision = joined(decision, breach.recorded_of(arrangement, fact, share, message))
    after = folded(state, fact, decision.effects)
    return joined(decision, _served(arrangement, after, fact, share, meant))


def _said(data: ShareRecalled) -> str:
    """Name all that was said of it: the id of the record then commits to it, and replay sees when it was altered."""
    return "/".join((data.share_id, data.reason_code, data.correct_agency_id, str(data.hidden_address)))


def _meant(arrangement: Arrangement, state: State, share: Share, data: ShareRecalled, fact: Fact) -> Agency | None:
    """Give whom it was meant for; children's social care is never recalled without another in its place."""
    # another share of the same agency is called back with this one: it is no other front door
    others = (s for s in state.shares.values() if s.agency_id != share.agency_id)
    stands = any(s.agency_class == _CSC and not s.void for s in others)
    if not data.correct_agency_id:
        if share.agency_class == _CSC and not stands:
            raise Refused(422, "correct_agency_required", "social care has to be told: say which front door is right")
        return None
    agency = arrangement.agency(data.correct_agency_id)
    if agency is None or not (agency.outside or agency.open_on(fact.recorded.date())):
        raise Refused(422, "unknown_agency", "the right recipient is no open agency of the arrangement")
    if agency.agency_class != share.agency_class or agency.agency_id in (share.agency_id, state.concern.agency_id):
        raise Refused(422, "not_in_its_place", "the right recipient is another agency of the same class")
    if could_read(state.concern, agency.agency_id):
        raise Refused(422, "may_not_receive", "a person of the concern could read that inbox; name another")
    return agency


def _served(arrangement: Arrangement, state: State, fact: Fact, share: Share, meant: Agency | None) -> Decision:
    assessed = state.assessed
    planner = Planner(arrangement, state, fact.recorded, str(fact.id), assessed.event_id if assessed else "")
    if meant is None:
        planner.nobody_left()
        return Decision(tuple(planner.effects), tuple(planner.timers))
    children = frozenset(
        part_id
        for part_id in share.digests
        if (person := state.concern.person(part_id)) is not None and person.role in CHILDREN
    )
    told = Told(
        rule_code=share.rule_code,
        agency_class=meant.agency_class,
        select=arrangement.matrix[meant.agency_class].select,
        force=Force.MUST,
        clock_code=share.clock_code,
        cite="Recall: whom it was meant for is served, and the clock goes on (scenario S44)",
    )
    classes = assessed.data.classes if assessed is not None else ()
    basis = next((c for c in classes if c.recipient_class == meant.agency_class), None)
    planner.instead(Recipient(meant, told, children, meant="", fallback=FALLBACK), basis, share)
    return Decision(tuple(planner.effects), tuple(planner.timers))
