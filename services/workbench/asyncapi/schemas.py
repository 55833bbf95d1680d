"""JSON Schemas of the contract's messages, as protobuf's own JSON mapping writes them (proto3, ``ProtoJSON``)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from services.workbench.asyncapi.comments import comments

_F = FieldDescriptor
_TEXT: Final[dict[str, Any]] = {"type": "string"}
_BYTES: Final[dict[str, Any]] = {"type": "string", "contentEncoding": "base64"}
_SMALL: Final[dict[str, Any]] = {"type": "integer"}
_LARGE: Final[dict[str, Any]] = {"type": "string", "pattern": "^-?[0-9]+$"}
_SCALARS: Final = {
    _F.TYPE_STRING: _TEXT, _F.TYPE_BYTES: _BYTES, _F.TYPE_BOOL: {"type": "boolean"},
    _F.TYPE_INT32: _SMALL, _F.TYPE_UINT32: _SMALL, _F.TYPE_SINT32: _SMALL, _F.TYPE_FIXED32: _SMALL,
    _F.TYPE_SFIXED32: _SMALL, _F.TYPE_INT64: _LARGE, _F.TYPE_UINT64: _LARGE, _F.TYPE_SINT64: _LARGE,
    _F.TYPE_FIXED64: _LARGE, _F.TYPE_SFIXED64: _LARGE, _F.TYPE_DOUBLE: {"type": "number"},
    _F.TYPE_FLOAT: {"type": "number"},
}  # fmt: skip
_WELL_KNOWN: Final[dict[str, dict[str, Any]]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?s$"},
}


def schemas_of(messages: Iterable[Any]) -> dict[str, dict[str, Any]]:
    """Give the schemas of these messages and of all they are made of, by name."""
    found: dict[str, dict[str, Any]] = {}
    waiting: list[Descriptor | EnumDescriptor] = list(messages)
    while waiting:
        one = waiting.pop()
        name = _name(one)
        if name in found or one.full_name in _WELL_KNOWN:
            continue
        if isinstance(one, EnumDescriptor):
            found[name] = {**_said(name), "type": "string", "enum": [value.name for value in one.values]}
            continue
        found[name] = {
            **_said(name),
            "type": "object",
            "properties": {field.name: _field(field, name) for field in one.fields},
        }
        waiting += [made for field in one.fields if (made := field.message_type or field.enum_type) is not None]
    return dict(sorted(found.items()))


def _field(field: FieldDescriptor, within: str) -> dict[str, Any]:
    made = field.message_type or field.enum_type
    if made is None:
        schema = dict(_SCALARS[field.type])
    elif made.full_name in _WELL_KNOWN:
        schema = dict(_WELL_KNOWN[made.full_name])
    else:
        schema = {"$ref": f"#/components/schemas/{_name(made)}"}
    if field.is_repeated:
        schema = {"type": "array", "items": schema}
    said = _said(f"{within}.{field.name}")
    if said and "$ref" in schema:
        return {"allOf": [schema], **said}
    return {**said, **schema}


def _name(made: Descriptor | EnumDescriptor) -> str:
    return str(made.full_name).removeprefix("concern_relay.v1.")


def _said(name: str) -> dict[str, str]:
    text = comments().get(name, "")
    return {"description": text} if text else {}
