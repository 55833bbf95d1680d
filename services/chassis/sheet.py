"""A view as a sheet of paper: sections, and in each what is said, in words. Pure.

Only what the view holds appears; nothing shows that something was left out (practice 8). It reads the parts as routing
answers them, so that a page, a terminal and a recipient's own system say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from concern_relay.v1.facts_pb2 import Part

TITLES: Final = {
    "detail": "The concern",
    "item": "What is known",
    "person": "People",
    "place": "Places",
    "group": "Groups",
    "consent": "Consent",
}
_REFERENCES: Final = frozenset(
    {"about_person_id", "mentions_person_ids", "also_about_person_ids", "about_place_id", "about_group_id",
     "to_person_id", "person_ids", "protects_person_id", "subject_person_id", "given_by_person_id"}
)  # fmt: skip
_OWN: Final = frozenset(
    {"person_id", "item_id", "place_id", "group_id", "consent_ref", "item_ids", "core", "check",
     "emergency_minimum"}
)  # fmt: skip
"""Ids and marks that say nothing to a reader on paper."""

_LABELS: Final[Mapping[str, str]] = {
    "about_person_id": "about",
    "mentions_person_ids": "mentions",
    "also_about_person_ids": "about",
    "about_place_id": "about",
    "about_group_id": "about",
    "to_person_id": "to",
    "person_ids": "people",
    "protects_person_id": "to protect",
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


def sheet(parts: Sequence[Mapping[str, Any]]) -> list[Section]:
    """Lay a view out for reading, what was seen first, then who it is about.

    Args:
        parts: ``part_id``, ``kind`` and ``body`` of each, as ``POST /v1/inbox/{share}/read`` answers them.
    """
    called = {part["part_id"]: _called(part["kind"], part["body"]) for part in parts}
    sections = []
    for kind, title in TITLES.items():
        chosen = [(part["part_id"], part["body"]) for part in parts if part["kind"] == kind]
        chosen.sort(key=lambda pair: (kind == "item" and not pair[1].get("core"), pair[0]))
        entries = tuple(Entry(called[part_id], tuple(_lines(body, called))) for part_id, body in chosen)
        if entries:
            sections.append(Section(title, entries))
    return sections


def _called(kind: str, body: Mapping[str, Any]) -> str:
    match kind:
        case "person":
            return f"{_name(body)} ({_spaced(body.get('role', 'role not known'))})"
        case "place":
            return body.get("name") or "a place"
        case "group":
            return body.get("name") or "a group"
        case "item":
            return _spaced(body.get("category", "worry"))
        case _:
            return ""


def _name(person: Mapping[str, Any]) -> str:
    names = [" ".join(filter(None, (one.get("given"), one.get("family")))) for one in person.get("names", ())]
    return ", also ".join(filter(None, names)) or "name not known"


def _lines(body: Mapping[str, Any], called: Mapping[str, str]) -> Iterator[Line]:
    for field, value in body.items():
        if field not in _OWN and field not in _IN_HEADING and (text := _said(field, value, called)):
            yield Line(_label(field), text)


def _said(field: str, value: Any, called: Mapping[str, str]) -> str:
    values = value if isinstance(value, list) else [value]
    between = "; " if any(isinstance(one, dict) for one in values) else ", "
    return between.join(filter(None, (_single(field, one, called) for one in values)))


def _single(field: str, value: Any, called: Mapping[str, str]) -> str:
    if field in _REFERENCES:
        return called.get(value, "")
    if isinstance(value, dict):
        return ", ".join(filter(None, (_inner(inner, one, called) for inner, one in value.items())))
    if value is True:
        return "yes"
    return _spaced(str(value)) if field in _CODES else str(value)


def _inner(field: str, value: Any, called: Mapping[str, str]) -> str:
    """Give one field of a thing inside a part, as an address or a relationship."""
    text = "" if field in _OWN else _said(field, value, called)
    return text if field in _BARE or not text else f"{_label(field)}: {text}"


def _label(name: str) -> str:
    return _spaced(_LABELS.get(name, name))


def _spaced(word: str) -> str:
    return word.replace("_", " ")


def _codes(message: Any, seen: set[str]) -> Iterator[str]:
    """Give the names of fields that hold codes: their underscores are ours, those of all others the writer's."""
    seen.add(message.full_name)
    for field in message.fields:
        if field.enum_type is not None:
            yield field.name
        elif field.message_type is not None and field.message_type.full_name not in seen:
            yield from _codes(field.message_type, seen)


_CODES: Final = frozenset(_codes(Part.DESCRIPTOR, set()))
