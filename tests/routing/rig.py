"""A rig: routing on the real database, fed with sealed records as intake and basis assessment write them.

Keys are those of ``MemoryKeys``, which the contract suite of the keys holds to the vault's behaviour.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from fastapi import FastAPI
from google.protobuf.message import Message

from concern_relay.v1.assessments_pb2 import BasisAssessed, ClassAssessment, ItemAssessment
from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    AuthorityRole,
    Category,
    ConcernLevel,
    Outcome,
    PersonRole,
    Ternary,
    Urgency,
)
from concern_relay.v1.concerns_pb2 import ConcernRaised
from concern_relay.v1.facts_pb2 import AuthorityConcern, ConcernDetail, Item, Part, Person, PersonName
from services.chassis.arrangement import ArrangementBook
from services.chassis.auth import local_tokens, mint_token, signing_key, tokens_of
from services.chassis.envelope import Event, Record, decode, encode
from services.chassis.event import KeyScope, derived_id
from services.chassis.health import Health
from services.chassis.http import create_app
from services.chassis.journal import Desk, Journal
from services.chassis.journal.transaction import entry_record
from services.chassis.keys import MemoryKeys
from services.chassis.sealing import seal
from services.chassis.service import Context
from services.chassis.settings import REPOSITORY, Settings
from services.chassis.telemetry import Telemetry
from services.chassis.timers import Timers
from services.routing.app import OPENS, routes
from services.routing.core import RoutingCore
from services.routing.delivery import Delivery
from services.routing.store import RoutingStore
from tests.chassis.rig import MovedClock

KENT = "E10000016"
POOL_MAX = 8
CANARY = "Zephyrine Quillfeather"
BOOK = ArrangementBook.load()
OFFICE_HOURS = datetime(2026, 11, 24, 10, tzinfo=UTC)  # a Tuesday: nobody stands in for a closed front door
KENT_CSC, KENT_POLICE = "kent-csc", "kent-police"


@dataclass
class Case:
    """A concern as the rig raises it; ids by name."""

    concern_id: str
    raised: Event
    parts: dict[str, Part]

    def part(self, kind: str, ref: str) -> str:
        """The part id of a thing."""
        return derived_id(self.concern_id, kind, ref)


@dataclass
class Rig:
    """Routing, and what looks at it from outside."""

    context: Context
    book: ArrangementBook = BOOK
    keys: MemoryKeys = field(default_factory=MemoryKeys)

    @property
    def pool(self) -> asyncpg.Pool:
        """Connections to its database."""
        return self.context.pool

    @property
    def clock(self) -> MovedClock:
        """The clock."""
        assert isinstance(self.context.clock, MovedClock)
        return self.context.clock

    @property
    def journal(self) -> Journal[Any]:
        """Its journal."""
        return self.context.journal

    def delivery(self) -> Delivery:
        """A delivery worker, as one more process would have it."""
        return Delivery(self.context, self.book)

    async def deliver(self) -> int:
        """Let one worker deliver until nothing is due; give how many jobs it took."""
        worker, count = self.delivery(), 0
        while taken := await worker.deliver_due():
            count += taken
        return count

    async def fire(self) -> int:
        """Fire what is due."""
        return await Timers(self.journal).fire_due()

    async def raise_(
        self, *, urgency: Urgency = Urgency.URGENCY_ROUTINE, consent_ref: str = "", lives: str = KENT, **fields: Any
    ) -> Case:
        """Let intake write a concern: a pupil, the core of the worry, a second item, a crime."""
        case = self.case(urgency=urgency, consent_ref=consent_ref, lives=lives, **fields)
        await self.take(await self.sealed(case.raised, case.parts, consent_ref))
        return case

    def case(
        self,
        *,
        urgency: Urgency = Urgency.URGENCY_ROUTINE,
        consent_ref: str = "",
        lives: str = KENT,
        test: bool = False,
        core: bool = True,
        known_to: tuple[str, ...] = (),
    ) -> Case:
        """A concern, not yet raised."""
        concern_id = str(uuid4())
        child = Person(
            person_id=derived_id(concern_id, "person", "child"),
            role=PersonRole.PERSON_ROLE_CHILD,
            names=[PersonName(given=CANARY)],
            known_to_agencies=known_to,
            authorities=[AuthorityConcern(gss_code=lives, role=AuthorityRole.AUTHORITY_ROLE_LIVES)],
        )
        parts = {
            derived_id(concern_id, "detail"): Part(
                detail=ConcernDetail(
                    level=ConcernLevel.CONCERN_LEVEL_SIGNIFICANT_HARM, suspected_crime=Ternary.TERNARY_YES
                )
            ),
            child.person_id: Part(person=child),
        }
        for ref in ("worry", "more"):
            item_id = derived_id(concern_id, "item", ref)
            text = f"{CANARY}: {ref}"
            item = Item(item_id=item_id, category=Category.CATEGORY_WELFARE, text=text, core=core and ref == "worry")
            if ref == "more":
                item.consent_ref = consent_ref
            parts[item_id] = Part(item=item)
        data = ConcernRaised(concern_id=concern_id, agency_id="larkfield-primary", urgency=urgency, test=test)
        return Case(concern_id, self.event("concerns.v1", concern_id, data), parts)

    async def assess(self, case: Case) -> Event:
        """Let basis assessment write that social care and police may have everything."""
        data = BasisAssessed(
            concern_id=case.concern_id,
            assessed_event_id=str(case.raised.id),
            arrangement_sha256=self.book.arrangements[0].sha256,
        )
        power = Outcome.OUTCOME_SHARE_POWER
        for agency_class in (AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE, AgencyClass.AGENCY_CLASS_POLICE):
            items = [ItemAssessment(part_id=p, outcome=power) for p in case.parts]
            data.classes.append(ClassAssessment(recipient_class=agency_class, outcome=power, must=True, items=items))
        event = self.event("assessments.v1", case.concern_id, data, based_on=(("concerns.v1", case.raised.id),))
        await self.take(event)
        return event

    async def shared(self, **options: Any) -> Case:
        """Raise and assess."""
        case = await self.raise_(**options)
        await self.assess(case)
        return case

    def event(self, topic: str, concern_id: str, data: Message, based_on: tuple[tuple[str, UUID], ...] = ()) -> Event:
        """An event of another service."""
        now = self.context.clock.now()
        source = "//concern-relay/test"
        return Event(uuid4(), data.DESCRIPTOR.name, topic, source, now, now, concern_id, None, based_on, data)

    async def sealed(self, event: Event, parts: dict[str, Part], consent_ref: str = "") -> Event:
        """Seal parts as intake does: what rests on a consent under that consent's key."""
        for part_id, part in parts.items():
            rests = part.item.consent_ref if part.WhichOneof("body") == "item" else ""
            scope = KeyScope(event.concern_id, consent_ref=rests)
            key = (await self.keys.issue([scope]))[scope]
            event.data.parts.append(seal(key, event.id, part_id, part))  # type: ignore[attr-defined]
        return event

    async def take(self, *events: Event) -> None:
        """Hand records to the journal as the stage does."""
        offset = secrets.randbits(40)
        records: list[Record] = [replace(encode(e), partition=0, offset=offset + n) for n, e in enumerate(events)]
        results = await self.journal.take(records)
        assert not any(result.parked for result in results)

    async def share(self, case: Case, agency_id: str) -> asyncpg.Record:
        """The newest row of an agency's share."""
        row = await self.pool.fetchrow(
            "SELECT * FROM share WHERE concern_id = $1 AND agency_id = $2 ORDER BY seq DESC LIMIT 1",
            UUID(case.concern_id),
            agency_id,
        )
        assert row is not None, f"nothing was planned for {agency_id}"
        return row

    async def events(self, case: Case, type_name: str = "") -> list[Event]:
        """What routing recorded of a concern."""
        rows = await self.pool.fetch(
            "SELECT concern_id, topic, headers, value FROM entry WHERE concern_id = $1 AND origin = 'o' ORDER BY seq",
            UUID(case.concern_id),
        )
        found = [decode(entry_record(row)) for row in rows]
        return [event for event in found if not type_name or event.type == type_name]

    @cached_property
    def app(self) -> FastAPI:
        """The HTTP app, as the process has one."""
        return create_app(
            "routing",
            [routes(self.context)],
            health=self.context.health,
            telemetry=Telemetry("routing"),
            tokens=tokens_of(self.context.settings),
        )

    def client(self, agency_id: str, *scopes: str, name: str = "", role: str = "") -> httpx.AsyncClient:
        """A client of the HTTP app with an agency's token."""
        settings = self.context.settings
        token = mint_token(
            signing_key(settings.state_dir),
            agency_id=agency_id,
            subject=f"{agency_id}-test",
            scopes=frozenset(scopes or {"inbox", "raise"}),
            name=name,
            role=role,
        )
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app),
            base_url="http://routing",
            headers={"Authorization": f"Bearer {token}"},
        )


