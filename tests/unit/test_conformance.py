"""The conformance suite finds what is wrong: a relay that says yes to all, one that says no, one that is not there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from services.workbench.conformance import Outcome, Target, conform, every
from services.workbench.conformance_command import conformance_command

pytestmark = pytest.mark.exhaustive

YES = {
    "concern_id": "7771a82d-7eba-8022-a41b-e27be104aaed",
    "status_url": "/v1/concerns/7771a82d-7eba-8022-a41b-e27be104aaed",
    "receipt": {"concern_id": "7771a82d-7eba-8022-a41b-e27be104aaed"},
    "warnings": [], "notice": [], "repeated": False, "corrected": False, "same_reference_as": None,
}  # fmt: skip
SOME_PASS = {"raise.least", "raise.full"}
"""A relay that says yes to all does take what must be taken."""


@contextmanager
def answering(status: int, body: object) -> Iterator[str]:
    """A server that gives one answer to all."""

    class Always(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            said = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = _answer  # noqa: N815  (the library's names)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Always)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _passed(url: str) -> set[str]:
    return {r.name for r in conform(Target(url, "token")) if r.outcome is not Outcome.FAIL}


def test_a_relay_that_says_yes_to_everything_fails():
    """Given 202 to all, only the checks that want a 202 and nothing else pass; each failure says what to look at."""
    with answering(202, YES) as url:
        results = conform(Target(url, "token"))

    assert {r.name for r in results if r.outcome is Outcome.PASS} <= SOME_PASS
    assert all(r.detail and r.remedy and r.clause for r in results if r.outcome is Outcome.FAIL)


@pytest.mark.parametrize(("status", "body"), [(422, {"code": "no"}), (500, {}), (200, []), (200, "x"), (404, {})])
def test_a_relay_that_answers_anything_else_fails_every_check(status, body):
    """Given another answer to all, not one check passes, and none crashes the suite."""
    with answering(status, body) as url:
        assert _passed(url) == set()


def test_a_relay_that_is_not_there_fails_every_check():
    """Given nobody at the address, each check says that there was no answer."""
    results = conform(Target("http://127.0.0.1:9", "token"))

    assert len(results) == len(every("http"))
    assert {r.outcome for r in results} == {Outcome.FAIL}
    assert all("no answer" in r.detail for r in results)


@pytest.mark.parametrize(
    ("url", "token", "kafka"), [("relay.example", "t", ""), ("http://x", "", ""), ("http://x", "t", "no such file")]
)
def test_a_wrong_call_is_usage(monkeypatch, capsys, url, token, kafka):
    """Given no address, no token, or no file, exit 2 and what to give."""
    monkeypatch.delenv("RELAY_TOKEN", raising=False)

    found = conformance_command(url, token, "", kafka, as_json=True)

    assert found.exit_code == 2
    assert json.loads(capsys.readouterr().out)["findings"][0]["code"] == "usage"


def test_every_check_has_its_clause_and_its_remedy():
    """Names are told apart by door, and each check says what it holds to and what to look at."""
    checks = every()

    assert len({(check.name, check.door) for check in checks}) == len(checks) >= 30
    assert all(check.clause and check.remedy for check in checks)
