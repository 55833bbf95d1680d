"""The console: one page of concerns and the flow, one page a concern's journey. For operators, on clear fields only.

It holds nothing of its own but the flow figures: journeys come from audit, spans from the tracing back end.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import asyncpg
import httpx
import uvloop
from fastapi import APIRouter, FastAPI, Request
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from services.chassis import log as logging
from services.chassis.auth import mint_token, signing_key
from services.chassis.errors import SettingsError
from services.chassis.health import Health
from services.chassis.http import create_app
from services.chassis.problems import problem
from services.chassis.server import HttpServer
from services.chassis.service import connect
from services.chassis.settings import Settings, from_environment
from services.chassis.telemetry import Telemetry, exporter_from_environment
from services.console.duties import Duties, duties_shown
from services.console.flow_worker import SCHEMA

AUDIT_DEADLINE_S: Final = 10.0
PAGE_SIZE: Final = 100
DUTIES_MAX: Final = 200
PARKING: Final = ("intake", "basis_assessment", "routing", "vault")
_pages = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=select_autoescape(default=True)
)
log = logging.Log(__name__)


class Console:
    """What the pages show, and where it comes from."""

    def __init__(self, settings: Settings, pool: asyncpg.Pool, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._pool = pool
        self._client = client
        self._audit = os.environ.get("RELAY_AUDIT_URL", "")
        self.zipkin = os.environ.get("RELAY_ZIPKIN_URL", "")

    async def flow(self) -> dict[str, Any]:
        """Give the newest figures of the flow view; empty until the first are there."""
        found = await self._pool.fetchval("SELECT figures FROM flow")
        return dict(json.loads(found)) if found else {}

    async def journeys(self, after: str = "") -> dict[str, Any]:
        """Give a page of concerns, newest first."""
        return await self._ask("/v1/journeys", {"limit": PAGE_SIZE, **({"after": after} if after else {})})

    async def journey(self, concern_id: UUID) -> dict[str, Any]:
        """Give one concern's journey."""
        return await self._ask(f"/v1/journeys/{concern_id}", {})

    async def disclosure(self, concern_id: UUID, recipient_class: str) -> str:
        """Give the page to file on a concern and a class of recipient; that somebody looked is recorded."""
        url = os.environ.get("RELAY_BASIS_ASSESSMENT_URL", "")
        path = f"/v1/assessments/{concern_id}/disclosures/{recipient_class}"
        try:
            response = await self._client.get(url + path, headers=self._headers())
        except httpx.HTTPError as error:
            raise problem(503, "assessment_away", "basis_assessment does not answer: try again") from error
        if not response.is_success:
            raise problem(404, "not_assessed", "no assessment of this concern speaks of that class")
        return response.text

    async def parked(self) -> list[dict[str, Any]]:
        """Give what could not be taken, service by service; a service that does not answer is said to be away."""
        found: list[dict[str, Any]] = []
        for service in PARKING:
            url = os.environ.get(f"RELAY_{service.upper()}_URL", "")
            try:
                response = await self._client.get(f"{url}/v1/parked", headers=self._headers())
                records = response.json()["parked"] if response.is_success else None
            except (httpx.HTTPError, ValueError, KeyError):
                records = None
            if records is None:
                found.append({"service": service, "away": True})
            elif records:
                emergencies = sum(record["emergency"] for record in records)
                found.append({"service": service, "count": len(records), "emergencies": emergencies})
        return found

    async def channels(self) -> list[dict[str, Any]]:
        """Give the endpoints that need a person: gone, failing, or with parked messages; none if routing is away."""
        url = os.environ.get("RELAY_ROUTING_URL", "")
        try:
            response = await self._client.get(f"{url}/v1/channels", headers=self._headers())
            endpoints = response.json()["endpoints"] if response.is_success else []
        except (httpx.HTTPError, ValueError, KeyError):
            return []  # that routing is away is said with what is parked
        return [endpoint for endpoint in endpoints if endpoint["alarm"]]

    async def duties(self) -> Duties:
        """Give what agencies have to do by a time and have not done; said to be away where routing does not answer."""
        url = os.environ.get("RELAY_ROUTING_URL", "")
        params: dict[str, str | int] = {"state": "running", "limit": DUTIES_MAX}
        try:
            response = await self._client.get(f"{url}/v1/duties", params=params, headers=self._headers())
            response.raise_for_status()
            found = response.json()
            return duties_shown(found["duties"], found["as_of"], DUTIES_MAX)
        except (httpx.HTTPError, ValueError, KeyError):
            return Duties(away=True)

    def _headers(self) -> dict[str, str]:
        token = mint_token(
            signing_key(self._settings.state_dir),
            agency_id="operator",
            subject="console",
            scopes=frozenset({"operate"}),
        )
        return {"Authorization": f"Bearer {token}"}

    async def _ask(self, path: str, params: dict[str, Any]) -> dict[str, Any]:
        try:
            response = await self._client.get(self._audit + path, params=params, headers=self._headers())
        except httpx.HTTPError as error:
            log.warning("audit does not answer", error=type(error).__name__)
            raise problem(
                503, "audit_away", "audit does not answer: the concerns are safe, this page is not"
            ) from error
        if response.status_code == 404:
            raise problem(404, "unknown_concern", "no such concern is recorded")
        response.raise_for_status()
        return dict(response.json())


