"""Makes facts, events and submissions for tests of intake."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from google.protobuf.message import Message

from concern_relay.v1.facts_pb2 import Part
from services.chassis.envelope import Event
from services.chassis.event import Content, Effect, Fact, FactKind, Timer, effect_id
from services.intake.content import Contents, contents_of
from services.intake.ids import IdKey, Reference
from services.intake.reading import read

KEY = IdKey(b"an id-key for tests only, 32 bytes")
TODAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CANARY = "Zephyrine Quillfeather"


def submission(**fields: Any) -> dict[str, Any]:
    """Give a small submission that needs nothing added; ``fields`` replace or add."""
    return {
        "reference": "LL-2026-0042",
        "urgency": "urgent",
        "raised_by": {"name": "Asha Verne", "role": "designated safeguarding lead"},
        "people": [
            {
                "ref": "child",
                "role": "child",
                "names": [{"given": "Tamsin", "family": "Orchard"}],
                "birth_date": "2018-05-02",
                "identifiers": [{"kind": "nhs_number", "value": "9990000018"}],
                "authorities": [{"gss_code": "E10000016", "role": "lives"}],
            },
            {"ref": "mother", "role": "parent", "names": ["Morwenna Orchard"]},
        ],
        "items": [
            {"ref": "seen", "category": "welfare", "kind": "fact", "text": "A bruise on the cheek.", "about": "child"}
        ],
        **fields,
    }


def said(given: Mapping[str, Any], *, agency: str = "larkfield-primary", concern_id: str = "") -> Contents:
    """Give the contents of a submission."""
    reading = read(json.dumps(given).encode())
    reference = Reference(agency, reading.submission.reference, reading.submission.history, reading.submission.test)
    return contents_of(reading.submission, concern_id=concern_id or reference.concern_id(KEY), key=KEY, today=TODAY)


def parts_of(contents: Contents) -> dict[str, Part]:
    """Give the parts of a content by id."""
    return {content.part_id: content.part for content in contents.parts}


def event_of(data: Message, concern_id: str, at: datetime) -> Event:
    """Give an event with this message, as another service would write it."""
    return Event(
        id=uuid4(),
        type=data.DESCRIPTOR.name,
        topic="shares.v1",
        source="//concern-relay/test",
        time=at,
        recorded=at,
        concern_id=concern_id,
        causation_id=None,
        based_on=(),
        data=data,
    )


def heard(data: Message, concern_id: str, at: datetime = NOON) -> Fact:
    """Give the fact of an event of another service."""
    return Fact(FactKind.EVENT, uuid4(), data.DESCRIPTOR.name, concern_id, at, at, data)


def act(data: Message, contents: Contents, at: datetime = NOON, act_id: UUID | None = None) -> Fact:
    """Give an act with its parts in the clear."""
    parts = parts_of(contents)
    name = data.DESCRIPTOR.name
    agency = getattr(data, "agency_id", "")
    return Fact(FactKind.ACT, act_id or uuid4(), name, contents.concern_id, at, at, data, parts, agency)


def fired(concern_id: str, timer: Timer) -> Fact:
    """Give the firing of a timer."""
    return Fact(FactKind.TIMER, uuid4(), "", concern_id, timer.due, timer.due, timer=timer)


def recorded(cause: Fact, effect: Effect) -> Fact:
    """Give the fact of an effect as the journal folds it: placeholders for parts, parts opened."""
    data = type(effect.data)()
    data.CopyFrom(effect.data)
    for content in effect.contents:
        data.parts.add(part_id=content.part_id)  # type: ignore[attr-defined]
    return Fact(
        FactKind.EVENT,
        effect_id(cause.id, effect.type, effect.key),
        effect.type,
        cause.concern_id,
        effect.time or cause.recorded,
        cause.recorded,
        data,
        opened(effect.contents),
        causation_id=cause.id,
    )


def opened(contents: tuple[Content, ...]) -> dict[str, Part]:
    """Give parts by id."""
    return {content.part_id: content.part for content in contents}


def minutes(count: float) -> timedelta:
    """Give so many minutes."""
    return timedelta(minutes=count)
