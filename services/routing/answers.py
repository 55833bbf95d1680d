"""What routing's routes answer and take: pydantic at the edge, words for codes, moments in ISO 8601."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import asyncpg
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from concern_relay.v1.codes_pb2 import ShareOutcome
from concern_relay.v1.facts_pb2 import Part
from services.chassis.arrangement import Book
from services.chassis.codes import str_enum, word_of
from services.routing.duties.answers import DutyAnswer
from services.routing.store import urgency_word

NAME_CHARS_MAX: Final = 200
REASON_CHARS_MAX: Final = 4000
DEPTH_MAX: Final = 12

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_CHARS_MAX)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=REASON_CHARS_MAX)]
OutcomeWord: Any = str_enum(ShareOutcome)


class _Asked(BaseModel):
    """A body; unknown fields are refused, so that a misspelt one is not lost in silence."""

    model_config = ConfigDict(extra="forbid")


class NamedBody(_Asked):
    """Who acts: a person, by name, in a role."""

    name: Name
    role: Name


class ReadBody(_Asked):
    """Who reads; where it is left out, the person the token names."""

    name: str = Field(default="", max_length=NAME_CHARS_MAX)
    role: str = Field(default="", max_length=NAME_CHARS_MAX)


class OutcomeBody(NamedBody):
    """What the recipient did."""

    outcome: OutcomeWord
    reason: Reason = Field(default="", description="In words; required for no_further_action.")


class RedirectBody(NamedBody):
    """Where a share belongs."""

    to_agency_id: str = Field(min_length=1, max_length=100)
    reason: Reason = ""


class ByHandBody(NamedBody):
    """A telephone call, or a pack handed over: who told, whom, and what was said."""

    told_name: Name = Field(description="The person who was told.")
    told_role: Name
    said: Reason = ""


class ClockAnswer(BaseModel):
    """The clock of an acknowledgement, with where it comes from."""

    code: str
    due: datetime | None
    cite: str


class ShareAnswer(BaseModel):
    """Where a share stands. Nothing of its content, and nothing of what others were told."""

    share_id: UUID
    concern_id: UUID
    state: str = Field(
        description="delivered, read, acknowledged, outcome or recalled; planned while it is being brought."
    )
    recipient_agency_id: str
    recipient_class: str
    sender_agency_id: str
    urgency: str
    emergency: bool
    test: bool
    planned_at: datetime
    delivered_at: datetime | None
    acknowledge_by: datetime | None
    clock: ClockAnswer
    read_at: datetime | None
    acknowledged_at: datetime | None
    late: bool
    overdue: bool
    stage: int
    stage_role: str
    outcome: str
    adds_to_share_id: str
    redirects_share_id: str
    redirected_to: str
    stands_in_for: str = Field(description="Agency that was meant, where another stands in; empty otherwise.")
    stands_in_because: str
    withdrawn_part_ids: list[str] = Field(description="Parts you were given before that no longer stand.")
    recalled_at: datetime | None = Field(
        default=None, description="Called back: it opens no more; erase what you hold."
    )
    reopened_at: datetime | None = Field(default=None, description="Your outcome is to be looked at again.")
    closed_part_ids: list[str] = Field(default=[], description="Parts that open no more: their consent was withdrawn.")
    files: list[str] = Field(
        default=[], description="Files that were released to you: fetch them at /v1/inbox/{share_id}/attachments."
    )
    receipts: list[str] = Field(default=[], description="Attachments one of your people has said to have.")
    covered_role: str = Field(default="", description="The role whose turn it is, where its deputy is asked.")
    cover_agency_id: str = Field(default="", description="Who covers at this hour, where you are closed.")
    replaces_share_id: str = Field(default="", description="The recalled share this one was meant to be.")
    view_code: str = Field(default="", description="A narrower view than is usual for you, as notice.")
    beside_share_ids: list[str] = Field(
        default=[],
        description="Your other shares of this concern that stand beside this one, as the notice of an attendance: "
        "neither stands for the other; acknowledge each.",
    )


class InboxAnswer(BaseModel):
    """A page of shares, oldest first."""

    shares: list[ShareAnswer]
    next: int | None = Field(description="Pass it as `after` for the next page; null on the last.")
    duties: list[DutyAnswer] = Field(
        default=[], description="On the first page of an inbox: what your agency has to do by a time and has not done."
    )


class ViewPart(BaseModel):
    """One part of a view."""

    part_id: str
    kind: str
    body: dict[str, Any]


class ViewAnswer(BaseModel):
    """A share with its view, opened for the person who asked."""

    share: ShareAnswer
    parts: list[ViewPart]


def share_answer(row: asyncpg.Record, book: Book) -> ShareAnswer:
    """Give where a share stands, with the citation of its clock."""
    arrangement = book.by_digest(row["arrangement_sha256"]) or book.on(row["planned_at"].date())
    clock = arrangement.clocks.get(row["clock_code"])
    taken = {name: row[name] for name in ShareAnswer.model_fields if name in row.keys()}  # noqa: SIM118  (a Record's `in` looks at values)
    return ShareAnswer(
        **{
            **taken,
            "recipient_agency_id": row["agency_id"],
            "urgency": urgency_word(row["urgency"]),
            "clock": ClockAnswer(
                code=row["clock_code"], due=row["acknowledge_by"], cite="" if clock is None else clock.cite
            ),
            "stands_in_for": row["meant_agency_id"],
            "stands_in_because": row["fallback_code"],
            "withdrawn_part_ids": list(row["withdrawn_part_ids"]),
            "state": row["state"] if row["recalled_at"] is None else "recalled",
        }
    )


def view_answer(share: ShareAnswer, parts: Mapping[str, Part]) -> ViewAnswer:
    """Give a view in words."""
    return ViewAnswer(share=share, parts=[ViewPart(**part) for part in in_order(parts)])


def in_order(parts: Mapping[str, Part]) -> list[dict[str, Any]]:
    """Give the parts of a view in words, by id."""
    return [part_in_words(part_id, part) for part_id, part in sorted(parts.items())]


def part_in_words(part_id: str, part: Part) -> dict[str, Any]:
    """Give one part in words."""
    kind = part.WhichOneof("body") or ""
    return {"part_id": part_id, "kind": kind, "body": in_words(getattr(part, kind)) if kind else {}}


def in_words(message: Message, depth: int = 0) -> dict[str, Any]:
    """Give the set fields of a message with words for codes; what is not set does not appear."""
    if depth > DEPTH_MAX:
        return {}
    return {field.name: _value(field, value, depth) for field, value in message.ListFields()}


def _value(field: FieldDescriptor, value: Any, depth: int) -> Any:
    if field.is_repeated:
        return [_single(field, one, depth) for one in value]
    return _single(field, value, depth)


def _single(field: FieldDescriptor, value: Any, depth: int) -> Any:
    if field.enum_type is not None:
        return word_of(Described(field.enum_type), value)
    if field.message_type is None:
        return value
    if field.message_type.full_name == "google.protobuf.Timestamp":
        return value.ToDatetime().isoformat() + "Z"
    return in_words(value, depth + 1)


class Described:
    """An enum as ``codes`` takes it: something with a DESCRIPTOR."""

    def __init__(self, descriptor: Any) -> None:
        self.DESCRIPTOR = descriptor
