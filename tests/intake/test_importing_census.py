"""``concern-relay import cin-census`` against intake on a real port: whole, twice adds nothing, a change corrects."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.workbench.import_cli import app
from tests.intake.test_concern_cli import served
from tests.unit.imports.census_files import census, referrals

pytestmark = pytest.mark.database

CHILDREN = 60
CONCERNS = sum(referrals(n) for n in range(CHILDREN))


async def imported(path: Path, *options: str) -> tuple[int, dict[str, Any], dict[str, int]]:
    """Import a census; give exit code, envelope and the last line."""
    result = await asyncio.to_thread(
        CliRunner().invoke, app, ["cin-census", str(path), "--agency", "larkfield-primary", "--json", *options]
    )
    envelope, last = (json.loads(line) for line in result.stdout.splitlines())
    return result.exit_code, envelope, last


async def test_a_census_is_imported_whole_and_again_adds_nothing(new_intake, tmp_path, monkeypatch):
    """Every child and referral is accounted for; the second time nothing is recorded; a corrected file corrects."""
    path = tmp_path / "census.xml"
    path.write_text(census(range(CHILDREN)))
    async with new_intake() as intake, served(intake, tmp_path, monkeypatch):
        exit_code, _, first = await imported(path)
        events = await intake.recorded()
        _, again_envelope, again = await imported(path)

        assert exit_code == 0
        assert (first["children"], first["concerns"], first["new"]) == (CHILDREN, CONCERNS, CONCERNS)
        assert first["unread"] == 0
        assert len(events) == CONCERNS
        assert all(event.data.history for event in events)
        assert (again["children"], again["concerns"], again["new"], again["unread"]) == (CHILDREN, CONCERNS, 0, 0)
        assert again_envelope["data"]["repeated"] == CONCERNS
        assert await intake.recorded() == events

        path.write_text(census(range(CHILDREN)).replace("<PrimaryNeedCode>N1<", "<PrimaryNeedCode>N5<"))
        _, corrected, _ = await imported(path)

        changed = census(range(CHILDREN)).count("<PrimaryNeedCode>N1<")
        assert (corrected["data"]["new"], corrected["data"]["corrected"]) == (0, changed)
        kinds = [event.type for event in (await intake.recorded())[len(events) :]]
        assert kinds == ["InformationCorrected"] * changed


async def test_an_import_that_was_cut_goes_on_when_it_is_run_again(new_intake, tmp_path, monkeypatch):
    """Given an import of the first half, when the whole file comes, then only the other half is new."""
    half, whole = tmp_path / "half.xml", tmp_path / "whole.xml"
    half.write_text(census(range(20)))
    whole.write_text(census(range(40)))
    async with new_intake() as intake, served(intake, tmp_path, monkeypatch):
        await imported(half)

        _, _, last = await imported(whole)

        assert last["new"] == sum(referrals(n) for n in range(20, 40))


async def test_one_broken_child_and_one_refused_referral_stop_nothing(new_intake, tmp_path, monkeypatch):
    """What cannot be read is named with line and child; everything else is recorded."""
    path = tmp_path / "census.xml"
    lines = census(range(10)).splitlines(keepends=True)
    path.write_text("".join([*lines[:5], "<Child><LAchildID></Child>\n", *lines[5:]]))
    async with new_intake() as intake, served(intake, tmp_path, monkeypatch):
        exit_code, envelope, last = await imported(path)

        assert (exit_code, last["children"], last["unread"]) == (1, 11, 1)
        assert last["new"] == sum(referrals(n) for n in range(10))
        assert envelope["findings"][0]["line"] == 6


async def test_nothing_running_is_said_and_nothing_is_sent(tmp_path, monkeypatch):
    """Without intake: a finding that says what to do, exit 1; a dry run needs none."""
    path = tmp_path / "census.xml"
    path.write_text(census(range(3)))
    monkeypatch.setenv("RELAY_STATE_DIR", str(tmp_path / "nowhere"))
    monkeypatch.delenv("RELAY_URL", raising=False)

    exit_code, envelope, last = await imported(path)
    dry_code, _, dry = await imported(path, "--dry-run")

    assert (exit_code, envelope["findings"][0]["code"], last["new"]) == (1, "not_running", 0)
    assert (dry_code, dry["children"], dry["new"]) == (0, 3, 0)
