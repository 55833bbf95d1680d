"""A call that is answered to the wrong caller says what in this shell decided who calls, and where."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from services.workbench.calls import CallError, Calls


class _No(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer as a service answers a token that may not do this."""
        body = b'{"code": "scope_missing", "detail": "the token does not allow this"}'
        self.send_response(403)
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """A service that says no."""
    server = HTTPServer(("127.0.0.1", 0), _No)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_token_of_the_shell_is_named_where_it_came_before_the_agency(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given RELAY_TOKEN, when a call for another agency is refused, then the answer says which was used."""
    monkeypatch.setenv("RELAY_TOKEN", "another's")

    with pytest.raises(CallError, match=r"RELAY_TOKEN, set in this shell, came before --agency"):
        Calls({"routing": url}, tmp_path)("routing", "GET", "/v1/inbox", agency="kent-csc")


def test_nothing_is_said_of_the_shell_where_it_sets_nothing(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given neither RELAY_TOKEN nor RELAY_URL, then the answer stands as it came."""
    monkeypatch.delenv("RELAY_TOKEN", raising=False)
    monkeypatch.delenv("RELAY_URL", raising=False)
    (tmp_path / "kent-csc.jwt").write_text("mine", encoding="utf-8")

    with pytest.raises(CallError, match=r"^the token does not allow this$"):
        Calls({"routing": url}, tmp_path)("routing", "GET", "/v1/inbox", agency="kent-csc")
