"""An export of the ledger as a stream to read from: a file, a running audit over HTTP, or the audit database itself.

The database is read by a process of its own (this module, run as a program), so that exporting and verifying go side by
side. It is told where the database is through its standard input, where nobody else can read it.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO, Final, cast

import asyncpg
import httpx

from services.audit.ledger import snapshot

DATABASE_DEADLINE_S: Final = 60.0
HTTP_DEADLINE_S: Final = 60.0

CHILD_DEADLINE_S: Final = 30.0
TOLD_EVERY: Final = 1000
SAID_MAX: Final = 300

#: Told how many more lines went by.
Counted = Callable[[int], None]
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
def exported(url: str, origin: str, told: Counted) -> Iterator[BinaryIO]:
    """Give the export of the audit database as a stream, to its very end; told of every thousand lines.

    Raises:
        SourceError: it could not be had to its end.
    """
    program = (sys.executable, "-m", "services.workbench.ledger_source")
    pipe = subprocess.PIPE
    with subprocess.Popen(program, stdin=pipe, stdout=pipe, stderr=pipe) as child:  # noqa: S603  (our own program)
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdin.write(json.dumps({"url": url, "origin": origin}).encode())
        child.stdin.close()
        stream = _Counting(child.stdout, told)
        try:
            # the verifier reads lines, and nothing else
            yield cast("BinaryIO", stream)
        finally:
            whole = stream.ended
            child.stdout.close()
            said = child.stderr.read().decode(errors="replace").strip()
            status = child.wait(CHILD_DEADLINE_S)
    if status != 0 and whole:
        raise SourceError(f"the export broke off: {said[-SAID_MAX:]}")


class _Counting:
    """A stream that tells how many lines went by."""

    def __init__(self, stream: IO[bytes], told: Counted) -> None:
        self._stream = stream
        self._told = told
        self._lines = 0
        self.ended = False

    def readline(self, limit: int = -1) -> bytes:
        """Give the next line."""
        line = self._stream.readline(limit)
        self._lines += 1
        if self._lines % TOLD_EVERY == 0:
            self._told(TOLD_EVERY)
        self.ended = not line
        return line


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
def streamed(export: Export) -> Iterator[BinaryIO]:
    """Give an export as a stream, fed by a thread as it is read: nothing is held, whatever its size.

    Raises:
        SourceError: it could not be had to its end.
    """
    read, write = os.pipe()
    feeding = _Feeding(export, write)
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
    def __init__(self, export: Export, write: int) -> None:
        super().__init__(name="export", daemon=True)
        self._export = export
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


def main() -> int:
    """Write the export of the database named on standard input to standard output."""
    given = json.load(sys.stdin)
    try:
        asyncio.run(_export(given["url"], given["origin"]))
    except BrokenPipeError:
        return 0  # whoever reads has seen enough
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        sys.stderr.write(type(error).__name__)
        return 1
    return 0


async def _export(url: str, origin: str) -> None:
    with os.fdopen(os.dup(1), "wb") as out:
        async for chunk in of_database(url, origin, unsigned=True)():
            out.write(chunk)


if __name__ == "__main__":
    sys.exit(main())
