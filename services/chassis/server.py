"""The HTTP server inside a service process."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, nullcontext

import uvicorn
from fastapi import FastAPI

from services.chassis.settings import Settings

KEEP_ALIVE_S = 15
DRAIN_S = 10
CONCURRENCY_MAX = 500


class HttpServer:
    """Serves an app until stopped; signals are the service's business, not this server's."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        config = uvicorn.Config(
            app,
            host=settings.http_host,
            port=settings.http_port,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=DRAIN_S,
            limit_concurrency=CONCURRENCY_MAX,
            server_header=False,
        )
        self._server = _Unsignalled(config)

    def stop(self) -> None:
        """Finish the requests in hand, then end."""
        self._server.should_exit = True

    async def run(self) -> None:
        """Serve.

        Raises:
            OSError: the port is taken.
        """
        await self._server.serve()
        if not self._server.started:
            raise OSError("the HTTP port is taken: set RELAY_HTTP_PORT to another, or 0 for any")
        await asyncio.sleep(0)


class _Unsignalled(uvicorn.Server):
    """Leaves SIGTERM and SIGINT to the service, and an occupied port to an error instead of an exit."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Capture none."""
        return nullcontext()
