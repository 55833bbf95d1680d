"""Requests about what follows a share, turned into acts: who acts, on what, sealed; and the refused ones recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
from google.protobuf.message import Message

from concern_relay.v1.facts_pb2 import NamedPerson, Note, Part
from concern_relay.v1.shares_pb2 import ActRefused, ContentViewed
from services.chassis import database
from services.chassis.envelope import Event, decode
from services.chassis.event import Content, KeyScope, Refused, derived_id
from services.chassis.journal import Journal, Recorded, opened, sealed_parts
from services.chassis.journal.facts import entry_record
from services.chassis.keys import Keys
from services.routing.afterwards.tables import Found
from services.routing.core.said import RECORDED_REFUSALS

PURPOSE: Final = "read_words"

_EVENTS = (
    "SELECT concern_id, topic, headers, value FROM entry WHERE concern_id = $1 AND event_id = ANY($2) ORDER BY seq"
)


@dataclass(frozen=True, slots=True)
class Afterwards:
    """Does what people ask, and gives what they may see."""

    journal: Journal[Any]
    found: Found
    keys: Keys

    async def do(
        self, data: Any, *, agency_id: str, about: str, contents: Sequence[Content], act_code: str
    ) -> Recorded:
        """Do an act; keep that it was tried when it is another agency's to do.

        Args:
            data: the message.
            agency_id: the caller's.
            about: id of what it is about; part of the act's key.
            contents: who, and in which words.
            act_code: what it is called in the record of a refusal.
        """
        key = f"{about}/{self.journal.desk.act_digest(data, contents).hex()}"
        try:
            return await self.journal.act(data.concern_id, data, agency_id=agency_id, key=key, contents=contents)
        except Refused as refusal:
            await self._tried(data, agency_id, act_code, about, refusal)
            raise

    async def _tried(self, data: Any, agency_id: str, act_code: str, about: str, refusal: Refused) -> None:
        """Record that an agency tried what it may not do, once for each thing it tried."""
        if refusal.code not in RECORDED_REFUSALS:
            return
        share_id = getattr(data, "share_id", "")
        tried = ActRefused(
            concern_id=data.concern_id,
            share_id=share_id,
            agency_id=agency_id,
            act_code=act_code,
            reason_code=refusal.code,
            about_id=about if about != share_id else "",
        )
        await self.journal.act(data.concern_id, tried, agency_id=agency_id, key=f"{share_id}/{about}/{act_code}")

    async def row(self, table: str, key: UUID, code: str) -> asyncpg.Record:
        """Give a row.

        Raises:
            Refused: 404 when there is none.
        """
        row = await self.found.one(table, key)
        if row is None:
            raise Refused(404, code, "there is no such thing of yours; list what there is")
        return row

    async def words(
        self, row: asyncpg.Record, who: NamedPerson, agency_id: str, purpose: str
    ) -> list[tuple[Event, dict[str, Part]]]:
        """Open the words of a disagreement or a request, having recorded who looks."""
        concern_id = str(row["concern_id"])
        data = ContentViewed(concern_id=concern_id, agency_id=agency_id, purpose_code=purpose)
        about = str(row["event_ids"][0])
        contents = [content(concern_id, about, "actor", Part(named_person=who))]
        key = f"{about}/{self.journal.desk.act_digest(data, contents).hex()}"
        await self.journal.act(concern_id, data, agency_id=agency_id, key=key, contents=contents)
        async with database.borrowed(self.journal.pool) as connection:
            rows = await connection.fetch(_EVENTS, concern_id, row["event_ids"])
        events = [decode(entry_record(one)) for one in rows]
        wanted = {part.key_id for event in events for part in sealed_parts(event.data)}
        keys = await self.keys.open(wanted, purpose=PURPOSE, fresh=True)
        return [(event, dict(opened(event, keys).parts)) for event in events]


def content(concern_id: str, about: str, kind: str, part: Part) -> Content:
    """Give one sealed part of an act."""
    return Content(derived_id(concern_id, kind, about), KeyScope(concern_id, share_id=about), part)


def said_by(concern_id: str, about: str, who: NamedPerson, words: str = "") -> list[Content]:
    """Give who acts, and in which words."""
    found = [content(concern_id, about, "actor", Part(named_person=who))]
    if words:
        found.append(content(concern_id, about, "note", Part(note=Note(text=words))))
    return found


def message_of(recorded: Recorded, name: str) -> Message | None:
    """Give the message of a type that an act led to."""
    return next((event.data for event in recorded.events if event.type == name), None)