def deployed_with(folder: Path, channels: Mapping[str, str]) -> Path:
    """A copy of the deploy folder whose arrangement reaches some agencies by other channels; it is read and checked."""
    deploy = folder / "deploy"
    shutil.copytree(REPOSITORY / "deploy", deploy)
    path = deploy / "arrangements" / "kent-and-medway.yaml"
    for agency_id, ways in channels.items():
        before, mark, after = path.read_text(encoding="utf-8").partition(f"- id: {agency_id}\n")
        assert mark, f"no agency is called {agency_id}"
        changed = re.sub(r"channels: \[[a-z, ]*\]", f"channels: [{ways}]", after, count=1)
        path.write_text(before + mark + changed, encoding="utf-8")
    return deploy


@asynccontextmanager
async def routing(database: str, state_dir: Path, deploy_dir: Path = REPOSITORY / "deploy") -> AsyncIterator[Rig]:
    """Routing with a schema of its own on a database, as one process would have it."""
    book = ArrangementBook.load(deploy_dir / "arrangements")
    schema = f"routing_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(database)
    await admin.execute(f"CREATE SCHEMA {schema}")
    await admin.close()
    local_tokens(state_dir, REPOSITORY / "deploy")
    settings = Settings("routing", database_url=database, state_dir=state_dir, deploy_dir=deploy_dir, profile="test")
    clock, keys, telemetry = MovedClock(OFFICE_HOURS), MemoryKeys(), Telemetry("routing")
    pool = await asyncpg.create_pool(
        database, min_size=1, max_size=POOL_MAX, server_settings={"search_path": schema}, command_timeout=20
    )
    desk = Desk(
        service="routing",
        core=RoutingCore(book),
        store=RoutingStore(),
        keys=keys,
        clock=clock,
        writes=("shares.v1",),
        partitions={"shares.v1": 12, "parked.routing.v1": 1},
        local_key=b"k" * 64,
        opens=OPENS,
        purpose="route",
    )
    journal: Journal[Any] = Journal(pool, desk, telemetry)
    await journal.migrate()
    parked: Any = None
    context = Context("routing", settings, clock, pool, journal, keys, telemetry, parked, Health())
    try:
        yield Rig(context, book, keys=keys)
    finally:
        await pool.close()
