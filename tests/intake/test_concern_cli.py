"""``concern-relay concern`` against intake on a real port."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from services.chassis.server import HttpServer
from services.chassis.settings import Settings
from services.workbench.concern_cli import app
from tests.chassis.rig import eventually, running
from tests.intake.rig import Intake
from tests.unit.intake.events import CANARY, submission

pytestmark = pytest.mark.database

SAMPLES = Path(__file__).parents[2] / "deploy" / "samples"
Run = Callable[..., Any]


@asynccontextmanager
async def served(intake: Intake, state: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Run]:
    """Serve intake, write the files the supervisor would write, and give the command line."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    server = HttpServer(intake.app, Settings(service="intake", http_port=port))
    (state / "tokens").mkdir()
    for agency in {"larkfield-primary", *_sample_agencies()}:
        (state / "tokens" / f"{agency}.jwt").write_text(intake.token(agency) + "\n")
    (state / "endpoints.json").write_text(json.dumps({"intake": f"http://127.0.0.1:{port}"}))
    monkeypatch.setenv("RELAY_STATE_DIR", str(state))
    for name in ("RELAY_URL", "RELAY_TOKEN", "RELAY_AGENCY"):
        monkeypatch.delenv(name, raising=False)

    async def run(*arguments: str, stdin: bytes = b"") -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, list(arguments), input=stdin)

    async def listening() -> bool:
        return server._server.started

    async with running(server.run, server.stop):
        await eventually(listening, "the port")
        yield run


def _sample_agencies() -> set[str]:
    return {json.loads(line)["agency"] for line in (SAMPLES / "concerns.ndjson").read_text("utf-8").splitlines()}


def envelope(result: Result) -> dict[str, Any]:
    """Give the one JSON envelope."""
    found: dict[str, Any] = json.loads(result.stdout)
    assert found.keys() == {"ok", "command", "data", "findings"}
    return found


async def test_the_samples_are_raised_and_raising_them_again_adds_nothing(new_intake, tmp_path, monkeypatch):
    """Every line is accepted; the second time every one is known."""
    async with new_intake() as intake, served(intake, tmp_path, monkeypatch) as run:
        path = str(SAMPLES / "concerns.ndjson")

        first = envelope(await run("raise", path, "--json"))
        events = await intake.recorded()
        again = envelope(await run("raise", path, "--json"))

        lines = first["data"]["accepted"] + first["data"]["refused"]
        assert lines >= 60
        assert (first["ok"], first["data"]["accepted"], first["data"]["refused"]) == (True, lines, 0)
        assert (first["data"]["new"], first["data"]["corrected"], first["data"]["repeated"]) == (lines - 2, 1, 1)
        assert (again["ok"], again["data"]["repeated"]) == (True, lines)
        assert await intake.recorded() == events


async def test_a_line_that_is_refused_is_named_and_does_not_stop_the_next(new_intake, tmp_path, monkeypatch):
    """Its number, its field, its remedy; exit 1; and none of its words."""
    async with new_intake() as intake, served(intake, tmp_path, monkeypatch) as run:
        good = json.dumps(submission(reference="a"))
        bad = json.dumps(submission(reference="b", peple=CANARY))
        stdin = "\n".join([good, "{not json}", bad, json.dumps(submission(reference="c"))]).encode()

        result = await run("raise", "-", "--agency", "larkfield-primary", "--json", stdin=stdin)

        given = envelope(result)
        assert result.exit_code == 1
        assert (given["ok"], given["data"]["accepted"], given["data"]["refused"]) == (False, 2, 2)
        assert [(f["line"], f["code"]) for f in given["findings"]] == [(2, "not_json"), (3, "field_wrong")]
        assert "Did you mean people" in given["findings"][1]["detail"]
        assert not any(word in result.output for word in CANARY.split())
        assert len(await intake.recorded()) == 2


async def test_a_person_reads_what_to_do(new_intake, tmp_path, monkeypatch):
    """Without --json: a line for each, its warnings, and for an emergency the call to 999."""
    async with new_intake() as intake, served(intake, tmp_path, monkeypatch) as run:
        result = await run("raise", str(SAMPLES / "emergency.json"), "-a", "nightline-helpline")

        assert result.exit_code == 0
        assert "line 1: new" in result.output
        assert "Call 999 now" in result.output
        assert "1 accepted (1 new, 0 corrected, 0 sent before), 0 refused" in result.output


async def test_show_and_list(new_intake, tmp_path, monkeypatch):
    """One's own, by id and as a list; another's is not there."""
    async with new_intake() as intake, served(intake, tmp_path, monkeypatch) as run:
        raised = envelope(
            await run("raise", "-", "-a", "larkfield-primary", "--json", stdin=json.dumps(submission()).encode())
        )
        concern = raised["data"]["concerns"][0]["concern_id"]

        shown = envelope(await run("show", concern, "-a", "larkfield-primary", "--json"))
        listed = envelope(await run("list", "-a", "larkfield-primary", "--json"))
        none = envelope(await run("list", "-a", "larkfield-primary", "--state", "acknowledged", "--json"))
        stranger = await run("show", str(uuid4()), "-a", "larkfield-primary", "--json")
        wrong = await run("show", "42", "--json")

        assert shown["data"]["status"]["state"] == "received"
        assert [c["concern_id"] for c in listed["data"]["concerns"]] == [concern]
        assert none["data"]["concerns"] == []
        assert (stranger.exit_code, envelope(stranger)["findings"][0]["code"]) == (1, "no_such_concern")
        assert (wrong.exit_code, envelope(wrong)["ok"]) == (2, False)


async def test_what_cannot_be_done_is_said(new_intake, tmp_path, monkeypatch):
    """No file, nothing in it, nobody to send as, nothing running."""
    async with new_intake() as intake, served(intake, tmp_path, monkeypatch) as run:
        body = json.dumps(submission()).encode()

        missing = await run("raise", str(tmp_path / "none.json"), "--json")
        empty = await run("raise", "-", "--json", stdin=b"\n")
        nobody = await run("raise", "-", "--json", stdin=body)
        stranger = await run("raise", "-", "--json", "-a", "nobody-here", stdin=body)
        (tmp_path / "endpoints.json").unlink()
        stopped = await run("raise", "-", "--json", "-a", "larkfield-primary", stdin=body)

        assert missing.exit_code == 2
        codes = [envelope(r)["findings"][0]["code"] for r in (empty, nobody, stranger, stopped)]
        assert codes == ["empty", "no_agency", "no_token", "not_running"]
        assert {r.exit_code for r in (empty, nobody, stranger, stopped)} == {1}


async def test_the_token_of_the_environment_is_used(new_intake, tmp_path, monkeypatch):
    """As a supplier would run it: RELAY_URL and RELAY_TOKEN, no agency named."""
    async with new_intake() as intake, served(intake, tmp_path, monkeypatch) as run:
        url = json.loads((tmp_path / "endpoints.json").read_text())["intake"]
        monkeypatch.setenv("RELAY_URL", url)
        monkeypatch.setenv("RELAY_TOKEN", intake.token("stourside-academy"))

        result = await run("raise", "-", "--json", stdin=json.dumps(submission()).encode())

        assert result.exit_code == 0
        assert [e.data.agency_id for e in await intake.recorded()] == ["stourside-academy"]
