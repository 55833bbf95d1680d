"""A pack with a broken clause, and one that was changed after use: each is said, with its remedy, before it decides."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from concern_relay.v1.assessments_pb2 import BasisAssessed
from services.basis_assessment.app import SERVICE
from services.basis_assessment.law_in_use import MEND
from services.basis_assessment.law_in_use import changed as changed_since
from services.basis_assessment.pack_document import read_book
from services.chassis import service
from services.chassis.settings import REPOSITORY, Settings, from_environment
from services.workbench.law_cli import app

PACK = "working-together-2018.yaml"


@pytest.fixture
def deployed(tmp_path: Path) -> Path:
    """Give a copy of deploy/ that may be broken."""
    return Path(shutil.copytree(REPOSITORY / "deploy", tmp_path / "deploy"))


def settings(deployed: Path) -> Settings:
    """Give settings that lead nowhere: whoever connects before reading what decides is found out."""
    nowhere = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "RELAY_DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    return replace(from_environment(SERVICE.name, nowhere), deploy_dir=deployed, profile="production")


def broken(deployed: Path) -> None:
    """Misspell a word of a clause of the oldest pack."""
    path = deployed / "law" / PACK
    text = path.read_text(encoding="utf-8")
    assert "has: {triggers: fgm_known}" in text
    path.write_text(text.replace("has: {triggers: fgm_known}", "has: {triggers: fgm_knwon}", 1), encoding="utf-8")


def changed(deployed: Path) -> None:
    """Change words of a pack that others are laid over, and that may have decided."""
    path = deployed / "law" / PACK
    path.write_text(path.read_text(encoding="utf-8") + "# a word added later\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (broken, (f"{PACK}:", "fgm_knwon", "fgm_known")),
        (changed, ("uk-gdpr-2021.yaml:", "its digest is", "put its bytes back")),
    ],
)
def test_a_service_does_not_start_on_it_and_says_what_to_mend(
    mistake: object, said: tuple[str, ...], deployed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2 with file, line and remedy, in production too; what came meanwhile waits on the log and is watched."""
    mistake(deployed)  # type: ignore[operator]

    assert asyncio.run(service._run(SERVICE, settings(deployed))) == 2
    told = capsys.readouterr().err
    assert all(each in told for each in said)


@pytest.mark.parametrize("mistake", [broken, changed])
def test_law_check_finds_it_and_exits_with_a_finding(mistake: object, deployed: Path) -> None:
    """The same, before anything is deployed."""
    mistake(deployed)  # type: ignore[operator]

    ran = CliRunner().invoke(
        app, ["check", "--no-proof", *(str(path) for path in sorted((deployed / "law").iterdir()))]
    )

    assert ran.exit_code == 1
    assert ".yaml:" in ran.output


def test_a_pack_changed_after_it_decided_is_said_when_the_service_starts(deployed: Path) -> None:
    """The newest pack has nothing laid over it that would notice; what it decided names the old digest."""
    newest = deployed / "law" / "information-sharing-duty-2026.yaml"
    was = read_book(deployed / "law").by_name(newest.stem)
    assert was is not None
    decided = BasisAssessed(law_pack=was.name, law_pack_sha256=was.sha256)
    unknown = BasisAssessed(law_pack="working-together-1999", law_pack_sha256="0" * 64)
    (deployed / "law" / "information-sharing-duty-2026-commenced.yaml").unlink()
    assert changed_since(read_book(deployed / "law"), [decided]) == ()

    newest.write_text(newest.read_text(encoding="utf-8") + "# a word added later\n", encoding="utf-8")

    assert changed_since(read_book(deployed / "law"), [decided, decided, unknown]) == (was.name,)
    assert "bring the old file back" in MEND
