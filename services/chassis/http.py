"""The HTTP of a service: one app, limits, health, metrics, traces, problems, OpenAPI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.routing import iter_route_contexts
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.routing import Route

from services.chassis.auth import Tokens
from services.chassis.edge import Edge, Large
from services.chassis.health import Health
from services.chassis.problems import PROBLEM_SCHEMA, Problem, install, problem, with_problems
from services.chassis.telemetry import Telemetry

__all__ = ["PROBLEM_SCHEMA", "Problem", "create_app", "problem"]

BODY_BYTES_MAX: Final = 1024 * 1024
REQUEST_DEADLINE_S: Final = 25.0
IN_HAND_MAX: Final = 200
"""Requests at once. Below the server's own limit, whose refusal would be no problem+json and would hit health too."""


def create_app(
    title: str,
    routers: Sequence[APIRouter],
    *,
    health: Health,
    telemetry: Telemetry,
    tokens: Tokens | None,
    body_bytes_max: int = BODY_BYTES_MAX,
    deadline_s: float = REQUEST_DEADLINE_S,
    in_hand_max: int = IN_HAND_MAX,
    large: Sequence[Large] = (),
) -> FastAPI:
    """Make the app of a service.

    Args:
        title: name shown in OpenAPI.
        routers: routes of its rooms.
        health: checks behind ``/readyz``.
        telemetry: spans and metrics.
        tokens: reader of bearer tokens; None for a service without protected routes.
        body_bytes_max: largest request body, counted as it comes in.
        deadline_s: for a whole request.
        in_hand_max: requests at once.
        large: paths where other limits hold.
    """
    app = _App(
        title=title,
        version="1",
        openapi_url="/v1/openapi.json",
        docs_url=None,  # its page would load a script of another host
        redoc_url=None,
    )
    app.state.tokens = tokens
    install(app)
    for router in routers:
        app.include_router(router)
    app.include_router(_health_routes(health, telemetry))
    _take_no_name_for_an_id(app)
    app.add_middleware(
        Edge,
        telemetry=telemetry,
        body_bytes_max=body_bytes_max,
        deadline_s=deadline_s,
        in_hand_max=in_hand_max,
        large=large,
    )
    return app


class _App(FastAPI):
    """An app whose OpenAPI tells of problems."""

    def openapi(self) -> dict[str, Any]:
        """Give the document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = with_problems(super().openapi())
        return self.openapi_schema


def _take_no_name_for_an_id(app: FastAPI) -> None:
    """Answer 405 where a path of its own, as ``/v1/concerns/preview``, would be an id to a route of another method."""
    methods: dict[str, set[str]] = {}
    for route in iter_route_contexts(app.routes):
        if route.include_in_schema:
            methods.setdefault(str(route.path_format), set()).update(route.methods or ())
    for path, own in methods.items():
        if "{" in path:
            continue
        read_as_id = (found for other, found in methods.items() if "{" in other and _as_id(other, path))
        if others := set().union(*read_as_id) - own:
            refusing = Route(path, _no_such_method(", ".join(sorted(own))), methods=sorted(others))
            app.router.routes.insert(0, refusing)


def _as_id(template: str, path: str) -> bool:
    pieces, given = template.split("/"), path.split("/")
    return len(pieces) == len(given) and all(p == g or p.startswith("{") for p, g in zip(pieces, given, strict=True))


def _no_such_method(allow: str) -> Callable[[Request], Awaitable[Response]]:
    async def refused(_: Request) -> Response:
        raise HTTPException(405, headers={"Allow": allow})

    return refused


def _health_routes(health: Health, telemetry: Telemetry) -> APIRouter:
    routes = APIRouter(tags=["health"])

    @routes.get("/livez", summary="The process runs; nothing else is asked", response_class=PlainTextResponse)
    async def livez() -> PlainTextResponse:
        return PlainTextResponse("ok")

    @routes.get(
        "/readyz",
        summary="The process can do its work; each check by name",
        responses={503: {"description": "A check fails"}},
    )
    async def readyz() -> JSONResponse:
        return JSONResponse({"ready": health.ready, "checks": health.report()}, 200 if health.ready else 503)

    @routes.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        return Response(generate_latest(telemetry.registry), media_type=CONTENT_TYPE_LATEST)

    return routes
