"""Erasure at those who were told: asked for, confirmed or declined by a named person, chased by a clock.

Three things ask for it: a share that was recalled, a consent that was withdrawn and was the basis, and an erasure that
two named people of the sender decided. A recipient that relies on a duty of its own declines with ground and decider;
that ends the chase (practice 19). Nothing here destroys a key: that is the vault's, when it takes what was decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from concern_relay.v1.concerns_pb2 import ErasureApproved
from concern_relay.v1.shares_pb2 import ErasureConfirmed, ErasureDeclined, ErasureOverdue, ErasureRequested
from services.chassis.arrangement import Arrangement
from services.chassis.calendar import Clock, due
from services.chassis.event import NOTHING, Decision, Effect, Fact, Refused, Timer, derived_id
from services.routing.core.cases import Erasure
from services.routing.core.chase import stage_after, stage_ends, who_is_asked
from services.routing.core.said import copied, named, reasoned, recorded
from services.routing.core.state import Share, State

ERASE: Final = "erase"
RECALLED: Final = "recalled"
CONSENT_WITHDRAWN: Final = "consent_withdrawn"
ERASED_AT_SOURCE: Final = "erased_at_source"


def asked(
    fact: Fact,
    agency_id: str,
    clock: Clock,
    reason: str,
    *,
    share_id: str = "",
    part_ids: Iterable[str] = (),
    consent_ref: str = "",
    decided: str = "",
) -> Decision:
    """Ask an agency to erase: the event, and the clock of its answer; ``decided`` is the sender's own erasure."""
    why = (reason, agency_id, share_id, consent_ref, *((decided,) if decided else ()))
    erasure_id = derived_id(fact.concern_id, "erasure", *why)
    end = due(clock, fact.recorded)
    data = ErasureRequested(
        concern_id=fact.concern_id,
        erasure_id=erasure_id,
        share_id=share_id,
        recipient_agency_id=agency_id,
        reason_code=reason,
        part_ids=sorted(part_ids),
        consent_ref=consent_ref,
        clock_code=clock.code,
    )
    data.due_at.FromDatetime(end)
    return Decision((Effect(data, key=erasure_id),), (Timer(f"{ERASE}:{erasure_id}", end),))


def withdrawn(arrangement_of: Callable[[Share], Arrangement], state: State, fact: Fact, consent_ref: str) -> Decision:
    """Ask everybody who was given something on a consent that is withdrawn; and the sender, for its own copy.

    Where consent was not the basis nobody is asked: the withdrawal is an objection on record, and erases nothing.
    """
    effects: list[Effect] = []
    timers: list[Timer] = []
    all_parts: set[str] = set()
    clock: Clock | None = None
    for share in state.shares.values():
        part_ids = share.consents.get(consent_ref, frozenset())
        if not part_ids or share.void or share.delivered_at is None:
            continue
        clock = arrangement_of(share).duties.erase
        all_parts |= part_ids
        one = asked(
            fact,
            share.agency_id,
            clock,
            CONSENT_WITHDRAWN,
            share_id=share.share_id,
            part_ids=part_ids,
            consent_ref=consent_ref,
        )
        effects += one.effects
        timers += one.timers
    if clock is not None and state.concern.agency_id:
        own = asked(
            fact, state.concern.agency_id, clock, CONSENT_WITHDRAWN, part_ids=all_parts, consent_ref=consent_ref
        )
        effects += own.effects
        timers += own.timers
    known = state.cases.erasures
    fresh = [e for e in effects if e.key not in known]
    kept = {e.key for e in fresh}
    return Decision(tuple(fresh), tuple(t for t in timers if t.name.partition(":")[2] in kept))


def at_source(
    arrangement_of: Callable[[Share], Arrangement], state: State, fact: Fact, data: ErasureApproved
) -> Decision:
    """Tell everybody who was given what its sender erases, and ask for the same (UK GDPR Article 17 and 19)."""
    decisions = []
    for share in state.shares.values():
        part_ids = _touched(state, share, data)
        if not part_ids or share.void or share.delivered_at is None:
            continue
        clock = arrangement_of(share).duties.erase
        whole = not data.person_id and not data.consent_ref
        ids = frozenset[str]() if whole else part_ids
        ask = asked(
            fact,
            share.agency_id,
            clock,
            ERASED_AT_SOURCE,
            share_id=share.share_id,
            part_ids=ids,
            decided=data.erasure_id,
        )
        decisions.append(ask)
    effects = tuple(effect for one in decisions for effect in one.effects)
    return Decision(effects, tuple(timer for one in decisions for timer in one.timers))


