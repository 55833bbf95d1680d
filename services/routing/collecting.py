"""A recipient that comes for a share before its answer to the webhook has reached us: it has it, so it is delivered.

A webhook's receiver may follow the link before it answers, answer too late, or answer a process that was killed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import asyncpg
from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import Channel
from concern_relay.v1.shares_pb2 import ShareDelivered
from services.chassis.arrangement import Book
from services.chassis.event import Refused
from services.chassis.service import Context
from services.routing.acting import ids_of
from services.routing.gate import looked_at, stopped
from services.routing.revocations import standing
from services.routing.sealed_view import keys_now, sealed_views
from services.routing.webhooks.queue import Queue

PURPOSE: Final = "deliver"


@dataclass(frozen=True, slots=True)
class Collecting:
    """Records what a recipient came for."""

    context: Context
    book: Book

    async def collected(self, row: asyncpg.Record) -> None:
        """Record the delivery of a share whose recipient was told by webhook and now acts on it.

        Raises:
            Refused: 410 when it may not leave any more.
        """
        attempts = await Queue(self.context.pool).attempts_of([row["share_id"]])
        if not attempts.get(row["share_id"]):
            return
        views = await sealed_views(self.context.journal, {row["concern_id"]}, {row["planned_event_id"]})
        found = await keys_now(self.context.keys, views.values(), purpose=PURPOSE)
        stands = await standing(self.context, self.book, [row["agency_id"]])
        verdict = looked_at(views.get(row["planned_event_id"]), found, self.book, stands)
        if verdict.failed:
            raise Refused(503, "try_again", "this share cannot be opened at the moment: try again")
        if verdict.blocked:
            await self._record(row, stopped(row, verdict))
            raise Refused(410, "content_gone", "this share was stopped before it reached you; ask the sender")
        await self._record(
            row, ShareDelivered(**ids_of(row), channel=Channel.CHANNEL_WEBHOOK, attempt=attempts[row["share_id"]])
        )

    async def _record(self, row: asyncpg.Record, data: Message) -> None:
        key = f"{row['share_id']}/collected"
        await self.context.journal.act(str(row["concern_id"]), data, agency_id=row["agency_id"], key=key)
