"""The receipt key: made once, kept apart, and its public half where verifiers look."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.chassis.errors import SettingsError
from services.chassis.integrity.note import Signer
from services.chassis.settings import Settings
from services.intake.app import core_of
from services.intake.receipts import publish_key, signer_of


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RELAY_RECEIPT_KEY_FILE", "RELAY_LEDGER_ORIGIN", "RELAY_WATCH_MINUTES"):
        monkeypatch.delenv(name, raising=False)


def settings(state: Path, profile: str = "local") -> Settings:
    """Give settings with this state folder."""
    return Settings(service="intake", state_dir=state, profile=profile)


def test_a_local_key_is_made_once_for_the_ledgers_receipts(tmp_path: Path):
    """The second start signs with the same key; only its owner can read it."""
    first, second = signer_of(settings(tmp_path)), signer_of(settings(tmp_path))

    assert first == second
    assert first.name == "concern-relay.local/ledger/receipts"
    assert (tmp_path / "secrets" / "receipts.key").stat().st_mode & 0o777 == 0o600


def test_production_makes_no_key(tmp_path: Path):
    """A key that appears by itself on a new machine would make old receipts worthless."""
    with pytest.raises(SettingsError, match="RELAY_RECEIPT_KEY_FILE is not set"):
        signer_of(settings(tmp_path, "production"))


@pytest.mark.parametrize("text", ["", "nonsense", "PRIVATE+KEY+a+b+c", Signer("another", b"s" * 32).secret()])
def test_a_file_that_holds_no_such_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str):
    """With what to do, and nothing of the file."""
    path = tmp_path / "key"
    path.write_text(text)
    monkeypatch.setenv("RELAY_RECEIPT_KEY_FILE", str(path))

    with pytest.raises(SettingsError) as refused:
        signer_of(settings(tmp_path))
    assert "nonsense" not in str(refused.value)


def test_earlier_public_keys_stay_published(tmp_path: Path):
    """Old receipts stay good after a change of key; the newest stands first, and each once."""
    old, new = Signer("a/receipts", b"o" * 32).verifier, Signer("a/receipts", b"n" * 32).verifier
    for verifier in (old, new, new):
        publish_key(tmp_path, verifier)

    assert (tmp_path / "receipts.keys").read_text().split() == [str(new), str(old)]


@pytest.mark.parametrize(("text", "minutes"), [("", 15), ("5", 5), ("0.5", 0.5)])
def test_the_watch_is_set_in_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, minutes: float):
    """Fifteen where nothing is said."""
    monkeypatch.setenv("RELAY_WATCH_MINUTES", text)

    assert core_of(settings(tmp_path)).watch.total_seconds() == minutes * 60


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan", "100000"])
def test_a_watch_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str):
    """A watch that never ends would be no watch."""
    monkeypatch.setenv("RELAY_WATCH_MINUTES", text)

    with pytest.raises(SettingsError, match="RELAY_WATCH_MINUTES"):
        core_of(settings(tmp_path))
