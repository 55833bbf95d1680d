"""``concern-relay import csv`` against intake on a real port: live or history, twice adds nothing, rejects are kept."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.workbench.import_cli import app
from tests.intake.test_concern_cli import SAMPLES, served

pytestmark = pytest.mark.database


async def imported(file: Path, *options: str) -> tuple[int, dict[str, Any], dict[str, int]]:
    """Import a CSV file by the police sample's mapping; give exit code, envelope and the last line."""
    mapping = str(SAMPLES / "police-notifications.mapping.yaml")
    said = ["csv", str(file), "--mapping", mapping, "--agency", "larkfield-primary", "--json", *options]
    result = await asyncio.to_thread(CliRunner().invoke, app, said)
    envelope, last = (json.loads(line) for line in result.stdout.splitlines())
    return result.exit_code, envelope, last


async def test_live_rows_are_live_concerns_and_again_add_nothing(new_intake, tmp_path, monkeypatch):
    """Four rows, four concerns that are sent on; the second time none is new."""
    async with new_intake() as intake, served(intake, tmp_path, monkeypatch):
        exit_code, _, first = await imported(SAMPLES / "police-notifications.csv", "--live")
        _, _, again = await imported(SAMPLES / "police-notifications.csv", "--live")

        assert exit_code == 0
        assert (first["rows"], first["new"], first["unread"]) == (4, 4, 0)
        assert (again["concerns"], again["new"]) == (4, 0)
        assert [event.data.history for event in await intake.recorded()] == [False] * 4


async def test_a_row_that_intake_refuses_is_kept_and_the_next_goes_on(new_intake, tmp_path, monkeypatch):
    """Given a row without any words, then it lies in the rejects with intake's pointer, and the others are recorded."""
    rows = (SAMPLES / "police-notifications.csv").read_text("cp1252").replace("Sister, found with him.", "")
    file = tmp_path / "export.csv"
    file.write_text(rows.replace('""', ""), "cp1252")
    async with new_intake() as intake, served(intake, tmp_path, monkeypatch):
        exit_code, envelope, last = await imported(file)

        assert (exit_code, last["rows"], last["new"], last["unread"]) == (1, 4, 3, 1)
        assert envelope["findings"][0]["code"] == "field_wrong"
        assert envelope["data"]["rejected_file"] == "export.rejected.csv"
        assert "/items/0/text" in (tmp_path / "export.rejected.csv").read_text()
        assert all(event.data.history for event in await intake.recorded())
