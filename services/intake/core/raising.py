"""Raising a concern, and correcting what was said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from concern_relay.v1.codes_pb2 import Urgency
from concern_relay.v1.concerns_pb2 import ConcernRaised, InformationCorrected
from concern_relay.v1.facts_pb2 import Part
from services.chassis.concern import CHILDREN, Concern
from services.chassis.event import Effect, Fact, Refused
from services.intake.core.recorded import ACTED, effect_of
from services.intake.core.state import IntakeState
from services.intake.core.superseded import URGENCY, as_it_stands, still_withdrawn
from services.intake.same_child import same_children

ALREADY_RAISED: Final = "already_raised"
OTHER_CHILD: Final = "other_child"
_MATTER: Final = ("item", "place", "group")


def raised(state: IntakeState, fact: Fact, data: ConcernRaised) -> Effect:
    """Record a concern.

    Raises:
        Refused: ``already_raised``.
    """
    if state.status.agency_id:
        raise Refused(409, ALREADY_RAISED, "This concern is recorded. Send what changed as a correction.")
    return effect_of(fact, data, fact.parts)


def corrected(state: IntakeState, fact: Fact, data: InformationCorrected) -> Effect | None:
    """Record a correction; None when nothing differs.

    The whole content sent anew takes away what is not in it, but for what came with a follow-up: the sender's form does
    not know of that, nor of what a follow-up replaced (``superseded``). A partial correction takes away only what it
    names.

    Raises:
        Refused: ``other_child``.
    """
    # a recorded act (replay) was judged when it was made, on parts that may be erased by now
    if not data.parts and not data.partial and not about_the_same(state.concern, fact.parts):
        raise Refused(409, OTHER_CHILD, "Not plainly about the same child. Raise it as a concern of its own.")
    parts = still_withdrawn(state.withdrawn, fact.parts)
    said = InformationCorrected()
    said.CopyFrom(data)
    if not data.partial:
        parts = as_it_stands(state.replaced, state.concern, parts)
        if (int(data.urgency), b"") in state.replaced.get(URGENCY, ()):
            said.urgency = Urgency.URGENCY_UNSPECIFIED  # a follow-up has changed it since
    sealed = {part.part_id for part in data.parts} | parts.keys()
    known = state.concern.parts.keys() | state.concern.unopened
    changed = _changed(state.concern, parts, sealed, set(data.changed_part_ids))
    removed = known & set(data.removed_part_ids) if data.partial else known - sealed - state.added
    urgent = bool(said.urgency) and said.urgency != state.status.urgency
    if not _matters(changed, parts) and not removed and not urgent:
        return None
    del said.changed_part_ids[:], said.removed_part_ids[:]
    said.changed_part_ids.extend(sorted(changed))
    said.removed_part_ids.extend(sorted(removed))
    return effect_of(fact, said, parts)


def about_the_same(concern: Concern, parts: Mapping[str, Part]) -> bool:
    """Whether content is plainly about the children of a concern; never so when those cannot be looked at."""
    if concern.unopened and not any(person.role in CHILDREN for person in concern.people):
        return False
    shared = any(concern.parts.get(i) == part for i, part in parts.items() if part.WhichOneof("body") in _MATTER)
    people = [part.person for part in parts.values() if part.WhichOneof("body") == "person"]
    return same_children(concern.people, people, shared=shared)


def _changed(concern: Concern, parts: Mapping[str, Part], sealed: set[str], said: set[str]) -> set[str]:
    """Give the parts that are new or differ. What cannot be opened any more (replay) is as it was said at the time."""
    compared = {part_id for part_id, part in parts.items() if concern.parts.get(part_id) != part}
    return compared | (said & (sealed - parts.keys()))


def _matters(changed: set[str], parts: Mapping[str, Part]) -> bool:
    """Whether anything changed but who says so and in which words."""
    return any(i not in parts or parts[i].WhichOneof("body") not in ACTED for i in changed)
