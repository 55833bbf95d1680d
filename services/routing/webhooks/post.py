"""One POST: to an address that was checked, without redirects, with a deadline and a limit on what is read back."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Final, Self, cast

import httpcore

from services.routing.webhooks.reach import Reach

DEADLINE_S: Final = 10.0
"""For a whole attempt: name, connection, TLS, answer."""

CONNECT_S: Final = 5.0
ANSWER_BYTES_MAX: Final = 4096
"""More is not read: nothing in an answer matters but its status, and the challenge."""

CONNECTIONS_MAX: Final = 200
KEPT_MAX: Final = 0
"""No connection is used twice: an endpoint that answers twice would answer the next message before it was sent."""

ADDRESSES_MAX: Final = 4
USER_AGENT: Final = "concern-relay/1"


class NotReachable(httpcore.ConnectError):
    """The name resolves to something that may not be called."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: HTTP status; 0 when there was none.
        reason: stable code: ok, gone, refused, redirected, failed, timeout, no_connection, not_public.
        retry_after_s: of the answer, 0 for none.
        body: its first bytes.
    """

    status: int
    reason: str
    retry_after_s: float = 0.0
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Taken: any 2xx."""
        return self.reason == "ok"

    @property
    def of_endpoint(self) -> bool:
        """Whether the endpoint as a whole seems to be away, rather than this one message refused."""
        return self.reason in {"failed", "timeout", "no_connection", "not_public"}


class Poster:
    """Posts to endpoints; use as a context manager.

    Args:
        reach: what may be called.
        tls: context for https; the system's trust when left out.
        deadline_s: for an attempt.
    """

    def __init__(self, reach: Reach, tls: ssl.SSLContext | None = None, deadline_s: float = DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or ssl.create_default_context(),
            max_connections=CONNECTIONS_MAX,
            max_keepalive_connections=KEPT_MAX,
            network_backend=_Pinned(reach),
        )

    async def __aenter__(self) -> Self:
        """Open."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self._pool.aclose()

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """Send one message; whatever goes wrong is an answer."""
        own = {"content-type": "application/json", "user-agent": USER_AGENT, "content-length": str(len(body))}
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._asked(url, [*own.items(), *headers.items()], body)
        except NotReachable:
            return Answer(0, "not_public")
        except (TimeoutError, httpcore.TimeoutException):
            return Answer(0, "timeout")
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError):
            return Answer(0, "no_connection")

    async def _asked(self, url: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        host = httpcore.URL(url)
        request_headers = [("host", _host_header(host)), *headers]
        timeouts = {"connect": CONNECT_S, "read": self._deadline_s, "write": self._deadline_s, "pool": CONNECT_S}
        response = await self._pool.handle_async_request(
            httpcore.Request("POST", url, headers=request_headers, content=body, extensions={"timeout": timeouts})
        )
        try:
            read = await _first_bytes(response)
        finally:
            await response.aclose()
        return Answer(response.status, _reason(response.status), _retry_after_s(response.headers), read)


def _host_header(url: httpcore.URL) -> str:
    host = url.host.decode("ascii")
    return host if url.port is None else f"{host}:{url.port}"


async def _first_bytes(response: httpcore.Response) -> bytes:
    read = b""
    async for chunk in cast("AsyncIterable[bytes]", response.stream):
        read += chunk
        if len(read) >= ANSWER_BYTES_MAX:
            break
    return read[:ANSWER_BYTES_MAX]


def _reason(status: int) -> str:
    if 200 <= status < 300:
        return "ok"
    if status == 410:
        return "gone"
    if 300 <= status < 400:
        return "redirected"
    return "failed" if status >= 500 or status == 429 else "refused"


def _retry_after_s(headers: list[tuple[bytes, bytes]]) -> float:
    found = next((value for name, value in headers if name.lower() == b"retry-after"), b"")
    return float(found) if found.isdigit() and len(found) < 8 else 0.0


class _Pinned(httpcore.AsyncNetworkBackend):
    """Resolves a name, checks every address, and connects to one that was checked."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (httpcore's own signature)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect.

        Raises:
            NotReachable: any of its addresses may not be called; one bad among them is reason enough.
            ConnectError: none answers.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("the name does not resolve") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not addresses or not all(self._reach.allows(ip_address(one.partition("%")[0])) for one in addresses):
            raise NotReachable("an address of this name is not public")
        last: Exception | None = None
        for address in addresses[:ADDRESSES_MAX]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise httpcore.ConnectError("no address answers") from last

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: an endpoint is never a file.

        Raises:
            NotReachable: always.
        """
        del path, timeout, socket_options
        raise NotReachable("an endpoint is no socket file")

    async def sleep(self, seconds: float) -> None:
        """Wait between tries; there are none."""
        await asyncio.sleep(seconds)
