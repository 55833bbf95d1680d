"""Who may bring a share by hand, and the share as it stands on paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from concern_relay.v1.facts_pb2 import Part
from services.chassis.arrangement import Arrangement, Book
from services.chassis.auth import Caller
from services.chassis.calendar import LONDON
from services.chassis.event import Refused
from services.chassis.service import Context
from services.routing.acting import Acting
from services.routing.gate import looked_at, stopped
from services.routing.revocations import standing
from services.routing.sealed_view import all_open, keys_now, sealed_views
from services.routing.store import urgency_word

OPERATE: Final = "operate"
PURPOSE: Final = "by_hand"


async def brought(acting: Acting, book: Book, share_id: UUID, caller: Caller) -> asyncpg.Record:
    """Give a share that the caller brings by hand: its sender, or an operator.

    Raises:
        Refused: 404 for an unknown share, 403 for another's, 409 for one that lies in an inbox.
    """
    row = await acting.any(share_id)
    if OPERATE not in caller.scopes and row["sender_agency_id"] != caller.agency_id:
        raise Refused(403, "not_the_sender", "this share is another agency's to bring; its sender records the call")
    agency = book.on(row["planned_at"].date()).agency(row["agency_id"])
    if row["channel"] not in ("", "manual") and (agency is None or not agency.outside):
        raise Refused(409, "has_an_inbox", "this share was delivered to an inbox; its recipient acknowledges there")
    return row


@dataclass(frozen=True, slots=True)
class Bringing:
    """Opens views for paper: with the look at the door that every channel has."""

    context: Context
    book: Book

    async def opened(self, row: asyncpg.Record) -> Mapping[str, Part]:
        """Open a view for handing over.

        Raises:
            Refused: 410 when it may not leave any more, 503 when it cannot be opened just now.
        """
        if row["state"] == "blocked" or row["recalled_at"] is not None:
            raise Refused(410, "content_gone", "this share was stopped before it was brought; nothing of it may leave")
        views = await sealed_views(self.context.journal, {row["concern_id"]}, {row["planned_event_id"]})
        view = views.get(row["planned_event_id"])
        found = await keys_now(self.context.keys, views.values(), purpose=PURPOSE)
        stands = await standing(self.context, self.book, [row["agency_id"]] if row["delivered_at"] is None else [])
        verdict = looked_at(view, found, self.book, stands)
        if view is None or verdict.failed:
            raise Refused(503, "try_again", "this share cannot be opened just now: telephone, and try again")
        if verdict.agreement_ref:
            data, key = stopped(row, verdict), f"{row['share_id']}/{verdict.blocked}/{verdict.agreement_ref}"
            await self.context.journal.act(str(row["concern_id"]), data, agency_id=row["agency_id"], key=key)
        parts = all_open(view, found)
        if verdict.blocked or parts is None:
            raise Refused(
                410, "content_gone", "this share may not leave any more: it was erased, suspended or recalled"
            )
        return parts

    def header(self, row: asyncpg.Record) -> dict[str, Any]:
        """Give what stands at the head of the paper: who to whom, and until when."""
        arrangement = self.book.by_digest(row["arrangement_sha256"]) or self.book.on(row["planned_at"].date())
        return {
            "share_id": row["share_id"],
            "recipient": _name(arrangement, row["agency_id"]),
            "sender": _name(arrangement, row["sender_agency_id"]),
            "urgency": urgency_word(row["urgency"]),
            "emergency": row["emergency"],
            "test": row["test"],
            "planned": in_london(row["planned_at"]),
            "due": in_london(row["acknowledge_by"]) if row["acknowledge_by"] is not None else "",
        }


def in_london(moment: datetime) -> str:
    """Give a moment as people say it, Europe/London."""
    return f"{moment.astimezone(LONDON):%d %B %Y, %H:%M}"


def _name(arrangement: Arrangement, agency_id: str) -> str:
    agency = arrangement.agency(agency_id)
    return agency.name if agency is not None else agency_id
