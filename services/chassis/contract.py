"""The contract at run time: message classes by type name, and the digest that names the schema in force."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any

from google.protobuf.message import Message

from services.chassis.errors import UnknownSchema
from services.chassis.event import TYPE_PREFIX

_EVENT_FILES = ("concerns", "assessments", "patterns", "shares", "keys", "ledger", "parked")


@cache
def _classes() -> dict[str, type[Message]]:
    found: dict[str, type[Message]] = {}
    for name in _EVENT_FILES:
        module: Any = import_module(f"concern_relay.v1.{name}_pb2")
        for type_name in module.DESCRIPTOR.message_types_by_name:
            found[type_name] = getattr(module, type_name)
    return found


def message_class(type_name: str) -> type[Message]:
    """Give the class of an event type (name without package).

    Raises:
        UnknownSchema: no such type here; upgrade this service, then replay the parked record.
    """
    found = _classes().get(type_name)
    if found is None:
        raise UnknownSchema(f"event type {type_name[:80]!r} is not known here: upgrade, then replay the parked record")
    return found


def has_parts(data: Message) -> bool:
    """Whether a message carries sealed parts."""
    return "parts" in data.DESCRIPTOR.fields_by_name


@cache
def descriptor_set() -> bytes:
    """Give the serialised FileDescriptorSet of the contract, imports included."""
    return (files("concern_relay.v1") / "descriptors.binpb").read_bytes()


@cache
def schema_urn() -> str:
    """Name the contract in force: ``urn:sha256:<hex>`` of its descriptor set (record attribute ``dataschema``)."""
    return f"urn:sha256:{hashlib.sha256(descriptor_set()).hexdigest()}"


def full_type(type_name: str) -> str:
    """Give the CloudEvents type of a message name."""
    return TYPE_PREFIX + type_name
