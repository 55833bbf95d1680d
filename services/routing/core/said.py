"""What an act says: who acts, and in which words; and the act's own message as what is recorded of it."""

from __future__ import annotations

from typing import Final, TypeVar

from google.protobuf.message import Message

from concern_relay.v1.facts_pb2 import NamedPerson
from services.chassis.event import Content, Effect, Fact, KeyScope, Refused

M = TypeVar("M", bound=Message)

RECORDED_REFUSALS: Final = frozenset(
    {
        *("not_the_recipient", "not_the_sender", "not_a_party", "not_asked", "not_told", "not_the_controller"),
        *("not_your_duty", "personal_duty"),
    }
)
"""Refusals that are kept: an agency tried what is another's."""


def recorded(data: M, fact: Fact, under: str, key: str) -> Effect:
    """Record the act's own message, with who acted sealed.

    Args:
        data: the message, completed.
        fact: the act.
        under: id of the share, request or other thing under whose key its words are sealed.
        key: natural key.
    """
    message = type(data)()
    message.CopyFrom(data)
    scope = KeyScope(fact.concern_id, share_id=under)
    contents = tuple(Content(part_id, scope, part) for part_id, part in sorted(fact.parts.items()))
    return Effect(message, key=key, contents=contents, time=fact.time)


def copied(data: M) -> M:
    """Copy a message, to be completed: an act's own message is never changed."""
    message = type(data)()
    message.CopyFrom(data)
    return message


def named(fact: Fact) -> NamedPerson:
    """Give the named person of an act.

    Raises:
        Refused: 422 when nobody is named, or without a role.
    """
    for part in fact.parts.values():
        if part.WhichOneof("body") == "named_person":
            person = part.named_person
            if person.name.strip() and person.role.strip():
                return person
    raise Refused(422, "named_person_required", "say who acts: name and role; a system cannot acknowledge for a person")


def words(fact: Fact) -> str:
    """Give the words of an act; empty without any."""
    return next((p.note.text.strip() for p in fact.parts.values() if p.WhichOneof("body") == "note"), "")


def reasoned(fact: Fact, why: str) -> None:
    """Ask for words.

    Raises:
        Refused: 422 without any; ``why`` says what they are for.
    """
    if not words(fact):
        raise Refused(422, "reason_required", why)
