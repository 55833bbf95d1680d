"""Intake on a database of its own: journal, store and API as in the process, its topic on the real broker.

Keys come from MemoryKeys, which the vault's contract suite holds to the vault's behaviour.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from google.protobuf.message import Message

from concern_relay.v1.facts_pb2 import Note, Part
from services.chassis.auth import Tokens, mint_token
from services.chassis.concern import CONTENT_EVENTS
from services.chassis.envelope import Event, Record, decode, encode
from services.chassis.event import KeyScope, derived_id
from services.chassis.health import Health
from services.chassis.http import create_app
from services.chassis.integrity.note import Signer
from services.chassis.journal import Desk, Journal
from services.chassis.journal.overtaking import Due
from services.chassis.journal.transaction import entry_record
from services.chassis.keys import MemoryKeys
from services.chassis.objects import FolderObjects
from services.chassis.sealing import seal
from services.chassis.settings import REPOSITORY
from services.chassis.telemetry import Telemetry
from services.intake.acceptance import Acceptance
from services.intake.api import concern_routes, open_routes
from services.intake.attachments.api import attachment_routes
from services.intake.attachments.declaring import Attaching
from services.intake.attachments.question import read_guidance
from services.intake.attachments.table import AttachmentTable
from services.intake.attachments.uploading import Uploading
from services.intake.attachments.wiring import UPLOAD
from services.intake.codes_api import code_routes
from services.intake.core import IntakeCore, IntakeState, attachments
from services.intake.door import Door
from services.intake.follow_up_api import follow_up_routes
from services.intake.idempotency import Requests
from services.intake.limits import Admission, Limits
from services.intake.store import Concerns, IntakeStore
from services.intake.suppliers import Suppliers
from tests.chassis.rig import MovedClock
from tests.unit.intake.events import event_of

PARTITIONS = 3


@dataclass
class Intake:
    """Intake under test."""

    pool: asyncpg.Pool
    journal: Journal[IntakeState]
    acceptance: Acceptance
    clock: MovedClock
    keys: MemoryKeys
    signer: Signer
    telemetry: Telemetry
    client: httpx.AsyncClient
    app: FastAPI
    topic: str
    objects: FolderObjects
    _token_key: Ed25519PrivateKey = field(repr=False)

    def token(self, agency: str, scopes: frozenset[str] = frozenset({"raise"})) -> str:
        """Give a bearer token of an agency."""
        return mint_token(self._token_key, agency_id=agency, subject=f"{agency}-test", scopes=scopes)

    async def post(self, body: Any, *, agency: str = "larkfield-primary", **headers: str) -> httpx.Response:
        """Raise a concern as an agency would: bytes as they are, anything else as JSON."""
        said = {"content": body, "headers": {"Content-Type": "application/json"}}
        options: dict[str, Any] = said if isinstance(body, bytes) else {"json": body, "headers": {}}
        options["headers"] |= {"Authorization": f"Bearer {self.token(agency)}"}
        options["headers"] |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post("/v1/concerns", **options)

    async def follow(
        self, concern_id: str, path: str, body: Any, *, agency: str = "larkfield-primary", **headers: str
    ) -> httpx.Response:
        """Follow a concern up as an agency would: bytes as they are, anything else as JSON."""
        said = {"Authorization": f"Bearer {self.token(agency)}"}
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, bytes):
            said["Content-Type"] = "application/json"
            return await self.client.post(f"/v1/concerns/{concern_id}/{path}", content=body, headers=said)
        return await self.client.post(f"/v1/concerns/{concern_id}/{path}", json=body, headers=said)

    async def get(self, path: str, *, agency: str = "larkfield-primary", **params: Any) -> httpx.Response:
        """Ask as an agency would."""
        return await self.client.get(path, params=params, headers={"Authorization": f"Bearer {self.token(agency)}"})

    async def recorded(self, concern_id: str = "", *, links: bool = False) -> list[Event]:
        """Give every event recorded for sending, in order; with ``links`` what stands open about who a child is too."""
        rows = await self.pool.fetch(
            "SELECT concern_id, topic, headers, value FROM entry WHERE origin = 'o' "
            "AND ($1 = '' OR concern_id::text = $1) ORDER BY seq",
            concern_id,
        )
        events = [decode(entry_record(row)) for row in rows]
        return [event for event in events if links or event.type not in ("LinkPending", "LinkSettled")]

    async def hear(self, concern_id: str, data: Message, topic: str = "shares.v1", words: str = "") -> None:
        """Take an event of another service, as the stage would; words are sealed under the share's key."""
        event = replace(event_of(data, concern_id, self.clock.now()), topic=topic)
        if words:
            scope = KeyScope(concern_id, share_id="s")
            key = (await self.keys.issue([scope]))[scope]
            sealed = seal(key, event.id, derived_id(concern_id, "note"), Part(note=Note(text=words)))
            event.data.parts.append(sealed)  # type: ignore[attr-defined]
        record: Record = replace(encode(event), partition=0, offset=secrets.randbits(40))
        await self.journal.take([record])

    async def later(self, elapsed: timedelta) -> list[Due]:
        """Let time pass and fire what fell due."""
        self.clock.offset += elapsed
        due = await self.journal.due()
        for each in due:
            await self.journal.fire(each)
        return due


