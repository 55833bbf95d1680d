"""What a message says in the clear: ids, times and codes; its sealed parts are counted and not looked at. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from services.chassis.codes import word_of

#: Levels of messages within messages that are shown; deeper ones are counted.
DEPTH_MAX: Final = 1


def clear_fields(data: Message, depth: int = DEPTH_MAX) -> dict[str, Any]:
    """Give the clear fields of a message that are set: codes as words, times as RFC 3339, sealed parts counted."""
    found: dict[str, Any] = {}
    for descriptor, value in data.ListFields():
        if descriptor.name == "parts":
            found["parts"] = len(value)
        elif descriptor.is_repeated:
            below = descriptor.message_type is not None and depth == 0
            found[descriptor.name] = len(value) if below else [_clear(descriptor, v, depth) for v in value]
        else:
            found[descriptor.name] = _clear(descriptor, value, depth)
    return found


def _clear(descriptor: FieldDescriptor, value: Any, depth: int) -> Any:
    if descriptor.enum_type is not None:
        return word_of(_Enum(descriptor.enum_type), value)
    if descriptor.message_type is None:
        return value.hex() if isinstance(value, bytes) else value
    if descriptor.message_type.full_name == "google.protobuf.Timestamp":
        return value.ToDatetime(tzinfo=UTC).isoformat()
    return clear_fields(value, depth - 1)


@dataclass(frozen=True, slots=True)
class _Enum:
    """An enum known by its descriptor, as ``word_of`` wants it."""

    DESCRIPTOR: EnumDescriptor
