"""The HTTP of a service: one app, limits, health, metrics, traces, problems.

Nothing of a request is logged but method, route template and status.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from opentelemetry.trace import SpanKind, Status, StatusCode
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis.auth import Tokens
from services.chassis.health import Health
from services.chassis.problems import Problem, install, problem, respond
from services.chassis.telemetry import Telemetry, set_attributes

BODY_BYTES_MAX: Final = 1024 * 1024
REQUEST_DEADLINE_S: Final = 25.0
_QUIET: Final = ("/livez", "/readyz", "/metrics")

_SECURITY_HEADERS: Final = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}

Next = Callable[[Request], Awaitable[Response]]


class _BodyLimit:
    """Refuses a body larger than the limit before it is held in memory."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = next((v for n, v in scope["headers"] if n == b"content-length"), b"0")
        if not declared.isdigit() or int(declared) > self._limit:
            await self._refuse(scope, receive, send)
            return
        size = 0

        async def limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._limit:
                raise problem(413, "too_large", f"a request is at most {self._limit} bytes: send less at once")
            return message

        await self._app(scope, limited, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = Problem(413, "too_large", f"a request is at most {self._limit} bytes: send less at once")
        await respond(found)(scope, receive, send)


def create_app(
    title: str,
    routers: Sequence[APIRouter],
    *,
    health: Health,
    telemetry: Telemetry,
    tokens: Tokens | None,
    body_bytes_max: int = BODY_BYTES_MAX,
) -> FastAPI:
    """Make the app of a service.

    Args:
        title: name shown in OpenAPI.
        routers: routes of its rooms.
        health: checks behind ``/readyz``.
        telemetry: spans and metrics.
        tokens: reader of bearer tokens; None for a service without protected routes.
        body_bytes_max: largest request body.
    """
    app = FastAPI(title=title, version="1", docs_url="/v1/docs", openapi_url="/v1/openapi.json", redoc_url=None)
    app.state.tokens = tokens
    install(app)
    for router in routers:
        app.include_router(router)
    app.include_router(_health_routes(health, telemetry))

    @app.middleware("http")
    async def around(request: Request, call_next: Next) -> Response:
        if request.url.path in _QUIET:
            return await call_next(request)
        return await _traced(telemetry, request, call_next)

    app.add_middleware(_BodyLimit, limit=body_bytes_max)
    return app


async def _traced(telemetry: Telemetry, request: Request, call_next: Next) -> Response:
    """Run a request in a span of its own, with a deadline.

    A caller's ``traceparent`` becomes a link, not the parent: a concern's trace begins where it is accepted.
    """
    linked = request.headers.get("traceparent", "")
    with telemetry.act(f"{request.method} request", linked_to=linked, kind=SpanKind.SERVER) as (span, _):
        try:
            async with asyncio.timeout(REQUEST_DEADLINE_S):
                response = await call_next(request)
        except TimeoutError:
            response = respond(Problem(503, "too_slow", "no answer in time: try again", headers={"Retry-After": "5"}))
        except Problem as error:
            response = respond(error)
        route = getattr(request.scope.get("route"), "path", "unmatched")
        if span.is_recording():
            span.update_name(f"{request.method} {route}")
            set_attributes(
                span,
                {
                    "http.request.method": request.method,
                    "http.route": route,
                    "http.response.status_code": response.status_code,
                },
            )
            if response.status_code >= 500:
                span.set_status(Status(StatusCode.ERROR))
    for name, value in _SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _health_routes(health: Health, telemetry: Telemetry) -> APIRouter:
    routes = APIRouter(tags=["health"])

    @routes.get("/livez", summary="The process runs; nothing else is asked")
    async def livez() -> PlainTextResponse:
        return PlainTextResponse("ok")

    @routes.get("/readyz", summary="The process can do its work; each check by name")
    async def readyz() -> JSONResponse:
        return JSONResponse({"ready": health.ready, "checks": health.report()}, 200 if health.ready else 503)

    @routes.get("/metrics", summary="Prometheus metrics")
    async def metrics() -> Response:
        return Response(generate_latest(telemetry.registry), media_type=CONTENT_TYPE_LATEST)

    return routes
