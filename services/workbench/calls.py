"""Calls to a running house over HTTP: where it is, as whom, with a deadline, and problems read back."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import httpx
import typer

from services.workbench.output import Finding
from services.workbench.servers.state import chosen

Practice = Annotated[bool, typer.Option("--test", help="What practice concerns led to, instead of real ones.")]
"""An option of every command that lists what waits for an agency."""

DEADLINE_S = 15.0
DOWNLOAD_DEADLINE_S = 60.0
"""Between two pieces of a download."""


_NOT_WHOM_OR_WHERE = frozenset({401, 403, 404})
"""What is answered to the wrong caller, and at the wrong address."""


def _told_by_shell() -> str:
    """Say what this shell sets in place of the agency that was named and the house that runs here; empty: nothing."""
    set_ = [name for name in ("RELAY_TOKEN", "RELAY_URL") if os.environ.get(name)]
    return f"{' and '.join(set_)}, set in this shell, came before --agency and the house that runs here" if set_ else ""


class CallError(Exception):
    """A call that got no answer, or an answer that says no.

    Attributes:
        status: HTTP status, 0 when there was no answer.
        code: stable code of the problem.
        retry_after_s: when to come again, where that was said.
    """

    def __init__(self, status: int, code: str, detail: str, retry_after_s: float = 0.0) -> None:
        """Say what was wrong and what to do."""
        super().__init__(detail)
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s


@cache
def _client() -> httpx.Client:
    """One client a process: connections are kept, and certificates are read once."""
    return httpx.Client(timeout=DEADLINE_S)


@dataclass(frozen=True)
class Calls:
    """Where the services answer, and the tokens to call them with.

    Attributes:
        urls: per service.
        tokens: folder of bearer tokens, one file an agency.
    """

    urls: dict[str, str]
    tokens: Path

    def __call__(self, service: str, method: str, path: str, *, agency: str, **options: Any) -> Any:
        """Call a service as an agency, or as the supplier RELAY_SUPPLIER for it; give the decoded JSON.

        Raises:
            CallError: no answer, or a problem.
        """
        supplier = os.environ.get("RELAY_SUPPLIER", "")
        behalf = {"On-Behalf-Of": agency} if supplier else {}
        headers = {
            "Authorization": f"Bearer {self.token(supplier or agency)}",
            **behalf,
            **options.pop("headers", {}),
        }
        try:
            response = _client().request(method, self.url(service) + path, headers=headers, **options)
        except httpx.HTTPError as error:
            raise CallError(
                0, "no_answer", f"{service} does not answer ({type(error).__name__}): is it running? `make run`"
            ) from error
        try:
            return read(response)
        except CallError as error:
            if error.status not in _NOT_WHOM_OR_WHERE or not (told := _told_by_shell()):
                raise
            raise CallError(error.status, error.code, f"{error} ({told})", error.retry_after_s) from error

    def download(self, service: str, path: str, *, agency: str, json: Any, to: BinaryIO) -> str:
        """Write the bytes a service answers with to a file, held against the digest it states; give their SHA-256.

        Raises:
            CallError: no answer, a problem, or bytes that are cut short or others than stated.
        """
        headers = {"Authorization": f"Bearer {self.token(agency)}"}
        digest = hashlib.sha256()
        try:
            with _client().stream(
                "POST", self.url(service) + path, headers=headers, json=json, timeout=DOWNLOAD_DEADLINE_S
            ) as response:
                if not response.is_success:
                    response.read()
                    read(response)
                for chunk in response.iter_raw():
                    digest.update(chunk)
                    to.write(chunk)
        except httpx.HTTPError as error:
            raise CallError(0, "cut_short", f"the bytes did not come whole ({type(error).__name__}): again") from error
        stated = response.headers.get("repr-digest", "")
        if base64.b64encode(digest.digest()).decode() not in stated:
            raise CallError(0, "digest_differs", "the bytes are not those that were stated: fetch them again")
        return digest.hexdigest()

    def url(self, service: str) -> str:
        """Where a service answers.

        Raises:
            CallError: nothing runs here.
        """
        if service not in self.urls:
            raise CallError(0, "not_running", "nothing runs here: start it with `make run`, or set RELAY_URL")
        return self.urls[service]

    def token(self, agency: str) -> str:
        """Give the bearer token of an agency: RELAY_TOKEN, or the local one.

        Raises:
            CallError: there is none.
        """
        if token := os.environ.get("RELAY_TOKEN"):
            return token
        path = self.tokens / f"{agency}.jwt"
        try:
            return path.read_text().strip()
        except OSError as error:
            raise CallError(
                0, "no_token", f"no token for {agency!r}: is it an agency of the arrangement? See {path.parent.name}/"
            ) from error


def read(response: httpx.Response) -> Any:
    """Give the JSON of an answer.

    Raises:
        CallError: with the code and detail of a problem.
    """
    try:
        body = response.json() if response.content else {}
    except ValueError:
        body = {}
    if response.is_success:
        return body
    problem = body if isinstance(body, dict) else {}
    detail = problem.get("detail") or problem.get("title") or f"status {response.status_code}"
    for error in problem.get("errors", ())[:5]:
        detail += f"; {error.get('pointer', '')}: {error.get('detail', '')}"
    again = response.headers.get("retry-after", "")
    code = str(problem.get("code", response.status_code))
    raise CallError(response.status_code, code, str(detail), float(again) if again.isdecimal() else 0.0)


def asked(service: str, agency: str, method: str, path: str, **options: Any) -> tuple[Any, list[Finding]]:
    """Call a service of the house that runs here; give its answer, or the finding that says why there is none."""
    try:
        return local_calls()(service, method, path, agency=agency, **options), []
    except CallError as error:
        return None, [Finding(error.code, str(error))]


def local_calls(state_dir: Path | None = None) -> Calls:
    """Find the house that runs here: RELAY_URL for all of it, else ``endpoints.json`` of the state folder."""
    state = chosen(state_dir)
    if url := os.environ.get("RELAY_URL"):
        return Calls(
            dict.fromkeys(("intake", "routing", "basis_assessment", "audit", "console"), url), state / "tokens"
        )
    try:
        urls = json.loads((state / "endpoints.json").read_text())
    except (OSError, ValueError):
        urls = {}
    return Calls(urls, state / "tokens")
