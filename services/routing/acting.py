"""Requests turned into acts: who acts, on which share, sealed with the share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import Channel
from concern_relay.v1.facts_pb2 import NamedPerson, Note, Part
from concern_relay.v1.shares_pb2 import (
    ActRefused,
    AttachmentFetched,
    AttachmentReceived,
    ShareAcknowledged,
    ShareDelivered,
    ShareRead,
    ShareRedirected,
)
from services.chassis.auth import Caller
from services.chassis.event import Content, KeyScope, Refused, derived_id
from services.chassis.journal import Journal
from services.routing.store import Shares

BELONGS_ELSEWHERE: Final = "belongs_elsewhere"


@dataclass(frozen=True, slots=True)
class Acting:
    """Does what people ask through HTTP.

    An act's key holds a keyed digest of what was asked: the same again is the same act, another person's is another.

    Attributes:
        collected: told when a recipient comes for a share that is not recorded as delivered yet.
    """

    journal: Journal[Any]
    shares: Shares
    collected: Callable[[asyncpg.Record], Awaitable[None]] | None = None

    async def own(self, share_id: UUID, caller: Caller, act_code: str = "look") -> asyncpg.Record:
        """Give a share of the caller's agency; that another agency tried is recorded, once for each thing it tried.

        Raises:
            Refused: 404 for an unknown one, 403 for another agency's.
        """
        row = await self.any(share_id)
        if row["agency_id"] != caller.agency_id:
            await self._tried(row, caller.agency_id, act_code)
            raise Refused(403, "not_the_recipient", "this share is another agency's; its recipient alone may do this")
        if row["state"] == "planned" and self.collected is not None:
            await self.collected(row)
            row = await self.any(share_id)
        return row

    async def any(self, share_id: UUID) -> asyncpg.Record:
        """Give a share.

        Raises:
            Refused: 404 for an unknown one.
        """
        row = await self.shares.one(share_id)
        if row is None:
            raise Refused(404, "unknown_share", "no such share; list the inbox to see which there are")
        return row

    async def read(self, row: asyncpg.Record, who: NamedPerson) -> None:
        """Record who opens it, before it is opened."""
        await self._act(row, ShareRead(**ids_of(row)), [_named(row, who)])

    async def acknowledge(self, row: asyncpg.Record, who: NamedPerson) -> None:
        """Record that a named person has taken it on."""
        await self._act(row, ShareAcknowledged(**ids_of(row)), [_named(row, who)])

    async def outcome(self, row: asyncpg.Record, data: Message, who: NamedPerson, reason: str) -> None:
        """Record what was done."""
        await self._act(row, data, [_named(row, who), *_note(row, reason)])

    async def redirect(self, row: asyncpg.Record, to_agency_id: str, who: NamedPerson, reason: str) -> None:
        """Record where it belongs, and plan the share for there."""
        data = ShareRedirected(**ids_of(row), to_agency_id=to_agency_id, reason_code=BELONGS_ELSEWHERE)
        await self._act(row, data, [_named(row, who), *_note(row, reason)])

    async def delivered_by_hand(self, row: asyncpg.Record, who: NamedPerson, told: NamedPerson, said: str) -> None:
        """Record a call or a handing over: who told whom, and what was said."""
        data = ShareDelivered(**ids_of(row), channel=Channel.CHANNEL_MANUAL, attempt=1)
        contents = [_named(row, who, "caller"), _named(row, told, "told"), *_note(row, said)]
        await self._act(row, data, contents)

    async def received(self, row: asyncpg.Record, part_id: str, who: NamedPerson) -> None:
        """Record that a named person has an attachment."""
        await self._act(row, AttachmentReceived(**ids_of(row), part_id=part_id), [_named(row, who)])

    async def fetched(self, row: asyncpg.Record, data: AttachmentFetched, who: NamedPerson) -> None:
        """Record that a named person fetches the bytes of an attachment, before they go."""
        await self._act(row, data, [_named(row, who)])

    async def _tried(self, row: asyncpg.Record, agency_id: str, act_code: str) -> None:
        data = ActRefused(
            concern_id=str(row["concern_id"]),
            share_id=str(row["share_id"]),
            agency_id=agency_id,
            act_code=act_code,
            reason_code="not_the_recipient",
        )
        key = f"{row['share_id']}/{act_code}"
        await self.journal.act(str(row["concern_id"]), data, agency_id=agency_id, key=key)

    async def _act(self, row: asyncpg.Record, data: Message, contents: Sequence[Content]) -> None:
        # what was answered before a second look is another act than the same answer after it
        again = f"/{row['reopened_at'].isoformat()}" if row["reopened_at"] is not None else ""
        key = f"{row['share_id']}/{self.journal.desk.act_digest(data, contents).hex()}{again}"
        await self.journal.act(str(row["concern_id"]), data, agency_id=row["agency_id"], key=key, contents=contents)


def ids_of(row: asyncpg.Record) -> Any:
    """Give the ids every message about a share carries, as its keyword arguments."""
    return {
        "concern_id": str(row["concern_id"]),
        "share_id": str(row["share_id"]),
        "recipient_agency_id": row["agency_id"],
    }


def _content(row: asyncpg.Record, kind: str, part: Part) -> Content:
    concern_id, share_id = str(row["concern_id"]), str(row["share_id"])
    return Content(derived_id(concern_id, kind, share_id), KeyScope(concern_id, share_id=share_id), part)


def _named(row: asyncpg.Record, who: NamedPerson, kind: str = "actor") -> Content:
    return _content(row, kind, Part(named_person=who))


def _note(row: asyncpg.Record, text: str) -> list[Content]:
    return [_content(row, "note", Part(note=Note(text=text)))] if text else []
