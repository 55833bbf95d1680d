"""Who acts in a scenario, and in which words, as parts of an act."""

from __future__ import annotations

from concern_relay.v1.facts_pb2 import NamedPerson, Note, Part
from services.chassis.event import Content, KeyScope, derived_id


def named_person(scope: KeyScope, name: str, role: str) -> Content:
    """Give the part that says who acted."""
    part = Part(named_person=NamedPerson(name=name, role=role))
    return Content(derived_id(scope.concern_id, "actor", scope.share_id), scope, part)


def note(scope: KeyScope, text: str) -> Content:
    """Give the part that holds the words of an act."""
    return Content(derived_id(scope.concern_id, "note", scope.share_id), scope, Part(note=Note(text=text)))
