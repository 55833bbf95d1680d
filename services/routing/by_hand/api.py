"""Routes of the manual channel: a one-time link, a print pack, and the pages that whoever is given a link sees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from concern_relay.v1.facts_pb2 import NamedPerson, Part
from concern_relay.v1.shares_pb2 import ContentViewed
from services.chassis.auth import Caller, require
from services.chassis.event import Content, KeyScope, Refused, derived_id
from services.chassis.sheet import sheet
from services.routing.acting import Acting
from services.routing.answers import NAME_CHARS_MAX, NamedBody, in_order
from services.routing.attachments.api import line_answer
from services.routing.attachments.fetching import Fetching
from services.routing.by_hand.bringing import OPERATE, Bringing, brought, in_london
from services.routing.by_hand.links import LIFE_DEFAULT_HOURS, LIFE_MAX_HOURS, TOKEN_CHARS_MAX, Links
from services.routing.by_hand.pages import page

PACK: Final = "print_pack"
FORM_FIELDS_MAX: Final = 10
SAID: Final = "handed over by one-time link"

Bringer = Annotated[Caller, Depends(require("raise", OPERATE))]
Sender = Annotated[Caller, Depends(require("raise"))]
Token = Annotated[str, Path(max_length=TOKEN_CHARS_MAX)]


class LinkBody(NamedBody):
    """Who sends a link, and how long it lives."""

    hours: int = Field(default=LIFE_DEFAULT_HOURS, ge=1, le=LIFE_MAX_HOURS)


class LinkAnswer(BaseModel):
    """A link, shown this once."""

    share_id: UUID
    link: str
    code: str
    expires_at: datetime
    next: str = "send the link; telephone a number you know, and tell the code only to the person you mean"


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file as it is named on paper."""

    kind: str
    media_type: str
    length: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ByHand:
    """What the routes work with.

    Attributes:
        base_url: where recipients reach this service; links begin with it.
    """

    acting: Acting
    bringing: Bringing
    links: Links
    base_url: str
    fetching: Fetching

    async def pack(self, share_id: UUID, caller: Caller, who: NamedPerson) -> HTMLResponse:
        """Give a view for printing, and put on record who looked."""
        row = await brought(self.acting, self.bringing.book, share_id, caller)
        if row["sender_agency_id"] != caller.agency_id:
            raise Refused(403, "not_the_sender", "content is opened by the agency that shares it; make a link instead")
        parts = await self.bringing.opened(row)
        await self._looked(row, caller, who)
        now = in_london(self.bringing.context.clock.now())
        header = self.bringing.header(row)
        files = await self._files(row)
        return page("pack", share=header, sections=sheet(in_order(parts)), files=files, packer=who, packed=now)

    async def _files(self, row: Any) -> list[FileLine]:
        """Give the files released to the recipient, as they are named on paper: no file goes this way itself."""
        lines = [line_answer(line) for line in await self.fetching.manifest(row, brought=True)]
        return [
            FileLine(line.kind.replace("_", " "), line.media_type, line.length, line.sha256)
            for line in lines
            if line.opens
        ]

    async def _looked(self, row: Any, caller: Caller, who: NamedPerson) -> None:
        concern_id, share_id = str(row["concern_id"]), str(row["share_id"])
        data = ContentViewed(concern_id=concern_id, share_id=share_id, agency_id=caller.agency_id, purpose_code=PACK)
        named = Content(derived_id(concern_id, "actor", share_id), KeyScope(concern_id, share_id=share_id),
                        Part(named_person=who))  # fmt: skip
        journal, now = self.acting.journal, self.bringing.context.clock.now()
        key = f"{share_id}/{PACK}/{journal.desk.act_digest(data, [named]).hex()}/{now:%Y%m%d%H%M%S}"
        await journal.act(concern_id, data, agency_id=caller.agency_id, key=key, contents=[named])

    async def open(self, token: str, form: dict[str, str]) -> HTMLResponse:
        """Open a link for whoever knows the code: delivered, read, shown once."""
        opener = _named(form)
        share_id = await self.links.share_of(token, form.get("code", "").replace(" ", ""))
        row = await self.acting.any(share_id)
        parts = await self.bringing.opened(row)
        opened = await self.links.open(token, opener)
        if row["delivered_at"] is None:
            await self.acting.delivered_by_hand(row, opened.made_by, opener, SAID)
            row = await self.acting.any(share_id)
            if row["delivered_at"] is None:
                raise Refused(410, "content_gone", "this share may not be given to this agency: telephone its sender")
        await self.acting.read(row, opener)
        return page(
            "opened",
            share=self.bringing.header(row),
            sections=sheet(in_order(parts)),
            files=await self._files(row),
            opener=opener,
            opened=in_london(self.bringing.context.clock.now()),
            receipt=opened.receipt,
            action=f"{token}/acknowledge",
        )

    async def acknowledge(self, token: str, form: dict[str, str]) -> HTMLResponse:
        """Record that whoever opened a link has taken it on."""
        share_id, opener = await self.links.acknowledged(token, form.get("receipt", ""))
        await self.acting.acknowledge(await self.acting.any(share_id), opener)
        return page("acknowledged", opener=opener)


