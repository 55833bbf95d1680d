"""Names of things that must be the same whenever they are made: acts by their content, concerns by their children."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from concern_relay.v1.facts_pb2 import Person
from services.chassis.concern import CHILDREN
from services.chassis.journal.rows import act_id
from services.intake.content import Contents
from services.intake.ids import IdKey, Reference, content_digest


def digest_of(key: IdKey, contents: Contents) -> str:
    """Give the keyed digest of a content, as text."""
    return content_digest(key, contents.urgency, contents.parts).hex()


def version_key(version: int, digest: str) -> str:
    """Give the natural key of the act that makes this version of a concern.

    The version is part of it: content that comes back later, meant anew, is another act.
    """
    return digest if version == 1 else f"{version}:{digest}"


def version_act(concern_id: str, agency_id: str, version: int, digest: str) -> UUID:
    """Give the id of the act that would have made this version with this content."""
    name = "ConcernRaised" if version == 1 else "InformationCorrected"
    return act_id(concern_id, agency_id, name, version_key(version, digest))


def other_child_id(key: IdKey, reference: Reference, contents: Contents, taken: Collection[str]) -> str:
    """Give the id of a further concern under a reference, from who its children are.

    Children nobody can tell apart (no name, no number) give the same id; then the content decides.

    Args:
        key: the id-key.
        reference: the reference.
        contents: made for the first concern under it.
        taken: ids of the concerns that are there.
    """
    people = [c.part.person for c in contents.parts if c.part.WhichOneof("body") == "person"]
    children = sorted((p for p in people if p.role in CHILDREN), key=lambda p: p.person_id)
    who = b"".join(map(_identity, children))
    found = reference.other_child_id(key, who)
    return found if found not in taken else reference.other_child_id(key, who + digest_of(key, contents).encode())


def _identity(person: Person) -> bytes:
    kept = Person(
        person_id=person.person_id,
        role=person.role,
        names=person.names,
        birth_date=person.birth_date,
        expected_on=person.expected_on,
        identifiers=person.identifiers,
    )
    encoded = kept.SerializeToString(deterministic=True)
    return len(encoded).to_bytes(8, "big") + encoded
