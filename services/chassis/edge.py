"""The edge of a service's HTTP: what holds for every request before any route sees it.

A deadline, a limit on how much is in hand at once, a span, security headers, and a problem for whatever went wrong.
Nothing of a request is logged or traced but method, route template and status.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from re import Pattern
from time import perf_counter
from typing import Any, Final

from opentelemetry.trace import SpanKind, Status, StatusCode
from prometheus_client import Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis.log import Log
from services.chassis.problems import Problem, respond
from services.chassis.telemetry import Telemetry, set_attributes
from services.chassis.versions import DEPRECATED, HEADER, SERVED, Deprecated, headers_for, is_served

QUIET: Final = frozenset({"/livez", "/readyz", "/metrics"})
"""Asked every few seconds by machines: never refused for load, never traced."""

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
JSON_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"

_TOO_SLOW: Final = Problem(503, "too_slow", "no answer in time: try again", headers={"Retry-After": "5"})
_BUSY: Final = Problem(503, "busy", "too much is in hand here: try again", headers={"Retry-After": "1"})
_FAILED: Final = Problem(500, "failed", "something failed here and was logged: try again, then tell the operator")

_NO_SUCH_VERSION: Final = Problem(
    400, "version_not_served", f"this version of the API is not served: ask for one of {', '.join(SERVED)}, or for none"
)

_log = Log(__name__)


@dataclass(frozen=True, slots=True)
class Large:
    """A way in or out for what is larger and slower than a request is otherwise.

    Attributes:
        method: as PUT.
        path: matched in whole.
        body_bytes_max: largest body.
        deadline_s: for the whole request.
    """

    method: str
    path: Pattern[str]
    body_bytes_max: int
    deadline_s: float


class Edge:
    """ASGI middleware, the outermost.

    Args:
        app: what it stands around.
        telemetry: spans, and the histogram of answers.
        body_bytes_max: largest body, counted as it comes in.
        deadline_s: for a whole request, its body included.
        in_hand_max: requests at once; more are told to try again.
        deprecated: what goes away.
        large: where other limits hold.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        telemetry: Telemetry,
        body_bytes_max: int,
        deadline_s: float,
        in_hand_max: int,
        deprecated: Sequence[Deprecated] = DEPRECATED,
        large: Sequence[Large] = (),
    ) -> None:
        self._app = app
        self._large = tuple(large)
        self._telemetry = telemetry
        self._body_bytes_max = body_bytes_max
        self._deadline_s = deadline_s
        self._in_hand_max = in_hand_max
        self._in_hand = 0
        self._deprecated = deprecated
        self._seconds = Histogram(
            "http_server_request_duration_seconds",
            "Time to answer a request",
            ["method", "route", "status"],
            registry=telemetry.registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, scope["path"], self._deprecated)
        if not is_served(Headers(scope=scope).get(HEADER, "")):
            await respond(_NO_SUCH_VERSION)(scope, receive, answer.send)
        elif scope["path"] in QUIET:
            await self._app(scope, receive, answer.send)
        elif self._in_hand >= self._in_hand_max:
            await respond(_BUSY)(scope, receive, answer.send)
        else:
            self._in_hand += 1
            try:
                await self._traced(scope, receive, answer)
            finally:
                self._in_hand -= 1

    async def _traced(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        """Run a request in a span of its own.

        A caller's ``traceparent`` becomes a link, not the parent: a concern's trace begins where it is accepted.
        """
        method, started = scope["method"], perf_counter()
        linked = Headers(scope=scope).get("traceparent", "")
        with self._telemetry.act(f"{method} request", linked_to=linked, kind=SpanKind.SERVER) as (span, _):
            await self._answered(scope, receive, answer)
            route = getattr(scope.get("route"), "path", "unmatched")
            method = method if route != "unmatched" else "any"  # labels stay few, whatever is sent
            self._seconds.labels(method, route, str(answer.status)).observe(perf_counter() - started)
            if span.is_recording():
                span.update_name(f"{method} {route}")
                attributes: dict[str, str | int] = {
                    "http.request.method": method,
                    "http.route": route,
                    "http.response.status_code": answer.status,
                }
                set_attributes(span, attributes)
                if answer.status >= 500:
                    span.set_status(Status(StatusCode.ERROR))

    async def _answered(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        """See that there is an answer, a problem if there is no other; half an answer is broken off."""
        limit, deadline_s = self._limits(scope)
        try:
            async with asyncio.timeout(deadline_s) as deadline:
                await self._app(scope, self._limited(scope, receive, limit), answer.send)
        except Problem as refused:  # before any route took it
            await respond(refused)(scope, receive, answer.send)
        except TimeoutError:
            if answer.status:
                raise
            _log.warning("a request took too long", deadline_s=deadline_s, code="too_slow")
            found = _TOO_SLOW if deadline.expired() else _FAILED
            await respond(found)(scope, receive, answer.send)
        except Exception as error:
            if answer.status:
                raise
            _log.error("a request failed", error=type(error).__name__)
            await respond(_FAILED)(scope, receive, answer.send)

    def _limits(self, scope: Scope) -> tuple[int, float]:
        """Give the bytes and seconds a request may take."""
        for large in self._large:
            if large.method == scope["method"] and large.path.fullmatch(scope["path"]):
                return large.body_bytes_max, large.deadline_s
        return self._body_bytes_max, self._deadline_s

    def _limited(self, scope: Scope, receive: Receive, limit: int) -> Receive:
        """Refuse a body that is too large: at once when it says so, else as soon as it is.

        Raises:
            Problem: 413.
        """
        too_large = Problem(413, "too_large", f"a request is at most {limit} bytes: send less at once")
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdecimal() or int(declared) > limit:
            raise too_large
        size = 0

        async def limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > limit:
                raise too_large
            return message

        return limited


class _Answer:
    """What is sent back: its status, and the headers every answer has."""

    def __init__(self, send: Send, path: str, deprecated: Sequence[Deprecated]) -> None:
        self._send = send
        self._path = path
        self._deprecated = deprecated
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            _secure(message)
            for name, value in headers_for(self._path, self._deprecated):
                MutableHeaders(scope=message).append(name, value)
        await self._send(message)


def _secure(message: MutableMapping[str, Any]) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    if not headers.get("content-type", "").startswith("text/html"):  # a page states a policy of its own
        headers.setdefault("content-security-policy", JSON_POLICY)
