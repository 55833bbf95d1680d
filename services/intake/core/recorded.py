"""From an act to the event that records it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from google.protobuf.message import Message

from concern_relay.v1.facts_pb2 import Part
from services.chassis.event import Content, Effect, Fact, FactKind
from services.intake.content import scope_of

ACTED: Final = frozenset({"named_person", "note"})
"""Bodies that say who acted and why, and nothing of the matter."""


def effect_of(fact: Fact, data: Message, parts: Mapping[str, Part]) -> Effect:
    """Record what an act asks for: the same message, its parts sealed under their own scopes."""
    bare = type(data)()
    bare.CopyFrom(data)
    del bare.parts[:]  # type: ignore[attr-defined]
    contents = tuple(Content(i, scope_of(fact.concern_id, part), part) for i, part in sorted(parts.items()))
    return Effect(bare, key=fact.concern_id, contents=contents, time=fact.time)


def as_event(fact: Fact, effect: Effect) -> Fact:
    """Give the fact that an effect is to a fold that looks at clear fields only."""
    return replace(fact, kind=FactKind.EVENT, type=effect.type, data=effect.data)
