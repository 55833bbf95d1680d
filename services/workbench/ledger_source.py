"""An export of the ledger as a stream to read from: a file, a running audit over HTTP, or the audit database itself."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

import asyncpg
import httpx

from services.audit.ledger import snapshot

DATABASE_DEADLINE_S: Final = 60.0
HTTP_DEADLINE_S: Final = 60.0

#: Told the bytes that went by.
Told = Callable[[bytes], None]
#: Gives an export, chunk by chunk.
Export = Callable[[], AsyncIterator[bytes]]


class SourceError(Exception):
    """The export cannot be had; the message says why and what to do."""


def of_database(url: str, origin: str, *, unsigned: bool) -> Export:
    """Read the audit database, up to the newest checkpoint or to its very end."""

    async def chunks() -> AsyncIterator[bytes]:
        connection = await asyncpg.connect(url, timeout=DATABASE_DEADLINE_S, command_timeout=DATABASE_DEADLINE_S)
        try:
            async with snapshot(connection) as ledger:
                async for chunk in ledger.export(origin, unsigned=unsigned):
                    yield chunk
        finally:
            await connection.close(timeout=DATABASE_DEADLINE_S)

    return chunks


def of_http(url: str, token: str) -> Export:
    """Fetch the export of a running audit."""

    async def chunks() -> AsyncIterator[bytes]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        path = f"{url.rstrip('/')}/v1/ledger/export"
        async with (
            httpx.AsyncClient(timeout=HTTP_DEADLINE_S) as client,
            client.stream("GET", path, headers=headers) as answer,
        ):
            if answer.status_code != 200:
                raise SourceError(f"audit answered with status {answer.status_code}: does the token allow audit?")
            async for chunk in answer.aiter_bytes():
                yield chunk

    return chunks


@contextmanager
def from_file(path: Path) -> Iterator[BinaryIO]:
    """Open an export file.

    Raises:
        SourceError: it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error


@contextmanager
def streamed(export: Export, told: Told) -> Iterator[BinaryIO]:
    """Give an export as a stream, fed by a thread as it is read: nothing is held, whatever its size.

    Raises:
        SourceError: it could not be had to its end.
    """
    read, write = os.pipe()
    feeding = _Feeding(export, told, write)
    feeding.start()
    with os.fdopen(read, "rb", buffering=1 << 20) as stream:
        try:
            yield stream
        finally:
            stream.close()
            feeding.join()
    if feeding.failure is not None:
        raise SourceError(f"the export broke off: {feeding.failure}") from feeding.failure


class _Feeding(threading.Thread):
    def __init__(self, export: Export, told: Told, write: int) -> None:
        super().__init__(name="export", daemon=True)
        self._export = export
        self._told = told
        self._write = write
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._feed())
        except BrokenPipeError:
            return  # whoever reads has seen enough
        except (OSError, TimeoutError, SourceError, httpx.HTTPError, asyncpg.PostgresError) as error:
            self.failure = error

    async def _feed(self) -> None:
        with os.fdopen(self._write, "wb", buffering=0) as out, suppress(BrokenPipeError):
            async for chunk in self._export():
                rest = memoryview(chunk)
                while rest:
                    rest = rest[out.write(rest) :]
                self._told(chunk)