@asynccontextmanager
async def intake(
    dsn: str,
    *,
    topic: str = "concerns.v1",
    limits: Limits | None = None,
    suppliers: Path | None = None,
    scan_expected: bool = False,
    **core: Any,
) -> AsyncIterator[Intake]:
    """Have intake on a schema of its own in this module's database."""
    schema = f"intake{secrets.token_hex(6)}"
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"CREATE SCHEMA {schema}")
    await connection.close()
    clock, keys, telemetry = MovedClock(), MemoryKeys(), Telemetry("intake")
    async with (
        AsyncExitStack() as stack,
        asyncpg.create_pool(f"{dsn}?search_path={schema}", min_size=1, max_size=8) as pool,
    ):
        desk = Desk(
            service="intake",
            core=IntakeCore(**core),
            store=IntakeStore(),
            keys=keys,
            clock=clock,
            writes=(topic,),
            partitions={topic: PARTITIONS, "parked.intake.v1": 1},
            local_key=b"k" * 64,
            opens=CONTENT_EVENTS | attachments.TYPES,
            purpose="accept",
        )
        journal: Journal[IntakeState] = Journal(pool, desk, telemetry)
        await journal.migrate()
        signer = Signer("concern-relay.test/ledger/receipts", secrets.token_bytes(32))
        concerns = Concerns(pool)
        acceptance = Acceptance(journal, concerns, keys, signer, clock)
        token_key = Ed25519PrivateKey.generate()
        door = Door(acceptance, Requests(pool), clock, Admission(limits or Limits()), Suppliers(suppliers))
        folder = stack.enter_context(TemporaryDirectory())
        objects = FolderObjects(Path(folder))
        uploading = Uploading(
            Attaching(acceptance),
            objects,
            read_guidance(REPOSITORY / "deploy" / "attachments.yaml"),
            AttachmentTable(pool),
            scan_expected=scan_expected,
        )
        app = create_app(
            "intake",
            [
                attachment_routes(door, uploading, (limits or Limits()).attachments),
                concern_routes(door, concerns, keys),
                follow_up_routes(door),
                open_routes(str(signer.verifier)),
                code_routes(),
            ],
            health=Health(),
            telemetry=telemetry,
            tokens=Tokens(token_key.public_key()),
            large=(UPLOAD,),
        )
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://intake") as client:
            yield Intake(
                pool, journal, acceptance, clock, keys, signer, telemetry, client, app, topic, objects, token_key
            )


async def together(*calls: Any) -> list[Any]:
    """Make calls at the same time."""
    return list(await asyncio.gather(*calls))
