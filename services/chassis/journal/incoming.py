"""What comes in by the journal's door, made ready to take its turn: a record from Kafka, an act of somebody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import ParkReason
from services.chassis.envelope import Event, Record, decode, digest_of
from services.chassis.errors import DecodeError, UnknownSchema
from services.chassis.event import Content, FactKind
from services.chassis.journal.desk import Desk
from services.chassis.journal.rows import Incoming, act_id, parked_id


@dataclass(frozen=True, slots=True)
class Act:
    """What a person or an agency's system asks, to be done with others; see ``Journal.act``.

    Attributes:
        traceparent: trace context its effects carry on.
        still: whether a concern still stands as it was when the act was made; None where that does not matter.
    """

    concern_id: str
    data: Message
    agency_id: str
    key: str
    contents: tuple[Content, ...] = ()
    time: datetime | None = None
    traceparent: str = ""
    still: Callable[[Any], bool] | None = None


def incoming_act(act: Act, desk: Desk[Any]) -> Incoming:
    """Make an act ready, under the id that its key gives it.

    Raises:
        ValueError: its time has no zone, or its key is too long.
    """
    if act.time is not None and act.time.tzinfo is None:
        raise ValueError("the time of an act needs a zone")
    now = desk.clock.now()
    identity = act_id(act.concern_id, act.agency_id, act.data.DESCRIPTOR.name, act.key)
    event = Event(
        identity, act.data.DESCRIPTOR.name, "", "", act.time or now, now, act.concern_id, None, (), act.data,
        act.traceparent,
    )  # fmt: skip
    return Incoming(
        FactKind.ACT,
        identity,
        act.concern_id,
        desk.act_digest(act.data, act.contents),
        event,
        contents=act.contents,
        still=act.still,
        agency_id=act.agency_id,
        traceparent=act.traceparent,
    )


def incoming_record(record: Record, service: str, traceparent: str, parked: UUID | None = None) -> Incoming:
    """Make a record ready; one that cannot be read is ready to be parked.

    Args:
        record: as it came.
        service: whose journal it enters.
        traceparent: trace context its effects carry on.
        parked: where it is parked already and taken again.
    """
    try:
        event = decode(record)
    except DecodeError as error:
        unknown = isinstance(error, UnknownSchema)
        reason = ParkReason.PARK_REASON_UNKNOWN_SCHEMA if unknown else ParkReason.PARK_REASON_UNDECODABLE
        origin = parked_id(service, record.topic, record.partition, record.offset)
        return Incoming(
            FactKind.EVENT,
            origin,
            _concern_of(record.key) or str(origin),
            b"",
            record=record,
            traceparent=traceparent,
            parked_id=parked,
            unreadable=(reason, type(error).__name__),
        )
    return Incoming(
        FactKind.EVENT,
        event.id,
        event.concern_id,
        digest_of(event.type, record.value),
        event,
        record,
        traceparent=traceparent,
        parked_id=parked,
    )


def _concern_of(key: bytes | None) -> str:
    """The concern an unreadable record belongs to, if its key says so."""
    try:
        return str(UUID((key or b"").decode("ascii")))
    except ValueError:
        return ""