def routes_of(console: Console) -> APIRouter:
    """Give the routes."""
    routes = APIRouter()

    @routes.get("/", response_class=HTMLResponse, summary="The concerns, and the flow")
    async def index(after: str = "") -> str:
        journeys, flow, parked, channels, duties = await asyncio.gather(
            console.journeys(after), console.flow(), console.parked(), console.channels(), console.duties()
        )
        page = _pages.get_template("index.html")
        return page.render(
            journeys=journeys.get("journeys", []),
            next=journeys.get("next", ""),
            flow=flow,
            zipkin=console.zipkin,
            parked=parked,
            channels=channels,
            duties=duties,
        )

    @routes.get(
        "/duties", response_class=HTMLResponse, summary="What agencies have to do by a time, the earliest first"
    )
    async def duties() -> str:
        return _pages.get_template("duties.html").render(duties=await console.duties())

    @routes.get("/concerns/{concern_id}", response_class=HTMLResponse, summary="One concern's journey")
    async def concern(concern_id: UUID) -> str:
        found = await console.journey(concern_id)
        return _pages.get_template("journey.html").render(journey=found, zipkin=console.zipkin)

    @routes.get(
        "/concerns/{concern_id}/disclosures/{recipient_class}",
        response_class=HTMLResponse,
        summary="Why it was shared so, to file; that somebody looked is recorded",
    )
    async def disclosure(
        concern_id: UUID, recipient_class: Annotated[str, PathParameter(pattern="^[a-z0-9_]{1,60}$")]
    ) -> str:
        return await console.disclosure(concern_id, recipient_class)

    @routes.get("/v1/flow", summary="Rates, ages, counts and percentiles of the flow")
    async def flow() -> JSONResponse:
        return JSONResponse(await console.flow())

    return routes


def _secured(app: FastAPI) -> None:
    @app.middleware("http")
    async def policy(request: Request, call_next: Any) -> Any:  # every page: nothing from elsewhere, no script
        response = await call_next(request)
        response.headers["content-security-policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'"
        )
        return response


async def _run(settings: Settings) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        telemetry = Telemetry("console", exporter_from_environment())
        stack.callback(telemetry.close)
        pool = await connect(settings.database_url, "the console database")
        stack.callback(pool.terminate)
        await pool.execute(SCHEMA)
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=AUDIT_DEADLINE_S))
        app = create_app(
            "concern-relay console",
            [routes_of(Console(settings, pool, client))],
            health=Health(),
            telemetry=telemetry,
            tokens=None,
        )
        _secured(app)
        server = HttpServer(app, settings)
        serving = asyncio.create_task(server.run())
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        server.stop()
        waiting.cancel()
        await serving
    return 0


def _settings() -> Settings:
    settings = from_environment("console")
    # pages have no login of their own: in production they stand behind the organisation's identity proxy
    if settings.profile == "production" and not os.environ.get("RELAY_CONSOLE_BEHIND_PROXY"):
        raise SettingsError(
            "the console has no login: put it behind an identity proxy, set RELAY_CONSOLE_BEHIND_PROXY=1"
        )
    return settings


def main() -> int:
    """Run the console until it is told to stop."""
    logging.configure("console")
    try:
        settings = _settings()
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    return uvloop.run(_run(settings))


if __name__ == "__main__":
    raise SystemExit(main())
