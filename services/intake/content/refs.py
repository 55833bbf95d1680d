"""Who and what a submission names, and the opaque ids they get.

An id comes from the sender's own ref, so a resend and a correction name the same things. Where there is no ref, a
person is called by the role if only one has it (``child``), and everything else by its content: then a corrected item
is an item removed and one added. Never by its place in a list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from services.intake.ids import IdKey, part_id
from services.intake.submission import Consent, Group, Item, Person, Place

Thing = Person | Place | Group | Item | Consent


class Named(Protocol):
    """What names people and things: a submission, a follow-up."""

    @property
    def people(self) -> Sequence[Person]: ...  # noqa: D102
    @property
    def places(self) -> Sequence[Place]: ...  # noqa: D102
    @property
    def groups(self) -> Sequence[Group]: ...  # noqa: D102
    @property
    def items(self) -> Sequence[Item]: ...  # noqa: D102
    @property
    def consents(self) -> Sequence[Consent]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Refs:
    """Ids of everything named.

    Attributes:
        people, places, groups, items, consents: ids in the order of the submission.
        text: id of the item that top-level ``text`` becomes.
        person, place, group, item, consent: ids by ref.
    """

    people: tuple[str, ...]
    places: tuple[str, ...]
    groups: tuple[str, ...]
    items: tuple[str, ...]
    consents: tuple[str, ...]
    text: str
    person: Mapping[str, str]
    place: Mapping[str, str]
    group: Mapping[str, str]
    item: Mapping[str, str]
    consent: Mapping[str, str]


def refs_of(submission: Named, concern_id: str, key: IdKey) -> Refs:
    """Give the ids of everything a submission names."""

    def named(kind: str) -> Callable[[str], str]:
        return lambda ref: part_id(key, concern_id, kind, ref)

    people = tuple(map(named("person"), _person_refs(submission)))
    places = tuple(map(named("place"), _refs_of(submission.places)))
    groups = tuple(map(named("group"), _refs_of(submission.groups)))
    items = tuple(map(named("item"), _refs_of(submission.items)))
    consents = tuple(map(named("consent"), _refs_of(submission.consents)))
    return Refs(
        people,
        places,
        groups,
        items,
        consents,
        named("item")(unsaid("text", "", 1)),
        dict(zip(_person_refs(submission), people, strict=True)),
        dict(zip(_refs_of(submission.places), places, strict=True)),
        dict(zip(_refs_of(submission.groups), groups, strict=True)),
        dict(zip(_refs_of(submission.items), items, strict=True)),
        dict(zip(_refs_of(submission.consents), consents, strict=True)),
    )


def known_too(refs: Refs, mentioned: Collection[str], known: Collection[str], concern_id: str, key: IdKey) -> Refs:
    """Add the ids of what is spoken of and was named before, in the concern as it stands.

    Args:
        refs: of what is named now; these come first.
        mentioned: refs that are spoken of.
        known: part ids of the concern.
        concern_id: the concern.
        key: blinds refs.
    """

    def before(kind: str) -> dict[str, str]:
        ids = {ref: part_id(key, concern_id, kind, ref) for ref in mentioned}
        return {ref: found for ref, found in ids.items() if found in known}

    return replace(
        refs,
        person={**before("person"), **refs.person},
        place={**before("place"), **refs.place},
        group={**before("group"), **refs.group},
        item={**before("item"), **refs.item},
        consent={**before("consent"), **refs.consent},
    )


def _person_refs(submission: Named) -> list[str]:
    """Give each person a ref: its own, the role if that says who it is, or its content."""
    roles = Counter(person.role for person in submission.people if not person.ref)
    subjects: tuple[Person | Place | Group, ...] = (*submission.people, *submission.places, *submission.groups)
    taken = {subject.ref for subject in subjects}
    return [
        person.role if not person.ref and roles[person.role] == 1 and person.role and person.role not in taken else ref
        for person, ref in zip(submission.people, _refs_of(submission.people), strict=True)
    ]


def _refs_of(things: Sequence[Thing]) -> list[str]:
    seen: Counter[str] = Counter()
    refs = []
    for thing in things:
        if thing.ref:
            refs.append(thing.ref)
            continue
        said = thing.model_dump_json(exclude_defaults=True)
        seen[said] += 1  # two that are the same in every word are two, in whichever order
        refs.append(unsaid("content", said, seen[said]))
    return refs


def unsaid(*parts: object) -> str:
    """Give a ref that no sender can write: refs hold no newline."""
    return "\n".join(("", *map(str, parts)))
