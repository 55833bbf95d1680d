"""The scan hook: a command that reads bytes, or an HTTP endpoint that is sent them. Which, if any, the settings say.

``RELAY_SCAN_COMMAND`` is run for each file with its bytes on standard input: it exits 0 for nothing found, 1 for
something harmful, and with anything else when it cannot say, as ``clamscan`` and ``clamdscan`` do (2 is an error).
``RELAY_SCAN_URL`` is sent the bytes by POST and answers 200 with ``{"clean": true}`` or ``{"clean": false}``. Whatever
else happens is no answer, and without an answer nobody is given the file. A program that crashes may end with 1 too, so
something harmful is believed only of a scan that, asked at once about bytes without harm, finds nothing in those.
"""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx

from services.chassis.errors import RelayError, SettingsError

COMMAND: Final = "RELAY_SCAN_COMMAND"
URL: Final = "RELAY_SCAN_URL"
SCAN_DEADLINE_S: Final = 120.0
ANSWER_BYTES_MAX: Final = 4096
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class ScanAway(RelayError):  # noqa: N818  (a finding with a name of its own)
    """The scan gave no answer; it is tried again, and the file stays in quarantine."""


class Scanner(Protocol):
    """Looks at bytes."""

    async def clean(self, pieces: AsyncIterator[bytes]) -> bool:
        """Say whether nothing harmful was found.

        Raises:
            ScanAway: no answer in time, or none that can be read.
        """


HARMLESS: Final = b"concern-relay\n"


async def found_harm(scanner: Scanner, pieces: AsyncIterator[bytes]) -> bool:
    """Say whether a scan found something harmful, and can tell it from what is not.

    Raises:
        ScanAway: no answer; or it finds harm in anything.
    """
    if await scanner.clean(pieces):
        return False
    if not await scanner.clean(_harmless()):
        raise ScanAway("the scan finds harm in bytes that hold none: it is broken, and what it said is not believed")
    return True


async def _harmless() -> AsyncIterator[bytes]:
    yield HARMLESS


@dataclass(frozen=True, slots=True)
class CommandScanner:
    """Runs a command for each file.

    Attributes:
        command: the program and its arguments; no shell.
        deadline_s: for one file.
    """

    command: tuple[str, ...]
    deadline_s: float = SCAN_DEADLINE_S

    async def clean(self, pieces: AsyncIterator[bytes]) -> bool:
        """Say whether nothing harmful was found."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,  # it may name what it found, and in what
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            raise ScanAway(f"{COMMAND} cannot be run ({type(error).__name__})") from error
        try:
            async with asyncio.timeout(self.deadline_s):
                whole = await _feed(process, pieces)
                code = await process.wait()
        except TimeoutError as error:
            raise ScanAway(f"the scan gave no answer within {self.deadline_s:g} s") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if code == 0 and not whole:
            raise ScanAway("the scan said nothing was found before it had read all of it")
        if code not in (0, 1):
            raise ScanAway(f"the scan ended with {code}; 0 is nothing found, 1 is something harmful")
        return code == 0


async def _feed(process: asyncio.subprocess.Process, pieces: AsyncIterator[bytes]) -> bool:
    """Write the bytes; one that has seen enough may close its end before the last. Give whether all were taken."""
    assert process.stdin is not None
    try:
        async for piece in pieces:
            process.stdin.write(piece)
            await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class HttpScanner:
    """Sends each file to an endpoint.

    Attributes:
        url: where.
        deadline_s: for one file.
    """

    url: str
    deadline_s: float = SCAN_DEADLINE_S

    async def clean(self, pieces: AsyncIterator[bytes]) -> bool:
        """Say whether nothing harmful was found."""
        try:
            async with asyncio.timeout(self.deadline_s), httpx.AsyncClient(timeout=self.deadline_s) as client:
                headers = {"Content-Type": "application/octet-stream"}
                answer = await client.post(self.url, content=pieces, headers=headers)
        except (httpx.HTTPError, TimeoutError) as error:
            raise ScanAway(f"the scan did not answer ({type(error).__name__})") from error
        found = _read(answer) if answer.status_code == 200 and len(answer.content) <= ANSWER_BYTES_MAX else None
        if not isinstance(found, bool):
            raise ScanAway(f'the scan answered {answer.status_code}; it must be 200 with {{"clean": true}} or false')
        return found


def _read(answer: httpx.Response) -> object:
    try:
        body = answer.json()
    except ValueError:
        return None
    return body.get("clean") if isinstance(body, dict) else None


def scanner_of(profile: str, environ: Mapping[str, str] | None = None) -> Scanner | None:
    """Give the scanner the settings name; None where there is none, and then every file is shown as not scanned.

    Raises:
        SettingsError: both are named, or an address that bytes would cross a network to in the clear.
    """
    env = os.environ if environ is None else environ
    command, url = env.get(COMMAND, ""), env.get(URL, "")
    if command and url:
        raise SettingsError(f"{COMMAND} and {URL} are both set: leave one out")
    if command:
        return CommandScanner(tuple(shlex.split(command)))
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{URL} must be an http or https address")
    if profile == "production" and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise SettingsError(f"{URL} must begin with https: the bytes of a file must not cross a network in the clear")
    return HttpScanner(url)
