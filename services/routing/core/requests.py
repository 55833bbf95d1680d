"""Asking another agency what it holds: for a stated purpose, under a stated power, with a clock (practice 21).

Only who knows of the concern asks: the sender, or a recipient. Who is asked learns about whom, as its class may see
them, and the question; nothing of what others were told. A request without purpose or power is returned, starts no
clock, and is on record.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from concern_relay.v1.facts_pb2 import Part
from concern_relay.v1.shares_pb2 import (
    InformationProvided,
    InformationRefused,
    InformationRequested,
    InformationRequestOverdue,
    InformationRequestReturned,
    NothingHeld,
)
from services.chassis.arrangement import Arrangement, MatrixRow
from services.chassis.calendar import LONDON, due
from services.chassis.concern import CHILDREN
from services.chassis.event import NOTHING, Content, Decision, Effect, Fact, KeyScope, Refused, Timer, derived_id
from services.routing.core import redact
from services.routing.core.cases import Request
from services.routing.core.recipients import could_read
from services.routing.core.said import copied, named, reasoned, recorded
from services.routing.core.state import State
from services.routing.core.strike import struck_of

REQUEST: Final = "request"
PURPOSE_REQUIRED: Final = "purpose_required"
POWER_REQUIRED: Final = "power_required"
OPEN_MAX: Final = 200
"""Most requests that are open in one concern: a limit on everything."""

Answer = InformationProvided | InformationRefused | NothingHeld


def purpose_part(concern_id: str, request_id: str) -> str:
    """Give the part id of a request's purpose; the question is its note."""
    return derived_id(concern_id, "purpose", request_id)


def requested(arrangement: Arrangement, state: State, fact: Fact, data: InformationRequested) -> Decision:
    """Ask, and start the clock of the band; or return what states no purpose or no power.

    Raises:
        Refused: not told of the concern, an agency that cannot be asked, no band, nobody named.
    """
    _may_ask(arrangement, state, fact, data)
    named(fact)
    if state.cases.requests.get(data.request_id) is not None:
        return NOTHING
    missing = _missing(fact, data)
    if missing:
        back = InformationRequestReturned(
            concern_id=fact.concern_id,
            request_id=data.request_id,
            agency_id=data.agency_id,
            asked_agency_id=data.asked_agency_id,
            reason_code=missing,
        )
        return returned(fact, back)
    if not data.band:
        raise Refused(422, "band_required", "say how soon: red, amber or green")
    if sum(not one.answer for one in state.cases.requests.values()) >= OPEN_MAX:
        raise Refused(409, "too_many_requests", "too many requests of this concern are open; see to those first")
    clock = arrangement.duties.requests[data.band]
    end = due(clock, fact.recorded)
    message = copied(data)
    message.clock_code = clock.code
    message.due_at.FromDatetime(end)
    said = "/".join((data.request_id, data.agency_id, data.asked_agency_id, str(data.band), str(data.power)))
    effect = recorded(message, fact, data.request_id, said)
    about = _about(arrangement, state, data, fact)
    effect = Effect(
        effect.data, effect.key, tuple({c.part_id: c for c in (*about, *effect.contents)}.values()), effect.time
    )
    return Decision((effect,), (Timer(f"{REQUEST}:{data.request_id}", end),))


def returned(fact: Fact, data: InformationRequestReturned) -> Decision:
    """Record that a request was returned; also when a replay presents that record."""
    said = f"{data.request_id}/{data.agency_id}/{data.asked_agency_id}/{data.reason_code}"
    return Decision((recorded(data, fact, data.request_id, said),))


