"""Duties with a time of their own: conferences, visits, notices, interviews (rules 2.1 and 2.2).

Each is started once, by the event its clock names, and restarted by nothing. It ends when a named person of the agency
says that it was done; in time or not, that it was asked for stays on record.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from concern_relay.v1.codes_pb2 import PersonRole, ShareOutcome, Urgency
from concern_relay.v1.shares_pb2 import DutyDone, DutyOverdue, DutyStarted
from services.chassis.arrangement import Agency, Arrangement, Force, TimedDuty, Told
from services.chassis.calendar import LONDON, Starts, due
from services.chassis.clauses import Facts
from services.chassis.event import NOTHING, Decision, Effect, Fact, Refused, Timer, derived_id
from services.routing.core.asked import Asked
from services.routing.core.directory import found_by, leading
from services.routing.core.handover import waits_for_handover
from services.routing.core.said import named, recorded
from services.routing.core.stand_in import answers
from services.routing.core.state import Duty, Share, State

_PROFESSIONAL: Final = PersonRole.PERSON_ROLE_PROFESSIONAL
_STRATEGY_DISCUSSION: Final = ShareOutcome.SHARE_OUTCOME_STRATEGY_DISCUSSION
DUTY: Final = "duty"
"""Kind of the timer: ``duty:<duty id>``."""


def arisen(asked: Asked, state: State, facts: Facts, at: datetime) -> Decision:
    """Start the duties that arise from what is known and were not started yet.

    Args:
        asked: the concern, looked at.
        state: with what was started before.
        facts: of the concern.
        at: recorded time of the cause.
    """
    started = {(duty.code, duty.agency_id) for duty in state.duties.values()}
    decision = NOTHING
    for duty in asked.arrangement.timed.values():
        if not duty.arises(facts):
            continue
        for agency in _owners(asked, duty):
            if waits_for_handover(asked.arrangement, state, duty, agency):
                continue
            if (duty.code, agency.agency_id) not in started:
                started.add((duty.code, agency.agency_id))
                decision = _also(decision, _start(asked, duty, agency, _begins(asked, duty, at)))
    return decision


def by_outcome(asked: Asked, state: State, share: Share, fact: Fact, outcome: ShareOutcome) -> Decision:
    """Start what an outcome leads to at the agency that gave it: the conference after an enquiry (rules 2.1).

    An enquiry counts from the strategy discussion at which it was started, where that was recorded before it.
    """
    agency = asked.arrangement.agency(share.agency_id)
    if agency is None or agency.outside or share.view_code:
        return NOTHING
    started = {(duty.code, duty.agency_id) for duty in state.duties.values()}
    discussed = share.outcome == _STRATEGY_DISCUSSION and share.outcome_at is not None
    begins = share.outcome_at if discussed and share.outcome_at is not None else fact.recorded
    decision = NOTHING
    for duty in asked.arrangement.timed.values():
        fits = duty.agency_class == agency.agency_class and duty.select.role in ("", *agency.roles)
        if outcome in duty.outcomes and fits and (duty.code, agency.agency_id) not in started:
            decision = _also(decision, _start(asked, duty, agency, begins))
    return decision


def done(arrangement: Arrangement, state: State, fact: Fact, data: DutyDone, asked: Asked) -> Decision:
    """Record that a named person did it, and start what follows: the next visit.

    Raises:
        Refused: 404 unknown, 403 another agency's or another person's own, 422 nobody named.
    """
    duty = state.duties.get(data.duty_id)
    if duty is None:
        raise Refused(404, "unknown_duty", "no such duty; list /v1/duties to see which there are")
    if duty.agency_id != (fact.agency_id or data.agency_id):
        raise Refused(403, "not_your_duty", "this duty is another agency's; its people say when it was done")
    who = named(fact)
    if duty.personal and _words(who.name) not in _professionals(state):
        # FGM Act 2003 s5B: the duty is the professional's own; a safeguarding lead cannot discharge it for them.
        raise Refused(
            403, "personal_duty", "this is the duty of the professional who learnt of it; nobody does it for them"
        )
    if duty.done_at is not None:
        return NOTHING
    decision = NOTHING
    for one in (duty, *_ended_with(arrangement, state, duty)):
        message = DutyDone(
            concern_id=fact.concern_id,
            duty_id=one.duty_id,
            agency_id=one.agency_id,
            late=fact.recorded > one.due_at,
        )
        effect = recorded(message, fact, duty.duty_id, one.duty_id)
        decision = _also(decision, Decision((effect,), (), (f"{DUTY}:{one.duty_id}",)))
    return _also(decision, _following(arrangement, state, asked, duty, fact.recorded))


def fired(state: State, fact: Fact, duty_id: str) -> Decision:
    """Say that a duty was not done in time; it stays to be done."""
    duty = state.duties.get(duty_id)
    if duty is None or duty.done_at is not None or duty.overdue:
        return NOTHING
    data = DutyOverdue(
        concern_id=fact.concern_id, duty_id=duty_id, agency_id=duty.agency_id, clock_code=duty.clock_code
    )
    data.due_at.FromDatetime(duty.due_at)
    return Decision((Effect(data, key=duty_id),))


def _ended_with(arrangement: Arrangement, state: State, duty: Duty) -> list[Duty]:
    """Give the duties of the agency that the same act does: one notification, by guidance and by law."""
    rule = arrangement.timed.get(duty.code)
    ends = rule.ends if rule is not None else ()
    return [d for d in state.duties.values() if d.code in ends and d.agency_id == duty.agency_id and d.done_at is None]


def _following(arrangement: Arrangement, state: State, asked: Asked, before: Duty, at: datetime) -> Decision:
    rule = arrangement.timed.get(before.code)
    follows = arrangement.timed.get(rule.then) if rule is not None else None
    agency = arrangement.agency(before.agency_id)
    if follows is None or agency is None:
        return NOTHING
    times = sum(d.code == follows.code and d.agency_id == before.agency_id for d in state.duties.values())
    if times >= follows.repeats_max:
        return NOTHING
    return _start(asked, follows, agency, at, before.duty_id)


def _start(asked: Asked, duty: TimedDuty, agency: Agency, begins: datetime, after: str = "") -> Decision:
    arrangement, concern = asked.arrangement, asked.concern
    urgent = bool(duty.urgent_clock_code) and concern.urgency >= Urgency.URGENCY_URGENT
    clock = arrangement.clocks[duty.urgent_clock_code if urgent else duty.clock_code]
    ends = due(clock, begins, arrangement.school_days(agency.areas))
    duty_id = derived_id(concern.concern_id, "duty", f"{duty.code}/{agency.agency_id}/{after}")
    data = DutyStarted(
        concern_id=concern.concern_id,
        duty_id=duty_id,
        duty_code=duty.code,
        clock_code=clock.code,
        agency_id=agency.agency_id,
        arrangement_sha256=arrangement.sha256,
        follows_duty_id=after,
        personal=duty.personal,
        test=concern.test,
        urgency=concern.urgency,
        leads=duty.own and agency.agency_id in leading(asked),
    )
    data.due_at.FromDatetime(ends)
    data.counts_from.FromDatetime(begins)
    return Decision((Effect(data, key=duty_id),), (Timer(f"{DUTY}:{duty_id}", ends),))


def _owners(asked: Asked, duty: TimedDuty) -> Iterator[Agency]:
    """Give whose duty it is; nobody to be found is the front door's, so that it is somebody's.

    What is the sender's own is nobody else's, and not its own either where a person of the concern reads its inbox.
    """
    told = Told(duty.code, duty.agency_class, duty.select, Force.MUST, duty.clock_code, duty.cite)
    meant = [one.agency for one in found_by(asked, told) if one.agency is not None]
    found = {one.agency_id: one for one in (_answers(asked, agency) for agency in meant) if one is not None}
    if duty.own:
        mine = found.get(asked.concern.agency_id)
        yield from (mine,) if mine is not None and mine.agency_id not in asked.readable else ()
        return
    if not found and not duty.select.optional and asked.fits(duty.select):
        home = asked.arrangement.agencies[asked.arrangement.front_door]
        found = {home.agency_id: home}
    yield from found.values()


def _answers(asked: Asked, agency: Agency) -> Agency | None:
    """Give who has it in an agency's place: closed, or read by the person of concern; whoever raised it knows of it."""
    return agency if agency.agency_id == asked.concern.agency_id else answers(asked, agency)


