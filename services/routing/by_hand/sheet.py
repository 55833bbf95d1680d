"""A view as a sheet of paper: sections, and in each what is said, in words. Pure.

Only what the view holds appears; nothing shows that something was left out (practice 8).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import Category, PersonRole
from concern_relay.v1.facts_pb2 import Part, Person
from services.chassis.codes import word_of
from services.routing.answers import Described

TITLES: Final = {
    "detail": "The concern",
    "item": "What is known",
    "person": "People",
    "place": "Places",
    "group": "Groups",
    "consent": "Consent",
}
_REFERENCES: Final = frozenset(
    {"about_person_id", "mentions_person_ids", "about_place_id", "about_group_id", "to_person_id", "person_ids",
     "subject_person_id", "given_by_person_id"}
)  # fmt: skip
_OWN: Final = frozenset({"person_id", "item_id", "place_id", "group_id", "consent_ref", "item_ids", "core", "check"})
"""Ids and marks that say nothing to a reader on paper."""

_LABELS: Final[Mapping[str, str]] = {
    "about_person_id": "about",
    "mentions_person_ids": "mentions",
    "about_place_id": "about",
    "about_group_id": "about",
    "to_person_id": "to",
    "person_ids": "people",
    "subject_person_id": "of",
    "given_by_person_id": "given by",
    "gss_code": "authority",
    "text": "",
}


_IN_HEADING: Final = frozenset({"role", "names", "category"})
_BARE: Final = frozenset({"lines", "postcode", "name", "role", "value"})


@dataclass(frozen=True, slots=True)
class Line:
    """A label and what stands behind it; the label may be empty."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One part: its heading and its lines."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Parts of a kind."""

    title: str
    entries: tuple[Entry, ...]


def sheet(parts: Mapping[str, Part]) -> list[Section]:
    """Lay a view out for reading, what was seen first, then who it is about."""
    called = {part_id: _called(part) for part_id, part in parts.items()}
    sections = []
    for kind, title in TITLES.items():
        chosen = [(part_id, part) for part_id, part in sorted(parts.items()) if part.WhichOneof("body") == kind]
        chosen.sort(key=lambda pair: (not getattr(pair[1], "item").core if kind == "item" else 0, pair[0]))  # noqa: B009
        entries = tuple(Entry(called[part_id], tuple(_lines(getattr(part, kind), called))) for part_id, part in chosen)
        if entries:
            sections.append(Section(title, entries))
    return sections


def _called(part: Part) -> str:
    match part.WhichOneof("body"):
        case "person":
            return f"{_name(part.person)} ({word_of(PersonRole, part.person.role).replace('_', ' ')})"
        case "place":
            return part.place.name or "a place"
        case "group":
            return part.group.name or "a group"
        case "item":
            return word_of(Category, part.item.category).replace("_", " ") if part.item.category else "worry"
        case _:
            return ""


def _name(person: Person) -> str:
    names = [" ".join(filter(None, (one.given, one.family))) for one in person.names]
    return ", also ".join(filter(None, names)) or "name not known"


def _lines(message: Message, called: Mapping[str, str]) -> Iterator[Line]:
    for field, value in message.ListFields():
        if field.name not in _OWN and field.name not in _IN_HEADING and (text := _said(field, value, called)):
            yield Line(_label(field.name), text)


def _said(field: FieldDescriptor, value: Any, called: Mapping[str, str]) -> str:
    values = value if field.is_repeated else [value]
    between = "; " if field.message_type is not None else ", "
    return between.join(filter(None, (_single(field, one, called) for one in values)))


def _single(field: FieldDescriptor, value: Any, called: Mapping[str, str]) -> str:
    if field.name in _REFERENCES:
        return called.get(value, "")
    if field.enum_type is not None:
        return word_of(Described(field.enum_type), value).replace("_", " ")
    if field.message_type is not None:
        if field.message_type.full_name == "google.protobuf.Timestamp":
            return str(value.ToDatetime().isoformat()) + "Z"
        return ", ".join(filter(None, (_inner(inner, one, called) for inner, one in value.ListFields())))
    return "yes" if value is True else str(value)


def _inner(field: FieldDescriptor, value: Any, called: Mapping[str, str]) -> str:
    """Give one field of a thing inside a part, as an address or a relationship."""
    text = "" if field.name in _OWN else _said(field, value, called)
    return text if field.name in _BARE or not text else f"{_label(field.name)}: {text}"


def _label(name: str) -> str:
    return _LABELS.get(name, name).replace("_", " ")
