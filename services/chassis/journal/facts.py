"""Rows and events as facts: what a core is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import asyncpg
from google.protobuf.message import Message

from concern_relay.v1.facts_pb2 import Part, SealedPart
from services.chassis.contract import has_parts
from services.chassis.envelope import Event, Record
from services.chassis.event import Fact, FactKind
from services.chassis.journal.rows import unpack_headers
from services.chassis.keys import Key
from services.chassis.sealing import open_part


def opened(event: Event, keys: Mapping[str, Key]) -> Fact:
    """Give the fact of an event, with the parts these keys open.

    Raises:
        SealBroken: a part was altered, or moved here from another event.
    """
    parts: dict[str, Part] = {}
    if keys:
        for sealed in sealed_parts(event.data):
            if (key := keys.get(sealed.key_id)) is not None:
                parts[sealed.part_id] = open_part(key, event.id, sealed)
    return fact_of(event, parts)


def fact_of(event: Event, parts: Mapping[str, Part]) -> Fact:
    """Give the fact of an event whose parts are open already."""
    return Fact(
        FactKind.EVENT,
        event.id,
        event.type,
        event.concern_id,
        event.time,
        event.recorded,
        event.data,
        parts,
        getattr(event.data, "agency_id", ""),
        event.causation_id,
        event.based_on,
    )


def sealed_parts(data: Message) -> Sequence[SealedPart]:
    """Give the sealed parts of a message; none when it has no such field."""
    return data.parts if has_parts(data) else ()  # type: ignore[attr-defined]


def entry_record(row: asyncpg.Record) -> Record:
    """Give the record a row of ``entry`` holds."""
    return Record(row["topic"], str(row["concern_id"]).encode(), unpack_headers(row["headers"]), row["value"])