def _begins(asked: Asked, duty: TimedDuty, at: datetime) -> datetime:
    """Give the moment a duty is counted from: acceptance, when it happened, or when it became known here."""
    match asked.arrangement.clocks[duty.clock_code].starts:
        case Starts.RECEIVED:
            return asked.concern.raised_at or at
        case Starts.HAPPENED:
            # what was added later has a time of its own: a child came back after it went missing
            return min(asked.concern.came_to_light or happened(asked.concern.detail.occurred) or at, at)
        case _:
            return at


def happened(stated: str) -> datetime | None:
    """Read when something happened; None when no full moment or day is known. A day counts from its beginning."""
    try:
        moment = datetime.fromisoformat(stated)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=LONDON)).astimezone(UTC)


def _professionals(state: State) -> frozenset[str]:
    """Give the names of whose own duty it can be: who raised the concern, and professionals named in it.

    A safeguarding lead who sends what a teacher learnt names the teacher as a professional, and the teacher says it.
    """
    concern = state.concern
    listed = {f"{name.given} {name.family}" for p in concern.people if p.role == _PROFESSIONAL for name in p.names}
    # where a professional is named beside the sender, the duty is that professional's and not the sender's
    return frozenset(_words(name) for name in (listed or {concern.detail.raised_by.name}))


def _words(name: str) -> str:
    return " ".join(name.split()).casefold()


def _also(one: Decision, other: Decision) -> Decision:
    return Decision((*one.effects, *other.effects), (*one.timers, *other.timers), (*one.cancel, *other.cancel))
