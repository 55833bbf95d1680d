"""``/v1/inbox``: what came for an agency, and what its people did with it. ``/v1/by-hand``: what a person brings.

An agency sees what is its own. Content is opened for a named person, and that it was opened is recorded first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, Query

from concern_relay.v1.codes_pb2 import ShareOutcome
from concern_relay.v1.facts_pb2 import NamedPerson
from concern_relay.v1.shares_pb2 import OutcomeGiven
from services.chassis.arrangement import Book
from services.chassis.auth import Caller, require
from services.chassis.codes import number_of
from services.chassis.keys import Keys
from services.chassis.problems import problem
from services.routing.acting import Acting, ids_of
from services.routing.answers import (
    ByHandBody,
    InboxAnswer,
    NamedBody,
    OutcomeBody,
    ReadBody,
    RedirectBody,
    ShareAnswer,
    ViewAnswer,
    share_answer,
    view_answer,
)
from services.routing.by_hand.bringing import OPERATE, brought
from services.routing.duties.answers import RUNNING, Duties
from services.routing.sealed_view import opened_view, sealed_view

PAGE_MAX: Final = 500
PAGE_DEFAULT: Final = 200
STATES: Final = "^(delivered|read|acknowledged|outcome)$"
PURPOSE: Final = "read_share"

Recipient = Annotated[Caller, Depends(require("inbox"))]
Bringer = Annotated[Caller, Depends(require("raise", OPERATE))]
After = Annotated[int, Query(ge=0, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]


@dataclass(frozen=True, slots=True)
class Inbox:
    """What the routes work with."""

    acting: Acting
    keys: Keys
    book: Book
    duties: Duties

    async def answer(self, share_id: UUID) -> ShareAnswer:
        """Give where a share stands now."""
        return share_answer(await self.acting.any(share_id), self.book)

    def page(self, rows: list[asyncpg.Record], limit: int) -> InboxAnswer:
        """Give a page."""
        shares = [share_answer(row, self.book) for row in rows]
        return InboxAnswer(shares=shares, next=rows[-1]["seq"] if len(rows) == limit else None)


def inbox_routes(inbox: Inbox) -> APIRouter:
    """Give the routes of the inbox."""
    routes = APIRouter(prefix="/v1/inbox", tags=["inbox"])
    acting = inbox.acting

    @routes.get("", summary="What came for your agency, oldest first")
    async def list_shares(
        caller: Recipient,
        state: Annotated[str, Query(pattern=STATES)] | None = None,
        test: Annotated[bool, Query(description="Practice shares instead of real ones.")] = False,
        after: After = 0,
        limit: Limit = PAGE_DEFAULT,
    ) -> InboxAnswer:
        rows = await acting.shares.inbox(caller.agency_id, state=state or "", test=test, after=after, limit=limit)
        page = inbox.page(rows, limit)
        if not after:
            page.duties = await inbox.duties.of(caller.agency_id, test=test, state=RUNNING, limit=PAGE_MAX)
        return page

    @routes.get("/{share_id}", summary="Where a share stands; nothing is opened")
    async def one_share(share_id: UUID, caller: Recipient) -> ShareAnswer:
        await acting.own(share_id, caller)
        return await inbox.answer(share_id)

    @routes.post("/{share_id}/read", summary="Open a share; that it was opened, and by whom, is recorded")
    async def open_share(share_id: UUID, body: ReadBody, caller: Recipient) -> ViewAnswer:
        row = await acting.own(share_id, caller, "read")
        await acting.read(row, NamedPerson(name=body.name or caller.name, role=body.role or caller.role))
        view = await sealed_view(acting.journal, row["concern_id"], row["planned_event_id"])
        closed = set(row["closed_part_ids"])
        parts = {k: p for k, p in (await opened_view(inbox.keys, view, purpose=PURPOSE)).items() if k not in closed}
        if view.data.parts and not parts:
            raise problem(410, "content_gone", "the content of this share was erased or is suspended; ask the sender")
        return view_answer(await inbox.answer(share_id), parts)

    @routes.post("/{share_id}/acknowledge", summary="Acknowledge as a named person in the role; a system cannot")
    async def acknowledge(share_id: UUID, body: NamedBody, caller: Recipient) -> ShareAnswer:
        await acting.acknowledge(await acting.own(share_id, caller, "acknowledge"), _who(body))
        return await inbox.answer(share_id)

    @routes.post("/{share_id}/outcome", summary="Say what was done; acknowledge first")
    async def outcome(share_id: UUID, body: OutcomeBody, caller: Recipient) -> ShareAnswer:
        row = await acting.own(share_id, caller, "outcome")
        data = OutcomeGiven(**ids_of(row), outcome=number_of(ShareOutcome, body.outcome.value))
        await acting.outcome(row, data, _who(body), body.reason)
        return await inbox.answer(share_id)

    @routes.post(
        "/{share_id}/redirect", summary="Send it to the right front door; you stay accountable until it answers"
    )
    async def redirect(share_id: UUID, body: RedirectBody, caller: Recipient) -> ShareAnswer:
        row = await acting.own(share_id, caller, "redirect")
        await acting.redirect(row, body.to_agency_id, _who(body), body.reason)
        return await inbox.answer(share_id)

    @routes.post(
        "/{share_id}/attachments/{part_id}/received", summary="A receipt for one attachment, by a named person"
    )
    async def received(share_id: UUID, part_id: UUID, body: NamedBody, caller: Recipient) -> ShareAnswer:
        row = await acting.own(share_id, caller, "receive_attachment")
        await acting.received(row, str(part_id), _who(body))
        return await inbox.answer(share_id)

    return routes


def by_hand_routes(inbox: Inbox) -> APIRouter:
    """Give the routes of the manual channel: calls that a person makes, recorded so that they drive the same states."""
    routes = APIRouter(prefix="/v1/by-hand", tags=["by hand"])
    acting = inbox.acting

    @routes.get("", summary="What a person has to bring to its recipient: yours, or all for an operator")
    async def list_by_hand(caller: Bringer, after: After = 0, limit: Limit = PAGE_DEFAULT) -> InboxAnswer:
        sender = "" if OPERATE in caller.scopes else caller.agency_id
        return inbox.page(await acting.shares.by_hand(sender, after=after, limit=limit), limit)

    @routes.post("/{share_id}/delivered", summary="Record a call or a handing over: who told whom")
    async def delivered(share_id: UUID, body: ByHandBody, caller: Bringer) -> ShareAnswer:
        row = await _brought(share_id, caller)
        told = NamedPerson(name=body.told_name, role=body.told_role)
        await acting.delivered_by_hand(row, _who(body), told, body.said)
        return await inbox.answer(share_id)

    @routes.post("/{share_id}/acknowledged", summary="Record that a named person at the recipient has taken it on")
    async def acknowledged(share_id: UUID, body: NamedBody, caller: Bringer) -> ShareAnswer:
        row = await _brought(share_id, caller)
        await acting.acknowledge(row, _who(body))
        return await inbox.answer(share_id)

    async def _brought(share_id: UUID, caller: Caller) -> asyncpg.Record:
        return await brought(acting, inbox.book, share_id, caller)

    return routes


def _who(body: NamedBody) -> NamedPerson:
    return NamedPerson(name=body.name, role=body.role)