def _touched(state: State, share: Share, data: ErasureApproved) -> frozenset[str]:
    """Give the parts of a share that an erasure is about; what rested on a consent was asked back at its withdrawal."""
    if data.consent_ref:
        return frozenset()
    given = frozenset(share.digests)
    if not data.person_id:
        return given
    about = {item.item_id for item in state.concern.items if item.about_person_id == data.person_id}
    return given & (about | {data.person_id})


def confirmed(state: State, fact: Fact, data: ErasureConfirmed) -> Decision:
    """Record that it was erased; also after it was declined. Twice is harmless.

    Raises:
        Refused: unknown, another agency's, nobody named.
    """
    found = _of(state, data)
    named(fact)
    if found.answer == "confirmed":
        return NOTHING
    return _answered(fact, found, data)


def declined(state: State, fact: Fact, data: ErasureDeclined) -> Decision:
    """Record that it is kept, on which ground, and who decided.

    Raises:
        Refused: unknown, another agency's, nobody named, no ground, no words, erased already.
    """
    found = _of(state, data)
    named(fact)
    if not data.ground:
        raise Refused(422, "ground_required", "say on which ground it is kept; see the codes of ErasureGround")
    reasoned(fact, "say in words which duty of your own needs it")
    if found.answer == "confirmed":
        raise Refused(409, "already_erased", "its erasure was confirmed before; correct that with the sender")
    if found.answer == "declined":
        return NOTHING
    return _answered(fact, found, data)


def fired(arrangement: Arrangement, state: State, fact: Fact, erasure_id: str) -> Decision:
    """Say that an erasure is overdue, and ask the next role; after the last stage it stays overdue on every page."""
    found = state.cases.erasures.get(erasure_id)
    if found is None or found.answer:
        return NOTHING
    stage = stage_after(arrangement, found.stage)
    if stage is None:
        return NOTHING
    share = state.shares.get(found.share_id)
    urgency = share.urgency if share is not None else state.concern.urgency
    data = ErasureOverdue(
        concern_id=fact.concern_id,
        erasure_id=erasure_id,
        share_id=found.share_id,
        recipient_agency_id=found.agency_id,
        clock_code=found.clock_code,
        stage=stage.number,
        role_code=who_is_asked(arrangement, found.agency_id, stage.role_code, urgency, fact.recorded).role_code,
    )
    data.due_at.FromDatetime(found.due_at)
    timers: tuple[Timer, ...] = ()
    if stage_after(arrangement, stage.number) is not None:
        timers = (Timer(f"{ERASE}:{erasure_id}", stage_ends(arrangement, stage, urgency, fact.recorded)),)
    return Decision((Effect(data, key=f"{erasure_id}/{stage.number}"),), timers)


def _of(state: State, data: ErasureConfirmed | ErasureDeclined) -> Erasure:
    found = state.cases.erasures.get(data.erasure_id)
    if found is None:
        raise Refused(404, "unknown_erasure", "no such erasure; list those that your agency was asked for")
    if data.recipient_agency_id != found.agency_id:
        raise Refused(403, "not_asked", "another agency was asked for this erasure; it alone answers")
    return found


def _answered(fact: Fact, found: Erasure, data: ErasureConfirmed | ErasureDeclined) -> Decision:
    message = copied(data)
    message.share_id, message.consent_ref = found.share_id, found.consent_ref
    message.late = fact.recorded > found.due_at
    ground = f"/{data.ground}" if isinstance(data, ErasureDeclined) else ""
    effect = recorded(message, fact, found.share_id or found.erasure_id, f"{found.erasure_id}{ground}")
    return Decision((effect,), cancel=(f"{ERASE}:{found.erasure_id}",))
