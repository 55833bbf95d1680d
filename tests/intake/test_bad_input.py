"""Bad input against intake on a real port: each entry of the catalogues gets its answer, and none stops the next."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from services.workbench.import_cli import app
from tests.intake.test_concern_cli import served
from tests.unit.imports.malformed import CENSUSES, MAPPING, TABLES, BadFile
from tests.unit.intake.events import CANARY, submission
from tests.unit.intake.malformed import ATTACHMENTS, CATALOGUE, FOLLOW_UP_PATHS, FOLLOW_UPS
from tests.unit.intake.odd import ODD

pytestmark = [pytest.mark.database, pytest.mark.slow]
HTTP_DEADLINE_S = 20.0


def test_the_catalogues_hold_what_was_asked_for():
    """More than a hundred broken submissions, files and records, each under a name of its own."""
    for catalogue in (CATALOGUE, FOLLOW_UPS, ATTACHMENTS, ODD, CENSUSES, TABLES):
        assert len({entry.name for entry in catalogue}) == len(catalogue)
    assert len(CATALOGUE) + len(ODD) >= 100
    assert len(CENSUSES) + len(TABLES) >= 90


async def test_every_submission_of_the_catalogues_is_answered_over_http(new_intake, tmp_path, monkeypatch):
    """What cannot be taken gets its code and leaves nothing; what is odd is taken and flagged; a good one follows."""
    async with new_intake() as intake, served(intake, tmp_path, monkeypatch):
        url = json.loads((tmp_path / "endpoints.json").read_text())["intake"]
        token = intake.token("larkfield-primary")
        said = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        wrong: list[str] = []
        async with httpx.AsyncClient(base_url=url, headers=said, timeout=HTTP_DEADLINE_S) as client:
            for bad in CATALOGUE:
                answer = await client.post("/v1/concerns", content=bad.body)
                if (answer.status_code, answer.json()["code"]) != (bad.status, bad.code) or CANARY in answer.text:
                    wrong.append(bad.name)
            assert not await intake.recorded()
            for odd in ODD:
                answer = await client.post("/v1/concerns", content=odd.body)
                flags = {warning["code"] for warning in answer.json().get("warnings", ())}
                if answer.status_code != 202 or not odd.flags <= flags:
                    wrong.append(odd.name)
            good = await client.post("/v1/concerns", json=submission(reference="after all that"))

        assert not wrong
        assert good.status_code == 202
        assert len(await intake.recorded()) == len(ODD) + 1


async def test_every_follow_up_and_file_of_the_catalogues_is_answered_over_http(new_intake, tmp_path, monkeypatch):
    """What cannot be taken gets its code, repeats nothing and records nothing; a good one of each follows."""
    async with new_intake() as intake, served(intake, tmp_path, monkeypatch):
        url = json.loads((tmp_path / "endpoints.json").read_text())["intake"]
        said = {"Authorization": f"Bearer {intake.token('larkfield-primary')}", "Content-Type": "application/json"}
        wrong: list[str] = []
        async with httpx.AsyncClient(base_url=url, headers=said, timeout=HTTP_DEADLINE_S) as client:
            raised = (await client.post("/v1/concerns", json=submission())).json()
            nothing = "00000000-0000-4000-8000-000000000000"
            paths = {**FOLLOW_UP_PATHS, "attachment": "attachments", "release": f"attachments/{nothing}/releases"}
            for bad in (*FOLLOW_UPS, *ATTACHMENTS):
                answer = await client.post(f"{raised['status_url']}/{paths[bad.kind]}", content=bad.body)
                if (answer.status_code, answer.json()["code"]) != (bad.status, bad.code) or CANARY in answer.text:
                    wrong.append(bad.name)
            good = await client.post(f"{raised['status_url']}/information", json={"text": "After all that."})

        assert not wrong
        assert good.status_code == 202
        assert [e.type for e in await intake.recorded()] == ["ConcernRaised", "InformationAdded"]


async def imported(entry: BadFile, folder: Path, *command: str) -> str:
    """Import one file; give what was not as the catalogue says, or nothing."""
    file = folder / "file"
    file.write_bytes(entry.content)
    given = [command[0], str(file), "--json", *command[1:]]
    result = await asyncio.to_thread(CliRunner().invoke, app, given)
    if result.exit_code not in (0, 1):
        return f"{entry.name}: exit {result.exit_code}"
    envelope, last = (json.loads(line) for line in result.stdout.splitlines())
    found: dict[str, Any] = {
        "taken": last["concerns"],
        "unread": entry.unread if any(f["code"] == entry.unread for f in envelope["findings"]) else "",
        "warning": entry.warning if any(w["code"] == entry.warning for w in envelope["data"]["by_code"]) else "",
    }
    expected = {"taken": entry.taken, "unread": entry.unread, "warning": entry.warning}
    codes = [f["code"] for f in envelope["findings"]], [w["code"] for w in envelope["data"]["by_code"]]
    return "" if found == expected and bool(last["unread"]) == bool(entry.unread) else f"{entry.name}: {found} {codes}"


async def test_every_broken_census_is_answered_and_what_is_whole_in_it_is_taken(new_intake, tmp_path, monkeypatch):
    """Each file gets its code and place; the children around what is broken are recorded."""
    async with new_intake() as intake, served(intake, tmp_path, monkeypatch):
        for agency in ("kent-csc", "larkfield-primary"):
            (tmp_path / "tokens" / f"{agency}.jwt").write_text(intake.token(agency))

        wrong = [found for entry in CENSUSES if (found := await imported(entry, tmp_path, "cin-census"))]

        assert not wrong, "\n".join(wrong)


async def test_every_broken_table_is_answered_and_its_good_rows_are_taken(new_intake, tmp_path, monkeypatch):
    """Each file gets its code; rows that were not taken lie among the rejects."""
    mapping = tmp_path / "map.yaml"
    mapping.write_text(MAPPING)
    command = ("csv", "--mapping", str(mapping), "--agency", "larkfield-primary", "--history")
    async with new_intake() as intake, served(intake, tmp_path, monkeypatch):
        wrong = [found for entry in TABLES if (found := await imported(entry, tmp_path, *command))]

        assert not wrong, "\n".join(wrong)
