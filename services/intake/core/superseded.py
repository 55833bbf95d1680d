"""What a follow-up replaced does not come back with the whole content sent anew.

A sender's system keeps its form and sends it whole, as often as it likes. It need not know that a child has moved
since, that an item was taken back or a consent withdrawn: those came by another way, perhaps from another agency. So
the form is read against what it said before. A value that a follow-up has replaced is old news however late it comes,
and what the follow-up left stands; a value that was never said before counts. Field by field: a form that puts a name
right does not move the child back. Who means an old value anew says so with a follow-up of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from concern_relay.v1.codes_pb2 import ConsentStatus
from concern_relay.v1.facts_pb2 import Part
from services.chassis.concern import Concern

WHOLE: Final = 0
"""Stands for a whole part that was taken away, where a field's number would stand; no field has it."""
URGENCY: Final = ""
"""Stands for the concern's urgency, where a part's id would stand."""

Replaced: TypeAlias = Mapping[str, frozenset[tuple[int, bytes]]]
"""By part, the values that follow-ups replaced: number of the field, and the value as encoded."""


def with_follow_up(replaced: Replaced, before: Concern, after: Concern) -> Replaced:
    """Add what a follow-up replaced."""
    found = dict(replaced)
    for part_id, part in before.parts.items():
        old = set(_differing(part, after.parts.get(part_id), gone=part_id not in after.unopened))
        if old:
            found[part_id] = found.get(part_id, frozenset()) | old
    if before.urgency != after.urgency:
        found[URGENCY] = found.get(URGENCY, frozenset()) | {(int(before.urgency), b"")}
    return found


def as_it_stands(replaced: Replaced, concern: Concern, parts: Mapping[str, Part]) -> dict[str, Part]:
    """Give the parts of a whole content, with what follow-ups have replaced left as they left it."""
    return {
        part_id: _merged(replaced[part_id], concern.parts.get(part_id), part) if part_id in replaced else part
        for part_id, part in parts.items()
        if (WHOLE, _encoded(part)) not in replaced.get(part_id, ()) or part_id in concern.parts
    }


def still_withdrawn(withdrawn: Mapping[str, str], parts: Mapping[str, Part]) -> dict[str, Part]:
    """Give parts in which a consent that was withdrawn is withdrawn, whatever a form still says of it."""
    found = dict(parts)
    for part_id in withdrawn.keys() & parts.keys():
        found[part_id] = Part()
        found[part_id].CopyFrom(parts[part_id])
        found[part_id].consent.status = ConsentStatus.CONSENT_STATUS_WITHDRAWN
    return found


def _differing(before: Part, after: Part | None, *, gone: bool) -> Iterator[tuple[int, bytes]]:
    if before is after or before == after:
        return
    if after is None:
        if gone:
            yield WHOLE, _encoded(before)
        return
    if before.WhichOneof("body") != after.WhichOneof("body"):
        return
    there = dict(_values(after))
    yield from ((number, value) for number, value in _values(before) if there[number] != value)


def _merged(old: frozenset[tuple[int, bytes]], known: Part | None, said: Part) -> Part:
    body = said.WhichOneof("body")
    if known is None or body is None or known.WhichOneof("body") != body:
        return said
    found = Part()
    found.CopyFrom(said)
    standing, told = getattr(known, body), getattr(found, body)
    numbers = {number for number, value in _values(said) if (number, value) in old}
    for descriptor in standing.DESCRIPTOR.fields:
        if descriptor.number in numbers:
            told.ClearField(descriptor.name)
            told.MergeFrom(_only(standing, descriptor.name))
    return found


def _values(part: Part) -> Iterator[tuple[int, bytes]]:
    body: Any = getattr(part, part.WhichOneof("body") or "note")
    for descriptor in body.DESCRIPTOR.fields:
        yield descriptor.number, _encoded(_only(body, descriptor.name))


def _only(message: Any, name: str) -> Any:
    found = type(message)()
    found.CopyFrom(message)
    for descriptor, _ in message.ListFields():
        if descriptor.name != name:
            found.ClearField(descriptor.name)
    return found


def _encoded(message: Any) -> bytes:
    return bytes(message.SerializeToString(deterministic=True))
