"""What comes after a concern was raised: additions, consents, moves, links. Each is a fact of its own.

The sender adds and takes consents; who was told of a concern may say that a child moved, and a named person of an
agency that holds both may link two concerns, or part them again (practice 22). Nothing is merged by that.
"""

from __future__ import annotations

from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import Urgency
from concern_relay.v1.concerns_pb2 import (
    ChildMoved,
    ConsentGiven,
    ConsentWithdrawn,
    InformationAdded,
    InformationCorrected,
    ObjectionRecorded,
    RecordsLinked,
    RecordsUnlinked,
)
from services.chassis.event import Effect, Fact, Refused
from services.intake.core.raising import corrected
from services.intake.core.recorded import ACTED, effect_of
from services.intake.core.reliance import not_the_basis
from services.intake.core.state import IntakeState
from services.intake.core.superseded import still_withdrawn

Links = RecordsLinked | RecordsUnlinked
FollowUp = (
    InformationAdded | InformationCorrected | ConsentGiven | ConsentWithdrawn | ChildMoved | Links | ObjectionRecorded
)

NOT_YOURS = "not_yours"
NOT_RAISED = "not_raised"


def followed(state: IntakeState, fact: Fact, data: FollowUp) -> Effect | None:
    """Answer a follow-up with the event that records it; None when it says nothing new.

    Raises:
        Refused: ``not_raised``, ``not_yours``, and what each kind of follow-up asks for.
    """
    _may(state, data)
    match data:
        case InformationAdded():
            return _added(state, fact, data)
        case InformationCorrected():
            return corrected(state, fact, data)
        case ConsentGiven():
            return _consented(state, fact, data)
        case ConsentWithdrawn():
            return _withdrawn(state, fact, data)
        case ChildMoved():
            return _moved(state, fact, data)
        case ObjectionRecorded():
            return _objected(state, fact, data)
        case _:
            return _linked(state, fact, data)


def _may(state: IntakeState, data: FollowUp) -> None:
    if not state.status.agency_id:
        raise Refused(404, NOT_RAISED, "There is no such concern to follow up. Raise it.")
    of_holders = isinstance(data, ChildMoved | RecordsLinked | RecordsUnlinked)
    allowed = state.holds(data.agency_id) if of_holders else data.agency_id == state.status.agency_id
    if not allowed:
        # of another agency's concern not even the existence is said
        raise Refused(404, NOT_YOURS, "There is no such concern of your agency.")


def _added(state: IntakeState, fact: Fact, data: InformationAdded) -> Effect | None:
    more_urgent = data.urgency > state.status.urgency
    if not more_urgent and not _news(state, fact, data):
        return None
    said = InformationAdded()
    said.CopyFrom(data)
    if not more_urgent:
        said.urgency = Urgency.URGENCY_UNSPECIFIED  # an addition never makes a concern less urgent; a correction may
    return effect_of(fact, said, still_withdrawn(state.withdrawn, fact.parts))


def _consented(state: IntakeState, fact: Fact, data: ConsentGiven) -> Effect | None:
    if data.consent_ref in state.withdrawn:
        raise Refused(
            409,
            "consent_withdrawn",
            "This consent was withdrawn, and what rested on it stays stopped. Send the new consent under a ref of its "
            "own, and add the information it covers.",
        )
    return effect_of(fact, data, fact.parts) if _news(state, fact, data) else None


def _withdrawn(state: IntakeState, fact: Fact, data: ConsentWithdrawn) -> Effect | None:
    if data.consent_ref in state.withdrawn:
        return None
    known = any(c.consent_ref == data.consent_ref for c in state.concern.consents)
    if not known and not data.parts and data.consent_ref not in state.concern.unopened:
        raise Refused(404, "no_such_consent", "No consent of that ref is recorded here. Look at how it was sent.")
    return effect_of(fact, data, fact.parts)


def _moved(state: IntakeState, fact: Fact, data: ChildMoved) -> Effect | None:
    if data.person_id not in state.concern.parts.keys() | state.concern.unopened:
        raise Refused(422, "no_such_child", "Name a child of this concern by the ref it was raised with.")
    return effect_of(fact, data, fact.parts) if _news(state, fact, data) or data.unknown_destination else None


def _linked(state: IntakeState, fact: Fact, data: Links) -> Effect | None:
    if data.other_concern_id == state.concern.concern_id:
        raise Refused(422, "same_concern", "A concern is not linked with itself. Name the other one.")
    names = [p.named_person.name for p in fact.parts.values() if p.WhichOneof("body") == "named_person"]
    if not any(name.strip() for name in names) and not data.parts:
        raise Refused(422, "person_unnamed", "A named person links records, and parts them again. Give by with a name.")
    if not data.reason_code:
        raise Refused(422, "reason_missing", "Say why, as reason_code; and in words, as reason.")
    there = data.other_concern_id in state.links
    if there == isinstance(data, RecordsLinked):
        return None
    return effect_of(fact, data, fact.parts)


def _objected(state: IntakeState, fact: Fact, data: ObjectionRecorded) -> Effect | None:
    if data.consent_ref in state.objected:
        return None
    # a recorded act (replay) was judged when it was made, with the parts that were closed then
    if not objection_due(state, data.consent_ref) and data.withdrawal_event_id != state.withdrawn.get(data.consent_ref):
        raise Refused(409, "consent_was_the_basis", "What rested on this consent stays stopped.")
    return effect_of(fact, data, fact.parts)


def objection_due(state: IntakeState, consent_ref: str) -> bool:
    """Whether a withdrawal is seen to have been an objection, and this is not recorded yet."""
    if consent_ref in state.objected:
        return False
    return not_the_basis(state.concern, state.reliance, state.withdrawn, consent_ref)


def _news(state: IntakeState, fact: Fact, data: Message) -> bool:
    """Whether anything of the matter is new or differs; what does not open any more (replay) was new when it came."""
    parts = state.concern.parts
    matter = {i: part for i, part in fact.parts.items() if part.WhichOneof("body") not in ACTED}
    closed = {part.part_id for part in data.parts} - fact.parts.keys()  # type: ignore[attr-defined]
    return bool(closed) or any(parts.get(i) != part for i, part in matter.items())