def answered(state: State, fact: Fact, data: Answer) -> Decision:
    """Record an answer by a named person; a second one leads to nothing, unless it brings what was missing.

    Raises:
        Refused: unknown, another agency's, nobody named, no words, no reason.
    """
    found = state.cases.requests.get(data.request_id)
    if found is None:
        raise Refused(404, "unknown_request", "no such request; list those your agency was asked")
    if data.asked_agency_id != found.asked_agency_id:
        raise Refused(403, "not_asked", "another agency was asked; it alone answers")
    named(fact)
    _complete(fact, data)
    if found.answer == "provided" or (found.answer and not isinstance(data, InformationProvided)):
        return NOTHING
    message = copied(data)
    message.agency_id, message.late = found.agency_id, fact.recorded > found.due_at
    effect = recorded(
        message, fact, found.request_id, f"{found.request_id}/{data.DESCRIPTOR.name}/{getattr(data, 'reason', '')}"
    )
    return Decision((effect,), cancel=(f"{REQUEST}:{found.request_id}",))


def fired(state: State, fact: Fact, request_id: str) -> Decision:
    """Say that a request is overdue."""
    found = state.cases.requests.get(request_id)
    if found is None or found.answer or found.overdue:
        return NOTHING
    return Decision((Effect(_overdue(fact.concern_id, found), key=request_id),))


def _overdue(concern_id: str, found: Request) -> InformationRequestOverdue:
    data = InformationRequestOverdue(
        concern_id=concern_id,
        request_id=found.request_id,
        agency_id=found.agency_id,
        asked_agency_id=found.asked_agency_id,
        clock_code=found.clock_code,
    )
    data.due_at.FromDatetime(found.due_at)
    return data


def _complete(fact: Fact, data: Answer) -> None:
    if isinstance(data, InformationProvided):
        reasoned(fact, "say what is held, in words")
    if isinstance(data, InformationRefused):
        if not data.reason:
            raise Refused(422, "reason_required", "say why it is not given; see the codes of RequestRefusal")
        reasoned(fact, "a refusal needs its reason in words (practice 21)")


def _may_ask(arrangement: Arrangement, state: State, fact: Fact, data: InformationRequested) -> None:
    knows = {state.concern.agency_id, *(s.agency_id for s in state.shares.values() if s.delivered_at and not s.void)}
    if data.agency_id not in knows or not data.agency_id:
        raise Refused(403, "not_told", "only who was told of a concern asks others about it; there is no search")
    asked = arrangement.agency(data.asked_agency_id)
    if asked is None or not (asked.outside or asked.open_on(_day(fact.recorded))):
        raise Refused(422, "unknown_agency", "who is asked is no open agency of the arrangement")
    if asked.agency_id == data.agency_id:
        raise Refused(422, "not_another_agency", "ask another agency than yourself")
    if asked.agency_class not in arrangement.matrix:
        raise Refused(422, "may_not_be_asked", "the matrix has no row for that class: it may be told nothing")
    if could_read(state.concern, asked.agency_id):
        raise Refused(
            422, "may_not_be_asked", "a person of the concern could read that inbox; ask its director by hand"
        )


def _missing(fact: Fact, data: InformationRequested) -> str:
    purpose = fact.parts.get(purpose_part(fact.concern_id, data.request_id), Part())
    if not purpose.note.text.strip():
        return PURPOSE_REQUIRED
    return "" if data.power else POWER_REQUIRED


def _about(arrangement: Arrangement, state: State, data: InformationRequested, fact: Fact) -> list[Content]:
    """Give the children it is about, as the class that is asked may see them: without them nobody can look."""
    asked = arrangement.agency(data.asked_agency_id)
    row: MatrixRow | None = arrangement.matrix.get(asked.agency_class) if asked is not None else None
    if row is None:
        return []
    struck, scope = struck_of(state.concern), KeyScope(fact.concern_id, share_id=data.request_id)
    children = [person for person in state.concern.people if person.role in CHILDREN]
    kept = frozenset(person.person_id for person in children)
    found: list[Any] = [
        Content(person.person_id, scope, Part(person=redact.person(person, row, struck, kept)))
        for person in children
        if person.role in row.person_roles
    ]
    return found


def _day(moment: datetime) -> Any:
    return moment.astimezone(LONDON).date()
