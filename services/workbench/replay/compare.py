"""What a core decides again against what was recorded: field by field, parts after opening. Pure.

Differences are paths, never values: a value may be about a child.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from services.chassis.contract import has_parts
from services.chassis.event import Effect
from services.chassis.sealing import KIND_OF_BODY
from services.workbench.replay.past import Past


def differences(effect: Effect, recorded: Past) -> list[str]:
    """Give the paths at which an effect differs from the event of the same id; transport headers aside."""
    event = recorded.event
    found = list(_of_messages(_bare(effect.data), _bare(event.data), "data"))
    if effect.topic and effect.topic != event.topic:
        found.append("topic")
    if (effect.time or event.recorded) != event.time:
        found.append("time")
    return found + list(_of_parts(effect, recorded))


def tombstones(recorded: Past) -> int:
    """Count the parts of an event that open for nobody any more, or not for us."""
    return sum(sealed.part_id not in recorded.parts for sealed in recorded.sealed)


def _of_parts(effect: Effect, recorded: Past) -> Iterator[str]:
    contents = {content.part_id: content.part for content in effect.contents}
    for sealed in recorded.sealed:
        produced = contents.pop(sealed.part_id, None)
        place = f"parts[{sealed.part_id}]"
        opened = recorded.parts.get(sealed.part_id)
        if opened is None:
            # erased or suspended: its bytes are what the ledger vouches for; there is nothing to compare them with
            continue
        if produced is None:
            yield place
            continue
        yield from _of_messages(produced, opened, place)
        if sealed.kind != KIND_OF_BODY.get(produced.WhichOneof("body") or "", sealed.kind):
            yield f"{place}.kind"
    yield from (f"parts[{part_id}]" for part_id in contents)


def _bare(data: Message) -> Message:
    if not has_parts(data) or not data.parts:  # type: ignore[attr-defined]
        return data
    bare = type(data)()
    bare.CopyFrom(data)
    bare.ClearField("parts")
    return bare


def _of_messages(produced: Message, recorded: Message, path: str) -> Iterator[str]:
    if produced == recorded:
        return
    if produced.DESCRIPTOR.full_name != recorded.DESCRIPTOR.full_name:
        yield path
        return
    fields = {f.name: f for message in (produced, recorded) for f, _ in message.ListFields()}
    if not fields or _known(produced) == _known(recorded):
        yield path  # they differ in fields that this code does not know
    for name, descriptor in fields.items():
        yield from _of_fields(getattr(produced, name), getattr(recorded, name), descriptor, f"{path}.{name}")


def _known(message: Message) -> Message:
    known = type(message)()
    known.CopyFrom(message)
    known.DiscardUnknownFields()
    return known


def _of_fields(produced: Any, recorded: Any, descriptor: FieldDescriptor, path: str) -> Iterator[str]:
    if not descriptor.is_repeated:
        yield from _of_values(produced, recorded, descriptor, path)
        return
    if len(produced) != len(recorded):
        yield path
        return
    for n, (one, other) in enumerate(zip(produced, recorded, strict=True)):
        yield from _of_values(one, other, descriptor, f"{path}[{n}]")


def _of_values(produced: Any, recorded: Any, descriptor: FieldDescriptor, path: str) -> Iterator[str]:
    if descriptor.message_type is not None:
        yield from _of_messages(produced, recorded, path)
    elif produced != recorded:
        yield path