def bringing_routes(by_hand: ByHand) -> APIRouter:
    """Give the routes of whoever brings a share."""
    routes = APIRouter(prefix="/v1/by-hand", tags=["by hand"])

    @routes.post(
        "/{share_id}/link", status_code=201, summary="A link that opens once, and the code to tell by telephone"
    )
    async def link(share_id: UUID, body: LinkBody, caller: Bringer) -> LinkAnswer:
        row = await brought(by_hand.acting, by_hand.bringing.book, share_id, caller)
        await by_hand.bringing.opened(row)  # nobody is sent to a link behind which there is nothing
        who = NamedPerson(name=body.name, role=body.role)
        made = await by_hand.links.make(share_id, who, body.hours)
        address = f"{by_hand.base_url}/v1/by-hand/open/{made.token}"
        return LinkAnswer(share_id=share_id, link=address, code=made.code, expires_at=made.expires_at)

    @routes.post(
        "/{share_id}/pack", summary="The view for printing, opened by its sender; who opened it is recorded",
        response_class=HTMLResponse,
    )  # fmt: skip
    async def pack(share_id: UUID, body: NamedBody, caller: Sender) -> HTMLResponse:
        return await by_hand.pack(share_id, caller, NamedPerson(name=body.name, role=body.role))

    return routes


def opening_routes(by_hand: ByHand) -> APIRouter:
    """Give the pages behind a link. No token is needed: the link and its code are."""
    routes = APIRouter(prefix="/v1/by-hand/open", tags=["by hand"])

    @routes.get("/{token}", summary="The page before a link is opened; opens nothing", response_class=HTMLResponse)
    async def door(token: Token) -> HTMLResponse:
        stands = await by_hand.links.stands(token)
        return page("door", 200 if stands else 410, stands=stands, problem="")

    @routes.post("/{token}", summary="Open it, once", response_class=HTMLResponse)
    async def open_link(token: Token, request: Request) -> HTMLResponse:
        return await _shown(by_hand, token, by_hand.open(token, await _form(request)))

    @routes.post("/{token}/acknowledge", summary="Acknowledge as who opened it", response_class=HTMLResponse)
    async def acknowledge(token: Token, request: Request) -> HTMLResponse:
        return await _shown(by_hand, token, by_hand.acknowledge(token, await _form(request)))

    return routes


async def _shown(by_hand: ByHand, token: str, asked: Any) -> HTMLResponse:
    """Give a page, or one that says what was wrong: people stand before it, not programs."""
    try:
        shown: HTMLResponse = await asked
    except Refused as refused:
        stands = await by_hand.links.stands(token)
        return page("door", refused.status, stands=stands, problem=str(refused) if stands else "")
    return shown


async def _form(request: Request) -> dict[str, str]:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    body = await request.body()
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=FORM_FIELDS_MAX)
    except (UnicodeDecodeError, ValueError):
        return {}
    return {name: values[0].strip() for name, values in fields.items()}


def _named(form: dict[str, str]) -> NamedPerson:
    name, role = form.get("name", ""), form.get("role", "")
    if not name or not role or max(len(name), len(role)) > NAME_CHARS_MAX:
        raise Refused(422, "named_person_required", "say who opens it: your name and your role")
    return NamedPerson(name=name, role=role)
